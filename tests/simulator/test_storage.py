"""Storage repositories, their connections, secrets, and iSCSI targets."""

import hashlib
import os
import tempfile

from harness import equal, expect_failure, pool, run_tests
from machines import MIB, NULL, Site, vbd_record

IQN = "iqn.2010-10.org.example:volume-1"
ATTACHED = ["vdi_introduce", "unplug", "plug", "pbd_create", "update", "pbd_destroy",
            "vdi_resize", "vdi_clone", "scan", "vdi_snapshot", "vdi_mirror", "vdi_create",
            "vdi_destroy", "vdi_set_on_boot"]
UUID = "7e0633bb-5d48-3b47-8f1b-38056bcc66c8"


def introduce(site, kind="iscsi", uuid=UUID, shared=False):
    return site.call("SR.introduce", uuid, "volume", "", kind, "", shared, {})


def connect(site, sr, host=0, **config):
    config = {"target": "192.0.2.9", "port": "3260", "targetIQN": IQN, **config}
    return site.call("PBD.create", {"host": site.hosts[host], "SR": sr, "other_config": {},
                                    "device_config": config})


def describe(running, luns=((0, 16 * MIB),), **members):
    running.control.do("iscsi-target", target="192.0.2.9", iqn=IQN,
                       luns=[{"lun": number, "size": size} for number, size in luns], **members)


def test_introduce():
    with pool() as running:
        site = Site(running)
        sr = introduce(site, "ISCSI")
        record = site.record("SR", sr)
        equal((record["uuid"], record["type"], record["physical_size"],
               record["physical_utilisation"], record["PBDs"], record["shared"]),
              (UUID, "iscsi", -1, -1, [], False))
        equal(record["allowed_operations"],
              ATTACHED[:7] + ["forget"] + ATTACHED[7:])
        equal(expect_failure("SR_UUID_EXISTS", introduce, site), [UUID])
        assert site.record("SR", introduce(site, uuid=""))["uuid"] not in ("", UUID)
        site.call("SR.forget", sr)
        expect_failure("HANDLE_INVALID", site.record, "SR", sr)


def test_volume():
    """The life of a volume, as in scenario volume_sr_introduce_attach_forget."""
    with pool() as running:
        site = Site(running)
        describe(running)
        vm = site.running()[0]
        sr = introduce(site)
        pbd = connect(site, sr)
        record = site.record("PBD", pbd)
        equal((record["currently_attached"], record["host"], list(record["device_config"])),
              (False, site.hosts[0], ["targetIQN", "port", "target"]))
        site.run("PBD.plug", pbd)
        record = site.record("SR", sr)
        equal((record["allowed_operations"], record["other_config"], record["physical_size"],
               record["physical_utilisation"], record["virtual_allocation"]),
              (ATTACHED, {"dirty": ""}, 270553174016, 0, 16 * MIB))
        vdi, = record["VDIs"]
        record = site.record("VDI", vdi)
        equal((record["sm_config"]["LUNid"], record["virtual_size"], record["managed"],
               record["location"], record["name_label"], record["type"]),
              ("0", 16 * MIB, True, record["uuid"], "", "user"))
        assert "resize" not in record["allowed_operations"]
        dom0 = site.record("host", site.hosts[0])["control_domain"]
        equal(site.record("PBD", pbd)["other_config"], {"storage_driver_domain": dom0})
        equal(site.record("VM", dom0)["other_config"]["storage_driver_domain"], pbd)
        site.call("SR.scan", sr)
        equal(site.record("SR", sr)["other_config"], {})
        vbd = site.call("VBD.create", vbd_record(vm, vdi, "1"))
        site.run("VBD.plug", vbd)
        equal(expect_failure("SR_HAS_PBD", site.call, "SR.forget", sr), [sr])
        equal(expect_failure("VDI_IN_USE", site.call, "PBD.unplug", pbd), [vdi])
        site.run("VBD.unplug", vbd)
        site.call("VBD.destroy", vbd)
        assert "resize" in site.record("VDI", vdi)["allowed_operations"]
        site.run("PBD.unplug", pbd)
        assert "forget" in site.record("SR", sr)["allowed_operations"]
        site.call("SR.forget", sr)
        for kind, ref in (("SR", sr), ("PBD", pbd), ("VDI", vdi)):
            equal(expect_failure("HANDLE_INVALID", site.record, kind, ref), [kind, ref])


def test_events_of_a_plug():
    with pool("--event-delay", "0") as running:
        site = Site(running)
        sr = introduce(site)
        pbd = connect(site, sr)
        token = site.rpc.events(["sr", "vdi", "pbd", "task"])["token"]
        running.control.do("fault", add={"id": "x", "method": "PBD.plug", "when": "after",
                                         "action": "hold"})
        rpc = running.rpc()
        rpc.start("PBD.plug", pbd)
        running.control.do("wait", id="x")
        events = site.rpc.events(["sr", "vdi", "pbd"], token)["events"]
        equal([(event["class"], event["operation"]) for event in events],
              [("vdi", "add"), ("sr", "mod"), ("pbd", "mod")])
        running.control.do("release", id="x")
        rpc.finish()


def test_pbds():
    with pool() as running:
        site = Site(running)
        sr = introduce(site)
        pbd = connect(site, sr)
        equal(expect_failure("PBD_EXISTS", connect, site, sr), [sr, site.hosts[0], pbd])
        equal(expect_failure("HANDLE_INVALID", connect, site, NULL), ["SR", NULL])
        expect_failure("VALUE_NOT_SUPPORTED", connect, site, sr, 1, SRmaster="true")
        expect_failure("PERMISSION_DENIED", site.call, "PBD.set_device_config", pbd, {})
        site.call("PBD.plug", pbd)
        site.call("PBD.plug", pbd)
        equal(expect_failure("OPERATION_NOT_ALLOWED", site.call, "PBD.destroy", pbd),
              ["PBD is currently attached"])
        other = connect(site, sr, 1)
        equal(expect_failure("SR_NOT_SHARABLE", site.call, "PBD.plug", other),
              [sr, site.hosts[0]])
        site.call("PBD.unplug", pbd)
        site.call("PBD.unplug", pbd)
        site.call("PBD.plug", other)
        site.call("PBD.unplug", other)
        site.call("PBD.destroy", other)
        equal(site.record("SR", sr)["PBDs"], [pbd])


def test_shared_storage_is_scanned_on_the_coordinator():
    with pool() as running:
        site = Site(running)
        sr = introduce(site, shared=True)
        far, near = connect(site, sr, 1), connect(site, sr, 0)
        site.call("PBD.plug", far)
        equal(site.record("SR", sr)["VDIs"], [])
        equal(expect_failure("SR_HAS_NO_PBDS", site.call, "SR.scan", sr), [sr])
        site.call("PBD.plug", near)
        vdi, = site.record("SR", sr)["VDIs"]
        vm = site.running(host=1)[0]
        site.run("VBD.plug", site.call("VBD.create", vbd_record(vm, vdi, "1")))
        site.call("PBD.unplug", near)
        equal(expect_failure("VDI_IN_USE", site.call, "PBD.unplug", far), [vdi])


def test_secrets():
    with pool() as running:
        site = Site(running)
        own = site.call("secret.get_all")  # the pool's, for its telemetry

        def others():
            return sorted(set(site.call("secret.get_all")) - set(own))

        secret = site.call("secret.create", {"value": "s3cret", "other_config": {"k": "v"}})
        uuid = site.call("secret.get_uuid", secret)
        sr = introduce(site)
        expect_failure("UUID_INVALID", connect, site, sr, chappassword_secret="no")
        pbd = connect(site, sr, chapuser="u", chappassword_secret=uuid)
        copy = site.record("PBD", pbd)["device_config"]["chappassword_secret"]
        assert copy != uuid
        equal(site.call("secret.get_value", site.call("secret.get_by_uuid", copy)), "s3cret")
        site.call("secret.destroy", secret)
        equal(len(others()), 1)
        site.call("SR.forget", sr)
        equal(others(), [])
        # A plain password becomes two secrets, of which one stays for ever.
        sr = introduce(site)
        config = site.record("PBD", connect(site, sr, chappassword="plain"))["device_config"]
        assert "chappassword" not in config and "chappassword_secret" in config
        equal(len(others()), 2)
        site.call("SR.forget", sr)
        equal(len(others()), 1)


def test_targets():
    with pool() as running:
        site = Site(running)
        sr = introduce(site)
        for missing, code in (("target", "95"), ("targetIQN", "96")):
            config = {"target": "192.0.2.9", "targetIQN": IQN}
            del config[missing]
            pbd = site.call("PBD.create", {"host": site.hosts[0], "SR": sr,
                                           "device_config": config})
            expect_failure(f"SR_BACKEND_FAILURE_{code}", site.call, "PBD.plug", pbd)
            site.call("PBD.destroy", pbd)
        describe(running, [(0, 8 * MIB), (3, 9 * MIB)], chap={"user": "u", "password": "p"})
        for config, code in (({"target": "192.0.2.8"}, "141"), ({"targetIQN": "iqn.x"}, "141"),
                             ({"port": "3261"}, "141"), ({}, "68"),
                             ({"chapuser": "u", "chappassword": "q"}, "68"),
                             ({"chapuser": "v", "chappassword": "p"}, "68")):
            pbd = connect(site, sr, **config)
            parameters = expect_failure(f"SR_BACKEND_FAILURE_{code}", site.call, "PBD.plug", pbd)
            equal((len(parameters), parameters[0], parameters[2]), (3, "", ""))
            equal(site.record("PBD", pbd)["currently_attached"], False)
            site.call("PBD.destroy", pbd)
        pbd = connect(site, sr, chapuser="u", chappassword="p")
        site.call("PBD.plug", pbd)
        luns = {site.record("VDI", vdi)["sm_config"]["LUNid"]: site.record("VDI", vdi)
                for vdi in site.record("SR", sr)["VDIs"]}
        equal({lun: record["virtual_size"] for lun, record in luns.items()},
              {"0": 8 * MIB, "3": 9 * MIB})
        # A LUN grows, one comes, one goes: a scan sees it.
        describe(running, [(0, 10 * MIB), (1, MIB)], chap={"user": "u", "password": "p"})
        site.call("SR.scan", sr)
        equal(sorted((site.record("VDI", vdi)["sm_config"]["LUNid"],
                      site.record("VDI", vdi)["virtual_size"])
                     for vdi in site.record("SR", sr)["VDIs"]), [("0", 10 * MIB), ("1", MIB)])
        assert luns["0"]["uuid"] in [site.record("VDI", vdi)["uuid"]
                                     for vdi in site.record("SR", sr)["VDIs"]]
        equal(expect_failure("SR_BACKEND_FAILURE_44", site.disk, sr),
              ["", "There is insufficient space", ""])
        bad = running.control.ask("iscsi-target", target="192.0.2.9", iqn="x", luns=[{}])
        assert "LUN" in bad["problem"], bad


def test_targets_are_kept():
    with tempfile.TemporaryDirectory() as folder:
        with pool("--state", folder) as running:
            describe(running, [(7, 8 * MIB)], chap={"user": "u", "password": "p"})
        equal(os.stat(os.path.join(folder, "targets.json")).st_mode & 0o777, 0o600)
        with pool("--state", folder) as running:
            site = Site(running)
            sr = introduce(site)
            expect_failure("SR_BACKEND_FAILURE_68", site.call, "PBD.plug", connect(site, sr))
            site.call("SR.forget", sr)
            sr = introduce(site)
            site.call("PBD.plug", connect(site, sr, chapuser="u", chappassword="p"))
            vdi, = site.record("SR", sr)["VDIs"]
            equal(site.record("VDI", vdi)["sm_config"]["LUNid"], "7")


def put(site, vdi, body):
    target = f"/import_raw_vdi?session_id={site.rpc.session}&vdi={vdi}&format=raw"
    answer = site.pool.talk(f"PUT {target} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                            + body)
    assert answer.startswith(b"HTTP/1.1 200"), answer


def test_bytes_of_a_lun_stay():
    with pool() as running:
        site = Site(running)
        for first in (True, False):
            sr = introduce(site)
            pbd = connect(site, sr)
            site.call("PBD.plug", pbd)
            vdi, = site.record("SR", sr)["VDIs"]
            if first:
                put(site, vdi, b"on the target")
                uuid = site.record("VDI", vdi)["uuid"]
                site.call("VDI.destroy", vdi)
                equal(site.record("SR", sr)["VDIs"], [])
                site.call("SR.scan", sr)
            site.call("PBD.unplug", pbd)
            if first:
                site.call("SR.forget", sr)
        equal(site.record("VDI", vdi)["uuid"], uuid)
        digest = running.control.ask("dump", disks=True)["disks"][vdi]["sha256"]
        equal(digest, hashlib.sha256(b"on the target").hexdigest())


def test_create():
    with pool() as running:
        site = Site(running)
        config = {"server": "192.0.2.1", "serverpath": "/exports/x"}
        create = lambda kind, config, shared: site.call(
            "SR.create", site.hosts[1], config, 0, "new", "", kind, "user", shared, {})
        equal(expect_failure("SR_UNKNOWN_DRIVER", create, "nosuchtype", {}, False),
              ["nosuchtype"])
        expect_failure("SR_BACKEND_FAILURE_101", create, "nfs", {"server": "x"}, True)
        expect_failure("SR_BACKEND_FAILURE_90", create, "ext", {}, False)
        sr = create("NFS", config, True)
        record = site.record("SR", sr)
        equal((record["type"], record["shared"], record["other_config"], record["content_type"],
               record["allowed_operations"], record["physical_size"]),
              ("nfs", True, {"dirty": ""}, "user", ATTACHED, 270553174016))
        pbds = [site.record("PBD", pbd) for pbd in record["PBDs"]]
        equal(sorted(pbd["host"] for pbd in pbds), sorted(site.hosts))
        assert all(pbd["currently_attached"] and pbd["device_config"] == config for pbd in pbds)
        local = create("ext", {"device": "/dev/sdb"}, False)
        pbd, = site.record("SR", local)["PBDs"]
        equal(site.record("PBD", pbd)["host"], site.hosts[1])
        site.disk(sr)


def test_destroy():
    with pool() as running:
        site = Site(running)
        sr = site.call("SR.create", site.hosts[0], {"device": "/dev/sdb"}, 0, "new", "", "ext",
                       "user", False, {})
        pbd, = site.record("SR", sr)["PBDs"]
        vdi = site.disk(sr)
        equal(expect_failure("SR_HAS_PBD", site.call, "SR.destroy", sr), [sr])
        site.call("PBD.unplug", pbd)
        equal(expect_failure("SR_HAS_NO_PBDS", site.disk, sr), [sr])
        equal(expect_failure("SR_NOT_EMPTY", site.call, "SR.destroy", sr), [])
        site.call("PBD.plug", pbd)
        site.call("VDI.destroy", vdi)
        site.call("PBD.unplug", pbd)
        assert "destroy" in site.record("SR", sr)["allowed_operations"]
        site.call("SR.add_to_other_config", sr, "indestructible", "true")
        equal(expect_failure("SR_INDESTRUCTIBLE", site.call, "SR.destroy", sr), [sr])
        site.call("SR.remove_from_other_config", sr, "indestructible")
        site.call("SR.destroy", sr)
        expect_failure("HANDLE_INVALID", site.record, "PBD", pbd)
        sr = introduce(site)
        equal(expect_failure("SR_HAS_NO_PBDS", site.call, "SR.destroy", sr), [sr])


def test_forgotten_disks_are_found_again():
    with pool() as running:
        site = Site(running)
        config = {"device": "/dev/sdb"}
        sr = site.call("SR.create", site.hosts[0], config, 0, "new", "", "ext", "user", False, {})
        uuid = site.record("SR", sr)["uuid"]
        first, second = site.disk(sr), site.disk(sr, size=2 * MIB)
        put(site, second, b"bytes")
        disks = {site.record("VDI", vdi)["uuid"] for vdi in (first, second)}
        site.call("VDI.forget", first)
        equal(site.record("SR", sr)["VDIs"], [second])
        site.call("PBD.unplug", site.record("SR", sr)["PBDs"][0])
        site.call("SR.forget", sr)
        sr = site.call("SR.introduce", uuid, "again", "", "ext", "user", False, {})
        site.call("PBD.plug", connect(site, sr, **config))
        found = {site.record("VDI", vdi)["uuid"]: vdi for vdi in site.record("SR", sr)["VDIs"]}
        equal(set(found), disks)
        sizes = [disk["bytes"]
                 for vdi, disk in running.control.ask("dump", disks=True)["disks"].items()
                 if vdi in found.values()]
        equal(sorted(sizes), [0, 5])


def test_kinds():
    with pool() as running:
        site = Site(running)
        assert {"ext", "nfs", "iscsi", "lvmoiscsi", "iso"} <= set(
            site.call("SR.get_supported_types"))
        sr = introduce(site, "nosuch")
        assert "vdi_create" not in site.record("SR", sr)["allowed_operations"]
        equal(expect_failure("SR_OPERATION_NOT_SUPPORTED", site.disk, sr), [sr])
        equal(expect_failure("SR_UNKNOWN_DRIVER", site.call, "PBD.plug", connect(site, sr)),
              ["nosuch"])
        site.call("SR.forget", sr)
        expect_failure("PERMISSION_DENIED", site.call, "SR.set_physical_size", site.shared, 1)
        expect_failure("MESSAGE_DEPRECATED", site.call, "SR.make", site.hosts[0], {}, 0, "", "",
                       "ext", "", {})


def test_probe():
    with pool() as running:
        site = Site(running)
        probe = lambda kind, **config: site.call("SR.probe", site.hosts[0], config, kind, {})
        equal(probe("nfs", server="10.0.0.1", serverpath="/x"),
              '<?xml version="1.0" ?>\n<SRlist/>\n')
        expect_failure("SR_UNKNOWN_DRIVER", probe, "nosuch")
        describe(running)
        answer = expect_failure("SR_BACKEND_FAILURE_96", probe, "iscsi", target="192.0.2.9")
        assert IQN in answer[2] and answer[2].startswith("<?xml"), answer


def test_operations_wait_for_each_other():
    with pool("--pace", "20") as running:
        site = Site(running)
        vdi = site.disk()
        site.call("VDI.copy", vdi, site.shared, NULL, NULL)
        tasks = [site.call("Async.SR.scan", site.shared) for _ in range(5)]
        tasks += [site.call("Async.VDI.snapshot", vdi, {}) for _ in range(3)]
        for task in tasks:
            equal(site.rpc.wait_task(task)["status"], "success")


run_tests("/simulator/storage", [
    test_introduce, test_volume, test_events_of_a_plug, test_pbds,
    test_shared_storage_is_scanned_on_the_coordinator, test_secrets, test_targets,
    test_targets_are_kept, test_bytes_of_a_lun_stay, test_create, test_destroy,
    test_forgotten_disks_are_found_again, test_kinds, test_probe,
    test_operations_wait_for_each_other,
])
