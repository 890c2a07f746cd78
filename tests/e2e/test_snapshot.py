"""snapshot: a disk's bytes in a file that is there whole or not at all."""

import os
import signal
import stat

from shim import MIB, content, directory, equal, finish, hvd, main, sha256, with_pool, write

UUID = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"


def machine(pool, size=MIB, name="web-1"):
    """Makes an instance; its disk as it should come back."""
    data = content(size, name.encode())
    pool.spawn(write(pool.state, "x.img", data), "--name", name)
    return data + bytes(-len(data) % (2 * MIB))


def listing(place):
    return sorted(os.listdir(place))


@with_pool()
def test_to_file(pool):
    disk = machine(pool, 3 * MIB + 7)
    before = pool.objects()
    with directory() as place:
        path = os.path.join(place, "web-1.raw")
        result = pool.hvd("snapshot", "web-1", "--to", path).expect(0)
        equal(result.out, f"web-1: 4 MiB written to {path}, SHA-256 {sha256(disk)}\n")
        with open(path, "rb") as file:
            equal(file.read(), disk)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        equal(listing(place), ["web-1.raw"])
    equal(pool.objects() ^ before, set())


@with_pool()
def test_json_and_stdout(pool):
    disk = machine(pool)
    with directory() as place:
        path = os.path.join(place, "x")
        equal(pool.hvd("--json", "snapshot", "web-1", "--to", path).json(),
              {"format": "raw", "size_bytes": len(disk), "sha256": sha256(disk)})
    process = pool.start("snapshot", "web-1", "--to", "-")
    out, err = process.stdout.buffer.read(), process.stderr.read()
    process.wait()
    equal((process.returncode, out), (0, disk))
    equal(err, f"hvd: web-1: 2 MiB written to standard output, SHA-256 {sha256(disk)}\n")
    terminal = pool.terminal("snapshot", "web-1", "--to", "-")
    equal(terminal.end(), 2)
    assert "nothing for a terminal" in terminal.seen, terminal.seen
    pool.hvd("--json", "snapshot", "web-1", "--to", "-").expect(2, "no --json")


@with_pool()
def test_existing_file(pool):
    disk = machine(pool)
    with directory() as place:
        path = write(place, "x.raw", b"mine")
        pool.control.do("reset-stats")
        result = pool.hvd("snapshot", "web-1", "--to", path)
        result.expect(5, "hvd: EXISTS: ", "is there already", "--force")
        equal(pool.calls(), {})
        with open(path, "rb") as file:
            equal(file.read(), b"mine")
        pool.hvd("snapshot", "web-1", "--to", path, "--force").expect(0)
        with open(path, "rb") as file:
            equal(file.read(), disk)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        # nothing but a regular file is ever replaced
        os.mkfifo(os.path.join(place, "fifo"))
        os.symlink(path, os.path.join(place, "link"))
        for name in ("fifo", "link", "."):
            words = ("snapshot", "web-1", "--to", os.path.join(place, name), "--force")
            pool.hvd(*words).expect(3, "hvd: INVALID: ", "no regular file")
        pool.hvd("snapshot", "web-1", "--to", place + "/no/such/x").expect(4, "hvd: NOT_FOUND: ")
        equal(listing(place), ["fifo", "link", "x.raw"])


@with_pool()
def test_made_meanwhile(pool):
    """Somebody makes a file of that name while the disk is on its way: it stays."""
    machine(pool)
    with directory() as place:
        path = os.path.join(place, "x.raw")
        pool.hold("Async.VDI.snapshot")
        process = pool.start("snapshot", "web-1", "--to", path)
        pool.control.do("wait", id="Async.VDI.snapshot")
        write(place, "x.raw", b"theirs")
        pool.control.do("release", id="Async.VDI.snapshot")
        finish(process).expect(5, "hvd: EXISTS: ")
        with open(path, "rb") as file:
            equal(file.read(), b"theirs")
        equal(listing(place), ["x.raw"])


@with_pool()
def test_fails_half_way(pool):
    machine(pool)
    before = pool.objects()
    with directory() as place:
        path = os.path.join(place, "x.raw")
        pool.control.do("fault", add={"method": "/export_raw_vdi", "action": "drop", "bytes": 4096})
        pool.hvd("snapshot", "web-1", "--to", path).expect(
            17, "hvd: INTEGRITY: snapshot ", ": export: after 4096 of 2097152 bytes: ")
        pool.hvd("snapshot", "nobody", "--to", path).expect(4, 'there is no instance "nobody"')
        pool.hvd("snapshot", UUID, "--to", path).expect(4, "NOT_FOUND", UUID)
        pool.hvd("snapshot", "web-1").expect(2, "--to FILE")
        equal(listing(place), [])
    equal(pool.objects() ^ before, set())


def knows_nameless(place):
    """Can a file of this file system have no name until it is complete?"""
    try:
        os.close(os.open(place, os.O_TMPFILE | os.O_WRONLY, 0o600))
    except OSError:
        return False
    return True


@with_pool()
def test_interrupted(pool):
    machine(pool)
    before = pool.objects()
    with directory() as place:
        pool.hold("/export_raw_vdi")
        process = pool.start("snapshot", "web-1", "--to", os.path.join(place, "x.raw"))
        pool.control.do("wait", id="/export_raw_vdi")
        if knows_nameless(place):
            equal(listing(place), [])
        else:
            assert listing(place)[0].startswith(".x.raw."), listing(place)
        process.send_signal(signal.SIGTERM)
        process.stderr.readline()
        pool.control.do("release", id="/export_raw_vdi")
        finish(process).expect(130, "hvd: CANCELLED: ")
        equal(listing(place), [])
    equal(pool.objects() ^ before, set())


@with_pool()
def test_interrupted_twice(pool):
    """The second signal ends hvd at once; of the file that was being written nothing is left."""
    machine(pool)
    with directory() as place:
        pool.hold("/export_raw_vdi")
        process = pool.start("snapshot", "web-1", "--to", os.path.join(place, "x.raw"))
        pool.control.do("wait", id="/export_raw_vdi")
        process.send_signal(signal.SIGTERM)
        process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        finish(process).expect(130)
        pool.control.do("release", id="/export_raw_vdi")
        if knows_nameless(place):
            equal(listing(place), [])


@with_pool()
def test_reader_gone(pool):
    """A pipe that nobody reads any more."""
    machine(pool, 8 * MIB)
    before = pool.objects()
    process = pool.start("snapshot", "web-1", "--to", "-")
    process.stdout.buffer.read(1)
    process.stdout.close()
    err = process.stderr.read()
    equal(process.wait(), 1)
    assert "hvd: FAILED: snapshot " in err and "export: after " in err, err
    assert "Broken pipe" in err, err
    equal(pool.objects() ^ before, set())


@with_pool()
def test_plan(pool):
    machine(pool)
    with directory() as place:
        result = pool.hvd("--plan", "snapshot", "web-1", "--to", os.path.join(place, "x")).expect(0)
        assert "Async.VDI.snapshot" in result.out and "GET /export_raw_vdi" in result.out, result.out
        equal(listing(place), [])


def test_full_disk():
    """Where the copy does not fit: said, and no half of it stays."""
    with directory() as state:
        image = write(state, "x.img", content(MIB))
        hvd(f"--simulate={state}/pool", "spawn", image).expect(0)
        result = hvd(f"--simulate={state}/pool", "snapshot", "x", "--to", f"{state}/copy",
                     preexec_fn=limit_files)
        result.expect(1, "hvd: FAILED: snapshot ", ": export: ", "File too large")
        equal(sorted(os.listdir(state)), ["pool", "x.img"])


def limit_files():
    """A file may grow to half of what is needed: as good as a full disk."""
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


if __name__ == "__main__":
    main("/e2e/snapshot")
