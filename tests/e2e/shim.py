"""What the scenarios stand on: `hvd` as an operator starts it, with or without a terminal. Standard
library only; pools come from the simulator's own harness."""

import hashlib
import json
import os
import pathlib
import pty
import select
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "simulator"))

import harness  # noqa: E402  (it lies elsewhere)
from harness import directory, equal, run_tests  # noqa: E402,F401  (for the scenarios)

PROGRAM = os.environ.get("HVD", "hvd")
PATIENCE = harness.PATIENCE

MIB = 1024 * 1024
# What an operation makes and has to take away again.
KINDS = ("VM", "VDI", "VBD", "VIF", "SR", "PBD", "secret", "session")


def environment(extra=None):
    """Ours, but for what would make a difference; a value of None takes a variable away."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("HVD_", "XDG_", "LC_", "LANG", "NO_COLOR", "TERM", "COLUMNS"))}
    # what hvd keeps for completion is no business of whoever runs the tests
    kept.update({"LC_ALL": "C.UTF-8", "TERM": "xterm", "XDG_CACHE_HOME": "/dev/null/cache"})
    for name, value in (extra or {}).items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = value
    return kept


class Result:
    """What a run of hvd left: exit status, stdout, stderr."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def json(self):
        lines = self.out.splitlines()
        assert len(lines) == 1, f"one line of JSON expected: {self.out!r} {self.err!r}"
        return json.loads(lines[0])

    def error(self):
        return json.loads(self.err.splitlines()[-1])

    def expect(self, status, *texts):
        """The exit status, and what stderr has to say."""
        assert self.status == status, f"exit {self.status}, not {status}: {self.out} {self.err}"
        for text in texts:
            assert text in self.err, f"{text!r} is not in {self.err!r}"
        return self


def start(*words, env=None, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.Popen([PROGRAM, *words], env=environment(env), text=True, **options)


def finish(process, data=None):
    out, err = process.communicate(data, timeout=PATIENCE)
    return Result(process.returncode, out, err)


def hvd(*words, env=None, data=None, **options):
    """Runs hvd to its end."""
    if data is not None:
        options["stdin"] = subprocess.PIPE
    return finish(start(*words, env=env, **options), data)


class Terminal:
    """hvd with a terminal of its own: stdin, stdout and stderr are one, as for an operator."""

    def __init__(self, *words, env=None, columns=80, stdout=None, stderr=None):
        self.seen = ""
        self.master, slave = pty.openpty()
        set_columns(slave, columns)
        self.process = subprocess.Popen(
            [PROGRAM, *words], env=environment(env), stdin=slave, stdout=stdout or slave,
            stderr=stderr or slave, start_new_session=True,
            preexec_fn=lambda: take_terminal(slave))
        os.close(slave)

    def read_until(self, text):
        """Reads until @text has been seen."""
        while text not in self.seen:
            if not self.read_more():
                raise AssertionError(f"{text!r} never came: {self.seen!r}")
        return self.seen

    def read_more(self):
        ready, _, _ = select.select([self.master], [], [], PATIENCE)
        if not ready:
            raise AssertionError(f"nothing comes any more: {self.seen!r}")
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # Linux says EIO when the last one has closed it
            piece = b""
        self.seen += piece.decode()
        return bool(piece)

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        """Reads what is left; the exit status."""
        while self.read_more():
            pass
        os.close(self.master)
        return self.process.wait(PATIENCE)


def content(size, seed=b"image"):
    """Bytes that nothing else has."""
    block = hashlib.sha256(seed).digest() * 2048
    return b"".join(hashlib.sha256(seed + number.to_bytes(8, "big")).digest() + block[32:]
                    for number in range(size // len(block) + 1))[:size]


def write(place, name, data):
    """A file of a directory; its path."""
    path = os.path.join(place, name)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def set_columns(fd, columns):
    import fcntl
    import struct
    import termios
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def take_terminal(fd):
    import fcntl
    import termios
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)


class Pool(harness.Pool):
    """A simulated pool with TLS and a state of its own, and hvd against it."""

    def __init__(self, state, *options):
        super().__init__("--tls", "--state", state, *options)
        self.state = state

    def hvd(self, *words, **options):
        """Through --simulate, which joins the running one."""
        return hvd(f"--simulate={self.state}", *words, **options)

    def start(self, *words, **options):
        return start(f"--simulate={self.state}", *words, **options)

    def terminal(self, *words, **options):
        return Terminal(f"--simulate={self.state}", *words, **options)

    def spawn(self, path, *words, **options):
        """The document of a new instance."""
        return self.hvd("--json", "spawn", path, *words, **options).expect(0).json()

    def objects(self, *kinds):
        """What there is, by class and reference."""
        dump = self.control.ask("dump")
        return {(kind, ref) for kind in kinds or KINDS for ref in dump.get(kind, {})}

    def records(self, kind):
        return self.control.ask("dump").get(kind, {})

    def record(self, kind, **members):
        """The one object of a class that has these values."""
        found = [record for record in self.records(kind).values()
                 if all(record[name] == value for name, value in members.items())]
        assert len(found) == 1, f"{len(found)} of {kind} with {members}"
        return found[0]

    def disk(self, uuid):
        """Length and digest of the bytes that were written to a disk."""
        dump = self.control.ask("dump", disks=True)
        ref = next(ref for ref, vdi in dump["VDI"].items() if vdi["uuid"] == uuid)
        return dump["disks"][ref]

    def calls(self):
        """How often each method was called."""
        return self.control.ask("stats")["rpc"]

    def hold(self, method, when="before", **members):
        """The next call of @method stops until it is released under its own name."""
        self.control.do("fault", add={"id": method, "method": method, "action": "hold",
                                      "when": when, **members})

    def fail(self, method, *error, **members):
        self.control.do("fault", add={"method": method, "action": "error", "error": list(error),
                                      **members})

    def address(self):
        """The words that name it as any other pool, and the environment with the password."""
        words = ["--pool", self.ready["url"], "--ca-file", self.ready["ca"]]
        return words, {"HVD_CREDENTIAL": "file:" + self.ready["password_file"]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def with_pool(*options):
    """Decorates a test that takes a pool."""
    def decorate(test):
        def run():
            with directory() as state, Pool(state, *options) as running:
                test(running)
        run.__name__ = test.__name__
        return run
    return decorate


def tests_of(module):
    """The tests of a module, in the order of their lines."""
    return [value for name, value in vars(module).items() if name.startswith("test_")]


def main(prefix):
    run_tests(prefix, tests_of(sys.modules["__main__"]))
