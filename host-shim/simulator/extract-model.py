"""Makes model.json, what the simulated pool knows of XenAPI, from the published data model.

Usage: extract-model.py DATAMODEL > model.json

The input is the reduced model, whose key names stand in its own documentation. What came after the
release that is simulated is left out, and so is every text. What the model does not say outright is
worked out here: which messages have an Async form, and the filter message of each class.
"""

import json
import re
import sys

RELEASE = (24, 19, 2)

# toolstack, datamodel.ml: no_async_messages_for
NO_ASYNC = {"session", "event", "task", "data_source", "blob"}

# In the model, but the release that is simulated neither shows nor answers them.
HIDDEN_FIELDS = {
    "PCI": ["class_id", "vendor_id", "device_id", "subsystem_vendor_id", "subsystem_device_id"],
}

# Counted by event.from although no client ever sees an object of it.
EXTRA_CLASSES = ["Diagnostics"]

# Removed in the release that is simulated, although the model still lists them as usable.
REMOVED = {"VDI.resize_online"}

# Hidden from documentation, but served: (class, name, parameters, result, role).
EXTRA_MESSAGES = [
    ("session", "slave_local_login", [["psecret", "string"]], "session ref", None),
    ("host", "is_in_emergency_mode", [], "bool", None),
    ("host", "local_assert_healthy", [], "void", "pool-admin"),
    ("VDI", "generate_config", [["host", "host ref"], ["vdi", "VDI ref"]], "string", "vm-admin"),
    ("VM", "set_is_default_template", [["vm", "VM ref"], ["value", "bool"]], "void", "vm-admin"),
]

SIMPLE_ZERO = {
    "string": "", "int": 0, "float": 0.0, "bool": False, "datetime": "19700101T00:00:00Z",
}


def is_served(item):
    """Names of releases are older than version numbers; numbers are compared."""
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", item["since"])
    if match is None or match.group(1) == "1":
        return True
    return tuple(int(part) for part in match.groups()) <= RELEASE


def zero_of(kind, enums):
    if kind in SIMPLE_ZERO:
        return SIMPLE_ZERO[kind]
    if kind.endswith(" ref"):
        return "OpaqueRef:NULL"
    if kind.endswith(" set"):
        return []
    if kind.endswith(" map"):
        return {}
    if kind.startswith("enum "):
        return enums[kind[5:]][0]
    return ""


def parse_default(text, kind, enums):
    """The model prints defaults as the toolstack's own values: 1., {}, "x", {"a" -> "b"}, Null."""
    if text is None or text in ("{}", "Null"):
        return zero_of(kind, enums)
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    if kind == "bool":
        return text == "true"
    if kind.endswith(" map"):
        return dict(re.findall(r'"([^"]*)" -> "([^"]*)"', text))
    if kind.endswith(" set"):
        return [text.strip("{}")]
    return text[1:-1] if text.startswith('"') else text


def field_line(name, field, enums):
    default = parse_default(field.get("d"), field["t"], enums)
    line = {"name": name, "type": field["t"], "qualifier": field["q"], "default": default}
    return line


def message_line(class_name, name, message):
    params = [param for param in message["p"] if param[0] != "session_id"]
    generated = message.get("i", 0) == 1
    line = {"name": name, "params": [p[:2] if p[2] else [*p[:2], "optional"] for p in params],
            "result": message["r"]}
    if len(params) == len(message["p"]):
        line["session"] = False
    if message.get("role", "read-only") != "read-only":
        line["role"] = message["role"]
    if generated:
        line["generated"] = True
    if class_name not in NO_ASYNC and (not generated or name in ("create", "destroy")):
        line["async"] = True
    if message.get("s") == "R" or f"{class_name}.{name}" in REMOVED:
        line["removed"] = True
    return line


def where_line(class_name):
    return {"name": "get_all_records_where", "params": [["expr", "string"]], "generated": True,
            "result": f"({class_name} ref -> {class_name} record) map"}


def extra_line(name, params, result, role):
    line = {"name": name, "params": params, "result": result}
    if role is None:
        line["session"] = False
    else:
        line["role"] = role
        line["async"] = True
    return line


def make_class(name, description, enums):
    hidden = HIDDEN_FIELDS.get(name, [])
    fields = [field_line(key, field, enums) for key, field in description["fields"].items()
              if is_served(field) and key not in hidden]
    getters = [f"get_{key}" for key in hidden]
    messages = [message_line(name, key, message)
                for key, message in description["messages"].items()
                if is_served(message) and key not in getters]
    if any(message["name"] == "get_all_records" for message in messages):
        messages.append(where_line(name))
    messages += [extra_line(*extra[1:]) for extra in EXTRA_MESSAGES if extra[0] == name]
    required = description.get("ctor", {}).get("required", [])
    return {"name": name, "fields": fields, "messages": messages, "required": required}


def print_lines(key, lines, end):
    print(f'   "{key}": [')
    print(",\n".join("    " + json.dumps(line, ensure_ascii=False) for line in lines))
    print(f"   ]{end}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        classes = json.load(file)["classes"]
    enums = {}
    for description in classes.values():
        enums.update(description.get("enums", {}))
    served = [make_class(name, description, enums) for name, description in classes.items()
              if is_served(description)]
    served += [{"name": name, "fields": [], "messages": [], "required": []}
               for name in EXTRA_CLASSES]
    print('{\n "enums": {')
    print(",\n".join(f"  {json.dumps(key)}: {json.dumps(values)}"
                     for key, values in sorted(enums.items())))
    print(' },\n "classes": [')
    for index, description in enumerate(served):
        print(f'  {{\n   "name": {json.dumps(description["name"])},')
        print(f'   "required": {json.dumps(description["required"])},')
        print_lines("fields", description["fields"], ",")
        print_lines("messages", description["messages"], "")
        print("  }" if index == len(served) - 1 else "  },")
    print(" ]\n}")


if __name__ == "__main__":
    main()
