"""SEC-15: our reader of documents and python3-jsonschema agree, outside of the list of stricter rules.

    differential.py SCHEMAS CHECK-DOCUMENTS

Documents are mutated from good ones, in their structure and in their text, from a fixed seed. The
stricter rules are those of schemas/README.md; each is told by stricter() below from the text alone.
"""

import copy
import ipaddress
import json
import pathlib
import random
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True

import tap  # noqa: E402

try:
    import jsonschema
except ImportError:
    jsonschema = None

SCHEMAS, PROGRAM = pathlib.Path(sys.argv[1]), sys.argv[2]
SEED, EACH = 20261120, 1500

UUID = "6a6b0a4e-8c5e-4b0e-9d2e-0b4a1f3c5d7e"
MAC = "aa:bb:cc:dd:ee:ff"
ISCSI = {"driver_volume_type": "iscsi", "data": {
    "volume_id": "v", "target_portal": "192.0.2.1:3260", "target_iqn": "iqn.2010-10.org.example:v", "target_lun": 1,
    "auth_method": "CHAP", "auth_username": "u", "auth_password": "p", "access_mode": "rw", "encrypted": False,
    "qos_specs": None, "discard": True}, "serial": "s"}

# schema -> documents that are right
GOOD = {
    "instance": [
        {"uuid": UUID, "name": "vm", "memory_bytes": 1 << 28, "vcpus": 2, "vcpu_weight": 256, "node": UUID,
         "firmware": "uefi", "virtual_machine_mode": "hvm",
         "image": {"source": "file", "format": "raw", "path": "/a", "size_bytes": 5, "sha256": "0" * 64, "id": "i"},
         "root_disk": {"size_bytes": 9, "storage": "s", "device": 0},
         "disks": [{"size_bytes": 1, "device": 4, "storage": "s"}, {"size_bytes": 2}],
         "networks": [{"id": "p", "mac": MAC, "network": "n", "mtu": 1500, "locking_mode": "locked",
                       "ipv4_allowed": ["192.0.2.1"], "ipv6_allowed": ["::1"], "device": 0}],
         "hostname": "h", "metadata": {"k": "v", "l": ""}, "tags": ["t", "u"], "storage": "s"},
        {"uuid": UUID, "name": "x" * 255, "memory_bytes": 16 << 20, "vcpus": 1,
         "image": {"size_bytes": 1, "format": "raw", "source": "stream"}},
    ],
    "network": [{"mac": MAC, "network": "n"}],
    "block-device": [{"mount_device": "/dev/xvdb", "connection_info": ISCSI, "boot_index": 0, "x": 1},
                     {"connection_info": {"data": {"vdi_uuid": UUID}, "driver_volume_type": "vdi"}, "boot_index": None}],
    "connection-info": [ISCSI, {"driver_volume_type": "xensm", "data": {
        "sr_uuid": UUID, "vdi_uuid": UUID, "sr_type": "nfs", "server": "a", "serverpath": "/x",
        "introduce_sr_keys": ["sr_type"], "name_label": "n", "name_description": ""}}],
    "migration": [{"destination": UUID, "source": UUID, "instance": UUID, "block_migration": False, "sr_uuids": [UUID],
                   "vdi_uuids": [], "vifs": [{"uuid": UUID, "mac": MAC, "network": UUID}], "prepared": {"pbds": [UUID]}}],
    "node": [{"uuid": UUID, "name": "h", "address": "192.0.2.1", "coordinator": True, "enabled": True, "live": True,
              "memory_bytes": 1, "memory_free_bytes": 0, "cpus": 4, "version": "8", "brand": "b", "instances": 0,
              "storage": [{"uuid": UUID, "name": "s", "type": "ext", "shared": False, "size_bytes": -1, "free_bytes": 0,
                           "attached": True}], "stale_since": 5}],
    "plan": [{"operation": "o", "steps": [{"name": "s", "undo": "u", "calls": [
        {"method": "m", "parameters": [1, {"a": [0.5, None]}, "x"]}]}]}],
    "error": [{"code": "STATE", "message": "m", "failure": ["A", ""], "advice": "a", "leftovers": ["l"]}],
    "connector": [{"initiator": "iqn.2010-10.org.example:v", "ip": "::1", "host": "h", "multipath": False}],
}


# ---- formats, told a second time and in another way ----

def is_address(kind):
    def check(text):
        try:
            return "%" not in text and kind(text) is not None
        except ValueError:
            return False
    return check


NUMBER = r"(0|[1-9][0-9]{0,4})"
HOST = r"([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[(?P<six>[0-9A-Fa-f:.]+)\])"


def is_portal(text):
    match = re.fullmatch(HOST + rf"(:(?P<port>{NUMBER}))?(,(?P<group>{NUMBER}))?", text)
    return match is not None and (match["six"] is None or is_address(ipaddress.IPv6Address)(match["six"])) and (
        match["port"] is None or 0 < int(match["port"]) < 65536) and int(match["group"] or 0) < 65536


FORMATS = {
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "mac": r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}",
    "device-name": r"(/dev/)?((xvd|sd|hd|vd)[a-z]|[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-4])",
    "iqn": r"(?!.{224})(iqn\.[0-9]{4}-[0-9]{2}\.[A-Za-z0-9.:_-]+|eui\.[0-9A-Fa-f]{16}|naa\.[0-9A-Fa-f]{16}([0-9A-Fa-f]{16})?)",
    "portal": is_portal,
    "ip": is_address(ipaddress.ip_address),
    "ipv4": is_address(ipaddress.IPv4Address),
    "ipv6": is_address(ipaddress.IPv6Address),
    "sha256": r"[0-9A-Fa-f]{64}",
    "identifier": r"[A-Za-z0-9._:-]{1,64}",
    "path": r"/(?s:.*)",
}


def inline(schemas, file, schema):
    """@schema without references: there are no circles."""
    if isinstance(schema, list):
        return [inline(schemas, file, part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        other, _, pointer = schema["$ref"].partition("#/$defs/")
        target = schemas[other or file]
        return inline(schemas, other or file, target["$defs"][pointer] if pointer else target)
    return {key: inline(schemas, file, part) for key, part in schema.items() if key not in ("$id", "$defs")}


def validators():
    checker = jsonschema.FormatChecker(formats=())
    for name, rule in FORMATS.items():
        test = rule if callable(rule) else re.compile(rule).fullmatch
        checker.checks(name)(lambda value, test=test: not isinstance(value, str) or bool(test(value)))
    schemas = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema.json")}
    return {name.removesuffix(".schema.json"):
            jsonschema.Draft202012Validator(inline(schemas, name, schema), format_checker=checker)
            for name, schema in schemas.items()}


# ---- what our reader refuses beyond JSON Schema ----

TWICE = "the same key twice"


def depth(value):
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, children), default=0) if isinstance(value, (dict, list)) else 0


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def stricter(text):
    """The rule of the written list that forbids @text, or None."""
    odd = []

    def unique(pairs):
        if len(dict(pairs)) != len(pairs):
            odd.append(TWICE)
        return dict(pairs)

    def real(word):
        if float(word).is_integer():
            odd.append("an integer spelt with a fraction or an exponent")
        return float(word)

    def integer(word):
        if not -(2**63) <= int(word) < 2**63:
            odd.append("an integer beyond 64 bits")
        return int(word)

    def constant(word):
        odd.append("a number that is none")
        return None

    value = json.loads(text, object_pairs_hook=unique, parse_float=real, parse_int=integer, parse_constant=constant)
    if any("\0" in part or re.search("[\ud800-\udfff]", part) for part in strings(value)):
        odd.append("text that is none")
    if depth(value) > 16:
        odd.append("deeper than 16")
    return odd[0] if odd else None


# ---- mutations ----

VALUES = [
    None, True, False, 0, 1, -1, 2, 254, 255, 256, 1024, 1025, 65535, 65536, 16383, 16384, (16 << 20) - 1, 1 << 46, (1 << 46) + 1,
    1 << 50, (1 << 50) + 1, 2**63 - 1, 2**63, -(2**63), 0.5, -1.5, 1.0, "", "a", "x" * 255, "x" * 256, "\u00fc" * 255, "x" * 1024,
    "x" * 1025, "x" * 64, "x" * 65, "\U0001f600" * 253, "a\u0000b", "\ud800", UUID, UUID.upper(), MAC, "192.0.2.1", "::1", "iscsi", "vdi", "xensm", "file",
    "stream", "raw", "hvm", "uefi", "CHAP", "rw", "/dev/sda", "254", "255", "a:1", "[::1]:3260,1", "0" * 64, "iqn.2010-10.a", "/",
    [], {}, [[]], [None], [1], ["a"], [""], [UUID], [{}], {"a": 1}, {"a": "b"}, {"": "b"}, {"x" * 256: "b"}, ["a"] * 17, ["a"] * 65,
]


def places(value, path=()):
    """Where there is anything in @value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, path + (key,))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def mutate(document, rand, names):
    document = copy.deepcopy(document)
    path = rand.choice(list(places(document)))
    if not path:
        return rand.choice([document, document, rand.choice(VALUES)])
    owner, key = at(document, path[:-1]), path[-1]
    kind = rand.randrange(6)
    if kind == 0:
        del owner[key]
    elif kind == 1 and isinstance(owner, dict):
        owner[rand.choice(names)] = copy.deepcopy(rand.choice(VALUES))
    elif kind == 2 and isinstance(owner, list):
        owner.extend([copy.deepcopy(owner[key])] * rand.choice([1, 15, 16, 63, 64]))
    elif kind == 3 and isinstance(owner[key], int):
        owner[key] += rand.choice([-1, 1])
    elif kind == 4 and isinstance(owner, dict):  # another order: a tag may come late
        items = list(owner.items())
        rand.shuffle(items)
        owner.clear()
        owner.update(items)
    else:
        owner[key] = copy.deepcopy(rand.choice(VALUES))
    return document


CHARACTERS = ['"', "{", "}", "[", "]", ",", ":", "\\", "0", "1", "-", ".", "e", "n", " ", "\n", "\x01", "\u00e9", "\\u0000",
              "\\ud83d", "1.0", "1e2", "NaN", "null", "tru", "[" * 17, '"uuid":1,']


def scribble(text, rand):
    """Damages the text itself."""
    keys = list(re.finditer(r'"[a-z_]+": ', text))
    if keys and rand.random() < 0.1:
        key = rand.choice(keys)
        return text[:key.start()] + key[0] + rand.choice(["1", "null", '"a"', "NaN", "-Infinity"]) + ", " + text[key.start():]
    where, length = rand.randrange(len(text)), rand.choice([0, 0, 1, 1, 3])
    return text[:where] + rand.choice(CHARACTERS + [""]) + text[where + length:]


def documents():
    rand = random.Random(SEED)
    names = sorted({key for docs in GOOD.values() for doc in docs for path in places(doc) for key in path
                    if isinstance(key, str)} | {"unknown", "a/b", ""})
    for name, good in GOOD.items():
        for document in good:
            yield name, json.dumps(document)
        for _ in range(EACH):
            document = rand.choice(good)
            for _ in range(rand.choice([1, 1, 1, 2, 3])):
                document = mutate(document, rand, names) if isinstance(document, (dict, list)) else document
            text = json.dumps(document, ensure_ascii=rand.random() < 0.5 or "\\ud800" in json.dumps(document))
            yield name, scribble(text, rand) if rand.random() < 0.3 else text


@unittest.skipIf(jsonschema is None, "python3-jsonschema is not installed")
class Differential(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cases = [(name, text, text.encode("utf-8", "surrogatepass")) for name, text in documents()]
        stream = b"".join(b"%s %d\n%s" % (name.encode(), len(data), data) for name, _, data in cls.cases)
        made = subprocess.run([PROGRAM], input=stream, capture_output=True, check=True)
        cls.answers = made.stdout.decode().splitlines()

    def judge(self, validator, text):
        """"yes", "no", or the stricter rule that decides."""
        try:
            value = json.loads(text)
            rule = stricter(text)
        except (ValueError, RecursionError):
            return "no"
        if rule is not None and not (rule == TWICE and self.is_ignored(validator, text)):
            return rule
        return "yes" if validator.is_valid(value) else "no"

    def is_ignored(self, validator, text):
        """Whether the key that stands there twice is in a part that nobody reads."""
        def rename(pairs):
            return {key + "\ue000" * [other for other, _ in pairs[:n]].count(key): value
                    for n, (key, value) in enumerate(pairs)}

        renamed = json.loads(text, object_pairs_hook=rename)
        return validator.is_valid(renamed) and not self.has_described(validator.schema, renamed)

    def has_described(self, schema, value):
        """Is a second key one that the schema knows?"""
        if isinstance(value, list):
            return any(self.has_described(schema.get("items", {}), part) for part in value)
        if not isinstance(value, dict):
            return False
        for branch in schema.get("oneOf", ()):
            if self.has_described(branch, value):
                return True
        known = schema.get("properties", {})
        return any(key.rstrip("\ue000") in known and key.endswith("\ue000") for key in value) or any(
            self.has_described(known[key], part) for key, part in value.items() if key in known)

    def test_agreement(self):
        self.assertEqual(len(self.answers), len(self.cases))
        made, counts = validators(), {}
        for (name, text, _), answer in zip(self.cases, self.answers):
            verdict = self.judge(made[name], text)
            counts[verdict] = counts.get(verdict, 0) + 1
            self.assertEqual(answer[:2] == "ok", verdict == "yes", f"{name} {text}\n{verdict}\n{answer[:300]}")
        print(f"# {counts}")
        for verdict in ("yes", "no", TWICE, "an integer beyond 64 bits", "text that is none",
                        "an integer spelt with a fraction or an exponent", "a number that is none"):
            self.assertGreater(counts.get(verdict, 0), 5, f"too few mutations of this kind: {verdict}")

    def test_printed_is_valid(self):
        """What our printer makes of what our reader took is right by the schema, and taken again."""
        made = validators()
        for (name, text, _), answer in zip(self.cases, self.answers):
            if answer[:2] == "ok":
                printed = json.loads(answer[3:])
                self.assertTrue(made[name].is_valid(printed), f"{name} {text}\n{answer[:300]}")

    def test_secrets_stay(self):
        for (_, text, _), answer in zip(self.cases, self.answers):
            self.assertNotIn('"auth_password":"p"', answer, text)


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
