"""Makes C of the schemas at build time.

    generate.py documents OUTPUT.h OUTPUT.c FILE.schema.json...
    generate.py xenapi OUTPUT.h OUTPUT.c xenapi.json
    generate.py config OUTPUT.h OUTPUT.c FILE.gschema.xml

Documents
---------

A document is described by JSON Schema 2020-12, of which this generator takes a closed list of
keywords and refuses all others, because a keyword that is not understood is a check that is not
made:

    any schema    title, description
    a file        $schema, $id (its own name), $defs
    a reference   $ref: "#/$defs/NAME" or "OTHER.schema.json"
    string        minLength, maxLength, or format, or enum; default; writeOnly
    integer       minimum, maximum, default
    boolean       default
    object        properties, required, additionalProperties: true or false, which has to be said
    map           additionalProperties: a string's schema; propertyNames: minLength, maxLength
    array         items, minItems, maxItems
    union         oneOf: objects that each require one property in common and give it another const
    anything      no keyword at all: the value is kept as JSON text

"type" may be [TYPE, "null"] for a property that is not required: null then stands for its absence.
An enum of such a property has to have null as well. "default" is a value, [] for an array, {} for a
map or for an object that requires nothing. "writeOnly" strings become secrets: they are read into
locked memory and printed as "<hidden>". Every property has a description. References cannot form a
circle.

An object's title names its C type: "data disk" becomes XdDataDisk. A property's name is its member's;
an enum in it becomes XdDataDiskNAME with the constants XD_DATA_DISK_NAME_WORD, from 1, so that 0 is
"not given". What each kind becomes stands in plugin/wire/shape.h.

Formats: uuid, mac, device-name, iqn, portal, ip, ipv4, ipv6, sha256, identifier, path; they are told
in plugin/wire/shape-format.c.

XenAPI
------

See generator/xenapi.py for the form of xenapi.json.

Configuration
-------------

See generator/config.py for what is taken of GSettings' schema language.
"""

import pathlib
import sys

from generator import config, documents, xenapi
from generator.common import Refused

MAKERS = {"documents": documents.make, "xenapi": xenapi.make, "config": config.make}


def main(arguments):
    if len(arguments) < 4 or arguments[0] not in MAKERS:
        print(__doc__, file=sys.stderr)
        return 2
    header, source, *inputs = map(pathlib.Path, arguments[1:])
    try:
        header_text, source_text = MAKERS[arguments[0]](inputs, header.name)
    except Refused as problem:
        print(f"generate.py: {problem}", file=sys.stderr)
        return 1
    header.write_text(header_text)
    source.write_text(source_text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
