"""What a toolstack that ends in the middle of a call leaves, and what the next one makes of it: the rule of a
fault holds the call at an exact point, so nothing here takes time."""

from harness import Rpc, equal, expect_failure, pool, run_tests
from machines import NULL, Site, vdi_record


def hold(running, method, step, **members):
    """From now on @method stands before that step."""
    running.control.do("fault", add={"id": "h", "method": method, "action": "hold", "when": "middle",
                                     "step": step, **members})


def strike(running, *commands):
    """Once the call stands; then the pool as a new client finds it."""
    running.control.do("wait", id="h")
    for command, members in commands or (("restart", {}),):
        running.control.do(command, **members)
    running.control.do("fault", clear=True)


def devices(site, objects):
    return (site.record("VBD", objects[1])["currently_attached"],
            site.record("VIF", objects[3])["currently_attached"])


def test_hold_in_the_middle():
    with pool() as running:
        site = Site(running)
        objects = site.machine()
        vm = objects[0]
        hold(running, "VM.start_on", 1)
        task = site.call("Async.VM.start_on", vm, site.hosts[0], False, False)
        running.control.do("wait", id="h")
        equal((site.state(vm), devices(site, objects), site.record("task", task)["status"]),
              ("Halted", (True, True), "pending"))
        equal(list(site.record("VM", vm)["current_operations"].values()), ["start_on"])
        running.control.do("release", id="h")
        equal(site.rpc.wait_task(task)["status"], "success")
        equal(site.state(vm), "Running")


def test_hold_at_the_end():
    """With fewer steps than that all has been done, and nobody has been told."""
    with pool() as running:
        site, other = Site(running), running.rpc()
        ref = site.call("pool.get_all")[0]
        hold(running, "pool.set_name_label", 7)
        site.rpc.start("pool.set_name_label", ref, "x")
        running.control.do("wait", id="h")
        equal(other.call("pool.get_name_label", ref), "x")
        running.control.do("release", id="h")
        equal(site.rpc.finish(), "")
        running.control.do("fault", clear=True)
        hold(running, "VM.pause", 7)
        vm = site.running()[0]
        task = site.call("Async.VM.pause", vm)
        running.control.do("wait", id="h")
        equal((site.state(vm), site.record("task", task)["status"]), ("Paused", "pending"))
        running.control.do("fault", clear=True)
        equal(site.rpc.wait_task(task)["status"], "success")


def test_bad_rules():
    with pool() as running:
        for rule in ({"action": "drop", "when": "middle"}, {"action": "hold", "step": -1}):
            equal(running.control.ask("fault", add=rule)["ok"], False)


def interrupted_start(running, step, *commands):
    site = Site(running)
    objects = site.machine()
    hold(running, "VM.start_on", step)
    site.call("Async.VM.start_on", objects[0], site.hosts[0], False, False)
    strike(running, *commands)
    return objects, site.hosts[0]


def test_start_not_yet_begun():
    with pool() as running:
        objects = interrupted_start(running, 0)[0]
        site = Site(running)
        record = site.record("VM", objects[0])
        equal((record["power_state"], record["scheduled_to_be_resident_on"], devices(site, objects),
               record["current_operations"], "start" in record["allowed_operations"]),
              ("Halted", NULL, (False, False), {}, True))
        equal(site.call("task.get_all"), [])
        site.run("VM.start", objects[0], False, False)


def test_start_goes_on_alone():
    """Who builds the domain does not need the toolstack."""
    with pool() as running:
        objects, host = interrupted_start(running, 1)
        site = Site(running)
        record = site.record("VM", objects[0])
        equal((record["power_state"], record["resident_on"], devices(site, objects),
               record["current_operations"]), ("Running", host, (True, True), {}))
        equal(len(record["consoles"]), 2)
        equal(site.record("VBD", objects[1])["current_operations"], {})


def test_start_on_a_node_that_dies():
    with pool() as running:
        objects = interrupted_start(running, 1, ("node-crash", {"node": 1}),
                                    ("coordinator", {"node": 2}))[0]
        client = Rpc(running, address=running.addresses[1])
        equal(client.call("VM.get_power_state", objects[0]), "Halted")
        equal(client.call("VBD.get_record", objects[1])["currently_attached"], False)
        live = [record["live"] for record in client.call("host_metrics.get_all_records").values()]
        equal(sorted(live), [False, True, True])


def test_power_goes_on_alone():
    for method, step, state, expected in (
            ("VM.clean_shutdown", 0, "Running", "Running"),
            ("VM.clean_shutdown", 2, "Running", "Halted"),
            ("VM.hard_shutdown", 1, "Running", "Halted"),
            ("VM.clean_reboot", 2, "Running", "Running"),
            ("VM.pause", 0, "Running", "Running"),
            ("VM.suspend", 0, "Running", "Running"),
            ("VM.suspend", 2, "Running", "Suspended")):
        with pool() as running:
            site = Site(running)
            objects = site.running()
            domain = site.record("VM", objects[0])["domid"]
            hold(running, method, step)
            site.call("Async." + method, objects[0])
            strike(running)
            site = Site(running)
            record = site.record("VM", objects[0])
            equal((method, step, record["power_state"], record["current_operations"]),
                  (method, step, expected, {}))
            equal(devices(site, objects), (expected != "Halted",) * 2)
            equal(record["domid"] > domain, method == "VM.clean_reboot")
            equal(record["suspend_VDI"] != NULL, expected == "Suspended")


def test_resume_leaves_its_image():
    """The toolstack would have removed it."""
    with pool() as running:
        site = Site(running)
        vm = site.running()[0]
        site.run("VM.suspend", vm)
        hold(running, "VM.resume_on", 1)
        site.call("Async.VM.resume_on", vm, site.hosts[0], False, False)
        strike(running)
        site = Site(running)
        record = site.record("VM", vm)
        equal(record["power_state"], "Running")
        equal(site.record("VDI", record["suspend_VDI"])["type"], "suspend")


def test_migration_goes_on_alone():
    for step, where in ((0, 0), (1, 1), (2, 1)):
        with pool() as running:
            site = Site(running)
            vm = site.running()[0]
            hold(running, "VM.pool_migrate", step)
            site.call("Async.VM.pool_migrate", vm, site.hosts[1], {"live": "true"})
            strike(running)
            record = Site(running).record("VM", vm)
            equal((record["power_state"], record["resident_on"], record["scheduled_to_be_resident_on"]),
                  ("Running", site.hosts[where], NULL))


def test_plug_goes_on_alone():
    with pool() as running:
        site = Site(running)
        vm = site.running()[0]
        vbd = site.call("VBD.create", {**site.record("VBD", site.record("VM", vm)["VBDs"][0]),
                                       "VDI": site.disk(), "userdevice": "5"})
        for method, expected in (("VBD.plug", True), ("VBD.unplug", False)):
            hold(running, method, 0)
            site.call("Async." + method, vbd)
            strike(running)
            site = Site(running)
            record = site.record("VBD", vbd)
            equal((record["currently_attached"], record["current_operations"]), (expected, {}))


def test_disk_without_a_record():
    """The storage has made it, and a scan finds it."""
    with pool() as running:
        site = Site(running)
        hold(running, "VDI.create", 0)
        record = vdi_record(site.shared, other_config={"mine": "1"})
        site.rpc.start("VDI.create", record)
        before = running.control.call("VDI.get_all")
        strike(running)
        site = Site(running)
        equal(site.call("VDI.get_all"), before)
        site.call("SR.scan", site.shared)
        found = [record for ref, record in site.call("VDI.get_all_records").items()
                 if ref not in before]
        equal([(record["name_label"], record["other_config"]) for record in found], [("", {})])


def test_disk_of_a_member():
    """Its toolstack goes on, and writes the record."""
    with pool() as running:
        site = Site(running)
        hold(running, "VDI.create", 0)
        site.rpc.start("VDI.create", vdi_record(site.local[1], other_config={"mine": "1"}))
        strike(running)
        equal([record["SR"] for record in Site(running).call("VDI.get_all_records").values()
               if record["other_config"].get("mine") == "1"], [site.local[1]])


def test_half_a_snapshot():
    with pool() as running:
        site = Site(running)
        vdi = site.disk(other_config={"mine": "1"})
        before = site.call("VDI.get_all")
        hold(running, "VDI.snapshot", 1)
        site.call("Async.VDI.snapshot", vdi)
        strike(running)
        site = Site(running)
        made = [record for ref, record in site.call("VDI.get_all_records").items()
                if ref not in before]
        equal([(record["name_label"], record["other_config"], record["snapshot_of"])
               for record in made], [("", {}, NULL)])
        equal(site.record("VDI", vdi)["current_operations"], {})


def introduce(site):
    sr = site.call("SR.introduce", "", "volume", "", "iscsi", "", True, {})
    config = {"target": "192.0.2.10", "targetIQN": "iqn.2026-01.example:v", "LUNid": "0"}
    pbds = [site.call("PBD.create", {"host": host, "SR": sr, "other_config": {},
                                     "device_config": config}) for host in site.hosts[:2]]
    return sr, pbds


def test_storage_is_plugged_again():
    """The coordinator's, whoever has unplugged it; a member does what it was told."""
    with pool() as running:
        running.control.do("iscsi-target", target="192.0.2.10", iqn="iqn.2026-01.example:v",
                           luns=[{"lun": 0, "size": 1 << 30}])
        site = Site(running)
        sr, pbds = introduce(site)
        for method, expected in (("PBD.plug", [True, True]), ("PBD.unplug", [True, False])):
            for index in (1, 0):
                hold(running, method, 0)
                site.call("Async." + method, pbds[index])
                strike(running)
                site = Site(running)
            equal([site.record("PBD", pbd)["currently_attached"] for pbd in pbds], expected)
        equal(len(site.record("SR", sr)["PBDs"]), 2)


def test_coordinator_killed():
    """Its toolstack alone: guests go on, members go on naming it, until one of them takes over."""
    with pool() as running:
        running.control.do("iscsi-target", target="192.0.2.10", iqn="iqn.2026-01.example:v",
                           luns=[{"lun": 0, "size": 1 << 30}])
        site = Site(running)
        vm = site.running()[0]
        sr = introduce(site)[0]
        site.call("task.create", "t", "")
        running.control.do("node-kill", node=1)
        try:
            running.connect(running.addresses[0])
        except ConnectionRefusedError:
            pass
        else:
            raise AssertionError("the node answered")
        member = running.rpc(address=running.addresses[1], login=False)
        login = ("session.login_with_password", "root", running.password())
        equal(expect_failure("HOST_IS_SLAVE", member.raw, *login), [running.addresses[0]])
        running.control.do("coordinator", node=3)
        equal(expect_failure("HOST_IS_SLAVE", running.rpc(address=running.addresses[1], login=False).raw,
                             *login), [running.addresses[2]])
        client = Rpc(running, address=running.addresses[2])
        equal((client.call("VM.get_power_state", vm), client.call("task.get_all")), ("Running", []))
        equal(expect_failure("CANNOT_CONTACT_HOST", client.call, "VM.pause", vm), [site.hosts[0]])
        running.control.do("node-revive", node=1)
        client.call("VM.pause", vm)
        equal(expect_failure("HOST_IS_SLAVE", running.rpc(login=False).raw, *login),
              [running.addresses[2]])
        # Storage that is shared and the coordinator's is plugged on every node that starts.
        equal(len(client.call("SR.get_PBDs", sr)), 2)
        running.control.do("node-kill", node=2)
        running.control.do("coordinator", node=1)
        running.control.do("node-kill", node=3)
        running.control.do("node-revive", node=3)
        equal(len(running.rpc().call("SR.get_PBDs", sr)), 3)


run_tests("/simulator/restart", [
    test_hold_in_the_middle, test_hold_at_the_end, test_bad_rules, test_start_not_yet_begun,
    test_start_goes_on_alone, test_start_on_a_node_that_dies, test_power_goes_on_alone,
    test_resume_leaves_its_image, test_migration_goes_on_alone, test_plug_goes_on_alone,
    test_disk_without_a_record, test_disk_of_a_member, test_half_a_snapshot,
    test_storage_is_plugged_again, test_coordinator_killed,
])
