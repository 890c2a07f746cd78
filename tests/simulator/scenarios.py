"""Complete operations as they were recorded on the real toolstack, request by request, beside
connections that listen to every event. ../captures/scenarios/README.md says what was recorded."""

import json
import pathlib
import re
import select
import sys

from harness import Rpc, equal
from histories import ACCIDENTAL, Judge
from recording import Comparison, Response
from scenery import Recording, Scenery
from world import TOO_LONG, World, recorded_pools

SCENARIOS = pathlib.Path(__file__).resolve().parent.parent / "captures" / "scenarios"
STEP = 0.01  # seconds by which time moves
QUIET = 1.5  # seconds without an event after which what was asked for has been done
OPTIONS = ("--event-delay", "0", "--storage-pace", "60")

# What belongs to that which was done before, in recordings that began while it still went on: the
# first eight digits of its reference.
RESIDUE = {
    "migrate_abort": "f328de22 bd95bdc1 13764851 c0c3e567",
    "spawn_full_with_config_drive": "0ebbb0d3 b898a02f",
    "spawn_raw_paused": "e0419a2b 335a8e2a",
}

# What does not agree, and why. What does agree by now must leave the list.
DIFFERENT = {
    "live_migrate_pool_shared": {
        "pool A: task Async.VM.pool_migrate 4e6c063b: state 3 of 4":
            "the subtask is there at 62.5 %; in captures/migrate_events_03 it comes with 87.5 %",
    },
    "spawn_full_with_config_drive": {
        "pool A: sr Local storage bf803214: state 1 of 6":
            "the first state is that of a disk's destruction, which was asked for before",
    },
    "spawn_raw_paused": {
        "pool A: task import a2e27fa1: state 2 of 4":
            "a sample of bytes under way; here all of them are there at once",
        "pool A: vm instance-00000001 5c01e7c0: state 2 of 6":
            "here the host of a start is noted with the start, for the next one counts its memory",
    },
}


class Listener:
    """Every event of a pool, from an endless row of polls that miss nothing."""

    def __init__(self, stage, number):
        self.control = stage.pools[number].control
        self.rpc = Rpc(stage.pools[number], login=False)
        self.rpc.session = stage.login(number)
        batch = self.rpc.events(["*"])
        self.token = batch["token"]
        self.before = [event for event in batch["events"] if "snapshot" in event]
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

    def pending(self):
        """Tasks of calls that nobody waits for."""
        tasks = {event["ref"]: event.get("snapshot") for event in self.events
                 if event["class"] == "task"}
        return [ref for ref, record in tasks.items() if record
                and record["status"] == "pending" and record["name_label"].startswith("Async.")]


class Stage(World):
    """The recorded pools while a scenario is played on them."""

    def __init__(self, *pools):
        super().__init__(*pools)
        self.listeners = []

    def advance(self, seconds):
        for _ in range(max(round(seconds / STEP), 1)):
            super().advance(min(STEP, seconds))
            for listener in self.listeners:
                listener.collect()

    def heard(self):
        return sum(len(listener.events) for listener in self.listeners)

    def settle(self):
        """Until all that was begun has ended, and nothing has happened for a while."""
        quiet = 0.0
        while quiet < QUIET or any(listener.pending() for listener in self.listeners):
            count = self.heard()
            self.advance(STEP)
            quiet = quiet + STEP if count == self.heard() else 0.0

    def until(self, condition):
        for _ in range(round(TOO_LONG / STEP)):
            if condition():
                return
            self.advance(STEP)
        raise TimeoutError(f"nothing came of it in {TOO_LONG} s")

    def close(self):
        for listener in self.listeners:
            listener.rpc.close()
        super().close()


class Play:
    def __init__(self, stage, recording):
        self.stage = stage
        self.recording = recording
        self.comparison = Comparison(stage.names, ACCIDENTAL)
        self.residue = RESIDUE.get(recording.name, "").split()

    def run(self):
        Scenery(self.stage, self.recording).build()
        self.stage.settle()
        self.stage.listeners = [Listener(self.stage, number)
                                for number in range(len(self.stage.pools))]
        for request, answer in zip(self.recording.requests, self.recording.answers):
            if request.get("method") == "task.cancel":
                self.stage.until(lambda: self.has_come_so_far(request))
            else:
                self.stage.settle()
            self.recognise(request)
            self.ask(request, answer)
        self.stage.settle()
        return self.comparison.differences + self.judge()

    def has_come_so_far(self, request):
        """Whether as many disks have been made as before @request was recorded."""
        return all(count_disks(listener.events)
                   >= count_disks(self.recording.events(to, before=request), self.residue)
                   for to, listener in zip("AB", self.stage.listeners))

    def judges(self, before=None):
        return [Judge(self.stage.names, self.recording.events(to, before), listener.events,
                      listener.before, self.residue)
                for to, listener in zip("AB", self.stage.listeners)]

    def judge(self):
        return [f"pool {to}: {text}" for to, judge in zip("AB", self.judges())
                for text in judge.differences()]

    def recognise(self, request):
        """What nothing but an event has told of may be asked for."""
        refs = re.findall("OpaqueRef:[0-9a-f-]{36}", json.dumps(request))
        if not all(ref in self.stage.names.seen for ref in refs):
            for judge in self.judges(request):
                judge.recognise()

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
        seen = self.exchange(number, request["http"], b"\1" * size_of(request))
        self.comparison.value(f"HTTP/1.1 {answer['status']}", seen.status[:12], place)
        headers = dict(re.split(": ?", line, maxsplit=1) for line in seen.headers)
        self.comparison.value(answer["headers"], headers, place)
        if len(seen.body) != size_of(answer):
            self.comparison.note(place, f"{len(seen.body)} bytes instead of {size_of(answer)}")

    def exchange(self, number, line, body):
        names = self.stage.names
        posts = line.startswith("POST")
        body = names.translate(body) if posts else body
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = names.translate(f"{line} HTTP/1.1\r\n{length}\r\n".encode())
        return Response(self.stage.exchange(number, 0, head + body,
                                            lambda data: posts and Response(data).complete))


def size_of(line):
    """Of a body that was recorded as "<3072 bytes>"."""
    match = re.match(r"<(\d+) bytes>", line.get("body", ""))
    return int(match[1]) if match else 0


def count_disks(events, residue=()):
    return sum(event["class"] == "vdi" and event["operation"] == "add"
               and event["ref"][10:18] not in residue for event in events)


def without_known(name, found):
    """What differs and is not known to. Of what is, all has to differ."""
    left = list(found)
    for place, reason in DIFFERENT.get(name, {}).items():
        known = [text for text in left if text.startswith(place + " ")]
        left = [text for text in left if text not in known]
        if not known:
            left.append(f"{place} agrees by now, and is still in the list: {reason}")
    return left


def play(recording):
    with recorded_pools(Stage, *OPTIONS) as stage:
        return without_known(recording.name, Play(stage, recording).run())


def main():
    recordings = [Recording(path) for path in sorted(SCENARIOS.glob("*.jsonl"))]
    names = [recording.name for recording in recordings]
    equal(sorted({*RESIDUE, *DIFFERENT} - set(names)), [])
    print(f"TAP version 13\n1..{len(names)}")
    failed = 0
    for number, recording in enumerate(recordings, 1):
        if sys.argv[1:] and recording.name not in sys.argv[1:]:
            continue
        found = play(recording)
        failed += bool(found)
        for line in found:
            print("# " + line.replace("\n", " ")[:500])
        known = "; ".join(DIFFERENT.get(recording.name, {}))
        print(f"{'not ok' if found else 'ok'} {number} /simulator/scenarios/{recording.name}"
              + (f"  (differs: {known})" if known else ""), flush=True)
    print(f"# {len(names) - len(DIFFERENT)} of {len(names)} agree in every member, "
          f"{len(DIFFERENT)} in all but what is listed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
