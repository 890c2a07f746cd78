"""Holds xenapi.json against the data model that the simulated pool was made from, and against the
official one where that lies beside the project.

    test_xenapi.py SCHEMAS
"""

import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True

import tap  # noqa: E402

SCHEMAS = pathlib.Path(sys.argv[1])
SHARED = pathlib.Path(os.environ.get("HVD_SHARED", SCHEMAS.parent.parent / "shared"))
OFFICIAL = SHARED / "reference" / "xenapi-datamodel.json"
SIMULATED = SCHEMAS.parent / "host-shim" / "simulator" / "model.json"

OURS = json.loads((SCHEMAS / "xenapi.json").read_text())


class Message:
    """Parameters are [name, type, required], without the session."""

    def __init__(self, parameters, session, result):
        self.parameters, self.session, self.result = parameters, session, result


class Model:
    """Fields and messages by "CLASS.NAME", enums by name."""

    def __init__(self, fields, messages, enums):
        self.fields, self.messages, self.enums = fields, messages, enums


def read_simulated():
    """What the simulator knows: see extract-model.py."""
    data = json.loads(SIMULATED.read_text())
    fields, messages = {}, {}
    for one in data["classes"]:
        for field in one["fields"]:
            fields[f"{one['name']}.{field['name']}"] = field["type"]
        for message in one["messages"]:
            parameters = [[*parameter[:2], len(parameter) == 2] for parameter in message["params"]]
            messages[f"{one['name']}.{message['name']}"] = Message(
                parameters, message.get("session", True), message["result"])
    return Model(fields, messages, data["enums"])


def read_official():
    classes = json.loads(OFFICIAL.read_text())["classes"]
    fields, messages = {}, {}
    for name, one in classes.items():
        for field, row in one["fields"].items():
            fields[f"{name}.{field}"] = row["t"]
        for message, row in one["messages"].items():
            session = bool(row["p"]) and row["p"][0][0] == "session_id"
            messages[f"{name}.{message}"] = Message(row["p"][session:], session, row["r"])
    enums = {name: values for one in classes.values() for name, values in one.get("enums", {}).items()}
    return Model(fields, messages, enums)


class Simulated(unittest.TestCase):
    model = read_simulated()

    def test_fields(self):
        for name, fields in OURS["classes"].items():
            for field, kind in fields.items():
                self.assertEqual(kind, self.model.fields[f"{name}.{field}"], f"{name}.{field}")

    def test_enums(self):
        for name, values in OURS["enums"].items():
            self.assertEqual(values, self.model.enums[name], name)

    def test_messages(self):
        for name, ours in OURS["messages"].items():
            message = self.model.messages[name]
            self.assertEqual(message.session, ours.get("session", True), f"{name}: the session")
            given = ours["parameters"]
            expected = [parameter[:2] for parameter in message.parameters[:len(given)]]
            self.assertEqual(given, expected, name)
            missing = [part for part, _, required in message.parameters[len(given):] if required]
            self.assertEqual(missing, [], f"{name}: too few")
            self.assertEqual(ours["result"], message.result, name)


if OFFICIAL.exists():
    class Official(Simulated):
        model = read_official()


class Sense(unittest.TestCase):
    """What the list says of itself has to fit together."""

    def test_getters_are_repeatable(self):
        for name, message in OURS["messages"].items():
            verb = name.split(".")[1]
            if verb.startswith(("get_", "set_", "remove_from_", "assert_")):
                self.assertTrue(message.get("repeatable"), name)
            if verb.startswith(("add_to_", "create", "introduce", "destroy", "login")):
                self.assertFalse(message.get("repeatable"), name)

    def test_what_creates_is_found(self):
        """But for a session and a secret: neither can be told from others afterwards."""
        for name, message in OURS["messages"].items():
            owner, verb = name.split(".")
            creates = verb in ("create", "introduce", "snapshot", "clone", "copy", "pool_migrate")
            if creates and owner != "secret":
                self.assertIn("found", message, name)
            elif not creates:
                self.assertNotIn("found", message, name)

    def test_sessions_are_secret(self):
        for name, message in OURS["messages"].items():
            secrets = message.get("secrets", [])
            for part, kind in message["parameters"]:
                if kind == "session ref" or "pwd" in part or "password" in part:
                    self.assertIn(part, secrets, name)
            if message["result"] == "session ref":
                self.assertIn("result", secrets, name)

    def test_mirrored_classes_can_be_fetched(self):
        for name in OURS["classes"]:
            self.assertIn(f"{name}.get_record", OURS["messages"])
            self.assertIn(f"{name}.get_all_records", OURS["messages"])


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
