"""The slots of hvd-driver.h, read from the header itself.

    slots.py HEADER OUTPUT      writes them as a table in C
"""

import pathlib
import re
import sys

class Broken(Exception):
    """The header's table is not whole."""


def read_members(text):
    """[(name, type)] of HvdDriver, in order; the type of a function that is spelt out is "special"."""
    bare = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    table = re.search(r"typedef struct \{\s*guint32 major;(.*?)\} HvdDriver;", bare, re.DOTALL)
    if table is None:
        raise Broken("there is no HvdDriver")
    members = []
    for declaration in filter(None, (part.strip() for part in table[1].split(";"))):
        pointer = re.search(r"\(\*(\w+)\)\s*\(", declaration)
        plain = re.fullmatch(r"(\w[\w\s]*?)[\s*]+(\w+)", declaration)
        if pointer is None and plain is None:
            raise Broken(f"not understood: {declaration}")
        members.append((pointer[1], "special") if pointer else (plain[2], plain[1]))
    return members


def read_slots(text):
    """[(name, type)] of the pairs; a half of a pair is an error."""
    members = dict(read_members(text))
    names = [name.removesuffix("_async") for name in members if name.endswith("_async")]
    halves = {name.removesuffix("_finish") for name in members if name.endswith("_finish")} ^ set(names)
    if halves:
        raise Broken(f"half a slot: {', '.join(sorted(halves))}")
    return [(name, members[f"{name}_async"]) for name in names]


def write_table(text):
    rows = "".join(f'    {{"{name}", "{kind}", G_STRUCT_OFFSET(HvdDriver, {name}_async), '
                   f"G_STRUCT_OFFSET(HvdDriver, {name}_finish)}},\n" for name, kind in read_slots(text))
    return ("/* Made by tests/abi/slots.py of hvd-driver.h. */\n#pragma once\n\n#include <hvd-driver.h>\n\n"
            "typedef struct {\n    const char *name;\n    const char *type;\n    gsize async;\n    gsize finish;\n"
            f"}} AbiSlot;\n\nstatic const AbiSlot abi_slots[] = {{\n{rows}}};\n")


if __name__ == "__main__":
    pathlib.Path(sys.argv[2]).write_text(write_table(pathlib.Path(sys.argv[1]).read_text()))
