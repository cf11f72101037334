# SPDX-License-Identifier: MIT
"""The docker executor's table (tests/unit/lambda/test_docker_engine.c) on a real dockerd and on podman's service."""
import gzip
import os
import subprocess
import unittest

from engine import Dockerd, ImageArchive, Podman
from images import digest_of, image
from upstream import Upstream
from virga import BUILD, clean_env, need

PROGRAM = os.path.join(BUILD, "bin", "lambda_test_docker_engine")


def image_to_run():
    archive = ImageArchive()
    archive.busybox()
    archive.folder("/tmp", 0o1777)
    archive.data("/etc/passwd", b"root:x:0:0::/:/bin/sh\n")
    archive.data("/noexec", b"#!/bin/sh\n", 0o644)
    archive.data("/badformat", b"neither a program nor a script", 0o755)
    archive.data("/nointerpreter", b"#!/no/such/program\n", 0o755)
    archive.tar.close()
    raw = archive.raw.getvalue()
    return image("lambda docker", layers=[(gzip.compress(raw, 1, mtime=0), digest_of(raw))])


class ExecutorCase:
    @classmethod
    def setUpClass(cls):
        need("docker-registry", "busybox")
        if not os.path.exists(PROGRAM):
            raise unittest.SkipTest("%s is not built" % PROGRAM)
        cls.upstream = Upstream()
        try:
            cls.engine = cls.make_engine()
        except BaseException:
            cls.upstream.cleanup()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            left = cls.engine.containers()
        finally:
            cls.engine.close()
            cls.upstream.cleanup()
        assert not left, "containers left: %s" % left

    def test_table_keeps_its_contract(self):
        one = image_to_run()
        self.upstream.registry.push("000000000000/us-east-1/app", one, tag="v1")
        done = subprocess.run([PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=400,
                              env=clean_env({
                                  "VIRGA_TEST_ENGINE": self.engine.host, "VIRGA_TEST_DIGEST": one.digest,
                                  "VIRGA_TEST_REGISTRY": "127.0.0.1:%d" % self.upstream.port,
                                  "VIRGA_TEST_NAME": "000000000000/us-east-1/app"}))
        if os.environ.get("VIRGA_TEST_SHOW"):
            print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout)


class DockerTest(ExecutorCase, unittest.TestCase):
    make_engine = Dockerd


class PodmanTest(ExecutorCase, unittest.TestCase):
    make_engine = Podman


if __name__ == "__main__":
    unittest.main()
