"""Holds the tree and its static libraries against tests/layers.json.

    layers.py TOP [BUILD [CC]]

Without BUILD only the #include lines and the READMEs are looked at. With it each folder is linked
whole, as a shared object without undefined symbols, against stand-ins that have the symbols of exactly
the layers that it may use: what it takes from any other is undefined.
"""

import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)


# Where names of headers begin: what lies in the first one that fits is on that side.
SIDES = ("plugin", "host-shim/simulator", "host-shim")


class Layers:
    def __init__(self, top):
        self.top = pathlib.Path(top)
        data = json.loads((self.top / "tests" / "layers.json").read_text())
        self.table, self.generated, self.foreign = data["layers"], data["generated"], data["foreign"]
        self.folders = {row["folder"]: name for name, row in self.table.items() if row["folder"]}
        for name, row in self.table.items():
            for other in row["uses"]:
                assert other in self.table, f"{name} uses {other}, which is no layer"

    def layer_of(self, path):
        """(nullable): of a file of the tree."""
        return self.folders.get(str(path.parent.relative_to(self.top)))

    # ---- #include ----

    def included(self, path, name):
        """(nullable): the layer that the header in quotes belongs to, seen from @path."""
        if name in self.generated:
            return self.generated[name]
        if name == "hvd-driver.h":
            return "border"
        side = next(side for side in SIDES if path.is_relative_to(self.top / side))
        header = self.top / side / name
        return self.folders.get(f"{side}/{name}".rpartition("/")[0]) if header.is_file() else None

    def check_file(self, path):
        layer = self.layer_of(path)
        if layer is None:
            yield f"{path}: its folder is no layer of tests/layers.json"
            return
        for kind, name in INCLUDE.findall(path.read_text()):
            if kind == "<" and not any((self.top / side / name).is_file() for side in SIDES):
                owners = next((who for prefix, who in self.foreign.items() if name.startswith(prefix)), None)
                if owners is not None and layer not in owners:
                    yield f"{path}: <{name}> belongs to {', '.join(owners)}"
                continue
            other = self.included(path, name)
            if other is None:
                yield f'{path}: "{name}" is in no layer'
            elif other != layer and other not in self.table[layer]["uses"]:
                yield f'{path}: {layer} may not use {other} ("{name}")'

    def check_includes(self):
        for side in ("plugin", "host-shim"):
            for path in sorted((self.top / side).rglob("*.[ch]")):
                yield from self.check_file(path)

    # ---- READMEs: their sentence on whom the folder uses is the table's ----

    def check_readmes(self):
        for name, row in self.table.items():
            if row["folder"] is None or not row["folder"].startswith("plugin/") or name == "border":
                continue
            path = self.top / row["folder"] / "README.md"
            sentence = re.search(r"\b(?:Uses|May use)\b(.*?)(?:;|\.\s|\Z)", path.read_text(), re.DOTALL)
            if sentence is None:
                yield f"{path}: says nowhere whom the folder uses"
                continue
            named = {word for word in re.findall(r"\w+", sentence[1]) if word in self.table}
            silent = {"base", "border", name}  # may go without saying
            if named - silent != set(row["uses"]) - silent:
                yield f"{path}: says {sorted(named - silent)}, the table {sorted(set(row['uses']) - silent)}"

    # ---- links ----

    def archive(self, build, name):
        row = self.table[name]
        default = {"documents": "plugin/libxd-documents.a"}.get(name, f"plugin/{name}/libxd-{name}.a")
        return pathlib.Path(build) / row.get("archive", default)

    def symbols(self, build, name):
        """Those that a layer has for others: its own, and those of its "shows"."""
        listed = subprocess.run(["nm", "-g", "--defined-only", "-f", "posix", self.archive(build, name)],
                                stdout=subprocess.PIPE, text=True, check=True).stdout
        symbols = set(re.findall(r"^([\w.]+) [A-Z] ", listed, re.MULTILINE))
        for header in self.table[name].get("shows", ()):
            words = set(re.findall(r"\w+", (self.top / "plugin" / header).read_text()))
            symbols |= words & self.symbols(build, header.split("/")[0])
        return symbols

    def stand_in(self, build, name, place, cc):
        """A shared object that has the symbols of a layer, and nothing behind them."""
        symbols = sorted(self.symbols(build, name))
        source, target = place / f"{name}.s", place / f"{name}.so"
        lines = [f".globl {symbol}\n.type {symbol},@function\n{symbol}:\n" for symbol in symbols]
        source.write_text('.section .note.GNU-stack,"",@progbits\n.text\n' + "".join(lines) + "nop\n")
        subprocess.run([*cc, "-shared", "-nostdlib", "-o", target, source], check=True)
        return target

    def link(self, build, name, cc, more=()):
        """What the linker says; nothing where all is well. @more: further objects in the folder."""
        row = self.table[name]
        with tempfile.TemporaryDirectory() as temporary:
            place = pathlib.Path(temporary)
            others = [self.stand_in(build, other, place, cc) for other in row["uses"] if other != "border"]
            libraries = subprocess.run(["pkg-config", "--libs", *row["links"]], stdout=subprocess.PIPE,
                                       text=True, check=True).stdout.split()
            done = subprocess.run(
                [*cc, "-shared", "-o", place / "whole.so", "-Wl,--no-undefined", "-Wl,--whole-archive",
                 self.archive(build, name), "-Wl,--no-whole-archive", *more, *others, *libraries, "-lm"],
                stderr=subprocess.PIPE, text=True)
            return done.stderr if done.returncode != 0 else ""

    def check_links(self, build, cc):
        for name, row in self.table.items():
            if "links" in row:
                said = self.link(build, name, cc)
                if said:
                    yield f"{name}: does not link against {', '.join(row['uses'])} alone:\n{said}"


def check(top, build=None, cc="cc"):
    layers = Layers(top)
    yield from layers.check_includes()
    yield from layers.check_readmes()
    if build is not None:
        yield from layers.check_links(build, shlex.split(cc))


if __name__ == "__main__":
    found = list(check(*sys.argv[1:]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
