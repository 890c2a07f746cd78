"""The header alone, in C and C++; its pairs; and what the module exports. SEC-38.

    test_header.py HEADER MODULE
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "schemas")]
sys.dont_write_bytecode = True

import slots  # noqa: E402
import tap  # noqa: E402

HEADER, MODULE = map(pathlib.Path, sys.argv[1:3])

STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic-errors", "-Wstrict-aliasing", "-Wconversion", "-fsyntax-only"]
LANGUAGES = [
    (["cc", "gcc", "clang"], [["-std=c11", "-Wstrict-prototypes"], ["-std=gnu17"]]),
    (["c++", "g++", "clang++"], [["-std=c++17"], ["-std=c++20"]]),
]

HOST = """#include <hvd-driver.h>
#include <hvd-driver.h>
int main(void)
{
    const HvdDriver *driver = NULL;
    HvdCall call = {sizeof(HvdCall), 0, HVD_CALL_PLAN_ONLY, NULL, NULL, NULL, NULL};

    return driver != NULL && HVD_HAS(driver, spawn_async) && HVD_ERROR != 0 && call.timeout_ms != 0;
}
"""


def glib_flags():
    """As system headers: their warnings are not ours."""
    said = subprocess.run(["pkg-config", "--cflags-only-I", "gio-2.0"], stdout=subprocess.PIPE, text=True, check=True)
    return [part for word in said.stdout.split() for part in ("-isystem", word[2:])]


def compile_alone(compiler, language, text):
    """What the compiler says; nothing where all is well."""
    kind = "c++" if "++" in compiler else "c"
    with tempfile.TemporaryDirectory() as place:
        source = pathlib.Path(place) / f"host.{'cc' if kind == 'c++' else 'c'}"
        source.write_text(text)
        done = subprocess.run([compiler, *language, *STRICT, *glib_flags(), f"-I{HEADER.parent}", source],
                              stderr=subprocess.PIPE, text=True)
        return done.stderr if done.returncode != 0 else ""


class Alone(unittest.TestCase):
    def test_compiles(self):
        for compilers, languages in LANGUAGES:
            found = [name for name in compilers if shutil.which(name)]
            self.assertTrue(found, f"none of {compilers}")
            for compiler in found:
                for language in languages:
                    self.assertEqual(compile_alone(compiler, language, HOST), "", (compiler, language))

    def test_notices(self):
        """The same command finds a header that is no C++, and one that needs another before it."""
        self.assertIn("error", compile_alone("c++", ["-std=c++17"], HOST + "int *p = (void *) 0;\nint *q = g_malloc(1);\n"))
        self.assertIn("error", compile_alone("cc", ["-std=c11"], HOST + "void f(XdSecret *secret);\n"))

    def test_includes_only_gio(self):
        lines = [line for line in HEADER.read_text().splitlines() if line.startswith("#include")]
        self.assertEqual(lines, ["#include <gio/gio.h>"])


class Pairs(unittest.TestCase):
    def test_whole(self):
        names = [name for name, _ in slots.read_slots(HEADER.read_text())]
        self.assertGreater(len(names), 30)
        self.assertEqual(names[:2], ["open", "close"])
        self.assertEqual(len(set(names)), len(names))

    def test_half(self):
        text = HEADER.read_text()
        for gone in ("    HvdDocumentFinish pause_finish;\n", "    HvdInstanceAsync pause_async;\n"):
            self.assertEqual(text.count(gone), 1)
            with self.assertRaisesRegex(slots.Broken, "half a slot: pause"):
                slots.read_slots(text.replace(gone, ""))

    def test_not_understood(self):
        text = HEADER.read_text().replace("    HvdInstanceAsync pause_async;", "    HvdInstanceAsync pause_async[2];")
        with self.assertRaisesRegex(slots.Broken, "not understood"):
            slots.read_slots(text)


class Module(unittest.TestCase):
    def test_symbols(self):
        said = subprocess.run(["nm", "-D", "--defined-only", "-f", "posix", MODULE], stdout=subprocess.PIPE, text=True,
                              check=True).stdout
        exported = sorted(line.split()[0] for line in said.splitlines())
        self.assertEqual(exported, (HERE / "symbols.txt").read_text().split())


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
