"""What existed before a recorded operation began: made anew from the context that the recording
names, and from what its events tell of those objects."""

import functools
import json

from machines import vm_record

CREATED_WITH = {  # what a create takes; the rest of a record comes by itself
    "VM": """name_label name_description user_version is_a_template affinity memory_static_max
        memory_static_min memory_dynamic_max memory_dynamic_min VCPUs_params VCPUs_max
        VCPUs_at_startup actions_after_shutdown actions_after_reboot actions_after_crash
        PV_bootloader PV_kernel PV_ramdisk PV_args PV_bootloader_args PV_legacy_args
        HVM_boot_policy HVM_boot_params HVM_shadow_multiplier platform PCI_bus recommendations
        xenstore_data ha_restart_priority tags blocked_operations start_delay shutdown_delay order
        suspend_SR version generation_id hardware_platform_version has_vendor_device
        reference_label domain_type NVRAM other_config""".split(),
    "VDI": """name_label name_description SR virtual_size type sharable read_only other_config
        xenstore_data tags""".split(),
    "VBD": """VM VDI userdevice bootable mode type unpluggable empty other_config
        qos_algorithm_type qos_algorithm_params""".split(),
    "VIF": """device network VM MAC MTU other_config qos_algorithm_type qos_algorithm_params
        locking_mode ipv4_allowed ipv6_allowed""".split(),
}
CLASSES = {"vm": "VM", "vdi": "VDI", "sr": "SR", "host": "host"}
ANY = "OpaqueRef:00000000-0000-0000-0000-00000000000f"  # a disk, or a drive, without a story
COMES_BY_ITSELF = ("mac_seed", "maps_to")  # in other_config


class Recording:
    """One file: what existed, what was asked, and what happened."""

    def __init__(self, path):
        self.name = path.stem
        self.folder = path.parent
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.context = lines[0]
        self.requests = [line for line in lines if line["kind"] == "request"]
        self.answers = [line for line in lines if line["kind"] == "answer"]
        self.batches = [line for line in lines if line["kind"] == "events"]

    def events(self, to, before=None):
        """Of one pool; with @before only those that were told before that line."""
        return [event for batch in self.batches if batch["to"] == to
                and (before is None or batch["n"] < before["n"])
                for event in batch["result"]["events"]]

    def first_event(self, ref):
        """The first that was told of an object."""
        return next((event for to in "AB" for event in self.events(to)
                     if event["ref"] == ref and "snapshot" in event), None)

    def first(self, ref):
        event = self.first_event(ref)
        return event and event["snapshot"]

    def created(self):
        """What the operation itself creates."""
        return {answer["result"] for answer in self.answers
                if isinstance(answer.get("result"), str)}


@functools.cache
def uuids(folder):
    """By reference: class, uuid and pool. What one recording does not tell another one may: all of
    them are of the same two pools."""
    result = {}
    for path in sorted(folder.glob("*.jsonl")):
        recording = Recording(path)
        for number, to in enumerate("AB"):
            for event in recording.events(to):
                if event["class"] in CLASSES and "snapshot" in event:
                    result[event["ref"]] = (CLASSES[event["class"]], event["snapshot"]["uuid"],
                                            number)
    return result


class Scenery:
    def __init__(self, stage, recording):
        self.stage = stage
        self.recording = recording
        self.context = recording.context
        self.names = stage.names

    def build(self):
        self.pool(self.context, 0)
        if "pool_B" in self.context:
            self.pool(self.context["pool_B"], 1)
            self.rename(self.context["pool_B"]["host"], "xapisim3")
        if "nfs_sr" in self.context:
            self.shared_storage()
        if "vdi_uuid" in self.context:
            self.target()
        for key in ("cache_vdi", "volume_vdi"):
            if key in self.context:
                self.disk(self.context[key], "nfs_sr" if key == "volume_vdi" else "local_sr")
        if "vm" in self.context:
            self.machine(self.context["vm"])
        self.bind_uuids()

    def pool(self, context, number):
        do = functools.partial(self.stage.do, number=number)
        hosts = {record["address"]: ref for ref, record in do("host.get_all_records").items()}
        for key, address in (("host1", "127.0.1.1"), ("host2", "127.0.1.2"), ("host", "127.0.1.3")):
            if key in context:
                self.names.bind(context[key], hosts[address])
        first = hosts["127.0.1.1" if number == 0 else "127.0.1.3"]
        self.names.bind(context["local_sr" if number == 0 else "sr"],
                        next(pbd["SR"] for pbd in do("PBD.get_all_records").values()
                             if pbd["host"] == first))
        self.names.bind(context["network"], do("network.get_by_name_label",
                                               "Pool-wide network associated with eth0")[0])
        if "pool" in context:
            self.names.bind(context["pool"], do("pool.get_all")[0])
        session = self.context["session"] if number == 0 else next(
            request["params"][0] for request in self.recording.requests if request["to"] == "B")
        self.names.bind(session, self.stage.login(number))

    def rename(self, host, name):
        """The host of the second pool was the third one of its makers."""
        for field in ("name_label", "hostname"):
            self.stage.set("host", self.names.seen[host], field, name, number=1)

    def shared_storage(self):
        self.stage.make(self.context["nfs_sr"], "SR.create", self.context["host1"],
                        {"server": "10.0.0.1", "serverpath": "/exports/a"}, "0", "nfs vol", "",
                        "nfs", "", True, {})
        self.stage.do("SR.scan", self.context["nfs_sr"])

    def target(self):
        """What the volume of a scenario is on."""
        config = next(request["params"][1]["device_config"] for request in self.recording.requests
                      if request["method"] == "PBD.create")
        size = next(event["snapshot"]["virtual_size"] for event in self.recording.events("A")
                    if event["class"] == "vdi" and event["operation"] == "add")
        self.stage.pools[0].control.do(
            "iscsi-target", target=config["target"], iqn=config["targetIQN"],
            port=int(config["port"]), luns=[{"lun": 0, "size": size}])

    def bind_uuids(self):
        """Requests name objects by uuid, too, and so do marks on disks."""
        known = uuids(self.recording.folder)
        for ref, ours in list(self.names.seen.items()):
            if ref in known:
                kind, uuid, to = known[ref]
                self.names.bind(uuid, self.stage.do(f"{kind}.get_uuid", ours, number=to))

    def record(self, kind, ref, **otherwise):
        """The record that an object was created with, as far as its events tell."""
        seen = self.recording.first(ref) or {}
        record = {**otherwise, **{name: seen[name] for name in CREATED_WITH[kind] if name in seen}}
        record["other_config"] = {key: value for key, value in record["other_config"].items()
                                  if key not in COMES_BY_ITSELF}
        return record

    # ---- disks ----

    def disk(self, ref, storage="local_sr"):
        self.stage.make(ref, "VDI.create", {**self.record(
            "VDI", ref, name_label="disk", SR=self.context[storage], virtual_size=8 << 20,
            type="user", sharable=False, read_only=False, other_config={}), "sm_config": {}})
        seen = self.recording.first(ref)
        if seen is None:
            return
        if seen["physical_utilisation"]:
            self.fill(ref, seen["physical_utilisation"])
        self.remember(ref, seen)

    def fill(self, ref, size):
        head = self.names.translate(
            f"PUT /import_raw_vdi?session_id={self.context['session']}&vdi={ref}&format=raw "
            f"HTTP/1.1\r\nContent-Length: {size}\r\n\r\n".encode())
        self.stage.exchange(0, 0, head + b"\1" * size, lambda data: False)

    def remember(self, ref, seen):
        """The marks that its history left on a disk."""
        ours = self.names.seen[ref]
        marks = {key: value for key, value in seen["other_config"].items()
                 if key not in COMES_BY_ITSELF}
        self.stage.set("VDI", ours, "other_config", marks)
        self.stage.set("VDI", ours, "snapshot_time", seen["snapshot_time"])
        self.stage.set("VDI", ours, "metadata_of_pool", seen["metadata_of_pool"])
        self.stage.set("VDI", ours, "sm_config", {key: value
                                                  for key, value in seen["sm_config"].items()
                                                  if key == "vhd-parent"})

    # ---- the machine ----

    def machine(self, ref):
        seen = self.recording.first(ref) or {"VBDs": [ANY], "VIFs": []}
        record = self.record("VM", ref, **vm_record())
        record["platform"] = {key: value for key, value in record["platform"].items()
                              if key != "device-model"}
        self.stage.make(ref, "VM.create", record)
        drives = [vbd for vbd in seen["VBDs"] if vbd not in self.recording.created()]
        self.drive(ref, drives[-1], 0)
        for vif in seen["VIFs"]:
            self.stage.make(vif, "VIF.create", self.record(
                "VIF", vif, device="0", network=self.context["network"], VM=ref,
                MAC="fa:16:3e:00:00:01", MTU=1500, other_config={}, qos_algorithm_type="",
                qos_algorithm_params={}))
        self.stage.do("VM.start_on", ref, self.context["host1"], False, False)
        for number, vbd in enumerate(reversed(drives[:-1]), 1):
            self.stage.do("VBD.plug", self.drive(ref, vbd, number))
        self.bind_parts(seen, self.stage.do("VM.get_record", ref))

    def drive(self, vm, vbd, number):
        """With its disk; what no event tells of is taken from the context."""
        shared = "nfs_sr" if "shared" in self.recording.name else "local_sr"
        disks = [self.context[key] for key in ("vdi", "vdi2") if key in self.context]
        seen = self.recording.first(vbd)
        vdi = seen["VDI"] if seen else disks[number] if number < len(disks) else ANY
        if vdi not in self.names.seen:
            self.disk(vdi, shared)
        drive = self.stage.do("VBD.create", self.record(
            "VBD", vbd, VM=vm, VDI=vdi, userdevice="0", bootable=True, mode="RW",
            type="Disk", unpluggable=False, empty=False, other_config={},
            qos_algorithm_type="", qos_algorithm_params={}))
        if vbd != ANY:
            self.names.bind(vbd, drive)
        return drive

    def bind_parts(self, seen, ours):
        for name in ("metrics", "guest_metrics"):
            if name in seen:
                self.names.bind(seen[name], ours[name])
        for theirs, our in zip(sorted(seen.get("consoles", [])), sorted(ours["consoles"])):
            self.names.bind(theirs, our)
