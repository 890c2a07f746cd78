"""Networks, VLANs and the interfaces of hosts."""

from harness import equal, expect_failure, pool, run_tests
from machines import NULL, Site, vif_record


def create(site, **members):
    return site.call("network.create", {"name_label": "net", "other_config": {}, **members})


def pifs(site, network):
    return site.record("network", network)["PIFs"]


def test_create():
    with pool() as running:
        site = Site(running)
        first = create(site, MTU=0, tags=["t"], other_config={"k": "v"})
        record = site.record("network", first)
        equal((record["bridge"], record["MTU"], record["tags"], record["other_config"],
               record["managed"], record["PIFs"], record["default_locking_mode"]),
              ("xapi0", 1500, ["t"], {"k": "v"}, True, [], "unlocked"))
        equal(site.record("network", create(site, MTU=9000))["bridge"], "xapi1")
        equal(site.record("network", create(site, bridge="mine"))["bridge"], "mine")
        equal(expect_failure("BRIDGE_NAME_EXISTS", create, site, bridge="mine"), ["mine"])
        equal(expect_failure("INVALID_VALUE", create, site, bridge="xapi9"), ["bridge", "xapi9"])
        site.call("network.destroy", first)
        equal(site.record("network", create(site))["bridge"], "xapi0")


def test_destroy():
    with pool() as running:
        site = Site(running)
        network = create(site)
        vm = site.running()[0]
        vif = site.call("VIF.create", vif_record(vm, network, "1"))
        site.call("VIF.plug", vif)
        equal(expect_failure("NETWORK_CONTAINS_VIF", site.call, "network.destroy", network),
              [vif])
        expect_failure("VIF_IN_USE", site.call, "network.set_default_locking_mode", network,
                       "disabled")
        site.call("VIF.unplug", vif)
        site.call("network.destroy", network)
        equal(expect_failure("HANDLE_INVALID", site.record, "VIF", vif), ["VIF", vif])
        equal(expect_failure("NETWORK_CONTAINS_VIF", site.call, "network.destroy", site.network),
              site.record("VM", vm)["VIFs"])
        site.run("VM.hard_shutdown", vm)
        expect_failure("NETWORK_CONTAINS_PIF", site.call, "network.destroy", site.network)
        internal = site.call("network.get_by_name_label", "Host internal management network")[0]
        expect_failure("CANNOT_DESTROY_SYSTEM_NETWORK", site.call, "network.destroy", internal)


def test_vlan():
    with pool() as running:
        site = Site(running)
        network = create(site)
        pif = pifs(site, site.network)[0]
        host = site.record("PIF", pif)["host"]
        vlan = site.call("VLAN.create", pif, 42, network)
        record = site.record("VLAN", vlan)
        equal((record["tagged_PIF"], record["tag"]), (pif, 42))
        untagged = record["untagged_PIF"]
        equal(pifs(site, network), [untagged])
        record = site.record("PIF", untagged)
        equal((record["VLAN"], record["device"], record["MAC"], record["host"],
               record["VLAN_master_of"], record["currently_attached"], record["physical"],
               record["management"], record["IP"], record["metrics"]),
              (42, "eth0", "fe:ff:ff:ff:ff:ff", host, vlan, True, False, False, "",
               site.record("PIF", pif)["metrics"]))
        equal(site.record("PIF", pif)["VLAN_slave_of"], [vlan])
        other = create(site)
        for arguments, error in (
                ((pif, 43, network), ["NETWORK_ALREADY_CONNECTED", host, untagged]),
                ((pif, 42, other), ["PIF_VLAN_EXISTS", "eth0"]),
                ((pif, 4095, other), ["VLAN_TAG_INVALID", "4095"]),
                ((untagged, 44, other), ["PIF_IS_VLAN", untagged]),
                ((NULL, 44, other), ["HANDLE_INVALID", "PIF", NULL])):
            equal(expect_failure(error[0], site.call, "VLAN.create", *arguments), error[1:])
        site.call("VLAN.destroy", vlan)
        equal((pifs(site, network), site.record("PIF", pif)["VLAN_slave_of"]), ([], []))


def test_vlan_of_the_pool():
    with pool() as running:
        site = Site(running)
        network, other = create(site), create(site)
        pif = pifs(site, site.network)[1]
        made = site.call("pool.create_VLAN_from_PIF", pif, network, 7)
        equal(sorted(made), sorted(pifs(site, network)))
        equal(sorted(site.record("PIF", pif)["host"] for pif in made), sorted(site.hosts))
        # The third host has that VLAN alone: the two that were made before it go again.
        for vlan in site.call("VLAN.get_all")[:2]:
            site.call("VLAN.destroy", vlan)
        equal(expect_failure("PIF_VLAN_EXISTS", site.call, "pool.create_VLAN_from_PIF", pif,
                             other, 7), ["eth0"])
        equal((pifs(site, other), len(site.call("VLAN.get_all"))), ([], 1))
        equal(len(site.call("pool.create_VLAN", "eth0", other, 8)), 3)


def test_vlan_in_use():
    with pool() as running:
        site = Site(running)
        network = create(site)
        made = site.call("pool.create_VLAN_from_PIF", pifs(site, site.network)[0], network, 7)
        vm = site.running()[0]
        vif = site.call("VIF.create", vif_record(vm, network, "1"))
        site.call("VIF.plug", vif)
        busy = {site.record("PIF", pif)["host"]: pif for pif in made}
        vlan = lambda host: site.record("PIF", busy[host])["VLAN_master_of"]
        equal(expect_failure("VIF_IN_USE", site.call, "VLAN.destroy", vlan(site.hosts[0])),
              [network, vif])
        site.call("VLAN.destroy", vlan(site.hosts[1]))
        # Where the network is missing the machine cannot start.
        site.run("VM.hard_shutdown", vm)
        equal(expect_failure("VM_REQUIRES_NETWORK", site.call, "VM.start_on", vm, site.hosts[1],
                             False, False), [vm, network])
        site.call("VM.start_on", vm, site.hosts[2], False, False)


def test_private():
    """Without an interface of a host it is where its first running machine is."""
    with pool() as running:
        site = Site(running)
        network = create(site)
        vms = [site.machine(f"vm{i}")[0] for i in range(3)]
        for vm in vms:
            site.call("VIF.create", vif_record(vm, network, "1"))
        start = lambda vm, host: site.call("VM.start_on", vm, site.hosts[host], False, False)
        start(vms[0], 1)
        equal(expect_failure("VM_REQUIRES_NETWORK", start, vms[1], 0), [vms[1], network])
        site.call("VM.set_affinity", vms[1], site.hosts[0])
        site.call("VM.start", vms[1], False, False)
        equal(site.record("VM", vms[1])["resident_on"], site.hosts[1])
        equal(expect_failure("VM_REQUIRES_NETWORK", site.call, "VM.assert_can_boot_here", vms[0],
                             site.hosts[0]), [vms[0], network])
        site.call("network.set_other_config", network, {"assume_network_is_shared": "true"})
        start(vms[2], 0)
        site.call("network.set_other_config", network, {})
        for vm in vms:
            site.run("VM.hard_shutdown", vm)
        start(vms[1], 2)


def test_pifs():
    with pool() as running:
        site = Site(running)
        management = pifs(site, site.network)[0]
        equal(expect_failure("PIF_IS_MANAGEMENT_INTERFACE", site.call, "PIF.unplug", management),
              [management])
        network = create(site)
        pif = site.call("pool.create_VLAN_from_PIF", management, network, 7)[0]
        site.call("PIF.set_disallow_unplug", pif, True)
        expect_failure("PIF_DOES_NOT_ALLOW_UNPLUG", site.call, "PIF.unplug", pif)
        site.call("PIF.set_disallow_unplug", pif, False)
        site.call("PIF.unplug", pif)
        equal(site.record("PIF", pif)["currently_attached"], False)
        site.call("PIF.plug", pif)
        equal(site.record("PIF", pif)["currently_attached"], True)


run_tests("/simulator/network", [
    test_create, test_destroy, test_vlan, test_vlan_of_the_pool, test_vlan_in_use, test_private,
    test_pifs,
])
