"""What an operator looks at: nodes, instances, the driver, its configuration, the help."""

import ctypes
import json
import os
import re
import subprocess

from shim import MIB, Pool, Terminal, content, directory, equal, hvd, main, with_pool, write


def rename_coordinator(pool, name):
    host = pool.control.call("pool.get_all_records").popitem()[1]["master"]
    pool.control.do("set", **{"class": "host", "ref": host, "field": "name_label", "value": name})


@with_pool()
def test_nodes(pool):
    nodes = pool.hvd("--json", "nodes").json()
    equal([node["address"] for node in nodes], pool.addresses)
    result = pool.hvd("nodes").expect(0)
    lines = result.out.splitlines()
    equal(lines[0].split()[:3], ["NAME", "ADDRESS", "ROLE"])
    equal(lines[1].split()[1:4], [pool.addresses[0], "coordinator", "ready"])
    equal(len(lines), 4)
    equal(result.err, "")


@with_pool()
def test_storage(pool):
    lines = pool.hvd("nodes", "--storage").expect(0).out.splitlines()
    equal(len(lines), 7)
    equal(sum("Shared storage" in line for line in lines), 3)


@with_pool()
def test_no_instances(pool):
    equal(pool.hvd("--json", "list").json(), [])
    equal(pool.hvd("list").out, "no instances\n")


@with_pool()
def test_unknown_instance(pool):
    pool.hvd("info", "nobody").expect(4, 'hvd: NOT_FOUND: there is no instance "nobody"')
    uuid = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"
    pool.hvd("info", uuid).expect(4, "NOT_FOUND", uuid)
    result = pool.hvd("--json", "info", uuid.upper()).expect(4)
    equal(result.error()["code"], "NOT_FOUND")
    equal(result.out, "")


def test_no_configuration():
    """Everything works without any: in a state of the user's own, and said in one line."""
    with directory() as state:
        env = {"XDG_STATE_HOME": state}
        place = os.path.join(state, "hvd", "simulated")
        first = hvd("--json", "nodes", env=env)
        result = hvd("nodes", env=env).expect(0)
        equal(result.err, f"hvd: no configuration: using the simulated pool in {place}\n")
        # the second process sees the first one's pool; a script is told too, as JSON
        equal(hvd("--json", "nodes", env=env).json(), first.json())
        equal([json.loads(line) for line in first.err.splitlines()],
              [{"log": f"no configuration: using the simulated pool in {place}"}])
        equal(os.stat(place).st_mode & 0o777, 0o700)
        for name in ("xenapi.conf", "xapi-sim.log", "start.lock", "password"):
            equal((name, os.stat(os.path.join(place, name)).st_mode & 0o777), (name, 0o600))


def obey_permissions():
    """For root too, from the next program on: without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
    for capability in (1, 2) if os.geteuid() == 0 else ():
        ctypes.CDLL(None, use_errno=True).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def test_simulated_pool_without_a_place():
    """Which file, why, the code of that, and what else can be done."""
    advice = "  advice: name another place with --simulate=DIR or XDG_STATE_HOME, or a pool with --pool"
    with directory() as place:
        write(place, "file", "")
        os.makedirs(place + "/log/xapi-sim.log")
        os.mkdir(place + "/closed", 0o500)
        for name, status, told in (("file/x", 4, "file/x: Not a directory"),
                                   ("log", 3, "log/xapi-sim.log: Is a directory"),
                                   ("closed", 10, "closed/xapi-sim.log: Permission denied"),
                                   ("closed/x", 10, "closed/x: Permission denied")):
            result = hvd(f"--simulate={place}/{name}", "list", preexec_fn=obey_permissions)
            result.expect(status, f": the simulated pool has no place: {place}/{told}\n{advice}\n")
            equal(len(result.err.splitlines()), 2)
        write(place, "pool.json", "{")
        hvd(f"--simulate={place}", "list").expect(
            12, "hvd: NOT_REACHABLE: the simulated pool did not start: xapi-sim: ", "pool.json")


def test_two_start_at_once():
    with directory() as state:
        from shim import finish, start
        both = [start(f"--simulate={state}/x", "--json", "nodes") for _ in range(4)]
        answers = [finish(one) for one in both]
        for answer in answers:
            equal(answer.json(), answers[0].json())


def test_version_and_capabilities():
    version = hvd("--json", "version").json()
    equal(sorted(version), ["driver", "driver_version", "file", "hvd", "interface"])
    equal(hvd("--version").out, hvd("version").out)
    can = hvd("--json", "capabilities").json()
    assert can["slots"]["list_nodes"] is True, can
    assert can["capabilities"]["plan"] is True, can
    assert "list_nodes" in hvd("capabilities").expect(0).out


def test_config():
    keys = hvd("--json", "config").json()
    assert all("summary" in key and "value" not in key for key in keys), keys
    with directory() as place:
        file = os.path.join(place, "a.conf")
        with open(file, "w", encoding="ascii") as conf:
            conf.write("[pool]\nurl=https://a.example\npassword=file:/p\n[power]\n"
                       "shutdown-timeout=7\n")
        named = hvd("--config", file, "--set", "task.cancel-grace=9", "--json", "config").json()
        values = {f"{key['group']}.{key['key']}": key["value"] for key in named if "value" in key}
        equal(values, {"pool.url": "https://a.example", "pool.password": "file:/p",
                       "power.shutdown-timeout": "7", "task.cancel-grace": "9"})
        odd = hvd("--ca-file", b"/srv/caf\xe9", "--json", "config", "tls.ca-file").json()
        equal(odd[0]["value"], "/srv/caf\ufffd")
        text = hvd("--config", file, "config", "power.shutdown-timeout").expect(0).out
        assert "120" in text and "7\n" in text, text
        assert "0 to 3600" in text, text
        equal(len(hvd("config", "pool").out.splitlines()), 7)
    text = hvd("config", "pool.password").expect(0).out
    for scheme in ("file:", "credential:", "fd:", "host:"):  # what the driver takes
        assert scheme in text, text
    said = hvd("--set", "http.call-timeout=abc", "--set", "no.such=1", "--set", "pool.encoding=jason",
               "config", "pool.url").expect(0).err
    for fault in ('http.call-timeout takes 1 to 3600, not "abc"', "there is no key no.such",
                  'pool.encoding takes auto, json, xml, not "jason"'):
        assert fault in said, said
    [line] = hvd("--json", "--set", "no.such=1", "config", "pool.url").expect(0).err.splitlines()
    assert "there is no key no.such" in json.loads(line)["log"], line
    hvd("config", "nonsense").expect(4, '"hvd config" lists the keys')
    hvd("config", "tls.pin").expect(4, 'there is no key "tls.pin"', 'did you mean "tls.pins"?')
    hvd("--config", "/nowhere/x.conf", "config").expect(19, "CONFIG", "/nowhere/x.conf")


def test_config_hides_passwords():
    with directory() as place:
        file = os.path.join(place, "a.conf")
        with open(file, "w", encoding="ascii") as conf:
            conf.write("[pool]\npassword=canary-4711\n")
        for words in (["config"], ["config", "pool.password"], ["--json", "config"]):
            result = hvd("--config", file, *words).expect(0)
            assert "canary" not in result.out + result.err, result.out
            assert "<redacted>" in result.out, result.out
        with open(file, "w", encoding="ascii") as conf:
            conf.write("[pool]\nurl=https://root:canary-4711@pool.example\n")
        for words in (["config"], ["config", "pool.url"], ["--json", "config"]):
            result = hvd("--config", file, *words).expect(0)
            assert "canary" not in result.out + result.err, result.out
            assert "<redacted>" in result.out, result.out
        with open(file, "w", encoding="ascii") as conf:
            conf.write("canary-4711\n")
        result = hvd("--config", file, "config").expect(19, "CONFIG", "it is no key file")
        assert "canary" not in result.out + result.err, result.err


def test_help_of_everything():
    everything = hvd("help").expect(0)
    equal(hvd("--help").out, everything.out)
    equal(everything.err, "")
    for line in everything.out.splitlines():
        assert len(line) <= 80, line
    names = hvd_names()
    assert {"list", "info", "help"} <= set(names), names
    for name in names:
        text = hvd("help", *name.split()).expect(0).out
        assert text.startswith("Usage: hvd [OPTION...] " + name), text
        assert "Examples\n  hvd " in text and "With --json\n" in text, text
        equal(hvd(*name.split(), "--help").out, text)
        assert name in everything.out, name


def hvd_names():
    """The commands, as the general help lists them: indented by two, before the options."""
    text = hvd("help").out.split("\nOptions\n")[0]
    names = []
    for line in text.splitlines():
        if line.startswith("  ") and line[2] != " ":
            words = line[2:].split("  ")[0].split()
            names.append(" ".join(word for word in words if word.islower() and word[0] not in "[-"))
    return names


def test_help_of_commands():
    """Options stand under a heading, in one column; what is needed stands in the first line."""
    text = hvd("help", "destroy").out
    options = text.split("\nOptions\n")[1].split("\n\n")[0].splitlines()
    equal([line.index(word) for line, word in zip(options, ("ask nothing", "print what would"))],
          2 * [len("  -y, --yes  ")])
    assert "\n\nOptions\n  --plan  print what would be done" in hvd("power", "on", "--help").out
    equal(hvd("snapshot", "--help").out.splitlines()[0],
          "Usage: hvd [OPTION...] snapshot INSTANCE --to FILE")
    hvd("snapshot", "web-1").expect(2, "usage: hvd snapshot INSTANCE --to FILE")
    for family in ("power", "volume"):
        text = hvd(family, "--help").expect(0).out
        equal(text, hvd("help", family).out)
        assert text.startswith(f"Usage: hvd [OPTION...] {family} ...\n"), text


def test_topics():
    text = hvd("help", "exit-codes").expect(0).out
    for status, code in ((0, "-"), (2, "USAGE"), (4, "NOT_FOUND"), (27, "TLS_PIN"),
                         (130, "CANCELLED")):
        assert any(line.split()[:2] == [str(status), code] for line in text.splitlines()), text
    assert '"no" stopped it' in text, text
    assert "HVD_CREDENTIAL" in hvd("help", "environment").expect(0).out
    hvd("help", "exitcodes").expect(2, 'did you mean "exit-codes"?')


def test_usage():
    result = hvd().expect(2, "Usage: hvd [OPTION...] COMMAND")
    equal(result.out, "")
    hvd("lst").expect(2, 'hvd: USAGE: there is no command "lst"', 'did you mean "list"?')
    hvd("--plan", "list").expect(2, '"list" changes nothing')
    hvd("--pool", "https://a", "--simulate", "list").expect(2, "exclude each other")
    hvd("--set", "nonsense", "config").expect(2, "--set takes GROUP.KEY=VALUE")
    hvd("--user", "x", "list").expect(19, "nothing says which pool is meant", "--pool https://ADDRESS")
    equal(hvd("--json").expect(2).error()["code"], "USAGE")
    error = hvd("lst", "--json").expect(2).error()
    equal((error["code"], error["advice"]), ("USAGE", 'did you mean "list"?'))


def test_driver_file():
    hvd("--driver", "/nowhere/x.so", "version").expect(4, "NOT_FOUND", "/nowhere/x.so")
    with directory() as place:
        module = os.path.join(place, "x.so")
        with open(module, "wb") as file:
            file.write(b"no module")
        hvd("--driver", module, "version").expect(15, "UNSUPPORTED", "driver not loaded")
        os.chmod(module, 0o666)
        hvd("--driver", module, "version").expect(10, "DENIED", "can be changed by others")
        os.chmod(module, 0o644)
        os.chmod(place, 0o777)
        hvd("--driver", module, "version").expect(10, "DENIED", "can be changed by others")


def test_output_that_cannot_be_written():
    with open("/dev/full", "w", encoding="ascii") as full:
        hvd("help", stdout=full).expect(1, "hvd: FAILED: the output cannot be written")


@with_pool()
def test_closed_descriptors(pool):
    """What is opened later does not take their places: a pool's socket gets no table."""
    closed = "the output cannot be written: Bad file descriptor"
    pool.hvd("list", preexec_fn=lambda: os.close(1)).expect(1, closed)
    for words in (["list"], ["--json", "list"], ["--json", "info", "web-1"], ["help"]):
        equal(pool.hvd(*words, preexec_fn=lambda: os.closerange(0, 3)).status, 4 if "info" in words else 1)
    equal(pool.hvd("list", preexec_fn=lambda: os.close(0)).expect(0).err, "")
    pool.hvd("scenario", "-", preexec_fn=lambda: os.close(0)).expect(1, "standard input: Bad file descriptor")
    with directory() as place:
        equal(hvd(f"--simulate={place}", "list", preexec_fn=lambda: os.closerange(0, 3)).status, 1)
        hvd(f"--simulate={place}", "list").expect(0)


@with_pool()
def test_colours(pool):
    def shown(**env):
        terminal = pool.terminal("nodes", env=env)
        equal(terminal.end(), 0)
        return terminal.seen

    assert "\x1b[32mready" in shown(), shown()
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}):
        assert "\x1b" not in shown(**env), shown(**env)
    assert "\x1b[32m" in shown(NO_COLOR=""), "an empty NO_COLOR is none"
    assert "\x1b" not in pool.hvd("nodes").out


@with_pool()
def test_narrow_terminal(pool):
    rename_coordinator(pool, "n" * 200)
    terminal = pool.terminal("nodes", columns=80, env={"NO_COLOR": "1"})
    equal(terminal.end(), 0)
    for line in terminal.seen.splitlines():
        assert len(line) <= 80, line
    assert "n…" in terminal.seen, terminal.seen
    assert "n" * 200 in pool.hvd("nodes").out


@with_pool()
def test_text_of_the_pool_is_inert(pool):
    """SEC-17: names steer no terminal, not even through JSON."""
    name = "\x1b]0;x\x07\n\u202e\u009b2J名前"
    rename_coordinator(pool, name)
    text = pool.hvd("nodes").expect(0).out
    assert "\\x1b]0;x\\x07\\x0a\\u202e\\x9b2J名前" in text, text
    result = pool.hvd("--json", "nodes")
    assert not {"\x1b", "\u202e", "\u009b", "\x07"} & set(result.out), result.out
    assert name in [node["name"] for node in result.json()]
    # columns stay aligned beside characters of two columns
    lines = text.splitlines()
    equal(lines[1].index(pool.addresses[0]), lines[2].index(pool.addresses[1]) - 2)


def run_simulator(*words, **options):
    return subprocess.run([os.environ["XAPI_SIM"], *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, **options)


def test_faults_of_the_simulator():
    """--help explains the file; its example is one; what is none is refused in one line."""
    text = run_simulator("--help").stdout
    [example] = re.findall(r"^  (\[\{.*?\}\])$", text, re.MULTILINE | re.DOTALL)
    with directory() as place:
        rules = write(place, "faults.json", example)
        equal(len(json.loads(example)), 2)
        with Pool(place, "--faults", rules) as pool:
            pool.hvd("spawn", write(place, "x.img", content(MIB))).expect(9, "SR_FULL")
        for broken in ('[{"method":\n"x"', "{}", '[{"action":"x"}]', '[{"method":\n"x"}\n\n'):
            done = run_simulator("--faults", write(place, "broken.json", broken))
            equal((done.returncode, done.stderr.count("\n"), done.stderr[:11]), (1, 1, "xapi-sim: " + place[0]))
            assert "broken.json: " in done.stderr, done.stderr


if __name__ == "__main__":
    main("/e2e/look")
