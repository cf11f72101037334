# SPDX-License-Identifier: MIT
"""Who gets a request, with which identity, and what a client hears when nobody does."""
import json
import xml.etree.ElementTree as ElementTree

from aws import authorization
from wired import WireCase


class Unknown(WireCase):
    def test_unknown_target_is_an_error_of_the_json_protocol(self):
        for version in ("1.0", "1.1"):
            with self.subTest(version):
                status, headers, body = self.virga.http("POST", "/", "{}", {
                    "Content-Type": "application/x-amz-json-" + version,
                    "X-Amz-Target": "NoService_20990101.DoIt"})
                self.assertEqual(status, 400)
                self.assertEqual(headers["Content-Type"], "application/x-amz-json-" + version)
                self.assertTrue(headers["x-amzn-RequestId"])
                doc = json.loads(body)
                self.assertEqual(doc["__type"], "UnknownOperationException")
                self.assertIn("NoService_20990101.DoIt", doc["message"])

    def test_unknown_query_action_is_an_xml_error(self):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for method, path, body, headers in (
                ("POST", "/", "Action=NoSuchAction&Version=2011-06-15", form),
                ("GET", "/?Action=NoSuchAction&Version=2011-06-15", None, {})):
            with self.subTest(method):
                status, headers, body = self.virga.http(method, path, body, headers)
                self.assertEqual(status, 400)
                self.assertIn("xml", headers["Content-Type"])
                self.assertIn(b"NoSuchAction", body)
                doc = ElementTree.fromstring(body)
                found = {e.tag.split("}")[-1]: e.text for e in doc.iter()}
                self.assertEqual((found["Code"], found["Type"]), ("InvalidAction", "Sender"))
                self.assertEqual(found["RequestId"], headers["x-amzn-RequestId"])

    def test_unknown_path_is_404_in_json(self):
        status, headers, body = self.virga.http("GET", "/2015-03-31/nothing?x=1")
        self.assertEqual(status, 404)
        self.assertIn("message", json.loads(body))
        self.assertTrue(headers["x-amzn-ErrorType"])

    def test_s3_client_gets_an_s3_error(self):
        status, headers, body = self.virga.http("GET", "/bucket/key", headers={
            "Authorization": authorization("test", "us-east-1", "s3")})
        self.assertIn(status, (404, 501))
        self.assertEqual(ElementTree.fromstring(body).tag, "Error")

    def test_wrong_method_on_a_known_path_is_405(self):
        for method, path in (("DELETE", "/wire/body"), ("POST", "/_floci/health")):
            with self.subTest(path):
                self.assertEqual(self.virga.http(method, path)[0], 405)

    def test_unknown_admin_path_is_404(self):
        for path in ("/_floci/nothing", "/_floci", "/_floci/", "/_localstack/plugins"):
            with self.subTest(path):
                self.assertEqual(self.virga.http("GET", path)[0], 404)

    def test_hostile_names_are_quoted_harmlessly(self):
        status, _, body = self.virga.http("POST", "/", "{}", {"X-Amz-Target": 'a"b\\c<d>&.X'})
        self.assertEqual(status, 400)
        json.loads(body)
        status, _, body = self.virga.http("GET", "/?Action=%3C%2FMessage%3E%26%22&Version=1")
        self.assertEqual(status, 400)
        ElementTree.fromstring(body)


class Identity(WireCase):
    def info(self, path="/wire/info/a/b", **headers):
        status, _, body = self.virga.http("GET", path, headers=headers)
        self.assertEqual(status, 200)
        return dict(line.split("=", 1) for line in body.decode().splitlines())

    def test_account_is_the_access_key_when_it_is_12_digits(self):
        for key, account in (("111122223333", "111122223333"), ("test", "000000000000"),
                             ("AKIAIOSFODNN7EXAMPLE", "000000000000"),
                             ("1111222233334", "000000000000"), ("11112222333x", "000000000000")):
            with self.subTest(key):
                info = self.info(Authorization=authorization(key, "eu-west-1", "wire"))
                self.assertEqual((info["account"], info["region"], info["service"]),
                                 (account, "eu-west-1", "wire"))

    def test_unsigned_request_has_the_defaults(self):
        info = self.info()
        self.assertEqual((info["account"], info["region"], info["service"]),
                         ("000000000000", "us-east-1", ""))

    def test_presigned_query_carries_the_identity_too(self):
        info = self.info("/wire/info/a/b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
                         "444455556666%2F20260101%2Fap-south-1%2Fwire%2Faws4_request")
        self.assertEqual((info["account"], info["region"]), ("444455556666", "ap-south-1"))

    def test_malformed_authorization_is_no_identity_of_somebody_else(self):
        for value in ("AWS4-HMAC-SHA256 Credential=111122223333", "Basic QVdTOng=", "Bearer x",
                      "AWS4-HMAC-SHA256 Credential=111122223333/x/../../etc/ecr/aws4_request, a=b",
                      "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=, Signature="):
            with self.subTest(value):
                status, _, _ = self.virga.http("GET", "/wire/info/a/b", headers={"Authorization": value})
                self.assertIn(status, (200, 400, 403))

    def test_path_parameters_are_decoded_and_segments_are_not_joined(self):
        info = self.info("/wire/info/x%20y%2Fz/b/c%3Fd/e?q=1&r=%20")
        self.assertEqual((info["name"], info["rest"], info["query"]), ("x y/z", "b/c?d/e", "q=1&r=%20"))


class Query(WireCase):
    def test_action_is_found_in_form_and_query_string(self):
        signed = {"Authorization": authorization("test", "us-east-1", "wire")}
        form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **signed}
        for method, path, body, headers in (
                ("POST", "/", "Version=2099-01-01&Action=DoIt", form),
                ("GET", "/?Action=DoIt&Version=2099-01-01", None, signed)):
            with self.subTest(method):
                status, _, answer = self.virga.http(method, path, body, headers)
                self.assertEqual((status, answer), (200, b"DoIt"))


class Settings(WireCase):
    settings = {"floci.default-account-id": "999988887777", "floci.default-region": "eu-central-1"}

    def test_defaults_follow_the_settings(self):
        _, _, body = self.virga.http("GET", "/wire/info/a/b")
        self.assertIn(b"account=999988887777\nregion=eu-central-1\n", body)
