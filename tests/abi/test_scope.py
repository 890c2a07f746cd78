"""SEC-19: what is not the driver's is neither touched nor taken for an instance, whatever it is called."""

import json
import sys
import uuid

sys.dont_write_bytecode = True

from driver import INSTANCE, host, instance_document, pool, run_everything  # noqa: E402
from harness import equal, run_tests  # noqa: E402
from machines import Site  # noqa: E402

NOT_FOUND = 2  # HVD_ERROR_NOT_FOUND
ON = {"instance": INSTANCE}

# what the toolstack changes by itself, or because somebody else's device uses the object
VOLATILE = {"allowed_operations", "current_operations", "VBDs", "VIFs", "VDIs", "PBDs", "PIFs", "crash_dumps",
            "physical_utilisation", "virtual_allocation", "snapshots", "children", "blobs", "last_booted_record",
            "consoles", "guest_metrics", "attached_PCIs", "generation_id"}
CLASSES = ("VM", "VDI", "VBD", "VIF", "SR", "PBD", "network", "secret")


def picture(running, refs=None):
    """Records by reference, without what changes by itself."""
    dump = running.control.ask("dump")
    records = {ref: record for name in CLASSES for ref, record in dump.get(name, {}).items()}
    for record in records.values():  # a plug of storage writes it
        record.get("other_config", {}).pop("storage_driver_domain", None)
    return {ref: {key: value for key, value in records[ref].items() if key not in VOLATILE}
            for ref in (refs if refs is not None else records) if ref in records}


def assert_same(now, before):
    equal(sorted(before.keys() - now.keys()), [])
    for ref, record in before.items():
        changed = {key: (value, now[ref].get(key)) for key, value in record.items() if now[ref].get(key) != value}
        equal((record.get("name_label", ref), changed), (record.get("name_label", ref), {}))


def populate(running):
    """Machines of another tool, running and halted, with the very names and half the marks of ours; a template;
    a disk without a machine; storage of the same kind."""
    site = Site(running)
    site.running("web", other_config={})
    site.machine("web", other_config={"nova_uuid": str(uuid.uuid4())})
    site.machine("web", other_config={"hvd": "not a mark"})
    template = site.machine("web", other_config={"nova_uuid": INSTANCE})[0]
    site.call("VM.set_is_a_template", template, True)
    site.disk(name_label="web", other_config={"hvd": "1;0000000000aaaaaaaaaaaaaaaa;root;0;another;11111111;x"})
    site.disk(name_label="web", other_config={"nova_instance_uuid": str(uuid.uuid4()), "nova_disk_type": "root"})
    site.call("SR.introduce", str(uuid.uuid4()), "tempSR-of-another", "volume storage", "iscsi", "user", True, {})
    site.rpc.close()
    return site


def scene(running, guest):
    running.add_target("guest", "a secret word")
    guest.open(running.settings(), running.ready["password_file"])
    return running.volume("guest", "a secret word")


def test_others_are_untouched():
    with pool() as running, host() as guest:
        populate(running)
        before = picture(running)
        volume = scene(running, guest)
        run_everything(guest, volume)
        assert_same(picture(running, before.keys()), before)


def test_copies_by_others():
    """A snapshot and a clone that a backup tool makes of an instance carry its marks, and are not ours."""
    with pool() as running, host() as guest:
        volume = scene(running, guest)
        guest.do("spawn", document=instance_document())
        site = Site(running)
        vm = site.call("VM.get_by_name_label", "web")[0]
        old = set(picture(running))
        site.call("VM.snapshot", vm, "backup of web")
        guest.do("attach_volume", document_file=volume, **ON)
        guest.do("detach_volume", document_file=volume, **ON)
        copies = {ref: record for ref, record in picture(running).items() if ref not in old}
        assert len(copies) >= 3, copies
        guest.do("destroy", **ON)
        guest.do("cleanup", **ON)
        guest.do("reconcile")
        now = picture(running, copies.keys())
        equal(sorted(now), sorted(copies))
        for ref, record in copies.items():
            gone = {"snapshot_of", "parent"}  # what they were made of is no more
            equal({key: value for key, value in now[ref].items() if key not in gone},
                  {key: value for key, value in record.items() if key not in gone})
        site.rpc.close()


def test_no_other_machine_is_an_instance():
    """By no key: a template's mark, a foreign machine's own uuid or name, the control domain."""
    with pool() as running, host() as guest:
        populate(running)
        before = picture(running)
        volume = scene(running, guest)
        machines = running.control.ask("dump")["VM"].values()
        marked = {vm["other_config"].get("nova_uuid") for vm in machines
                  if not vm["is_a_template"] and not vm["is_control_domain"]}
        keys = {vm["uuid"] for vm in machines} | {"web", INSTANCE, "", "OpaqueRef:NULL"}
        for key in keys - marked:
            for slot in ("get_instance", "power_on", "power_off", "pause", "snapshot", "soft_delete", "set_bootable"):
                end = guest.call(slot, instance=key)
                equal((slot, key, end["ok"], end["code"]), (slot, key, False, NOT_FOUND))
            end = guest.call("attach_volume", instance=key, document_file=volume)
            equal((key, end["ok"], end["code"]), (key, False, NOT_FOUND))
            guest.call("destroy", instance=key)  # absence is success
            equal(guest.do("exists", instance=key), "false")
        listed = {one["uuid"] for one in json.loads(guest.do("list_instances"))}
        equal(listed, marked - {None})
        assert_same(picture(running, before.keys()), before)


if __name__ == "__main__":
    run_tests("/abi/scope", [value for name, value in list(globals().items()) if name.startswith("test_")])
