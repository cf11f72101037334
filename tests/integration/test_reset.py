# SPDX-License-Identifier: MIT
"""POST /_floci/state/reset with ECR: nothing of before comes back, whatever happens next."""
import json
import os

from ecrcase import EcrCase
from images import image
from virga import wait_for


class Reset(EcrCase):
    # A registry that outlives virga is the harder case: it must not bring anything back.
    settings = {"floci.services.ecr.keep-running-on-shutdown": "true"}

    def reset(self):
        status, _, body = self.virga.http("POST", "/_floci/state/reset")
        self.assertEqual((status, json.loads(body)), (200, {"status": "ok"}))

    def repositories(self):
        return [r["repositoryName"] for r in self.ecr.DescribeRepositories()["repositories"]]

    def stored_bytes(self):
        return sum(os.path.getsize(os.path.join(folder, name))
                   for folder, _, names in os.walk(os.path.join(self.virga.data, "ecr"))
                   for name in names if name == "data")

    def test_repositories_and_images_are_gone_and_stay_so(self):
        name, registry = self.repository()
        pushed = image("reset", layer_size=1 << 20)
        registry.push(name, pushed, "v1")
        port = self.ecr.port()
        self.reset()
        self.assertEqual(self.repositories(), [])
        self.assertEqual(self.ecr.port(), port)
        # The registry starts, and learns what its storage has: nothing.
        self.ecr.create(name)
        self.assertEqual(self.ecr.image_ids(name), [])
        self.assertEqual(self.registry().get_manifest(name, "v1").status, 404)
        self.assertEqual(self.registry().get_manifest(name, pushed.digest).status, 404)
        self.registry().push(name, image("after"), "v1")
        self.registry().check_pull(name, image("after"), "v1")
        wait_for(lambda: self.stored_bytes() < 1 << 20, what="the old bytes to be removed")

    def test_nothing_comes_back_after_a_restart(self):
        name, registry = self.repository()
        registry.push(name, image("restart"), "v1")
        self.reset()
        self.virga.stop()
        self.virga.start()
        self.assertEqual(self.repositories(), [])
        self.ecr.create(name)
        self.assertEqual(self.ecr.image_ids(name), [])

    def test_an_image_can_be_pushed_again_with_the_same_bytes(self):
        name, registry = self.repository()
        pushed = image("again")
        registry.push(name, pushed, "v1")
        for _ in range(3):
            self.reset()
            self.ecr.create(name)
            self.registry().push(name, pushed, "v1")
            self.registry().check_pull(name, pushed, "v1")
