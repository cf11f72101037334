# SPDX-License-Identifier: MIT
"""Two accounts x two regions x one repository name: four registries, and no way from one to another."""
import base64
import json
import re

from aws import Ecr
from ecrcase import EcrCase, no_repository
from images import digest_of, image
from oci import Registry

ACCOUNTS = ("111111111111", "222222222222")
REGIONS = ("us-east-1", "eu-west-1")
TENANTS = [(account, region) for account in ACCOUNTS for region in REGIONS]


class Matrix(EcrCase):
    def setUp(self):
        super().setUp()
        self.repo = self.name()
        self.images = {}
        self.port = self.virga.registry_base
        for account, region in TENANTS:
            Ecr(self.virga, account, region).create(self.repo)
            pushed = image("%s %s %s" % (self.repo, account, region))
            Registry.hostname(self.port, account, region).push(self.repo, pushed, "same")
            self.images[account, region] = pushed

    def test_each_tenant_sees_its_own_image_only(self):
        for tenant in TENANTS:
            with self.subTest(tenant):
                ecr, mine = Ecr(self.virga, *tenant), self.images[tenant]
                self.assertEqual(ecr.image_ids(self.repo), [("same", mine.digest)])
                names = [r["repositoryName"] for r in ecr.DescribeRepositories()["repositories"]]
                self.assertEqual(names.count(self.repo), 1)
                registry = Registry.hostname(self.port, *tenant)
                registry.check_pull(self.repo, mine, "same")
                for other in TENANTS:
                    if other != tenant:
                        theirs = self.images[other]
                        self.assertEqual(registry.get_manifest(self.repo, theirs.digest).status, 404)
                        for blob in theirs.blobs:
                            self.assertEqual(registry.get_blob(self.repo, blob).status, 404)
                            self.assertFalse(registry.has_blob(self.repo, blob))

    def test_every_address_form_reaches_the_same_tenant(self):
        for account, region in TENANTS:
            mine = self.images[account, region]
            forms = {
                "localhost": Registry.hostname(self.port, account, region),
                "no port": Registry(self.port, "%s.dkr.ecr.%s.localhost" % (account, region)),
                "upper case": Registry(self.port, "%s.DKR.ECR.%s.LOCALHOST" % (account, region.upper())),
                "amazonaws.com": Registry(self.port, "%s.dkr.ecr.%s.amazonaws.com" % (account, region)),
                "amazonaws.com.cn": Registry(self.port, "%s.dkr.ecr.%s.amazonaws.com.cn" % (account, region)),
                "dual stack": Registry(self.port, "%s.dkr-ecr.%s.on.aws" % (account, region)),
                "path": Registry.path(self.port, account, region),
                "path on 127.0.0.1": Registry(self.port, "127.0.0.1:%d" % self.port,
                                              "%s/%s/" % (account, region)),
            }
            for form, registry in forms.items():
                with self.subTest("%s %s %s" % (form, account, region)):
                    registry.check_pull(self.repo, mine, "same")
                    self.assertEqual(registry.tags(self.repo), ["same"])

    def test_containerd_mirror_form_names_the_tenant_in_ns(self):
        for account, region in TENANTS:
            with self.subTest((account, region)):
                answer = Registry(self.port).send(
                    "GET", "/v2/%s/manifests/same?ns=%s.dkr.ecr.%s.localhost:%d"
                    % (self.repo, account, region, self.port),
                    headers={"Accept": self.images[account, region].media_type})
                self.assertEqual(answer.body, self.images[account, region].manifest)

    def test_plain_address_is_the_default_tenant(self):
        answer = Registry(self.port).get_manifest(self.repo, "same")
        self.assert_wire_error(answer, 404, "NAME_UNKNOWN", no_repository(self.repo))

    def test_path_of_one_tenant_under_the_hostname_of_another_is_no_way_in(self):
        registry = Registry.hostname(self.port, *TENANTS[0])
        for account, region in TENANTS[1:]:
            repo = "%s/%s/%s" % (account, region, self.repo)
            for target in (repo, "../../%s" % repo, "%2e%2e/%2e%2e/" + repo, repo.replace("/", "%2f")):
                with self.subTest(target):
                    self.assertNotEqual(registry.get_manifest(target, "same").status, 200)

    def test_mount_from_another_tenant_uploads_instead(self):
        first, second = TENANTS[0], TENANTS[3]
        blob = self.images[second].layers[0]
        registry = Registry.hostname(self.port, *first)
        for source in (self.repo, "%s/%s/%s" % (*second, self.repo),
                       "../../%s/%s/%s" % (*second, self.repo)):
            with self.subTest(source):
                answer = registry.mount(self.repo, blob, source)
                self.assertIn(answer.status, (202, 400, 404), answer)
                self.assertFalse(registry.has_blob(self.repo, blob))

    def test_upload_begun_by_one_tenant_cannot_be_finished_by_another(self):
        mine = Registry.hostname(self.port, *TENANTS[0])
        location = mine.begin(self.repo)
        data = b"the first tenant's bytes"
        digest = digest_of(data)
        self.assertEqual(mine.send("PATCH", location, data).status, 202)
        for tenant in TENANTS[1:]:
            other = Registry.hostname(self.port, *tenant)
            path = location.split("localhost:%d" % self.port)[-1]
            for method, body in (("GET", None), ("PATCH", b"x"), ("DELETE", None)):
                self.assertGreaterEqual(other.send(method, path, body).status, 400, method)
            self.assertGreaterEqual(other.send("PUT", other.with_digest(path, digest), b"").status, 400)
            self.assertFalse(other.has_blob(self.repo, digest))

    def test_deleting_in_one_tenant_leaves_the_others(self):
        Ecr(self.virga, *TENANTS[0]).DeleteRepository(repositoryName=self.repo, force=True)
        self.virga.http("POST", "/_floci/ecr/gc")
        for tenant in TENANTS[1:]:
            Registry.hostname(self.port, *tenant).check_pull(self.repo, self.images[tenant], "same")
        answer = Registry.hostname(self.port, *TENANTS[0]).get_manifest(self.repo, "same")
        self.assert_wire_error(answer, 404, "NAME_UNKNOWN", no_repository(self.repo, TENANTS[0][0]))

    def test_catalog_shows_a_tenant_its_own_names(self):
        Ecr(self.virga, *TENANTS[1]).create(self.repo + "-only")
        Registry.hostname(self.port, *TENANTS[1]).push(self.repo + "-only", image("only"), "v1")
        seen = {}
        for tenant in TENANTS[:2]:
            registry, names, target = Registry.hostname(self.port, *tenant), [], "/v2/_catalog?n=2"
            while target:
                answer = registry.send("GET", target)
                self.assertEqual(answer.status, 200, answer)
                names += answer.json()["repositories"]
                link = answer.headers.get("Link")
                target = re.match(r'<([^>]*)>; *rel="?next', link).group(1) if link else None
                self.assertLess(len(names), 1000)
            seen[tenant] = names
        self.assertIn(self.repo, seen[TENANTS[0]])
        self.assertNotIn(self.repo + "-only", seen[TENANTS[0]])
        self.assertIn(self.repo + "-only", seen[TENANTS[1]])
        self.assertFalse([n for names in seen.values() for n in names if n[:12].isdigit()], seen)


class Leaks(EcrCase):
    """Nothing that only virga and its registry know shows in an answer of the hostname form."""

    def assert_clean(self, what, answer):
        text = "\n".join("%s: %s" % h for h in answer.headers.items()) + "\n"
        body = answer.body.decode("utf-8", "replace")
        for part in (text, body):
            self.assertNotIn("000000000000/us-east-1", part, "%s: %s" % (what, part))
            self.assertNotIn(self.virga.dir, part, what)
            self.assertNotIn("registry.sock", part, what)

    def test_internal_names_show_in_no_answer(self):
        name, registry = self.repository()
        pushed = image(name)
        registry.push(name, pushed, "v1")
        blob = pushed.layers[0]
        location = registry.begin(name)
        target = registry.url
        wrong = registry.with_digest(location, "sha256:" + "1" * 64)
        answers = {
            "base": registry.send("GET", "/v2/"),
            "begin": registry.send("POST", target(name, "blobs/uploads/")),
            "status": registry.send("GET", location),
            "wrong digest": registry.send("PUT", wrong, b"data"),
            "chunk": registry.send("PATCH", registry.begin(name), b"data"),
            "mount": registry.mount(name, blob, name),
            "mount of nothing": registry.mount(name, "sha256:" + "2" * 64, name),
            "blob": registry.get_blob(name, pushed.config),
            "blob range": registry.get_blob(name, blob, {"Range": "bytes=0-9"}),
            "bad range": registry.get_blob(name, blob, {"Range": "bytes=999999999-"}),
            "absent blob": registry.get_blob(name, "sha256:" + "3" * 64),
            "bad blob": registry.get_blob(name, "nonsense"),
            "manifest": registry.get_manifest(name, "v1"),
            "no accept": registry.get_manifest(name, "v1", None),
            "absent manifest": registry.get_manifest(name, "nope"),
            "absent digest": registry.get_manifest(name, "sha256:" + "4" * 64),
            "absent repository": registry.get_manifest("absent", "v1"),
            "put": registry.put_manifest(name, pushed, "v2"),
            "put garbage": registry.send("PUT", target(name, "manifests/v3"), b"{}",
                                         {"Content-Type": pushed.media_type}),
            "put with missing layers": registry.put_manifest(name, image("never pushed"), "v3"),
            "tags": registry.send("GET", target(name, "tags/list")),
            "tags in pages": registry.send("GET", target(name, "tags/list?n=1")),
            "catalog": registry.send("GET", "/v2/_catalog?n=1"),
            "absent upload": registry.send("PATCH", target(name, "blobs/uploads/00000000-0000-0000-0000-000000000000"),
                                           b"x"),
            "unknown path": registry.send("GET", "/v2/%s/nothing/x" % name),
            "delete": registry.delete_manifest(name, pushed.digest),
            "cancel": registry.send("DELETE", location),
        }
        for what, answer in answers.items():
            with self.subTest(what):
                self.assert_clean(what, answer)
                self.assertLess(answer.status, 500, answer)
                self.assertEqual(answer.headers["Docker-Distribution-Api-Version"], "registry/2.0")

    def test_hostile_paths_are_refused_without_a_trace(self):
        name, registry = self.repository()
        for path in ("/", "/v1/", "/v2", "/v2//", "/v2/%s" % name, "/v2/%s/" % name, "/v2/%s/tags" % name,
                     "/v2/../../etc/passwd", "/v2/%2e%2e/%2e%2e/x/manifests/v1", "/v2/%00/manifests/v1",
                     "/v2/%s/manifests/" % name, "/v2/%s/manifests/%%2e%%2e" % name,
                     "/v2/%s/blobs/sha256:%s" % (name, "g" * 64), "/v2/%s/blobs/sha256:" % name,
                     "/v2/%s/blobs/../../../x" % name, "/v2/%s/blobs/uploads/../../x" % name,
                     "/v2/UPPER/manifests/v1", "/v2/%s/manifests/%s" % (name, "t" * 5000),
                     "/v2/%s/manifests/v1" % ("n" * 5000), "/v2/%s/tags/list?n=-1" % name,
                     "/v2/%s/tags/list?n=99999999999999999999" % name, "/v2/%s/tags/list?n=x" % name,
                     "/v2/%s/tags/list?last=%%zz" % name, "/v2/_catalog?n=0", "/v2/_catalog?last=%ff",
                     "/v2/%s/blobs/uploads/%%2e%%2e?_state=x" % name, "/v2/?ns=%zz", "/v2/?ns=" + "a" * 5000,
                     "/v2/%s/manifests/v1?ns=../../x" % name):
            for method in ("GET", "HEAD", "DELETE", "PATCH", "OPTIONS"):
                with self.subTest("%s %.80s" % (method, path)):
                    answer = registry.send(method, path, b"x" if method == "PATCH" else None)
                    self.assertLess(answer.status, 500, answer)
                    self.assert_clean(path, answer)

    def test_locations_lead_back_to_the_address_that_was_asked(self):
        name = self.repository()[0]
        port = self.virga.registry_base
        for registry, begin in ((self.registry(), "/v2/%s/blobs/" % name),
                                (Registry.path(port, "000000000000", "us-east-1"),
                                 "/v2/000000000000/us-east-1/%s/blobs/" % name)):
            location = registry.begin(name)
            path = re.sub(r"^http://[^/]+", "", location)
            self.assertTrue(path.startswith(begin), location)
            if location.startswith("http"):
                self.assertTrue(location.startswith("http://" + registry.host), location)
            pushed = image("location " + registry.host)
            registry.push(name, pushed)
            answer = registry.put_manifest(name, pushed, "v1")
            path = re.sub(r"^http://[^/]+", "", answer.headers["Location"])
            self.assertEqual(path, registry.url(name, "manifests/" + pushed.digest))

    def test_api_answers_show_no_internal_names(self):
        name, registry = self.repository()
        registry.push(name, image(name), "v1")
        for action, params in (("DescribeRepositories", {}), ("DescribeImages", {"repositoryName": name}),
                               ("ListImages", {"repositoryName": name})):
            status, _, body = self.ecr.raw(action, json.dumps(params))
            self.assertEqual(status, 200)
            self.assertNotIn(b"000000000000/us-east-1", body)
        page = self.ecr.DescribeRepositories(maxResults=1)
        if "nextToken" in page:
            self.assertNotIn("000000000000/us-east-1", page["nextToken"])
            decoded = base64.b64decode(page["nextToken"] + "==", altchars=b"-_")
            self.assertNotIn(b"000000000000/us-east-1", decoded)


class LongNames(EcrCase):
    def test_the_longest_name_works_for_two_tenants(self):
        name = "/".join(["n" * 15] * 16)  # 255 characters
        for account, region in TENANTS[:2]:
            Ecr(self.virga, account, region).create(name)
            registry = Registry.hostname(self.virga.registry_base, account, region)
            pushed = image(account + region)
            registry.push(name, pushed, "v1")
            registry.check_pull(name, pushed, "v1")
            self.assertEqual(registry.send("GET", registry.url(name, "tags/list")).json(),
                             {"name": name, "tags": ["v1"]})

    def test_long_names_that_differ_at_the_end_only_do_not_meet(self):
        base = "/".join(["m" * 15] * 15) + "/"
        registry = self.registry()
        pushed = {}
        for end in ("a" * 15, "b" * 15):
            self.ecr.create(base + end)
            pushed[end] = image(end)
            registry.push(base + end, pushed[end], "v1")
        for end, one in pushed.items():
            registry.check_pull(base + end, one, "v1")
            self.assertEqual(self.ecr.image_ids(base + end), [("v1", one.digest)])
