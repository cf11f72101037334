# SPDX-License-Identifier: MIT
"""A layer of 1 GiB goes through in memory that does not depend on its size."""
import hashlib
import os
import shutil

from ecrcase import EcrCase
from images import write_big_layout
from skopeo import Skopeo
from virga import need, sanitized

LAYER_MIB = 64 if sanitized() else 1024
GROWTH_LIMIT = 16 << 20


class BigLayer(EcrCase):
    run_once = None

    def figures(self):
        """Pushes and pulls the layer, once; memory before, after the push and after the pull."""
        cls = type(self)
        if cls.run_once is not None:
            return cls.run_once
        need("skopeo")
        name, registry = self.repository()
        room = shutil.disk_usage(self.virga.dir).free >> 20
        if room < 4 * LAYER_MIB:
            self.skipTest("%d MiB of disk are free, %d are needed" % (room, 4 * LAYER_MIB))
        source, layer = write_big_layout(os.path.join(self.virga.dir, "big"), LAYER_MIB)
        skopeo = Skopeo(self.virga.dir)
        target = "localhost:%d/000000000000/us-east-1/%s:big" % (registry.port, name)
        registry.send("GET", "/v2/")
        before = self.virga.memory_peak()
        skopeo.push(source, target)
        shutil.rmtree(os.path.join(self.virga.dir, "big"))
        pushed = self.virga.memory_peak()
        pulled = os.path.join(self.virga.dir, "pulled")
        skopeo.pull(target, "dir:" + pulled)
        after = self.virga.memory_peak()
        digest = hashlib.sha256()
        with open(os.path.join(pulled, layer.split(":")[1]), "rb") as f:
            for block in iter(lambda: f.read(1 << 20), b""):
                digest.update(block)
        shutil.rmtree(pulled)
        self.assertEqual("sha256:" + digest.hexdigest(), layer)
        self.assertGreater(self.ecr.DescribeImages(repositoryName=name)["imageDetails"][0]["imageSizeInBytes"],
                           LAYER_MIB << 20)
        print("\nlayer of %d MiB: memory %.1f MiB before, %.1f after push, %.1f after pull"
              % (LAYER_MIB, before / 2**20, pushed / 2**20, after / 2**20))
        cls.run_once = before, pushed, after
        return cls.run_once

    def test_big_layer_is_pushed_and_pulled_intact(self):
        self.figures()

    def test_memory_does_not_grow_with_the_layer(self):
        if sanitized():
            self.skipTest("memory is not judged under a sanitizer")
        before, _, after = self.figures()
        self.assertLess(after - before, GROWTH_LIMIT)
