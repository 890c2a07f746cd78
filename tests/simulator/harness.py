"""What the simulator's tests stand on: a pool in a process of its own, clients for its three
sides (RPC, raw HTTP, control), and a runner that prints TAP. Standard library only."""

import contextlib
import glob
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import traceback

PROGRAM = os.environ.get("XAPI_SIM", "xapi-sim")
PATIENCE = 60  # seconds until a test that hangs is called so; no test depends on it


class Failure(Exception):
    """An API failure: the code and its parameters."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error
        self.code = error[0]


class Skip(Exception):
    """A test that cannot run here, and why."""


class Control:
    """The control socket: one command, one answer."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def send(self, command, **members):
        self.socket.sendall(json.dumps({"cmd": command, **members}).encode() + b"\n")

    def receive(self):
        line = self.file.readline()
        if not line:
            raise EOFError("the control connection has ended")
        return json.loads(line)

    def ask(self, command, **members):
        self.send(command, **members)
        return self.receive()

    def do(self, command, **members):
        answer = self.ask(command, **members)
        assert answer.get("ok") is True, (command, answer)
        return answer

    def call(self, method, *params, **members):
        answer = self.ask("call", method=method, params=list(params), **members)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer["result"]

    def close(self):
        self.file.close()
        self.socket.close()


class Rpc:
    """JSON-RPC 2.0 on one kept connection; logs in when it is made."""

    def __init__(self, pool, address=None, user="root", login=True):
        self.pool = pool
        self.address = address or pool.ready["coordinator"]
        self.connection = pool.connect_http(self.address)
        self.session = None
        if login:
            self.session = self.raw("session.login_with_password", user, pool.password(user),
                                    "2.21", "tests")

    def post(self, body, path="/jsonrpc", headers=None):
        self.connection.request("POST", path, body, headers or {})
        return self.connection.getresponse()

    def raw(self, method, *params, headers=None):
        self.send(method, params, headers)
        return self.finish()

    def send(self, method, params, headers=None):
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1})
        self.connection.request("POST", "/jsonrpc", body, headers or {})

    def start(self, method, *params, headers=None):
        """Sends a call in our session; finish() waits for its answer."""
        self.send(method, [self.session, *params], headers)

    def finish(self):
        response = self.connection.getresponse()
        text = response.read()
        assert response.status == 200, (response.status, text)
        answer = json.loads(text)
        if "error" in answer:
            raise Failure([answer["error"]["message"], *answer["error"]["data"]])
        return answer["result"]

    def call(self, method, *params, headers=None):
        return self.raw(method, self.session, *params, headers=headers)

    def events(self, classes, token="", timeout=0.0):
        return self.call("event.from", classes, token, timeout)

    def wait_task(self, task):
        """Follows a task to its end through events and gives its record."""
        token = ""
        while True:
            batch = self.events([f"task/{task}"], token, 30.0)
            token = batch["token"]
            for event in batch["events"]:
                if event["operation"] == "del":
                    raise AssertionError("the task is gone")
                if event["snapshot"]["status"] != "pending":
                    return event["snapshot"]

    def run(self, method, *params, headers=None):
        """An Async. call to its end; its result as text, or the failure."""
        task = self.call("Async." + method, *params, headers=headers)
        record = self.wait_task(task)
        if record["status"] != "success":
            raise Failure(record["error_info"] or [record["status"].upper()])
        return record["result"].removeprefix("<value>").removesuffix("</value>")

    def close(self):
        self.connection.close()


class Pool:
    """A running xapi-sim."""

    def __init__(self, *options):
        self.process = subprocess.Popen([PROGRAM, *options], stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"xapi-sim ended with {self.process.wait()}")
        self.ready = json.loads(line)
        self.control = Control(self.ready["control"])
        self.port = self.ready["port"]
        self.addresses = [node["address"] for node in self.ready["nodes"]]

    def password(self, user="root"):
        suffix = "" if user == "root" else f"-{user}"
        with open(self.ready["password_file"] + suffix, encoding="ascii") as file:
            return file.read()

    def tls_context(self):
        return ssl.create_default_context(cafile=self.ready["ca"])

    def connect_http(self, address):
        if self.ready["url"].startswith("https:"):
            return http.client.HTTPSConnection(address, self.port, timeout=PATIENCE,
                                               context=self.tls_context())
        return http.client.HTTPConnection(address, self.port, timeout=PATIENCE)

    def connect(self, address=None):
        return socket.create_connection((address or self.ready["coordinator"], self.port), PATIENCE)

    def talk(self, request, address=None):
        """Sends bytes and reads until the other side closes."""
        with self.connect(address) as connection:
            connection.sendall(request)
            return read_all(connection)

    def rpc(self, **options):
        return Rpc(self, **options)

    def stop(self):
        self.control.close()
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        assert status == 0, f"xapi-sim ended with {status}"


def read_head(connection):
    """The head of an answer, with its empty line, and not a byte more."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, head
        head += byte
    return head


def read_all(connection):
    pieces = []
    while True:
        piece = connection.recv(65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


@contextlib.contextmanager
def pool(*options):
    running = Pool(*options)
    try:
        yield running
    finally:
        running.stop()


def end_pools(path):
    """Of pools that were started by somebody else: they linger, and write into their directory."""
    for control in glob.glob(f"{path}/**/control.sock", recursive=True):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(control)
            connection.sendall(b'{"cmd":"shutdown"}\n')
            read_all(connection)  # until the process has ended


@contextlib.contextmanager
def directory():
    with tempfile.TemporaryDirectory(prefix="xapi-sim-test-") as path:
        yield path
        end_pools(path)


def expect_failure(code, function, *arguments, **options):
    """The parameters of the failure that must come."""
    try:
        result = function(*arguments, **options)
    except Failure as failure:
        assert failure.code == code, failure.error
        return failure.error[1:]
    raise AssertionError(f"{code} expected, got {result!r}")


def equal(seen, expected):
    assert seen == expected, f"{seen!r:.2000} instead of {expected!r:.2000}"


def run_tests(prefix, tests):
    """Runs functions in order and prints TAP. A test's name is its function's."""
    failed = 0
    print(f"TAP version 13\n1..{len(tests)}", flush=True)
    for number, test in enumerate(tests, 1):
        name = f"{prefix}/{test.__name__.removeprefix('test_').replace('_', '-')}"
        try:
            test()
            print(f"ok {number} {name}", flush=True)
        except Skip as skip:
            print(f"ok {number} {name} # SKIP {skip}", flush=True)
        except Exception:  # whatever a test raises is its failure
            failed += 1
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print(f"not ok {number} {name}", flush=True)
    sys.exit(1 if failed else 0)
