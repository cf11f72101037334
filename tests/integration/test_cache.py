# SPDX-License-Identifier: MIT
"""Pull-through cache rules, and pulls through them from a second, real registry on this machine."""
import hashlib
import http.client
import json
import os
import shutil
import threading
import time
import unittest

import fallback
from artifacts import artifact, subject_of
from aws import ACCOUNT, REGION, Cli, Ecr
from ecrcase import EcrCase, no_repository
from images import OCI_INDEX, Image, image, index, write_big_layout
from oci import Registry
from skopeo import Skopeo
from upstream import Front, Upstream
from virga import Virga, need, sanitized, wait_for

HUB = "registry-1.docker.io"
BIG_MIB = 32 if sanitized() else 200


def secret_arn(name):
    return "arn:aws:secretsmanager:us-east-1:000000000000:secret:ecr-pullthroughcache/" + name


class CacheCase(EcrCase):
    """quay.io, public.ecr.aws and registry-1.docker.io are a front before an upstream of this machine."""
    more = {}

    @classmethod
    def setUpClass(cls):
        cls.upstream = Upstream()
        cls.front = Front(cls.upstream)
        cls.credentials = os.path.join(cls.upstream.dir, "credentials.json")
        with open(cls.credentials, "w") as f:
            json.dump({secret_arn("hub-a1b2c3"): {"username": "user", "accessToken": "secret"},
                       secret_arn("wrong-a1b2c3"): {"username": "user", "accessToken": "wrong"},
                       secret_arn("broken-a1b2c3"): {"user": "user"}}, f)
        cls.settings = {
            "floci.services.ecr.upstream-overrides": ",".join(
                "%s=%s" % (host, cls.front.url) for host in ("quay.io", "public.ecr.aws", HUB)),
            "floci.services.ecr.upstream-credentials": cls.credentials, **cls.more}
        try:
            super().setUpClass()
        except BaseException:
            cls.front.close()
            cls.upstream.cleanup()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.front.close()
            cls.upstream.cleanup()

    def setUp(self):
        super().setUp()
        if self.upstream.proc.poll() is not None:
            self.upstream.start()
        self.front.__dict__.update(auth=None, anonymous=False, expires=300, status=None, redirect=False, delay=0.0,
                                   corrupt=False, cut=0, seen=[], tokens={})
        self.prefixes = []

    def tearDown(self):
        for prefix in self.prefixes:
            self.ecr.DeletePullThroughCacheRule(ecrRepositoryPrefix=prefix)

    def short(self):
        """A prefix of this test: at most 30 characters."""
        return "c" + hashlib.sha256(self.id().encode()).hexdigest()[:12]

    def rule(self, suffix="", url="quay.io", **more):
        prefix = self.short() + suffix
        self.ecr.CreatePullThroughCacheRule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=url, **more)
        self.prefixes.append(prefix)
        return prefix

    def filled(self, text=None, tag="v1", **more):
        """An image that the upstream has under a repository of this test: (repository upstream, image)."""
        name, one = self.short() + "/up", image(text or self.id(), **more)
        self.upstream.registry.push(name, one, tag)
        return name, one


class Rules(CacheCase):
    def test_life_of_a_rule(self):
        prefix = self.short()
        made = self.ecr.CreatePullThroughCacheRule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")
        self.assertEqual({k: v for k, v in made.items() if k != "createdAt"}, {
            "ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": "quay.io", "registryId": ACCOUNT,
            "upstreamRegistry": "quay", "upstreamRepositoryPrefix": "ROOT"})
        self.assert_api_error(
            "PullThroughCacheRuleAlreadyExistsException",
            "The pull through cache rule with Amazon ECR repository prefix '%s' already exists in the registry with id "
            "'%s'" % (prefix, ACCOUNT), self.ecr.CreatePullThroughCacheRule, ecrRepositoryPrefix=prefix,
            upstreamRegistryUrl="public.ecr.aws")
        changed = self.ecr.UpdatePullThroughCacheRule(ecrRepositoryPrefix=prefix,
                                                      credentialArn=secret_arn("hub-a1b2c3"))
        self.assertEqual(set(changed), {"ecrRepositoryPrefix", "registryId", "updatedAt", "credentialArn",
                                        "upstreamRepositoryPrefix"})
        shown = self.ecr.DescribePullThroughCacheRules(ecrRepositoryPrefixes=[prefix])["pullThroughCacheRules"]
        self.assertEqual(shown[0]["credentialArn"], secret_arn("hub-a1b2c3"))
        self.assertIn(shown[0], self.ecr.DescribePullThroughCacheRules()["pullThroughCacheRules"])
        gone = self.ecr.DeletePullThroughCacheRule(ecrRepositoryPrefix=prefix)
        self.assertEqual(gone["createdAt"], made["createdAt"])
        missing = ("The pull through cache rule with Amazon ECR repository prefix '%s' does not exist in the registry "
                   "with id '%s'" % (prefix, ACCOUNT))
        for action in (self.ecr.DeletePullThroughCacheRule, self.ecr.UpdatePullThroughCacheRule,
                       self.ecr.ValidatePullThroughCacheRule):
            self.assert_api_error("PullThroughCacheRuleNotFoundException", missing, action,
                                  ecrRepositoryPrefix=prefix)
        self.assert_api_error("PullThroughCacheRuleNotFoundException", missing,
                              self.ecr.DescribePullThroughCacheRules, ecrRepositoryPrefixes=[prefix])

    def test_the_command_line_makes_shows_and_deletes_a_rule(self):
        cli, prefix = Cli(self.virga, account=ACCOUNT), self.short()
        made = cli.json("create-pull-through-cache-rule", "--ecr-repository-prefix", prefix, "--upstream-registry-url",
                        "public.ecr.aws")
        self.assertEqual(made["ecrRepositoryPrefix"], prefix)
        shown = cli.json("describe-pull-through-cache-rules", "--ecr-repository-prefixes", prefix)
        self.assertEqual(shown["pullThroughCacheRules"][0]["upstreamRegistryUrl"], "public.ecr.aws")
        cli.json("delete-pull-through-cache-rule", "--ecr-repository-prefix", prefix)
        self.assertIn("PullThroughCacheRuleNotFoundException",
                      cli.run("delete-pull-through-cache-rule", "--ecr-repository-prefix", prefix)[2])

    def test_a_registry_that_is_not_supported_is_refused(self):
        for url, more in (("harbor.example.com", {}), ("quay.io", {"upstreamRegistry": "k8s"})):
            self.assert_api_error(
                "UnsupportedUpstreamRegistryException",
                "The upstream registry URL %s is invalid. Specify a valid upstream registry URL and try again" % url,
                self.ecr.CreatePullThroughCacheRule, ecrRepositoryPrefix=self.short(), upstreamRegistryUrl=url, **more)

    def test_a_registry_that_needs_a_secret_does_not_go_without(self):
        for url in (HUB, "ghcr.io", "me.azurecr.io", "registry.gitlab.com", "cgr.dev"):
            error = self.assert_api_error("UnsupportedUpstreamRegistryException", None,
                                          self.ecr.CreatePullThroughCacheRule, ecrRepositoryPrefix=self.short(),
                                          upstreamRegistryUrl=url)
            self.assertIn("requires authentication", error.message)

    def test_secrets_are_looked_for(self):
        call = {"ecrRepositoryPrefix": self.short(), "upstreamRegistryUrl": HUB}
        error = self.assert_api_error("SecretNotFoundException", None, self.ecr.CreatePullThroughCacheRule, **call,
                                      credentialArn=secret_arn("none-a1b2c3"))
        self.assertIn("was not found", error.message)
        self.assert_api_error("UnableToAccessSecretException", None, self.ecr.CreatePullThroughCacheRule, **call,
                              credentialArn=secret_arn("broken-a1b2c3"))
        error = self.assert_api_error("ValidationException", None, self.ecr.CreatePullThroughCacheRule, **call,
                                      credentialArn="arn:aws:secretsmanager:us-east-1:000000000000:secret:other/name")
        self.assertIn("credentialArn", error.message)

    def test_validation_asks_the_upstream(self):
        prefix = self.rule(url=HUB, credentialArn=secret_arn("hub-a1b2c3"))
        self.front.auth = "bearer"
        answer = self.ecr.ValidatePullThroughCacheRule(ecrRepositoryPrefix=prefix)
        self.assertEqual((answer["isValid"], "failure" in answer), (True, False))
        self.assertGreater(self.front.count("GET", "/token"), 0)
        self.ecr.UpdatePullThroughCacheRule(ecrRepositoryPrefix=prefix, credentialArn=secret_arn("wrong-a1b2c3"))
        answer = self.ecr.ValidatePullThroughCacheRule(ecrRepositoryPrefix=prefix)
        self.assertFalse(answer["isValid"])
        self.assertIn("authentication to the upstream registry failed", answer["failure"])
        self.front.status = 500
        self.assertFalse(self.ecr.ValidatePullThroughCacheRule(ecrRepositoryPrefix=prefix)["isValid"])

    def test_pages_go_through_all_rules_and_the_quota_is_kept(self):
        ecr, made = Ecr(self.virga, region="eu-west-3"), []
        for i in range(50):
            made.append("p%02d" % i)
            ecr.CreatePullThroughCacheRule(ecrRepositoryPrefix=made[-1], upstreamRegistryUrl="quay.io")
        self.assert_api_error("LimitExceededException", None, ecr.CreatePullThroughCacheRule,
                              ecrRepositoryPrefix="more", upstreamRegistryUrl="quay.io")
        seen, token = [], {}
        while True:
            page = ecr.DescribePullThroughCacheRules(maxResults=20, **token)
            seen += [rule["ecrRepositoryPrefix"] for rule in page["pullThroughCacheRules"]]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        self.assertEqual(seen, made)


class Pulls(CacheCase):
    def test_a_pull_brings_the_image_and_records_it(self):
        up, one = self.filled()
        name, registry = self.rule() + "/" + up, self.registry()
        registry.check_pull(name, one, "v1")
        self.assertEqual(self.ecr.image_ids(name), [("v1", one.digest)])
        details = self.ecr.details(name)[one.digest]
        self.assertEqual(details["imageSizeInBytes"], one.size)
        self.assertIn("lastRecordedPullTime", details)
        made = self.ecr.DescribeRepositories(repositoryNames=[name])["repositories"][0]
        self.assertEqual(made["imageTagMutability"], "MUTABLE")

    def test_what_is_cached_is_not_asked_for_again_and_outlives_the_upstream(self):
        up, one = self.filled()
        name, registry = self.rule() + "/" + up, self.registry()
        self.assertEqual(registry.head_manifest(name, "v1").status, 200)
        asked = len(self.front.seen)
        self.assertGreater(asked, 0)
        self.upstream.stop()
        registry.check_pull(name, one, "v1")
        registry.check_pull(name, one)
        self.assertEqual(len(self.front.seen), asked)

    def test_skopeo_pulls_through_the_cache(self):
        up, one = self.filled()
        name, skopeo = self.rule() + "/" + up, Skopeo(self.virga.dir)
        out = os.path.join(self.virga.dir, "out")
        skopeo.pull("localhost:%d/%s/%s/%s:v1" % (self.ecr.port(), ACCOUNT, REGION, name), "dir:" + out)
        with open(os.path.join(out, "manifest.json"), "rb") as f:
            self.assertEqual(f.read(), one.manifest)

    def test_an_image_is_pulled_by_digest(self):
        up, one = self.filled()
        name = self.rule() + "/" + up
        self.registry().check_pull(name, one)
        self.assertEqual(self.ecr.image_ids(name), [(None, one.digest)])

    def test_an_index_comes_with_all_of_its_images(self):
        name = self.short() + "/multi"
        top = index([image("amd"), image("arm", arch="arm64", docker=False)])
        self.upstream.registry.push(name, top, "v1")
        mine, registry = self.rule() + "/" + name, self.registry()
        registry.check_pull(mine, top, "v1")
        self.assertEqual(sorted(d for _, d in self.ecr.image_ids(mine)),
                         sorted([top.digest] + [c.digest for c in top.children]))
        self.upstream.stop()
        registry.check_pull(mine, top, "v1")

    def test_an_index_within_an_index_comes_whole(self):
        name, inner = self.short() + "/nested", index([image("inner")])
        top = index([inner, image("outer")])
        self.upstream.registry.push(name, top, "v1")
        self.registry().check_pull(self.rule() + "/" + name, top, "v1")

    def test_docker_manifests_come_as_they_are(self):
        up, one = self.filled(docker=True)
        self.registry().check_pull(self.rule() + "/" + up, one, "v1")

    def test_what_the_upstream_has_not_is_not_found_and_creates_nothing(self):
        name = self.rule() + "/none"
        answer = self.registry().get_manifest(name, "v1")
        self.assert_wire_error(answer, 404, "MANIFEST_UNKNOWN", "Requested image not found")
        self.assert_api_error("RepositoryNotFoundException", no_repository(name), self.ecr.DescribeRepositories,
                              repositoryNames=[name])

    def test_a_name_without_a_rule_asks_nobody(self):
        answer = self.registry().get_manifest(self.short() + "x/app", "v1")
        self.assert_wire_error(answer, 404, "NAME_UNKNOWN")
        self.assertEqual(self.front.seen, [])

    def test_an_upstream_that_is_down_is_named(self):
        prefix = self.rule(url="public.ecr.aws")
        self.front.status = 503
        answer = self.registry().get_manifest(prefix + "/app", "v1")
        self.assert_wire_error(answer, 503, "UNAVAILABLE")
        self.assertIn("public.ecr.aws", answer.error[1])

    def test_refusals_of_the_upstream_are_named(self):
        name = self.rule() + "/app"
        for status, mine, code in ((401, 403, "DENIED"), (403, 403, "DENIED"), (429, 429, "TOOMANYREQUESTS")):
            self.front.status = status
            self.assert_wire_error(self.registry().get_manifest(name, "v1"), mine, code)

    def test_tokens_are_fetched_with_the_secret_and_used_again(self):
        self.front.auth = "bearer"
        up, one = self.filled()
        name = self.rule(url=HUB, credentialArn=secret_arn("hub-a1b2c3")) + "/" + up
        self.registry().check_pull(name, one, "v1")
        self.assertEqual(self.front.count("GET", "/token"), 1)
        self.assertEqual({a for m, p, a in self.front.seen if p.startswith("/token")}, {self.front.basic()})
        self.assertNotIn(self.front.basic(), {a for m, p, a in self.front.seen if p.startswith("/v2/")})

    def test_anonymous_tokens_are_fetched_too(self):
        self.front.auth, self.front.anonymous = "bearer", True
        up, one = self.filled()
        self.registry().check_pull(self.rule() + "/" + up, one, "v1")

    def test_basic_authentication(self):
        self.front.auth = "basic"
        up, one = self.filled()
        self.assert_wire_error(self.registry().get_manifest(self.rule() + "/" + up, "v1"), 403, "DENIED")
        name = self.rule("b", credentialArn=secret_arn("hub-a1b2c3")) + "/" + up
        self.registry().check_pull(name, one, "v1")

    def test_a_wrong_secret_is_denied(self):
        self.front.auth = "bearer"
        up, _ = self.filled()
        name = self.rule(url=HUB, credentialArn=secret_arn("wrong-a1b2c3")) + "/" + up
        answer = self.registry().get_manifest(name, "v1")
        self.assert_wire_error(answer, 403, "DENIED")
        self.assertIn("authentication to the upstream registry failed", answer.error[1])

    def test_redirects_are_followed_without_the_authorization(self):
        other = Front(self.upstream)
        self.addCleanup(other.close)
        self.front.auth, self.front.redirect = "basic", other.url
        up, one = self.filled()
        name = self.rule(credentialArn=secret_arn("hub-a1b2c3")) + "/" + up
        self.registry().check_pull(name, one, "v1")
        self.assertEqual({a for _, _, a in other.seen}, {None})
        self.assertGreaterEqual(len(other.seen), 3)

    def test_a_relative_redirect_is_followed(self):
        self.front.redirect = "relative"
        up, one = self.filled()
        self.registry().check_pull(self.rule() + "/" + up, one, "v1")

    def test_bytes_that_do_not_match_their_digest_are_refused(self):
        self.front.corrupt = True
        up, one = self.filled()
        name, registry = self.rule() + "/" + up, self.registry()
        self.assert_wire_error(registry.get_manifest(name, "v1"), 502, "UNKNOWN")
        self.front.corrupt = False
        registry.check_pull(name, one, "v1")

    def test_a_layer_that_is_cut_off_is_fetched_again(self):
        self.front.cut = 1
        up, one = self.filled(layer_size=200000)
        self.registry().check_pull(self.rule() + "/" + up, one, "v1")

    def test_pulls_at_one_time_fetch_once(self):
        up, one = self.filled(layer_size=100000)
        name, failures = self.rule() + "/" + up, []
        self.front.delay = 0.3

        def pull():
            try:
                self.registry().check_pull(name, one, "v1")
            except BaseException as e:
                failures.append(e)

        threads = [threading.Thread(target=pull) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.front.count("GET", "/manifests/"), 1)
        self.assertEqual(self.front.count("GET", "/blobs/"), len(one.blobs))

    def test_two_tags_of_one_image_share_its_layers(self):
        up, one = self.filled(layer_size=100000)
        self.upstream.registry.put_manifest(up, one, "v2")
        name, failures = self.rule() + "/" + up, []
        self.front.delay = 0.3

        def pull(tag):
            try:
                self.registry().check_pull(name, one, tag)
            except BaseException as e:
                failures.append(e)

        threads = [threading.Thread(target=pull, args=(tag,)) for tag in ("v1", "v2")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.ecr.image_ids(name), [("v1", one.digest), ("v2", one.digest)])
        self.assertEqual(self.front.count("GET", "/blobs/"), len(one.blobs))

    def test_the_longest_prefix_and_the_prefix_upstream_are_used(self):
        one, two = image("short"), image("long")
        self.upstream.registry.push(self.short() + "/app", one, "v1")
        self.upstream.registry.push("deep/" + self.short() + "/app", two, "v1")
        short = self.rule(upstreamRepositoryPrefix=self.short())
        long = self.rule("/sub", upstreamRepositoryPrefix="deep/" + self.short())
        self.registry().check_pull(short + "/app", one, "v1")
        self.registry().check_pull(long + "/app", two, "v1")

    def test_the_template_for_caches_is_applied(self):
        up, one = self.filled()
        prefix = self.rule()
        self.ecr.CreateRepositoryCreationTemplate(prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"],
                                                  imageTagMutability="IMMUTABLE",
                                                  resourceTags=[{"Key": "a", "Value": "b"}])
        self.registry().check_pull(prefix + "/" + up, one, "v1")
        made = self.ecr.DescribeRepositories(repositoryNames=[prefix + "/" + up])["repositories"][0]
        self.assertEqual(made["imageTagMutability"], "IMMUTABLE")
        self.assertEqual(self.ecr.ListTagsForResource(resourceArn=made["repositoryArn"])["tags"],
                         [{"Key": "a", "Value": "b"}])

    def test_another_account_of_this_host_is_an_upstream(self):
        other, one = Ecr(self.virga, account="111122223333", region="eu-west-1"), image(self.id())
        other.create("base/app")
        self.registry("111122223333", "eu-west-1").push("base/app", one, "v1")
        host = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
        error = self.assert_api_error("InvalidParameterException", None, self.ecr.CreatePullThroughCacheRule,
                                      ecrRepositoryPrefix=self.short(), upstreamRegistryUrl=host)
        self.assertIn("customRoleArn", error.message)
        prefix = self.rule(url=host, customRoleArn="arn:aws:iam::000000000000:role/cache")
        self.assertTrue(self.ecr.ValidatePullThroughCacheRule(ecrRepositoryPrefix=prefix)["isValid"])
        self.registry().check_pull(prefix + "/base/app", one, "v1")

    def test_deleting_and_collecting_garbage_lets_it_be_pulled_anew(self):
        up, one = self.filled()
        name, registry = self.rule() + "/" + up, self.registry()
        registry.check_pull(name, one, "v1")
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        self.assertEqual(self.virga.http("POST", "/_floci/ecr/gc")[0], 200)
        registry.check_pull(name, one, "v1")

    def test_garbage_collection_in_the_middle_of_a_fetch_does_no_harm(self):
        up, one = self.filled(layer_size=300000)
        name, registry, done = self.rule() + "/" + up, self.registry(), []
        self.ecr.create(self.short())
        registry.push(self.short(), image("first"), "v1")
        self.front.delay = 0.5
        thread = threading.Thread(target=lambda: done.append(registry.get_manifest(name, "v1").status))
        thread.start()
        wait_for(lambda: self.front.count("GET", "/blobs/"), what="the first layer")
        while thread.is_alive():
            status, _, body = self.virga.http("POST", "/_floci/ecr/gc")
            self.assertEqual(status, 200, body)
        thread.join()
        self.assertEqual(done, [200])
        registry.check_pull(name, one, "v1")

    def test_a_push_beside_the_cache_is_kept(self):
        up, one = self.filled()
        name, registry, own = self.rule() + "/" + up, self.registry(), image("own")
        registry.check_pull(name, one, "v1")
        registry.push(name, own, "mine")
        registry.check_pull(name, own, "mine")

    def test_a_blob_alone_is_fetched(self):
        up, one = self.filled()
        name, registry = self.rule() + "/" + up, self.registry()
        self.ecr.create(name)
        self.assertFalse(registry.has_blob(name, one.config))
        self.assertEqual(registry.get_blob(name, one.config).body, one.blobs[one.config])
        missing = "sha256:" + "0" * 64
        self.assert_wire_error(registry.get_blob(name, missing), 404, "BLOB_UNKNOWN")

    def test_a_virga_that_stops_ends_what_it_fetches(self):
        up, one = self.filled(layer_size=100000)
        name, answers = self.rule() + "/" + up, []
        self.front.delay = 120.0

        def pull():
            try:
                answers.append(self.registry().get_manifest(name, "v1").status)
            except (OSError, http.client.HTTPException):
                answers.append(None)

        registry_port = self.ecr.port()
        thread = threading.Thread(target=pull)
        thread.start()
        wait_for(lambda: self.front.count("GET", "/blobs/"), what="the first layer")
        begun = time.monotonic()
        self.virga.restart()
        self.assertLess(time.monotonic() - begun, 100)
        thread.join()
        # Answered early, or told that nothing comes of it.
        self.assertIn(answers[0], (200, 503, None))
        self.front.delay = 0.0
        self.assertEqual(self.ecr.port(), registry_port)
        self.registry().check_pull(name, one, "v1")

    def test_a_kill_in_the_middle_leaves_nothing_wrong(self):
        up, one = self.filled(layer_size=100000)
        name = self.rule() + "/" + up
        self.front.delay = 1.0
        thread = threading.Thread(target=lambda: self._ignore(lambda: self.registry().get_manifest(name, "v1")))
        thread.start()
        wait_for(lambda: self.front.count("GET", "/blobs/"), what="the first layer")
        self.virga.kill9()
        thread.join()
        self.virga.start()
        self.front.delay = 0.0
        self.registry().check_pull(name, one, "v1")
        self.assertEqual(self.ecr.image_ids(name), [("v1", one.digest)])

    @staticmethod
    def _ignore(function):
        try:
            function()
        except (OSError, http.client.HTTPException):
            pass


class Refresh(CacheCase):
    more = {"floci.services.ecr.cache-refresh-seconds": 0}

    def moved(self, **settings):
        """A tag that was cached and has moved upstream since: (name here, old image, new image, repository there)."""
        up, old = self.filled("old " + self.id())
        name = self.rule() + "/" + up
        if settings:
            self.ecr.create(name, **settings)
        self.registry().check_pull(name, old, "v1")
        new = image("new " + self.id())
        self.upstream.registry.push(up, new, "v1")
        return name, old, new, up

    def test_a_tag_that_moved_is_fetched_anew(self):
        name, old, new, _ = self.moved()
        self.registry().check_pull(name, new, "v1")
        self.assertEqual(self.ecr.image_ids(name), sorted([(None, old.digest), ("v1", new.digest)],
                                                          key=lambda i: i[0] or ""))

    def test_a_tag_that_did_not_move_is_only_looked_after(self):
        up, one = self.filled()
        name = self.rule() + "/" + up
        self.registry().check_pull(name, one, "v1")
        gets = self.front.count("GET", "/v2/")
        self.registry().check_pull(name, one, "v1")
        self.assertEqual(self.front.count("GET", "/v2/"), gets)
        self.assertEqual(self.front.count("HEAD", "/manifests/v1"), 1)

    def test_an_upstream_that_is_down_is_no_reason_to_refuse(self):
        name, old, _, _ = self.moved()
        self.front.status = 503
        self.registry().check_pull(name, old, "v1")
        asked = len(self.front.seen)
        self.registry().check_pull(name, old, "v1")
        self.assertEqual(len(self.front.seen), asked)

    def test_an_immutable_tag_stays_where_it_is(self):
        name, old, _, _ = self.moved(imageTagMutability="IMMUTABLE")
        self.registry().check_pull(name, old, "v1")
        self.assertEqual(self.ecr.image_ids(name), [("v1", old.digest)])

    def test_a_tag_that_is_gone_upstream_stays(self):
        name, old, new, up = self.moved()
        self.upstream.registry.delete_manifest(up, new.digest)
        self.registry().check_pull(name, old, "v1")

    def test_a_tag_that_was_pushed_here_is_never_replaced(self):
        up, _ = self.filled()
        name, registry, own = self.rule() + "/" + up, self.registry(), image("own")
        self.ecr.create(name)
        registry.push(name, own, "v1")
        asked = len(self.front.seen)
        registry.check_pull(name, own, "v1")
        self.assertEqual([s for s in self.front.seen[asked:] if "/manifests/" in s[1]], [])


class Early(CacheCase):
    """A pull that takes longer than a client may wait."""
    more = {"floci.services.ecr.cache-wait-seconds": 1}

    def test_the_manifest_comes_before_the_layers_that_are_slow(self):
        up, one = self.filled(layer_size=100000)
        name, registry = self.rule() + "/" + up, self.registry()
        self.front.delay = 3.0
        answer = registry.get_manifest(name, "v1")
        self.assertEqual((answer.status, answer.body), (200, one.manifest))
        self.assertEqual(self.ecr.image_ids(name), [])
        head = registry.head_manifest(name, "v1")
        self.assertEqual((head.status, head.headers["Docker-Content-Digest"]), (200, one.digest))
        self.assertEqual(head.headers["Content-Length"], str(len(one.manifest)))
        registry.check_pull(name, one, "v1")
        wait_for(lambda: self.ecr.image_ids(name) == [("v1", one.digest)], what="the record")
        self.assertIn("lastRecordedPullTime", self.ecr.details(name)[one.digest])
        self.assertEqual(self.front.count("GET", "/blobs/"), len(one.blobs))

    def test_an_index_is_pulled_whole_while_it_still_comes(self):
        up, top = self.short() + "/multi", index([image("amd " + self.id()), image("arm " + self.id(), arch="arm64")])
        self.upstream.registry.push(up, top, "v1")
        name = self.rule() + "/" + up
        self.front.delay = 2.0
        self.registry().check_pull(name, top, "v1")
        wait_for(lambda: ("v1", top.digest) in self.ecr.image_ids(name), 30, what="the record")
        self.assertEqual(self.front.count("GET", "/blobs/"), sum(len(c.blobs) for c in top.children))

    def test_skopeo_copies_what_still_comes(self):
        up, one = self.filled(layer_size=100000)
        name, skopeo = self.rule() + "/" + up, Skopeo(self.virga.dir)
        self.front.delay = 2.0
        skopeo.pull("localhost:%d/%s/%s/%s:v1" % (self.ecr.port(), ACCOUNT, REGION, name),
                    "dir:" + os.path.join(self.virga.dir, "early"))

    def test_layers_that_do_not_come_are_told_when_they_are_asked_for(self):
        up, one = self.filled(layer_size=100000)
        name, registry = self.rule() + "/" + up, self.registry()
        self.front.delay, self.front.corrupt = 2.0, True
        self.assertEqual(registry.get_manifest(name, "v1").status, 200)
        self.assert_wire_error(registry.get_blob(name, one.layers[0]), 502, "UNKNOWN")
        self.front.delay, self.front.corrupt = 0.0, False
        # The others that were under way are to fail as well, before they are fetched anew.
        wait_for(lambda: all(registry.get_blob(name, digest).status == 200 for digest in one.blobs), what="the layers")
        registry.check_pull(name, one, "v1")

    def test_a_reset_gives_up_what_still_comes(self):
        up, one = self.filled(layer_size=100000)
        name = self.rule() + "/" + up
        self.prefixes = []
        self.front.delay = 3.0
        self.assertEqual(self.registry().get_manifest(name, "v1").status, 200)
        status, _, body = self.virga.http("POST", "/_floci/state/reset")
        self.assertEqual(status, 200, body)
        time.sleep(4)
        self.assertEqual(self.ecr.DescribeRepositories()["repositories"], [])
        self.front.delay = 0.0
        self.assertEqual(self.rule() + "/" + up, name)
        self.registry().check_pull(name, one, "v1")


class Api(CacheCase):
    def get(self, name, **image_id):
        return self.ecr.BatchGetImage(repositoryName=name, imageIds=[image_id])

    def test_batch_get_image_fetches_too(self):
        up, one = self.filled()
        name = self.rule() + "/" + up
        answer = self.get(name, imageTag="v1")
        self.assertEqual(answer["images"][0]["imageManifest"].encode(), one.manifest)
        self.assertEqual(self.ecr.image_ids(name), [("v1", one.digest)])
        self.assertEqual(self.get(name, imageTag="none")["failures"][0]["failureCode"], "ImageNotFound")

    def test_what_the_upstream_refuses_is_told(self):
        up, one = self.filled()
        name = self.rule() + "/" + up
        self.front.status = 403
        self.assert_api_error("UnableToGetUpstreamImageException", None, self.get, name=name, imageTag="v1")
        self.ecr.create(name)
        for status, code in ((403, "UpstreamAccessDenied"), (429, "UpstreamTooManyRequests"),
                             (500, "UpstreamUnavailable")):
            self.front.status = status
            self.assertEqual(self.get(name, imageTag="v1")["failures"][0]["failureCode"], code)


class Secrets(EcrCase):
    """Secrets Manager is another emulator behind floci.fallback-endpoint."""

    @classmethod
    def setUpClass(cls):
        cls.upstream = Upstream()
        cls.front = Front(cls.upstream)
        cls.front.auth = "bearer"
        cls.secret = (200, {"SecretString": json.dumps({"username": "user", "accessToken": "secret"})})
        cls.other = fallback.Upstream(cls.answer)
        cls.other.__enter__()
        cls.settings = {"floci.services.ecr.upstream-overrides": "%s=%s" % (HUB, cls.front.url),
                        "floci.fallback-endpoint": "http://127.0.0.1:%d" % cls.other.port}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.other.__exit__(None, None, None)
            cls.front.close()
            cls.upstream.cleanup()

    @classmethod
    def answer(cls, asked):
        status, body = cls.secret
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()

    def test_the_secret_is_asked_for_and_used(self):
        type(self).secret = (200, {"SecretString": json.dumps({"username": "user", "accessToken": "secret"})})
        one = image(self.id())
        self.upstream.registry.push("library/app", one, "v1")
        self.ecr.CreatePullThroughCacheRule(ecrRepositoryPrefix="hub", upstreamRegistryUrl=HUB,
                                            credentialArn=secret_arn("hub-a1b2c3"))
        asked = self.other.asked[-1]
        self.assertEqual(asked.headers["X-Amz-Target"], "secretsmanager.GetSecretValue")
        self.assertEqual(json.loads(asked.body), {"SecretId": secret_arn("hub-a1b2c3")})
        self.registry().check_pull("hub/library/app", one, "v1")

    def test_its_errors_are_those_of_the_rule(self):
        for error, code in (("ResourceNotFoundException", "SecretNotFoundException"),
                            ("AccessDeniedException", "UnableToAccessSecretException"),
                            ("DecryptionFailure", "UnableToDecryptSecretValueException")):
            type(self).secret = (400, {"__type": error})
            self.assert_api_error(code, None, self.ecr.CreatePullThroughCacheRule, ecrRepositoryPrefix="other",
                                  upstreamRegistryUrl=HUB, credentialArn=secret_arn("none-a1b2c3"))


class NoSecrets(EcrCase):
    def test_where_nothing_keeps_secrets_a_rule_is_accepted(self):
        self.ecr.CreatePullThroughCacheRule(ecrRepositoryPrefix="hub", upstreamRegistryUrl=HUB,
                                            credentialArn=secret_arn("hub-a1b2c3"))


class BadSettings(unittest.TestCase):
    def test_overrides_that_cannot_be_read_keep_ecr_from_starting(self):
        need("docker-registry")
        with Virga(settings={"floci.services.ecr.upstream-overrides": "quay.io=nowhere"}) as virga:
            self.assertIn("upstream-overrides: 'quay.io=nowhere' is not of the form", virga.log())


class Big(CacheCase):
    def test_a_big_layer_comes_through_in_constant_memory(self):
        if shutil.disk_usage(self.virga.dir).free >> 20 < 6 * BIG_MIB:
            self.skipTest("not enough disk")
        skopeo = Skopeo(self.virga.dir)
        source, layer = write_big_layout(os.path.join(self.virga.dir, "big"), BIG_MIB)
        up = self.short() + "/big"
        skopeo.push(source, "127.0.0.1:%d/%s:v1" % (self.upstream.port, up))
        shutil.rmtree(os.path.join(self.virga.dir, "big"))
        prefix, registry = self.rule(), self.registry()
        registry.send("GET", "/v2/")
        before = self.virga.memory_peak()
        self.assertEqual(registry.get_manifest(prefix + "/" + up, "v1").status, 200)
        self.assertTrue(wait_for(lambda: self.ecr.details(prefix + "/" + up), 120, "the image"))
        after = self.virga.memory_peak()
        digest, conn = hashlib.sha256(), registry.connect()
        conn.request("GET", registry.url(prefix + "/" + up, "blobs/" + layer), headers={"Host": registry.host})
        res = conn.getresponse()
        for block in iter(lambda: res.read(1 << 20), b""):
            digest.update(block)
        conn.close()
        self.assertEqual("sha256:" + digest.hexdigest(), layer)
        print("\nlayer of %d MiB: memory %.1f MiB before, %.1f after" % (BIG_MIB, before / 2**20, after / 2**20))
        if not sanitized():
            self.assertLess(after - before, 16 << 20)


class RealLog(EcrCase):
    def test_the_upstream_itself_logs_one_request_for_each_part(self):
        upstream = Upstream(accesslog=True)
        self.addCleanup(upstream.cleanup)
        one = image("logged", layer_size=1 << 20)
        upstream.registry.push("team/app", one, "v1")
        self.virga.restart(**{"floci.services.ecr.upstream-overrides": "quay.io=" + upstream.url})
        self.ecr.CreatePullThroughCacheRule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        before = upstream.requests("GET", "/v2/team/app/")
        threads = [threading.Thread(target=lambda: self.registry().get_manifest("quay/team/app", "v1"))
                   for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.registry().check_pull("quay/team/app", one, "v1")
        wait_for(lambda: upstream.requests("GET", "/v2/team/app/") > before, what="the access log")
        self.assertEqual(upstream.requests("GET", "/v2/team/app/") - before, 1 + len(one.blobs))


class Enforced(CacheCase):
    """With policies obeyed."""
    more = {"floci.auth.mode": "enforce"}
    OTHER = "222222222222"

    def registry_as(self, ecr, account=ACCOUNT):
        token = ecr.GetAuthorizationToken()["authorizationData"][0]["authorizationToken"]
        return Registry(self.ecr.port(), "%s.dkr.ecr.%s.localhost:%d" % (account, REGION, self.ecr.port()),
                        headers={"Authorization": "Basic " + token})

    def test_the_own_account_may_bring_images_in_and_others_need_the_registry_policy(self):
        up, one = self.filled()
        other, name = Ecr(self.virga, account=self.OTHER), self.rule() + "/" + up
        stranger = self.registry_as(other)
        self.assertEqual(stranger.get_manifest(name, "v1").status, 403)
        self.assertEqual(self.front.seen, [])
        allow = {"Sid": "x", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%s:root" % self.OTHER},
                 "Action": ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"], "Resource": "*"}
        self.ecr.PutRegistryPolicy(policyText=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
        self.addCleanup(self.ecr.DeleteRegistryPolicy)
        self.assertEqual(stranger.get_manifest(name, "v1").status, 200)
        self.registry_as(self.ecr).check_pull(name, one, "v1")

    def test_a_deny_of_the_registry_policy_keeps_images_out(self):
        up, _ = self.filled()
        name = self.rule() + "/" + up
        deny = {"Sid": "x", "Effect": "Deny", "Principal": "*", "Action": "ecr:BatchImportUpstreamImage",
                "Resource": "*"}
        self.ecr.PutRegistryPolicy(policyText=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
        self.addCleanup(self.ecr.DeleteRegistryPolicy)
        self.assert_wire_error(self.registry_as(self.ecr).get_manifest(name, "v1"), 404, "NAME_UNKNOWN")
        self.assert_api_error("RepositoryNotFoundException", None, self.ecr.BatchGetImage, repositoryName=name,
                              imageIds=[{"imageTag": "v1"}])
        self.assertEqual(self.front.seen, [])

    def test_another_account_is_read_as_its_policy_says(self):
        other, one = Ecr(self.virga, account=self.OTHER), image(self.id())
        other.create("base/app")
        self.registry_as(other, self.OTHER).push("base/app", one, "v1")
        prefix = self.rule(url="%s.dkr.ecr.%s.amazonaws.com" % (self.OTHER, REGION),
                           customRoleArn="arn:aws:iam::%s:role/cache" % ACCOUNT)
        self.assertTrue(self.ecr.ValidatePullThroughCacheRule(ecrRepositoryPrefix=prefix)["isValid"])
        mine = self.registry_as(self.ecr)
        self.assert_wire_error(mine.get_manifest(prefix + "/base/app", "v1"), 403, "DENIED")
        other.SetRepositoryPolicy(repositoryName="base/app", policyText=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%s:root" % ACCOUNT},
                "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]}))
        mine.check_pull(prefix + "/base/app", one, "v1")


class Referrers(CacheCase):
    def listed(self, name, digest):
        found = self.ecr.ListImageReferrers(repositoryName=name, subjectId={"imageDigest": digest})["referrers"]
        return sorted(d["digest"] for d in found)

    def wired(self, name, digest):
        registry = self.registry()
        answer = registry.send("GET", registry.url(name, "referrers/" + digest))
        self.assertEqual(answer.status, 200, answer)
        return sorted(d["digest"] for d in answer.json()["manifests"])

    def fallback(self, name, one, attached):
        """What a client pushes to a registry without the referrers API."""
        doc = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [subject_of(a) for a in attached]}
        tagged = Image(json.dumps(doc).encode(), OCI_INDEX)
        for a in attached:
            self.upstream.registry.push(name, a)
        self.upstream.registry.push(name, tagged, one.digest.replace(":", "-"))

    def test_referrers_under_the_fallback_tag_are_brought(self):
        name, one = self.filled()
        attached = [artifact("sbom " + name, subject_of(one), "application/spdx+json"),
                    artifact("signature " + name, subject_of(one), annotations={"k": "v"})]
        self.fallback(name, one, attached)
        here = self.rule() + "/" + name
        self.registry().check_pull(here, one, "v1")
        self.assertEqual(self.listed(here, one.digest), sorted(a.digest for a in attached))
        self.assertEqual(self.wired(here, one.digest), sorted(a.digest for a in attached))
        for a in attached:
            self.registry().check_pull(here, a)
        asked = self.front.count("GET", "/referrers/")
        self.listed(here, one.digest)
        self.assertEqual(self.front.count("GET", "/referrers/"), asked)

    def test_wire_brings_them_too(self):
        name, one = self.filled()
        attached = artifact("wire " + name, subject_of(one))
        self.fallback(name, one, [attached])
        here = self.rule() + "/" + name
        self.registry().check_pull(here, one, "v1")
        self.assertEqual(self.wired(here, one.digest), [attached.digest])

    def test_referrers_api_of_the_upstream_is_asked_first(self):
        other = Ecr(self.virga, account="111122223333", region="eu-west-1")
        other.create("base/app")
        there, one = self.registry("111122223333", "eu-west-1"), image(self.id())
        there.push("base/app", one, "v1")
        attached = artifact("api", subject_of(one))
        there.push("base/app", attached)
        prefix = self.rule(url="111122223333.dkr.ecr.eu-west-1.amazonaws.com",
                           customRoleArn="arn:aws:iam::000000000000:role/cache")
        here = prefix + "/base/app"
        self.registry().check_pull(here, one, "v1")
        self.assertEqual(self.listed(here, one.digest), [attached.digest])

    def test_an_upstream_without_any_has_an_empty_list(self):
        name, one = self.filled()
        here = self.rule() + "/" + name
        self.registry().check_pull(here, one, "v1")
        self.assertEqual((self.listed(here, one.digest), self.wired(here, one.digest)), ([], []))

    def test_an_upstream_that_fails_is_named(self):
        name, one = self.filled()
        here = self.rule() + "/" + name
        self.registry().check_pull(here, one, "v1")
        for status, wire in ((403, 403), (429, 429), (500, 503)):
            self.front.status = status
            self.assert_api_error("UnableToListUpstreamImageReferrersException", None, self.ecr.ListImageReferrers,
                                  repositoryName=here, subjectId={"imageDigest": one.digest})
            registry = self.registry()
            answer = registry.send("GET", registry.url(here, "referrers/" + one.digest))
            self.assertEqual(answer.status, wire, answer)
        self.front.status = None
        self.assertEqual(self.listed(here, one.digest), [])

    def test_a_list_that_is_none_is_refused(self):
        name, one = self.filled()
        here = self.rule() + "/" + name
        self.registry().check_pull(here, one, "v1")
        self.front.status = 200  # with a body that lists errors
        self.assert_api_error("UnableToListUpstreamImageReferrersException", None, self.ecr.ListImageReferrers,
                              repositoryName=here, subjectId={"imageDigest": one.digest})

    def test_a_missing_referrer_leaves_the_others(self):
        name, one = self.filled()
        attached = artifact("there " + name, subject_of(one))
        gone = artifact("gone " + name, subject_of(one))
        self.fallback(name, one, [attached, gone])
        self.upstream.registry.delete_manifest(name, gone.digest)
        here = self.rule() + "/" + name
        self.registry().check_pull(here, one, "v1")
        self.assertEqual(self.listed(here, one.digest), [attached.digest])
