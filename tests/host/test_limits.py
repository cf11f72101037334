# SPDX-License-Identifier: MIT
"""Time and number: slow clients, idle clients, many clients."""
import resource
import socket
import time

from rawhttp import Closed, Wire
from wired import WireCase

HEALTH = "GET /_floci/health HTTP/1.1\r\nHost: x\r\n\r\n"


class Timeouts(WireCase):
    settings = {"floci.limits.header-timeout-ms": "500", "floci.limits.idle-timeout-ms": "800",
                "floci.limits.stall-timeout-ms": "700"}

    def ended(self, wire, seconds):
        """The status of a last answer (None without one) once the server has closed the connection."""
        began = time.monotonic()
        try:
            wire.sock.settimeout(seconds)
            status = wire.reply().status
        except (Closed, ConnectionError):
            status = None
        except socket.timeout:
            self.fail("still open after %gs" % seconds)
        if status is not None:
            self.assertTrue(wire.closed(seconds))
        self.assertLess(time.monotonic() - began, seconds)
        return status

    def test_headers_that_do_not_end_are_timed_out(self):
        wire = self.wire()
        wire.send("GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\n")
        self.assertIn(self.ended(wire, 5), (None, 408))

    def test_a_trickle_of_header_bytes_does_not_extend_the_time(self):
        wire = self.wire()
        began = time.monotonic()
        try:
            wire.send("GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nA: ")
            while time.monotonic() - began < 5:
                wire.send("a")
                time.sleep(0.05)
            self.fail("the trickle goes on for 5 s")
        except ConnectionError:
            pass
        self.assertGreaterEqual(time.monotonic() - began, 0.4)

    def test_idle_connection_is_closed(self):
        wire = self.wire()
        self.assertEqual(wire.send(HEALTH).reply().status, 200)
        self.assertTrue(wire.silent(0.4), "closed long before its time")
        self.assertTrue(wire.closed(5))

    def test_connection_that_never_asks_is_closed(self):
        self.assertTrue(self.wire().closed(5))

    def test_body_without_progress_is_timed_out(self):
        for path in ("/wire/body", "/wire/echo"):
            with self.subTest(path):
                wire = self.wire()
                wire.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello" % path)
                if path == "/wire/echo":
                    self.assertEqual(wire.head()[1], 200)
                    wire.sock.settimeout(5)
                    with self.assertRaises((Closed, ConnectionError)):
                        while True:
                            wire.more()
                else:
                    self.assertIn(self.ended(wire, 5), (None, 408))

    def test_reader_without_progress_is_cut_off(self):
        wire = self.wire()
        wire.send("GET /wire/big/4096 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(3)
        got = 0
        with self.assertRaises((Closed, ConnectionError)):
            while True:
                wire.buffer.clear()
                wire.more()
                got += len(wire.buffer)
        self.assertLess(got, 4096 * 65536)

    def test_slow_but_steady_body_is_let_through(self):
        wire = self.wire()
        wire.send("POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.2)
            wire.send("x")
        self.assertEqual(wire.reply().body, b"x" * 10)

    def test_slow_handler_is_not_an_idle_connection(self):
        wire = self.wire()
        wire.send("GET /wire/late HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(wire.reply().body, b"late\n")


class Many(WireCase):
    IDLE = 1000

    def test_1000_idle_connections_do_not_hinder_a_request(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        want = self.IDLE + 100
        if soft < want:
            if hard != resource.RLIM_INFINITY and hard < want:
                self.skipTest("only %d open files are allowed" % hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (want, hard))
        wires = []
        try:
            for _ in range(self.IDLE):
                wires.append(Wire(self.virga.port))
            for wire in wires[::10]:
                self.assertEqual(wire.send(HEALTH).reply().status, 200)
            began = time.monotonic()
            self.assert_alive()
            self.assertLess(time.monotonic() - began, 2)
            # All of them are still good.
            for wire in wires:
                wire.send(HEALTH)
            for wire in wires:
                self.assertEqual(wire.reply().status, 200)
        finally:
            for wire in wires:
                wire.close()


class ConnectionCap(WireCase):
    settings = {"floci.limits.connections": "20"}

    def test_connections_beyond_the_cap_do_not_break_the_others(self):
        wires = [Wire(self.virga.port) for _ in range(20)]
        try:
            for wire in wires:
                self.assertEqual(wire.send(HEALTH).reply().status, 200)
            extra = self.wire(timeout=2)
            try:
                extra.send(HEALTH)
                self.assertEqual(extra.reply().status, 503)
            except (Closed, ConnectionError, socket.timeout):
                pass  # refused, or left in the kernel's queue
            for wire in wires:
                self.assertEqual(wire.send(HEALTH).reply().status, 200)
        finally:
            for wire in wires:
                wire.close()
        time.sleep(0.3)
        self.assert_alive()
