"""Every recorded request of the real toolstack, sent to the simulator in the order of recording;
the answer is held against the recorded one. ../captures/README.md says what was recorded."""

import functools
import pathlib
import re
import sys

from harness import Failure
from recording import NULL, Comparison, Response, read_request
from world import recorded_pools

CAPTURES = pathlib.Path(__file__).resolve().parent.parent / "captures"
BULK = re.compile(rb"\.\.\. (\d+) bytes of disk \.\.\.")
QUIET = 5  # seconds between two cases: what the one began has ended when the next one comes
MIB = 1 << 20

# Members whose value is a matter of time, luck or equipment: their type alone is held.
ACCIDENTAL = set("""
    id token session agent_start_time boot_time MAC mac_seed telemetry_uuid domid fingerprint
    fingerprint_sha256 fingerprint_sha1 generation_id timestamp
    snapshot_metadata last_booted_record
""".split())

DIFFERENT = {}


@functools.cache
def read(name, suffix):
    return (CAPTURES / f"{name}.{suffix}").read_bytes()


def result(name):
    """What a recorded call returned."""
    return Response(read(name, "resp")).result()


def parameter(name, number):
    """A parameter of a recorded call; 0 is the session."""
    return read_request(read(name, "req"))[number]


# ---- what was left out of the recording ----

def record_of(name, **members):
    return {**parameter(name, 1), **members}


def host(number):
    return result("session_get_this_host") if number == 1 else parameter("host_get_record", 1)


def bind_hosts(world):
    for number, address in ((1, "127.0.1.1"), (2, "127.0.1.2")):
        ref = next(ref for ref, record in world.do("host.get_all_records").items()
                   if record["address"] == address)
        world.names.bind(host(number), ref)


def play_history(world):
    """What the recorded pool had been through on its first day."""
    bind_hosts(world)
    network = world.do("network.get_by_name_label", "Pool-wide network associated with eth0")[0]
    storage = next(ref for ref, record in world.do("PBD.get_all_records").items()
                   if record["host"] == world.names.seen[host(1)])
    sr = world.do("PBD.get_SR", storage)
    vm = world.do("VM.create", record_of(
        "VM_create", name_label="instance-00000001", name_description="",
        other_config={"nova_uuid": "b8b0f3f4-0000-4000-8000-000000000001"},
        memory_static_max=512 * MIB, memory_dynamic_max=512 * MIB, memory_dynamic_min=512 * MIB,
        VCPUs_max=2, VCPUs_at_startup=2, VCPUs_params={},
        platform={"acpi": "true", "apic": "true", "pae": "true", "viridian": "true",
                  "timeoffset": "0"},
        xenstore_data={"vm-data/sim-agent": "1", "vm-data/allowvssprovider": "false"}))
    root = world.do("VDI.create", record_of("VDI_create", SR=sr, name_label="root", type="system",
                                            virtual_size=1024 * MIB))
    world.do("VBD.create", record_of("VBD_create", VM=vm, VDI=root, unpluggable=False,
                                     other_config={"owner": ""}))
    world.do("VIF.create", record_of("VIF_create", VM=vm, network=network, MTU=0,
                                     MAC="5e:c1:41:f7:23:27"))
    world.do("VM.start_on", vm, host(1), False, False)
    world.do("VM.pause", vm)
    world.do("VM.unpause", vm)
    world.do("VM.clean_reboot", vm)
    world.do("VM.hard_reboot", vm)
    snapshot = world.do("VM.snapshot", vm, "snap1")
    world.do("VM.checkpoint", vm, "cp1")
    volume = world.do("VDI.create", record_of("VDI_create", SR=sr, name_label="vol",
                                              virtual_size=3072 * MIB))
    vbd = world.do("VBD.create", record_of("VBD_create", VM=vm, VDI=volume, userdevice="1"))
    world.do("VBD.plug", vbd)
    world.do("VBD.unplug", vbd)
    world.do("VBD.destroy", vbd)
    world.do("VDI.snapshot", volume, {})
    world.do("VDI.clone", volume, {})
    world.do("VDI.copy", volume, sr)
    world.do("VM.suspend", vm)
    world.do("VM.resume", vm, False, False)
    world.do("VM.hard_shutdown", vm)
    world.do("VM.revert", snapshot)
    world.do("VM.add_to_xenstore_data", vm, "vm-data/foo", "bar")
    world.do("VM.copy", vm, "copy1", NULL)
    world.do("VM.destroy", vm)
    world.do("SR.scan", sr, start=True)


def add_second_disk(world):
    vdi = world.do("VDI.create", record_of("VDI_create"))
    world.do("VBD.create", record_of("VBD_create", VDI=vdi, userdevice="1"))


def log_in_again(world):
    world.names.bind(parameter("pool2_host_get_all_records", 0), world.login())


LEFT_OUT = {
    "login_with_password": play_history,
    "VBD_create_empty_cd": add_second_disk,
}

# What is asked at once, while what the case before began still goes on.
AT_ONCE = {"task_get_record_pending", "task_cancel"}


# ---- the comparison ----

def fill(data):
    """Disks were not recorded, only how long they were."""
    return BULK.sub(lambda match: bytes(int(match[1])), data)


def compare_heads(comparison, theirs, ours):
    comparison.value(theirs.status, ours.status, "status")
    heads = [[list(header) for header in response.headers if header[0].lower() != "content-length"]
             for response in (theirs, ours)]
    comparison.value(*heads, "headers")
    if (theirs.length is None) != (ours.length is None) or not ours.complete:
        comparison.note("content-length", f"{ours.length} with {len(ours.body)} bytes")


def differences(name, names, seen):
    comparison = Comparison(names, ACCIDENTAL)
    theirs, ours = Response(read(name, "resp")), Response(seen)
    compare_heads(comparison, theirs, ours)
    if not comparison.differences:
        comparison.value(theirs.read(), ours.read(), "")
    return comparison.differences


def send(name, world):
    recorded = Response(read(name, "resp"))
    request = fill(world.names.translate(read(name, "req")))
    node = 1 if "slave" in name else 0
    return world.exchange(0, node, request,
                          lambda data: not recorded.closes and Response(data).complete)


def run(name, world):
    if name not in AT_ONCE:
        world.advance(QUIET)
    if name in LEFT_OUT:
        LEFT_OUT[name](world)
    return differences(name, world.names, send(name, world))


def main():
    bad = 0
    with recorded_pools() as world:
        for name in (CAPTURES / "ORDER").read_text().split():
            try:
                found = run(name, world)
            except (Failure, TimeoutError) as e:
                found = [repr(e)]
            if found:
                bad += 1
                print("##", name)
                for x in found[:int(sys.argv[1])]: print("    ", x[:400])
    print(bad)
main()
