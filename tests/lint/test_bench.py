"""The figures of tests/bench: what falls short is said to, and ends the run with 1."""

import contextlib
import io
import os
import pathlib
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "bench"), str(TESTS / "schemas")]
sys.dont_write_bytecode = True

import bench  # noqa: E402
import bench_run  # noqa: E402
import tap  # noqa: E402


class Verdicts(unittest.TestCase):
    def test_limits(self):
        for measurement, reached in (
                (bench.at_least("a", 0.9, 0.9, ""), True), (bench.at_least("a", 0.89, 0.9, ""), False),
                (bench.at_most("a", 1.5, 1.5, ""), True), (bench.at_most("a", 1.51, 1.5, ""), False),
                (bench.below("a", 5, 5, "ms"), True), (bench.below("a", 5.1, 5, "ms"), False)):
            self.assertEqual(measurement.reached, reached, measurement)

    def test_sides_take_turns(self):
        calls = []
        ours, theirs = bench.in_turn(lambda: calls.append("a") or len(calls), lambda: calls.append("b") or len(calls),
                                     rounds=5)
        self.assertEqual("".join(calls), "ab" * 6)
        self.assertEqual((ours, theirs), ([3, 5, 7, 9, 11], [4, 6, 8, 10, 12]))  # the first round is not counted

    def test_median(self):
        self.assertEqual(bench.median([9, 1, 2, 100, 3]), 3)


class Processes(unittest.TestCase):
    def test_what_is_measured(self):
        ended = bench.run([sys.executable, "-c", "x = bytearray(80 << 20); print(len(x))"])
        self.assertEqual(ended.output, "83886080\n")
        self.assertGreater(ended.peak, 80 << 20)

    def test_failure(self):
        with self.assertRaisesRegex(bench.BenchError, "ended with 3"):
            bench.run([sys.executable, "-c", "raise SystemExit(3)"])

    def test_one_processor(self):
        before = os.sched_getaffinity(0)
        said = bench.run([sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"], core=1)
        self.assertEqual(said.output, "1\n")
        self.assertEqual(os.sched_getaffinity(0), before)


class Run(unittest.TestCase):
    def take(self, *measurements):
        """The command on figures of our own: (its status, its table)."""
        def measure():
            if not measurements:
                raise bench.BenchError("nobody there")
            return list(measurements)

        out = io.StringIO()
        kept = bench_run.all_figures, bench_run.build
        bench_run.all_figures = lambda: [bench.Figure("mine", "what", "much", measure)]
        bench_run.build = lambda targets: None
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                return bench_run.main(["mine"]), out.getvalue()
        finally:
            bench_run.all_figures, bench_run.build = kept

    def test_reached(self):
        status, table = self.take(bench.at_least("speed", 2, 1, "2 against 1"))
        self.assertEqual(status, 0)
        self.assertRegex(table, r"speed \| >= 1 +\| 2 against 1 \| 2\.00 +\| reached\n")

    def test_falls_short(self):
        status, table = self.take(bench.at_least("speed", 2, 1, ""), bench.at_most("time", 2, 1, ""))
        self.assertEqual(status, 1)
        self.assertIn("FALLS SHORT", table)

    def test_cannot_be_taken(self):
        status, table = self.take()
        self.assertEqual(status, 1)
        self.assertRegex(table, "nobody there.*FALLS SHORT")

    def test_unknown(self):
        with contextlib.redirect_stderr(io.StringIO()) as err:
            self.assertEqual(bench_run.main(["no-such"]), 2)
        self.assertIn('no figure "no-such"; there are: ', err.getvalue())


class Figures(unittest.TestCase):
    def test_all_that_was_promised(self):
        self.assertEqual({figure.name for figure in bench_run.all_figures()},
                         {"calls-serial", "calls-64", "mirror-json", "mirror-xml", "disk-in", "disk-out", "disk-digest",
                          "cached-read", "event-latency", "spawns", "open-large", "idle", "open-close"})


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
