# SPDX-License-Identifier: MIT
"""Every exception of ECR's API model is brought about, or it is said why it cannot be; and every operation that the
model lets miss a repository or an image does so."""
import json
import os
import unittest

import ecr_exceptions as table
import ecr_setups
from ecr_world import World
from fallback import Upstream
from model import Model
from virga import Virga, free_ports, need

MODEL = Model()
ECR = "floci.services.ecr."
NO_PROGRAMS = {"PATH": "/nonexistent"}


class Servers:
    """The servers that the table asks for, each started when it is first needed."""

    def __init__(self):
        self.running = {}
        self.secrets = None

    def get(self, kind):
        if kind not in self.running:
            self.running[kind] = getattr(self, "start_" + kind.replace(" ", "_"))()
        return self.running[kind]

    @staticmethod
    def started(virga):
        try:
            return virga.start()
        except BaseException:
            virga.cleanup()
            raise

    def start_plain(self):
        return self.started(Virga())

    def start_upstream(self):
        virga = Virga()
        credentials = os.path.join(virga.dir, "credentials.json")
        with open(credentials, "w") as f:
            json.dump({table.BROKEN_HOST: {"username": "without a token"}}, f)
        virga.settings[ECR + "upstream-credentials"] = credentials
        # Nothing listens there.
        virga.settings[ECR + "upstream-overrides"] = "public.ecr.aws=http://127.0.0.1:%d" % free_ports()
        return self.started(virga)

    def start_secrets(self):
        def answer(asked):
            if asked.headers.get("X-Amz-Target") == "secretsmanager.GetSecretValue":
                code = "DecryptionFailure"
            else:
                code = "UnknownOperationException"
            return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps({"__type": code}).encode()
        self.secrets = Upstream(answer)
        return self.started(Virga(settings={
            "floci.fallback-endpoint": "http://127.0.0.1:%d" % self.secrets.port}))

    def start_no_registry(self):
        """One that has an image and then cannot start its registry any more."""
        virga = self.started(Virga(settings={ECR + "registry-backend": "process"}))
        try:
            world = World(virga, KEPT_ACCOUNT)
            world.ecr.create("kept/app")
            world.image("kept/app")
            virga.env = NO_PROGRAMS
            return virga.restart()
        except BaseException:
            virga.cleanup()
            raise

    def close(self):
        failures = []
        for virga in self.running.values():
            try:
                virga.stop()
            except Exception as e:  # the others are to be stopped too
                failures.append(e)
            finally:
                virga.cleanup()
        if self.secrets:
            self.secrets.close()
        for failure in failures:
            raise failure


KEPT_ACCOUNT = "300000000001"  # of the server that is started again


class ExceptionCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("docker-registry")
        cls.servers = Servers()

    @classmethod
    def tearDownClass(cls):
        cls.servers.close()

    def assert_exception(self, world, operation, given, code):
        self.assertIn(code, MODEL.errors(operation))
        if code in table.AT_ONCE:
            first, (status, headers, body) = world.ecr.twice(operation, json.dumps(given).encode())
            self.assertEqual(first[0], 200, first[2])
        else:
            status, headers, body = world.ecr.raw(operation, json.dumps(given))
        answer = json.loads(body)
        self.assertEqual(answer.get("__type"), code, answer)
        shape = MODEL.exceptions[code]
        self.assertEqual(status, shape["status"])
        self.assertEqual(headers["content-type"], "application/x-amz-json-1.1")
        self.assertTrue(answer.get("message"), answer)
        rest = {key: value for key, value in answer.items() if key != "__type"}
        self.assertEqual(MODEL.faults(code, rest), [])


class Exceptions(ExceptionCase):
    def provoke(self, code):
        operation, setup, kind = table.PROVOKED[code]
        # An account for each: some are about what an account does not have.
        number = sorted(MODEL.exceptions).index(code)
        account = KEPT_ACCOUNT if kind == table.NO_REGISTRY else "4%011d" % number
        world = World(self.servers.get(kind), account)
        self.assert_exception(world, operation, setup(world), code)


def provoker(code):
    def test(self):
        self.provoke(code)
    return test


for _code in sorted(table.PROVOKED):
    setattr(Exceptions, "test_%s_is_met" % _code, provoker(_code))


class Absent(ExceptionCase):
    """What is not there, in every operation that can miss it."""

    def check(self, operation, code, change):
        world = World(self.servers.get(table.PLAIN), "5%011d" % sorted(MODEL.operations).index(operation))
        given = change(ecr_setups.SETUPS[operation][0](world))
        if given is None and operation == "DescribeImages":
            given = change(ecr_setups.SETUPS[operation][2](world))
        if given is None and operation == "DescribeRepositories":
            given = change(ecr_setups.SETUPS[operation][1](world))
        self.assertIsNotNone(given, "the set-up of %s names none" % operation)
        if (operation, code) in table.NOT_OF_OPERATION:
            status, _, body = world.ecr.raw(operation, json.dumps(given))
            self.assertEqual(status, 200, body)
        else:
            self.assert_exception(world, operation, given, code)


def missing(operation, code):
    def test(self):
        if code == "ImageNotFoundException":
            self.check(operation, code, table.absent_image)
        else:
            self.check(operation, code, lambda given: table.absent_repository(given, "no/such"))
    return test


for _operation in sorted(MODEL.operations):
    for _code in ("RepositoryNotFoundException", "ImageNotFoundException"):
        if _code in MODEL.errors(_operation):
            setattr(Absent, "test_%s_in_%s" % (_code, _operation), missing(_operation, _code))


class Tables(unittest.TestCase):
    def test_every_exception_is_provoked_or_has_a_reason(self):
        self.assertEqual(sorted([*table.PROVOKED, *table.NOT_REACHABLE]), sorted(MODEL.exceptions))
        self.assertEqual(set(table.PROVOKED) & set(table.NOT_REACHABLE), set())

    def test_model_has_47_exceptions(self):
        self.assertEqual(len(MODEL.exceptions), 47)


if __name__ == "__main__":
    unittest.main()
