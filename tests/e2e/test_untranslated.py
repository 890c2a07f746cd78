"""No text for operators is left out of what can be translated: hvd speaks a language of letters that stand
nowhere else, and every other letter that it shows has to be data."""

import json
import os
import re

import shim
from catalog import disguise, install, pseudo
from shim import MIB, Pool, Terminal, content, directory, equal, hvd, main, write
from tree import installed, option

LANGUAGE = {"LANGUAGE": "xx"}
POWER = "power (?:on|off|reboot|pause|unpause|suspend|resume)"
GONE = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"

# What is data wherever it stands.
DATA = [
    r"^hvd: (?:[A-Z_]+: )?",                             # who speaks, and the code that programs look for
    r"(?<![\w-])(?:--[a-z][a-z0-9-]*|-[a-zA-Z]\b)(?:=\S*)?", # options
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",  # uuids
    r"\b[0-9a-f]{64}\b", r"sha256//\S+", r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b",
    r"\b[\d.]+ (?:[KMGT]i)?B(?:/s)?(?![a-z])",           # sizes
    r"(?:\b[\w-]+:)?(?://?|\.\.?/)[\w./:@-]+",           # paths, addresses
    r"\bxapisim\d\b", r"\b(?:Shared|Local) storage\b", r"\bXCP-ng 8\.3\.0\b", r"\bDVD drives\b",
    r"\bweb-\d\b", r"\bxvd[a-z]\b", r"\bxapi(?=,| 0\.1)", r"\biqn\.[\w.:-]+",
]
# Of a plan: the calls. Of the log: nothing of it is for the operator to read in words.
CALL = r"^ {7}(?:(?:GET|PUT) \S+|[A-Za-z_.]+)  .*$"


class Screens:
    """What hvd has said, and which letters of it were no data."""

    def __init__(self, tree):
        self.program, self.rest, self.n = str(tree.program), [], 0

    def look(self, words, text, data):
        self.n += 1
        text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "\n")
        for pattern in [*data, *DATA]:
            text = re.sub(pattern, " ", text, flags=re.MULTILINE)
        found = re.findall(r"[A-Za-z]\S*(?: \S*[A-Za-z]\S*)*", text)
        self.rest += [(" ".join(words), piece) for piece in found]

    def say(self, *words, data=(), env=None, before=(), status=None):
        """Runs hvd, with @before in front of what is looked at."""
        result = hvd(*before, *words, env={**LANGUAGE, **(env or {})})
        assert status in (None, result.status), (words, result.status, result.out, result.err)
        self.look(words, result.out + result.err, data)
        return result

    def found(self):
        return [piece for _, piece in self.rest]


def show_help(screens):
    said = json.loads(hvd("--json", "help").out)
    names = [command["name"] for command in said["commands"]]
    line = [rf"^  (?:{'|'.join(sorted(names, key=len, reverse=True))})(?= |$)"]
    variables = [rf"^  {variable['name']}" for variable in said["variables"]]
    for words in ([], ["help"], ["--help"], ["help", "power"], ["help", "volume"], ["help", "environment"]):
        screens.say(*words, data=[r"^  hvd help (?:exit-codes|environment)", r"(?<=\] )(?:power|volume) \.\.\.", *line, *variables])
    screens.say("help", "exit-codes", data=[r"^ *\d+ +[A-Z_]+(?= )"])
    for command in [*said["commands"], {"name": "complete", "examples": []}]:
        examples = [rf"^  hvd {re.escape(example)}$" for example in command["examples"]]
        screens.say("help", *command["name"].split(), data=[*examples, rf"(?<=\] ){command['name']}(?= |$)"])


def show_driver(screens):
    slots = json.loads(hvd("--json", "capabilities").out)
    names = "|".join([*slots["slots"], *slots["capabilities"]])
    screens.say("capabilities", data=[rf"^(?:{names})(?= )"])
    screens.say("version", data=[r"xenapi(?= 0)", r"0\.1\.\d"])
    keys = json.loads(hvd("--json", "config").out)
    values = {str(key.get("default", "")) for key in keys} | {choice for key in keys for choice in key.get("choices", [])}
    patterns = [rf"\b{key['group']}\.{key['key']}\b" for key in keys]
    patterns += [rf"(?<=  ){value}(?= *$|,|  )|(?<=, ){value}(?=,|$)" for value in values if re.search("[a-z]", value)]
    for words in (["config"], *(["config", f"{key['group']}.{key['key']}"] for key in keys)):
        screens.say(*words, data=patterns)


def show_errors(screens, place):
    """Command lines that are wrong, files that are not there."""
    empty, text, archive = write(place, "empty", ""), write(place, "x.json", "{"), write(place, "x.gz", b"\x1f\x8b" * 600)
    image = write(place, "x.img", content(MIB))
    for words in (
            ["frob"], ["lost"], ["power"], ["power", "of"], ["power", "xx"], ["--frob"], ["--jsn", "list"], ["list", "-x"],
            ["info"], ["list", "x"], ["--timeout", "0", "list"], ["--timeout"], ["--timeout", "5", "--timeout", "5", "list"],
            ["--json=x", "list"], ["--set", "x", "list"], ["--pool", "x", "list"], ["--pin", "x", "list"],
            ["--plan", "list"], ["--config", "x", "--pool", "https://x", "list"], ["help", "frob"], ["config", "frob"],
            ["--simulate", "--set", "pool.url=https://x", "list"], ["spawn", empty], ["spawn", archive],
            ["spawn", text, "--name", "x"], ["spawn", image, "--image", "x"], ["spawn", image, "--disk", "x"],
            ["spawn", image, "--mac", "a", "--mac", "b"], ["spawn", image, "--no-network", "--mac", "a"],
            ["spawn", image, "--metadata", "x"], ["spawn", image, "--extra-disk", "x"], ["spawn", image, "--name", ""],
            ["snapshot", "x"], ["snapshot", "x", "--to", image], ["snapshot", "x", "--to", "/dev/null"],
            ["cleanup", "x"], ["power", "off", "x", "--hard", "--wait", "3"], ["bootable", "x", "perhaps"],
            ["--set", "pool.password=x", "list"], ["scenario", text], ["scenario", empty], ["volume", "attach", "x", empty],
            ["--driver", "/dev/null", "list"], ["--driver", place + "/none", "list"]):
        said = "|".join(map(re.escape, [" ".join(words), " ".join(words[:2]), *words]))
        shown = [rf'"(?:{said})"', rf"^hvd: USAGE: (?:{said})(?=:)", rf"(?<=: {disguise('hvd')} )(?:{said})(?= |$)",
                 rf'"(?:{POWER}|list)"', rf"(?:{POWER})(?:, |$)", rf"(?<={disguise('help')} )list(?=\")",
                 r"\bgzip\b", r"No such file or directory", r"GROUP\.KEY=VALUE|ADDRESS=", r"\bpool\.url\b"]
        assert screens.say(*words, data=shown).status != 0, words
    for name, variable in (("env:NOT_THERE", {}), ("env:", {}), ("", {}), ("secret", {})):
        screens.say("--pool", "https://127.0.0.9:1", "list", env={"HVD_CREDENTIAL": name, **variable},
                    data=[r"\bHVD_CREDENTIAL\b", r"\bNOT_THERE\b", r"\bfile:|\bcredential:|\bfd:|\benv:"], status=None)


def show_doctor(screens, pool, place):
    """Where all is well; where little is."""
    names = [check["check"] for check in json.loads(hvd("--json", "doctor", "--list").out)]
    line = [rf"(?<=  )(?:{'|'.join(names)})(?= )|^(?:{'|'.join(names)})(?= )", r'"root"|"[a-z-]*"']
    own = [r"\bxenapi 0\.\d\.\d", r"xapisim\d", r"(?<=  )127[\d.]+ \S+ \d+", r"pool-admin", r"host:\S+"]
    screens.say("doctor", "--list", data=line)
    screens.say("doctor", before=[f"--simulate={pool.state}"], data=[*line, *own])
    password = write(place, "password", "x")
    os.chmod(password, 0o644)
    system = [r"Could not connect to [\d.]+: Connection refused", r"NOT_REACHABLE: .*$", r"SECRET: (?:pool\.password: secret file .*)?"]  # GLib's words, and the driver's
    screens.say("doctor", before=["--pool", "https://127.0.0.9:1"], env={"HVD_CREDENTIAL": "file:" + password},
                data=[*line, *own, *system], status=29)
    broken = write(place, "hvd.conf", "[pool]\nurl=https://127.0.0.9:1\nfrob=1\n")
    screens.say("doctor", before=["--config", broken], data=[*line, *own, *system, r"pool\.frob"], status=29)


def show_pool(screens, pool, place):
    """Instances and what is done with them."""
    image = write(place, "debian.raw", content(MIB))
    before = [f"--simulate={pool.state}"]

    def say(*words, data=(), **options):
        # operations of the driver and XenAPI's own words
        return screens.say(*words, before=before, data=[*data, CALL, r"\bxenbr0\b", r"\b(?:lvm|iso|udev|nfs|ext)\b"], **options)

    for words in (["list"], ["events"], ["nodes"], ["nodes", "--storage"], ["volume", "connector"], ["reconcile"]):
        say(*words, data=[r"^[a-z-]+:\S+"], status=0)
    for number in (1, 2, 2):
        say("spawn", image, "--name", f"web-{number}", "--extra-disk", "1M", status=0)
    say("info", "web-1", status=0)
    say("list", status=0)
    say("events", status=0)
    say("info", "web-2", status=6)
    say("info", "web-3", data=[r'"web-3"'], status=4)
    say("migrate", "web-1", "--to", "nowhere", data=[r'"nowhere"'], status=4)
    plans = ([["power", word, "web-1"] for word in ("off", "reboot", "pause", "suspend")]
             + [["destroy", "web-1"], ["soft-delete", "web-1"], ["migrate", "web-1"], ["bootable", "web-1", "no"],
                ["snapshot", "web-1", "--to", "-"], ["reconcile"], ["spawn", image]])
    for words in plans:
        screens.say("--plan", *words, before=before, data=[CALL, r"^[a-z-]+ (?:[0-9a-f]{16} )?"], status=0)
    say("power", "pause", "web-1", status=0)
    say("list", status=0)
    for words in (["power", "unpause", "web-1"], ["power", "suspend", "web-1"], ["list"], ["power", "resume", "web-1"],
                  ["migrate", "web-1"], ["power", "off", "web-1", "--hard"], ["bootable", "web-1", "no"], ["list"],
                  ["bootable", "web-1", "yes"], ["soft-delete", "web-1"], ["list"], ["restore", "web-1"],
                  ["snapshot", "web-1", "--to", place + "/disk"], ["cleanup", GONE]):
        say(*words, status=0)
    steps = [{"run": ["info", "web-1"]}, {"run": ["info", "web-9"], "comment": "1"}, {"run": ["list"]}]
    say("scenario", write(place, "steps.json", json.dumps(steps)),
        data=[r"(?<=  )info web-\d|\binfo web-\d|(?<=  )list$", r'"web-9"'], status=4)
    say("destroy", "web-1", status=0)


def show_terminal(screens, pool, place):
    """What only a terminal sees: a screen, progress, questions."""
    image = write(place, "debian.raw", content(8 * MIB))
    terminal = pool.terminal("spawn", image, "--name", "web-1", env=LANGUAGE)
    equal(terminal.end(), 0)
    screens.look(["spawn"], terminal.seen, [r"^spawn web-1(?=:)"])
    terminal = pool.terminal("watch", env=LANGUAGE, columns=120)
    terminal.read_until("web-1")
    terminal.type("q")
    equal(terminal.end(), 0)
    screens.look(["watch"], terminal.seen, [])
    words, env = pool.address()
    for answer, status in (("n", 130), ("\U0001d6a2", 0)):
        terminal = Terminal(*words, "destroy", "web-1", env={**env, **LANGUAGE})
        terminal.read_until("[")
        terminal.type(answer + "\n")
        equal(terminal.end(), status)
        screens.look(["destroy"], terminal.seen.replace(f"{answer}\r\n", "\n"), [r"^destroy web-1(?=:)"])
    terminal = Terminal(*words, "list", env=LANGUAGE)
    terminal.read_until(pool.ready["url"])
    terminal.type("\x03")
    equal(terminal.end(), 130)
    screens.look(["list"], terminal.seen, [r"\broot@"])


def show_all(left_out=()):
    with installed() as tree, directory() as place, directory() as state, Pool(state) as pool:
        install(tree.prefix / option("localedir"), "xx", place, pseudo(place, left_out))
        screens = Screens(tree)
        before, shim.PROGRAM = shim.PROGRAM, screens.program
        try:
            show_help(screens)
            show_driver(screens)
            show_errors(screens, place)
            show_doctor(screens, pool, place)
            show_pool(screens, pool, place)
            show_terminal(screens, pool, place)
        finally:
            shim.PROGRAM = before
        return screens


def test_all_is_translated():
    screens = show_all()
    equal(screens.rest, [])
    assert screens.n > 150, screens.n


# Those above all that stand alone in tables, where lint/texts.py takes them for data.
PLANTED = ["list", "integer", "choice", "string", "secret reference", "ok", "unknown", "warning", "problem",
           "failed", "not run", "running", "paused", "suspended", "stopped", "soft-deleted", "root", "disk", "done",
           "[y/N]", "MEANING", "MEMORY", "Default", "no instances", "ADDRESS", "it is there already", "local",
           "creating the disks", "Address of the pool", "the pool does not answer", "not destroyed: ",
           'there is no command \\"%s\\"', 'see \\"hvd help %s\\"', "%u warning", "%u instance, %u running; q ends"]


def pieces(text):
    """What of a message is words, as it stands in a .po file."""
    return [piece for piece in re.split(r"%[us]|\W+", text.replace('\\"', "")) if re.search("[A-Za-z]", piece)]


def test_what_is_left_out_is_seen():
    """The same in a language that lacks some words: each of them is found, and nothing else is."""
    found = show_all(PLANTED).found()
    lacking = {word for text in PLANTED for word in pieces(text)}
    equal({word for piece in found for word in re.findall("[A-Za-z]+", piece)} - lacking, {"warnings"})
    for text in PLANTED:
        assert any(pieces(text)[0] in piece for piece in found), (text, found)


if __name__ == "__main__":
    main("/e2e/untranslated")
