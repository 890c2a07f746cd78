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

# Shown by that release, and not in the model: (class, after which field, name, type).
EXTRA_FIELDS = [
    ("Certificate", "fingerprint", "fingerprint_sha256", "string"),
    ("Certificate", "fingerprint_sha256", "fingerprint_sha1", "string"),
]

# Counted by event.from although no client ever sees an object of it.
EXTRA_CLASSES = ["Diagnostics"]

# Removed in the release that is simulated, although the model still lists them as usable.
REMOVED = {"VDI.resize_online"}

# Named by system.listMethods and documented nowhere: for the toolstack's own use.
HIDDEN_MESSAGES = {
    "session": "slave_login",
    "pool": """initial_auth exchange_certificates_on_join exchange_ca_certificates_on_join hello
        is_slave ha_schedule_plan_recomputation enable_binary_storage disable_binary_storage
        audit_log_append""",
    "pool_update": "attach detach resync_host",
    "VM": """csvm hard_reboot_internal pool_migrate_complete assert_can_migrate_sender
        atomic_set_resident_on s3_suspend s3_resume update_snapshot_metadata
        set_NVRAM_EFI_variables""",
    "VMPP": "create_alert set_is_backup_running set_is_archive_running",
    "host": """prepare_for_poweroff create set_license_params ha_disarm_fencing preconfigure_ha
        ha_join_liveset ha_disable_failover_decisions ha_wait_for_shutdown_via_statefile
        ha_stop_daemon ha_release_resources ha_xapi_healthcheck request_backup
        request_config_file_sync propose_new_master commit_new_master abort_new_master
        get_uncooperative_domains signal_networking_change notify get_diagnostic_timing_stats
        tickle_heartbeat enable_binary_storage disable_binary_storage install_ca_certificate
        uninstall_ca_certificate certificate_list crl_install crl_uninstall crl_list
        certificate_sync update_pool_secret update_master attach_static_vdis detach_static_vdis
        set_localdb_key reset_networking get_sm_diagnostics get_thread_diagnostics sm_dp_destroy
        sync_vlans sync_tunnels sync_pif_currently_attached apply_guest_agent_config
        mxgpu_vf_setup nvidia_vf_setup allocate_resources_for_vm write_uefi_certificates_to_disk
        notify_accept_new_pool_secret notify_send_new_pool_secret cleanup_pool_secret
        cert_distrib_atom copy_primary_host_certs""",
    "network": "attach pool_introduce attach_for_vm detach_for_vm",
    "PIF": "pool_introduce",
    "VLAN": "pool_introduce",
    "SR": "set_virtual_allocation set_physical_utilisation get_live_hosts",
    "VDI": """pool_introduce db_introduce db_forget force_unlock set_managed set_missing
        set_virtual_size set_physical_utilisation set_is_a_snapshot set_snapshot_of
        set_snapshot_time set_metadata_of_pool checksum set_cbt_enabled""",
    "VBD": "unplug_force_no_safety_check pause unpause",
    "VTPM": "get_contents set_contents",
    "secret": "introduce",
    "GPU_group": "update_enabled_VGPU_types update_supported_VGPU_types",
    "VGPU": "atomic_set_resident_on",
    "Cluster_host": "forget",
    "Diagnostics": "gc_compact gc_stats db_stats network_stats",
    "Repository": "apply apply_livepatch",
    "Observer": "register unregister",
}

# Hidden from documentation, but served: (class, name, parameters, result, role).
EXTRA_MESSAGES = [
    ("session", "slave_local_login", [["psecret", "string"]], "session ref", None),
    ("host", "is_in_emergency_mode", [], "bool", None),
    ("host", "local_assert_healthy", [], "void", "pool-admin"),
    ("VDI", "generate_config", [["host", "host ref"], ["vdi", "VDI ref"]], "string", "vm-admin"),
    ("task", "set_other_config", [["self", "task ref"], ["value", "(string -> string) map"]],
     "void", "pool-operator"),
    ("task", "add_to_other_config", [["self", "task ref"], ["key", "string"],
                                     ["value", "string"]], "void", "pool-operator"),
    ("task", "remove_from_other_config", [["self", "task ref"], ["key", "string"]], "void",
     "pool-operator"),
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


def extra_line(class_name, name, params, result, role):
    line = {"name": name, "params": params, "result": result}
    if role is None:
        line["session"] = False
    else:
        line["role"] = role
        line["async"] = class_name not in NO_ASYNC
    return line


def add_fields(class_name, fields, messages):
    for owner, after, name, kind in EXTRA_FIELDS:
        if owner != class_name:
            continue
        index = [field["name"] for field in fields].index(after) + 1
        fields.insert(index, {"name": name, "type": kind, "qualifier": "RO/constructor",
                              "default": zero_of(kind, {})})
        messages.append({"name": f"get_{name}", "params": [["self", f"{owner} ref"]],
                         "result": kind, "generated": True})


def make_class(name, description, enums):
    hidden = HIDDEN_FIELDS.get(name, [])
    fields = [field_line(key, field, enums) for key, field in description["fields"].items()
              if is_served(field) and key not in hidden]
    getters = [f"get_{key}" for key in hidden]
    messages = [message_line(name, key, message)
                for key, message in description["messages"].items()
                if is_served(message) and key not in getters]
    add_fields(name, fields, messages)
    if name != "message" and any(message["name"] == "get_all_records" for message in messages):
        messages.append(where_line(name))
    messages += [extra_line(*extra) for extra in EXTRA_MESSAGES if extra[0] == name]
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
        hidden = HIDDEN_MESSAGES.get(description["name"], "").split()
        if hidden:
            print(f'   "hidden": {json.dumps(hidden)},')
        print_lines("fields", description["fields"], ",")
        print_lines("messages", description["messages"], "")
        print("  }" if index == len(served) - 1 else "  },")
    print(" ]\n}")


if __name__ == "__main__":
    main()
