"""Images from web servers: whole, taken up where they broke off, or refused; never mixed."""

import json
import os
import signal
import subprocess
import threading

from shim import MIB, PATIENCE, Pool, content, directory, environment, equal, finish, hvd, main, sha256
from shim import start, with_pool, write
from web import LONG_AGO, TODAY, Answer, File, Web, make_certificate

FETCH = os.environ["HVD_FETCH"]
IMAGE = content(3 * MIB + 5)
HTTP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "http")
# of tests/http/make-certificates: what hvd ends with, and says
CERTIFICATES = [
    ("good", 0, None, None),
    ("linked", 0, None, None),
    ("unlinked", 24, "TLS_UNTRUSTED", "not from a trusted authority"),
    ("by-server", 24, "TLS_UNTRUSTED", "not from a trusted authority"),
    ("foreign", 24, "TLS_UNTRUSTED", "not from a trusted authority"),
    ("self", 24, "TLS_UNTRUSTED", "not from a trusted authority"),
    ("weak-key", 24, "TLS_UNTRUSTED", "has a key that is too weak"),
    ("weak-digest", 24, "TLS_UNTRUSTED", "has a signature with a digest that is too weak"),
    ("expired", 25, "TLS_EXPIRED", "has expired"),
    ("future", 25, "TLS_EXPIRED", "is not valid yet"),
    ("other-name", 26, "TLS_NAME", "for another name"),
]
CUT = MIB + 77  # beyond what hvd keeps: of that much it has handed something on


def fetch(web, path="/x.raw", stall_ms=PATIENCE * 1000, more=()):
    """(exit status, bytes, error), in a hurry: three tries, a millisecond and two and four between them."""
    done = subprocess.run([FETCH, web.url(path), str(stall_ms), *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment(), timeout=PATIENCE)
    return done.returncode, done.stdout, json.loads(done.stderr) if done.returncode else None


def fetch_fails(web, code, *texts, path="/x.raw", **options):
    status, _, error = fetch(web, path, **options)
    equal((status, error["code"]), (1, code))
    equal(error["message"].count("\n"), 0)
    for text in (web.url("/x.raw"), *texts):
        assert text in error["message"], (text, error)
    assert error["advice"], error
    return error


def fetch_whole(web):
    status, data, error = fetch(web)
    equal((status, error, sha256(data)), (0, None, sha256(IMAGE)))


def written(pool, info):
    return pool.disk(info["disks"][0]["vdi"])


GOOD = {"bytes": len(IMAGE), "sha256": sha256(IMAGE)}


# ---- what comes of it ----

@with_pool()
def test_whole(pool):
    with Web(File(IMAGE)) as web:
        info = pool.spawn(web.url("/images/a%20web.1.raw?signature=canary-4711#part"))
        equal((info["name"], written(pool, info)), ("a web.1", GOOD))
        equal([path for path, _ in web.requests], ["/images/a%20web.1.raw?signature=canary-4711"])
        headers = web.requests[0][1]
        equal({name for name in headers if name not in ("Host", "User-Agent", "Accept")}, set())
        pool.spawn(web.url(), "--name", "other", "--sha256", sha256(IMAGE))
        pool.hvd("spawn", web.url(), "--sha256", sha256(b"x")).expect(17, "INTEGRITY", "SHA-256")


@with_pool()
def test_document(pool):
    """A document's stream comes from there as well."""
    with Web(File(IMAGE)) as web:
        image = {"source": "stream", "format": "raw", "size_bytes": len(IMAGE)}
        text = {"uuid": "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10", "name": "web-1", "vcpus": 1,
                "memory_bytes": 512 * MIB, "image": image}
        path = write(pool.state, "web.json", json.dumps(text))
        equal(written(pool, pool.spawn(path, "--image", web.url())), GOOD)
        text["uuid"] = text["uuid"].replace("6d", "7d")
        text["image"]["size_bytes"] -= 1
        path = write(pool.state, "web.json", json.dumps(text))
        pool.hvd("spawn", path, "--image", web.url()).expect(17, "INTEGRITY", "more than the")


@with_pool()
def test_plan(pool):
    with Web(File(IMAGE)) as web:
        assert "nothing was done" in pool.hvd("--plan", "spawn", web.url()).expect(0).out


@with_pool()
def test_size_unknown(pool):
    """As with a pipe."""
    with Web(Answer(body=IMAGE, length=False)) as web, directory() as place:
        hvd("spawn", web.url(), env={"XDG_STATE_HOME": place}).expect(2, "USAGE", "--image-size is needed")
        hvd("spawn", web.url("/"), "--image-size", str(len(IMAGE)), env={"XDG_STATE_HOME": place}).expect(
            2, "USAGE", "--name is needed")
        equal(written(pool, pool.spawn(web.url(), "--image-size", str(len(IMAGE)))), GOOD)
        pool.hvd("spawn", web.url(), "--image-size", str(len(IMAGE) + 1)).expect(17, "INTEGRITY")


def test_bounded():
    """A reader that is slower than the server: the server waits, and no memory fills."""
    data = content(64 * MIB)
    with Web(File(data)) as web:
        status, seen, error = fetch(web)
        equal((status, error, sha256(seen)), (0, None, sha256(data)))


# ---- taken up ----

@with_pool()
def test_taken_up(pool):
    with Web(File(IMAGE, cuts=[CUT, MIB])) as web:
        equal(written(pool, pool.spawn(web.url())), GOOD)
        equal(web.ranges(), [(None, None), (f"bytes={CUT}-", '"one"'), (f"bytes={CUT + MIB}-", '"one"')])


def test_taken_up_by_date():
    with Web(File(IMAGE, etag=None, modified=LONG_AGO, cuts=[CUT])) as web:
        fetch_whole(web)
        equal(web.ranges(), [(None, None), (f"bytes={CUT}-", LONG_AGO)])


def test_many_small_pieces():
    """What has come since counts: more than three in all, but never three in a row."""
    with Web(File(IMAGE, cuts=[MIB + 1] + [MIB // 2] * 3)) as web:
        fetch_whole(web)
    with Web(File(IMAGE, cuts=[100000] * 100)) as web:
        fetch_fails(web, "NOT_REACHABLE", "tried 4 times")
        equal(len(web.requests), 4)


def test_busy():
    """Whatever says that it is only for now; a part that ends too early, too."""
    for status in (408, 429, 500, 502, 503, 504):
        with Web(Answer(status, b"canary"), File(IMAGE, cuts=[CUT]), Answer(status, b"canary"), File(IMAGE)) as web:
            fetch_whole(web)
            equal(web.ranges(), [(None, None)] * 2 + [(f"bytes={CUT}-", '"one"')] * 2)
        with Web(Answer(status, b"canary")) as web:
            fetch_fails(web, "BUSY", f"answers {status}", "tried 4 times")
            equal(len(web.requests), 4)
    part = Answer(206, IMAGE[CUT:2 * CUT], ETag='"one"',
                  Content_Range=f"bytes {CUT}-{2 * CUT - 1}/{len(IMAGE)}")
    with Web(File(IMAGE, cuts=[CUT]), part, File(IMAGE)) as web:
        fetch_whole(web)
        equal(web.ranges()[2], (f"bytes={2 * CUT}-", '"one"'))


@with_pool()
def test_hvd_tries_again(pool):
    with Web(Answer(503, Retry_After="0"), File(IMAGE)) as web:
        equal(written(pool, pool.spawn(web.url())), GOOD)


def spawn_while_opening(pool, web, lose):
    """What becomes of it when the connection to the image's server is lost before the pool has answered."""
    pool.hold("session.login_with_password")
    process = pool.start("--json", "spawn", web.url())
    pool.control.do("wait", id="session.login_with_password")
    lose.set()
    web.wait(2)
    pool.control.do("release", id="session.login_with_password")
    return finish(process)


def test_begins_anew():
    """Nothing has been handed on yet: then no Range is needed, and what is here already has to come again."""
    for etag in (None, 'W/"one"'):
        lose = threading.Event()
        first = Answer(body=IMAGE, cut=100000, hold=lose, ETag=etag)
        with directory() as state, Pool(state) as pool, Web(first, Answer(body=IMAGE, ETag=etag)) as web:
            equal(written(pool, spawn_while_opening(pool, web, lose).expect(0).json()), GOOD)
            equal(web.ranges(), [(None, None)] * 2)


def test_begins_anew_with_another():
    for other in (b"x" + IMAGE[1:], IMAGE[:99999] + b"x" + IMAGE[100000:], IMAGE[:-1]):
        lose = threading.Event()
        first = Answer(body=IMAGE, cut=100000, hold=lose)
        with directory() as state, Pool(state) as pool, Web(first, Answer(body=other)) as web:
            before = pool.objects("VM", "VDI")
            result = spawn_while_opening(pool, web, lose).expect(17, "replaced")
            assert result.error()["advice"].startswith("try again"), result.err
            equal(pool.objects("VM", "VDI"), before)


# ---- not to be taken up ----

def test_no_validator():
    for answer in (Answer(body=IMAGE, cut=CUT), Answer(body=IMAGE, cut=CUT, ETag='W/"one"'),
                   Answer(body=IMAGE, cut=CUT, Last_Modified=TODAY),
                   Answer(body=IMAGE, cut=CUT, ETag='W/"one"', Last_Modified=LONG_AGO)):
        with Web(answer) as web:
            fetch_fails(web, "INTEGRITY", "cannot go on where it stopped")
            equal(len(web.requests), 1)


def test_no_ranges():
    """The same file from its beginning, when some of it is gone already."""
    with Web(File(IMAGE, cuts=[CUT]), Answer(body=IMAGE, ETag='"one"')) as web:
        fetch_fails(web, "INTEGRITY", "cannot go on where it stopped")
        equal(len(web.requests), 2)


def test_changed():
    size = len(IMAGE)
    rest = IMAGE[CUT:]
    for answer in (File(IMAGE, etag='"two"'), File(IMAGE + b"x"), File(IMAGE[:-1]), Answer(416),
                   Answer(206, rest, ETag='"two"', Content_Range=f"bytes {CUT}-{size - 1}/{size}"),
                   Answer(206, rest + b"x", ETag='"one"', Content_Range=f"bytes {CUT}-{size}/{size + 1}")):
        with Web(File(IMAGE, cuts=[CUT]), answer) as web:
            fetch_fails(web, "INTEGRITY", "replaced")


def test_wrong_part():
    """Nobody's bytes end where they do not belong."""
    rest = IMAGE[CUT:]
    size = len(IMAGE)
    for told in (f"bytes {CUT - 1}-{size - 2}/{size}", f"bytes {CUT + 1}-{size - 1}/{size}", "bytes */1", "bytes 1-0/9",
                 f"bytes {CUT}-{size - 1}/*", f"items {CUT}-{size - 1}/{size}", None):
        with Web(File(IMAGE, cuts=[CUT]), Answer(206, rest, ETag='"one"', Content_Range=told)) as web:
            fetch_fails(web, "PROTOCOL", "another part")
    with Web(Answer(206, IMAGE, ETag='"one"', Content_Range=f"bytes 0-{size - 1}/{size}")) as web:
        fetch_fails(web, "PROTOCOL", "another part")
    surplus = Answer(206, rest + b"x", ETag='"one"', Content_Range=f"bytes {CUT}-{size - 1}/{size}")
    with Web(File(IMAGE, cuts=[CUT]), surplus) as web:
        fetch_fails(web, "INTEGRITY", "more than it has announced")


@with_pool()
def test_fails_clearly(pool):
    """Through the driver as well: code, address without its query, cause, advice, one line each; no disk stays."""
    before = pool.objects()
    with Web(Answer(body=IMAGE, cut=CUT)) as web:
        result = pool.hvd("spawn", web.url("/x.raw?canary-4711")).expect(
            17, "hvd: INTEGRITY: spawn x: import-image: ", web.url("/x.raw") + ": ", "advice: download the image first")
        equal((result.err.count("\n"), "canary" in result.err), (2, False))
    with Web(File(IMAGE, cuts=[CUT]), Answer(404)) as web:
        result = pool.hvd("--json", "spawn", web.url()).expect(4)
        equal(result.error()["code"], "NOT_FOUND")
        assert "check the address" in result.error()["advice"], result.err
    equal(pool.objects() ^ before, set())


# ---- silence and signals ----

def test_stalled():
    """Before the head, in the body: a connection that is silent is a broken one; twice in a row is enough."""
    go = threading.Event()
    for first in (Silent(go), Answer(body=IMAGE, cut=100, hold=go, ETag='"one"')):
        with Web(first, Silent(go)) as web:
            fetch_fails(web, "TIMED_OUT", "nothing came for", "tried 2 times", stall_ms=300)
            equal(len(web.requests), 2)
    with Web(Answer(body=IMAGE, cut=CUT, hold=go, ETag='"one"'), File(IMAGE)) as web:
        status, data, _ = fetch(web, stall_ms=1000)
        equal((status, sha256(data)), (0, sha256(IMAGE)))
        equal(web.ranges(), [(None, None), (f"bytes={CUT}-", '"one"')])
    go.set()


class Silent(File):
    """Says nothing at all."""

    def __init__(self, go):
        super().__init__(b"")
        self.go = go

    def answer(self, headers):
        assert self.go.wait(PATIENCE)
        return Answer(500)


def test_interrupted_while_opening():
    """Nothing is there to be undone: one signal, and that is it."""
    go = threading.Event()
    for options in ([], ["--timeout", "1"]):
        with Web(Silent(go)) as web, directory() as place:
            process = start(*options, "spawn", web.url(), env={"XDG_STATE_HOME": place})
            web.wait(1)
            if not options:
                process.send_signal(signal.SIGINT)
            result = finish(process).expect(13 if options else 130, "TIMED_OUT" if options else "CANCELLED")
            equal((result.out, os.path.exists(os.path.join(place, "hvd"))), ("", False))
            go.set()


def test_cancelled():
    """A read that waits for bytes that do not come ends when it is cancelled."""
    go = threading.Event()
    with Web(Answer(body=IMAGE, cut=CUT, hold=go, ETag='"one"')) as web:
        status, data, error = fetch(web, more=[str(CUT)])
        go.set()
        equal((status, data, error["code"]), (1, IMAGE[:CUT], "CANCELLED"))


@with_pool()
def test_interrupted(pool):
    """While it waits for the next byte."""
    before = pool.objects()
    go = threading.Event()
    with Web(Answer(body=IMAGE, cut=CUT, hold=go, ETag='"one"')) as web:
        process = pool.start("spawn", web.url())
        while "writing the image" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        finish(process).expect(130, "CANCELLED")
        go.set()
    equal(pool.objects() ^ before, set())


# ---- refused ----

def test_status():
    for status, code in ((401, "DENIED"), (403, "DENIED"), (404, "NOT_FOUND"), (410, "NOT_FOUND"), (400, "FAILED"),
                         (204, "FAILED"), (304, "FAILED"), (416, "FAILED")):
        with Web(Answer(status)) as web:
            fetch_fails(web, code, f"answers {status}")
            equal(len(web.requests), 1)


def test_no_image():
    for answer, code, told in (
            (Answer(body=b""), "INVALID", "empty"), (Answer(body=IMAGE, Content_Encoding="gzip"), "UNSUPPORTED", "packed"),
            (Answer(body=b"<html>", Content_Type="text/html; charset=utf-8"), "INVALID", "web page")):
        with Web(answer) as web:
            fetch_fails(web, code, told)
    with Web(Answer(body=b"QFI\xfb" + IMAGE)) as web, directory() as place:
        result = hvd("spawn", web.url("/x.raw?canary"), env={"XDG_STATE_HOME": place})
        result.expect(15, "UNSUPPORTED", web.url("/x.raw") + " is of the format qcow2", "advice: ")
        assert "canary" not in result.err, result.err


def test_redirects():
    def to(place, status=302):
        return Answer(status, Location=place)

    for status in (301, 302, 303, 307, 308):
        with Web(to("../other?x=1", status), File(IMAGE, cuts=[CUT]), to("/a", status), File(IMAGE)) as web:
            fetch_whole(web)
            equal([path for path, _ in web.requests], ["/x.raw", "/other?x=1", "/x.raw", "/a"])
            equal(web.ranges()[3], (f"bytes={CUT}-", '"one"'))
    with Web(*[to(f"/{n}") for n in range(5)], File(IMAGE)) as web:
        fetch_whole(web)
    with Web(to("/again")) as web:
        fetch_fails(web, "REDIRECTED", "more than 5 times")
        equal(len(web.requests), 6)
    for place in ("ftp://a.example/x", "file:///etc/passwd", "http://canary:4711@127.0.0.1/x", "http://canary-4711@h/"):
        with Web(to(place)) as web:
            error = fetch_fails(web, "REDIRECTED")
            assert "canary" not in json.dumps(error) and "4711" not in json.dumps(error), error
    with Web(Answer(302)) as web:
        fetch_fails(web, "FAILED", "answers 302")


def test_unreachable():
    """At once, before there has been any answer; later it may come back."""
    with Web(File(IMAGE)) as web:
        gone = web
    fetch_fails(gone, "NOT_REACHABLE", "127.0.0.1")
    with directory() as place:
        hvd("spawn", gone.url(), env={"XDG_STATE_HOME": place}).expect(12, "NOT_REACHABLE", gone.url(), "advice: ")


def test_url():
    """No password, in no message, and no request."""
    with Web(File(IMAGE)) as web, directory() as place:
        for user in ("canary:4711@", "canary@", ":4711@"):
            url = web.url("/x.raw").replace("://", "://" + user)
            result = hvd("spawn", url, env={"XDG_STATE_HOME": place})
            result.expect(21, "SECRET_LITERAL", web.url("/x.raw") + ": ", "advice: ")
            assert "canary" not in result.err and "4711" not in result.err, result.err
        for url in ("http://", "https://[::1/x", "http://a b/", "http://127.0.0.1:99999999/"):
            hvd("spawn", url, env={"XDG_STATE_HOME": place}).expect(3, "INVALID", "advice: write it as")
        equal(web.requests, [])


# ---- TLS ----

@with_pool()
def test_tls(pool):
    """The pool's authorities are not those of the image's server; nothing leads from https to http."""
    with directory() as place:
        tls = make_certificate(place, "IP:127.0.0.1")
        trusted = ("--image-ca-file", tls[0])
        with Web(File(IMAGE, cuts=[CUT]), tls=tls) as web:
            equal(written(pool, pool.spawn(web.url(), *trusted)), GOOD)
            for words in ((), ("--image-ca-file", pool.ready["ca"])):
                pool.hvd("spawn", web.url(), *words).expect(24, "TLS_UNTRUSTED", web.url(), "--image-ca-file FILE")
            path = write(pool.state, "web.json", json.dumps(
                {"uuid": "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10", "name": "beside", "vcpus": 1,
                 "memory_bytes": 512 * MIB,
                 "image": {"source": "stream", "format": "raw", "size_bytes": len(IMAGE)}}))
            equal(written(pool, pool.spawn(path, "--image", web.url(), *trusted)), GOOD)
            pool.hvd("spawn", path, "--image", path, *trusted).expect(2, "is for images from https://")
            pool.hvd("spawn", web.url(), "--image-ca-file", "/nowhere").expect(3, "INVALID", "--image-ca-file: ")
            with Web(Answer(302, Location=web.url("/up"))) as plain:
                equal(written(pool, pool.spawn(plain.url(), "--name", "up", *trusted)), GOOD)
                with Web(Answer(302, Location=plain.url("/down?canary")), tls=tls) as down:
                    asked = len(plain.requests)
                    result = pool.hvd("spawn", down.url(), *trusted)
                    result.expect(28, "REDIRECTED", plain.url("/down") + ": from https to http")
                    equal((len(plain.requests), "canary" in result.err), (asked, False))
        with Web(File(IMAGE)) as web:
            pool.hvd("spawn", web.url().replace("http:", "https:")).expect(23, "hvd: TLS: ", "advice: ")


@with_pool()
def test_tls_name(pool):
    with directory() as place:
        tls = make_certificate(place, "DNS:other.example")
        with Web(File(IMAGE), tls=tls) as web:
            pool.hvd("spawn", web.url(), "--image-ca-file", tls[0]).expect(26, "TLS_NAME", "advice: ")


@with_pool()
def test_tls_certificates(pool):
    """The driver's own matrix, for servers of images."""
    policy = {"OPENSSL_CONF": os.path.join(HTTP, "openssl.cnf")}
    with directory() as place:
        subprocess.run([os.path.join(HTTP, "make-certificates"), place], check=True)
        trusted = ("--image-ca-file", f"{place}/good-ca.pem")
        for name, status, code, says in CERTIFICATES:
            with Web(File(IMAGE), tls=[f"{place}/{name}.pem"]) as web:
                result = pool.hvd("spawn", web.url(), "--name", name, *trusted, env=policy)
                result.expect(status, *([code, says, web.url(), "advice: "] if status else []))
                equal(bool(web.requests), status == 0)


if __name__ == "__main__":
    main("/e2e/fetch")
