"""Holds xenapi.json against the official data model, where that lies beside the project.

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

OURS = json.loads((SCHEMAS / "xenapi.json").read_text())


class Model(unittest.TestCase):
    def setUp(self):
        if not OFFICIAL.exists():
            self.skipTest("no official data model here")
        self.classes = json.loads(OFFICIAL.read_text())["classes"]
        self.enums = {name: values for one in self.classes.values() for name, values in one.get("enums", {}).items()}

    def test_fields(self):
        for name, fields in OURS["classes"].items():
            for field, kind in fields.items():
                self.assertEqual(kind, self.classes[name]["fields"][field]["t"], f"{name}.{field}")

    def test_enums(self):
        for name, values in OURS["enums"].items():
            self.assertEqual(values, self.enums[name], name)

    def test_messages(self):
        for name, ours in OURS["messages"].items():
            owner, message = name.split(".")
            official = self.classes[owner]["messages"][message]
            parameters = official["p"]
            takes_session = bool(parameters) and parameters[0][0] == "session_id"
            self.assertEqual(takes_session, ours.get("session", True), f"{name}: the session")
            parameters = parameters[takes_session:]
            given = ours["parameters"]
            self.assertEqual(given, [[part, kind] for part, kind, _ in parameters[:len(given)]], name)
            self.assertFalse([part for part, _, required in parameters[len(given):] if required], f"{name}: too few")
            self.assertEqual(ours["result"], official["r"], name)


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
