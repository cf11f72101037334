# SPDX-License-Identifier: MIT
"""The OCI distribution API in the spirit of its conformance suite: pull, push, content discovery, content management.
Every case runs over both forms of address, the tenant in the host name and in the path."""
import hashlib
import json
import os
import random
import unittest

from ecrcase import EcrCase, no_repository
from images import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Image, digest_of, image, index, noise
from oci import Registry
from virga import sanitized, wait_for

EMPTY = "application/vnd.oci.empty.v1+json"
EMPTY_BLOB = "sha256:" + "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
OCTETS = {"Content-Type": "application/octet-stream"}


class Both(EcrCase):
    def forms(self):
        """A registry and a new repository for each form; the repository's name tells which."""
        for form, make in (("hostname", Registry.hostname), ("path", Registry.path)):
            name = self.name("-" + form)
            self.ecr.create(name)
            yield make(self.ecr.port(), self.ecr.account, self.ecr.region), name

    def assert_location(self, registry, name, location, rest):
        """An address on this very registry in the client's own form."""
        self.assertTrue(location.startswith(registry.url(name, rest)), location)
        self.assertNotIn("/%s/%s/" % (self.ecr.account, self.ecr.region),
                         location.replace(registry.url(name, rest), "", 1))

    def assert_empty(self, answer, status):
        self.assertEqual((answer.status, answer.body), (status, b""), answer)


class Pull(Both):
    def test_manifest_by_tag_and_digest(self):
        for registry, name in self.forms():
            one = image("pull")
            registry.push(name, one, "v1")
            for reference in ("v1", one.digest):
                answer = registry.get_manifest(name, reference)
                self.assertEqual((answer.status, answer.body), (200, one.manifest))
                head = registry.head_manifest(name, reference)
                self.assert_empty(head, 200)
                for header, value in (("Docker-Content-Digest", one.digest), ("Content-Type", one.media_type),
                                      ("Content-Length", str(len(one.manifest))), ("ETag", '"%s"' % one.digest)):
                    self.assertEqual((answer.headers[header], head.headers[header]), (value, value))

    def test_missing_content_is_404_in_words_and_head_without(self):
        for registry, name in self.forms():
            digest = "sha256:" + "0" * 64
            for rest, code in (("manifests/none", "MANIFEST_UNKNOWN"), ("manifests/" + digest, "MANIFEST_UNKNOWN"),
                               ("blobs/" + digest, "BLOB_UNKNOWN")):
                self.assert_wire_error(registry.send("GET", registry.url(name, rest)), 404, code)
                head = registry.send("HEAD", registry.url(name, rest))
                self.assert_empty(head, 404)
            nowhere = name + "-nowhere"
            for rest in ("manifests/v1", "manifests/" + digest, "blobs/" + digest, "tags/list", "referrers/" + digest):
                answer = registry.send("GET", registry.url(nowhere, rest))
                self.assert_wire_error(answer, 404, "NAME_UNKNOWN", no_repository(nowhere))
                self.assert_empty(registry.send("HEAD", registry.url(nowhere, rest)), 404)

    def test_unknown_paths_are_404_in_oci_form(self):
        for registry, name in self.forms():
            for target in (registry.url(name, "nothing/here"), registry.url(name, ""), registry.url(name, "blobs")):
                answer = registry.send("GET", target)
                self.assertEqual((answer.status, len(answer.json()["errors"])), (404, 1), answer)

    def test_malformed_digests_are_refused(self):
        for registry, name in self.forms():
            for rest in ("blobs/sha256:00", "blobs/latest", "manifests/sha256:xyz", "manifests/sha256:" + "G" * 64):
                self.assert_wire_error(registry.send("GET", registry.url(name, rest)), 400, "DIGEST_INVALID")

    def test_blob_and_its_headers(self):
        for registry, name in self.forms():
            data = random.Random(name).randbytes(5000)
            digest = digest_of(data)
            registry.push_blob(name, digest, data)
            for method in ("GET", "HEAD"):
                answer = registry.send(method, registry.url(name, "blobs/" + digest))
                self.assertEqual((answer.status, answer.body), (200, data if method == "GET" else b""))
                for header, value in (("Content-Length", "5000"), ("Content-Type", "application/octet-stream"),
                                      ("Docker-Content-Digest", digest), ("Accept-Ranges", "bytes"),
                                      ("ETag", '"%s"' % digest)):
                    self.assertEqual(answer.headers[header], value)

    def test_ranges_of_a_blob(self):
        for registry, name in self.forms():
            data = random.Random(name).randbytes(5000)
            digest = digest_of(data)
            registry.push_blob(name, digest, data)
            for text, first, last in (("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=4000-", 4000, 4999),
                                      ("bytes=-10", 4990, 4999), ("bytes=4990-99999", 4990, 4999)):
                answer = registry.get_blob(name, digest, {"Range": text})
                self.assertEqual((answer.status, answer.body), (206, data[first:last + 1]), text)
                self.assertEqual((answer.headers["Content-Range"], answer.headers["Content-Length"]),
                                 ("bytes %d-%d/5000" % (first, last), str(last + 1 - first)))
            answer = registry.get_blob(name, digest, {"Range": "bytes=5000-5001"})
            self.assert_wire_error(answer, 416, "RANGE_INVALID")
            self.assertEqual(answer.headers["Content-Range"], "bytes */5000")
            for text in ("bytes=9-0", "bytes=x", "bytes=", "lines=0-1", "bytes=-0", "0-1"):
                answer = registry.get_blob(name, digest, {"Range": text})
                self.assertEqual((answer.status, answer.body), (200, data), text)
            head = registry.send("HEAD", registry.url(name, "blobs/" + digest), headers={"Range": "bytes=9999-"})
            self.assert_empty(head, 200)
            self.assertEqual(head.headers["Content-Length"], "5000")

    def test_what_the_client_has_is_304(self):
        for registry, name in self.forms():
            one = image("known")
            registry.push(name, one, "v1")
            blob = one.layers[0]
            for rest, digest in (("manifests/v1", one.digest), ("manifests/" + one.digest, one.digest),
                                 ("blobs/" + blob, blob)):
                for method in ("GET", "HEAD"):
                    for known in ('"%s"' % digest, 'W/"%s"' % digest, "*", '"other", "%s"' % digest):
                        answer = registry.send(method, registry.url(name, rest), headers={"If-None-Match": known})
                        self.assert_empty(answer, 304)
                        self.assertEqual(answer.headers["ETag"], '"%s"' % digest)
                    answer = registry.send(method, registry.url(name, rest), headers={"If-None-Match": '"other"'})
                    self.assertEqual(answer.status, 200)
            detail = self.ecr.details(name)[one.digest]
            self.assertIn("lastRecordedPullTime", detail)  # of the GETs that were answered whole

    def test_304_of_a_manifest_is_no_pull(self):
        for registry, name in self.forms():
            one = image("not pulled")
            registry.push(name, one, "v1")
            registry.send("GET", registry.url(name, "manifests/v1"), headers={"If-None-Match": '"%s"' % one.digest})
            self.assertNotIn("lastRecordedPullTime", self.ecr.details(name)[one.digest])


class Push(Both):
    def test_post_then_put(self):
        for registry, name in self.forms():
            data = random.Random(name).randbytes(70000)
            begun = registry.send("POST", registry.url(name, "blobs/uploads/"))
            self.assert_empty(begun, 202)
            self.assert_location(registry, name, begun.headers["Location"], "blobs/uploads/")
            self.assertEqual(begun.headers["Range"], "0-0")
            done = registry.send("PUT", registry.with_digest(begun.headers["Location"], digest_of(data)), data, OCTETS)
            self.assert_empty(done, 201)
            self.assertEqual(done.headers["Location"], registry.url(name, "blobs/" + digest_of(data)))
            self.assertEqual(done.headers["Docker-Content-Digest"], digest_of(data))
            self.assertEqual(registry.get_blob(name, digest_of(data)).body, data)

    def test_single_post_stores_the_blob(self):
        for registry, name in self.forms():
            for text, chunks in (("whole", False), ("chunked", True)):
                data = random.Random(name + text).randbytes(300000)
                digest = digest_of(data)
                target = registry.with_digest(registry.url(name, "blobs/uploads/"), digest)
                if chunks:
                    parts = [data[i:i + 7001] for i in range(0, len(data), 7001)]
                    done = registry.send("POST", target, parts, {**OCTETS, "Transfer-Encoding": "chunked"})
                else:
                    done = registry.send("POST", target, data, OCTETS)
                self.assert_empty(done, 201)
                self.assertEqual(done.headers["Location"], registry.url(name, "blobs/" + digest))
                self.assertEqual(done.headers["Docker-Content-Digest"], digest)
                self.assertEqual(registry.get_blob(name, digest).body, data)

    def test_single_post_streams(self):
        if sanitized():
            self.skipTest("memory is not judged under a sanitizer")
        name, registry = self.repository()
        digest = hashlib.sha256()
        for block in noise(256):
            digest.update(block)
        digest = "sha256:" + digest.hexdigest()
        target = registry.with_digest(registry.url(name, "blobs/uploads/"), digest)
        before = self.virga.memory_peak()
        done = registry.send("POST", target, noise(256), {**OCTETS, "Content-Length": str(256 << 20)})
        self.assertEqual(done.status, 201, done)
        self.assertLess(self.virga.memory_peak() - before, 16 << 20)
        head = registry.send("HEAD", registry.url(name, "blobs/" + digest))
        self.assertEqual(head.headers["Content-Length"], str(256 << 20))

    def test_single_post_that_is_cut_off_stores_nothing(self):
        name, registry = self.repository()
        data = random.Random(name).randbytes(1 << 20)
        target = registry.with_digest(registry.url(name, "blobs/uploads/"), digest_of(data))
        conn = registry.connect()
        conn.putrequest("POST", target, skip_host=True)
        for header, value in (("Host", registry.host), ("Content-Length", str(len(data)))):
            conn.putheader(header, value)
        conn.endheaders()
        conn.send(data[:1 << 19])
        conn.close()
        self.assertFalse(registry.has_blob(name, digest_of(data)))
        self.assertEqual(registry.send("POST", target, data, OCTETS).status, 201)
        self.assertEqual(registry.get_blob(name, digest_of(data)).body, data)

    def test_single_post_of_other_bytes_stores_nothing(self):
        for registry, name in self.forms():
            wrong = digest_of(b"something else")
            target = registry.with_digest(registry.url(name, "blobs/uploads/"), wrong)
            self.assert_wire_error(registry.send("POST", target, b"data", OCTETS), 400, "DIGEST_INVALID")
            self.assertFalse(registry.has_blob(name, wrong))
            self.assertFalse(registry.has_blob(name, digest_of(b"data")))
            # The bytes that the registry had of it are gone, too.
            uploads = os.path.join(self.virga.dir, "data/ecr/registry/docker/registry/v2/repositories",
                                   self.ecr.account, self.ecr.region, name, "_uploads")
            wait_for(lambda: not any("data" in files for _, _, files in os.walk(uploads)), what="the session's end")
            bad = registry.url(name, "blobs/uploads/?digest=sha256:abc")
            self.assert_wire_error(registry.send("POST", bad, b"data", OCTETS), 400, "DIGEST_INVALID")

    def test_single_post_without_its_body_begins_a_session(self):
        for registry, name in self.forms():
            digest = digest_of(b"to come")
            begun = registry.send("POST", registry.with_digest(registry.url(name, "blobs/uploads/"), digest))
            self.assert_empty(begun, 202)
            done = registry.send("PUT", registry.with_digest(begun.headers["Location"], digest), b"to come")
            self.assertEqual(done.status, 201, done)

    def test_empty_blob(self):
        for registry, name in self.forms():
            registry.push_blob(name, EMPTY_BLOB, b"")
            answer = registry.get_blob(name, EMPTY_BLOB)
            self.assertEqual((answer.status, answer.body, answer.headers["Content-Length"]), (200, b"", "0"))
            other = name + "-post"
            self.ecr.create(other)
            done = registry.send("POST", registry.with_digest(registry.url(other, "blobs/uploads/"), EMPTY_BLOB))
            self.assertEqual(done.status, 201, done)
            self.assertTrue(registry.has_blob(other, EMPTY_BLOB))

    def test_chunks_in_order_and_the_last_one_in_the_put(self):
        for registry, name in self.forms():
            data = random.Random(name).randbytes(3000)
            location = registry.begin(name)
            for first in (0, 1000):
                answer = registry.send("PATCH", location, data[first:first + 1000],
                                       {**OCTETS, "Content-Range": "%d-%d" % (first, first + 999)})
                self.assert_empty(answer, 202)
                self.assertEqual(answer.headers["Range"], "0-%d" % (first + 999))
                location = answer.headers["Location"]
                self.assert_location(registry, name, location, "blobs/uploads/")
            done = registry.send("PUT", registry.with_digest(location, digest_of(data)), data[2000:],
                                 {**OCTETS, "Content-Range": "2000-2999"})
            self.assertEqual(done.status, 201, done)
            self.assertEqual(registry.get_blob(name, digest_of(data)).body, data)

    def test_chunk_out_of_order_is_416_and_tells_where_to_go_on(self):
        for registry, name in self.forms():
            data = random.Random(name).randbytes(300)
            location = registry.begin(name)
            early = registry.send("PATCH", location, data[100:200], {**OCTETS, "Content-Range": "100-199"})
            self.assert_wire_error(early, 416, "RANGE_INVALID")
            self.assertEqual(early.headers["Range"], "0-0")
            location = early.headers["Location"]
            self.assert_location(registry, name, location, "blobs/uploads/")
            first = registry.send("PATCH", location, data[:100], {**OCTETS, "Content-Range": "0-99"})
            self.assertEqual(first.status, 202, first)
            # The same chunk again, at the newest address and at the one before.
            again = registry.send("PATCH", first.headers["Location"], data[:100],
                                  {**OCTETS, "Content-Range": "0-99"})
            self.assert_wire_error(again, 416, "RANGE_INVALID")
            self.assertEqual(again.headers["Range"], "0-99")
            stale = registry.send("PATCH", location, data[:100], {**OCTETS, "Content-Range": "0-99"})
            self.assertEqual(stale.status, 416, stale)
            status = registry.send("GET", again.headers["Location"])
            self.assert_empty(status, 204)
            self.assertEqual(status.headers["Range"], "0-99")
            second = registry.send("PATCH", status.headers["Location"], data[100:],
                                   {**OCTETS, "Content-Range": "100-299"})
            self.assertEqual(second.status, 202, second)
            gap = registry.send("PUT", registry.with_digest(second.headers["Location"], digest_of(data)), b"x",
                                {**OCTETS, "Content-Range": "999-999"})
            self.assert_wire_error(gap, 416, "RANGE_INVALID")
            self.assertNotIn("digest=", gap.headers["Location"])
            done = registry.send("PUT", registry.with_digest(gap.headers["Location"], digest_of(data)), b"")
            self.assertEqual(done.status, 201, done)
            self.assertEqual(registry.get_blob(name, digest_of(data)).body, data)

    def test_session_is_found_by_an_address_of_before(self):
        for registry, name in self.forms():
            data = random.Random(name).randbytes(300)
            old = registry.begin(name)
            sent = registry.send("PATCH", old, data[:100], OCTETS)
            self.assertEqual(sent.status, 202)
            status = registry.send("GET", old)
            self.assert_empty(status, 204)
            self.assertEqual(status.headers["Range"], "0-99")
            self.assert_location(registry, name, status.headers["Location"], "blobs/uploads/")
            # Its answer was lost: sent again, the chunk is refused and the way on is told.
            again = registry.send("PATCH", old, data[:100], {**OCTETS, "Content-Range": "0-99"})
            self.assert_wire_error(again, 416, "RANGE_INVALID")
            self.assertEqual(again.headers["Range"], "0-99")
            rest = registry.send("PATCH", again.headers["Location"], data[100:],
                                 {**OCTETS, "Content-Range": "100-299"})
            self.assertEqual(rest.status, 202, rest)
            done = registry.send("PUT", registry.with_digest(rest.headers["Location"], digest_of(data)), b"")
            self.assertEqual(done.status, 201, done)
            self.assertEqual(registry.get_blob(name, digest_of(data)).body, data)
            old = registry.begin(name)
            registry.send("PATCH", old, data, OCTETS)
            self.assert_empty(registry.send("DELETE", old), 204)
            self.assert_wire_error(registry.send("GET", old), 404, "BLOB_UPLOAD_UNKNOWN")

    def test_chunk_that_was_cut_off_goes_on_where_it_ended(self):
        for registry, name in self.forms():
            data = random.Random(name).randbytes(6 << 20)
            location = registry.begin(name)
            conn = registry.connect()
            conn.putrequest("PATCH", location, skip_host=True)
            for header, value in (("Host", registry.host), ("Content-Length", str(len(data))),
                                  ("Content-Type", "application/octet-stream")):
                conn.putheader(header, value)
            conn.endheaders()
            conn.send(data[:5 << 20])
            conn.close()

            seen = []

            def settled():
                status = registry.send("GET", location)
                self.assertEqual(status.status, 204, status)
                seen.append(int(status.headers["Range"].split("-")[1]))
                return len(seen) > 3 and seen[-1] > 0 and len(set(seen[-3:])) == 1 and status
            status = wait_for(settled, what="the end of the broken chunk")
            have = seen[-1] + 1
            self.assertLessEqual(have, 5 << 20)
            rest = registry.send("PATCH", status.headers["Location"], data[have:],
                                 {**OCTETS, "Content-Range": "%d-%d" % (have, len(data) - 1)})
            self.assertEqual(rest.status, 202, rest)
            done = registry.send("PUT", registry.with_digest(rest.headers["Location"], digest_of(data)), b"")
            self.assertEqual(done.status, 201, done)
            self.assertEqual(digest_of(registry.get_blob(name, digest_of(data)).body), digest_of(data))

    def test_malformed_chunks_are_refused(self):
        for registry, name in self.forms():
            for text, status, code in (("x", 416, "RANGE_INVALID"), ("9-0", 416, "RANGE_INVALID"),
                                       ("0-", 416, "RANGE_INVALID"), ("0-9", 400, "SIZE_INVALID")):
                answer = registry.send("PATCH", registry.begin(name), b"12345", {**OCTETS, "Content-Range": text})
                self.assert_wire_error(answer, status, code)
            answer = registry.send("PATCH", registry.begin(name), b"12345", {**OCTETS, "Content-Range": "bytes 0-4/5"})
            self.assertEqual(answer.status, 202)

    def test_unknown_sessions_are_404(self):
        for registry, name in self.forms():
            location = registry.begin(name)
            self.assert_empty(registry.send("DELETE", location), 204)
            strange = registry.url(name, "blobs/uploads/no-such-session")
            other = name + "-other"
            self.ecr.create(other)
            foreign = registry.begin(other).replace(registry.url(other, ""), registry.url(name, ""))
            bare = registry.begin(name).split("?")[0]
            for target in (location, strange, foreign, bare):
                for method in ("GET", "PATCH", "DELETE"):
                    answer = registry.send(method, target, b"x" if method == "PATCH" else None, OCTETS)
                    self.assert_wire_error(answer, 404, "BLOB_UPLOAD_UNKNOWN")
                answer = registry.send("PUT", registry.with_digest(target, digest_of(b"x")), b"x", OCTETS)
                self.assert_wire_error(answer, 404, "BLOB_UPLOAD_UNKNOWN")
            answer = registry.send("PUT", registry.begin(name), b"x", OCTETS)
            self.assert_wire_error(answer, 400, "DIGEST_INVALID")

    def test_mounts(self):
        for registry, name in self.forms():
            other = name + "-from"
            self.ecr.create(other)
            data = random.Random(name).randbytes(100)
            digest = digest_of(data)
            registry.push_blob(other, digest, data)
            # Without `from` a registry may look for it, and need not.
            answer = registry.send("POST", registry.url(name, "blobs/uploads/?mount=" + digest))
            self.assertEqual(answer.status, 202)
            self.assertFalse(registry.has_blob(name, digest))
            answer = registry.mount(name, digest, other)
            self.assert_empty(answer, 201)
            self.assertEqual(answer.headers["Location"], registry.url(name, "blobs/" + digest))
            self.assertEqual(registry.get_blob(name, digest).body, data)
            self.assertEqual(registry.mount(name, digest_of(b"nowhere"), other).status, 202)

    def test_mounts_are_the_accounts_to_switch_off(self):
        for registry, name in self.forms():
            other = name + "-from"
            self.ecr.create(other)
            registry.push_blob(other, digest_of(b"layer"), b"layer")
            self.assertEqual(self.ecr.GetAccountSetting(name="BLOB_MOUNTING"),
                             {"name": "BLOB_MOUNTING", "value": "ENABLED"})
            try:
                self.ecr.PutAccountSetting(name="BLOB_MOUNTING", value="DISABLED")
                answer = registry.mount(name, digest_of(b"layer"), other)
                self.assertEqual(answer.status, 202)
                self.assertFalse(registry.has_blob(name, digest_of(b"layer")))
                done = registry.send("PUT", registry.with_digest(answer.headers["Location"], digest_of(b"layer")),
                                     b"layer")
                self.assertEqual(done.status, 201)
            finally:
                self.ecr.PutAccountSetting(name="BLOB_MOUNTING", value="ENABLED")
            self.assertEqual(registry.mount(name, digest_of(b"layer"), other).status, 201)

    def test_manifests_of_oci_1_1_are_stored_as_they_are(self):
        for registry, name in self.forms():
            registry.push_blob(name, digest_of(b"{}"), b"{}")
            empty = {"mediaType": EMPTY, "digest": digest_of(b"{}"), "size": 2}
            subject = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "1" * 64, "size": 7}
            base = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/x", "config": empty}
            elsewhere = {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                         "digest": "sha256:" + "2" * 64, "size": 9, "urls": ["https://example.com/layer"]}
            typeless = {"schemaVersion": 2, "config": dict(empty, mediaType=OCI_CONFIG), "layers": []}
            for text, doc, kind in (
                    ("empty layer", dict(base, layers=[empty]), OCI_MANIFEST),
                    ("no layer", dict(base, layers=[]), OCI_MANIFEST),
                    ("layers left out", base, OCI_MANIFEST),
                    ("subject that is not there", dict(base, layers=[empty], subject=subject), OCI_MANIFEST),
                    ("embedded data", dict(base, layers=[dict(empty, data="e30=")]), OCI_MANIFEST),
                    ("layer from elsewhere", dict(base, layers=[elsewhere]), OCI_MANIFEST),
                    ("no mediaType", typeless, OCI_MANIFEST),
                    ("empty index with a subject", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [],
                                                    "artifactType": "application/x", "subject": subject}, OCI_INDEX)):
                with self.subTest(text):
                    one = Image(json.dumps(doc).encode(), kind)
                    answer = registry.put_manifest(name, one, "tag-" + text.replace(" ", "-"))
                    self.assertEqual(answer.status, 201, answer)
                    registry.check_pull(name, one)

    def test_put_manifest_answers_where_it_is(self):
        for registry, name in self.forms():
            one = image("located")
            registry.push(name, one)
            for reference in ("v1", one.digest):
                answer = registry.put_manifest(name, one, reference)
                self.assert_empty(answer, 201)
                self.assertEqual(answer.headers["Location"], registry.url(name, "manifests/" + one.digest))
                self.assertEqual(answer.headers["Docker-Content-Digest"], one.digest)


class Discovery(Both):
    def test_tags_are_sorted_and_paged(self):
        for registry, name in self.forms():
            one = image("tagged")
            registry.push(name, one)
            tags = ["v10", "v2", "A", "a", "_x", "0", "v1"]
            for tag in tags:
                self.assertEqual(registry.put_manifest(name, one, tag).status, 201)
            list_at = registry.url(name, "tags/list")
            answer = registry.send("GET", list_at)
            self.assertEqual(answer.json(), {"name": registry.prefix + name, "tags": sorted(tags)})
            self.assertIsNone(answer.headers.get("Link"))
            self.assertTrue(answer.headers["Content-Type"].startswith("application/json"))
            answer = registry.send("GET", list_at + "?n=0")
            self.assertEqual((answer.json()["tags"], answer.headers.get("Link")), ([], None))
            answer = registry.send("GET", list_at + "?n=2&last=a")
            self.assertEqual((answer.json()["tags"], answer.headers["Link"]),
                             (["v1", "v10"], "<%s?last=v10&n=2>; rel=\"next\"" % list_at))
            self.assertEqual(registry.send("GET", list_at + "?last=no-such").json()["tags"], ["v1", "v10", "v2"])
            answer = registry.send("GET", list_at + "?n=7")
            self.assertEqual((answer.json()["tags"], answer.headers.get("Link")), (sorted(tags), None))
            seen, target = [], list_at + "?n=3"
            while target:
                answer = registry.send("GET", target)
                seen += answer.json()["tags"]
                link = answer.headers.get("Link")
                target = link[1:link.index(">")] if link else None
            self.assertEqual(seen, sorted(tags))
            for bad in ("-1", "x", "", "1e3"):
                self.assert_wire_error(registry.send("GET", list_at + "?n=" + bad), 400, "PAGINATION_NUMBER_INVALID")

    def test_catalog_is_the_tenants_and_paged(self):
        account = "123412341234"
        ecr = type(self.ecr)(self.virga, account, "eu-central-1")
        names = ["cat/a", "cat/b", "cat/c-d", "dog"]
        for name in names:
            ecr.create(name)
        for registry in (Registry.hostname(ecr.port(), account, "eu-central-1"),
                         Registry.path(ecr.port(), account, "eu-central-1")):
            with self.subTest(registry.prefix):
                shown = [registry.prefix + name for name in names]
                base = "/v2/%s_catalog" % registry.prefix
                answer = registry.send("GET", base)
                self.assertEqual((answer.json(), answer.headers.get("Link")), ({"repositories": shown}, None))
                seen, target = [], base + "?n=3"
                while target:
                    self.assertTrue(target.startswith(base + "?"), target)
                    answer = registry.send("GET", target)
                    seen += answer.json()["repositories"]
                    link = answer.headers.get("Link")
                    target = link[1:link.index(">")] if link else None
                self.assertEqual(seen, shown)
                answer = registry.send("GET", base + "?n=0")
                self.assertEqual((answer.json(), answer.headers.get("Link")), ({"repositories": []}, None))


class Management(Both):
    def test_delete_by_tag_then_by_digest(self):
        for registry, name in self.forms():
            one = image("deleted")
            registry.push(name, one, "a")
            registry.put_manifest(name, one, "b")
            self.assert_empty(registry.delete_manifest(name, "a"), 202)
            self.assertEqual(registry.get_manifest(name, "a").status, 404)
            registry.check_pull(name, one, "b")
            self.assert_empty(registry.delete_manifest(name, one.digest), 202)
            for reference in ("b", one.digest):
                self.assert_wire_error(registry.get_manifest(name, reference), 404, "MANIFEST_UNKNOWN")
                self.assert_wire_error(registry.delete_manifest(name, reference), 404, "MANIFEST_UNKNOWN")
            self.assertEqual(registry.tags(name), [])

    def test_child_of_an_index_cannot_be_deleted_first(self):
        for registry, name in self.forms():
            child = image("child")
            both = index([child])
            registry.push(name, both, "multi")
            self.assert_wire_error(registry.delete_manifest(name, child.digest), 405, "UNSUPPORTED",
                                   "Requested image referenced by manifest list: [%s]" % both.digest)
            self.assertEqual(registry.delete_manifest(name, both.digest).status, 202)
            self.assertEqual(registry.delete_manifest(name, child.digest).status, 202)

    def test_methods_that_are_not_there_say_which_are(self):
        for registry, name in self.forms():
            digest = digest_of(b"kept")
            registry.push_blob(name, digest, b"kept")
            for method, rest, allow in (
                    ("DELETE", "blobs/" + digest, "GET, HEAD"), ("PUT", "blobs/" + digest, "GET, HEAD"),
                    ("POST", "manifests/v1", "GET, HEAD, PUT, DELETE"), ("DELETE", "tags/list", "GET, HEAD"),
                    ("GET", "blobs/uploads/", "POST"), ("POST", "blobs/uploads/x", "GET, PATCH, PUT, DELETE"),
                    ("PUT", "referrers/" + digest, "GET, HEAD")):
                answer = registry.send(method, registry.url(name, rest))
                self.assert_wire_error(answer, 405, "UNSUPPORTED")
                self.assertEqual(answer.headers["Allow"], allow)
            self.assertEqual(registry.get_blob(name, digest).body, b"kept")
            self.assertEqual(registry.send("POST", "/v2/").headers["Allow"], "GET, HEAD")


if __name__ == "__main__":
    unittest.main()
