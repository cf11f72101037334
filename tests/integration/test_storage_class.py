# SPDX-License-Identifier: MIT
"""Storage classes: an archived image cannot be pulled, loses nothing, and comes back."""
import json
import os
import shutil
import subprocess
import unittest

from aws import Ecr
from ecrcase import EcrCase
from images import image, index, write_layout
from oci import Registry
from skopeo import Skopeo
from virga import Virga, clean_env, need, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
AWAY = "Requested image is %s and cannot be pulled until it is restored"

SCRIPT = """
import * as sdk from "@aws-sdk/client-ecr";
const [endpoint, repositoryName] = process.argv.slice(2);
const client = new sdk.ECRClient({ endpoint, region: "us-east-1", maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" } });
const imageId = { imageTag: "v1" };
const update = (targetStorageClass) => client.send(new sdk.UpdateImageStorageClassCommand({
    repositoryName, imageId, targetStorageClass }));
const archived = await update("ARCHIVE");
const { imageDetails: [detail] } = await client.send(new sdk.DescribeImagesCommand({
    repositoryName, filter: { imageStatus: "ARCHIVED" } }));
let error;
try { await update("ARCHIVE"); } catch (e) { error = e; }
const restored = await update("STANDARD");
console.log(JSON.stringify({
    archived: archived.imageStatus, restored: restored.imageStatus, shown: detail.imageStatus,
    dated: detail.lastArchivedAt instanceof Date,
    error: error instanceof sdk.ImageStorageClassUpdateNotSupportedException }));
"""


class StorageClass(EcrCase):
    def update(self, name, target, **image_id):
        return self.ecr.UpdateImageStorageClass(repositoryName=name, imageId=image_id, targetStorageClass=target)

    def detail(self, name, tag):
        return self.ecr.DescribeImages(repositoryName=name, imageIds=[{"imageTag": tag}])["imageDetails"][0]

    def test_an_archived_image_is_not_pulled_until_it_is_restored(self):
        name, registry = self.repository()
        pushed = image(name)
        registry.push(name, pushed, "v1")
        registry.put_manifest(name, pushed, "v2")
        answer = self.update(name, "ARCHIVE", imageTag="v1")
        self.assertEqual(answer, {"registryId": "000000000000", "repositoryName": name, "imageStatus": "ARCHIVED",
                                  "imageId": {"imageDigest": pushed.digest, "imageTag": "v1"}})
        for reference in ("v1", "v2", pushed.digest):
            self.assert_wire_error(registry.get_manifest(name, reference), 404, "MANIFEST_UNKNOWN",
                                   AWAY % "archived")
            self.assertEqual(registry.head_manifest(name, reference).status, 404)
        got = self.ecr.BatchGetImage(repositoryName=name, imageIds=[{"imageTag": "v1"}])
        self.assertEqual(got, {"images": [], "failures": [{
            "imageId": {"imageTag": "v1"}, "failureCode": "ImageInaccessible",
            "failureReason": AWAY % "archived"}]})
        self.assertEqual(self.update(name, "STANDARD", imageDigest=pushed.digest)["imageStatus"], "ACTIVE")
        registry.check_pull(name, pushed, "v1")
        registry.check_pull(name, pushed, "v2")
        detail = self.detail(name, "v1")
        self.assertEqual(detail["imageStatus"], "ACTIVE")
        self.assertLessEqual(detail["lastArchivedAt"], detail["lastActivatedAt"])

    def test_lists_show_active_images_unless_asked(self):
        name, registry = self.repository()
        active, archived, untagged = (image(name + " " + kind) for kind in ("active", "archived", "untagged"))
        registry.push(name, active, "v1")
        registry.push(name, archived, "v2")
        registry.push(name, untagged)
        self.update(name, "ARCHIVE", imageTag="v2")
        self.update(name, "ARCHIVE", imageDigest=untagged.digest)

        def listed(**filters):
            ids = self.ecr.ListImages(repositoryName=name, filter=filters)["imageIds"]
            details = self.ecr.DescribeImages(repositoryName=name, filter=filters)["imageDetails"]
            self.assertEqual({i["imageDigest"] for i in ids}, {d["imageDigest"] for d in details})
            return {i["imageDigest"] for i in ids}

        self.assertEqual(listed(), {active.digest})
        self.assertEqual(listed(imageStatus="ACTIVE"), {active.digest})
        self.assertEqual(listed(imageStatus="ARCHIVED"), {archived.digest, untagged.digest})
        self.assertEqual(listed(imageStatus="ARCHIVED", tagStatus="TAGGED"), {archived.digest})
        self.assertEqual(listed(imageStatus="ARCHIVED", tagStatus="UNTAGGED"), {untagged.digest})
        self.assertEqual(listed(imageStatus="ACTIVATING"), set())
        self.assertEqual(listed(imageStatus="ANY"), {active.digest, archived.digest, untagged.digest})
        self.assertEqual(self.detail(name, "v2")["imageStatus"], "ARCHIVED")

    def test_a_real_client_pushes_an_archived_image_back(self):
        name, registry = self.repository()
        pushed = image(name)
        skopeo = Skopeo(self.virga.dir)
        source = write_layout(os.path.join(self.virga.dir, "layout-back"), pushed)
        target = "127.0.0.1:%d/000000000000/us-east-1/%s:v1" % (registry.port, name)
        skopeo.push(source, target)
        at = self.detail(name, "v1")["imagePushedAt"]
        self.update(name, "ARCHIVE", imageTag="v1")
        code, _, err = skopeo.run("inspect", "--tls-verify=false", "docker://" + target)
        self.assertNotEqual(code, 0)
        self.assertIn("archived", err)
        skopeo.push(source, target)
        registry.check_pull(name, pushed, "v1")
        detail = self.detail(name, "v1")
        self.assertEqual((detail["imageStatus"], detail["imagePushedAt"]), ("ACTIVE", at))
        self.assertGreaterEqual(detail["lastActivatedAt"], detail["lastArchivedAt"])

    def test_an_archived_image_survives_gc_and_can_be_deleted(self):
        name, registry = self.repository()
        kept, gone = image(name + " kept"), image(name + " gone")
        registry.push(name, kept, "kept")
        registry.push(name, gone, "gone")
        self.update(name, "ARCHIVE", imageTag="kept")
        self.update(name, "ARCHIVE", imageTag="gone")
        self.assertEqual(self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "gone"}])["failures"],
                         [])
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
        self.assertEqual(status, 200, body)
        self.update(name, "STANDARD", imageTag="kept")
        registry.check_pull(name, kept, "kept")
        self.assertEqual(registry.get_manifest(name, gone.digest).status, 404)

    def test_an_image_of_an_active_index_stays(self):
        name, registry = self.repository()
        child = image(name)
        top = index([child])
        registry.push(name, top, "all")
        self.assert_api_error("ImageStorageClassUpdateNotSupportedException",
                              "Requested image referenced by manifest list: [%s]" % top.digest,
                              self.update, name=name, target="ARCHIVE", imageDigest=child.digest)
        self.update(name, "ARCHIVE", imageTag="all")
        self.update(name, "ARCHIVE", imageDigest=child.digest)

    def test_updates_that_make_no_sense_are_refused(self):
        name, registry = self.repository()
        pushed = image(name)
        registry.push(name, pushed, "v1")
        wrong = "ImageStorageClassUpdateNotSupportedException"
        self.assert_api_error(wrong, None, self.update, name=name, target="STANDARD", imageTag="v1")
        self.update(name, "ARCHIVE", imageTag="v1")
        self.assert_api_error(wrong, None, self.update, name=name, target="ARCHIVE", imageTag="v1")
        self.assert_api_error("ImageNotFoundException", None, self.update, name=name, target="ARCHIVE", imageTag="v2")
        self.assert_api_error("RepositoryNotFoundException", None, self.update, name="no-such", target="ARCHIVE",
                              imageTag="v1")
        self.assert_api_error(
            "ValidationException", "1 validation error detected: Value 'COLD' at 'targetStorageClass' failed to "
            "satisfy constraint: Member must satisfy enum value set: [STANDARD, ARCHIVE]",
            self.update, name=name, target="COLD", imageTag="v1")

    def test_a_moved_tag_leaves_the_archived_image_untagged(self):
        name, registry = self.repository()
        first, second = image(name + " 1"), image(name + " 2")
        registry.push(name, first, "v1")
        self.update(name, "ARCHIVE", imageTag="v1")
        registry.push(name, second, "v1")
        registry.check_pull(name, second, "v1")
        ids = self.ecr.ListImages(repositoryName=name, filter={"imageStatus": "ARCHIVED"})["imageIds"]
        self.assertEqual(ids, [{"imageDigest": first.digest}])
        self.assertEqual(self.ecr.image_ids(name), [("v1", second.digest)])

    def test_the_sdk_knows_what_it_is_told(self):
        need("node")
        if not os.path.isdir(os.path.join(HERE, "node_modules", "@aws-sdk", "client-ecr")):
            raise unittest.SkipTest("the SDK is not installed: npm ci in tests/integration")
        name, registry = self.repository()
        registry.push(name, image(name), "v1")
        # Modules are found from where the code stands: it comes by standard input, below HERE.
        done = subprocess.run([shutil.which("node"), "--input-type=module", "-", self.virga.endpoint, name],
                              input=SCRIPT, env=clean_env({"HOME": self.virga.dir}), cwd=HERE, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), {"archived": "ARCHIVED", "restored": "ACTIVE",
                                                   "shown": "ARCHIVED", "dated": True, "error": True})


class Restoring(unittest.TestCase):
    """A restore that takes its time, over a restart too."""

    def test_an_image_is_activating_until_its_time_has_come(self):
        need("docker-registry")
        virga = Virga(settings={"floci.services.ecr.restore-seconds": "3600"})
        self.addCleanup(virga.cleanup)
        virga.start()
        ecr = Ecr(virga)
        ecr.create("app")
        registry = Registry.hostname(ecr.port(), "000000000000", "us-east-1")
        slow, fast = image("slow"), image("fast")
        for tag, pushed in (("slow", slow), ("fast", fast)):
            registry.push("app", pushed, tag)
            ecr.UpdateImageStorageClass(repositoryName="app", imageId={"imageTag": tag}, targetStorageClass="ARCHIVE")

        def restore(tag):
            return ecr.UpdateImageStorageClass(repositoryName="app", imageId={"imageTag": tag},
                                               targetStorageClass="STANDARD")["imageStatus"]

        def status(tag):
            return ecr.DescribeImages(repositoryName="app", imageIds=[{"imageTag": tag}])["imageDetails"][0]

        self.assertEqual(restore("slow"), "ACTIVATING")
        answer = registry.get_manifest("app", "slow")
        self.assertEqual((answer.status, answer.error[1]), (404, AWAY % "being restored"))
        ids = ecr.ListImages(repositoryName="app", filter={"imageStatus": "ACTIVATING"})["imageIds"]
        self.assertEqual([i["imageTag"] for i in ids], ["slow"])
        self.assertNotIn("lastActivatedAt", status("slow"))
        virga.restart(**{"floci.services.ecr.restore-seconds": "1"})
        self.assertEqual(restore("fast"), "ACTIVATING")
        virga.restart()
        wait_for(lambda: status("fast")["imageStatus"] == "ACTIVE", 60, "the restore")
        self.assertIn("lastActivatedAt", status("fast"))
        registry.check_pull("app", fast, "fast")
        self.assertEqual(status("slow")["imageStatus"], "ACTIVATING")
        # A push does not wait.
        registry.push("app", slow, "slow")
        registry.check_pull("app", slow, "slow")
        virga.stop()


if __name__ == "__main__":
    unittest.main()
