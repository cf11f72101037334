# SPDX-License-Identifier: MIT
"""Referrers over the wire and the API. There is no oras, cosign or notation in Debian: their manifests are built by
hand as these tools write them."""
import json
import os
import shutil
import sqlite3
import subprocess
import unittest
import urllib.parse

from artifacts import artifact, descriptor, subject_of
from ecrcase import EcrCase, no_repository
from images import OCI_INDEX, OCI_MANIFEST, Image, digest_of, image, index
from oci import Registry
from virga import clean_env, need

NOTATION = "application/vnd.cncf.notary.signature"
COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"


class Wired(EcrCase):
    def referrers(self, registry, name, digest, query=""):
        answer = registry.send("GET", registry.url(name, "referrers/" + digest + query))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["Content-Type"], OCI_INDEX)
        doc = answer.json()
        self.assertEqual((doc["schemaVersion"], doc["mediaType"]), (2, OCI_INDEX))
        return answer, doc["manifests"]


class Referrers(Wired):
    def test_artifact_is_listed_under_its_subject_in_both_forms_of_address(self):
        name, by_host = self.repository()
        subject = image("subject")
        by_host.push(name, subject, "v1")
        attached = artifact("sbom", subject_of(subject), "application/spdx+json", {"org.example": "a/b \u00e4"})
        by_host.push(name, attached)
        for registry in (by_host, Registry.path(by_host.port, self.ecr.account, self.ecr.region)):
            _, found = self.referrers(registry, name, subject.digest)
            self.assertEqual(found, [{
                "mediaType": OCI_MANIFEST, "digest": attached.digest, "size": len(attached.manifest),
                "artifactType": "application/spdx+json", "annotations": {"org.example": "a/b \u00e4"}}])
        self.assertEqual(self.ecr.ListImageReferrers(
            repositoryName=name, subjectId={"imageDigest": subject.digest})["referrers"], [{
                "digest": attached.digest, "mediaType": OCI_MANIFEST, "artifactType": "application/spdx+json",
                "size": len(attached.manifest), "annotations": {"org.example": "a/b \u00e4"},
                "artifactStatus": "ACTIVE"}])
        self.assertEqual(self.ecr.details(name)[attached.digest]["subjectManifestDigest"], subject.digest)

    def test_push_says_that_the_subject_was_understood(self):
        name, registry = self.repository()
        subject = image("subject")
        registry.push(name, subject)
        attached = artifact("x", subject_of(subject))
        registry.push(name, artifact("blobs only"))
        for digest, data in attached.blobs.items():
            registry.push_blob(name, digest, data)
        answer = registry.put_manifest(name, attached, "tagged")
        self.assertEqual((answer.status, answer.headers["OCI-Subject"]), (201, subject.digest))
        answer = registry.put_manifest(name, subject)
        self.assertEqual((answer.status, answer.headers["OCI-Subject"]), (201, None))

    def test_artifact_may_come_before_its_subject(self):
        name, registry = self.repository()
        subject = image("late")
        attached = artifact("early", subject_of(subject))
        registry.push(name, attached)
        _, found = self.referrers(registry, name, subject.digest)
        self.assertEqual([d["digest"] for d in found], [attached.digest])
        registry.push(name, subject, "v1")
        _, found = self.referrers(registry, name, subject.digest)
        self.assertEqual([d["digest"] for d in found], [attached.digest])
        registry.delete_manifest(name, subject.digest)
        _, found = self.referrers(registry, name, subject.digest)
        self.assertEqual([d["digest"] for d in found], [attached.digest])

    def test_unknown_subject_has_an_empty_index_and_an_unknown_repository_is_an_error(self):
        name, registry = self.repository()
        for digest in ("sha256:" + "0" * 64, "sha512:" + "0" * 128):
            _, found = self.referrers(registry, name, digest)
            self.assertEqual(found, [])
        nowhere = self.name("-nowhere")
        answer = registry.send("GET", registry.url(nowhere, "referrers/sha256:" + "0" * 64))
        self.assert_wire_error(answer, 404, "NAME_UNKNOWN", no_repository(nowhere))
        self.assertEqual(self.ecr.ListImageReferrers(
            repositoryName=name, subjectId={"imageDigest": "sha256:" + "0" * 64}), {"referrers": []})
        self.assert_api_error("RepositoryNotFoundException", no_repository(nowhere), self.ecr.ListImageReferrers,
                              repositoryName=nowhere, subjectId={"imageDigest": "sha256:" + "0" * 64})

    def test_malformed_digests_are_refused(self):
        name, registry = self.repository()
        for digest in ("latest", "sha256:00", "sha256:" + "G" * 64, "md5:" + "0" * 32):
            with self.subTest(digest):
                answer = registry.send("GET", registry.url(name, "referrers/" + digest))
                self.assert_wire_error(answer, 400, "DIGEST_INVALID")

    def test_filter_by_type_and_what_says_so(self):
        name, registry = self.repository()
        subject = image("filtered")
        registry.push(name, subject)
        made = {kind: artifact(kind, subject_of(subject), kind) for kind in ("a/x+json", "a/y")}
        for one in made.values():
            registry.push(name, one)
        answer, found = self.referrers(registry, name, subject.digest,
                                       "?artifactType=" + urllib.parse.quote("a/x+json", safe=""))
        self.assertEqual([d["digest"] for d in found], [made["a/x+json"].digest])
        self.assertEqual(answer.headers["OCI-Filters-Applied"], "artifactType")
        answer, found = self.referrers(registry, name, subject.digest, "?artifactType=none/such")
        self.assertEqual((found, answer.headers["OCI-Filters-Applied"]), ([], "artifactType"))
        answer, found = self.referrers(registry, name, subject.digest)
        self.assertEqual((len(found), answer.headers["OCI-Filters-Applied"]), (2, None))

    def test_artifact_type_is_computed_as_the_spec_says(self):
        name, registry = self.repository()
        subject = image("typed")
        registry.push(name, subject)
        by_config = artifact("config", subject_of(subject), config="application/x.config", artifact_type=False)
        child = image("child")
        registry.push(name, child)
        doc = json.loads(index([child]).manifest)
        doc["subject"] = subject_of(subject)
        plain = Image(json.dumps(doc).encode(), OCI_INDEX)
        doc["artifactType"] = "application/x.bundle"
        doc["annotations"] = {"k": "v"}
        typed = Image(json.dumps(doc).encode(), OCI_INDEX)
        for one in (by_config, plain, typed):
            registry.push(name, one)
        _, found = self.referrers(registry, name, subject.digest)
        found = {d["digest"]: d for d in found}
        self.assertEqual(found[by_config.digest]["artifactType"], "application/x.config")
        self.assertNotIn("artifactType", found[plain.digest])
        self.assertEqual((found[typed.digest]["artifactType"], found[typed.digest]["mediaType"]),
                         ("application/x.bundle", OCI_INDEX))
        self.assertEqual(found[typed.digest]["annotations"], {"k": "v"})

    def test_pages_follow_their_links_and_keep_the_filter(self):
        name, by_host = self.repository()
        subject = image("many")
        by_host.push(name, subject)
        made = set()
        for i in range(7):
            one = artifact("number %d" % i, subject_of(subject), "a/%d" % (i % 2))
            by_host.push(name, one)
            if i % 2 == 0:
                made.add(one.digest)
        for registry in (by_host, Registry.path(by_host.port, self.ecr.account, self.ecr.region)):
            seen, target, pages = [], registry.url(name, "referrers/%s?artifactType=a%%2F0&n=3" % subject.digest), 0
            while target:
                answer = registry.send("GET", target)
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(answer.headers["OCI-Filters-Applied"], "artifactType")
                seen += [d["digest"] for d in answer.json()["manifests"]]
                link = answer.headers.get("Link")
                if link:
                    self.assertTrue(link.startswith("<%s?" % registry.url(name, "referrers/" + subject.digest)), link)
                    self.assertTrue(link.endswith('>; rel="next"'), link)
                target = link[1:link.index(">")] if link else None
                pages += 1
            self.assertEqual((set(seen), len(seen), pages), (made, 4, 2))

    def test_long_list_is_cut_by_its_bytes(self):
        name, registry = self.repository()
        subject = image("heavy")
        registry.push(name, subject)
        registry.push(name, artifact("the one layer"))
        count = 260  # x 14 KiB is more than the 3 MiB of one answer
        for i in range(count):
            one = artifact("the one layer", subject_of(subject), annotations={"n": str(i), "weight": "w" * 14000})
            self.assertEqual(registry.put_manifest(name, one).status, 201)
        answer, first = self.referrers(registry, name, subject.digest)
        self.assertLess(len(answer.body), 4 << 20)
        self.assertLess(len(first), count)
        link = answer.headers["Link"]
        second = registry.send("GET", link[1:link.index(">")]).json()["manifests"]
        self.assertEqual(len({d["digest"] for d in first + second}), count)

    def test_what_is_deleted_is_listed_no_more(self):
        name, registry = self.repository()
        subject = image("subject")
        registry.push(name, subject)
        one, two = artifact("one", subject_of(subject)), artifact("two", subject_of(subject))
        registry.push(name, one)
        registry.push(name, two, "two")
        self.assertEqual(registry.delete_manifest(name, one.digest).status, 202)
        _, found = self.referrers(registry, name, subject.digest)
        self.assertEqual([d["digest"] for d in found], [two.digest])
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "two"}])
        _, found = self.referrers(registry, name, subject.digest)
        self.assertEqual(found, [])
        registry.push(name, one)
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        self.ecr.create(name)
        _, found = self.referrers(registry, name, subject.digest)
        self.assertEqual(found, [])

    def test_tenants_do_not_see_one_anothers(self):
        name, here = self.repository()
        subject = image("shared")
        here.push(name, artifact("x", subject_of(subject)))
        elsewhere = type(self.ecr)(self.virga, self.ecr.account, "eu-west-1")
        elsewhere.create(name)
        there = Registry.hostname(here.port, self.ecr.account, "eu-west-1")
        _, found = self.referrers(there, name, subject.digest)
        self.assertEqual(found, [])

    def test_api_pages_by_twenty_and_filters(self):
        name, registry = self.repository()
        subject = image("api")
        registry.push(name, subject)
        made = [artifact("n%d" % i, subject_of(subject), "a/%d" % (i % 3)) for i in range(23)]
        for one in made:
            registry.push(name, one)
        ask = {"repositoryName": name, "subjectId": {"imageDigest": subject.digest}}
        first = self.ecr.ListImageReferrers(**ask)
        self.assertEqual(len(first["referrers"]), 20)
        second = self.ecr.ListImageReferrers(nextToken=first["nextToken"], **ask)
        self.assertEqual({d["digest"] for d in first["referrers"] + second["referrers"]},
                         {one.digest for one in made})
        self.assertNotIn("nextToken", second)
        typed = self.ecr.ListImageReferrers(filter={"artifactTypes": ["a/0", "a/9"]}, maxResults=50, **ask)
        self.assertEqual({d["digest"] for d in typed["referrers"]}, {one.digest for one in made[::3]})
        self.assertEqual(self.ecr.ListImageReferrers(filter={"artifactStatus": "ARCHIVED"}, **ask),
                         {"referrers": []})
        self.assert_api_error("ValidationException", None, self.ecr.ListImageReferrers, maxResults=51, **ask)

    def test_archived_artifact_shows_only_where_it_is_asked_for(self):
        name, registry = self.repository()
        subject = image("subject")
        registry.push(name, subject)
        one = artifact("put away", subject_of(subject))
        registry.push(name, one)
        self.ecr.UpdateImageStorageClass(repositoryName=name, imageId={"imageDigest": one.digest},
                                         targetStorageClass="ARCHIVE")
        ask = {"repositoryName": name, "subjectId": {"imageDigest": subject.digest}}
        self.assertEqual(self.ecr.ListImageReferrers(**ask)["referrers"], [])
        for status in ("ARCHIVED", "ANY"):
            found = self.ecr.ListImageReferrers(filter={"artifactStatus": status}, **ask)["referrers"]
            self.assertEqual([(d["digest"], d["artifactStatus"]) for d in found], [(one.digest, "ARCHIVED")])
        self.assertEqual(self.referrers(registry, name, subject.digest)[1], [])


    def test_javascript_sdk_lists_them_and_knows_the_settings(self):
        need("node")
        here = os.path.dirname(os.path.abspath(__file__))
        if not os.path.isdir(os.path.join(here, "node_modules", "@aws-sdk", "client-ecr")):
            self.skipTest("the SDK is not installed: npm ci in tests/integration")
        name, registry = self.repository()
        subject = image("sdk")
        registry.push(name, subject)
        for i in range(3):
            registry.push(name, artifact("sdk %d" % i, subject_of(subject), "a/%d" % i, {"org.example": "b"}))
        done = subprocess.run([shutil.which("node"), os.path.join(here, "sdk_wire.mjs"), self.virga.endpoint, name,
                               subject.digest], env=clean_env({"HOME": self.virga.dir}), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual((done.stdout.strip(), done.returncode), ("ok", 0), done.stderr)


class Layouts(Wired):
    """The layouts of signing tools."""

    def test_fallback_tag_of_an_older_client_keeps_working(self):
        name, registry = self.repository()
        subject = image("older")
        registry.push(name, subject, "v1")
        attached = artifact("older client", subject_of(subject))
        registry.push(name, attached)
        doc = {"schemaVersion": 2, "mediaType": OCI_INDEX,
               "manifests": [dict(subject_of(attached), artifactType="application/x.test")]}
        fallback = Image(json.dumps(doc).encode(), OCI_INDEX)
        tag = subject.digest.replace(":", "-")
        registry.push(name, fallback, tag)
        registry.check_pull(name, fallback, tag)
        self.assertIn(tag, registry.tags(name))
        _, found = self.referrers(registry, name, subject.digest)
        self.assertEqual([d["digest"] for d in found], [attached.digest])

    def test_cosign_signature_by_tag(self):
        name, registry = self.repository()
        subject = image("signed")
        registry.push(name, subject, "v1")
        payload = json.dumps({"critical": {"image": {"docker-manifest-digest": subject.digest}}}).encode()
        config = b'{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":[]}}'
        doc = {"schemaVersion": 2, "mediaType": OCI_MANIFEST,
               "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
               "layers": [dict(descriptor(payload, COSIGN_LAYER),
                               annotations={"dev.cosignproject.cosign/signature": "MEUCIQ=="})]}
        signature = Image(json.dumps(doc).encode(), OCI_MANIFEST,
                          {digest_of(config): config, digest_of(payload): payload})
        tag = subject.digest.replace(":", "-") + ".sig"
        registry.push(name, signature, tag)
        registry.check_pull(name, signature, tag)
        self.assertIn((tag, signature.digest), self.ecr.image_ids(name))

    def test_cosign_signature_as_referrer(self):
        # cosign with COSIGN_EXPERIMENTAL=1 and its bundles of version 3: a subject, and no tag.
        name, registry = self.repository()
        subject = image("bundled")
        registry.push(name, subject, "v1")
        kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
        bundle = artifact('{"mediaType":"%s"}' % kind, subject_of(subject), kind,
                          {"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1"})
        registry.push(name, bundle)
        _, found = self.referrers(registry, name, subject.digest, "?artifactType=" + urllib.parse.quote(kind, safe=""))
        self.assertEqual([d["digest"] for d in found], [bundle.digest])

    def test_notation_signature_as_referrer(self):
        # notation: no artifactType, the config's media type says what it is.
        name, registry = self.repository()
        subject = image("notary")
        registry.push(name, subject, "v1")
        signature = artifact("jws", subject_of(subject), config=NOTATION, artifact_type=False,
                             annotations={"io.cncf.notary.x509chain.thumbprint#S256": '["ab"]'})
        registry.push(name, signature)
        _, found = self.referrers(registry, name, subject.digest,
                                  "?artifactType=" + urllib.parse.quote(NOTATION, safe=""))
        self.assertEqual([(d["digest"], d["artifactType"]) for d in found], [(signature.digest, NOTATION)])
        listed = self.ecr.ListImageReferrers(repositoryName=name, subjectId={"imageDigest": subject.digest},
                                             filter={"artifactTypes": [NOTATION]})["referrers"]
        self.assertEqual(listed[0]["annotations"], {"io.cncf.notary.x509chain.thumbprint#S256": '["ab"]'})


class Kept(Wired):
    def test_referrers_outlive_a_restart_and_come_back_from_the_registry(self):
        name, registry = self.repository()
        subject = image("kept")
        registry.push(name, subject, "v1")
        attached = artifact("kept", subject_of(subject), annotations={"k": "v"})
        registry.push(name, attached)
        before = self.referrers(registry, name, subject.digest)[1]
        self.virga.restart()
        self.assertEqual(self.referrers(self.registry(), name, subject.digest)[1], before)
        # The store is lost; reconcile reads the manifests again.
        self.virga.stop()
        for path in ("virga.db", "virga.db-wal", "virga.db-shm"):
            subprocess.run(["rm", "-f", "%s/data/%s" % (self.virga.dir, path)], check=True)
        self.virga.start()
        self.assertEqual(self.referrers(self.registry(), name, subject.digest)[1], before)

    def test_store_from_before_referrers_were_noted(self):
        name, registry = self.repository()
        subject = image("before")
        registry.push(name, subject, "v1")
        attached = artifact("before", subject_of(subject))
        registry.push(name, attached)
        self.virga.stop()
        db = sqlite3.connect("%s/data/virga.db" % self.virga.dir)
        gone = db.execute("delete from kv where substr(k, 1, 2) = x'6a00' or k = ?", (b"f\0referrers",)).rowcount
        db.commit()
        db.close()
        self.assertGreaterEqual(gone, 2)  # the row, and that they are noted
        self.virga.start()
        _, found = self.referrers(self.registry(), name, subject.digest)
        self.assertEqual([(d["digest"], d["artifactType"]) for d in found],
                         [(attached.digest, "application/x.test")])


if __name__ == "__main__":
    unittest.main()
