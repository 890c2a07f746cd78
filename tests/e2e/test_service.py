"""A compute service in C, built as a stranger would: a compiler, pkg-config, an installed tree."""

import json
import re
import shlex
import subprocess

from shim import MIB, content, directory, equal, main, with_pool, write
from tree import TOP, installed

SOURCE = TOP / "tests" / "e2e" / "compute-service.c"


def build(tree, place):
    """By the command that stands at the head of the file."""
    text = SOURCE.read_text()
    command = re.search(r"\* +(cc compute-service\.c (?:.*\\\n)*.*)\n", text)[1]
    command = re.sub(r"\\\n +\* +", "", command)
    subprocess.run(["sh", "-ec", command.replace("compute-service.c", shlex.quote(str(SOURCE)), 1)], cwd=place,
                   env=tree.environment, check=True)
    return place + "/compute-service"


def configuration(pool):
    return write(pool.state, "service.conf",
                 f"[pool]\nurl={pool.ready['url']}\npassword=file:{pool.ready['password_file']}\n"
                 f"[tls]\nca-file={pool.ready['ca']}\n")


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@with_pool()
def test_spawns_and_destroys(pool):
    before = pool.objects()
    with installed() as tree, directory() as place:
        program = build(tree, place)
        done = run(program, configuration(pool), write(pool.state, "x.img", content(MIB)))
        equal(done.returncode, 0)
        info = json.loads(done.stdout)
        equal((info["name"], info["state"], info["request_id"]), ("web-1", "running", "job-1"))
        assert "spawn: import-image" in done.stderr, done.stderr
        equal(pool.calls()["VM.destroy"], 1)
        equal(pool.objects() ^ before, set())
        # what is wrong is said
        equal(run(program).returncode, 2)
        missing = run(program, configuration(pool), "/nowhere/x.img")
        equal((missing.returncode, "/nowhere/x.img" in missing.stderr), (1, True))
        equal(pool.objects() ^ before, set())
        stopped = run(program, "/nowhere/x.conf", "/nowhere/x.img")
        equal((stopped.returncode, "/nowhere/x.conf" in stopped.stderr), (1, True))


def test_is_small():
    """What the README promises of it."""
    text = SOURCE.read_text()
    assert text.count("\n") < 150, text.count("\n")
    equal(re.findall(r"#include (.*)", text), ["<dlfcn.h>", "<hvd/hvd-driver.h>"])


if __name__ == "__main__":
    main("/e2e/service")
