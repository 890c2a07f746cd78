"""How tests/run counts: what died, or told less than it promised, has failed."""

import pathlib
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "schemas")]
sys.dont_write_bytecode = True

import run  # noqa: E402
import tap  # noqa: E402


def tally(stdout, result="OK", is_tap=True):
    counts = run.tally({"stdout": stdout, "result": result}, is_tap)
    return counts["passed"], counts["failed"], counts["skipped"]


class Tally(unittest.TestCase):
    def test_verdicts(self):
        self.assertEqual(tally("1..4\nok 1 a\nnot ok 2 b\nok 3 c # SKIP why\nok 4 d\n", "FAIL"), (2, 1, 1))

    def test_subtests_are_not_counted_twice(self):
        self.assertEqual(tally("1..1\n    ok 1 inside\n    1..1\nok 1 a\n"), (1, 0, 0))

    def test_plan_at_the_end(self):
        self.assertEqual(tally("ok 1 a\nok 2 b\n1..2\n"), (2, 0, 0))

    def test_unfulfilled_plan(self):
        self.assertEqual(tally("1..5\nok 1 a\nok 2 b\n"), (2, 3, 0))

    def test_more_than_planned(self):
        self.assertEqual(tally("1..1\nok 1 a\nok 2 b\n"), (2, 1, 0))

    def test_no_plan(self):
        self.assertEqual(tally("ok 1 a\n"), (1, 1, 0))
        self.assertEqual(tally(""), (0, 1, 0))

    def test_died(self):
        self.assertEqual(tally("1..2\nok 1 a\nBail out!\n", "ERROR"), (1, 1, 0))
        self.assertEqual(tally("1..1\nok 1 a\n", "ERROR"), (1, 1, 0))  # a leak, after the last test
        self.assertEqual(tally("1..1\nok 1 a\n", "TIMEOUT"), (1, 1, 0))

    def test_all_skipped(self):
        self.assertEqual(tally("1..0 # SKIP why\n", "SKIP"), (0, 0, 1))

    def test_programs_without_tap(self):
        self.assertEqual(tally("", is_tap=False), (1, 0, 0))
        self.assertEqual(tally("ok\n", "FAIL", is_tap=False), (0, 1, 0))
        self.assertEqual(tally("", "SKIP", is_tap=False), (0, 0, 1))


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
