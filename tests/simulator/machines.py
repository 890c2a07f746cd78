"""Records that the tests of machines and disks start from."""

MIB = 1 << 20
NULL = "OpaqueRef:NULL"


def vm_record(name="vm", memory_mib=256, **members):
    memory = memory_mib * MIB
    return {
        "name_label": name, "name_description": "", "user_version": 0, "is_a_template": False,
        "affinity": NULL, "memory_static_max": memory, "memory_static_min": 0,
        "memory_dynamic_max": memory, "memory_dynamic_min": memory, "VCPUs_params": {},
        "VCPUs_max": 2, "VCPUs_at_startup": 2, "actions_after_shutdown": "destroy",
        "actions_after_reboot": "restart", "actions_after_crash": "destroy", "PV_bootloader": "",
        "PV_kernel": "", "PV_ramdisk": "", "PV_args": "", "PV_bootloader_args": "",
        "PV_legacy_args": "", "HVM_boot_policy": "BIOS order", "HVM_boot_params": {"order": "dc"},
        "platform": {"acpi": "true"}, "PCI_bus": "", "recommendations": "",
        "other_config": {"nova_uuid": "u-1"}, "xenstore_data": {}, **members,
    }


def vdi_record(sr, size=8 * MIB, **members):
    return {"name_label": "disk", "SR": sr, "virtual_size": size, "type": "user",
            "sharable": False, "read_only": False, "other_config": {}, **members}


def vbd_record(vm, vdi, device="0", **members):
    return {"VM": vm, "VDI": vdi, "userdevice": device, "bootable": True, "mode": "RW",
            "type": "Disk", "unpluggable": True, "empty": False, "other_config": {},
            "qos_algorithm_type": "", "qos_algorithm_params": {}, **members}


def vif_record(vm, network, device="0", **members):
    return {"device": device, "network": network, "VM": vm, "MAC": "", "MTU": 1500,
            "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {}, **members}


class Site:
    """A pool with names for what every test needs."""

    def __init__(self, running):
        self.pool = running
        self.rpc = running.rpc()
        self.call = self.rpc.call
        self.run = self.rpc.run
        self.hosts = self.call("host.get_all")
        pool_record = self.call("pool.get_all_records").popitem()[1]
        self.shared = pool_record["default_SR"]
        self.local = {record["PBDs"][0]: ref
                      for ref, record in self.call("SR.get_all_records").items()
                      if record["type"] == "ext"}
        pbds = self.call("PBD.get_all_records")
        self.local = [next(ref for pbd, ref in self.local.items() if pbds[pbd]["host"] == host)
                      for host in self.hosts]
        self.network = self.call("network.get_by_name_label",
                                 "Pool-wide network associated with eth0")[0]

    def disk(self, sr=None, size=8 * MIB, **members):
        return self.call("VDI.create", vdi_record(sr or self.shared, size, **members))

    def machine(self, name="vm", sr=None, **members):
        """A halted machine with a disk and an interface: (vm, vbd, vdi, vif)."""
        vdi = self.disk(sr, type="system")
        vm = self.call("VM.create", vm_record(name, **members))
        vbd = self.call("VBD.create", vbd_record(vm, vdi))
        vif = self.call("VIF.create", vif_record(vm, self.network))
        return vm, vbd, vdi, vif

    def running(self, name="vm", host=0, **members):
        objects = self.machine(name, **members)
        self.run("VM.start_on", objects[0], self.hosts[host], False, False)
        return objects

    def state(self, vm):
        return self.call("VM.get_power_state", vm)

    def record(self, kind, ref):
        return self.call(f"{kind}.get_record", ref)
