# SPDX-License-Identifier: MIT
"""What a client must not get away with: ambiguous framing, malformed heads, too much of anything."""
import random
import socket

from rawhttp import Closed
from wired import PLUGINS, WireCase

SMUGGLED = "GET /wire/info/smuggled/x HTTP/1.1\r\nHost: x\r\n\r\n"

# Each is refused with a status and the connection closed, so that no two parsers can disagree about what follows.
MALFORMED = {
    "both framings": "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    "both framings, the other order": "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                                      "Content-Length: 6\r\n\r\n0\r\n\r\nX",
    "two lengths": "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "two lengths alike": "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "list of lengths": "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello",
    "signed length": "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello",
    "negative length": "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nhello",
    "hexadecimal length": "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello",
    "length beyond 64 bits": "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "empty length": "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nhello",
    "unknown coding": "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked is not last": "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "blank before the colon": "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": "POST /wire/body HTTP/1.1\nHost: x\nContent-Length: 5\n\nhello",
    "bare line feed in a header": "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n",
    "bare carriage return": "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n",
    "folded header": "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "NUL in a value": "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "NUL in the path": "GET /wire/info/a\0/b HTTP/1.1\r\nHost: x\r\n\r\n",
    "no name": "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\n: v\r\n\r\n",
    "no host": "GET /wire/info/a/b HTTP/1.1\r\n\r\n",
    "two hosts": "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "chunk size is no number": "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    "chunk size beyond 64 bits": "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "fffffffffffffffff\r\nhello\r\n",
    "chunk is longer than it says": "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "2\r\nhello\r\n0\r\n\r\n",
    "bare line feed after a chunk size": "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                         "5\nhello\r\n0\r\n\r\n",
    "version": "GET /wire/info/a/b HTTP/3.7\r\nHost: x\r\n\r\n",
    "no version": "GET /wire/info/a/b\r\n\r\n",
    "garbage": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03garbage\r\n\r\n",
}


class Refused(WireCase):
    def refused(self, text):
        """The status, after checking that nothing behind it was answered and the connection is closed."""
        wire = self.wire()
        try:
            wire.send(text + SMUGGLED)
            reply = wire.reply()
        except (Closed, ConnectionError):
            return None
        self.assertNotIn(b"smuggled", reply.body)
        self.assertTrue(wire.closed(), "the connection stays open after %r" % reply)
        return reply.status

    def test_malformed_requests_are_refused_and_the_connection_closed(self):
        for name, text in MALFORMED.items():
            with self.subTest(name):
                self.assertIn(self.refused(text), (400, 501, 505, 413))
        self.assert_alive()

    def test_header_cap_is_431(self):
        for name, text in {
                "one long value": "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nA: " + "a" * 70000 + "\r\n\r\n",
                "one long name": "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\n" + "a" * 70000 + ": b\r\n\r\n",
                "many": "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\n" + "A: b\r\n" * 20000 + "\r\n",
        }.items():
            with self.subTest(name):
                self.assertEqual(self.refused(text), 431)

    def test_too_long_a_target_is_refused(self):
        self.assertIn(self.refused("GET /" + "a" * 70000 + " HTTP/1.1\r\nHost: x\r\n\r\n"), (414, 431))

    def test_head_just_below_the_cap_is_served(self):
        reply = self.ask("GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nA: " + "a" * 60000 + "\r\n\r\n")
        self.assertEqual(reply.status, 200)

    def test_body_cap_is_413_by_length_and_by_chunks(self):
        exact = "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n" + "x" * 65536
        self.assertEqual(len(self.ask(exact).body), 65536)
        wire = self.wire()
        wire.send("POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n")
        self.assertEqual(wire.reply().status, 413)
        wire = self.wire()
        try:
            wire.send("POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(20):
                wire.send("2000\r\n" + "x" * 8192 + "\r\n")
        except ConnectionError:
            pass
        self.assertEqual(wire.reply().status, 413)

    def test_endless_trailers_and_extensions_are_cut_off(self):
        head = "POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        for name, part in (("trailers", "0\r\n" + "A: b\r\n" * 40000),
                           ("extension", "1;" + "a" * 300000),
                           ("leading zeros", "0" * 300000)):
            with self.subTest(name):
                wire = self.wire()
                try:
                    wire.send(head + part)
                    self.assertIn(wire.reply().status, (400, 413, 431))
                    self.assertTrue(wire.closed())
                except (Closed, ConnectionError):
                    pass
        self.assert_alive()

    def test_random_bytes_never_stop_the_server(self):
        rng = random.Random(3)
        for _ in range(300):
            text = rng.choice(list(MALFORMED.values())).encode("latin-1")
            data = bytearray(text)
            for _ in range(rng.randrange(1, 8)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            with socket.create_connection(("127.0.0.1", self.virga.port), timeout=10) as s:
                try:
                    s.sendall(bytes(data[:rng.randrange(1, len(data) + 1)]))
                except ConnectionError:
                    pass
        self.assert_alive()


class SmallCaps(WireCase):
    settings = {"floci.limits.header-bytes": "2048", "floci.limits.body-bytes": "4096"}

    def test_caps_follow_the_settings(self):
        reply = self.ask("GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nA: " + "a" * 2100 + "\r\n\r\n")
        self.assertEqual(reply.status, 431)
        # A route's own limit wins over the default.
        reply = self.ask("POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + "x" * 5000)
        self.assertEqual(reply.status, 200)
