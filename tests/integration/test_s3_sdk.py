# SPDX-License-Identifier: MIT
"""S3 through the AWS SDK for JavaScript v3 (s3.mjs); each of its checks is a test here."""
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from virga import Virga, clean_env, need  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


class S3Sdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("node")
        if not os.path.isdir(os.path.join(HERE, "node_modules", "@aws-sdk", "client-s3")):
            raise unittest.SkipTest("the SDK is not installed: npm ci in tests/integration")
        cls.virga = Virga(settings={"floci.services.ecr.enabled": "false"})
        cls.addClassCleanup(cls.virga.cleanup)
        cls.virga.start()
        done = subprocess.run(
            [shutil.which("node"), os.path.join(HERE, "s3.mjs"), cls.virga.endpoint],
            env=clean_env({"HOME": cls.virga.dir}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=240)
        try:
            cls.results = json.loads(done.stdout)
        except ValueError:
            raise AssertionError("exit %d: %s%s" % (done.returncode, done.stdout, done.stderr))

    def test_no_sanitizer_report(self):
        self.virga.check_log()


def add_check(name):
    def check(self):
        self.assertEqual(self.results.get(name), "ok")
    setattr(S3Sdk, "test_" + name, check)


for check_name in ("buckets", "put_and_get", "streamed_with_a_trailing_checksum", "wrong_checksums_are_refused",
                   "multipart_by_lib_storage", "multipart_checksums", "multipart_errors", "presigned", "virtual_hosts",
                   "conditions", "copies", "acls_and_tags", "lists_and_deletes", "settings"):
    add_check(check_name)
