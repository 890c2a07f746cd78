"""events and reconcile: what the pool tells by itself, and what dead processes left in it."""

import json
import signal

from shim import MIB, content, equal, finish, main, with_pool, write

UUID = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"
NOW = ("--set", "reconcile.grace=0")


def image(pool):
    return write(pool.state, "x.img", content(MIB))


# ---- events ----

def next_event(process):
    return json.loads(process.stdout.readline())


@with_pool()
def test_present(pool):
    """Without --follow it is a picture of the moment."""
    equal(pool.hvd("events").expect(0).out, "")
    uuid = pool.spawn(image(pool), "--name", "web-1", "--node", "xapisim2")["uuid"]
    [line] = pool.hvd("events").expect(0).out.splitlines()
    equal(line.split("  ", 1)[1], f"web-1 ({uuid}) is running on xapisim2")
    event = pool.hvd("--json", "events").json()
    equal(sorted(event), ["gone", "name", "node", "state", "time", "uuid"])
    equal((event["uuid"], event["state"], event["gone"]), (uuid, "running", False))


@with_pool()
def test_follow(pool):
    """Every change of state, once it has come to rest, at once and also through a pipe."""
    first = pool.spawn(image(pool), "--name", "web-1", "--node", "xapisim2")["uuid"]
    process = pool.start("--json", "events", "--follow")
    event = next_event(process)
    equal((event["uuid"], event["state"]), (first, "running"))
    nodes = {node["name"]: node["uuid"] for node in pool.hvd("--json", "nodes").json()}
    for words, expected in ((["power", "pause", "web-1"], {"state": "paused", "gone": False}),
                            (["power", "unpause", "web-1"], {"state": "running"}),
                            (["migrate", "web-1", "--to", "xapisim1"], {"node": nodes["xapisim1"]}),
                            (["power", "off", "web-1", "--hard"], {"state": "shutdown"}),
                            (["destroy", "web-1"], {"gone": True, "name": "web-1"})):
        pool.hvd(*words).expect(0)
        event = next_event(process)
        equal({"uuid": first, **expected}.items() <= event.items(), True)
        assert "node" in event or event["state"] not in ("running", "paused"), event
    second = pool.spawn(image(pool), "--name", "web-2")["uuid"]
    event = next_event(process)
    equal((event["uuid"], event["state"]), (second, "running"))
    process.send_signal(signal.SIGINT)
    result = finish(process).expect(0)  # that is how it is meant to end
    equal((result.out, result.err), ("", ""))


@with_pool()
def test_follow_for_eyes(pool):
    terminal = pool.terminal("events", "--follow", env={"NO_COLOR": "1"})
    pool.spawn(image(pool), "--name", "web-1", "--node", "xapisim3")
    terminal.read_until("is running on xapisim3\r\n")
    pool.hvd("destroy", "web-1").expect(0)
    terminal.read_until("is gone\r\n")
    terminal.type("\x03")
    equal(terminal.end(), 0)
    assert "cancelling" not in terminal.seen, terminal.seen


@with_pool()
def test_follow_through_an_interruption(pool):
    """The toolstack goes and comes back: what happened meanwhile is told."""
    pool.spawn(image(pool), "--name", "web-1")
    vm = next(ref for ref, record in pool.records("VM").items() if record["name_label"] == "web-1")
    process = pool.start("--json", "events", "--follow")
    next_event(process)
    pool.control.do("stop")
    pool.control.do("set", **{"class": "VM", "ref": vm, "field": "power_state", "value": "Halted"})
    pool.control.do("start")
    equal(next_event(process)["state"], "shutdown")
    process.send_signal(signal.SIGTERM)
    equal(finish(process).expect(0).err, "")  # nor does the log of it come between a script's lines


# ---- reconcile ----

def kill_at(pool, method, *words):
    """hvd dies without a word while its call of @method is being answered; so does its session."""
    pool.hold(method, when="after")
    process = pool.start(*words)
    pool.control.do("wait", id=method)
    process.kill()
    process.communicate()
    pool.control.do("release", id=method)
    pool.control.do("restart")


@with_pool()
def test_nothing(pool):
    for grace, told in (("0", "nothing was found half-done\n"),
                        ("900", "nothing that is older than 15 min was found half-done; "),
                        ("61", "nothing that is older than 61 s was found half-done; ")):
        result = pool.hvd("--set", "reconcile.grace=" + grace, "reconcile").expect(0)
        assert result.out.startswith(told) and ("younger" in result.out) == (grace != "0"), result.out
        # not yet, as long as the pool does not know that its session is nobody's
        assert result.out.endswith("\nwhat a process killed just now has left shows after a quarter of an hour\n")
    assert pool.hvd("reconcile").out.startswith("nothing that is older than 15 min was")
    equal(pool.hvd("--json", "reconcile").json(), {"completed": [], "removed": [], "leftovers": []})


@with_pool()
def test_killed_spawn(pool):
    before = pool.objects()
    kill_at(pool, "VBD.create", "spawn", image(pool), "--name", "web-1", "--uuid", UUID)
    assert pool.objects("VM", "VDI") - before, "the killed spawn has left nothing"
    # too young: what may belong to somebody who is only slow is left alone
    pool.hvd("reconcile").expect(0)
    assert pool.objects("VM", "VDI") - before, "it was not old enough"
    plan = pool.hvd("--plan", *NOW, "reconcile").expect(0).out
    assert "nothing was done" in plan and "VM.destroy" in plan, plan
    assert pool.objects("VM", "VDI") - before, "a plan has done it"
    result = pool.hvd(*NOW, "reconcile").expect(0)
    lines = result.out.splitlines()
    equal(lines[0].split(), ["FATE", "KIND", "NAME", "UUID", "INSTANCE", "REASON"])
    assert any(line.startswith("removed") and UUID in line for line in lines), lines
    assert lines[-1].endswith("0 left where they are"), lines
    equal(pool.objects() ^ before, set())
    pool.spawn(image(pool), "--uuid", UUID)  # as if nothing had been


@with_pool()
def test_could_not_be_put_right(pool):
    """Not the same as what is nobody's: the exit status tells, with the reason in the report."""
    kill_at(pool, "VBD.create", "spawn", image(pool), "--name", "web-1", "--uuid", UUID)
    pool.fail("VM.destroy", "OPERATION_NOT_ALLOWED", "not now", count=2)
    result = pool.hvd(*NOW, "reconcile").expect(18, "hvd: LEFTOVERS: reconcile: ", "repeated")
    assert "OPERATION_NOT_ALLOWED" in result.out, result.out
    result = pool.hvd("--json", *NOW, "reconcile").expect(18)
    equal([one["failed"] for one in result.json()["leftovers"]], [True])
    equal(result.error()["code"], "LEFTOVERS")
    pool.hvd(*NOW, "reconcile").expect(0)


@with_pool()
def test_killed_snapshot(pool):
    pool.spawn(image(pool), "--name", "web-1")
    before = pool.objects()
    kill_at(pool, "VDI.add_to_other_config", "snapshot", "web-1", "--to", pool.state + "/copy")
    report = pool.hvd("--json", *NOW, "reconcile").json()
    equal([one["kind"] for one in report["removed"]], ["VDI"])
    equal(pool.objects() ^ before, set())


@with_pool()
def test_what_belongs_to_others(pool):
    """Of another owner: neither removed nor touched."""
    kill_at(pool, "VBD.create", "spawn", image(pool), "--set", "pool.owner=somebody-else")
    before = pool.objects()
    report = pool.hvd("--json", *NOW, "reconcile").json()
    equal(report["removed"], [])
    equal(pool.objects() ^ before, set())


if __name__ == "__main__":
    main("/e2e/repair")
