"""cppcheck over all of the C, clang-tidy (.clang-tidy) over the driver and the shim.

    static.py TOP BUILD

cppcheck.suppress lists what cppcheck takes for a fault and is none, each with its reason.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
INCLUDES = ("plugin", "plugin/include", "schemas", "host-shim", "host-shim/simulator")
MACROS = ("G_GNUC_PRINTF(a,b)=", "G_DEFINE_EXTENDED_ERROR(a,b)=", "N_(x)=x", "_(x)=x")
MANY = 5  # files for one run of clang-tidy


def cppcheck(top, build, *paths):
    """What it says of @paths, one line each."""
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            ["cppcheck", "--quiet", "--std=c11", "--library=gtk", "--library=posix", "--max-configs=1",
             "--enable=warning,performance,portability", "--inline-suppr", f"-j{os.cpu_count()}",
             "--template={file}:{line}: {id}: {message}", f"--cppcheck-build-dir={place}",
             f"--suppressions-list={HERE / 'cppcheck.suppress'}", *[f"-D{macro}" for macro in MACROS],
             *[f"-I{folder}" for folder in INCLUDES], f"-I{build}/plugin", f"-I{build}/schemas", *paths],
            cwd=top, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return done.stdout.splitlines()


def tidy(top, build, paths, *options):
    """What it says of @paths: its own lines, without the code around them."""
    done = subprocess.run(["clang-tidy", "--quiet", "-p", build, *options, *paths], cwd=top,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = [line for line in done.stdout.splitlines() if ": error: " in line or ": warning: " in line]
    return said or (["clang-tidy fails: " + done.stderr] if done.returncode != 0 else [])


def tidy_all(top, build):
    paths = sorted(str(path) for folder in ("plugin/*", "host-shim") for path in pathlib.Path(top).glob(folder + "/*.c"))
    parts = [paths[first:first + MANY] for first in range(0, len(paths), MANY)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for said in pool.map(lambda part: tidy(top, build, part), parts):
            yield from said


def check(top, build):
    yield from cppcheck(top, build, "plugin", "host-shim")
    yield from tidy_all(top, build)


if __name__ == "__main__":
    found = list(check(*sys.argv[1:]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
