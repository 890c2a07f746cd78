"""Writes the table of the configuration's keys, of GSettings' schema language.

What is taken of it: one <schema> a group, whose id is "org.hvd.xenapi.GROUP", without children; in it
<key name type> with <default>, <summary>, <description>, and

    type="s"    a text; with <choices>, one of them; a key called "password" is a reference to a secret
    type="as"   a list of texts, empty where nothing is said
    type="b"    true or false
    type="x"    an integer, with <range min max>, which it has to have

The language itself is checked by glib-compile-schemas --strict. The table knows nothing of wire/, so
that base/ can use it.
"""

import re
import xml.etree.ElementTree

from .common import c_integer, c_string, c_strings, refuse, snake

PREFIX = "org.hvd.xenapi."
PARTS = {"default", "summary", "description", "range", "choices"}

HEADER = """/* Made by schemas/generate.py of the configuration's schema. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
    XD_CONFIG_STRING,
    XD_CONFIG_SECRET, /* a reference to a secret, never the secret itself */
    XD_CONFIG_CHOICE, /* a string of @choices */
    XD_CONFIG_LIST,   /* of strings; empty by default */
    XD_CONFIG_BOOLEAN,
    XD_CONFIG_INTEGER, /* from @least to @most */
} XdConfigType;

/**
 * XdConfigKey:
 * @group: of the key file
 * @default_text: (nullable): of strings, secrets and choices
 * @default_number: of booleans and integers
 * @choices: (nullable): NULL-terminated
 * @summary: a line for a list of keys
 * @description: what it means
 */
typedef struct {
    const char *group;
    const char *name;
    XdConfigType type;
    const char *default_text;
    gint64 default_number;
    gint64 least;
    gint64 most;
    const char *const *choices;
    const char *summary;
    const char *description;
} XdConfigKey;

"""


def text(where, value):
    """What GVariant's text form of a string stands for."""
    match = re.fullmatch(r"""'([^'\\]*)'|"([^"\\]*)\"""", value)
    if match is None:
        refuse(where, f"{value} is no string in quotes")
    return match[1] if match[1] is not None else match[2]


def integer(where, value):
    if not re.fullmatch(r"-?[0-9]+", value):
        refuse(where, f"{value} is no integer")
    return int(value)


class Key:
    def __init__(self, group, element):
        self.group, self.name, self.kind = group, element.get("name"), element.get("type")
        self.where = f"{group}.{self.name}"
        if set(element.keys()) != {"name", "type"}:
            refuse(self.where, "a key has a name and a type, and no other attribute")
        if not re.fullmatch(r"[a-z]+(-[a-z]+)*", self.name):
            refuse(self.where, "a key's name is made of small letters and dashes")
        self.parts = {}
        for part in element:
            if part.tag not in PARTS or part.tag in self.parts:
                refuse(self.where, f"<{part.tag}> is not known here, or stands there twice")
            self.parts[part.tag] = part
        for name in ("default", "summary", "description"):
            if not self.line(name):
                refuse(self.where, f"<{name}> is missing")
        self.fields = {"type": None, "default_text": None, "default_number": 0, "least": 0, "most": 0}
        self.choices = []
        {"s": self.read_text, "as": self.read_list, "b": self.read_boolean, "x": self.read_integer}.get(
            self.kind, self.refuse_type)()
        if "range" in self.parts and self.kind != "x" or "choices" in self.parts and self.kind != "s":
            refuse(self.where, "a range belongs to integers, choices to strings")

    def line(self, name):
        return " ".join("".join(self.parts[name].itertext()).split()) if name in self.parts else ""

    def refuse_type(self):
        refuse(self.where, f'no type "{self.kind}" is known')

    def read_text(self):
        value = text(self.where, self.line("default"))
        self.choices = [choice.get("value") for choice in self.parts.get("choices", ())]
        if "choices" in self.parts and value not in self.choices:
            refuse(self.where, "the default is none of the choices")
        kind = "CHOICE" if self.choices else "SECRET" if self.name == "password" else "STRING"
        self.fields.update(type=kind, default_text=value)

    def read_list(self):
        if self.line("default") != "[]":
            refuse(self.where, "a list is empty by default")
        self.fields.update(type="LIST")

    def read_boolean(self):
        if self.line("default") not in ("true", "false"):
            refuse(self.where, "the default is true or false")
        self.fields.update(type="BOOLEAN", default_number=int(self.line("default") == "true"), most=1)

    def read_integer(self):
        value = integer(self.where, self.line("default"))
        if "range" not in self.parts:
            refuse(self.where, "<range> is missing")
        bounds = self.parts["range"]
        least, most = (integer(self.where, bounds.get(name, "")) for name in ("min", "max"))
        if not least <= value <= most:
            refuse(self.where, "the default is out of range")
        self.fields.update(type="INTEGER", default_number=value, least=least, most=most)

    def constant(self):
        return f"XD_CONFIG_{snake(self.group)}_{snake(self.name)}".upper()

    def table_of_choices(self):
        return f"choices_{snake(self.group)}_{snake(self.name)}" if self.choices else "NULL"

    def row(self):
        fields = self.fields
        values = [c_string(self.group), c_string(self.name), f"XD_CONFIG_{fields['type']}",
                  c_string(fields["default_text"]), c_integer(fields["default_number"]),
                  c_integer(fields["least"]), c_integer(fields["most"]), self.table_of_choices(),
                  c_string(self.line("summary")), c_string(self.line("description"))]
        lines = "".join(f"        {value},\n" for value in values)
        return f"    [{self.constant()}] = {{\n{lines}    }},\n"

    def table(self):
        if not self.choices:
            return ""
        return f"static const char *const {self.table_of_choices()}[] = {c_strings(self.choices)};\n"


def read(path):
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except xml.etree.ElementTree.ParseError as problem:
        refuse(path.name, problem)
    keys = []
    for schema in root:
        name = schema.get("id", "")
        if schema.tag != "schema" or not re.fullmatch(re.escape(PREFIX) + "[a-z]+", name):
            refuse(path.name, f'a group is a <schema> with the id "{PREFIX}GROUP"')
        for element in schema:
            if element.tag != "key":
                refuse(name, f"<{element.tag}> is not known here")
            keys.append(Key(name.removeprefix(PREFIX), element))
    names = [key.where for key in keys]
    if not keys or len(set(names)) != len(names):
        refuse(path.name, "it has no keys, or one of them twice")
    return keys


def make(paths, header_name):
    if len(paths) != 1:
        refuse("config", "one file is read")
    keys = read(paths[0])
    constants = "".join(f"    {key.constant()},\n" for key in keys)
    header = HEADER + "/* places in xd_config_keys[] */\n"
    header += f"typedef enum {{\n{constants}    XD_N_CONFIG_KEYS,\n}} XdConfigId;\n\n"
    header += "extern const XdConfigKey xd_config_keys[XD_N_CONFIG_KEYS];\n\nG_END_DECLS\n"
    source = "/* Made by schemas/generate.py of the configuration's schema. */\n"
    source += f'#include "{header_name}"\n\n' + "".join(key.table() for key in keys)
    rows = "".join(key.row() for key in keys)
    source += f"\nconst XdConfigKey xd_config_keys[XD_N_CONFIG_KEYS] = {{\n{rows}}};\n"
    return header, source
