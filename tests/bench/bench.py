"""What figures are made of: processes with their peak memory, two sides in turn, medians, verdicts.

A module in figures/ has FIGURES, a list of Figure. Its function measures and gives a list of Measurement.
"""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import time
from typing import Callable, Optional

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build-bench"
ROUNDS = 5
MIB = 1 << 20


class BenchError(Exception):
    """A figure could not be taken at all: one line that says why."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One line of the table. @ratio: None where there is nobody to be compared with."""
    what: str
    to_reach: str
    measured: str
    ratio: Optional[float]
    reached: bool


@dataclasses.dataclass(frozen=True)
class Figure:
    """@needs: what ninja is to build for it, by its path in the build directory."""
    name: str
    what: str
    to_reach: str
    measure: Callable[[], list]
    needs: tuple = ()


@dataclasses.dataclass(frozen=True)
class Ended:
    """A process that has ended well: @peak and @cpu are the kernel's own count of it."""
    output: str
    seconds: float
    cpu: float
    peak: int


# ---- verdicts ----

def at_least(what, ratio, limit, measured):
    """@ratio: ours against theirs, where more is better."""
    return Measurement(what, f">= {limit:g}", measured, ratio, ratio >= limit)


def at_most(what, ratio, limit, measured):
    return Measurement(what, f"<= {limit:.3g}", measured, ratio, ratio <= limit)


def below(what, value, limit, unit):
    """A bound that is no ratio."""
    return Measurement(what, f"<= {limit:g} {unit}", f"{value:.3g} {unit}", None, value <= limit)


# ---- numbers ----

def median(values):
    return statistics.median(values)


def ratio(over, under):
    """Of two sides that were measured in turn: the machine may be another one from round to round."""
    return median([a / b for a, b in zip(over, under)])


def in_turn(*sides, rounds=ROUNDS):
    """Calls each side once a round, so that what else the machine does meets all of them. Gives a list of
    what each side gave. The first round is thrown away: it warms up files and caches."""
    results = [[side() for side in sides] for _ in range(rounds + 1)]
    return [list(column) for column in zip(*results[1:])]


def show_ms(seconds):
    return f"{seconds * 1000:.0f} ms"


def show_mib(size):
    return f"{size / MIB:.0f} MiB"


# ---- processes ----

def program(name):
    """Of this folder, as it was built."""
    return str(BUILD / "tests" / "bench" / f"bench-{name}")


def stay_on(process, core):
    """Keeps @process (0: this one) on one processor, counted from 0, if there are so many."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process, {cores[core % len(cores)]})


def run(argv, env=None, core=None):
    """Runs @argv to its end, on one processor where one is named."""
    started = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=TOP,
                               preexec_fn=None if core is None else lambda: stay_on(0, core),
                               env=None if env is None else {**os.environ, **env})
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchError(f"{pathlib.Path(argv[0]).name} ended with {process.returncode}")
    return Ended(output, time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
