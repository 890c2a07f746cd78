"""`XenAPI` of Debian's python3-os-xenapi, as OpenStack used it: XML-RPC over verified TLS. It is for
Debian's own Python; where another one runs this, that one takes over."""

import importlib
import os
import pathlib
import shutil
import ssl
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "simulator"))

DEBIANS = "/usr/bin/python3"
MODULE = "os_xenapi.client.XenAPI"

from harness import equal, pool, run_tests  # noqa: E402
from machines import MIB, NULL, vbd_record, vdi_record, vif_record, vm_record  # noqa: E402

XenAPI = None  # of find_client()


def find_client():
    """The module; or this program again under Debian's Python; or a failure that says what to install."""
    try:
        return importlib.import_module(MODULE)
    except ImportError as error:
        if os.path.exists(DEBIANS) and "HVD_PEER_AGAIN" not in os.environ:
            os.execve(DEBIANS, [DEBIANS, "-B", __file__], {**os.environ, "HVD_PEER_AGAIN": "1"})
        if shutil.which("dpkg-query") is None:
            print("1..0 # SKIP python3-os-xenapi is a package of Debian's")
            sys.exit(0)
        print(f"1..1\nnot ok 1 /peer/os-xenapi/client # no {MODULE} ({error}): install python3-os-xenapi")
        sys.exit(1)


class Peer:
    """A session of the foreign client, and its view of the pool through events."""

    def __init__(self, running, user="root", password=None, classes=()):
        os.environ["SSL_CERT_FILE"] = running.ready.get("ca", "")  # whom Python's TLS trusts
        self.session = XenAPI.Session(running.ready["url"])
        self.session.login_with_password(user, password or running.password(user), "1.0", "tests/peer")
        self.api = self.session.xenapi
        self.classes = list(classes)
        self.token = ""
        self.records = {}  # by reference, as the events tell
        self.gone = set()
        self.history = []  # (reference, record), one for each event
        if classes:
            self.follow(0.0)  # what there is; where that is nothing, it would wait

    def follow(self, timeout=30.0):
        """One more batch of events. The method is named as text: its name is a word of Python's."""
        batch = self.session.xenapi_request("event.from", (self.classes, self.token, timeout))
        self.token = batch["token"]
        for event in batch["events"]:
            if event["operation"] == "del":
                self.records.pop(event["ref"], None)
                self.gone.add(event["ref"])
            else:
                self.records[event["ref"]] = event["snapshot"]
                self.history.append((event["ref"], event["snapshot"]))

    def follow_until(self, ref, is_enough):
        """Until an object's record is so; the record."""
        while not (ref in self.records and is_enough(self.records[ref])):
            self.follow()
        return self.records[ref]

    def follow_member(self, ref, member, value):
        self.follow_until(ref, lambda record: record[member] == value)

    def follow_end(self, ref):
        while ref not in self.gone:
            self.follow()

    def follow_task(self, task):
        """Its record at its end."""
        return self.follow_until(task, lambda record: record["status"] != "pending")

    def seen(self, ref, member):
        """What an object's member was, in order, without repetitions."""
        values = [record[member] for seen, record in self.history if seen == ref]
        return [value for number, value in enumerate(values) if number == 0 or values[number - 1] != value]

    def logout(self):
        self.api.session.logout()


def failure_of(function, *arguments):
    """As the client understands it: the code and its parameters."""
    try:
        result = function(*arguments)
    except XenAPI.Failure as failure:
        return failure.details
    raise AssertionError(f"a failure expected, got {result!r}")


def texts(record):
    """XML-RPC has no long integers: XenAPI's go as text."""
    return {name: str(value) if isinstance(value, int) and not isinstance(value, bool) else value
            for name, value in record.items()}


def value_of(result):
    """Of a task: XML-RPC's value in text."""
    return result.removeprefix("<value>").removesuffix("</value>")


def tls_pool():
    return pool("--tls", "--hosts", "2")


def make_machine(api, name):
    """A halted machine: (vm, vdi, vbd, vif)."""
    [the_pool] = api.pool.get_all()
    sr = api.pool.get_default_SR(the_pool)
    [network] = api.network.get_by_name_label("Pool-wide network associated with eth0")
    vm = api.VM.create(texts(vm_record(name)))
    vdi = api.VDI.create(texts(vdi_record(sr)))
    vbd = api.VBD.create(texts(vbd_record(vm, vdi)))
    vif = api.VIF.create(texts(vif_record(vm, network)))
    return vm, vdi, vbd, vif


# ---- tests ----

def test_life_of_a_machine():
    """Created, started, stopped and destroyed; events tell each step."""
    with tls_pool() as running:
        peer = Peer(running, classes=["vm", "vdi", "vbd", "vif"])
        vm, vdi, vbd, _ = make_machine(peer.api, "of python")
        record = peer.api.VM.get_record(vm)
        equal((record["name_label"], record["memory_static_max"], record["power_state"],
               record["resident_on"], record["VBDs"], record["is_a_template"]),
              ("of python", str(256 * MIB), "Halted", NULL, [vbd], False))
        peer.follow_member(vm, "power_state", "Halted")
        peer.api.VM.start(vm, False, False)
        peer.follow_member(vm, "power_state", "Running")
        peer.follow_member(vbd, "currently_attached", True)
        assert peer.seen(vm, "resident_on")[-1] in peer.api.host.get_all()
        peer.api.VM.hard_shutdown(vm)
        peer.follow_member(vbd, "currently_attached", False)
        peer.follow_member(vm, "power_state", "Halted")
        # A machine that stops is Paused for a moment, which a batch of events may show.
        equal([state for state in peer.seen(vm, "power_state") if state != "Paused"], ["Halted", "Running", "Halted"])
        peer.api.VM.destroy(vm)
        peer.api.VDI.destroy(vdi)
        for gone in (vm, vbd, vdi):
            peer.follow_end(gone)
        equal(failure_of(peer.api.VM.get_record, vm), ["HANDLE_INVALID", "VM", vm])
        peer.logout()


def test_clone_of_a_template():
    """The way of those who install: clone, provision, start; each an Async call with a task."""
    with tls_pool() as running:
        peer = Peer(running, classes=["vm", "task"])
        template, _, vbd, _ = make_machine(peer.api, "template")
        peer.api.VM.set_is_a_template(template, True)
        task = peer.api.Async.VM.clone(template, "cloned")
        vm = value_of(peer.follow_task(task)["result"])
        peer.api.task.destroy(task)
        peer.follow_end(task)
        equal(peer.api.VM.get_name_label(vm), "cloned")
        [copied] = peer.api.VM.get_VBDs(vm)
        assert copied != vbd
        task = peer.api.Async.VM.provision(vm)
        equal(peer.follow_task(task)["status"], "success")
        peer.follow_member(vm, "is_a_template", False)
        task = peer.api.Async.VM.start(vm, True, False)
        equal(peer.follow_task(task)["status"], "success")
        peer.follow_member(vm, "power_state", "Paused")
        peer.api.VM.unpause(vm)
        peer.follow_member(vm, "power_state", "Running")
        peer.logout()


def test_failures():
    """What cannot be done is refused with XenAPI's code and parameters, in calls and in tasks."""
    with tls_pool() as running:
        equal(failure_of(Peer, running, "root", "wrong"),
              ["SESSION_AUTHENTICATION_FAILED", "root", "Authentication failure"])
        peer = Peer(running, classes=["task"])
        vm, _, _, _ = make_machine(peer.api, "halted")
        refusal = ["VM_BAD_POWER_STATE", vm, "paused, suspended, running", "halted"]
        equal(failure_of(peer.api.VM.hard_shutdown, vm), refusal)
        record = peer.follow_task(peer.api.Async.VM.hard_shutdown(vm))
        equal((record["status"], record["error_info"]), ("failure", refusal))
        equal(failure_of(peer.api.VM.nonsense, vm), ["MESSAGE_METHOD_UNKNOWN", "VM.nonsense"])
        peer.logout()


def test_lost_session():
    """The client logs in again by itself when its session is not known any more."""
    with tls_pool() as running:
        peer = Peer(running)
        old = peer.session.handle
        running.control.do("clock", advance=25 * 3600)
        equal(len(peer.api.host.get_all()), 2)
        assert peer.session.handle != old
        peer.logout()


def test_untrusted():
    """A pool whose authority nobody told the client of."""
    with tls_pool() as running, tls_pool() as stranger:
        Peer(running).logout()
        session = XenAPI.Session(stranger.ready["url"])
        try:
            session.login_with_password("root", stranger.password(), "1.0", "tests/peer")
        except ssl.SSLCertVerificationError:
            return
        raise AssertionError("a certificate of an unknown authority was believed")


def test_plain():
    """Without TLS, on loopback; and the calls for events that came before event.from."""
    with pool() as running:
        peer = Peer(running)
        peer.api.event.register(["vm"])
        vm, _, _, _ = make_machine(peer.api, "of old")
        seen = []
        while not any(event["ref"] == vm for event in seen):
            seen += peer.api.event.next()
        equal({event["class"] for event in seen}, {"vm"})
        peer.api.event.unregister(["vm"])
        peer.logout()


def test_member():
    """Who knocks at a member learns who the coordinator is."""
    with tls_pool() as running:
        Peer(running).logout()
        session = XenAPI.Session(f"https://{running.addresses[1]}:{running.port}")
        equal(failure_of(session.login_with_password, "root", running.password(), "1.0", "tests/peer"),
              ["HOST_IS_SLAVE", running.ready["coordinator"]])


def test_barrier():
    """event.inject makes an event come that is not older than anything that happened before it."""
    with tls_pool() as running:
        peer = Peer(running, classes=["pool", "vm"])
        vm, _, _, _ = make_machine(peer.api, "before")
        [the_pool] = peer.api.pool.get_all()
        peer.history.clear()
        injected = peer.api.event.inject("pool", the_pool)
        while not any(ref == the_pool for ref, _ in peer.history):
            peer.follow()
        assert peer.token >= injected and vm in peer.records
        peer.logout()


if __name__ == "__main__":
    XenAPI = find_client()
    run_tests("/peer/os-xenapi", [
        test_life_of_a_machine, test_clone_of_a_template, test_failures, test_lost_session,
        test_untrusted, test_plain, test_member, test_barrier,
    ])
