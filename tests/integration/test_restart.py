# SPDX-License-Identifier: MIT
"""Restarts: with the store, without it, with the registry left running or not, on the same ports."""
import glob
import os
import socket
import time
import unittest

from aws import ApiError, Ecr
from images import image, index
from oci import Registry
from virga import Virga, need, wait_for

KEEP = "floci.services.ecr.keep-running-on-shutdown"
OTHER = ("444444444444", "eu-west-3")


class Restart(unittest.TestCase):
    def setUp(self):
        need("docker-registry")
        self.virga = Virga()
        self.addCleanup(self.virga.cleanup)
        self.virga.start()
        self.ecr = Ecr(self.virga)

    def registry(self, account="000000000000", region="us-east-1"):
        return Registry.hostname(self.ecr.port(), account, region)

    def fill(self):
        """Some of everything: {(account, region, name): {tag or digest: image}}."""
        content = {}
        for account, region, name in (("000000000000", "us-east-1", "app"),
                                      ("000000000000", "us-east-1", "team/blobs/manifests/x"),
                                      (*OTHER, "app")):
            Ecr(self.virga, account, region).create(name)
            registry = self.registry(account, region)
            own = {}
            for tag in ("v1", "v2"):
                own[tag] = image(account + region + name + tag)
                registry.push(name, own[tag], tag)
            own["multi"] = index([image(name + "a"), image(name + "b")])
            registry.push(name, own["multi"], "multi")
            content[account, region, name] = own
        return content

    def assert_content(self, content):
        for (account, region, name), own in content.items():
            registry = self.registry(account, region)
            for tag, pushed in own.items():
                registry.check_pull(name, pushed, tag)
            ids = Ecr(self.virga, account, region).image_ids(name)
            self.assertEqual({t: d for t, d in ids if t}, {t: i.digest for t, i in own.items()})

    def test_store_keeps_everything_and_the_ports_stay(self):
        content = self.fill()
        self.ecr.PutImageTagMutability(repositoryName="app", imageTagMutability="IMMUTABLE")
        self.registry().push("app", image("untagged"))
        repositories = self.ecr.DescribeRepositories()
        details = self.ecr.details("app")
        port = self.ecr.port()
        self.virga.restart()
        self.assertEqual(self.ecr.port(), port)
        self.assertEqual(self.ecr.DescribeRepositories(), repositories)
        self.assertEqual(self.ecr.details("app"), details)
        self.assert_content(content)
        self.virga.stop()

    def test_deleted_things_stay_deleted(self):
        self.fill()
        self.ecr.BatchDeleteImage(repositoryName="app", imageIds=[{"imageTag": "v1"}])
        self.ecr.DeleteRepository(repositoryName="team/blobs/manifests/x", force=True)
        for _ in range(2):
            self.virga.restart()
            self.assertEqual([r["repositoryName"] for r in self.ecr.DescribeRepositories()["repositories"]],
                             ["app"])
            self.assertEqual(self.registry().tags("app"), ["multi", "v2"])
            self.assertEqual(self.registry().get_manifest("team/blobs/manifests/x", "v1").status, 404)
        self.virga.stop()

    def test_lost_store_is_rebuilt_from_the_registry(self):
        content = self.fill()
        gone = image("deleted before")
        self.registry().push("app", gone, "gone")
        self.ecr.BatchDeleteImage(repositoryName="app", imageIds=[{"imageTag": "gone"}])
        self.virga.stop()
        lost = glob.glob(os.path.join(self.virga.data, "virga.db*"))
        self.assertTrue(lost)
        for path in lost:
            os.unlink(path)
        self.virga.start()
        # The first call starts the registry, which brings back what it has.
        self.ecr.DescribeRepositories()
        wait_for(lambda: len(self.ecr.DescribeRepositories()["repositories"]) == 2, what="reconcile")
        self.assert_content(content)
        self.assertNotIn("gone", self.registry().tags("app"))
        detail = self.ecr.details("app")[content["000000000000", "us-east-1", "app"]["v1"].digest]
        one = content["000000000000", "us-east-1", "app"]["v1"]
        self.assertEqual((detail["imageSizeInBytes"], detail["imageManifestMediaType"]),
                         (one.size, one.media_type))
        # The children of the index are protected as before.
        child = content["000000000000", "us-east-1", "app"]["multi"].children[0]
        answer = self.ecr.BatchDeleteImage(repositoryName="app", imageIds=[{"imageDigest": child.digest}])
        self.assertEqual([f["failureCode"] for f in answer["failures"]], ["ImageReferencedByManifestList"])
        self.virga.stop()

    def test_registry_is_started_by_the_first_call_only(self):
        self.assertEqual(self.virga.registry_pids(), [])
        self.ecr.create("app")
        wait_for(self.virga.registry_pids, what="the registry")
        self.virga.stop()

    def test_registry_left_running_is_adopted(self):
        self.virga.restart(**{KEEP: "true"})
        self.ecr.create("app")
        pushed = image("adopt")
        self.registry().push("app", pushed, "v1")
        before = self.virga.registry_pids()
        self.assertEqual(len(before), 1)
        self.virga.stop()
        self.assertEqual(self.virga.registry_pids(), before)
        self.virga.start()
        self.registry().check_pull("app", pushed, "v1")
        self.assertEqual(self.virga.registry_pids(), before)
        # An adopted one is watched too: when it dies, another takes its place.
        os.kill(before[0], 9)
        wait_for(lambda: before[0] not in self.virga.registry_pids(), what="its end")
        try:
            self.registry().check_pull("app", pushed, "v1")
        except (AssertionError, OSError):
            self.registry().check_pull("app", pushed, "v1")
        # And with the setting off the adopted one is stopped.
        now = self.virga.registry_pids()
        self.virga.stop()
        self.assertEqual(self.virga.registry_pids(), now)
        self.virga.settings[KEEP] = "false"
        self.virga.start()
        self.registry().check_pull("app", pushed, "v1")
        self.assertEqual(self.virga.registry_pids(), now)
        self.virga.stop()
        wait_for(lambda: not self.virga.processes(), what="the registry's end")

    def test_registry_left_by_kill_9_is_adopted_or_replaced_but_never_doubled(self):
        for keep in ("true", "false"):
            with self.subTest(keep):
                self.virga.stop()
                self.virga.settings[KEEP] = keep
                self.virga.start()
                name = "keep-" + keep
                self.ecr.create(name)
                pushed = image(name)
                self.registry().push(name, pushed, "v1")
                self.virga.kill9()
                self.virga.settings[KEEP] = "false"
                self.virga.start()
                self.registry().check_pull(name, pushed, "v1")
                wait_for(lambda: len(self.virga.registry_pids()) == 1, what="exactly one registry")
                self.virga.stop()
                wait_for(lambda: not self.virga.processes(), what="the registry's end")
                self.virga.start()
        self.virga.stop()

    def test_gateway_moves_on_when_its_port_is_taken(self):
        self.ecr.create("app")
        port = self.ecr.port()
        self.virga.stop()
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            s.listen()
            self.virga.start()
            self.assertEqual(self.ecr.port(), port + 1)
            self.virga.stop()
        self.virga.start()
        # It stays where it was last, so that printed URIs go on working.
        self.assertEqual(self.ecr.port(), port + 1)
        self.virga.stop()

    def test_second_server_on_the_same_range_takes_the_next_port(self):
        self.ecr.create("app")
        second = Virga(settings={
            "floci.services.ecr.registry-base-port": self.virga.registry_base,
            "floci.services.ecr.registry-max-port": self.virga.registry_base + 9})
        self.addCleanup(second.cleanup)
        second.start()
        other = Ecr(second)
        other.create("app")
        self.assertNotEqual(other.port(), self.ecr.port())
        mine, theirs = image("mine"), image("theirs")
        self.registry().push("app", mine, "v1")
        Registry.hostname(other.port(), "000000000000", "us-east-1").push("app", theirs, "v1")
        self.assertEqual(self.ecr.image_ids("app"), [("v1", mine.digest)])
        self.assertEqual(other.image_ids("app"), [("v1", theirs.digest)])
        second.stop()
        self.registry().check_pull("app", mine, "v1")
        self.virga.stop()

    def test_no_free_registry_port_is_said_and_the_rest_goes_on(self):
        self.virga.stop()
        base = self.virga.registry_base
        held = []
        try:
            for port in (base, base + 1):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
                s.listen()
                held.append(s)
            self.virga.settings["floci.services.ecr.registry-max-port"] = base + 1
            self.virga.start()
            health = self.virga.get_json("/_floci/health")
            self.assertIn(str(base), str(health.get("details")) + self.virga.log())
            self.virga.stop()
        finally:
            for s in held:
                s.close()

    def test_registry_that_cannot_start_is_an_error_that_says_so(self):
        self.virga.stop()
        path = os.path.join(self.virga.dir, "bin")
        os.mkdir(path)
        self.virga.env["PATH"] = path  # no docker-registry here
        self.virga.start()
        began = time.monotonic()
        self.ecr_error = None
        try:
            self.ecr.create("app")
        except ApiError as e:
            self.assertEqual((e.code, e.status), ("ServerException", 500))
        answer = Registry(self.virga.registry_base).send("POST", "/v2/app/blobs/uploads/")
        self.assertIn(answer.status, (404, 500, 502, 503), answer)
        # Never a success that is empty, never a hang.
        self.assertLess(time.monotonic() - began, 60)
        self.assertIn("docker-registry", self.virga.log() + str(self.virga.get_json("/_floci/health")))
        self.virga.stop()


class Memory(unittest.TestCase):
    def test_memory_mode_forgets_the_store_and_finds_the_images_again(self):
        need("docker-registry")
        with Virga(settings={"floci.storage.mode": "memory"}) as virga:
            ecr = Ecr(virga)
            ecr.create("app")
            pushed = image("memory")
            Registry.hostname(ecr.port(), "000000000000", "us-east-1").push("app", pushed, "v1")
            self.assertEqual(ecr.image_ids("app"), [("v1", pushed.digest)])
