# SPDX-License-Identifier: MIT
"""Image scanning: a scanner that is a command, findings from files, on push and on demand."""
import base64
import json
import os
import shlex
import shutil
import sys
import tempfile
import threading
import time
import unittest

from aws import ACCOUNT, REGION, Cli
from ecrcase import EcrCase, no_repository
from images import OCI_CONFIG, image, index
from oci import Registry
from skopeo import Skopeo
from virga import Virga, need, wait_for

# A scanner: what it does is written in the name of the image's repository.
SCANNER = r'''
import json, os, re, subprocess, sys, time
image, digest, folder = sys.argv[1], sys.argv[2], sys.argv[3]
with open(os.path.join(folder, "calls"), "a") as f:
    f.write(json.dumps(sys.argv[1:]) + "\n")
print("looking into " + image, file=sys.stderr)
name = image.split("@")[0]
if "exits" in name:
    print("no database\nthe database is gone", file=sys.stderr)
    sys.exit(3)
if "garbage" in name:
    print("This is no JSON")
    sys.exit(0)
if "killed" in name:
    os.kill(os.getpid(), 9)
if "hangs" in name:
    child = subprocess.Popen(["sleep", "600"])
    with open(os.path.join(folder, "hanging"), "w") as f:
        f.write(str(child.pid))
    time.sleep(600)
if "blocked" in name:
    while not os.path.exists(os.path.join(folder, "go")):
        time.sleep(0.02)
if "noisy" in name:
    for i in range(20000):
        print("x" * 100, file=sys.stderr)
if "scratch" in name:
    print(json.dumps({"SchemaVersion": 2, "ArtifactType": "container_image", "Metadata": {"ImageID": "x"}}))
    sys.exit(0)
found = [["CVE-1", "openssl", "HIGH"], ["CVE-2", "zlib", "LOW"]]
if "pulls" in name:
    target = os.path.join(folder, "pulled")
    subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false",
                    "--src-creds=%(VIRGA_SCANNER_USERNAME)s:%(VIRGA_SCANNER_PASSWORD)s" % os.environ,
                    "docker://" + image, "dir:" + target], check=True, env={**os.environ, "HOME": folder})
    layers = json.load(open(os.path.join(target, "manifest.json")))["layers"]
    found = [["LAYER-" + layer["digest"], "layer", "MEDIUM"] for layer in layers
             if os.path.exists(os.path.join(target, layer["digest"].split(":")[1]))]
many = re.search(r"many-(\d+)", name)
if many:
    found = [["CVE-%05d" % i, "p%d" % i, ("LOW", "CRITICAL", "MEDIUM")[i % 3]] for i in range(int(many[1]))]
report = json.dumps({
    "SchemaVersion": 2, "CreatedAt": "2026-01-02T03:04:05.5Z", "ArtifactName": image,
    "ArtifactType": "container_image", "Metadata": {"OS": {"Family": "debian", "Name": "12"}},
    "Results": [{"Target": "x (debian 12)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [
        {"VulnerabilityID": i, "PkgName": p, "InstalledVersion": "1:1.2.3-4", "FixedVersion": "1:1.2.4-1",
         "Severity": s, "SeveritySource": "debian", "Title": i + " in " + p, "Description": "Bad: " + i,
         "PrimaryURL": "https://example.com/" + i, "References": ["https://example.com/ref/" + i],
         "PublishedDate": "2025-01-01T00:00:00Z", "LastModifiedDate": "2025-02-01T00:00:00Z",
         "CVSS": {"nvd": {"V2Vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P", "V2Score": 7.5,
                          "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": 9.8}}}
        for i, p, s in found]}]})
if len(sys.argv) > 4:
    open(sys.argv[4], "w").write(report)
    print("written")
else:
    print(report)
'''
SHOWN = {
    "name": "CVE-1", "description": "Bad: CVE-1", "uri": "https://example.com/CVE-1", "severity": "HIGH",
    "attributes": [{"key": "package_version", "value": "1:1.2.3-4"},
                   {"key": "package_name", "value": "openssl"},
                   {"key": "CVSS2_VECTOR", "value": "AV:N/AC:L/Au:N/C:P/I:P/A:P"},
                   {"key": "CVSS2_SCORE", "value": "7.5"},
                   {"key": "CVSS3_VECTOR", "value": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
                   {"key": "CVSS3_SCORE", "value": "9.8"}]}
DONE = "The scan was completed successfully."
KEY = "floci.services.ecr."


class ScanCase(EcrCase):
    """A server with settings that `scanner(folder)` gives; `folder` is the test's own."""

    more = {}  # settings that are not the scanner's

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="virga-scan-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        with open(os.path.join(cls.folder, "scanner.py"), "w") as f:
            f.write(SCANNER)
        cls.settings = {KEY + key: value for key, value in cls.scanner().items()}
        cls.settings.update(cls.more)
        super().setUpClass()

    @classmethod
    def command(cls, *more):
        return " ".join(shlex.quote(word) for word in (
            sys.executable, os.path.join(cls.folder, "scanner.py"), "{image}", "{digest}", cls.folder, *more))

    def status(self, name, digest):
        return self.ecr.DescribeImageScanFindings(
            repositoryName=name, imageId={"imageDigest": digest})["imageScanStatus"]["status"]

    def wait(self, name, digest):
        """The whole answer once the scan has ended."""
        wait_for(lambda: self.status(name, digest) not in ("IN_PROGRESS", "PENDING"), 60, "the scan's end")
        return self.ecr.DescribeImageScanFindings(repositoryName=name, imageId={"imageDigest": digest})

    def pushed(self, name, registry, text=None, tag="v1"):
        one = image(text or name)
        registry.push(name, one, tag)
        return one

    def scan(self, name, one):
        self.ecr.StartImageScan(repositoryName=name, imageId={"imageDigest": one.digest})
        return self.wait(name, one.digest)

    def calls(self, name):
        """The argument lists with which the scanner was called for a repository."""
        try:
            with open(os.path.join(self.folder, "calls")) as f:
                lines = [json.loads(line) for line in f]
        except FileNotFoundError:
            return []
        return [line for line in lines if "/%s@" % name in line[0]]

    def not_scanned(self, name, digest):
        self.assert_api_error("ScanNotFoundException", None, self.ecr.DescribeImageScanFindings,
                              repositoryName=name, imageId={"imageDigest": digest})


class Command(ScanCase):
    @classmethod
    def scanner(cls):
        return {"scanner-command": cls.command()}

    def test_findings_are_those_of_the_scanner(self):
        name, registry = self.repository()
        one = self.pushed(name, registry)
        started = self.ecr.StartImageScan(repositoryName=name, imageId={"imageTag": "v1"})
        self.assertEqual(started, {
            "registryId": ACCOUNT, "repositoryName": name,
            "imageId": {"imageDigest": one.digest, "imageTag": "v1"}, "imageScanStatus": {"status": "IN_PROGRESS"}})
        answer = self.wait(name, one.digest)
        self.assertEqual(answer["imageScanStatus"], {"status": "COMPLETE", "description": DONE})
        findings = answer["imageScanFindings"]
        self.assertEqual(findings["findings"][0], SHOWN)
        self.assertEqual([f["name"] for f in findings["findings"]], ["CVE-1", "CVE-2"])
        self.assertEqual(findings["findingSeverityCounts"], {"HIGH": 1, "LOW": 1})
        self.assertEqual(findings["vulnerabilitySourceUpdatedAt"], 1767323045.5)
        self.assertAlmostEqual(findings["imageScanCompletedAt"], time.time(), delta=120)
        self.assertEqual(self.calls(name), [[
            "localhost:%d/%s/%s/%s@%s" % (self.ecr.port(), ACCOUNT, REGION, name, one.digest),
            one.digest, self.folder]])
        detail = self.ecr.details(name)[one.digest]
        self.assertEqual(detail["imageScanStatus"], answer["imageScanStatus"])
        del findings["findings"]
        self.assertEqual(detail["imageScanFindingsSummary"], findings)

    def test_the_scanner_pulls_the_image_through_the_gateway(self):
        need("skopeo")
        name, registry = self.repository("-pulls")
        one = self.pushed(name, registry)
        answer = self.scan(name, one)
        self.assertEqual(sorted(f["name"] for f in answer["imageScanFindings"]["findings"]),
                         sorted("LAYER-" + layer for layer in one.layers))

    def test_the_cli_waits_for_the_scan_and_shows_its_findings(self):
        cli = Cli(self.virga)
        name, registry = self.repository()
        self.pushed(name, registry)
        cli.json("start-image-scan", "--repository-name", name, "--image-id", "imageTag=v1")
        cli.text("wait", "image-scan-complete", "--repository-name", name, "--image-id", "imageTag=v1")
        shown = cli.json("describe-image-scan-findings", "--repository-name", name, "--image-id", "imageTag=v1")
        self.assertEqual(shown["imageScanFindings"]["findings"][0], SHOWN)

    def test_pages_hold_each_finding_once_and_the_gravest_first(self):
        name, registry = self.repository("-many-1001")
        one = self.pushed(name, registry)
        answer = self.scan(name, one)
        self.assertEqual(len(answer["imageScanFindings"]["findings"]), 100)
        seen, token, pages = [], {}, 0
        while True:
            page = self.ecr.DescribeImageScanFindings(
                repositoryName=name, imageId={"imageTag": "v1"}, maxResults=300, **token)
            seen += page["imageScanFindings"]["findings"]
            self.assertEqual(page["imageScanFindings"]["findingSeverityCounts"],
                             {"CRITICAL": 334, "MEDIUM": 333, "LOW": 334})
            pages += 1
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        self.assertEqual(pages, 4)
        self.assertEqual([f["severity"] for f in seen], ["CRITICAL"] * 334 + ["MEDIUM"] * 333 + ["LOW"] * 334)
        self.assertEqual(sorted(f["name"] for f in seen), ["CVE-%05d" % i for i in range(1001)])
        self.assert_api_error(
            "InvalidParameterException",
            "Invalid parameter at 'NextToken' failed to satisfy constraint: 'Invalid next token provided'",
            self.ecr.DescribeImageScanFindings, repositoryName=name, imageId={"imageTag": "v1"}, nextToken="x")

    def test_findings_beyond_the_cap_are_counted_but_not_kept(self):
        name, registry = self.repository("-many-10003")
        answer = self.scan(name, self.pushed(name, registry))
        self.assertEqual(answer["imageScanStatus"]["description"],
                         DONE + " Only the gravest 10000 of 10003 findings are kept.")
        self.assertEqual(sum(answer["imageScanFindings"]["findingSeverityCounts"].values()), 10003)

    def test_a_second_scan_within_a_day_is_refused(self):
        name, registry = self.repository()
        one = self.pushed(name, registry)
        self.scan(name, one)
        self.assert_api_error(
            "LimitExceededException", "The scan quota per image has been exceeded. Wait and try again.",
            self.ecr.StartImageScan, repositoryName=name, imageId={"imageTag": "v1"})

    def check_failure(self, suffix, description):
        name, registry = self.repository(suffix)
        one = self.pushed(name, registry)
        answer = self.scan(name, one)
        self.assertEqual(answer["imageScanStatus"], {"status": "FAILED", "description": description})
        self.assertNotIn("imageScanFindings", answer)
        self.assertNotIn("imageScanFindingsSummary", self.ecr.details(name)[one.digest])
        return name, one

    def test_a_failed_scan_tells_the_scanners_last_words_and_may_be_repeated(self):
        name, one = self.check_failure("-exits", "The scanner exited with 3: the database is gone")
        self.scan(name, one)
        self.assertEqual(len(self.calls(name)), 2)

    def test_a_report_that_is_no_json_fails_the_scan(self):
        self.check_failure("-garbage", "The scanner's report cannot be used: it is no JSON object")

    def test_a_scanner_that_is_killed_fails_the_scan(self):
        name, registry = self.repository("-killed")
        answer = self.scan(name, self.pushed(name, registry))
        self.assertIn("was ended by signal 9", answer["imageScanStatus"]["description"])

    def test_what_is_said_on_stderr_does_no_harm(self):
        name, registry = self.repository("-noisy")
        self.assertEqual(self.scan(name, self.pushed(name, registry))["imageScanStatus"]["status"], "COMPLETE")

    def test_an_image_of_which_the_scanner_knows_nothing_is_unsupported(self):
        name, registry = self.repository("-scratch")
        self.assertEqual(self.scan(name, self.pushed(name, registry))["imageScanStatus"], {
            "status": "UNSUPPORTED_IMAGE",
            "description": "UnsupportedImageError: The operating system and/or package manager are not supported."})

    def test_only_images_with_a_container_configuration_can_be_scanned(self):
        name, registry = self.repository()
        one = image(name)
        registry.push(name, one, "v1")
        listed = index([one])
        registry.put_manifest(name, listed, "list")
        chart = image(name + " chart", docker=False)
        chart = type(chart)(chart.manifest.replace(OCI_CONFIG.encode(), b"application/vnd.cncf.helm.config.v1+json"),
                            chart.media_type, chart.blobs)
        registry.push(name, chart, "chart")
        for digest in (listed.digest, chart.digest):
            self.assert_api_error(
                "UnsupportedImageTypeException",
                "The image with digest '%s' in the repository with name '%s' in the registry with id '%s' is of a "
                "type that cannot be scanned" % (digest, name, ACCOUNT),
                self.ecr.StartImageScan, repositoryName=name, imageId={"imageDigest": digest})

    def test_an_archived_image_is_not_scanned(self):
        name, registry = self.repository()
        one = self.pushed(name, registry)
        self.ecr.UpdateImageStorageClass(repositoryName=name, imageId={"imageDigest": one.digest},
                                         targetStorageClass="ARCHIVE")
        self.assert_api_error("ImageArchivedException", None, self.ecr.StartImageScan,
                              repositoryName=name, imageId={"imageDigest": one.digest})

    def test_what_is_not_there_is_told_as_aws_does(self):
        name, registry = self.repository()
        one = self.pushed(name, registry)
        self.assert_api_error(
            "ScanNotFoundException",
            "Image scan does not exist for the image with '{imageDigest:'%s', imageTag:'null'}' in the repository "
            "with name '%s' in the registry with id '%s'" % (one.digest, name, ACCOUNT),
            self.ecr.DescribeImageScanFindings, repositoryName=name, imageId={"imageDigest": one.digest})
        missing = ("The image with imageId {imageDigest:'null', imageTag:'v2'} does not exist within the repository "
                   "with name '%s' in the registry with id '%s'" % (name, ACCOUNT))
        for call in (self.ecr.StartImageScan, self.ecr.DescribeImageScanFindings):
            self.assert_api_error("ImageNotFoundException", missing, call,
                                  repositoryName=name, imageId={"imageTag": "v2"})
            self.assert_api_error("RepositoryNotFoundException", no_repository("no-such"), call,
                                  repositoryName="no-such", imageId={"imageTag": "v1"})
            self.assert_api_error("InvalidParameterException", None, call, repositoryName=name, imageId={})

    def test_findings_go_with_their_image(self):
        name, registry = self.repository()
        one = self.pushed(name, registry)
        self.scan(name, one)
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageDigest": one.digest}])
        self.pushed(name, registry)
        self.not_scanned(name, one.digest)
        self.assertNotIn("imageScanStatus", self.ecr.details(name)[one.digest])

    def test_a_repository_scans_what_is_pushed_when_it_says_so(self):
        name, registry = self.repository(imageScanningConfiguration={"scanOnPush": True})
        one = self.pushed(name, registry)
        self.assertEqual(self.wait(name, one.digest)["imageScanStatus"]["status"], "COMPLETE")
        # Another tag is no other image, and StartImageScan's quota counts a scan on push.
        registry.push(name, one, "v2")
        self.assert_api_error("LimitExceededException", None, self.ecr.StartImageScan,
                              repositoryName=name, imageId={"imageTag": "v2"})
        self.ecr.PutImageScanningConfiguration(repositoryName=name,
                                               imageScanningConfiguration={"scanOnPush": False})
        two = self.pushed(name, registry, "two")
        self.not_scanned(name, two.digest)
        self.assertEqual(len(self.calls(name)), 1)

    def test_a_lists_images_are_scanned_on_push_and_the_list_is_not(self):
        name, registry = self.repository(imageScanningConfiguration={"scanOnPush": True})
        one = image(name)
        registry.push(name, one)
        listed = index([one])
        registry.put_manifest(name, listed, "list")
        self.wait(name, one.digest)
        self.not_scanned(name, listed.digest)

    def test_an_image_deleted_while_it_is_scanned_leaves_nothing(self):
        name, registry = self.repository("-blocked")
        one = self.pushed(name, registry)
        self.addCleanup(lambda: os.unlink(os.path.join(self.folder, "go")))
        self.ecr.StartImageScan(repositoryName=name, imageId={"imageTag": "v1"})
        wait_for(lambda: self.calls(name), 30, "the scanner to be called")
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageDigest": one.digest}])
        self.pushed(name, registry)
        self.ecr.StartImageScan(repositoryName=name, imageId={"imageTag": "v1"})
        open(os.path.join(self.folder, "go"), "w").close()
        # The first scan's outcome is not the second's.
        self.assertEqual(self.wait(name, one.digest)["imageScanStatus"]["status"], "COMPLETE")
        self.assertEqual(len(self.calls(name)), 2)

    def test_parallel_scans_all_end(self):
        name, registry = self.repository()
        images = [self.pushed(name, registry, "%s %d" % (name, i), "t%d" % i) for i in range(12)]
        threads = [threading.Thread(target=self.ecr.StartImageScan,
                                    kwargs={"repositoryName": name, "imageId": {"imageDigest": i.digest}})
                   for i in images]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in images:
            self.assertEqual(self.wait(name, one.digest)["imageScanStatus"]["status"], "COMPLETE")

    def test_the_registry_of_another_account_is_scanned_by_its_own_rules(self):
        other = type(self.ecr)(self.virga, account="111122223333", region="eu-west-1")
        other.PutRegistryScanningConfiguration(rules=[
            {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}])
        name, registry = self.repository()
        other.create(name)
        one = self.pushed(name, registry)
        Registry.path(self.ecr.port(), "111122223333", "eu-west-1").push(name, one, "v1")
        wait_for(lambda: other.DescribeImageScanFindings(
            repositoryName=name, imageId={"imageTag": "v1"})["imageScanStatus"]["status"] == "COMPLETE", 30, "the scan")
        self.not_scanned(name, one.digest)
        self.assertIn("/111122223333/eu-west-1/", self.calls(name)[0][0])


class Rules(ScanCase):
    """The registry's scanning configuration: each test has a registry of its own, a region."""

    @classmethod
    def scanner(cls):
        return {"scanner-command": cls.command("{output}")}

    regions = iter("region-%d" % i for i in range(1000))

    def setUp(self):
        super().setUp()
        self.ecr = type(self.ecr)(self.virga, region=next(self.regions))

    def registry(self, account=ACCOUNT, region=None):
        return super().registry(account, region or self.ecr.region)

    def put(self, kind, **rules):
        """Rules by frequency: lists of filters."""
        return self.ecr.PutRegistryScanningConfiguration(scanType=kind, rules=[
            {"scanFrequency": frequency,
             "repositoryFilters": [{"filter": f, "filterType": "WILDCARD"} for f in filters]}
            for frequency, filters in rules.items()])

    def repository_config(self, name):
        return self.ecr.BatchGetRepositoryScanningConfiguration(repositoryNames=[name])["scanningConfigurations"][0]

    def test_without_a_configuration_scanning_is_basic_and_manual(self):
        self.assertEqual(self.ecr.GetRegistryScanningConfiguration(), {
            "registryId": ACCOUNT, "scanningConfiguration": {"scanType": "BASIC", "rules": []}})
        name, _ = self.repository()
        self.assertEqual(
            self.ecr.BatchGetRepositoryScanningConfiguration(repositoryNames=[name, "no-such"]), {
                "scanningConfigurations": [{
                    "repositoryArn": "arn:aws:ecr:%s:%s:repository/%s" % (self.ecr.region, ACCOUNT, name),
                    "repositoryName": name, "scanOnPush": False, "scanFrequency": "MANUAL",
                    "appliedScanFilters": []}],
                "failures": [{"repositoryName": "no-such", "failureCode": "REPOSITORY_NOT_FOUND",
                              "failureReason": "REPOSITORY_NOT_FOUND"}]})

    def test_a_configuration_is_kept_as_it_was_given(self):
        rules = [{"scanFrequency": "SCAN_ON_PUSH",
                  "repositoryFilters": [{"filter": "prod*", "filterType": "WILDCARD"}]},
                 {"scanFrequency": "CONTINUOUS_SCAN",
                  "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]
        config = {"scanType": "ENHANCED", "rules": rules}
        self.assertEqual(self.ecr.PutRegistryScanningConfiguration(**config),
                         {"registryScanningConfiguration": config})
        self.assertEqual(self.ecr.GetRegistryScanningConfiguration()["scanningConfiguration"], config)
        self.assertEqual(self.ecr.PutRegistryScanningConfiguration(),
                         {"registryScanningConfiguration": {"scanType": "BASIC", "rules": []}})

    def test_rules_that_contradict_their_type_are_refused(self):
        self.assert_api_error("ValidationException", "Scan frequency CONTINUOUS_SCAN is not supported for scan type BASIC",
                              self.put, kind="BASIC", CONTINUOUS_SCAN=["*"])
        self.assert_api_error("ValidationException", "Scan frequency MANUAL is not supported for scan type ENHANCED",
                              self.put, kind="ENHANCED", MANUAL=["*"])
        rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "a", "filterType": "WILDCARD"}]}
        self.assert_api_error("ValidationException", "Only one rule is allowed for scan frequency SCAN_ON_PUSH",
                              self.ecr.PutRegistryScanningConfiguration, scanType="BASIC", rules=[rule, rule])
        error = self.assert_api_error("ValidationException", None, self.ecr.PutRegistryScanningConfiguration,
                                      rules=[rule, rule, rule])
        self.assertTrue(error.message.startswith("1 validation error detected: Value "), error.message)
        self.assertEqual(self.ecr.GetRegistryScanningConfiguration()["scanningConfiguration"]["rules"], [])

    def test_the_registrys_rule_scans_what_is_pushed_where_its_filter_matches(self):
        self.put("BASIC", SCAN_ON_PUSH=["*-on", "elsewhere"])
        name, registry = self.repository("-on")
        other, _ = self.repository("-off")
        one = self.pushed(name, registry)
        two = self.pushed(other, registry)
        findings = self.wait(name, one.digest)["imageScanFindings"]
        self.assertEqual(findings["findings"][0], SHOWN)
        self.not_scanned(other, two.digest)
        self.assertEqual(self.repository_config(name)["appliedScanFilters"],
                         [{"filter": "*-on", "filterType": "WILDCARD"}])
        self.assertEqual(self.repository_config(other)["scanFrequency"], "MANUAL")

    def test_the_repositorys_own_flag_counts_in_basic_scanning_only(self):
        name, registry = self.repository(imageScanningConfiguration={"scanOnPush": True})
        self.assertEqual(self.repository_config(name)["scanFrequency"], "SCAN_ON_PUSH")
        self.put("ENHANCED")
        self.assertEqual(self.repository_config(name)["scanFrequency"], "MANUAL")
        self.not_scanned(name, self.pushed(name, registry).digest)

    def test_enhanced_scanning_shows_enhanced_findings(self):
        self.put("ENHANCED", SCAN_ON_PUSH=["*"])
        name, registry = self.repository()
        one = self.pushed(name, registry)
        answer = self.wait(name, one.digest)
        self.assertEqual(answer["imageScanStatus"], {"status": "COMPLETE", "description": DONE})
        self.assertNotIn("findings", answer["imageScanFindings"])
        registry.push(name, one, "v2")
        answer = self.ecr.DescribeImageScanFindings(repositoryName=name, imageId={"imageTag": "v2"})
        finding = answer["imageScanFindings"]["enhancedFindings"][0]
        arn = "arn:aws:ecr:%s:%s:repository/%s" % (self.ecr.region, ACCOUNT, name)
        self.assertRegex(finding["findingArn"], "^arn:aws:inspector2:%s:%s:finding/[0-9a-f]{32}$"
                         % (self.ecr.region, ACCOUNT))
        self.assertEqual(finding["resources"], [{
            "details": {"awsEcrContainerImage": {
                "imageHash": one.digest, "imageTags": ["v1", "v2"],
                "pushedAt": self.ecr.details(name)[one.digest]["imagePushedAt"],
                "registry": ACCOUNT, "repositoryName": name}},
            "id": "%s/%s" % (arn, one.digest), "tags": {}, "type": "AWS_ECR_CONTAINER_IMAGE"}])
        self.assertEqual(finding["packageVulnerabilityDetails"]["vulnerablePackages"], [{
            "name": "openssl", "packageManager": "OS", "epoch": 1, "version": "1.2.3", "release": "4",
            "fixedInVersion": "1:1.2.4-1"}])
        self.assertEqual(
            {key: finding[key] for key in ("awsAccountId", "title", "severity", "status", "type", "score",
                                           "fixAvailable", "exploitAvailable")},
            {"awsAccountId": ACCOUNT, "title": "CVE-1 - openssl", "severity": "HIGH", "status": "ACTIVE",
             "type": "PACKAGE_VULNERABILITY", "score": 9.8, "fixAvailable": "YES", "exploitAvailable": "NO"})

    def test_continuous_scanning_goes_before_scanning_on_push(self):
        self.put("ENHANCED", SCAN_ON_PUSH=["*"], CONTINUOUS_SCAN=["con*"])
        name = "con-" + self.name()
        self.ecr.create(name)
        one = self.pushed(name, self.registry())
        self.assertEqual(self.repository_config(name)["scanFrequency"], "CONTINUOUS_SCAN")
        self.assertEqual(self.repository_config(name)["appliedScanFilters"],
                         [{"filter": "con*", "filterType": "WILDCARD"}])
        self.assertEqual(self.wait(name, one.digest)["imageScanStatus"],
                         {"status": "ACTIVE", "description": "Continuous scan is selected for image."})

    def test_continuous_scanning_scans_what_is_there_already(self):
        name, registry = self.repository()
        images = [self.pushed(name, registry, "%s %d" % (name, i), "t%d" % i) for i in range(120)]
        self.put("ENHANCED", CONTINUOUS_SCAN=[name, "no-such"])

        def statuses():
            details = self.ecr.DescribeImages(repositoryName=name, maxResults=1000)["imageDetails"]
            return [detail.get("imageScanStatus", {}).get("status") for detail in details]
        wait_for(lambda: statuses() == ["ACTIVE"] * len(images), 120, "every image's scan")
        self.assertEqual(len(self.calls(name)), len(images))

    def test_a_scan_cannot_be_started_by_hand_in_enhanced_scanning(self):
        name, registry = self.repository()
        self.pushed(name, registry)
        self.put("ENHANCED")
        self.assert_api_error("ValidationException", "This feature is disabled", self.ecr.StartImageScan,
                              repositoryName=name, imageId={"imageTag": "v1"})


class Limits(ScanCase):
    @classmethod
    def scanner(cls):
        return {"scanner-command": cls.command(), "scanner-timeout-s": 1, "scan-quota-hours": 0}

    def test_a_scanner_that_hangs_is_ended_with_its_children(self):
        name, registry = self.repository("-hangs")
        answer = self.scan(name, self.pushed(name, registry))
        self.assertEqual(answer["imageScanStatus"], {
            "status": "FAILED", "description": "The scanner did not end within 1 s (scanner-timeout-s)"})
        with open(os.path.join(self.folder, "hanging")) as f:
            child = int(f.read())
        wait_for(lambda: not running(child), 10, "the scanner's child to end")

    def test_without_a_quota_an_image_is_scanned_as_often_as_one_likes(self):
        name, registry = self.repository()
        one = self.pushed(name, registry)
        for _ in range(3):
            self.scan(name, one)
        self.assertEqual(len(self.calls(name)), 3)


def running(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Again(ScanCase):
    @classmethod
    def scanner(cls):
        return {"scanner-command": cls.command(), "scan-interval-s": 1}

    def test_continuous_scanning_scans_again_and_shows_findings_meanwhile(self):
        self.ecr.PutRegistryScanningConfiguration(scanType="ENHANCED", rules=[
            {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}])
        name, registry = self.repository()
        one = self.pushed(name, registry)
        arns = {f["findingArn"] for f in self.wait(name, one.digest)["imageScanFindings"]["enhancedFindings"]}

        def again():
            answer = self.ecr.DescribeImageScanFindings(repositoryName=name, imageId={"imageTag": "v1"})
            self.assertEqual(answer["imageScanStatus"]["status"], "ACTIVE")
            self.assertEqual({f["findingArn"] for f in answer["imageScanFindings"]["enhancedFindings"]}, arns)
            return len(self.calls(name)) > 2
        wait_for(again, 60, "two more scans")


class Files(ScanCase):
    @classmethod
    def scanner(cls):
        os.makedirs(os.path.join(cls.folder, "reports", "team"))
        return {"scanner-findings": os.path.join(cls.folder, "reports")}

    def write(self, name, found):
        path = os.path.join(self.folder, "reports", name + ".json")
        with open(path, "w") as f:
            json.dump(found if not isinstance(found, list) else {"Results": [{"Target": "t", "Vulnerabilities": [
                {"VulnerabilityID": i, "Severity": "MEDIUM"} for i in found]}]}, f)

    def names(self, answer):
        return [f["name"] for f in answer["imageScanFindings"]["findings"]]

    def test_a_digests_report_goes_before_its_repositorys(self):
        name = "team/" + self.name()
        self.ecr.create(name)
        registry = self.registry()
        one, two = self.pushed(name, registry, "1"), self.pushed(name, registry, "2")
        self.write(name, ["of the repository"])
        self.write(one.digest, ["of the image"])
        self.assertEqual(self.names(self.scan(name, one)), ["of the image"])
        self.assertEqual(self.names(self.scan(name, two)), ["of the repository"])

    def test_an_image_without_a_report_has_no_findings_and_says_so(self):
        name, registry = self.repository()
        answer = self.scan(name, self.pushed(name, registry))
        self.assertEqual(answer["imageScanStatus"], {
            "status": "COMPLETE",
            "description": DONE + " The folder scanner-findings has no report for this image."})
        self.assertEqual(self.names(answer), [])
        self.assertEqual(answer["imageScanFindings"]["findingSeverityCounts"], {})

    def test_a_report_of_the_wrong_shape_fails_the_scan(self):
        name, registry = self.repository()
        self.write(name, {"Results": [{"Vulnerabilities": [{"Severity": "HIGH"}]}]})
        answer = self.scan(name, self.pushed(name, registry))
        self.assertEqual(answer["imageScanStatus"], {
            "status": "FAILED",
            "description": "The findings file cannot be used: a vulnerability has no VulnerabilityID"})


class Missing(ScanCase):
    @classmethod
    def scanner(cls):
        return {"scanner-command": "no-such-scanner {image}"}

    def test_a_scanner_that_is_not_there_is_named(self):
        name, registry = self.repository()
        status = self.scan(name, self.pushed(name, registry))["imageScanStatus"]
        self.assertEqual(status["status"], "FAILED")
        self.assertRegex(status["description"], "^The scanner exited with 127: scanner-command: .*no-such-scanner: not found$")
        self.assertEqual(os.listdir(os.path.join(self.virga.data, "ecr", "scan")), [])


class Enforce(ScanCase):
    """Where policies are obeyed, nobody pulls without a login."""
    more = {"floci.auth.mode": "enforce"}

    @classmethod
    def scanner(cls):
        return {"scanner-command": cls.command()}

    def test_the_scanner_pulls_with_the_login_that_it_is_given(self):
        need("skopeo")
        name, _ = self.repository("-pulls")
        password = base64.b64decode(
            self.ecr.GetAuthorizationToken()["authorizationData"][0]["authorizationToken"])
        registry = Registry(self.ecr.port(), self.registry().host, headers={
            "Authorization": "Basic " + base64.b64encode(password).decode()})
        one = self.pushed(name, registry)
        self.assertEqual(self.registry().get_manifest(name, one.digest).status, 401)
        answer = self.scan(name, one)
        self.assertEqual(len(answer["imageScanFindings"]["findings"]), len(one.layers))


class Nothing(ScanCase):
    @classmethod
    def scanner(cls):
        return {}

    def test_without_a_scanner_a_scan_completes_and_says_that_nothing_is_known(self):
        name, registry = self.repository()
        answer = self.scan(name, self.pushed(name, registry))
        self.assertEqual(answer["imageScanStatus"], {
            "status": "COMPLETE",
            "description": DONE + " No scanner is configured (scanner-command, scanner-findings), so that no "
                                  "findings are known."})
        self.assertEqual(answer["imageScanFindings"]["findings"], [])

    def test_a_reset_forgets_scans(self):
        name, registry = self.repository()
        one = self.pushed(name, registry)
        self.scan(name, one)
        self.virga.http("POST", "/_floci/state/reset")
        self.ecr.create(name)
        self.pushed(name, self.registry())
        self.not_scanned(name, one.digest)


class Restart(ScanCase):
    @classmethod
    def scanner(cls):
        return {"scanner-command": cls.command(), "scanner-parallel": 1}

    def check(self, how):
        go = os.path.join(self.folder, "go")
        if os.path.exists(go):
            os.unlink(go)
        name, registry = self.repository("-blocked")
        images = [self.pushed(name, registry, "%s %d" % (name, i), "t%d" % i) for i in range(3)]
        for one in images:
            self.ecr.StartImageScan(repositoryName=name, imageId={"imageDigest": one.digest})
        wait_for(lambda: self.calls(name), 30, "the scanner to be called")
        how()
        self.virga.start()
        self.assertEqual([self.status(name, one.digest) for one in images], ["IN_PROGRESS"] * 3)
        open(go, "w").close()
        for one in images:
            self.assertEqual(self.wait(name, one.digest)["imageScanStatus"]["status"], "COMPLETE")
        self.assertEqual([call[1] for call in self.calls(name)],
                         [images[0].digest] + [one.digest for one in images])

    def test_scans_go_on_after_a_stop(self):
        self.check(self.virga.stop)

    def test_scans_go_on_after_a_crash(self):
        self.check(self.virga.kill9)


class Settings(unittest.TestCase):
    def refused(self, settings, words):
        with Virga(settings={KEY + key: value for key, value in settings.items()}) as virga:
            self.assertIn(words, virga.log())
            self.assertIn("plugin ecr could not be started", virga.log())

    def test_a_command_that_cannot_be_split_is_refused_at_start(self):
        self.refused({"scanner-command": "trivy 'image"}, "scanner-command cannot be used: a ' is not closed")

    def test_two_sources_of_findings_are_refused_at_start(self):
        self.refused({"scanner-command": "trivy", "scanner-findings": "/tmp"}, "exclude each other")


if __name__ == "__main__":
    unittest.main()
