# SPDX-License-Identifier: MIT
"""nextToken in every operation that has it: pages are whole and disjoint, and a token is good for its question only."""
import base64
import json
import unittest

import images
from ecr_world import LIFECYCLE, World
from model import Model
from virga import Virga, need

MODEL = Model()
COUNT = 5
INVALID = "Invalid parameter at 'NextToken' failed to satisfy constraint: 'Invalid next token provided'"
PAGED = sorted(operation for operation in MODEL.operations
               if "nextToken" in MODEL.shapes[MODEL.input(operation)]["members"])


def repositories(w):
    for _ in range(COUNT):
        w.repository()
    return {}


def images_of_one(w):
    name = w.repository()
    for i in range(COUNT):
        w.image(name, "v%d" % i)
    return {"repositoryName": name}


def referrers(w):
    name, subject = w.image()
    for i in range(COUNT):
        w.registry.push(name, images.image("r%d" % i, layers=[images.layer("r")], subject={
            "mediaType": subject.media_type, "digest": subject.digest, "size": len(subject.manifest)}))
    return {"repositoryName": name, "subjectId": w.id(subject)}


def preview(w, name):
    """Runs a preview in which one image stays and all others would go."""
    w.ecr.StartLifecyclePolicyPreview(
        repositoryName=name, lifecyclePolicyText=LIFECYCLE.replace('"countNumber":100', '"countNumber":1'))
    w.until(lambda: w.ecr.GetLifecyclePolicyPreview(repositoryName=name)["status"] == "COMPLETE")


def previewed(w):
    name = images_of_one(w)["repositoryName"]
    w.image(name, "stays")
    preview(w, name)
    return {"repositoryName": name}


def several(make):
    def fill(w):
        for _ in range(COUNT):
            make(w)
        return {}
    return fill


# operation: (what makes COUNT items and returns the input, the answer's list, what tells two items apart)
LISTINGS = {
    "DescribeImages": (images_of_one, "imageDetails", "imageDigest"),
    "DescribePullThroughCacheRules": (several(lambda w: w.rule()), "pullThroughCacheRules", "ecrRepositoryPrefix"),
    "DescribeRepositories": (repositories, "repositories", "repositoryName"),
    "DescribeRepositoryCreationTemplates": (several(lambda w: w.template()), "repositoryCreationTemplates", "prefix"),
    "GetLifecyclePolicyPreview": (previewed, "previewResults", "imageDigest"),
    "ListImageReferrers": (referrers, "referrers", "digest"),
    "ListImages": (images_of_one, "imageIds", "imageTag"),
    "ListPullTimeUpdateExclusions": (several(lambda w: w.principal(registered=True)), "pullTimeUpdateExclusions", None),
}
# Findings need a package database; their pages are tested where the scans are.
ELSEWHERE = {"DescribeImageScanFindings"}


class Paging(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("docker-registry")
        cls.virga = Virga()
        try:
            cls.virga.start()
        except BaseException:
            cls.virga.cleanup()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            cls.virga.stop()
        finally:
            cls.virga.cleanup()

    def world(self, operation, which=0):
        return World(self.virga, "6%d%010d" % (which, PAGED.index(operation)))

    def refuse(self, w, operation, given, note):
        """A token that is not this question's: one of the two errors for parameters, never a page."""
        status, _, body = w.ecr.raw(operation, json.dumps(given))
        answer = json.loads(body)
        self.assertEqual(status, 400, (note, answer))
        self.assertIn(answer["__type"], ("InvalidParameterException", "ValidationException"), note)
        self.assertIn("next token", answer["message"].lower().replace("nexttoken", "next token"), note)
        if answer["__type"] == "InvalidParameterException":
            self.assertEqual(answer["message"], INVALID, note)

    def check(self, operation):
        fill, member, key = LISTINGS[operation]
        w = self.world(operation)
        given = fill(w)
        seen, sizes, tokens, token = [], [], [], {}
        while True:
            page = w.ecr.call(operation, {**given, "maxResults": 2, **token})
            seen += [item[key] if key else item for item in page[member]]
            sizes.append(len(page[member]))
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
            tokens.append(page["nextToken"])
        self.assertEqual(sizes, [2, 2, 1])
        self.assertEqual(len(set(seen)), COUNT, "pages overlap")
        # A token can be used again, with pages of another size.
        again = w.ecr.call(operation, {**given, "maxResults": 1, "nextToken": tokens[0]})[member]
        self.assertEqual([item[key] if key else item for item in again], seen[2:3])
        rest = w.ecr.call(operation, {**given, "nextToken": tokens[0]})
        self.assertEqual([item[key] if key else item for item in rest[member]], seen[2:])
        self.assertNotIn("nextToken", rest)
        self.damage(w, operation, given, tokens[0])
        # Of the same list in another account; the same repository is there too.
        other = self.world(operation, 1)
        if "repositoryName" in given:
            other.ecr.create(given["repositoryName"])
        if operation == "GetLifecyclePolicyPreview":
            preview(other, given["repositoryName"])
        self.refuse(other, operation, {**given, "nextToken": tokens[0]}, "another account's")
        for foreign in ("DescribeImages", "ListImages") if "repositoryName" in given else ("DescribeRepositories",):
            if foreign != operation:
                base = {key: given[key] for key in given if key == "repositoryName"}
                self.refuse(w, foreign, {**base, "nextToken": tokens[0]}, "of another operation")

    def damage(self, w, operation, given, token):
        raw = base64.b64decode(token + "=" * (-len(token) % 4))
        damaged = {"empty": "", "words": "not a token", "shorter": token[:-4], "longer": token + token,
                   "very long": "A" * 5000, "white": token + " ", "non-ASCII": "\u00e9" * 8}
        for at in sorted({0, 1, len(raw) // 2, len(raw) - 1}):
            flipped = bytearray(raw)
            flipped[at] ^= 1
            damaged["byte %d" % at] = base64.b64encode(bytes(flipped)).decode()
        for note, text in damaged.items():
            self.refuse(w, operation, {**given, "nextToken": text}, note)

    def test_token_of_one_filter_is_none_of_another(self):
        w = self.world("ListImages", 2)
        given = images_of_one(w)
        w.image(given["repositoryName"], None)
        for operation in ("ListImages", "DescribeImages"):
            token = w.ecr.call(operation, {**given, "maxResults": 1})["nextToken"]
            for status in ("TAGGED", "UNTAGGED"):
                self.refuse(w, operation, {**given, "nextToken": token, "filter": {"tagStatus": status}},
                            "%s without a filter" % operation)
            token = w.ecr.call(operation, {**given, "maxResults": 1, "filter": {"tagStatus": "TAGGED"}})["nextToken"]
            self.refuse(w, operation, {**given, "nextToken": token, "filter": {"tagStatus": "UNTAGGED"}}, operation)
            self.refuse(w, operation, {**given, "nextToken": token, "filter": {"imageStatus": "ARCHIVED"}}, operation)

    def test_token_of_one_repository_is_none_of_another(self):
        w = self.world("ListImages", 3)
        one, two = images_of_one(w), images_of_one(w)
        for operation in ("ListImages", "DescribeImages"):
            token = w.ecr.call(operation, {**one, "maxResults": 1})["nextToken"]
            self.refuse(w, operation, {**two, "nextToken": token}, operation)

    def test_token_of_one_region_is_none_of_another(self):
        w = self.world("DescribeRepositories", 2)
        repositories(w)
        token = w.ecr.DescribeRepositories(maxResults=1)["nextToken"]
        w.ecr.region = "eu-west-1"
        self.refuse(w, "DescribeRepositories", {"nextToken": token}, "of another region")

    def test_token_outlives_a_restart(self):
        virga = Virga()
        with virga:
            w = World(virga, "600000000001")
            repositories(w)
            first = w.ecr.DescribeRepositories(maxResults=2)
            virga.restart()
            rest = World(virga, "600000000001").ecr.DescribeRepositories(nextToken=first["nextToken"])
            names = [r["repositoryName"] for r in first["repositories"] + rest["repositories"]]
            self.assertEqual((len(names), names), (COUNT, sorted(set(names))))

    def test_token_and_ids_exclude_each_other(self):
        w = self.world("DescribeImages", 4)
        given = images_of_one(w)
        token = w.ecr.DescribeImages(maxResults=1, **given)["nextToken"]
        status, _, body = w.ecr.raw("DescribeImages", json.dumps(
            {**given, "nextToken": token, "imageIds": [{"imageTag": "v0"}]}))
        self.assertEqual((status, json.loads(body)["__type"]), (400, "InvalidParameterException"))

    def test_every_paged_operation_is_listed(self):
        self.assertEqual(sorted([*LISTINGS, *ELSEWHERE]), PAGED)


def checker(operation):
    def test(self):
        self.check(operation)
    return test


for _operation in LISTINGS:
    setattr(Paging, "test_pages_of_" + _operation, checker(_operation))


if __name__ == "__main__":
    unittest.main()
