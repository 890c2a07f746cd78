"""HTTP as odd as the real server's: captures http_*, observed.md "HTTP"."""

import contextlib
import json
import ssl

from harness import Rpc, directory, equal, pool, read_all, run_tests

BODY = (b"<?xml version='1.0'?><methodCall><methodName>host.get_all</methodName><params><param>"
        b"<value>%s</value></param></params></methodCall>")


def status(answer):
    return answer.split(b"\r\n", 1)[0].decode()


def page(answer):
    return answer.split(b"\r\n\r\n", 1)[1].decode()


def post(running, body, *headers, path=b"/", version=b"1.1"):
    head = [b"POST %s HTTP/%s" % (path, version), b"Host: x", b"Content-Length: %d" % len(body),
            *headers]
    return running.talk(b"\r\n".join(head) + b"\r\n\r\n" + body)


def test_fixed_answers():
    cases = [
        (b"HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 501 Method not implemented"),
        (b"DELETE / HTTP/1.1\r\n\r\n", "HTTP/1.1 501 Method not implemented"),
        (b"PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 403 Forbidden"),
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 301 Moved Permanently"),
        (b"GET /no/such HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 301 Moved Permanently"),
        (b"garbage\r\n\r\n", ""),
    ]
    with pool() as running:
        for request, expected in cases:
            equal(status(running.talk(request)), expected)
        assert b"location: https://h/no/such\r\n" in running.talk(cases[4][0])


def test_head_limit():
    with pool() as running:
        fits = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (1024 - 32) + b"\r\n\r\n"
        equal(len(fits), 1024)
        equal(status(running.talk(fits)), "HTTP/1.1 301 Moved Permanently")
        too_large = fits.replace(b"X: ", b"X: a")
        equal(status(running.talk(too_large)), "HTTP/1.1 431 Request Header Fields Too Large")
        running.control.do("clock", advance=20)  # no deadline is left of it
        equal(status(running.talk(fits)), "HTTP/1.1 301 Moved Permanently")


def test_length_is_required():
    with pool() as running:
        answer = running.talk(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        equal(status(answer), "HTTP/1.1 500 Internal Error")
        assert "We require a content-length: HTTP header" in page(answer)
        answer = running.talk(b"POST / HTTP/1.1\r\nContent-Length: 307201\r\n\r\n")
        equal(status(answer), "HTTP/1.1 500 Internal Error")


def test_no_continue():
    """Nothing comes before the body has been sent."""
    with pool() as running, running.connect() as connection:
        body = BODY % b"x"
        connection.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nConnection: close\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(body))
        connection.sendall(body)
        equal(status(read_all(connection)), "HTTP/1.1 200 OK")


def test_timeout_of_the_first_head():
    with pool() as running, running.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n")
        running.rpc().close()  # the other connection has been read by now
        running.control.do("clock", advance=10)
        equal(status(read_all(connection)), "HTTP/1.1 408 Request Timeout")


def test_idle_connections_stay():
    with pool() as running:
        client = running.rpc()
        running.control.do("clock", advance=3600)
        equal(len(client.call("host.get_all")), 3)


def test_versions_and_keeping():
    with pool() as running:
        body = BODY % running.rpc().session.encode()
        answer = post(running, body, version=b"1.0")
        assert answer.startswith(b"HTTP/1.0 200 OK\r\n") and b"connection: close\r\n" in answer
        answer = post(running, body, b"Connection: close")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"connection: close\r\n" in answer
        with running.connect() as connection:
            request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            connection.sendall(request + request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            equal(read_all(connection).count(b"HTTP/1.1 200 OK"), 2)


def test_paths():
    """XML-RPC on any path, JSON-RPC on one."""
    with pool() as running:
        body = BODY % running.rpc().session.encode()
        for path in (b"/", b"/RPC2", b"/xmlrpc", b"/json"):
            answer = post(running, body, b"Connection: close", path=path)
            assert b"<name>Status</name><value>Success</value>" in answer, path
        answer = post(running, b"{}", path=b"/")
        assert "expected root element" in page(answer)


def test_malformed_bodies():
    with pool() as running:
        for path, body in ((b"/", b""), (b"/", b"<a></b>"), (b"/jsonrpc", b'{"method":'),
                           (b"/jsonrpc", b"[" * 100000), (b"/jsonrpc", b'{"method":"a"}'),
                           (b"/", b"<!DOCTYPE x><methodCall/>")):
            answer = post(running, body, path=path)
            equal(status(answer), "HTTP/1.1 500 Internal Error")
            assert b"connection: close" in answer
        equal(len(running.rpc().call("host.get_all")), 3)


def test_options():
    with pool() as running:
        answer = running.talk(b"OPTIONS / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
        assert b"Access-Control-Allow-Methods: PUT\r\n" in answer


def test_answer_head():
    with pool() as running:
        body = json.dumps({"method": "host.get_all", "params": ["x"], "id": 1})
        response = running.rpc().post(body)
        response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        equal(headers, {"content-length": headers["content-length"], "connection": "keep-alive",
                        "cache-control": "no-cache, no-store", "content-type": "application/json",
                        "access-control-allow-origin": "*",
                        "access-control-allow-headers": "X-Requested-With"})


def test_tls():
    """Each node has its own certificate for its own address, and each is what it pins."""
    with pool("--tls", "--hosts", "2") as running:
        for node in running.ready["nodes"]:
            client = Rpc(running, address=node["address"], login=False)
            equal(client.post("{}").status, 500)
        pins = [node["pin"] for node in running.ready["nodes"]]
        assert len(set(pins)) == 2 and all(pin.startswith("sha256//") for pin in pins)
        context = ssl.create_default_context()
        try:
            context.wrap_socket(running.connect(), server_hostname=running.ready["coordinator"])
        except ssl.SSLCertVerificationError:
            pass
        else:
            raise AssertionError("a stranger's certificate was trusted")


def test_pages_over_tls():
    with pool("--tls", "--hosts", "1") as running:
        with running.tls_context().wrap_socket(running.connect(),
                                               server_hostname="127.0.0.1") as connection:
            connection.sendall(b"HEAD / HTTP/1.1\r\n\r\n" + b"x" * 5000)
            equal(status(read_all(connection)), "HTTP/1.1 501 Method not implemented")


def test_plain_words_to_tls():
    with pool("--tls", "--hosts", "1") as running:
        try:
            running.talk(b"GET / HTTP/1.1\r\n\r\n")
        except ConnectionResetError:
            pass
        equal(len(running.rpc().call("host.get_all")), 1)


def test_many_connections():
    with pool() as running:
        clients = [running.rpc() for _ in range(60)]
        for client in clients:
            equal(len(client.call("host.get_all")), 3)


def resident_mib(running):
    with open(f"/proc/{running.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) // 1024


def push(connection, data):
    """What the other side takes of @data without waiting."""
    taken = 0
    try:
        while taken < len(data):
            taken += connection.send(data[taken:taken + 65536])
    except BlockingIOError:
        pass
    return taken


def test_what_is_sent_too_early_is_bounded():
    """While a call waits the server reads a little of what comes next, and leaves the rest."""
    with pool() as running, contextlib.ExitStack() as stack:
        client = running.rpc()
        body = json.dumps({"method": "event.from", "id": 1,
                           "params": [client.session, ["task"], "", 3600.0]}).encode()
        token = client.events(["pool"])["token"]
        body = body.replace(b'""', json.dumps(token).encode())
        request = b"POST /jsonrpc HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        connections = [stack.enter_context(running.connect()) for _ in range(40)]
        before = resident_mib(running)
        for connection in connections:
            connection.sendall(request)
            connection.setblocking(False)
        left = {connection: 16 << 20 for connection in connections}
        taken = True
        while taken:
            taken = False
            for connection in connections:
                count = push(connection, bytes(min(left[connection], 1 << 20)))
                left[connection] -= count
                taken = taken or count > 0
            for _ in range(20):
                client.call("pool.get_all")
        grown = resident_mib(running) - before
        assert grown < 160, f"{grown} MiB for {len(connections)} clients"
        assert min(left.values()) > 0


def test_certificates_are_kept():
    with directory() as path:
        with pool("--tls", "--hosts", "1", "--state", path) as running:
            first = running.ready["nodes"][0]
        with pool("--tls", "--hosts", "1", "--state", path) as running:
            equal(running.ready["nodes"][0], first)


run_tests("/simulator/http", [
    test_fixed_answers, test_head_limit, test_length_is_required, test_no_continue,
    test_timeout_of_the_first_head, test_idle_connections_stay, test_versions_and_keeping,
    test_paths, test_malformed_bodies, test_options, test_answer_head, test_tls,
    test_pages_over_tls, test_plain_words_to_tls, test_many_connections,
    test_what_is_sent_too_early_is_bounded, test_certificates_are_kept,
])
