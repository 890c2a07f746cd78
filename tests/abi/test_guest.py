"""The module as a guest in its host's process: it leaves everything as it was, and keeps secrets to itself."""

import json
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True

from canary import Canary  # noqa: E402
from driver import INSTANCE, SLOTS, host, instance_document, pool, run_everything  # noqa: E402
from harness import equal, run_tests  # noqa: E402

SANITIZED = os.environ.get("HVD_TEST_SANITIZED") == "1"


class Secrets:
    """A pool's root password and a CHAP secret that are canaries."""

    def __init__(self, running):
        self.root, self.chap, self.wrong = Canary(), Canary(), Canary()
        self.password = running.set_root_password(self.root.text)
        running.add_target("guest", self.chap.text)
        self.volume = running.volume("guest", self.chap.text)
        self.refused = running.volume("stranger", self.wrong.text)

    def assert_absent(self, text, where):
        for canary in (self.root, self.chap, self.wrong):
            equal((where, canary.find(text)), (where, []))


def same(before, after):
    """Lines that are not in both."""
    before, after = before.splitlines(), after.splitlines()
    equal([line for line in before if line not in after] + [line for line in after if line not in before], [])


def test_manners():
    """House-style section 10: before, while and after everything the process is the same."""
    with pool() as running, host() as guest:
        secrets = Secrets(running)
        before = guest.ask("manners")["value"]
        guest.open(running.settings(), secrets.password)
        same(before, guest.ask("manners")["value"])
        run_everything(guest, secrets.volume)
        same(before, guest.ask("manners")["value"])
        guest.close()
        same(before, guest.ask("manners")["value"])
        equal(sorted(guest.called), sorted(SLOTS))


def test_leaves_nothing():
    """Threads and descriptors are as before; the second time, since GLib keeps a worker."""
    with pool() as running, host() as guest:
        secrets = Secrets(running)
        loads = []
        for _ in range(3):
            guest.open(running.settings(), secrets.password)
            run_everything(guest, secrets.volume)
            guest.close()
            loads.append(guest.ask("load"))
        equal(loads[1], loads[2])


def test_older_call():
    """SEC-38: an HvdCall of every earlier size, with a page behind it that nobody may read."""
    with pool() as running, host() as guest:
        secrets = Secrets(running)
        guest.open(running.settings(), secrets.password)
        guest.do("spawn", document=instance_document())
        for size in (8, 12, 16, 24, 32, 40, 48):
            told = len(guest.told("progress"))
            guest.do("list_nodes", size=size)
            guest.do("pause", instance=INSTANCE, size=size)
            guest.do("unpause", instance=INSTANCE, size=size)
            equal((size, len(guest.told("progress")) > told), (size, size >= 40))
        guest.close()


def test_canaries():
    """SEC-28, SEC-7: everything that can be done and much that cannot, with the most verbose log."""
    scan_for_canaries("json")


def test_canaries_in_xml():
    scan_for_canaries("xml")


def scan_for_canaries(encoding):
    with pool() as running, host() as guest:
        secrets = Secrets(running)
        guest.open(running.settings(f"pool.encoding={encoding}"), secrets.password)
        run_everything(guest, secrets.volume)
        fail_in_many_ways(guest, running, secrets)
        secrets.assert_absent(guest.transcript(), "what the driver told")
        assert any("session.login_with_password" in one["message"] for one in guest.told("log"))
        assert len(guest.told("log")) > 100 and len(guest.told("progress")) > 100
        assert_no_session(guest, running)
        guest.close()
        secrets.assert_absent(guest.transcript(), "what the driver told until its end")


def test_memory():
    """SEC-5: passwords and session references lie in locked memory that no core file has, or in blocks of
    libcurl and its TLS library, which here are wiped when they are freed; afterwards nowhere at all."""
    for encoding in ("json", "xml"):
        look_for_copies(f"pool.encoding={encoding}")


def look_for_copies(setting):
    with pool() as running, host(HVD_TEST_MEMORY="1") as guest:
        secrets = Secrets(running)
        root, chap = (running.write(name, canary.text) for name, canary in
                      (("root-needle", secrets.root), ("chap-needle", secrets.chap)))
        guest.open(running.settings(setting), secrets.password)
        guest.do("spawn", document=instance_document())
        look(guest, root, copies=True)
        look(guest, None, copies=True)
        guest.do("attach_volume", instance=INSTANCE, document_file=secrets.volume)
        guest.call("attach_volume", instance=INSTANCE, document_file=secrets.refused)
        look(guest, chap, copies=False)
        guest.close()
        for needle in (root, chap, None):
            equal(look(guest, needle, copies=False), 0)


def look(guest, needle, copies):
    """How many copies libcurl and TLS have; there is none but in guarded memory, if at all."""
    count = guest.ask("memory", **({"file": needle} if needle else {}))
    equal((needle, count["stray"]), (needle, 0))
    equal((needle, count["guarded"] > 0, count["locked"]), (needle, copies, count["guarded"]))
    return count["foreign"]


def assert_no_session(guest, running):
    """The driver's session may be called by its uuid, never by its reference."""
    sessions = running.control.ask("dump")["session"]
    refs = [running.control.call("session.get_by_uuid", uuid) for uuid in sessions]
    assert refs and all(ref.startswith("OpaqueRef:") for ref in refs), refs
    for ref in refs:
        equal(Canary(ref.removeprefix("OpaqueRef:")).find(guest.transcript()), [])


def fail_in_many_ways(guest, running, secrets):
    """Documents that are refused, a target that refuses, a server that repeats what it was sent."""
    on = {"instance": INSTANCE}
    guest.do("spawn", document=instance_document())
    for slot in ("attach_volume", "detach_volume"):
        for text in broken_documents(secrets):
            equal((slot, text, guest.call(slot, document_file=running.write("broken", text), **on)["ok"]), (slot, text, False))
    equal(guest.call("attach_volume", document_file=secrets.refused, **on)["ok"], False)
    for rule in echoing_faults(secrets):
        running.control.do("fault", add={"id": "echo", "count": 1, **rule})
        equal((rule, guest.call("attach_volume", document_file=secrets.volume, **on)["ok"]), (rule, False))
        running.control.do("fault", clear=True)
    guest.do("destroy", **on)


def broken_documents(secrets):
    """With the CHAP secret of a wrong type, too long, beside other faults, in a document cut short."""
    with open(secrets.volume, encoding="utf-8") as file:
        good = json.load(file)
    chap = good["data"]["auth_password"]
    for change in ({"auth_password": [chap]}, {"auth_password": {chap: chap}}, {"auth_password": chap * 6},
                   {"auth_method": "NONE"}, {"target_lun": -1}):
        yield json.dumps({**good, "data": {**good["data"], **change}}, ensure_ascii=False)
    text, spelt = (json.dumps(one, ensure_ascii=False) for one in (good, chap))
    yield text[:-2]
    yield text.replace(spelt, spelt[:-1] + '\x01"')
    yield text.replace(spelt, spelt[:-1] + '\\q"')


def echoing_faults(secrets):
    """SEC-29: every code that the driver knows, and some that it does not, with the secrets in every
    parameter; the secret as the code itself; in a task; in pages and in garbage."""
    words = [secrets.chap.text, f"value={secrets.root.text};", secrets.chap.text[::-1] + secrets.chap.text]
    for code in [*known_failures(), "NEVER_HEARD_OF", secrets.chap.text, f"SOME {secrets.root.text}"]:
        yield {"method": "secret.create", "when": "before", "action": "error", "error": [code, *words, *words]}
    for code in ("SR_BACKEND_FAILURE_68", "INTERNAL_ERROR", "XENAPI_PLUGIN_FAILURE", secrets.chap.text):
        yield {"method": "PBD.plug", "when": "before", "action": "task-fail", "error": [code, *words]}
    for method in ("secret.create", "PBD.plug"):
        yield {"method": method, "when": "before", "action": "status", "text": f"500 {secrets.chap.text}"}
        yield {"method": method, "when": "before", "action": "garbage", "text": f"<html>{secrets.chap.text}"}
        yield {"method": method, "when": "before", "action": "garbage",
               "text": json.dumps({"jsonrpc": "2.0", "id": 1, "error": secrets.chap.text})}
        yield {"method": method, "when": "before", "action": "redirect", "text": f"https://{secrets.chap.text}/"}


def known_failures():
    """The codes of the driver's table."""
    table = (pathlib.Path(__file__).parents[2] / "plugin" / "xenapi" / "failure.c").read_text()
    codes = re.findall(r'^    \{"([A-Z][A-Z0-9_]+)", HVD_ERROR_', table, re.MULTILINE)
    assert len(codes) > 100 and codes == sorted(codes), codes
    return [code for code in codes if code not in ("SESSION_INVALID", "HOST_IS_SLAVE")]  # what these do is not to fail


if __name__ == "__main__":
    TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]
    run_tests("/abi/guest", [test for test in TESTS if test is not test_memory or not SANITIZED])
