"""Machines that move between hosts, and hosts that are emptied, rebooted and lost."""

from harness import equal, expect_failure, pool, run_tests
from machines import MIB, NULL, Site

LIVE = {"live": "true"}


def task_records(batch):
    return [event["snapshot"] for event in batch["events"]
            if event["class"] == "task" and "snapshot" in event]


def watch(site, method, *params):
    """Starts an Async. call and gives every event until it has ended, in order."""
    token = site.rpc.events(["task", "vm", "host", "console", "message"])["token"]
    task = site.call("Async." + method, *params)
    events = []
    while True:
        batch = site.rpc.events(["task", "vm", "host", "console", "message"], token, 30.0)
        token = batch["token"]
        events += batch["events"]
        if any(record["status"] != "pending" for record in task_records(batch)
               if record["name_label"] == "Async." + method):
            return task, events


def test_pool_migrate():
    with pool("--pace", "40", "--event-delay", "0") as running:
        site = Site(running)
        vm = site.running()[0]
        before = site.record("VM", vm)
        task, events = watch(site, "VM.pool_migrate", vm, site.hosts[1], LIVE)
        mine = [event["snapshot"] for event in events if event["ref"] == task]
        equal([record["progress"] for record in mine if record["status"] == "pending"][0], 0.0)
        assert 0.625 in [record["progress"] for record in mine]
        equal((mine[-1]["status"], mine[-1]["progress"], mine[-1]["result"],
               mine[-1]["subtasks"], mine[-1]["other_config"]),
              ("success", 1.0, "<value></value>", [], {"debug_info:cancel_points_seen": "12"}))
        steps = [event["snapshot"] for event in events if event["ref"] == vm]
        equal((steps[0]["current_operations"], steps[0]["scheduled_to_be_resident_on"],
               steps[0]["resident_on"], steps[0]["allowed_operations"]),
              ({task: "pool_migrate"}, site.hosts[1], site.hosts[0],
               ["hard_reboot", "hard_shutdown"]))
        # The host changes first, then the domain.
        moved = next(record for record in steps if record["resident_on"] == site.hosts[1])
        equal((moved["domid"], moved["consoles"], moved["scheduled_to_be_resident_on"]),
              (before["domid"], before["consoles"], NULL))
        after = site.record("VM", vm)
        assert not set(after["consoles"]) & set(before["consoles"])
        equal(after["allowed_operations"], before["allowed_operations"])
        equal(sorted(event["operation"] for event in events if event["class"] == "console"),
              ["add", "add", "del", "del"])
        for console in after["consoles"]:
            assert running.addresses[1] in site.record("console", console)["location"]
        host = next(event["snapshot"] for event in events if event["ref"] == site.hosts[1])
        equal(host["current_operations"], {task: "vm_migrate"})
        assert "evacuate" not in host["allowed_operations"]
        subtask = next(record for event in events if event["operation"] == "add"
                       for record in [event["snapshot"]]
                       if record.get("name_label") == "VM.pool_migrate_complete")
        equal((subtask["subtask_of"], subtask["resident_on"]), (task, site.hosts[1]))
        names = [site.record("host", host)["name_label"] for host in site.hosts[:2]]
        uuids = [site.record("host", host)["uuid"] for host in site.hosts[:2]]
        message = next(event["snapshot"] for event in events if event["class"] == "message")
        equal((message["name"], message["body"]),
              ("VM_MIGRATED", f"VM 'vm' (uuid: {after['uuid']}) migrated from host '{names[0]}' "
               f"(uuid: {uuids[0]}) to host '{names[1]}' (uuid: {uuids[1]})"))


def test_refusals():
    with pool() as running:
        site = Site(running)
        move = lambda vm, host: site.call("VM.pool_migrate", vm, host, LIVE)
        shared, local = site.running()[0], site.running(sr=site.local[0])[0]
        equal(expect_failure("HANDLE_INVALID", move, shared, NULL), ["host", NULL])
        equal(expect_failure("VM_REQUIRES_SR", move, local, site.hosts[1]),
              [local, site.local[0]])
        move(shared, site.hosts[0])
        equal(site.record("VM", shared)["resident_on"], site.hosts[0])
        site.call("host.disable", site.hosts[1])
        equal(expect_failure("HOST_DISABLED", move, shared, site.hosts[1]), [site.hosts[1]])
        site.run("VM.hard_shutdown", shared)
        equal(expect_failure("VM_BAD_POWER_STATE", move, shared, site.hosts[2]),
              [shared, "running", "halted"])
        dumb = site.running(xenstore_data={"vm-data/sim-agent": "0"})[0]
        equal(expect_failure("VM_LACKS_FEATURE", move, dumb, site.hosts[2]), [dumb])
        big = site.running("big", memory_mib=40 * 1024)[0]
        site.running("other", host=2, memory_mib=40 * 1024)
        needed, free = expect_failure("HOST_NOT_ENOUGH_FREE_MEMORY", move, big, site.hosts[2])
        assert int(needed) > 40 * 1024 * MIB > int(free) > 0


def test_cancel():
    with pool("--pace", "10000") as running:
        site = Site(running)
        vm = site.machine()[0]
        task = site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
        running.control.do("clock", advance=60)
        equal(site.rpc.wait_task(task)["status"], "success")
        task = site.call("Async.VM.pool_migrate", vm, site.hosts[1], LIVE)
        site.call("task.cancel", task)
        running.control.do("clock", advance=60)
        record = site.rpc.wait_task(task)
        equal((record["status"], record["error_info"]), ("cancelled", []))
        record = site.record("VM", vm)
        equal((record["resident_on"], record["scheduled_to_be_resident_on"],
               record["current_operations"], record["power_state"]),
              (site.hosts[0], NULL, {}, "Running"))
        equal(site.record("host", site.hosts[1])["current_operations"], {})


def test_hard_shutdown_ends_a_migration():
    with pool("--pace", "10000") as running:
        site = Site(running)
        vm = site.machine()[0]
        start = site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
        running.control.do("clock", advance=60)
        site.rpc.wait_task(start)
        move = site.call("Async.VM.pool_migrate", vm, site.hosts[1], LIVE)
        stop = site.call("Async.VM.hard_shutdown", vm)
        for _ in range(3):
            running.control.do("clock", advance=60)
        equal(site.rpc.wait_task(move)["status"], "cancelled")
        running.control.do("clock", advance=60)
        equal(site.rpc.wait_task(stop)["status"], "success")
        equal(site.state(vm), "Halted")


class Steady:
    """A pool whose time passes by command alone: no poll misses what is there for a moment."""

    def __init__(self, running):
        self.site, self.control = Site(running), running.control

    def begin(self, method, *params):
        task = self.site.call("Async." + method, *params)
        self.seen = []
        token = ""
        while self.site.record("task", task)["status"] == "pending":
            self.control.do("clock", advance=0.01)
            batch = self.site.rpc.events(["task"], token, 0.0)
            token = batch["token"]
            self.seen += batch["events"]
        return task

    def run(self, method, *params):
        return self.site.rpc.wait_task(self.begin(method, *params))

    def running(self, name="vm", sr=None):
        vm = self.site.machine(name, sr=sr)[0]
        equal(self.run("VM.start_on", vm, self.site.hosts[0], False, False)["status"], "success")
        return vm


def test_evacuate():
    with pool("--pace", "5", "--event-delay", "0", "--stopped-clock") as running:
        steady = Steady(running)
        site = steady.site
        vms = [steady.running(f"vm{number}") for number in range(4)]
        prevent = lambda: site.call("host.get_vms_which_prevent_evacuation", site.hosts[0])
        equal(prevent(), {})
        local = steady.running(sr=site.local[0])
        reason = ["VM_REQUIRES_SR", local, site.local[0]]
        equal(prevent(), {local: reason})
        site.call("host.disable", site.hosts[0])
        equal(steady.run("host.evacuate", site.hosts[0])["error_info"], reason)
        expect_failure("CANNOT_EVACUATE_HOST", site.call, "host.assert_can_evacuate",
                       site.hosts[0])
        equal({site.record("VM", vm)["resident_on"] for vm in vms}, {site.hosts[0]})
        equal(steady.run("VM.hard_shutdown", local)["status"], "success")
        site.call("host.assert_can_evacuate", site.hosts[0])
        task = steady.begin("host.evacuate", site.hosts[0])
        equal(site.record("task", task)["status"], "success")
        parts = {event["ref"]: event["snapshot"] for event in steady.seen
                 if event["operation"] == "add" and event["snapshot"]["name_label"] == "VM.pool_migrate"}
        equal([part["subtask_of"] for part in parts.values()], [task] * 4)
        equal({site.record("VM", vm)["resident_on"] for vm in vms}, set(site.hosts[1:]))
        equal({site.state(vm) for vm in vms}, {"Running"})
        site.call("host.enable", site.hosts[0])
        site.call("host.disable", site.hosts[1])
        site.call("host.disable", site.hosts[2])
        equal(steady.run("VM.pool_migrate", vms[0], site.hosts[0], LIVE)["status"], "success")
        equal(site.call("host.get_vms_which_prevent_evacuation", site.hosts[0]),
              {vms[0]: ["NO_HOSTS_AVAILABLE"]})


def test_host_operations():
    with pool() as running:
        site = Site(running)
        host = site.hosts[1]
        usual = ["vm_migrate", "provision", "vm_resume", "enable", "evacuate", "vm_start"]
        equal(site.record("host", host)["allowed_operations"], usual)
        equal(expect_failure("HOST_NOT_DISABLED", site.call, "host.reboot", host), [])
        site.call("host.disable", host)
        equal(site.record("host", host)["allowed_operations"],
              usual + ["shutdown", "reboot", "apply_updates"])


def test_reboot():
    with pool("--pace", "10000") as running:
        site = Site(running)
        host = site.hosts[1]
        site.call("host.disable", host)
        before = site.record("host", host)["other_config"]
        equal(site.rpc.wait_task(site.call("Async.host.reboot", host))["status"], "success")
        record = site.record("host", host)
        task, = record["current_operations"]
        equal((record["current_operations"], record["allowed_operations"]),
              ({task: "shutdown"}, ["enable", "evacuate", "vm_start", "shutdown"]))
        equal(site.record("task", task)["name_label"], "Host is rebooting")
        running.control.do("clock", advance=15)
        equal(site.call("host_metrics.get_live", record["metrics"]), False)
        equal(expect_failure("HOST_NOT_LIVE", site.call, "VM.start_on", site.machine()[0], host,
                             False, False), [])
        running.control.do("clock", advance=15)
        record = site.record("host", host)
        equal((record["enabled"], record["current_operations"],
               site.call("host_metrics.get_live", record["metrics"])), (True, {}, True))
        assert record["other_config"]["boot_time"] > before["boot_time"]
        expect_failure("HANDLE_INVALID", site.record, "task", task)


def test_shutdown_and_destroy():
    with pool() as running:
        site = Site(running)
        host = site.hosts[2]
        record = site.record("host", host)
        equal(expect_failure("HOST_IS_LIVE", site.call, "host.destroy", host), [host])
        site.call("host.disable", host)
        site.call("host.shutdown", host)
        while site.call("host_metrics.get_live", record["metrics"]):
            pass
        site.call("host.destroy", host)
        for kind, ref in (("host", host), ("PBD", record["PBDs"][0]),
                          ("PIF", record["PIFs"][0]), ("VM", record["control_domain"])):
            equal(expect_failure("HANDLE_INVALID", site.record, kind, ref), [kind, ref])
        equal(site.call("host.get_all"), site.hosts[:2])


def test_lost_host():
    """A machine on a host that has crashed looks alive until somebody knows better."""
    with pool() as running:
        site = Site(running)
        vm, other = site.running(host=1)[0], site.running(host=1)[0]
        running.control.do("node-crash", node=2)
        equal(site.state(vm), "Running")
        equal(expect_failure("HOST_OFFLINE", site.call, "VM.hard_shutdown", vm), [site.hosts[1]])
        equal(expect_failure("HOST_NOT_LIVE", site.call, "VM.pool_migrate",
                             site.running()[0], site.hosts[1], LIVE), [])
        site.call("VM.power_state_reset", vm)
        equal(site.state(vm), "Halted")
        site.call("VM.start_on", vm, site.hosts[0], False, False)
        running.control.do("node-boot", node=2)
        record = site.record("VM", other)
        equal((record["power_state"], record["resident_on"], record["domid"],
               record["consoles"]), ("Halted", NULL, -1, []))
        equal(site.record("VBD", record["VBDs"][0])["currently_attached"], False)
        equal(site.state(vm), "Running")
        site.call("VM.start_on", other, site.hosts[1], False, False)
        running.control.do("node-crash", node=2)
        site.call("host.declare_dead", site.hosts[1])
        equal((site.state(other), site.record("host", site.hosts[1])["enabled"]),
              ("Halted", False))


run_tests("/simulator/migrate", [
    test_pool_migrate, test_refusals, test_cancel, test_hard_shutdown_ends_a_migration,
    test_evacuate, test_host_operations, test_reboot, test_shutdown_and_destroy, test_lost_host,
])
