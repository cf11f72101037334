# SPDX-License-Identifier: MIT
"""The printed repositoryUri as it stands, hostname and all, with real clients.

The names are put into /etc/hosts of a private mount namespace: nothing of the machine changes.
"""
import base64
import json
import os
import shutil
import subprocess
import time

from ecrcase import EcrCase
from images import image, write_layout
from skopeo import Skopeo, name_space
from virga import clean_env, need, wait_for


class Hostname(EcrCase):
    def test_skopeo_pushes_and_pulls_by_the_printed_uri(self):
        need("skopeo")
        name = self.name()
        uri = self.ecr.create(name)["repositoryUri"]
        wrap = name_space(self.virga.dir, [uri.split(":")[0]])
        skopeo = Skopeo(self.virga.dir, wrap)
        pushed = image(name)
        skopeo.push(write_layout(os.path.join(self.virga.dir, name), pushed), uri + ":v1")
        self.assertEqual(skopeo.inspect(uri + ":v1")["Digest"], pushed.digest)
        self.assertEqual(self.ecr.image_ids(name), [("v1", pushed.digest)])
        skopeo.pull(uri + ":v1", "dir:" + os.path.join(self.virga.dir, "back"))

    def test_unresolvable_names_are_told_at_start_with_the_remedies(self):
        probe = subprocess.run(["getent", "hosts", "000000000000.dkr.ecr.us-east-1.localhost"],
                               stdout=subprocess.PIPE)
        log = self.virga.log() + self.virga.ready_line
        if probe.returncode == 0:
            self.assertNotIn("libnss-myhostname", log)
        else:
            wait_for(lambda: "libnss-myhostname" in self.virga.log(), what="the remedy in the log")
            self.assertIn("uri-style", self.virga.log())


class Docker(EcrCase):
    """Stock docker: login, push and pull by the printed URI, against a private dockerd."""

    def start_dockerd(self, wrap):
        need("dockerd", "docker")
        if os.geteuid() != 0:
            self.skipTest("dockerd needs root")
        directory = os.path.join(self.virga.dir, "dockerd")
        os.mkdir(directory)
        socket = os.path.join(directory, "docker.sock")
        log = open(os.path.join(directory, "log"), "wb")
        self.addCleanup(log.close)
        # No bridge and no iptables: nothing of the machine's network is touched.
        daemon = subprocess.Popen(
            [*wrap, "dockerd", "--host", "unix://" + socket, "--data-root", directory + "/data",
             "--exec-root", directory + "/exec", "--pidfile", directory + "/pid", "--bridge", "none",
             "--iptables=false", "--storage-driver", "vfs"],
            env=clean_env(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

        def end():
            daemon.terminate()
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

        self.addCleanup(end)
        self.docker_env = clean_env({"DOCKER_HOST": "unix://" + socket, "HOME": directory,
                                     "DOCKER_CONFIG": directory + "/config"})
        end_time = time.monotonic() + 30
        while True:
            done = subprocess.run(["docker", "version"], env=self.docker_env, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
            if done.returncode == 0:
                return
            if daemon.poll() is not None or time.monotonic() > end_time:
                with open(os.path.join(directory, "log")) as f:
                    self.skipTest("dockerd does not start here: " + f.read()[-300:].replace("\n", " "))
            time.sleep(0.2)

    def docker(self, *args, **more):
        done = subprocess.run(["docker", *args], env=self.docker_env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, **more)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_docker_login_push_and_pull(self):
        need("dockerd", "docker")
        name = self.name()
        uri = self.ecr.create(name)["repositoryUri"]
        host = uri.split("/")[0]
        self.start_dockerd(name_space(self.virga.dir, [uri.split(":")[0]]))
        token = self.ecr.GetAuthorizationToken()["authorizationData"][0]["authorizationToken"]
        password = base64.b64decode(token).decode().split(":")[1]
        out = self.docker("login", "--username", "AWS", "--password-stdin", host, input=password)
        self.assertIn("Login Succeeded", out)
        root = os.path.join(self.virga.dir, "rootfs.tar")
        source = os.path.join(self.virga.dir, "content")
        os.mkdir(source)
        with open(os.path.join(source, "motd"), "w") as f:
            f.write("rain\n")
        shutil.make_archive(root[:-4], "tar", source)
        self.docker("import", root, uri + ":v1")
        self.docker("push", uri + ":v1")
        (tag, digest), = self.ecr.image_ids(name)
        self.assertEqual(tag, "v1")
        detail = self.ecr.details(name)[digest]
        self.assertEqual(detail["imageManifestMediaType"],
                         "application/vnd.docker.distribution.manifest.v2+json")
        self.docker("rmi", uri + ":v1")
        out = self.docker("pull", uri + ":v1")
        self.assertIn(digest, out)
        digests = json.loads(self.docker("inspect", uri + ":v1"))[0]["RepoDigests"]
        self.assertEqual(digests, [uri + "@" + digest])
        # A second repository takes the layers over without an upload.
        other = self.ecr.create(name + "-2")["repositoryUri"]
        self.docker("tag", uri + ":v1", other + ":v1")
        self.assertIn("Mounted from", self.docker("push", other + ":v1"))
        self.docker("logout", host)
