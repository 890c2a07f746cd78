"""The support matrix of the README: what there is in the interface, and what of it the driver has.

    support-matrix.py HEADER CAPABILITIES        prints it, as Markdown
    support-matrix.py HEADER CAPABILITIES README puts it into the README, between its marks

HEADER is plugin/include/hvd-driver.h, CAPABILITIES what `hvd --json capabilities` says.
"""

import json
import pathlib
import re
import sys

BEGIN, END = "<!-- support matrix -->", "<!-- end of it -->"


def read_families(header):
    """[(family, [(slot, what it does)])], in the order of the table."""
    table = re.search(r"typedef struct \{\s*guint32 major;.*?\} HvdDriver;", header, re.DOTALL)[0]
    families = []
    for match in re.finditer(r"/\* ---- (.*?) ---- \*/|/\*\*(.*?)\*/", table, re.DOTALL):
        if match[1]:
            families.append((match[1].partition(":")[0], []))
            continue
        families[-1][1].append(read_slot(re.sub(r"^ *\*", "", match[2], flags=re.MULTILINE)))
    return families


def read_slot(comment):
    """The first sentence, without what is said of parameters."""
    text = " ".join(re.split(r"^ *@\w+:", comment, flags=re.MULTILINE)[0].split())
    slot, what = re.match(r"(\w+)[:.] *(.*)", text).groups()
    what = re.split(r"(?<=[?])  *|\. |\.$|\b(?:Errors|Since): ", what, maxsplit=1)[0]
    return slot, what.strip().replace("@", "")


def print_matrix(families, capabilities):
    there = capabilities["slots"]
    lines = ["| slot | there | what it does |", "|---|---|---|"]
    for family, slots in families:
        slots = [(slot, what) for slot, what in slots if slot in there]
        if slots:
            lines.append(f"| **{family}** | | |")
        lines += [f"| `{slot}` | {'yes' if there[slot] else 'no'} | {what} |" for slot, what in slots]
    lines += ["", "| capability | there |", "|---|---|"]
    lines += [f"| {name} | {'yes' if yes else 'no'} |"
              for name, yes in capabilities["capabilities"].items()]
    return "\n".join(lines)


def make(header, capabilities):
    return print_matrix(read_families(header), capabilities)


def put_into(readme, matrix):
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} and {END} in it")
    return f"{before}{BEGIN}\n{matrix}\n{END}{after}"


def main(arguments):
    header, capabilities = (pathlib.Path(name).read_text(encoding="utf-8") for name in arguments[:2])
    matrix = make(header, json.loads(capabilities))
    if len(arguments) == 2:
        print(matrix)
        return
    readme = pathlib.Path(arguments[2])
    readme.write_text(put_into(readme.read_text(encoding="utf-8"), matrix), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
