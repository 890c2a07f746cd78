"""The installed tree, as a packager and a stranger's compiler see it."""

import os
import shutil
import stat
import subprocess

import shim
from shim import MIB, content, directory, equal, hvd, main, write
from tree import TOP, Tree, installed, option, output_of

SCHEMAS = sorted(path.name for folder in ("schemas", "host-shim")
                 for path in (TOP / folder).glob("*.schema.json"))
LANGUAGES = [word for line in (TOP / "po" / "LINGUAS").read_text(encoding="utf-8").splitlines()
             if not line.startswith("#") for word in line.split()]
PAGES = ("hvd.1", "hvd-driver.3", "xapi-sim.1", "xenapi.conf.5")


def program(tree, *words, **options):
    """The installed hvd."""
    before, shim.PROGRAM = shim.PROGRAM, str(tree.program)
    try:
        return hvd(*words, **options)
    finally:
        shim.PROGRAM = before


def test_files():
    """All of it, and nothing else; nobody but the owner may write."""
    with installed() as tree:
        data, bin_, include = (option(name) for name in ("datadir", "bindir", "includedir"))
        lib = option("libdir")
        expected = {f"{bin_}/hvd", f"{bin_}/xapi-sim", f"{include}/hvd/hvd-driver.h",
                    f"{lib}/hvd/drivers-0/xenapi.so", f"{lib}/pkgconfig/hvd-0.pc",
                    *(f"{data}/hvd/schemas/{name}" for name in SCHEMAS),
                    f"{data}/bash-completion/completions/hvd", f"{data}/zsh/site-functions/_hvd",
                    f"{data}/fish/vendor_completions.d/hvd.fish",
                    *(f"{option('mandir')}/man{name[-1]}/{name}" for name in PAGES)}
        expected |= {f"{option('localedir')}/{language}/LC_MESSAGES/hvd.mo" for language in LANGUAGES}
        seen = {str(path.relative_to(tree.prefix)) for path in tree.root.rglob("*") if not path.is_dir()}
        equal(seen ^ expected, set())
        for path in tree.root.rglob("*"):
            equal((path, stat.S_IMODE(path.lstat().st_mode) & 0o022), (path, 0))


def test_module():
    """No SONAME, no prefix, no search path of its own, one symbol."""
    with installed() as tree:
        module = tree.drivers / "xenapi.so"
        dynamic = output_of("readelf", "-d", module)
        for tag in ("(SONAME)", "(RPATH)", "(RUNPATH)"):
            assert tag not in dynamic, dynamic
        assert "NODELETE" in dynamic, dynamic
        symbols = output_of("nm", "-D", "--defined-only", module).split()
        equal(symbols[-1].split("@")[0], "hvd_query")
        equal(len(symbols), 3)
        for name in ("hvd", "xapi-sim"):
            dynamic = output_of("readelf", "-d", tree.program.parent / name)
            assert "(RPATH)" not in dynamic and "(RUNPATH)" not in dynamic, dynamic


def test_pkg_config():
    """Where it lies now, not where it was configured for."""
    with installed() as tree:
        equal(tree.pkg_config("--variable=abi"), ["0"])
        [drivers] = tree.pkg_config("--variable=driverdir")
        equal(os.path.realpath(drivers), str(tree.drivers))
        equal(tree.pkg_config("--modversion"), [option_version()])
        flags = tree.pkg_config("--cflags")
        include = [flag[2:] for flag in flags if flag.startswith("-I")
                   and os.path.exists(flag[2:] + "/hvd/hvd-driver.h")]
        equal([os.path.realpath(path) for path in include], [str(tree.prefix / option("includedir"))])
        # the same where the root of a foreign system is named
        tree.environment["PKG_CONFIG_SYSROOT_DIR"] = str(tree.root)
        equal(os.path.realpath(tree.pkg_config("--variable=driverdir")[0]), str(tree.drivers))


def option_version():
    text = (TOP / "meson.build").read_text()
    return text.split("version: '")[1].split("'")[0]


def test_header_alone():
    """The installed header, in C and in C++, with nothing but what pkg-config says."""
    with installed() as tree, directory() as place:
        for compiler, name in (("cc", "x.c"), ("c++", "x.cc")):
            source = write(place, name, "#include <hvd/hvd-driver.h>\nint main(void) { return 0; }\n")
            subprocess.run([compiler, "-Wall", "-Werror", source, "-o", place + "/x",
                            *tree.pkg_config("--cflags", "--libs")], check=True)


def test_program():
    """It finds its driver and its simulated pool beside it, also where the tree has been moved."""
    with installed() as tree, directory() as place:
        image = write(place, "x.img", content(MIB))
        equal(program(tree, "--json", "version").json()["file"], str(tree.drivers / "xenapi.so"))
        shutil.copytree(tree.root, place + "/moved")
        moved = Tree(place + "/moved")
        for one, name in ((tree, "first"), (moved, "second")):
            env = {"XDG_STATE_HOME": f"{place}/{name}", "PATH": "/usr/bin:/bin"}
            program(one, "spawn", image, env=env).expect(0)
            equal(len(program(one, "--json", "list", env=env).json()), 1)
        equal(program(moved, "--json", "version").json()["file"], str(moved.drivers / "xenapi.so"))


def test_driver_option():
    """It wins over both; and what others may write is loaded from nowhere (SEC-38)."""
    with installed() as tree:
        other = os.environ["HVD_PUPPET"]
        equal(program(tree, "--driver", other, "--json", "version").json()["driver"], "puppet")
        os.chmod(tree.drivers, 0o777)
        program(tree, "version").expect(10, "hvd: DENIED: ", "can be changed by others")
        os.chmod(tree.drivers, 0o755)
        os.chmod(tree.drivers / "xenapi.so", 0o664)
        program(tree, "version").expect(10, "hvd: DENIED: ", "can be changed by others")
        os.unlink(tree.drivers / "xenapi.so")
        program(tree, "version").expect(4, "hvd: NOT_FOUND: ", "drivers-0/xenapi.so")


if __name__ == "__main__":
    main("/e2e/install")
