# SPDX-License-Identifier: MIT
"""Garbage collection: what was deleted frees its disk, and nothing else changes."""
import os
import threading

from aws import ACCOUNT, REGION, Ecr
from ecrcase import EcrCase
from images import digest_of, image
from oci import Registry
from virga import Virga


class Gc(EcrCase):
    def gc(self):
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
        self.assertEqual(status, 200, body)
        return body

    def disk(self):
        total = 0
        for path, _, files in os.walk(os.path.join(self.virga.data, "ecr", "registry")):
            for name in files:
                try:
                    total += os.path.getsize(os.path.join(path, name))
                except FileNotFoundError:
                    pass
        return total

    def test_a_first_upload_under_way_is_no_failure(self):
        # A server of its own: no blob was ever stored.
        with Virga() as virga:
            ecr = Ecr(virga)
            ecr.create("app")
            registry = Registry.hostname(ecr.port(), ACCOUNT, REGION)
            location = registry.begin("app")
            status, _, body = virga.http("POST", "/_floci/ecr/gc", timeout=120)
            self.assertEqual(status, 200, body)
            data = b"the first blob"
            answer = registry.send("PUT", registry.with_digest(location, digest_of(data)), data)
            self.assertEqual(answer.status, 201, answer)

    def test_delete_gc_push_pull(self):
        name, registry = self.repository()
        pushed = image(name, layer_size=2 << 20)
        for _ in range(3):
            registry.push(name, pushed, "v1")
            registry.check_pull(name, pushed, "v1")
            before = self.disk()
            self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "v1"}])
            body = self.gc()
            for blob in pushed.layers:
                self.assertIn(blob.split(":")[1].encode(), body, "the reclaimed blobs are listed")
            self.assertLess(self.disk(), before - (2 << 20))
            # Swept means gone: no answer from a cache.
            for blob in pushed.blobs:
                self.assertFalse(registry.has_blob(name, blob))
                self.assertEqual(registry.get_blob(name, blob).status, 404)

    def test_delete_repository_gc_create_push_pull(self):
        name, registry = self.repository()
        pushed = image(name, layer_size=1 << 20)
        registry.push(name, pushed, "v1")
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        before = self.disk()
        self.gc()
        self.assertLess(self.disk(), before - (1 << 20))
        self.ecr.create(name)
        registry.push(name, pushed, "v1")
        registry.check_pull(name, pushed, "v1")

    def test_gc_keeps_what_is_in_use(self):
        name, registry = self.repository()
        other, _ = self.repository("-2")
        shared, untagged, moved = image("shared"), image("untagged"), image("moved")
        registry.push(name, shared, "v1")
        registry.push(other, shared, "v1")
        registry.push(name, untagged)
        registry.push(name, image("first"), "latest")
        registry.push(name, moved, "latest")
        ids = self.ecr.image_ids(name)
        self.ecr.BatchDeleteImage(repositoryName=other, imageIds=[{"imageTag": "v1"}])
        self.gc()
        self.assertEqual(self.ecr.image_ids(name), ids)
        for _, digest in ids:
            self.assertEqual(registry.get_manifest(name, digest).status, 200)
        for pushed in (shared, untagged, moved, image("first")):
            registry.check_pull(name, pushed)

    def test_gc_with_nothing_to_do_succeeds_twice(self):
        self.gc()
        self.gc()

    def test_push_goes_on_after_a_gc_between_its_blobs_and_its_manifest(self):
        name, registry = self.repository()
        pushed = image(name, layer_size=1 << 20)
        for digest, data in pushed.blobs.items():
            registry.push_blob(name, digest, data)
        self.gc()
        answer = registry.put_manifest(name, pushed, "v1")
        if answer.status != 201:
            # What was swept is named; a client that pushes again succeeds.
            self.assertIn(answer.error[0], ("BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN"))
            self.assertEqual(self.ecr.image_ids(name), [])
            registry.push(name, pushed, "v1")
        registry.check_pull(name, pushed, "v1")

    def test_upload_under_way_is_not_harmed(self):
        name, registry = self.repository()
        data = os.urandom(2 << 20)
        location = registry.begin(name)
        answer = registry.send("PATCH", location, data[:1 << 20])
        self.gc()
        done = registry.send("PATCH", answer.headers["Location"], data[1 << 20:])
        self.assertEqual(done.status, 202, done)
        done = registry.send("PUT", registry.with_digest(done.headers["Location"], digest_of(data)), b"")
        self.assertEqual(done.status, 201, done)
        self.assertEqual(registry.get_blob(name, digest_of(data)).body, data)

    def test_pushes_and_pulls_beside_gc_all_succeed_or_say_why(self):
        name, registry = self.repository()
        stays = image("stays", layer_size=200000)
        registry.push(name, stays, "stays")
        failures, stop = [], threading.Event()

        def pull():
            while not stop.is_set():
                try:
                    registry.check_pull(name, stays, "stays")
                except Exception as e:
                    failures.append("pull: %r" % e)
                    return

        def push(n):
            i = 0
            while not stop.is_set():
                pushed = image("%d %d" % (n, i), layer_size=200000)
                for attempt in range(5):
                    try:
                        registry.push(name, pushed, "p%d" % n)
                        registry.check_pull(name, pushed, pushed.digest)
                        break
                    except AssertionError as e:
                        # A blob swept between upload and manifest is told by the registry's own word.
                        if "BLOB_UNKNOWN" not in str(e) or attempt == 4:
                            failures.append("push: %r" % e)
                            return
                i += 1

        threads = [threading.Thread(target=pull) for _ in range(2)]
        threads += [threading.Thread(target=push, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(4):
                self.gc()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])

    def test_two_gcs_at_once_both_get_an_answer(self):
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(
            self.virga.http("POST", "/_floci/ecr/gc", timeout=120)[0])) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertIn(200, statuses)
        self.assertTrue(set(statuses) <= {200, 409}, statuses)
