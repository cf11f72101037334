# SPDX-License-Identifier: MIT
"""floci.fallback-endpoint: what no plugin serves goes to another server, untouched."""
import hashlib
import json
import os
import random
import socket
import unittest
import xml.etree.ElementTree as ElementTree

from aws import authorization
from fallback import Upstream
from virga import Virga, free_ports, sanitized
from wired import PLUGINS

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class FallbackCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = Upstream()
        cls.virga = Virga({"floci.fallback-endpoint": "http://127.0.0.1:%d" % cls.up.port},
                          plugin_dir=PLUGINS)
        try:
            cls.virga.start()
        except BaseException:
            cls.virga.cleanup()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            cls.virga.stop()
        finally:
            cls.virga.cleanup()
            cls.up.close()

    def setUp(self):
        self.up.asked.clear()
        self.up.server.answer = lambda asked: (200, {"X-Up": "yes"}, asked.body)


class Forwarded(FallbackCase):
    def test_what_nobody_serves_arrives_as_it_was_sent(self):
        headers = {"Authorization": authorization("111122223333", "eu-west-1", "sqs"),
                   "X-Amz-Date": "20260101T000000Z", "Host": "sqs.eu-west-1.localhost:4566",
                   "X-Amz-Target": "AmazonSQS.CreateQueue",
                   "Content-Type": "application/x-amz-json-1.0", "Connection": "close"}
        status, got, body = self.virga.http("POST", "/a%20b/?x=%2F&y", b'{"QueueName":"q"}', headers)
        self.assertEqual((status, got["X-Up"], body), (200, "yes", b'{"QueueName":"q"}'))
        asked = self.up.asked[0]
        self.assertEqual((asked.method, asked.target), ("POST", "/a%20b/?x=%2F&y"))
        for name, value in headers.items():
            if name != "Connection":
                self.assertEqual(asked.headers.get_all(name), [value])
        self.assertEqual(asked.headers["Content-Length"], "17")

    def test_every_kind_of_stranger_is_forwarded(self):
        cases = (
            ("GET", "/2015-03-31/functions", None, {}),
            ("DELETE", "/wire/body", None, {}),  # no plugin has this method
            ("HEAD", "/bucket/key", None, {"Authorization": authorization("t", "us-east-1", "s3")}),
            ("POST", "/", "{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
            ("GET", "/?Action=ListTopics&Version=2010-03-31", None, {}),
            ("POST", "/", "Action=ListTopics&Version=2010-03-31", FORM),
            ("POST", "/", "Action=ListTopics", {
                **FORM, "Authorization": authorization("t", "us-east-1", "sns")}),
            ("POST", "/service/Other/operation/Do", b"\xa0", {"smithy-protocol": "rpc-v2-cbor"}),
        )
        for method, path, body, headers in cases:
            with self.subTest(method + path):
                self.up.asked.clear()
                status, got, answer = self.virga.http(method, path, body, headers)
                self.assertEqual((status, got["X-Up"]), (200, "yes"))
                self.assertEqual(self.up.asked[0].target, path)
                sent = body.encode() if isinstance(body, str) else body or b""
                self.assertEqual(self.up.asked[0].body, sent)
                self.assertEqual(answer, b"" if method == "HEAD" else sent)

    def test_what_a_plugin_or_the_host_serves_stays(self):
        for method, path, body, headers, status in (
                ("GET", "/wire/info/a/b", None, {}, 200),
                ("POST", "/", "Action=DoIt&Version=2099-01-01", FORM, 200),
                ("POST", "/", "{}", {"X-Amz-Target": "Wire_20990101.NoSuch"}, 200),
                ("GET", "/_floci/health", None, {}, 200),
                ("GET", "/_floci/nothing", None, {}, 404),
                ("GET", "/_localstack/plugins", None, {}, 404),
                ("DELETE", "/_floci/health", None, {}, 405),
                ("GET", "/_floci", None, {}, 404)):
            with self.subTest(path):
                self.assertEqual(self.virga.http(method, path, body, headers)[0], status)
        self.assertEqual(self.up.asked, [])

    def test_errors_of_the_endpoint_are_its_own(self):
        self.up.server.answer = lambda asked: (
            403, {"x-amzn-RequestId": "theirs", "Content-Type": "application/json"}, b'{"a":1}')
        status, headers, body = self.virga.http("GET", "/denied")
        self.assertEqual((status, headers["x-amzn-RequestId"], body), (403, "theirs", b'{"a":1}'))

    def test_bodies_are_streamed_both_ways(self):
        size = 24 << 20
        sent = random.Random(1).randbytes(size)
        before = self.virga.memory_peak()
        status, _, body = self.virga.http("PUT", "/bucket/big", sent, {
            "Authorization": authorization("t", "us-east-1", "s3")})
        self.assertEqual(status, 200)
        self.assertEqual(hashlib.sha256(body).digest(), hashlib.sha256(sent).digest())
        if not sanitized():
            self.assertLess(self.virga.memory_peak() - before, 8 << 20)

    def test_a_chunked_body_is_forwarded(self):
        status, _, body = self.virga.http("PUT", "/bucket/chunks", iter([b"abc", b"defg"]))
        self.assertEqual((status, body), (200, b"abcdefg"))

    def test_many_requests_use_few_connections(self):
        for _ in range(20):
            self.assertEqual(self.virga.http("GET", "/x")[0], 200)
        self.assertEqual(len(self.up.asked), 20)
        self.assertLess(len({asked.client for asked in self.up.asked}), 4)


class Unreachable(unittest.TestCase):
    def test_an_endpoint_that_is_down_is_502_in_the_protocol_of_the_caller(self):
        port = free_ports()
        endpoint = "http://localhost:%d" % port
        with Virga({"floci.fallback-endpoint": endpoint}, plugin_dir=PLUGINS) as virga:
            status, headers, body = virga.http("POST", "/", "{}", {
                "X-Amz-Target": "AmazonSQS.CreateQueue",
                "Content-Type": "application/x-amz-json-1.0"})
            self.assertEqual((status, headers["Content-Type"]), (502, "application/x-amz-json-1.0"))
            doc = json.loads(body)
            self.assertEqual(doc["__type"], "BadGateway")
            self.assertIn(endpoint, doc["message"])
            status, _, body = virga.http("POST", "/", "Action=ListTopics&Version=2010-03-31", FORM)
            self.assertEqual(status, 502)
            found = {e.tag.split("}")[-1]: e.text for e in ElementTree.fromstring(body).iter()}
            self.assertEqual((found["Code"], found["Type"]), ("BadGateway", "Receiver"))
            # It comes up later, on one of the two addresses of the name.
            with Upstream(port=port):
                self.assertEqual(virga.http("GET", "/x")[0], 200)

    def test_a_name_that_does_not_exist_is_502_with_the_reason(self):
        with Virga({"floci.fallback-endpoint": "http://no-such-host.invalid"},
                   plugin_dir=PLUGINS) as virga:
            status, _, body = virga.http("GET", "/x", timeout=60)
            self.assertEqual(status, 502)
            self.assertIn(b"http://no-such-host.invalid cannot be looked up", body)

    def test_an_endpoint_that_is_none_stops_the_start(self):
        for endpoint, word in (("https://localhost:4566", "https"), ("localhost:4566", "http://"),
                               ("http://a/path", "path")):
            virga = Virga({"floci.fallback-endpoint": endpoint}, plugin_dir=PLUGINS)
            try:
                code, log = virga.run_to_end()
            finally:
                virga.cleanup()
            self.assertNotEqual(code, 0)
            self.assertIn("floci.fallback-endpoint", log)
            self.assertIn(word, log)

    def test_a_client_that_goes_away_does_no_harm(self):
        with Upstream() as up, Virga(
                {"floci.fallback-endpoint": "http://127.0.0.1:%d" % up.port},
                plugin_dir=PLUGINS) as virga:
            for _ in range(10):
                with socket.create_connection(("127.0.0.1", virga.port)) as s:
                    s.sendall(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
            self.assertEqual(virga.http("GET", "/x")[0], 200)


class TwoHosts(unittest.TestCase):
    def test_two_hosts_that_point_at_each_other_do_not_go_round(self):
        first = Virga(plugin_dir=PLUGINS)
        second = Virga({"floci.fallback-endpoint": "http://127.0.0.1:%d" % first.port},
                       plugin_dir=PLUGINS)
        first.settings["floci.fallback-endpoint"] = "http://127.0.0.1:%d" % second.port
        with first, second:
            status, _, body = first.http("GET", "/nobody/has/this", timeout=20)
            self.assertEqual(status, 508)
            self.assertIn(b"leads back to this host", body)

    def test_a_host_that_points_at_itself_says_so(self):
        virga = Virga(plugin_dir=PLUGINS)
        virga.settings["floci.fallback-endpoint"] = "http://localhost:%d" % virga.port
        with virga:
            self.assertEqual(virga.http("GET", "/nobody", timeout=20)[0], 508)

    def test_another_virga_can_be_the_endpoint(self):
        empty = Virga(plugin_dir=None)
        os.mkdir(os.path.join(empty.dir, "none"))
        with Virga(plugin_dir=PLUGINS) as behind:
            empty.settings = {"floci.port": empty.port,
                              "floci.plugin-dir": os.path.join(empty.dir, "none"),
                              "floci.fallback-endpoint": "http://localhost:%d" % behind.port}
            with empty:
                status, _, body = empty.http("GET", "/wire/info/a/b?q=1", headers={
                    "Authorization": authorization("444455556666", "ap-south-1", "wire")})
                self.assertEqual(status, 200)
                self.assertIn(b"query=q=1\naccount=444455556666\nregion=ap-south-1\n", body)
                self.assertEqual(empty.http("POST", "/", "Version=2099-01-01&Action=DoIt", FORM)[2],
                                 b"DoIt")
