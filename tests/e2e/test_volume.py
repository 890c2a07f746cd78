"""volume: an iSCSI target of the simulated pool, with and without a password."""

import json

from shim import MIB, content, directory, equal, main, with_pool, write

TARGET = "192.0.2.10"
IQN = "iqn.2026-01.org.example:volume-1"
CANARY = "canary-4711-chap"
UUID = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"
USER = {"auth_method": "CHAP", "auth_username": "hvd", "auth_password": CANARY}


def connection(lun=0, **members):
    data = {"volume_id": f"vol-{lun}", "target_portal": f"{TARGET}:3260", "target_iqn": IQN,
            "target_lun": lun, **members}
    return json.dumps({"driver_volume_type": "iscsi", "data": data})


def describe(pool, luns=2, **members):
    pool.control.do("iscsi-target", target=TARGET, iqn=IQN,
                    luns=[{"lun": lun, "size": (lun + 1) * 64 * MIB} for lun in range(luns)],
                    **members)


def guarded(pool):
    describe(pool, chap={"user": "hvd", "password": CANARY})


def machine(pool, name="web-1"):
    path = write(pool.state, "x.img", content(MIB))
    return pool.spawn(path, "--name", name, "--node", "xapisim2")["uuid"]


def volumes_of(pool, name="web-1"):
    return [(disk["device"], disk["size_bytes"] // MIB)
            for disk in pool.hvd("--json", "info", name).json()["disks"]
            if disk["role"] == "volume"]


@with_pool()
def test_attach_and_detach(pool):
    describe(pool)
    uuid = machine(pool)
    before = pool.objects()
    file = write(pool.state, "volume.json", connection())
    result = pool.hvd("volume", "attach", "web-1", file).expect(0)
    vdi = [disk["vdi"] for disk in pool.hvd("--json", "info", "web-1").json()["disks"]][1]
    equal(result.out, f"web-1 ({uuid}) has the volume as device 1, VDI {vdi}\n")
    equal(volumes_of(pool), [("1", 64)])
    # attached already is success, and makes nothing
    between = pool.objects()
    info = pool.hvd("--json", "volume", "attach", uuid, "-", data=connection()).json()
    equal((info["device"], info["vdi_uuid"]), ("1", vdi))
    equal(pool.objects(), between)
    second = pool.hvd("--json", "volume", "attach", "web-1", "-", "--device", "/dev/xvdf",
                      data=connection(1)).json()
    equal(second["device"], "5")
    equal(volumes_of(pool), [("1", 64), ("5", 128)])
    result = pool.hvd("volume", "detach", "web-1", file).expect(0)
    equal(result.out, f"web-1 ({uuid}) no longer has the volume\n")
    equal(pool.hvd("--json", "volume", "detach", "web-1", "-", data=connection(1)).json(), {})
    equal(pool.objects() ^ before, set())
    pool.hvd("volume", "detach", "web-1", file).expect(0)  # detached already is success


@with_pool()
def test_disk_of_the_pool(pool):
    """A volume that is a disk of the pool: it stays when it is detached."""
    machine(pool)
    sr = next(ref for ref, record in pool.records("SR").items()
              if record["name_label"] == "Shared storage")
    ref = pool.control.call("VDI.create", {"SR": sr, "name_label": "v", "name_description": "",
                                           "virtual_size": 8 * MIB, "type": "user",
                                           "sharable": False, "read_only": False,
                                           "other_config": {}})
    document = json.dumps({"driver_volume_type": "vdi",
                           "data": {"vdi_uuid": pool.records("VDI")[ref]["uuid"]}})
    pool.hvd("volume", "attach", "web-1", "-", data=document).expect(0)
    equal(volumes_of(pool), [("1", 8)])
    pool.hvd("destroy", "web-1").expect(0)
    equal(list(pool.records("VDI")), [ref])


@with_pool()
def test_chap(pool):
    """SEC-9, and SEC-2, 28: the password is where it has to be and nowhere else."""
    guarded(pool)
    machine(pool)
    before = pool.objects()
    said = ""
    with directory() as place:
        file = write(place, "volume.json", connection(**USER))
        for words in (["attach", "web-1", file, "--plan"], ["attach", "web-1", file],
                      ["attach", "web-1", file, "--debug"], ["detach", "web-1", file, "--debug"]):
            result = pool.hvd("volume", *words).expect(0)
            said += result.out + result.err
            assert "canary" not in str({kind: pool.records(kind) for kind in
                                        ("SR", "PBD", "VDI", "VBD", "VM", "task")})
    assert '{"value":"<hidden>"' in said, said
    assert "canary" not in said, said
    equal(pool.objects() ^ before, set())
    assert "canary" not in str(pool.control.ask("dump")), "it stays in the pool"


@with_pool()
def test_wrong_chap(pool):
    guarded(pool)
    machine(pool)
    before = pool.objects()
    for members in ({**USER, "auth_password": "canary-wrong"}, {}):
        result = pool.hvd("volume", "attach", "web-1", "-", data=connection(**members))
        assert result.status in (1, 10, 11), result.err
        assert "canary" not in result.err and "PBD.plug" in result.err, result.err
        equal(pool.objects() ^ before, set())


@with_pool()
def test_never_in_arguments(pool):
    """The document's text is in no process's arguments while it is being attached."""
    guarded(pool)
    machine(pool)
    pool.hold("Async.PBD.plug")
    file = write(pool.state, "volume.json", connection(**USER))
    process = pool.start("volume", "attach", "web-1", file)
    pool.control.do("wait", id="Async.PBD.plug")
    seen = b""
    for name in ("cmdline", "environ"):
        with open(f"/proc/{process.pid}/{name}", "rb") as proc:
            seen += proc.read()
    pool.control.do("release", id="Async.PBD.plug")
    equal(process.wait(), 0)
    process.communicate()
    assert b"canary" not in seen, seen


@with_pool()
def test_garbage(pool):
    """Where, what was expected, and never what stood there if it may be a password."""
    machine(pool)
    before = pool.objects()
    good = json.loads(connection(**USER))
    for document, told in (
            ({}, "driver_volume_type"), ({**good, "driver_volume_type": "rbd"}, "driver_volume_type"),
            ({**good, "data": {}}, "/data/target_portal"),
            ({**good, "data": {**good["data"], "target_portal": "x:99999"}}, "/data/target_portal"),
            ({**good, "data": {**good["data"], "target_lun": -1}}, "/data/target_lun"),
            ({**good, "data": {**good["data"], "auth_password": 4711}}, "/data/auth_password"),
            ({**good, "data": {**good["data"], "auth_username": None}}, "auth_username"),
            ({**good, "data": {**good["data"], "auth_password": "x" * 300}}, "/data/auth_password")):
        for word in ("attach", "detach"):
            result = pool.hvd("volume", word, "web-1", "-", data=json.dumps(document))
            result.expect(3, "hvd: INVALID: ", told)
            assert "4711" not in result.err and "xxx" not in result.err, result.err
    encrypted = connection(encrypted=True)
    pool.hvd("volume", "attach", "web-1", "-", data=encrypted).expect(15, "hvd: UNSUPPORTED: ")
    pool.hvd("volume", "attach", "web-1", "-", data="").expect(3, "standard input: it is empty")
    pool.hvd("volume", "attach", "web-1", "/nowhere").expect(4, "hvd: NOT_FOUND: /nowhere: ")
    pool.hvd("volume", "attach", "web-1").expect(2, "FILE is missing")
    pool.hvd("volume", "attach", "web-1", "-", "--device", "xyz",
             data=connection()).expect(3, "hvd: INVALID: ", "no device")
    equal(pool.objects() ^ before, set())


@with_pool()
def test_what_is_not_there(pool):
    describe(pool)
    machine(pool)
    before = pool.objects()
    pool.hvd("volume", "attach", "nobody", "-", data=connection()).expect(4, '"nobody"')
    pool.hvd("volume", "attach", UUID, "-", data=connection()).expect(4, "NOT_FOUND", UUID)
    pool.hvd("volume", "attach", "web-1", "-", data=connection(7)).expect(
        4, "hvd: NOT_FOUND: attach-volume ", "does not show unit 7")
    nowhere = connection(target_portal="192.0.2.99:3260")
    result = pool.hvd("volume", "attach", "web-1", "-", data=nowhere)
    assert result.status != 0 and "PBD.plug" in result.err, result.err
    vdi = json.dumps({"driver_volume_type": "vdi", "data": {"vdi_uuid": UUID}})
    pool.hvd("volume", "attach", "web-1", "-", data=vdi).expect(4, "hvd: NOT_FOUND: ")
    equal(pool.objects() ^ before, set())


@with_pool()
def test_wrong_state_and_place(pool):
    describe(pool)
    machine(pool)
    before = pool.objects()
    words = ("volume", "attach", "web-1", "-")
    pool.hvd(*words, "--device", "0", data=connection()).expect(5, "hvd: EXISTS: ", "device 0")
    pool.hvd("power", "pause", "web-1").expect(0)
    pool.hvd(*words, data=connection()).expect(7, "hvd: STATE: ")
    equal(pool.objects() ^ before, set())
    pool.hvd("power", "off", "web-1", "--hard").expect(0)
    pool.hvd(*words, data=connection()).expect(0)  # of a stopped one it is a record alone
    pool.hvd("power", "on", "web-1").expect(0)
    equal(volumes_of(pool), [("1", 64)])


@with_pool()
def test_connector(pool):
    connector = pool.hvd("--json", "volume", "connector").json()
    equal(sorted(connector), ["host", "initiator", "ip", "multipath"])
    equal(connector["ip"], pool.addresses[0])
    other = pool.hvd("--json", "volume", "connector", pool.addresses[1]).json()
    equal(other["ip"], pool.addresses[1])
    text = pool.hvd("volume", "connector", "xapisim2").expect(0).out
    assert other["initiator"] in text and "Several paths" in text, text
    pool.hvd("volume", "connector", "nobody").expect(4, 'there is no node "nobody"')


if __name__ == "__main__":
    main("/e2e/volume")
