"""Passwords from the Secret Service, on a bus of the test's own: nothing of the user's session is touched."""

import contextlib
import os
import signal
import subprocess

from shim import PATIENCE, directory, environment, equal, finish, hvd, main, start, with_pool, write

SERVICE = os.environ["HVD_SECRET_SERVICE"]
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={place}/bus</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""


@contextlib.contextmanager
def bus():
    """Its place: nothing is started there for those who ask."""
    with directory() as place:
        config = write(place, "bus.conf", CONFIG.format(place=place))
        daemon = subprocess.Popen(["dbus-daemon", "--nofork", "--nopidfile", "--print-address=1",
                                   f"--config-file={config}"], stdout=subprocess.PIPE, text=True)
        try:
            assert daemon.stdout.readline().startswith("unix:path="), "no bus"
            yield place
        finally:
            daemon.terminate()
            daemon.wait(PATIENCE)
            daemon.stdout.close()


def on_bus(place, reference, **more):
    return {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={place}/bus", "HVD_CREDENTIAL": reference, **more}


class Service:
    """Has items: (attributes, "open", "locked" or "silent", secret)."""

    def __init__(self, place, *items):
        self.place, self.calls = place, []
        path = write(place, "items", "".join("\t".join(item) + "\n" for item in items))
        self.process = subprocess.Popen([SERVICE, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment(on_bus(place, None)))
        self.wait("ready")

    def wait(self, word):
        """Until it has said that."""
        while (line := self.process.stdout.readline().strip()) != word:
            assert line, self.calls
            self.calls.append(line)
        self.calls.append(word)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        rest, _ = self.process.communicate(timeout=PATIENCE)
        self.calls += rest.split()
        equal(self.process.returncode, 0)


def refused(result, *texts):
    """Not a value that stood in the reference, and one line each."""
    result.expect(20, "hvd: SECRET: ", "  advice: ", *texts)
    assert "canary" not in result.err, result.err
    equal((result.out, result.err.count("\n")), ("", 2))


@with_pool()
def test_found(pool):
    words, _ = pool.address()
    others = [("server=canary,user=op", "open", "canary-1"), ("server=other,user=root", "open", "canary-2")]
    with bus() as place:
        env = on_bus(place, "secret-service:user=root,server=canary")
        with Service(place, *others, ("server=canary,user=root,more=x", "open", pool.password())) as service:
            result = hvd(*words, "nodes", env=env).expect(0)
            equal(result.err, "")
            debug = hvd(*words, "--debug", "--json", "nodes", env=env).expect(0)
            for text in (result.out, debug.out, debug.err):
                assert pool.password() not in text and "canary" not in text, text
        equal(service.calls.count("GetSecret"), 2)


@with_pool()
def test_wrong_password(pool):
    words, _ = pool.address()
    with bus() as place, Service(place, ("a=b", "open", "canary-4711")):
        result = hvd(*words, "nodes", env=on_bus(place, "secret-service:a=b")).expect(11, "AUTH")
        assert "canary" not in result.err, result.err


@with_pool()
def test_not_one(pool):
    """None, several, a locked one: no secret is even asked for."""
    words, _ = pool.address()
    items = [("a=canary,n=1", "open", "canary-1"), ("a=canary,n=2", "open", "canary-2"),
             ("a=canary,n=3", "locked", "canary-3")]
    with bus() as place:
        with Service(place, *items) as service:
            for reference, told, advice in (
                    ("a=canary", "several items with such values of: a", "only one of them has"),
                    ("n=canary,a=x", "no item with such values of: a, n", "secret-tool"), ("n=4", "no item", "store"),
                    ("n=3,a=canary", "has the item locked that has such values of: a, n", "unlock the keyring")):
                refused(hvd(*words, "nodes", env=on_bus(place, "secret-service:" + reference)), told, advice)
        assert "GetSecret" not in service.calls and "Unlock" not in service.calls, service.calls
        equal(service.calls.count("SearchItems"), 4)


@with_pool()
def test_not_a_secret(pool):
    words, _ = pool.address()
    with bus() as place, Service(place, ("a=empty", "open", ""), ("a=long", "open", "canary" * 1000)):
        for name, told in (("empty", "is empty"), ("long", "is too long")):
            refused(hvd(*words, "nodes", env=on_bus(place, f"secret-service:a={name}")), told)


@with_pool()
def test_nobody_there(pool):
    words, _ = pool.address()
    with bus() as place:  # without a service
        refused(hvd(*words, "nodes", env=on_bus(place, "secret-service:a=canary")), "the Secret Service cannot be asked: ")
    refused(hvd(*words, "nodes", env=on_bus("/nowhere", "secret-service:a=canary")),
            "the Secret Service cannot be asked: ")


@with_pool()
def test_interrupted(pool):
    """It does not answer: a signal ends the waiting."""
    words, _ = pool.address()
    with bus() as place, Service(place, ("a=b", "silent", "canary")) as service:
        process = start(*words, "nodes", env=on_bus(place, "secret-service:a=b"))
        service.wait("GetSecret")
        process.send_signal(signal.SIGINT)
        finish(process).expect(130, "CANCELLED", "no password was given")


@with_pool()
def test_never_in_arguments_or_environment(pool):
    """SEC-2: while hvd logs in neither its arguments nor its environment have the password."""
    words, _ = pool.address()
    with bus() as place, Service(place, ("a=b", "open", pool.password())):
        pool.hold("session.login_with_password")
        process = start(*words, "nodes", env=on_bus(place, "secret-service:a=b"))
        pool.control.do("wait", id="session.login_with_password")
        seen = b""
        for name in ("cmdline", "environ"):
            with open(f"/proc/{process.pid}/{name}", "rb") as file:
                seen += file.read()
        pool.control.do("release", id="session.login_with_password")
        finish(process).expect(0)
        assert b"secret-service:a=b" in seen and pool.password().encode() not in seen, seen


def test_malformed():
    """Before anything is asked; and nothing of it is repeated."""
    for text in ("", "canary", "=canary", "a=canary,", ",a=canary", "a=canary,a=x", "a=canary,b", "a=\udcff"):
        env = on_bus("/nowhere", "secret-service:" + text)
        refused(hvd("--pool", "https://127.0.0.1:1", "list", env=env), "takes the attributes of an item")


if __name__ == "__main__":
    main("/e2e/keyring")
