"""The two pools that a replay runs against: what is said to them, and the time that passes. Their
clocks stand still; time moves only while an answer is awaited, and between two cases."""

import calendar
import contextlib
import json
import select
import socket
import time

from harness import PATIENCE, Control, Failure, pool
from recording import Names

STEP = 0.05  # seconds by which time moves while an answer is awaited
TOO_LONG = 200  # seconds of that time after which an answer does not come any more
TURNS = 50
PASSWORD = "xenroot"  # of the recorded pools
BEGIN = 1795147000  # before the first of the recordings
OPTIONS = ("--capture-profile", "--stopped-clock", "--pace", "300",
           "--storage-pace", "100", "--time", str(BEGIN))


class World:
    def __init__(self, *pools):
        self.pools = pools
        self.clocks = [Control(running.ready["control"]) for running in pools]
        self.open = []  # control connections whose calls run
        self.names = Names()
        for number, running in enumerate(pools):
            session = self.login(number, running.password())
            self.say(number, "session.change_password", session, "", PASSWORD)
            self.say(number, "session.logout", session)

    def advance(self, seconds):
        for clock in self.clocks:
            clock.do("clock", advance=seconds)

    def advance_to(self, moment):
        """To a point in time, of both pools."""
        for clock in self.clocks:
            now = clock.do("clock", advance=0)["now"]
            seconds = moment - calendar.timegm(time.strptime(now, "%Y%m%dT%H:%M:%SZ"))
            assert seconds >= 0, (now, moment)
            clock.do("clock", advance=seconds)

    def wait(self, sockets):
        """Until there is something to read; time moves while there is not. First there are as many
        turns of the pools' loops as a request needs to arrive, at no time at all."""
        waited = -TURNS
        while waited < TOO_LONG / STEP:
            ready = select.select(sockets, [], [], 0)[0]
            if ready:
                return ready
            self.advance(STEP if waited >= 0 else 0)
            waited += 1
        raise TimeoutError(f"no answer after {TOO_LONG} s")

    def send(self, connection, data):
        """Time moves while nothing more is taken."""
        while data:
            ready = select.select([], [connection], [], 0)[1]
            if ready:
                data = data[connection.send(data[:1 << 16]):]
            else:
                self.advance(STEP)

    def exchange(self, number, node, request, is_enough, meanwhile=None):
        """Sends bytes to a node, and reads until enough has come or the other side closes."""
        running = self.pools[number]
        answer = b""
        with socket.create_connection((running.addresses[node], running.port),
                                      PATIENCE) as connection:
            self.send(connection, request)
            if meanwhile is not None:
                meanwhile(self)
            while not is_enough(answer):
                self.wait([connection])
                piece = connection.recv(1 << 20)
                if not piece:
                    break
                answer += piece
        return answer

    def login(self, number=0, password=PASSWORD):
        return self.say(number, "session.login_with_password", "root", password)

    def say(self, number, method, *params):
        """A plain call, without a word about its time."""
        running = self.pools[number]
        with contextlib.closing(running.connect_http(running.addresses[0])) as connection:
            body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1})
            connection.request("POST", "/jsonrpc", body)
            answer = json.loads(connection.getresponse().read())
        if "error" in answer:
            raise Failure([answer["error"]["message"], *answer["error"]["data"]])
        return answer["result"]

    def begin(self, method, *params, number=0, start=False):
        """A call from inside, which nobody waits for yet. Parameters are as in the recording."""
        control = Control(self.pools[number].ready["control"])
        self.open.append(control)
        text = json.dumps(params).encode()
        control.send("call", method=method, params=json.loads(self.names.translate(text)),
                     **{"async": start})
        return control

    def do(self, method, *params, **members):
        """The same to its end; with @start only its beginning, and its task is the result."""
        control = self.begin(method, *params, **members)
        self.wait([control.socket])
        answer = control.receive()
        self.open.remove(control)
        control.close()
        if "error" in answer:
            raise Failure(answer["error"])
        return answer["result"]

    def make(self, recorded, method, *params, **members):
        """The same, and its result is what the recording calls @recorded."""
        result = self.do(method, *params, **members)
        assert self.names.bind(recorded, result), (method, recorded, result)
        return result

    def set(self, class_name, ref, field, value, number=0):
        """Writes into a pool's database what no call would."""
        self.pools[number].control.do("set", **{"class": class_name, "ref": ref, "field": field,
                                                "value": value})

    def close(self):
        for control in self.clocks + self.open:
            control.close()


@contextlib.contextmanager
def recorded_pools(kind=World, *options):
    """A pool of two hosts and one of one, as they were recorded."""
    with (pool("--hosts", "2", "--address", "127.0.1.1", *OPTIONS, *options) as first,
          pool("--hosts", "1", "--address", "127.0.1.3", *OPTIONS, *options) as second,
          contextlib.closing(kind(first, second)) as world):
        yield world
