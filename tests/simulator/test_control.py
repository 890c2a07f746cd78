"""The control socket and the faults: every action, before and after, without a timer."""

import http.client
import json
import os
import tempfile

from harness import Control, Failure, Pool, Rpc, equal, expect_failure, pool, run_tests
from machines import Site, vm_record


def pool_ref(client):
    return client.call("pool.get_all")[0]


def add_fault(running, **rule):
    running.control.do("fault", add=rule)


def name(client):
    """Through the control socket: not a request that faults count."""
    return client.pool.control.call("pool.get_name_label",
                                    client.pool.control.call("pool.get_all")[0])


def expect_drop(function, *arguments):
    try:
        function(*arguments)
    except (ConnectionError, EOFError, OSError) as error:
        assert not isinstance(error, Failure)
        return
    except http.client.HTTPException:
        return
    raise AssertionError("an answer came")


def test_hello_and_modes():
    with pool() as running:
        equal(running.control.ask("hello"), running.ready)
        state = os.path.dirname(running.ready["control"])
        equal(os.stat(state).st_mode & 0o777, 0o700)
        for name_ in ("control.sock", "password", "password-read-only"):
            equal(os.stat(os.path.join(state, name_)).st_mode & 0o777, 0o600)
    assert not os.path.exists(state)


def test_modes_without_umask():
    """SEC-36: what openssl writes as well."""
    before = os.umask(0)
    try:
        with tempfile.TemporaryDirectory() as place, pool("--tls", "--state", place + "/x") as running:
            Site(running).running()
            for folder, folders, names in os.walk(place + "/x"):
                for name_ in (".", *folders, *names):
                    mode = os.lstat(os.path.join(folder, name_)).st_mode
                    equal((name_, mode & 0o077), (name_, 0))
    finally:
        os.umask(before)


def test_several_connections():
    with pool() as running:
        others = [Control(running.ready["control"]) for _ in range(5)]
        for other in others:
            other.send("hello")
            other.send("stats")
        for other in others:
            equal(other.receive(), running.ready)
            assert "rpc" in other.receive()
            other.close()


def test_bad_commands():
    with pool() as running:
        for line in (b"\n", b"[]\n", b"{}\n", b'{"cmd":"nope"}\n', b"{\n", b"[" * 5000 + b"\n"):
            running.control.socket.sendall(line)
            equal(running.control.receive()["ok"], False)
        equal(running.control.ask("hello"), running.ready)


def test_stats():
    with pool() as running:
        client = running.rpc()
        running.control.do("reset-stats")
        client.call("host.get_all", headers={"X-Http-Other-Config-hvd": "op-1"})
        client.call("VM.get_all")
        client.call("VM.get_all")
        stats = running.control.ask("stats")
        equal(stats["rpc"], {"VM.get_all": 2, "host.get_all": 1})
        equal(stats["calls"][0], {"method": "host.get_all", "tag": "op-1"})
        equal(stats["transfer"], {})
        assert stats["connections"] > 0, stats


def test_dump_has_no_session_reference():
    with pool() as running:
        client = running.rpc()
        dump = running.control.ask("dump")
        equal(len(dump["host"]), 3)
        assert client.session not in json.dumps(dump)
        session = list(dump["session"].values())[0]
        equal((session["originator"], list(dump["session"])), ("tests", [session["uuid"]]))


def test_call_and_set():
    with pool() as running:
        client = running.rpc()
        host = running.control.call("host.get_all")[0]
        expect_failure("HANDLE_INVALID", running.control.call, "host.get_record", "x")
        token = client.events(["host"])["token"]
        running.control.do("set", **{"class": "host", "ref": host, "field": "hostname",
                                     "value": "h"})
        event = client.events(["host"], token)["events"][0]
        equal((event["operation"], event["snapshot"]["hostname"]), ("mod", "h"))
        answer = running.control.ask("set", **{"class": "host", "ref": host, "field": "hostname",
                                               "value": 5})
        equal(answer["ok"], False)


def test_error_before_and_after():
    with pool() as running:
        client = running.rpc()
        ref = pool_ref(client)
        add_fault(running, method="pool.set_name_label", action="error", error=["MY_CODE", "a"])
        equal(expect_failure("MY_CODE", client.call, "pool.set_name_label", ref, "x"), ["a"])
        equal(name(client), "xapi-sim")
        add_fault(running, method="pool.set_name_label", action="error", when="after",
                  error=["MY_CODE"])
        expect_failure("MY_CODE", client.call, "pool.set_name_label", ref, "x")
        equal(name(client), "x")


def test_nth_and_count():
    with pool() as running:
        client = running.rpc()
        ref = pool_ref(client)
        add_fault(running, method="*", nth=2, count=2, action="error", error=["E"])
        outcomes = []
        for _ in range(5):
            try:
                client.call("pool.get_uuid", ref)
                outcomes.append("ok")
            except Failure:
                outcomes.append("E")
            client.events(["pool"])  # not counted by "*"
        equal(outcomes, ["ok", "E", "E", "ok", "ok"])


def test_tag():
    with pool() as running:
        client = running.rpc()
        add_fault(running, method="host.get_all", tag="mine", count=0, action="error", error=["E"])
        client.call("host.get_all")
        client.call("host.get_all", headers={"X-Http-Other-Config-hvd": "theirs"})
        expect_failure("E", client.call, "host.get_all",
                       headers={"X-Http-Other-Config-hvd": "op/mine/3"})


def test_drop():
    with pool() as running:
        client = running.rpc()
        ref = pool_ref(client)
        add_fault(running, method="pool.set_name_label", action="drop")
        expect_drop(client.call, "pool.set_name_label", ref, "x")
        equal(name(client), "xapi-sim")
        add_fault(running, method="pool.set_name_label", action="drop", when="after")
        expect_drop(client.call, "pool.set_name_label", ref, "x")
        equal(name(client), "x")


def test_hold_and_release():
    with pool() as running:
        client, other = running.rpc(), running.rpc()
        ref = pool_ref(client)
        for when, meanwhile in (("before", "xapi-sim"), ("after", "after")):
            add_fault(running, id=when, method="pool.set_name_label", action="hold", when=when)
            client.start("pool.set_name_label", ref, when)
            running.control.do("wait", id=when)
            equal(name(other), meanwhile)
            equal(len(other.call("host.get_all")), 3)
            running.control.do("release", id=when)
            equal(client.finish(), "")
            equal(name(other), when)
            running.control.do("fault", clear=when)


def test_hold_and_leave():
    """A client that goes away while it is held before its call: nothing is executed."""
    with pool() as running:
        client = running.rpc()
        ref = pool_ref(client)
        add_fault(running, id="h", method="pool.set_name_label", action="hold")
        client.start("pool.set_name_label", ref, "x")
        running.control.do("wait", id="h")
        client.close()
        while running.control.ask("fault", list=True)[0]["held"] > 0:
            pass
        running.control.do("release", id="h")
        equal(name(client), "xapi-sim")


def test_wait_before_it_happens():
    with pool() as running:
        client = running.rpc()
        waiter = Control(running.ready["control"])
        add_fault(running, id="w", method="host.get_all", action="error", error=["E"])
        waiter.send("wait", id="w")
        expect_failure("E", client.call, "host.get_all")
        equal(waiter.receive(), {"ok": True})
        equal(waiter.ask("wait", id="none")["ok"], False)
        waiter.close()


def test_garbage():
    with pool() as running:
        client = running.rpc()
        add_fault(running, method="host.get_all", action="garbage", text="<html>")
        try:
            client.call("host.get_all")
        except json.JSONDecodeError as error:
            equal(error.doc, "<html>")
        else:
            raise AssertionError("that was no garbage")
        equal(len(client.call("host.get_all")), 3)


def http_answer(client, method="host.get_all"):
    client.start(method)
    return client.connection.getresponse()


def test_status_and_redirect():
    with pool() as running:
        client = running.rpc()
        add_fault(running, method="host.get_all", action="status", text="503 Service Unavailable")
        response = http_answer(client)
        equal((response.status, response.read()), (503, b""))
        add_fault(running, method="host.get_all", action="redirect", text="https://192.0.2.7/x")
        response = http_answer(client)
        equal((response.status, response.headers["Location"]), (302, "https://192.0.2.7/x"))


def test_truncate():
    with pool() as running:
        client = running.rpc()
        add_fault(running, method="host.get_all", action="truncate", bytes=10)
        response = http_answer(client)
        try:
            response.read()
        except http.client.IncompleteRead as error:
            equal(len(error.partial), 10)
        else:
            raise AssertionError("the answer was whole")


def test_double():
    with pool() as running:
        client = running.rpc()
        body = json.dumps({"method": "host.get_all", "params": [client.session], "id": 1}).encode()
        add_fault(running, method="host.get_all", action="double")
        answer = running.talk(b"POST /jsonrpc HTTP/1.1\r\nConnection: close\r\n"
                              b"Content-Length: %d\r\n\r\n" % len(body) + body)
        equal(answer.count(b"HTTP/1.1 200 OK"), 2)


def test_stop_and_start():
    with pool() as running:
        client = running.rpc()
        client.call("task.create", "t", "")
        token = client.events(["*"])["token"]
        running.control.do("stop")
        expect_drop(client.call, "host.get_all")
        try:
            running.connect()
        except ConnectionRefusedError:
            pass
        else:
            raise AssertionError("the toolstack answered")
        running.control.do("start")
        again = Rpc(running, login=False)
        again.session = client.session
        expect_failure("SESSION_INVALID", again.call, "host.get_all")
        fresh = running.rpc()
        equal(fresh.call("task.get_all"), [])
        # The old token is taken, and nothing tells of the task's end (observed.md, "Events").
        equal([event for event in fresh.events(["*"], token)["events"]
               if event["class"] == "task"], [])


def test_stop_after():
    with pool() as running:
        client = running.rpc()
        ref = pool_ref(client)
        add_fault(running, method="pool.set_name_label", action="stop-after", when="after")
        expect_drop(client.call, "pool.set_name_label", ref, "x")
        running.control.do("start")
        equal(name(client), "x")


def test_restart():
    with pool() as running:
        site = Site(running)
        vm = site.running()[0]
        before = site.record("VM", vm)
        add_fault(running, id="t", method="Async.VM.clean_shutdown", action="task-hang")
        task = site.call("Async.VM.clean_shutdown", vm)
        running.control.do("wait", id="t")
        running.control.do("restart")
        expect_drop(site.call, "VM.get_record", vm)
        site = Site(running)
        expect_failure("HANDLE_INVALID", site.record, "task", task)
        after = site.record("VM", vm)
        equal((after["power_state"], after["domid"], after["resident_on"], after["consoles"]),
              ("Running", before["domid"], before["resident_on"], before["consoles"]))
        site.run("VM.clean_shutdown", vm)


def test_operations_end_with_the_toolstack():
    """What else goes on is in test_restart.py."""
    with pool("--pace", "100000") as running:
        site = Site(running)
        vm, vbd = site.machine()[:2]
        site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
        assert site.record("VM", vm)["current_operations"]
        running.control.do("crash", keep=True)
        site = Site(running)
        record = site.record("VM", vm)
        equal((record["power_state"], record["current_operations"],
               site.record("VBD", vbd)["current_operations"],
               site.record("host", site.hosts[0])["current_operations"]), ("Running", {}, {}, {}))
        assert "hard_shutdown" in record["allowed_operations"]


def test_crash_falls_back():
    with pool() as running:
        client = running.rpc()
        ref = pool_ref(client)
        client.call("pool.set_name_label", ref, "saved")
        running.control.do("snapshot-state", name="before")
        for number in range(20):
            client.call("pool.set_name_label", ref, f"lost {number}")
        token = client.events(["*"])["token"]
        running.control.do("crash", to="before")
        fresh = running.rpc()
        equal(fresh.call("pool.get_name_label", ref), "saved")
        # A token of the future: deaf without a word (observed.md, "Events").
        fresh.call("pool.set_name_description", ref, "d")
        equal(fresh.events(["pool"], token)["events"], [])
        running.control.do("crash", keep=True)
        equal(running.rpc().call("pool.get_name_description", ref), "d")


def test_snapshot_and_restore():
    with pool() as running:
        client = running.rpc()
        ref = pool_ref(client)
        running.control.do("snapshot-state")
        client.call("pool.set_name_label", ref, "x")
        client.call("task.create", "t", "")
        token = client.events(["*"])["token"]
        running.control.do("restore-state")
        batch = client.events(["*"], token)
        equal([(event["operation"], event["class"]) for event in batch["events"]],
              [("mod", "pool"), ("del", "task")])
        equal(client.call("pool.get_name_label", ref), "xapi-sim")
        running.control.do("restore-state", sessions=False)
        expect_failure("SESSION_INVALID", client.call, "host.get_all")


def test_coordinator_moves():
    with pool() as running:
        running.control.do("coordinator", node=2)
        old = running.rpc(login=False)
        equal(expect_failure("HOST_IS_SLAVE", old.raw, "session.login_with_password", "root",
                             running.password()), [running.addresses[1]])
        new = Rpc(running, address=running.addresses[1])
        master = new.call("pool.get_all_records").popitem()[1]["master"]
        equal(new.call("host.get_address", master), running.addresses[1])


def test_node_crashes():
    with pool() as running:
        client = running.rpc()
        running.control.do("node-crash", node=3)
        try:
            running.connect(running.addresses[2])
        except ConnectionRefusedError:
            pass
        else:
            raise AssertionError("the node answered")
        live = [record["live"] for record in client.call("host_metrics.get_all_records").values()]
        equal(sorted(live), [False, True, True])
        running.control.do("node-boot", node=running.addresses[2])
        running.connect(running.addresses[2]).close()


def test_stopped_clock():
    """Time passes by command only, and stands at each timer's own moment."""
    with pool("--stopped-clock", "--pace", "300") as running:
        site = Site(running)
        vm = site.machine()[0]
        other = running.rpc()
        token = other.events(["vm"])["token"]
        other.start("event.from", ["vm"], token, 3600.0)
        begin = site.call("host.get_servertime", site.hosts[0])
        for _ in range(50):
            equal(site.call("host.get_servertime", site.hosts[0]), begin)
        task = site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
        running.control.do("clock", advance=0.29)
        equal(site.record("task", task)["status"], "pending")
        running.control.do("clock", advance=100)
        record = site.record("task", task)
        equal((record["status"], record["created"]), ("success", begin))
        assert int(record["finished"][-3:-1]) - int(begin[-3:-1]) in (0, 1, 2, -59, -58), record
        assert other.finish()["events"]
        other.start("event.from", ["pool"], other.events(["pool"])["token"], 3600.0)
        running.control.do("clock", advance=3600)
        equal(other.finish()["events"], [])


def test_control_client_leaves():
    """What it asked for goes on, and nobody answers it."""
    with pool("--stopped-clock", "--pace", "300") as running:
        vm = running.control.call("VM.create", vm_record())
        other = Control(running.ready["control"])
        other.send("call", method="VM.start", params=[vm, False, False])
        while not running.control.call("VM.get_current_operations", vm):
            pass
        other.close()
        other = Control(running.ready["control"])
        other.send("clock", advance=10)
        other.close()
        running.control.do("clock", advance=10)
        equal(running.control.call("VM.get_power_state", vm), "Running")


def test_shutdown_command():
    running = Pool()
    running.control.do("shutdown")
    equal(running.process.wait(60), 0)
    running.control.close()
    running.process.stdout.close()


run_tests("/simulator/control", [
    test_hello_and_modes, test_modes_without_umask, test_several_connections, test_bad_commands, test_stats,
    test_dump_has_no_session_reference, test_call_and_set, test_error_before_and_after,
    test_nth_and_count, test_tag, test_drop, test_hold_and_release, test_hold_and_leave,
    test_wait_before_it_happens, test_garbage, test_status_and_redirect, test_truncate, test_double,
    test_stop_and_start, test_stop_after, test_restart, test_operations_end_with_the_toolstack,
    test_crash_falls_back, test_snapshot_and_restore,
    test_coordinator_moves, test_node_crashes, test_stopped_clock, test_control_client_leaves,
    test_shutdown_command,
])
