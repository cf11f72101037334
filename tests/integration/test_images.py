# SPDX-License-Identifier: MIT
"""Images as the API sees them after pushes over the wire: digests, tags, indexes, deletion."""
import json
import os
import time

from ecrcase import EcrCase
from images import OCI_INDEX, OCI_MANIFEST, DOCKER_CONFIG, DOCKER_MANIFEST, image, index, write_layout
from skopeo import Skopeo
from virga import need

INDEX_REASON = "Requested image referenced by manifest list: [%s]"


class Listing(EcrCase):
    def test_one_detail_per_digest_with_all_its_tags(self):
        name, registry = self.repository()
        one, two = image("one"), image("two")
        for tag in ("b", "a", "c"):
            registry.push(name, one, tag)
        registry.push(name, two, "z")
        details = self.ecr.details(name)
        self.assertEqual(sorted(details[one.digest]["imageTags"]), ["a", "b", "c"])
        self.assertEqual(details[two.digest]["imageTags"], ["z"])
        self.assertEqual(len(details), 2)
        self.assertEqual(self.ecr.image_ids(name), [("a", one.digest), ("b", one.digest), ("c", one.digest),
                                                    ("z", two.digest)])

    def test_details_say_size_types_and_times(self):
        name, registry = self.repository()
        oci, docker = image("oci"), image("docker", docker=True)
        before = time.time()
        registry.push(name, oci, "oci")
        registry.push(name, docker, "docker")
        details = self.ecr.details(name)
        for pushed in (oci, docker):
            detail = details[pushed.digest]
            self.assertEqual((detail["imageSizeInBytes"], detail["imageManifestMediaType"]),
                             (pushed.size, pushed.media_type))
            self.assertTrue(before - 2 <= detail["imagePushedAt"] <= time.time() + 2)
            self.assertNotIn("lastRecordedPullTime", detail)
        self.assertEqual(details[docker.digest]["artifactMediaType"], DOCKER_CONFIG)
        registry.check_pull(name, oci, "oci")
        pulled = self.ecr.details(name)[oci.digest]["lastRecordedPullTime"]
        self.assertTrue(before - 2 <= pulled <= time.time() + 2)

    def test_moved_tag_leaves_the_old_image_untagged_and_visible(self):
        name, registry = self.repository()
        old, new = image("old"), image("new")
        registry.push(name, old, "latest")
        registry.push(name, new, "latest")
        self.assertEqual(self.ecr.image_ids(name), sorted(
            [(None, old.digest), ("latest", new.digest)], key=lambda i: i[0] or ""))
        self.assertNotIn("imageTags", self.ecr.details(name)[old.digest])
        registry.check_pull(name, old)
        registry.check_pull(name, new, "latest")
        self.assertEqual(registry.tags(name), ["latest"])

    def test_image_pushed_by_digest_is_visible(self):
        name, registry = self.repository()
        pushed = image("by digest")
        registry.push(name, pushed)
        self.assertEqual(self.ecr.image_ids(name), [(None, pushed.digest)])

    def test_second_push_keeps_the_time_of_the_first(self):
        name, registry = self.repository()
        pushed = image("again")
        registry.push(name, pushed, "a")
        first = self.ecr.details(name)[pushed.digest]["imagePushedAt"]
        time.sleep(1.1)
        registry.push(name, pushed, "b")
        self.assertEqual(self.ecr.details(name)[pushed.digest]["imagePushedAt"], first)

    def test_absent_ids_are_an_exception_in_describe_and_failures_in_batch_get(self):
        name, registry = self.repository()
        pushed = image("there")
        registry.push(name, pushed, "v1")
        absent = "sha256:" + "0" * 64
        for image_id, words in (({"imageTag": "nope"}, "{imageDigest:'null', imageTag:'nope'}"),
                                ({"imageDigest": absent}, "{imageDigest:'%s', imageTag:'null'}" % absent)):
            self.assert_api_error(
                "ImageNotFoundException",
                "The image with imageId %s does not exist within the repository with name '%s' in the registry "
                "with id '000000000000'" % (words, name),
                self.ecr.DescribeImages, repositoryName=name, imageIds=[{"imageTag": "v1"}, image_id])
        answer = self.ecr.BatchGetImage(repositoryName=name, imageIds=[
            {"imageTag": "v1"}, {"imageTag": "nope"}, {"imageDigest": absent}, {},
            {"imageDigest": "rain"}, {"imageTag": "v1", "imageDigest": absent}])
        self.assertEqual([i["imageId"] for i in answer["images"]],
                         [{"imageDigest": pushed.digest, "imageTag": "v1"}])
        self.assertEqual(answer["images"][0]["imageManifest"].encode(), pushed.manifest)
        self.assertEqual(answer["images"][0]["imageManifestMediaType"], pushed.media_type)
        failures = {json.dumps(f["imageId"], sort_keys=True): (f["failureCode"], f["failureReason"])
                    for f in answer["failures"]}
        not_found = ("ImageNotFound", "Requested image not found")
        self.assertEqual(failures[json.dumps({"imageTag": "nope"})], not_found)
        self.assertEqual(failures[json.dumps({"imageDigest": absent})], not_found)
        self.assertEqual(failures["{}"], ("MissingDigestAndTag",
                                          "Invalid request parameters: both tag and digest cannot be null"))
        self.assertEqual(failures[json.dumps({"imageDigest": "rain"})], (
            "InvalidImageDigest", "Invalid request parameters: image digest should satisfy the regex "
            "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"))
        self.assertEqual(len(failures), 5)

    def test_a_digest_with_two_tags_is_two_images_in_batch_get_and_one_in_describe(self):
        name, registry = self.repository()
        pushed = image("twice")
        for tag in ("a", "b"):
            registry.push(name, pushed, tag)
        by_digest = [{"imageDigest": pushed.digest}]
        images = self.ecr.BatchGetImage(repositoryName=name, imageIds=by_digest)["images"]
        self.assertEqual(sorted(i["imageId"]["imageTag"] for i in images), ["a", "b"])
        for ids in (by_digest, [{"imageTag": "a"}, {"imageTag": "b"}], by_digest + [{"imageTag": "a"}]):
            with self.subTest(ids):
                detail, = self.ecr.DescribeImages(repositoryName=name, imageIds=ids)["imageDetails"]
                self.assertEqual(sorted(detail["imageTags"]), ["a", "b"])

    def test_accepted_media_types_are_honoured(self):
        name, registry = self.repository()
        oci, docker = image("oci"), image("docker", docker=True)
        registry.push(name, oci, "oci")
        registry.push(name, docker, "docker")
        ids = [{"imageTag": "oci"}, {"imageTag": "docker"}]
        answer = self.ecr.BatchGetImage(repositoryName=name, imageIds=ids,
                                        acceptedMediaTypes=[OCI_MANIFEST, DOCKER_MANIFEST])
        self.assertEqual({i["imageManifestMediaType"] for i in answer["images"]},
                         {OCI_MANIFEST, DOCKER_MANIFEST})
        self.assertEqual(answer["failures"], [])
        answer = self.ecr.BatchGetImage(repositoryName=name, imageIds=ids[:1],
                                        acceptedMediaTypes=[OCI_MANIFEST])
        self.assertEqual(answer["images"][0]["imageManifest"].encode(), oci.manifest)


class Deleting(EcrCase):
    def delete(self, name, *ids):
        answer = self.ecr.BatchDeleteImage(repositoryName=name, imageIds=list(ids))
        return (sorted((i.get("imageTag"), i["imageDigest"]) for i in answer["imageIds"]),
                [(f["failureCode"], f["failureReason"]) for f in answer["failures"]])

    def test_deleting_one_tag_keeps_its_siblings(self):
        name, registry = self.repository()
        pushed = image("siblings")
        for tag in ("a", "b", "c"):
            registry.push(name, pushed, tag)
        self.assertEqual(self.delete(name, {"imageTag": "b"}), ([("b", pushed.digest)], []))
        self.assertEqual(self.ecr.image_ids(name), [("a", pushed.digest), ("c", pushed.digest)])
        self.assertEqual(registry.tags(name), ["a", "c"])
        for reference in ("a", "c", pushed.digest):
            registry.check_pull(name, pushed, reference)
        self.assert_wire_error(registry.get_manifest(name, "b"), 404, "MANIFEST_UNKNOWN")

    def test_deleting_the_last_tag_removes_the_image(self):
        name, registry = self.repository()
        pushed = image("last")
        registry.push(name, pushed, "a")
        registry.push(name, pushed, "b")
        self.delete(name, {"imageTag": "a"}, {"imageTag": "b"})
        self.assertEqual(self.ecr.image_ids(name), [])
        for reference in ("a", "b", pushed.digest):
            self.assert_wire_error(registry.get_manifest(name, reference), 404, "MANIFEST_UNKNOWN")
            self.assertEqual(registry.head_manifest(name, reference).status, 404)

    def test_deleting_by_digest_removes_the_image_and_all_tags(self):
        name, registry = self.repository()
        pushed, other = image("gone"), image("stays")
        for tag in ("a", "b"):
            registry.push(name, pushed, tag)
        registry.push(name, other, "c")
        self.assertEqual(self.delete(name, {"imageDigest": pushed.digest}),
                         ([("a", pushed.digest), ("b", pushed.digest)], []))
        self.assertEqual(self.ecr.image_ids(name), [("c", other.digest)])
        self.assertEqual(registry.tags(name), ["c"])
        registry.check_pull(name, other, "c")

    def test_deleted_image_can_be_pushed_again(self):
        name, registry = self.repository()
        pushed = image("again")
        for _ in range(3):
            registry.push(name, pushed, "v1")
            registry.check_pull(name, pushed, "v1")
            self.delete(name, {"imageDigest": pushed.digest})
            self.assertEqual(registry.get_manifest(name, pushed.digest).status, 404)

    def test_digest_with_one_of_its_tags_in_one_call_is_deleted_once(self):
        name, registry = self.repository()
        pushed = image("both")
        registry.push(name, pushed, "v1")
        self.assertEqual(self.delete(name, {"imageDigest": pushed.digest}, {"imageTag": "v1"}),
                         ([("v1", pushed.digest)], []))
        self.assertEqual(self.ecr.image_ids(name), [])

    def test_tag_and_digest_together_delete_that_tag_only(self):
        name, registry = self.repository()
        pushed = image("together")
        for tag in ("a", "b"):
            registry.push(name, pushed, tag)
        self.assertEqual(self.delete(name, {"imageDigest": pushed.digest, "imageTag": "a"}),
                         ([("a", pushed.digest)], []))
        self.assertEqual(self.ecr.image_ids(name), [("b", pushed.digest)])

    def test_untagged_image_is_deleted_by_digest(self):
        name, registry = self.repository()
        pushed = image("untagged")
        registry.push(name, pushed)
        self.assertEqual(self.delete(name, {"imageDigest": pushed.digest}), ([(None, pushed.digest)], []))
        self.assertEqual(self.ecr.image_ids(name), [])

    def test_failures_are_told_for_each_id(self):
        name, registry = self.repository()
        pushed = image("kept")
        registry.push(name, pushed, "v1")
        absent = "sha256:" + "0" * 64
        self.assertEqual(self.delete(name, {"imageTag": "nope"}),
                         ([], [("ImageNotFound", "Requested image not found")]))
        self.assertEqual(self.delete(name, {}), ([], [(
            "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")]))
        self.assertEqual(self.delete(name, {"imageDigest": "x"})[1][0][0], "InvalidImageDigest")
        other = image("other")
        registry.push(name, other, "v2")
        self.assertEqual(self.delete(name, {"imageTag": "v1", "imageDigest": other.digest}), ([], [(
            "ImageTagDoesNotMatchDigest", "Invalid request parameters: given tag does not map to the given digest")]))
        self.assertEqual(self.delete(name, {"imageTag": "v1", "imageDigest": absent})[1][0][0] in
                         ("ImageNotFound", "ImageTagDoesNotMatchDigest"), True)
        registry.check_pull(name, pushed, "v1")

    def test_deleting_in_one_repository_leaves_the_same_image_in_another(self):
        name, registry = self.repository()
        other, _ = self.repository("-2")
        pushed = image("shared")
        registry.push(name, pushed, "v1")
        registry.push(other, pushed, "v1")
        self.delete(name, {"imageDigest": pushed.digest})
        registry.check_pull(other, pushed, "v1")
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        registry.check_pull(other, pushed, "v1")


class Indexes(EcrCase):
    def multi(self, name):
        return index([image(name + " amd64"), image(name + " arm64", arch="arm64")])

    def test_multi_arch_image_goes_through_skopeo_whole(self):
        need("skopeo")
        name, registry = self.repository()
        multi = self.multi(name)
        skopeo = Skopeo(self.virga.dir)
        target = "localhost:%d/000000000000/us-east-1/%s:v1" % (registry.port, name)
        skopeo.push(write_layout(os.path.join(self.virga.dir, name), multi), target, "--all")
        registry.check_pull(name, multi, "v1")
        self.assertEqual(self.ecr.image_ids(name), sorted(
            [("v1", multi.digest)] + [(None, c.digest) for c in multi.children],
            key=lambda i: (i[0] or "", i[1])))
        detail = self.ecr.details(name)[multi.digest]
        self.assertEqual(detail["imageManifestMediaType"], OCI_INDEX)
        back = os.path.join(self.virga.dir, name + "-back")
        skopeo.pull(target, "oci:" + back + ":v1", "--all")
        with open(os.path.join(back, "blobs", "sha256", multi.digest.split(":")[1]), "rb") as f:
            self.assertEqual(f.read(), multi.manifest)
        one = os.path.join(self.virga.dir, name + "-arm")
        skopeo.text("--override-arch", "arm64", "copy", "--quiet", "--src-tls-verify=false",
                    "docker://" + target, "dir:" + one)
        with open(os.path.join(one, "manifest.json"), "rb") as f:
            self.assertEqual(f.read(), multi.children[1].manifest)

    def test_docker_manifest_list_is_stored_as_such(self):
        name, registry = self.repository()
        multi = index([image(name + str(i), docker=True) for i in range(2)], docker=True)
        registry.push(name, multi, "list")
        registry.check_pull(name, multi, "list")
        self.assertEqual(self.ecr.details(name)[multi.digest]["imageManifestMediaType"], multi.media_type)

    def test_child_of_an_index_cannot_be_deleted(self):
        name, registry = self.repository()
        multi = self.multi(name)
        registry.push(name, multi, "v1")
        child = multi.children[0]
        answer = self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageDigest": child.digest}])
        self.assertEqual(answer["imageIds"], [])
        self.assertEqual([(f["failureCode"], f["failureReason"]) for f in answer["failures"]],
                         [("ImageReferencedByManifestList", INDEX_REASON % multi.digest)])
        registry.check_pull(name, multi, "v1")
        # The index first, then its children.
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "v1"}])
        answer = self.ecr.BatchDeleteImage(repositoryName=name,
                                           imageIds=[{"imageDigest": c.digest} for c in multi.children])
        self.assertEqual(answer["failures"], [])
        self.assertEqual(self.ecr.image_ids(name), [])

    def test_index_without_its_children_is_refused(self):
        name, registry = self.repository()
        multi = self.multi(name)
        answer = registry.put_manifest(name, multi, "v1")
        self.assertIn(answer.status, (400, 404))
        self.assertEqual(self.ecr.image_ids(name), [])

    def test_child_that_has_a_tag_loses_only_the_tag(self):
        name, registry = self.repository()
        multi = self.multi(name)
        registry.push(name, multi, "v1")
        child = multi.children[0]
        for tag in ("amd64", "x86"):
            registry.push(name, child, tag)
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "x86"}])
        self.assertIn(("amd64", child.digest), self.ecr.image_ids(name))
        registry.check_pull(name, multi, "v1")
