# SPDX-License-Identifier: MIT
"""Lambda through the AWS SDK for JavaScript v3 (lambda_sdk.mjs; each of its checks is a test here) and through the aws
command line, as the guide's example has it."""
import json
import os
import shutil
import subprocess
import unittest

from aws import Cli
from lambdacase import ROLE, DockerCase, OciCase
from lambdaimage import ARCH, LAMBDA_ARCH
from virga import clean_env, need

HERE = os.path.dirname(os.path.abspath(__file__))


class Sdk(OciCase):
    @classmethod
    def setUpClass(cls):
        need("node")
        if not os.path.isdir(os.path.join(HERE, "node_modules", "@aws-sdk", "client-lambda")):
            raise unittest.SkipTest("the SDK is not installed: npm ci in tests/integration")
        super().setUpClass()
        cls.results = None

    def results_of(self):
        """Runs the script once; {check: "ok" or what went wrong}."""
        cls = type(self)
        if cls.results is None:
            done = subprocess.run(
                [shutil.which("node"), os.path.join(HERE, "lambda_sdk.mjs"), self.virga.endpoint, self.uri,
                 LAMBDA_ARCH[ARCH]],
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


for check_name in ("create_and_wait", "invoke", "invoke_in_all_types", "invoke_with_response_stream", "update_and_wait",
                   "aliases_and_permissions", "settings_of_a_function", "paginators", "error_classes", "delete"):
    add_check(check_name)


class Example:
    """The example of the guide, on every executor and with both forms of the address."""

    def run_example(self, uri):
        cli = Cli(self.virga, account="000000000000", service="lambda")
        name = self.name()
        self.made.append(name)
        made = cli.json("create-function", "--function-name", name, "--package-type", "Image", "--code",
                        "ImageUri=" + uri, "--role", ROLE, "--architectures", LAMBDA_ARCH[ARCH])
        self.assertEqual(made["State"], "Pending")
        cli.text("wait", "function-active-v2", "--function-name", name)
        out = os.path.join(self.virga.dir, "out.json")
        told = cli.json("invoke", "--function-name", name, "--cli-binary-format", "raw-in-base64-out", "--payload",
                        '{"rain": true}', "--log-type", "Tail", out)
        self.assertEqual((told["StatusCode"], told["ExecutedVersion"]), (200, "$LATEST"))
        with open(out) as f:
            self.assertEqual(json.load(f)["event"], {"rain": True})
        self.assertEqual(cli.json("get-function", "--function-name", name)["Code"]["ImageUri"], uri)
        code, _, err = cli.run("create-function", "--function-name", name, "--package-type", "Image", "--code",
                               "ImageUri=" + uri, "--role", ROLE)
        self.assertNotEqual(code, 0)
        self.assertIn("Function already exist: " + name, err)
        self.assertIn(name, [f["FunctionName"] for f in cli.json("list-functions")["Functions"]])
        cli.text("delete-function", "--function-name", name)

    def test_with_the_local_uri(self):
        self.run_example(self.uri)

    def test_with_the_uri_of_amazonaws(self):
        self.run_example("000000000000.dkr.ecr.us-east-1.amazonaws.com/" + self.uri.split("/", 1)[1])


class ExampleOnOci(Example, OciCase):
    pass


class ExampleOnDocker(Example, DockerCase):
    pass


if __name__ == "__main__":
    unittest.main()
