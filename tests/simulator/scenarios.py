"""Complete operations as they were recorded on the real toolstack, request by request, beside
connections that listen to every event. ../captures/scenarios/README.md says what was recorded."""

import json
import pathlib
import re
import select
import sys

from harness import Rpc
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
            super().advance(STEP)
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
            self.ask(request, answer)
        self.stage.settle()
        return self.comparison.differences + self.judge()

    def has_come_so_far(self, request):
        """Whether as many disks have been made as before @request was recorded."""
        return all(count_disks(listener.events)
                   >= count_disks(self.recording.events(to, before=request), self.residue)
                   for to, listener in zip("AB", self.stage.listeners))

    def judge(self):
        found = []
        for to, listener in zip("AB", self.stage.listeners):
            judge = Judge(self.stage.names, self.recording.events(to), listener.events,
                          listener.before, self.residue)
            found += [f"pool {to}: {text}" for text in judge.differences()]
        return found

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


def play(recording):
    with recorded_pools(Stage, *OPTIONS) as stage:
        return Play(stage, recording).run()


def main():
    paths = sorted(SCENARIOS.glob("*.jsonl"))
    wanted = sys.argv[1:]
    print(f"TAP version 13\n1..{len(paths)}")
    failed = 0
    for number, path in enumerate(paths, 1):
        if wanted and path.stem not in wanted:
            continue
        found = play(Recording(path))
        failed += bool(found)
        for line in found:
            print("# " + line.replace("\n", " ")[:500])
        print(f"{'not ok' if found else 'ok'} {number} /simulator/scenarios/{path.stem}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
