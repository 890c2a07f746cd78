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
import machines

SIMULATOR = "host-shim/simulator/xapi-sim"
QUICK = bool(os.environ.get("BENCH_QUICK"))


@contextlib.contextmanager
def pool(*options):
    harness.PROGRAM = str(bench.BUILD / SIMULATOR)
    with harness.pool(*options) as running:
        yield running, os.path.dirname(running.ready["control"])


def exact(what, value, wanted, unit):
    return Measurement(what, f"{wanted} {unit}".strip(), f"{value} {unit}".strip(), None, value == wanted)


# ---- spawns ----

SPAWNS = 1000
DISPATCH_MS = 10


def spawns():
    """The worst of five runs: one dispatch that is too long is too many."""
    results = []
    for _ in range(bench.ROUNDS):
        with pool() as (_, home):
            results.append(bench.run([bench.program("spawns"), home, str(SPAWNS)]).output.split())
    succeeded = min(int(result[0]) for result in results)
    longest = max(float(result[3]) for result in results)
    seconds = bench.median(float(result[1]) for result in results)
    return [exact(f"{SPAWNS} spawns at once, in {seconds:.1f} s: succeeded", succeeded, SPAWNS, "spawns"),
            bench.below("  longest dispatch, CPU time", longest, DISPATCH_MS, "ms")]


# ---- a large pool ----

NODES, VMS, DISKS = 64, 5000, 20000
OPEN_SECONDS = 3
OPEN_MEMORY = 200 * MIB
PIPELINED = 500


def call_many(control, method, records):
    """One call for each record, many of them on their way at a time."""
    results = []
    for at in range(0, len(records), PIPELINED):
        part = records[at:at + PIPELINED]
        for record in part:
            control.send("call", method=method, params=[record])
        results += [control.receive()["result"] for _ in part]
    return results


def fill(control):
    """Instances with four disks and a network each. The disks lie in the nodes' own storage: the simulator looks
    through all that a storage has when it makes one more."""
    storage = [ref for ref, sr in control.call("SR.get_all_records").items()
               if sr["name_label"] == "Local storage"]
    network = control.call("network.get_all")[0]
    each = DISKS // VMS
    vms = call_many(control, "VM.create", [
        machines.vm_record(f"instance-{i}", other_config={"nova_uuid": str(uuid.UUID(int=i + 1))})
        for i in range(VMS)])
    vdis = call_many(control, "VDI.create", [
        machines.vdi_record(storage[i % len(storage)], name_label=f"disk {i}") for i in range(DISKS)])
    call_many(control, "VBD.create", [
        machines.vbd_record(vms[i // each], vdi, str(i % each)) for i, vdi in enumerate(vdis)])
    call_many(control, "VIF.create", [machines.vif_record(vm, network) for vm in vms])


def show_counts(counts):
    return " or ".join(" ".join(map(str, count)) for count in sorted(counts))


def open_large():
    """Opened in a process of its own each time. Most of the time is the simulator's, which makes the answer."""
    with pool("--hosts", str(NODES), "--local-size", str(1 << 40)) as (_, home):
        control = harness.Control(f"{home}/control.sock")
        fill(control)
        control.close()
        runs = [bench.run([bench.program("open"), home, "1"]) for _ in range(bench.ROUNDS)]
    results = [run.output.split() for run in runs]
    cpu = bench.median(run.cpu for run in runs)
    seconds = bench.median(float(result[0]) for result in results)
    peak = max(int(result[1]) for result in results)
    counts = {tuple(map(int, result[2:5])) for result in results}
    return [bench.below(f"open, {NODES} nodes, {VMS} VMs, {DISKS} disks ({bench.show_ms(cpu)} of CPU)", seconds, OPEN_SECONDS, "s"),
            bench.below("  memory", peak / MIB, OPEN_MEMORY // MIB, "MiB"),
            exact("  in the mirror: nodes, VMs, disks", show_counts(counts),
                  show_counts({(NODES, VMS + NODES, DISKS)}), "")]


# ---- nothing to do, and much ado about nothing ----

IDLE_SECONDS = 60
IDLE_REQUESTS = 2
ROUNDS = 1000 if QUICK else 10000
GROWTH = 256 * 1024


def idle():
    with pool() as (_, home):
        counts = json.loads(bench.run([bench.program("idle"), home, str(IDLE_SECONDS)]).output)
    polls = counts.pop("event.from", 0)
    seen = ", ".join(f"{method} {count}" for method, count in counts.items()) or "none"
    return [bench.below(f"idle for {IDLE_SECONDS} s, {polls} polls, beside them: {seen}", sum(counts.values()),
                        IDLE_REQUESTS, "requests")]


def count_sessions(running):
    return len(running.control.ask("dump").get("session", {}))


def open_close():
    with pool() as (running, home):
        before = count_sessions(running)
        early, late = map(int, bench.run([bench.program("open"), home, str(ROUNDS)]).output.split()[-2:])
        left = count_sessions(running) - before
    return [exact(f"{ROUNDS} times opened and closed: left on the pool", left, 0, "sessions"),
            bench.below("  memory that grew between a tenth of it and the end", (late - early) / 1024,
                        GROWTH // 1024, "KiB")]


FIGURES = [
    Figure("spawns", "1,000 spawns at once on the simulated pool",
           f"all succeed, no dispatch over {DISPATCH_MS} ms", spawns, ("tests/bench/bench-spawns", SIMULATOR)),
    Figure("open-large", "open to complete mirror of a large pool",
           f"<= {OPEN_SECONDS} s, <= {OPEN_MEMORY // MIB} MiB", open_large, ("tests/bench/bench-open", SIMULATOR)),
    Figure("idle", "an idle pool", f"<= {IDLE_REQUESTS} requests a minute beside the poll", idle,
           ("tests/bench/bench-idle", SIMULATOR)),
    Figure("open-close", "a pool opened and closed again and again", "no session left, no growth", open_close,
           ("tests/bench/bench-open", SIMULATOR)),
]
