# SPDX-License-Identifier: MIT
"""HTTP/1.1 as a server must speak it: framing, keep-alive, pipelining, continue, HEAD."""
import hashlib
import os
import random
import threading
import time

from rawhttp import Closed, Wire
from wired import WireCase

INFO = "GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = "POST /wire/body HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"


class Connections(WireCase):
    def test_connection_stays_open_for_more_requests(self):
        wire = self.wire()
        for _ in range(50):
            self.assertEqual(wire.send(INFO).reply().status, 200)

    def test_connection_close_is_honoured(self):
        wire = self.wire()
        reply = wire.send("GET /wire/info/a/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").reply()
        self.assertEqual((reply.status, reply.headers.get("connection", "").lower()), (200, "close"))
        self.assertTrue(wire.closed())

    def test_http_1_0_closes_unless_keep_alive_is_asked(self):
        wire = self.wire()
        self.assertEqual(wire.send("GET /wire/info/a/b HTTP/1.0\r\n\r\n").reply().status, 200)
        self.assertTrue(wire.closed())
        wire = self.wire()
        for _ in range(2):
            reply = wire.send(
                "GET /wire/info/a/b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").reply()
            self.assertEqual(reply.status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        wire = self.wire()
        wire.send("".join(BODY % (len(str(i)), i) for i in range(100)))
        self.assertEqual([wire.reply().body for _ in range(100)],
                         [str(i).encode() for i in range(100)])

    def test_a_slow_answer_holds_back_the_pipelined_ones_behind_it(self):
        wire = self.wire()
        wire.send("GET /wire/late HTTP/1.1\r\nHost: x\r\n\r\n" + BODY % (3, "abc") + INFO)
        self.assertEqual(wire.reply().body, b"late\n")
        self.assertEqual(wire.reply().body, b"abc")
        self.assertIn(b"name=a", wire.reply().body)

    def test_request_may_come_byte_by_byte(self):
        wire = self.wire()
        for byte in BODY % (5, "hello"):
            wire.send(byte)
        self.assertEqual(wire.reply().body, b"hello")

    def test_empty_lines_before_a_request_are_skipped(self):
        self.assertEqual(self.ask("\r\n\r\n" + INFO).status, 200)

    def test_client_that_leaves_before_its_answer_disturbs_nobody(self):
        for _ in range(20):
            with Wire(self.virga.port) as wire:
                wire.send("GET /wire/late HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(5):
            with Wire(self.virga.port) as wire:
                wire.send("GET /wire/big/1000 HTTP/1.1\r\nHost: x\r\n\r\n")
                wire.take(10)
        time.sleep(1)
        self.assert_alive()

    def test_answer_that_is_shorter_than_announced_closes_the_connection(self):
        wire = self.wire()
        with self.assertRaises((Closed, ConnectionError)):
            wire.send("GET /wire/break HTTP/1.1\r\nHost: x\r\n\r\n").reply()

    def test_half_closed_client_still_gets_its_answer(self):
        wire = self.wire()
        wire.send("GET /wire/late HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.sock.shutdown(1)
        self.assertEqual(wire.reply().body, b"late\n")


class Bodies(WireCase):
    def test_chunked_request_reaches_a_buffering_route_whole(self):
        reply = self.ask("POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "5\r\nhello\r\n1;ext=\"v\"\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n")
        self.assertEqual((reply.status, reply.body), (200, b"hello 0123456789"))

    def test_chunked_request_leaves_the_connection_usable(self):
        wire = self.wire()
        for i in range(5):
            wire.send("POST /wire/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "1\r\n%d\r\n0\r\n\r\n" % i)
            self.assertEqual(wire.reply().body, str(i).encode())

    def test_streamed_body_of_unknown_length_goes_out_chunked(self):
        reply = self.ask("POST /wire/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        self.assertEqual((reply.status, reply.body, reply.chunked), (200, b"hello", True))

    def test_http_1_0_client_gets_no_chunks(self):
        reply = self.ask("POST /wire/echo HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")
        self.assertEqual((reply.body, reply.chunked), (b"hello", False))

    def test_empty_stream_is_echoed_empty(self):
        reply = self.ask("POST /wire/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual((reply.status, reply.body), (200, b""))

    def echo(self, wire, data, head, pieces):
        """Sends from a thread, as the echo comes back meanwhile."""
        def feed():
            wire.send(head)
            for piece in pieces:
                wire.send(piece)
        thread = threading.Thread(target=feed)
        thread.start()
        reply = wire.reply()
        thread.join()
        self.assertEqual(reply.status, 200)
        self.assertEqual(hashlib.sha256(reply.body).digest(), hashlib.sha256(data).digest())

    def test_16_mib_are_echoed_unchanged_both_ways_chunked(self):
        data = random.Random(1).randbytes(16 << 20)
        sizes = random.Random(2)
        pieces, at = [], 0
        while at < len(data):
            piece = data[at:at + sizes.choice((1, 10, 1000, 65536, 300000))]
            pieces.append(b"%x\r\n%s\r\n" % (len(piece), piece))
            at += len(piece)
        pieces.append(b"0\r\n\r\n")
        self.echo(self.wire(timeout=120), data, "POST /wire/echo HTTP/1.1\r\nHost: x\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n", pieces)
        self.echo(self.wire(timeout=120), data, "POST /wire/echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
                  % len(data), [data])

    def test_slow_reader_stops_the_flow_instead_of_filling_memory(self):
        before = self.virga.memory_peak()
        wire = self.wire(timeout=60)
        wire.send("GET /wire/big/4096 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1)
        self.assertLess(self.virga.memory_peak() - before, 32 << 20)
        reply = wire.reply()
        self.assertEqual(len(reply.body), 4096 * 65536)

    def test_answer_before_the_end_of_a_streamed_body_is_delivered(self):
        wire = self.wire()
        wire.send("PUT /wire/refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + "x" * 1000)
        self.assertEqual(wire.reply().status, 403)

    def test_body_that_nobody_reads_is_not_taken_for_the_next_request(self):
        wire = self.wire()
        body = INFO * 3
        wire.send("PUT /wire/refuse HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                  % (len(body), body))
        self.assertEqual(wire.reply().status, 403)
        try:
            wire.send("GET /wire/late HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(wire.reply().body, b"late\n")
        except (Closed, ConnectionError):
            pass  # closing is right, too


class Continue(WireCase):
    def head(self, path, extra="Expect: 100-continue\r\n", method="POST"):
        return "%s %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: 5\r\n\r\n" % (method, path, extra)

    def test_client_that_waits_is_told_to_go_on(self):
        for path in ("/wire/body", "/wire/echo"):
            with self.subTest(path):
                wire = self.wire()
                wire.send(self.head(path))
                self.assertEqual(wire.head()[1], 100)
                wire.send("hello")
                self.assertEqual(wire.reply().body, b"hello")

    def test_client_that_does_not_wait_gets_no_interim_answer(self):
        reply = self.ask(self.head("/wire/body", extra="") + "hello")
        self.assertEqual((reply.status, reply.body), (200, b"hello"))

    def test_refusal_comes_instead_of_continue(self):
        for path, method, status in (("/wire/refuse", "PUT", 403), ("/wire/nothing", "POST", 404)):
            with self.subTest(path):
                self.assertEqual(self.ask(self.head(path, method=method)).status, status)

    def test_too_long_a_body_is_refused_before_it_is_sent(self):
        reply = self.ask("POST /wire/body HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                         "Content-Length: 70000\r\n\r\n")
        self.assertEqual(reply.status, 413)

    def test_http_1_0_client_gets_no_interim_answer(self):
        reply = self.ask("POST /wire/body HTTP/1.0\r\nExpect: 100-continue\r\n"
                         "Content-Length: 5\r\n\r\nhello")
        self.assertEqual(reply.status, 200)

    def test_unknown_expectation_is_refused(self):
        reply = self.ask(self.head("/wire/body", extra="Expect: miracles\r\n") + "hello")
        self.assertEqual(reply.status, 417)


class Head(WireCase):
    def test_head_has_the_headers_of_get_and_no_body(self):
        wire = self.wire()
        get = wire.send("GET /_floci/health HTTP/1.1\r\nHost: x\r\n\r\n").reply()
        head = wire.send("HEAD /_floci/health HTTP/1.1\r\nHost: x\r\n\r\n").reply(head=True)
        self.assertEqual(head.status, 200)
        self.assertEqual(head.headers["content-length"], str(len(get.body)))
        self.assertEqual(head.headers["content-type"], get.headers["content-type"])
        # A body would stand in front of this answer.
        self.assertEqual(wire.send(INFO).reply().status, 200)

    def test_answers_carry_date_and_request_id(self):
        replies = [self.ask(INFO) for _ in range(2)]
        for reply in replies:
            self.assertRegex(reply.headers["x-amzn-requestid"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
            self.assertIn("GMT", reply.headers["date"])
            self.assertIn(("id=" + reply.headers["x-amzn-requestid"]).encode(), reply.body)
        self.assertNotEqual(*(r.headers["x-amzn-requestid"] for r in replies))
