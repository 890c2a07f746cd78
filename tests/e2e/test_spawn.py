"""spawn: what an image becomes, what a document says, and everything that is wrong with either."""

import json
import os
import signal
import stat
import subprocess

from shim import MIB, content, directory, equal, finish, hvd, main, sha256, with_pool, write

UUID = "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"


def document(path, **members):
    image = {"source": "file", "format": "raw", "path": path}
    return {"uuid": UUID, "name": "web-1", "memory_bytes": 512 * MIB, "vcpus": 2, "image": image,
            **members}


def refused(pool, status, *texts, words=("spawn",), **options):
    """The command fails so, and the pool is what it was."""
    before = pool.objects()
    result = pool.hvd(*words, **options).expect(status, *texts)
    equal(result.out, "")
    equal(pool.objects() ^ before, set())
    return result


# ---- what comes of it ----

@with_pool()
def test_image_alone(pool):
    data = content(3 * MIB + 5)
    path = write(pool.state, "web-1.tar.raw", data)
    result = pool.hvd("spawn", path).expect(0)
    vm = pool.record("VM", name_label="web-1.tar")
    uuid = vm["other_config"]["nova_uuid"]
    node = pool.records("host")[vm["resident_on"]]["name_label"]
    equal(result.out, f"web-1.tar ({uuid}) is running on {node}\n")
    equal((vm["memory_static_max"], vm["VCPUs_max"]), (1024 * MIB, 1))
    [vbd] = vm["VBDs"]
    vdi = pool.records("VDI")[pool.records("VBD")[vbd]["VDI"]]
    equal(vdi["virtual_size"], 4 * MIB)
    equal(pool.disk(vdi["uuid"]), {"bytes": len(data), "sha256": sha256(data)})
    [vif] = [pool.records("VIF")[ref] for ref in vm["VIFs"]]
    equal(pool.records("network")[vif["network"]]["bridge"], "xenbr0")
    assert vif["MAC"].startswith("fa:16:3e:"), vif["MAC"]


@with_pool()
def test_image_with_options(pool):
    path = write(pool.state, "x.img", content(MIB))
    network = pool.record("network", bridge="xenapi")["name_label"]
    info = pool.spawn(
        path, "--name", "web-1", "--uuid", UUID, "--memory", "2G", "--vcpus", "3", "--disk", "5G",
        "--extra-disk", "1G", "--extra-disk", "1536M", "--network", "xenbr0", "--network", network,
        "--mac", "fa:16:3e:00:00:07", "--node", "xapisim2", "--storage", "Shared storage",
        "--hostname", "web", "--metadata", "role=front=end", "--metadata", "empty=",
        "--firmware", "uefi", "--sha256", sha256(content(MIB)), "--request-id", "job-1")
    equal((info["uuid"], info["name"], info["node"]["name"], info["request_id"]),
          (UUID, "web-1", "xapisim2", "job-1"))
    equal((info["memory_bytes"], info["vcpus"]), (2048 * MIB, 3))
    equal([disk["size_bytes"] // MIB for disk in info["disks"]], [5120, 1024, 1536])
    shared = pool.record("SR", name_label="Shared storage")["uuid"]
    equal({disk["storage"] for disk in info["disks"]}, {shared})
    equal(len(info["networks"]), 2)
    equal(info["networks"][0]["mac"], "fa:16:3e:00:00:07")
    equal(pool.spawn(path, "--uuid", UUID.upper(), "--request-id", "job-1"), info)  # as info takes it
    vm = pool.record("VM", name_label="web-1")
    equal(vm["HVM_boot_params"].get("firmware"), "uefi")
    data = {key: value for key, value in vm["xenstore_data"].items() if "meta" in key}
    assert "front=end" in str(data), data


@with_pool()
def test_no_network(pool):
    path = write(pool.state, "x.img", content(MIB))
    equal(pool.spawn(path, "--no-network")["networks"], [])


@with_pool()
def test_document(pool):
    image = write(pool.state, "x.img", content(MIB))
    path = write(pool.state, "web.json", json.dumps(document(image)))
    equal(pool.spawn(path)["uuid"], UUID)
    pool.hvd("destroy", UUID).expect(0)
    # what begins with a brace is a document, whatever it is called; and standard input is one
    path = write(pool.state, "web", " \n" + json.dumps(document(image)))
    equal(pool.spawn(path)["name"], "web-1")
    pool.hvd("destroy", "web-1").expect(0)
    text = json.dumps(document(image, name="web-2"))
    equal(pool.hvd("--json", "spawn", "-", data=text).json()["name"], "web-2")


@with_pool()
def test_stream(pool):
    """A document that takes its image as a stream, and an image from a pipe."""
    data = content(MIB)
    stream = {"source": "stream", "format": "raw", "size_bytes": len(data)}
    path = write(pool.state, "web.json", json.dumps(document("", image=stream)))
    image = write(pool.state, "x.img", data)
    pool.hvd("spawn", path).expect(3, "INVALID", "/image/source", "name the image with --image FILE")
    pool.hvd("spawn", image, "--image-ca-file", image).expect(2, "for images from https://")
    pool.hvd("spawn", "ftp://x/y.raw").expect(15, "UNSUPPORTED", "https://, http:// and files")
    equal(pool.spawn(path, "--image", image)["uuid"], UUID)
    with open(image, "rb") as pipe:
        source = subprocess.Popen(["cat"], stdin=pipe, stdout=subprocess.PIPE)
    result = pool.hvd("--json", "spawn", "-", "--image-size", str(len(data)), "--name", "web-2",
                      stdin=source.stdout)
    source.stdout.close()
    source.wait()
    disk = result.json()["disks"][0]["vdi"]
    equal(pool.disk(disk)["sha256"], sha256(data))


@with_pool()
def test_same_request(pool):
    path = write(pool.state, "x.img", content(MIB))
    words = (path, "--uuid", UUID, "--request-id", "job-1")
    first = pool.spawn(*words)
    pool.control.do("reset-stats")
    equal(pool.spawn(*words), first)
    assert not {"VM.create", "Async.VDI.create"} & set(pool.calls()), pool.calls()
    refused(pool, 5, "hvd: EXISTS: ", words=("spawn", path, "--uuid", UUID, "--request-id", "2"))
    refused(pool, 5, "hvd: EXISTS: ", words=("spawn", path, "--uuid", UUID))
    refused(pool, 3, "request id", words=("spawn", path, "--request-id", "a b"))
    # the request alone is enough: a name-based uuid, as others make it of the same namespace
    words = (path, "--name", "web-3", "--request-id", "job-3")
    first = pool.spawn(*words)
    equal(first["uuid"], "e1eef4db-d758-5a84-a444-8cf2bd6fbed5")
    equal(pool.spawn(*words), first)


@with_pool()
def test_plan(pool):
    path = write(pool.state, "x.img", content(MIB))
    before = pool.objects()
    pool.control.do("reset-stats")
    result = pool.hvd("--plan", "spawn", path, "--name", "web-1").expect(0)
    assert "nothing was done" in result.out.splitlines()[0], result.out
    assert "creating the machine  (taken back should a later step fail)" in result.out, result.out
    assert '       VM.create  [{"name_label":"web-1"' in result.out, result.out
    plan = pool.hvd("--plan", "--json", "spawn", path).json()
    equal(plan["operation"], "spawn")
    methods = [call["method"] for step in plan["steps"] for call in step["calls"]]
    assert methods[-1] == "Async.VM.start", methods
    equal(set(pool.calls()), {"session.login_with_password", "session.get_uuid", "event.from",
                              "session.logout"})
    equal(pool.objects(), before)


# ---- what is wrong with the image ----

@with_pool()
def test_image_of_another_length(pool):
    path = write(pool.state, "x.img", content(MIB))
    refused(pool, 17, "hvd: INTEGRITY: spawn x: import-image: ", "1048576 of 2097152 bytes",
            words=("spawn", path, "--image-size", "2M"))
    refused(pool, 17, "hvd: INTEGRITY: ", "more than the 524288 bytes",
            words=("spawn", path, "--image-size", "512K"))
    refused(pool, 3, "hvd: INVALID: ", words=("spawn", path, "--disk", "512K"))
    shorter = document(path)
    shorter["image"]["size_bytes"] = 5
    refused(pool, 17, "hvd: INTEGRITY: ", "1048576 bytes, 5 were announced",
            words=("spawn", "-"), data=json.dumps(shorter))


@with_pool()
def test_image_of_another_digest(pool):
    path = write(pool.state, "x.img", content(MIB))
    wrong = sha256(b"x")
    refused(pool, 17, "hvd: INTEGRITY: ", f"not {wrong}", words=("spawn", path, "--sha256", wrong))
    refused(pool, 3, "hvd: INVALID: --sha256: ", words=("spawn", path, "--sha256", "12"))


@with_pool()
def test_source_gone_half_way(pool):
    """A FIFO whose writer goes away."""
    fifo = os.path.join(pool.state, "image.fifo")
    os.mkfifo(fifo)
    before = pool.objects()
    process = pool.start("spawn", fifo, "--image-size", "4M")
    with open(fifo, "wb") as writer:
        writer.write(content(MIB))
    finish(process).expect(17, "hvd: INTEGRITY: spawn image: import-image: ",
                           "after 1048576 of 4194304 bytes: the image ends too early")
    equal(pool.objects() ^ before, set())


@with_pool()
def test_no_image(pool):
    refused(pool, 4, "hvd: NOT_FOUND: /nowhere/x.img: ", words=("spawn", "/nowhere/x.img"))
    refused(pool, 3, "hvd: INVALID: ", "directory", words=("spawn", pool.state))
    refused(pool, 3, "is empty", words=("spawn", write(pool.state, "x.img", b"")))
    missing = json.dumps(document("/nowhere/x.img"))
    refused(pool, 4, "hvd: NOT_FOUND: ", "/nowhere/x.img", words=("spawn", "-"), data=missing)


@with_pool()
def test_other_formats(pool):
    for head, name in ((b"QFI\xfb\0\0\0\3", "qcow2"), (b"conectix", "VHD"), (b"\x1f\x8b\x08", "gzip"),
                       (b"\xfd7zXZ\0", "xz"), (b"KDMV", "VMDK")):
        path = write(pool.state, "x.img", head + bytes(512))
        refused(pool, 15, f"is of the format {name}", "qemu-img convert", words=("spawn", path))


# ---- what is wrong with the words ----

def test_usage():
    """Refused before any pool is asked, so without one."""
    with directory() as place:
        env = {"XDG_STATE_HOME": place}
        image = write(place, "x.img", content(512))
        text = write(place, "x.json", "{}")
        for words, told in (
                ([text, "--memory", "1G"], "--memory is for images"),
                ([image, "--image", image], "--image is for documents"),
                ([image, "--memory", "1 potato"], '--memory takes a size, not "1 potato"'),
                ([image, "--extra-disk", "x"], '--extra-disk takes a size, not "x"'),
                ([image, "--vcpus", "0"], "--vcpus takes a number from 1 to 1024"),
                ([image, "--metadata", "x"], "--metadata takes KEY=VALUE"),
                ([image, "--name", b"caf\xe9"], "--name takes text in UTF-8"),
                ([image, "--metadata", "a=b", "--metadata", b"x=\xe9"], "--metadata takes text in UTF-8"),
                ([image, "--mac", "a", "--mac", "b"], "more of --mac than of --network"),
                ([image, "--no-network", "--network", "x"], "--no-network goes neither"),
                (["-", "--image-size", "1M"], "--name is needed"),
                (["-", "--image", "-"], "standard input cannot be both, the document and its image"),
                ([], "spawn: FILE is missing")):
            hvd("spawn", *words, env=env).expect(2, "hvd: USAGE: ", told)
        fifo = os.path.join(place, "x.fifo")
        os.mkfifo(fifo)
        descriptor = os.open(fifo, os.O_RDWR)
        hvd("spawn", fifo, env=env).expect(2, "--image-size is needed")
        # not read at all: nothing ever comes, and no end
        hvd("spawn", "-", "--name", "w", env=env, stdin=descriptor).expect(
            2, "--name is for images", "  advice: for an image on standard input add --image-size BYTES\n")
        os.close(descriptor)
        equal(os.path.exists(os.path.join(place, "hvd")), False)


@with_pool()
def test_unknown_parts(pool):
    path = write(pool.state, "x.img", content(MIB))
    for words, told in ((["--node", "xapisim9"], 'there is no node "xapisim9"'),
                        (["--node", UUID], UUID),
                        (["--network", "lan"], 'there is no network "lan"'),
                        (["--storage", "san"], 'there is no storage "san"')):
        refused(pool, 4, "hvd: NOT_FOUND: ", told, words=("spawn", path, *words))
    refused(pool, 4, 'did you mean "xapisim1"?', words=("spawn", path, "--node", "xapisim"))
    refused(pool, 6, "hvd: AMBIGUOUS: ", "3 storages are called",
            words=("spawn", path, "--storage", "Local storage"))
    refused(pool, 3, "hvd: INVALID: --mac: ", words=("spawn", path, "--mac", "x"))
    refused(pool, 3, "hvd: INVALID: --uuid: ", words=("spawn", path, "--uuid", "x"))


@with_pool()
def test_garbage(pool):
    """A document that is none, in every way: the pointer says where, and no call is made."""
    path = write(pool.state, "x.img", content(MIB))
    good = document(path)
    pool.control.do("reset-stats")
    for text, told in (
            ("{", "JSON"), ("[]", "object"), ("{}", "uuid"), ("nonsense", "JSON"), ("", "it is empty"),
            ("[" * 100000, ""), ('{"uuid":"\ud800"}', ""), ("x" * (MIB + 1), "longer than 1 MiB"),
            (json.dumps({**good, "vcpus": 0}), "/vcpus"),
            (json.dumps({**good, "vcpus": "2"}), "/vcpus"),
            (json.dumps({**good, "colour": 1}), "/colour"),
            (json.dumps({**good, "networks": [{"mac": "fa:16:3e:00:00:01"}]}), "/networks/0"),
            (json.dumps({**good, "image": {"source": "tape"}}), "/image"),
            (json.dumps({**good, "name": ""}), "/name")):
        data = text.encode("utf-8", "surrogatepass")
        file = write(pool.state, "x.json", data)
        refused(pool, 3, "hvd: INVALID: ", told, words=("spawn", file))
    equal(set(pool.calls()), {"session.login_with_password", "session.get_uuid", "event.from",
                              "session.logout"})
    refused(pool, 3, "hvd: INVALID: ", "no text", words=("spawn", write(pool.state, "x.json", b"{\0}")))


# ---- what is wrong with the pool ----

@with_pool("--shared-size", str(16 * MIB))
def test_storage_full(pool):
    path = write(pool.state, "x.img", content(MIB))
    refused(pool, 9, "hvd: NO_RESOURCES: spawn x: create-", "VDI.create",
            words=("spawn", path, "--storage", "Shared storage", "--disk", "1G"))
    refused(pool, 9, "hvd: NO_RESOURCES: ",
            words=("spawn", path, "--storage", "Shared storage", "--extra-disk", "1G"))


@with_pool()
def test_refused_by_the_pool(pool):
    path = write(pool.state, "x.img", content(MIB))
    pool.fail("VIF.create", "MAC_STILL_EXISTS", "x")
    result = refused(pool, 1, "VIF.create", words=("--json", "spawn", path))
    equal(result.error()["failure"], ["MAC_STILL_EXISTS", "x"])


# ---- signals ----

@with_pool()
def test_interrupted(pool):
    """One Ctrl-C cancels, and what was done is undone."""
    path = write(pool.state, "x.img", content(MIB))
    before = pool.objects()
    pool.hold("Async.VM.start")
    process = pool.start("spawn", path)
    pool.control.do("wait", id="Async.VM.start")
    process.send_signal(signal.SIGINT)
    assert "what was done is being undone" in process.stderr.readline()
    pool.control.do("release", id="Async.VM.start")
    result = finish(process).expect(130, "hvd: CANCELLED: ")
    equal(result.out, "")
    equal(pool.objects() ^ before, set())


@with_pool()
def test_interrupted_twice(pool):
    """The second one ends hvd at once; the first one has said so."""
    path = write(pool.state, "x.img", content(MIB))
    pool.hold("Async.VM.start")
    terminal = pool.terminal("spawn", path)
    pool.control.do("wait", id="Async.VM.start")
    terminal.type("\x03")
    terminal.read_until("once more ends hvd at once and leaves the rest to \"hvd reconcile\"")
    terminal.type("\x03")
    equal(terminal.end(), 130)
    pool.control.do("release", id="Async.VM.start")


@with_pool()
def test_signals_ignored(pool):
    """nohup and a shell's "&" start us with signals that are to be ignored: they are."""
    def ignore():
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    path = write(pool.state, "x.img", content(MIB))
    pool.hold("Async.VM.start")
    process = pool.start("spawn", path, "--name", "web-1", preexec_fn=ignore)
    pool.control.do("wait", id="Async.VM.start")
    for number in (signal.SIGINT, signal.SIGHUP):
        process.send_signal(number)
    pool.control.do("release", id="Async.VM.start")
    finish(process).expect(0)
    assert pool.record("VM", name_label="web-1")
    pool.hold("Async.VM.pause")
    process = pool.start("power", "pause", "web-1", preexec_fn=ignore)
    pool.control.do("wait", id="Async.VM.pause")
    process.send_signal(signal.SIGTERM)
    assert "what was done is being undone" in process.stderr.readline()
    process.send_signal(signal.SIGINT)  # is no second one either
    pool.control.do("release", id="Async.VM.pause")
    finish(process).expect(0)  # not ended on the spot: it was too late to stop


# ---- progress ----

def feed(path, pieces, is_seen):
    """Writes until enough has been seen, then the rest."""
    with open(path, "wb") as writer:
        for piece in pieces:
            writer.write(piece)
            writer.flush()
            if is_seen():
                break
        writer.write(b"".join(pieces))


@with_pool()
def test_live_line(pool):
    """A terminal has one line, written over; and nothing of it stays."""
    fifo = os.path.join(pool.state, "image.fifo")
    os.mkfifo(fifo)
    terminal = pool.terminal("spawn", fifo, "--image-size", "8M", columns=120)
    left = [" of 8 MiB", "/s  ", " left"]

    def is_seen():
        terminal.read_more()
        while left and left[0] in terminal.seen:
            del left[0]
        return not left

    feed(fifo, iter([content(MIB // 8)] * 64), is_seen)
    equal((terminal.end(), left), (0, []))
    last = terminal.seen.splitlines()[-1]
    assert last.split("\x1b[K")[-1].startswith("image ("), last
    assert "\r\x1b[K" in terminal.seen, terminal.seen


@with_pool()
def test_line_a_second(pool):
    """No terminal: lines, a second apart, and the first after a second."""
    fifo = os.path.join(pool.state, "image.fifo")
    os.mkfifo(fifo)
    process = pool.start("spawn", fifo, "--image-size", "1M")
    lines = []

    def is_seen():
        lines.append(process.stderr.readline())
        return len(lines) == 2

    feed(fifo, iter([content(MIB // 16)] * 16), is_seen)
    finish(process).expect(0)
    for line in lines:
        assert line.startswith("hvd: spawn image: writing the image  ") and "\r" not in line, lines
    assert " of 1 MiB" in lines[1], lines


# ---- files ----

@with_pool()
def test_umask(pool):
    """SEC-36: what hvd and the pool that it starts make is theirs alone, whatever the umask."""
    with directory() as place:
        image = write(place, "x.img", content(MIB))
        for mask in (0o000, 0o077):
            state = os.path.join(place, f"state-{mask}")
            copy = os.path.join(place, f"copy-{mask}.raw")

            def run(*words):
                return hvd(f"--simulate={state}/deep/er", *words, preexec_fn=lambda: os.umask(mask))

            run("spawn", image).expect(0)
            run("snapshot", "x", "--to", copy).expect(0)
            equal(stat.S_IMODE(os.stat(copy).st_mode), 0o600)
            for folder, _, names in os.walk(state):
                equal((folder, stat.S_IMODE(os.stat(folder).st_mode)), (folder, 0o700))
                for name in names:
                    mode = stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode)
                    equal((name, mode & 0o077), (name, 0))


# ---- what is wrong is named as it was given ----

@with_pool()
def test_wrong_option(pool):
    path = write(pool.state, "x.img", content(MIB))
    for words, told in ((["--mac", "zz"], "INVALID: --mac: expected a MAC address"),
                        (["--uuid", "zz"], "INVALID: --uuid: expected"),
                        (["--firmware", "zz"], "INVALID: --firmware: expected"),
                        (["--sha256", "zz"], "INVALID: --sha256: expected"),
                        (["--memory", "100T"], "INVALID: --memory: expected"),
                        (["--network", "zz"], '--network: there is no network "zz"')):
        result = pool.hvd("spawn", path, *words)
        result.expect(4 if "--network" in words else 3, told)
        equal(result.err.count("/"), 0)


@with_pool()
def test_wrong_file(pool):
    path = write(pool.state, "doc.json", '{"uuid":"zz"}')
    result = pool.hvd("--json", "spawn", path).expect(3)
    told = f'{path}: /uuid: expected a UUID in lower case, found "zz"'
    equal(result.error()["message"], told)
    pool.hvd("spawn", path).expect(3, f"hvd: INVALID: {told}\n")
    pool.spawn(write(pool.state, "x.img", content(MIB)), "--name", "web-1")
    pool.hvd("volume", "attach", "web-1", path).expect(3, f"INVALID: {path}: /driver_volume_type: ")
    pool.hvd("volume", "detach", "web-1", path).expect(3, f"INVALID: {path}: /driver_volume_type: ")


@with_pool()
def test_ambiguous_storage(pool):
    """The candidates are listed, as with instances."""
    path = write(pool.state, "x.img", content(MIB))
    words = ("spawn", path, "--storage", "Local storage")
    result = pool.hvd(*words).expect(6, "AMBIGUOUS", " on xapisim1\n", " on xapisim3\n")
    equal(result.err.count("candidate: "), 3)
    candidates = pool.hvd("--json", *words).expect(6).error()["candidates"]
    equal([(one["name"], one["node"]) for one in candidates],
          [("Local storage", f"xapisim{n}") for n in (1, 2, 3)])
    pool.hvd("spawn", path, "--storage", candidates[1]["uuid"]).expect(0)
    pool.spawn(path, "--name", "two", "--node", "xapisim1")
    pool.spawn(path, "--name", "two", "--node", "xapisim2")
    candidates = pool.hvd("--json", "info", "two").expect(6).error()["candidates"]
    equal(sorted(sorted(one) for one in candidates), 2 * [["name", "node", "state", "uuid"]])


@with_pool()
def test_advice(pool):
    path = write(pool.state, "x.img", content(MIB))
    uuid = pool.spawn(path, "--name", "web-1")["uuid"]
    pool.hvd("spawn", path, "--uuid", uuid).expect(5, "EXISTS", "--request-id")
    pool.hvd("info", "somebody").expect(4, '"hvd list" lists the instances')
    pool.hvd("spawn", path, "--node", "zz").expect(4, '"hvd nodes" lists the nodes')
    pool.hvd("spawn", path, "--storage", "zz").expect(4, '"hvd nodes --storage"')


@with_pool()
def test_leftovers(pool):
    """One error that tells all; the log's record of the same is for those who ask for the log."""
    path = write(pool.state, "x.img", content(MIB))
    pool.fail("Async.VM.start_on", "INTERNAL_ERROR", "x", count=0)
    pool.fail("VM.start", "INTERNAL_ERROR", "x", count=0)
    for method in ("VDI.destroy", "Async.VDI.destroy", "VM.destroy", "Async.VM.destroy"):
        pool.fail(method, "INTERNAL_ERROR", "stuck", count=0)
    result = pool.hvd("spawn", path).expect(18, "hvd: LEFTOVERS: ", "  left behind: ", "reconcile.grace=0")
    assert "warning" not in result.err and "XD_OP" not in result.err, result.err
    error, = [json.loads(line) for line in pool.hvd("--json", "spawn", path).err.splitlines()]
    equal((error["code"], "reconcile.grace=0" in error["advice"]), ("LEFTOVERS", True))
    pool.hvd("-v", "spawn", path).expect(18, "hvd: warning: xd-ops: ", " XD_OP=spawn")


@with_pool()
def test_info_for_eyes(pool):
    """Sizes with the unit that fits, storage by its name."""
    path = write(pool.state, "x.img", content(MIB))
    pool.hvd("spawn", path, "--name", "web-1", "--disk", "6M", "--memory", "1.5G").expect(0)
    lines = pool.hvd("info", "web-1").expect(0).out.splitlines()
    head = next(n for n, line in enumerate(lines) if line.startswith("DISK"))
    equal(lines[head].split(), ["DISK", "ROLE", "SIZE", "ACCESS", "STORAGE", "VDI"])
    assert "  6 MiB  " in lines[head + 1] and "  Shared storage  " in lines[head + 1], lines
    assert "1.5 GiB" in pool.hvd("list").out, pool.hvd("list").out


@with_pool()
def test_called_by_its_name(pool):
    """In errors as in progress; the uuid beside it."""
    uuid = pool.spawn(write(pool.state, "x.img", content(MIB)), "--name", "web-1")["uuid"]
    pool.hvd("power", "off", "web-1", "--hard").expect(0)
    pool.hvd("power", "pause", "web-1").expect(7, f"STATE: pause web-1 ({uuid}): ")
    result = pool.hvd("--json", "power", "pause", "web-1").expect(7)
    assert f"pause web-1 ({uuid}): " in result.error()["message"], result.err
    result = pool.hvd("power", "pause", uuid).expect(7, f"STATE: pause {uuid}: ")
    assert "web-1" not in result.err, result.err


if __name__ == "__main__":
    main("/e2e/spawn")
