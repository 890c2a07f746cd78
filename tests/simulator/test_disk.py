"""Disks, drives and interfaces, and the transfers of bytes with all their oddities."""

import contextlib
import hashlib
import struct
import urllib.parse

from harness import equal, expect_failure, pool, read_all, read_head, run_tests
from machines import MIB, NULL, Site, vbd_record, vif_record

PATTERN = bytes(range(256)) * 4096  # 1 MiB


def query(**parameters):
    return urllib.parse.urlencode(parameters)


def put(site, body, length=None, address=None, headers=None, **parameters):
    """PUT /import_raw_vdi; the raw bytes that come back."""
    parameters.setdefault("session_id", site.rpc.session)
    lines = [f"PUT /import_raw_vdi?{query(**parameters)} HTTP/1.1", "Host: x",
             f"Content-Length: {len(body) if length is None else length}", *(headers or [])]
    with site.pool.connect(address) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        connection.shutdown(1)
        return read_all(connection)


def get(site, address=None, **parameters):
    parameters.setdefault("session_id", site.rpc.session)
    answer = site.pool.talk(f"GET /export_raw_vdi?{query(**parameters)} HTTP/1.1\r\n"
                            "Host: x\r\n\r\n".encode(), address)
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), body


def new_task(site):
    return site.call("task.create", "import", "")


def outcome(site, task):
    record = site.record("task", task)
    return record["status"], record["error_info"] or record["result"]


def test_create():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=3 * MIB + 1, other_config={"k": "v"}, tags=["t"], name_label="n")
        record = site.record("VDI", vdi)
        equal((record["virtual_size"], record["other_config"], record["tags"], record["location"],
               record["managed"], record["sm_config"]),
              (4 * MIB, {"k": "v"}, ["t"], record["uuid"], True, {}))
        equal(record["allowed_operations"], ["generate_config", "update", "forget", "destroy",
                                             "snapshot", "resize", "copy", "clone"])
        assert vdi in site.record("SR", site.shared)["VDIs"]
        text = "VDI Invalid size [opterr=VDI size must be between 1 MB and 2088960 MB]"
        for size in (1 << 44, 1000):
            equal(expect_failure("SR_BACKEND_FAILURE_79", site.disk, size=size), ["", text, ""])
        equal(expect_failure("HANDLE_INVALID", site.disk, NULL), ["SR", NULL])


def test_space():
    with pool("--shared-size", str(20 * MIB)) as running:
        site = Site(running)
        site.disk(size=16 * MIB)
        equal(expect_failure("SR_BACKEND_FAILURE_44", site.disk, size=8 * MIB),
              ["", "There is insufficient space", ""])


def test_sr_is_marked():
    with pool() as running:
        site = Site(running)
        token = site.rpc.events(["sr", "task"])["token"]
        running.control.do("fault", add={"id": "d", "method": "VDI.create", "action": "hold",
                                         "when": "after"})
        vdi = site.rpc.pool.rpc()
        vdi.start("VDI.create", {"SR": site.shared, "virtual_size": 2 * MIB, "type": "user",
                                 "sharable": False, "read_only": False, "other_config": {}})
        running.control.do("wait", id="d")
        equal(site.record("SR", site.shared)["current_operations"], {})
        events = site.rpc.events(["sr", "task"], token)["events"]
        equal([(event["operation"], event["class"]) for event in events], [("mod", "sr")])
        running.control.do("release", id="d")
        vdi.finish()


def test_destroy():
    with pool() as running:
        site = Site(running)
        vm, vbd, vdi, _ = site.running()
        equal(expect_failure("VDI_IN_USE", site.call, "VDI.destroy", vdi), [vdi, "destroy"])
        equal(site.record("VDI", vdi)["allowed_operations"], ["snapshot", "clone"])
        site.call("VM.hard_shutdown", vm)
        site.call("VDI.destroy", vdi)
        equal(expect_failure("HANDLE_INVALID", site.call, "VBD.get_record", vbd), ["VBD", vbd])
        equal(site.record("VM", vm)["VBDs"], [])


def test_copies():
    with pool() as running:
        site = Site(running)
        source = site.disk(other_config={"image-id": "4711"}, name_label="image")
        put(site, PATTERN, vdi=source, format="raw")
        snapshot = site.call("VDI.snapshot", source, {})
        clone = site.call("VDI.clone", source)
        copy = site.call("VDI.copy", source, site.local[0])
        for vdi in (snapshot, clone, copy):
            equal(get(site, vdi=vdi, format="raw")[1][:MIB], PATTERN)
        equal(site.record("VDI", snapshot)["snapshot_of"], source)
        equal(site.record("VDI", source)["snapshots"], [snapshot])
        equal(site.record("VDI", clone)["other_config"]["image-id"], "4711")
        equal("image-id" in site.record("VDI", copy)["other_config"], False)
        equal((site.record("VDI", copy)["SR"], site.record("VDI", clone)["name_label"]),
              (site.local[0], "image"))
        # Each has its own bytes from the first write on.
        put(site, b"x" * 100, vdi=source, format="raw")
        equal(get(site, vdi=clone, format="raw")[1][:MIB], PATTERN)
        equal(get(site, vdi=source, format="raw")[1][:200], b"x" * 100 + PATTERN[100:200])


def test_resize():
    with pool() as running:
        site = Site(running)
        vm, _, vdi, _ = site.machine()
        site.call("VDI.resize", vdi, 8 * MIB)
        site.call("VDI.resize", vdi, 9 * MIB)
        equal(site.record("VDI", vdi)["virtual_size"], 10 * MIB)
        expect_failure("SR_BACKEND_FAILURE_79", site.call, "VDI.resize", vdi, 4 * MIB)
        site.call("VM.start", vm, False, False)
        equal(expect_failure("VDI_IN_USE", site.call, "VDI.resize", vdi, 20 * MIB), [vdi, "resize"])
        equal(expect_failure("VDI_IN_USE", site.call, "VDI.copy", vdi, site.shared), [vdi, "copy"])
        expect_failure("PERMISSION_DENIED", site.call, "VDI.set_sharable", vdi, True)


def test_drives():
    with pool() as running:
        site = Site(running)
        vm, vbd, vdi, _ = site.machine()
        create = lambda *args, **members: site.call("VBD.create", vbd_record(*args, **members))
        equal(expect_failure("DEVICE_ALREADY_EXISTS", create, vm, vdi, "0"), ["0"])
        equal(expect_failure("DEVICE_ALREADY_EXISTS", create, vm, vdi, "xvda"), ["xvda"])
        equal(expect_failure("INVALID_DEVICE", create, vm, vdi, "300"), ["300"])
        equal(expect_failure("HANDLE_INVALID", create, vm, NULL, "1"), ["VDI", NULL])
        expect_failure("VBD_CDS_MUST_BE_READONLY", create, vm, vdi, "3", type="CD")
        snapshot = site.call("VDI.snapshot", vdi)
        equal(expect_failure("VDI_READONLY", create, vm, snapshot, "1"), [snapshot])
        auto = create(vm, vdi, "autodetect")
        equal(site.record("VBD", auto)["userdevice"], "1")
        cd = create(vm, NULL, "3", type="CD", mode="RO", empty=True)
        equal(site.record("VBD", cd)["allowed_operations"], ["attach", "insert"])
        equal(site.call("VM.get_allowed_VBD_devices", vm)[:3], ["2", "4", "5"])
        equal(site.call("VM.get_allowed_VBD_devices", vm)[-1], "254")
        site.call("VBD.insert", cd, vdi)
        expect_failure("VBD_NOT_EMPTY", site.call, "VBD.insert", cd, vdi)
        site.call("VBD.eject", cd)
        expect_failure("VBD_IS_EMPTY", site.call, "VBD.eject", cd)
        expect_failure("VBD_NOT_REMOVABLE_MEDIA", site.call, "VBD.eject", vbd)


def test_hot_plug():
    with pool() as running:
        site = Site(running)
        vm, root, _, _ = site.running()
        vdi = site.disk()
        vbd = site.call("VBD.create", vbd_record(vm, vdi, "1"))
        equal(site.record("VBD", vbd)["allowed_operations"],
              ["attach", "unpause", "plug", "pause"])
        site.run("VBD.plug", vbd)
        record = site.record("VBD", vbd)
        equal((record["currently_attached"], record["device"]), (True, "xvdb"))
        equal(expect_failure("DEVICE_ALREADY_ATTACHED", site.call, "VBD.plug", vbd), [vbd])
        expect_failure("OPERATION_NOT_ALLOWED", site.call, "VBD.destroy", vbd)
        site.run("VBD.unplug", vbd)
        equal(expect_failure("DEVICE_ALREADY_DETACHED", site.call, "VBD.unplug", vbd), [vbd])
        site.call("VBD.destroy", vbd)
        fixed = site.call("VBD.create", vbd_record(vm, vdi, "1", unpluggable=False))
        site.call("VBD.plug", fixed)
        equal(expect_failure("VBD_NOT_UNPLUGGABLE", site.call, "VBD.unplug", fixed), [fixed])
        other, _, _, _ = site.running("other")
        second = site.call("VBD.create", vbd_record(other, vdi, "1"))
        equal(expect_failure("VDI_IN_USE", site.call, "VBD.plug", second), [vdi])
        site.call("VM.pause", other)
        equal(expect_failure("VM_BAD_POWER_STATE", site.call, "VBD.plug", second),
              [other, "running", "paused"])
        cd = site.call("VBD.create", vbd_record(vm, site.disk(), "3", type="CD", mode="RO"))
        expect_failure("OPERATION_NOT_ALLOWED", site.call, "VBD.plug", cd)
        local = site.disk(site.local[1])
        far = site.call("VBD.create", vbd_record(vm, local, "5"))
        equal(expect_failure("VM_REQUIRES_SR", site.call, "VBD.plug", far), [vm, site.local[1]])


def test_shared_use():
    """Who is suspended counts for nothing, and comes back to its disk without a question; those who only read
    do not shut each other out (toolstack, xapi_vbd_helpers.ml)."""
    with pool() as running:
        site = Site(running)
        attached = lambda vbd: site.record("VBD", vbd)["currently_attached"]
        first, second, third = (site.running(name)[0] for name in ("first", "second", "third"))
        vdi = site.disk()
        vbds = [site.call("VBD.create", vbd_record(vm, vdi, "1")) for vm in (first, second, third)]
        site.run("VBD.plug", vbds[0])
        equal(expect_failure("VDI_IN_USE", site.call, "VBD.plug", vbds[1]), [vdi])
        site.call("VM.suspend", first)
        equal(attached(vbds[0]), True)
        site.run("VBD.plug", vbds[1])
        site.call("VM.hard_shutdown", third)
        equal(expect_failure("VDI_IN_USE", site.call, "VM.start", third, False, False), [vdi])
        site.call("VM.suspend", second)
        site.call("VM.start", third, False, False)
        equal(expect_failure("VDI_IN_USE", site.call, "VDI.destroy", vdi), [vdi, "destroy"])
        site.call("VM.resume", first, False, False)
        equal([attached(vbd) for vbd in vbds], [True, True, True])


def test_readers():
    with pool() as running:
        site = Site(running)
        vdi = site.disk()
        vms = [site.machine(name)[0] for name in ("first", "second", "writer")]
        modes = dict(zip(vms, ("RO", "RO", "RW")))
        for vm, mode in modes.items():
            site.call("VBD.create", vbd_record(vm, vdi, "1", mode=mode))
        start = lambda vm: site.call("VM.start", vm, False, False)
        start(vms[0])
        start(vms[1])
        equal(expect_failure("VDI_IN_USE", start, vms[2]), [vdi])
        for vm in vms[:2]:
            site.call("VM.hard_shutdown", vm)
        start(vms[2])
        equal(expect_failure("VDI_IN_USE", start, vms[0]), [vdi])


def test_read_only_disk():
    """A guest gets one when it starts, but not while it runs (toolstack, xapi_vbd.ml: plug)."""
    with pool() as running:
        site = Site(running)
        vm, _, _, _ = site.running()
        vbd = site.call("VBD.create", vbd_record(vm, site.disk(), "1", mode="RO"))
        equal(expect_failure("DISK_VBD_MUST_BE_READWRITE_FOR_HVM", site.call, "VBD.plug", vbd), [vbd])
        equal(site.record("VBD", vbd)["currently_attached"], False)
        site.call("VBD.assert_attachable", vbd)
        site.call("VM.hard_shutdown", vm)
        site.call("VM.start", vm, False, False)
        equal(site.record("VBD", vbd)["currently_attached"], True)
        site.run("VBD.unplug", vbd)


@contextlib.contextmanager
def held(site, method, *params):
    """A call that has locked what it needs, and goes on afterwards; gives its task."""
    site.pool.control.do("fault", add={"id": "h", "method": method, "action": "hold", "when": "middle"})
    task = site.call("Async." + method, *params)
    site.pool.control.do("wait", id="h")
    yield task
    site.pool.control.do("fault", clear="h")
    equal(site.rpc.wait_task(task)["status"], "success")


def test_plug_while_it_goes_down():
    """At once, and but for a forced unplug (toolstack, xapi_vbd_helpers.ml, xapi_vif_helpers.ml)."""
    with pool() as running:
        site = Site(running)
        for operation in ("clean_shutdown", "hard_shutdown", "suspend", "pause"):
            vm, _, _, _ = site.running(operation)
            vbds = [site.call("VBD.create", vbd_record(vm, site.disk(), device)) for device in "12"]
            vifs = [site.call("VIF.create", vif_record(vm, site.network, device)) for device in "12"]
            site.call("VBD.plug", vbds[0])
            site.call("VIF.plug", vifs[0])
            with held(site, "VM." + operation, vm):
                for method, ref in (("VBD.unplug", vbds[0]), ("VBD.plug", vbds[1]),
                                    ("VIF.unplug", vifs[0]), ("VIF.plug", vifs[1])):
                    equal(expect_failure("OPERATION_NOT_ALLOWED", site.call, method, ref),
                          [f"Current operation on VM:{vm} is {operation}"])
                site.call("VBD.unplug_force", vbds[0])
                site.call("VIF.unplug_force", vifs[0])


def test_create_while_it_moves():
    """At once, unlike what else is in the way (toolstack, xapi_vbd.ml: create)."""
    with pool("--hosts", "2") as running:
        site = Site(running)
        vm, _, _, _ = site.running()
        vdi = site.disk()
        with held(site, "VM.pool_migrate", vm, site.hosts[1], {}) as task:
            equal(expect_failure("OTHER_OPERATION_IN_PROGRESS", site.call, "VBD.create",
                                 vbd_record(vm, vdi, "1")), ["VM", vm, "pool_migrate", task])
        site.call("VBD.create", vbd_record(vm, vdi, "1"))


def test_interfaces():
    with pool() as running:
        site = Site(running)
        vm, _, _, vif = site.machine()
        record = site.record("VIF", vif)
        equal((record["MAC_autogenerated"], record["allowed_operations"], record["locking_mode"]),
              (True, ["attach"], "network_default"))
        create = lambda *args, **members: site.call("VIF.create", vif_record(*args, **members))
        equal(expect_failure("DEVICE_ALREADY_EXISTS", create, vm, site.network), ["0"])
        equal(expect_failure("MAC_INVALID", create, vm, site.network, "1", MAC="aa:bb"), ["aa:bb"])
        for device in ("x", "-1", ""):
            equal(expect_failure("INVALID_DEVICE", create, vm, site.network, device), [device])
        equal(expect_failure("DEVICE_ALREADY_EXISTS", create, vm, site.network, "00"), ["00"])
        create(vm, site.network, "9")
        equal(expect_failure("DEVICE_ALREADY_EXISTS", create, vm, site.network, "09"), ["09"])
        second = create(vm, site.network, "1", MAC="fa:16:3e:00:00:01", ipv4_allowed=["10.0.0.1"])
        equal((site.record("VIF", second)["MAC_autogenerated"],
               site.record("VIF", second)["ipv4_allowed"]), (False, ["10.0.0.1"]))
        equal(site.call("VM.get_allowed_VIF_devices", vm), ["2", "3", "4", "5", "6"])
        site.call("VM.start", vm, False, False)
        expect_failure("OPERATION_NOT_ALLOWED", site.call, "VIF.destroy", second)
        site.run("VIF.unplug", second)
        equal(expect_failure("DEVICE_ALREADY_DETACHED", site.call, "VIF.unplug", second), [second])
        site.run("VIF.plug", second)
        equal(expect_failure("DEVICE_ALREADY_ATTACHED", site.call, "VIF.plug", second), [second])
        internal = site.call("network.get_by_name_label", "Host internal management network")[0]
        site.call("VIF.move", second, internal)
        record = site.record("VIF", second)
        equal((record["network"], record["currently_attached"]),
              (internal, True))
        site.call("VIF.set_locking_mode", second, "locked")
        site.call("VIF.add_ipv6_allowed", second, "fe80::1")
        equal(site.record("VIF", second)["ipv6_allowed"], ["fe80::1"])


def test_import_and_export():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        task = new_task(site)
        answer = put(site, PATTERN * 2, vdi=vdi, task_id=task, format="raw")
        equal(answer, b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                      b"Cache-Control: no-cache, no-store\r\ntask-id:" + task.encode() +
                      b"\r\ncontent-type: application/octet-stream\r\n\r\n")
        equal(outcome(site, task), ("success", f"<value>{vdi}</value>"))
        equal(site.record("VDI", vdi)["VBDs"], [])
        assert "content_id" in site.record("VDI", vdi)["other_config"]
        task = new_task(site)
        head, body = get(site, vdi=vdi, task_id=task, format="raw")
        uuid = site.record("VDI", vdi)["uuid"]
        equal(head.split("\r\n"),
              ["HTTP/1.1 200 OK", "Connection: close", "Cache-Control: no-cache, no-store",
               f"task-id:{task}", "content-type:application/octet-stream",
               f'content-disposition: attachment; filename="{uuid}.raw"'])
        equal(body, PATTERN * 2)
        equal(outcome(site, task), ("success", ""))


def checked(part, at):
    """A part of a VHD whose checksum is right."""
    total = sum(part) - sum(part[at:at + 4])
    equal(struct.unpack(">I", part[at:at + 4])[0], ~total & 0xffffffff)
    return part


def read_vhd(image):
    """The bytes of the disk in a dynamic VHD, and how many of its blocks are stored."""
    footer = checked(image[:512], 64)
    equal((footer[:8], image[-512:]), (b"conectix", footer))
    header_at, = struct.unpack(">Q", footer[16:24])
    header = checked(image[header_at:header_at + 1024], 36)
    table_at, = struct.unpack(">Q", header[16:24])
    blocks, block_size = struct.unpack(">II", header[28:36])
    size, = struct.unpack(">Q", footer[48:56])
    equal((header[:8], footer[60:64]), (b"cxsparse", b"\0\0\0\3"))
    table = struct.unpack(f">{blocks}I", image[table_at:table_at + 4 * blocks])
    disk = b"".join(
        bytes(block_size) if sector == 0xffffffff else
        image[sector * 512 + 512:sector * 512 + 512 + block_size] for sector in table)
    return disk[:size], blocks - table.count(0xffffffff)


def test_export_as_vhd():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=10 * MIB)
        head, image = get(site, vdi=vdi, session_id=site.rpc.session, format="vhd")
        assert "content-type:application/vhd" in head and ".vhd" in head, head
        # captures/scenarios/snapshot_export_vhd_running
        equal((len(image), read_vhd(image)), (3072, (bytes(10 * MIB), 0)))
        body = bytes(3 * MIB) + b"abc" * 1000 + bytes(5 * MIB) + b"\1"
        put(site, body, vdi=vdi, session_id=site.rpc.session, format="raw")
        disk, stored = read_vhd(get(site, vdi=vdi, session_id=site.rpc.session, format="vhd")[1])
        equal((stored, disk == body + bytes(10 * MIB - len(body))), (2, True))


def test_import_as_vhd():
    """The disk that is in it, not its bytes; sectors that it does not have stay (xenapi-protocol 5.1)."""
    with pool() as running:
        site = Site(running)
        source, vdi = site.disk(size=6 * MIB), site.disk(size=8 * MIB)
        body = b"abc" * 1000 + bytes(3 * MIB) + PATTERN
        put(site, body, vdi=source)
        put(site, b"\1" * (8 * MIB), vdi=vdi)
        image = get(site, vdi=source, format="vhd")[1]
        equal(read_vhd(image)[1], 3)
        # The first block without its second sector.
        image = image[:2048 + 512] + b"\xbf" + image[2048 + 513:]
        task = new_task(site)
        put(site, image, vdi=vdi, format="vhd", task_id=task)
        equal(outcome(site, task), ("success", f"<value>{vdi}</value>"))
        disk = get(site, vdi=vdi)[1]
        expected = (body[:512] + b"\1" * 512 + body[1024:]).ljust(6 * MIB, b"\0") + b"\1" * (2 * MIB)
        assert disk == expected, [at for at in range(0, 8 * MIB, 512)
                                  if disk[at:at + 512] != expected[at:at + 512]][:10]


def test_wrong_vhd():
    """200, and then an I/O error: of no VHD, a broken one, one with more than the disk takes, one that ends early."""
    with pool() as running:
        site = Site(running)
        large, vdi = site.disk(size=10 * MIB), site.disk(size=8 * MIB)
        put(site, bytes(9 * MIB) + PATTERN, vdi=large)
        put(site, PATTERN, vdi=vdi)
        too_large, image = (get(site, vdi=disk, format="vhd")[1] for disk in (large, vdi))
        broken = image[:100] + b"?" + image[101:]
        no_header = image[:600] + b"?" + image[601:]
        no_end = image[:-512] + bytes(512)
        for body in (PATTERN, b"", image[:511], broken, no_header, image[:1600], image[:-512], no_end, too_large):
            task = new_task(site)
            answer = put(site, body, vdi=vdi, format="vhd", task_id=task)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
            equal(outcome(site, task), ("failure", ["VDI_IO_ERROR", "Device I/O errors"]))
        equal(site.record("VDI", vdi)["VBDs"], [])


def test_two_hundred_comes_first():
    with pool() as running, running.connect() as connection:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        target = query(session_id=site.rpc.session, vdi=vdi, format="raw")
        connection.sendall(f"PUT /import_raw_vdi?{target} HTTP/1.1\r\n"
                           "Content-Length: 1048576\r\n\r\n".encode())
        head = read_head(connection)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        # Meanwhile the control domain holds the disk.
        vbd = site.record("VBD", site.record("VDI", vdi)["VBDs"][0])
        equal((site.record("VM", vbd["VM"])["is_control_domain"], vbd["mode"],
               vbd["currently_attached"]), (True, "RW", True))
        equal(expect_failure("VDI_IN_USE", site.call, "VDI.destroy", vdi), [vdi, "destroy"])
        connection.sendall(PATTERN)
        equal(read_all(connection), b"")
        site.call("VDI.destroy", vdi)


def test_bodies_of_another_length():
    """Shorter and longer than the disk: both succeed; shorter than announced: an I/O error."""
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        for size in (1000, 3 * MIB):
            task = new_task(site)
            put(site, b"y" * size, vdi=vdi, task_id=task)
            equal(outcome(site, task)[0], "success")
        equal(len(get(site, vdi=vdi)[1]), 2 * MIB)
        task = new_task(site)
        answer = put(site, b"z" * 500, length=1000, vdi=vdi, task_id=task)
        equal(answer.count(b"HTTP/1.1"), 2)
        equal(outcome(site, task), ("failure", ["VDI_IO_ERROR", "Device I/O errors"]))
        equal(site.record("VDI", vdi)["VBDs"], [])


def test_wrong_transfers():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        task = new_task(site)
        answer = put(site, b"abc", vdi="OpaqueRef:bad", task_id=task)
        assert answer.startswith(b"HTTP/1.1 500 Internal Error")
        text = b"Db_exn.Read_missing_uuid(&quot;VDI&quot;, &quot;&quot;, &quot;OpaqueRef:bad&quot;)"
        assert text in answer
        equal(outcome(site, task), ("pending", ""))
        answer = put(site, b"abc", vdi=vdi, task_id=task, format="qcow3")
        equal((answer[:22], outcome(site, task)[0]), (b"HTTP/1.0 404 Not Found", "failure"))
        task = new_task(site)
        answer = put(site, b"", vdi=vdi, task_id=task, length=0, session_id="OpaqueRef:none")
        assert answer.startswith(b"HTTP/1.1 401 Unauthorised")
        assert b'WWW-Authenticate: Basic realm="put_import_raw_vdi"' in answer
        target = query(session_id=site.rpc.session, vdi=vdi)
        answer = running.talk(f"PUT /import_raw_vdi?{target} HTTP/1.1\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n".encode())
        equal(answer, b"HTTP/1.0 404 Not Found\r\nConnection: close\r\n"
                      b"Cache-Control: no-cache, no-store\r\n\r\n")


def test_own_task_and_cookies():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        cookie = f"Cookie: session_id={site.rpc.session}"
        answer = put(site, b"abc", headers=[cookie], session_id="OpaqueRef:other", vdi=vdi)
        ref = answer.split(b"task-id:")[1].split(b"\r\n")[0].decode()
        expect_failure("HANDLE_INVALID", site.call, "task.get_record", ref)


def test_cancel_does_not_stop_it():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        task = new_task(site)
        running.control.do("fault", add={"id": "half", "method": "/import_raw_vdi",
                                         "action": "hold", "bytes": 100})
        with running.connect() as connection:
            target = query(session_id=site.rpc.session, vdi=vdi, task_id=task)
            connection.sendall(f"PUT /import_raw_vdi?{target} HTTP/1.1\r\n"
                               "Content-Length: 200\r\n\r\n".encode() + b"a" * 200)
            running.control.do("wait", id="half")
            site.call("task.cancel", task)
            equal(outcome(site, task)[0], "pending")
            running.control.do("release", id="half")
            read_all(connection)
        equal(outcome(site, task)[0], "success")


def test_redirect():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(site.local[1], size=2 * MIB)
        head, _ = get(site, vdi=vdi)
        assert head.startswith("HTTP/1.1 302 Found\r\n")
        location = head.split("Location: ")[1].split("\r\n")[0]
        where = urllib.parse.urlsplit(location)
        equal((where.hostname, where.port), (running.addresses[1], running.port))
        equal(len(get(site, running.addresses[1], vdi=vdi)[1]), 2 * MIB)
        put(site, PATTERN, address=running.addresses[1], vdi=vdi)
        equal(get(site, running.addresses[1], vdi=vdi)[1][:MIB], PATTERN)


def test_interrupted_export():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=64 * MIB)
        task = new_task(site)
        with running.connect() as connection:
            target = query(session_id=site.rpc.session, vdi=vdi, task_id=task)
            connection.sendall(f"GET /export_raw_vdi?{target} HTTP/1.1\r\n\r\n".encode())
            connection.recv(1000)
        equal(site.rpc.wait_task(task)["error_info"], ["VDI_IO_ERROR", "Device I/O errors"])
        equal(site.record("VDI", vdi)["VBDs"], [])


def test_faults_of_transfers():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        put(site, PATTERN, vdi=vdi)
        fault = lambda **rule: running.control.do("fault", add=rule)
        fault(method="/export_raw_vdi", action="drop", bytes=1000)
        task = new_task(site)
        equal(len(get(site, vdi=vdi, task_id=task)[1]), 1000)
        equal(outcome(site, task)[0], "failure")
        fault(method="/export_raw_vdi", action="error", bytes=500, error=["MY_CODE"])
        task = new_task(site)
        body = get(site, vdi=vdi, task_id=task)[1]
        assert body[:500] == PATTERN[:500] and body[500:].startswith(b"HTTP/1.1 500")
        equal(outcome(site, task), ("failure", ["MY_CODE"]))
        fault(method="/import_raw_vdi", action="status")
        assert put(site, b"abc", vdi=vdi).startswith(b"HTTP/1.1 500")
        fault(method="/import_raw_vdi", action="task-hang")
        task = new_task(site)
        put(site, b"abc", vdi=vdi, task_id=task)
        equal(outcome(site, task)[0], "pending")
        fault(method="/import_raw_vdi", action="drop", bytes=2)
        task = new_task(site)
        put(site, b"abc", vdi=vdi, task_id=task)
        equal(outcome(site, task)[0], "failure")
        equal(running.control.ask("stats")["transfer"],
              {"/export_raw_vdi": 2, "/import_raw_vdi": 4})


def test_digests():
    with pool() as running:
        site = Site(running)
        vdi, empty = site.disk(), site.disk()
        put(site, PATTERN + bytes(5000), vdi=vdi)
        disks = running.control.ask("dump", disks=True)["disks"]
        equal(disks[vdi], {"bytes": MIB, "sha256": hashlib.sha256(PATTERN).hexdigest()})
        equal(disks[empty], {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()})


def test_disks_are_restored():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(size=2 * MIB)
        put(site, PATTERN, vdi=vdi)
        running.control.do("snapshot-state")
        put(site, b"changed", vdi=vdi)
        gone = site.disk()
        running.control.do("restore-state")
        equal(get(site, vdi=vdi)[1][:MIB], PATTERN)
        expect_failure("HANDLE_INVALID", site.call, "VDI.get_record", gone)


def test_drive_of_the_next_start():
    """A CD drive that was made while the machine ran (verified-sequences 2.3)."""
    with pool() as running:
        site = Site(running)
        vm, _, _, _ = site.running()
        drive = site.call("VBD.create", vbd_record(vm, site.disk(), "3", type="CD", mode="RO"))
        expect_failure("OPERATION_NOT_ALLOWED", site.call, "VBD.plug", drive)
        expect_failure("VBD_NOT_EMPTY", site.call, "VBD.insert", drive, site.disk())
        text, = expect_failure("INTERNAL_ERROR", site.call, "VBD.eject", drive)
        assert site.record("VBD", drive)["uuid"] in text, text
        site.call("VM.hard_shutdown", vm)
        site.call("VM.start", vm, False, False)
        equal(site.record("VBD", drive)["currently_attached"], True)
        site.call("VBD.eject", drive)


def test_export_of_differences():
    """The refusal comes inside of the body, and from the task."""
    with pool() as running:
        site = Site(running)
        vdi = site.disk()
        task = site.call("task.create", "export", "")
        answer = get(site, vdi=vdi, format="vhd", base=site.disk(), task_id=task)
        assert answer[1].startswith(b"HTTP/1.1 500 Internal Error\r\n"), answer
        equal(site.record("task", task)["status"], "failure")
        equal(site.record("VDI", vdi)["VBDs"], [])


run_tests("/simulator/disk", [
    test_create, test_space, test_sr_is_marked, test_destroy, test_copies, test_resize,
    test_drives, test_hot_plug, test_shared_use, test_readers, test_read_only_disk,
    test_plug_while_it_goes_down, test_create_while_it_moves, test_interfaces, test_import_and_export, test_export_as_vhd, test_import_as_vhd, test_wrong_vhd,
    test_two_hundred_comes_first, test_bodies_of_another_length, test_wrong_transfers,
    test_own_task_and_cookies, test_cancel_does_not_stop_it, test_redirect,
    test_interrupted_export, test_faults_of_transfers, test_digests, test_disks_are_restored,
    test_drive_of_the_next_start, test_export_of_differences,
])
