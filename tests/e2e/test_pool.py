"""Pools that cannot be opened: which code, which exit status, said how."""

import os
import socket

from shim import MIB, content, directory, equal, hvd, main, with_pool, write, Pool


@with_pool()
def test_by_address(pool):
    words, env = pool.address()
    equal(len(hvd(*words, "--json", "nodes", env=env).json()), 3)
    # a member sends us to the coordinator
    url = f"https://{pool.addresses[1]}:{pool.port}"
    equal(len(hvd("--pool", url, *words[2:], "--json", "nodes", env=env).json()), 3)


@with_pool()
def test_wrong_password(pool):
    words, _ = pool.address()
    env = {"HVD_CREDENTIAL": "env:WORD", "WORD": "wrong"}
    hvd(*words, "list", env=env).expect(11, "hvd: AUTH: ", "HVD_CREDENTIAL")
    _, env = pool.address()
    hvd(*words, "--user", "nobody", "list", env=env).expect(11, "hvd: AUTH: ")


@with_pool()
def test_role(pool):
    words, _ = pool.address()
    env = {"HVD_CREDENTIAL": "file:" + pool.ready["password_file"] + "-read-only"}
    equal(len(hvd(*words, "--user", "read-only", "--json", "nodes", env=env).json()), 3)


@with_pool()
def test_password_beside(pool):
    """A file's name may be one of the directory where the operator is."""
    words, _ = pool.address()
    place, name = os.path.split(pool.ready["password_file"])
    hvd(*words, "list", env={"HVD_CREDENTIAL": f"file:{name}"}, cwd=place).expect(0)


@with_pool()
def test_pins(pool):
    _, env = pool.address()
    pins = []
    for node in pool.ready["nodes"]:
        pins += ["--pin", f"{node['address']}={node['pin']}"]
    words = ["--pool", pool.ready["url"]]
    hvd(*words, *pins, "nodes", env=env).expect(0)
    wrong = ["--pin", f"{pool.addresses[0]}={pool.ready['nodes'][1]['pin']}"]
    hvd(*words, *wrong, "nodes", env=env).expect(27, "hvd: TLS_PIN: ", "advice: ", "--pin")


@with_pool()
def test_wrong_authority(pool):
    _, env = pool.address()
    with directory() as state, Pool(state) as other:
        words = ["--pool", pool.ready["url"], "--ca-file", other.ready["ca"]]
        hvd(*words, "nodes", env=env).expect(24, "hvd: TLS_UNTRUSTED: ", "--ca-file")
        hvd("--pool", pool.ready["url"], "nodes", env=env).expect(24, "hvd: TLS_UNTRUSTED: ", "--ca-file")
        hvd("--pool", pool.ready["url"], "--ca-file", "/nowhere.pem", "nodes",
            env=env).expect(19, "hvd: CONFIG: ", "tls.ca-file: ", "/nowhere.pem")


@with_pool()
def test_answers_that_are_none(pool):
    """A log-in changes nothing: what came instead of its answer is said as it is."""
    words, env = pool.address()
    for fault, status, text in (
            ({"action": "garbage"}, 16, "hvd: PROTOCOL: "),
            ({"action": "truncate"}, 12, "hvd: NOT_REACHABLE: "),
            ({"action": "redirect", "text": "https://evil.example.org/"}, 28, "hvd: REDIRECTED: ")):
        pool.control.do("fault", clear=True)
        pool.control.do("fault", add={"method": "session.login_with_password", "count": 9, **fault})
        hvd(*words, "nodes", env=env).expect(status, text, "session.login_with_password: ")
    pool.control.do("fault", clear=True)
    pool.control.do("fault", add={"method": "Async.VM.create", "action": "garbage", "when": "before"})
    pool.control.do("fault", add={"method": "VM.create", "action": "garbage", "when": "before"})
    path = write(pool.state, "x.img", content(MIB))
    hvd(*words, "spawn", path, env=env).expect(16, "hvd: PROTOCOL: ", "the pool shows no trace of it")


def test_silent():
    """Somebody takes the connection and says nothing: --timeout is for opening, too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        env = {"HVD_CREDENTIAL": "env:WORD", "WORD": "a word"}
        hvd("--pool", url, "--set", "http.allow-plaintext=loopback", "--timeout", "1", "nodes",
            env=env).expect(13, "hvd: TIMED_OUT: ", "within 1 s")


@with_pool()
def test_not_there(pool):
    words, env = pool.address()
    pool.control.do("stop")
    result = hvd(*words, "--json", "list", env=env).expect(12)
    equal((result.error()["code"], result.out), ("NOT_REACHABLE", ""))
    pool.control.do("start")
    hvd(*words, "list", env=env).expect(0)


def test_nobody_listens():
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{placeholder.getsockname()[1]}"
        env = {"HVD_CREDENTIAL": "env:WORD", "WORD": "x"}
        hvd("--pool", url, "list", env=env).expect(12, "hvd: NOT_REACHABLE: ", "advice: ", "--pool")


@with_pool()
def test_plain_http(pool):
    _, env = pool.address()
    url = pool.ready["url"].replace("https:", "http:")
    hvd("--pool", url, "list", env=env).expect(22, "hvd: PLAINTEXT: ", "use https")


@with_pool()
def test_configuration(pool):
    words, env = pool.address()
    hvd(*words, "--set", "no.such=1", "list", env=env).expect(19, "hvd: CONFIG: ", "no.such", "hvd config")
    hvd(*words, "--set", "power.shutdown-timeout=x", "list", env=env).expect(19, "CONFIG")
    hvd("--config", "/nowhere/x", "list", env=env).expect(19, "CONFIG", "/nowhere/x")


def test_spelling():
    """What is wrong on the command line is named as it was given there; but for what may be secret."""
    for words, told in ((["--pool", "nonsense"], '--pool takes a URL, https://ADDRESS, not "nonsense"'),
                        (["--pool", "https://"], '--pool takes a URL, https://ADDRESS, not "https://"'),
                        (["--pin", "foo"], '--pin takes ADDRESS=sha256//BASE64, not "foo"'),
                        (["--set", "storage"], '--set takes GROUP.KEY=VALUE, not "storage"'),
                        (["--set", "a=b.c"], '--set takes GROUP.KEY=VALUE, not "a=b.c"')):
        for command in ("nodes", "config"):
            hvd(*words, command).expect(2, "hvd: USAGE: " + told + "\n")
    for words in (["--pool", "root:canary-4711@x"], ["--set", "pool.password:canary-4711"]):
        result = hvd(*words, "nodes").expect(2, "hvd: USAGE: ")
        assert "canary" not in result.err, result.err


if __name__ == "__main__":
    main("/e2e/pool")
