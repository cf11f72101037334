# SPDX-License-Identifier: MIT
"""Pages while the list changes: no item comes twice, and none is lost that was there all the time.

A listing is one row of the table at the end: how a page is asked for, and how items come and go. The writer works
between the pages, so that a run is the same each time, and in a thread of its own, so that it is not.
"""
import json
import random
import threading
import urllib.parse

from aws import ACCOUNT, Ecr
from ecrcase import EcrCase
from images import image

PAGE = 3
STAYING = 14


class Listing:
    """One list operation over items of its own. `region` keeps what it makes apart from the others."""

    def __init__(self, case, region):
        self.case = case
        self.region = region
        self.ecr = Ecr(case.virga, ACCOUNT, region)
        self.registry = case.registry(ACCOUNT, region)
        self.prepare()

    def prepare(self):
        pass

    def page(self, position):
        """(items, position of the next page or None)"""
        raise NotImplementedError

    def add(self, key):
        """Makes an item; returns how it is listed."""
        raise NotImplementedError

    def remove(self, key):
        raise NotImplementedError

    def disturb(self, keys, rng):
        """Changes items that stay without taking them out of the list."""

    def call(self, action, member, position, **params):
        token = {"nextToken": position} if position else {}
        answer = self.ecr.call(action, {"maxResults": PAGE, **params, **token})
        return answer[member], answer.get("nextToken")


class InRepository(Listing):
    def prepare(self):
        self.ecr.create("app")
        self.images = {}

    def image(self, key):
        if key not in self.images:
            self.images[key] = image("%s %s" % (type(self).__name__, key))
        return self.images[key]

    def add(self, key):
        self.registry.push("app", self.image(key), key)
        return self.image(key).digest

    def remove(self, key):
        self.ecr.BatchDeleteImage(repositoryName="app", imageIds=[{"imageDigest": self.image(key).digest}])


class ListImages(InRepository):
    """By digest: an image's entries change with its tags, the image does not go."""

    def page(self, position):
        ids, token = self.call("ListImages", "imageIds", position, repositoryName="app")
        return [(i["imageDigest"], i.get("imageTag")) for i in ids], token

    def add(self, key):
        return super().add(key), key


class ListTagged(ListImages):
    def page(self, position):
        ids, token = self.call("ListImages", "imageIds", position, repositoryName="app",
                               filter={"tagStatus": "TAGGED"})
        return [(i["imageDigest"], i.get("imageTag")) for i in ids], token


class ListUntagged(ListImages):
    def page(self, position):
        ids, token = self.call("ListImages", "imageIds", position, repositoryName="app",
                               filter={"tagStatus": "UNTAGGED"})
        return [(i["imageDigest"], i.get("imageTag")) for i in ids], token

    def add(self, key):
        self.registry.push("app", self.image(key))
        return self.image(key).digest, None


class DescribeImages(InRepository):
    """Images stay whatever their tags do."""

    def page(self, position):
        details, token = self.call("DescribeImages", "imageDetails", position, repositoryName="app")
        return [d["imageDigest"] for d in details], token

    def disturb(self, keys, rng):
        one, two = rng.sample(keys, 2)
        # Tagged, untagged, and tagged again: in each of both tables by turns.
        self.registry.put_manifest("app", self.image(one), "moving")
        self.registry.put_manifest("app", self.image(two), "moving")
        if rng.random() < 0.5:
            self.ecr.BatchDeleteImage(repositoryName="app", imageIds=[{"imageTag": "moving"}])
        own = rng.choice(keys)
        self.registry.put_manifest("app", self.image(own), "second-" + own)
        self.ecr.BatchDeleteImage(repositoryName="app", imageIds=[{"imageTag": own}])
        self.registry.put_manifest("app", self.image(own), own)


class ListDigests(DescribeImages):
    """ListImages, looked at for digests: an image that gains or loses tags is not missed."""

    twice = True  # an image with two tags has two entries

    def page(self, position):
        ids, token = self.call("ListImages", "imageIds", position, repositoryName="app")
        return [i["imageDigest"] for i in ids], token


class DescribeRepositories(Listing):
    def page(self, position):
        found, token = self.call("DescribeRepositories", "repositories", position)
        return [r["repositoryName"] for r in found], token

    def add(self, key):
        self.ecr.create(key)
        return key

    def remove(self, key):
        self.ecr.DeleteRepository(repositoryName=key, force=True)

    def disturb(self, keys, rng):
        self.ecr.PutImageTagMutability(repositoryName=rng.choice(keys),
                                       imageTagMutability=rng.choice(["MUTABLE", "IMMUTABLE"]))


class Wire(Listing):
    """Pages over the registry's protocol: `n`, and the Link header."""

    def ask(self, target, member):
        answer = self.registry.send("GET", target)
        self.case.assertEqual(answer.status, 200, answer)
        link = answer.headers.get("Link")
        if link:
            link = urllib.parse.urljoin(target, link[link.index("<") + 1:link.index(">")])
        return answer.json()[member], link


class TagsList(Wire):
    def prepare(self):
        self.ecr.create("app")
        self.image = image("tags of " + self.region)
        self.registry.push("app", self.image)

    def page(self, position):
        return self.ask(position or "/v2/app/tags/list?n=%d" % PAGE, "tags")

    def add(self, key):
        self.registry.put_manifest("app", self.image, key)
        return key

    def remove(self, key):
        self.ecr.BatchDeleteImage(repositoryName="app", imageIds=[{"imageTag": key}])

    def disturb(self, keys, rng):
        moved = image("moved %d" % rng.randrange(4))
        self.registry.push("app", moved, rng.choice(keys))


class Catalog(Wire):
    def page(self, position):
        return self.ask(position or "/v2/_catalog?n=%d" % PAGE, "repositories")

    add = DescribeRepositories.add
    remove = DescribeRepositories.remove


class ListPullTimeUpdateExclusions(Listing):
    @staticmethod
    def arn(key):
        return "arn:aws:iam::%s:role/%s" % (ACCOUNT, key)

    def page(self, position):
        return self.call("ListPullTimeUpdateExclusions", "pullTimeUpdateExclusions", position)

    def add(self, key):
        self.ecr.RegisterPullTimeUpdateExclusion(principalArn=self.arn(key))
        return self.arn(key)

    def remove(self, key):
        self.ecr.DeregisterPullTimeUpdateExclusion(principalArn=self.arn(key))


class Paging(EcrCase):
    def region(self, kind):
        """A region that no other test has."""
        way = self.id().rsplit(".test_", 1)[1]
        return "xx-%s-%d" % (way.split("_")[0], LISTINGS.index(kind))

    def run_listing(self, kind, between, begin=None, end=None):
        """Lists all; `between(listing, keys)` is called after each page. Checks both properties."""
        listing = kind(self, self.region(kind))
        keys = ["stays-%02d" % i for i in range(STAYING)]
        staying = {listing.add(key) for key in keys}
        if begin:
            begin(listing, keys)
        seen, position, pages = [], None, 0
        try:
            while True:
                items, position = listing.page(position)
                self.assertLessEqual(len(items), PAGE)
                seen += items
                pages += 1
                self.assertLess(pages, 500, "it does not end")
                if position is None:
                    break
                between(listing, keys)
        finally:
            if end:
                end()
        self.assertGreater(pages, 3)
        self.assertEqual(staying - set(seen), set(), "lost")
        if not getattr(kind, "twice", False):
            self.assertEqual(sorted(s for s in set(seen) if seen.count(s) > 1), [], "twice")

    def between_pages(self, kind):
        rng = random.Random(kind.__name__)
        passing = []

        def between(listing, keys):
            for key in passing:
                listing.remove(key)
            # Names before, among and behind those that stay.
            passing[:] = ["%s-%04d" % (rng.choice(["a", "stays-%02d" % rng.randrange(STAYING), "z"]),
                                       rng.randrange(10000)) for _ in range(2)]
            passing[:] = sorted(set(passing))
            for key in passing:
                listing.add(key)
            listing.disturb(keys, rng)

        self.run_listing(kind, between)

    def with_a_writer(self, kind):
        stop, failures, threads = threading.Event(), [], []

        def write(listing, keys, number):
            rng = random.Random(number)
            try:
                while not stop.is_set():
                    key = "%s-w%d%04d" % (rng.choice(["a", "stays-%02d" % rng.randrange(STAYING), "z"]), number,
                                          rng.randrange(10000))
                    listing.add(key)
                    listing.disturb(keys, rng)
                    listing.remove(key)
            except BaseException as e:
                failures.append(e)

        def begin(listing, keys):
            threads.append(threading.Thread(target=write, args=(listing, keys, 1)))
            threads[0].start()

        def end():
            stop.set()
            threads[0].join()

        def between(listing, keys):
            threads[0].join(0.02)

        self.run_listing(kind, between, begin, end)
        self.assertEqual(failures, [])

    def position_deleted(self, kind):
        """The item that a page ended with goes away before the next page, and what follows it as well."""
        listing = kind(self, self.region(kind))
        keys = ["key-%02d" % i for i in range(STAYING)]
        key_of = {listing.add(key): key for key in keys}
        whole, position = [], None
        while True:
            items, position = listing.page(position)
            whole += items
            if position is None:
                break
        whole = [item for item in whole if item in key_of]
        first, position = listing.page(None)
        gone = {first[-1], *[item for item in whole if item not in first][:1]}
        for item in gone:
            listing.remove(key_of[item])
        rest = []
        while position is not None:
            items, position = listing.page(position)
            rest += items
        self.assertEqual([item for item in rest if item in key_of],
                         [item for item in whole if item not in first and item not in gone])
        # A position behind which nothing is left is an empty last page.
        first, position = listing.page(None)
        if position is not None:
            for item in whole:
                if item not in gone:
                    listing.remove(key_of[item])
            items, position = listing.page(position)
            self.assertEqual([item for item in items if item in key_of], [])
            self.assertIsNone(position)


# A list operation that is added to the API is added here.
LISTINGS = [ListImages, ListTagged, ListUntagged, ListDigests, DescribeImages, DescribeRepositories, TagsList, Catalog,
            ListPullTimeUpdateExclusions]


def add_tests():
    for kind in LISTINGS:
        for way in ("between_pages", "with_a_writer", "position_deleted"):
            if way == "position_deleted" and getattr(kind, "twice", False):
                continue

            def test(self, kind=kind, way=way):
                getattr(self, way)(kind)

            setattr(Paging, "test_%s_%s" % (way, kind.__name__.lower()), test)


add_tests()


class Tokens(EcrCase):
    def test_a_token_is_good_for_its_own_question_only(self):
        name, registry = self.repository()
        other, _ = self.repository("-2")
        for i in range(4):
            registry.push(name, image("%s %d" % (name, i)), "v%d" % i)
        token = self.ecr.ListImages(repositoryName=name, maxResults=1)["nextToken"]
        message = "Invalid parameter at 'NextToken' failed to satisfy constraint: 'Invalid next token provided'"
        for action, params in (("ListImages", {"repositoryName": other}),
                               ("ListImages", {"repositoryName": name, "filter": {"tagStatus": "TAGGED"}}),
                               ("DescribeImages", {"repositoryName": name}),
                               ("DescribeRepositories", {}),
                               ("ListPullTimeUpdateExclusions", {})):
            self.assert_api_error("InvalidParameterException", message, getattr(self.ecr, action),
                                  nextToken=token, **params)

    def test_a_repository_deleted_between_pages_is_not_found(self):
        name, registry = self.repository()
        for i in range(4):
            registry.push(name, image("%s %d" % (name, i)), "v%d" % i)
        tokens = {action: self.ecr.call(action, {"repositoryName": name, "maxResults": 1})["nextToken"]
                  for action in ("ListImages", "DescribeImages")}
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        for action, token in tokens.items():
            self.assert_api_error("RepositoryNotFoundException", None, getattr(self.ecr, action),
                                  repositoryName=name, nextToken=token)
        # Made anew, it is another list: what is behind the old position.
        self.ecr.create(name)
        for action, token in tokens.items():
            answer = self.ecr.call(action, {"repositoryName": name, "nextToken": token})
            self.assertNotIn("nextToken", answer)
            self.assertEqual(json.dumps(answer).count("sha256:"), 0)
