# SPDX-License-Identifier: MIT
"""CloudFormation: stacks through the real aws command line and raw Query requests, on the services of this host."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from aws import Cli, Ecr, authorization  # noqa: E402
from cloudformation import Cfn  # noqa: E402
from virga import Virga, wait_for  # noqa: E402

TEMPLATE = """
Description: a repository and what is said of it
Parameters:
  Word: {Type: String, Default: one, AllowedPattern: '[a-z]+'}
Conditions:
  IsOne: !Equals [!Ref Word, one]
Resources:
  Repo:
    Type: AWS::ECR::Repository
    Properties:
      ImageTagMutability: !If [IsOne, IMMUTABLE, MUTABLE]
      LifecyclePolicy:
        LifecyclePolicyText: |
          {"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan",
           "countNumber":3},"action":{"type":"expire"}}]}
  Note:
    Type: AWS::SSM::Parameter
    Properties: {Name: /note, Type: String, Value: !Sub '${Word} ${Repo.Arn}'}
Outputs:
  RepoName: {Value: !Ref Repo, Export: {Name: repo-name}}
"""


# Of four runs of the whole suite under the sanitizers one had a stack's parameter put twice, and nobody knows why yet.
IN_WORK = "CloudFormation is in work: set VIRGA_TEST_CLOUDFORMATION=1 to run its integration tests"
in_work = unittest.skipUnless(os.environ.get("VIRGA_TEST_CLOUDFORMATION"), IN_WORK)


@in_work
class CloudFormationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.virga = Virga()
        cls.addClassCleanup(cls.virga.cleanup)
        cls.virga.start()

    @classmethod
    def tearDownClass(cls):
        cls.virga.stop()

    def template(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=self.virga.dir, delete=False)
        with file:
            file.write(text)
        return "file://" + file.name

    def test_cli_takes_a_stack_through_its_life(self):
        account = "111122220001"
        cli = Cli(self.virga, account=account, service="cloudformation")
        ssm = Cli(self.virga, account=account, service="ssm")
        ecr = Ecr(self.virga, account=account)
        body = self.template(TEMPLATE)
        cli.json("create-stack", "--stack-name", "Demo", "--template-body", body, "--tags",
                 "Key=team,Value=blue")
        cli.text("wait", "stack-create-complete", "--stack-name", "Demo")
        stack = cli.json("describe-stacks", "--stack-name", "Demo")["Stacks"][0]
        self.assertEqual(stack["Description"], "a repository and what is said of it")
        repo = stack["Outputs"][0]["OutputValue"]
        self.assertRegex(repo, r"^demo-repo-[a-z0-9]{12}$")
        found = ecr.DescribeRepositories(repositoryNames=[repo])["repositories"][0]
        self.assertEqual(found["imageTagMutability"], "IMMUTABLE")
        self.assertEqual(ecr.ListTagsForResource(resourceArn=found["repositoryArn"])["tags"],
                         [{"Key": "team", "Value": "blue"}])
        note = ssm.json("get-parameter", "--name", "/note")["Parameter"]["Value"]
        self.assertEqual(note, "one " + found["repositoryArn"])

        code, _, err = cli.run("update-stack", "--stack-name", "Demo", "--template-body", body)
        self.assertNotEqual(code, 0)
        self.assertIn("(ValidationError) when calling the UpdateStack operation: No updates are to "
                      "be performed.", err)
        cli.json("update-stack", "--stack-name", "Demo", "--use-previous-template", "--parameters",
                 "ParameterKey=Word,ParameterValue=two")
        cli.text("wait", "stack-update-complete", "--stack-name", "Demo")
        found = ecr.DescribeRepositories(repositoryNames=[repo])["repositories"][0]
        self.assertEqual(found["imageTagMutability"], "MUTABLE")
        note = ssm.json("get-parameter", "--name", "/note")["Parameter"]["Value"]
        self.assertTrue(note.startswith("two "))
        self.assertEqual(cli.json("get-template", "--stack-name", "Demo")["TemplateBody"], TEMPLATE)
        resources = cli.json("list-stack-resources", "--stack-name", "Demo")
        self.assertEqual({r["LogicalResourceId"]: r["ResourceStatus"]
                          for r in resources["StackResourceSummaries"]},
                         {"Repo": "UPDATE_COMPLETE", "Note": "UPDATE_COMPLETE"})

        cli.text("delete-stack", "--stack-name", stack["StackId"])
        cli.text("wait", "stack-delete-complete", "--stack-name", stack["StackId"])
        self.assertEqual(ecr.DescribeRepositories()["repositories"], [])
        code, _, err = cli.run("describe-stacks", "--stack-name", "Demo")
        self.assertIn("Stack with id Demo does not exist", err)

    def test_cli_deploys_by_change_set(self):
        cli = Cli(self.virga, account="111122220002", service="cloudformation")
        body = self.template(TEMPLATE)[len("file://"):]
        out = cli.text("deploy", "--stack-name", "Demo", "--template-file", body)
        self.assertIn("Successfully created/updated stack - Demo", out)
        out = cli.text("deploy", "--stack-name", "Demo", "--template-file", body,
                       "--no-fail-on-empty-changeset")
        self.assertIn("No changes to deploy. Stack Demo is up to date", out)
        out = cli.text("deploy", "--stack-name", "Demo", "--template-file", body,
                       "--parameter-overrides", "Word=two")
        self.assertIn("Successfully created/updated stack - Demo", out)
        events = cli.json("describe-stack-events", "--stack-name", "Demo")["StackEvents"]
        self.assertEqual(events[0]["ResourceStatus"], "UPDATE_COMPLETE")
        self.assertEqual(len({e["EventId"] for e in events}), len(events))
        times = [e["Timestamp"] for e in events]
        self.assertEqual(times, sorted(times, reverse=True))

    def test_a_failure_is_rolled_back_and_named(self):
        cfn = Cfn(self.virga, "111122220003")
        template = json.dumps({"Resources": {
            "Good": {"Type": "AWS::SSM::Parameter",
                     "Properties": {"Name": "/good", "Type": "String", "Value": "x"}},
            "Bad": {"Type": "AWS::SSM::Parameter", "DependsOn": "Good",
                    "Properties": {"Name": "aws/bad", "Type": "Strange", "Value": "x"}}}})
        cfn.call("CreateStack", StackName="Demo", TemplateBody=template)
        cfn.wait("Demo", "ROLLBACK_COMPLETE")
        _, root = cfn.call("DescribeStackEvents", StackName="Demo")
        reasons = " ".join(e.text for e in root.iter("ResourceStatusReason"))
        self.assertIn("Resource handler returned message:", reasons)
        self.assertIn("The following resource(s) failed to create: [Bad]. Rollback requested by "
                      "user.", reasons)
        code, _, _ = Cli(self.virga, account="111122220003", service="ssm").run(
            "get-parameter", "--name", "/good")
        self.assertNotEqual(code, 0)

    def test_accounts_do_not_see_each_other(self):
        one, two = Cfn(self.virga, "111122220004"), Cfn(self.virga, "111122220005")
        for cfn in (one, two):
            cfn.call("CreateStack", StackName="Same", TemplateBody=TEMPLATE)
            cfn.wait("Same", "CREATE_COMPLETE")
        one.call("DeleteStack", StackName=one.text("DescribeStacks", "StackId", StackName="Same"))
        wait_for(lambda: one.call("DescribeStacks", StackName="Same")[0] == 400, 60, "its end")
        self.assertEqual(two.status("Same"), "CREATE_COMPLETE")
        arn = two.text("DescribeStacks", "StackId", StackName="Same")
        self.assertEqual(one.call("DescribeStacks", StackName=arn)[0], 400)


@in_work
class CrashTest(unittest.TestCase):
    COUNT = 150

    def chain(self):
        resources = {}
        for i in range(self.COUNT):
            resources["P%d" % i] = {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "/chain/%d" % i, "Type": "String", "Value": "v"}}
            if i > 0:
                resources["P%d" % i]["DependsOn"] = "P%d" % (i - 1)
        return json.dumps({"Resources": resources})

    def count(self, virga):
        """How many parameters there are, without waiting for the command line."""
        conn_status, _, body = virga.http("POST", "/", json.dumps({}), {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.DescribeParameters",
            "Authorization": authorization("000000000000", "us-east-1", "ssm")})
        self.assertEqual(conn_status, 200)
        return len(json.loads(body)["Parameters"])

    def test_operations_that_kill_9_cuts_off_are_finished(self):
        virga = Virga()
        self.addCleanup(virga.cleanup)
        virga.start()
        cfn = Cfn(virga)
        self.assertEqual(cfn.call("CreateStack", StackName="Chain", TemplateBody=self.chain())[0], 200)
        wait_for(lambda: self.count(virga) > 3, 30, "the first resources")
        virga.kill9()
        virga.start()
        cfn.wait("Chain", "CREATE_COMPLETE")
        _, root = cfn.call("ListStackResources", StackName="Chain")
        self.assertEqual(len(list(root.iter("LogicalResourceId"))), self.COUNT)
        self.assertEqual({e.text for e in root.iter("ResourceStatus")}, {"CREATE_COMPLETE"})

        arn = cfn.text("DescribeStacks", "StackId", StackName="Chain")
        cfn.call("DeleteStack", StackName=arn)
        self.assertEqual(cfn.status(arn), "DELETE_IN_PROGRESS")
        virga.kill9()
        virga.start()
        cfn.wait(arn, "DELETE_COMPLETE")
        self.assertEqual(self.count(virga), 0)
        virga.stop()


if __name__ == "__main__":
    unittest.main()
