"""scenario: a file of commands, checked as a whole, run on one connection, held to what is expected.
Uses python3-jsonschema beside the standard library."""

import json
import pathlib
import re
import subprocess

import jsonschema

from shim import MIB, content, directory, equal, hvd, main, with_pool, write

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "host-shim" / "scenario.schema.json"
DOCUMENT = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def scenario(place, *steps):
    DOCUMENT.validate(list(steps))
    return write(place, "x.json", json.dumps(steps))


def run(pool, *steps, words=(), **options):
    return pool.hvd(*words, "scenario", scenario(pool.state, *steps), **options)


def life(image):
    """From spawn to destroy, each step with its expectation."""
    return [
        {"run": ["spawn", image, "--name", "web-1", "--vcpus", "2"], "comment": "a small one",
         "expect": {"json": {"name": "web-1", "vcpus": 2}},
         "save": {"id": "/uuid", "cpus": "/vcpus", "mac": "/networks/0/mac"}},
        {"run": ["list"], "expect": {"json": [{"uuid": "${id}", "networks": [{"mac": "${mac}"}]}]}},
        {"run": ["power", "off", "--hard", "${id}"], "expect": {"json": {"state": "shutdown"}}},
        {"run": ["--plan", "power", "on", "web-1"], "expect": {"json": {"operation": "power-on"}}},
        {"run": ["events"], "expect": {"json": {"state": "shutdown", "gone": False}}},
        {"run": ["destroy", "${id}"], "expect": {"json": {}}},
        {"run": ["info", "web-1"],
         "expect": {"exit": 4, "json": {"code": "NOT_FOUND"},
                    "stderr": "NOT_FOUND: there is no instance \"web-1\""}},
    ]


@with_pool()
def test_success(pool):
    steps = life(write(pool.state, "x.img", content(MIB)))
    logins = pool.calls().get("session.login_with_password", 0)
    result = run(pool, *steps).expect(0, "step 1 of 7: spawn ", "(a small one)", "step 7 of 7: info web-1")
    equal(pool.calls()["session.login_with_password"] - logins, 1)
    lines = result.out.splitlines()
    equal(len(lines), 8)
    equal([line.split()[:3] for line in lines[1:]],
          [[str(n), "ok", "4" if n == 7 else "0"] for n in range(1, 8)])
    assert "${" not in result.out, result.out
    equal(pool.objects("VM") & {("VM", vm) for vm, record in pool.records("VM").items()
                                if record["name_label"] == "web-1"}, set())


@with_pool()
def test_saved_sizes(pool):
    """What is saved may be a size, and only later it is known which."""
    image = write(pool.state, "x.img", content(MIB))
    run(pool, {"run": ["spawn", image, "--name", "web-1", "--metadata=x=-", "--metadata", "y=-"],
               "save": {"mem": "/memory_bytes", "n": "/vcpus"}},
        {"run": ["spawn", image, "--name", "web-2", "--memory", "${mem}", "--vcpus", "${n}"],
         "expect": {"json": {"memory_bytes": 1 << 30}}}).expect(0)


@with_pool()
def test_json(pool):
    image = write(pool.state, "x.img", content(MIB))
    result = run(pool, {"run": ["spawn", image], "save": {"cpus": "/vcpus"}},
                 {"run": ["spawn", image, "--vcpus", "${cpus}", "--name", "$${cpus}"],
                  "expect": {"json": {"vcpus": 1, "name": "$${cpus}"}}}, words=["--json"])
    result.expect(0)
    equal(result.err, "")
    answer = result.json()
    equal((answer["ok"], [step["result"] for step in answer["steps"]]), (True, ["ok", "ok"]))
    equal(answer["steps"][1]["run"][2:], ["--vcpus", "1", "--name", "${cpus}"])
    equal((answer["steps"][1]["exit"], answer["steps"][1]["answer"]["name"]), (0, "${cpus}"))


@with_pool()
def test_first_failure_is_the_end(pool):
    image = write(pool.state, "x.img", content(MIB))
    result = run(pool, {"run": ["nodes"]},
                 {"run": ["spawn", image], "expect": {"json": {"node": {"name": "node-77"}}}},
                 {"run": ["destroy", "x"]})
    result.expect(1, "hvd: FAILED: step 2 (spawn ", 'json/node/name: expected "node-77", not "xapisim')
    assert "step 3 of 3" not in result.err, result.err
    equal([line.split()[1] for line in result.out.splitlines()[1:]], ["ok", "failed", "not"])
    pool.record("VM", name_label="x")


@with_pool()
def test_answer_before_failure(pool):
    """With 2>&1: each is whole, in the order in which they came, however long the answer is."""
    steps = [{"run": ["nodes"]}] * 30 + [{"run": ["info", "nobody"]}]
    result = run(pool, *steps, words=["--json"], stderr=subprocess.STDOUT).expect(4)
    answer, error = [json.loads(line) for line in result.out.splitlines()]
    equal((len(answer["steps"]), error["code"]), (31, "NOT_FOUND"))


@with_pool()
def test_failures(pool):
    """Which expectation, in which words, with which exit status."""
    for expect, status, text in (
            ({}, 4, "NOT_FOUND: step 1 (info nobody): expected exit status 0, not 4: there is no"),
            ({"exit": 7}, 4, "expected exit status 7, not 4"),
            ({"exit": 4, "stderr": "EXISTS"}, 4, 'standard error does not have "EXISTS"'),
            ({"exit": 4, "json": {"code": "BUSY"}}, 4, 'json/code: expected "BUSY", not "NOT_FOUND"')):
        run(pool, {"run": ["info", "nobody"], "expect": expect}).expect(status, text)
    for expect, text in (
            ({"exit": 4}, "FAILED: step 1 (nodes): expected exit status 4, not 0"),
            ({"json": []}, "json: expected 0 elements, not 3"),
            ({"json": {}}, "json: expected {}, not ["),
            ({"json": [{"live": 1}, {}, {}]}, "json/0/live: expected 1, not true"),
            ({"json": [{"x/y": None}, {}, {}]}, "json/0/x~1y: expected null, there is nothing"),
            ({"stderr": "anything"}, "standard error does not have")):
        run(pool, {"run": ["nodes"], "expect": expect}).expect(1, text)
    run(pool, {"run": ["nodes"], "save": {"x": "/7/name"}}).expect(1, "there is no /7/name in the answer")


BAD = [
    ("", "it is no JSON", "["),
    ("", "list of 1 to 1000 steps", []),
    ("", "list of 1 to 1000 steps", {"run": ["list"]}),
    ("/0", "an object with", ["list"]),
    ("/0", '"run" is missing', [{}]),
    ("/1/exepct", "no such member", [{"run": ["list"]}, {"run": ["list"], "exepct": {}}]),
    ("/0/run", "expected a list of words", [{"run": "list"}]),
    ("/0/run", "expected a list of words", [{"run": []}]),
    ("/0/run/1", "expected a text", [{"run": ["info", 7]}]),
    ("/0/expect", "expected an object", [{"run": ["list"], "expect": 4}]),
    ("/0/expect/exit", "expected an exit status", [{"run": ["list"], "expect": {"exit": "4"}}]),
    ("/0/expect/exit", "expected an exit status", [{"run": ["list"], "expect": {"exit": 256}}]),
    ("/0/expect/stderr", "expected a text", [{"run": ["list"], "expect": {"stderr": ""}}]),
    ("/0/expect/a~1b", "no such member", [{"run": ["list"], "expect": {"a/b": 1}}]),
    ("/0/save", "expected an object", [{"run": ["list"], "save": []}]),
    ("/0/save/1x", "a name has letters", [{"run": ["list"], "save": {"1x": ""}}]),
    ("/0/save/x", "expected a JSON Pointer", [{"run": ["list"], "save": {"x": "uuid"}}]),
    ("/0/save/x", "expected a JSON Pointer", [{"run": ["list"], "save": {"x": "/a~2"}}]),
    ("/0/comment", "expected a text", [{"run": ["list"], "comment": 1}]),
]
# What a schema cannot say.
WORSE = [
    ("/0/run", 'there is no command "lst"', [{"run": ["lst"]}]),
    ("/0/run", "info: INSTANCE is missing", [{"run": ["info"]}]),
    ("/0/run", "there is no option --nonsense", [{"run": ["list", "--nonsense"]}]),
    ("/0/run", "--json stands before", [{"run": ["--json", "list"]}]),
    ("/0/run", "--pool stands before", [{"run": ["list", "--pool", "https://x"]}]),
    ("/0/run", "--follow would never end", [{"run": ["events", "-f"]}]),
    ("/0/run", '"watch" would never end', [{"run": ["watch"]}]),
    ("/0/run", '"scenario" is no command for a step', [{"run": ["scenario", "x"]}]),
    ("/0/run/1", "standard input and output", [{"run": ["spawn", "-"]}]),
    ("/0/run/2", "standard input and output", [{"run": ["spawn", "x.json", "--image=-"]}]),
    ("/0/run/2", "standard input and output", [{"run": ["snapshot", "web-1", "--to=-"]}]),
    ("/0/run/1", 'no step before this one saves "id"', [{"run": ["info", "${id}"]}]),
    ("/0/run/1", 'saves "id"', [{"run": ["info", "${id"]}]),
    ("/0/expect/json", 'saves "id"', [{"run": ["list"], "expect": {"json": [{"x": "${id}"}]},
                                       "save": {"id": ""}}]),
    ("/0/expect/stderr", 'saves "id"', [{"run": ["list"], "expect": {"stderr": "${id}"}}]),
]


@with_pool()
def test_bad_documents(pool):
    """Refused before anything runs; the schema refuses the same."""
    before = pool.calls()
    for pointer, text, document in BAD + WORSE:
        data = document if isinstance(document, str) else json.dumps(document)
        path = write(pool.state, "x.json", data)
        pool.hvd("scenario", path).expect(3, f'hvd: INVALID: {path}: "{pointer}": ', text)
        if not isinstance(document, str):
            equal((data, DOCUMENT.is_valid(document)), (data, (pointer, text, document) in WORSE))
    equal(pool.calls(), before)


def test_secrets():
    with directory() as place:
        path = write(place, "x.json", '[{"run": ["list", "--set", "pool.password=canary-4711"]}]')
        result = hvd("scenario", path).expect(3, "/0/run")
        assert "canary" not in result.err, result.err


def test_plan():
    """Nothing is opened; variables stand as they are."""
    with directory() as place:
        path = scenario(place, {"run": ["list"], "save": {"id": "/0/uuid"}},
                        {"run": ["destroy", "${id}"]})
        result = hvd("--plan", "scenario", path, env={"XDG_STATE_HOME": place}).expect(0)
        equal(result.err, "")
        equal([line.split() for line in result.out.splitlines()[1:]],
              [["1", "not", "run", "-", "list"], ["2", "not", "run", "-", "destroy", "${id}"]])
        equal(hvd("scenario", "--json", "--plan", "-", data=pathlib.Path(path).read_text()).json()["ok"], True)
        hvd("scenario", place + "/none").expect(4, "none")


def test_help():
    """The example there is one that is taken."""
    said = hvd("scenario", "--help").expect(0).out
    [example] = re.findall(r"^\[\{.*\}\]$", said, re.DOTALL | re.MULTILINE)
    DOCUMENT.validate(json.loads(example))
    equal(hvd("--json", "--plan", "scenario", "-", data=example).expect(0).json()["ok"], True)


if __name__ == "__main__":
    main("/e2e/scenario")
