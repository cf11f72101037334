# SPDX-License-Identifier: MIT
"""The log: one line per request with its id, valid JSON where that is asked for, and nothing that is a secret."""
import json
import re
import unittest

from aws import Ecr, authorization
from rawhttp import Wire
from virga import Virga, need
from wired import PLUGINS

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TEXT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO |WARN |ERROR) [a-z0-9-]+ (\[%s\] )?.*$"
                  % UUID.pattern)
SECRET = "AKIDSECRETEXAMPLE"


class LogCase(unittest.TestCase):
    def serve(self, settings=None):
        virga = Virga({"floci.log.level": "debug", **(settings or {})}, plugin_dir=PLUGINS)
        self.addCleanup(virga.cleanup)
        return virga.start()

    def lines(self, virga):
        return [line for line in virga.log().splitlines() if line]


class Lines(LogCase):
    def test_every_request_has_one_line_with_its_id_and_outcome(self):
        virga = self.serve()
        ids = []
        for method, path, headers, status in (
                ("GET", "/wire/info/a/b", {}, 200), ("GET", "/nothing", {}, 404),
                ("POST", "/", {"X-Amz-Target": "No.Such"}, 400), ("GET", "/wire/abort", {}, 500),
                ("GET", "/_floci/health", {}, 200), ("DELETE", "/wire/body", {}, 405)):
            got, answer, _ = virga.http(method, path, headers=headers)
            self.assertEqual(got, status)
            ids.append((answer["x-amzn-RequestId"], method, path, status, headers))
        virga.stop()
        for id_, method, path, status, headers in ids:
            found = [l for l in self.lines(virga) if "INFO" in l and "[%s]" % id_ in l]
            self.assertEqual(len(found), 1, found)
            self.assertIn(" %s %s" % (method, path), found[0])
            self.assertIn(" %d " % status, found[0])
            for value in headers.values():
                self.assertIn(value, found[0])

    def test_bytes_that_are_no_request_have_a_line_too(self):
        virga = self.serve()
        with Wire(virga.port) as wire:
            reply = wire.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n").reply()
            self.assertEqual(reply.status, 400)
        virga.stop()
        found = [l for l in self.lines(virga) if "refused with 400" in l]
        self.assertEqual(len(found), 1)
        self.assertIn(reply.headers["x-amzn-requestid"], found[0])

    def test_every_line_has_the_form_of_the_text_format(self):
        virga = self.serve()
        virga.http("GET", "/wire/info/%0a%1b[31m/b")
        virga.stop()
        for line in self.lines(virga):
            self.assertRegex(line, TEXT)

    def test_every_line_is_one_json_object(self):
        virga = self.serve({"floci.log.format": "json"})
        with Wire(virga.port) as wire:
            wire.send(b'GET /"\xff\xc3\x28\\{} HTTP/1.1\r\nHost: a\r\nX-Amz-Target: "\\\xe4\r\n\r\n').reply()
        id_ = virga.http("GET", "/wire/info/a/b")[1]["x-amzn-RequestId"]
        virga.stop()
        docs = [json.loads(line) for line in self.lines(virga)]
        for doc in docs:
            self.assertLessEqual({"time", "level", "source", "message"}, set(doc))
            self.assertIn(doc["level"], ("debug", "info", "warn", "error"))
        self.assertEqual(len([d for d in docs if d.get("request_id") == id_]), 1)


class Secrets(LogCase):
    def check(self, virga, *words):
        log = virga.log(whole=True)
        for word in words:
            self.assertNotIn(word, log)

    def test_no_credential_of_a_header_query_or_form_is_written(self):
        virga = self.serve()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        virga.http("GET", "/wire/info/a/b", headers={
            "Authorization": authorization(SECRET, "us-east-1", "wire"),
            "X-Amz-Security-Token": "session-token-value", "Cookie": "cookie-value"})
        virga.http("GET", "/wire/info/a/b?X-Amz-Credential=%s%%2F20260101%%2Fus-east-1%%2Fwire%%2F"
                          "aws4_request&X-Amz-Signature=sig-value&X-Amz-Security-Token=token-value" % SECRET)
        virga.http("GET", "/nothing?password=query-value")
        virga.http("POST", "/", "Action=No&Version=1&Password=form-value", form)
        virga.http("POST", "/wire/body", '{"Policy":"body-value"}')
        virga.http("POST", "/", '{"Policy":"body-value"}', {"X-Amz-Target": "No.Such"})
        virga.http("GET", "/wire/abort?secret=query-value")
        virga.stop()
        self.check(virga, SECRET, "session-token-value", "cookie-value", "sig-value", "token-value",
                   "query-value", "form-value", "body-value", "0" * 64)

    def test_a_request_that_is_forwarded_is_logged_without_its_secrets(self):
        virga = self.serve({"floci.fallback-endpoint": "http://127.0.0.1:1"})
        virga.http("GET", "/x?secret=query-value", headers={
            "Authorization": authorization(SECRET, "us-east-1", "sqs")})
        virga.stop()
        self.check(virga, SECRET, "query-value")


class EcrSecrets(unittest.TestCase):
    def test_policies_and_passwords_of_ecr_are_not_written(self):
        need("docker-registry")
        with Virga({"floci.log.level": "debug"}) as virga:
            ecr = Ecr(virga, account="111122223333")
            ecr.create("app")
            statement = {"Sid": "policy-marker", "Effect": "Allow", "Principal": "*",
                         "Action": "ecr:BatchGetImage"}
            ecr.SetRepositoryPolicy(repositoryName="app", policyText=json.dumps(
                {"Version": "2012-10-17", "Statement": [statement]}))
            ecr.raw("SetRepositoryPolicy", '{"policyText":"policy-marker"}')
            token = ecr.GetAuthorizationToken()["authorizationData"][0]["authorizationToken"]
            with Wire(ecr.port()) as wire:
                wire.send("GET /v2/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic %s\r\n\r\n"
                          % token).reply()
            virga.stop()
            log = virga.log(whole=True)
            for word in ("policy-marker", token, "AWS4-HMAC-SHA256"):
                self.assertNotIn(word, log)
