"""A disk in and out, by the driver and by bare libcurl, to and from the same node. The toolstack is xapi-sim; the
node that has the storage is bench-sink, the same for both sides. Nothing is between them but loopback; the node has
a processor of its own and so has the client, as in calls.py."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import bench
from bench import MIB, Figure

sys.path.insert(0, str(bench.TOP / "tests" / "simulator"))
import harness

# a sixteenth of it is a quick look
SIZE = 4096 * MIB // (16 if os.environ.get("BENCH_QUICK") else 1)
NODE = "127.0.0.99"
RATE = 0.9
RESIDENT = 64 * MIB
SIMULATOR = "host-shim/simulator/xapi-sim"
NEEDS = ("tests/bench/bench-disk", "tests/bench/bench-sink", SIMULATOR)


def make_certificate(directory):
    """For the node, signed by itself; the clients trust it beside the pool's own authority."""
    paths = [f"{directory}/node.pem", f"{directory}/node.key"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=node", "-addext", f"subjectAltName=IP:{NODE}",
                    "-out", paths[0], "-keyout", paths[1]], check=True, stderr=subprocess.DEVNULL)
    return paths


def make_disk(pool, size):
    """A disk in the storage that all nodes see; the node that moves it is at NODE."""
    for host in pool.control.call("host.get_all"):
        pool.control.do("set", **{"class": "host", "ref": host, "field": "address", "value": NODE})
    storage = pool.control.call("pool.get_default_SR", pool.control.call("pool.get_all")[0])
    vdi = pool.control.call("VDI.create", {
        "SR": storage, "virtual_size": str(size), "type": "user", "sharable": False, "read_only": False,
        "other_config": {}, "name_label": "bench"})
    return pool.control.call("VDI.get_uuid", vdi)


def end_tasks(sink, path):
    """What the toolstack does when a node has moved all bytes. On a control connection of its own."""
    control = harness.Control(path)
    for line in sink.stdout:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(line.strip()).query)
        for task in query.get("task_id", []):
            control.do("set", **{"class": "task", "ref": task, "field": "status", "value": "success"})
    control.close()


@contextlib.contextmanager
def running_sink(pool, certificate, size):
    sink = subprocess.Popen([bench.program("sink"), NODE, str(pool.port), str(size), *certificate],
                            stdout=subprocess.PIPE, text=True)
    bench.stay_on(sink.pid, 0)
    if sink.stdout.readline() != "ready\n":
        raise bench.BenchError("bench-sink does not start")
    ender = threading.Thread(target=end_tasks, args=(sink, pool.ready["control"]))
    ender.start()
    try:
        yield
    finally:
        sink.terminate()
        sink.wait()
        ender.join()
        sink.stdout.close()


def move(*arguments):
    """Seconds and peak of memory."""
    seconds, peak = bench.run([bench.program("disk"), *map(str, arguments)], core=1).output.split()
    return float(seconds), int(peak)


def size_of(way):
    """A digest takes its time, which does not depend on the size."""
    return SIZE // 4 if way == "digest" else SIZE


def compare(way, tls):
    harness.PROGRAM = str(bench.BUILD / SIMULATOR)
    size = size_of(way)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-disk-"))
        pool = stack.enter_context(harness.pool(*(["--tls"] if tls else [])))
        certificate = make_certificate(directory) if tls else []
        trust = []
        if tls:
            trust = [f"{directory}/trust.pem"]
            texts = [pathlib.Path(path).read_text() for path in (pool.ready["ca"], certificate[0])]
            pathlib.Path(trust[0]).write_text("".join(texts))
        vdi = make_disk(pool, size)
        stack.enter_context(running_sink(pool, certificate, size))
        image = f"{directory}/image"
        with open(image, "wb") as file:
            file.truncate(size)
        path = image if way == "in" else "/dev/null"
        url = f"{'https' if tls else 'http'}://{NODE}:{pool.port}/disk"
        home = os.path.dirname(pool.ready["control"])
        return bench.in_turn(lambda: move("driver", way, size, path, home, vdi, *trust),
                             lambda: move("curl", way, size, path, url, *trust))


def measure(way, tls):
    ours, theirs = compare(way, tls)
    rates = [[size_of(way) / seconds for seconds, _ in side] for side in (ours, theirs)]
    name = f"disk {'out, digest' if way == 'digest' else way}, {'TLS' if tls else 'plain'}, {size_of(way) // MIB} MiB"
    return [bench.at_least(f"{name}: rate of bare libcurl", bench.ratio(*rates), RATE,
                           f"{bench.median(rates[0]) / MIB:.0f} against {bench.median(rates[1]) / MIB:.0f} MiB/s"),
            bench.below(f"{name}: memory", max(peak for _, peak in ours) / MIB, RESIDENT // MIB, "MiB")]


def both(way):
    return lambda: measure(way, False) + measure(way, True)


FIGURES = [
    Figure(f"disk-{way}", f"a disk {what} through the driver against bare libcurl, plain and TLS",
           f">= {RATE} of its rate, <= {RESIDENT // MIB} MiB", both(way), NEEDS)
    for way, what in (("in", "in"), ("out", "out"), ("digest", "out, with its SHA-256,"))]
