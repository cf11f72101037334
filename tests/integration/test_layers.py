# SPDX-License-Identifier: MIT
"""Layers and images over the API: uploads in parts, downloads by address, PutImage, and both worlds mixed."""
import base64
import hashlib
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

    def url(self, name, digest):
        return self.ecr.GetDownloadUrlForLayer(repositoryName=name, layerDigest=digest)["downloadUrl"]

    def assert_first_byte(self, given, expected, function, *args):
        """The part is refused, and the answer tells how much has come."""
        with self.assertRaises(ApiError) as caught:
            function(*args)
        error = caught.exception
        self.assertEqual(error.code, "InvalidLayerPartException", error)
        self.assertEqual(error.message, "First byte of the layer part is %d instead of %d" % (given, expected))
        self.assertEqual(error.body["lastValidByteReceived"], expected - 1)
        return error.body

    def uploads_on_disk(self, name):
        """{upload: size} of the repository's upload sessions in the registry's storage."""
        found = {}
        for path, _, files in os.walk(self.virga.data):
            if "data" in files and "/_uploads/" in path and "/%s/_uploads" % name in path:
                found[os.path.basename(path)] = os.path.getsize(os.path.join(path, "data"))
        return found


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
        self.assertEqual(self.uploads_on_disk(name), {})

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
            self.assertEqual(caught.exception.body["lastValidByteReceived"], -1)
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
        self.assertEqual(self.uploads_on_disk(name), {})
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
        self.assertEqual(self.uploads_on_disk(name), {})

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
        self.assertEqual(self.uploads_on_disk(name), {})

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
