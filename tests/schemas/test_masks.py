"""SEC-6: what is secret in a document says so in its schema, and is masked wherever the document is shown.

    test_masks.py SCHEMAS CHECK-DOCUMENTS
"""

import json
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True

import tap  # noqa: E402

SCHEMAS, PROGRAM = pathlib.Path(sys.argv[1]), sys.argv[2]
SECRET_NAME = re.compile(r"passw|pwd|secret|token|session|chap|credential|private|key(?!s$)", re.IGNORECASE)
CANARY = "canary-0d7e2b"

# one whole document for each that has secrets, with @ where they stand
WHOLE = {
    "connection-info": {
        "driver_volume_type": "iscsi",
        "data": {"volume_id": "v", "target_portal": "192.0.2.1:3260", "target_iqn": "iqn.2026-01.example:x",
                 "target_lun": 1, "auth_method": "CHAP", "auth_username": "u", "auth_password": "@"}},
}


def properties(schema, path=""):
    """(path, name, description) of every property of a schema."""
    if isinstance(schema, list):
        for inner in schema:
            yield from properties(inner, path)
    elif isinstance(schema, dict):
        for name, inner in schema.get("properties", {}).items():
            yield f"{path}/{name}", name, inner
        for name, inner in schema.items():
            yield from properties(inner, f"{path}/{name}")


def schemas():
    return {path.name.removesuffix(".schema.json"): json.loads(path.read_text())
            for path in sorted(SCHEMAS.glob("*.schema.json"))}


def show(name, document):
    text = json.dumps(document).encode()
    said = subprocess.run([PROGRAM], input=f"{name} {len(text)}\n".encode() + text, stdout=subprocess.PIPE, check=True)
    return said.stdout.decode()


class Masks(unittest.TestCase):
    def test_names(self):
        """A property that is called like a secret is one."""
        for document, schema in schemas().items():
            for path, name, inner in properties(schema):
                if SECRET_NAME.search(name):
                    self.assertTrue(inner.get("writeOnly"), f"{document}: {path}")

    def test_names_are_noticed(self):
        planted = {"properties": {"data": {"properties": {"api_token": {"type": "string"}}}}}
        found = [path for path, name, inner in properties(planted) if SECRET_NAME.search(name)]
        self.assertEqual(found, ["/properties/data/api_token"])

    def test_all_are_tried(self):
        with_secrets = {document for document, schema in schemas().items()
                        if any(inner.get("writeOnly") for _, _, inner in properties(schema))}
        self.assertEqual(with_secrets, set(WHOLE))

    def test_masked(self):
        for name, document in WHOLE.items():
            shown = show(name, json.loads(json.dumps(document).replace("@", CANARY)))
            self.assertTrue(shown.startswith("ok "), shown)
            self.assertNotIn(CANARY, shown)
            for text in re.findall(r'"([^"@]{3,})"', json.dumps(document)):
                self.assertIn(text, shown)  # nothing else is hidden


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
