"""Neither cppcheck nor clang-tidy has anything to say of the tree, and both see what is planted.

    test_static.py TOP BUILD
"""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "schemas")]
sys.dont_write_bytecode = True

import static  # noqa: E402
import tap  # noqa: E402

TOP, BUILD = sys.argv[1:3]

PLANTED = """
int first(const int *numbers);
int
first(const int *numbers)
{
    int found[2] = {0, 0};

    if (numbers == 0)
        return *numbers;
    return found[2];
}
"""


class Static(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.planted = pathlib.Path(self.place.name) / "planted.c"
        self.planted.write_text(PLANTED)

    def test_cppcheck_sees(self):
        said = "\n".join(static.cppcheck(TOP, BUILD, str(self.planted)))
        self.assertIn(": arrayIndexOutOfBounds: ", said)

    def test_tidy_sees(self):
        said = "\n".join(static.tidy(TOP, BUILD, [str(self.planted)], f"--config-file={TOP}/.clang-tidy"))
        self.assertIn("[clang-analyzer-core.NullDereference", said)

    def test_cppcheck(self):
        self.assertEqual(static.cppcheck(TOP, BUILD, "plugin", "host-shim"), [])

    def test_tidy(self):
        self.assertEqual(list(static.tidy_all(TOP, BUILD)), [])


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
