"""Every key of the configuration, of the schema that the driver's table is made of."""

import pathlib
import sys

import roff

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "schemas"))

from generator import config  # noqa: E402  (it lies elsewhere)

KINDS = {"STRING": "text", "SECRET": "reference to a secret", "CHOICE": "choice", "LIST": "list of texts",
         "BOOLEAN": "true or false", "INTEGER": "integer"}


def describe_values(key):
    fields = key.fields
    if fields["type"] == "CHOICE":
        return f"one of {', '.join(key.choices)}"
    if fields["type"] == "INTEGER":
        return f"{KINDS['INTEGER']}, {fields['least']} to {fields['most']}"
    return KINDS[fields["type"]]


def describe_default(key):
    if key.fields["type"] == "BOOLEAN":
        return "true" if key.fields["default_number"] else "false"
    if key.fields["type"] == "INTEGER":
        return str(key.fields["default_number"])
    return key.fields["default_text"] or "empty"


def describe(key):
    facts = f"{describe_values(key)}; default: {describe_default(key)}"
    body = roff.text(key.line("summary") + ".") + ".br\n" + roff.text(f"Type: {facts}.")
    return roff.tagged(roff.bold(key.name), body + ".IP\n" + roff.text(key.line("description")))


def read(path):
    text, group = "", None
    for key in config.read(path):
        if key.group != group:
            group = key.group
            text += roff.subsection(f"[{group}]")
        text += describe(key)
    return {"KEYS": text}
