"""Completion: what hvd offers, that it asks no pool for it, and what three shells make of it."""

import os
import shutil
import signal
import socket
import subprocess

import shim
from shim import MIB, Pool, content, directory, equal, finish, hvd, main, write
from tree import TOP

SHELLS = TOP / "host-shim" / "completions"
ODD = 'a "b" $(touch planted) `c`'


def offered(*words, env=None):
    """What the last word could become, and what is said of it."""
    result = hvd("complete", "--", *words, env=env).expect(0)
    equal(result.err, "")
    pairs = (line.partition("\t") for line in result.out.splitlines())
    return {word.removeprefix("=") if word.startswith("=") else f"<{word}>": said for word, _, said in pairs}


def list_of(*words, env=None):
    return list(offered(*words, env=env))


def test_commands():
    """All of them, families as one; what the word begins with; second words; nothing that is hidden."""
    said = hvd("--json", "help").json()
    first = {command["name"].split()[0]: command for command in said["commands"]}
    everything = offered("")
    equal(set(everything), set(first))
    assert {"list", "spawn", "power", "volume"} <= set(everything) and "complete" not in everything
    equal(everything["list"], "the instances of the pool")
    equal(list_of("sna"), ["snapshot"])
    equal(set(offered("power", "")), {command["name"].split()[1] for command in said["commands"]
                                      if command["name"].startswith("power ")})
    equal(list_of("power", "re"), ["reboot", "resume"])
    equal(offered("", )["volume"], "attach, detach, connector")
    equal(list_of("help", "power", "of"), ["off"])
    equal(list_of("help", "e"), ["events", "exit-codes", "environment"])
    equal(list_of("frobnicat"), [])


def test_options():
    """The command's own and those of hvd; each once, unless it is a list; none behind "--"."""
    for command in hvd("--json", "help").json()["commands"]:
        seen = offered(*command["name"].split(), "--")
        for option in command["options"]:
            equal(seen[f"--{option['name']}"], option["summary"])
    equal(list_of("snapshot", "web-1", "--fo"), ["--force"])
    assert "--force" not in offered("snapshot", "web-1", "--force", "--")
    assert "--network" in offered("spawn", "x.raw", "--network", "lan", "--")
    assert "--follow" not in offered("list", "--")
    assert "--pool" in offered("--") and "--force" not in offered("--")
    equal(list_of("info", "--", "--"), [])


def test_values():
    """Of options in the next word or the same one, and of operands."""
    equal(list_of("spawn", "x.raw", "--firmware", ""), ["bios", "uefi"])
    equal(list_of("spawn", "x.raw", "--firmware=u"), ["--firmware=uefi"])
    equal(list_of("bootable", "web-1", ""), ["yes", "no"])
    equal(list_of("spawn", ""), ["<files>"])
    equal(list_of("--config", ""), ["<files>"])
    equal(list_of("--simulate="), ["<directories>"])
    equal(list_of("spawn", "x.raw", "--memory", ""), [])
    equal(list_of("list", ""), [])
    keys = {f"{key['group']}.{key['key']}": key["summary"] for key in hvd("--json", "config").json()}
    equal(offered("config", ""), keys)
    equal(list_of("--set", "tls."), [f"{key}=" for key in keys if key.startswith("tls.")])


def test_names():
    """Of the pool that is meant, as it was when it was last looked at; also --json is only a word."""
    with directory() as place, Pool(place + "/pool") as pool:
        env = {"XDG_CACHE_HOME": place + "/cache"}
        words, access = pool.address()
        env |= access
        image = write(place, "x.img", content(MIB))
        equal(list_of(*words, "info", "", env=env), [])
        for name in ("web-1", "web-2", ODD, "-dash", "right\u202eleft"):
            hvd(*words, "spawn", image, "--name=" + name, env=env).expect(0)
        equal(sorted(offered(*words, "info", "", env=env)), sorted([ODD, "web-1", "web-2"]))
        equal(list_of(*words, "migrate", "web-1", "--to", "", env=env), [node["name"] for node in pool.ready["nodes"]])
        equal(list_of(*words, "volume", "connector", "xapisim2", env=env), ["xapisim2"])
        uuid = hvd(*words, "--json", "info", "web-1", env=env).json()["uuid"]
        equal(offered(*words, "info", uuid[:8], env=env), {uuid: "web-1"})
        hvd(*words, "destroy", "--yes", "web-1", env=env).expect(0)
        equal(list_of(*words, "--json", "power", "off", "web", env=env), ["web-2"])
        equal(list_of("--pool", "https://other.example.org", "info", "", env=env), [])
        [file] = os.listdir(place + "/cache/hvd")
        equal(os.stat(f"{place}/cache/hvd/{file}").st_mode & 0o077, 0)


def test_names_after_a_signal():
    """Ctrl-C is how following ends: what was known is known afterwards."""
    with directory() as place, Pool(place + "/pool") as pool:
        pool.spawn(write(place, "x.img", content(MIB)), "--name=web-1")
        process = pool.start("events", "--follow")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        finish(process).expect(0)
        equal(list_of(f"--simulate={pool.state}", "info", ""), ["web-1"])


def test_asks_nobody():
    """No request and no connection to a pool that is there, none to one that never answers; none is started."""
    with directory() as place, Pool(place + "/pool") as pool, socket.create_server(("127.0.0.1", 0)) as silent:
        words, access = pool.address()
        env = {"XDG_CACHE_HOME": place, "XDG_STATE_HOME": place + "/state", **access}
        hvd(*words, "nodes", env=env).expect(0)
        before = pool.control.ask("stats") | {"connections": 0}  # hvd's own may still be closing
        equal(len(offered(*words, "migrate", "x", "--to", "xapi", env=env)), 3)
        equal(pool.control.ask("stats") | {"connections": 0}, before)
        address = f"https://127.0.0.1:{silent.getsockname()[1]}"
        equal(list_of("--pool", address, "info", "", env=env), [])
        equal(list_of("info", "", env=env), [])
        silent.setblocking(False)
        try:
            silent.accept()
        except BlockingIOError:
            pass
        else:
            raise AssertionError("the pool that never answers was asked")
        assert not os.path.exists(place + "/state"), os.listdir(place + "/state")


def test_simulated():
    """Names of a simulated pool lie with it, and go with it."""
    with directory() as place, Pool(place) as pool:
        pool.spawn(write(place, "x.img", content(MIB)), "--name=web-1")
        equal(list_of(f"--simulate={place}", "info", ""), ["web-1"])
        assert os.path.exists(place + "/names.json")


# ---- shells ----

def names_for(place):
    """A directory in which hvd knows some names."""
    os.makedirs(place + "/hvd/simulated")
    names = ", ".join('{"name": "%s", "uuid": ""}' % name for name in ("web-1", "web-2", ODD.replace('"', '\\"')))
    write(place + "/hvd/simulated", "names.json",
          '{"instances": [%s], "nodes": [{"name": "node:1", "uuid": ""}]}' % names)
    write(place, "file.raw", "")
    os.mkdir(place + "/folder")
    return {"XDG_STATE_HOME": place, "PATH": f"{os.path.dirname(shim.PROGRAM)}:{os.environ['PATH']}"}


def run_shell(place, *command):
    done = subprocess.run(command, cwd=place, env=shim.environment(names_for(place)), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    equal((done.returncode, done.stderr), (0, ""))
    assert not os.path.exists(place + "/planted"), "a name was evaluated"
    return done.stdout.splitlines()


def bash(line, *words):
    """What bash offers: words are cut as it cuts them."""
    with directory() as place:
        return run_shell(place, "bash", "--norc", "-c", 'source "$1"; COMP_LINE=$2; COMP_WORDS=("${@:3}"); '
                         "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _hvd hvd; "
                         '((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"',
                         "bash", SHELLS / "hvd.bash", line, *words)


def test_bash():
    assert shutil.which("bash")
    equal(bash("hvd sna", "hvd", "sna"), ["snapshot"])
    equal(bash("hvd info w", "hvd", "info", "w"), ["web-1", "web-2"])
    equal(bash('hvd info "w', "hvd", "info", '"w'), ['"web-1', '"web-2'])
    equal(bash('hvd info "a', "hvd", "info", '"a'), [])
    equal(bash("hvd info a\\ ", "hvd", "info", "a\\ "), ["a\\ \\\"b\\\"\\ \\$\\(touch\\ planted\\)\\ \\`c\\`"])
    equal(bash("hvd migrate web-1 --to=", "hvd", "migrate", "web-1", "--to", "="), ["node:1"])
    equal(bash("hvd migrate web-1 --to node:", "hvd", "migrate", "web-1", "--to", "node", ":"), ["1"])
    equal(bash("hvd migrate web-1 --to=no", "hvd", "migrate", "web-1", "--to", "=", "no"), ["node:1"])
    equal(bash("hvd spawn f", "hvd", "spawn", "f"), ["file.raw", "folder"])
    equal(bash("hvd --simulate=f", "hvd", "--simulate", "=", "f"), ["folder"])
    equal(bash("hvd --set pool.ur", "hvd", "--set", "pool.ur"), ["pool.url="])


def zsh(*words):
    """What it hands to zsh: compadd and its kin are the shell's own, and are told apart here."""
    with directory() as place:
        return run_shell(place, "zsh", "-f", "-c", "compadd() { print -rl -- \"${@[$@[(i)--]+1,-1]}\" }; compset() { true }; "
                         "_files() { print -r \"<files $*>\" }; file=$1; words=(\"${@:2}\"); CURRENT=$#words; "
                         "PREFIX=$words[-1]; source $file", "zsh", SHELLS / "_hvd", *words)


def test_zsh():
    assert shutil.which("zsh")
    equal(zsh("hvd", "sna"), ["snapshot"])
    equal(zsh("hvd", "info", ""), ["web-1", "web-2", ODD])
    equal(zsh("hvd", "info", "a\\ \\\"b"), [ODD])
    equal(zsh("hvd", "migrate", "web-1", "--to=no"), ["--to=node:1"])
    equal(zsh("hvd", "--set", "pool.ur"), ["pool.url="])
    equal(zsh("hvd", "spawn", "f"), ["<files >"])
    equal(zsh("hvd", "--simulate=f"), ["<files -/>"])


def fish(line):
    with directory() as place:
        return run_shell(place, "fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"',
                         SHELLS / "hvd.fish", line)


def test_fish():
    assert shutil.which("fish")
    equal(fish("hvd sna"), ["snapshot\twrites the root disk into a file while the instance goes on"])
    equal(fish("hvd info w"), ["web-1", "web-2"])
    equal(fish("hvd info a"), [ODD])
    equal(fish("hvd migrate web-1 --to=no"), ["--to=node:1"])
    equal(fish("hvd --set pool.ur"), ["pool.url=\tAddress of the pool"])
    equal([line.split("\t")[0] for line in fish("hvd spawn fi")], ["file.raw"])
    equal([line.split("\t")[0] for line in fish("hvd --simulate fo")], [])


if __name__ == "__main__":
    main("/e2e/complete")
