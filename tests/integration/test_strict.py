# SPDX-License-Identifier: MIT
"""strict-ecr: each place where real ECR differs, as docs/ecr/wire.md lists them."""
import json
import unittest

from ecrcase import EcrCase
from images import digest_of, image
from oci import Registry

OCTETS = {"Content-Type": "application/octet-stream"}
TAG_CONSTRAINT = ("Invalid parameter at 'imageTag' failed to satisfy constraint: "
                  "'must satisfy regular expression '[a-zA-Z0-9-_.]+''")
POLICY = {"Version": "2008-10-17", "Statement": [{
    "Sid": "x", "Effect": "Allow", "Principal": "*", "Action": ["ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]}]}
PRETTY = """{
  "Version" : "2008-10-17",
  "Statement" : [ {
    "Sid" : "x",
    "Effect" : "Allow",
    "Principal" : "*",
    "Action" : [ "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage" ]
  } ]
}"""
LIFECYCLE = {"rules": [{"rulePriority": 1, "description": "a b", "selection": {
    "tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5}, "action": {"type": "expire"}}]}


class Strict(EcrCase):
    settings = {"floci.services.ecr.strict-ecr": "true"}

    def assert_parameter(self, answer, message):
        self.assert_wire_error(answer, 405, "UNSUPPORTED", message)

    def origin(self, registry):
        return "http://" + registry.host

    def test_upload_is_told_as_ecr_does(self):
        name, registry = self.repository()
        begun = registry.send("POST", registry.url(name, "blobs/uploads/"))
        self.assertEqual(begun.status, 202)
        self.assertNotIn("Docker-Upload-Uuid", begun.headers)
        self.assertTrue(begun.headers["Location"].startswith(
            self.origin(registry) + registry.url(name, "blobs/uploads/")), begun.headers["Location"])
        patched = registry.send("PATCH", begun.headers["Location"], b"data", OCTETS)
        self.assertEqual((patched.status, patched.headers["Range"]), (201, "0-3"))
        early = registry.send("PATCH", patched.headers["Location"], b"data", {**OCTETS, "Content-Range": "0-3"})
        self.assert_wire_error(early, 416, "BLOB_UPLOAD_INVALID",
                               "First byte of the layer part is 0 instead of 4")
        self.assertTrue(early.headers["Location"].startswith(self.origin(registry)))
        done = registry.send("PUT", registry.with_digest(early.headers["Location"], digest_of(b"data")), b"")
        self.assertEqual((done.status, done.headers["Location"]),
                         (201, self.origin(registry) + registry.url(name, "blobs/" + digest_of(b"data"))))
        post = registry.send("POST", registry.with_digest(registry.url(name, "blobs/uploads/"), digest_of(b"post")),
                             b"post", OCTETS)
        self.assertEqual((post.status, post.headers["Location"]),
                         (201, self.origin(registry) + registry.url(name, "blobs/" + digest_of(b"post"))))

    def test_headers_of_manifests(self):
        name, registry = self.repository()
        one = image("strict")
        registry.push(name, one, "v1")
        got = registry.get_manifest(name, "v1")
        self.assertEqual((got.status, got.body), (200, one.manifest))
        self.assertNotIn("Docker-Content-Digest", got.headers)
        head = registry.head_manifest(name, "v1")
        self.assertEqual((head.headers["Docker-Content-Digest"], head.headers["Sizes"]), (one.digest, ""))

    def test_bad_parameters_are_405(self):
        name, registry = self.repository()
        one = image("strict")
        registry.push(name, one)
        self.assert_parameter(registry.put_manifest(name, one, "a%2Bb"), TAG_CONSTRAINT)
        self.assert_parameter(registry.get_manifest(name, "a%2Bb"), TAG_CONSTRAINT)
        head = registry.head_manifest(name, "a%2Bb")
        self.assertEqual((head.status, head.body), (400, b""))
        answer = registry.send("PUT", registry.url(name, "manifests/v1"), b"{", {"Content-Type": one.media_type})
        self.assert_parameter(answer, "Invalid parameter at 'ImageManifest' failed to satisfy constraint: "
                                      "'Invalid JSON syntax'")
        answer = registry.send("GET", "/v2/Upper/tags/list")
        self.assert_parameter(answer, "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must "
                                      "satisfy regular expression '[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
                                      "(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*''")

    def test_tags_come_in_pages_of_a_hundred_out_of_order(self):
        name, by_host = self.repository()
        tags = set()
        for i in range(12):
            one = image("image %d" % i, layers=[])
            by_host.push(name, one)
            for j in range(9):
                tag = "t%03d" % (i * 9 + j)
                self.assertEqual(by_host.put_manifest(name, one, tag).status, 201)
                tags.add(tag)
        for registry in (by_host, Registry.path(by_host.port, self.ecr.account, self.ecr.region)):
            target = registry.url(name, "tags/list")
            first = registry.send("GET", target)
            self.assertEqual(first.headers["Content-Type"], "text/plain; charset=utf-8")
            self.assertEqual(len(first.json()["tags"]), 100)
            self.assertNotEqual(first.json()["tags"], sorted(first.json()["tags"]))
            link = first.headers["Link"]
            self.assertTrue(link.startswith("<%s%s?last=" % (self.origin(registry), target)), link)
            second = registry.send("GET", link[1:link.index(">")])
            self.assertIsNone(second.headers.get("Link"))
            self.assertEqual(len(first.json()["tags"]) + len(second.json()["tags"]), len(tags))
            self.assertEqual(set(first.json()["tags"] + second.json()["tags"]), tags)
            seen, target = [], target + "?n=7"
            while target:
                answer = registry.send("GET", target)
                seen += answer.json()["tags"]
                link = answer.headers.get("Link")
                target = link[1:link.index(">")] if link else None
            self.assertEqual((len(seen), set(seen)), (len(tags), tags))
            for route in (registry.url(name, "tags/list"), "/v2/%s_catalog" % registry.prefix):
                self.assert_parameter(registry.send("GET", route + "?n=1001"),
                                      "Invalid parameter at 'maxResults' failed to satisfy constraint: "
                                      "'Member must have value less than or equal to 1000'")
                self.assertEqual(registry.send("GET", route + "?n=1000").status, 200)
            self.assert_parameter(registry.send("GET", registry.url(name, "tags/list?last=t001")),
                                  "Invalid parameter at 'NextToken' failed to satisfy constraint: "
                                  "'Invalid next token provided'")

    def test_immutable_tag_refuses_the_same_image_too(self):
        name, registry = self.repository(imageTagMutability="IMMUTABLE")
        one = image("once")
        registry.push(name, one, "v1")
        self.assert_wire_error(registry.put_manifest(name, one, "v1"), 400, "TAG_INVALID",
                               "The image tag 'v1' already exists in the '%s' repository and cannot be overwritten "
                               "because the tag is immutable." % name)
        self.assertEqual(registry.put_manifest(name, one, "v2").status, 201)

    def test_layers_are_mounted_only_where_the_account_wants_it(self):
        name, registry = self.repository()
        other, _ = self.repository("-from")
        registry.push_blob(other, digest_of(b"layer"), b"layer")
        self.assertEqual(self.ecr.GetAccountSetting(name="BLOB_MOUNTING")["value"], "DISABLED")
        self.assertEqual(registry.mount(name, digest_of(b"layer"), other).status, 202)
        self.assertFalse(registry.has_blob(name, digest_of(b"layer")))
        try:
            self.ecr.PutAccountSetting(name="BLOB_MOUNTING", value="ENABLED")
            self.assertEqual(registry.mount(name, digest_of(b"layer"), other).status, 201)
        finally:
            self.ecr.PutAccountSetting(name="BLOB_MOUNTING", value="DISABLED")

    def test_policies_come_back_formatted(self):
        name, _ = self.repository()
        text = json.dumps(POLICY, separators=(",", ":"))
        self.assertEqual(self.ecr.SetRepositoryPolicy(repositoryName=name, policyText=text)["policyText"], PRETTY)
        self.assertEqual(self.ecr.GetRepositoryPolicy(repositoryName=name)["policyText"], PRETTY)
        self.assertEqual(self.ecr.DeleteRepositoryPolicy(repositoryName=name)["policyText"], PRETTY)
        compact = json.dumps(LIFECYCLE, separators=(",", ":"))
        put = self.ecr.PutLifecyclePolicy(repositoryName=name, lifecyclePolicyText=json.dumps(LIFECYCLE, indent=4))
        self.assertEqual(put["lifecyclePolicyText"], compact)
        self.assertEqual(self.ecr.GetLifecyclePolicy(repositoryName=name)["lifecyclePolicyText"], compact)
        registry_policy = json.dumps({"Version": "2012-10-17", "Statement": [{
            "Sid": "r", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": ["ecr:ReplicateImage"], "Resource": ["arn:aws:ecr:us-east-1:000000000000:repository/*"]}]})
        put = self.ecr.PutRegistryPolicy(policyText=registry_policy)
        self.assertIn('"Principal" : {\n      "AWS" : "arn:aws:iam::111111111111:root"\n    }', put["policyText"])

    def test_whole_pushes_and_pulls_still_work(self):
        name, registry = self.repository()
        one = image("whole", docker=True)
        for digest, data in one.blobs.items():
            registry.push_blob(name, digest, data)
        self.assertEqual(registry.put_manifest(name, one, "v1").status, 201)
        self.assertEqual(registry.get_manifest(name, "v1").body, one.manifest)


class StrictLogin(EcrCase):
    settings = {"floci.services.ecr.strict-ecr": "true", "floci.auth.mode": "enforce"}

    def test_401_is_plain_text(self):
        registry = Registry.hostname(self.virga.registry_base, self.ecr.account, self.ecr.region)
        answer = registry.send("GET", "/v2/")
        self.assertEqual((answer.status, answer.body), (401, b"Not Authorized\n"))
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual(answer.headers["Www-Authenticate"],
                         'Basic realm="https://%s/",service="ecr.amazonaws.com"' % registry.host)


class Default(EcrCase):
    def test_none_of_it_by_default(self):
        name, registry = self.repository(imageTagMutability="IMMUTABLE")
        one = image("plain")
        registry.push(name, one, "v1")
        self.assertEqual(registry.put_manifest(name, one, "v1").status, 201)
        self.assertEqual(registry.get_manifest(name, "v1").headers["Docker-Content-Digest"], one.digest)
        self.assertNotIn("Sizes", registry.head_manifest(name, "v1").headers)
        self.assert_wire_error(registry.put_manifest(name, one, "a%2Bb"), 400, "TAG_INVALID")
        begun = registry.send("POST", registry.url(name, "blobs/uploads/"))
        self.assertTrue(begun.headers["Location"].startswith("/v2/"))
        self.assertIn("Docker-Upload-Uuid", begun.headers)
        self.assertEqual(registry.send("PATCH", begun.headers["Location"], b"x", OCTETS).status, 202)
        text = json.dumps(POLICY, separators=(",", ":"))
        self.assertEqual(self.ecr.SetRepositoryPolicy(repositoryName=name, policyText=text)["policyText"], text)
        self.assertEqual(self.ecr.GetRepositoryPolicy(repositoryName=name)["policyText"], text)


if __name__ == "__main__":
    unittest.main()
