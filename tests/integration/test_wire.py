# SPDX-License-Identifier: MIT
"""The registry's wire protocol and ECR's rules on it."""
import hashlib
import random

from ecrcase import EcrCase, no_repository
from images import digest_of, image, noise

IMMUTABLE = ("The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the tag "
             "is immutable.")


class Protocol(EcrCase):
    def test_base_answers_200_without_credentials(self):
        registry = self.registry()
        for method in ("GET", "HEAD"):
            answer = registry.send(method, "/v2/")
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["Docker-Distribution-Api-Version"], "registry/2.0")

    def test_credentials_of_docker_login_are_accepted(self):
        answer = self.registry().send("GET", "/v2/", headers={"Authorization": "Basic QVdTOmZsb2Np"})
        self.assertEqual(answer.status, 200)

    def test_nothing_goes_into_a_repository_that_nobody_created(self):
        registry, message = self.registry(), no_repository("nobody/made-this")
        pushed = image("nobody")
        for what, answer in {
                "upload": registry.send("POST", "/v2/nobody/made-this/blobs/uploads/"),
                "mount": registry.mount("nobody/made-this", pushed.layers[0], "other"),
                "manifest": registry.put_manifest("nobody/made-this", pushed, "v1"),
                "pull": registry.get_manifest("nobody/made-this", "v1"),
                "blob": registry.get_blob("nobody/made-this", pushed.layers[0]),
                "tags": registry.send("GET", "/v2/nobody/made-this/tags/list")}.items():
            with self.subTest(what):
                self.assert_wire_error(answer, 404, "NAME_UNKNOWN", message)
        self.assert_api_error("RepositoryNotFoundException", None, self.ecr.ListImages,
                              repositoryName="nobody/made-this")

    def test_repository_may_be_called_like_the_protocol(self):
        for name in ("team/blobs/manifests/x", "blobs", "manifests", "tags/list", "v2/v2", "uploads/blobs",
                     "a/blobs/uploads", "catalog", "x/tags", "x/manifests"):
            with self.subTest(name):
                self.ecr.create(name)
                registry = self.registry()
                pushed = image(name)
                registry.push(name, pushed, "latest")
                registry.push(name, pushed, "list")
                registry.check_pull(name, pushed, "latest")
                self.assertEqual(registry.send("GET", registry.url(name, "tags/list")).json(),
                                 {"name": name, "tags": ["latest", "list"]})
                self.assertEqual(self.ecr.image_ids(name),
                                 [("latest", pushed.digest), ("list", pushed.digest)])

    def test_upload_in_one_put_and_in_chunks_and_in_a_stream(self):
        name, registry = self.repository()
        data = random.Random(name).randbytes(3 << 20)
        digest = digest_of(data)
        registry.push_blob(name, digest, data)
        self.assertEqual(registry.get_blob(name, digest).body, data)
        # Chunked coding of unknown length, as docker sends it.
        data = random.Random(name + "2").randbytes(3 << 20)
        digest = digest_of(data)
        registry.push_blob(name, digest, None, chunks=[data[i:i + 70001] for i in range(0, len(data), 70001)])
        self.assertEqual(registry.get_blob(name, digest).body, data)
        # Several PATCH requests, with the status asked between them.
        data = random.Random(name + "3").randbytes(3 << 20)
        digest = digest_of(data)
        location, sent = registry.begin(name), 0
        while sent < len(data):
            part = data[sent:sent + (1 << 20)]
            answer = registry.send("PATCH", location, part, {
                "Content-Range": "%d-%d" % (sent, sent + len(part) - 1),
                "Content-Type": "application/octet-stream"})
            self.assertEqual(answer.status, 202)
            sent += len(part)
            location = answer.headers["Location"]
            self.assertEqual(answer.headers["Range"], "0-%d" % (sent - 1))
            status = registry.send("GET", location)
            self.assertEqual((status.status, status.headers["Range"]), (204, "0-%d" % (sent - 1)))
            location = status.headers["Location"]
        answer = registry.send("PUT", registry.with_digest(location, digest), b"")
        self.assertEqual((answer.status, answer.headers["Docker-Content-Digest"]), (201, digest))
        self.assertEqual(registry.get_blob(name, digest).body, data)

    def test_wrong_digest_stores_nothing(self):
        name, registry = self.repository()
        wrong = digest_of(b"something else")
        answer = registry.send("PUT", registry.with_digest(registry.begin(name), wrong), b"data")
        self.assert_wire_error(answer, 400, "DIGEST_INVALID")
        self.assertFalse(registry.has_blob(name, wrong))
        self.assertFalse(registry.has_blob(name, digest_of(b"data")))

    def test_upload_can_be_cancelled(self):
        name, registry = self.repository()
        location = registry.begin(name)
        self.assertEqual(registry.send("DELETE", location).status, 204)
        self.assertEqual(registry.send("PUT", registry.with_digest(location, digest_of(b"x")), b"x").status, 404)

    def test_ranges_of_blobs_are_served(self):
        name, registry = self.repository()
        data = random.Random(name).randbytes(100000)
        digest = digest_of(data)
        registry.push_blob(name, digest, data)
        answer = registry.get_blob(name, digest, {"Range": "bytes=1000-1999"})
        self.assertEqual((answer.status, answer.body), (206, data[1000:2000]))
        self.assertEqual(answer.headers["Content-Range"], "bytes 1000-1999/100000")
        self.assertEqual(registry.get_blob(name, digest, {"Range": "bytes=100000-"}).status, 416)
        head = registry.send("HEAD", registry.url(name, "blobs/" + digest))
        self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, "100000", b""))

    def test_manifest_is_found_by_tag_and_digest_and_head_agrees(self):
        name, registry = self.repository()
        for pushed in (image("oci"), image("docker", docker=True)):
            registry.push(name, pushed, "v1")
            for reference in ("v1", pushed.digest):
                registry.check_pull(name, pushed, reference)
                head = registry.head_manifest(name, reference)
                self.assertEqual((head.status, head.headers["Docker-Content-Digest"],
                                  head.headers["Content-Type"], head.headers["Content-Length"]),
                                 (200, pushed.digest, pushed.media_type, str(len(pushed.manifest))))

    def test_missing_manifest_is_ecrs_error(self):
        name, registry = self.repository()
        for reference in ("nope", "sha256:" + "0" * 64):
            self.assert_wire_error(registry.get_manifest(name, reference), 404, "MANIFEST_UNKNOWN",
                                   "Requested image not found")
            self.assertEqual(registry.head_manifest(name, reference).status, 404)

    def test_manifest_whose_layers_are_missing_is_refused(self):
        name, registry = self.repository()
        answer = registry.put_manifest(name, image("no layers here"), "v1")
        self.assertIn(answer.status, (400, 404))
        self.assertIn(answer.error[0], ("BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN"))
        self.assertEqual(self.ecr.image_ids(name), [])
        self.assertEqual(registry.get_manifest(name, "v1").status, 404)

    def test_manifest_under_a_digest_that_is_not_its_own_is_refused(self):
        name, registry = self.repository()
        pushed = image("mine")
        registry.push(name, pushed)
        answer = registry.send("PUT", registry.url(name, "manifests/sha256:" + "0" * 64), pushed.manifest,
                               {"Content-Type": pushed.media_type})
        self.assert_wire_error(answer, 400, "DIGEST_INVALID")

    def test_garbage_manifests_are_refused(self):
        name, registry = self.repository()
        kind = image("x").media_type
        for body in (b"", b"{", b"[]", b'{"schemaVersion":2}', b"\0" * 100, b"{}" + b" " * (5 << 20)):
            with self.subTest(body[:10]):
                answer = registry.send("PUT", registry.url(name, "manifests/v1"), body, {"Content-Type": kind})
                self.assertIn(answer.status, (400, 404, 405, 413))
        self.assertEqual(self.ecr.image_ids(name), [])

    def test_impossible_tags_are_refused(self):
        name, registry = self.repository()
        pushed = image("x")
        registry.push(name, pushed)
        for tag in ("a" * 129, "-x", ".x", "a+b", "a%20b"):
            with self.subTest(tag):
                self.assertIn(registry.put_manifest(name, pushed, tag).status, (400, 404, 405))
        self.assertEqual(self.ecr.image_ids(name), [(None, pushed.digest)])

    def test_tags_come_in_pages(self):
        name, registry = self.repository()
        pushed = image("many tags")
        registry.push(name, pushed)
        tags = ["t%02d" % i for i in range(11)]
        for tag in tags:
            self.assertEqual(registry.put_manifest(name, pushed, tag).status, 201)
        self.assertEqual(registry.tags(name), tags)
        seen, target = [], registry.url(name, "tags/list?n=4")
        while target:
            answer = registry.send("GET", target)
            self.assertLessEqual(len(answer.json()["tags"]), 4)
            seen += answer.json()["tags"]
            link = answer.headers.get("Link")
            target = link[1:link.index(">")] if link else None
        self.assertEqual(sorted(seen), tags)

    def test_empty_repository_has_an_empty_tag_list(self):
        name, registry = self.repository()
        answer = registry.send("GET", registry.url(name, "tags/list"))
        self.assertEqual((answer.status, answer.json()["name"], answer.json()["tags"] or []), (200, name, []))

    def test_delete_on_the_wire_shows_in_the_api(self):
        name, registry = self.repository()
        pushed = image("wire delete")
        registry.push(name, pushed, "a")
        registry.push(name, pushed, "b")
        self.assertEqual(registry.delete_manifest(name, pushed.digest).status, 202)
        self.assertEqual(self.ecr.image_ids(name), [])
        self.assertEqual(registry.get_manifest(name, "a").status, 404)

    def test_blob_of_two_megabytes_of_chunks_survives_one_byte_chunks(self):
        name, registry = self.repository()
        data = b"".join(noise(1))[:20000]
        registry.push_blob(name, digest_of(data), None, chunks=[data[i:i + 1] for i in range(len(data))])
        self.assertEqual(registry.get_blob(name, digest_of(data)).body, data)


class Mounts(EcrCase):
    def test_layer_is_mounted_from_a_sibling_repository(self):
        name, registry = self.repository()
        other, _ = self.repository("-2")
        pushed = image("mount")
        registry.push(name, pushed, "v1")
        blob = pushed.layers[0]
        self.assertFalse(registry.has_blob(other, blob))
        answer = registry.mount(other, blob, name)
        self.assertEqual(answer.status, 201, answer)
        self.assertIn("/v2/%s/blobs/%s" % (other, blob), answer.headers["Location"])
        self.assertEqual(registry.get_blob(other, blob).body, pushed.blobs[blob])

    def test_percent_encoded_source_as_docker_sends_it(self):
        name, registry = self.repository("/deep/er")
        other, _ = self.repository("-2")
        pushed = image("encoded")
        registry.push(name, pushed, "v1")
        blob = pushed.layers[0]
        answer = registry.send("POST", "/v2/%s/blobs/uploads/?from=%s&mount=%s" % (
            other, name.replace("/", "%2F"), blob.replace(":", "%3A")))
        self.assertEqual(answer.status, 201, answer)

    def test_mount_that_is_not_possible_becomes_an_upload(self):
        name, registry = self.repository()
        for source in ("absent", name):
            answer = registry.mount(name, digest_of(b"nowhere"), source)
            self.assertEqual(answer.status, 202, answer)
            data = b"uploaded after all " + source.encode()
            done = registry.send("PUT", registry.with_digest(answer.headers["Location"], digest_of(data)), data)
            self.assertEqual(done.status, 201)


class Immutable(EcrCase):
    def test_tag_cannot_be_moved(self):
        name, registry = self.repository(imageTagMutability="IMMUTABLE")
        first, second = image("first"), image("second")
        registry.push(name, first, "v1")
        registry.push(name, second)
        self.assert_wire_error(registry.put_manifest(name, second, "v1"), 400, "TAG_INVALID",
                               IMMUTABLE % ("v1", name))
        registry.check_pull(name, first, "v1")
        self.assertIn(("v1", first.digest), self.ecr.image_ids(name))
        self.assertEqual(registry.put_manifest(name, second, "v2").status, 201)
        # Once it is gone, it may be given anew.
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "v1"}])
        self.assertEqual(registry.put_manifest(name, second, "v1").status, 201)

    def test_setting_takes_effect_at_once(self):
        name, registry = self.repository()
        first, second = image("first"), image("second")
        registry.push(name, first, "v1")
        registry.push(name, second, "v1")
        self.ecr.PutImageTagMutability(repositoryName=name, imageTagMutability="IMMUTABLE")
        self.assertEqual(registry.put_manifest(name, first, "v1").status, 400)
        self.ecr.PutImageTagMutability(repositoryName=name, imageTagMutability="MUTABLE")
        self.assertEqual(registry.put_manifest(name, first, "v1").status, 201)

    def test_exclusion_filters_apply_on_the_wire(self):
        first, second = image("first"), image("second")
        filters = [{"filterType": "WILDCARD", "filter": "dev-*"}, {"filterType": "WILDCARD", "filter": "*nightly*"}]
        for mutability, refused in (
                ("IMMUTABLE_WITH_EXCLUSION", {"v1": True, "dev-1": False, "a-nightly-b": False, "xdev-1": True}),
                ("MUTABLE_WITH_EXCLUSION", {"v1": False, "dev-1": True, "a-nightly-b": True, "xdev-1": False})):
            name, registry = self.repository("-" + mutability.lower().replace("_", "-"),
                                             imageTagMutability=mutability,
                                             imageTagMutabilityExclusionFilters=filters)
            registry.push(name, first)
            registry.push(name, second)
            for tag, is_refused in refused.items():
                with self.subTest("%s %s" % (mutability, tag)):
                    self.assertEqual(registry.put_manifest(name, first, tag).status, 201)
                    self.assertEqual(registry.put_manifest(name, second, tag).status, 400 if is_refused else 201)


class Streams(EcrCase):
    def test_32_mib_pass_unchanged_both_ways(self):
        name, registry = self.repository()
        digest = hashlib.sha256()
        for block in noise(32):
            digest.update(block)
        digest = "sha256:" + digest.hexdigest()
        location = registry.begin(name)
        answer = registry.send("PUT", registry.with_digest(location, digest), noise(32),
                               {"Content-Length": str(32 << 20), "Expect": "100-continue"})
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual(digest_of(registry.get_blob(name, digest).body), digest)
