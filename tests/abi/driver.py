"""The module in a host that does as it is told (host.c), and a pool for it."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "simulator")]

import harness  # noqa: E402
import slots  # noqa: E402

PROGRAM, MODULE = os.environ["ABI_HOST"], os.environ["HVD_MODULE"]
HEADER = HERE.parent.parent / "plugin" / "include" / "hvd-driver.h"
SLOTS = [name for name, _ in slots.read_slots(HEADER.read_text())]


class Host:
    """A running host; everything that it was told is in its transcript."""

    def __init__(self, **environment):
        self.process = subprocess.Popen([PROGRAM, MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**os.environ, "G_DEBUG": "fatal-criticals", **environment})
        self.lines = []
        self.called = set()

    def ask(self, do, **members):
        """What the command ended with."""
        self.process.stdin.write(json.dumps({"do": do, **members}).encode() + b"\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise EOFError(f"the host has ended with {self.process.wait()} in {do} {members}")
            self.lines.append(line)
            told = json.loads(line)
            if told["told"] in ("end", "absent"):
                return told

    def call(self, slot, **members):
        """The end of a call, whatever it is; None where the driver does not have the slot."""
        self.called.add(slot)
        end = self.ask("call", slot=slot, **members)
        return end if end["told"] == "end" else None

    def do(self, slot, **members):
        """The result of a call that has to succeed; None where the driver does not have the slot."""
        end = self.call(slot, **members)
        assert end is None or end["ok"], (slot, end)
        return end and end.get("value")

    def open(self, settings, password):
        self.called.add("open")
        end = self.ask("open", settings=settings, password=password)
        assert end["ok"], end

    def close(self):
        self.called.add("close")
        self.ask("close")

    def told(self, kind):
        return [one for one in map(json.loads, self.lines) if one["told"] == kind]

    def transcript(self):
        """Every text that the driver gave, also without the JSON that it came in."""
        inner = [value for one in map(json.loads, self.lines) for value in one.values() if isinstance(value, str)]
        return b"".join(self.lines) + "\n".join(inner).encode()

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        status = self.process.wait(harness.PATIENCE)
        assert status == 0, f"the host has ended with {status}"


@contextlib.contextmanager
def host(**environment):
    running = Host(**environment)
    try:
        yield running
        running.stop()
    finally:
        running.process.kill()
        running.process.wait()


class Pool(harness.Pool):
    """A pool with TLS and a storage target that wants CHAP."""

    IQN = "iqn.2026-01.example:volumes"
    TARGET = "192.0.2.11"

    def __init__(self, directory, *options):
        super().__init__("--tls", "--event-delay", "0", *options)
        self.directory = pathlib.Path(directory)

    def settings(self, *more):
        return [f"pool.url={self.ready['url']}", f"tls.ca-file={self.ready['ca']}", "pool.password=host:password",
                "pool.owner=tester", *more]

    def write(self, name, text):
        """A private file in the test's directory; its path."""
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def set_root_password(self, text):
        self.control.call("session.change_password", "", text)
        return self.write("root", text)

    def add_target(self, user, password):
        self.control.do("iscsi-target", target=self.TARGET, iqn=self.IQN,
                        luns=[{"lun": 0, "size": 1 << 30}], chap={"user": user, "password": password})

    def volume(self, user, password):
        """The document of the target's unit, in a file."""
        return self.write(f"volume-{user}", json.dumps({
            "driver_volume_type": "iscsi",
            "data": {"volume_id": "vol", "target_portal": f"{self.TARGET}:3260", "target_iqn": self.IQN,
                     "target_lun": 0, "auth_method": "CHAP", "auth_username": user,
                     "auth_password": password}}, ensure_ascii=False))


@contextlib.contextmanager
def pool(*options):
    with harness.directory() as directory:
        running = Pool(directory, *options)
        try:
            yield running
        finally:
            running.stop()


INSTANCE = "6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f55"


def instance_document(**more):
    return json.dumps({
        "uuid": INSTANCE, "name": "web", "memory_bytes": 256 << 20, "vcpus": 1,
        "image": {"source": "stream", "format": "raw", "size_bytes": 100000},
        "networks": [{"mac": "fa:16:3e:00:00:01", "network": "xenbr0"}], **more})


def run_everything(host, volume):
    """Every slot of the table in an order that makes sense, each also as a plan where there is one."""
    def change(slot, **members):
        host.do(slot, plan=True, **members)
        return host.do(slot, **members)

    on = {"instance": INSTANCE}
    nodes = json.loads(host.do("list_nodes"))
    host.do("get_volume_connector")
    change("spawn", document=instance_document(hostname="web", metadata={"a": "b"}), request_id="one")
    here = json.loads(host.do("get_instance", **on))["node"]["uuid"]
    for slot in ("get_state", "exists", "list_instances"):
        host.do(slot, **on)
    change("snapshot", **on)
    change("attach_volume", document_file=volume, **on)
    migrate(host, change, next(node["uuid"] for node in nodes if node["uuid"] != here))
    change("detach_volume", document_file=volume, **on)
    for slot, number in (("pause", 0), ("unpause", 0), ("suspend", 0), ("resume", 0), ("reboot", 1), ("power_off", 0),
                         ("power_on", 0), ("set_bootable", 0), ("set_bootable", 1), ("soft_delete", 0),
                         ("restore", 0), ("destroy", 0), ("cleanup", 0)):
        change(slot, number=number, **on)
    host.do("reconcile")


def migrate(host, change, destination):
    document = json.dumps({"destination": destination})
    for slot in ("check_can_live_migrate_destination", "check_can_live_migrate_source", "pre_live_migration",
                 "rollback_live_migration_at_destination", "cleanup_live_migration_destination_check",
                 "check_can_live_migrate_destination", "pre_live_migration", "live_migration", "post_live_migration",
                 "post_live_migration_at_source", "post_live_migration_at_destination"):
        value = change(slot, instance=INSTANCE, document=document)
        if slot.startswith("check_can") and value:
            document = value
