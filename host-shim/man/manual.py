"""Makes the pages of the manual: a template's prose, and what is known elsewhere.

    manual.py TEMPLATE OUTPUT SOURCE

TEMPLATE is NAME.in of this folder. In place of a line @PART@ comes what SOURCE says:

    hvd.1            what `hvd --json help` prints
    xapi-sim.1       what `xapi-sim --help` prints
    xenapi.conf.5    schemas/org.hvd.xenapi.gschema.xml
    hvd-driver.3     plugin/include/hvd-driver.h
"""

import pathlib
import re
import sys

import config_keys
import driver_header
import program_help

PAGES = {
    "hvd.1": program_help.read_hvd,
    "xapi-sim.1": program_help.read_xapi_sim,
    "xenapi.conf.5": config_keys.read,
    "hvd-driver.3": driver_header.read,
}


def fill(template, parts):
    """Every part has its place, and every place a part."""
    places = re.findall(r"^@(\w+)@$", template, re.MULTILINE)
    if sorted(places) != sorted(parts):
        raise ValueError(f"places {sorted(places)}, parts {sorted(parts)}")
    return re.sub(r"^@(\w+)@\n", lambda match: parts[match[1]], template, flags=re.MULTILINE)


def main(arguments):
    template, output, source = map(pathlib.Path, arguments)
    parts = PAGES[template.name.removesuffix(".in")](source)
    output.write_text(fill(template.read_text(encoding="utf-8"), parts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
