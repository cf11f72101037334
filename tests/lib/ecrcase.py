# SPDX-License-Identifier: MIT
"""A server with ECR, shared by the tests of a class; each test has repositories of its own."""
import re
import unittest

from aws import ACCOUNT, REGION, ApiError, Ecr
from oci import Registry
from virga import Virga, need


class EcrCase(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        need("docker-registry")
        cls.virga = Virga(settings=cls.settings)
        try:
            cls.virga.start()
        except BaseException:
            cls.virga.cleanup()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            if cls.virga.proc.poll() is None:
                cls.virga.stop()
        finally:
            cls.virga.cleanup()

    def setUp(self):
        self.ecr = Ecr(self.virga)

    def name(self, suffix=""):
        """A repository name that no other test has."""
        return re.sub("[^a-z0-9]+", "-", self.id().lower().split(".", 1)[1])[-200:].strip("-") + suffix

    def registry(self, account=ACCOUNT, region=REGION):
        """The registry of a tenant by its hostname."""
        return Registry.hostname(self.ecr.port(), account, region)

    def repository(self, suffix="", **more):
        """A new repository: (name, registry client)."""
        name = self.name(suffix)
        self.ecr.create(name, **more)
        return name, self.registry()

    def assert_api_error(self, code, message, function, **params):
        """The call fails with that code and, unless it is None, exactly that message."""
        with self.assertRaises(ApiError) as caught:
            function(**params)
        error = caught.exception
        self.assertEqual(error.code, code, error)
        self.assertEqual(error.status, 500 if code == "ServerException" else 400)
        if message is not None:
            self.assertEqual(error.message, message)
        return error

    def assert_wire_error(self, answer, status, code, message=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.error[0], code, answer)
        if message is not None:
            self.assertEqual(answer.error[1], message)


def no_repository(name, account=ACCOUNT):
    """ECR's sentence for a repository that is not there."""
    return "The repository with name '%s' does not exist in the registry with id '%s'" % (name, account)
