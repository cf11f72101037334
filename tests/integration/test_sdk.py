# SPDX-License-Identifier: MIT
"""The AWS SDK for JavaScript v3 against the real binary (sdk.mjs); each of its checks is a test here."""
import json
import os
import shutil
import subprocess
import unittest

from ecrcase import EcrCase
from images import image
from virga import clean_env, need

HERE = os.path.dirname(os.path.abspath(__file__))


class Sdk(EcrCase):
    @classmethod
    def setUpClass(cls):
        need("node")
        if not os.path.isdir(os.path.join(HERE, "node_modules", "@aws-sdk", "client-ecr")):
            raise unittest.SkipTest("the SDK is not installed: npm ci in tests/integration")
        super().setUpClass()
        cls.results = None

    def results_of(self):
        """Runs the script once; {check: "ok" or what went wrong}."""
        cls = type(self)
        if cls.results is None:
            self.ecr.create("sdk/pushed")
            pushed = image("pushed for the SDK")
            self.registry().push("sdk/pushed", pushed, "v1")
            self.registry().push("sdk/pushed", image("a second one"), "v2")
            done = subprocess.run(
                [shutil.which("node"), os.path.join(HERE, "sdk.mjs"), self.virga.endpoint, pushed.digest,
                 str(self.virga.registry_base)],
                env=clean_env({"HOME": self.virga.dir}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, timeout=240)
            try:
                cls.results = json.loads(done.stdout)
            except ValueError:
                cls.results = {}
                self.fail("exit %d: %s%s" % (done.returncode, done.stdout, done.stderr))
        return cls.results


def add_check(name):
    def check(self):
        self.assertEqual(self.results_of().get(name), "ok")
    setattr(Sdk, "test_" + name, check)


for check_name in ("create_and_describe", "authorization_token", "list_and_describe_images", "batch_get_image",
                   "paginators", "absent_image_is_its_own_class", "error_classes", "tags_and_policies", "scanning",
                   "signing", "delete"):
    add_check(check_name)
