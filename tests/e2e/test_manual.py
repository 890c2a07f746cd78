"""The manual: all of it is there, nothing in it is old, and no formatter complains."""

import json
import os
import pathlib
import re
import subprocess

from shim import MIB, content, directory, equal, hvd, main, with_pool, write
from tree import BUILD, TOP, output_of

PAGES = {name: BUILD / "host-shim" / "man" / name
         for name in ("hvd.1", "hvd-driver.3", "xapi-sim.1", "xenapi.conf.5")}


def source(name):
    return PAGES[name].read_text(encoding="ascii")


def rendered(path):
    """As it is read, on wide paper, without what makes letters bold."""
    text = output_of("mandoc", "-T", "utf8", "-O", "width=200", path)
    return re.sub(".\b", "", text)


def sections(name):
    """The headings under headings, as they are read."""
    return {re.sub(r"\\-", "-", title.strip('"')) for title in re.findall(r"^\.SS (.*)$", source(name), re.M)}


def complaints(path):
    done = subprocess.run(["mandoc", "-T", "lint", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.stdout


def test_lint():
    """Nothing to complain of, not even of style; and it would be told."""
    for name, path in PAGES.items():
        equal((name, complaints(path)), (name, ""))
    with directory() as place:
        broken = source("hvd.1").replace("\n.TP\n", "\n.TPP\n", 1)
        assert "TPP" in complaints(write(place, "hvd.1", broken))


def test_hvd():
    """Every command with its options and examples, every exit status and variable, as the program says."""
    said = hvd("--json", "help").expect(0).json()
    text = " ".join(rendered(PAGES["hvd.1"]).split())
    commands = {command["name"] for command in said["commands"]}
    assert {"list", "spawn", "power off", "help"} <= commands, commands
    equal(sections("hvd.1"), commands)
    options = [option for command in said["commands"] for option in command["options"]]
    for option in said["options"] + options:
        assert f"--{option['name']}" in text, option
        assert option["summary"][1:] in text, option
    for command in said["commands"]:
        usage = " ".join(filter(None, ["hvd", command["name"], command.get("operands"), command.get("needs")]))
        for part in [usage, *(f"hvd {line}" for line in command["examples"]), command.get("details", "")]:
            assert " ".join(part.split()) in text, part
    for status in said["exit_codes"]:
        assert f"{status['exit']} {status['code']}".strip() in text, status
    for variable in said["variables"]:
        assert f"{variable['name']} {variable['meaning'][0].upper()}{variable['meaning'][1:]}" in text, variable


@with_pool()
def test_documents(pool):
    """The driver takes those that hvd(1) shows."""
    section = source("hvd.1").split("\n.SH DOCUMENTS\n")[1].split("\n.SH ")[0]
    instance, volume = (json.loads(text.replace("\\-", "-"))
                        for text in re.findall(r"^\.EX\n(.*?)\n\.EE$", section, re.M | re.S))
    instance["image"]["path"] = write(pool.state, "debian.raw", content(MIB))
    pool.hvd("spawn", write(pool.state, "web.json", json.dumps(instance))).expect(0)
    attach = ("volume", "attach", instance["name"], write(pool.state, "volume.json", json.dumps(volume)))
    assert "192.0.2.7" in pool.hvd("--plan", *attach).expect(0).out
    volume["data"]["target_lun"] = "first"
    write(pool.state, "volume.json", json.dumps(volume))
    pool.hvd("--plan", *attach).expect(3, "target_lun")


def test_help_as_json():
    """One object, whatever is asked for; its names are those of the help for eyes."""
    whole = hvd("--json", "help").out
    for words in (["help", "spawn"], ["spawn", "--help"], ["--help"]):
        equal(hvd("--json", *words).expect(0).out, whole)
    said = hvd("--json", "help").json()
    for option in said["options"]:
        assert f"--{option['name']}" in hvd("help").out, option
    [plan] = [option for option in said["options"] if option["name"] == "plan"]
    equal(plan, {"name": "plan", "kind": "flag", "summary": "print what would be done, and do nothing"})


def test_driver():
    """Every slot has a section, with what the header says of it; every public type too."""
    header = (TOP / "plugin" / "include" / "hvd-driver.h").read_text(encoding="utf-8")
    slots = set(hvd("--json", "capabilities").json()["slots"])
    assert {"open", "spawn", "reconcile"} <= slots, slots
    equal(slots - sections("hvd-driver.3"), set())
    text = " ".join(rendered(PAGES["hvd-driver.3"]).split())
    types = re.findall(r"^} (Hvd\w+);", header, re.M) + re.findall(r"^    (HVD_\w+)(?:,| =)", header, re.M)
    assert {"HvdCall", "HVD_ERROR_BUSY", "HVD_CAPABILITY_PLAN"} <= set(types), types
    for name in types:
        assert name in text, name
    for slot in slots - {"close"}:
        assert f"{slot}_async" in text or f"*{slot})(" in text, slot
    assert "Saves the memory to storage. Result: its instance-info document. Errors: NOT_FOUND, " in text, text


def test_driver_needs_comments():
    """A slot that nothing is said of is no page."""
    header = (TOP / "plugin" / "include" / "hvd-driver.h").read_text(encoding="utf-8")
    bare = re.sub(r"    /\*\*\n     \* pause: .*?\*/\n", "", header, flags=re.DOTALL)
    assert bare != header
    with directory() as place:
        make = ["python3", "-B", TOP / "host-shim/man/manual.py", TOP / "host-shim/man/hvd-driver.3.in",
                place + "/hvd-driver.3", write(place, "x.h", bare)]
        done = subprocess.run(make, stderr=subprocess.PIPE, text=True)
        equal(done.returncode, 1)
        assert "slots without a comment: ['pause']" in done.stderr, done.stderr


def test_simulator():
    """Every option, every kind of fault, every command of the control socket."""
    said = output_of(os.environ["XAPI_SIM"], "--help")
    text = rendered(PAGES["xapi-sim.1"])
    options = re.findall(r"^ +(--\w[\w-]+)(?:=\w+)? +(.*)", said.split("Application Options:")[1].split("\n\n")[0],
                         re.M)
    assert len(options) > 10, options
    for name, summary in options:
        assert name in text and summary in text, name
    control = pathlib.Path(TOP / "host-shim/simulator/control/commands.c").read_text(encoding="utf-8")
    commands = re.findall(r'^    \{"([a-z-]+)", \w+\},$', control, re.M)
    assert {"stats", "fault", "shutdown"} <= set(commands), commands
    chapter = text.split("CONTROL SOCKET")[1].split("EXIT STATUS")[0]
    for name in commands:
        assert re.search(rf"^ +(?:[a-z-]+, )*{name}\b", chapter, re.M), name
    for word in said.split("FILE of --faults")[1].split("A control socket")[0].split():
        assert word in text, word


def test_configuration():
    """Every key under its group, with type, default, range and description, as the driver says."""
    text = " ".join(rendered(PAGES["xenapi.conf.5"]).split())
    keys = hvd("--json", "config").expect(0).json()
    equal(sections("xenapi.conf.5"), {f"[{key['group']}]" for key in keys})
    for key in keys:
        chapter = text.split(f"[{key['group']}] ")[1]
        default = key.get("default") or "empty"
        shown = {True: "true", False: "false"}.get(default, default) if "minimum" not in key else key["default"]
        assert f"{key['key']} {key['summary']}." in chapter or f" {key['summary']}. Type" in chapter, key
        assert f"default: {shown}. {key['description']}" in chapter, key
        if "minimum" in key:
            assert f"integer, {key['minimum']} to {key['maximum']}; default: {shown}." in chapter, key
        if "choices" in key:
            assert f"one of {', '.join(key['choices'])}; default: {shown}." in chapter, key


if __name__ == "__main__":
    main("/e2e/manual")
