# SPDX-License-Identifier: MIT
"""The printed repositoryUri as it stands, hostname and all, with real clients.

The names are put into /etc/hosts of a private mount namespace: nothing of the machine changes.
"""
import base64
import json
import os
import shutil
import subprocess

from ecrcase import EcrCase
from engine import Dockerd
from images import image, write_layout
from skopeo import Skopeo, name_space
from virga import need, wait_for


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

    def test_docker_login_push_and_pull(self):
        need("docker")
        name = self.name()
        uri = self.ecr.create(name)["repositoryUri"]
        host = uri.split("/")[0]
        engine = Dockerd([uri.split(":")[0]])
        self.addCleanup(engine.close)
        token = self.ecr.GetAuthorizationToken()["authorizationData"][0]["authorizationToken"]
        password = base64.b64decode(token).decode().split(":")[1]
        out = engine.docker("login", "--username", "AWS", "--password-stdin", host, input=password)
        self.assertIn("Login Succeeded", out)
        root = os.path.join(self.virga.dir, "rootfs.tar")
        source = os.path.join(self.virga.dir, "content")
        os.mkdir(source)
        with open(os.path.join(source, "motd"), "w") as f:
            f.write("rain\n")
        shutil.make_archive(root[:-4], "tar", source)
        engine.docker("import", root, uri + ":v1")
        engine.docker("push", uri + ":v1")
        (tag, digest), = self.ecr.image_ids(name)
        self.assertEqual(tag, "v1")
        detail = self.ecr.details(name)[digest]
        self.assertEqual(detail["imageManifestMediaType"],
                         "application/vnd.docker.distribution.manifest.v2+json")
        engine.docker("rmi", uri + ":v1")
        out = engine.docker("pull", uri + ":v1")
        self.assertIn(digest, out)
        digests = json.loads(engine.docker("inspect", uri + ":v1"))[0]["RepoDigests"]
        self.assertEqual(digests, [uri + "@" + digest])
        # A second repository takes the layers over without an upload.
        other = self.ecr.create(name + "-2")["repositoryUri"]
        engine.docker("tag", uri + ":v1", other + ":v1")
        self.assertIn("Mounted from", engine.docker("push", other + ":v1"))
        engine.docker("logout", host)
