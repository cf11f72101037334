# SPDX-License-Identifier: MIT
"""Requests to function URLs, and what becomes of the answers."""
import base64
import json
import time
import unittest
import urllib.parse

from lambdaapi import url_request
from lambdacase import OciCase

FORBIDDEN = {"Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
             "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}


class UrlCase(OciCase):
    def url(self, mode=None, **more):
        name = self.create(**more)
        self.api.CreateFunctionUrlConfig(FunctionName=name, AuthType="NONE", **({"InvokeMode": mode} if mode else {}))
        self.function = name
        return self.api.GetFunctionUrlConfig(FunctionName=name)["FunctionUrl"]

    def ask(self, url, script=None, method="GET", path="/", body=None, headers=None):
        """(status, headers, body)"""
        if script is not None:
            path += "?" + urllib.parse.urlencode({"do": script})
        conn, res = url_request(self.virga, url, method, path, body, headers)
        try:
            return res.status, res.headers, res.read()
        finally:
            conn.close()


class Urls(UrlCase):
    def test_the_event_is_the_request(self):
        url = self.url()
        status, headers, body = self.ask(url, method="POST", path="/a%20b/c?x=1&y=2&x=3&e", body=b"hello",
                                         headers={"Content-Type": "text/plain", "Cookie": "a=1; b=2", "X-Own": "v"})
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        event = json.loads(body)["event"]
        self.assertEqual((event["version"], event["routeKey"]), ("2.0", "$default"))
        self.assertEqual(event["rawQueryString"], "x=1&y=2&x=3&e")
        self.assertEqual(event["queryStringParameters"], {"x": "1,3", "y": "2", "e": ""})
        self.assertEqual(event["cookies"], ["a=1", "b=2"])
        self.assertEqual((event["headers"]["x-own"], event["headers"]["content-type"]), ("v", "text/plain"))
        self.assertEqual((event["body"], event["isBase64Encoded"]), ("hello", False))
        context = event["requestContext"]
        host = urllib.parse.urlsplit(url).netloc.split(":")[0]
        self.assertEqual((context["accountId"], context["apiId"], context["domainPrefix"], context["domainName"].split(":")[0]),
                         ("anonymous", host.split(".")[0], host.split(".")[0], host))
        self.assertEqual((context["http"]["method"], context["http"]["protocol"], context["stage"]),
                         ("POST", "HTTP/1.1", "$default"))
        self.assertEqual(context["http"]["path"], event["rawPath"])
        self.assertAlmostEqual(context["timeEpoch"] / 1000, time.time(), delta=120)

    def test_a_body_that_is_no_text_comes_as_base64(self):
        event = json.loads(self.ask(self.url(), method="POST", body=b"\xff\x00\xfe", headers={
            "Content-Type": "application/octet-stream"})[2])["event"]
        self.assertEqual((base64.b64decode(event["body"]), event["isBase64Encoded"]), (b"\xff\x00\xfe", True))

    def test_what_the_answer_becomes(self):
        url = self.url()
        status, headers, body = self.ask(url, 'raw {"statusCode":201,"headers":{"X-Own":"v","Content-Type":"text/html"},'
                                         '"cookies":["a=1","b=2"],"body":"<p>"}')
        self.assertEqual((status, headers["X-Own"], headers["Content-Type"], body), (201, "v", "text/html", b"<p>"))
        self.assertEqual(headers.get_all("Set-Cookie"), ["a=1", "b=2"])
        status, headers, body = self.ask(url, 'raw {"statusCode":200,"body":"AAEC","isBase64Encoded":true}')
        self.assertEqual((status, body), (200, bytes((0, 1, 2))))
        # Without a status code the whole answer is the body.
        status, headers, body = self.ask(url, 'raw {"plain":1}')
        self.assertEqual((status, headers["Content-Type"], json.loads(body)), (200, "application/json", {"plain": 1}))
        status, headers, body = self.ask(url, 'raw "text"')
        self.assertEqual((status, body), (200, b"text"))

    def test_a_function_that_fails_is_a_bad_gateway(self):
        url = self.url(Timeout=1)
        for script in ("fail E oh", "exit 1", "sleep 3000"):
            with self.subTest(script):
                status, _, body = self.ask(url, script)
                self.assertEqual((status, body), (502, b"Internal Server Error"))

    def test_unknown_and_deleted_urls(self):
        url = self.url()
        self.assertEqual(self.ask(url, "raw 1")[0], 200)
        self.api.DeleteFunctionUrlConfig(FunctionName=self.function)
        status, headers, body = self.ask(url, "raw 1")
        self.assertEqual((status, json.loads(body)), (403, {"Message": None}))
        self.assertEqual(headers["x-amzn-ErrorType"], "AccessDeniedException")

    def test_a_stream_comes_while_it_is_made(self):
        url = self.url(mode="RESPONSE_STREAM")
        conn, res = url_request(self.virga, url, path="/?" + urllib.parse.urlencode(
            {"do": 'type application/vnd.awslambda.http-integration-response;raw {"statusCode":202,"headers":{"X-Own":"v"}};'
             'stream 2 1500 3'}))
        try:
            self.assertEqual((res.status, res.headers["X-Own"]), (202, "v"))
            begun = time.monotonic()
            first = res.read(3)
            seen = time.monotonic() - begun
            self.assertEqual((first, res.read()), (b"aaa", b"bbb"))
            self.assertLess(seen, time.monotonic() - begun, "the first piece waited for the second")
        finally:
            conn.close()
        self.assertEqual(self.ask(url, 'raw {"a":1}')[2], b'{"a":1}')

    def test_cors(self):
        url = self.url()
        self.api.UpdateFunctionUrlConfig(FunctionName=self.function, Cors={
            "AllowOrigins": ["https://example.com"], "AllowMethods": ["GET"], "MaxAge": 60})
        status, headers, _ = self.ask(url, method="OPTIONS", headers={
            "Origin": "https://example.com", "Access-Control-Request-Method": "GET"})
        self.assertEqual((status, headers["Access-Control-Allow-Origin"], headers["Access-Control-Max-Age"]),
                         (200, "https://example.com", "60"))
        status, headers, _ = self.ask(url, "raw 1", headers={"Origin": "https://example.com"})
        self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (200, "https://example.com"))
        self.assertIsNone(self.ask(url, "raw 1", headers={"Origin": "https://other.com"})[1]["Access-Control-Allow-Origin"])

    def test_the_url_of_an_alias(self):
        name = self.create(Publish=True)
        self.api.CreateAlias(FunctionName=name, Name="live", FunctionVersion="1")
        url = self.api.CreateFunctionUrlConfig(FunctionName=name, AuthType="NONE", Qualifier="live")["FunctionUrl"]
        told = json.loads(self.ask(url)[2])
        self.assertEqual((told["context"]["arn"], told["env"]["AWS_LAMBDA_FUNCTION_VERSION"]),
                         (self.api.arn(name, "live"), "1"))

    def test_a_url_survives_a_restart(self):
        url = self.url()
        type(self).virga.restart()
        self.assertEqual(self.ask(url, 'raw "again"')[2], b"again")


class PermissionsOfUrls(UrlCase):
    """Where permissions are obeyed."""
    settings = {"floci.auth.mode": "enforce"}

    @classmethod
    def registry(cls, account="000000000000", region="us-east-1"):
        registry = super().registry(account, region)
        token = cls.ecr.GetAuthorizationToken()["authorizationData"][0]["authorizationToken"]
        registry.headers["Authorization"] = "Basic " + token
        return registry

    def test_nobody_may_call_it_until_a_permission_says_so(self):
        url = self.url()
        status, _, body = self.ask(url, "raw 1")
        self.assertEqual((status, json.loads(body)), (403, FORBIDDEN))
        self.api.AddPermission(FunctionName=self.function, StatementId="url", Action="lambda:InvokeFunctionUrl",
                               Principal="*", FunctionUrlAuthType="NONE")
        # Since October 2025 this one is needed too.
        self.api.AddPermission(FunctionName=self.function, StatementId="function", Action="lambda:InvokeFunction",
                               Principal="*", InvokedViaFunctionUrl=True)
        self.assertEqual(self.ask(url, "raw 1")[0], 200)


if __name__ == "__main__":
    unittest.main()
