# SPDX-License-Identifier: MIT
"""Several clients at one thing at the same time: every answer fits one order of events."""
import threading

from aws import ApiError
from ecrcase import EcrCase
from images import image


def together(*functions):
    """Runs them at the same moment; their results (an exception counts as one), in order."""
    results = [None] * len(functions)
    gate = threading.Barrier(len(functions))

    def run(i, function):
        gate.wait()
        try:
            results[i] = function()
        except Exception as e:
            results[i] = e

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Races(EcrCase):
    def test_one_of_many_creates_wins(self):
        name = self.name()
        results = together(*[lambda: self.ecr.create(name)] * 16)
        made = [r for r in results if isinstance(r, dict)]
        lost = [r.code for r in results if isinstance(r, ApiError)]
        self.assertEqual((len(made), lost), (1, ["RepositoryAlreadyExistsException"] * 15))

    def test_one_tag_pushed_by_many_ends_at_one_of_them(self):
        name, registry = self.repository()
        images = [image("%s %d" % (name, i)) for i in range(8)]
        results = together(*[lambda i=i: registry.push(name, i, "latest") for i in images])
        self.assertEqual([r for r in results if isinstance(r, Exception)], [])
        ids = self.ecr.image_ids(name)
        tagged = [d for t, d in ids if t == "latest"]
        self.assertEqual(len(tagged), 1)
        self.assertEqual({d for _, d in ids}, {i.digest for i in images})
        winner, = [i for i in images if i.digest == tagged[0]]
        registry.check_pull(name, winner, "latest")
        self.assertEqual(registry.head_manifest(name, "latest").headers["Docker-Content-Digest"], winner.digest)

    def test_immutable_tag_is_won_by_exactly_one(self):
        name, registry = self.repository(imageTagMutability="IMMUTABLE")
        images = [image("%s %d" % (name, i)) for i in range(6)]
        for one in images:
            registry.push(name, one)
        for round_number in range(5):
            tag = "v%d" % round_number
            statuses = sorted(a.status for a in together(
                *[lambda i=i: registry.put_manifest(name, i, tag) for i in images]))
            self.assertEqual(statuses, [201] + [400] * 5)

    def test_push_against_delete_of_the_repository_resurrects_nothing(self):
        for round_number in range(8):
            name, registry = self.repository("-%d" % round_number)
            pushed = image(name)
            registry.push(name, pushed)
            together(lambda: registry.put_manifest(name, pushed, "v1"),
                     lambda: self.ecr.DeleteRepository(repositoryName=name, force=True))
            self.assert_wire_error(registry.get_manifest(name, "v1"), 404, "NAME_UNKNOWN")
            self.ecr.create(name)
            self.assertEqual(self.ecr.image_ids(name), [])
            self.assertEqual(registry.get_manifest(name, "v1").status, 404)
            self.assertEqual(registry.get_manifest(name, pushed.digest).status, 404)

    def test_push_against_delete_of_the_image_ends_whole_or_gone(self):
        name, registry = self.repository()
        for round_number in range(8):
            pushed = image("%s %d" % (name, round_number))
            registry.push(name, pushed, "a")
            together(lambda: registry.put_manifest(name, pushed, "b"),
                     lambda: self.ecr.BatchDeleteImage(repositoryName=name,
                                                       imageIds=[{"imageDigest": pushed.digest}]))
            ids = [(t, d) for t, d in self.ecr.image_ids(name) if d == pushed.digest]
            if ids:
                for tag, _ in ids:
                    registry.check_pull(name, pushed, tag)
                self.ecr.BatchDeleteImage(repositoryName=name, imageIds=[{"imageDigest": pushed.digest}])
            for reference in ("a", "b", pushed.digest):
                self.assertEqual(registry.get_manifest(name, reference).status, 404)

    def test_upload_of_a_deleted_repository_does_not_land_in_its_successor(self):
        name, registry = self.repository()
        location = registry.begin(name)
        self.ecr.DeleteRepository(repositoryName=name, force=True)
        self.assertEqual(registry.send("PATCH", location, b"data").status, 404)
        self.ecr.create(name)
        self.assertEqual(self.ecr.image_ids(name), [])

    def test_many_clients_push_and_pull_side_by_side(self):
        name, registry = self.repository()

        def work(n):
            for i in range(5):
                one = image("%s %d %d" % (name, n, i), layer_size=50000)
                registry.push(name, one, "t%d-%d" % (n, i))
                registry.check_pull(name, one, "t%d-%d" % (n, i))

        results = together(*[lambda n=n: work(n) for n in range(12)])
        self.assertEqual([r for r in results if isinstance(r, Exception)], [])
        self.assertEqual(len(self.ecr.image_ids(name)), 60)


class FirstCalls(EcrCase):
    """On a server of its own, as nothing may have come before."""

    def test_first_calls_start_one_registry_between_them(self):
        results = together(*[self.ecr.GetAuthorizationToken] * 4
                           + [lambda i=i: self.ecr.create(self.name("-%d" % i)) for i in range(4)]
                           + [lambda: self.registry().send("GET", "/v2/")] * 4)
        self.assertEqual([r for r in results if isinstance(r, Exception)], [])
        name, registry = self.repository()
        registry.push(name, image(name), "v1")
        self.assertEqual(len(self.virga.registry_pids()), 1)
