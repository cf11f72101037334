# SPDX-License-Identifier: MIT
"""kill -9 in the middle of things: what was answered is there, what was not can be done again."""
import json
import os
import signal
import socket
import threading
import time
import unittest

from aws import Ecr
from images import digest_of, image, noise
from oci import Registry
from virga import BINARY, Virga, need, wait_for


class Crash(unittest.TestCase):
    def setUp(self):
        need("docker-registry")
        self.virga = Virga()
        self.addCleanup(self.virga.cleanup)
        self.virga.start()
        self.ecr = Ecr(self.virga)
        self.ecr.create("app")
        self.registry = Registry.hostname(self.ecr.port(), "000000000000", "us-east-1")

    def half_of_a_push(self):
        """A request that has sent half of its body; the test holds the connection."""
        size = 8 << 20
        location = self.registry.begin("app")
        conn = self.registry.connect()
        self.addCleanup(conn.close)
        path = location.split("localhost:%d" % self.registry.port)[-1]
        conn.putrequest("PATCH", path, skip_host=True)
        conn.putheader("Host", self.registry.host)
        conn.putheader("Content-Length", str(size))
        conn.endheaders()
        for block in noise(4):
            conn.send(block)
        return conn

    def assert_retry_succeeds(self):
        pushed = image("the retry", layer_size=2 << 20)
        self.registry.push("app", pushed, "v1")
        self.registry.check_pull("app", pushed, "v1")
        self.assertEqual(self.ecr.image_ids("app"), [("v1", pushed.digest)])

    def test_virga_killed_in_the_middle_of_a_push(self):
        self.half_of_a_push()
        self.virga.kill9()
        self.virga.start()
        self.assert_retry_succeeds()
        self.virga.stop()

    def test_registry_killed_in_the_middle_of_a_push(self):
        conn = self.half_of_a_push()
        pid, = self.virga.registry_pids()
        os.kill(pid, signal.SIGKILL)
        # The client hears of it: an error or a closed connection, not a success and not silence.
        try:
            for block in noise(4, seed=2):
                conn.send(block)
            status = conn.getresponse().status
        except (ConnectionError, OSError):
            status = None
        except Exception as e:  # http.client's own: the connection ended before an answer
            self.assertIn("RemoteDisconnected", type(e).__name__)
            status = None
        self.assertTrue(status is None or status >= 500, status)
        self.assert_retry_succeeds()
        self.assertNotEqual(self.virga.registry_pids(), [pid])
        self.virga.stop()

    def test_registry_killed_while_idle_is_replaced_at_once(self):
        pushed = image("idle")
        self.registry.push("app", pushed, "v1")
        for _ in range(3):
            pid, = self.virga.registry_pids()
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: pid not in self.virga.registry_pids(), what="its end")
            # A read may meet the gap once; the next one must not.
            try:
                self.registry.check_pull("app", pushed, "v1")
            except (AssertionError, ConnectionError, OSError):
                self.registry.check_pull("app", pushed, "v1")
        self.virga.stop()

    def test_client_killed_in_the_middle_of_a_push_leaves_nothing_broken(self):
        for _ in range(5):
            self.half_of_a_push().close()
        self.assert_retry_succeeds()
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
        self.assertEqual(status, 200, body)
        self.virga.stop()

    def test_client_killed_in_the_middle_of_a_pull_leaves_nothing_broken(self):
        data = b"".join(noise(8))
        self.registry.push_blob("app", digest_of(data), data)
        for _ in range(5):
            conn = self.registry.connect()
            conn.putrequest("GET", "/v2/app/blobs/" + digest_of(data), skip_host=True)
            conn.putheader("Host", self.registry.host)
            conn.endheaders()
            conn.getresponse().read(1000)
            conn.close()
        self.assertEqual(self.registry.get_blob("app", digest_of(data)).body, data)
        self.virga.stop()

    def descriptors(self):
        return sum(len(os.listdir("/proc/%d/fd" % pid)) for pid, exe in self.virga.processes()
                   if exe == os.path.realpath(BINARY))

    def test_broken_exchanges_leak_no_descriptor(self):
        data = b"".join(noise(2))
        self.registry.push_blob("app", digest_of(data), data)

        def abuse():
            for _ in range(10):
                self.half_of_a_push().close()
                with socket.create_connection(("127.0.0.1", self.registry.port)) as s:
                    s.sendall(("GET /v2/app/blobs/%s HTTP/1.1\r\nHost: %s\r\n\r\n"
                               % (digest_of(data), self.registry.host)).encode())
                    s.recv(1000)

        abuse()
        time.sleep(0.5)
        before = self.descriptors()
        for _ in range(3):
            abuse()
        wait_for(lambda: self.descriptors() <= before + 3, 15, "descriptors to be closed")
        self.virga.stop()

    def test_registry_that_hangs_does_not_hold_the_stop(self):
        self.virga.restart(**{"floci.limits.drain-timeout-ms": "500"})
        pushed = image("hang")
        self.registry.push("app", pushed, "v1")
        pid, = self.virga.registry_pids()
        os.kill(pid, signal.SIGSTOP)
        # What virga knows itself it goes on telling.
        self.assertEqual(self.ecr.image_ids("app"), [("v1", pushed.digest)])
        # One of each kind of request, all of them waiting for the registry.
        wire = "%s /v2/app/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
        manifest = image("hangs too", layers=[]).manifest.decode()
        api = ("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonEC2ContainerRegistry_V20150921.%s\r\n"
               "Content-Length: %d\r\n\r\n%s")
        delete = json.dumps({"repositoryName": "app", "imageIds": [{"imageDigest": pushed.digest}]})
        drop = json.dumps({"repositoryName": "app", "force": True})
        for port, text in (
                (self.registry.port, wire % ("GET", "blobs/" + pushed.layers[0], self.registry.host, "x/y", 0, "")),
                (self.registry.port, wire % ("HEAD", "blobs/" + pushed.layers[0], self.registry.host, "x/y", 0, "")),
                (self.registry.port, wire % ("GET", "manifests/v1", self.registry.host, "x/y", 0, "")),
                (self.registry.port, wire % ("POST", "blobs/uploads/", self.registry.host, "x/y", 0, "")),
                (self.registry.port, wire % ("POST", "blobs/uploads/", self.registry.host, "x/y", 1000, "half")),
                (self.registry.port, wire % ("PUT", "manifests/v2", self.registry.host, pushed.media_type,
                                             len(manifest), manifest)),
                (self.virga.port, api % ("BatchDeleteImage", len(delete), delete)),
                (self.virga.port, api % ("DeleteRepository", len(drop), drop)),
                (self.virga.port, "POST /_floci/ecr/gc HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")):
            s = socket.create_connection(("127.0.0.1", port))
            self.addCleanup(s.close)
            s.sendall(text.encode())
        time.sleep(0.3)
        began = time.monotonic()
        self.virga.stop()
        self.assertLess(time.monotonic() - began, 40)

    def test_acknowledged_writes_survive_kill_9(self):
        for round_number in range(5):
            done, stop = [], threading.Event()

            def write():
                i = 0
                while not stop.is_set():
                    name = "round%d/r%d" % (round_number, i)
                    try:
                        self.ecr.create(name)
                    except Exception:
                        return
                    done.append(name)
                    i += 1

            thread = threading.Thread(target=write)
            thread.start()
            wait_for(lambda: len(done) >= 20, 30, "20 answered writes")
            self.virga.kill9()
            stop.set()
            thread.join()
            self.virga.start()
            names, token = set(), {}
            while True:
                page = self.ecr.DescribeRepositories(maxResults=1000, **token)
                names |= {r["repositoryName"] for r in page["repositories"]}
                if "nextToken" not in page:
                    break
                token = {"nextToken": page["nextToken"]}
            self.assertEqual([n for n in done if n not in names], [])
        self.virga.stop()

    def test_answered_push_and_delete_survive_kill_9(self):
        kept, gone = image("kept"), image("gone")
        self.registry.push("app", kept, "kept")
        self.registry.push("app", gone, "gone")
        self.ecr.BatchDeleteImage(repositoryName="app", imageIds=[{"imageTag": "gone"}])
        self.ecr.create("dropped")
        self.registry.push("dropped", kept, "v1")
        self.ecr.DeleteRepository(repositoryName="dropped", force=True)
        self.virga.kill9()
        self.virga.start()
        self.assertEqual(self.ecr.image_ids("app"), [("kept", kept.digest)])
        self.registry.check_pull("app", kept, "kept")
        self.assertEqual(self.registry.get_manifest("app", gone.digest).status, 404)
        self.assertEqual([r["repositoryName"] for r in self.ecr.DescribeRepositories()["repositories"]], ["app"])
        self.assertEqual(self.registry.get_manifest("dropped", "v1").status, 404)
        self.virga.stop()

    def test_virga_killed_again_and_again_in_the_middle_of_pushes(self):
        for i in range(6):
            failed = threading.Event()

            def push():
                try:
                    for k in range(100):
                        self.registry.push("app", image("%d %d" % (i, k), layer_size=300000), "t%d" % k)
                except Exception:
                    failed.set()

            thread = threading.Thread(target=push)
            thread.start()
            failed.wait(0.1 + 0.07 * i)
            self.virga.kill9()
            thread.join()
            self.virga.start()
        # A slow machine may have finished no push in any of those moments; one now must work in any case.
        self.registry.push("app", image("last"), "last")
        # Whatever is listed can be pulled.
        ids = self.ecr.image_ids("app")
        self.assertTrue(ids)
        for tag, digest in ids:
            answer = self.registry.get_manifest("app", tag or digest)
            self.assertEqual((answer.status, answer.headers["Docker-Content-Digest"]), (200, digest))
            self.assertEqual(digest_of(answer.body), digest)
        self.assertEqual(self.registry.tags("app"), sorted(t for t, _ in ids if t))
        self.virga.stop()
