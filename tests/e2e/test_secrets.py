"""Passwords: where they may come from, and where they never show up."""

import json
import os

from shim import Terminal, directory, equal, finish, hvd, main, start, with_pool, write

NO_REFERENCE = {"HVD_CREDENTIAL": None}
NOBODY = 65534


def arguments_of(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


@with_pool()
def test_references(pool):
    words, env = pool.address()
    equal(hvd(*words, "--json", "nodes", env=env).expect(0).err, "")
    with open(pool.ready["password_file"], "rb") as file:
        fd = file.fileno()
        hvd(*words, "nodes", env={"HVD_CREDENTIAL": f"fd:{fd}"}, pass_fds=[fd]).expect(0)
    credentials = os.path.dirname(pool.ready["password_file"])
    hvd(*words, "nodes", env={"HVD_CREDENTIAL": "credential:password",
                              "CREDENTIALS_DIRECTORY": credentials}).expect(0)


@with_pool()
def test_environment(pool):
    words, _ = pool.address()
    env = {"HVD_CREDENTIAL": "env:SECRET_WORD", "SECRET_WORD": pool.password()}
    hvd(*words, "nodes", env=env).expect(0, "the weakest source")
    [line] = hvd(*words, "--json", "nodes", env=env).expect(0).err.splitlines()
    assert "the weakest source" in json.loads(line)["log"], line
    env = {"HVD_CREDENTIAL": "env:SECRET_WORD", "SECRET_WORD": None}
    hvd(*words, "nodes", env=env).expect(20, "SECRET", "SECRET_WORD, which is not set")
    env["SECRET_WORD"] = "x" * 5000
    hvd(*words, "nodes", env=env).expect(20, "SECRET", "too long")


@with_pool()
def test_environment_is_wiped(pool):
    """SEC-4: while hvd waits for the pool its environment has no password any more."""
    words, _ = pool.address()
    pool.control.do("fault", add={"id": "login", "method": "session.login_with_password",
                                  "action": "hold", "when": "before"})
    password = pool.password()
    process = start(*words, "nodes", env={"HVD_CREDENTIAL": "env:SECRET_WORD",
                                          "SECRET_WORD": password})
    pool.control.do("wait", id="login")
    with open(f"/proc/{process.pid}/environ", "rb") as file:
        seen = file.read()
    pool.control.do("release", id="login")
    finish(process).expect(0)
    assert b"HVD_CREDENTIAL=env:SECRET_WORD" in seen, seen
    assert password.encode() not in seen, "the password is still in the environment"


@with_pool()
def test_json_on_stderr(pool):
    """Each line is a JSON value: the log's have a member "log", and come only where they are asked for."""
    words, env = pool.address()
    equal(hvd(*words, "--json", "list", env=env).expect(0).err, "")
    for level in ("-v", "--debug"):
        lines = [json.loads(line) for line in
                 hvd(*words, level, "--json", "info", "x", env=env).expect(4).err.splitlines()]
        equal([line["code"] for line in lines if "log" not in line], ["NOT_FOUND"])
        assert len(lines) > 1 and {"level", "domain"} <= set(lines[0]), lines


@with_pool()
def test_never_in_arguments_or_output(pool):
    """SEC-2, SEC-28: a scenario with every kind of output, and the process tree's arguments."""
    words, env = pool.address()
    password = pool.password()
    for more in (["--debug", "nodes"], ["-v", "--json", "list"], ["--debug", "info", "x"]):
        result = hvd(*words, *more, env=env)
        assert password not in result.out + result.err, more
        assert "OpaqueRef:" not in result.err, result.err
    assert "session.login_with_password" in hvd(*words, "--debug", "nodes", env=env).err
    pool.control.do("fault", add={"id": "login", "method": "session.login_with_password",
                                  "action": "hold", "when": "before"})
    process = start(*words, "nodes", env=env)
    pool.control.do("wait", id="login")
    seen = arguments_of(process.pid) + arguments_of(pool.process.pid)
    pool.control.do("release", id="login")
    finish(process).expect(0)
    assert password.encode() not in seen, seen


def test_refused_in_arguments():
    for words in (["--set", "pool.password=canary-4711", "list"], ["--password=canary-4711"],
                  ["info", "x", "password=canary-4711"]):
        result = hvd(*words).expect(21, "SECRET_LITERAL", "HVD_CREDENTIAL")
        assert "canary" not in result.err, result.err
    result = hvd("--password", "canary-4711", "list").expect(2, "there is no option --password")
    assert "canary" not in result.err, result.err


def test_literal_in_the_variable():
    env = {"HVD_CREDENTIAL": "canary-4711"}
    result = hvd("--pool", "https://127.0.0.1:1", "list", env=env)
    result.expect(21, "SECRET_LITERAL", "takes a reference")
    assert "canary" not in result.err, result.err


def test_user_info_in_the_address():
    env = {"HVD_CREDENTIAL": "file:/nowhere"}
    result = hvd("--pool", "https://root:canary-4711@127.0.0.1:1", "list", env=env)
    equal(result.status, 21)
    assert "canary" not in result.err, result.err


@with_pool()
def test_file_of_others(pool):
    words, _ = pool.address()
    with directory() as place:
        file = os.path.join(place, "password")
        with open(file, "w", encoding="ascii") as secret:
            secret.write(pool.password())
        os.chmod(file, 0o640)
        hvd(*words, "list", env={"HVD_CREDENTIAL": "file:" + file}).expect(20, "chmod 600")
        hvd(*words, "list", env={"HVD_CREDENTIAL": "file:/nowhere"}).expect(20, "/nowhere")


@with_pool()
def test_no_terminal_no_reference(pool):
    words, _ = pool.address()
    hvd(*words, "list", env=NO_REFERENCE).expect(20, "SECRET", "no terminal to ask at",
                                                   "advice: set HVD_CREDENTIAL=file:PATH")


@with_pool()
def test_asked_for(pool):
    words, _ = pool.address()
    terminal = Terminal(*words, "nodes", env=NO_REFERENCE)
    terminal.read_until(f"Password for root@{pool.ready['url']}: ")
    terminal.type(pool.password() + "\n")
    equal(terminal.end(), 0)
    assert pool.password() not in terminal.seen, "the terminal has echoed it"
    assert "coordinator" in terminal.seen, terminal.seen


@with_pool()
def test_asked_for_in_vain(pool):
    import termios
    words, _ = pool.address()
    terminal = Terminal(*words, "--user", "op", "nodes", env=NO_REFERENCE)
    terminal.read_until("Password for op@")
    before = termios.tcgetattr(terminal.master)[3]
    terminal.type("\x03")
    terminal.read_until("no password was given")
    after = termios.tcgetattr(terminal.master)[3]
    equal(terminal.end(), 130)
    equal((before & termios.ECHO, after & termios.ECHO), (0, termios.ECHO))
    terminal = Terminal(*words, "nodes", env=NO_REFERENCE)
    terminal.read_until("Password for root@")
    terminal.type("\n")
    equal(terminal.end(), 20)
    terminal = Terminal(*words, "nodes", env=NO_REFERENCE)
    terminal.read_until("Password for root@")
    terminal.type("wrong-4711\n")
    equal(terminal.end(), 11)
    assert "4711" not in terminal.seen, terminal.seen


@with_pool()
def test_password_of_another_pool(pool):
    """A pool that is named on the command line never gets what the configuration has for another;
    and the callback serves names that a file asks for."""
    with directory() as place:
        file = os.path.join(place, "a.conf")
        with open(file, "w", encoding="ascii") as conf:
            conf.write(f"[pool]\nurl={pool.ready['url']}\npassword=host:the-pool\n"
                       f"[tls]\nca-file={pool.ready['ca']}\n")
        hvd("--config", file, "nodes", env=NO_REFERENCE).expect(20, "no terminal to ask at")
        terminal = Terminal("--config", file, "nodes", env=NO_REFERENCE)
        terminal.read_until("Password for the-pool: ")
        terminal.type(pool.password() + "\n")
        equal(terminal.end(), 0)
        _, env = pool.address()
        hvd("--config", file, "nodes", env=env).expect(0)


def configure(place, pool, *more):
    """A configuration file without a password."""
    return write(place, "x.conf", f"[pool]\nurl={pool.ready['url']}\nusername=root\n"
                 f"[tls]\nca-file={pool.ready['ca']}\n" + "\n".join(more))


@with_pool()
def test_file_without_password(pool):
    """As with --pool: the variable, the terminal, or it is said which key is missing."""
    with directory() as place:
        file = configure(place, pool)
        _, env = pool.address()
        hvd("--config", file, "nodes", env=env).expect(0)
        hvd("--config", file, "nodes", env=NO_REFERENCE).expect(
            20, f"hvd: SECRET: pool.password is not set in {file}, HVD_CREDENTIAL is not set",
            "  advice: write password=file:PATH under [pool]")
        terminal = Terminal("--config", file, "nodes", env=NO_REFERENCE)
        terminal.read_until(f"Password for root@{pool.ready['url']}: ")
        terminal.type(pool.password() + "\n")
        equal(terminal.end(), 0)


@with_pool()
def test_empty_variable(pool):
    words, _ = pool.address()
    empty = {"HVD_CREDENTIAL": ""}
    hvd(*words, "list", env=empty).expect(20, "hvd: SECRET: HVD_CREDENTIAL is empty", "unset it")
    pool.hvd("list", env=empty).expect(0)  # nobody asks for it there


@with_pool()
def test_faulty_variable(pool):
    """It is a fault where a password is wanted, and there alone."""
    words, _ = pool.address()
    for value, status in (("env:UNSET_WORD", 20), ("canary-4711", 21), ("secret-service:", None)):
        env = {"HVD_CREDENTIAL": value, "UNSET_WORD": None}
        for harmless in (["help", "environment"], ["version"], ["config"], ["complete", "--", "li"]):
            hvd(*harmless, env=env).expect(0)
        pool.hvd("list", env=env).expect(0)
        result = hvd(*words, "list", env=env)
        equal(result.status in (20, 21) if status is None else result.status == status, True)
        doctor = hvd(*words, "--json", "doctor", env=env).json()
        found = next(one for one in doctor if one["check"] == "credentials")
        equal(found["state"], "problem")
        assert "canary" not in result.err + json.dumps(found), found


@with_pool()
def test_pool_by_setting(pool):
    """--set pool.url is as --pool: neither the simulated pool's password goes there, nor that of a
    configuration for another address."""
    words = ["--set", "pool.url=" + pool.ready["url"], "--ca-file", pool.ready["ca"]]
    _, env = pool.address()
    with directory() as state:
        kept = {**NO_REFERENCE, "XDG_STATE_HOME": state}
        equal(len(hvd(*words, "--json", "nodes", env={**kept, **env}).json()), 3)
        for more in ([], ["--config", write(state, "other.conf",
                          f"[pool]\nurl=https://a.example\nusername=root\npassword={env['HVD_CREDENTIAL']}\n")]):
            result = hvd(*more, *words, "nodes", env=kept)
            result.expect(20, "hvd: SECRET: ", "no terminal to ask at")
            assert "simulated" not in result.err, result.err
        equal(os.path.exists(os.path.join(state, "hvd")), False)
        hvd("--set", "pool.username=op", "nodes", env=kept).expect(19, "hvd: CONFIG: ", "pool.url")
    for key in ("pool.url", "pool.username"):
        pool.hvd("--set", key + "=x", "nodes").expect(2, f"no --set {key} with it")
    hvd("--pool", pool.ready["url"], *words, "nodes", env=env).expect(2, "no --set pool.url with it")


@with_pool()
def test_no_core_and_not_dumpable(pool):
    """No core file; and what other processes of the same user could look into is root's."""
    words, _ = pool.address()
    env = {"HVD_CREDENTIAL": "env:WORD", "WORD": pool.password()}
    pool.control.do("fault", add={"id": "login", "method": "session.login_with_password",
                                  "action": "hold", "when": "before"})
    somebody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    for path in (pool.state, pool.ready["ca"]):
        os.chmod(path, 0o755)
    process = start(*words, "nodes", env=env, **somebody)
    pool.control.do("wait", id="login")
    with open(f"/proc/{process.pid}/limits", encoding="ascii") as file:
        core = next(line for line in file if line.startswith("Max core file size"))
    owner = os.stat(f"/proc/{process.pid}/environ").st_uid
    pool.control.do("release", id="login")
    finish(process).expect(0)
    equal(core.split()[4:6], ["0", "0"])
    if os.environ.get("HVD_TEST_SANITIZED") != "1":  # a leak check has to look in
        equal(owner, 0)


if __name__ == "__main__":
    main("/e2e/secrets")
