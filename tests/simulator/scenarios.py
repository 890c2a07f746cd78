"""Complete operations as they were recorded on the real toolstack, request by request, beside a
connection that listens to every event. ../captures/scenarios/README.md says what was recorded."""

import functools
import json
import pathlib
import re
import select
import sys

from harness import Failure, Rpc
from machines import vm_record
from recording import Comparison, Response
from world import World, recorded_pools

SCENARIOS = pathlib.Path(__file__).resolve().parent.parent / "captures" / "scenarios"
STEP = 0.01  # seconds by which time moves
CREATED_WITH = {  # what a create takes; the rest of a record comes by itself
    "VM": """name_label name_description user_version is_a_template affinity memory_static_max
        memory_static_min memory_dynamic_max memory_dynamic_min VCPUs_params VCPUs_max
        VCPUs_at_startup actions_after_shutdown actions_after_reboot actions_after_crash
        PV_bootloader PV_kernel PV_ramdisk PV_args PV_bootloader_args PV_legacy_args
        HVM_boot_policy HVM_boot_params HVM_shadow_multiplier platform PCI_bus recommendations
        xenstore_data ha_restart_priority tags blocked_operations start_delay shutdown_delay order
        suspend_SR version generation_id hardware_platform_version has_vendor_device
        reference_label domain_type NVRAM other_config""".split(),
    "VDI": """name_label name_description SR virtual_size type sharable read_only other_config
        sm_config xenstore_data tags""".split(),
    "VBD": """VM VDI device userdevice bootable mode type unpluggable empty other_config
        qos_algorithm_type qos_algorithm_params""".split(),
    "VIF": """device network VM MAC MTU other_config qos_algorithm_type qos_algorithm_params
        locking_mode ipv4_allowed ipv6_allowed""".split(),
}


class Recording:
    """One file: what existed, what was asked, and what happened."""

    def __init__(self, path):
        self.name = path.stem
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.context = lines[0]
        self.requests = [line for line in lines if line["kind"] == "request"]
        self.answers = [line for line in lines if line["kind"] == "answer"]
        self.events = {"A": [], "B": []}
        for line in lines:
            if line["kind"] == "events":
                self.events[line["to"]] += line["result"]["events"]

    def first_event(self, ref):
        """The first that was told of an object."""
        return next((event for event in self.events["A"] + self.events["B"]
                     if event["ref"] == ref and "snapshot" in event), None)

    def first(self, ref):
        event = self.first_event(ref)
        return event and event["snapshot"]


class Listener:
    """Every event of a pool, from an endless row of polls that miss nothing."""

    def __init__(self, world, number):
        self.control = world.pools[number].control
        self.rpc = Rpc(world.pools[number], login=False)
        self.rpc.session = world.login(number)
        before = self.rpc.events(["*"])
        self.token = before["token"]
        self.before = {event["ref"]: event.get("snapshot", {}) for event in before["events"]}
        self.events = []
        self.listen()

    def listen(self):
        self.control.do("reset-stats")
        self.rpc.start("event.from", ["*"], self.token, 30.0)
        while "event.from" not in self.control.ask("stats")["rpc"]:
            pass  # the poll is under way: no moment passes unseen

    def collect(self):
        while select.select([self.rpc.connection.sock], [], [], 0)[0]:
            batch = self.rpc.finish()
            self.token = batch["token"]
            self.events += batch["events"]
            self.listen()


class Stage(World):
    """The recorded pools while a scenario is played on them."""

    def __init__(self, *pools):
        super().__init__(*pools)
        self.listeners = []

    def advance(self, seconds):
        for _ in range(max(round(seconds / STEP), 1)):
            super().advance(STEP)
            for listener in self.listeners:
                listener.collect()

    def settle(self):
        """Until nothing has happened for a while."""
        quiet = 0.0
        while quiet < 2.0:
            count = sum(len(listener.events) for listener in self.listeners)
            self.advance(STEP)
            same = count == sum(len(listener.events) for listener in self.listeners)
            quiet = quiet + STEP if same else 0.0

    def close(self):
        for listener in self.listeners:
            listener.rpc.close()
        super().close()


# ---- what existed before ----

class Scenery:
    """Makes what the context of a recording names."""

    def __init__(self, stage, recording):
        self.stage = stage
        self.recording = recording
        self.names = stage.names

    def build(self):
        context = self.recording.context
        self.pool(context, 0)
        if "pool_B" in context:
            self.pool(context["pool_B"], 1)
            self.rename(context["pool_B"]["host"], "xapisim3")
        if "nfs_sr" in context:
            self.shared_storage(context)
        for key in ("cache_vdi", "volume_vdi"):
            if key in context:
                self.disk(context[key])
        if "vm" in context:
            self.machine(context["vm"])
        self.bind_uuids()

    def bind_uuids(self):
        """Requests name objects by uuid, too."""
        for ref, ours in list(self.names.seen.items()):
            event = self.recording.first_event(ref)
            kind = event and {"vm": "VM", "vdi": "VDI", "sr": "SR", "host": "host"}.get(event["class"])
            if kind:
                number = 0 if event in self.recording.events["A"] else 1
                uuid = self.stage.do(f"{kind}.get_uuid", ours, number=number)
                self.names.bind(event["snapshot"]["uuid"], uuid)

    def pool(self, context, number):
        do = functools.partial(self.stage.do, number=number)
        hosts = {record["address"]: ref for ref, record in do("host.get_all_records").items()}
        pbds = do("PBD.get_all_records").values()
        for key, address in (("host1", "127.0.1.1"), ("host2", "127.0.1.2"), ("host", "127.0.1.3")):
            if key in context:
                self.names.bind(context[key], hosts[address])
        first = hosts["127.0.1.1" if number == 0 else "127.0.1.3"]
        self.names.bind(context["local_sr" if number == 0 else "sr"],
                        next(pbd["SR"] for pbd in pbds if pbd["host"] == first))
        self.names.bind(context["network"], do("network.get_by_name_label",
                                               "Pool-wide network associated with eth0")[0])
        if "pool" in context:
            self.names.bind(context["pool"], do("pool.get_all")[0])
        session = context.get("session") if number == 0 else next(
            (request["params"][0] for request in self.recording.requests if request["to"] == "B"))
        self.names.bind(session, self.stage.login(number))

    def rename(self, host, name):
        """The host of the second pool was the third one of its makers."""
        for field in ("name_label", "hostname"):
            self.stage.pools[1].control.do("set", **{
                "class": "host", "ref": self.names.seen[host], "field": field, "value": name})

    def shared_storage(self, context):
        self.stage.make(context["nfs_sr"], "SR.create", context["host1"],
                        {"server": "10.0.0.1", "serverpath": "/exports/vol"}, "0", "nfs vol", "",
                        "nfs", "", True, {})

    def record(self, kind, ref, **otherwise):
        """The record that an object was created with, as far as its events tell."""
        seen = self.recording.first(ref) or {}
        record = {**otherwise, **{name: seen[name] for name in CREATED_WITH[kind] if name in seen}}
        record["other_config"] = {key: value for key, value in record["other_config"].items()
                                  if key not in ("mac_seed", "content_id", "maps_to")}
        return record

    def disk(self, ref):
        record = self.record("VDI", ref, name_label="disk", SR=self.recording.context["local_sr"],
                             virtual_size=8 << 20, type="user", sharable=False, read_only=False,
                             other_config={})
        self.stage.make(ref, "VDI.create", {**record, "sm_config": {}})
        seen = self.recording.first(ref)
        if seen and seen["physical_utilisation"]:
            self.fill(ref, seen["physical_utilisation"])

    def fill(self, ref, size):
        session = self.recording.context["session"]
        head = self.names.translate(
            f"PUT /import_raw_vdi?session_id={session}&vdi={ref}&format=raw HTTP/1.1\r\n"
            f"Content-Length: {size}\r\n\r\n".encode())
        self.stage.exchange(0, 0, head + b"\1" * size, lambda data: False)

    def machine(self, ref):
        context = self.recording.context
        seen = self.recording.first(ref)
        record = self.record("VM", ref, **vm_record())
        record["platform"] = {key: value for key, value in record["platform"].items()
                              if key != "device-model"}
        self.stage.make(ref, "VM.create", record)
        disks = [context[key] for key in ("vdi", "vdi2") if key in context] or ["OpaqueRef:any"]
        seen = seen or {"VBDs": ["OpaqueRef:drive"], "VIFs": [], "consoles": []}
        vbds = [vbd for vbd in seen["VBDs"] if vbd not in self.created()]
        for number, vbd in enumerate(reversed(vbds)):
            known = self.recording.first(vbd)
            vdi = known["VDI"] if known else disks[min(number, len(disks) - 1)]
            if vdi not in self.names.seen:
                self.disk(vdi)
            self.stage.make(vbd, "VBD.create", {
                **self.record("VBD", vbd, VM=ref, VDI=vdi, userdevice=str(number), bootable=True,
                              mode="RW", type="Disk", unpluggable=number > 0, empty=False,
                              other_config={}, qos_algorithm_type="", qos_algorithm_params={})})
        for vif in seen["VIFs"]:
            self.stage.make(vif, "VIF.create", self.record(
                "VIF", vif, device="0", network=context["network"], VM=ref,
                MAC="fa:16:3e:00:00:01", MTU=1500, other_config={}, qos_algorithm_type="",
                qos_algorithm_params={}))
        self.stage.do("VM.start_on", ref, context["host1"], False, False)
        ours = self.stage.do("VM.get_record", ref)
        for name in ("metrics", "guest_metrics"):
            if name in seen:
                self.names.bind(seen[name], ours[name])
        for theirs, our in zip(sorted(seen["consoles"]), sorted(ours["consoles"])):
            self.names.bind(theirs, our)

    def created(self):
        """What the operation itself creates."""
        return {answer["result"] for answer in self.recording.answers
                if isinstance(answer.get("result"), str)}


# ---- what happened ----

class History:
    """What was told of one object."""

    def __init__(self, kind, before=None):
        self.kind = kind
        self.before = before
        self.operations = []
        self.states = []

    def add(self, event):
        self.operations.append(event["operation"])
        if "snapshot" in event:
            self.states.append(event["snapshot"])

    @property
    def last(self):
        return self.states[-1] if self.states else self.before or {}

    @property
    def is_new(self):
        return self.operations[0] == "add"

    @property
    def is_gone(self):
        return self.operations[-1] == "del"


def histories(events, before):
    """By reference, in the order of their first events."""
    result = {}
    for event in events:
        history = result.setdefault(event["ref"], History(event["class"],
                                                          before.get(event["ref"])))
        history.add(event)
    return result


ACCIDENTAL = set("""
    id token session agent_start_time boot_time MAC mac_seed domid generation_id timestamp
    last_booted_record virtual_allocation physical_utilisation content_id backtrace
    memory_actual
""".split())  # the recorded monitor was a stand-in that measured once


class Judge:
    """Holds what happened in a pool against what was recorded of it."""

    def __init__(self, names, recorded, seen, before):
        self.names = names
        self.comparison = Comparison(names, ACCIDENTAL)
        self.recorded = histories(recorded, {})
        self.seen = histories(seen, before)
        self.before = before
        self.kinds = {}

    def judge(self):
        self.pair_old()
        self.pair_new()
        for ref, history in self.recorded.items():
            if ref in self.names.seen:
                self.hold(ref, history)
            elif history.states:
                self.comparison.note(name_of(ref, history), "is missing")
        for ref, history in self.seen.items():
            if ref not in self.names.recorded and history.is_new and not history.is_gone:
                self.comparison.note(name_of(ref, history), "is too much")
        return self.comparison.differences

    def pair_old(self):
        """What existed before and no request names: domains of the hosts, connections of storage."""
        for ref, history in self.recorded.items():
            if ref in self.names.seen or history.is_new or not history.states:
                continue
            free = [ours for ours, told in self.seen.items()
                    if told.kind == history.kind and not told.is_new
                    and ours not in self.names.recorded]
            self.bind_best(ref, history, free)

    def pair_new(self):
        for ref, history in self.recorded.items():
            if ref in self.names.seen or not history.is_new:
                continue
            free = [ours for ours, told in self.seen.items()
                    if told.kind == history.kind and told.is_new
                    and ours not in self.names.recorded]
            self.bind_best(ref, history, free)

    def bind_best(self, ref, history, free):
        if not free:
            return
        best = min(free, key=lambda ours: self.distance(history, self.seen[ours]))
        self.names.bind(ref, best)

    def distance(self, theirs, ours):
        return (self.comparison.count(theirs.states[0], ours.states[0])
                + self.comparison.count(theirs.last, ours.last))

    def hold(self, ref, theirs):
        place = name_of(ref, theirs)
        ours = self.seen.get(self.names.seen[ref])
        if ours is None:
            if theirs.states:
                self.comparison.note(place, "nothing happened to it")
            return
        if theirs.is_gone != ours.is_gone:
            self.comparison.note(place, "is gone" if ours.is_gone else "is still there")
        if theirs.states:
            self.comparison.value(theirs.last["uuid"], ours.last.get("uuid"), place)
        for name in theirs.last:
            self.hold_member(f"{place}.{name}", name, theirs, ours)

    def hold_member(self, place, name, theirs, ours):
        """Each value that was recorded comes, in the same order, and the last one is the last."""
        recorded = self.values(name, theirs.states, self.names.seen)
        before = [ours.before] if ours.before else []
        seen = self.values(name, before + ours.states, self.names.recorded)
        if name in ACCIDENTAL:
            return
        rest = iter(seen)
        for value in recorded:
            if not any(self.same(value, other) for other in rest):
                self.comparison.note(place, f"{describe_values(recorded)} recorded, "
                                            f"{describe_values(seen)} seen")
                return
        if recorded and not theirs.is_gone and not self.same(recorded[-1], seen[-1]):
            self.comparison.note(place, f"{seen[-1]!r:.200} at last instead of {recorded[-1]!r:.200}")

    def values(self, name, states, known):
        """The values of a member, one after the other; what they say of others is left out."""
        result = []
        for state in states:
            if name not in state:
                continue
            value = self.relevant(state[name], known)
            if not result or result[-1] != value:
                result.append(value)
        return result

    @staticmethod
    def relevant(value, known):
        def is_other(text):
            return isinstance(text, str) and text.startswith("OpaqueRef:") and text not in known

        if isinstance(value, float):
            return round(value, 9)
        if isinstance(value, list):
            return [member for member in value if not is_other(member)]
        if isinstance(value, dict):
            return {key: member for key, member in value.items() if not is_other(key)}
        return value

    def in_our_words(self, value):
        """Keys that name something by its uuid."""
        if isinstance(value, dict):
            return {self.names.translate(key.encode()).decode() if "uuid" not in key else key:
                    member for key, member in value.items()}
        return value

    def same(self, recorded, seen):
        return self.comparison.count(recorded, seen) == 0


def describe_values(values):
    return " -> ".join(f"{value!r:.120}" for value in values)


def name_of(ref, history):
    label = history.last.get("name_label") or history.last.get("name") or ""
    return f"{history.kind} {label} {ref[10:18]}"


# ---- the play ----

class Play:
    def __init__(self, stage, recording):
        self.stage = stage
        self.recording = recording
        self.comparison = Comparison(stage.names, ACCIDENTAL)

    def run(self):
        Scenery(self.stage, self.recording).build()
        self.stage.settle()
        self.stage.listeners = [Listener(self.stage, number)
                                for number in range(len(self.stage.pools))]
        for request, answer in zip(self.recording.requests, self.recording.answers):
            self.stage.settle()
            self.ask(request, answer)
        self.stage.settle()
        for number, to in enumerate("AB"):
            listener = self.stage.listeners[number]
            judge = Judge(self.stage.names, self.recording.events[to], listener.events,
                          listener.before)
            self.comparison.differences += [f"{to}: {text}" for text in judge.judge()]
        return self.comparison.differences

    def ask(self, request, answer):
        number = "AB".index(request["to"])
        place = f"{request['n']} {request.get('method', 'transfer')}"
        if "http" in request:
            self.transfer(number, request, answer, place)
            return
        body = json.dumps({"jsonrpc": "2.0", "method": request["method"], "id": 1,
                           "params": request["params"]})
        seen = self.exchange(number, "POST /jsonrpc", body.encode()).read()
        for member in ("result", "error"):
            if member in answer or member in seen:
                self.comparison.value(answer.get(member), seen.get(member), place)

    def transfer(self, number, request, answer, place):
        length = re.match(r"<(\d+) bytes>", request.get("body", ""))
        body = b"\1" * int(length[1]) if length else b""
        seen = self.exchange(number, request["http"], body)
        self.comparison.value(f"HTTP/1.1 {answer['status']}", seen.status[:12], place)
        headers = {key: value for key, _, value in seen.headers}
        self.comparison.value(answer["headers"], headers, place)
        size = re.match(r"<(\d+) bytes>", answer.get("body", ""))
        if len(seen.body) != (int(size[1]) if size else 0):
            self.comparison.note(place, f"{len(seen.body)} bytes instead of {answer['body']}")

    def exchange(self, number, line, body):
        names = self.stage.names
        posts = line.startswith("POST")
        body = names.translate(body) if posts else body
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = names.translate(f"{line} HTTP/1.1\r\n{length}\r\n".encode())
        return Response(self.stage.exchange(number, 0, head + body,
                                            lambda data: posts and Response(data).complete))


def main():
    wanted = sys.argv[2:] or [path.stem for path in sorted(SCENARIOS.glob("*.jsonl"))]
    for name in wanted:
        recording = Recording(SCENARIOS / f"{name}.jsonl")
        with recorded_pools(Stage, "--event-delay", "0") as stage:
            try:
                found = Play(stage, recording).run()
            except (Failure, TimeoutError) as e:
                import traceback; found = [traceback.format_exc()]
        print("##", name, len(found))
        for x in found[:int(sys.argv[1])]: print("    ", x[:600])
main()
