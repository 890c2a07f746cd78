"""What the compiler and the linker made of the product: SEC-42, and no mutable statics (SEC-40).

    hardening.py BUILD

Reads the ELF files of a plain build with readelf, and the commands that made their parts. Marks for
control-flow protection are looked for in our objects: a program has them only where the distribution's
own start files have them too (Debian 12's crti.o has none).
"""

import json
import pathlib
import platform
import re
import subprocess
import sys

PROGRAMS = ("plugin/entry/xenapi.so", "host-shim/hvd", "host-shim/simulator/xapi-sim")
ARCHIVES = ("plugin", "host-shim")
IS_X86 = platform.machine() in ("x86_64", "i686")
FLAGS = ["-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=3", "-fPI[CE]",
         "-O[123s]", *(["-fcf-protection(?!=none)"] if IS_X86 else [])]
# What GLib's macros and generators leave: an error domain's quark, a table that its type lacks the const of.
GLIB_STATICS = re.compile(r"(?:\w+\.)?(?:q|initialized)(?:\.\d+)?|\w+_funcs|static_resource")
# And a GObject's type: hvd may have some, a module that is a guest in other programs none.
TYPE_STATICS = re.compile(r"static_g_define_type_id\.\d+|\w+_parent_class|\w+_private_offset")
TYPE_OWNERS = ("libhvd-shim.a",)


def read(*options):
    return subprocess.run(["readelf", "-W", *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, errors="replace", check=True).stdout


# ---- a program or a module ----

# What it lacks: what readelf says where it has it.
PROPERTIES = [
    ("position independence", ["-h"], r"Type:\s+DYN"),
    ("RELRO", ["-l"], r"GNU_RELRO"),
    ("immediate binding", ["-d"], r"\(FLAGS_1\).*\bNOW\b"),
    ("a stack without execution", ["-l"], r"GNU_STACK(?:\s+0x\w+){5}\s+RW\s"),
    ("stack protectors", ["--dyn-syms"], r"\b__stack_chk_fail\b"),
    ("fortified calls", ["--dyn-syms"], r"\b__(?!stack)\w+_chk\b"),
]
FORBIDDEN = [
    ("relocations in its code", ["-d"], r"\(TEXTREL\)"),
    ("a search path of its own", ["-d"], r"\((?:RPATH|RUNPATH)\)"),
    ("a segment that can be written and executed", ["-l"], r"LOAD(?:\s+0x\w+){5}\s+RWE"),
]


def check_program(path):
    for what, options, pattern in PROPERTIES:
        if not re.search(pattern, read(*options, path)):
            yield f"{path}: lacks {what}"
    for what, options, pattern in FORBIDDEN:
        if re.search(pattern, read(*options, path)):
            yield f"{path}: has {what}"


# ---- the objects that they are made of ----

def members(path, *options):
    """(name, what readelf says) for each object of an archive, or for one object."""
    parts = re.split(r"^File: (.*)$", read(*options, path), flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2])) if len(parts) > 1 else [(str(path), parts[0])]


def check_marks(path):
    for name, said in members(path, "-n"):
        if IS_X86 and not re.search(r"x86 feature: IBT, SHSTK", said):
            yield f"{name}: lacks the marks of control-flow protection"


def is_granted(path, symbol):
    return GLIB_STATICS.fullmatch(symbol) or (path.name in TYPE_OWNERS and TYPE_STATICS.fullmatch(symbol))


def check_statics(path):
    for name, said in members(path, "-S", "-s"):
        sections = dict(re.findall(r"^\s*\[\s*(\d+)\]\s+(\.\S+)", said, re.MULTILINE))
        for number, symbol in re.findall(r"OBJECT\s+\w+\s+\w+\s+(\d+)\s+(\S+)", said):
            section = sections.get(number, "")
            is_writable = re.match(r"\.data(?!\.rel\.ro)|\.bss", section)
            if is_writable and not is_granted(path, symbol):
                yield f"{name}: the variable {symbol} is static and not constant ({section})"


def check_commands(build):
    """Whether every part was compiled with all flags."""
    for unit in json.loads((build / "compile_commands.json").read_text()):
        if not re.search(r"(?:plugin|host-shim)/(?:\S*/)?(?:lib)?[\w-]+(?:\.a|\.so|)\.p/", unit["output"]):
            continue
        for flag in FLAGS:
            if not re.search(rf"(?:^|\s)'?{flag}(?=['\s=]|$)", unit["command"]):
                yield f"{unit['output']}: was compiled without {flag}"


def check(build):
    build = pathlib.Path(build)
    for name in PROGRAMS:
        yield from check_program(build / name)
    archives = [path for side in ARCHIVES for path in sorted((build / side).rglob("*.a"))]
    if not archives:
        yield f"{build}: there are no archives"
    for path in archives:
        yield from check_marks(path)
        yield from check_statics(path)
    yield from check_commands(build)


if __name__ == "__main__":
    found = list(check(sys.argv[1]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
