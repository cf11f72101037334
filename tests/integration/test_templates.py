# SPDX-License-Identifier: MIT
"""Repository creation templates over the API and the command line, and pushes that create a repository."""
import json
import os
import shutil
import subprocess
import threading

from aws import ACCOUNT, REGION, Cli, Ecr
from ecrcase import EcrCase, no_repository
from images import image, write_layout
from skopeo import Skopeo
from virga import clean_env, need, wait_for

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "ecr:GetDownloadUrlForLayer"}]})
LIFECYCLE = json.dumps({"rules": [{"rulePriority": 1, "selection": {
    "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}, "action": {"type": "expire"}}]})


class Templates(EcrCase):
    def template(self, **more):
        """A template for this test's own prefix; returns the prefix."""
        prefix = self.name()
        self.ecr.CreateRepositoryCreationTemplate(
            **{"prefix": prefix, "appliedFor": ["CREATE_ON_PUSH"], **more})
        return prefix

    def test_life_of_a_template(self):
        prefix = self.name()
        missing = ("The repository creation template with the prefix '%s' does not exist in the registry with id "
                   "'%s'" % (prefix, ACCOUNT))
        made = self.ecr.CreateRepositoryCreationTemplate(prefix=prefix, appliedFor=["REPLICATION"], description="d")
        self.assertEqual(made["registryId"], ACCOUNT)
        self.assertEqual(made["repositoryCreationTemplate"]["encryptionConfiguration"], {"encryptionType": "AES256"})
        self.assertNotIn("customRoleArn", made["repositoryCreationTemplate"])
        self.assert_api_error(
            "TemplateAlreadyExistsException",
            "The repository creation template with the prefix '%s' already exists in the registry with id '%s'"
            % (prefix, ACCOUNT), self.ecr.CreateRepositoryCreationTemplate, prefix=prefix, appliedFor=["REPLICATION"])
        changed = self.ecr.UpdateRepositoryCreationTemplate(prefix=prefix, imageTagMutability="IMMUTABLE")
        self.assertEqual(changed["repositoryCreationTemplate"]["description"], "d")
        self.assertGreater(changed["repositoryCreationTemplate"]["updatedAt"],
                           changed["repositoryCreationTemplate"]["createdAt"])
        self.assertEqual(self.ecr.DescribeRepositoryCreationTemplates(prefixes=[prefix])
                         ["repositoryCreationTemplates"], [changed["repositoryCreationTemplate"]])
        other = Ecr(self.virga, region="eu-west-1")
        self.assertEqual(other.DescribeRepositoryCreationTemplates()["repositoryCreationTemplates"], [])
        self.ecr.DeleteRepositoryCreationTemplate(prefix=prefix)
        self.assert_api_error("TemplateNotFoundException", missing, self.ecr.DeleteRepositoryCreationTemplate,
                              prefix=prefix)

    def test_the_command_line_makes_and_shows_a_template(self):
        cli, prefix = Cli(self.virga, account=ACCOUNT), self.name()
        if "Invalid choice" in cli.run("describe-repository-creation-templates")[2]:
            self.skipTest("this aws command line does not know templates")
        cli.json("create-repository-creation-template", "--prefix", prefix, "--applied-for", "PULL_THROUGH_CACHE",
                 "--resource-tags", "Key=a,Value=b")
        shown = cli.json("describe-repository-creation-templates", "--prefixes", prefix)
        self.assertEqual(shown["repositoryCreationTemplates"][0]["resourceTags"], [{"Key": "a", "Value": "b"}])

    def test_a_push_by_skopeo_creates_the_repository_with_the_settings_of_the_template(self):
        prefix = self.template(imageTagMutability="IMMUTABLE", resourceTags=[{"Key": "team", "Value": "x"}],
                               repositoryPolicy=POLICY, lifecyclePolicy=LIFECYCLE)
        name, one = prefix + "/app", image("one")
        skopeo = Skopeo(self.virga.dir)
        source = write_layout(os.path.join(self.virga.dir, "one"), one)
        target = "localhost:%d/%s/%s/%s:v1" % (self.ecr.port(), ACCOUNT, REGION, name)
        skopeo.push(source, target)
        made = self.ecr.DescribeRepositories(repositoryNames=[name])["repositories"][0]
        self.assertEqual(made["imageTagMutability"], "IMMUTABLE")
        self.assertEqual(self.ecr.image_ids(name), [("v1", one.digest)])
        self.assertEqual(self.ecr.ListTagsForResource(resourceArn=made["repositoryArn"])["tags"],
                         [{"Key": "team", "Value": "x"}])
        self.assertEqual(json.loads(self.ecr.GetRepositoryPolicy(repositoryName=name)["policyText"]),
                         json.loads(POLICY))
        self.assertEqual(json.loads(self.ecr.GetLifecyclePolicy(repositoryName=name)["lifecyclePolicyText"]),
                         json.loads(LIFECYCLE))
        two = write_layout(os.path.join(self.virga.dir, "two"), image("two"))
        code, _, err = skopeo.run("copy", "--quiet", "--dest-tls-verify=false", two, "docker://" + target)
        self.assertNotEqual(code, 0)
        self.assertIn("because the tag is immutable", err)

    def test_without_a_template_for_it_a_push_creates_nothing(self):
        prefix = self.template(appliedFor=["PULL_THROUGH_CACHE", "REPLICATION"])
        name, registry = prefix + "/app", self.registry()
        answer = registry.send("POST", registry.url(name, "blobs/uploads/"))
        self.assert_wire_error(answer, 404, "NAME_UNKNOWN", no_repository(name))
        answer = registry.put_manifest(name, image("x"), "v1")
        self.assert_wire_error(answer, 404, "NAME_UNKNOWN", no_repository(name))

    def test_reading_creates_nothing(self):
        name, registry, one = self.template() + "/app", self.registry(), image("x")
        self.assertEqual(registry.head_manifest(name, "v1").status, 404)
        self.assert_wire_error(registry.get_manifest(name, "v1"), 404, "NAME_UNKNOWN", no_repository(name))
        self.assertFalse(registry.has_blob(name, one.config))
        self.assert_api_error("RepositoryNotFoundException", no_repository(name), self.ecr.DescribeRepositories,
                              repositoryNames=[name])

    def test_the_template_of_the_longest_prefix_is_applied(self):
        prefix = self.template(imageTagMutability="IMMUTABLE")
        self.ecr.CreateRepositoryCreationTemplate(prefix=prefix + "/team", appliedFor=["CREATE_ON_PUSH"])
        registry = self.registry()
        for name, mutability in ((prefix + "/app", "IMMUTABLE"), (prefix + "/team/app", "MUTABLE"),
                                 (prefix + "/teams", "IMMUTABLE")):
            registry.push(name, image("x"), "v1")
            made = self.ecr.DescribeRepositories(repositoryNames=[name])["repositories"][0]
            self.assertEqual(made["imageTagMutability"], mutability, name)

    def test_pushes_at_one_time_create_one_repository(self):
        name, registry, failures = self.template() + "/app", self.registry(), []

        def push(i):
            try:
                registry.push(name, image("image %d" % i), "v%d" % i)
            except BaseException as e:
                failures.append(e)

        threads = [threading.Thread(target=push, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(registry.tags(name), ["v%d" % i for i in range(8)])

    def test_a_deleted_repository_is_created_anew_by_the_next_push(self):
        name, registry, one = self.template() + "/app", self.registry(), image("x")
        registry.push(name, one, "v1")
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        registry.push(name, one, "v2")
        self.assertEqual(registry.tags(name), ["v2"])
        registry.check_pull(name, one, "v2")


class Root(EcrCase):
    def test_root_lets_every_push_create_its_repository(self):
        self.ecr.CreateRepositoryCreationTemplate(prefix="ROOT", appliedFor=["CREATE_ON_PUSH"],
                                                  imageTagMutability="IMMUTABLE")
        self.registry().push("anything", image("x"), "v1")
        made = self.ecr.DescribeRepositories(repositoryNames=["anything"])["repositories"][0]
        self.assertEqual(made["imageTagMutability"], "IMMUTABLE")
        self.virga.restart()
        self.ecr.DeleteRepositoryCreationTemplate(prefix="ROOT")
        answer = self.registry().put_manifest("other", image("x"), "v1")
        self.assert_wire_error(answer, 404, "NAME_UNKNOWN", no_repository("other"))


class Replicated(EcrCase):
    def test_replication_creates_repositories_by_the_template_of_the_destination(self):
        far, name, one = Ecr(self.virga, region="eu-west-1"), "team/app", image("replicated")
        far.CreateRepositoryCreationTemplate(prefix="team", appliedFor=["REPLICATION"], imageTagMutability="IMMUTABLE",
                                             lifecyclePolicy=LIFECYCLE)
        self.ecr.PutReplicationConfiguration(replicationConfiguration={"rules": [
            {"destinations": [{"region": "eu-west-1", "registryId": ACCOUNT}]}]})
        self.ecr.create(name)
        self.registry().push(name, one, "v1")
        wait_for(lambda: [r for r in far.DescribeRepositories()["repositories"] if r["repositoryName"] == name], 30,
                 "the repository")
        made = far.DescribeRepositories(repositoryNames=[name])["repositories"][0]
        self.assertEqual(made["imageTagMutability"], "IMMUTABLE")
        self.assertEqual(json.loads(far.GetLifecyclePolicy(repositoryName=name)["lifecyclePolicyText"]),
                         json.loads(LIFECYCLE))
        wait_for(lambda: far.image_ids(name) == [("v1", one.digest)], 30, "the image")


class Sdk(EcrCase):
    def test_the_javascript_sdk_reads_templates_and_cache_rules(self):
        need("node")
        here = os.path.dirname(os.path.abspath(__file__))
        if not os.path.isdir(os.path.join(here, "node_modules", "@aws-sdk", "client-ecr")):
            self.skipTest("the SDK is not installed: npm ci in tests/integration")
        done = subprocess.run([shutil.which("node"), os.path.join(here, "sdk_cache.mjs"), self.virga.endpoint],
                              env=clean_env({"HOME": self.virga.dir}), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
