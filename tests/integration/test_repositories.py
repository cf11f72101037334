# SPDX-License-Identifier: MIT
"""Repositories, their settings, tags and policies over the raw JSON API: answers, errors, exact messages."""
import base64
import json
import time

from aws import Ecr
from ecrcase import EcrCase, no_repository
from images import image

NAME_PATTERN = (r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
INVALID = "Invalid parameter at '%s' failed to satisfy constraint: '%s'"
LIFECYCLE = ('{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":'
             '"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}')
POLICY = ('{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*",'
          '"Action":"ecr:BatchGetImage"}]}')


class Repositories(EcrCase):
    def test_create_answers_everything_that_describe_does(self):
        name = self.name()
        before = time.time()
        made = self.ecr.create(name, imageTagMutability="IMMUTABLE",
                               imageScanningConfiguration={"scanOnPush": True},
                               encryptionConfiguration={"encryptionType": "AES256"})
        created = made.pop("createdAt")
        self.assertIsInstance(created, (int, float))
        self.assertTrue(before - 2 <= created <= time.time() + 2, created)
        self.assertEqual(made, {
            "repositoryArn": "arn:aws:ecr:us-east-1:000000000000:repository/" + name,
            "registryId": "000000000000", "repositoryName": name,
            "repositoryUri": "000000000000.dkr.ecr.us-east-1.localhost:%d/%s" % (self.ecr.port(), name),
            "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfiguration": {"encryptionType": "AES256"}})
        again, = self.ecr.DescribeRepositories(repositoryNames=[name])["repositories"]
        self.assertEqual(again, {**made, "createdAt": created})

    def test_defaults_are_spelled_out(self):
        made = self.ecr.create(self.name())
        self.assertEqual((made["imageTagMutability"], made["imageScanningConfiguration"],
                          made["encryptionConfiguration"]),
                         ("MUTABLE", {"scanOnPush": False}, {"encryptionType": "AES256"}))
        self.assertNotIn("imageTagMutabilityExclusionFilters", made)

    def test_second_create_of_a_name_fails(self):
        name = self.name()
        self.ecr.create(name)
        self.assert_api_error(
            "RepositoryAlreadyExistsException",
            "The repository with name '%s' already exists in the registry with id '000000000000'" % name,
            self.ecr.CreateRepository, repositoryName=name)

    def test_unknown_repository_has_the_same_sentence_in_every_action(self):
        message = no_repository("absent")
        ids = {"imageIds": [{"imageTag": "x"}]}
        for action, params in {
                "DescribeRepositories": {}, "DeleteRepository": {}, "ListImages": {}, "DescribeImages": {},
                "BatchGetImage": ids, "BatchDeleteImage": ids,
                "PutImageTagMutability": {"imageTagMutability": "MUTABLE"},
                "PutLifecyclePolicy": {"lifecyclePolicyText": LIFECYCLE}, "GetLifecyclePolicy": {},
                "DeleteLifecyclePolicy": {}, "SetRepositoryPolicy": {"policyText": POLICY},
                "GetRepositoryPolicy": {}, "DeleteRepositoryPolicy": {}}.items():
            with self.subTest(action):
                params = dict(params)
                if action == "DescribeRepositories":
                    params["repositoryNames"] = ["absent"]
                else:
                    params["repositoryName"] = "absent"
                self.assert_api_error("RepositoryNotFoundException", message,
                                      getattr(self.ecr, action), **params)
        arn = "arn:aws:ecr:us-east-1:000000000000:repository/absent"
        for action, params in {"TagResource": {"tags": [{"Key": "a", "Value": "b"}]},
                               "UntagResource": {"tagKeys": ["a"]}, "ListTagsForResource": {}}.items():
            with self.subTest(action):
                self.assert_api_error("RepositoryNotFoundException", message,
                                      getattr(self.ecr, action), resourceArn=arn, **params)

    def test_names_are_checked_by_the_model(self):
        create = self.ecr.CreateRepository
        pattern = INVALID % ("repositoryName", "must satisfy regular expression '%s'" % NAME_PATTERN)
        for name in ("UPPER", "a//b", "/a", "a/", "-a", "a-", "a..b", "a___b", "a b", "a:b", "\u00e4b", "a/../b",
                     "a._b"):
            with self.subTest(name):
                self.assert_api_error("InvalidParameterException", pattern, create, repositoryName=name)
        self.assert_api_error("InvalidParameterException",
                              INVALID % ("repositoryName", "must have length greater than or equal to 2"),
                              create, repositoryName="a")
        self.assert_api_error("InvalidParameterException",
                              INVALID % ("repositoryName", "must have length less than or equal to 256"),
                              create, repositoryName="a" * 257)
        self.assert_api_error("InvalidParameterException", INVALID % ("repositoryName", "must not be null"),
                              create)
        for name in ("a.b_c__d---e/f0", "0a", "z" * 256):
            with self.subTest(name):
                self.assertEqual(self.ecr.create(name)["repositoryName"], name)
                self.ecr.DeleteRepository(repositoryName=name)

    def test_other_members_are_checked_by_the_model(self):
        name, _ = self.repository()
        for action, params, message in (
                ("PutImageTagMutability", {}, INVALID % ("imageTagMutability", "Member must not be null")),
                ("PutImageTagMutability", {"imageTagMutability": "x"},
                 INVALID % ("imageTagMutability", "Member must satisfy enum value set: [IMMUTABLE, MUTABLE, "
                            "MUTABLE_WITH_EXCLUSION, IMMUTABLE_WITH_EXCLUSION]")),
                ("BatchGetImage", {"imageIds": []},
                 INVALID % ("imageIds", "Member must have length greater than or equal to 1")),
                ("BatchDeleteImage", {"imageIds": [{"imageTag": "x"}] * 101},
                 INVALID % ("imageIds", "Member must have length less than or equal to 100")),
                ("ListImages", {"maxResults": 1001},
                 INVALID % ("maxResults", "Member must have value less than or equal to 1000")),
                ("ListImages", {"maxResults": 0},
                 INVALID % ("maxResults", "Member must have value greater than or equal to 1")),
                ("PutLifecyclePolicy", {"lifecyclePolicyText": "{}"},
                 INVALID % ("lifecyclePolicyText", "Member must have length greater than or equal to 100"))):
            with self.subTest(message):
                self.assert_api_error("InvalidParameterException", message, getattr(self.ecr, action),
                                      repositoryName=name, **params)
        error = self.assert_api_error("InvalidParameterException", None, self.ecr.ListImages,
                                      repositoryName=name, registryId="12")
        self.assertIn("Invalid parameter at 'registryId'", error.message)
        self.assertIn("[0-9]{12}", error.message)

    def test_malformed_requests_are_serialization_errors(self):
        for body in (b"{", b"[]", b"null x", b'"x"', b'{"repositoryName": 5}', b'{"repositoryName": ["a"]}',
                     b'{"imageIds": {}, "repositoryName": "aa"}', b"\xff\xfe{}"):
            with self.subTest(body):
                status, _, answer = self.ecr.raw("BatchGetImage", body)
                self.assertEqual(status, 400)
                self.assertEqual(json.loads(answer)["__type"], "SerializationException")

    def test_unknown_action_is_an_unknown_operation(self):
        status, headers, body = self.ecr.raw("MakeRain", b"{}")
        self.assertEqual((status, json.loads(body)["__type"]), (400, "UnknownOperationException"))
        self.assertEqual(headers["Content-Type"], "application/x-amz-json-1.1")
        self.assertTrue(headers["x-amzn-RequestId"])

    def test_members_that_virga_does_not_know_are_ignored_as_aws_does(self):
        self.assertEqual(self.ecr.DescribeRepositories(rain="cloud")["repositories"].__class__, list)

    def test_delete_answers_what_was_deleted(self):
        name, registry = self.repository()
        gone = self.ecr.DeleteRepository(repositoryName=name)["repository"]
        self.assertEqual(gone["repositoryName"], name)
        self.assert_api_error("RepositoryNotFoundException", no_repository(name),
                              self.ecr.DeleteRepository, repositoryName=name, force=True)

    def test_repository_with_images_wants_force(self):
        name, registry = self.repository()
        pushed = image(name)
        registry.push(name, pushed, "v1")
        message = ("The repository with name '%s' in registry with id '000000000000' cannot be deleted because "
                   "it still contains images" % name)
        for more in ({}, {"force": False}):
            self.assert_api_error("RepositoryNotEmptyException", message, self.ecr.DeleteRepository,
                                  repositoryName=name, **more)
        registry.check_pull(name, pushed, "v1")
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        for reference in ("v1", pushed.digest):
            self.assert_wire_error(registry.get_manifest(name, reference), 404, "NAME_UNKNOWN",
                                   no_repository(name))
        self.assertEqual(registry.get_blob(name, pushed.layers[0]).status, 404)
        # Made anew, it is empty: nothing of the old one comes back.
        self.ecr.create(name)
        self.assertEqual(self.ecr.image_ids(name), [])
        for reference in ("v1", pushed.digest):
            self.assertEqual(registry.get_manifest(name, reference).status, 404)

    def test_registry_id_of_another_account_is_another_registry(self):
        name = self.name()
        self.ecr.create(name)
        self.assert_api_error("RepositoryNotFoundException", no_repository(name, "111111111111"),
                              self.ecr.ListImages, repositoryName=name, registryId="111111111111")
        self.assertEqual(self.ecr.ListImages(repositoryName=name, registryId="000000000000")["imageIds"], [])


class Token(EcrCase):
    def test_token_is_for_the_callers_registry_and_lasts_12_hours(self):
        for account, region in (("000000000000", "us-east-1"), ("123456789012", "eu-west-1")):
            with self.subTest(account):
                data, = Ecr(self.virga, account, region).GetAuthorizationToken()["authorizationData"]
                self.assertEqual(base64.b64decode(data["authorizationToken"]), b"AWS:floci")
                self.assertEqual(data["proxyEndpoint"], "http://%s.dkr.ecr.%s.localhost:%d"
                                 % (account, region, self.virga.registry_base))
                self.assertAlmostEqual(data["expiresAt"], time.time() + 12 * 3600, delta=60)

    def test_one_entry_for_each_registry_id(self):
        ids = ["111111111111", "222222222222"]
        data = self.ecr.GetAuthorizationToken(registryIds=ids)["authorizationData"]
        self.assertEqual([d["proxyEndpoint"].split("//")[1][:12] for d in data], ids)
        self.assert_api_error("InvalidParameterException", None, self.ecr.GetAuthorizationToken,
                              registryIds=["x"])


class Mutability(EcrCase):
    def test_setting_round_trips(self):
        name, _ = self.repository()
        filters = [{"filterType": "WILDCARD", "filter": "dev-*"}]
        answer = self.ecr.PutImageTagMutability(
            repositoryName=name, imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=filters)
        self.assertEqual(answer, {"registryId": "000000000000", "repositoryName": name,
                                  "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                                  "imageTagMutabilityExclusionFilters": filters})
        described, = self.ecr.DescribeRepositories(repositoryNames=[name])["repositories"]
        self.assertEqual((described["imageTagMutability"], described["imageTagMutabilityExclusionFilters"]),
                         ("IMMUTABLE_WITH_EXCLUSION", filters))
        self.ecr.PutImageTagMutability(repositoryName=name, imageTagMutability="MUTABLE")
        described, = self.ecr.DescribeRepositories(repositoryNames=[name])["repositories"]
        self.assertEqual(described["imageTagMutability"], "MUTABLE")
        self.assertNotIn("imageTagMutabilityExclusionFilters", described)

    def test_exclusion_wants_filters(self):
        name, _ = self.repository()
        self.assert_api_error(
            "InvalidParameterException",
            INVALID % ("imageTagMutabilityExclusionFilters", "ImageTagMutabilityExclusionFilters can't be null "
                       "when imageTagMutability is set as IMMUTABLE_WITH_EXCLUSION"),
            self.ecr.PutImageTagMutability, repositoryName=name,
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION")
        for filters in ([{"filterType": "WILDCARD", "filter": "a*b*c*"}],
                        [{"filterType": "WILDCARD", "filter": "x" * 129}],
                        [{"filterType": "WILDCARD", "filter": "f%d" % i} for i in range(6)],
                        [{"filterType": "REGEX", "filter": "x"}], [{"filterType": "WILDCARD"}]):
            with self.subTest(filters):
                self.assert_api_error("InvalidParameterException", None, self.ecr.PutImageTagMutability,
                                      repositoryName=name, imageTagMutability="MUTABLE_WITH_EXCLUSION",
                                      imageTagMutabilityExclusionFilters=filters)


class ResourceTags(EcrCase):
    def tags(self, arn):
        return {t["Key"]: t["Value"] for t in self.ecr.ListTagsForResource(resourceArn=arn)["tags"]}

    def test_tags_are_added_replaced_and_removed(self):
        arn = self.ecr.create(self.name(), tags=[{"Key": "a", "Value": "1"}])["repositoryArn"]
        self.assertEqual(self.ecr.TagResource(resourceArn=arn, tags=[
            {"Key": "a", "Value": "2"}, {"Key": "b", "Value": "\u00fc"}]), {})
        self.assertEqual(self.tags(arn), {"a": "2", "b": "\u00fc"})
        self.assertEqual(self.ecr.UntagResource(resourceArn=arn, tagKeys=["a", "never"]), {})
        self.assertEqual(self.tags(arn), {"b": "\u00fc"})

    def test_repository_without_tags_answers_an_empty_list(self):
        arn = self.ecr.create(self.name())["repositoryArn"]
        self.assertEqual(self.ecr.ListTagsForResource(resourceArn=arn), {"tags": []})

    def test_50_tags_are_the_limit(self):
        arn = self.ecr.create(self.name())["repositoryArn"]
        self.ecr.TagResource(resourceArn=arn, tags=[{"Key": "k%d" % i, "Value": "v"} for i in range(50)])
        self.assert_api_error("TooManyTagsException", None, self.ecr.TagResource, resourceArn=arn,
                              tags=[{"Key": "one-more", "Value": "v"}])
        self.assertEqual(len(self.tags(arn)), 50)
        self.ecr.TagResource(resourceArn=arn, tags=[{"Key": "k0", "Value": "new"}])
        self.assertEqual(self.tags(arn)["k0"], "new")

    def test_faulty_tags_and_arns_are_refused(self):
        arn = self.ecr.create(self.name())["repositoryArn"]
        self.assert_api_error("InvalidTagParameterException", "Tag parameters are invalid",
                              self.ecr.TagResource, resourceArn=arn, tags=[{"Key": "", "Value": "v"}])
        self.assert_api_error("InvalidTagParameterException", None, self.ecr.CreateRepository,
                              repositoryName=self.name("-2"), tags=[{"Key": "aws:x", "Value": "v"}])
        self.assert_api_error("InvalidParameterException",
                              INVALID % ("tags.1.member.key", "Member must not be null"),
                              self.ecr.TagResource, resourceArn=arn, tags=[{"Value": "v"}])
        for bad in ("x", "arn:aws:s3:::bucket", "arn:aws:ecr:us-east-1:000000000000:x/y"):
            with self.subTest(bad):
                self.assert_api_error("InvalidParameterException", INVALID % ("resourceArn", "Invalid ARN"),
                                      self.ecr.ListTagsForResource, resourceArn=bad)


class Policies(EcrCase):
    def test_policies_round_trip_as_given(self):
        name, _ = self.repository()
        spaced = json.dumps(json.loads(LIFECYCLE), indent=1)
        for put, get, delete, member, texts in (
                ("PutLifecyclePolicy", "GetLifecyclePolicy", "DeleteLifecyclePolicy", "lifecyclePolicyText",
                 (LIFECYCLE, spaced)),
                ("SetRepositoryPolicy", "GetRepositoryPolicy", "DeleteRepositoryPolicy", "policyText",
                 (POLICY, json.dumps(json.loads(POLICY), indent=3)))):
            for text in texts:
                with self.subTest("%s %.20r" % (put, text)):
                    answer = getattr(self.ecr, put)(repositoryName=name, **{member: text})
                    self.assertEqual(answer, {"registryId": "000000000000", "repositoryName": name,
                                              member: text})
                    for action in (get, delete):
                        answer = getattr(self.ecr, action)(repositoryName=name)
                        self.assertEqual((answer[member], answer["repositoryName"]), (text, name))

    def test_lifecycle_policy_was_never_evaluated(self):
        name, _ = self.repository()
        self.ecr.PutLifecyclePolicy(repositoryName=name, lifecyclePolicyText=LIFECYCLE)
        self.assertEqual(self.ecr.GetLifecyclePolicy(repositoryName=name)["lastEvaluatedAt"], 0)

    def test_absent_policies_are_their_own_errors(self):
        name, _ = self.repository()
        for action in ("GetLifecyclePolicy", "DeleteLifecyclePolicy"):
            self.assert_api_error(
                "LifecyclePolicyNotFoundException",
                "Lifecycle policy does not exist for the repository with name '%s' in the registry with id "
                "'000000000000'" % name, getattr(self.ecr, action), repositoryName=name)
        for action in ("GetRepositoryPolicy", "DeleteRepositoryPolicy"):
            self.assert_api_error(
                "RepositoryPolicyNotFoundException",
                "Repository policy does not exist for the repository with name '%s' in the registry with id "
                "'000000000000'" % name, getattr(self.ecr, action), repositoryName=name)

    def test_policy_that_is_no_json_is_refused(self):
        name, _ = self.repository()
        self.assert_api_error("InvalidParameterException",
                              INVALID % ("PolicyText", "Invalid repository policy provided"),
                              self.ecr.SetRepositoryPolicy, repositoryName=name, policyText="{ nonsense")
        error = self.assert_api_error("InvalidParameterException", None, self.ecr.PutLifecyclePolicy,
                                      repositoryName=name, lifecyclePolicyText="nonsense " * 20)
        self.assertTrue(error.message.startswith("Invalid parameter at 'LifecyclePolicyText' failed to satisfy "
                                                 "constraint: 'Lifecycle policy validation failure: "), error.message)

    def test_policies_die_with_their_repository(self):
        name, _ = self.repository()
        self.ecr.SetRepositoryPolicy(repositoryName=name, policyText=POLICY)
        self.ecr.PutLifecyclePolicy(repositoryName=name, lifecyclePolicyText=LIFECYCLE)
        self.ecr.DeleteRepository(repositoryName=name)
        self.ecr.create(name)
        self.assert_api_error("RepositoryPolicyNotFoundException", None, self.ecr.GetRepositoryPolicy,
                              repositoryName=name)
        self.assert_api_error("LifecyclePolicyNotFoundException", None, self.ecr.GetLifecyclePolicy,
                              repositoryName=name)


class Pages(EcrCase):
    COUNT = 23

    def pages(self, action, member, **params):
        """All items and the sizes of the pages."""
        items, sizes, token = [], [], {}
        while True:
            page = getattr(self.ecr, action)(**params, **token)
            items += page[member]
            sizes.append(len(page[member]))
            if "nextToken" not in page:
                return items, sizes
            token = {"nextToken": page["nextToken"]}

    def test_repositories_come_in_pages(self):
        other = Ecr(self.virga, "333333333333", "eu-north-1")
        names = ["page/r%02d" % i for i in range(self.COUNT)]
        for name in names:
            other.create(name)
        self.ecr = other
        items, sizes = self.pages("DescribeRepositories", "repositories", maxResults=5)
        self.assertEqual(sorted(r["repositoryName"] for r in items), names)
        self.assertEqual(sizes, [5, 5, 5, 5, 3])
        items, sizes = self.pages("DescribeRepositories", "repositories", maxResults=self.COUNT)
        self.assertEqual(sizes, [self.COUNT])
        # A page that was begun stays good when what it ended at is deleted meanwhile.
        first = other.DescribeRepositories(maxResults=5)
        other.DeleteRepository(repositoryName=first["repositories"][-1]["repositoryName"])
        rest = other.DescribeRepositories(maxResults=1000, nextToken=first["nextToken"])["repositories"]
        self.assertEqual(len(rest), self.COUNT - 5)

    def test_images_come_in_pages_and_filters_apply_before_them(self):
        name, registry = self.repository()
        for i in range(self.COUNT):
            registry.push(name, image("page %d" % i, layers=[]), "t%02d" % i if i % 2 else None)
        tagged = self.COUNT // 2
        for action, member in (("ListImages", "imageIds"), ("DescribeImages", "imageDetails")):
            for status, count in (("ANY", self.COUNT), ("TAGGED", tagged), ("UNTAGGED", self.COUNT - tagged)):
                with self.subTest("%s %s" % (action, status)):
                    items, sizes = self.pages(action, member, repositoryName=name, maxResults=4,
                                              filter={"tagStatus": status})
                    self.assertEqual(len({i["imageDigest"] for i in items}), count)
                    self.assertEqual(len(items), count)
                    self.assertEqual(max(sizes), 4)
                    self.assertEqual(sum(1 for s in sizes[:-1] if s != 4), 0, sizes)

    def test_tokens_are_opaque_and_checked(self):
        name, registry = self.repository()
        self.ecr.create(name + "-2")
        message = INVALID % ("NextToken", "Invalid next token provided")
        for token in ("x", "", "0" * 5000, name):
            with self.subTest(token):
                self.assert_api_error("InvalidParameterException", message, self.ecr.DescribeRepositories,
                                      nextToken=token)
        token = self.ecr.DescribeRepositories(maxResults=1)["nextToken"]
        self.assertNotIn(name, token)
        # A token of one list is none of another's.
        self.assert_api_error("InvalidParameterException", message, self.ecr.ListImages,
                              repositoryName=name, nextToken=token)

    def test_token_and_names_exclude_each_other(self):
        name, _ = self.repository()
        self.ecr.create(name + "-2")
        token = self.ecr.DescribeRepositories(maxResults=1)["nextToken"]
        self.assert_api_error("InvalidParameterException", None, self.ecr.DescribeRepositories,
                              repositoryNames=[name], nextToken=token)
