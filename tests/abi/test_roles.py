"""SEC-8: every operation works with the role that schemas/roles.json gives it, makes no other calls than
those listed there, and with the next smaller role is refused once, naming the call."""

import json
import pathlib
import sys
from collections import Counter

sys.dont_write_bytecode = True

from driver import INSTANCE, SLOTS, host, instance_document, pool  # noqa: E402
from harness import equal, run_tests  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]
TABLE = json.loads((TOP / "schemas" / "roles.json").read_text())
USED = json.loads((TOP / "schemas" / "xenapi.json").read_text())["messages"]
MODEL = json.loads((TOP / "host-shim" / "simulator" / "model.json").read_text())
DENIED, LEFTOVERS = 8, 16  # of HvdError

# The disk is detached by then; its storage is left, and dropping it is tried once more.
HALF_DONE = {"detach_volume"}

# what has to be done before a slot can be tried
BEFORE = {
    "spawn": [], "list_instances": [], "list_nodes": [], "get_volume_connector": [], "reconcile": [],
    "power_on": ["spawn", "power_off"], "unpause": ["spawn", "pause"], "resume": ["spawn", "suspend"],
    "restore": ["spawn", "soft_delete"], "cleanup": ["spawn", "destroy"],
    "detach_volume": ["spawn", "attach_volume"], "pre_live_migration": ["spawn", "attach_volume"],
    "rollback_live_migration_at_destination": ["spawn", "attach_volume", "pre_live_migration"],
    "live_migration": ["spawn", "check_can_live_migrate_destination", "pre_live_migration"],
    "post_live_migration_at_destination": ["spawn", "live_migration"],
}


def order(role):
    return TABLE["order"].index(role)


def official_roles():
    roles = {f"{one['name']}.{message['name']}": message.get("role", "read-only")
             for one in MODEL["classes"] for message in one.get("messages", ())}
    return {**roles, **TABLE["handlers"]}


def group_of(slot):
    return next(group for group in TABLE["groups"].values() if slot in group["slots"])


class Scene:
    """A pool, and the documents that its operations need."""

    def __init__(self, running):
        self.pool = running
        self.root = running.set_root_password("r" * 40)
        running.add_target("guest", "a secret word")
        self.volume = running.volume("guest", "a secret word")
        self.on_a_node = False  # where it spawns
        running.control.do("snapshot-state")

    def reset(self):
        self.pool.control.do("fault", clear=True)
        self.pool.control.do("restore-state")

    def call(self, guest, slot):
        """The end of a call, or None."""
        members = {"instance": INSTANCE}
        if slot == "spawn":
            nodes = json.loads(guest.do("list_nodes"))
            members["document"] = instance_document(**({"node": nodes[1]["uuid"]} if self.on_a_node else {}))
        elif slot in ("attach_volume", "detach_volume"):
            members["document_file"] = self.volume
        elif "migrat" in slot:
            nodes = json.loads(guest.do("list_nodes"))
            here = json.loads(guest.do("get_instance", instance=INSTANCE))["node"]["uuid"]
            there = [node["uuid"] for node in nodes if node["uuid"] != here][0]
            members["document"] = json.dumps({"destination": here if slot.startswith("post") else there})
        return guest.call(slot, **members)

    def prepare(self, slot):
        with host() as guest:
            guest.open(self.pool.settings(), self.root)
            for name in BEFORE.get(slot, ["spawn"]):
                end = self.call(guest, name)
                assert end is None or end["ok"], (slot, name, end)
            guest.close()

    def try_as(self, role, slot):
        """How it ended, and what was called, as somebody with that role."""
        self.reset()
        self.prepare(slot)
        with host() as guest:
            guest.open(self.pool.settings(f"pool.username={role}"), f"{self.pool.ready['password_file']}-{role}")
            self.pool.control.do("reset-stats")
            end = self.call(guest, slot)
            called = [one["method"].removeprefix("Async.") for one in self.pool.control.ask("stats")["calls"]
                      for _ in range(one.get("count", 1))]
            guest.close()
        return end, called


def test_table():
    """Every slot is in one group, every message in the data model, and the roles are the smallest."""
    roles = official_roles()
    equal(sorted(slot for group in TABLE["groups"].values() for slot in group["slots"]), sorted(SLOTS))
    for name, group in TABLE["groups"].items():
        needed = [roles[message] for message in group["messages"]]
        equal((name, group["role"]), (name, max(needed, key=order, default="read-only")))
    listed = {message for group in TABLE["groups"].values() for message in group["messages"]}
    for message in USED:
        if message != "session.login_with_password" and roles[message] != "read-only":
            assert message in listed, f"{message} is in no group of schemas/roles.json"
    equal(listed - set(USED) - set(TABLE["handlers"]), set())


def test_smallest_role():
    with pool() as running:
        scene = Scene(running)
        for slot in SLOTS[2:]:
            group = group_of(slot)
            end, called = scene.try_as(group["role"], slot)
            assert end is None or end["ok"], (slot, group["role"], end)
            strangers = {method for method in called if order(official_roles()[method]) > 0} - set(group["messages"])
            equal((slot, strangers), (slot, set()))


def test_smaller_role():
    """Refused with DENIED, naming the call, which was made once; the pool is as it was."""
    refused = set()
    with pool() as running:
        scene = Scene(running)
        for slot in SLOTS[2:]:
            group = group_of(slot)
            if group["role"] == "read-only":
                continue
            end, called = scene.try_as(TABLE["order"][order(group["role"]) - 1], slot)
            if end is None or end["ok"]:  # there was nothing to do that needs the role
                continue
            may_leave = slot in HALF_DONE
            assert end["code"] == DENIED or (end["code"] == LEFTOVERS and may_leave), (slot, end)
            assert "RBAC_PERMISSION_DENIED (" in end["message"], end
            method = end["message"].split("RBAC_PERMISSION_DENIED (")[1].split(")")[0].lower().removeprefix("async.")
            assert method in map(str.lower, group["messages"]), (slot, method)
            equal((slot, Counter(map(str.lower, called))[method]), (slot, 2 if slot in HALF_DONE else 1))
            refused.add(slot)
    for name, group in TABLE["groups"].items():
        assert group["role"] == "read-only" or refused & set(group["slots"]), f"nothing of {name} was refused"


def test_spawn_on_a_node():
    """Who chooses the node needs the group "placement"."""
    with pool() as running:
        scene = Scene(running)
        scene.on_a_node = True
        end, called = scene.try_as(TABLE["groups"]["placement"]["role"], "spawn")
        assert end["ok"] and "VM.start_on" in called, (end, called)
        end, _ = scene.try_as(TABLE["groups"]["instances"]["role"], "spawn")
        equal(end["code"], DENIED)


if __name__ == "__main__":
    run_tests("/abi/roles", [value for name, value in list(globals().items()) if name.startswith("test_")])
