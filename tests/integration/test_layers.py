# SPDX-License-Identifier: MIT
"""Layers and images over the API: uploads in parts, downloads by address, PutImage, and both worlds mixed."""
import base64
import hashlib
import http.client
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid

from aws import ACCOUNT, REGION, ApiError, Cli, Ecr
from ecrcase import EcrCase, no_repository
from images import OCI_MANIFEST, Image, digest_of, image, index, layer
from oci import Registry
from skopeo import Skopeo
from virga import clean_env, need, sanitized

MIB = 1 << 20
PART = 5 * MIB
IMMUTABLE = ("The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the tag "
             "is immutable.")


def data(seed, size):
    return random.Random(seed).randbytes(size)


class Layers(EcrCase):
    def part(self, name, upload, first, blob, **more):
        return self.ecr.UploadLayerPart(
            repositoryName=name, uploadId=upload, partFirstByte=first, partLastByte=first + len(blob) - 1,
            layerPartBlob=base64.b64encode(blob).decode(), **more)

    def begin(self, name):
        return self.ecr.InitiateLayerUpload(repositoryName=name)["uploadId"]

    def complete(self, name, upload, *digests):
        return self.ecr.CompleteLayerUpload(repositoryName=name, uploadId=upload, layerDigests=list(digests))

    def upload(self, name, blob, part=10 * MIB):
        """A whole layer over the API; its digest."""
        upload = self.begin(name)
        for first in range(0, len(blob), part):
            self.part(name, upload, first, blob[first:first + part])
        self.complete(name, upload, digest_of(blob))
        return digest_of(blob)

    def put(self, name, one, tag=None, **more):
        """An image over the API: its layers, then the manifest."""
        for child in one.children:
            self.put(name, child)
        for blob in one.blobs.values():
            try:
                self.upload(name, blob)
            except ApiError as e:
                if e.code != "LayerAlreadyExistsException":
                    raise
        if tag:
            more["imageTag"] = tag
        return self.ecr.PutImage(repositoryName=name, imageManifest=one.manifest.decode(), **more)["image"]

    def fetch(self, url, method="GET", headers=None):
        """(status, headers, body) as a client without credentials gets it."""
        request = urllib.request.Request(url, method=method, headers=headers or {})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as res:
                return res.status, res.headers, res.read()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.headers, e.read()

    def associate(self, name, digest):
        """Puts an image that names the layer: others are not handed out."""
        found, = self.ecr.BatchCheckLayerAvailability(repositoryName=name, layerDigests=[digest])["layers"]
        blob = {"mediaType": "application/octet-stream", "digest": digest, "size": found["layerSize"]}
        self.ecr.PutImage(repositoryName=name, imageManifest=json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob, "layers": [blob]}))

    def url(self, name, digest):
        self.associate(name, digest)
        return self.ecr.GetDownloadUrlForLayer(repositoryName=name, layerDigest=digest)["downloadUrl"]

    def assert_first_byte(self, given, expected, function, *args):
        """The part is refused, and the answer tells how much has come."""
        with self.assertRaises(ApiError) as caught:
            function(*args)
        error = caught.exception
        self.assertEqual(error.code, "InvalidLayerPartException", error)
        self.assertEqual(error.message, "First byte of the layer part is %d instead of %d" % (given, expected))
        self.assertEqual(error.body.get("lastValidByteReceived", -1), expected - 1)
        return error.body

    def uploads_on_disk(self, name):
        """{upload: size} of the repository's upload sessions in the registry's storage."""
        found = {}
        for path, _, files in os.walk(self.virga.data):
            if "data" in files and "/_uploads/" in path and "/%s/_uploads" % name in path:
                found[os.path.basename(path)] = os.path.getsize(os.path.join(path, "data"))
        return found

    def assert_uploads_go(self, name):
        """The bytes are freed behind the answer: nobody waits for that but us."""
        end = time.monotonic() + 10
        while self.uploads_on_disk(name) and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(self.uploads_on_disk(name), {})


class Upload(Layers):
    def test_a_layer_goes_up_in_parts_and_comes_down_the_same(self):
        name, registry = self.repository()
        blob = data(name, 2 * PART + 12345)
        answer = self.ecr.InitiateLayerUpload(repositoryName=name)
        self.assertEqual(answer["partSize"], 10485760)
        self.assertEqual(str(uuid.UUID(answer["uploadId"])), answer["uploadId"])
        upload = answer["uploadId"]
        for first in range(0, len(blob), PART):
            piece = blob[first:first + PART]
            self.assertEqual(self.part(name, upload, first, piece), {
                "registryId": ACCOUNT, "repositoryName": name, "uploadId": upload,
                "lastByteReceived": first + len(piece) - 1})
        self.assertEqual(self.complete(name, upload, digest_of(blob)), {
            "registryId": ACCOUNT, "repositoryName": name, "uploadId": upload, "layerDigest": digest_of(blob)})
        self.assertEqual(registry.get_blob(name, digest_of(blob)).body, blob)
        self.assert_uploads_go(name)

    def test_a_part_of_20_mib_goes_through_and_a_longer_one_does_not(self):
        name, registry = self.repository()
        blob = data(name, 20 * MIB)
        upload = self.begin(name)
        self.assert_api_error(
            "InvalidParameterException",
            "Invalid parameter at 'layerPartBlob' failed to satisfy constraint: 'Member must have length less than "
            "or equal to 20971520'", self.part, name=name, upload=upload, first=0, blob=blob + b"x")
        self.part(name, upload, 0, blob)
        self.complete(name, upload, digest_of(blob))
        self.assertTrue(registry.has_blob(name, digest_of(blob)))

    def test_slashes_may_be_escaped_in_the_part(self):
        name, registry = self.repository()
        blob = b"\xff" * 1000
        upload = self.begin(name)
        body = json.dumps({"repositoryName": name, "uploadId": upload, "partFirstByte": 0,
                           "partLastByte": len(blob) - 1, "layerPartBlob": base64.b64encode(blob).decode()})
        self.assertIn("/", body)
        status, _, answer = self.ecr.raw("UploadLayerPart", body.replace("/", "\\/"))
        self.assertEqual(status, 200, answer)
        self.complete(name, upload, digest_of(blob))
        self.assertTrue(registry.has_blob(name, digest_of(blob)))

    def test_what_is_no_base64_is_refused_before_a_byte_goes_on(self):
        name, _ = self.repository()
        upload = self.begin(name)
        for bad in ("QUJ", "QU!D", "QUJD QUJD"):
            with self.assertRaises(ApiError) as caught:
                self.ecr.UploadLayerPart(repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=2,
                                         layerPartBlob=bad)
            self.assertEqual(caught.exception.code, "SerializationException")
        self.assertEqual(self.uploads_on_disk(name), {upload: 0})

    def test_parts_come_in_order(self):
        name, _ = self.repository()
        blob = data(name, 2 * PART)
        upload = self.begin(name)
        self.assert_first_byte(PART, 0, self.part, name, upload, PART, blob[PART:])
        self.part(name, upload, 0, blob[:PART])
        body = self.assert_first_byte(0, PART, self.part, name, upload, 0, blob[:PART])
        self.assertEqual((body["registryId"], body["repositoryName"], body["uploadId"]), (ACCOUNT, name, upload))
        self.assert_first_byte(PART + 1, PART, self.part, name, upload, PART + 1, blob[PART + 1:])
        self.part(name, upload, PART, blob[PART:])
        self.complete(name, upload, digest_of(blob))

    def test_a_part_is_as_long_as_it_says(self):
        name, _ = self.repository()
        upload = self.begin(name)
        text = base64.b64encode(b"abc").decode()
        for first, last, blob in ((0, 3, text), (0, 1, text), (2, 0, text), (0, 0, "")):
            with self.assertRaises(ApiError) as caught:
                self.ecr.UploadLayerPart(repositoryName=name, uploadId=upload, partFirstByte=first,
                                         partLastByte=last, layerPartBlob=blob)
            self.assertEqual(caught.exception.code, "InvalidLayerPartException", (first, last))
            self.assertNotIn("lastValidByteReceived", caught.exception.body)
        self.assert_api_error(
            "InvalidParameterException",
            "Invalid parameter at 'partFirstByte' failed to satisfy constraint: 'Member must have value greater than "
            "or equal to 0'", self.ecr.UploadLayerPart, repositoryName=name, uploadId=upload, partFirstByte=-1,
            partLastByte=1, layerPartBlob=text)

    def test_a_small_part_is_refused_at_the_end_unless_it_is_the_last(self):
        name, _ = self.repository()
        blob = data(name, PART + 100)
        upload = self.begin(name)
        self.part(name, upload, 0, blob[:100])
        self.part(name, upload, 100, blob[100:])
        self.assert_api_error("LayerPartTooSmallException",
                              "All layer parts except the last part should be at least 5MB",
                              self.ecr.CompleteLayerUpload, repositoryName=name, uploadId=upload,
                              layerDigests=[digest_of(blob)])
        self.assertEqual(self.upload(name, blob, PART), digest_of(blob))

    def test_a_wrong_digest_is_refused_and_the_bytes_are_gone(self):
        name, registry = self.repository()
        upload = self.begin(name)
        self.part(name, upload, 0, b"one thing")
        wrong = digest_of(b"another")
        self.assert_api_error("InvalidLayerException", "The digest of the layer that was uploaded is not '%s'" % wrong,
                              self.ecr.CompleteLayerUpload, repositoryName=name, uploadId=upload,
                              layerDigests=[wrong])
        self.assertFalse(registry.has_blob(name, wrong))
        self.assert_uploads_go(name)
        self.assert_api_error("UploadNotFoundException", None, self.ecr.CompleteLayerUpload, repositoryName=name,
                              uploadId=upload, layerDigests=[wrong])

    def test_digests_are_one_sha256(self):
        name, _ = self.repository()
        upload = self.begin(name)
        self.part(name, upload, 0, b"abc")
        right = digest_of(b"abc")
        for digests in ([right, digest_of(b"d")], ["sha512:" + hashlib.sha512(b"abc").hexdigest()], ["sha256:abc"],
                        [right.upper().replace("SHA", "sha")]):
            self.assert_api_error("InvalidParameterException", None, self.ecr.CompleteLayerUpload,
                                  repositoryName=name, uploadId=upload, layerDigests=digests)
        self.assertEqual(self.complete(name, upload, right, right)["layerDigest"], right)

    def test_an_empty_upload_is_refused(self):
        name, _ = self.repository()
        self.assert_api_error("EmptyUploadException", "The specified layer upload does not contain any layer parts",
                              self.ecr.CompleteLayerUpload, repositoryName=name, uploadId=self.begin(name),
                              layerDigests=[digest_of(b"")])

    def test_a_layer_that_is_there_is_told_and_a_false_one_is_not_believed(self):
        name, registry = self.repository()
        there = self.upload(name, b"there already")
        upload = self.begin(name)
        self.part(name, upload, 0, b"something else")
        self.assert_api_error("InvalidLayerException", None, self.ecr.CompleteLayerUpload, repositoryName=name,
                              uploadId=upload, layerDigests=[there])
        upload = self.begin(name)
        self.part(name, upload, 0, b"there already")
        self.assert_api_error(
            "LayerAlreadyExistsException",
            "Layer with digest '%s' already exists in the repository with name '%s' in registry with id '%s'"
            % (there, name, ACCOUNT), self.ecr.CompleteLayerUpload, repositoryName=name, uploadId=upload,
            layerDigests=[there])
        self.assertEqual(registry.get_blob(name, there).body, b"there already")
        self.assert_uploads_go(name)

    def test_two_uploads_are_two_although_their_parts_alternate(self):
        name, registry = self.repository()
        blobs = [data(name + str(i), 2 * PART + i) for i in range(2)]
        uploads = [self.begin(name) for _ in blobs]
        for first in range(0, 2 * PART + 1, PART):
            for upload, blob in zip(uploads, blobs):
                if blob[first:]:
                    self.part(name, upload, first, blob[first:first + PART])
        for upload, blob in zip(uploads, blobs):
            self.complete(name, upload, digest_of(blob))
            self.assertEqual(registry.get_blob(name, digest_of(blob)).body, blob)

    def test_of_one_part_sent_many_times_at_once_one_counts(self):
        name, registry = self.repository()
        blob = data(name, PART)
        upload = self.begin(name)
        results = []

        def send():
            try:
                results.append(self.part(name, upload, 0, blob))
            except ApiError as e:
                results.append(e)

        threads = [threading.Thread(target=send) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len([r for r in results if isinstance(r, dict)]), 1, results)
        for error in [r for r in results if isinstance(r, ApiError)]:
            self.assertEqual((error.code, error.body["lastValidByteReceived"]),
                             ("InvalidLayerPartException", PART - 1))
        self.complete(name, upload, digest_of(blob))
        self.assertEqual(registry.get_blob(name, digest_of(blob)).body, blob)

    def test_unknown_uploads_and_repositories(self):
        name, _ = self.repository()
        other, _ = self.repository("2")
        upload = self.begin(name)
        unknown = str(uuid.uuid4())
        self.assert_api_error(
            "UploadNotFoundException", "The upload with id '%s' does not exist in the repository with name '%s' in "
            "the registry with id '%s'" % (unknown, name, ACCOUNT), self.part, name=name, upload=unknown, first=0,
            blob=b"x")
        self.assert_api_error("UploadNotFoundException", None, self.part, name=other, upload=upload, first=0, blob=b"x")
        missing = name + "-missing"
        for function, more in ((self.ecr.InitiateLayerUpload, {}),
                               (self.ecr.UploadLayerPart, {"uploadId": upload, "partFirstByte": 0, "partLastByte": 0,
                                                           "layerPartBlob": "QQ=="}),
                               (self.ecr.CompleteLayerUpload, {"uploadId": upload, "layerDigests": [digest_of(b"")]}),
                               (self.ecr.BatchCheckLayerAvailability, {"layerDigests": [digest_of(b"")]}),
                               (self.ecr.GetDownloadUrlForLayer, {"layerDigest": digest_of(b"")}),
                               (self.ecr.PutImage, {"imageManifest": "{}"})):
            self.assert_api_error("RepositoryNotFoundException", no_repository(missing), function,
                                  repositoryName=missing, **more)
        self.assert_api_error("InvalidParameterException", None, self.part, name=name, upload="no-uuid", first=0,
                              blob=b"x")

    def test_an_upload_ends_with_its_repository(self):
        name, _ = self.repository()
        upload = self.begin(name)
        self.part(name, upload, 0, data(name, PART))
        self.ecr.DeleteRepository(repositoryName=name)
        self.assert_api_error("RepositoryNotFoundException", no_repository(name), self.part, name=name, upload=upload,
                              first=PART, blob=b"x")
        self.ecr.create(name)
        self.assert_api_error("UploadNotFoundException", None, self.part, name=name, upload=upload, first=PART,
                              blob=b"x")
        self.assert_api_error("UploadNotFoundException", None, self.ecr.CompleteLayerUpload, repositoryName=name,
                              uploadId=upload, layerDigests=[digest_of(b"")])
        self.assert_uploads_go(name)

    def test_a_repository_deleted_under_a_part_leaves_a_sound_answer(self):
        for _ in range(3):
            name, _ = self.repository("-%d" % random.randrange(10**9))
            upload = self.begin(name)
            result = []

            def send():
                try:
                    result.append(self.part(name, upload, 0, bytes(20 * MIB)))
                except ApiError as e:
                    result.append(e.code)

            thread = threading.Thread(target=send)
            thread.start()
            time.sleep(random.random() * 0.3)
            self.ecr.DeleteRepository(repositoryName=name)
            thread.join()
            self.assertTrue(isinstance(result[0], dict) or result[0] == "RepositoryNotFoundException", result)

    def test_the_command_line_does_the_whole_way(self):
        name, registry = self.repository()
        cli = Cli(self.virga)
        blob = data(name, PART + 77)
        path = os.path.join(self.virga.dir, name)
        upload = cli.json("initiate-layer-upload", "--repository-name", name)["uploadId"]
        for first in range(0, len(blob), PART):
            with open(path, "wb") as f:
                f.write(blob[first:first + PART])
            answer = cli.json("upload-layer-part", "--repository-name", name, "--upload-id", upload,
                              "--part-first-byte", str(first),
                              "--part-last-byte", str(min(first + PART, len(blob)) - 1),
                              "--layer-part-blob", "fileb://" + path)
            self.assertEqual(answer["lastByteReceived"], min(first + PART, len(blob)) - 1)
        self.assertEqual(cli.json("complete-layer-upload", "--repository-name", name, "--upload-id", upload,
                                  "--layer-digests", digest_of(blob))["layerDigest"], digest_of(blob))
        self.assertEqual(cli.json("batch-check-layer-availability", "--repository-name", name, "--layer-digests",
                                  digest_of(blob))["layers"][0]["layerSize"], len(blob))
        config = b"{}"
        self.upload(name, config)
        manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(config), "size": 2},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest_of(blob),
                        "size": len(blob)}]})
        put = cli.json("put-image", "--repository-name", name, "--image-tag", "v1", "--image-manifest", manifest)
        self.assertEqual(put["image"]["imageId"], {"imageDigest": digest_of(manifest.encode()), "imageTag": "v1"})
        got = cli.json("batch-get-image", "--repository-name", name, "--image-ids", "imageTag=v1")
        self.assertEqual(got["images"][0]["imageManifest"], manifest)
        url = cli.json("get-download-url-for-layer", "--repository-name", name, "--layer-digest",
                       digest_of(blob))["downloadUrl"]
        need("curl")
        done = subprocess.run(["curl", "-sSf", "--noproxy", "*", url], env=clean_env(), stdout=subprocess.PIPE,
                              check=True, timeout=60)
        self.assertEqual(done.stdout, blob)
        code, _, err = cli.run("put-image", "--repository-name", name, "--image-tag", "v1", "--image-manifest",
                               manifest)
        self.assertNotEqual(code, 0)
        self.assertIn("(ImageAlreadyExistsException)", err)


class Availability(Layers):
    def test_each_digest_is_answered_once(self):
        name, _ = self.repository()
        other, _ = self.repository("2")
        blobs = [b"layer %d" % i for i in range(12)]
        for blob in blobs:
            self.upload(name, blob)
        elsewhere = self.upload(other, b"elsewhere")
        missing = digest_of(b"missing")
        sha512 = "sha512:" + hashlib.sha512(b"").hexdigest()
        digests = [digest_of(b) for b in blobs]
        answer = self.ecr.BatchCheckLayerAvailability(
            repositoryName=name,
            layerDigests=[*digests, digests[0], missing, elsewhere, sha512, "nonsense", "", "nonsense"])
        self.assertEqual(answer["layers"], [
            *[{"layerDigest": d, "layerAvailability": "AVAILABLE", "layerSize": len(b)}
              for d, b in zip(digests, blobs)],
            *[{"layerDigest": d, "layerAvailability": "UNAVAILABLE"} for d in (missing, elsewhere, sha512)]])
        self.assertEqual([(f["layerDigest"], f["failureCode"]) for f in answer["failures"]],
                         [("nonsense", "InvalidLayerDigest"), ("", "MissingLayerDigest")])
        self.assertTrue(all(f["failureReason"] for f in answer["failures"]))

    def test_a_repository_without_anything_has_no_layer(self):
        name, _ = self.repository()
        self.assertEqual(self.ecr.BatchCheckLayerAvailability(
            repositoryName=name, layerDigests=[digest_of(b"")] )["layers"],
            [{"layerDigest": digest_of(b""), "layerAvailability": "UNAVAILABLE"}])
        self.assert_api_error("InvalidParameterException", None, self.ecr.BatchCheckLayerAvailability,
                              repositoryName=name, layerDigests=[])
        self.assert_api_error("InvalidParameterException", None, self.ecr.BatchCheckLayerAvailability,
                              repositoryName=name, layerDigests=[digest_of(b"")] * 101)


class Download(Layers):
    def test_an_address_gives_the_layer_whole_in_ranges_and_its_head(self):
        name, _ = self.repository("/nested/deeper")
        blob = data(name, 3 * MIB)
        digest = self.upload(name, blob)
        self.assert_api_error("LayerInaccessibleException", None, self.ecr.GetDownloadUrlForLayer,
                              repositoryName=name, layerDigest=digest)
        self.associate(name, digest)
        answer = self.ecr.GetDownloadUrlForLayer(repositoryName=name, layerDigest=digest)
        self.assertEqual(answer["layerDigest"], digest)
        url = answer["downloadUrl"]
        self.assertTrue(url.startswith("http://localhost:%d/" % self.ecr.port()))
        self.assertEqual(self.fetch(url)[::2], (200, blob))
        status, headers, body = self.fetch(url, headers={"Range": "bytes=100-199"})
        self.assertEqual((status, body, headers["Content-Range"]), (206, blob[100:200], "bytes 100-199/%d" % len(blob)))
        self.assertEqual(self.fetch(url, headers={"Range": "bytes=%d-" % len(blob)})[0], 416)
        status, headers, body = self.fetch(url, "HEAD")
        self.assertEqual((status, body, headers["Content-Length"]), (200, b"", str(len(blob))))

    def test_an_address_that_was_tampered_with_is_refused(self):
        name, _ = self.repository()
        other, _ = self.repository("2")
        digest, more = self.upload(name, b"one"), self.upload(name, b"two")
        self.upload(other, b"one")
        url = self.url(name, digest)
        path, query = url.split("?")
        expires = int(re.search("expires=([0-9]+)", query).group(1))
        last = url[-1]
        for bad in (path, url.replace(digest, more), url.replace("/%s/" % name, "/%s/" % other),
                    url.replace(str(expires), str(expires + 1)), url[:-1] + ("0" if last != "0" else "1"),
                    url[:-1], url.replace("signature", "s"), url.replace("expires=", "expires=x")):
            status, _, body = self.fetch(bad)
            self.assertEqual(status, 403, bad)
            self.assertIn(b"<Code>SignatureDoesNotMatch</Code>", body)
        for bad in (path.replace(digest, "x"), path.replace(name, "A"), path.rsplit("/", 3)[0]):
            self.assertEqual(self.fetch(bad)[0], 404, bad)
        self.assertEqual(self.fetch(url, "DELETE")[0], 405)
        self.assertEqual(self.fetch(url)[::2], (200, b"one"))

    def test_an_address_is_no_good_for_a_repository_made_anew(self):
        name, _ = self.repository()
        digest = self.upload(name, b"same bytes")
        url = self.url(name, digest)
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        self.assertEqual(self.fetch(url)[0], 404)
        self.ecr.create(name)
        self.upload(name, b"same bytes")
        self.assertEqual(self.fetch(url)[0], 403)
        self.assertEqual(self.fetch(self.url(name, digest))[0], 200)

    def test_a_missing_layer_has_no_address(self):
        name, _ = self.repository()
        digest = digest_of(b"missing")
        self.assert_api_error(
            "LayersNotFoundException", "Layers with digests '[%s]' do not exist in the repository with name '%s' in "
            "the registry with id '%s'" % (digest, name, ACCOUNT), self.ecr.GetDownloadUrlForLayer,
            repositoryName=name, layerDigest=digest)
        self.assert_api_error("LayersNotFoundException", None, self.ecr.GetDownloadUrlForLayer, repositoryName=name,
                              layerDigest="sha512:abc")
        self.assert_api_error("InvalidParameterException", None, self.ecr.GetDownloadUrlForLayer,
                              repositoryName=name, layerDigest="nonsense")


class Put(Layers):
    def test_an_image_put_over_the_api_is_pulled_over_the_wire(self):
        name, registry = self.repository()
        one = image(name)
        answer = self.put(name, one, "v1", imageDigest=one.digest)
        self.assertEqual(answer, {
            "registryId": ACCOUNT, "repositoryName": name,
            "imageId": {"imageDigest": one.digest, "imageTag": "v1"},
            "imageManifest": one.manifest.decode(), "imageManifestMediaType": one.media_type})
        registry.check_pull(name, one, "v1")
        self.assertEqual(self.ecr.image_ids(name), [("v1", one.digest)])
        detail = self.ecr.details(name)[one.digest]
        self.assertEqual((detail["imageSizeInBytes"], detail["imageTags"]), (one.size, ["v1"]))
        skopeo = Skopeo(self.virga.dir)
        target = os.path.join(self.virga.dir, name)
        skopeo.pull("localhost:%d/%s/%s/%s:v1" % (registry.port, ACCOUNT, REGION, name), "dir:" + target)
        with open(os.path.join(target, "manifest.json"), "rb") as f:
            self.assertEqual(f.read(), one.manifest)

    def test_an_image_pushed_over_the_wire_is_built_again_from_the_api(self):
        name, registry = self.repository()
        other, _ = self.repository("2")
        top = index([image(name + arch, docker=True, arch=arch) for arch in ("amd64", "arm64")], docker=True)
        registry.push(name, top, "multi")

        def read(digest):
            got = self.ecr.BatchGetImage(repositoryName=name, imageIds=[{"imageDigest": digest}])["images"][0]
            manifest = got["imageManifest"].encode()
            doc = json.loads(manifest)
            blobs = {}
            for entry in [doc["config"], *doc["layers"]] if "config" in doc else []:
                status, _, blobs[entry["digest"]] = self.fetch(self.url(name, entry["digest"]))
                self.assertEqual((status, digest_of(blobs[entry["digest"]])), (200, entry["digest"]))
            return Image(manifest, got["imageManifestMediaType"], blobs,
                         [read(child["digest"]) for child in doc.get("manifests", [])])

        copy = read(top.digest)
        self.put(other, copy, "multi")
        self.registry().check_pull(other, top, "multi")
        for child in top.children:
            registry.check_pull(other, child)

    def test_bytes_of_a_manifest_stay_as_they_are(self):
        name, registry = self.repository()
        config = b"{}"
        self.upload(name, config)
        text = ('{ "schemaVersion" : 2,\n\t"config": {"size":2, "mediaType": "x/\u00e9\u4e2d\U0001f600", "digest":"%s"},'
                '\r\n "layers":[], "annotations": {"a": "\\u0041\\/ \u2028"} }\n ' % digest_of(config))
        put = self.ecr.PutImage(repositoryName=name, imageManifest=text, imageManifestMediaType=OCI_MANIFEST)["image"]
        self.assertEqual(put["imageManifest"], text)
        self.assertEqual(put["imageId"], {"imageDigest": digest_of(text.encode())})
        self.assertEqual(registry.get_manifest(name, digest_of(text.encode())).body, text.encode())

    def test_what_is_there_already_is_told_apart(self):
        name, registry = self.repository()
        one = image(name)
        self.put(name, one)
        text = one.manifest.decode()
        self.assert_api_error(
            "ImageAlreadyExistsException", "Image with digest '%s' already exists in the repository with name '%s' "
            "in registry with id '%s'" % (one.digest, name, ACCOUNT), self.ecr.PutImage, repositoryName=name,
            imageManifest=text)
        self.ecr.PutImage(repositoryName=name, imageManifest=text, imageTag="a")
        self.ecr.PutImage(repositoryName=name, imageManifest=text, imageTag="b")
        self.assert_api_error(
            "ImageAlreadyExistsException", "Image with digest '%s' and tag 'a' already exists in the repository with "
            "name '%s' in registry with id '%s'" % (one.digest, name, ACCOUNT), self.ecr.PutImage,
            repositoryName=name, imageManifest=text, imageTag="a")
        self.assertEqual(self.ecr.image_ids(name), [("a", one.digest), ("b", one.digest)])
        self.assertEqual(registry.put_manifest(name, one, "a").status, 201)
        two = image(name + "two")
        self.put(name, two, "a")
        self.assertEqual(self.ecr.image_ids(name), [("a", two.digest), ("b", one.digest)])

    def test_digest_and_tag_are_checked(self):
        name, _ = self.repository()
        one = image(name)
        text = one.manifest.decode()
        wrong = digest_of(b"")
        for more, code, message in (
                ({"imageDigest": wrong}, "ImageDigestDoesNotMatchException", None),
                ({"imageDigest": "nonsense"}, "InvalidParameterException",
                 "Invalid parameter at 'imageDigest' failed to satisfy constraint: 'must satisfy regular expression "
                 "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+''"),
                ({"imageTag": "a+b"}, "InvalidParameterException",
                 "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression "
                 "'[a-zA-Z0-9-_.]+''"),
                ({"imageTag": ".a"}, "InvalidParameterException", None),
                ({"imageTag": "a" * 129}, "InvalidParameterException",
                 "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must have length less than or equal "
                 "to 128'"),
                ({"imageTag": ""}, "InvalidParameterException", None)):
            self.assert_api_error(code, message, self.ecr.PutImage, repositoryName=name, imageManifest=text, **more)
        self.assertEqual(self.ecr.image_ids(name), [])

    def test_manifests_are_checked(self):
        name, _ = self.repository()
        start = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: '"
        no_type = json.dumps({"schemaVersion": 2, "layers": [],
                              "config": {"digest": digest_of(b""), "size": 0, "mediaType": "x/y"}})
        many = json.loads(no_type)
        many["layers"] = [{"digest": digest_of(b""), "size": 0, "mediaType": "x/y"}] * 4201
        for text, more, message in (
                ("no json", {}, start + "Invalid JSON syntax'"),
                ("[]", {}, start + "Invalid JSON syntax'"),
                (no_type, {}, "image manifest mediatype not provided in manifest or parameter"),
                (no_type, {"imageManifestMediaType": "text/plain"},
                 start + "Unsupported manifest media type text/plain'"),
                (json.dumps(many), {"imageManifestMediaType": OCI_MANIFEST},
                 start + "Limit on number of layers per image exceeded'"),
                ('{"schemaVersion": 1}', {}, start + "schemaVersion is not 2'")):
            self.assert_api_error("InvalidParameterException", message, self.ecr.PutImage, repositoryName=name,
                                  imageManifest=text, **more)

    def test_what_a_manifest_names_must_be_there(self):
        name, registry = self.repository()
        other, _ = self.repository("2")
        one = image(name)
        registry.push(other, one)  # the registry has the bytes, this repository does not
        error = self.assert_api_error("LayersNotFoundException", None, self.ecr.PutImage, repositoryName=name,
                                      imageManifest=one.manifest.decode())
        listed = re.search(r"Layers with digests '\[(.*)\]' required for pushing image into repository with name "
                           r"'%s' in the registry with id '%s' do not exist$" % (name, ACCOUNT), error.message)
        self.assertEqual(sorted(listed.group(1).split(", ")), sorted(one.blobs))
        top = index([one])
        self.assert_api_error(
            "ReferencedImagesNotFoundException", "Images with digests '[%s]' required for pushing image into "
            "repository with name '%s' in the registry with id '%s' do not exist" % (one.digest, name, ACCOUNT),
            self.ecr.PutImage, repositoryName=name, imageManifest=top.manifest.decode())
        self.put(name, top, "multi")
        registry.check_pull(name, top, "multi")

    def test_batch_get_tells_each_failure(self):
        name, _ = self.repository()
        one, two = image(name), image(name + "two")
        self.put(name, one, "one")
        self.put(name, two)
        answer = self.ecr.BatchGetImage(repositoryName=name, imageIds=[
            {"imageTag": "one", "imageDigest": two.digest}, {"imageTag": "none"}, {"imageTag": "a+b"},
            {"imageDigest": "nonsense"}, {}, {"imageTag": "none", "imageDigest": one.digest},
            {"imageTag": "one"}, {"imageDigest": two.digest}])
        self.assertEqual([i["imageId"] for i in answer["images"]],
                         [{"imageDigest": one.digest, "imageTag": "one"}, {"imageDigest": two.digest}])
        self.assertEqual([f["failureCode"] for f in answer["failures"]],
                         ["ImageTagDoesNotMatchDigest", "ImageNotFound", "InvalidImageTag", "InvalidImageDigest",
                          "MissingDigestAndTag", "ImageNotFound"])


class Immutable(Layers):
    def test_an_immutable_tag_stays_over_the_api_too(self):
        name, registry = self.repository(imageTagMutability="IMMUTABLE")
        one, two = image(name), image(name + "two")
        self.put(name, one, "v1")
        for again in (one, two):
            if again is two:
                self.put(name, two)
            self.assert_api_error("ImageTagAlreadyExistsException", IMMUTABLE % ("v1", name), self.ecr.PutImage,
                                  repositoryName=name, imageManifest=again.manifest.decode(), imageTag="v1")
        self.assert_wire_error(registry.put_manifest(name, two, "v1"), 400, "TAG_INVALID", IMMUTABLE % ("v1", name))
        self.assertEqual(registry.put_manifest(name, one, "v1").status, 201)
        self.assertEqual(dict(self.ecr.image_ids(name))["v1"], one.digest)
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "v1"}])
        self.put(name, one)
        self.ecr.PutImage(repositoryName=name, imageManifest=two.manifest.decode(), imageTag="v1")
        self.assertEqual(dict(self.ecr.image_ids(name))["v1"], two.digest)

    def test_filters_turn_the_rule_around(self):
        filters = [{"filterType": "WILDCARD", "filter": f} for f in ("latest", "dev-*", "*-x-*", "a", "b")]
        for mode, moves, stays in (("IMMUTABLE_WITH_EXCLUSION", ("latest", "dev-1", "1-x-2"), ("v1", "latest2", "c")),
                                   ("MUTABLE_WITH_EXCLUSION", ("v1", "latest2", "c"), ("latest", "dev-1", "1-x-2"))):
            name, registry = self.repository(mode.lower()[:3], imageTagMutability=mode,
                                             imageTagMutabilityExclusionFilters=filters)
            one, two = image(name), image(name + "two")
            self.put(name, one)
            self.put(name, two)
            for tag in moves + stays:
                self.ecr.PutImage(repositoryName=name, imageManifest=one.manifest.decode(), imageTag=tag)
            for tag in moves:
                self.ecr.PutImage(repositoryName=name, imageManifest=two.manifest.decode(), imageTag=tag)
                self.assertEqual(registry.put_manifest(name, one, tag).status, 201)
            for tag in stays:
                self.assert_api_error("ImageTagAlreadyExistsException", IMMUTABLE % (tag, name), self.ecr.PutImage,
                                      repositoryName=name, imageManifest=two.manifest.decode(), imageTag=tag)
                self.assert_wire_error(registry.put_manifest(name, two, tag), 400, "TAG_INVALID",
                                       IMMUTABLE % (tag, name))
            self.assertEqual({d for t, d in self.ecr.image_ids(name) if t}, {one.digest})

    def test_filters_have_their_limits(self):
        def make(filters, mode="IMMUTABLE_WITH_EXCLUSION"):
            return self.ecr.create(self.name(), imageTagMutability=mode, imageTagMutabilityExclusionFilters=[
                {"filterType": "WILDCARD", "filter": f} for f in filters])

        for filters in (["f%d" % i for i in range(6)], ["a" * 129], ["*a*b*"], ["a+b"], [""], []):
            self.assert_api_error("InvalidParameterException", None, make, filters=filters)
        self.assert_api_error("InvalidParameterException", None, make, filters=["a"], mode="IMMUTABLE")
        self.assert_api_error("InvalidParameterException", None, self.ecr.create, name=self.name(),
                              imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
                              imageTagMutabilityExclusionFilters=[{"filterType": "PREFIX", "filter": "a"}])
        make(["a" * 128, "*a*", "b", "c", "d"])

    def test_a_tag_that_becomes_immutable_stays_from_then_on(self):
        name, registry = self.repository()
        one, two = image(name), image(name + "two")
        self.put(name, one, "v1")
        self.put(name, two, "v1")
        self.ecr.PutImageTagMutability(repositoryName=name, imageTagMutability="IMMUTABLE")
        self.assert_api_error("ImageTagAlreadyExistsException", None, self.ecr.PutImage, repositoryName=name,
                              imageManifest=one.manifest.decode(), imageTag="v1")
        self.ecr.PutImageTagMutability(repositoryName=name, imageTagMutability="MUTABLE")
        self.ecr.PutImage(repositoryName=name, imageManifest=one.manifest.decode(), imageTag="v1")
        registry.check_pull(name, one, "v1")

    def test_of_many_pushes_of_an_immutable_tag_over_both_ways_one_wins(self):
        name, registry = self.repository(imageTagMutability="IMMUTABLE")
        images = [image("%s %d" % (name, i)) for i in range(12)]
        for one in images:
            registry.push(name, one)
        for round_number in range(6):
            tag = "v%d" % round_number
            results = [None] * len(images)
            gate = threading.Barrier(len(images))

            def push(i):
                gate.wait()
                if i % 2:
                    answer = registry.put_manifest(name, images[i], tag)
                    results[i] = "won" if answer.status == 201 else (answer.status, *answer.error)
                    return
                try:
                    self.ecr.PutImage(repositoryName=name, imageManifest=images[i].manifest.decode(), imageTag=tag)
                    results[i] = "won"
                except ApiError as e:
                    results[i] = (e.status, e.code, e.message)

            threads = [threading.Thread(target=push, args=(i,)) for i in range(len(images))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(results.count("won"), 1, results)
            winner = images[results.index("won")]
            for i, result in enumerate(results):
                if result != "won":
                    self.assertEqual(result, (400, "TAG_INVALID" if i % 2 else "ImageTagAlreadyExistsException",
                                              IMMUTABLE % (tag, name)))
            self.assertEqual([d for t, d in self.ecr.image_ids(name) if t == tag], [winner.digest])
            registry.check_pull(name, winner, tag)
            self.assertEqual(self.ecr.BatchGetImage(repositoryName=name, imageIds=[{"imageTag": tag}])["images"][0]
                             ["imageManifest"], winner.manifest.decode())

    def test_of_many_puts_of_one_new_image_one_wins(self):
        name, _ = self.repository()
        one = image(name)
        self.put(name, image(name, layers=[layer("other")]))
        for blob in one.blobs.values():
            self.upload(name, blob)
        results = []

        def put():
            try:
                self.ecr.PutImage(repositoryName=name, imageManifest=one.manifest.decode(), imageTag="v1")
                results.append("won")
            except ApiError as e:
                results.append(e.code)

        threads = [threading.Thread(target=put) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(results), ["ImageAlreadyExistsException"] * 7 + ["won"])


class Endurance(Layers):
    """What restarts and kills do to uploads. A server of its own for each test."""

    def setUp(self):
        super().setUp()
        if self.virga.proc.poll() is not None:
            self.virga.start()

    def kill_registry(self):
        for pid in self.virga.registry_pids():
            os.kill(pid, signal.SIGKILL)

    def test_an_upload_goes_on_after_virga_was_killed(self):
        name, _ = self.repository()
        blob = data(name, 3 * PART)
        upload = self.begin(name)
        self.virga.kill9()
        self.virga.start()
        self.part(name, upload, 0, blob[:PART])
        self.virga.kill9()
        self.virga.start()
        self.assert_first_byte(0, PART, self.part, name, upload, 0, blob[:PART])
        self.part(name, upload, PART, blob[PART:2 * PART])
        self.virga.restart()
        self.part(name, upload, 2 * PART, blob[2 * PART:])
        self.virga.kill9()
        self.virga.start()
        self.complete(name, upload, digest_of(blob))
        self.assertEqual(self.registry().get_blob(name, digest_of(blob)).body, blob)

    def test_an_upload_goes_on_after_the_registry_was_killed(self):
        name, _ = self.repository()
        blob = data(name, 2 * PART + 5)
        upload = self.begin(name)
        for first in range(0, len(blob), PART):
            self.kill_registry()
            self.part(name, upload, first, blob[first:first + PART])
        self.kill_registry()
        self.complete(name, upload, digest_of(blob))
        self.assertEqual(self.registry().get_blob(name, digest_of(blob)).body, blob)

    def when_it_grows(self, name, upload, kill):
        """A thread that calls `kill` as soon as more of the upload is on disk."""
        path, = [p for p, _, files in os.walk(self.virga.data) if p.endswith("/%s/_uploads/%s" % (name, upload))]
        path += "/data"
        before = os.path.getsize(path)

        def watch():
            end = time.monotonic() + 60
            while os.path.getsize(path) == before and time.monotonic() < end:
                pass
            kill()

        thread = threading.Thread(target=watch)
        thread.start()
        return thread

    def test_a_part_that_was_cut_off_goes_on_where_it_ended(self):
        """Virga is killed in the middle of parts; the client asks how much came and goes on from there."""
        name, _ = self.repository()
        blob = data(name, 20 * MIB)
        upload = self.begin(name)
        at, stops = 0, []
        while at < len(blob) and len(stops) < 4:
            pids = [pid for pid, exe in self.virga.processes() if os.path.basename(exe) == "virga"]
            killer = self.when_it_grows(name, upload, lambda: [os.kill(pid, signal.SIGKILL) for pid in pids])
            with self.assertRaises((OSError, http.client.HTTPException)):
                self.part(name, upload, at, blob[at:])
            killer.join()
            self.virga.kill9()
            self.virga.start()
            at, _ = self.rest(name, upload, blob)
            stops.append(at)
        if at < len(blob):
            self.part(name, upload, at, blob[at:])
        print("\ncut off at", stops)
        self.complete(name, upload, digest_of(blob))
        self.assertEqual(self.registry().get_blob(name, digest_of(blob)).body, blob)

    def test_a_registry_killed_within_a_part_is_not_noticed(self):
        name, _ = self.repository()
        for i in range(4):
            blob = data(name + str(i), 20 * MIB)
            upload = self.begin(name)
            pids = self.virga.registry_pids()
            killer = self.when_it_grows(name, upload, lambda: [os.kill(pid, signal.SIGKILL) for pid in pids])
            self.assertEqual(self.part(name, upload, 0, blob)["lastByteReceived"], len(blob) - 1)
            killer.join()
            self.complete(name, upload, digest_of(blob))
            self.assertEqual(self.registry().get_blob(name, digest_of(blob)).body, blob)

    def test_virga_stops_while_parts_wait_for_their_turn(self):
        name, _ = self.repository()
        upload = self.begin(name)
        results = []

        def send():
            try:
                results.append(self.part(name, upload, 0, bytes(PART)))
            except (ApiError, OSError, http.client.HTTPException) as e:
                results.append(e)

        # A registry that stands still holds the first one, and that the others.
        for pid in self.virga.registry_pids():
            os.kill(pid, signal.SIGSTOP)
        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        self.virga.stop()
        for pid in self.virga.registry_pids():
            os.kill(pid, signal.SIGCONT)
        for thread in threads:
            thread.join()
        self.assertEqual([r for r in results if isinstance(r, dict)], [])
        self.virga.start()
        self.assertEqual(self.part(name, upload, *self.rest(name, upload, bytes(PART)))["lastByteReceived"], PART - 1)

    def rest(self, name, upload, blob):
        """(first byte, bytes) of what has not come."""
        with self.assertRaises(ApiError) as caught:
            self.part(name, upload, len(blob) + 1, b"x")
        at = caught.exception.body.get("lastValidByteReceived", -1) + 1
        return at, blob[at:]

    def test_an_address_outlives_a_restart(self):
        name, _ = self.repository()
        url = self.url(name, self.upload(name, b"layer"))
        self.virga.restart()
        self.assertEqual(self.fetch(url)[::2], (200, b"layer"))

    def test_gc_keeps_a_layer_that_no_manifest_names_yet(self):
        name, registry = self.repository()
        one = image(name)
        for blob in one.blobs.values():
            self.upload(name, blob)
        half = self.begin(name)
        self.part(name, half, 0, b"half")
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
        self.assertEqual(status, 200, body)
        self.ecr.PutImage(repositoryName=name, imageManifest=one.manifest.decode(), imageTag="v1")
        registry.check_pull(name, one, "v1")
        self.complete(name, half, digest_of(b"half"))

    def test_a_layer_of_100_mib_takes_memory_for_one_part(self):
        if sanitized():
            self.skipTest("memory is not judged under a sanitizer")
        name, registry = self.repository()
        self.upload(name, data("warm", 10 * MIB))
        before = self.virga.memory_peak()
        block = random.Random(name).randbytes(10 * MIB)
        digest = hashlib.sha256()
        upload = self.begin(name)
        for i in range(10):
            piece = i.to_bytes(8, "big") + block[8:]
            digest.update(piece)
            self.part(name, upload, i * 10 * MIB, piece)
        self.complete(name, upload, "sha256:" + digest.hexdigest())
        after = self.virga.memory_peak()
        print("\n100 MiB in parts of 10 MiB: memory %.1f MiB before, %.1f after" % (before / MIB, after / MIB))
        self.assertLess(after - before, 20 * MIB)
        self.assertTrue(registry.has_blob(name, "sha256:" + digest.hexdigest()))
        # A part of 10 MiB is 13.4 MiB of base64; the body, the parser's buffer and the string are one each.
        self.assertLess(after, 80 * MIB)
