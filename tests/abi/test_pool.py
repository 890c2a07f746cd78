"""What the pool has of the driver, and what the machine has: while it works, when it failed, afterwards."""

import json
import os
import random
import re
import sys
import tempfile

sys.dont_write_bytecode = True

from canary import Canary  # noqa: E402
from driver import INSTANCE, host, instance_document, pool, run_everything  # noqa: E402
from harness import equal, run_tests  # noqa: E402

OURS = ("VM", "VDI", "VBD", "VIF", "SR", "PBD", "secret")
INVALID = 1  # HVD_ERROR_INVALID
ON = {"instance": INSTANCE}


class Scene:
    """A pool, a connection to it, and a volume behind a CHAP secret that is a canary."""

    def __init__(self, running, guest):
        self.pool, self.guest, self.chap, self.is_xml = running, guest, Canary(), False
        self.password = running.set_root_password("r" * 40)
        running.add_target("guest", self.chap.text)
        self.volume = running.volume("guest", self.chap.text)
        guest.open(running.settings(), self.password)

    def dump(self):
        return self.pool.control.ask("dump")

    def objects(self):
        """What there is, by class."""
        dump = self.dump()
        return {name: set(dump.get(name, {})) for name in OURS}


def with_scene(test):
    def run():
        with pool() as running, host() as guest:
            test(Scene(running, guest))
    run.__name__ = test.__name__
    return run


def find_places(value, canary, path=""):
    """Where in a database a canary stands."""
    if isinstance(value, dict):
        items = [(f"{path}/{key}", inner) for key, inner in value.items()]
        items += [(f"{path}/KEY", key) for key in value]
    elif isinstance(value, list):
        items = [(f"{path}/{index}", inner) for index, inner in enumerate(value)]
    else:
        return [path] if isinstance(value, str) and canary.find(value.encode()) else []
    return [place for where, inner in items for place in find_places(inner, canary, where)]


@with_scene
def test_chap_secret(scene):
    """SEC-9: it stands in the value of a secret object and nowhere else, and goes with the volume."""
    old = scene.objects()
    scene.guest.do("spawn", document=instance_document())
    scene.guest.do("attach_volume", document_file=scene.volume, **ON)
    places = find_places(scene.dump(), scene.chap)
    equal([(place.split("/")[1], place.split("/")[-1]) for place in places], [("secret", "value")])
    scene.guest.do("detach_volume", document_file=scene.volume, **ON)
    equal(find_places(scene.dump(), scene.chap), [])
    equal(scene.objects()["secret"], old["secret"])


@with_scene
def test_deleted_is_gone(scene):
    """SEC-23: after it was destroyed nothing of an instance is found, but finished tasks, which the
    toolstack drops by itself, and those without its name or uuid."""
    name = Canary("w" + os.urandom(20).hex())
    before = scene.objects()
    scene.guest.do("spawn", document=instance_document(name=name.text, hostname="web", metadata={"a": name.text},
                                                       disks=[{"size_bytes": 1 << 20}]))
    assert len(find_places(scene.dump(), name)) > 2
    scene.guest.do("attach_volume", document_file=scene.volume, **ON)
    scene.guest.do("suspend", **ON)
    scene.guest.do("resume", **ON)
    scene.guest.do("snapshot", **ON)
    scene.guest.do("detach_volume", document_file=scene.volume, **ON)
    scene.guest.do("destroy", **ON)
    equal(scene.objects(), before)
    for canary in (name, Canary(INSTANCE), scene.chap):
        equal(find_places(scene.dump(), canary), [])
    for task in scene.dump().get("task", {}).values():
        assert task["status"] in ("success", "failure", "cancelled"), task


@with_scene
def test_safe_settings(scene):
    """SEC-37: no disk is sharable, volumes are attached as asked, nothing is public, no secret is left."""
    old = scene.objects()
    scene.guest.do("spawn", document=instance_document(disks=[{"size_bytes": 1 << 20}]))
    with open(scene.volume, encoding="utf-8") as file:
        info = json.load(file)
    info["data"]["access_mode"] = "ro"
    read_only = scene.pool.write("read-only", json.dumps(info, ensure_ascii=False))
    scene.guest.do("power_off", **ON)
    scene.guest.do("attach_volume", document_file=read_only, **ON)
    dump = scene.dump()
    disks = {ref: vdi for ref, vdi in dump["VDI"].items() if ref not in old["VDI"]}
    devices = [vbd for ref, vbd in dump["VBD"].items() if ref not in old["VBD"]]
    assert len(disks) >= 3 and len(devices) == 3, (disks, devices)
    for vdi in disks.values():
        equal((vdi["name_label"], vdi["sharable"]), (vdi["name_label"], False))
    equal(sorted((vbd["userdevice"], vbd["mode"]) for vbd in devices), [("0", "RW"), ("1", "RW"), ("2", "RO")])
    for ref, vif in dump["VIF"].items():
        if ref not in old["VIF"]:
            assert vif["locking_mode"] in ("network_default", "locked"), vif
    equal(dump.get("blob", {}), {})
    scene.guest.do("detach_volume", document_file=read_only, **ON)
    equal(scene.objects()["secret"], old["secret"])


def test_files_and_descriptors():
    """SEC-36: whatever the umask, the driver makes no file, and no child could inherit a descriptor."""
    for umask in (0o000, 0o077):
        with tempfile.TemporaryDirectory() as place, pool() as running:
            before = os.umask(umask)
            here = os.getcwd()
            os.chdir(place)
            try:
                with host(HOME=place, TMPDIR=place, XDG_RUNTIME_DIR=place, XDG_CACHE_HOME=place) as guest:
                    scene = Scene(running, guest)
                    run_everything(guest, scene.volume)
                    equal(inherited(guest.process.pid), [])
                    guest.close()
            finally:
                os.umask(before)
                os.chdir(here)
            equal(os.listdir(place), [])


def inherited(pid):
    """Descriptors that an exec() would not close; but for a pair that libcurl makes to wake itself, and that
    nobody can mark."""
    with open("/proc/net/unix", encoding="ascii") as file:
        local = {line.split()[6] for line in file}
    kept = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
            flags = next(line for line in file if line.startswith("flags:"))
        what = os.readlink(f"/proc/{pid}/fd/{fd}")
        is_local = what.removeprefix("socket:[").removesuffix("]") in local
        if int(fd) > 2 and not int(flags.split()[1], 8) & os.O_CLOEXEC and not is_local:
            kept.append((fd, what))
    return kept


# ---- SEC-14: what a user may write ----

PIECES = ['"', "'", "<", "&", "]]>", "<![CDATA[", "&amp;", "%00", "%s%n", "\\", "\\u0041", "\n", "\r\n", "\t",
          "\u202e", "\u200f", "\ufeff", "\ufffe", "{", "}", "$(id)", "`id`", ";", "--", "é", "𝔘", " ", "a", "/../",
          "\x7f", "\x1b[2J", "OpaqueRef:NULL", 'field "uuid" = "x"', "</value>", "x" * 300]
REFUSED = ["\x00", "\x01", "\x0b", "\ud800", "\udfff"]


def texts():
    generator = random.Random(14)
    yield from PIECES[:-1]
    for _ in range(30):
        yield "".join(generator.choice(PIECES) for _ in range(generator.randint(1, 12)))[:200]


def of_instance(scene):
    return next(vm for vm in scene.dump()["VM"].values() if vm["other_config"].get("nova_uuid") == INSTANCE)


def check_text(scene, text, encode):
    """The pool has exactly what was written, or it was refused before anything was done."""
    document = json.dumps({**json.loads(instance_document(metadata={"k": text}, hostname="web")), "name": text},
                          ensure_ascii=encode)
    end = scene.guest.call("spawn", document=document)
    if not end["ok"]:
        equal((text, end["code"]), (text, INVALID))
        return False
    vm = of_instance(scene)
    equal(vm["name_label"], text)
    equal(json.loads(vm["xenstore_data"]["vm-data/user-metadata/k"]), text)
    # a carriage return that a server does not escape is a line feed by the rules of XML
    name = text.replace("\r\n", "\n") if scene.is_xml else text
    equal(json.loads(scene.guest.do("get_instance", **ON))["name"], name)
    scene.guest.do("destroy", **ON)
    return True


def try_texts(encoding):
    with pool() as running, host() as guest:
        scene = Scene(running, guest)
        scene.is_xml = encoding == "xml"
        guest.close()
        guest.open(running.settings(f"pool.encoding={encoding}"), scene.password)
        before = scene.objects()
        taken = sum(check_text(scene, text, index % 2 == 0) for index, text in enumerate(texts()))
        assert taken > 40, taken
        for text in REFUSED:
            equal((text, check_text(scene, f"a{text}b", True)), (text, False))
        equal(scene.objects(), before)


def test_texts_in_json():
    """SEC-14: quotes, brackets, entities, controls and the like arrive as they were, or are refused."""
    try_texts("json")


def test_texts_in_xml():
    try_texts("xml")


@with_scene
def test_keys_of_metadata(scene):
    """Keys become paths in xenstore: only what a path may have, and no empty or dotted part."""
    for key in ["a", "A-b_c.d:e@f", "a" * 200, "..", ".", "a/../b", "/a", "a/", "a//b", "a b", "é", "a\"b", "a<b", "a\n",
                "a%2fb", "\u202ea"]:
        scene.guest.do("spawn", document=instance_document(metadata={key: "v"}))
        paths = list(of_instance(scene)["xenstore_data"])
        for path in paths:
            parts = path.split("/")
            assert re.fullmatch(r"[A-Za-z0-9_@:.-]+(/[A-Za-z0-9_@:.-]+)*", path), (key, path)
            assert len(parts) <= 3 and not {"", ".", ".."} & set(parts), (key, path)
        scene.guest.do("destroy", **ON)
    before = scene.objects()
    for metadata in ({"": "v"}, {"a" * 300: "v"}, {"a b": "1", "a/b": "2"}, {"a\x00": "v"}):
        end = scene.guest.call("spawn", document=instance_document(metadata=metadata))
        equal((metadata, end["ok"], end["code"]), (metadata, False, INVALID))
    equal(scene.objects(), before)


if __name__ == "__main__":
    run_tests("/abi/pool", [value for name, value in list(globals().items()) if name.startswith("test_")])
