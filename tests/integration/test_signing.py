# SPDX-License-Identifier: MIT
"""Managed signing: what is pushed is signed, and the signature lies beside it in the registry."""
import base64
import json
import os
import subprocess
import tempfile
import threading
import unittest

from aws import ACCOUNT
from ecrcase import EcrCase, no_repository
from images import digest_of, image, index
from virga import need, wait_for

SIGNATURE = "application/vnd.cncf.notary.signature"


def profile(name, region="us-east-1"):
    return "arn:aws:signer:%s:%s:/signing-profiles/%s" % (region, ACCOUNT, name)


def rule(name, *filters):
    out = {"signingProfileArn": profile(name)}
    if filters:
        out["repositoryFilters"] = [{"filter": f, "filterType": "WILDCARD_MATCH"} for f in filters]
    return out


def from_url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def der_signature(raw):
    """r and s as DER, which openssl wants."""
    def number(data):
        data = data.lstrip(b"\0") or b"\0"
        data = (b"\0" if data[0] & 0x80 else b"") + data
        return b"\x02" + bytes([len(data)]) + data
    body = number(raw[:48]) + number(raw[48:])
    return b"\x30" + bytes([len(body)]) + body


class SigningCase(EcrCase):
    """Each test has a registry of its own: a region."""
    regions = iter("region-%d" % i for i in range(1000))

    def setUp(self):
        super().setUp()
        self.ecr = type(self.ecr)(self.virga, region=next(SigningCase.regions))

    def registry(self, account=ACCOUNT, region=None):
        return super().registry(account, region or self.ecr.region)

    def put(self, *rules):
        return self.ecr.PutSigningConfiguration(signingConfiguration={"rules": list(rules)})

    def statuses(self, name, digest):
        answer = self.ecr.DescribeImageSigningStatus(repositoryName=name, imageId={"imageDigest": digest})
        return {s.pop("signingProfileArn"): s for s in answer["signingStatuses"]}

    def wait(self, name, digest):
        """The statuses once none is in progress."""
        wait_for(lambda: "IN_PROGRESS" not in [s["status"] for s in self.statuses(name, digest).values()],
                 60, "the signatures")
        return self.statuses(name, digest)

    def signatures(self, name, digest):
        """The manifests that refer to an image as its signatures: {digest: document}."""
        found = {}
        for detail in self.ecr.DescribeImages(repositoryName=name)["imageDetails"]:
            if detail.get("subjectManifestDigest") == digest:
                self.assertEqual(detail["artifactMediaType"], SIGNATURE)
                answer = self.registry().get_manifest(name, detail["imageDigest"])
                self.assertEqual((answer.status, digest_of(answer.body)), (200, detail["imageDigest"]))
                found[detail["imageDigest"]] = json.loads(answer.body)
        return found


class Signing(SigningCase):
    def verify(self, name, manifest, media_type, digest, size):
        """Checks envelope and signature with openssl; the certificate's subject."""
        need("openssl")
        layer = manifest["layers"][0]
        self.assertEqual(layer["mediaType"], "application/jose+json")
        blob = self.registry().get_blob(name, layer["digest"]).body
        self.assertEqual((digest_of(blob), len(blob)), (layer["digest"], layer["size"]))
        self.assertEqual(self.registry().get_blob(name, manifest["config"]["digest"]).body, b"{}")
        envelope = json.loads(blob)
        self.assertEqual(json.loads(from_url(envelope["payload"])),
                         {"targetArtifact": {"mediaType": media_type, "digest": digest, "size": size}})
        cert = base64.b64decode(envelope["header"]["x5c"][0])
        self.assertEqual(manifest["annotations"]["io.cncf.notary.x509chain.thumbprint#S256"],
                         json.dumps([digest_of(cert).split(":")[1]]))
        with tempfile.TemporaryDirectory() as folder:
            def write(path, data):
                with open(os.path.join(folder, path), "wb") as f:
                    f.write(data)
            write("cert", cert)
            write("signed", ("%s.%s" % (envelope["protected"], envelope["payload"])).encode())
            write("signature", der_signature(from_url(envelope["signature"])))

            def openssl(*args):
                return subprocess.run(["openssl", *args], cwd=folder, check=True, stdout=subprocess.PIPE).stdout
            write("key", openssl("x509", "-inform", "DER", "-in", "cert", "-noout", "-pubkey"))
            self.assertEqual(openssl("dgst", "-sha384", "-verify", "key", "-signature", "signature", "signed"),
                             b"Verified OK\n")
            return openssl("x509", "-inform", "DER", "-in", "cert", "-noout", "-subject", "-nameopt",
                           "RFC2253").decode()

    def test_a_pushed_image_is_signed_by_the_profile_of_its_rule(self):
        self.put(rule("prod_profile"))
        name, registry = self.repository()
        one = image(name)
        registry.push(name, one, "v1")
        self.assertEqual(self.wait(name, one.digest), {profile("prod_profile"): {"status": "COMPLETE"}})
        signatures = self.signatures(name, one.digest)
        self.assertEqual(len(signatures), 1)
        (manifest,) = signatures.values()
        self.assertEqual(manifest["subject"], {"mediaType": one.media_type, "digest": one.digest,
                                               "size": len(one.manifest)})
        subject = self.verify(name, manifest, one.media_type, one.digest, len(one.manifest))
        self.assertIn("CN=prod_profile", subject)

    def test_each_profile_signs_and_each_image_once(self):
        self.put(rule("first"), rule("second", "*"), rule("first", "sig*"), rule("other", "no-such"))
        name, registry = self.repository()
        one = image(name)
        registry.push(name, one, "v1")
        self.wait(name, one.digest)
        registry.push(name, one, "v2")
        self.assertEqual(self.wait(name, one.digest),
                         {profile("first"): {"status": "COMPLETE"}, profile("second"): {"status": "COMPLETE"}})
        signatures = self.signatures(name, one.digest)
        self.assertEqual(len(signatures), 2)
        # A signature is not signed.
        for digest in signatures:
            self.assertEqual(self.statuses(name, digest), {})

    def test_a_profile_keeps_its_certificate(self):
        self.put(rule("lasting"))
        name, registry = self.repository()
        prints = set()
        for i in range(2):
            one = image("%s %d" % (name, i))
            registry.push(name, one, "t%d" % i)
            self.wait(name, one.digest)
            (manifest,) = self.signatures(name, one.digest).values()
            prints.add(manifest["annotations"]["io.cncf.notary.x509chain.thumbprint#S256"])
            if i == 0:
                self.virga.restart()
        self.assertEqual(len(prints), 1)

    def test_an_index_is_signed_as_its_images_are(self):
        self.put(rule("multi"))
        name, registry = self.repository()
        listed = index([image(name + " 1"), image(name + " 2", arch="arm64")])
        registry.push(name, listed, "v1")
        for one in [listed, *listed.children]:
            self.assertEqual(self.wait(name, one.digest), {profile("multi"): {"status": "COMPLETE"}})
            (manifest,) = self.signatures(name, one.digest).values()
            self.verify(name, manifest, one.media_type, one.digest, len(one.manifest))

    def test_rules_decide_by_repository_and_end_with_the_configuration(self):
        self.put(rule("some", "*-yes"))
        yes, registry = self.repository("-yes")
        no, _ = self.repository("-no")
        one = image("some")
        registry.push(yes, one, "v1")
        registry.push(no, one, "v1")
        self.assertEqual(list(self.wait(yes, one.digest)), [profile("some")])
        self.assertEqual(self.statuses(no, one.digest), {})
        self.ecr.DeleteSigningConfiguration()
        two = image("later")
        registry.push(yes, two, "v2")
        self.assertEqual(self.statuses(yes, two.digest), {})
        # What is signed stays so.
        self.assertEqual(self.wait(yes, one.digest), {profile("some"): {"status": "COMPLETE"}})

    def test_a_signature_can_be_pulled_after_gc(self):
        self.put(rule("kept"))
        name, registry = self.repository()
        one = image(name)
        registry.push(name, one, "v1")
        self.wait(name, one.digest)
        self.assertEqual(self.virga.http("POST", "/_floci/ecr/gc", timeout=120)[0], 200)
        (manifest,) = self.signatures(name, one.digest).values()
        self.verify(name, manifest, one.media_type, one.digest, len(one.manifest))

    def test_pushes_at_once_are_all_signed(self):
        self.put(rule("one"), rule("two"))
        name, registry = self.repository()
        images = [image("%s %d" % (name, i)) for i in range(8)]
        threads = [threading.Thread(target=registry.push, args=(name, one)) for one in images]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in images:
            self.assertEqual({s["status"] for s in self.wait(name, one.digest).values()}, {"COMPLETE"})
            self.assertEqual(len(self.signatures(name, one.digest)), 2)

    def test_what_a_stop_left_is_signed_by_the_next_start(self):
        self.put(*[rule("p%d" % i) for i in range(10)])
        for how in (self.virga.stop, self.virga.kill9):
            name, registry = self.repository("-" + how.__name__)
            images = [image("%s %d" % (name, i)) for i in range(4)]
            for one in images:
                registry.push(name, one)
            how()
            self.virga.start()
            for one in images:
                self.assertEqual([s["status"] for s in self.wait(name, one.digest).values()], ["COMPLETE"] * 10)
                self.assertEqual(len(self.signatures(name, one.digest)), 10)

    def test_what_is_not_there_is_told_as_aws_does(self):
        name, _ = self.repository()
        self.assert_api_error(
            "ImageNotFoundException",
            "The image with imageId {imageDigest:'null', imageTag:'v1'} does not exist within the repository with "
            "name '%s' in the registry with id '%s'" % (name, ACCOUNT),
            self.ecr.DescribeImageSigningStatus, repositoryName=name, imageId={"imageTag": "v1"})
        self.assert_api_error("RepositoryNotFoundException", no_repository("no-such"),
                              self.ecr.DescribeImageSigningStatus, repositoryName="no-such", imageId={"imageTag": "v1"})
        self.assert_api_error("ValidationException", None, self.ecr.PutSigningConfiguration,
                              signingConfiguration={"rules": [{"signingProfileArn": "arn:aws:signer"}]})
        self.assert_api_error("ValidationException", None, self.ecr.PutSigningConfiguration,
                              signingConfiguration={"rules": [rule("p%d" % i) for i in range(11)]})


if __name__ == "__main__":
    unittest.main()
