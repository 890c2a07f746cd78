"""SEC-25: each operation cancelled at every turn of the main loop: it is undone, or was too late to stop,
nothing comes afterwards, and the same connection goes on. The sanitizers look on."""

import json
import sys

sys.dont_write_bytecode = True

from driver import INSTANCE, host, instance_document, pool  # noqa: E402
from harness import equal, run_tests  # noqa: E402

ON = {"instance": INSTANCE}
CLASSES = ("VM", "VDI", "VBD", "VIF", "SR", "PBD", "secret")


def picture(running):
    """What there is, and in which state."""
    dump = running.control.ask("dump")
    states = {"VM": "power_state", "VBD": "currently_attached", "PBD": "currently_attached"}
    there = {name: {ref: record.get(states.get(name)) for ref, record in dump.get(name, {}).items()}
             for name in CLASSES}
    blocked = {ref: record["blocked_operations"] for ref, record in dump["VM"].items()}
    places = {ref: record["resident_on"] for ref, record in dump["VM"].items()}
    return there, blocked, places


def cancel_everywhere(running, guest, slot, back, **members):
    """@back: what takes it back again, once it was too late to stop it. At how many turns it was stopped."""
    turns = 0
    before = picture(running)
    while True:
        end = guest.call(slot, cancel_after=turns, **members)
        if end["ok"]:
            back()
            before = picture(running)
        else:
            equal((slot, turns, end["cancelled"], end["message"]), (slot, turns, True, end["message"]))
            equal((slot, turns, picture(running)), (slot, turns, before))
        if not end["asked_to_stop"]:
            return turns
        turns += 1


def test_everywhere():
    with pool() as running, host() as guest:
        password = running.set_root_password("r" * 40)
        running.add_target("guest", "a secret word")
        volume = running.volume("guest", "a secret word")
        guest.open(running.settings(), password)

        def back(slot, **members):
            return lambda: guest.do(slot, **ON, **members)

        document = instance_document()
        turns = cancel_everywhere(running, guest, "spawn", back("destroy"), document=document)
        assert turns > 10, turns
        guest.do("spawn", document=document)
        attached = {"document_file": volume}
        for slot, other, members in (
                ("snapshot", "exists", {}), ("pause", "unpause", {}), ("suspend", "resume", {}),
                ("reboot", "exists", {"number": 1}), ("power_off", "power_on", {}), ("soft_delete", "restore", {}),
                ("attach_volume", "detach_volume", attached)):
            turns = cancel_everywhere(running, guest, slot, back(other, **members if other != "exists" else {}),
                                      **ON, **members)
            assert turns > 1, (slot, turns)
        for slot, other in (("unpause", "pause"), ("resume", "suspend"), ("power_on", "power_off")):
            guest.do(other, **ON)
            cancel_everywhere(running, guest, slot, back(other), **ON)
            guest.do(slot, **ON)
        cancel_everywhere(running, guest, "set_bootable", back("set_bootable", number=1), **ON)
        nodes = [node["uuid"] for node in json.loads(guest.do("list_nodes"))]

        def migrate(**more):
            here = json.loads(guest.do("get_instance", **ON))["node"]["uuid"]
            there = next(node for node in nodes if node != here)
            return guest.call("live_migration", document=json.dumps({"destination": there}), **ON, **more)

        for turns in range(30):
            before = picture(running)
            end = migrate(cancel_after=turns)
            equal((turns, end["ok"] or picture(running) == before), (turns, True))
        guest.do("destroy", **ON)
        guest.close()


if __name__ == "__main__":
    run_tests("/abi/cancel", [test_everywhere])
