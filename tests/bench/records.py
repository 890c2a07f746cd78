"""Makes what the canned server answers with: 10,000 VM records of the shape that the real toolstack gave, each with
names, references and uuids of its own; as JSON and as XML-RPC, as a batch of events and as get_all_records.

    records.py DIRECTORY
"""

import json
import pathlib
import re
import sys
from xml.sax.saxutils import escape

COUNT = 10_000
TOKEN = "canned-1"
CAPTURE = pathlib.Path(__file__).resolve().parents[1] / "captures" / "json2_event_from.resp"
UUID = re.compile(r"\b([0-9a-f]{8})(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")
TIME = re.compile(r"\d{8}T\d\d:\d\d:\d\dZ")
# Of ten machines eight run, one is suspended with its checkpoint's metadata, one is a snapshot.
MIX = ("running",) * 8 + ("suspended", "snapshot")


def templates():
    body = CAPTURE.read_bytes().split(b"\r\n\r\n", 1)[1]
    snapshots = [event["snapshot"] for event in json.loads(body)["result"]["events"]]
    plain = [record for record in snapshots if not record["is_control_domain"]]
    found = {
        "running": next(record for record in plain if record["power_state"] == "Running"),
        "suspended": next(record for record in plain if record["power_state"] == "Suspended"),
        "snapshot": next(record for record in plain if record["is_a_snapshot"] and record["power_state"] == "Halted"),
    }
    return {kind: dumps(record) for kind, record in found.items()}


def dumps(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def vary(text, n):
    return UUID.sub(lambda match: f"{(int(match[1], 16) + n * 2654435761) & 0xffffffff:08x}{match[2]}", text)


def reference(n):
    return f"OpaqueRef:{n:08x}-686e-d341-cab2-bddec9842254"


def records():
    texts = templates()
    for n in range(COUNT):
        record = json.loads(vary(texts[MIX[n % len(MIX)]], n))
        record["uuid"] = f"{n:08x}-644a-44fa-8747-88f4542b6dda"
        record["other_config"]["nova_uuid"] = f"{n:08x}-0000-4000-8000-000000000001"
        record["memory_static_max"] = record["memory_dynamic_max"] = (256 + n % 64) << 20
        if n % 50:
            record["name_label"] = f"instance-{n:08x}"
        yield reference(n), record


def event(n, ref, record):
    return {"id": str(n), "timestamp": "0.0", "class": "vm", "operation": "add", "ref": ref, "snapshot": record}


def xml(value):
    """As xapi writes it: 64-bit numbers are strings, empty containers have no line break."""
    if isinstance(value, dict):
        members = (f"<member><name>{escape(name)}</name>{xml(item)}</member>" for name, item in value.items())
        return f"<value><struct>{''.join(members)}</struct></value>"
    if isinstance(value, list):
        return f"<value><array><data>{''.join(map(xml, value))}</data></array></value>"
    if isinstance(value, bool):
        return f"<value><boolean>{int(value)}</boolean></value>"
    if isinstance(value, float):
        return f"<value><double>{value:g}</double></value>"
    text = escape(str(value))
    return f"<value><dateTime.iso8601>{text}</dateTime.iso8601></value>" if TIME.fullmatch(text) \
        else f"<value>{text}</value>"


def write(folder):
    with (folder / "events.json").open("w") as events, (folder / "records.json").open("w") as all_records, \
            (folder / "events.xml").open("w") as xml_events, (folder / "records.xml").open("w") as xml_records:
        events.write('{"events":[')
        all_records.write("{")
        xml_events.write("<value><struct><member><name>events</name><value><array><data>")
        xml_records.write("<value><struct>")
        for n, (ref, record) in enumerate(records()):
            comma = "," if n else ""
            told = event(n, ref, record)
            events.write(comma + dumps(told))
            all_records.write(f'{comma}"{ref}":{dumps(record)}')
            xml_events.write(xml(told))
            xml_records.write(f"<member><name>{ref}</name>{xml(record)}</member>")
        events.write(f'],"valid_ref_counts":{{"vm":{COUNT}}},"token":"{TOKEN}"}}')
        all_records.write("}")
        xml_events.write("</data></array></value></member><member><name>valid_ref_counts</name><value><struct>"
                         f"<member><name>vm</name><value><i4>{COUNT}</i4></value></member></struct></value></member>"
                         f"<member><name>token</name><value>{TOKEN}</value></member></struct></value>")
        xml_records.write("</struct></value>")


def make(folder):
    """Once: the folder gets its name when all is in it."""
    folder = pathlib.Path(folder)
    if folder.is_dir():
        return folder
    part = folder.with_name(folder.name + "-part")
    part.mkdir(parents=True, exist_ok=True)
    write(part)
    part.rename(folder)
    return folder


if __name__ == "__main__":
    make(sys.argv[1])
