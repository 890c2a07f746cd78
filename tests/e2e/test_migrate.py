"""migrate: all nine parts through hvd, and the way back where there is one."""

import json
import re
import signal

from shim import MIB, content, equal, finish, main, with_pool, write

UUID = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"
TARGET = {"target": "192.0.2.10", "iqn": "iqn.2026-01.org.example:volume-1"}
VOLUME = json.dumps({"driver_volume_type": "iscsi", "data": {
    "target_portal": TARGET["target"] + ":3260", "target_iqn": TARGET["iqn"], "target_lun": 0}})


def machine(pool, node="xapisim1", *words):
    path = write(pool.state, "x.img", content(MIB))
    return pool.spawn(path, "--name", "web-1", "--node", node, *words)["uuid"]


def node_of(pool):
    vm = pool.record("VM", name_label="web-1")
    return pool.records("host")[vm["resident_on"]]["name_label"]


def attach(pool):
    """A volume that only the coordinator and the instance's node can reach."""
    pool.control.do("iscsi-target", luns=[{"lun": 0, "size": 64 * MIB}], **TARGET)
    pool.hvd("volume", "attach", "web-1", "-", data=VOLUME).expect(0)


@with_pool()
def test_to_a_node(pool):
    uuid = machine(pool)
    before = pool.objects()
    pool.control.do("reset-stats")
    result = pool.hvd("migrate", "web-1", "--to", "xapisim3").expect(0)
    equal(result.out, f"web-1 ({uuid}) is running on xapisim3\n")
    equal(node_of(pool), "xapisim3")
    calls = pool.calls()
    equal({method: n for method, n in calls.items() if not method.startswith(("session.", "event."))},
          {"VM.assert_can_boot_here": 1, "Async.VM.pool_migrate": 1, "VM.set_affinity": 1})
    equal(pool.objects() ^ before, set())
    info = pool.hvd("--json", "migrate", uuid, "--to", pool.addresses[1]).json()
    equal((info["uuid"], info["state"], info["node"]["name"]), (uuid, "running", "xapisim2"))


@with_pool()
def test_where_there_is_room(pool):
    """Without a node it is the other one with the most free memory."""
    path = write(pool.state, "x.img", content(MIB))
    pool.spawn(path, "--name", "big", "--node", "xapisim2", "--memory", "8G")
    machine(pool)
    pool.hvd("migrate", "web-1").expect(0)
    equal(node_of(pool), "xapisim3")
    for host in pool.records("host"):
        pool.control.do("set", **{"class": "host", "ref": host, "field": "enabled", "value": False})
    pool.hvd("migrate", "web-1").expect(9, "hvd: NO_RESOURCES: ", "no other node")


@with_pool()
def test_refused(pool):
    machine(pool)
    before = pool.objects()
    for words, status, told in (
            (["nobody"], 4, 'there is no instance "nobody"'),
            ([UUID, "--to", "xapisim2"], 4, UUID),
            (["web-1", "--to", "nowhere"], 4, 'there is no node "nowhere"'),
            (["web-1", "--to", UUID], 4, UUID),
            (["web-1", "--to", "xapisim1"], 7, "on node xapisim1 already")):
        pool.hvd("migrate", *words).expect(status, told)
    node = next(ref for ref, host in pool.records("host").items()
                if host["name_label"] == "xapisim2")
    pool.control.do("set", **{"class": "host", "ref": node, "field": "enabled", "value": False})
    pool.hvd("migrate", "web-1", "--to", "xapisim2").expect(9, "takes no instances")
    pool.hvd("power", "off", "web-1", "--hard").expect(0)
    pool.hvd("migrate", "web-1", "--to", "xapisim3").expect(7, "hvd: STATE: ")
    equal(pool.objects() ^ before, set())


@with_pool()
def test_local_disks(pool):
    local = next(sr["uuid"] for sr in pool.records("SR").values()
                 if sr["name_label"] == "Local storage"
                 and pool.records("PBD")[sr["PBDs"][0]]["host"] == host_named(pool, "xapisim1"))
    machine(pool, "xapisim1", "--storage", local)
    pool.hvd("migrate", "web-1", "--to", "xapisim2").expect(15, "UNSUPPORTED", "Local storage")


def host_named(pool, name):
    return next(ref for ref, host in pool.records("host").items() if host["name_label"] == name)


@with_pool()
def test_with_a_volume(pool):
    """The destination gets access to its storage first, and keeps it."""
    machine(pool)
    attach(pool)
    before = pool.objects("PBD")
    pool.hvd("migrate", "web-1", "--to", "xapisim3").expect(0)
    equal((node_of(pool), len(pool.objects("PBD") - before)), ("xapisim3", 1))
    pool.hvd("volume", "detach", "web-1", "-", data=VOLUME).expect(0)
    equal([sr for sr in pool.records("SR").values() if sr["type"] == "iscsi"], [])


@with_pool()
def test_rolled_back(pool):
    """It does not leave: what the destination was given is taken away again."""
    machine(pool)
    attach(pool)
    before = pool.objects()
    pool.control.do("fault", add={"method": "Async.VM.pool_migrate", "action": "task-fail",
                                  "when": "before", "error": ["HOST_NOT_ENOUGH_FREE_MEMORY", "2", "1"]})
    result = pool.hvd("migrate", "web-1", "--to", "xapisim3")
    result.expect(9, "hvd: NO_RESOURCES: live-migration ")
    equal((node_of(pool), pool.objects() ^ before), ("xapisim1", set()))


@with_pool()
def test_rollback_fails(pool):
    """Said, beside the reason, and the exit status is that of the reason."""
    machine(pool)
    attach(pool)
    pool.control.do("fault", add={"method": "Async.VM.pool_migrate", "action": "task-fail",
                                  "when": "before", "error": ["HOST_NOT_ENOUGH_FREE_MEMORY", "2", "1"]})
    pool.fail("Async.PBD.unplug", "SR_BACKEND_FAILURE_1", "", "stuck", count=0)
    pool.hvd("migrate", "web-1", "--to", "xapisim3").expect(
        9, "hvd: the destination was not put back: ", "hvd: NO_RESOURCES: live-migration ")
    equal(node_of(pool), "xapisim1")


@with_pool()
def test_interrupted(pool):
    """A signal before it has moved: it stays, and the destination is put back."""
    machine(pool)
    attach(pool)
    before = pool.objects()
    pool.hold("Async.PBD.plug")
    process = pool.start("migrate", "web-1", "--to", "xapisim3")
    pool.control.do("wait", id="Async.PBD.plug")
    process.send_signal(signal.SIGINT)
    process.stderr.readline()
    pool.control.do("release", id="Async.PBD.plug")
    finish(process).expect(130, "hvd: CANCELLED: ")
    equal((node_of(pool), pool.objects() ^ before), ("xapisim1", set()))


@with_pool()
def test_one_progress(pool):
    """One operation, from 0 to 100 percent, in words for people."""
    machine(pool)
    terminal = pool.terminal("migrate", "web-1", "--to", "xapisim3", columns=200)
    equal(terminal.end(), 0)
    shown = re.findall(r"migrate web-1: ([^\r\x1b]*?)  (\d+)%", terminal.seen)
    percents = [int(percent) for _, percent in shown]
    equal(percents, sorted(percents))
    assert percents[0] <= 2 and percents[-1] >= 95, shown
    assert "moving it" in [step for step, _ in shown], shown
    assert "live-migration" not in terminal.seen, terminal.seen


@with_pool()
def test_plan(pool):
    machine(pool)
    attach(pool)
    before = pool.objects()
    pool.control.do("reset-stats")
    plan = pool.hvd("--plan", "--json", "migrate", "web-1", "--to", "xapisim3").json()
    equal((plan["operation"], len(plan["subject"])), ("migrate", 36))
    equal([call["method"] for step in plan["steps"] for call in step["calls"]],
          ["VM.assert_can_boot_here", "PBD.get_device_config", "Async.PBD.create",
           "Async.PBD.plug", "Async.VM.pool_migrate", "VM.set_affinity"])
    text = pool.hvd("--plan", "migrate", "web-1").expect(0).out
    for told in ("check of the destination: checking the destination", "move: moving it  (taken back",
                 "after the move, destination: checking that all of it has arrived"):
        assert told in text, text
    assert "live-migration" not in text, text
    assert "Async.VM.pool_migrate" not in pool.calls(), pool.calls()
    equal((node_of(pool), pool.objects()), ("xapisim1", before))


if __name__ == "__main__":
    main("/e2e/migrate")
