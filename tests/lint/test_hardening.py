"""SEC-42: the built product is hardened, and each weakness would be found.

    test_hardening.py BUILD CC...
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "schemas")]
sys.dont_write_bytecode = True

import hardening  # noqa: E402
import tap  # noqa: E402

BUILD, CC = pathlib.Path(sys.argv[1]), sys.argv[2:]

SOURCE = """
#include <string.h>
void use(char *buffer, const char *text, unsigned long n);
void use(char *buffer, const char *text, unsigned long n)
{
    char copy[64];

    memcpy(copy, text, n);
    memcpy(buffer, copy, n);
}
int main(int argc, char **argv);
int main(int argc, char **argv)
{
    char buffer[64];

    use(buffer, argv[0], strlen(argv[0]) * (unsigned long) argc);
    return buffer[0];
}
"""
COMPILED = ["-O2", "-g", "-fPIE", "-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection",
            "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"]
LINKED = ["-pie", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]

# what is added when it is compiled, when it is linked, and what has to be found
WEAK_PROGRAMS = [
    ([], [], None),
    (["-fno-stack-protector"], [], "lacks stack protectors"),
    (["-U_FORTIFY_SOURCE"], [], "lacks fortified calls"),
    (["-fno-pie"], ["-no-pie"], "lacks position independence"),
    ([], ["-Wl,-z,norelro"], "lacks RELRO"),
    ([], ["-Wl,-z,lazy"], "lacks immediate binding"),
    ([], ["-Wl,-z,execstack"], "lacks a stack without execution"),
    ([], ["-Wl,-rpath,/tmp"], "has a search path of its own"),
]


class Product(unittest.TestCase):
    def test_hardened(self):
        self.assertEqual(list(hardening.check(BUILD)), [])


class Planted(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.place = pathlib.Path(self.temporary.name)
        self.source, self.object = self.place / "weak.c", self.place / "weak.o"

    def compile(self, text, *more):
        self.source.write_text(text)
        subprocess.run([*CC, *COMPILED, *more, "-c", "-o", self.object, self.source], check=True)

    def test_programs(self):
        program = self.place / "weak"
        for compiled, linked, said in WEAK_PROGRAMS:
            self.compile(SOURCE, *compiled)
            subprocess.run([*CC, *LINKED, *linked, "-o", program, self.object], check=True, stderr=subprocess.DEVNULL)
            found = list(hardening.check_program(program))
            self.assertEqual(found, [f"{program}: {said}"] if said else [])

    @unittest.skipUnless(hardening.IS_X86, "these marks are x86's")
    def test_marks(self):
        self.compile(SOURCE)
        self.assertEqual(list(hardening.check_marks(self.object)), [])
        self.compile(SOURCE, "-fcf-protection=none")
        self.assertEqual(len(list(hardening.check_marks(self.object))), 1)

    def test_marks_of_one_member(self):
        """One weak object among others is found."""
        self.compile(SOURCE)
        strong = self.place / "strong.o"
        self.object.rename(strong)
        self.compile(SOURCE, "-fcf-protection=none")
        archive = self.place / "some.a"
        subprocess.run(["ar", "rcs", archive, strong, self.object], check=True)
        found = list(hardening.check_marks(archive))
        self.assertEqual(["weak.o" in line for line in found], [True] if hardening.IS_X86 else [])

    def test_statics(self):
        self.compile("static int count;\nint next(void);\nint next(void) { return ++count; }\n"
                     "int shown = 4;\nconst int fixed = 4;\nextern const char *const names[];\n"
                     'const char *const names[] = {"a"};\nint multi_funcs = 5;\n')
        found = "\n".join(hardening.check_statics(self.object))
        self.assertIn("count", found)
        self.assertIn("shown", found)
        self.assertEqual(found.count("\n"), 1, found)

    def test_types(self):
        """The shim may register some; a driver may not."""
        self.compile("static void *thing_parent_class;\nvoid *next(void);\n"
                     "void *next(void) { return thing_parent_class = &thing_parent_class; }\n")
        self.assertEqual(len(list(hardening.check_statics(self.object))), 1)
        shim = self.place / "libhvd-shim.a"
        subprocess.run(["ar", "rcs", shim, self.object], check=True)
        self.assertEqual(list(hardening.check_statics(shim)), [])

    def test_commands(self):
        good = ("cc -O2 -fPIC -fstack-protector-strong -fstack-clash-protection -fcf-protection -U_FORTIFY_SOURCE "
                "-D_FORTIFY_SOURCE=3 -c a.c")
        output = "plugin/base/libxd-base.a.p/a.c.o"
        for flag in (None, "-O2", "-fPIC", "-fstack-protector-strong", "-fstack-clash-protection",
                     "-D_FORTIFY_SOURCE=3", *(["-fcf-protection"] if hardening.IS_X86 else [])):
            command = good.replace(flag + " ", "") if flag else good
            (self.place / "compile_commands.json").write_text(json.dumps(
                [{"command": command, "output": output}, {"command": "cc", "output": "tests/a.p/a.c.o"}]))
            self.assertEqual(len(list(hardening.check_commands(self.place))), 1 if flag else 0, flag)


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
