"""doctor: each check finds the fault that is planted for it, and is content without."""

import json
import os
import resource
import shutil
import socket
import subprocess

from shim import MIB, content, directory, equal, hvd, main, with_pool, write, Pool
from test_keyring import Service, bus, on_bus

NOBODY = 65534
NOW = ("--set", "reconcile.grace=0")
CHECKS = {
    "driver", "configuration", "credentials", "locked-memory", "core-files", "address", "certificate",
    "login", "role", "clock", "coordinator", "nodes", "versions", "pins", "expiry", "transfers",
    "storage-links", "storage-space", "default-storage", "guest-drivers", "leftovers",
}


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def examine(*words, **options):
    """All that it says, by check: [(state, text, advice)]; and its exit status."""
    options.setdefault("preexec_fn", no_core)
    result = hvd("--json", *words, "doctor", **options)
    found = {}
    for one in result.json():
        found.setdefault(one["check"], []).append((one["state"], one["text"], one.get("advice")))
    equal(set(found), CHECKS)
    problems = sum(one[0] == "problem" for several in found.values() for one in several)
    equal((result.status, "PROBLEMS" in result.err), (29, True) if problems else (0, False))
    return found


def joined(pool, *words, **options):
    return examine(f"--simulate={pool.state}", *words, **options)


def expect(found, check, state, *texts):
    """One thing that was said has this state, these texts, and an advice."""
    for one in found[check]:
        if one[0] == state and all(text in one[1] for text in texts):
            assert state in ("ok", "unknown") or one[2], ("no advice", one)
            return
    raise AssertionError((check, state, texts, found[check]))


def content_with(found, *others):
    """Nothing but @others has found anything."""
    bad = {check for check, several in found.items() if any(one[0] != "ok" for one in several)}
    equal(bad - set(others), set())


def test_silent():
    """The pool takes the connection and says nothing: that is a finding, and the others are made."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        words = ["--pool", f"http://127.0.0.1:{server.getsockname()[1]}", "--timeout", "1",
                 "--set", "http.allow-plaintext=loopback"]
        found = examine(*words, env={"HVD_CREDENTIAL": "env:WORD", "WORD": "a word"})
        expect(found, "login", "problem", "TIMED_OUT", "within 1 s")
        expect(found, "address", "ok")


def ref_of(pool, kind, **members):
    [ref] = [ref for ref, record in pool.records(kind).items()
             if all(record[name] == value for name, value in members.items())]
    return ref


def plant(pool, kind, ref, field, value):
    """Sets a field, and gives what it was."""
    before = pool.records(kind)[ref][field]
    pool.control.do("set", **{"class": kind, "ref": ref, "field": field, "value": value})
    return before


@with_pool()
def test_healthy(pool):
    pool.spawn(write(pool.state, "x.img", content(MIB)), "--name", "web-1")
    content_with(joined(pool))
    result = pool.hvd("doctor", preexec_fn=no_core).expect(0)
    equal(result.out.splitlines()[-1], "21 checks: 0 problems, 0 warnings, 0 unknown")
    for node in pool.ready["nodes"]:
        assert node["pin"] in result.out, result.out
    equal({one["check"] for one in hvd("--json", "doctor", "--list").json()}, CHECKS)


def check_fault(pool, kind, ref, field, value, check, state, *texts):
    """With the fault it reports, and nothing else does; without it does not."""
    before = plant(pool, kind, ref, field, value)
    found = joined(pool)
    expect(found, check, state, *texts)
    content_with(found, check)
    plant(pool, kind, ref, field, before)
    content_with(joined(pool))


@with_pool("--shared-size", "1000000000000")
def test_pool(pool):
    """Faults in the pool's own objects, one after the other."""
    pool.spawn(write(pool.state, "x.img", content(MIB)), "--name", "web-1")
    shared = ref_of(pool, "SR", name_label="Shared storage")
    second = ref_of(pool, "host", name_label="xapisim2")
    metrics = pool.records("host")[second]["metrics"]
    plug = ref_of(pool, "PBD", SR=shared, host=second)
    guest = pool.record("VM", name_label="web-1")["guest_metrics"]
    for fault in (
            ("SR", shared, "physical_utilisation", 950000000000, "storage-space", "warning", "95 %"),
            ("SR", shared, "physical_utilisation", 990000000000, "storage-space", "problem", "99 %"),
            ("PBD", plug, "currently_attached", False, "storage-links", "problem",
             "xapisim2 is not connected to Shared storage"),
            ("host", second, "enabled", False, "nodes", "warning", "xapisim2 is disabled"),
            ("host_metrics", metrics, "live", False, "nodes", "problem", "xapisim2 is down"),
            ("VM_guest_metrics", guest, "PV_drivers_detected", False, "guest-drivers", "warning",
             "web-1 has told of no"),
            ("VM_guest_metrics", guest, "PV_drivers_up_to_date", False, "guest-drivers", "warning",
             "web-1 has outdated"),
            ("pool", next(iter(pool.records("pool"))), "default_SR", "OpaqueRef:NULL", "default-storage",
             "warning", "neither")):
        check_fault(pool, *fault)


@with_pool()
def test_coordinator_and_versions(pool):
    first = ref_of(pool, "host", name_label="xapisim1")
    metrics = pool.records("host")[first]["metrics"]
    before = plant(pool, "host_metrics", metrics, "live", False)
    expect(joined(pool), "coordinator", "problem", "xapisim1 is the coordinator, and down")
    plant(pool, "host_metrics", metrics, "live", before)
    old = {**pool.records("host")[first]["software_version"], "product_version": "6.2.0"}
    check_fault(pool, "host", first, "software_version", old, "versions", "warning", "XCP-ng 6.2.0")


@with_pool()
def test_clock(pool):
    pool.control.do("clock", advance=60)
    expect(joined(pool), "clock", "warning", "s ahead of this machine's")
    pool.control.do("clock", advance=600)
    found = joined(pool)
    expect(found, "clock", "problem", "s ahead of this machine's")
    content_with(found, "clock")


@with_pool()
def test_roles(pool):
    """What each account may do; with the pool's own names."""
    words = ["--pool", pool.ready["url"], "--ca-file", pool.ready["ca"]]
    for role, state in (("read-only", "problem"), ("vm-operator", "problem"), ("vm-admin", "warning"),
                        ("vm-power-admin", "warning"), ("pool-operator", "ok"), ("pool-admin", "ok")):
        env = {"HVD_CREDENTIAL": f"file:{pool.ready['password_file']}-{role}"}
        expect(examine(*words, "--user", role, env=env), "role", state, f"has the role {role}")
    pool.fail("host.get_servertime", "INTERNAL_ERROR", "no", count=9)
    found = joined(pool)
    expect(found, "role", "unknown")
    expect(found, "clock", "unknown")


@with_pool()
def test_login(pool):
    words, _ = pool.address()
    env = {"HVD_CREDENTIAL": "env:WORD", "WORD": "canary-4711"}
    result = hvd("--json", *words, "doctor", env=env)
    assert "canary" not in result.out + result.err
    found = examine(*words, env=env)
    expect(found, "login", "problem", "AUTH")
    expect(found, "credentials", "warning", "environment")
    expect(found, "nodes", "unknown")
    expect(found, "certificate", "ok")


@with_pool()
def test_keyring(pool):
    words, _ = pool.address()
    with bus() as place, Service(place, ("a=b", "open", pool.password())):
        found = examine(*words, env=on_bus(place, "secret-service:a=b"))
        expect(found, "credentials", "ok", "Secret Service")
        expect(found, "login", "ok")
        found = examine(*words, env=on_bus(place, "secret-service:a=c"))
        expect(found, "login", "problem", "no item with such values")


@with_pool()
def test_leftovers(pool):
    pool.hold("VBD.create", when="after")
    process = pool.start("spawn", write(pool.state, "x.img", content(MIB)), "--name", "web-1")
    pool.control.do("wait", id="VBD.create")
    process.kill()
    process.communicate()
    pool.control.do("release", id="VBD.create")
    pool.control.do("restart")
    expect(joined(pool, *NOW), "leftovers", "warning", "would put it right")
    pool.hvd(*NOW, "reconcile").expect(0)
    expect(joined(pool, *NOW), "leftovers", "ok", "nothing that reconcile would put right")
    content_with(joined(pool, *NOW))


@with_pool()
def test_way(pool):
    words, env = pool.address()
    found = examine("--pool", "https://no.such.name.invalid", env=env)
    expect(found, "address", "problem", "no.such.name.invalid")
    with directory() as place:
        expect(examine("--pool", pool.ready["url"], env=env), "certificate", "problem", "no authority")
        pool.control.do("node-crash", node=3)
        found = joined(pool)
        expect(found, "transfers", "problem", "xapisim3")
        pool.control.do("node-boot", node=3)
        expect(joined(pool), "transfers", "ok", "3 of 3")
    pool.control.do("stop")
    found = examine(*words, env=env)
    expect(found, "address", "problem", pool.addresses[0])
    expect(found, "certificate", "unknown")
    pool.control.do("start")


@with_pool()
def test_pins(pool):
    _, env = pool.address()
    words = ["--pool", pool.ready["url"]]
    pins = [f"{node['address']}={node['pin']}" for node in pool.ready["nodes"]]
    good = [word for pin in pins for word in ("--pin", pin)]
    found = examine(*words, *good, env=env)
    content_with(found)
    expect(found, "pins", "ok", "it is pinned", pool.ready["nodes"][1]["pin"])
    wrong = [*good[:4], "--pin", f"{pool.addresses[2]}={pool.ready['nodes'][0]['pin']}"]
    found = examine(*words, *wrong, env=env)
    expect(found, "pins", "problem", "xapisim3", pool.ready["nodes"][2]["pin"])
    expect(found, "transfers", "problem", "xapisim3", "none of the pinned ones")
    expect(examine(*words, *good, "--pin", f"192.0.2.1={pool.ready['nodes'][0]['pin']}", env=env),
           "pins", "warning", "192.0.2.1, which is no node")


@with_pool()
def test_no_tls_here(pool):
    """Without GLib's TLS nothing is known of certificates, which is no fault of the pool's."""
    words, env = pool.address()
    found = examine(*words, env={**env, "GIO_MODULE_DIR": "/nonexistent"})
    for check in ("certificate", "pins", "transfers"):
        expect(found, check, "unknown", "no TLS here")
        assert found[check][0][2] == "install glib-networking", found[check]
    expect(found, "login", "ok")
    content_with(found, "certificate", "pins", "expiry", "transfers")


def renew(state, address, days):
    """Another certificate of the same key, for so many days."""
    key, pem = f"node-{address}.key", f"node-{address}.pem"
    subprocess.run(["openssl", "req", "-x509", "-key", key, "-out", pem, "-days", str(days),
                    "-subj", f"/CN={address}", "-CA", "ca.pem", "-CAkey", "ca.key",
                    "-addext", f"subjectAltName=IP:{address}",
                    "-addext", "basicConstraints=critical,CA:FALSE"], cwd=state, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_expiry():
    with directory() as state:
        with Pool(state) as pool:
            address = pool.addresses[1]
            expect(joined(pool), "expiry", "ok")
        renew(state, address, 7)
        with Pool(state) as pool:
            found = joined(pool)
            expect(found, "expiry", "warning", "xapisim2", "days")
            content_with(found, "expiry")


@with_pool()
def test_files(pool):
    """Modes and keys of the configuration, modes of the password's file."""
    with directory() as place:
        password = os.path.join(place, "password")
        shutil.copy(pool.ready["password_file"], password)
        os.chmod(password, 0o600)
        lines = (f"[pool]\nurl={pool.ready['url']}\nusername=root\npassword=file:{password}\n"
                 f"[tls]\nca-file={pool.ready['ca']}\n")
        file = write(place, "x.conf", lines)
        content_with(examine("--config", file))
        os.chmod(file, 0o666)
        expect(examine("--config", file), "configuration", "problem", "mode 666")
        os.chmod(file, 0o644)
        os.chmod(password, 0o640)
        expect(examine("--config", file), "credentials", "problem", "mode 640")
        os.chmod(password, 0o600)
        os.symlink(password, os.path.join(place, "link"))
        write(place, "empty", b"")
        os.chmod(os.path.join(place, "empty"), 0o600)
        for name, fault in (("link", "a symbolic link"), ("empty", "is empty"), (".", "no regular file")):
            write(place, "x.conf", lines.replace(password, os.path.join(place, name)))
            found = examine("--config", file)
            expect(found, "credentials", "problem", fault)
            expect(found, "login", "problem", "SECRET")
        write(place, "x.conf", lines.replace(password, "password"))
        expect(examine("--config", file), "credentials", "problem", "not absolute")
        write(place, "x.conf", lines + "[http]\ncall-timeout=0\n")
        expect(examine("--config", file), "configuration", "problem", "takes 1 to 3600, not \"0\"")
        write(place, "x.conf", lines + "colour=red\n")
        expect(examine("--config", file), "configuration", "problem", "there is no key tls.colour")
        write(place, "x.conf", lines.replace(f"file:{password}", "canary-4711"))
        found = examine("--config", file)
        expect(found, "credentials", "problem", "no reference")
        assert "canary" not in json.dumps(found), found
        write(place, "x.conf", lines.replace(f"file:{password}", f"file:{place}/none"))
        expect(examine("--config", file), "credentials", "problem", "none")
        write(place, "x.conf", lines + "[storage]\ndefault=Elsewhere\n")
        expect(examine("--config", file), "default-storage", "problem", "Elsewhere")
        write(place, "x.conf", lines + "[storage]\ndefault=Local storage\n")
        expect(examine("--config", file), "default-storage", "problem", "3 are called so")


@with_pool()
def test_memory(pool):
    def core():
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard if hard != 0 else 0, hard))

    def unlocked():
        no_core()
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))

    if resource.getrlimit(resource.RLIMIT_CORE)[1] != 0:
        expect(joined(pool, preexec_fn=core), "core-files", "warning")
    words, _ = pool.address()
    os.chmod(pool.state, 0o755)
    os.chmod(pool.ready["ca"], 0o644)
    somebody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    env = {"HVD_CREDENTIAL": "env:WORD", "WORD": pool.password()}
    expect(examine(*words, env=env, preexec_fn=unlocked, **somebody), "locked-memory", "warning", "swap")


def test_driver():
    with directory() as place:
        module = write(place, "x.so", b"no module")
        os.chmod(module, 0o644)
        env = {"HVD_CREDENTIAL": "file:/nowhere"}
        found = examine("--driver", module, "--pool", "https://127.0.0.1:1", env=env)
        expect(found, "driver", "problem", "not loaded")
        expect(found, "login", "unknown")


if __name__ == "__main__":
    main("/e2e/doctor")
