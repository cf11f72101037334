# SPDX-License-Identifier: MIT
"""The registry in a container: on a real dockerd, on podman's service, and on a fake engine for what neither can be
made to answer."""
import base64
import json
import os
import threading
import time
import unittest

from aws import ACCOUNT, REGION, ApiError, Ecr
from engine import Dockerd, FakeEngine, Podman, registry_image, virga_image
from images import image
from oci import Registry
from virga import Virga, free_ports, need, wait_for

NAME = "floci-ecr-registry"
BACKEND = "floci.services.ecr.registry-backend"
KEEP = "floci.services.ecr.keep-running-on-shutdown"
HOST = "000000000000.dkr.ecr.us-east-1.localhost"


def registry_at(port):
    return Registry.hostname(port, ACCOUNT, REGION)


def begin_upload(registry, repo):
    return registry.send("POST", registry.url(repo, "blobs/uploads/"))


class EngineCase(unittest.TestCase):
    """Tests share an engine that has the image; each has a virga and a container name of its own."""
    engine = None

    @classmethod
    def make_engine(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        need("docker-registry")
        cls.engine = cls.make_engine()
        try:
            cls.engine.load(registry_image(cls.engine.dir))
        except BaseException:
            cls.engine.close()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            left = cls.engine.containers()
            volumes = cls.engine.volumes()
        finally:
            cls.engine.close()
        assert not left, "containers left: %s" % left
        assert not volumes, "volumes left: %s" % volumes

    def setUp(self):
        self.container = NAME + "-" + self.id().rsplit(".", 1)[1][-40:].replace("_", "-")
        self.virga = self.make_virga()

    def make_virga(self, **settings):
        virga = Virga(settings={BACKEND: "docker", "floci.services.ecr.registry-container-name": self.container,
                                **settings}, env={"DOCKER_HOST": self.engine.host})
        self.addCleanup(virga.cleanup)
        self.addCleanup(self.engine.remove, self.container)
        return virga

    def start(self):
        self.virga.start()
        self.ecr = Ecr(self.virga)
        return self.virga

    def registry(self):
        return registry_at(self.ecr.port())

    def push(self, name="app", tag="v1", text="rain"):
        self.registry().push(name, image(text), tag)
        return image(text)

    def assert_pullable(self, pushed, name="app", tag="v1"):
        self.registry().check_pull(name, pushed, tag)


class OnEngine:
    """What holds on every engine."""

    def test_pushed_images_survive_restarts_with_and_without_the_container(self):
        self.virga.settings[KEEP] = "true"
        self.start()
        self.ecr.create("app")
        pushed = self.push()
        first = self.engine.inspect(self.container)["Id"]
        self.virga.stop()
        self.assertEqual(self.engine.containers()[self.container]["State"], "running")
        self.start()
        self.assert_pullable(pushed)
        self.assertEqual(self.engine.inspect(self.container)["Id"], first)
        self.assertIn("registry adopted in container", self.virga.log())
        self.virga.restart(**{KEEP: "false"})
        self.ecr = Ecr(self.virga)
        self.assert_pullable(pushed)
        self.virga.stop()
        self.assertNotIn(self.container, self.engine.containers())
        self.start()
        self.assert_pullable(pushed)
        self.virga.stop()

    def test_gc_frees_the_bytes_and_leaves_the_rest(self):
        self.start()
        self.ecr.create("app")
        gone, kept = self.push(text="gone"), self.push(tag="v2", text="kept")
        self.ecr.BatchDeleteImage(repositoryName="app", imageIds=[{"imageTag": "v1"}])
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc")
        self.assertEqual(status, 200, body)
        report = json.loads(body)
        self.assertLessEqual(set(gone.blobs) | {gone.digest}, set(report["reclaimedBlobs"]))
        self.assertGreaterEqual(report["reclaimedBytes"], sum(len(b) for b in gone.blobs.values()))
        self.assert_pullable(kept, tag="v2")
        self.assert_pullable(self.push(text="gone"))
        self.virga.stop()

    def test_a_deleted_repository_does_not_come_back(self):
        self.start()
        for name in ("app", "app/nested"):
            self.ecr.create(name)
            self.push(name)
        self.ecr.DeleteRepository(repositoryName="app", force=True)
        self.assertEqual(self.registry().get_manifest("app", "v1").status, 404)
        self.ecr.create("app")
        self.assertEqual(self.registry().tags("app"), [])
        self.assert_pullable(image("rain"), "app/nested")
        self.virga.stop()


class OnDockerd(OnEngine, EngineCase):
    @classmethod
    def make_engine(cls):
        return Dockerd([HOST])

    def test_stock_docker_logs_in_pushes_and_pulls_by_the_printed_uri(self):
        need("docker")
        self.start()
        uri = self.ecr.create("floci-it/app")["repositoryUri"]
        token = self.ecr.GetAuthorizationToken()["authorizationData"][0]["authorizationToken"]
        self.assertIn("Login Succeeded", self.engine.docker(
            "login", "--username", "AWS", "--password-stdin", uri.split("/")[0],
            input=base64.b64decode(token).decode().split(":")[1]))
        self.engine.docker("tag", "registry:2", uri + ":v1")
        self.engine.docker("push", uri + ":v1")
        (tag, digest), = self.ecr.image_ids("floci-it/app")
        self.assertEqual(tag, "v1")
        self.engine.docker("rmi", uri + ":v1")
        self.assertIn(digest, self.engine.docker("pull", uri + ":v1"))
        self.engine.docker("rmi", uri + ":v1")
        self.virga.stop()

    def test_the_container_is_as_promised(self):
        self.virga.settings[KEEP] = "true"
        self.start()
        self.ecr.create("app")
        self.push()
        found = self.engine.inspect(self.container)
        host = found["HostConfig"]
        self.assertEqual(found["Config"]["Image"], "registry:2")
        self.assertEqual(found["Config"]["Labels"]["io.virga.ecr.data-path"], self.virga.data + "/ecr")
        self.assertEqual(host["RestartPolicy"]["Name"], "unless-stopped")
        self.assertEqual(host["LogConfig"], {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}})
        self.assertEqual(host["Binds"], [self.virga.data + "/ecr/registry:/var/lib/registry"])
        binding, = found["NetworkSettings"]["Ports"]["5000/tcp"]
        self.assertEqual(binding["HostIp"], "127.0.0.1")
        self.assertTrue(os.path.isdir(self.virga.data + "/ecr/registry/docker"))
        self.virga.stop()

    def test_other_settings_replace_the_container_and_keep_its_data(self):
        self.virga.settings[KEEP] = "true"
        self.start()
        self.ecr.create("app")
        pushed = self.push()
        first = self.engine.inspect(self.container)["Id"]
        self.engine.api("POST", "/images/registry:2/tag?repo=registry&tag=other")
        self.virga.restart(**{"floci.services.ecr.registry-image": "registry:other"})
        self.ecr = Ecr(self.virga)
        self.assert_pullable(pushed)
        found = self.engine.inspect(self.container)
        self.assertNotEqual(found["Id"], first)
        self.assertEqual(found["Config"]["Image"], "registry:other")
        self.virga.stop()

    def test_a_container_of_somebody_else_is_left_alone(self):
        status, made = self.engine.api("POST", "/containers/create?name=" + self.container, {"Image": "registry:2"})
        self.assertEqual(status, 201, made)
        self.start()
        self.ecr.create("app")
        answer = begin_upload(self.registry(), "app")
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("was not made by virga", answer.error[1])
        self.assertEqual(self.engine.inspect(self.container)["Id"], made["Id"])
        self.virga.stop()

    def test_the_container_of_another_virga_that_runs_is_left_alone(self):
        self.start()
        self.ecr.create("app")
        pushed = self.push()
        other = self.make_virga()
        other.start()
        ecr = Ecr(other)
        ecr.create("app")
        answer = begin_upload(registry_at(ecr.port()), "app")
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("belongs to another virga that runs", answer.error[1])
        other.stop()
        self.assert_pullable(pushed)
        self.virga.stop()

    def test_an_image_that_cannot_be_had_is_told_in_the_engines_words_and_tried_again(self):
        self.virga.settings["floci.services.ecr.registry-image"] = "127.0.0.1:1/nowhere:1"
        self.start()
        self.ecr.create("app")
        answer = begin_upload(self.registry(), "app")
        self.assertEqual(answer.status, 503, answer)
        self.assertRegex(answer.error[1], "image 127.0.0.1:1/nowhere:1 cannot be pulled: .*connection refused")
        self.assertNotIn(self.container, self.engine.containers())
        self.engine.api("POST", "/images/registry:2/tag?repo=127.0.0.1:1/nowhere&tag=1")
        self.assert_pullable(self.push())
        self.engine.api("DELETE", "/images/127.0.0.1:1/nowhere:1")
        self.virga.stop()

    def test_auto_takes_the_engine_and_says_so(self):
        self.virga.settings[BACKEND] = "auto"
        self.start()
        self.ecr.create("app")
        self.push()
        self.assertIn(self.container, self.engine.containers())
        detail = self.virga.get_json("/_floci/health")["details"]["ecr"]
        self.assertIn("registry backend: docker", detail)
        self.virga.stop()

    def test_auto_without_the_image_runs_a_process_and_says_why(self):
        self.virga.settings[BACKEND] = "auto"
        self.virga.settings["floci.services.ecr.registry-image"] = "127.0.0.1:1/nowhere:1"
        self.start()
        self.ecr.create("app")
        self.assert_pullable(self.push())
        self.assertNotIn(self.container, self.engine.containers())
        self.assertEqual(len(self.virga.registry_pids()), 1)
        detail = self.virga.get_json("/_floci/health")["details"]["ecr"]
        self.assertRegex(detail, "registry backend: process .*cannot be pulled")
        self.virga.stop()

    def test_first_calls_at_once_make_one_container(self):
        self.start()
        names = ["app-%d" % i for i in range(8)]
        for name in names:
            self.ecr.create(name)
        answers = []
        port = self.ecr.port()
        threads = [threading.Thread(target=lambda n=n: answers.append(begin_upload(registry_at(port), n).status))
                   for n in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [202] * 8)
        self.assertEqual(self.virga.log().count("registry started in container"), 1)
        self.virga.stop()

    def test_a_killed_container_is_started_again(self):
        self.start()
        self.ecr.create("app")
        pushed = self.push()
        self.engine.api("POST", "/containers/%s/stop?t=0" % self.container)
        self.assert_pullable(pushed)
        self.engine.remove(self.container)
        self.assert_pullable(pushed)
        self.virga.stop()

    def test_kill9_leaves_a_container_that_the_next_run_adopts(self):
        self.start()
        self.ecr.create("app")
        pushed = self.push()
        first = self.engine.inspect(self.container)["Id"]
        self.virga.kill9()
        self.start()
        self.assert_pullable(pushed)
        self.assertEqual(self.engine.inspect(self.container)["Id"], first)
        self.virga.stop()
        self.assertNotIn(self.container, self.engine.containers())

    def test_a_lost_store_is_filled_again_from_the_registry(self):
        self.virga.settings[KEEP] = "true"
        self.start()
        self.ecr.create("app")
        pushed = self.push()
        untagged = image("untagged")
        self.registry().push("app", untagged)
        self.virga.stop()
        for name in os.listdir(self.virga.data):
            if name.startswith("virga.db"):
                os.unlink(os.path.join(self.virga.data, name))
        self.virga.settings[KEEP] = "false"
        self.start()
        self.assert_pullable(pushed)
        self.assertEqual(sorted(d for _, d in self.ecr.image_ids("app")), sorted([pushed.digest, untagged.digest]))
        self.virga.stop()

    def test_a_reset_empties_the_registry(self):
        self.start()
        self.ecr.create("app")
        self.push()
        status, _, body = self.virga.http("POST", "/_floci/state/reset")
        self.assertEqual(status, 200, body)
        self.ecr.create("app")
        self.assertEqual(self.registry().tags("app"), [])
        self.assertFalse(os.path.exists(self.virga.data + "/ecr/registry/docker/registry/v2/repositories/000000000000"))
        self.virga.stop()

    def test_a_network_of_the_engine_is_joined(self):
        status, made = self.engine.api("POST", "/networks/create", {"Name": "virga-test-net"})
        if status != 201:
            self.skipTest("a network cannot be made on this engine: %s" % made)
        self.addCleanup(self.engine.api, "DELETE", "/networks/virga-test-net")
        self.virga.settings["floci.services.ecr.docker-network"] = "virga-test-net"
        self.start()
        self.ecr.create("app")
        self.assert_pullable(self.push())
        self.assertIn("virga-test-net", self.engine.inspect(self.container)["NetworkSettings"]["Networks"])
        self.virga.stop()


class EngineLost(EngineCase):
    """Alone with its dockerd, which it stops."""

    @classmethod
    def make_engine(cls):
        return Dockerd()

    def test_the_control_plane_goes_on_without_the_engine_and_the_rest_recovers(self):
        self.start()
        self.ecr.create("app")
        pushed = self.push()
        self.engine.end()
        began = time.monotonic()
        answer = begin_upload(self.registry(), "app")
        took = time.monotonic() - began
        self.assertEqual(answer.status, 503, answer)
        self.assertRegex(answer.error[1], "engine.sock")
        self.assertLess(took, 10)
        self.ecr.create("other")
        self.assertEqual([t for t, _ in self.ecr.image_ids("app")], ["v1"])
        self.engine.start()
        self.assert_pullable(pushed)
        self.virga.stop()


class VirgaInContainer(EngineCase):
    """The page's compose file: the engine's socket mounted, no registry port published."""

    @classmethod
    def make_engine(cls):
        return Dockerd()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.engine.load(virga_image(cls.engine.dir))
        except BaseException:
            cls.engine.close()
            raise

    def setUp(self):
        self.container = NAME
        self.ports = free_ports(2)

    def run_virga(self, publish_registry=False, env=(), binds=()):
        bindings = {"4566/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self.ports)}]}
        registry = "%d/tcp" % (self.ports + 1)
        if publish_registry:
            bindings[registry] = [{"HostIp": "127.0.0.1", "HostPort": str(self.ports + 1)}]
        status, made = self.engine.api("POST", "/containers/create?name=floci", {
            "Image": "floci/floci:latest",
            "Env": ["FLOCI_SERVICES_ECR_REGISTRY_BASE_PORT=%d" % (self.ports + 1),
                    "FLOCI_SERVICES_ECR_REGISTRY_MAX_PORT=%d" % (self.ports + 1), *env],
            "ExposedPorts": {key: {} for key in bindings},
            "HostConfig": {"PortBindings": bindings, "Binds": [self.engine.socket + ":/var/run/docker.sock", *binds]}})
        self.assertEqual(status, 201, made)
        self.addCleanup(self.engine.api, "DELETE", "/volumes/%s-data" % NAME)
        for name in (NAME + "-forward", NAME, "floci"):
            self.addCleanup(self.engine.remove, name)
        status, answer = self.engine.api("POST", "/containers/floci/start")
        self.assertEqual(status, 204, answer)

        class Endpoint:
            port = self.ports
        self.ecr = Ecr(Endpoint)

        def up():
            try:
                return self.ecr.DescribeRepositories() is not None
            except (OSError, ApiError):
                return False
        wait_for(up, 30, "virga in its container")

    def said(self):
        _, log = self.engine.api("GET", "/containers/floci/logs?stdout=1&stderr=1")
        return log.decode("utf-8", "replace") if isinstance(log, bytes) else str(log)

    def push_and_pull(self):
        self.ecr.create("app")
        registry = registry_at(self.ports + 1)
        wait_for(lambda: self.reaches(registry), 40, "the registry's port on the engine's machine")
        registry.push("app", image("rain"), "v1")
        registry.check_pull("app", image("rain"), "v1")
        self.assertEqual([t for t, _ in self.ecr.image_ids("app")], ["v1"])

    def reaches(self, registry):
        try:
            return registry.send("GET", "/v2/").status == 200
        except OSError:
            return False

    def test_the_engines_machine_reaches_the_registry_that_nobody_published(self):
        self.run_virga()
        self.push_and_pull()
        self.assertIn(NAME + "-forward", self.engine.containers(), self.said())
        self.assertIn(NAME + "-data", self.engine.volumes())
        self.engine.api("POST", "/containers/floci/stop?t=20")
        self.assertEqual(set(self.engine.containers()), {"floci", NAME})
        # It does not hold the network that docker compose made and wants to remove.
        self.assertEqual(self.engine.inspect(NAME)["NetworkSettings"]["Networks"], {})
        self.engine.api("POST", "/containers/floci/start")
        registry = registry_at(self.ports + 1)
        self.ask_until_up()
        wait_for(lambda: self.reaches(registry), 40, "the registry's port after a restart")
        registry.check_pull("app", image("rain"), "v1")

    def ask_until_up(self):
        def up():
            try:
                return self.ecr.image_ids("app")
            except (OSError, ApiError):
                return False
        return wait_for(up, 30, "virga after a restart")

    def test_a_port_that_the_user_published_needs_no_other_container(self):
        self.run_virga(publish_registry=True)
        self.push_and_pull()
        self.assertNotIn(NAME + "-forward", self.engine.containers())

    def test_a_mounted_folder_holds_the_registrys_storage(self):
        folder = os.path.join(self.engine.dir, "floci-data")
        os.mkdir(folder)
        self.run_virga(binds=[folder + ":/app/data"])
        self.push_and_pull()
        self.assertTrue(os.path.isdir(os.path.join(folder, "ecr/registry/docker")), self.said())
        self.assertNotIn(NAME + "-data", self.engine.volumes())


class OnPodman(OnEngine, EngineCase):
    @classmethod
    def make_engine(cls):
        return Podman()


class OnFakeEngine(unittest.TestCase):
    """What a real engine cannot be made to answer here."""

    def setUp(self):
        self.virga = Virga(settings={BACKEND: "docker"})
        self.addCleanup(self.virga.cleanup)
        self.socket = os.path.join(self.virga.dir, "engine.sock")
        self.virga.env["DOCKER_HOST"] = "unix://" + self.socket

    def run_with(self, *answers):
        engine = FakeEngine(self.socket, [("GET", "/version", (200, {"Version": "1"})), *answers])
        self.addCleanup(engine.close)
        self.virga.start()
        ecr = Ecr(self.virga)
        ecr.create("app")
        answer = begin_upload(registry_at(ecr.port()), "app")
        self.assertEqual(answer.status, 503, answer)
        self.virga.stop()
        return engine, answer.error[1]

    def test_progress_of_a_pull_is_logged_and_its_failure_told(self):
        def slowly(_body):
            return 200, [
                {"status": "Pulling from library/registry", "id": "2"},
                {"status": "Pulling fs layer", "progressDetail": {}, "id": "aaaaaaaaaaaa"},
                {"status": "Downloading", "progressDetail": {"current": 500000, "total": 1000000}, "id": "aaaaaaaaaaaa"},
                {"status": "Pull complete", "progressDetail": {}, "id": "aaaaaaaaaaaa"},
                {"errorDetail": {"message": "unexpected EOF"}, "error": "unexpected EOF"}]

        engine, reason = self.run_with(("GET", "/containers/", (404, {"message": "No such container"})),
                                       ("GET", "/images/", (404, {"message": "No such image"})),
                                       ("POST", "/images/create", slowly))
        self.assertIn("image registry:2 cannot be pulled: unexpected EOF", reason)
        self.assertIn("pulling registry:2", self.virga.log())
        self.assertIn(("POST", "/v1.40/images/create?fromImage=registry&tag=2"), [s[:2] for s in engine.seen])

    def test_a_rate_limit_is_told_in_the_engines_words(self):
        words = "toomanyrequests: You have reached your pull rate limit."
        _, reason = self.run_with(("GET", "/containers/", (404, {"message": "No such container"})),
                                  ("GET", "/images/", (404, {"message": "No such image"})),
                                  ("POST", "/images/create", (429, {"message": words})))
        self.assertIn(words, reason)

    def test_a_folder_that_cannot_be_shared_becomes_a_volume(self):
        made = []

        def create(body):
            made.append(json.loads(body))
            return 201, {"Id": "c%d" % len(made)}

        def start(_body):
            if len(made) == 1:
                return 500, {"message": "Mounts denied: The path /x is not shared from the host"}
            return 500, {"message": "no more today"}

        engine, reason = self.run_with(("GET", "/containers/", (404, {"message": "No such container"})),
                                       ("GET", "/images/", (200, {"Id": "i"})),
                                       ("POST", "/containers/create", create), ("POST", "/start", start),
                                       ("DELETE", "/containers/", (204, b"")))
        self.assertEqual(made[0]["HostConfig"]["Binds"], [self.virga.data + "/ecr/registry:/var/lib/registry"])
        self.assertEqual(made[1]["HostConfig"]["Binds"], [NAME + "-data:/var/lib/registry"])
        self.assertIn("no more today", reason)
        # Neither of the two is left. (A slow machine may see the next try begin.)
        removed = [s[1] for s in engine.seen if s[0] == "DELETE"]
        self.assertEqual([r.split("/")[3].split("?")[0] for r in removed][:2], ["c1", "c2"])

    def test_a_registry_that_ends_is_told_with_its_last_words(self):
        words = b"configuration error: no such driver\n"
        frame = bytes([2, 0, 0, 0]) + len(words).to_bytes(4, "big") + words
        inspection = {"Id": "c1", "State": {"Running": False, "Error": ""}, "Config": {"Labels": {}},
                      "NetworkSettings": {"Ports": {}}}
        _, reason = self.run_with(("GET", "/logs", (200, frame)), ("GET", "/containers/c1/json", (200, inspection)),
                                  ("GET", "/containers/", (404, {"message": "No such container"})),
                                  ("GET", "/images/", (200, {"Id": "i"})),
                                  ("POST", "/containers/create", (201, {"Id": "c1"})), ("POST", "/start", (204, b"")),
                                  ("DELETE", "/containers/", (204, b"")))
        self.assertIn("the registry's container ended: configuration error: no such driver", reason)

    def test_addresses_that_cannot_be_used_are_explained(self):
        for address, words in (("ssh://me@there", "no address of an engine that can be used"),
                               ("unix:///nowhere.sock", "unix:///nowhere.sock: No such file or directory")):
            self.virga.env["DOCKER_HOST"] = address
            self.virga.start()
            ecr = Ecr(self.virga)
            try:
                ecr.create("app")
            except ApiError:
                pass
            answer = begin_upload(registry_at(ecr.port()), "app")
            self.assertEqual(answer.status, 503, answer)
            self.assertRegex(answer.error[1], words)
            self.virga.stop()


if __name__ == "__main__":
    unittest.main()
