# SPDX-License-Identifier: MIT
"""From the image that a function is given to the one that runs: pinning, every way to name one, what AWS refuses and in
which words, and file systems that are put together from layers."""
import base64
import json
import os
import shutil
import tarfile
import unittest

from aws import REGION, Ecr
from images import index
from lambdaapi import Lambda
from lambdacase import REPOSITORY, DockerCase, OciCase
from lambdaimage import (ARCH, LAMBDA_ARCH, OCI_LAYER_PLAIN, OCI_LAYER_ZSTD, OTHER_ARCH, Layer, bootstrap_layer,
                         broken_layer, build, foreign_program, function_image, hash_of, with_attestation)
from oci import Registry
from virga import wait_for

INVALID = "InvalidParameterValueException"
OTHER = "111111111111"
UNSUPPORTED = "The image manifest, config or layer media type for the source image %s is not supported."


def told(answer):
    return answer.json()["env"].get("IMAGE")


def versioned(text):
    """An image that tells which it is."""
    return function_image(text, env=("PATH=/bin:/", "IMAGE=" + text))


class Pinning:
    """What holds on every executor."""

    def test_moving_the_tag_changes_nothing_until_the_code_is_updated(self):
        old, new = versioned(self.name("-old")), versioned(self.name("-new"))
        uri = self.push(old, "moving-" + self.executor)
        name = self.create(uri=uri)
        self.assertEqual(told(self.api.invoke(name)), self.name("-old"))
        self.push(new, "moving-" + self.executor)
        # Another environment, and still the old image.
        self.api.UpdateFunctionConfiguration(FunctionName=name, Description="changed")
        self.wait_updated(name)
        answer = self.api.invoke(name)
        self.assertEqual((told(answer), answer.json()["count"]), (self.name("-old"), 1))
        found = self.api.GetFunction(FunctionName=name)
        self.assertEqual(found["Configuration"]["CodeSha256"], hash_of(old))
        self.assertTrue(found["Code"]["ResolvedImageUri"].endswith("@" + old.digest))
        changed = self.api.UpdateFunctionCode(FunctionName=name, ImageUri=uri)
        self.assertEqual((changed["CodeSha256"], changed["LastUpdateStatus"]), (hash_of(new), "InProgress"))
        self.wait_updated(name)
        self.assertEqual(told(self.api.invoke(name)), self.name("-new"))

    def test_a_version_keeps_its_image(self):
        name = self.create(image=versioned(self.name("-1")), Publish=True)
        self.api.UpdateFunctionCode(FunctionName=name, ImageUri=self.push(versioned(self.name("-2"))))
        self.wait_updated(name)
        self.assertEqual(told(self.api.invoke(name, qualifier="1")), self.name("-1"))
        self.assertEqual(told(self.api.invoke(name)), self.name("-2"))

    def test_every_form_of_an_address_means_the_same_image(self):
        image = versioned("forms")
        uri = self.push(image, "forms")
        rest = uri.split("/", 1)[1]
        port = self.ecr.port()
        forms = ("000000000000.dkr.ecr.us-east-1.amazonaws.com/" + rest,
                 "000000000000.dkr.ecr.us-east-1.amazonaws.com/%s@%s" % (REPOSITORY, image.digest),
                 "000000000000.dkr.ecr.us-east-1.localhost:%d/%s" % (port, rest),
                 "localhost:%d/000000000000/us-east-1/%s" % (port, rest))
        for i, form in enumerate(forms):
            with self.subTest(form):
                name = self.create("-%d" % i, uri=form)
                code = self.api.GetFunction(FunctionName=name)["Code"]
                self.assertEqual(code["ImageUri"], form)
                base = form.split("@")[0] if "@" in form else form.rsplit(":", 1)[0]
                self.assertEqual(code["ResolvedImageUri"], base + "@" + image.digest)
        self.assertEqual(told(self.api.invoke(name)), "forms")

    def test_image_config_goes_over_the_image(self):
        name = self.create(ImageConfig={"EntryPoint": ["/bootstrap", "entry"], "Command": ["over", "ridden"],
                                        "WorkingDirectory": "/tmp"})
        answer = self.api.invoke(name).json()
        self.assertEqual((answer["argv"], answer["cwd"]), (["/bootstrap", "entry", "over", "ridden"], "/tmp"))
        self.api.UpdateFunctionConfiguration(FunctionName=name, ImageConfig={"Command": ["only"]})
        self.wait_updated(name)
        answer = self.api.invoke(name).json()
        self.assertEqual((answer["argv"], answer["cwd"]), (["/bootstrap", "only"], "/var/task"))

    def test_layers_make_one_file_system(self):
        lower = (Layer().folder("etc").folder("data").folder("data/sub").file("data/gone", "1").file("data/kept", "2")
                 .file("data/changed", "3").folder("opaque").file("opaque/below", "4").file("data/sub/x", "5")
                 .file("private", "6", 0o600, uid=1000).folder("sticky", 0o1777).done())
        upper = (Layer().whiteout("data/gone").file("data/changed", "new").whiteout("data/sub").opaque("opaque")
                 .file("opaque/above", "7").symlink("data/link", "kept").hardlink("data/hard", "data/kept")
                 .file("data/tool", "8", 0o4755).done())
        name = self.create(image=function_image(self.name(), more=(lower, upper)))
        found = self.api.do(name, "ls /data").json()
        self.assertEqual(sorted(found), ["changed", "hard", "kept", "link", "tool"])
        self.assertEqual((found["link"]["type"], found["link"]["target"]), ("link", "kept"))
        self.assertEqual(found["tool"]["mode"], "4755")
        self.assertEqual(self.api.do(name, "read /data/changed").json(), "new")
        self.assertEqual(self.api.do(name, "read /data/hard").json(), "2")
        self.assertEqual(list(self.api.do(name, "ls /opaque").json()), ["above"])
        root = self.api.do(name, "ls /").json()
        self.assertEqual((root["private"]["mode"], root["private"]["uid"]), ("0600", 1000))
        self.assertEqual((root["sticky"]["type"], root["sticky"]["mode"]), ("dir", "1777"))


class PinningOnOci(Pinning, OciCase):
    def test_a_docker_manifest(self):
        name = self.create(image=function_image("docker", docker=True))
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")

    def test_layers_that_reach_outside_are_refused(self):
        evil = {"dotdot": Layer().entry("../../../../escaped", content=b"x"),
                "absolute link": Layer().symlink("out", "/etc").file("out/escaped", "x"),
                "hard link": Layer().entry("hard", tarfile.LNKTYPE, link="../../../../etc/passwd")}
        for what, layer in evil.items():
            with self.subTest(what):
                name = self.name("-" + what.replace(" ", "-"))
                self.made.append(name)
                image = function_image(self.id() + what, more=(layer.done(),))
                self.api.CreateFunction(**self.parameters(name, self.push(image)))
                found = self.wait_settled(name)
                if found["State"] == "Active":
                    # Kept inside is as good as refused.
                    self.assertEqual(self.api.do(name, "read /etc/escaped" if "link" in what else "raw 1").status, 200)
                else:
                    self.assertEqual(found["StateReasonCode"], "InvalidImage", found)
                status, _, _ = self.api.raw("GET", "/2015-03-31/functions")
                self.assertEqual(status, 200)
        self.assertFalse(os.path.exists("/etc/escaped"))
        self.assertFalse(os.path.exists("/escaped"))

    def test_layers_that_cannot_be_unpacked_are_an_invalid_image(self):
        for what in ("gzip", "tar", "short"):
            with self.subTest(what):
                name = self.name("-" + what)
                self.made.append(name)
                self.api.CreateFunction(**self.parameters(name, self.push(broken_layer(what))))
                found = self.wait_settled(name)
                self.assertEqual((found["State"], found.get("StateReasonCode")), ("Failed", "InvalidImage"), found)
                self.assertTrue(found["StateReason"])

    def test_an_image_that_is_gone_when_it_is_needed_again(self):
        image = function_image(self.id())
        self.ecr.create("gone")
        name = self.create(uri=self.push(image, "v1", "gone"))
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")
        # As long as it is on this machine it runs, whatever the registry has.
        self.ecr.BatchDeleteImage(repositoryName="gone", imageIds=[{"imageDigest": image.digest}])
        self.assertEqual(self.api.do(name, "raw 2").payload, b"2")
        self.virga.stop()
        shutil.rmtree(os.path.join(self.virga.data, "lambda"))
        self.virga.start()
        self.assert_error(409, "CodeArtifactUserDeletedException", None, self.api.invoke, name)
        found = self.api.GetFunctionConfiguration(FunctionName=name)
        self.assertEqual((found["State"], found["StateReasonCode"]), ("Failed", "ImageDeleted"))
        self.registry().push("gone", image, "v1")
        self.assertEqual(self.api.do(name, "raw 3").payload, b"3")
        wait_for(lambda: self.api.state(name)[0] == "Active", 20, "the function to be active again")

    def wait_settled(self, name):
        def settled():
            state, _, found = self.api.state(name)
            return found if state != "Pending" else None
        return wait_for(settled, 60, name)

    def test_functions_of_one_image_share_what_was_unpacked(self):
        # Its own file is writable nowhere, so that one function cannot change another's code.
        first, second = self.create("-1"), self.create("-2")
        answer = self.api.do(first, "write /var/task/made x").json()
        self.assertTrue(isinstance(answer, dict))
        self.assertIsNone(self.api.do(second, "read /var/task/made").json())
        self.assertEqual(self.api.do(second, "raw 1").payload, b"1")


class PinningOnDocker(Pinning, DockerCase):
    pass


class Refused(OciCase):
    """Create's errors, with AWS's texts."""

    def refuse(self, status, code, message, uri, api=None, **more):
        api = api or self.api
        error = self.assert_error(status, code, message, api.CreateFunction, **{**self.parameters("refused", uri), **more})
        self.assert_error(404, "ResourceNotFoundException", None, api.GetFunction, FunctionName="refused")
        return error

    def test_images_that_are_not_there(self):
        for uri in (self.uri.rsplit(":", 1)[0] + ":nope", self.address() + "/no-such-repository:latest",
                    self.uri.rsplit(":", 1)[0] + "@sha256:" + "0" * 64,
                    "000000000000.dkr.ecr.us-east-1.amazonaws.com/no-such-repository:latest"):
            with self.subTest(uri):
                self.refuse(400, INVALID, "Source image %s does not exist. Provide a valid source image." % uri, uri)

    def test_texts_that_name_no_image_of_ecr(self):
        for uri in ("instance-scheduler-ecr-repo:latest", "docker.io/library/alpine:3.19",
                    "000000000000.dkr.ecr.us-east-1.amazonaws.com/" + REPOSITORY,
                    "000000000000.dkr.ecr.eu-west-1.amazonaws.com/%s:latest" % REPOSITORY):
            with self.subTest(uri):
                self.refuse(400, INVALID, "Source image %s is not valid. Provide a valid source image." % uri, uri)

    def test_manifests_that_lambda_does_not_take(self):
        image = function_image("whole")
        artifact = build([bootstrap_layer()], {}, config_type="application/vnd.example+json")
        foreign = build([bootstrap_layer()], {"Entrypoint": ["/bootstrap"]}, layer_types=["application/x-unknown"])
        unpacked = [bootstrap_layer(), Layer().file("plain", "x").done(packed=False)]
        gzip = "application/vnd.oci.image.layer.v1.tar+gzip"
        for what, one in (("index", index([image, function_image("arm", arch="arm64")])),
                          ("docker list", index([image], docker=True)), ("attestation", with_attestation(image)),
                          ("config type", artifact), ("layer type", foreign),
                          ("plain layer", build(unpacked, layer_types=[gzip, OCI_LAYER_PLAIN])),
                          ("zstd layer", build(unpacked, layer_types=[gzip, OCI_LAYER_ZSTD]))):
            with self.subTest(what):
                uri = self.push(one)
                self.refuse(400, INVALID, UNSUPPORTED % uri, uri)
        # The same at an update, which changes nothing then.
        name = self.create()
        before = self.api.GetFunction(FunctionName=name)
        self.assert_error(400, INVALID, UNSUPPORTED % uri, self.api.UpdateFunctionCode, FunctionName=name, ImageUri=uri)
        self.assertEqual(self.api.GetFunction(FunctionName=name), before)

    def test_an_image_for_another_machine(self):
        # AWS creates it, and its invocations fail; this says it at once.
        uri = self.push(foreign_program(arch=OTHER_ARCH))
        self.refuse(400, INVALID, "The architecture of the source image %s is %s and does not match the function's "
                    "architecture %s. Provide a source image for %s."
                    % (uri, OTHER_ARCH, LAMBDA_ARCH[ARCH], LAMBDA_ARCH[ARCH]), uri)
        uri = self.push(build([bootstrap_layer()], {}, os_name="windows"))
        self.refuse(400, INVALID, "The source image %s is for the operating system windows, which is not supported. "
                    "Provide a source image for linux." % uri, uri)

    def test_another_region_has_images_of_its_own(self):
        elsewhere = Ecr(self.virga, region="eu-west-1")
        elsewhere.create("there")
        self.registry(region="eu-west-1").push("there", function_image("there"), "v1")
        uri = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/there:v1"
        self.refuse(400, INVALID, "Source image %s is not valid. Provide a valid source image." % uri, uri)
        api = Lambda(self.virga, region="eu-west-1")
        api.CreateFunction(**self.parameters("there", uri))
        self.assertEqual(api.GetFunction(FunctionName="there")["Code"]["ImageUri"], uri)
        self.assertNotEqual(REGION, "eu-west-1")
        api.DeleteFunction(FunctionName="there")

    def test_code_without_an_image(self):
        self.refuse(400, INVALID, None, "", Code={})


class OtherAccounts(OciCase):
    """Images of another account, where permissions are obeyed."""
    settings = {"floci.auth.mode": "enforce"}

    DENIED = "Lambda does not have permission to access the ECR image. Check the ECR permissions."

    @classmethod
    def registry(cls, account="000000000000", region=REGION):
        ecr = Ecr(cls.virga, account=account, region=region)
        token = ecr.GetAuthorizationToken()["authorizationData"][0]["authorizationToken"]
        registry = Registry.hostname(cls.ecr.port(), account, region)
        registry.headers["Authorization"] = "Basic " + token
        assert base64.b64decode(token).startswith(b"AWS:")
        return registry

    def test_the_repository_policy_decides(self):
        owner = Ecr(self.virga, account=OTHER)
        owner.create("shared")
        self.registry(OTHER).push("shared", function_image("of another"), "v1")
        uri = "%s.dkr.ecr.us-east-1.amazonaws.com/shared:v1" % OTHER
        parameters = self.parameters(self.name(), uri)
        self.assert_error(403, "AccessDeniedException", self.DENIED, self.api.CreateFunction, **parameters)
        statement = {"Sid": "lambda", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                     "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}
        account = {"Sid": "account", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                   "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}
        owner.SetRepositoryPolicy(repositoryName="shared", policyText=json.dumps(
            {"Version": "2012-10-17", "Statement": [statement, account]}))
        name = self.create(uri=uri)
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")

    def test_the_own_account_needs_no_policy(self):
        name = self.create()
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")


if __name__ == "__main__":
    unittest.main()
