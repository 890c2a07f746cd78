"""Every security requirement that is asked for is named by a test.

    test_sec.py TOP
"""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "schemas")]
sys.dont_write_bytecode = True

import sec  # noqa: E402
import tap  # noqa: E402

TOP = pathlib.Path(sys.argv[1])


def matrix_of(text):
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place) / "tests" / "unit"
        folder.mkdir(parents=True)
        (folder / "test-a.c").write_text(text)
        return sec.read_matrix(pathlib.Path(place))


class Matrix(unittest.TestCase):
    def test_tree(self):
        matrix = sec.read_matrix(TOP)
        self.assertEqual(list(sec.check(matrix)), [])
        for number, names in sorted(matrix.items()):
            print(f"# SEC-{number}: {', '.join(sorted(names))}")

    def test_missing(self):
        self.assertEqual(len(list(sec.check(matrix_of("/* SEC-1 */")))), len(sec.WANTED) - 1)

    def test_unknown(self):
        all_of_them = " ".join(f"SEC-{number}" for number in sec.WANTED)
        self.assertEqual(list(sec.check(matrix_of(all_of_them))), [])
        self.assertEqual(list(sec.check(matrix_of(all_of_them + " SEC-51"))),
                         ["SEC-51: there is no such requirement (unit/test-a.c)"])

    def test_lists(self):
        self.assertEqual(sorted(matrix_of("/* SEC-2, 28; SEC-9 and 11 */")), [2, 9, 11, 28])


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
