"""power, soft-delete, restore, bootable: one slot each, and what they say."""

import json
import signal

from shim import MIB, content, equal, finish, main, with_pool, write

UUID = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"


def machine(pool, name="web-1", *words):
    path = write(pool.state, "x.img", content(MIB))
    return pool.spawn(path, "--name", name, "--node", "xapisim2", *words)["uuid"]


def state_of(pool, name="web-1"):
    return pool.record("VM", name_label=name)["power_state"]


def calls(pool, *words):
    """What travels for a command beside logging in and looking."""
    pool.control.do("reset-stats")
    pool.hvd(*words).expect(0)
    return {method for method in pool.calls()
            if not method.startswith(("session.", "event.", "task."))}


@with_pool()
def test_cycle(pool):
    uuid = machine(pool)
    for word, method, state, shown in (
            ("off", "Async.VM.clean_shutdown", "Halted", "stopped"),
            ("on", "Async.VM.start", "Running", "running on xapisim2"),
            ("pause", "Async.VM.pause", "Paused", "paused on xapisim2"),
            ("unpause", "Async.VM.unpause", "Running", "running on xapisim2"),
            ("suspend", "Async.VM.suspend", "Suspended", "suspended"),
            ("resume", "Async.VM.resume", "Running", "running on xapisim2"),
            ("reboot", "Async.VM.clean_reboot", "Running", "running on xapisim2")):
        pool.control.do("reset-stats")
        equal(pool.hvd("power", word, "web-1").expect(0).out, f"web-1 ({uuid}) is {shown}\n")
        assert method in pool.calls() or method.removeprefix("Async.") in pool.calls(), pool.calls()
        equal(state_of(pool), state)
        # once more: there already, and nothing travels
        if word != "reboot":
            equal(calls(pool, "power", word, "web-1"), set())
    equal(pool.hvd("--json", "power", "pause", UUID).expect(4).error()["code"], "NOT_FOUND")
    equal(pool.hvd("--json", "power", "pause", uuid.upper()).json()["state"], "paused")


@with_pool()
def test_hard(pool):
    machine(pool)
    equal(calls(pool, "power", "reboot", "web-1", "--hard"), {"Async.VM.hard_reboot"})
    equal(calls(pool, "power", "off", "web-1", "--hard"), {"Async.VM.hard_shutdown"})
    pool.hvd("power", "on", "web-1").expect(0)
    equal(calls(pool, "power", "off", "web-1", "--wait", "0"), {"Async.VM.hard_shutdown"})
    pool.hvd("power", "off", "web-1", "--hard", "--wait", "1").expect(2, "no --wait with it")
    pool.hvd("power", "off", "web-1", "--wait", "3601").expect(2, "from 0 to 3600")


@with_pool()
def test_guest_that_does_not_listen(pool):
    """After the time that was given it is stopped hard."""
    machine(pool)
    pool.control.do("fault", add={"method": "Async.VM.clean_shutdown", "action": "task-hang",
                                  "when": "before"})
    equal(calls(pool, "--set", "task.cancel-grace=1", "power", "off", "web-1", "--wait", "1"),
          {"Async.VM.clean_shutdown", "Async.VM.hard_shutdown"})
    equal(state_of(pool), "Halted")


@with_pool()
def test_wrong_state(pool):
    machine(pool)
    pool.hvd("power", "pause", "web-1").expect(0)
    pool.hvd("power", "on", "web-1").expect(7, "hvd: STATE: power-on ", "advice: resume")
    pool.hvd("power", "suspend", "web-1").expect(7, "hvd: STATE: ")
    pool.hvd("power", "off", "web-1", "--hard").expect(0)
    pool.hvd("power", "pause", "web-1").expect(7, "hvd: STATE: ")
    equal(state_of(pool), "Halted")


@with_pool()
def test_soft_delete(pool):
    uuid = machine(pool)
    equal(pool.hvd("soft-delete", "web-1").expect(0).out, f"web-1 ({uuid}) is soft-deleted\n")
    assert "soft-deleted" in pool.hvd("list").out
    pool.hvd("power", "on", "web-1").expect(7, "it is soft-deleted", "advice: restore it first")
    equal(pool.hvd("restore", "web-1").expect(0).out, f"web-1 ({uuid}) is running on xapisim2\n")


@with_pool()
def test_bootable(pool):
    uuid = machine(pool)
    result = pool.hvd("bootable", "web-1", "no").expect(0)
    equal(result.out, f"web-1 ({uuid}) will not start until it is made bootable again\n")
    equal(pool.hvd("power", "off", "web-1", "--hard").expect(0).out, f"web-1 ({uuid}) is stopped, not bootable\n")
    pool.hvd("power", "on", "web-1").expect(7, "it is marked as not bootable", "advice: make it bootable first")
    equal(pool.hvd("bootable", "web-1", "yes").out, f"web-1 ({uuid}) may be started\n")
    pool.hvd("power", "on", "web-1").expect(0)
    pool.hvd("bootable", "web-1", "perhaps").expect(2, 'bootable takes yes or no, not "perhaps"')


@with_pool()
def test_names(pool):
    """An ambiguous name lists what it could mean; uuids always work."""
    first = machine(pool)
    second = machine(pool)
    pool.hvd("power", "off", first, "--hard").expect(0)
    result = pool.hvd("power", "on", "web-1").expect(6, 'hvd: AMBIGUOUS: 2 instances are called')
    assert f"  candidate: {first}  stopped\n" in result.err, result.err
    assert f"  candidate: {second}  running on xapisim2\n" in result.err, result.err
    error = pool.hvd("--json", "power", "on", "web-1").expect(6).error()
    equal(len(error["candidates"]), 2)
    pool.hvd("power", "on", first).expect(0)
    pool.hvd("power", "on", "web").expect(4, 'did you mean "web-1"?')
    pool.hvd("power").expect(2, '"power" is only half a command', "power off")
    pool.hvd("power", "of", "web-1").expect(2, 'did you mean "power off"?')
    pool.hvd("power", "off").expect(2, "power off: INSTANCE is missing")


@with_pool()
def test_plan(pool):
    machine(pool)
    before = pool.objects()
    for words in (["power", "off", "web-1"], ["power", "pause", "web-1"], ["soft-delete", "web-1"],
                  ["bootable", "web-1", "no"], ["power", "reboot", "web-1", "--hard"]):
        pool.control.do("reset-stats")
        assert "nothing was done" in pool.hvd("--plan", *words).expect(0).out
        assert not [method for method in pool.calls() if method.startswith("Async.")], pool.calls()
        json.loads(pool.hvd("--plan", "--json", *words).out)
    equal((state_of(pool), pool.objects()), ("Running", before))


@with_pool()
def test_takes_too_long(pool):
    """A time for the whole: what can be stopped has not happened, of what cannot nobody knows."""
    machine(pool)
    pool.hold("Async.VM.hard_reboot")
    words = ("--set", "task.cancel-grace=1", "--timeout", "1", "power", "reboot", "web-1", "--hard")
    pool.hvd(*words).expect(13, "hvd: TIMED_OUT: reboot ")
    pool.control.do("fault", clear=True)
    pool.control.do("fault", add={"method": "Async.VM.hard_reboot", "action": "task-hang",
                                  "when": "before"})
    pool.hvd(*words).expect(14, "hvd: UNKNOWN_OUTCOME: reboot ", "does not let itself be cancelled")


@with_pool()
def test_interrupted(pool):
    """Where it is too late to stop, what is done is what is said."""
    uuid = machine(pool)
    pool.hold("Async.VM.pause", when="after")
    process = pool.start("power", "pause", "web-1")
    pool.control.do("wait", id="Async.VM.pause")
    while state_of(pool) != "Paused":
        pass
    process.send_signal(signal.SIGINT)
    process.stderr.readline()
    pool.control.do("release", id="Async.VM.pause")
    equal(finish(process).expect(0).out, f"web-1 ({uuid}) is paused on xapisim2\n")


if __name__ == "__main__":
    main("/e2e/power")
