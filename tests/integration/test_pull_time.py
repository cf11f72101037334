# SPDX-License-Identifier: MIT
"""Pull times: what counts as a pull, and the list of principals whose pulls do not."""
import json
import os
import shutil
import subprocess
import unittest

from aws import ACCOUNT, Ecr
from ecrcase import EcrCase
from images import image
from virga import clean_env, need

HERE = os.path.dirname(os.path.abspath(__file__))
ROLE = "arn:aws:iam::%s:role/" % ACCOUNT

# Run by node beside node_modules; prints what each call answered.
SCRIPT = """
import * as sdk from "@aws-sdk/client-ecr";
const [endpoint, principalArn] = process.argv.slice(1);
const client = new sdk.ECRClient({ endpoint, region: "us-east-2", maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" } });
const made = await client.send(new sdk.RegisterPullTimeUpdateExclusionCommand({ principalArn }));
let twice = null;
try { await client.send(new sdk.RegisterPullTimeUpdateExclusionCommand({ principalArn })); }
catch (error) { twice = error instanceof sdk.ExclusionAlreadyExistsException; }
const { pullTimeUpdateExclusions: listed } = await client.send(new sdk.ListPullTimeUpdateExclusionsCommand({}));
const gone = await client.send(new sdk.DeregisterPullTimeUpdateExclusionCommand({ principalArn }));
let missing = null;
try { await client.send(new sdk.DeregisterPullTimeUpdateExclusionCommand({ principalArn })); }
catch (error) { missing = error instanceof sdk.ExclusionNotFoundException; }
const { replicationConfiguration } = await client.send(new sdk.DescribeRegistryCommand({}));
console.log(JSON.stringify({ made: made.principalArn, at: made.createdAt instanceof Date, twice, listed,
    gone: gone.principalArn, missing, rules: replicationConfiguration.rules }));
"""


class PullTime(EcrCase):
    def pulled_at(self, name):
        detail, = self.ecr.DescribeImages(repositoryName=name)["imageDetails"]
        return detail.get("lastRecordedPullTime")

    def test_a_pull_over_the_wire_and_by_the_api_is_recorded_and_a_look_is_not(self):
        name, registry = self.repository()
        pushed = image(name)
        registry.push(name, pushed, "v1")
        registry.head_manifest(name, "v1")
        registry.tags(name)
        self.ecr.ListImages(repositoryName=name)
        self.assertIsNone(self.pulled_at(name))
        registry.get_manifest(name, "v1")
        self.assertGreaterEqual(self.pulled_at(name), self.ecr.details(name)[pushed.digest]["imagePushedAt"])
        other, _ = self.repository("-2")
        registry.push(other, pushed, "v1")
        self.ecr.BatchGetImage(repositoryName=other, imageIds=[{"imageTag": "v1"}])
        self.assertIsNotNone(self.pulled_at(other))

    def test_pulls_of_others_are_recorded_although_there_are_exclusions(self):
        name, registry = self.repository()
        registry.push(name, image(name), "v1")
        self.ecr.RegisterPullTimeUpdateExclusion(principalArn=ROLE + "scanner")
        registry.get_manifest(name, "v1")
        self.assertIsNotNone(self.pulled_at(name))

    def test_each_registry_has_a_list_of_its_own_and_it_outlives_a_restart(self):
        here = Ecr(self.virga, region="eu-west-3")
        made = here.RegisterPullTimeUpdateExclusion(principalArn=ROLE + "team/reader")
        self.assertEqual(made["principalArn"], ROLE + "team/reader")
        self.assertGreater(made["createdAt"], 1.7e9)
        for other in (Ecr(self.virga, region="eu-west-2"), Ecr(self.virga, "111122223333", "eu-west-3")):
            self.assertEqual(other.ListPullTimeUpdateExclusions(), {"pullTimeUpdateExclusions": []})
        self.virga.restart()
        self.assertEqual(here.ListPullTimeUpdateExclusions(), {"pullTimeUpdateExclusions": [ROLE + "team/reader"]})

    def test_a_malformed_principal_is_a_validation_exception(self):
        error = self.assert_api_error("ValidationException", None, self.ecr.RegisterPullTimeUpdateExclusion,
                                      principalArn="arn:aws:iam::%s:root" % ACCOUNT)
        self.assertTrue(error.message.startswith("1 validation error detected: Value 'arn:aws:iam::%s:root' at "
                                                 "'principalArn' failed to satisfy constraint: " % ACCOUNT), error)
        self.assert_api_error("ValidationException", None, self.ecr.ListPullTimeUpdateExclusions, maxResults=1001)

    def test_the_sdk_knows_the_answers_and_the_exceptions(self):
        need("node")
        if not os.path.isdir(os.path.join(HERE, "node_modules", "@aws-sdk", "client-ecr")):
            raise unittest.SkipTest("the SDK is not installed: npm ci in tests/integration")
        done = subprocess.run(
            [shutil.which("node"), "--input-type=module", "-e", SCRIPT, self.virga.endpoint, ROLE + "sdk"],
            cwd=HERE, env=clean_env({"HOME": self.virga.dir}), stdin=subprocess.DEVNULL, text=True, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if "is not a constructor" in done.stderr:
            raise unittest.SkipTest("this SDK is older than the operations: " + done.stderr.strip().splitlines()[-1])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout),
                         {"made": ROLE + "sdk", "at": True, "twice": True, "listed": [ROLE + "sdk"],
                          "gone": ROLE + "sdk", "missing": True, "rules": []})
