# SPDX-License-Identifier: MIT
"""An account of its own on a running server, and what set-ups of operations make in it: repositories, images, ..."""
import base64
import http.client
import itertools
import json
import socket
import time

import images
from aws import REGION, TARGET, Ecr, authorization
from oci import Registry

LIFECYCLE = json.dumps({"rules": [{
    "rulePriority": 1, "description": "keep the last hundred images that somebody tagged for a release",
    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 100},
    "action": {"type": "expire"}}]}, separators=(",", ":"))
REPOSITORY_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Sid": "pull", "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"]}]})


class KeptEcr(Ecr):
    """The control plane over one connection that is kept."""

    def __init__(self, virga, account, region=REGION, connection=None):
        super().__init__(virga, account, region)
        self.connection = connection or http.client.HTTPConnection("127.0.0.1", virga.port, timeout=120)

    def raw(self, action, body, headers=None):
        self.connection.request("POST", "/", body=body, headers={**self.headers(action), **(headers or {})})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def headers(self, action):
        return {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "%s.%s" % (TARGET, action),
                "X-Amz-Date": "20260101T000000Z", "Authorization": authorization(self.account, self.region)}

    def twice(self, action, body):
        """The same request twice, sent at once on one connection: both answers as raw() has them."""
        head = "".join("%s: %s\r\n" % pair for pair in self.headers(action).items())
        head = "POST / HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n" % (head, len(body))
        request = head.encode() + body
        with socket.create_connection(("127.0.0.1", self.virga.port), timeout=60) as s, s.makefile("rb") as stream:
            s.sendall(request * 2)
            return [self.read_answer(stream) for _ in range(2)]

    @staticmethod
    def read_answer(stream):
        status = int(stream.readline().split()[1])
        headers = http.client.parse_headers(stream)
        return status, headers, stream.read(int(headers["content-length"]))


class World:
    """One account. `world.ecr` calls; what the other methods make has a name that was never there before."""

    numbers = itertools.count(1)

    def __init__(self, virga, account, connection=None):
        self.account = account
        self.ecr = KeptEcr(virga, account, connection=connection)
        self._registry = None

    @property
    def registry(self):
        if self._registry is None:
            self._registry = Registry.hostname(self.ecr.port(), self.account, REGION)
        return self._registry

    def name(self, stem="walk"):
        return "%s/n%d" % (stem, next(self.numbers))

    def prefix(self):
        return "walk%d" % next(self.numbers)

    def arn(self, repository):
        return "arn:aws:ecr:%s:%s:repository/%s" % (REGION, self.account, repository)

    def repository(self, stem="walk", **more):
        name = self.name(stem)
        self.ecr.create(name, **more)
        return name

    @staticmethod
    def content(text):
        """A small image that is different for each text."""
        return images.image(text, layers=[images.layer(text)])

    def image(self, repository=None, tag="v1", text=None):
        """(repository, image) with a small image pushed."""
        repository = repository or self.repository()
        image = self.content(text or "image %d" % next(self.numbers))
        self.registry.push(repository, image, tag)
        return repository, image

    def index(self, repository=None, tag="multi"):
        """(repository, index, child)."""
        repository, child = self.image(repository, tag=None)
        index = images.index([child])
        self.registry.push(repository, index, tag)
        return repository, index, child

    def id(self, image):
        return {"imageDigest": image.digest}

    def upload(self, repository, data=b"", parts=None):
        """An upload with those bytes in it, in one part or in several: its id."""
        upload = self.ecr.InitiateLayerUpload(repositoryName=repository)["uploadId"]
        at = 0
        for part in parts if parts is not None else ([data] if data else []):
            self.ecr.UploadLayerPart(**self.part(repository, upload, at, part))
            at += len(part)
        return upload

    @staticmethod
    def part(repository, upload, first, data):
        return {"repositoryName": repository, "uploadId": upload, "partFirstByte": first,
                "partLastByte": first + len(data) - 1, "layerPartBlob": base64.b64encode(data).decode()}

    def layer(self, repository, data):
        """A finished layer that no image has; its digest."""
        digest = images.digest_of(data)
        self.ecr.CompleteLayerUpload(repositoryName=repository, layerDigests=[digest],
                                     uploadId=self.upload(repository, data))
        return digest

    def data(self, size=100):
        """Bytes that are different each time."""
        return (b"%d " % next(self.numbers)).ljust(size, b".")

    def scanned(self, tag="v1"):
        """(repository, image) of an image whose scan has ended."""
        repository, image = self.image(tag=tag)
        self.ecr.StartImageScan(repositoryName=repository, imageId=self.id(image))
        self.until(lambda: self.ecr.DescribeImageScanFindings(
            repositoryName=repository, imageId=self.id(image))["imageScanStatus"]["status"]
            not in ("PENDING", "IN_PROGRESS"))
        return repository, image

    def archived(self):
        """(repository, image) of an image in the archive."""
        repository, image = self.image()
        self.ecr.UpdateImageStorageClass(repositoryName=repository, imageId=self.id(image),
                                         targetStorageClass="ARCHIVE")
        self.until(lambda: self.ecr.DescribeImages(
            repositoryName=repository, imageIds=[self.id(image)],
            filter={"imageStatus": "ANY"})["imageDetails"][0]["imageStatus"] == "ARCHIVED")
        return repository, image

    def previewed(self):
        """A repository with a lifecycle policy preview that has ended."""
        repository, _ = self.image()
        self.ecr.StartLifecyclePolicyPreview(repositoryName=repository, lifecyclePolicyText=LIFECYCLE)
        self.until(lambda: self.ecr.GetLifecyclePolicyPreview(
            repositoryName=repository)["status"] != "IN_PROGRESS")
        return repository

    def rule(self, **more):
        """A pull-through cache rule; its prefix. Nothing is fetched from there."""
        prefix = self.prefix()
        self.ecr.CreatePullThroughCacheRule(ecrRepositoryPrefix=prefix,
                                            upstreamRegistryUrl="public.ecr.aws", **more)
        return prefix

    def template(self):
        prefix = self.prefix()
        self.ecr.CreateRepositoryCreationTemplate(prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"])
        return prefix

    def principal(self, registered=False):
        arn = "arn:aws:iam::%s:role/walk%d" % (self.account, next(self.numbers))
        if registered:
            self.ecr.RegisterPullTimeUpdateExclusion(principalArn=arn)
        return arn

    def registry_policy(self):
        return json.dumps({"Version": "2012-10-17", "Statement": [{
            "Sid": "replicate", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
            "Resource": "arn:aws:ecr:%s:%s:repository/*" % (REGION, self.account)}]})

    @staticmethod
    def until(condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError("it did not happen in %g s" % seconds)
            time.sleep(0.02)
