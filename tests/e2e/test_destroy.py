"""destroy, cleanup, and the whole life of an instance in processes that know nothing of each other."""

import os
import subprocess

from shim import (MIB, Terminal, content, directory, equal, finish, hvd, main, start, with_pool,
                  write)

UUID = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"


def machine(pool, name="web-1", *words):
    path = write(pool.state, "x.img", content(MIB))
    return pool.spawn(path, "--name", name, *words)["uuid"]


@with_pool()
def test_destroy(pool):
    before = pool.objects()
    uuid = machine(pool, "web-1", "--extra-disk", "1G")
    equal(pool.hvd("destroy", "web-1").expect(0).out, f"web-1 ({uuid}) is gone\n")
    equal(pool.objects() ^ before, set())
    # gone is success where it is named by its key; a name means nobody any more
    equal(pool.hvd("destroy", uuid).expect(0).out, f"{uuid} is gone\n")
    equal(pool.hvd("--json", "destroy", uuid.upper()).json(), {})
    pool.hvd("destroy", "web-1").expect(4, 'there is no instance "web-1"')


@with_pool()
def test_ambiguous(pool):
    machine(pool)
    machine(pool)
    before = pool.objects()
    pool.hvd("destroy", "web-1").expect(6, "hvd: AMBIGUOUS: ", "  candidate: ")
    equal(pool.objects(), before)


@with_pool()
def test_plan(pool):
    machine(pool)
    before = pool.objects()
    result = pool.hvd("--plan", "destroy", "web-1").expect(0)
    assert "Async.VM.hard_shutdown" in result.out and "VM.destroy" in result.out, result.out
    equal(pool.objects(), before)


@with_pool()
def test_asks_first(pool):
    """Of a pool that is none to play with, where somebody can answer."""
    uuid = machine(pool)
    words, env = pool.address()
    question = f"Destroy web-1 ({uuid}) with its disks? [y/N] "
    for answer, status, told in (("n\n", 130, "not destroyed: not confirmed\r\n"),
                                 ("\n", 130, "not destroyed: not confirmed"),
                                 ("\x03", 130, "not destroyed: ")):
        terminal = Terminal(*words, "destroy", "web-1", env=env)
        terminal.read_until(question)
        terminal.type(answer)
        equal(terminal.end(), status)
        assert told in terminal.seen and "being undone" not in terminal.seen, terminal.seen
    assert pool.record("VM", name_label="web-1")
    terminal = Terminal(*words, "destroy", "web-1", env=env)
    terminal.read_until(question)
    terminal.type("y\n")
    equal(terminal.end(), 0)
    assert f"web-1 ({uuid}) is gone" in terminal.seen, terminal.seen
    uuid = machine(pool)
    terminal = Terminal(*words, "--json", "destroy", "web-1", env=env)  # scripts have no terminal
    terminal.read_until(f"Destroy web-1 ({uuid}) with its disks? [y/N] ")
    terminal.type("n\n")
    equal(terminal.end(), 130)
    terminal = Terminal(*words, "--plan", "destroy", "web-1", env=env)
    equal((terminal.end(), "[y/N]" in terminal.seen), (0, False))
    unseen = Terminal(*words, "destroy", "web-1", env=env, stderr=subprocess.DEVNULL)
    equal(unseen.end(), 2)
    assert pool.record("VM", name_label="web-1")
    terminal = Terminal(*words, "destroy", "--yes", "web-1", env=env)
    equal(terminal.end(), 0)
    machine(pool)
    hvd(*words, "destroy", "web-1", env=env).expect(0)  # nobody is there to be asked
    machine(pool)
    terminal = pool.terminal("destroy", "web-1")  # the simulated pool
    equal(terminal.end(), 0)
    assert "[y/N]" not in terminal.seen, terminal.seen


@with_pool()
def test_blocked(pool):
    """What an administrator has blocked is not touched: it runs on, with its disks."""
    machine(pool)
    vm = next(ref for ref, record in pool.records("VM").items() if record["name_label"] == "web-1")
    before = pool.objects()
    for operation in ("destroy", "hard_shutdown"):
        pool.control.do("set", **{"class": "VM", "ref": vm, "field": "blocked_operations",
                                  "value": {operation: "keep it"}})
        pool.hvd("destroy", "web-1").expect(10, "hvd: DENIED: destroy ", "keep it")
        equal((pool.records("VM")[vm]["power_state"], pool.objects()), ("Running", before))


@with_pool()
def test_cleanup(pool):
    """Disks that carry the mark of an instance which is gone: those with contents are told, and stay."""
    before = pool.objects()
    uuid = machine(pool)
    pool.hvd("cleanup", uuid).expect(7, "hvd: STATE: ", "still there")
    vm = next(ref for ref, record in pool.records("VM").items() if record["name_label"] == "web-1")
    pool.control.call("VM.hard_shutdown", vm)
    pool.control.call("VM.destroy", vm)
    left = pool.objects() - before
    equal(len(left), 1)
    pool.hvd("--set", "reconcile.grace=0", "cleanup", uuid).expect(18, "hvd: LEFTOVERS: ", "it has contents")
    equal(pool.objects() - before, left)
    disk = next(ref for ref, record in pool.records("VDI").items() if record["name_label"] == "web-1")
    pool.control.call("VDI.destroy", disk)
    equal(pool.hvd("cleanup", uuid).expect(0).out, f"nothing is left of {uuid}\n")
    equal(pool.objects() ^ before, set())
    equal(pool.hvd("--json", "cleanup", UUID).json(), {})
    pool.hvd("cleanup", "web-1").expect(2, 'not "web-1"', "destroy")


# ---- with no configuration at all ----

def test_three_processes():
    """spawn, list, destroy: the simulated pool is there before, between and after."""
    with directory() as place:
        env = {"XDG_STATE_HOME": place}
        image = write(place, "web-1.raw", content(MIB))
        note = f"hvd: no configuration: using the simulated pool in {place}/hvd/simulated\n"
        result = hvd("spawn", image, env=env).expect(0)
        equal(result.err, note)
        assert result.out.startswith("web-1 ("), result.out
        listed = hvd("--json", "list", env=env).json()
        equal([(one["name"], one["state"]) for one in listed], [("web-1", "running")])
        result = hvd("destroy", "web-1", env=env).expect(0)
        equal((result.out, result.err), (f"web-1 ({listed[0]['uuid']}) is gone\n", note))
        equal(hvd("--json", "list", env=env).json(), [])


def test_pool_that_has_ended():
    """The same where the pool's process has gone in between: what it was is what it is."""
    with directory() as place:
        env = {"XDG_STATE_HOME": place}
        image = write(place, "web-1.raw", content(MIB))
        copy = os.path.join(place, "copy")
        before = hvd("--json", "spawn", image, env=env).json()
        end_pool(place)
        equal(hvd("--json", "info", "web-1", env=env).json(), before)
        end_pool(place)
        hvd("snapshot", "web-1", "--to", copy, env=env).expect(0)
        with open(copy, "rb") as file:
            equal(file.read(MIB), content(MIB))
        hvd("destroy", "web-1", env=env).expect(0)
        end_pool(place)
        equal(hvd("--json", "list", env=env).json(), [])


def end_pool(place):
    from shim import harness
    control = harness.Control(f"{place}/hvd/simulated/control.sock")
    control.do("shutdown")
    equal(control.file.readline(), b"")  # its process lets go
    control.close()


def test_two_at_once():
    """Two of us join one pool, and see what the other one makes."""
    with directory() as place:
        env = {"XDG_STATE_HOME": place}
        image = write(place, "x.img", content(MIB))
        both = [start("--json", "spawn", image, "--name", f"web-{n}", env=env) for n in range(4)]
        made = {finish(one).expect(0).json()["name"] for one in both}
        equal(made, {f"web-{n}" for n in range(4)})
        equal({one["name"] for one in hvd("--json", "list", env=env).json()}, made)


if __name__ == "__main__":
    main("/e2e/destroy")
