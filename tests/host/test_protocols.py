# SPDX-License-Identifier: MIT
"""Requests and errors in each AWS protocol."""
import json
import os
import shutil
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

from aws import authorization
from fallback import Upstream
from virga import BUILD, Virga
from wired import WireCase

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CBOR = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}


def uncbor(data):
    """A map of short texts, as the host writes it."""
    assert data[0] & 0xe0 == 0xa0, data
    at, texts = 1, []
    for _ in range(2 * (data[0] & 0x1f)):
        size = data[at] & 0x1f
        assert data[at] & 0xe0 == 0x60, data
        at += 1
        if size >= 24:
            width = 1 << (size - 24)
            size = int.from_bytes(data[at:at + width], "big")
            at += width
        texts.append(data[at:at + size].decode())
        at += size
    assert at == len(data)
    return dict(zip(texts[::2], texts[1::2]))


class Requests(WireCase):
    def test_an_rpc_operation_reaches_its_plugin(self):
        for protocol in ("rpc-v2-cbor", "rpc-v2-json"):
            for path in ("/service/WireService/operation/DoIt", "/v1/service/WireService/operation/DoIt"):
                with self.subTest(path):
                    status, _, body = self.virga.http("POST", path, b"\xa0",
                                                      {"Smithy-Protocol": protocol})
                    self.assertEqual((status, body), (200, b"DoIt"))

    def test_a_host_name_decides_whatever_the_path_is(self):
        for path in ("/", "/_floci/health", "/wire/info/a/b"):
            with self.subTest(path):
                status, _, body = self.virga.http("POST", path, b"echo", {
                    "Host": "abc.WIRE-url.us-east-1.localhost:%d" % self.virga.port})
                self.assertEqual((status, body), (200, b"echo"))

    def test_other_host_names_are_not_taken(self):
        self.assertEqual(self.virga.http("GET", "/_floci/health", headers={"Host": "wire-url.x"})[0], 200)


class Errors(WireCase):
    settings = {"floci.limits.body-bytes": 1024}

    def xml(self, body):
        doc = ElementTree.fromstring(body)
        return doc, {e.tag.split("}")[-1]: e.text for e in doc.iter()}

    def test_unknown_operation_in_cbor(self):
        status, headers, body = self.virga.http("POST", "/service/Nobody/operation/X", b"\xa0", CBOR)
        self.assertEqual((status, headers["Content-Type"], headers["smithy-protocol"]),
                         (404, "application/cbor", "rpc-v2-cbor"))
        doc = uncbor(body)
        self.assertEqual(doc["__type"], "UnknownOperationException")
        self.assertIn("/service/Nobody/operation/X", doc["message"])

    def test_unknown_action_in_ec2(self):
        status, headers, body = self.virga.http("POST", "/", "Action=RunInstances&Version=2016-11-15", {
            **FORM, "Authorization": authorization("t", "us-east-1", "ec2")})
        doc, found = self.xml(body)
        self.assertEqual((status, doc.tag), (400, "Response"))
        self.assertEqual([e.tag for e in doc], ["Errors", "RequestID"])
        self.assertEqual((found["Code"], found["RequestID"]),
                         ("InvalidAction", headers["x-amzn-RequestId"]))

    def test_a_form_without_an_action_says_so(self):
        status, _, body = self.virga.http("POST", "/", "a=b", FORM)
        self.assertEqual((status, self.xml(body)[1]["Code"]), (400, "MissingAction"))

    def test_s3_and_other_rest_xml(self):
        status, headers, body = self.virga.http("GET", "/b/k<", headers={
            "Authorization": authorization("t", "us-east-1", "s3")})
        doc, found = self.xml(body)
        self.assertEqual((status, doc.tag, found["Resource"]), (501, "Error", "/b/k<"))
        self.assertEqual(headers["x-amz-request-id"], headers["x-amzn-RequestId"])
        status, _, body = self.virga.http("GET", "/2013-04-01/hostedzone", headers={
            "Authorization": authorization("t", "us-east-1", "route53")})
        doc, found = self.xml(body)
        self.assertEqual((status, doc.tag.split("}")[1], found["Type"]),
                         (404, "ErrorResponse", "Sender"))

    def test_too_large_a_body_is_413_in_each_protocol(self):
        big = "x" * 2000
        for path, body, headers, code in (
                ("/", big, {"X-Amz-Target": "Wire_20990101.X",
                            "Content-Type": "application/x-amz-json-1.1"},
                 lambda b: json.loads(b)["__type"]),
                ("/", "Action=X&a=" + big, FORM, lambda b: self.xml(b)[1]["Code"]),
                ("/service/WireService/operation/X", big, CBOR, lambda b: uncbor(b)["__type"])):
            with self.subTest(path + str(headers)):
                status, _, answer = self.virga.http("POST", path, body, headers)
                self.assertEqual((status, code(answer)), (413, "RequestEntityTooLargeException"))

    def test_a_handler_that_gives_up_is_500(self):
        status, headers, body = self.virga.http("GET", "/wire/abort")
        self.assertEqual((status, headers["x-amzn-ErrorType"]), (500, "InternalFailure"))
        self.assertIn("message", json.loads(body))


class NotRunning(unittest.TestCase):
    def test_a_plugin_that_did_not_start_is_503_with_its_name_and_reason(self):
        """Also with a fallback endpoint: the service is ours, it only does not run."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        plugin = os.path.join(BUILD, "tests", "badplugins", "start_fails.so")
        if not os.path.exists(plugin):
            self.skipTest("no " + plugin)
        shutil.copy(plugin, folder)
        with Upstream() as up:
            endpoint = "http://127.0.0.1:%d" % up.port
            for settings in ({}, {"floci.fallback-endpoint": endpoint}):
                with Virga(settings, plugin_dir=folder) as virga:
                    status, headers, body = virga.http("GET", "/start-fails")
                    self.assertEqual((status, headers["x-amzn-ErrorType"]),
                                     (503, "ServiceUnavailable"))
                    self.assertEqual(json.loads(body)["message"],
                                     "The plugin start-fails does not run: the flux capacitor is empty")
            self.assertEqual(up.asked, [])
