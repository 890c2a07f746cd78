"""Machines: what each operation does to records, and what it refuses, as in the captures."""

from harness import equal, expect_failure, pool, run_tests
from machines import MIB, NULL, Site, vbd_record, vm_record

HALTED = ["create_vtpm", "destroy", "metadata_export", "export", "make_into_template",
          "changing_NVRAM", "changing_shadow_memory", "changing_static_range",
          "changing_dynamic_range", "migrate_send", "start_on", "start", "copy", "clone",
          "snapshot"]
RUNNING = ["metadata_export", "changing_VCPUs_live", "changing_dynamic_range", "migrate_send",
           "pool_migrate", "suspend", "hard_reboot", "hard_shutdown", "clean_reboot",
           "clean_shutdown", "pause", "checkpoint", "snapshot"]


def test_create():
    with pool() as running:
        site = Site(running)
        vm = site.call("VM.create", vm_record(uuid="wish", blocked_operations={"start": "no"},
                                              no_such_member="x"))
        record = site.record("VM", vm)
        equal(record["allowed_operations"], HALTED)
        equal((record["power_state"], record["domid"], record["domain_type"],
               record["memory_overhead"], record["blocked_operations"], record["metrics"] != NULL),
              ("Halted", -1, "hvm", 6 * MIB, {}, True))
        assert record["uuid"] != "wish"
        equal(sorted(record["other_config"]), ["mac_seed", "nova_uuid"])
        wrong = vm_record()
        del wrong["platform"]
        equal(expect_failure("INTERNAL_ERROR", site.call, "VM.create", wrong),
              ['Server_helpers.Dispatcher_FieldNotFound("platform")'])


def test_overhead():
    with pool() as running:
        site = Site(running)
        for memory, vcpus, expected in ((256, 1, 5), (256, 2, 6), (512, 2, 8)):
            vm = site.call("VM.create", vm_record(memory_mib=memory, VCPUs_max=vcpus))
            equal(site.record("VM", vm)["memory_overhead"], expected * MIB)


def test_start():
    with pool() as running:
        site = Site(running)
        vm, vbd, _, vif = site.running()
        record = site.record("VM", vm)
        equal(record["allowed_operations"], RUNNING)
        equal((record["power_state"], record["resident_on"], record["domid"],
               record["scheduled_to_be_resident_on"], record["current_operations"]),
              ("Running", site.hosts[0], 1, NULL, {}))
        equal(record["platform"]["device-model"], "qemu-upstream-compat")
        equal(record["bios_strings"]["system-product-name"], "HVM domU")
        equal(record["last_boot_CPU_flags"], {"vendor": "GenuineIntel", "features": ""})
        equal(record["memory_target"], 256 * MIB)
        assert record["generation_id"] != "0:0"
        equal(len(record["consoles"]), 2)
        disk, interface = site.record("VBD", vbd), site.record("VIF", vif)
        equal((disk["currently_attached"], disk["device"], disk["allowed_operations"]),
              (True, "xvda", ["attach", "unpause", "unplug", "unplug_force", "pause"]))
        equal((interface["currently_attached"], interface["allowed_operations"]),
              (True, ["attach", "unplug"]))
        guest = site.record("VM_guest_metrics", record["guest_metrics"])
        equal((guest["PV_drivers_detected"], guest["networks"]["0/ip"][:8]), (True, "192.0.2."))
        metrics = site.record("VM_metrics", record["metrics"])
        equal((metrics["VCPUs_number"], metrics["current_domain_type"]), (2, "hvm"))
        assert vm in site.record("host", site.hosts[0])["resident_VMs"]


def test_start_in_events():
    """currently_attached turns true with the operation; the task ends last."""
    with pool("--pace", "1000000") as running:
        site = Site(running)
        vm, vbd, _, _ = site.machine()
        task = site.call("Async.VM.start_on", vm, site.hosts[0], True, False)
        record = site.record("VBD", vbd)
        equal((record["currently_attached"], record["current_operations"]),
              (True, {task: "attach"}))
        equal(site.record("VM", vm)["current_operations"], {task: "start_on"})
        equal(site.record("VM", vm)["allowed_operations"], [])
        equal(site.record("VM", vm)["scheduled_to_be_resident_on"], site.hosts[0])
        equal(site.record("host", site.hosts[0])["current_operations"], {task: "vm_start"})
        equal(site.record("task", task)["allowed_operations"], ["cancel"])
        running.control.do("clock", advance=1001)
        record = site.rpc.wait_task(task)
        equal((record["status"], record["result"], record["allowed_operations"],
               record["progress"]), ("success", "<value></value>", [], 1.0))
        equal(site.state(vm), "Paused")


def test_where_it_starts():
    with pool() as running:
        site = Site(running)
        vm, _, _, _ = site.machine(sr=site.local[1])
        site.call("VM.start", vm, False, False)
        equal(site.record("VM", vm)["resident_on"], site.hosts[1])
        other, _, _, _ = site.machine(affinity=site.hosts[2])
        site.call("VM.start", other, False, False)
        equal(site.record("VM", other)["resident_on"], site.hosts[2])


def test_refused_starts():
    with pool() as running:
        site = Site(running)
        start = lambda vm, host: site.call("VM.start_on", vm, host, False, False)
        vm, _, _, _ = site.machine(sr=site.local[0])
        equal(expect_failure("VM_REQUIRES_SR", start, vm, site.hosts[1]), [vm, site.local[0]])
        site.call("host.disable", site.hosts[0])
        equal(expect_failure("HOST_DISABLED", start, vm, site.hosts[0]), [site.hosts[0]])
        equal(expect_failure("NO_HOSTS_AVAILABLE", site.call, "VM.start", vm, False, False), [])
        site.call("host.enable", site.hosts[0])
        big, _, _, _ = site.machine(memory_mib=1 << 22)
        needed, left = expect_failure("HOST_NOT_ENOUGH_FREE_MEMORY", start, big, site.hosts[0])
        assert int(needed) > int(left) > 0
        expect_failure("NO_HOSTS_AVAILABLE", site.call, "VM.start", big, False, False)
        many, _, _, _ = site.machine(VCPUs_max=17, VCPUs_at_startup=17)
        equal(expect_failure("HOST_NOT_ENOUGH_PCPUS", start, many, site.hosts[0]), ["17", "16"])
        expect_failure("NO_HOSTS_AVAILABLE", site.call, "VM.start", many, False, False)
        both, _, _, _ = site.machine(memory_mib=1 << 22, VCPUs_max=17, VCPUs_at_startup=17)
        expect_failure("HOST_NOT_ENOUGH_FREE_MEMORY", start, both, site.hosts[0])
        site.call("VM.set_blocked_operations", vm, {"start_on": "because"})
        equal(expect_failure("OPERATION_BLOCKED", start, vm, site.hosts[0]), [vm, "because"])
        # Nobody has computed that anew (captures, scenario rescue_unrescue).
        assert "start_on" in site.record("VM", vm)["allowed_operations"]
        site.call("VM.start", vm, False, False)
        equal(expect_failure("VM_BAD_POWER_STATE", site.call, "VM.start", vm, False, False),
              [vm, "halted", "running"])
        equal(site.call("VM.get_possible_hosts", vm), [site.hosts[0]])
        site.run("VM.hard_shutdown", vm)
        assert "start_on" not in site.record("VM", vm)["allowed_operations"]


def test_failing_domain():
    with pool() as running:
        site = Site(running)
        data = {"vm-data/sim-fail-start": "domain builder said no"}
        vm, vbd, _, _ = site.machine(xenstore_data=data)
        equal(expect_failure("INTERNAL_ERROR", site.call, "VM.start", vm, False, False),
              ["xenopsd internal error: domain builder said no"])
        equal((site.state(vm), site.record("VBD", vbd)["currently_attached"],
               site.record("VM", vm)["scheduled_to_be_resident_on"]), ("Halted", False, NULL))
        site.call("VM.destroy", vm)


def test_memory_is_counted():
    with pool() as running:
        site = Site(running)
        before = site.call("host.compute_free_memory", site.hosts[0])
        site.running()
        after = site.call("host.compute_free_memory", site.hosts[0])
        equal(before - after, (256 + 6) * MIB)
        metrics = site.record("host", site.hosts[0])["metrics"]
        equal(site.record("host_metrics", metrics)["memory_free"], after)


def test_pause():
    with pool() as running:
        site = Site(running)
        vm, _, _, vif = site.running()
        site.call("VM.pause", vm)
        record = site.record("VM", vm)
        equal((record["power_state"], record["allowed_operations"]),
              ("Paused", ["metadata_export", "hard_reboot", "hard_shutdown", "unpause",
                          "checkpoint", "snapshot"]))
        equal(site.record("VIF", vif)["allowed_operations"], ["attach"])
        equal(expect_failure("VM_BAD_POWER_STATE", site.call, "VM.clean_shutdown", vm),
              [vm, "running", "paused"])
        site.call("VM.unpause", vm)
        equal(expect_failure("VM_BAD_POWER_STATE", site.call, "VM.unpause", vm),
              [vm, "paused", "running"])


def test_shutdown():
    with pool() as running:
        site = Site(running)
        for method in ("VM.clean_shutdown", "VM.hard_shutdown", "VM.shutdown"):
            vm, vbd, vdi, vif = site.running()
            site.run(method, vm)
            record = site.record("VM", vm)
            equal((record["power_state"], record["resident_on"], record["domid"],
                   record["consoles"], record["memory_target"]), ("Halted", NULL, -1, [], 0))
            equal(record["allowed_operations"], HALTED)
            equal((site.record("VBD", vbd)["currently_attached"],
                   site.record("VBD", vbd)["device"]), (False, "xvda"))
            equal(site.record("VIF", vif)["currently_attached"], False)
            assert "destroy" in site.record("VDI", vdi)["allowed_operations"]
        equal(expect_failure("VM_BAD_POWER_STATE", site.call, "VM.hard_shutdown", vm),
              [vm, "paused, suspended, running", "halted"])


def test_reboot():
    """Consoles stay; a hard reboot makes new guest metrics, a clean one keeps them."""
    with pool() as running:
        site = Site(running)
        vm, _, _, _ = site.running()
        first = site.record("VM", vm)
        site.run("VM.clean_reboot", vm)
        clean = site.record("VM", vm)
        equal((clean["consoles"], clean["guest_metrics"]),
              (first["consoles"], first["guest_metrics"]))
        assert clean["domid"] > first["domid"]
        site.run("VM.hard_reboot", vm)
        hard = site.record("VM", vm)
        equal(hard["consoles"], first["consoles"])
        assert hard["guest_metrics"] != first["guest_metrics"] and hard["domid"] > clean["domid"]


def test_without_agent():
    with pool() as running:
        site = Site(running)
        vm, vbd, _, vif = site.running(xenstore_data={"vm-data/sim-agent": "0"})
        equal(site.record("VM", vm)["guest_metrics"], NULL)
        for method in ("clean_shutdown", "clean_reboot", "suspend"):
            equal(expect_failure("VM_LACKS_FEATURE", site.call, "VM." + method, vm), [vm])
            assert method not in site.record("VM", vm)["allowed_operations"]
        equal(expect_failure("VM_MISSING_PV_DRIVERS", site.call, "VBD.unplug", vbd), [vm])
        equal(expect_failure("VM_MISSING_PV_DRIVERS", site.call, "VIF.unplug", vif), [vm])
        site.call("VM.hard_shutdown", vm)


def test_suspend_and_resume():
    with pool() as running:
        site = Site(running)
        vm, vbd, _, _ = site.running()
        consoles = site.record("VM", vm)["consoles"]
        site.run("VM.suspend", vm)
        record = site.record("VM", vm)
        image = record["suspend_VDI"]
        equal((record["power_state"], record["resident_on"], record["domid"], record["consoles"]),
              ("Suspended", NULL, -1, consoles))
        equal(record["allowed_operations"],
              ["destroy", "metadata_export", "export", "migrate_send", "resume_on", "resume",
               "hard_shutdown", "checkpoint", "snapshot"])
        equal((site.record("VDI", image)["type"], site.record("VDI", image)["SR"]),
              ("suspend", site.shared))
        equal(site.record("VBD", vbd)["currently_attached"], True)
        site.run("VM.resume_on", vm, site.hosts[1], False, False)
        record = site.record("VM", vm)
        equal((record["power_state"], record["resident_on"], record["suspend_VDI"]),
              ("Running", site.hosts[1], NULL))
        expect_failure("HANDLE_INVALID", site.call, "VDI.get_record", image)
        location = site.record("console", record["consoles"][0])["location"]
        assert running.addresses[1] in location
        expect_failure("VM_BAD_POWER_STATE", site.call, "VM.resume", vm, False, False)


def test_suspend_image_elsewhere():
    with pool() as running:
        site = Site(running)
        vm, _, _, _ = site.running()
        site.call("VM.set_suspend_SR", vm, site.local[0])
        site.run("VM.suspend", vm)
        equal(expect_failure("VM_REQUIRES_SR", site.run, "VM.resume_on", vm, site.hosts[1], False,
                             False), [vm, site.local[0]])
        image = site.record("VM", vm)["suspend_VDI"]
        site.call("VM.hard_shutdown", vm)
        expect_failure("HANDLE_INVALID", site.call, "VDI.get_record", image)


def test_destroy():
    """Devices and metrics go, disks never do, nor a memory image."""
    with pool() as running:
        site = Site(running)
        vm, vbd, vdi, vif = site.running()
        equal(expect_failure("VM_BAD_POWER_STATE", site.call, "VM.destroy", vm),
              [vm, "halted, suspended", "running"])
        metrics = site.record("VM", vm)["metrics"]
        site.run("VM.suspend", vm)
        image = site.record("VM", vm)["suspend_VDI"]
        site.call("VM.destroy", vm)
        for kind, ref in (("VM", vm), ("VBD", vbd), ("VIF", vif), ("VM_metrics", metrics)):
            equal(expect_failure("HANDLE_INVALID", site.call, f"{kind}.get_record", ref),
                  [kind, ref])
        equal(site.record("VDI", vdi)["VBDs"], [])
        site.call("VDI.destroy", image)
        site.call("VDI.destroy", vdi)


def test_hard_shutdown_cancels():
    """The clean shutdown that hangs ends as cancelled, the hard one succeeds."""
    with pool("--pace", "1000000") as running:
        site = Site(running)
        vm, _, _, _ = site.machine()
        start = site.call("Async.VM.start", vm, False, False)
        running.control.do("clock", advance=1001)
        site.rpc.wait_task(start)
        soft = site.call("Async.VM.clean_shutdown", vm)
        hard = site.call("Async.VM.hard_shutdown", vm)
        running.control.do("clock", advance=1001)
        equal(site.rpc.wait_task(soft)["status"], "cancelled")
        running.control.do("clock", advance=1001)
        running.control.do("clock", advance=1001)
        equal(site.rpc.wait_task(hard)["status"], "success")
        equal(site.state(vm), "Halted")


def test_cancel():
    with pool("--pace", "1000000") as running:
        site = Site(running)
        vm, vbd, _, _ = site.machine()
        task = site.call("Async.VM.start", vm, False, False)
        site.call("task.cancel", task)
        running.control.do("clock", advance=1001)
        record = site.rpc.wait_task(task)
        equal((record["status"], record["error_info"], record["result"], record["progress"],
               record["allowed_operations"]), ("cancelled", [], "", 1.0, []))
        equal(list(record["current_operations"].values()), ["cancel"])
        equal((site.state(vm), site.record("VBD", vbd)["currently_attached"]), ("Halted", False))
        site.call("task.cancel", task)


def test_waiting_for_a_lock():
    """A destroy during a clean shutdown waits for it; a second start waits, then is refused."""
    with pool("--pace", "1000000") as running:
        site = Site(running)
        vm, _, _, _ = site.machine()
        first = site.call("Async.VM.start", vm, False, False)
        second = site.call("Async.VM.start", vm, False, False)
        running.control.do("clock", advance=1001)
        equal(site.rpc.wait_task(first)["status"], "success")
        equal(site.rpc.wait_task(second)["error_info"],
              ["VM_BAD_POWER_STATE", vm, "halted", "running"])
        shutdown = site.call("Async.VM.clean_shutdown", vm)
        destroy = site.call("Async.VM.destroy", vm)
        running.control.do("clock", advance=1001)
        running.control.do("clock", advance=1001)
        equal(site.rpc.wait_task(shutdown)["status"], "success")
        equal(site.rpc.wait_task(destroy)["status"], "success")


def test_settings():
    with pool() as running:
        site = Site(running)
        vm, _, _, _ = site.machine()
        equal(expect_failure("INVALID_VALUE", site.call, "VM.set_VCPUs_at_startup", vm, 4),
              ["VCPUs_at_startup", "4"])
        site.call("VM.set_VCPUs_max", vm, 4)
        site.call("VM.set_VCPUs_at_startup", vm, 4)
        site.call("VM.set_memory", vm, 512 * MIB)
        record = site.record("VM", vm)
        equal((record["memory_static_max"], record["memory_dynamic_min"],
               record["memory_overhead"]), (512 * MIB, 512 * MIB, 10 * MIB))
        expect_failure("MEMORY_CONSTRAINT_VIOLATION_ORDER", site.call, "VM.set_memory_limits", vm,
                       512 * MIB, 256 * MIB, 256 * MIB, 256 * MIB)
        site.call("VM.start", vm, False, False)
        expect_failure("VM_BAD_POWER_STATE", site.call, "VM.set_VCPUs_max", vm, 8)
        expect_failure("VM_BAD_POWER_STATE", site.call, "VM.set_memory", vm, 256 * MIB)
        site.call("VM.set_VCPUs_number_live", vm, 2)
        equal(expect_failure("VM_BAD_POWER_STATE", site.call, "VM.set_is_a_template", vm, True),
              [vm, "halted", "running"])


def test_snapshot():
    with pool() as running:
        site = Site(running)
        vm, _, vdi, vif = site.running()
        snapshot = site.run("VM.snapshot", vm, "s1")
        record, original = site.record("VM", snapshot), site.record("VM", vm)
        equal(record["allowed_operations"],
              ["destroy", "metadata_export", "export", "revert", "copy", "clone"])
        equal((record["is_a_snapshot"], record["is_a_template"], record["snapshot_of"],
               record["power_state"], record["consoles"], record["domid"]),
              (True, True, vm, "Halted", [], -1))
        equal(record["snapshot_info"],
              {"power-state-at-snapshot": "Running", "disk-snapshot-type": "crash_consistent"})
        equal((original["snapshots"], original["parent"], record["children"]),
              ([snapshot], snapshot, [vm]))
        equal(record["other_config"], original["other_config"])
        assert "('power_state' 'Running')" in record["snapshot_metadata"]
        disk = site.record("VDI", site.record("VBD", record["VBDs"][0])["VDI"])
        equal((disk["is_a_snapshot"], disk["snapshot_of"], disk["read_only"]), (True, vdi, True))
        equal(site.record("VIF", record["VIFs"][0])["MAC"], site.record("VIF", vif)["MAC"])
        equal(expect_failure("VM_IS_SNAPSHOT", site.call, "VM.start", snapshot, False, False)[0],
              snapshot)


def test_clone():
    with pool() as running:
        site = Site(running)
        vm, _, vdi, vif = site.machine()
        site.call("VDI.set_other_config", vdi, {"image-id": "4711"})
        clone = site.call("VM.clone", vm, "c")
        record = site.record("VM", clone)
        equal((record["name_label"], record["power_state"], record["is_a_template"]),
              ("c", "Halted", False))
        seed = site.record("VM", vm)["other_config"]["mac_seed"]
        assert record["other_config"]["mac_seed"] != seed
        assert site.record("VIF", record["VIFs"][0])["MAC"] != site.record("VIF", vif)["MAC"]
        disk = site.record("VBD", record["VBDs"][0])["VDI"]
        assert disk != vdi
        equal(site.record("VDI", disk)["other_config"]["image-id"], "4711")
        site.call("VM.start", vm, False, False)
        equal(expect_failure("VM_BAD_POWER_STATE", site.call, "VM.clone", vm, "c"),
              [vm, "halted", "running"])


def test_checkpoint_and_revert():
    with pool() as running:
        site = Site(running)
        vm, vbd, vdi, vif = site.running()
        before = site.record("VM", vm)
        checkpoint = site.run("VM.checkpoint", vm, "cp")
        after = site.record("VM", vm)
        equal((after["power_state"], after["resident_on"]), ("Running", before["resident_on"]))
        assert after["domid"] > before["domid"]
        saved = site.record("VM", checkpoint)
        equal((saved["power_state"], saved["suspend_VDI"] != NULL), ("Suspended", True))
        site.run("VM.revert", checkpoint)
        record = site.record("VM", vm)
        equal((record["power_state"], record["uuid"], record["name_label"]),
              ("Suspended", before["uuid"], before["name_label"]))
        for kind, ref in (("VBD", vbd), ("VDI", vdi), ("VIF", vif)):
            expect_failure("HANDLE_INVALID", site.call, f"{kind}.get_record", ref)
        equal(len(record["VBDs"]), 1)
        site.run("VM.resume", vm, False, False)
        equal(site.state(vm), "Running")


def test_revert_while_running():
    with pool() as running:
        site = Site(running)
        vm, _, _, vif = site.running()
        mac = site.record("VIF", vif)["MAC"]
        snapshot = site.run("VM.snapshot", vm, "s")
        site.run("VM.revert", snapshot)
        record = site.record("VM", vm)
        equal((record["power_state"], site.record("VIF", record["VIFs"][0])["MAC"]),
              ("Halted", mac))
        site.run("VM.destroy", snapshot)
        site.run("VM.start", vm, False, False)


def test_revert_makes_new_metrics():
    with pool() as running:
        site = Site(running)
        vm, _, _, _ = site.running()
        before = site.record("VM", vm)["metrics"]
        site.run("VM.revert", site.run("VM.snapshot", vm, "s"))
        after = site.record("VM", vm)["metrics"]
        assert before != after
        expect_failure("HANDLE_INVALID", site.record, "VM_metrics", before)
        equal(site.record("VM_metrics", after)["hvm"], False)


def test_borrowed_disk():
    """Two machines may own a disk, one may use it (verified-sequences 5)."""
    with pool() as running:
        site = Site(running)
        vm, _, vdi, _ = site.running()
        other, _, _, _ = site.machine("other")
        site.call("VBD.create", vbd_record(other, vdi, "1"))
        equal(expect_failure("VDI_IN_USE", site.call, "VM.start", other, False, False), [vdi])
        equal(site.state(other), "Halted")
        site.call("VM.hard_shutdown", vm)
        site.call("VM.start", other, False, False)


def test_messages():
    with pool() as running:
        site = Site(running)
        vm, _, _, _ = site.running("web")
        site.call("VM.hard_shutdown", vm)
        messages = list(site.call("message.get_all_records").values())
        equal([message["name"] for message in messages], ["VM_STARTED", "VM_SHUTDOWN"])
        uuid = site.record("VM", vm)["uuid"]
        equal(messages[1]["body"], f"VM 'web' (uuid: {uuid}) shutdown forcibly")
        batch = site.rpc.events(["message"])
        equal([(event["id"], event["operation"], event["class"]) for event in batch["events"]],
              [("0", "add", "message")] * 2)
        equal(site.rpc.events(["message"], batch["token"])["events"], [])


run_tests("/simulator/vm", [
    test_create, test_overhead, test_start, test_start_in_events, test_where_it_starts,
    test_refused_starts, test_failing_domain, test_memory_is_counted, test_pause, test_shutdown,
    test_reboot, test_without_agent, test_suspend_and_resume, test_suspend_image_elsewhere,
    test_destroy, test_hard_shutdown_cancels, test_cancel, test_waiting_for_a_lock, test_settings,
    test_snapshot, test_clone, test_checkpoint_and_revert, test_revert_while_running,
    test_revert_makes_new_metrics,    test_borrowed_disk, test_messages,
])
