"""Starts the canned-answer server (canned.c) on the records of records.py."""

import contextlib
import subprocess

import bench
import records

NEEDS = ("tests/bench/bench-canned",)


@contextlib.contextmanager
def server(core=None):
    """Gives its address. It ends with its standard input."""
    folder = records.make(bench.BUILD / "records")
    process = subprocess.Popen([bench.program("canned"), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if core is not None:
        bench.stay_on(process.pid, core)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()
