# SPDX-License-Identifier: MIT
"""The life of an image with the real clients: the example session of the ECR page, word for word."""
import base64
import json
import os
import re

from aws import Cli
from ecrcase import EcrCase
from images import image, write_layout
from skopeo import Skopeo
from virga import need


class Life(EcrCase):
    def test_the_example_session(self):
        aws = Cli(self.virga)
        skopeo = Skopeo(self.virga.dir)
        port = self.virga.registry_base

        made = aws.json("create-repository", "--repository-name", "floci-it/app")["repository"]
        self.assertEqual(made["repositoryArn"], "arn:aws:ecr:us-east-1:000000000000:repository/floci-it/app")
        self.assertEqual(made["repositoryUri"],
                         "000000000000.dkr.ecr.us-east-1.localhost:%d/floci-it/app" % port)
        self.assertEqual(made["imageTagMutability"], "MUTABLE")
        self.assertEqual(made["registryId"], "000000000000")

        self.assertEqual(aws.text("get-login-password").strip(), "floci")
        skopeo.text("login", "--tls-verify=false", "--authfile", os.path.join(self.virga.dir, "auth.json"),
                    "--username", "AWS", "--password", "floci", "localhost:%d" % port)

        pushed = image("the example session", layer_size=100000)
        source = write_layout(os.path.join(self.virga.dir, "small"), pushed)
        # Where *.localhost does not resolve, path style names the same repository.
        target = "localhost:%d/000000000000/us-east-1/floci-it/app:v1" % port
        skopeo.push(source, target)

        self.assertEqual(aws.json("list-images", "--repository-name", "floci-it/app")["imageIds"],
                         [{"imageDigest": pushed.digest, "imageTag": "v1"}])
        detail, = aws.json("describe-images", "--repository-name", "floci-it/app")["imageDetails"]
        self.assertEqual((detail["imageDigest"], detail["imageTags"], detail["imageSizeInBytes"],
                          detail["imageManifestMediaType"], detail["registryId"], detail["repositoryName"]),
                         (pushed.digest, ["v1"], pushed.size, pushed.media_type, "000000000000", "floci-it/app"))
        self.assertRegex(str(detail["imagePushedAt"]), r"^20\d\d-")

        pulled = os.path.join(self.virga.dir, "pulled")
        skopeo.pull(target, "dir:" + pulled)
        with open(os.path.join(pulled, "manifest.json"), "rb") as f:
            self.assertEqual(f.read(), pushed.manifest)
        for digest, data in pushed.blobs.items():
            with open(os.path.join(pulled, digest.split(":")[1]), "rb") as f:
                self.assertEqual(f.read(), data)
        self.assertEqual(skopeo.inspect(target)["Digest"], pushed.digest)
        self.assertEqual(json.loads(skopeo.text("list-tags", "--tls-verify=false",
                                                "docker://" + target.rsplit(":", 1)[0]))["Tags"], ["v1"])

        code, _, err = aws.run("delete-repository", "--repository-name", "floci-it/app")
        self.assertNotEqual(code, 0)
        self.assertIn("(RepositoryNotEmptyException)", err)
        self.assertIn("The repository with name 'floci-it/app' in registry with id '000000000000' cannot be "
                      "deleted because it still contains images", err)
        gone = aws.json("batch-delete-image", "--repository-name", "floci-it/app", "--image-ids", "imageTag=v1")
        self.assertEqual(gone, {"imageIds": [{"imageDigest": pushed.digest, "imageTag": "v1"}], "failures": []})
        code, _, err = skopeo.run("inspect", "--tls-verify=false", "docker://" + target)
        self.assertNotEqual(code, 0)
        self.assertRegex(err, "(?i)manifest unknown|not found")
        aws.json("delete-repository", "--repository-name", "floci-it/app", "--force")
        code, _, err = aws.run("describe-images", "--repository-name", "floci-it/app")
        self.assertNotEqual(code, 0)
        self.assertIn("(RepositoryNotFoundException)", err)
        code, _, err = skopeo.run("copy", "--dest-tls-verify=false", source, "docker://" + target)
        self.assertNotEqual(code, 0)
        self.assertRegex(err, "(?i)does not exist in the registry with id|name unknown")


class EveryAction(EcrCase):
    """Each of the 18 actions once through the aws command line: its own parser reads what virga writes."""

    def test_every_action_through_the_command_line(self):
        aws = Cli(self.virga)
        name = "cli/every-action"
        repo = ("--repository-name", name)
        arn = "arn:aws:ecr:us-east-1:000000000000:repository/" + name
        created = aws.json("create-repository", *repo, "--tags", "Key=team,Value=rain")["repository"]
        self.assertEqual(created["encryptionConfiguration"], {"encryptionType": "AES256"})
        self.assertEqual(created["imageScanningConfiguration"], {"scanOnPush": False})
        described, = aws.json("describe-repositories", "--repository-names", name)["repositories"]
        self.assertEqual(described, created)
        token, = aws.json("get-authorization-token")["authorizationData"]
        self.assertEqual(base64.b64decode(token["authorizationToken"]), b"AWS:floci")
        self.assertEqual(token["proxyEndpoint"],
                         "http://000000000000.dkr.ecr.us-east-1.localhost:%d" % self.virga.registry_base)

        pushed = image("every action")
        self.registry().push(name, pushed, "one")
        self.assertEqual(aws.json("list-images", *repo)["imageIds"],
                         [{"imageDigest": pushed.digest, "imageTag": "one"}])
        self.assertEqual(aws.json("describe-images", *repo, "--image-ids", "imageTag=one")
                         ["imageDetails"][0]["imageTags"], ["one"])
        got, = aws.json("batch-get-image", *repo, "--image-ids", "imageTag=one", "--accepted-media-types",
                        pushed.media_type)["images"]
        self.assertEqual(got["imageManifest"].encode(), pushed.manifest)

        self.assertEqual(aws.json("put-image-tag-mutability", *repo, "--image-tag-mutability", "IMMUTABLE")
                         ["imageTagMutability"], "IMMUTABLE")
        aws.text("tag-resource", "--resource-arn", arn, "--tags", "Key=stage,Value=test")
        aws.text("untag-resource", "--resource-arn", arn, "--tag-keys", "team")
        self.assertEqual(aws.json("list-tags-for-resource", "--resource-arn", arn)["tags"],
                         [{"Key": "stage", "Value": "test"}])

        lifecycle = json.dumps({"rules": [{
            "rulePriority": 1, "description": "expire", "selection": {
                "tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 3},
            "action": {"type": "expire"}}]})
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{
            "Sid": "all", "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"]}]})
        for kind, put, text in (("lifecycle-policy", "put-lifecycle-policy", lifecycle),
                                ("repository-policy", "set-repository-policy", policy)):
            member = "lifecyclePolicyText" if kind == "lifecycle-policy" else "policyText"
            flag = "--lifecycle-policy-text" if kind == "lifecycle-policy" else "--policy-text"
            self.assertEqual(aws.json(put, *repo, flag, text)[member], text)
            self.assertEqual(aws.json("get-" + kind, *repo)[member], text)
            self.assertEqual(aws.json("delete-" + kind, *repo)[member], text)

        self.assertEqual(aws.json("batch-delete-image", *repo, "--image-ids", "imageDigest=" + pushed.digest)
                         ["imageIds"], [{"imageDigest": pushed.digest, "imageTag": "one"}])
        aws.json("delete-repository", *repo)
        self.assertEqual(aws.json("describe-repositories")["repositories"], [])

    def test_errors_arrive_as_the_command_line_shows_them(self):
        code, _, err = Cli(self.virga).run("describe-repositories", "--repository-names", "absent")
        self.assertEqual(code, 254)
        self.assertIn("An error occurred (RepositoryNotFoundException) when calling the DescribeRepositories "
                      "operation: The repository with name 'absent' does not exist in the registry with id "
                      "'000000000000'", err)


class PathStyle(EcrCase):
    settings = {"floci.services.ecr.uri-style": "path"}

    def test_uri_of_path_style_works_with_skopeo_as_printed(self):
        need("skopeo")
        name = self.name()
        uri = self.ecr.create(name)["repositoryUri"]
        self.assertEqual(uri, "localhost:%d/000000000000/us-east-1/%s" % (self.virga.registry_base, name))
        endpoint = self.ecr.GetAuthorizationToken()["authorizationData"][0]["proxyEndpoint"]
        self.assertTrue(re.match(r"^http://localhost:%d$" % self.virga.registry_base, endpoint), endpoint)
        pushed = image(name)
        skopeo = Skopeo(self.virga.dir)
        skopeo.push(write_layout(os.path.join(self.virga.dir, name), pushed), uri + ":latest")
        self.assertEqual(skopeo.inspect(uri + ":latest")["Digest"], pushed.digest)
        self.assertEqual(self.ecr.image_ids(name), [("latest", pushed.digest)])
