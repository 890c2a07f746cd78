"""hvd with a driver that fails where no real one does: see puppet.c."""

import json
import os
import signal

from shim import directory, equal, finish, hvd, main, start, write

PUPPET = os.environ["HVD_PUPPET"]
UUID = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"
NODES = [{"uuid": f"00000000-0000-4000-8000-00000000000{n}", "name": f"node-{n}", "live": True,
          "enabled": True, "memory_free_bytes": n} for n in (1, 2, 3)]
INFO = {"uuid": UUID, "name": "web-1", "state": "running",
        "node": {"uuid": NODES[2]["uuid"], "name": "node-3"}}
STATE, BUSY, INTEGRITY = 5, 6, 15  # of HvdError
CHECK = ["check_can_live_migrate_destination", "check_can_live_migrate_source",
         "cleanup_live_migration_destination_check"]
AFTER = ["post_live_migration", "post_live_migration_at_source", "post_live_migration_at_destination"]
BACK = ["rollback_live_migration_at_destination"]


class Puppet:
    """A script, and what the driver was asked."""

    def __init__(self, place):
        self.place = place
        self.journal, self.told = (os.path.join(place, name) for name in ("journal", "told"))
        os.mkfifo(self.told)
        self.answers = {"list_nodes": NODES, "get_instance": INFO,
                        "post_live_migration_at_destination": INFO}
        self.errors, self.waits, self.uses_up = {}, "", ""

    def words(self, words):
        script = f"[pool]\njournal={self.journal}\ntold={self.told}\nwaits={self.waits}\n"
        script += f"budgets={self.journal}.budgets\nuses-up={self.uses_up}\n[answers]\n"
        script += "".join(f"{slot}={json.dumps(text)}\n" for slot, text in self.answers.items())
        script += "[errors]\n" + "".join(f"{slot}={code}\n" for slot, code in self.errors.items())
        if os.path.exists(self.journal):
            os.unlink(self.journal)
        return ["--driver", PUPPET, "--config", write(self.place, "script", script), *words]

    def hvd(self, *words):
        return hvd(*self.words(words))

    def budgets(self):
        """Slots, and how many ms each had, in order."""
        with open(self.journal + ".budgets", encoding="utf-8") as file:
            return {slot: int(ms) for slot, ms in (line.split() for line in file)}

    def asked(self):
        """Slots, but for the lists; with the document behind those that have one."""
        with open(self.journal, encoding="utf-8") as file:
            lines = [line.rstrip("\n").partition(" ") for line in file]
        return [(slot, document) for slot, _, document in lines
                if not slot.startswith(("list_", "get_"))]

    def slots(self):
        return [slot for slot, _ in self.asked()]


def with_puppet(test):
    def run():
        with directory() as place:
            test(Puppet(place))
    run.__name__ = test.__name__
    return run


@with_puppet
def test_migration(puppet):
    """All parts in their order, each with what the one before has handed on."""
    handed = {slot: {"destination": NODES[1]["uuid"], "source": NODES[0]["uuid"], "vdi_uuids": [str(n)]}
              for n, slot in enumerate(["check_can_live_migrate_destination",
                                        "check_can_live_migrate_source", "pre_live_migration"])}
    puppet.answers.update(handed)
    result = puppet.hvd("migrate", UUID, "--to", "node-2").expect(0)
    equal((result.out, result.err), (f"web-1 ({UUID}) is running on node-3\n", ""))
    equal(puppet.slots(), [*CHECK, "pre_live_migration", "live_migration", *AFTER])
    documents = [json.loads(document) for _, document in puppet.asked()]
    equal(documents, [{"destination": NODES[1]["uuid"]},
                      handed["check_can_live_migrate_destination"],
                      handed["check_can_live_migrate_source"],
                      handed["check_can_live_migrate_source"],
                      *[handed["pre_live_migration"]] * 4])


@with_puppet
def test_choice_of_node(puppet):
    """The other one with the most free memory, of those that take instances."""
    puppet.hvd("migrate", UUID).expect(0)
    equal(json.loads(puppet.asked()[0][1]), {"destination": NODES[1]["uuid"]})
    puppet.answers["list_nodes"] = [{**node, "enabled": node["name"] == "node-1"} for node in NODES]
    puppet.hvd("migrate", UUID).expect(0)
    equal(json.loads(puppet.asked()[0][1]), {"destination": NODES[0]["uuid"]})
    puppet.answers["list_nodes"] = [NODES[2], {**NODES[0], "live": False}]
    puppet.hvd("migrate", UUID).expect(9, "hvd: NO_RESOURCES: there is no other node")


@with_puppet
def test_failure_before_the_move(puppet):
    """The check is always cleaned up, and the destination is put back where it was touched."""
    for slot, expected in (
            ("check_can_live_migrate_destination", CHECK[:1]),
            ("check_can_live_migrate_source", CHECK),
            ("pre_live_migration", [*CHECK, "pre_live_migration", *BACK]),
            ("live_migration", [*CHECK, "pre_live_migration", "live_migration", *BACK])):
        puppet.errors = {slot: BUSY}
        result = puppet.hvd("migrate", UUID, "--to", "node-2")
        result.expect(8, f"hvd: BUSY: {slot} does not work")
        equal((puppet.slots(), result.out), (expected, ""))


@with_puppet
def test_failure_of_the_way_back(puppet):
    """It is told, and the first reason stays the reason."""
    puppet.errors = {"live_migration": BUSY, BACK[0]: STATE}
    puppet.hvd("migrate", UUID, "--to", "node-2").expect(
        8, f"hvd: the destination was not put back: {BACK[0]} does not work\n",
        "hvd: BUSY: live_migration does not work")
    puppet.errors = {CHECK[2]: STATE}
    result = puppet.hvd("migrate", UUID, "--to", "node-2").expect(0)
    assert f"the check of the destination left something: {CHECK[2]}" in result.err, result.err


@with_puppet
def test_failure_after_the_move(puppet):
    """SEC-22: nothing is rolled back any more; all that is left is done, and the first failure told."""
    for slot in AFTER:
        puppet.errors = {slot: INTEGRITY, AFTER[2]: STATE if slot != AFTER[2] else INTEGRITY}
        result = puppet.hvd("--json", "migrate", UUID, "--to", "node-2").expect(17)
        equal(puppet.slots(), [*CHECK, "pre_live_migration", "live_migration", *AFTER])
        equal(result.error(), {"code": "INTEGRITY",
                               "message": f"{UUID} has moved, but: {slot} does not work"})


@with_puppet
def test_interrupted_move(puppet):
    """The signal ends the move; the way back is not stopped by it, and the check's end neither."""
    for waits, expected in ((CHECK[1], CHECK),
                            ("live_migration", [*CHECK, "pre_live_migration", "live_migration", *BACK])):
        puppet.waits = waits
        process = start(*puppet.words(["migrate", UUID, "--to", "node-2"]))
        with open(puppet.told, encoding="ascii") as file:
            equal(file.read(), waits + "\n")
        process.send_signal(signal.SIGINT)
        result = finish(process).expect(130, "hvd: CANCELLED: ")
        equal(puppet.slots(), expected)
        assert "not put back" not in result.err and "left something" not in result.err, result.err


@with_puppet
def test_reconcile(puppet):
    """What a report looks like, with every fate in it."""
    one = {"kind": "VDI", "uuid": UUID, "name": "web-1 root", "instance": UUID, "reason": "no VM"}
    puppet.answers["reconcile"] = {"completed": [one], "removed": [one, one],
                                   "leftovers": [{"kind": "VM", "uuid": UUID}]}
    lines = puppet.hvd("reconcile").expect(0).out.splitlines()
    equal([line.split()[0] for line in lines[:-1]], ["FATE", "completed", "removed", "removed", "left"])
    equal(lines[-1], "1 completed, 2 removed, 1 left where they are")
    equal(puppet.hvd("--json", "reconcile").json(), puppet.answers["reconcile"])
    puppet.answers["reconcile"]["ended_early"] = "secret.get_all: no answer"
    early = puppet.hvd("reconcile").expect(18, "hvd: LEFTOVERS: reconcile ended early: secret.get_all: no answer",
                                           "it can be repeated")
    equal(early.out.splitlines(), lines)


@with_puppet
def test_no_configuration(puppet):
    """A driver need not describe its configuration."""
    for words in (["config"], ["config", "pool.url"], ["--json", "config"]):
        puppet.hvd(*words).expect(15, "UNSUPPORTED", "the driver puppet does not describe its configuration")


@with_puppet
def test_what_it_cannot(puppet):
    """A slot that is not there is said before anything is done; and so is a plan, and following."""
    puppet.hvd("power", "unpause", UUID).expect(15, "hvd: UNSUPPORTED: the driver puppet has no unpause")
    equal(os.path.exists(puppet.journal), False)
    puppet.hvd("--plan", "power", "pause", UUID).expect(15, "cannot plan without doing")
    puppet.hvd("events", "--follow").expect(15, "does not tell of changes")
    puppet.answers["list_instances"] = [INFO]
    assert "web-1" in puppet.hvd("events").expect(0).out
    puppet.answers["pause"] = "no object"
    puppet.hvd("power", "pause", UUID).expect(0)


@with_puppet
def test_timeout_of_the_whole(puppet):
    """What one part has used up the next has no more; what has to be has time of its own."""
    puppet.uses_up = "check_can_live_migrate_source"
    puppet.hvd("--timeout", "1", "migrate", UUID).expect(13, "hvd: TIMED_OUT: ", "advice: ")
    equal(puppet.slots(), CHECK + BACK)
    budgets = puppet.budgets()
    assert 0 < budgets[CHECK[1]] <= 1000 and budgets[CHECK[2]] >= 60000, budgets
    assert budgets[BACK[0]] >= 60000, budgets
    puppet.uses_up = "live_migration"
    puppet.hvd("--timeout", "1", "migrate", UUID).expect(0)
    assert all(puppet.budgets()[slot] >= 60000 for slot in AFTER), puppet.budgets()
    puppet.uses_up = ""
    puppet.hvd("migrate", UUID).expect(0)
    equal(puppet.budgets()["live_migration"], 0)


if __name__ == "__main__":
    main("/e2e/puppet")
