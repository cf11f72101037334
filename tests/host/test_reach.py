# SPDX-License-Identifier: MIT
"""What a plugin reaches through the host: files, other plugins, other servers, metrics (tests/host/reach)."""
import hashlib
import http.server
import os
import re
import shutil
import socket
import tempfile
import threading
import time

from rawhttp import Closed
from virga import sanitized
from wired import WireCase

MB = 1 << 20


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers GET with MB megabytes in chunks, PUT with the digest of the body."""
    protocol_version = "HTTP/1.1"
    blocks = 0

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.send_response(203)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        block = b"0123456789abcdef" * 4096
        try:
            for _ in range(self.server.blocks):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
                self.server.sent += len(block)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.server.broken = True

    def do_PUT(self):
        digest = hashlib.sha256()
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            while True:
                size = int(self.rfile.readline(), 16)
                digest.update(self.rfile.read(size))
                self.rfile.readline()
                if size == 0:
                    break
        else:
            left = int(self.headers["Content-Length"])
            while left > 0:
                part = self.rfile.read(min(left, MB))
                digest.update(part)
                left -= len(part)
        text = digest.hexdigest().encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class ReachCase(WireCase):
    def metrics(self):
        """{line without its value: value}"""
        status, headers, body = self.virga.http("GET", "/_floci/metrics")
        self.assertEqual((status, headers["Content-Type"]),
                         (200, "text/plain; version=0.0.4; charset=utf-8"))
        values = {}
        for line in body.decode().splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                self.assertNotIn(name, values)
                values[name] = float(value)
        return values

    def wait_for_metric(self, name, value):
        end = time.monotonic() + 10
        while self.metrics().get(name) != value:
            self.assertLess(time.monotonic(), end, "%s is not %s: %s" % (name, value, self.metrics()))
            time.sleep(0.02)


class Files(ReachCase):
    SIZE = 64 * MB

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="virga-test-")
        cls.path = os.path.join(cls.dir, "large")
        cls.digest = hashlib.sha256()
        with open(cls.path, "wb") as f:
            for _ in range(cls.SIZE // MB):
                block = os.urandom(MB)
                cls.digest.update(block)
                f.write(block)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.dir)

    def get(self, path, extra="", method="GET"):
        return "%s /reach/file%s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (method, path, extra)

    def test_whole_file_arrives(self):
        reply = self.ask(self.get(self.path))
        self.assertEqual((reply.status, len(reply.body)), (200, self.SIZE))
        self.assertEqual(hashlib.sha256(reply.body).digest(), self.digest.digest())

    def test_ranges_and_head_on_one_connection(self):
        wire = self.wire()
        with open(self.path, "rb") as f:
            f.seek(1234567)
            want = f.read(300001)
        for _ in range(5):
            reply = wire.send(self.get(self.path, "Range: bytes=1234567-1534567\r\n")).reply()
            self.assertEqual((reply.status, reply.headers["content-range"]),
                             (206, "bytes 1234567-1534567/*"))
            self.assertEqual(reply.body, want)
            reply = wire.send(self.get(self.path, method="HEAD")).reply(head=True)
            self.assertEqual((reply.status, reply.headers["content-length"]), (200, str(self.SIZE)))

    def test_refusals_leave_the_connection(self):
        wire = self.wire()
        self.assertEqual(wire.send(self.get(self.path + "x")).reply().status, 404)
        self.assertEqual(wire.send(self.get(self.dir)).reply().status, 416)
        end = "Range: bytes=%d-%d\r\n" % (self.SIZE, self.SIZE)
        self.assertEqual(wire.send(self.get(self.path, end)).reply().status, 416)
        self.assertEqual(wire.send(self.get(self.path, "Range: bytes=0-4\r\n")).reply().status, 206)

    def test_slow_clients_cost_little_and_hinder_nobody(self):
        wires = [self.wire() for _ in range(50)]
        for wire in wires:
            wire.send(self.get(self.path))
        time.sleep(0.3)
        began = time.monotonic()
        self.assert_alive()
        self.assertLess(time.monotonic() - began, 1)
        self.assertEqual(self.metrics()["reach_open_files"], 50)
        if not sanitized():
            self.assertLess(self.virga.memory_peak(), 100 * MB)
        for wire in wires:
            wire.close()
        self.wait_for_metric("reach_open_files", 0)
        self.assertEqual(self.metrics()['reach_seen_total{what="file broken off"}'], 50)

    def test_truncated_file_ends_the_connection(self):
        path = os.path.join(self.dir, "shrinks")
        with open(path, "wb") as f:
            f.truncate(self.SIZE)
        wire = self.wire()
        wire.send(self.get(path))
        time.sleep(0.2)
        os.truncate(path, 1000)
        with self.assertRaises((Closed, ConnectionError)):
            wire.reply()
        self.wait_for_metric("reach_open_files", 0)


class Calls(ReachCase):
    def call(self, path, method="GET", body="", extra=""):
        return self.ask("%s /reach/call/some/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s"
                        % (method, path, len(body), extra, body))

    def test_other_plugins_handler_answers(self):
        reply = self.call("wire/info/one/two/three", extra=(
            "Authorization: AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-3/s3/aws4_request\r\n"))
        self.assertEqual(reply.status, 200)
        lines = dict(line.split("=", 1) for line in reply.body.decode().splitlines())
        self.assertEqual((lines["method"], lines["name"], lines["rest"]), ("GET", "one", "two/three"))
        self.assertEqual((lines["account"], lines["region"], lines["service"]),
                         ("111122223333", "eu-west-3", "some"))
        # The answer carries its own request's id, as if it had come over the wire.
        self.assertEqual(reply.headers["x-amzn-requestid"], lines["id"])
        self.assertRegex(self.virga.log(), r"GET /wire/info/one/two/three 200 .* dispatch/reach")

    def test_bodies_go_both_ways_also_streamed(self):
        body = "x" * 60000
        for path in ("wire/body", "wire/echo"):
            reply = self.call(path, "POST", body)
            self.assertEqual((reply.status, reply.body), (200, body.encode()))
        reply = self.call("wire/big/10")
        self.assertEqual((reply.status, len(reply.body)), (200, 10 * 65536))

    def test_limits_and_breaks_are_told(self):
        self.assertEqual(self.call("wire/big/17").body, b"error -90")  # EMSGSIZE: more than 1 MiB
        self.assertEqual(self.call("wire/break").body, b"error -104")  # ECONNRESET
        self.assertEqual(self.call("wire/body", "POST", "x" * 65537).status, 413)

    def test_late_answers_are_waited_for(self):
        reply = self.call("wire/late")
        self.assertEqual((reply.status, reply.body), (200, b"late\n"))

    def test_query_and_unknown_are_as_over_the_wire(self):
        body = "Action=Hello&Version=2099-01-01"
        reply = self.ask("POST /reach/call/wire/any HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                         "Content-Type: application/x-www-form-urlencoded\r\n\r\n%s" % (len(body), body))
        self.assertEqual((reply.status, reply.body), (200, b"Hello"))
        reply = self.call("nobody/is/here")
        self.assertEqual(reply.status, 404)

    def test_calls_that_call_end(self):
        path = "reach/call/some/" * 20 + "wire/late"
        reply = self.call(path)
        self.assertEqual((reply.status, reply.body), (400, b"not called"))
        reply = self.call("reach/call/some/" * 10 + "wire/info/a/b")
        self.assertEqual(reply.status, 200)


class Streams(ReachCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        cls.server.sent, cls.server.blocks, cls.server.broken = 0, 0, False
        cls.thread = threading.Thread(target=cls.server.serve_forever)
        cls.thread.start()
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.server.shutdown()
        cls.server.server_close()
        cls.thread.join()

    def setUp(self):
        self.server.sent, self.server.broken = 0, False
        self.path = "/reach/to/%d" % self.server.server_address[1]

    def test_answer_of_any_size_comes_through(self):
        self.server.blocks = 512
        reply = self.ask("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % self.path)
        self.assertEqual((reply.status, len(reply.body)), (203, 512 * 65536))
        self.assertEqual(reply.body, b"0123456789abcdef" * 4096 * 512)

    def test_slow_client_stops_the_server(self):
        self.server.blocks = 2048
        wire = self.wire()
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        wire.send("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % self.path)
        time.sleep(1)
        self.assertLess(self.server.sent, 64 * MB)
        if not sanitized():
            self.assertLess(self.virga.memory_peak(), 60 * MB)
        self.assertEqual(len(wire.reply().body), 2048 * 65536)

    def test_body_of_any_size_goes_up(self):
        block = os.urandom(MB)
        digest = hashlib.sha256(block * 32).hexdigest().encode()
        wire = self.wire()
        wire.send("PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (self.path, 32 * MB))
        for _ in range(32):
            wire.send(block)
        reply = wire.reply()
        self.assertEqual((reply.status, reply.body), (201, digest))
        wire.send("PUT %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % self.path)
        for _ in range(32):
            wire.send(b"%x\r\n" % len(block) + block + b"\r\n")
        reply = wire.send("0\r\n\r\n").reply()
        self.assertEqual((reply.status, reply.body), (201, digest))

    def test_vanished_clients_end_the_fetch(self):
        self.server.blocks = 1 << 20
        before = self.metrics().get('reach_seen_total{what="not fetched"}', 0)
        wire = self.wire()
        wire.send("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % self.path)
        wire.take(MB)
        wire.close()
        self.wait_for_metric('reach_seen_total{what="not fetched"}', before + 1)


class Metrics(ReachCase):
    def test_page_counts_requests_and_shows_plugins(self):
        for _ in range(3):
            self.assertEqual(self.ask("GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\n\r\n").status, 200)
        self.ask("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        values = self.metrics()
        self.assertEqual(values['virga_requests_total{service="wire",'
                                'action="/wire/info/{name}/{rest+}",status="200"}'], 3)
        self.assertEqual(values['virga_requests_total{service="none",action="none",status="404"}'], 1)
        self.assertEqual(values['virga_request_duration_seconds_count{service="wire"}'], 3)
        self.assertGreaterEqual(values['virga_plugin_calls_total{plugin="wire"}'], 3)
        self.assertGreater(values['virga_plugin_seconds_total{plugin="wire"}'], 0)
        self.assertGreater(values["virga_process_resident_bytes"], MB)
        self.assertGreater(values["virga_uptime_seconds"], 0)
        self.assertEqual(values["virga_connections"], 5)  # the four above are still open
        self.assertEqual(values["reach_answer_bytes_count"], 0)

    def test_page_is_well_formed(self):
        _, _, body = self.virga.http("GET", "/_floci/metrics")
        named = set()
        for line in body.decode().splitlines():
            match = re.fullmatch(r"# (HELP|TYPE) ([a-z_][a-z0-9_]*) .+", line)
            if match:
                named.add(match.group(2))
                continue
            match = re.fullmatch(r'([a-z_][a-z0-9_]*?)(_bucket|_sum|_count)?'
                                 r'(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? [-+0-9.eInf]+', line)
            self.assertTrue(match, line)
            self.assertTrue(match.group(1) in named or match.group(1) + (match.group(2) or "") in named, line)

    def test_loop_lag_is_measured(self):
        name = "virga_loop_lag_seconds_count"
        before = self.metrics()[name]
        time.sleep(2.2)
        self.assertGreater(self.metrics()[name], before)
