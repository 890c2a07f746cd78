"""A web server for images: whole, or broken off, changed, redirected, silent, as a test says. Standard library only."""

import contextlib
import http.server
import ssl
import subprocess
import threading

from shim import PATIENCE

LONG_AGO = "Mon, 02 Nov 2026 10:00:00 GMT"
TODAY = "Mon, 30 Nov 2026 10:00:00 GMT"


class Answer:
    """One answer. @cut: how many bytes of the body come; @hold: an event, without which no more comes."""

    def __init__(self, status=200, body=b"", cut=None, hold=None, length=True, **headers):
        self.status, self.body, self.cut, self.hold, self.length = status, body, cut, hold, length
        self.headers = {name.replace("_", "-"): value for name, value in headers.items() if value}


class File:
    """Answers as a good server does, from where the request says. @cuts: after how many bytes each one breaks."""

    def __init__(self, data, etag='"one"', modified=None, cuts=(), **options):
        self.data, self.etag, self.modified, self.cuts = data, etag, modified, list(cuts)
        self.options = options

    def answer(self, headers):
        first = 0
        status, more = 200, {}
        wanted = headers.get("Range")
        if wanted and headers.get("If-Range") in (self.etag, self.modified):
            first = int(wanted.removeprefix("bytes=").removesuffix("-"))
            status = 206
            more["Content_Range"] = f"bytes {first}-{len(self.data) - 1}/{len(self.data)}"
        cut = self.cuts.pop(0) if self.cuts else None
        return Answer(status, self.data[first:], cut=cut, ETag=self.etag, Last_Modified=self.modified,
                      **{**more, **self.options})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return TODAY

    def do_GET(self):
        answer = self.server.web.take(self)
        body = answer.body if answer.cut is None else answer.body[:answer.cut]
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.length:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # hvd has seen enough
            self.wfile.write(body)
            self.wfile.flush()
            if answer.hold:
                assert answer.hold.wait(PATIENCE)
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up, or that does not trust us, is what the tests are about."""


class Web:
    """Gives one of @answers after the other, the last one for ever; keeps what it was asked."""

    def __init__(self, *answers, tls=None):
        self.answers, self.requests, self.asked = list(answers), [], threading.Condition()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.web = self
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.set_ciphers("DEFAULT@SECLEVEL=0")  # whoever asks judges the key, not we
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.place = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def url(self, path="/images/web-1.raw"):
        return self.place + path

    def take(self, handler):
        with self.asked:
            self.requests.append((handler.path, dict(handler.headers)))
            self.asked.notify_all()
            one = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return one.answer(handler.headers) if isinstance(one, File) else one

    def wait(self, count):
        """Until it was asked so often."""
        with self.asked:
            assert self.asked.wait_for(lambda: len(self.requests) >= count, PATIENCE), self.requests

    def ranges(self):
        """What was asked of each: Range, If-Range."""
        return [(headers.get("Range"), headers.get("If-Range")) for _, headers in self.requests]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def make_certificate(place, name):
    """(certificate, key) that nobody has signed but itself; @name: "IP:127.0.0.1" """
    paths = f"{place}/web.pem", f"{place}/web.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=web", "-addext", f"subjectAltName={name}", "-out", paths[0],
                    "-keyout", paths[1]], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return paths
