# SPDX-License-Identifier: MIT
"""STS: the example plugin behind the real aws command line and raw Query requests."""
import base64
import datetime
import json
import os
import sys
import time
import unittest
import urllib.parse
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from aws import Cli, Ecr, authorization  # noqa: E402
from virga import Virga  # noqa: E402

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
ROLE = "arn:aws:iam::210987654321:role/team/deploy"


def jwt(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    return "%s.%s.c2lnbmF0dXJl" % (part({"alg": "RS256"}), part(claims))


class Sts:
    """Raw Query requests; an answer as a dict of its leaf elements."""

    def __init__(self, virga, key="000000000000", region="us-east-1"):
        self.virga, self.key, self.region = virga, key, region

    def raw(self, action, params=None, method="POST", headers=None):
        form = urllib.parse.urlencode({"Action": action, "Version": "2011-06-15", **(params or {})})
        head = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
                "Authorization": authorization(self.key, self.region, "sts"), **(headers or {})}
        if method == "GET":
            del head["Content-Type"]
            return self.virga.http("GET", "/?" + form, None, head)
        return self.virga.http("POST", "/", form, head)

    def call(self, action, **params):
        status, headers, body = self.raw(action, params)
        root = ElementTree.fromstring(body)
        leaves = {e.tag.split("}")[1]: e.text or "" for e in root.iter() if len(e) == 0}
        return status, leaves

    def ok(self, action, **params):
        status, leaves = self.call(action, **params)
        if status != 200:
            raise AssertionError("%s: %d %s" % (action, status, leaves))
        return leaves


class StsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.virga = Virga(settings={"floci.services.ecr.enabled": "true"})
        cls.addClassCleanup(cls.virga.cleanup)
        cls.virga.start()
        cls.sts = Sts(cls.virga)

    @classmethod
    def tearDownClass(cls):
        cls.virga.stop()

    def fails(self, status, code, message, action, sts=None, **params):
        got, leaves = (sts or self.sts).call(action, **params)
        self.assertEqual((got, leaves.get("Code"), leaves.get("Message")), (status, code, message))
        self.assertEqual(leaves["Type"], "Sender" if status < 500 else "Receiver")
        self.assertRegex(leaves["RequestId"], r"^[0-9a-f-]{36}$")

    # --- the command line ---

    def test_cli_says_who_is_calling(self):
        for key, account in (("123456789012", "123456789012"), ("test", "000000000000")):
            got = Cli(self.virga, account=key, service="sts").json("get-caller-identity")
            self.assertEqual(got, {"UserId": account, "Account": account,
                                   "Arn": "arn:aws:iam::%s:root" % account})

    def test_cli_assumes_a_role_and_is_it(self):
        cli = Cli(self.virga, account="123456789012", service="sts")
        got = cli.json("assume-role", "--role-arn", ROLE, "--role-session-name", "me@example",
                       "--duration-seconds", "900")
        given = got["Credentials"]
        self.assertRegex(given["AccessKeyId"], r"^ASIA[A-Z2-7]{16}$")
        self.assertRegex(given["SecretAccessKey"], r"^[A-Za-z0-9+/]{40}$")
        self.assertGreater(len(given["SessionToken"]), 200)
        expires = datetime.datetime.fromisoformat(given["Expiration"].replace("Z", "+00:00"))
        left = (expires - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        self.assertTrue(890 < left <= 900, left)
        user = got["AssumedRoleUser"]
        self.assertEqual(user["Arn"], "arn:aws:sts::210987654321:assumed-role/deploy/me@example")
        self.assertRegex(user["AssumedRoleId"], r"^AROA[A-Z2-7]{17}:me@example$")
        self.assertNotIn("PackedPolicySize", got)
        role = Cli(self.virga, account=given["AccessKeyId"], service="sts",
                   session_token=given["SessionToken"])
        self.assertEqual(role.json("get-caller-identity"),
                         {"UserId": user["AssumedRoleId"], "Account": "210987654321",
                          "Arn": user["Arn"]})

    def test_cli_gets_a_session_token(self):
        cli = Cli(self.virga, account="123456789012", service="sts")
        given = cli.json("get-session-token")["Credentials"]
        again = Cli(self.virga, account=given["AccessKeyId"], service="sts",
                    session_token=given["SessionToken"])
        self.assertEqual(again.json("get-caller-identity")["Arn"], "arn:aws:iam::123456789012:root")
        code, _, err = again.run("get-session-token")
        self.assertNotEqual(code, 0)
        self.assertIn("(AccessDenied) when calling the GetSessionToken operation: Cannot call "
                      "GetSessionToken with session credentials", err)

    def test_cli_shows_validation_errors(self):
        cli = Cli(self.virga, service="sts")
        code, _, err = cli.run("assume-role", "--role-arn", ROLE, "--role-session-name", "a b")
        self.assertNotEqual(code, 0)
        self.assertIn("An error occurred (ValidationError) when calling the AssumeRole operation: 1 "
                      "validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy "
                      "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", err)

    # --- issued credentials in other services ---

    def test_issued_credentials_lead_to_their_account_in_every_service(self):
        leaves = self.sts.ok("AssumeRole", RoleArn=ROLE, RoleSessionName="push")
        repository = Ecr(self.virga, account=leaves["AccessKeyId"]).create("from-a-role")
        self.assertEqual(repository["registryId"], "210987654321")
        names = [r["repositoryName"] for r in Ecr(self.virga, account="210987654321")
                 .DescribeRepositories()["repositories"]]
        self.assertEqual(names, ["from-a-role"])

    # --- the wire ---

    def test_answers_have_the_protocols_shape(self):
        status, headers, body = self.sts.raw("GetCallerIdentity")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/xml"))
        self.assertEqual(body.decode(), (
            '<GetCallerIdentityResponse xmlns="%s"><GetCallerIdentityResult>'
            "<Arn>arn:aws:iam::000000000000:root</Arn><UserId>000000000000</UserId>"
            "<Account>000000000000</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>%s"
            "</RequestId></ResponseMetadata></GetCallerIdentityResponse>")
            % (NAMESPACE, headers["x-amzn-RequestId"]))

    def test_parameters_in_the_url_do_as_well(self):
        status, _, body = self.sts.raw("GetCallerIdentity", method="GET")
        self.assertEqual(status, 200)
        self.assertIn(b"<Account>000000000000</Account>", body)

    def test_unsigned_calls_reach_it_by_their_version(self):
        form = urllib.parse.urlencode({
            "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": ROLE,
            "RoleSessionName": "ci", "WebIdentityToken": jwt(sub="repo:x", iss="https://i", aud="a")})
        status, _, body = self.virga.http(
            "POST", "/", form, {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(status, 200, body)

    def test_partition_follows_the_region(self):
        leaves = Sts(self.virga, region="cn-north-1").ok("GetCallerIdentity")
        self.assertEqual(leaves["Arn"], "arn:aws-cn:iam::000000000000:root")

    # --- AssumeRole ---

    def test_the_same_role_has_the_same_id(self):
        first = self.sts.ok("AssumeRole", RoleArn=ROLE, RoleSessionName="one")
        second = self.sts.ok("AssumeRole", RoleArn=ROLE, RoleSessionName="two")
        other = self.sts.ok("AssumeRole", RoleArn=ROLE + "2", RoleSessionName="one")
        self.assertEqual(first["AssumedRoleId"].split(":")[0], second["AssumedRoleId"].split(":")[0])
        self.assertNotEqual(first["AssumedRoleId"], other["AssumedRoleId"])
        self.assertNotEqual(first["AccessKeyId"], second["AccessKeyId"])
        self.assertNotEqual(first["SessionToken"], second["SessionToken"])

    def test_policies_and_tags_show_in_packed_policy_size(self):
        leaves = self.sts.ok("AssumeRole", RoleArn=ROLE, RoleSessionName="me", **{
            "Policy": json.dumps({"Version": "2012-10-17", "Statement": []}),
            "Tags.member.1.Key": "team", "Tags.member.1.Value": "blue",
            "TransitiveTagKeys.member.1": "team", "SourceIdentity": "ada"})
        self.assertEqual((leaves["PackedPolicySize"], leaves["SourceIdentity"]), ("3", "ada"))

    def test_inputs_are_checked_by_the_model(self):
        value = "1 validation error detected: Value %s failed to satisfy constraint: %s"
        ok = {"RoleArn": ROLE, "RoleSessionName": "me"}
        for change, at, constraint in (
                ({"RoleArn": None}, "null at 'roleArn'", "Member must not be null"),
                ({"RoleSessionName": None}, "null at 'roleSessionName'", "Member must not be null"),
                ({"RoleArn": "arn:short"}, "'arn:short' at 'roleArn'",
                 "Member must have length greater than or equal to 20"),
                ({"RoleSessionName": "a"}, "'a' at 'roleSessionName'",
                 "Member must have length greater than or equal to 2"),
                ({"RoleSessionName": "a" * 65}, "'%s' at 'roleSessionName'" % ("a" * 65),
                 "Member must have length less than or equal to 64"),
                ({"DurationSeconds": "899"}, "'899' at 'durationSeconds'",
                 "Member must have value greater than or equal to 900"),
                ({"DurationSeconds": "43201"}, "'43201' at 'durationSeconds'",
                 "Member must have value less than or equal to 43200"),
                ({"ExternalId": "x"}, "'x' at 'externalId'",
                 "Member must have length greater than or equal to 2"),
                ({"TokenCode": "12345x"}, "'12345x' at 'tokenCode'",
                 r"Member must satisfy regular expression pattern: [\d]*"),
                ({"Tags.member.1.Key": "k"}, "null at 'tags.1.member.value'",
                 "Member must not be null"),
                ({"PolicyArns.member.1.arn": "short"}, "'short' at 'policyArns.1.member.arn'",
                 "Member must have length greater than or equal to 20")):
            params = {k: v for k, v in {**ok, **change}.items() if v is not None}
            with self.subTest(change):
                self.fails(400, "ValidationError", value % (at, constraint), "AssumeRole", **params)

    def test_what_is_no_role_is_refused(self):
        for arn, message in (
                ("this is no arn at all", "this is no arn at all is invalid"),
                ("arn:aws:iam::210987654321:user/somebody", "Request ARN is invalid"),
                ("arn:aws:s3::210987654321:role/somebody", "Request ARN is invalid"),
                ("arn:aws:iam::2109876543:role/somebody", "Request ARN is invalid"),
                ("arn:aws:iam::210987654321:role/path/", "Request ARN is invalid")):
            self.fails(400, "ValidationError", message, "AssumeRole", RoleArn=arn,
                       RoleSessionName="me")

    def test_other_faults_of_assume_role(self):
        ok = {"RoleArn": ROLE, "RoleSessionName": "me"}
        self.fails(400, "MalformedPolicyDocument", "The policy is not in the valid JSON format.",
                   "AssumeRole", Policy="{", **ok)
        self.fails(400, "MalformedInput", "STRING_VALUE can not be converted to an Integer",
                   "AssumeRole", DurationSeconds="long", **ok)
        self.fails(400, "InvalidParameterValue",
                   "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                   "AssumeRole", **ok, **{
                       "Tags.member.1.Key": "k", "Tags.member.1.Value": "",
                       "Tags.member.2.Key": "K", "Tags.member.2.Value": ""})
        self.fails(400, "InvalidParameterValue",
                   "The specified transitive tag key must be included in the requested tags.",
                   "AssumeRole", **ok, **{"TransitiveTagKeys.member.1": "k"})
        self.fails(400, "InvalidAction", "Could not find operation AssumeNothing for version "
                   "2011-06-15", "AssumeNothing")

    def test_chained_roles_get_an_hour_at_most(self):
        leaves = self.sts.ok("AssumeRole", RoleArn=ROLE, RoleSessionName="first",
                             DurationSeconds="43200")
        role = Sts(self.virga, key=leaves["AccessKeyId"])
        role.ok("AssumeRole", RoleArn=ROLE + "2", RoleSessionName="second", DurationSeconds="3600")
        self.fails(400, "ValidationError",
                   "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                   "by role chaining.", "AssumeRole", sts=role, RoleArn=ROLE + "2",
                   RoleSessionName="second", DurationSeconds="3601")

    # --- the others ---

    def test_web_identities_assume_roles(self):
        params = {"RoleArn": ROLE, "RoleSessionName": "ci"}
        leaves = self.sts.ok("AssumeRoleWithWebIdentity", **params, WebIdentityToken=jwt(
            sub="repo:org/app", iss="https://token.example", aud=["sts.amazonaws.com"],
            exp=int(time.time()) + 60))
        self.assertEqual((leaves["SubjectFromWebIdentityToken"], leaves["Provider"],
                          leaves["Audience"]),
                         ("repo:org/app", "https://token.example", "sts.amazonaws.com"))
        self.assertEqual(Sts(self.virga, key=leaves["AccessKeyId"]).ok("GetCallerIdentity")["Arn"],
                         "arn:aws:sts::210987654321:assumed-role/deploy/ci")
        for token in ("no token", "aa.bb", "a.!!.c", "a.b.c.d", "a.%s.c" % ("e30" * 9)):
            self.fails(400, "InvalidIdentityToken",
                       "The ID Token provided is not a valid JWT. (You may see this error if you "
                       "sent an Access Token)", "AssumeRoleWithWebIdentity", WebIdentityToken=token,
                       **params)
        self.fails(400, "InvalidIdentityToken", "Missing a required claim: sub",
                   "AssumeRoleWithWebIdentity", WebIdentityToken=jwt(iss="i", aud="a"), **params)
        status, leaves = self.sts.call("AssumeRoleWithWebIdentity", **params, WebIdentityToken=jwt(
            sub="s", iss="i", aud="a", exp=1000))
        self.assertEqual((status, leaves["Code"]), (400, "ExpiredTokenException"))
        self.assertRegex(leaves["Message"], "^Token expired: current date/time 20.*Z must be before "
                         "the expiration date/time 1970-01-01T00:16:40Z$")

    def test_federated_users(self):
        leaves = self.sts.ok("GetFederationToken", Name="bob")
        self.assertEqual((leaves["FederatedUserId"], leaves["Arn"]),
                         ("000000000000:bob", "arn:aws:sts::000000000000:federated-user/bob"))
        who = Sts(self.virga, key=leaves["AccessKeyId"]).ok("GetCallerIdentity")
        self.assertEqual((who["UserId"], who["Arn"]), (leaves["FederatedUserId"], leaves["Arn"]))

    def test_access_keys_tell_their_account(self):
        issued = self.sts.ok("AssumeRole", RoleArn=ROLE, RoleSessionName="me")["AccessKeyId"]
        for key, account in ((issued, "210987654321"), ("AKIAIOSFODNN7EXAMPLE", "000000000000")):
            self.assertEqual(self.sts.ok("GetAccessKeyInfo", AccessKeyId=key)["Account"], account)

    def test_credentials_that_were_never_issued_are_refused(self):
        leaves = self.sts.ok("AssumeRole", RoleArn=ROLE, RoleSessionName="me")
        self.virga.restart(**{"floci.storage.mode": "memory"})
        try:
            self.fails(403, "InvalidClientTokenId",
                       "The security token included in the request is invalid.",
                       "GetCallerIdentity", sts=Sts(self.virga, key=leaves["AccessKeyId"]))
        finally:
            self.virga.restart(**{"floci.storage.mode": "persistent"})

    def test_issued_credentials_survive_kill_9(self):
        leaves = self.sts.ok("AssumeRole", RoleArn=ROLE, RoleSessionName="me")
        self.virga.kill9()
        self.virga.start()
        who = Sts(self.virga, key=leaves["AccessKeyId"]).ok("GetCallerIdentity")
        self.assertEqual(who["Arn"], leaves["Arn"])

    def test_secrets_are_neither_kept_nor_logged(self):
        leaves = self.sts.ok("AssumeRole", RoleArn=ROLE, RoleSessionName="me")
        for name in os.listdir(self.virga.data):
            if name.startswith("virga.db"):
                with open(os.path.join(self.virga.data, name), "rb") as f:
                    text = f.read()
                    self.assertNotIn(leaves["SecretAccessKey"].encode(), text)
                    self.assertNotIn(leaves["SessionToken"].encode(), text)
        self.assertNotIn(leaves["SecretAccessKey"], self.virga.log())


if __name__ == "__main__":
    unittest.main()
