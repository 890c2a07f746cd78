"""Faults of tasks and transfers, faults from a file, and rules that cannot be."""

import hashlib
import json
import os
import tempfile

from harness import equal, expect_failure, pool, run_tests
from machines import MIB, Site


def add(site, **rule):
    site.pool.control.do("fault", add=rule)


def test_task_fails():
    with pool() as running:
        site = Site(running)
        for rule, executed in (({"action": "task-fail", "when": "before"}, False),
                               ({"action": "error", "in": "task", "when": "before"}, False),
                               ({"action": "task-fail", "when": "after"}, True)):
            vm = site.machine()[0]
            add(site, method="Async.VM.start_on", error=["MY_CODE", "x"], **rule)
            task = site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
            record = site.rpc.wait_task(task)
            equal((record["status"], record["error_info"]), ("failure", ["MY_CODE", "x"]))
            equal(site.state(vm), "Running" if executed else "Halted")
        # At the call there is no task at all.
        add(site, method="Async.VM.start_on", error=["MY_CODE"], action="error")
        before = site.call("task.get_all")
        expect_failure("MY_CODE", site.call, "Async.VM.start_on", vm, site.hosts[0], False, False)
        equal(site.call("task.get_all"), before)


def test_task_hangs():
    with pool() as running:
        site = Site(running)
        for when, state in (("before", "Halted"), ("after", "Running")):
            vm = site.machine()[0]
            add(site, id=when, method="Async.VM.start_on", action="task-hang", when=when)
            task = site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
            running.control.do("wait", id=when)
            running.control.do("clock", advance=3600)
            equal(site.record("task", task)["status"], "pending")
            equal(site.state(vm), state)


def test_task_vanishes():
    with pool() as running:
        site = Site(running)
        for when, state in (("before", "Halted"), ("after", "Running")):
            vm = site.machine()[0]
            add(site, id=when, method="Async.VM.start_on", action="task-vanish", when=when)
            task = site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
            running.control.do("wait", id=when)
            equal(expect_failure("HANDLE_INVALID", site.record, "task", task), ["task", task])
            equal(site.state(vm), state)


def put(site, vdi, body, **parameters):
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    return site.pool.talk(
        f"PUT /import_raw_vdi?session_id={site.rpc.session}&vdi={vdi}&format=raw&{query} "
        f"HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def test_transfers_count_on_request():
    with pool() as running:
        site = Site(running)
        vdi = site.disk()
        add(site, method="*", nth=2, action="error", error=["E"])
        put(site, vdi, b"x")
        site.call("VDI.get_uuid", vdi)
        expect_failure("E", site.call, "VDI.get_uuid", vdi)
        add(site, method="*", transfers=True, nth=2, action="status", text="503 No")
        site.call("VDI.get_uuid", vdi)
        assert put(site, vdi, b"x").startswith(b"HTTP/1.1 503 No\r\n")


def test_tasks_of_transfers():
    with pool() as running:
        site = Site(running)
        vdi = site.disk()
        for rule, outcome in (({"action": "task-fail", "error": ["E", "1"]}, ["E", "1"]),
                              ({"action": "error", "error": ["E"], "bytes": 1}, ["E"]),
                              ({"action": "task-hang"}, "pending"),
                              ({"action": "task-vanish"}, None)):
            task = site.call("task.create", "t", "")
            add(site, method="/import_raw_vdi", **rule)
            put(site, vdi, b"abc", task_id=task)
            if outcome is None:
                expect_failure("HANDLE_INVALID", site.record, "task", task)
                continue
            record = site.record("task", task)
            equal(record["error_info"] or record["status"], outcome)
        equal(site.record("VDI", vdi)["VBDs"], [])


def get(site, vdi, **parameters):
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    answer = site.pool.talk(f"GET /export_raw_vdi?session_id={site.rpc.session}&vdi={vdi}&{query} "
                            "HTTP/1.1\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def test_status_of_transfers():
    """Of the client's choice; the task knows nothing of it, or fails as well."""
    with pool() as running:
        site = Site(running)
        vdi = site.disk()
        for more, outcome in (({}, ("pending", [])),
                              ({"in": "task", "error": ["E"]}, ("failure", ["E"]))):
            task = site.call("task.create", "t", "")
            add(site, method="/import_raw_vdi", action="status", text="404 Not Found", **more)
            assert put(site, vdi, b"abc", task_id=task).startswith(b"HTTP/1.1 404 Not Found\r\n")
            record = site.record("task", task)
            equal((record["status"], record["error_info"]), outcome)
        equal(site.record("VDI", vdi)["VBDs"], [])


def test_wrong_length_of_transfers():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        add(site, method="/export_raw_vdi", action="length", text="17")
        head, body = get(site, vdi)
        assert b"\r\ncontent-length: 17" in head, head
        equal(len(body), 2 * MIB)
        add(site, method="/import_raw_vdi", action="length", text="99")
        task = site.call("task.create", "t", "")
        head, _, body = put(site, vdi, b"abc", task_id=task).partition(b"\r\n\r\n")
        assert b"\r\ncontent-length: 99" in head, head
        equal((body, site.rpc.wait_task(task)["status"]), (b"", "success"))


def test_short_transfers():
    """The bytes end early, in good order, and the task knows no worse."""
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        for n in (0, 1, 1000, 2 * MIB):
            task = site.call("task.create", "t", "")
            add(site, method="/export_raw_vdi", action="short", bytes=n)
            equal(len(get(site, vdi, task_id=task)[1]), n)
            equal(site.rpc.wait_task(task)["status"], "success")
        task = site.call("task.create", "t", "")
        add(site, method="/import_raw_vdi", action="short", bytes=2)
        assert put(site, vdi, b"abcd", task_id=task).endswith(b"\r\n\r\n")
        equal(site.rpc.wait_task(task)["status"], "success")
        disks = running.control.ask("dump", disks=True)["disks"]
        equal(disks[vdi], {"bytes": 2, "sha256": hashlib.sha256(b"ab").hexdigest()})
        equal(site.record("VDI", vdi)["VBDs"], [])


def test_flood():
    """It ends with the client."""
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        requests = {"/export_raw_vdi": ("GET", b""),
                    "/import_raw_vdi": ("PUT", b"Content-Length: 4\r\n")}
        for path, (verb, header) in requests.items():
            task = site.call("task.create", "t", "")
            add(site, method=path, action="flood", bytes=0)
            with running.connect() as connection:
                connection.sendall(f"{verb} {path}?session_id={site.rpc.session}&vdi={vdi}&format=raw"
                                   f"&task_id={task} HTTP/1.1\r\n".encode() + header + b"\r\n")
                left = 20 * MIB
                while left > 0:
                    piece = connection.recv(1 << 16)
                    assert piece
                    left -= len(piece)
            equal(site.rpc.wait_task(task)["error_info"], ["VDI_IO_ERROR", "Device I/O errors"])
            equal(site.record("VDI", vdi)["VBDs"], [])


def test_tasks_in_the_middle():
    """Whatever becomes of the task, the bytes go on."""
    with pool() as running:
        site = Site(running)
        vdi = site.disk()
        for action in ("task-fail", "task-vanish"):
            task = site.call("task.create", "t", "")
            add(site, method="/import_raw_vdi", action=action, bytes=2, error=["E"])
            put(site, vdi, action.encode(), task_id=task)
            if action == "task-fail":
                equal(site.record("task", task)["error_info"], ["E"])
            else:
                expect_failure("HANDLE_INVALID", site.record, "task", task)
            disks = running.control.ask("dump", disks=True)["disks"]
            equal(disks[vdi]["sha256"], hashlib.sha256(action.encode()).hexdigest())


def test_transfer_is_held():
    """A client that leaves in the middle of a transfer, at a byte of the test's choice."""
    with pool() as running:
        site = Site(running)
        vdi = site.disk()
        for leave in (False, True):
            task = site.call("task.create", "t", "")
            add(site, id=f"h{leave}", method="/import_raw_vdi", action="hold", bytes=2)
            with running.connect() as connection:
                connection.sendall(
                    f"PUT /import_raw_vdi?session_id={site.rpc.session}&vdi={vdi}&format=raw"
                    f"&task_id={task} HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd".encode())
                running.control.do("wait", id=f"h{leave}")
                equal(len(site.record("VDI", vdi)["VBDs"]), 1)
                if not leave:
                    running.control.do("release", id=f"h{leave}")
                    equal(site.rpc.wait_task(task)["status"], "success")
            if leave:
                record = site.rpc.wait_task(task)
                equal(record["error_info"], ["VDI_IO_ERROR", "Device I/O errors"])
                equal(site.record("VDI", vdi)["VBDs"], [])


def test_every_transfer_meets_the_rule():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        add(site, method="/export_raw_vdi", action="truncate", bytes=10, count=0)
        for _ in range(3):
            answer = running.talk(f"GET /export_raw_vdi?session_id={site.rpc.session}&vdi={vdi} "
                                  "HTTP/1.1\r\n\r\n".encode())
            equal(len(answer.partition(b"\r\n\r\n")[2]), 10)


def test_faults_from_a_file():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "faults.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump([{"method": "host.get_all", "action": "error", "error": ["E"]}], file)
        with pool("--faults", path) as running:
            client = running.rpc()
            expect_failure("E", client.call, "host.get_all")
            client.call("host.get_all")


def test_wrong_rules():
    with pool() as running:
        for rule in ({}, {"method": "x"}, {"method": "x", "action": "no"},
                     {"method": "x", "action": "drop", "k": 1},
                     {"method": "x", "action": "drop", "nth": 0},
                     {"method": "x", "action": "drop", "when": "never"},
                     {"method": 1, "action": "drop"},
                     {"method": "VM.start", "action": "flood"}, {"action": "short", "bytes": 1},
                     {"method": "*", "transfers": True, "action": "length", "text": "1"}):
            answer = running.control.ask("fault", add=rule)
            assert answer["ok"] is False and answer["problem"], (rule, answer)
        equal(running.control.ask("fault", list=True), [])


def test_clear():
    with pool() as running:
        site = Site(running)
        for name in ("a", "b"):
            add(site, id=name, method="host.get_all", action="error", error=[name])
        running.control.do("fault", clear="a")
        expect_failure("b", site.call, "host.get_all")
        add(site, id="c", method="host.get_all", action="error", error=["c"])
        running.control.do("fault", clear=True)
        site.call("host.get_all")


run_tests("/simulator/faults", [
    test_task_fails, test_task_hangs, test_task_vanishes, test_transfers_count_on_request,
    test_tasks_of_transfers, test_status_of_transfers, test_wrong_length_of_transfers, test_short_transfers,
    test_flood, test_tasks_in_the_middle, test_transfer_is_held, test_every_transfer_meets_the_rule,
    test_faults_from_a_file, test_wrong_rules, test_clear,
])
