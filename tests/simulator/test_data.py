"""Measurements, consoles and plugins."""

import calendar
import json
import struct
import time
import xml.etree.ElementTree as ElementTree

from harness import equal, expect_failure, pool, read_head, run_tests
from machines import Site


def get(site, path, address=None, headers=(), **parameters):
    parameters.setdefault("session_id", site.rpc.session)
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    request = "\r\n".join([f"GET {path}?{query} HTTP/1.1", "Connection: close", *headers, "", ""])
    head, _, body = site.pool.talk(request.encode(), address).partition(b"\r\n\r\n")
    return head.decode(), body


def updates(site, start, address=None, **parameters):
    with site.pool.connect(address) as connection:
        query = "&".join(f"{key}={value}" for key, value in
                         {"session_id": site.rpc.session, "start": start, **parameters}.items())
        connection.sendall(f"GET /rrd_updates?{query} HTTP/1.1\r\n\r\n".encode())
        head = read_head(connection).decode()
        length = int(head.lower().partition("content-length: ")[2].split()[0])
        body = b""
        while len(body) < length:
            body += connection.recv(65536)
        return head, body


def seconds(site):
    """The pool's time."""
    stamp = site.call("host.get_servertime", site.hosts[0])
    return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H:%M:%SZ"))


def test_updates():
    with pool() as running:
        site = Site(running)
        vm, other = site.running(), site.running(host=1)[0]
        uuid = site.record("VM", vm[0])["uuid"]
        running.control.do("clock", advance=600)
        start = seconds(site) - 57
        head, body = updates(site, start, host="true")
        assert "content-type: text/xml" in head and "Connection: keep-alive" in head, head
        document = ElementTree.fromstring(body)
        meta = {child.tag: child.text for child in document.find("meta") if child.tag != "legend"}
        legend = [entry.text for entry in document.find("meta/legend")]
        equal((int(meta["step"]), int(meta["columns"])), (5, len(legend)))
        rows = document.findall("data/row")
        equal(len(rows), int(meta["rows"]))
        times = [int(row.find("t").text) for row in rows]
        equal((times[0], times[-1]), (int(meta["end"]), int(meta["start"])))
        equal(times, sorted(times, reverse=True))
        assert times[-1] >= start and times[-1] - start < 5 and len(rows) in (11, 12)
        assert all(len(row.findall("v")) == len(legend) for row in rows)
        column = legend.index(f"AVERAGE:vm:{uuid}:memory")
        equal({row.findall("v")[column].text for row in rows}, {"2.6844e+08"})
        assert f"AVERAGE:vm:{uuid}:vif_0_rx" in legend
        assert f"AVERAGE:vm:{uuid}:vbd_xvda_read" in legend
        assert any(entry.startswith("AVERAGE:host:") for entry in legend)
        # Each host tells of its own guests.
        assert not any(site.record("VM", other)["uuid"] in entry for entry in legend)
        head, body = updates(site, start, running.addresses[1], json="true")
        assert "content-type: application/json" in head
        answer = json.loads(body)
        assert any(site.record("VM", other)["uuid"] in entry for entry in answer["meta"]["legend"])
        equal(len(answer["data"][0]["values"]), int(answer["meta"]["columns"]))
        # The same moments have the same values, whenever one asks; meanwhile there may be a moment more.
        again = json.loads(updates(site, start, running.addresses[1], json="true")[1])
        equal(again["meta"]["legend"], answer["meta"]["legend"])
        told = {row["t"]: row["values"] for row in again["data"]}
        equal({row["t"]: told.get(row["t"]) for row in answer["data"]},
              {row["t"]: row["values"] for row in answer["data"]})
        only = json.loads(updates(site, start, json="true", vm_uuid=uuid)[1])
        assert all(uuid in entry for entry in only["meta"]["legend"])
        equal(json.loads(updates(site, start, json="true", cf="MIN")[1])["meta"]["columns"], "0")


def test_updates_of_long_ago():
    with pool() as running:
        running.control.do("clock", advance=1000000)
        site = Site(running)
        for age, step, most in ((500, 5, 101), (7000, 60, 118), (500000, 3600, 139),
                                (10 ** 9, 86400, 366)):
            meta = json.loads(updates(site, max(seconds(site) - age, 0), json="true",
                                      host="true")[1])["meta"]
            equal(int(meta["step"]), step)
            assert 0 < int(meta["rows"]) <= most, meta["rows"]
        meta = json.loads(updates(site, seconds(site) - 300, json="true", interval=60)[1])["meta"]
        equal(meta["step"], "60")
        equal(json.loads(updates(site, seconds(site) + 100, json="true")[1])["data"], [])


def test_refused_updates():
    with pool() as running:
        site = Site(running)
        assert get(site, "/rrd_updates")[0].startswith("HTTP/1.1 400")
        head = get(site, "/rrd_updates", session_id="OpaqueRef:bad", start=1)[0]
        assert head.startswith("HTTP/1.1 401") and 'realm="rrd_updates"' in head
        reader = running.rpc(user="read-only")
        assert get(site, "/rrd_updates", session_id=reader.session,
                   start=1)[0].startswith("HTTP/1.1 200")


def test_rrd():
    with pool() as running:
        site = Site(running)
        vm = site.running(host=1)[0]
        uuid = site.record("VM", vm)["uuid"]
        head, _ = get(site, "/vm_rrd", uuid=uuid)
        assert head.startswith("HTTP/1.1 302") and running.addresses[1] in head, head
        head, body = get(site, "/vm_rrd", running.addresses[1], uuid=uuid)
        assert head.startswith("HTTP/1.0 200 OK") and "Connection: close" in head
        document = ElementTree.fromstring(body)
        equal(document.find("step").text, "5")
        names = [source.find("name").text for source in document.findall("ds")]
        assert {"cpu0", "cpu1", "memory", "vif_0_tx"} <= set(names), names
        equal([(archive.find("pdp_per_row").text, len(archive.findall("database/row")))
               for archive in document.findall("rra")],
              [("1", 120), ("12", 120), ("720", 168), ("17280", 366)])
        site.run("VM.hard_shutdown", vm)
        assert get(site, "/vm_rrd", uuid=uuid)[0].startswith("HTTP/1.0 200")
        assert get(site, "/vm_rrd")[0].startswith("HTTP/1.1 400")
        assert get(site, "/vm_rrd", uuid="no")[0].startswith("HTTP/1.1 500")
        assert b"pif_eth0_rx" in get(site, "/host_rrd")[1]


def test_data_sources():
    with pool() as running:
        site = Site(running)
        vm = site.running()[0]
        sources = {source["name_label"]: source
                   for source in site.call("VM.get_data_sources", vm)}
        equal(sources["cpu0"], {"name_label": "cpu0", "name_description": "CPU0 usage",
                                "enabled": True, "standard": True, "units": "(fraction)",
                                "min": 0.0, "max": 1.0, "value": 0.0})
        assert 0 < site.call("VM.query_data_source", vm, "cpu0") < 1
        equal(site.call("VM.query_data_source", vm, "memory"), 268435456.0)
        expect_failure("INTERNAL_ERROR", site.call, "VM.query_data_source", vm, "nonsense")
        names = [source["name_label"] for source in site.call("host.get_data_sources",
                                                              site.hosts[0])]
        equal(names, sorted(names))
        assert "memory_total_kib" in names


# ---- consoles ----

def connect(site, address=None, **parameters):
    parameters.setdefault("session_id", site.rpc.session)
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    connection = site.pool.connect(address)
    connection.sendall(f"CONNECT /console?{query} HTTP/1.0\r\n\r\n".encode())
    return connection


def status(site, address=None, **parameters):
    with connect(site, address, **parameters) as connection:
        return read_head(connection).split()[1].decode()


def take(connection, length):
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        assert piece, data
        data += piece
    return data


def consoles(site, vm):
    return {site.record("console", ref)["protocol"]: ref
            for ref in site.record("VM", vm)["consoles"]}


def test_screen():
    with pool() as running:
        site = Site(running)
        vm = site.running()[0]
        location = site.record("console", consoles(site, vm)["rfb"])["location"]
        uuid = location.partition("uuid=")[2]
        for version in (b"RFB 003.003\n", b"RFB 003.008\n"):
            with connect(site, uuid=uuid) as connection:
                assert read_head(connection).startswith(b"HTTP/1.0 200 OK\r\n")
                equal(take(connection, 12), b"RFB 003.008\n")
                connection.sendall(version)
                if version.endswith(b"3\n"):
                    equal(take(connection, 4), b"\0\0\0\1")
                else:
                    equal(take(connection, 2), b"\1\1")
                    connection.sendall(b"\1")
                    equal(take(connection, 4), b"\0\0\0\0")
                connection.sendall(b"\1")
                width, height = struct.unpack(">HH", take(connection, 4))
                equal(take(connection, 16)[0], 32)
                length, = struct.unpack(">I", take(connection, 4))
                equal(take(connection, length), b"vm")
                connection.sendall(b"\2\0\0\2" + bytes(8))  # encodings
                connection.sendall(b"\4\1\0\0\0\0\0\x61\5\0\0\1\0\1")  # a key, a pointer
                for depth in (32, 8):
                    connection.sendall(bytes(4) + bytes([depth]) + bytes(15))
                    connection.sendall(b"\3\0" + bytes(8))
                    equal(take(connection, 16)[:4], b"\0\0\0\1")
                    take(connection, width * height * depth // 8)
        with connect(site, ref=vm) as connection:
            read_head(connection)
            take(connection, 12)
            connection.sendall(b"GET / HTTP/1")
            equal(connection.recv(1), b"")


def test_serial_line():
    with pool() as running:
        site = Site(running)
        vm = site.running()[0]
        with connect(site, ref=consoles(site, vm)["vt100"]) as connection:
            read_head(connection)
            take(connection, len("\r\nvm login: "))
            connection.sendall(b"root")
            equal(take(connection, 4), b"root")


def test_refused_consoles():
    with pool() as running:
        site = Site(running)
        vm, halted = site.running()[0], site.machine()[0]
        screen = consoles(site, vm)["rfb"]
        equal(status(site, ref=vm), "200")
        equal(status(site, session_id="OpaqueRef:bad", ref=vm), "401")
        equal(status(site, ref="OpaqueRef:bad"), "404")
        equal(status(site, ref=halted), "500")
        equal(status(site, running.addresses[1], ref=screen), "500")
        dom0 = site.record("host", site.hosts[0])["control_domain"]
        equal(status(site, ref=dom0), "200")
        for role, guest, own in (("read-only", "403", "403"), ("vm-operator", "200", "403"),
                                 ("pool-admin", "200", "200")):
            session = running.rpc(user=role).session
            equal((status(site, session_id=session, ref=vm),
                   status(site, session_id=session, ref=dom0)), (guest, own))


def test_plugins():
    with pool() as running:
        site = Site(running)
        call = lambda *rest: site.call("host.call_plugin", site.hosts[0], *rest)
        equal(call("simplugin", "echo", {"b": "<x>", "a": "1"}), "[('a', '1'), ('b', '<x>')]")
        equal(json.loads(call("simplugin", "json", {})), {"a": [1, 2, "<&>"]})
        for rest, error in ((("none", "f", {}), ["XENAPI_MISSING_PLUGIN", "none"]),
                            (("simplugin", "none", {}), ["UNKNOWN_XENAPI_PLUGIN_FUNCTION", "none"]),
                            (("simplugin", "boom", {}),
                             ["XENAPI_PLUGIN_FAILURE", "boom", "Exception", "boom"]),
                            (("simplugin", "fail", {}), ["MY_CODE", "a", "b"])):
            equal(expect_failure(error[0], call, *rest), error[1:])


run_tests("/simulator/data", [
    test_updates, test_updates_of_long_ago, test_refused_updates, test_rrd, test_data_sources,
    test_screen, test_serial_line, test_refused_consoles, test_plugins,
])
