"""An installed tree: what `meson install` puts into a DESTDIR."""

import contextlib
import json
import os
import pathlib
import subprocess

from shim import directory

BUILD = pathlib.Path(os.environ["HVD_BUILD"])
TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def option(name):
    options = json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text())
    return next(one["value"] for one in options if one["name"] == name)


def output_of(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **options).stdout


class Tree:
    """Its folders, and the environment in which pkg-config finds it."""

    def __init__(self, place):
        self.root = pathlib.Path(place)
        self.prefix = self.root / option("prefix").lstrip("/")
        self.libraries = self.prefix / option("libdir")
        self.drivers = self.libraries / "hvd" / "drivers-0"
        self.program = self.prefix / option("bindir") / "hvd"
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(self.libraries / "pkgconfig")}

    def pkg_config(self, *words):
        return output_of("pkg-config", *words, "hvd-0", env=self.environment).split()


@contextlib.contextmanager
def installed():
    with directory() as place:
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", place],
                       check=True, stdout=subprocess.DEVNULL)
        yield Tree(place)
