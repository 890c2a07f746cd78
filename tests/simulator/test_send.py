"""Machines that move with their disks, within the pool and to another one. What is seen on the way
is held against the recordings by scenarios.py; here is what comes of it."""

import contextlib

from harness import Pool, equal, expect_failure, pool, run_tests
from machines import MIB, NULL, Site

ANOTHER = "127.0.2.1"


def receive(site, host=0):
    return site.call("host.migrate_receive", site.hosts[host], site.network, {})


def transfer(site, method, handler, vdi, body=None, node=0):
    with contextlib.closing(site.pool.connect_http(site.pool.addresses[node])) as connection:
        connection.request(method, f"/{handler}?session_id={site.rpc.session}&vdi={vdi}&format=raw",
                           body)
        return connection.getresponse().read()


def fill(site, vdi, body):
    equal(transfer(site, "PUT", "import_raw_vdi", vdi, body), b"")


def content(site, vdi, node=0):
    """Without the zeros at its end."""
    return transfer(site, "GET", "export_raw_vdi", vdi, node=node).rstrip(b"\0")


def move(site, vm, token, vdi, sr, vifs=None, live=True, **options):
    return site.run("VM.migrate_send", vm, token, live, {vdi: sr}, vifs or {}, options)


def count(site, kind):
    return len(site.call(f"{kind}.get_all"))


def test_within_pool():
    with pool() as running:
        site = Site(running)
        vm, vbd, vdi, _ = site.machine(sr=site.local[0])
        body = bytes(3 * MIB) + b"abc" * 1000
        fill(site, vdi, body)
        site.run("VM.start_on", vm, site.hosts[0], False, False)
        site.call("VDI.add_to_other_config", vdi, "k", "v")
        before = site.record("VDI", vdi)
        token = receive(site, 1)
        arguments = (vm, token, True, {vdi: site.local[1]}, {}, {})
        site.call("VM.assert_can_migrate", *arguments)
        equal(move(site, vm, token, vdi, site.local[1]), vm)
        record = site.record("VM", vm)
        equal((record["power_state"], record["resident_on"], record["VBDs"]),
              ("Running", site.hosts[1], [vbd]))
        after = site.record("VDI", site.record("VBD", vbd)["VDI"])
        assert after["uuid"] != before["uuid"] and "k" not in after["other_config"], after
        equal((after["SR"], after["name_label"], after["VBDs"], after["sm_config"]),
              (site.local[1], before["name_label"], [vbd], {}))
        expect_failure("HANDLE_INVALID", site.record, "VDI", vdi)
        equal(len(site.record("SR", site.local[1])["VDIs"]), 1)
        equal(content(site, site.record("VBD", vbd)["VDI"], node=1), body)


def test_refusals():
    with pool() as running:
        site = Site(running)
        vm, _, vdi, vif = site.running(sr=site.local[0])
        token = receive(site, 1)

        def ask(dest, vdis, vifs=None, options=None):
            return site.call("VM.assert_can_migrate", vm, dest, True, vdis, vifs or {},
                             options or {})

        good = {vdi: site.local[1]}
        equal(expect_failure("VDI_NOT_IN_MAP", ask, token, {}), [vdi])
        expect_failure("OPERATION_NOT_ALLOWED", ask, token, good, {vif: site.network})
        equal(expect_failure("INTERNAL_ERROR", ask, {"host": site.hosts[1]}, good), ["Not_found"])
        expect_failure("INTERNAL_ERROR", ask, {**token, "SM": "x"}, good)
        equal(expect_failure("HANDLE_INVALID", ask, token, {vdi: NULL}), ["SR", NULL])
        equal(expect_failure("VM_BAD_POWER_STATE", ask, token, good, {}, {"copy": "true"}),
              [vm, "halted", "running"])
        halted = site.machine(sr=site.local[0])
        expect_failure("OPERATION_NOT_ALLOWED", site.call, "VM.assert_can_migrate", halted[0],
                       token, False, {halted[2]: site.local[1]}, {}, {"copy": "true"})
        site.call("VM.snapshot", vm, "s")
        expect_failure("NOT_IMPLEMENTED", ask, token, good)
        network = site.call("network.create", {"name_label": "n", "name_description": "",
                                               "MTU": 1500, "other_config": {}, "bridge": "",
                                               "managed": True})
        expect_failure("HOST_CANNOT_ATTACH_NETWORK", site.call, "host.migrate_receive",
                       site.hosts[0], network, {})


def test_token_of_this_pool():
    """Good until its session is logged out."""
    with pool() as running:
        site = Site(running)
        vm, _, vdi, _ = site.running(sr=site.local[0])
        token = receive(site, 1)
        site.rpc.raw("session.logout", token["session_id"])
        equal(expect_failure("SESSION_INVALID", move, site, vm, token, vdi, site.local[1]),
              [token["session_id"]])
        equal(site.record("VM", vm)["resident_on"], site.hosts[0])


def test_one_mark_travels():
    """To another pool a config drive is known by its mark, in this one it is not."""
    with pool() as first, pool("--address", ANOTHER) as second:
        source, target = Site(first), Site(second)
        vm, vbd, vdi, vif = source.running(sr=source.local[0])
        source.call("VDI.set_other_config", vdi, {"config-drive": "a", "k": "v"})
        move(source, vm, receive(source, 1), vdi, source.local[1])
        vdi = source.record("VBD", vbd)["VDI"]
        equal(list(source.record("VDI", vdi)["other_config"]), ["content_id"])
        source.call("VDI.set_other_config", vdi, {"config-drive": "b", "k": "v"})
        moved = move(source, vm, receive(target), vdi, target.shared, {vif: target.network})
        vdi = target.record("VBD", target.record("VM", moved)["VBDs"][0])["VDI"]
        marks = target.record("VDI", vdi)["other_config"]
        equal((sorted(marks), marks["config-drive"]), (["config-drive", "content_id"], "b"))


def to_another_pool(*options):
    with pool(*options) as first, pool("--address", ANOTHER, *options) as second:
        source, target = Site(first), Site(second)
        vm, _, vdi, vif = source.machine("m", other_config={"nova_uuid": "u-7"})
        body = bytes(range(1, 256)) * 8000 + bytes(3 * MIB) + b"end"
        fill(source, vdi, body)
        source.run("VM.start_on", vm, source.hosts[0], False, False)
        uuid, mac = source.record("VM", vm)["uuid"], source.record("VIF", vif)["MAC"]
        token = receive(target, 1)
        moved = move(source, vm, token, vdi, target.shared, {vif: target.network})
        expect_failure("HANDLE_INVALID", source.record, "VM", vm)
        expect_failure("HANDLE_INVALID", source.record, "VDI", vdi)
        record = target.record("VM", moved)
        equal((record["uuid"], record["power_state"], record["resident_on"]),
              (uuid, "Running", target.hosts[1]))
        equal((record["other_config"]["nova_uuid"], record["snapshot_of"]), ("u-7", "Ref:26"))
        equal([target.record("VIF", ref)["MAC"] for ref in record["VIFs"]], [mac])
        disk = target.record("VBD", record["VBDs"][0])["VDI"]
        equal(content(target, disk), body)
        equal(len(target.record("SR", target.shared)["VDIs"]), 1)


def test_to_another_pool():
    to_another_pool()


def test_to_another_pool_by_tls():
    to_another_pool("--tls")


def test_logged_out():
    """And other reasons that only the destination knows."""
    with pool() as first, pool("--address", ANOTHER) as second:
        source, target = Site(first), Site(second)
        vm, _, vdi, vif = source.running()
        token = receive(target)

        def ask(sr=target.shared, networks=None):
            source.call("VM.assert_can_migrate", vm, token, True, {vdi: sr},
                        networks if networks is not None else {vif: target.network}, {})

        ask()
        equal(expect_failure("VIF_NOT_IN_MAP", ask, networks={}), [vif])
        equal(expect_failure("HANDLE_INVALID", ask, source.shared), ["SR", source.shared])
        equal(expect_failure("HANDLE_INVALID", ask, networks={vif: NULL}), ["network", NULL])
        target.call("host.disable", target.hosts[0])
        equal(expect_failure("HOST_DISABLED", ask), [target.hosts[0]])
        second.rpc(login=False).raw("session.logout", token["session_id"])
        equal(expect_failure("SESSION_INVALID", ask), [token["session_id"]])
        equal(source.state(vm), "Running")
        equal((count(target, "VDI"), "maps_to" in source.record("VIF", vif)["other_config"]),
              (0, False))


def test_destination_is_gone():
    with pool() as first:
        source = Site(first)
        second = Pool("--address", ANOTHER)
        target = Site(second)
        vm, _, vdi, vif = source.running()
        token = receive(target)
        second.stop()
        expect_failure("INTERNAL_ERROR", move, source, vm, token, vdi, target.shared,
                       {vif: target.network})
        record = source.record("VM", vm)
        equal((record["power_state"], record["current_operations"]), ("Running", {}))
        equal(source.record("VDI", vdi)["VBDs"], record["VBDs"])


def test_cold():
    with pool() as first, pool("--address", ANOTHER) as second:
        source, target = Site(first), Site(second)
        vm, _, vdi, vif = source.machine("m")
        fill(source, vdi, b"cold")
        maps = (vdi, target.shared, {vif: target.network})
        copy = move(source, vm, receive(target), *maps, live=False, copy="true")
        original, other = source.record("VM", vm), target.record("VM", copy)
        assert original["uuid"] != other["uuid"]
        assert source.record("VIF", vif)["MAC"] != target.record("VIF", other["VIFs"][0])["MAC"]
        moved = move(source, vm, receive(target), *maps, live=False)
        expect_failure("HANDLE_INVALID", source.record, "VM", vm)
        equal((target.record("VM", moved)["uuid"], target.state(moved)),
              (original["uuid"], "Halted"))
        for ref in (copy, moved):
            disk = target.record("VBD", target.record("VM", ref)["VBDs"][0])["VDI"]
            equal(content(target, disk), b"cold")
        target.run("VM.start_on", moved, target.hosts[0], False, False)
        # Within the pool, and started where the disk is now.
        vm, vbd, vdi, _ = source.machine(sr=source.local[0])
        equal(move(source, vm, receive(source, 1), vdi, source.local[1], live=False), vm)
        equal(source.record("VDI", source.record("VBD", vbd)["VDI"])["SR"], source.local[1])
        source.run("VM.start_on", vm, source.hosts[1], False, False)


def test_cancel_takes_back():
    """At any step: the machine runs where it was, and nothing is left of the move."""
    with pool("--stopped-clock", "--pace", "1000") as running:
        site = Site(running)
        vm, _, disk, _ = site.machine(sr=site.local[0])
        site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
        running.control.do("clock", advance=10)
        before = (site.record("VM", vm), count(site, "VDI"), count(site, "VBD"))
        for seconds in (0.4, 1.4, 2.0, 2.6, 3.1, 3.7, 4.5, 5.2):
            token = receive(site, 1)
            task = site.call("Async.VM.migrate_send", vm, token, True, {disk: site.local[1]}, {},
                             {})
            running.control.do("clock", advance=seconds)
            equal(site.record("task", task)["status"], "pending")
            site.call("task.cancel", task)
            running.control.do("clock", advance=60)
            equal((seconds, site.record("task", task)["status"]), (seconds, "cancelled"))
            after = (site.record("VM", vm), count(site, "VDI"), count(site, "VBD"))
            equal(after, before)


def test_shut_down_meanwhile():
    """That waits for the end of the move: toolstack, message_forwarding.ml."""
    with pool("--stopped-clock", "--pace", "1000") as running:
        site = Site(running)
        vm, vbd, vdi, _ = site.machine(sr=site.local[0])
        site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
        running.control.do("clock", advance=10)
        task = site.call("Async.VM.migrate_send", vm, receive(site, 1), True,
                         {vdi: site.local[1]}, {}, {})
        running.control.do("clock", advance=2)
        site.call("Async.VM.hard_shutdown", vm)
        running.control.do("clock", advance=100)
        equal((site.record("task", task)["status"], site.state(vm),
               site.record("VDI", site.record("VBD", vbd)["VDI"])["SR"]),
              ("success", "Halted", site.local[1]))


def test_disk_moves():
    with pool() as running:
        site = Site(running)
        vm, vbd, vdi, _ = site.machine(sr=site.local[0])
        fill(site, vdi, b"disk")
        expect_failure("VDI_NEEDS_VM_FOR_MIGRATE", site.call, "VDI.pool_migrate", vdi, site.shared,
                       {})
        site.run("VM.start_on", vm, site.hosts[0], False, False)
        expect_failure("NO_HOSTS_AVAILABLE", site.call, "VDI.pool_migrate", vdi, site.local[1], {})
        moved = site.call("VDI.pool_migrate", vdi, site.shared, {})
        equal((site.record("VBD", vbd)["VDI"], site.record("VDI", moved)["SR"]),
              (moved, site.shared))
        expect_failure("HANDLE_INVALID", site.record, "VDI", vdi)
        site.run("VM.pool_migrate", vm, site.hosts[1], {"live": "true"})
        site.run("VM.clean_shutdown", vm)
        equal(content(site, moved), b"disk")


run_tests("/simulator/send", [
    test_within_pool, test_refusals, test_to_another_pool, test_to_another_pool_by_tls,
    test_logged_out, test_destination_is_gone, test_cold, test_cancel_takes_back,
    test_shut_down_meanwhile, test_disk_moves, test_token_of_this_pool, test_one_mark_travels,
])
