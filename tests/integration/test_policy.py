# SPDX-License-Identifier: MIT
"""Policies obeyed: what accounts may do in each other's registries, by API and on the wire."""
import concurrent.futures
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
sys.path.insert(0, os.path.dirname(__file__))
from aws import ACCOUNT, REGION, ApiError, Cli, Ecr  # noqa: E402
from ecrcase import EcrCase, no_repository  # noqa: E402
from images import image, write_layout  # noqa: E402
from iam import Iam, IamError  # noqa: E402
from oci import Registry  # noqa: E402
from skopeo import Skopeo  # noqa: E402
from test_auth import ENFORCE, basic, password_of  # noqa: E402
from test_sts import Sts  # noqa: E402
from virga import Virga  # noqa: E402

OTHER = "222222222222"
THIRD = "333333333333"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
PUSH = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]


def root(account):
    return "arn:aws:iam::%s:root" % account


def arn(name, account=ACCOUNT):
    return "arn:aws:ecr:%s:%s:repository/%s" % (REGION, account, name)


def allow(account, actions, **more):
    return {"Effect": "Allow", "Principal": {"AWS": account}, "Action": actions, **more}


def deny(actions, **more):
    return {"Effect": "Deny", "Principal": "*", "Action": actions, **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def sentence(who, action, resource, explicit=False):
    """AWS's words for a refusal."""
    return "User: %s is not authorized to perform: ecr:%s on resource: %s %s" % (
        who, action, resource, "with an explicit deny in a resource-based policy" if explicit
        else "because no resource-based policy allows the ecr:%s action" % action)


class PolicyCase(EcrCase):
    settings = ENFORCE

    def setUp(self):
        super().setUp()
        self.other = Ecr(self.virga, OTHER)
        self.repo = self.name()
        self.ecr.create(self.repo)

    def wire(self, ecr, account=ACCOUNT):
        """The registry of `account`, logged in as the caller of `ecr`."""
        port = self.virga.registry_base
        return Registry(port, "%s.dkr.ecr.%s.localhost:%d" % (account, REGION, port),
                        headers=basic(password_of(ecr)))

    def set_policy(self, *statements, **more):
        self.ecr.SetRepositoryPolicy(repositoryName=self.repo, policyText=policy(*statements), **more)

    def set_registry_policy(self, *statements):
        self.ecr.PutRegistryPolicy(policyText=policy(*statements))
        self.addCleanup(self.ecr.DeleteRegistryPolicy)

    def assert_denied(self, answer, who, action, name=None, explicit=False):
        self.assert_wire_error(answer, 403, "DENIED",
                               sentence(who, action, arn(name or self.repo), explicit))

    def assert_api_denied(self, who, action, resource, explicit, function, **params):
        self.assert_api_error("AccessDeniedException", sentence(who, action, resource, explicit), function,
                              **params)


class Api(PolicyCase):
    def test_another_account_gets_nothing_until_a_policy_allows_it(self):
        ask = dict(registryId=ACCOUNT, repositoryName=self.repo)
        self.assert_api_denied(root(OTHER), "DescribeImages", arn(self.repo), False, self.other.DescribeImages, **ask)
        self.set_policy(allow(OTHER, "ecr:DescribeImages"))
        self.assertEqual(self.other.DescribeImages(**ask)["imageDetails"], [])
        self.assert_api_denied(root(OTHER), "ListImages", arn(self.repo), False, self.other.ListImages, **ask)
        third = Ecr(self.virga, THIRD)
        self.assert_api_denied(root(THIRD), "DescribeImages", arn(self.repo), False, third.DescribeImages, **ask)
        self.ecr.DeleteRepositoryPolicy(repositoryName=self.repo)
        self.assert_api_denied(root(OTHER), "DescribeImages", arn(self.repo), False, self.other.DescribeImages, **ask)

    def test_a_repository_that_is_not_there_is_not_told_to_others(self):
        self.assert_api_denied(root(OTHER), "ListImages", arn("none/such"), False, self.other.ListImages,
                               registryId=ACCOUNT, repositoryName="none/such")
        self.assert_api_error("RepositoryNotFoundException", no_repository("none/such"), self.ecr.ListImages,
                              repositoryName="none/such")

    def test_an_explicit_deny_binds_the_owner_too(self):
        self.set_policy(deny("ecr:Put*"))
        self.assert_api_denied(root(ACCOUNT), "PutImageTagMutability", arn(self.repo), True,
                               self.ecr.PutImageTagMutability, repositoryName=self.repo,
                               imageTagMutability="IMMUTABLE")
        self.assertEqual(self.ecr.ListImages(repositoryName=self.repo)["imageIds"], [])

    def test_settings_of_another_registry_are_out_of_reach(self):
        self.assert_api_denied(root(OTHER), "DescribeRepositories", arn("*"), False,
                               self.other.DescribeRepositories, registryId=ACCOUNT)
        self.assert_api_denied(root(OTHER), "CreateRepository", arn("new/one"), False,
                               self.other.CreateRepository, registryId=ACCOUNT, repositoryName="new/one")
        self.assert_api_denied(root(OTHER), "DescribeRepositories", arn(self.repo), False,
                               self.other.DescribeRepositories, registryId=ACCOUNT, repositoryNames=[self.repo])
        self.assert_api_denied(root(OTHER), "TagResource", arn(self.repo), False, self.other.TagResource,
                               resourceArn=arn(self.repo), tags=[{"Key": "a", "Value": "b"}])

    def test_each_of_several_repositories_is_asked(self):
        second = self.repo + "-2"
        self.ecr.create(second)
        self.set_policy(allow(OTHER, "ecr:DescribeRepositories"))
        found = self.other.DescribeRepositories(registryId=ACCOUNT, repositoryNames=[self.repo])["repositories"]
        self.assertEqual([r["repositoryArn"] for r in found], [arn(self.repo)])
        self.assert_api_denied(root(OTHER), "DescribeRepositories", arn(second), False,
                               self.other.DescribeRepositories, registryId=ACCOUNT,
                               repositoryNames=[self.repo, second])

    def test_a_registry_policy_speaks_of_the_whole_registry(self):
        ask = dict(registryId=ACCOUNT, repositoryName=self.repo)
        self.set_registry_policy(
            allow(OTHER, ["ecr:DescribeRepositories", "ecr:ListImages"], Resource="arn:aws:ecr:*:*:repository/*"),
            deny("ecr:CreateRepository", Resource=arn("secret/*")))
        self.assertIn(self.repo, [r["repositoryName"] for r in
                                  self.other.DescribeRepositories(registryId=ACCOUNT)["repositories"]])
        self.assertEqual(self.other.ListImages(**ask)["imageIds"], [])
        self.assert_api_denied(root(OTHER), "DescribeImages", arn(self.repo), False, self.other.DescribeImages, **ask)
        self.assert_api_denied(root(ACCOUNT), "CreateRepository", arn("secret/x"), True,
                               self.ecr.CreateRepository, repositoryName="secret/x")
        # A repository's deny is not overruled by the registry's allow.
        self.set_policy(deny("ecr:ListImages"))
        self.assert_api_denied(root(OTHER), "ListImages", arn(self.repo), True, self.other.ListImages, **ask)

    def test_conditions_decide(self):
        ask = dict(registryId=ACCOUNT, repositoryName=self.repo)
        self.ecr.TagResource(resourceArn=arn(self.repo), tags=[{"Key": "team", "Value": "a"}])
        for condition, holds in (
                ({"StringEquals": {"ecr:ResourceTag/team": "a"}}, True),
                ({"StringEquals": {"ecr:ResourceTag/team": "b"}}, False),
                ({"StringEquals": {"aws:PrincipalAccount": [OTHER, THIRD]}}, True),
                ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
                ({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, False),
                ({"Bool": {"aws:SecureTransport": "true"}}, False),
                ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
                ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, True),
                ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False)):
            with self.subTest(condition):
                self.ecr.SetRepositoryPolicy(repositoryName=self.repo, policyText=policy(
                    {"Effect": "Allow", "Principal": "*", "Action": "ecr:ListImages", "Condition": condition}))
                if holds:
                    self.other.ListImages(**ask)
                else:
                    self.assert_api_denied(root(OTHER), "ListImages", arn(self.repo), False,
                                           self.other.ListImages, **ask)

    def test_a_policy_that_locks_out_needs_force(self):
        locking = policy(deny("ecr:*"))
        error = self.assert_api_error("InvalidParameterException", None, self.ecr.SetRepositoryPolicy,
                                      repositoryName=self.repo, policyText=locking)
        self.assertIn("'PolicyText'", error.message)
        self.ecr.SetRepositoryPolicy(repositoryName=self.repo, policyText=locking, force=True)
        self.assert_api_denied(root(ACCOUNT), "SetRepositoryPolicy", arn(self.repo), True,
                               self.ecr.SetRepositoryPolicy, repositoryName=self.repo, policyText=policy(
                                   allow(OTHER, "ecr:*")))

    def test_the_command_line_reads_the_refusal(self):
        aws = Cli(self.virga, OTHER)
        code, _, err = aws.run("list-images", "--registry-id", ACCOUNT, "--repository-name", self.repo)
        self.assertNotEqual(code, 0)
        self.assertIn("(AccessDeniedException)", err)
        self.assertIn(sentence(root(OTHER), "ListImages", arn(self.repo)), err)

    def test_the_command_line_keeps_registry_policies(self):
        aws = Cli(self.virga, THIRD)
        code, _, err = aws.run("get-registry-policy")
        self.assertNotEqual(code, 0)
        self.assertIn("(RegistryPolicyNotFoundException)", err)
        self.assertIn("Registry policy does not exist in the registry with id '%s'" % THIRD, err)
        text = policy(allow(root(OTHER), ["ecr:ReplicateImage"], Resource=arn("*", THIRD)))
        shown = {"registryId": THIRD, "policyText": text}
        self.assertEqual(aws.json("put-registry-policy", "--policy-text", text), shown)
        self.assertEqual(aws.json("get-registry-policy"), shown)
        code, _, err = aws.run("put-registry-policy", "--policy-text", policy(allow(OTHER, "ecr:*")))
        self.assertIn("Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy "
                      "provided'", err)
        self.assertEqual(aws.json("delete-registry-policy"), shown)
        self.assertNotEqual(aws.run("delete-registry-policy")[0], 0)

    def test_a_registry_policy_survives_a_restart(self):
        text = policy(allow(OTHER, "ecr:ListImages", Resource="*"))
        self.ecr.PutRegistryPolicy(policyText=text)
        self.addCleanup(self.ecr.DeleteRegistryPolicy)
        self.virga.restart()
        self.assertEqual(self.ecr.GetRegistryPolicy(), {"registryId": ACCOUNT, "policyText": text})
        self.other.ListImages(registryId=ACCOUNT, repositoryName=self.repo)


class Wire(PolicyCase):
    def setUp(self):
        super().setUp()
        self.pushed = image(self.repo)
        self.mine = self.wire(self.ecr)
        self.mine.push(self.repo, self.pushed, "v1")
        self.theirs = self.wire(self.other)

    def test_another_accounts_pull_is_refused_and_then_allowed(self):
        blob = self.pushed.layers[0]
        self.assert_denied(self.theirs.get_manifest(self.repo, "v1"), root(OTHER), "BatchGetImage")
        self.assert_denied(self.theirs.get_blob(self.repo, blob), root(OTHER), "GetDownloadUrlForLayer")
        self.assertEqual(self.theirs.head_manifest(self.repo, "v1").status, 403)
        self.assertFalse(self.theirs.has_blob(self.repo, blob))
        self.set_policy(allow(OTHER, PULL))
        self.theirs.check_pull(self.repo, self.pushed, "v1")
        self.assertTrue(self.theirs.has_blob(self.repo, blob))
        self.assert_denied(self.wire(Ecr(self.virga, THIRD)).get_manifest(self.repo, "v1"), root(THIRD),
                           "BatchGetImage")

    def test_what_is_allowed_to_pull_is_not_allowed_to_push(self):
        self.set_policy(allow(OTHER, PULL))
        self.assert_denied(self.theirs.send("POST", self.theirs.url(self.repo, "blobs/uploads/")), root(OTHER),
                           "InitiateLayerUpload")
        self.assert_denied(self.theirs.put_manifest(self.repo, self.pushed, "v2"), root(OTHER), "PutImage")
        self.assert_denied(self.theirs.delete_manifest(self.repo, self.pushed.digest), root(OTHER),
                           "BatchDeleteImage")
        self.assert_denied(self.theirs.send("GET", self.theirs.url(self.repo, "tags/list")), root(OTHER),
                           "ListImages")
        self.assertEqual(self.mine.tags(self.repo), ["v1"])

    def test_another_account_pushes_where_it_may(self):
        self.set_policy(allow(OTHER, PULL + PUSH))
        second = image(self.repo + " 2")
        self.theirs.push(self.repo, second, "v2")
        self.mine.check_pull(self.repo, second, "v2")

    def test_an_upload_needs_the_actions_of_its_parts(self):
        self.set_policy(allow(OTHER, PUSH[:1]))
        location = self.theirs.begin(self.repo)
        self.assert_denied(self.theirs.send("PATCH", location, b"x"), root(OTHER), "UploadLayerPart")
        end = self.theirs.with_digest(location, image("x").digest)
        self.assert_denied(self.theirs.send("PUT", end, b""), root(OTHER), "CompleteLayerUpload")
        self.set_policy(allow(OTHER, PUSH[:1] + PUSH[2:]))
        self.assert_denied(self.theirs.send("PUT", end, b"x"), root(OTHER), "UploadLayerPart")

    def test_an_explicit_deny_binds_the_owner_too(self):
        self.set_policy(deny("ecr:BatchGetImage"))
        self.assert_denied(self.mine.get_manifest(self.repo, "v1"), root(ACCOUNT), "BatchGetImage", explicit=True)
        self.assertEqual(self.mine.tags(self.repo), ["v1"])

    def test_a_repository_that_is_not_there_is_not_told_to_others(self):
        self.assert_denied(self.theirs.get_manifest("none/such", "v1"), root(OTHER), "BatchGetImage", "none/such")
        self.assert_wire_error(self.mine.get_manifest("none/such", "v1"), 404, "NAME_UNKNOWN",
                               no_repository("none/such"))

    def test_what_a_cache_would_fetch_is_a_question_to_the_registry(self):
        name = "cache-of/" + self.repo[-50:].strip("-")
        self.assert_denied(self.theirs.get_manifest(name, "v1"), root(OTHER), "BatchGetImage", name)
        self.set_registry_policy(allow(OTHER, "ecr:BatchImportUpstreamImage", Resource=arn("cache-of/*")))
        self.assert_wire_error(self.theirs.get_manifest(name, "v1"), 404, "NAME_UNKNOWN", no_repository(name))
        self.assert_denied(self.theirs.get_manifest(self.repo, "v1"), root(OTHER), "BatchGetImage")
        self.assert_denied(self.theirs.send("POST", self.theirs.url(name, "blobs/uploads/")), root(OTHER),
                           "InitiateLayerUpload", name)

    def test_the_catalog_is_the_registrys(self):
        answer = self.theirs.send("GET", "/v2/_catalog")
        self.assert_denied(answer, root(OTHER), "DescribeRepositories", "*")
        self.set_registry_policy(allow(OTHER, "ecr:DescribeRepositories", Resource="*"))
        self.assertIn(self.repo, self.theirs.send("GET", "/v2/_catalog").json()["repositories"])

    def test_a_mount_from_where_one_may_not_read_is_an_ordinary_upload(self):
        target = self.repo + "-target"
        self.ecr.create(target)
        self.set_policy(deny("ecr:GetDownloadUrlForLayer"))
        answer = self.mine.mount(target, self.pushed.layers[0], self.repo)
        self.assertEqual(answer.status, 202)
        self.assertFalse(self.mine.has_blob(target, self.pushed.layers[0]))

    def test_skopeo_copies_between_accounts_where_policies_let_it(self):
        skopeo = Skopeo(self.virga.dir)
        port, password = self.virga.registry_base, password_of(self.other)
        source = "localhost:%d/%s/%s/%s:v1" % (port, ACCOUNT, REGION, self.repo)
        pulled = "dir:" + os.path.join(self.virga.dir, self.repo[-60:])
        creds = ("--src-creds", "AWS:" + password)
        code, _, err = skopeo.run("copy", "--src-tls-verify=false", *creds, "docker://" + source, pulled)
        self.assertNotEqual(code, 0)
        self.assertIn(sentence(root(OTHER), "BatchGetImage", arn(self.repo)), err)
        code, _, err = skopeo.run("copy", "--src-tls-verify=false", "docker://" + source, pulled)
        self.assertNotEqual(code, 0)
        self.set_policy(allow(OTHER, PULL))
        skopeo.pull(source, pulled, *creds)
        layout = write_layout(os.path.join(self.virga.dir, "layout-" + self.repo[-60:]), image(self.repo + " 2"))
        target = "localhost:%d/%s/%s/%s:v2" % (port, ACCOUNT, REGION, self.repo)
        creds = ("--dest-creds", "AWS:" + password)
        code, _, err = skopeo.run("copy", "--dest-tls-verify=false", *creds, layout, "docker://" + target)
        self.assertNotEqual(code, 0)
        self.assertIn("denied", err)
        self.assertIn("InitiateLayerUpload", err)
        self.set_policy(allow(OTHER, PULL + PUSH))
        skopeo.push(layout, target, *creds)
        self.assertEqual(self.mine.tags(self.repo), ["v1", "v2"])


class Sessions(PolicyCase):
    """Temporary credentials of the host's own STS."""

    def assume(self, role):
        """An Ecr client with the credentials of a role's session. A role must be there to be assumed, where policies count."""
        path, _, name = role.split(":role", 1)[1].rpartition("/")
        try:
            Iam(self.virga, OTHER).role(name, Path=path + "/")
        except IamError as error:
            self.assertEqual(error.code, "EntityAlreadyExists")
        session = Sts(self.virga, OTHER).ok("AssumeRole", RoleArn=role, RoleSessionName="ci")
        return Ecr(self.virga, session["AccessKeyId"])

    def test_a_role_is_named_by_its_arn_in_policies_and_refusals(self):
        role = "arn:aws:iam::%s:role/team/deploy" % OTHER
        session = "arn:aws:sts::%s:assumed-role/deploy/ci" % OTHER
        deploy = self.assume(role)
        ask = dict(registryId=ACCOUNT, repositoryName=self.repo)
        self.assert_api_denied(session, "ListImages", arn(self.repo), False, deploy.ListImages, **ask)
        self.set_policy(allow(role, ["ecr:ListImages", *PULL]))
        deploy.ListImages(**ask)
        self.assert_api_denied(root(OTHER), "ListImages", arn(self.repo), False, self.other.ListImages, **ask)
        other_role = self.assume("arn:aws:iam::%s:role/build" % OTHER)
        self.assert_api_denied("arn:aws:sts::%s:assumed-role/build/ci" % OTHER, "ListImages", arn(self.repo),
                               False, other_role.ListImages, **ask)
        # On the wire, too.
        pushed = image(self.repo)
        self.wire(self.ecr).push(self.repo, pushed, "v1")
        wire = self.wire(deploy)
        wire.check_pull(self.repo, pushed, "v1")
        self.assert_denied(wire.put_manifest(self.repo, pushed, "v2"), session, "PutImage")

    def test_many_calls_of_new_sessions_at_once_are_each_their_own(self):
        roles = ["arn:aws:iam::%s:role/r%d" % (OTHER, i) for i in range(8)]
        sessions = [self.assume(role) for role in roles] * 3
        self.set_policy(allow(roles[:4], "ecr:ListImages"))

        def ask(session):
            try:
                session.ListImages(registryId=ACCOUNT, repositoryName=self.repo)
                return None
            except ApiError as error:
                return error.message
        with concurrent.futures.ThreadPoolExecutor(len(sessions)) as pool:
            answers = list(pool.map(ask, sessions))
        for i, answer in enumerate(answers):
            role = i % 8
            self.assertEqual(answer, None if role < 4 else sentence(
                "arn:aws:sts::%s:assumed-role/r%d/ci" % (OTHER, role), "ListImages", arn(self.repo)))

    def test_an_invented_key_is_refused(self):
        Iam(self.virga, OTHER).role("x")
        session = Sts(self.virga, OTHER).ok("AssumeRole", RoleArn="arn:aws:iam::%s:role/x" % OTHER,
                                            RoleSessionName="ci")
        key = session["AccessKeyId"]
        status, _, _ = self.virga.http("POST", "/_floci/state/reset")
        self.assertEqual(status, 200)
        self.assert_api_error("UnrecognizedClientException",
                              "The security token included in the request is invalid.",
                              Ecr(self.virga, key).DescribeRepositories)


class WithoutSts(PolicyCase):
    settings = {**ENFORCE, "floci.services.sts.enabled": "false"}

    def test_temporary_keys_stand_for_the_owner_of_their_account(self):
        with Virga(settings={"floci.services.ecr.enabled": "false"}) as elsewhere:
            key = Sts(elsewhere, OTHER).ok("AssumeRole", RoleArn="arn:aws:iam::%s:role/x" % OTHER,
                                           RoleSessionName="ci")["AccessKeyId"]
        session, ask = Ecr(self.virga, key), dict(registryId=ACCOUNT, repositoryName=self.repo)
        self.assertEqual(session.DescribeRepositories()["repositories"], [])
        self.assert_api_denied(root(OTHER), "ListImages", arn(self.repo), False, session.ListImages, **ask)
        self.set_policy(allow(OTHER, "ecr:ListImages"))
        session.ListImages(**ask)


if __name__ == "__main__":
    unittest.main()
