"""What a host waits for when it asks the mirror, and when the mirror tells."""

import bench
import canned

MODULE = bench.BUILD / "plugin" / "entry" / "xenapi.so"
NEEDS = (*canned.NEEDS, "tests/bench/bench-host", "plugin/entry/xenapi.so")


def microseconds(what, count):
    """The median of some runs, the first of them left out."""
    with canned.server() as url:
        argv = [bench.program("host"), MODULE, url, what, str(count)]
        column, = bench.in_turn(lambda: float(bench.run(argv).output))
    return bench.median(column)


def cached_read():
    return [bench.below("cached-read: get_state on 10,000 VMs", microseconds("reads", 100_000), 5, "us")]


def event_latency():
    return [bench.below("event-latency: the server's telling to the callback", microseconds("events", 500) / 1000, 5,
                        "ms")]


FIGURES = [
    bench.Figure("cached-read", "a cached read as plain struct", "<= 5 us", cached_read, NEEDS),
    bench.Figure("event-latency", "event to callback", "<= 5 ms at the median", event_latency, NEEDS),
]
