# SPDX-License-Identifier: MIT
"""Replication: what was pushed comes to other regions and accounts, once, in order, and whatever happens meanwhile."""
import http.client
import json
import os
import signal
import threading
import time
import unittest

from aws import ACCOUNT, REGION, Cli, Ecr
from ecrcase import EcrCase, no_repository
from images import Image, OCI_MANIFEST, digest_of, image, index, layer, write_layout
from oci import Registry
from skopeo import Skopeo, name_space
from virga import BINARY, Virga, need, wait_for

OTHER_ACCOUNT = "111122223333"
OTHER_REGION = "eu-west-1"


def destination(region=OTHER_REGION, account=ACCOUNT):
    return {"region": region, "registryId": account}


def rule(*destinations, prefix=None):
    made = {"destinations": list(destinations)}
    if prefix is not None:
        made["repositoryFilters"] = [{"filter": prefix, "filterType": "PREFIX_MATCH"}]
    return made


def put_rules(ecr, *rules):
    return ecr.PutReplicationConfiguration(replicationConfiguration={"rules": list(rules)})


def statuses(ecr, name, **image_id):
    """{(account, region): (status, failure code or None)}"""
    answer = ecr.DescribeImageReplicationStatus(repositoryName=name, imageId=image_id)
    return {(s["registryId"], s["region"]): (s["status"], s.get("failureCode"))
            for s in answer["replicationStatuses"]}


def wait_replicated(ecr, name, digest, seconds=60):
    """Waits until nothing of the image is IN_PROGRESS and returns its statuses."""
    def settled():
        found = statuses(ecr, name, imageDigest=digest)
        return found if found and all(s != "IN_PROGRESS" for s, _ in found.values()) else None
    return wait_for(settled, seconds, "the replication of %s" % digest)


def blob_files(virga):
    """{path: size} of every blob's bytes on the registry's disk."""
    found = {}
    root = os.path.join(virga.data, "ecr", "registry", "docker", "registry", "v2", "blobs")
    for folder, _, names in os.walk(root):
        for name in names:
            if name == "data":
                found[os.path.join(folder, name)] = os.path.getsize(os.path.join(folder, name))
    return found


class Configuration(EcrCase):
    """Each test has a region of its own, so that none sees another's rules."""

    def ecr_in(self, region):
        return Ecr(self.virga, region=region)

    def assert_refused(self, ecr, message, *rules):
        self.assert_api_error(
            "InvalidParameterException",
            "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: '%s'" % message,
            ecr.PutReplicationConfiguration, replicationConfiguration={"rules": list(rules)})

    def test_without_a_configuration_the_rules_are_empty(self):
        ecr = self.ecr_in("ca-central-1")
        status, _, body = ecr.raw("DescribeRegistry", "{}")
        self.assertEqual(status, 200)
        self.assertEqual(body.decode(), '{"registryId":"%s","replicationConfiguration":{"rules":[]}}' % ACCOUNT)

    def test_what_was_put_is_described_and_an_empty_list_switches_it_off(self):
        ecr = self.ecr_in("ca-west-1")
        rules = [rule(destination(), destination("us-west-2"), prefix="prod/"), rule(destination("us-west-1"))]
        answer = put_rules(ecr, *rules)
        self.assertEqual(answer, {"replicationConfiguration": {"rules": rules}})
        self.assertEqual(ecr.DescribeRegistry(),
                         {"registryId": ACCOUNT, "replicationConfiguration": {"rules": rules}})
        self.assertEqual(put_rules(ecr), {"replicationConfiguration": {"rules": []}})
        self.assertEqual(ecr.DescribeRegistry()["replicationConfiguration"], {"rules": []})

    def test_each_region_and_account_has_a_configuration_of_its_own(self):
        ecr = self.ecr_in("sa-east-1")
        put_rules(ecr, rule(destination()))
        for other in (self.ecr_in("sa-west-1"), Ecr(self.virga, OTHER_ACCOUNT, "sa-east-1")):
            self.assertEqual(other.DescribeRegistry()["replicationConfiguration"], {"rules": []})

    def test_a_registry_does_not_replicate_into_itself(self):
        ecr = self.ecr_in("us-west-2")
        self.assert_refused(ecr, "Replication destination cannot be the same as the source registry",
                            rule(destination(), destination("us-west-2")))
        # The same region of another account is another registry.
        put_rules(ecr, rule(destination("us-west-2", OTHER_ACCOUNT)))
        put_rules(ecr)

    def test_destinations_of_a_rule_are_unique_and_of_one_partition(self):
        ecr = self.ecr_in("us-west-1")
        self.assert_refused(ecr, "Replication destinations of a rule must be unique",
                            rule(destination(), destination()))
        self.assert_refused(ecr, "Replication destination must be in the same partition as the source registry",
                            rule(destination("cn-north-1")))
        # Two rules with other filters may share one.
        put_rules(ecr, rule(destination(), prefix="a-"), rule(destination(), prefix="b-"))
        put_rules(ecr)

    def test_ten_rules_and_twenty_five_destinations_are_the_most(self):
        ecr = self.ecr_in("ap-east-1")
        regions = [destination("xx-test-%d" % i) for i in range(26)]
        put_rules(ecr, *[rule(r) for r in regions[:10]])
        put_rules(ecr, rule(*regions[:13]), rule(*regions[12:25]))
        self.assert_refused(ecr, "Replication configuration cannot have more than 25 unique destinations",
                            rule(*regions[:13]), rule(*regions[13:]))
        self.assert_api_error(
            "InvalidParameterException",
            "Invalid parameter at 'replicationConfiguration.rules' failed to satisfy constraint: "
            "'Member must have length less than or equal to 10'",
            ecr.PutReplicationConfiguration,
            replicationConfiguration={"rules": [rule(r) for r in regions[:11]]})
        put_rules(ecr)

    def test_malformed_members_are_refused(self):
        ecr = self.ecr_in("ap-south-1")
        for bad in (
                {},
                {"rules": [{}]},
                {"rules": [rule({"region": "x", "registryId": ACCOUNT})]},
                {"rules": [rule({"region": OTHER_REGION, "registryId": "1"})]},
                {"rules": [rule({"region": OTHER_REGION})]},
                {"rules": [rule(destination(), prefix="UPPER")]},
                {"rules": [rule(destination(), prefix="x")]},
                {"rules": [{"destinations": [destination()], "repositoryFilters": []}]},
                {"rules": [{"destinations": [destination()],
                            "repositoryFilters": [{"filter": "app", "filterType": "WILDCARD"}]}]}):
            with self.subTest(bad):
                self.assert_api_error("InvalidParameterException", None,
                                      ecr.PutReplicationConfiguration, replicationConfiguration=bad)
        self.assertEqual(ecr.DescribeRegistry()["replicationConfiguration"], {"rules": []})

    def test_the_command_line_reads_and_writes_it(self):
        cli = Cli(self.virga, account=ACCOUNT, region="ap-south-2")
        text = json.dumps({"rules": [rule(destination(), prefix="app")]})
        answer = cli.json("put-replication-configuration", "--replication-configuration", text)
        self.assertEqual(answer["replicationConfiguration"], json.loads(text))
        self.assertEqual(cli.json("describe-registry")["replicationConfiguration"], json.loads(text))


class Replication(EcrCase):
    """One rule for everything to another region and account; more by prefix."""

    destinations = [(ACCOUNT, OTHER_REGION), (OTHER_ACCOUNT, REGION)]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        put_rules(Ecr(cls.virga), rule(destination(), destination(REGION, OTHER_ACCOUNT)))

    def others(self):
        """[(api, registry)] of each destination."""
        return [(Ecr(self.virga, account, region), self.registry(account, region))
                for account, region in self.destinations]

    def assert_complete(self, name, digest):
        self.assertEqual(wait_replicated(self.ecr, name, digest),
                         {d: ("COMPLETE", None) for d in self.destinations})

    def test_an_image_comes_to_another_region_and_another_account(self):
        name, registry = self.repository()
        pushed = image(name, layer_size=1 << 20)
        registry.push(name, pushed, "v1")
        self.assert_complete(name, pushed.digest)
        for ecr, other in self.others():
            self.assertEqual(ecr.image_ids(name), [("v1", pushed.digest)])
            other.check_pull(name, pushed, "v1")
            detail = ecr.details(name)[pushed.digest]
            self.assertEqual(detail["imageSizeInBytes"], pushed.size)
            self.assertEqual(detail["registryId"], ecr.account)
            made = ecr.DescribeRepositories(repositoryNames=[name])["repositories"][0]
            self.assertEqual(made["imageTagMutability"], "MUTABLE")
            self.assertEqual(made["encryptionConfiguration"], {"encryptionType": "AES256"})

    def test_no_byte_is_stored_twice(self):
        name, registry = self.repository()
        pushed = image(name, layer_size=1 << 20)
        before = blob_files(self.virga)
        registry.push(name, pushed, "v1")
        alone = {digest_of(pushed.manifest), *pushed.blobs}
        self.assert_complete(name, pushed.digest)
        new = {path: size for path, size in blob_files(self.virga).items() if path not in before}
        self.assertEqual({"sha256:" + path.split("/")[-2] for path in new}, alone)
        self.assertEqual(len(new), len(alone))

    def test_skopeo_pulls_from_the_destination_by_its_hostname(self):
        name, registry = self.repository()
        hosts = [registry.host] + [other.host for _, other in self.others()]
        skopeo = Skopeo(self.virga.dir, name_space(self.virga.dir, [h.split(":")[0] for h in hosts]))
        pushed = image(name)
        layout = write_layout(os.path.join(self.virga.dir, name), pushed)
        skopeo.push(layout, "%s/%s:v1" % (registry.host, name))
        self.assert_complete(name, pushed.digest)
        for _, other in self.others():
            shown = skopeo.inspect("%s/%s:v1" % (other.host, name))
            self.assertEqual(shown["Digest"], pushed.digest)
            skopeo.pull("%s/%s:v1" % (other.host, name), "dir:" + os.path.join(self.virga.dir, other.host + name))

    def test_every_tag_comes_and_a_tag_ends_where_it_was_pushed_last(self):
        name, registry = self.repository()
        images = [image("%s %d" % (name, i)) for i in range(6)]
        for i, pushed in enumerate(images):
            registry.push(name, pushed, "latest")
            registry.put_manifest(name, pushed, "v%d" % i)
        for pushed in images:
            self.assert_complete(name, pushed.digest)
        expected = sorted([("latest", images[-1].digest)] + [("v%d" % i, p.digest) for i, p in enumerate(images)])
        for ecr, _ in self.others():
            self.assertEqual(ecr.image_ids(name), expected)

    def test_an_untagged_image_comes_untagged(self):
        name, registry = self.repository()
        pushed = image(name)
        registry.push(name, pushed)
        self.assert_complete(name, pushed.digest)
        for ecr, other in self.others():
            self.assertEqual(ecr.image_ids(name), [(None, pushed.digest)])
            other.check_pull(name, pushed)

    def test_a_multi_arch_image_comes_with_its_children_in_both_formats(self):
        name, registry = self.repository()
        for docker in (False, True):
            whole = index([image("%s %s %s" % (name, arch, docker), arch=arch, docker=docker)
                           for arch in ("amd64", "arm64", "s390x")], docker=docker)
            registry.push(name, whole, "docker" if docker else "oci")
            self.assert_complete(name, whole.digest)
            for _, other in self.others():
                other.check_pull(name, whole, "docker" if docker else "oci")
                for child in whole.children:
                    other.check_pull(name, child)

    def test_a_child_that_the_destination_lost_comes_again_with_its_index(self):
        name, registry = self.repository()
        children = [image(name + arch, arch=arch) for arch in ("amd64", "arm64")]
        for child in children:
            registry.push(name, child)
            self.assert_complete(name, child.digest)
        for ecr, _ in self.others():
            ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageDigest": children[0].digest}])
        whole = index(children)
        registry.push(name, whole, "v1")
        self.assert_complete(name, whole.digest)
        for _, other in self.others():
            other.check_pull(name, whole, "v1")
            other.check_pull(name, children[0])

    def test_a_referrer_comes_like_any_image(self):
        name, registry = self.repository()
        subject = image(name)
        registry.push(name, subject, "v1")
        config, blob = b"{}", layer(name + " signature")[0]
        doc = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.test.signature",
               "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(config),
                          "size": len(config)},
               "layers": [{"mediaType": "application/octet-stream", "digest": digest_of(blob), "size": len(blob)}],
               "subject": {"mediaType": subject.media_type, "digest": subject.digest,
                           "size": len(subject.manifest)}}
        signature = Image(json.dumps(doc).encode(), OCI_MANIFEST, {digest_of(config): config, digest_of(blob): blob})
        registry.push(name, signature)
        self.assert_complete(name, signature.digest)
        for ecr, other in self.others():
            other.check_pull(name, signature)
            self.assertEqual(ecr.details(name)[signature.digest]["subjectManifestDigest"], subject.digest)

    def test_a_repository_with_the_longest_name_comes(self):
        name = (self.name() + "/" + "long-" * 60)[:255] + "x"
        self.ecr.create(name)
        pushed = image(name)
        self.registry().push(name, pushed, "v1")
        self.assert_complete(name, pushed.digest)
        for _, other in self.others():
            other.check_pull(name, pushed, "v1")

    def test_the_same_image_pushed_again_stays_complete(self):
        name, registry = self.repository()
        pushed = image(name)
        for _ in range(3):
            registry.push(name, pushed, "v1")
            self.assert_complete(name, pushed.digest)

    def test_what_came_by_replication_is_not_replicated_again(self):
        name, registry = self.repository()
        # A rule there that would send it on, and one that would send it back.
        there = Ecr(self.virga, ACCOUNT, OTHER_REGION)
        put_rules(there, rule(destination("ap-northeast-1"), destination(REGION), prefix=name))
        pushed = image(name)
        registry.push(name, pushed, "v1")
        self.assert_complete(name, pushed.digest)
        self.assertEqual(statuses(there, name, imageTag="v1"), {})
        # What is pushed there does go on; once that is there, so would be the other.
        direct = image(name + " direct")
        self.registry(ACCOUNT, OTHER_REGION).push(name, direct, "v2")
        wait_replicated(there, name, direct.digest)
        self.assertEqual(Ecr(self.virga, ACCOUNT, "ap-northeast-1").image_ids(name), [("v2", direct.digest)])
        put_rules(there)

    def test_deletes_do_not_propagate(self):
        name, registry = self.repository()
        one, two = image(name + "1"), image(name + "2")
        registry.push(name, one, "v1")
        registry.push(name, two, "v2")
        self.assert_complete(name, one.digest)
        self.assert_complete(name, two.digest)
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "v1"}])
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
        self.assertEqual(status, 200, body)
        for ecr, other in self.others():
            self.assertEqual(len(ecr.image_ids(name)), 2)
            other.check_pull(name, one, "v1")
            other.check_pull(name, two, "v2")

    def test_only_what_is_pushed_after_the_rule_is_replicated(self):
        region = "eu-south-1"
        source = Ecr(self.virga, ACCOUNT, region)
        name = self.name()
        source.create(name)
        registry = self.registry(ACCOUNT, region)
        old, new = image(name + "old"), image(name + "new")
        registry.push(name, old, "old")
        put_rules(source, rule(destination(OTHER_REGION)))
        registry.push(name, new, "new")
        wait_replicated(source, name, new.digest)
        self.assertEqual(statuses(source, name, imageTag="old"), {})
        self.assertEqual(Ecr(self.virga, ACCOUNT, OTHER_REGION).image_ids(name), [("new", new.digest)])
        # An index brings children that were there before the rule.
        whole = index([old, new])
        registry.push(name, whole, "both")
        wait_replicated(source, name, whole.digest)
        self.registry(ACCOUNT, OTHER_REGION).check_pull(name, whole, "both")
        self.registry(ACCOUNT, OTHER_REGION).check_pull(name, old)
        put_rules(source)
        after = image(name + "after")
        registry.push(name, after, "after")
        self.assertEqual(statuses(source, name, imageTag="after"), {})

    def test_prefix_filters_choose_the_repositories(self):
        region = "eu-south-2"
        source = Ecr(self.virga, ACCOUNT, region)
        registry = self.registry(ACCOUNT, region)
        put_rules(source,
                  rule(destination("me-south-1"), prefix="prod"),
                  rule(destination("me-south-1"), destination("me-central-1"), prefix="prod/web"))
        expected = {"prod": {"me-south-1"}, "production": {"me-south-1"}, "prod/api": {"me-south-1"},
                    "prod/web": {"me-south-1", "me-central-1"}, "prod/website": {"me-south-1", "me-central-1"},
                    "test/prod": set(), "pro": set()}
        for name, regions in expected.items():
            source.create(name)
            pushed = image(region + name)
            registry.push(name, pushed, "v1")
            if regions:
                wait_replicated(source, name, pushed.digest)
            self.assertEqual({r for _, r in statuses(source, name, imageTag="v1")}, regions, name)
            for there in ("me-south-1", "me-central-1"):
                other = Ecr(self.virga, ACCOUNT, there)
                names = [r["repositoryName"] for r in other.DescribeRepositories()["repositories"]]
                self.assertEqual(name in names, there in regions, (name, there))

    def test_an_immutable_tag_of_the_destination_stays_and_the_image_comes_without_it(self):
        name, registry = self.repository()
        ecr, other = self.others()[0]
        ecr.create(name, imageTagMutability="IMMUTABLE")
        first, second = image(name + "1"), image(name + "2")
        registry.push(name, first, "v1")
        self.assert_complete(name, first.digest)
        registry.push(name, second, "v1")
        self.assert_complete(name, second.digest)
        self.assertEqual(ecr.image_ids(name), [(None, second.digest), ("v1", first.digest)])
        other.check_pull(name, second)
        other.check_pull(name, first, "v1")

    def test_gc_runs_while_images_are_replicated(self):
        name, registry = self.repository()
        images = [image("%s %d" % (name, i), layer_size=1 << 16) for i in range(30)]
        answers = []

        def collect():
            for _ in range(4):
                answers.append(self.virga.http("POST", "/_floci/ecr/gc", timeout=120)[0])

        collector = threading.Thread(target=collect)
        collector.start()
        for i, pushed in enumerate(images):
            registry.push(name, pushed, "v%d" % i)
        collector.join()
        self.assertEqual(answers, [200] * 4)
        for i, pushed in enumerate(images):
            self.assert_complete(name, pushed.digest)
        for _, other in self.others():
            for i, pushed in enumerate(images):
                other.check_pull(name, pushed, "v%d" % i)

    def test_two_hundred_images_pushed_quickly_all_come(self):
        name, registry = self.repository()
        shared = [layer(name)]
        images = [image("%s %d" % (name, i), layers=shared) for i in range(200)]
        failures = []

        def push(part):
            try:
                for i in range(part, len(images), 4):
                    registry.push(name, images[i], "v%d" % i)
            except BaseException as e:
                failures.append(e)

        threads = [threading.Thread(target=push, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        for pushed in images:
            self.assertEqual(wait_replicated(self.ecr, name, pushed.digest, 300),
                             {d: ("COMPLETE", None) for d in self.destinations})
        expected = sorted(("v%d" % i, pushed.digest) for i, pushed in enumerate(images))
        for ecr, _ in self.others():
            self.assertEqual(ecr.image_ids(name), expected)

    def test_a_reset_in_the_middle_leaves_nothing_behind(self):
        name, registry = self.repository()
        for i in range(10):
            registry.push(name, image("%s %d" % (name, i)), "v%d" % i)
        status, _, body = self.virga.http("POST", "/_floci/state/reset", timeout=120)
        self.assertEqual((status, json.loads(body)), (200, {"status": "ok"}))
        for ecr, _ in [(self.ecr, None), *self.others()]:
            self.assertEqual(ecr.DescribeRepositories()["repositories"], [])
        self.assertEqual(self.ecr.DescribeRegistry()["replicationConfiguration"], {"rules": []})
        # For the tests that follow; and it works again.
        put_rules(self.ecr, rule(destination(), destination(REGION, OTHER_ACCOUNT)))
        self.ecr.create(name)
        pushed = image(name + "again")
        self.registry().push(name, pushed, "v1")
        self.assert_complete(name, pushed.digest)


class Status(EcrCase):
    def test_an_image_without_replication_has_none(self):
        name, registry = self.repository()
        pushed = image(name)
        registry.push(name, pushed, "v1")
        self.assertEqual(
            self.ecr.DescribeImageReplicationStatus(repositoryName=name, imageId={"imageTag": "v1"}),
            {"repositoryName": name, "imageId": {"imageDigest": pushed.digest, "imageTag": "v1"},
             "replicationStatuses": []})
        self.assertEqual(statuses(self.ecr, name, imageDigest=pushed.digest), {})

    def test_the_command_line_shows_a_status(self):
        name, registry = self.repository()
        put_rules(self.ecr, rule(destination(), prefix=name))
        pushed = image(name)
        registry.push(name, pushed, "v1")
        wait_replicated(self.ecr, name, pushed.digest)
        answer = Cli(self.virga, account=ACCOUNT).json(
            "describe-image-replication-status", "--repository-name", name, "--image-id", "imageTag=v1")
        self.assertEqual(answer["replicationStatuses"],
                         [{"region": OTHER_REGION, "registryId": ACCOUNT, "status": "COMPLETE"}])

    def test_what_is_not_there_is_told_as_by_describe_images(self):
        name, registry = self.repository()
        one, two = image(name + "1"), image(name + "2")
        registry.push(name, one, "v1")
        registry.push(name, two, "v2")
        absent = "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the " \
                 "repository with name '" + name + "' in the registry with id '" + ACCOUNT + "'"
        call = self.ecr.DescribeImageReplicationStatus
        missing = "sha256:" + "0" * 64
        for image_id in ({"imageTag": "no"}, {"imageDigest": missing},
                         {"imageTag": "v1", "imageDigest": two.digest}):
            self.assert_api_error("ImageNotFoundException",
                                  absent % (image_id.get("imageDigest", "null"), image_id.get("imageTag", "null")),
                                  call, repositoryName=name, imageId=image_id)
        self.assert_api_error("RepositoryNotFoundException", no_repository("no-such"), call,
                              repositoryName="no-such", imageId={"imageTag": "v1"})
        self.assert_api_error("InvalidParameterException", None, call, repositoryName=name, imageId={})
        self.assert_api_error("InvalidParameterException", None, call, repositoryName=name)


class CrossAccount(EcrCase):
    """Where policies are enforced, the destination's registry decides."""

    settings = {"floci.auth.mode": "enforce"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, _, body = Ecr(cls.virga).raw("PutRegistryPolicy", "{}")
        if b"UnknownOperationException" in body:
            cls.tearDownClass()
            raise unittest.SkipTest("this build has no registry policies")

    def setUp(self):
        super().setUp()
        self.there = Ecr(self.virga, OTHER_ACCOUNT)
        put_rules(self.ecr, rule(destination(REGION, OTHER_ACCOUNT), destination()))

    def login(self, ecr, region=REGION):
        data, = ecr.GetAuthorizationToken()["authorizationData"]
        host = "%s.dkr.ecr.%s.localhost:%d" % (ecr.account, region, self.virga.registry_base)
        return Registry(self.virga.registry_base, host, headers={"Authorization": "Basic " + data["authorizationToken"]})

    def allow(self, *actions):
        self.there.PutRegistryPolicy(policyText=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%s:root" % ACCOUNT}, "Action": list(actions),
            "Resource": "arn:aws:ecr:%s:%s:repository/*" % (REGION, OTHER_ACCOUNT)}]}))
        self.addCleanup(self.there.DeleteRegistryPolicy)

    def push(self, name):
        pushed = image(name + os.urandom(4).hex())
        self.login(self.ecr).push(name, pushed, "v1")
        return pushed, wait_replicated(self.ecr, name, pushed.digest)

    def expected(self, status, code=None):
        return {(OTHER_ACCOUNT, REGION): (status, code), (ACCOUNT, OTHER_REGION): ("COMPLETE", None)}

    def test_another_account_that_does_not_allow_it_gets_nothing(self):
        name = self.name()
        self.ecr.create(name)
        _, found = self.push(name)
        self.assertEqual(found, self.expected("FAILED", "AccessDenied"))
        self.assertEqual(self.there.DescribeRepositories()["repositories"], [])

    def test_another_account_that_allows_it_gets_the_image(self):
        name = self.name()
        self.ecr.create(name)
        self.allow("ecr:ReplicateImage", "ecr:CreateRepository")
        pushed, found = self.push(name)
        self.assertEqual(found, self.expected("COMPLETE"))
        self.login(self.there).check_pull(name, pushed, "v1")
        self.there.DeleteRepository(repositoryName=name, force=True)

    def test_without_leave_to_create_repositories_they_must_be_there(self):
        name = self.name()
        self.ecr.create(name)
        self.allow("ecr:ReplicateImage")
        _, found = self.push(name)
        self.assertEqual(found, self.expected("FAILED", "AccessDenied"))
        self.there.create(name)
        pushed, found = self.push(name)
        self.assertEqual(found, self.expected("COMPLETE"))
        self.login(self.there).check_pull(name, pushed, "v1")
        self.there.DeleteRepository(repositoryName=name, force=True)


class Crash(unittest.TestCase):
    """Each test has a server of its own: it is killed."""

    def setUp(self):
        need("docker-registry")
        self.virga = Virga()
        self.addCleanup(self.virga.cleanup)
        self.virga.start()
        self.ecr = Ecr(self.virga)
        self.there = Ecr(self.virga, ACCOUNT, OTHER_REGION)
        self.ecr.create("app")
        put_rules(self.ecr, rule(destination()))

    def registry(self, region=REGION):
        return Registry.hostname(self.ecr.port(), ACCOUNT, region)

    def push_to_many(self):
        """An image with many layers for many destinations: more than is done when the push is answered."""
        regions = ["xx-test-%d" % i for i in range(25)]
        put_rules(self.ecr, rule(*[destination(region) for region in regions]))
        pushed = image("many", layers=[layer("many %d" % i) for i in range(30)])
        self.registry().push("app", pushed, "v1")
        return regions, pushed

    def assert_complete(self, regions, pushed):
        self.assertEqual(wait_replicated(self.ecr, "app", pushed.digest),
                         {(ACCOUNT, region): ("COMPLETE", None) for region in regions})
        for region in regions:
            self.assertEqual(Ecr(self.virga, ACCOUNT, region).image_ids("app"), [("v1", pushed.digest)])
            self.registry(region).check_pull("app", pushed, "v1")

    def test_in_progress_first_and_complete_then(self):
        regions, pushed = self.push_to_many()
        first = statuses(self.ecr, "app", imageTag="v1")
        self.assertEqual(set(first), {(ACCOUNT, region) for region in regions})
        self.assertIn(("IN_PROGRESS", None), first.values())
        self.assertLessEqual(set(first.values()), {("IN_PROGRESS", None), ("COMPLETE", None)})
        self.assert_complete(regions, pushed)
        self.virga.stop()

    def test_killed_between_push_and_replication(self):
        regions, pushed = self.push_to_many()
        self.virga.kill9()
        self.virga.start()
        self.assertIn("replications are left of an earlier run", self.virga.log())
        self.assert_complete(regions, pushed)
        self.virga.stop()

    def test_stopped_between_push_and_replication(self):
        regions, pushed = self.push_to_many()
        self.virga.stop()
        self.virga.start()
        self.assertIn("replications are left of an earlier run", self.virga.log())
        self.assert_complete(regions, pushed)
        self.virga.stop()

    def test_registry_killed_in_the_middle(self):
        regions, pushed = self.push_to_many()
        for pid in self.virga.registry_pids():
            os.kill(pid, signal.SIGKILL)
        self.assert_complete(regions, pushed)
        self.virga.stop()

    def test_in_progress_as_long_as_there_is_no_registry(self):
        regions, pushed = self.push_to_many()
        self.virga.kill9()
        for pid in self.virga.registry_pids():
            os.kill(pid, signal.SIGKILL)
        self.virga.env["PATH"] = "/nonexistent"
        self.virga.start()
        self.assertIn(("IN_PROGRESS", None), statuses(self.ecr, "app", imageTag="v1").values())
        wait_for(lambda: "no registry" in self.virga.log(), what="a try")
        found = statuses(self.ecr, "app", imageTag="v1")
        self.assertIn(("IN_PROGRESS", None), found.values())
        self.assertNotIn("FAILED", [status for status, _ in found.values()])
        self.virga.stop()
        del self.virga.env["PATH"]
        self.virga.start()
        self.assert_complete(regions, pushed)
        self.virga.stop()

    def test_source_repository_deleted_in_the_middle(self):
        regions, pushed = self.push_to_many()
        self.ecr.DeleteRepository(repositoryName="app", force=True)
        self.ecr.create("app")
        again = image("again")
        self.registry().push("app", again, "v2")
        self.assertEqual(wait_replicated(self.ecr, "app", again.digest),
                         {(ACCOUNT, region): ("COMPLETE", None) for region in regions})
        # What had its turn is there whole, what had not is not there at all.
        for region in regions:
            there = Ecr(self.virga, ACCOUNT, region)
            for tag, digest in there.image_ids("app"):
                self.registry(region).check_pull("app", {again.digest: again, pushed.digest: pushed}[digest], tag)
            self.assertIn(("v2", again.digest), there.image_ids("app"))
        self.virga.stop()

    def test_killed_again_and_again_while_a_tag_moves(self):
        last = None
        for round_ in range(3):
            registry = self.registry()
            for i in range(5):
                last = image("moving %d %d" % (round_, i))
                registry.push("app", last, "latest")
            self.virga.kill9()
            self.virga.start()
        wait_replicated(self.ecr, "app", last.digest)
        self.assertIn(("latest", last.digest), self.there.image_ids("app"))
        self.assertEqual(self.registry(OTHER_REGION).get_manifest("app", "latest").body, last.manifest)
        self.virga.stop()

    def test_a_lost_store_learns_of_what_was_replicated(self):
        registry = self.registry()
        whole = index([image("lost " + arch, arch=arch) for arch in ("amd64", "arm64")])
        untagged = image("lost untagged")
        registry.push("app", whole, "v1")
        registry.push("app", untagged)
        for pushed in (whole, untagged):
            wait_replicated(self.ecr, "app", pushed.digest)
        ids = self.ecr.image_ids("app")
        self.virga.stop()
        for name in os.listdir(self.virga.data):
            if name.startswith("virga.db"):
                os.remove(os.path.join(self.virga.data, name))
        self.virga.start()
        for ecr, there in ((self.ecr, registry), (self.there, self.registry(OTHER_REGION))):
            self.assertEqual(ecr.image_ids("app"), ids)
            there = Registry(self.ecr.port(), there.host.rsplit(":", 1)[0] + ":%d" % self.ecr.port())
            there.check_pull("app", whole, "v1")
            there.check_pull("app", untagged)
            # The configuration went with the store, and nothing is on its way.
            self.assertEqual(ecr.DescribeRegistry()["replicationConfiguration"], {"rules": []})
            self.assertEqual(statuses(ecr, "app", imageTag="v1"), {})
        # Blobs that were only mounted are kept by gc.
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
        self.assertEqual(status, 200, body)
        self.ecr.DeleteRepository(repositoryName="app", force=True)
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
        self.assertEqual(status, 200, body)
        self.registry(OTHER_REGION).check_pull("app", whole, "v1")
        self.virga.stop()

    def test_a_push_that_recovery_finishes_is_replicated_as_well(self):
        registry = self.registry()
        pushed = image("cut in two")
        for digest, data in pushed.blobs.items():
            registry.push_blob("app", digest, data)
        # virga is to die between the registry's taking of the manifest and its record: the registry stands still
        # until the manifest is on its way, and virga until it has arrived.
        pid, = self.virga.registry_pids()
        os.kill(pid, signal.SIGSTOP)
        ended = []

        def put():
            try:
                ended.append(registry.put_manifest("app", pushed, "v1").status)
            except (OSError, http.client.HTTPException) as e:
                ended.append(e)

        thread = threading.Thread(target=put)
        thread.start()
        time.sleep(1)
        for virga, exe in self.virga.processes():
            if exe == os.path.realpath(BINARY):
                os.kill(virga, signal.SIGSTOP)
        os.kill(pid, signal.SIGCONT)
        tag = os.path.join(self.virga.data, "ecr", "registry", "docker", "registry", "v2", "repositories", ACCOUNT,
                           REGION, "app", "_manifests", "tags", "v1", "current", "link")
        try:
            wait_for(lambda: os.path.exists(tag), what="the manifest to arrive")
        except AssertionError:
            self.skipTest("virga stood still before it had sent the manifest")
        self.virga.kill9()
        thread.join()
        self.assertNotEqual(ended, [201])
        self.virga.start()
        self.assertEqual(self.ecr.image_ids("app"), [("v1", pushed.digest)])
        self.assertEqual(wait_replicated(self.ecr, "app", pushed.digest),
                         {(ACCOUNT, OTHER_REGION): ("COMPLETE", None)})
        self.assertEqual(self.there.image_ids("app"), [("v1", pushed.digest)])
        self.virga.stop()

    def test_a_registry_that_hangs_does_not_hold_the_stop(self):
        self.virga.restart(**{"floci.limits.drain-timeout-ms": "500"})
        regions, pushed = self.push_to_many()
        for pid in self.virga.registry_pids():
            os.kill(pid, signal.SIGSTOP)
        self.virga.stop()
        self.virga.start()
        self.assert_complete(regions, pushed)
        self.virga.stop()


if __name__ == "__main__":
    unittest.main()
