"""Writes the typed records, enums and calls of xenapi.json.

    {"classes":  {CLASS: {FIELD: TYPE}},
     "enums":    {NAME: [WORD...]},
     "messages": {"CLASS.NAME": {"parameters": [[NAME, TYPE]...], "result": TYPE, "timeout_s": N, ...}}}

Types are spelt as in the official data model: string, int, float, bool, datetime, void, "CLASS ref",
"CLASS record", "enum NAME", "TYPE set", "(TYPE -> TYPE) map", and "an event batch".

A field is of one of the kinds of plugin/wire/record.h. Of the class VM comes the struct XdVM, whose
members have the fields' names in small letters, and of the enum vm_power_state come the constants
XD_VM_POWER_STATE_RUNNING and so on; 0 is XD_VM_POWER_STATE_UNKNOWN: a word of a newer server.

Of a message, beside what is above:

    session       false: the session is not its first parameter, which else is not written down
    repeatable    sending it twice is as good as once
    slow          to be sent as "Async."
    secrets       names of secret parameters, "PARAMETER.MEMBER" in a record, "result"
    found         tag, uuid, name or task: how the result is found again when the reply was lost
    timeout_s     how long it may take
"""

import re

from .common import c_comment, c_string, c_strings, camel, check_member, read_json, refuse, snake

SECTIONS = {"classes", "enums", "messages"}
OF_MESSAGES = {"parameters", "result", "timeout_s", "session", "repeatable", "slow", "secrets", "found"}
FOUND = ("tag", "uuid", "name", "task")
MAX_FIELDS = 64  # bits of the decoder's "seen"

# types of fields -> kind, type in C
PLAIN = {
    "string": ("STRING", "const char *"),
    "int": ("INT", "gint64 "),
    "float": ("FLOAT", "double "),
    "bool": ("BOOL", "gboolean "),
    "datetime": ("TIME", "gint64 "),
}
# types of parameters and results -> GVariant's
LETTERS = {"string": "s", "int": "x", "float": "d", "bool": "b", "datetime": "s", "void": "s"}

TEXT = r"(string|enum \w+)"


class Model:
    def __init__(self, path):
        self.where = path.name
        self.data = read_json(path)
        if not isinstance(self.data, dict) or set(self.data) != SECTIONS:
            refuse(self.where, f"it has to have {', '.join(sorted(SECTIONS))}")
        self.classes, self.enums = self.data["classes"], self.data["enums"]
        self.messages = self.data["messages"]
        for name, values in self.enums.items():
            are_words = all(re.fullmatch(r"\w+", word) for word in values)
            if not values or not are_words or len(set(values)) != len(values):
                refuse(f"{self.where}: enum {name}", "it is a list of different words")

    # ---- fields ----

    def field(self, where, kind):
        """Its kind, its type in C, the enum's name."""
        if kind in PLAIN:
            return *PLAIN[kind], None
        if re.fullmatch(r"\w+ ref", kind):
            return "REF", "const char *", None
        if re.fullmatch(rf"{TEXT} set", kind):
            return "STRING_SET", "XdStrings ", None
        if re.fullmatch(r"\w+ ref set", kind):
            return "REF_SET", "XdStrings ", None
        if re.fullmatch(rf"\({TEXT} -> {TEXT}\) map", kind):
            return "STRING_MAP", "XdMap ", None
        match = re.fullmatch(r"enum (\w+)", kind)
        if match is None:
            refuse(where, f'there is no field of the type "{kind}"')
        if match[1] not in self.enums:
            refuse(where, f'there is no enum "{match[1]}"')
        return "ENUM", f"Xd{camel(match[1])} ", match[1]

    def fields(self, name):
        """Of a class, in the order that the decoder searches: by length, then by bytes."""
        rows = []
        for field, kind in self.classes[name].items():
            where = f"{self.where}: {name}.{field}"
            check_member(where, field.lower())
            rows.append((field, *self.field(where, kind)))
        if not 0 < len(rows) <= MAX_FIELDS:
            refuse(f"{self.where}: {name}", f"a class has 1 to {MAX_FIELDS} fields")
        return sorted(rows, key=lambda row: (len(row[0]), row[0].encode()))

    # ---- messages ----

    def letter(self, where, kind):
        """The type in GVariant's spelling."""
        if kind in LETTERS:
            return LETTERS[kind]
        if re.fullmatch(r"enum \w+|\w+ ref", kind):
            return "s"
        if re.fullmatch(r"\w+ record", kind):
            return "a{sv}"
        match = re.fullmatch(r"(.+) set", kind)
        if match:
            return "a" + self.letter(where, match[1])
        match = re.fullmatch(r"\((.+?) -> (.+)\) map", kind)
        if match and self.letter(where, match[1]) == "s":
            return "a{s" + self.letter(where, match[2]) + "}"
        refuse(where, f'there is no value of the type "{kind}"')

    def message(self, name):
        """The fields of its XdMethod."""
        where, message = f"{self.where}: {name}", self.messages[name]
        if not re.fullmatch(r"\w+\.\w+", name):
            refuse(where, "a message is called CLASS.NAME")
        for key in message:
            if key not in OF_MESSAGES:
                refuse(where, f'"{key}" is not known')
        for key in ("parameters", "result", "timeout_s"):
            if key not in message:
                refuse(where, f'"{key}" is missing')
        if type(message["timeout_s"]) is not int or not 0 < message["timeout_s"] <= 86400:
            refuse(where, '"timeout_s" is from 1 to 86400')
        if message.get("found", "tag") not in FOUND:
            refuse(where, f'"found" is one of {", ".join(FOUND)}')
        if message.get("slow") and name.split(".")[0] in ("session", "event", "task"):
            refuse(where, "the toolstack has no Async. for this class")
        return where, message

    def parameters(self, where, message):
        secrets = set(message.get("secrets", ())) - {"result"}
        letters = ""
        for name, kind in message["parameters"]:
            letter = self.letter(where, kind)
            if name in secrets:
                if letter != "s":
                    refuse(where, f'the secret "{name}" is no text')
                letter = "h"
            letters += letter
            secrets = {secret for secret in secrets if secret != name
                       and not (secret.startswith(name + ".") and letter == "a{sv}")}
        if secrets:
            refuse(where, f'there is no parameter for the secret {", ".join(sorted(secrets))}')
        return f"({letters})"

    def result(self, where, kind):
        """GVariant's type, or the class whose records come."""
        if kind == "an event batch":
            return None, None
        match = re.fullmatch(r"(\w+) record|\((\w+) ref -> \2 record\) map", kind)
        if match is None:
            return self.letter(where, kind), None
        name = match[1] or match[2]
        if name not in self.classes:
            refuse(where, f"no class {name} is described")
        return None, name


def enum_lines(name, values):
    prefix = f"XD_{snake(name)}_".upper()
    words = ["UNKNOWN", *(snake(value).upper() for value in values)]
    constants = [f"    {prefix}{word},\n" for word in words]
    return f"typedef enum {{\n{''.join(constants)}}} Xd{camel(name)};\n"


def struct_lines(model, name):
    members = "".join(
        f"    {model.field(model.where, kind)[1]}{field.lower()}; {c_comment(kind)}\n"
        for field, kind in model.classes[name].items()
    )
    return (f"typedef struct {{\n    XdRecord parent;\n{members}}} Xd{camel(name)};\n\n"
            f"extern const XdClass xd_class_{snake(name)};\n")


def header(model):
    ids = "".join(f"    XD_CLASS_{snake(name).upper()},\n" for name in model.classes)
    parts = ["/* Made by schemas/generate.py of xenapi.json. */\n#pragma once\n"]
    parts += ['#include "wire/method.h"\n', "G_BEGIN_DECLS\n"]
    parts += [enum_lines(name, values) for name, values in model.enums.items()]
    parts += [struct_lines(model, name) for name in model.classes]
    parts.append("/* XdClass.id, and the places in xd_classes[] */\n"
                 f"typedef enum {{\n{ids}    XD_N_CLASSES,\n}} XdClassId;\n")
    parts.append("extern const XdClass *const xd_classes[XD_N_CLASSES];\n")
    parts.append(f"#define XD_N_METHODS {len(model.messages)}\n"
                 "extern const XdMethod xd_methods[XD_N_METHODS];\n")
    parts.append("""/* (nullable): "VM.start" or "Async.VM.start" */
static inline const XdMethod *
xd_method_lookup(const char *name)
{
    return xd_method_find(xd_methods, XD_N_METHODS, name);
}

/* (nullable): of a class as events name it, in small letters */
static inline const XdClass *
xd_class_lookup(const char *event_name, gsize length)
{
    return xd_class_find(xd_classes, XD_N_CLASSES, event_name, length);
}
""")
    return "\n".join([*parts, "G_END_DECLS\n"])


def words_line(symbol, words):
    return f"static const char *const {symbol}[] = {c_strings(words)};\n"


def class_lines(model, name):
    rows = ""
    for field, kind, _, enum in model.fields(name):
        values = f"words_{enum}" if enum else "NULL"
        rows += (f"    {{{c_string(field)}, XD_FIELD_{kind}, "
                 f"G_STRUCT_OFFSET(Xd{camel(name)}, {field.lower()}), {values}}},\n")
    symbol = snake(name)
    members = [f".name = {c_string(name)}", f".event_name = {c_string(name.lower())}",
               f".id = XD_CLASS_{symbol.upper()}", f".size = sizeof(Xd{camel(name)})",
               f".fields = fields_{symbol}", f".n_fields = G_N_ELEMENTS(fields_{symbol})"]
    lines = "".join(f"    {member},\n" for member in members)
    return (f"static const XdField fields_{symbol}[] = {{\n{rows}}};\n\n"
            f"const XdClass xd_class_{symbol} = {{\n{lines}}};\n")


def method_lines(model, name):
    """Its tables, and its row."""
    where, message = model.message(name)
    symbol = name.replace(".", "_")
    result, record = model.result(where, message["result"])
    secrets = message.get("secrets", [])
    flags = [flag for flag, holds in [
        ("XD_METHOD_REPEATABLE", message.get("repeatable")),
        ("XD_METHOD_SLOW", message.get("slow")),
        ("XD_METHOD_NO_SESSION", message.get("session") is False),
        ("XD_METHOD_SECRET_RESULT", "result" in secrets),
    ] if holds]
    tables = words_line(f"names_{symbol}", [parameter for parameter, _ in message["parameters"]])
    tables += words_line(f"secrets_{symbol}", [secret for secret in secrets if secret != "result"])
    row = [c_string(name), c_string(model.parameters(where, message)), f"names_{symbol}", f"secrets_{symbol}",
           c_string(result), f"&xd_class_{snake(record)}" if record else "NULL", " | ".join(flags) or "0",
           str(message["timeout_s"]), f"XD_FOUND_{message.get('found', 'none').upper()}"]
    return tables, f"    {{{', '.join(row)}}},\n"


def source(model, header_name):
    parts = [f'/* Made by schemas/generate.py of xenapi.json. */\n#include "{header_name}"\n']
    parts += [words_line(f"words_{name}", ["", *values]) for name, values in model.enums.items()]
    parts += [class_lines(model, name) for name in model.classes]
    classes = "".join(f"    &xd_class_{snake(name)},\n" for name in model.classes)
    parts.append(f"const XdClass *const xd_classes[XD_N_CLASSES] = {{\n{classes}}};\n")
    methods = [method_lines(model, name) for name in sorted(model.messages)]
    parts += [tables for tables, _ in methods]
    parts.append(f"const XdMethod xd_methods[XD_N_METHODS] = {{\n{''.join(row for _, row in methods)}}};\n")
    return "\n".join(parts)


def make(paths, header_name):
    if len(paths) != 1:
        refuse("xenapi", "one file is read")
    model = Model(paths[0])
    return header(model), source(model, header_name)
