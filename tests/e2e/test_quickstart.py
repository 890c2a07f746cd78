"""The README's first command: its job, without installing and building; and what it would install."""

import os
import pathlib
import shutil
import signal
import subprocess

from shim import PATIENCE, content, directory, equal, main, write

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = TOP / "host-shim" / "quickstart"
BUILD = pathlib.Path(os.environ["HVD_BUILD"])
STEPS = ["spawn an instance", "look at it", "snapshot into a file", "attach an iSCSI volume",
         "detach it", "migrate to another node", "destroy"]


def start(place, *words, build=BUILD, env=None):
    return subprocess.Popen([SCRIPT, "--built", build, *words],
                            env={**os.environ, "TMPDIR": place, **(env or {})},
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, start_new_session=True)


def run(place, *words, **options):
    process = start(place, *words, **options)
    out, err = process.communicate(timeout=2 * PATIENCE)
    return process.returncode, out, err


def complaints(err):
    """What is told beside the progress of that which takes more than a second on this machine."""
    return [line for line in err.splitlines() if "%" not in line]


def check_whole(place):
    status, out, err = run(place)
    equal((status, complaints(err)), (0, []))
    lines = out.splitlines()
    equal([line.split("] ")[1] for line in lines if line.startswith("[")], STEPS)
    begin = next(n for n, line in enumerate(lines) if line.split() == ["STEP", "TIME", "RESULT"])
    table = lines[begin + 1:begin + 1 + len(STEPS)]
    for line, title in zip(table, STEPS):
        assert line.startswith(title) and " s  " in line, line
    assert "the image's 5081088 bytes by SHA-256, then 62027776 zeros" in table[2], table[2]
    equal(os.listdir(place), [])


def test_whole():
    """With the real bootable image; and a second time."""
    with directory() as place:
        check_whole(place)
        check_whole(place)


def test_after_one_that_was_killed():
    """Half-way, without a word: the next run works, and takes what was left with it."""
    with directory() as place:
        process = start(place)
        for line in process.stdout:
            if line.startswith("[5/"):
                break
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        equal(len(os.listdir(place)), 1)
        check_whole(place)


def test_pool_that_still_runs():
    """What is removed is waited for: the pool of a run that was killed writes for a while."""
    with directory() as place:
        tmp = os.path.join(place, "tmp")
        old = os.path.join(tmp, f"hvd-quickstart.{dead_process()}.x")
        os.makedirs(old + "/pool")
        write(old + "/pool", "lock", "")
        tools = os.path.join(place, "bin")
        os.mkdir(tools)
        os.chmod(write(tools, "flock", f"""#!/bin/sh
[ ! -e "{old}/pool/lock" ] || readlink /proc/self/fd/9 >>"{place}/waited"
"""), 0o755)
        status, _, err = run(tmp, "/nowhere/image", env={"PATH": f"{tools}:{os.environ['PATH']}"})
        equal((status, os.path.exists(old)), (1, True))  # nothing was entered yet
        image = write(place, "image", content(100000))
        status, _, err = run(tmp, image, env={"PATH": f"{tools}:{os.environ['PATH']}"})
        equal((status, complaints(err), os.listdir(tmp)), (0, [], []))
        with open(place + "/waited", encoding="utf-8") as file:
            equal(file.read(), f"{old}/pool/lock\n")


def dead_process():
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_two_at_once():
    """Each has a place of its own, and both clean up what a third has left."""
    with directory() as place:
        for n in range(3):
            os.makedirs(f"{place}/hvd-quickstart.{dead_process()}.{n}/pool/disks")
        both = [start(place) for _ in range(2)]
        for process in both:
            out, err = process.communicate(timeout=3 * PATIENCE)
            equal((process.returncode, complaints(err)), (0, []))
        equal(os.listdir(place), [])


def test_interrupted():
    """Ctrl-C: nothing stays."""
    with directory() as place:
        process = start(place)
        for line in process.stdout:
            if line.startswith("[3/"):
                break
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        equal(process.returncode, 130)
        equal(os.listdir(place), [])


def test_notices():
    """A copy of which one byte is another, and zeros that are none: said, and no success."""
    with directory() as place:
        image = write(place, "image", content(100000))
        tmp = os.path.join(place, "tmp")
        os.mkdir(tmp)
        for offset, told in ((5000, "first 100000 bytes are not the image's"),
                             (100000, "1 bytes behind the image are not zero")):
            build = spoiled_build(place, offset)
            status, out, err = run(tmp, image, build=build)
            equal(status, 1)
            assert told in err, err
            assert "[4/" not in out and "RESULT" not in out, out
            equal(os.listdir(tmp), [])
        status, _, err = run(tmp, "/nowhere/image")
        equal((status, err), (1, "quickstart: /nowhere/image cannot be read\n"))


def spoiled_build(place, offset):
    """A build directory whose hvd changes a byte of each copy that it has made."""
    folder = os.path.join(place, "build", "host-shim")
    os.makedirs(folder, exist_ok=True)
    script = write(folder, "hvd", f"""#!/bin/sh
set -eu
"{os.environ['HVD']}" "$@"
for word do
    case $word in */copy.raw) printf x | dd of="$word" bs=1 seek={offset} conv=notrunc status=none ;; esac
done
""")
    os.chmod(script, 0o755)
    return os.path.join(place, "build")


# ---- packages ----

def packages(place, *words, user=1000, with_sudo=True, debian=True, there=()):
    """tests/install-packages where nothing is installed; what it did goes into a file."""
    shutil.rmtree(place + "/bin", ignore_errors=True)
    os.mkdir(place + "/bin")
    tools = {"id": f"echo {user}", "apt-get": f'echo apt-get "$@" >>{place}/done'}
    if debian:
        tools["dpkg-query"] = "exit 1"
    if with_sudo:
        tools["sudo"] = f'echo sudo "$1" >>{place}/done; exec "$@"'
    tools.update(dict.fromkeys(there, "exit 0"))
    for name, text in tools.items():
        os.chmod(write(place + "/bin", name, f"#!/bin/sh\n{text}\n"), 0o755)
    for name in ("sh", "dirname", "awk", "grep", "xargs", "echo"):
        os.symlink(shutil.which(name), f"{place}/bin/{name}")
    write(place, "done", "")
    done = subprocess.run([TOP / "tests" / "install-packages", *words], env={"PATH": place + "/bin"},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with open(place + "/done", encoding="ascii") as file:
        return done.returncode, done.stdout + done.stderr, file.read()


def test_packages():
    """Through apt as root, through sudo as somebody else; else it says what to install."""
    with directory() as place:
        status, said, done = packages(place, "quickstart")
        equal(status, 0)
        assert done.startswith("sudo apt-get\napt-get update"), done
        for name, there in (("libglib2.0-dev", True), ("grub-rescue-pc", True), ("g++", False),
                            ("clang", False)):
            equal((name, f" {name}" in done), (name, there))
        status, said, done = packages(place, "quickstart", user=0)
        equal((status, "sudo" in done, "apt-get install" in done), (0, False, True))
        status, said, done = packages(place, "tests", with_sudo=False)
        equal((status, done), (1, ""))
        assert "as root: apt-get install gcc meson" in said and " g++" in said, said
        assert " nodejs npm " in said and "=" not in said, said
        # One from elsewhere will do.
        status, said, done = packages(place, "tests", user=0, there=["node"])
        equal((status, " nodejs" in done, " npm" in done), (0, False, True))
        status, said, done = packages(place, "tests", debian=False)
        assert " nodejs nodejs-npm" in said and " - " not in said + " ", said
        status, said, done = packages(place, "quickstart", debian=False)
        equal((status, done), (0, ""))
        assert "dnf install gcc meson" in said and "json-glib-devel" in said, said


if __name__ == "__main__":
    main("/e2e/quickstart")
