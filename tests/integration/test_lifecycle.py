# SPDX-License-Identifier: MIT
"""Lifecycle policies that run: what expires is gone from the registry, and nothing else is."""
import http.client
import json
import os
import threading
import time
import unittest

from aws import Cli, Ecr
from ecrcase import EcrCase
from images import Image, image, index, layer
from oci import Registry
from virga import Virga, need, wait_for

DAY = 86400
NEVER = {"floci.services.ecr.lifecycle-interval": "0"}


def rule(priority, status="any", number=1, count="imageCountMoreThan", archive=False, stored=None, **lists):
    """One rule of a policy."""
    selection = {"tagStatus": status, "countType": count, "countNumber": number, **lists}
    if count != "imageCountMoreThan":
        selection["countUnit"] = "days"
    if stored:
        selection["storageClass"] = stored
    action = {"type": "transition", "targetStorageClass": "archive"} if archive else {"type": "expire"}
    return {"rulePriority": priority, "selection": selection, "action": action}


def policy(*rules):
    return json.dumps({"rules": list(rules)})


def small(text, **more):
    """An image of one small layer that all of these share."""
    return image(text, layers=[layer("shared")], **more)


class LifecycleCase(EcrCase):
    settings = NEVER

    def put(self, name, *rules):
        return self.ecr.PutLifecyclePolicy(repositoryName=name, lifecyclePolicyText=policy(*rules))

    def run_now(self, status=200, **body):
        got, _, answer = self.virga.http("POST", "/_floci/ecr/lifecycle/run", json.dumps(body), timeout=120)
        self.assertEqual(got, status, answer)
        return json.loads(answer)

    def run_one(self, name, **body):
        """Runs one repository's policy: its part of the report."""
        report = self.run_now(repositoryName=name, **body)
        self.assertEqual(report["status"], "ok")
        self.assertEqual(report["repositoryCount"], 1)
        self.assertEqual(report["repositories"][0]["failures"], [])
        return report["repositories"][0]

    def push(self, name, registry, pushed, tag=None):
        """Pushes, and sees to it that the next push is younger."""
        registry.push(name, pushed, tag)
        time.sleep(0.002)
        return pushed

    def preview(self, name, **params):
        """Runs a preview: its complete answer, all pages together."""
        started = self.ecr.StartLifecyclePolicyPreview(repositoryName=name, **params)
        self.assertEqual(started["status"], "IN_PROGRESS")
        got = wait_for(lambda: self.complete(name), what="the preview")
        token = got
        while "nextToken" in token:
            token = self.ecr.GetLifecyclePolicyPreview(repositoryName=name, nextToken=token["nextToken"])
            got["previewResults"] += token["previewResults"]
        return got

    def complete(self, name, **params):
        got = self.ecr.GetLifecyclePolicyPreview(repositoryName=name, **params)
        self.assertIn(got["status"], ("IN_PROGRESS", "COMPLETE"))
        return got if got["status"] == "COMPLETE" else None

    def disk(self):
        total = 0
        for path, _, files in os.walk(os.path.join(self.virga.data, "ecr", "registry")):
            total += sum(os.path.getsize(os.path.join(path, name)) for name in files)
        return total

    def gc(self):
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
        self.assertEqual(status, 200, body)


class Runs(LifecycleCase):
    def test_expired_images_are_gone_and_gc_frees_their_bytes(self):
        name, registry = self.repository()
        old = [self.push(name, registry, image("old %d" % i, layer_size=1 << 20), "v%d" % i) for i in range(3)]
        kept = self.push(name, registry, image("kept", layer_size=1000), "v9")
        self.put(name, rule(1, number=1))
        before = self.disk()
        report = self.run_one(name)
        self.assertEqual((report["evaluated"], report["expired"], report["transitioned"]), (4, 3, 0))
        self.assertEqual(report["digests"]["expired"], [one.digest for one in old], "the oldest goes first")
        for i, gone in enumerate(old):
            self.assertEqual(registry.get_manifest(name, "v%d" % i).status, 404)
            self.assertEqual(registry.get_manifest(name, gone.digest).status, 404)
        registry.check_pull(name, kept, "v9")
        self.assertEqual(self.ecr.image_ids(name), [("v9", kept.digest)])
        self.gc()
        self.assertLess(self.disk(), before - (3 << 20))
        registry.check_pull(name, kept, "v9")
        # An expired image can come again.
        registry.push(name, old[0], "v0")
        registry.check_pull(name, old[0], "v0")

    def test_a_second_run_finds_nothing_to_do(self):
        name, registry = self.repository()
        for i in range(4):
            self.push(name, registry, small("%s %d" % (name, i)), "v%d" % i)
        self.put(name, rule(1, number=2))
        self.assertEqual(self.run_one(name)["expired"], 2)
        report = self.run_one(name)
        self.assertEqual((report["evaluated"], report["expired"], report["skipped"]), (2, 0, 0))

    def test_a_run_as_of_a_later_day_sees_older_images(self):
        name, registry = self.repository()
        self.push(name, registry, small(name), "v1")
        self.put(name, rule(1, number=14, count="sinceImagePushed"))
        pushed = self.ecr.DescribeImages(repositoryName=name)["imageDetails"][0]["imagePushedAt"]
        self.assertEqual(self.run_one(name)["expired"], 0)
        self.assertEqual(self.run_one(name, asOf=int(pushed) + 14 * DAY - 1)["expired"], 0)
        day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(pushed + 14 * DAY - 60))
        self.assertEqual(self.run_one(name, asOf=day)["expired"], 0)
        self.assertEqual(self.run_one(name, asOf=pushed + 14 * DAY + 0.5)["expired"], 1)

    def test_rules_follow_priorities_and_lists(self):
        name, registry = self.repository()
        pushed = {tags: self.push(name, registry, small(name + tags), tags.split()[0])
                  for tags in ("prod-1", "prod-2", "dev-1", "dev-2", "alpha-1 beta-1", "alpha-2")}
        registry.put_manifest(name, pushed["alpha-1 beta-1"], "beta-1")
        self.put(name, rule(1, "tagged", 9, tagPrefixList=["prod"]),
                 rule(2, "tagged", 1, "sinceImagePushed", tagPatternList=["alpha*", "*beta*"]),
                 rule(3, number=2))
        report = self.run_one(name, asOf=time.time() + 2 * DAY)
        self.assertEqual(set(report["digests"]["expired"]),
                         {pushed[t].digest for t in ("dev-1", "dev-2", "alpha-1 beta-1")})

    def test_children_stay_with_their_index_and_go_with_it(self):
        name, registry = self.repository()
        child, lone = small(name + " child"), small(name + " lone")
        top = index([child])
        self.push(name, registry, top, "all")
        self.push(name, registry, lone)
        self.put(name, rule(1, "untagged", 1, "sinceImagePushed"))
        later = time.time() + 2 * DAY
        self.assertEqual(self.run_one(name, asOf=later)["digests"]["expired"], [lone.digest])
        registry.check_pull(name, top, "all")
        self.put(name, rule(1, "any", 1, "sinceImagePushed"))
        self.assertEqual(self.run_one(name, asOf=later)["digests"]["expired"], [top.digest, child.digest])
        self.assertEqual(self.ecr.image_ids(name), [])

    def test_artifacts_go_with_their_subject(self):
        name, registry = self.repository()
        subject = self.push(name, registry, small(name), "v1")
        signature = small(name + " signature", subject={
            "mediaType": subject.media_type, "digest": subject.digest, "size": len(subject.manifest)})
        self.push(name, registry, signature)
        self.put(name, rule(1, "untagged", 1, "sinceImagePushed"))
        later = time.time() + 2 * DAY
        self.assertEqual(self.run_one(name, asOf=later)["expired"], 0)
        self.put(name, rule(1, "tagged", 1, "sinceImagePushed", tagPrefixList=["v"]))
        self.assertEqual(self.run_one(name, asOf=later)["digests"]["expired"], [subject.digest, signature.digest])
        # One that has lost its subject otherwise is found a day later.
        self.push(name, registry, subject, "w1")
        self.push(name, registry, signature)
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "w1"}])
        self.assertEqual(self.run_one(name)["expired"], 0)
        self.assertEqual(self.run_one(name, asOf=later)["digests"]["expired"], [signature.digest])

    def test_images_are_archived_and_expire_in_the_archive(self):
        name, registry = self.repository()
        old = self.push(name, registry, small(name + " old"), "v1")
        pulled = self.push(name, registry, small(name + " pulled"), "v2")
        self.put(name, rule(1, number=30, count="sinceImagePulled", archive=True),
                 rule(2, number=90, count="sinceImageTransitioned", stored="archive"))
        report = self.run_one(name, asOf=time.time() + 31 * DAY)
        self.assertEqual(report["digests"], {"expired": [], "transitioned": [old.digest, pulled.digest]})
        self.assertEqual(registry.get_manifest(name, "v1").status, 404)
        self.ecr.UpdateImageStorageClass(repositoryName=name, imageId={"imageTag": "v2"},
                                         targetStorageClass="STANDARD")
        registry.check_pull(name, pulled, "v2")
        self.assertEqual(self.run_one(name, asOf=time.time() + 20 * DAY)["transitioned"], 0)
        report = self.run_one(name, asOf=time.time() + 91 * DAY)
        self.assertEqual(report["digests"], {"expired": [old.digest], "transitioned": [pulled.digest]})
        detail, = self.ecr.DescribeImages(repositoryName=name, filter={"imageStatus": "ARCHIVED"})["imageDetails"]
        self.assertEqual(detail["imageDigest"], pulled.digest)

    def test_last_evaluated_tells_the_truth(self):
        name, registry = self.repository()
        self.put(name, rule(1, number=9))

        def told():
            return self.ecr.GetLifecyclePolicy(repositoryName=name)["lastEvaluatedAt"]

        self.assertEqual(told(), 0)
        before = time.time()
        self.run_one(name, asOf=before + 400 * DAY)
        self.assertGreaterEqual(told(), int(before))
        self.assertLessEqual(told(), time.time() + 1)
        self.put(name, rule(1, number=8))
        self.assertEqual(told(), 0, "this one was not evaluated yet")
        self.run_one(name)
        at = told()
        self.assertEqual(self.ecr.DeleteLifecyclePolicy(repositoryName=name)["lastEvaluatedAt"], at)
        self.put(name, rule(1, number=8))
        self.assertEqual(told(), 0)

    def test_a_run_is_about_the_repositories_asked_for(self):
        others = [("111111111111", "us-east-1"), ("222222222222", "us-east-1"), ("222222222222", "eu-west-1")]
        name = self.name()
        for account, region in others:
            ecr = Ecr(self.virga, account, region)
            ecr.create(name)
            ecr.PutLifecyclePolicy(repositoryName=name, lifecyclePolicyText=policy(rule(1)))
            ecr.create(name + "-without")

        def seen(**body):
            return {(r["registryId"], r["region"]) for r in self.run_now(**body)["repositories"]
                    if r["repositoryName"] == name}

        self.assertEqual(seen(), set(others))
        self.assertEqual(seen(registryId="222222222222"), set(others[1:]))
        self.assertEqual(seen(region="us-east-1"), set(others[:2]))
        self.assertEqual(seen(registryId="222222222222", region="eu-west-1", repositoryName=name), {others[2]})
        self.assertNotIn(name + "-without", [r["repositoryName"] for r in self.run_now()["repositories"]])

    def test_a_bad_request_is_told_and_runs_nothing(self):
        name, registry = self.repository()
        self.push(name, registry, small(name), "v1")
        self.push(name, registry, small(name + " 2"), "v2")
        self.put(name, rule(1))
        for body, word in ((b"[]", "JSON object"), (b"{", "JSON object"), (b'{"asof":1}', "the members are"),
                           (b'{"asOf":"yesterday"}', "asOf must be"), (b'{"asOf":-1}', "asOf must be"),
                           (b'{"asOf":1e30}', "asOf must be"), (b'{"asOf":null}', "asOf must be"),
                           (b'{"registryId":"1"}', "12 digits"), (b'{"region":7}', "region"),
                           (b'{"repositoryName":"A B"}', "repositoryName")):
            status, _, answer = self.virga.http("POST", "/_floci/ecr/lifecycle/run", body)
            self.assertEqual(status, 400, body)
            self.assertIn(word, json.loads(answer)["message"])
        self.assertIn("does not exist", self.run_now(404, repositoryName="no-such")["message"])
        self.assertEqual(len(self.ecr.image_ids(name)), 2)

    def test_runs_at_the_same_time_do_not_delete_twice(self):
        name, registry = self.repository()
        for i in range(40):
            self.push(name, registry, small("%s %d" % (name, i)), "v%d" % i)
        self.put(name, rule(1, number=5))
        reports = []
        threads = [threading.Thread(target=lambda: reports.append(self.run_one(name))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(r["expired"] for r in reports), [0, 0, 0, 35])
        self.assertEqual(sum(r["skipped"] for r in reports), 0)
        self.assertEqual(len(self.ecr.image_ids(name)), 5)

    def test_gc_and_pushes_go_on_beside_a_run(self):
        name, registry = self.repository()
        for i in range(60):
            self.push(name, registry, small("%s %d" % (name, i)), "v%d" % i)
        self.put(name, rule(1, "tagged", 10, tagPrefixList=["v"]))
        reports, failures = [], []

        def collect():
            status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
            if status != 200:
                failures.append(body)

        threads = [threading.Thread(target=lambda: reports.append(self.run_one(name))),
                   threading.Thread(target=collect)]
        for thread in threads:
            thread.start()
        other = small(name + " other")
        for i in range(10):
            registry.push(name, other, "w%d" % i)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(reports[0]["expired"], 50)
        self.gc()
        for i in range(50, 60):
            registry.check_pull(name, small("%s %d" % (name, i)), "v%d" % i)
        registry.check_pull(name, other, "w9")

    def test_many_images_are_decided_on_by_a_worker(self):
        name, registry = self.repository()
        config = small("many").config
        for digest, data in small("many").blobs.items():
            registry.push_blob(name, digest, data)
        pushed = []
        for i in range(1200):
            one = small("many")
            doc = json.loads(one.manifest)
            doc["annotations"] = {"n": str(i)}
            one = Image(json.dumps(doc).encode(), one.media_type)
            self.assertEqual(registry.put_manifest(name, one, "v%d" % i).status, 201)
            pushed.append(one.digest)
        self.assertEqual(one.config, config)
        self.put(name, rule(1, number=1190))
        report = self.run_one(name)
        self.assertEqual((report["evaluated"], report["expired"]), (1200, 10))
        shown = self.preview(name, lifecyclePolicyText=policy(rule(1, number=990)))
        self.assertEqual(len({r["imageDigest"] for r in shown["previewResults"]}), 200)


class Previews(LifecycleCase):
    def test_a_preview_says_what_the_run_does(self):
        name, registry = self.repository()
        for i in range(6):
            self.push(name, registry, small("%s v%d" % (name, i)), "v%d" % i)
        for i in range(3):
            self.push(name, registry, small("%s w%d" % (name, i)), "w%d" % i)
        child = small(name + " child")
        self.push(name, registry, index([child]), "v-index")
        self.push(name, registry, small(name + " untagged"))
        self.push(name, registry, small(name + " untagged 2"))
        self.put(name, rule(4, "tagged", 3, tagPrefixList=["v"]), rule(7, "untagged", 1),
                 rule(9, "any", 2, archive=True))
        shown = self.preview(name)
        self.assertEqual(json.loads(shown["lifecyclePolicyText"])["rules"][0]["rulePriority"], 4)
        report = self.run_one(name)
        by_action = {action: {r["imageDigest"] for r in shown["previewResults"] if r["action"]["type"] == action}
                     for action in ("EXPIRE", "TRANSITION")}
        self.assertEqual(by_action["EXPIRE"], set(report["digests"]["expired"]))
        self.assertEqual(by_action["TRANSITION"], set(report["digests"]["transitioned"]))
        self.assertEqual(shown["summary"], {
            "expiringImageTotalCount": report["expired"],
            "transitioningImageTotalCounts": [{"targetStorageClass": "ARCHIVE",
                                               "imageTotalCount": report["transitioned"]}]})
        for result in shown["previewResults"]:
            self.assertEqual(result["storageClass"], "STANDARD")
            self.assertEqual(result["appliedRulePriority"],
                             9 if result["action"]["type"] == "TRANSITION" else 4 if "imageTags" in result else 7)
        self.assertEqual({a["action"].get("targetStorageClass") for a in shown["previewResults"]}, {None, "ARCHIVE"})

    def test_a_preview_changes_nothing(self):
        name, registry = self.repository()
        pushed = [self.push(name, registry, small("%s %d" % (name, i)), "v%d" % i) for i in range(3)]
        shown = self.preview(name, lifecyclePolicyText=policy(rule(1)))
        self.assertEqual(shown["summary"], {"expiringImageTotalCount": 2})
        detail = self.ecr.details(name)[pushed[0].digest]
        first = next(r for r in shown["previewResults"] if r["imageDigest"] == pushed[0].digest)
        self.assertEqual(first, {"imageTags": ["v0"], "imageDigest": pushed[0].digest,
                                 "imagePushedAt": detail["imagePushedAt"], "action": {"type": "EXPIRE"},
                                 "appliedRulePriority": 1, "storageClass": "STANDARD"})
        for i, one in enumerate(pushed):
            registry.check_pull(name, one, "v%d" % i)
        self.assert_api_error("LifecyclePolicyNotFoundException", None, self.ecr.GetLifecyclePolicy,
                              repositoryName=name)

    def test_pages_filters_and_ids(self):
        name, registry = self.repository()
        tagged = [self.push(name, registry, small("%s t%d" % (name, i)), "v%d" % i) for i in range(7)]
        untagged = [self.push(name, registry, small("%s u%d" % (name, i))) for i in range(5)]
        self.push(name, registry, small(name + " kept"), "kept")
        self.preview(name, lifecyclePolicyText=policy(rule(1)))

        def pages(size, **params):
            got, token = [], {}
            while True:
                page = self.ecr.GetLifecyclePolicyPreview(repositoryName=name, maxResults=size, **params, **token)
                self.assertLessEqual(len(page["previewResults"]), size)
                self.assertEqual(page["summary"]["expiringImageTotalCount"], 12)
                got += [r["imageDigest"] for r in page["previewResults"]]
                if "nextToken" not in page:
                    return got
                token = {"nextToken": page["nextToken"]}

        everything = {one.digest for one in tagged + untagged}
        for size in (1, 3, 7, 12, 100):
            got = pages(size)
            self.assertEqual(len(got), 12)
            self.assertEqual(set(got), everything)
        self.assertEqual(set(pages(2, filter={"tagStatus": "TAGGED"})), {one.digest for one in tagged})
        self.assertEqual(set(pages(2, filter={"tagStatus": "UNTAGGED"})), {one.digest for one in untagged})

        def by_ids(*ids, **params):
            page = self.ecr.GetLifecyclePolicyPreview(repositoryName=name, imageIds=list(ids), **params)
            return [r["imageDigest"] for r in page["previewResults"]]

        self.assertEqual(by_ids({"imageTag": "v1"}, {"imageDigest": untagged[0].digest}, {"imageTag": "kept"},
                                {"imageTag": "no-such"}), [tagged[1].digest, untagged[0].digest])
        self.assertEqual(by_ids({"imageTag": "v1"}, filter={"tagStatus": "UNTAGGED"}), [])
        self.assert_api_error(
            "InvalidParameterException", "Invalid parameter at 'maxResults' failed to satisfy constraint: 'must be "
            "null when imageIds is specified'", self.ecr.GetLifecyclePolicyPreview, repositoryName=name,
            imageIds=[{"imageTag": "v1"}], maxResults=2)

        # A page is of its preview, and of no other.
        token = self.ecr.GetLifecyclePolicyPreview(repositoryName=name, maxResults=1)["nextToken"]
        self.preview(name, lifecyclePolicyText=policy(rule(1, number=11)))
        self.assertEqual(len(pages_of(self.ecr, name)), 2)
        self.assert_api_error("InvalidParameterException", None, self.ecr.GetLifecyclePolicyPreview,
                              repositoryName=name, nextToken=token)

    def test_results_stay_when_images_change(self):
        name, registry = self.repository()
        first = self.push(name, registry, small(name + " 1"), "v1")
        self.push(name, registry, small(name + " 2"), "v2")
        self.preview(name, lifecyclePolicyText=policy(rule(1)))
        self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageTag": "v1"}])
        self.push(name, registry, small(name + " 3"), "v3")
        result, = self.complete(name)["previewResults"]
        self.assertEqual((result["imageDigest"], result["imageTags"]), (first.digest, ["v1"]))

    def test_what_is_not_there_is_told(self):
        name, _ = self.repository()
        about = "does not exist for the repository with name '%s' in the registry with id '000000000000'" % name
        self.assert_api_error("LifecyclePolicyNotFoundException", "Lifecycle policy " + about,
                              self.ecr.StartLifecyclePolicyPreview, repositoryName=name)
        self.assert_api_error("LifecyclePolicyPreviewNotFoundException", "Lifecycle policy preview " + about,
                              self.ecr.GetLifecyclePolicyPreview, repositoryName=name)
        bad = policy(rule(1, number=9, count="sinceImagePulled"))
        self.assert_api_error(
            "InvalidParameterException", "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
            "'Lifecycle policy validation failure: countType=sinceImagePulled requires an action of type "
            "TRANSITION.'", self.ecr.StartLifecyclePolicyPreview, repositoryName=name, lifecyclePolicyText=bad)
        self.assert_api_error("RepositoryNotFoundException", None, self.ecr.GetLifecyclePolicyPreview,
                              repositoryName="no-such")

    def test_a_repository_made_anew_has_no_preview(self):
        name, registry = self.repository()
        self.push(name, registry, small(name), "v1")
        self.preview(name, lifecyclePolicyText=policy(rule(1)))
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        self.ecr.create(name)
        self.assert_api_error("LifecyclePolicyPreviewNotFoundException", None, self.ecr.GetLifecyclePolicyPreview,
                              repositoryName=name)

    def test_the_command_line_puts_previews_and_waits(self):
        aws = Cli(self.virga)
        name, registry = self.repository()
        for i in range(3):
            self.push(name, registry, small("%s %d" % (name, i)), "v%d" % i)
        text = policy(rule(1, number=2))
        about = ("--repository-name", name)
        put = json.loads(aws.text("put-lifecycle-policy", *about, "--lifecycle-policy-text", text))
        self.assertEqual(put["lifecyclePolicyText"], text)
        got = json.loads(aws.text("get-lifecycle-policy", *about))
        self.assertEqual(got["lifecyclePolicyText"], text)
        self.assertTrue(str(got["lastEvaluatedAt"]).startswith("1970-01-01"), got)
        started = json.loads(aws.text("start-lifecycle-policy-preview", *about))
        self.assertEqual(started["status"], "IN_PROGRESS")
        aws.text("wait", "lifecycle-policy-preview-complete", *about)
        shown = json.loads(aws.text("get-lifecycle-policy-preview", *about))
        self.assertEqual([r["imageTags"] for r in shown["previewResults"]], [["v0"]])
        self.assertEqual(shown["previewResults"][0]["action"], {"type": "EXPIRE"})
        self.assertEqual(shown["summary"]["expiringImageTotalCount"], 1)
        aws.text("delete-lifecycle-policy", *about)
        code, _, err = aws.run("get-lifecycle-policy", *about)
        self.assertNotEqual(code, 0)
        self.assertIn("LifecyclePolicyNotFoundException", err)


def pages_of(ecr, name):
    return ecr.GetLifecyclePolicyPreview(repositoryName=name)["previewResults"]


class Life(unittest.TestCase):
    """Servers that are stopped, killed and started again."""

    def start(self, **settings):
        need("docker-registry")
        self.virga = Virga(settings={**NEVER, **settings})
        self.addCleanup(self.virga.cleanup)
        self.virga.start()
        self.ecr = Ecr(self.virga)

    def fill(self, count):
        """A repository of that many images: {digest: image}."""
        self.ecr.create("app")
        self.registry = Registry.hostname(self.ecr.port(), "000000000000", "us-east-1")
        pushed = {}
        for i in range(count):
            one = small("life %d" % i)
            self.registry.push("app", one, "v%d" % i)
            pushed[one.digest] = one
        return pushed

    def put(self, *rules):
        self.ecr.PutLifecyclePolicy(repositoryName="app", lifecyclePolicyText=policy(*rules))

    def run_in_background(self):
        answers = []

        def run():
            try:
                answers.append(self.virga.http("POST", "/_floci/ecr/lifecycle/run", b"{}", timeout=120))
            except (OSError, http.client.HTTPException) as e:
                answers.append(e)

        thread = threading.Thread(target=run)
        thread.start()
        return thread, answers

    def check_whole(self, pushed):
        """Each image is there in every respect, or in none; the digests of those that are."""
        listed = {digest for _, digest in self.ecr.image_ids("app")}
        for digest, one in pushed.items():
            if digest in listed:
                self.registry.check_pull("app", one)
            else:
                self.assertEqual(self.registry.get_manifest("app", digest).status, 404)
        self.assertEqual({digest for tag, digest in self.ecr.image_ids("app") if tag}, listed)
        return listed

    def test_the_timer_runs_policies(self):
        self.start(**{"floci.services.ecr.lifecycle-interval": "1"})
        pushed = self.fill(5)
        self.put(rule(1, number=2))
        wait_for(lambda: len(self.ecr.image_ids("app")) == 2, 60, "the timer's run")
        wait_for(lambda: self.ecr.GetLifecyclePolicy(repositoryName="app")["lastEvaluatedAt"] > 0, 60, "its note")
        self.check_whole(pushed)
        wait_for(lambda: "3 expired, 0 archived, 0 failed" in self.virga.log(), 60, "its line in the log")
        self.virga.stop()

    def test_killed_in_the_middle_of_a_run_nothing_is_half_done(self):
        self.start()
        pushed = self.fill(60)
        self.put(rule(1, number=1))
        thread, _ = self.run_in_background()
        wait_for(lambda: len(self.ecr.image_ids("app")) < 55, 60, "some of it")
        self.virga.kill9()
        thread.join()
        self.virga.start()
        left = self.check_whole(pushed)
        self.assertGreaterEqual(len(left), 1)
        self.run_in_background()[0].join()
        self.assertEqual(self.check_whole(pushed), {list(pushed)[-1]})
        status, _, body = self.virga.http("POST", "/_floci/ecr/gc", timeout=120)
        self.assertEqual(status, 200, body)
        self.check_whole(pushed)
        self.virga.stop()

    def test_stopped_in_the_middle_of_a_run_it_ends_cleanly(self):
        self.start(**{"floci.limits.drain-timeout-ms": "1"})
        pushed = self.fill(60)
        self.put(rule(1, number=1))
        self.ecr.StartLifecyclePolicyPreview(repositoryName="app")
        thread, answers = self.run_in_background()
        wait_for(lambda: len(self.ecr.image_ids("app")) < 58, 60, "some of it")
        self.virga.stop()
        thread.join()
        self.assertEqual(len(answers), 1)
        self.virga.start()
        self.check_whole(pushed)
        self.virga.stop()

    def test_previews_outlive_a_restart(self):
        self.start()
        self.fill(4)
        self.put(rule(1, number=1))
        self.ecr.StartLifecyclePolicyPreview(repositoryName="app")
        get = lambda: self.ecr.GetLifecyclePolicyPreview(repositoryName="app")
        wait_for(lambda: get()["status"] == "COMPLETE", what="the preview")
        before = get()
        self.virga.restart()
        self.assertEqual(get(), before)
        self.virga.stop()

    def test_policies_without_a_registry_fail_with_words(self):
        self.start()
        pushed = self.fill(12)
        self.put(rule(1, number=1))
        # The registry's storage cannot be written: every deletion fails.
        self.virga.stop()
        storage = os.path.join(self.virga.data, "ecr", "registry")
        os.rename(storage, storage + "-away")
        with open(storage, "w"):
            pass
        self.virga.start()
        thread, answers = self.run_in_background()
        thread.join()
        status, _, body = answers[0]
        report = json.loads(body)
        self.assertTrue(status == 503 or report["failed"] == 3, (status, body))
        self.assertEqual(report["expired"], 0)
        self.virga.stop()
        os.unlink(storage)
        os.rename(storage + "-away", storage)
        self.virga.start()
        self.assertEqual(self.check_whole(pushed), set(pushed))
        self.virga.stop()


if __name__ == "__main__":
    unittest.main()
