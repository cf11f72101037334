# SPDX-License-Identifier: MIT
"""What Terraform and CDK compare of a repository is echoed, whatever was given, in every answer that shows one."""
import itertools

from ecrcase import EcrCase

FILTERS = [{"filterType": "WILDCARD", "filter": "dev-*"}, {"filterType": "WILDCARD", "filter": "*"}]
MUTABILITIES = {
    None: {"imageTagMutability": "MUTABLE"},
    "MUTABLE": {"imageTagMutability": "MUTABLE"},
    "IMMUTABLE": {"imageTagMutability": "IMMUTABLE"},
    "MUTABLE_WITH_EXCLUSION": {"imageTagMutability": "MUTABLE_WITH_EXCLUSION",
                               "imageTagMutabilityExclusionFilters": FILTERS},
    "IMMUTABLE_WITH_EXCLUSION": {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                                 "imageTagMutabilityExclusionFilters": FILTERS},
}
SCANS = (None, {}, {"scanOnPush": False}, {"scanOnPush": True})
KEY = "arn:aws:kms:us-east-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef"
ENCRYPTIONS = (None, {"encryptionType": "AES256"}, {"encryptionType": "KMS", "kmsKey": KEY},
               {"encryptionType": "KMS_DSSE", "kmsKey": KEY}, {"encryptionType": "KMS"})


def given(mutability, scan, encryption):
    """(what CreateRepository gets, what must be shown)."""
    params, shown = {}, dict(MUTABILITIES[mutability])
    if mutability is not None:
        params.update(MUTABILITIES[mutability])
    if scan is not None:
        params["imageScanningConfiguration"] = scan
    shown["imageScanningConfiguration"] = {"scanOnPush": bool(scan and scan.get("scanOnPush"))}
    if encryption is not None:
        params["encryptionConfiguration"] = encryption
    shown["encryptionConfiguration"] = encryption or {"encryptionType": "AES256"}
    return params, shown


class Echo(EcrCase):
    def all(self):
        """{name: repository} of the listing."""
        return {r["repositoryName"]: r for r in self.ecr.DescribeRepositories(maxResults=1000)["repositories"]}

    def assert_shown(self, repository, shown):
        found = {key: value for key, value in repository.items()
                 if key not in ("repositoryArn", "registryId", "repositoryName", "repositoryUri", "createdAt")}
        if shown["encryptionConfiguration"] == {"encryptionType": "KMS"}:
            # The key that AWS manages is shown by its ARN.
            self.assertRegex(found["encryptionConfiguration"].get("kmsKey", ""),
                             r"^arn:aws:kms:us-east-1:000000000000:key/[0-9a-f-]{36}$")
            shown = {**shown, "encryptionConfiguration": found["encryptionConfiguration"]}
        self.assertEqual(found, shown)

    def test_every_combination_is_shown_alike_everywhere_and_after_a_restart(self):
        made = {}
        for number, choice in enumerate(itertools.product(MUTABILITIES, SCANS, ENCRYPTIONS)):
            params, shown = given(*choice)
            name = self.name("-%d" % number)
            made[name] = (self.ecr.create(name, **params), shown)
            self.assert_shown(*made[name])
        self.assertEqual(len(made), 100)
        for _ in range(2):
            listed = self.all()
            for name, (repository, shown) in made.items():
                with self.subTest(name):
                    self.assertEqual(listed[name], repository)
            names = sorted(made)
            described = self.ecr.DescribeRepositories(repositoryNames=names)["repositories"]
            self.assertEqual([r["repositoryName"] for r in described], names)
            self.assertEqual(described, [made[name][0] for name in names])
            self.virga.restart()

    def test_changed_settings_are_shown_and_the_others_stay(self):
        name = self.name()
        params, shown = given("IMMUTABLE_WITH_EXCLUSION", {"scanOnPush": True}, ENCRYPTIONS[2])
        self.ecr.create(name, **params)
        for mutability in ("MUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"):
            answer = self.ecr.PutImageTagMutability(repositoryName=name, **MUTABILITIES[mutability])
            self.assertEqual(answer, {"registryId": "000000000000", "repositoryName": name, **MUTABILITIES[mutability]})
            self.assert_shown(self.all()[name], {
                **MUTABILITIES[mutability], "imageScanningConfiguration": {"scanOnPush": True},
                "encryptionConfiguration": ENCRYPTIONS[2]})
        for scan in ({"scanOnPush": False}, {"scanOnPush": True}, {}):
            shown["imageScanningConfiguration"] = {"scanOnPush": scan.get("scanOnPush", False)}
            answer = self.ecr.PutImageScanningConfiguration(repositoryName=name, imageScanningConfiguration=scan)
            self.assertEqual(answer["imageScanningConfiguration"], shown["imageScanningConfiguration"])
            self.assert_shown(self.all()[name], shown)

    def test_tags_and_policies_do_not_change_what_is_shown(self):
        name = self.name()
        made = self.ecr.create(name, tags=[{"Key": "a", "Value": "b"}])
        self.ecr.TagResource(resourceArn=made["repositoryArn"], tags=[{"Key": "c", "Value": "d"}])
        self.ecr.UntagResource(resourceArn=made["repositoryArn"], tagKeys=["a"])
        self.assertEqual(self.all()[name], made)
        self.assertEqual(self.ecr.ListTagsForResource(resourceArn=made["repositoryArn"]),
                         {"tags": [{"Key": "c", "Value": "d"}]})
