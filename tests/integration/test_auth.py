# SPDX-License-Identifier: MIT
"""Logging in: nobody is asked in open mode; in enforce mode with a password that says who it is and until when."""
import base64
import hashlib
import hmac
import os
import sqlite3
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from aws import ACCOUNT, REGION, Cli, Ecr  # noqa: E402
from ecrcase import EcrCase  # noqa: E402
from images import image  # noqa: E402
from oci import Registry  # noqa: E402
from skopeo import Skopeo  # noqa: E402
from virga import Virga, need  # noqa: E402

ENFORCE = {"floci.auth.mode": "enforce"}
OTHER = "222222222222"
EXPIRED = "Your authorization token has expired. Reauthenticate and try again."


def password_of(ecr):
    data, = ecr.GetAuthorizationToken()["authorizationData"]
    user, password = base64.b64decode(data["authorizationToken"]).decode().split(":", 1)
    assert user == "AWS", user
    return password


def basic(password, user="AWS"):
    return {"Authorization": "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()}


def challenge(host):
    return 'Basic realm="https://%s/",service="ecr.amazonaws.com"' % host


def routes(name, digest):
    """One request of each kind below /v2/."""
    url = "/v2/" + name
    return [("GET", "/v2/"), ("GET", "/v2/_catalog"), ("GET", url + "/tags/list"),
            ("GET", url + "/manifests/v1"), ("PUT", url + "/manifests/v1"), ("DELETE", url + "/manifests/v1"),
            ("GET", url + "/blobs/" + digest), ("POST", url + "/blobs/uploads/"),
            ("PATCH", url + "/blobs/uploads/x"), ("GET", url + "/referrers/" + digest), ("GET", "/v2/x/y/z"),
            ("GET", "/v2/?ns=docker.io")]


class Enforced(EcrCase):
    settings = ENFORCE

    def registry_as(self, password, account=ACCOUNT):
        return Registry(self.ecr.port(), "%s.dkr.ecr.%s.localhost:%d" % (account, REGION, self.ecr.port()),
                        headers=basic(password))

    def refuses(self, answer, host):
        self.assert_wire_error(answer, 401, "UNAUTHORIZED")
        self.assertEqual(answer.headers["Www-Authenticate"], challenge(host))
        self.assertEqual(answer.headers["Docker-Distribution-Api-Version"], "registry/2.0")

    def test_nothing_below_v2_is_answered_without_a_login(self):
        name, registry = self.repository()
        for method, target in routes(name, image(name).digest):
            with self.subTest(method + " " + target):
                self.refuses(registry.send(method, target), registry.host)
        head = registry.send("HEAD", "/v2/")
        self.assertEqual((head.status, head.body), (401, b""))
        self.assertEqual(head.headers["Www-Authenticate"], challenge(registry.host))

    def test_the_challenge_names_the_host_that_was_asked(self):
        port = self.ecr.port()
        for host in ("localhost:%d" % port, "127.0.0.1:%d" % port,
                     "%s.dkr.ecr.eu-west-1.amazonaws.com" % OTHER):
            self.refuses(Registry(port, host).send("GET", "/v2/"), host)

    def test_outside_v2_nobody_is_asked(self):
        self.assertEqual(Registry(self.ecr.port()).send("GET", "/elsewhere").status, 404)

    def test_bad_credentials_are_no_login(self):
        registry, password = self.registry(), password_of(self.ecr)
        flipped = password[:-8] + ("A" if password[-8] != "A" else "B") + password[-7:]
        for what, header in {
                "open mode's": basic("floci"), "empty": basic(""), "another user": basic(password, "aws"),
                "no user": basic(password, ""), "cut": basic(password[:-4]), "longer": basic(password + "AAAA"),
                "tampered": basic(flipped), "bearer": {"Authorization": "Bearer " + password},
                "no base64": {"Authorization": "Basic %%%"}, "nothing": {"Authorization": ""},
                "very long": basic("A" * 8000)}.items():
            with self.subTest(what):
                self.refuses(registry.send("GET", "/v2/", headers=header), registry.host)
        self.assertEqual(registry.send("GET", "/v2/", headers=basic(password)).status, 200)

    def test_push_and_pull_with_a_password(self):
        name, _ = self.repository()
        registry, pushed = self.registry_as(password_of(self.ecr)), image(name)
        registry.push(name, pushed, "v1")
        registry.check_pull(name, pushed, "v1")
        self.assertEqual(registry.tags(name), ["v1"])
        self.assertEqual(registry.delete_manifest(name, pushed.digest).status, 202)

    def test_a_password_is_good_in_every_region(self):
        name = self.name()
        Ecr(self.virga, ACCOUNT, "eu-west-1").create(name)
        registry = Registry(self.ecr.port(), "%s.dkr.ecr.eu-west-1.localhost" % ACCOUNT,
                            headers=basic(password_of(self.ecr)))
        registry.push(name, image(name), "v1")

    def test_a_password_says_until_when(self):
        before = time.time()
        data, = self.ecr.GetAuthorizationToken()["authorizationData"]
        self.assertAlmostEqual(data["expiresAt"], before + 12 * 3600, delta=60)
        self.assertEqual(data["proxyEndpoint"], "http://%s.dkr.ecr.%s.localhost:%d"
                         % (ACCOUNT, REGION, self.virga.registry_base))

    def test_tokens_for_other_registries_are_the_same_token(self):
        data = self.ecr.GetAuthorizationToken(registryIds=[OTHER, ACCOUNT])["authorizationData"]
        self.assertEqual([d["proxyEndpoint"].split("//")[1][:12] for d in data], [OTHER, ACCOUNT])
        self.assertEqual(len({d["authorizationToken"] for d in data}), 1)

    def test_who_does_not_sign_gets_no_token(self):
        status, _, body = self.virga.http("POST", "/", "{}", {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"})
        self.assertEqual((status, body), (400, b'{"__type":"MissingAuthenticationTokenException",'
                                               b'"message":"Missing Authentication Token"}'))

    def test_skopeo_logs_in_with_what_the_command_line_says(self):
        skopeo, port = Skopeo(self.virga.dir), self.ecr.port()
        password = Cli(self.virga, ACCOUNT).text("get-login-password").strip()
        auth = os.path.join(self.virga.dir, "auth-enforce.json")
        login = ("login", "--tls-verify=false", "--authfile", auth, "--username")
        self.assertIn("Login Succeeded", skopeo.text(*login, "AWS", "--password", password, "localhost:%d" % port))
        for user, wrong in (("AWS", "floci"), ("AWS", password[:-8] + "AAAAAAA="), ("someone", password)):
            code, _, err = skopeo.run(*login, user, "--password", wrong, "localhost:%d" % port)
            self.assertNotEqual(code, 0)
            self.assertRegex(err, "(?i)unauthorized|invalid username/password")


class Expiry(unittest.TestCase):
    """Passwords over time; the clock is the one in the password."""

    def setUp(self):
        need("docker-registry")
        self.virga = Virga(settings=ENFORCE)
        self.addCleanup(self.virga.cleanup)
        self.virga.start()
        self.ecr = Ecr(self.virga)

    def ping(self, password):
        registry = Registry.hostname(self.virga.registry_base, ACCOUNT, REGION)
        return registry.send("GET", "/v2/", headers=basic(password))

    def key(self):
        """The signing key, out of the store, which is virga's alone while that runs."""
        self.virga.stop()
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.virga.data, "virga.db"), uri=True)
        try:
            (value,), = db.execute("SELECT v FROM kv WHERE k = ?", (b"f\0login-key",)).fetchall()
        finally:
            db.close()
            self.virga.start()
        return base64.b64decode(value)

    def aged(self, password, seconds):
        """The same password as it would be had it been asked for so long ago: needs the key."""
        payload = base64.b64decode(password)[:-32]
        parts = payload.split(b"\0")
        parts[0] = b"\x01%d" % (int(parts[0][1:]) - seconds * 1000)
        payload = b"\0".join(parts)
        return base64.b64encode(payload + hmac.new(self.key(), payload, hashlib.sha256).digest()).decode()

    def test_an_expired_password_is_told_so(self):
        password = password_of(self.ecr)
        self.assertEqual(self.ping(self.aged(password, 11 * 3600)).status, 200)
        answer = self.ping(self.aged(password, 12 * 3600 + 1))
        self.assertEqual((answer.status, answer.error), (403, ("DENIED", EXPIRED)))

    def test_a_later_date_needs_the_key(self):
        password = password_of(self.ecr)
        payload, mac = base64.b64decode(password)[:-32], base64.b64decode(password)[-32:]
        parts = payload.split(b"\0")
        parts[0] = b"\x01%d" % (int(parts[0][1:]) + 1000)
        forged = base64.b64encode(b"\0".join(parts) + mac).decode()
        self.assertEqual(self.ping(forged).status, 401)
        parts = payload.replace(ACCOUNT.encode(), OTHER.encode())
        self.assertEqual(self.ping(base64.b64encode(parts + mac).decode()).status, 401)

    def test_a_password_survives_a_restart_and_no_reset(self):
        password = password_of(self.ecr)
        self.virga.restart()
        self.assertEqual(self.ping(password).status, 200)
        status, _, _ = self.virga.http("POST", "/_floci/state/reset")
        self.assertEqual(status, 200)
        self.assertEqual(self.ping(password).status, 401)
        self.assertEqual(self.ping(password_of(self.ecr)).status, 200)

    def test_another_server_takes_no_password_of_this_one(self):
        password = password_of(self.ecr)
        with Virga(settings=ENFORCE) as other:
            Ecr(other).GetAuthorizationToken()
            registry = Registry.hostname(other.registry_base, ACCOUNT, REGION)
            self.assertEqual(registry.send("GET", "/v2/", headers=basic(password)).status, 401)


class Open(EcrCase):
    def test_every_login_and_none_is_good(self):
        name, registry = self.repository()
        registry.push(name, image(name), "v1")
        for header in ({}, basic("floci"), basic("wrong"), basic("x", "someone"), {"Authorization": "Bearer x"}):
            self.assertEqual(registry.send("GET", "/v2/", headers=header).status, 200)
            self.assertEqual(registry.send("GET", registry.url(name, "manifests/v1"), headers=header).status, 200)

    def test_the_token_is_the_one_of_the_documentation(self):
        self.assertEqual(password_of(self.ecr), "floci")
        self.assertEqual(password_of(Ecr(self.virga, OTHER)), "floci")

    def test_policies_are_kept_and_not_obeyed(self):
        name, registry = self.repository()
        self.ecr.SetRepositoryPolicy(repositoryName=name, policyText=(
            '{"Statement":[{"Effect":"Deny","Principal":"*","Action":"ecr:*"}]}'))
        registry.push(name, image(name), "v1")
        other = Ecr(self.virga, OTHER)
        self.assertEqual(len(other.ListImages(registryId=ACCOUNT, repositoryName=name)["imageIds"]), 1)
        other.DescribeRepositories(registryId=ACCOUNT)

    def test_who_does_not_sign_is_the_default_account(self):
        status, _, _ = self.virga.http("POST", "/", "{}", {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"})
        self.assertEqual(status, 200)

    def test_skopeo_logs_in_with_any_password(self):
        skopeo = Skopeo(self.virga.dir)
        for user, password in (("AWS", "floci"), ("someone", "else")):
            skopeo.text("login", "--tls-verify=false", "--authfile", os.path.join(self.virga.dir, "auth-open.json"),
                        "--username", user, "--password", password, "localhost:%d" % self.ecr.port())


if __name__ == "__main__":
    unittest.main()
