"""Whole pools: many spawns at once, a large pool opened, an idle one, one opened and closed again and again. All on
xapi-sim, in processes of their own."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import uuid

import bench
from bench import MIB, Figure, Measurement

sys.path.insert(0, str(bench.TOP / "tests" / "simulator"))
import harness

SIMULATOR = "host-shim/simulator/xapi-sim"
QUICK = bool(os.environ.get("BENCH_QUICK"))


@contextlib.contextmanager
def pool(*options):
    harness.PROGRAM = str(bench.BUILD / SIMULATOR)
    with harness.pool(*options) as running:
        yield running, os.path.dirname(running.ready["control"])


def exact(what, value, wanted, unit):
    return Measurement(what, f"{wanted} {unit}", f"{value} {unit}", None, value == wanted)


# ---- spawns ----

SPAWNS = 1000
DISPATCH_MS = 10


def spawns():
    """The worst of three runs: one dispatch that is too long is too many."""
    with contextlib.ExitStack() as stack:
        results = []
        for _ in range(3):
            with pool() as (_, home):
                results.append(bench.run([bench.program("spawns"), home, str(SPAWNS)]).output.split())
    succeeded = min(int(result[0]) for result in results)
    longest = max(float(result[3]) for result in results)
    seconds = bench.median(float(result[1]) for result in results)
    return [exact(f"{SPAWNS} spawns at once, in {seconds:.1f} s: succeeded", succeeded, SPAWNS, "spawns"),
            bench.below("  longest dispatch, CPU time", longest, DISPATCH_MS, "ms")]


FIGURES = [
    Figure("spawns", "1,000 spawns at once on the simulated pool",
           f"all succeed, no dispatch over {DISPATCH_MS} ms", spawns, ("tests/bench/bench-spawns", SIMULATOR)),
]
