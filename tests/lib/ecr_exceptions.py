# SPDX-License-Identifier: MIT
"""How each exception of ECR's model is provoked: (operation, a function that prepares and returns the input, the
server that it takes). What cannot be reached says why."""

import images
from ecr_setups import new_manifest
from ecr_world import LIFECYCLE

NOWHERE = "sha256:" + "0" * 64
NO_UPLOAD = "00000000-0000-0000-0000-000000000000"

# Servers: PLAIN as it comes; UPSTREAM has an upstream that fails, and a file of credentials in which one is unknown and
# one is broken; SECRETS has a Secrets Manager behind its fallback endpoint, which cannot decrypt; NO_REGISTRY was
# started again where no registry program is found.
PLAIN, UPSTREAM, SECRETS, NO_REGISTRY = "plain", "upstream", "secrets", "no registry"
# Whose entry in the file of credentials has no token.
BROKEN_HOST = "ghcr.io"

# What is met by the second of two requests that come at once.
AT_ONCE = {"LifecyclePolicyPreviewInProgressException"}


def put_again(w):
    """A manifest that is there under its tag."""
    name, image = w.image(tag="twice")
    return {"repositoryName": name, "imageManifest": image.manifest.decode(), "imageTag": "twice",
            "imageManifestMediaType": image.media_type}


def put_over_immutable(w):
    given = new_manifest(w)
    w.ecr.PutImageTagMutability(repositoryName=given["repositoryName"], imageTagMutability="IMMUTABLE")
    return {**given, "imageTag": "v1"}


def put_without_layers(w):
    image = w.content("layers that nobody uploaded %s" % w.prefix())
    return {"repositoryName": w.repository(), "imageManifest": image.manifest.decode(),
            "imageManifestMediaType": image.media_type}


def put_index_without_images(w):
    index = images.index([w.content("a child that nobody pushed %s" % w.prefix())])
    return {"repositoryName": w.repository(), "imageManifest": index.manifest.decode(),
            "imageManifestMediaType": index.media_type}


def upload_with(w, parts, digest):
    name = w.repository()
    return {"repositoryName": name, "uploadId": w.upload(name, parts=parts), "layerDigests": [digest]}


def complete_again(w):
    """A layer that is there already, uploaded once more."""
    name, data = w.repository(), w.data()
    digest = w.layer(name, data)
    return {"repositoryName": name, "uploadId": w.upload(name, data), "layerDigests": [digest]}


def part_out_of_order(w):
    name = w.repository()
    return w.part(name, w.upload(name), 1000, w.data())


def layer_of_no_image(w):
    name = w.repository()
    return {"repositoryName": name, "layerDigest": w.layer(name, w.data())}


def scan_again(w):
    name, image = w.image()
    given = {"repositoryName": name, "imageId": w.id(image)}
    w.ecr.StartImageScan(**given)
    return given


def preview(w):
    return {"repositoryName": w.image()[0], "lifecyclePolicyText": LIFECYCLE}


def many_tags(w):
    name = w.repository()
    return {"resourceArn": w.arn(name), "tags": [{"Key": "k%d" % i, "Value": "v"} for i in range(51)]}


def archived_id(w):
    name, image = w.archived()
    return {"repositoryName": name, "imageId": w.id(image)}


def cached(w, **more):
    """A repository below a rule's prefix, whose upstream fails."""
    prefix = w.rule()
    name = prefix + "/library/app"
    w.ecr.create(name)
    return {"repositoryName": name, **more}


def secret_arn(w, name):
    return "arn:aws:secretsmanager:us-east-1:%s:secret:ecr-pullthroughcache/%s" % (w.account, name)


def rule_with_secret(w, url):
    """A rule for an upstream that wants credentials."""
    return {"ecrRepositoryPrefix": w.prefix(), "upstreamRegistryUrl": url, "credentialArn": secret_arn(w, "walk")}


PROVOKED = {
    "EmptyUploadException": ("CompleteLayerUpload", lambda w: upload_with(w, [], NOWHERE), PLAIN),
    "ExclusionAlreadyExistsException": (
        "RegisterPullTimeUpdateExclusion", lambda w: {"principalArn": w.principal(registered=True)}, PLAIN),
    "ExclusionNotFoundException": (
        "DeregisterPullTimeUpdateExclusion", lambda w: {"principalArn": w.principal()}, PLAIN),
    "ImageAlreadyExistsException": ("PutImage", put_again, PLAIN),
    "ImageArchivedException": ("StartImageScan", archived_id, PLAIN),
    "ImageDigestDoesNotMatchException": ("PutImage", lambda w: {**new_manifest(w), "imageDigest": NOWHERE}, PLAIN),
    "ImageNotFoundException": (
        "DescribeImages", lambda w: {"repositoryName": w.repository(), "imageIds": [{"imageTag": "none"}]}, PLAIN),
    "ImageStorageClassUpdateNotSupportedException": (
        "UpdateImageStorageClass", lambda w: {**archived_id(w), "targetStorageClass": "ARCHIVE"}, PLAIN),
    "ImageTagAlreadyExistsException": ("PutImage", put_over_immutable, PLAIN),
    "InvalidLayerException": ("CompleteLayerUpload", lambda w: upload_with(w, [w.data()], NOWHERE), PLAIN),
    "InvalidLayerPartException": ("UploadLayerPart", part_out_of_order, PLAIN),
    "InvalidParameterException": ("CreateRepository", lambda w: {"repositoryName": "Upper"}, PLAIN),
    "InvalidTagParameterException": (
        "TagResource", lambda w: {"resourceArn": w.arn(w.repository()), "tags": [{"Key": "", "Value": "v"}]}, PLAIN),
    "LayerAlreadyExistsException": ("CompleteLayerUpload", complete_again, PLAIN),
    "LayerInaccessibleException": ("GetDownloadUrlForLayer", layer_of_no_image, PLAIN),
    "LayerPartTooSmallException": (
        "CompleteLayerUpload", lambda w: upload_with(w, [b"a", b"b"], images.digest_of(b"ab")), PLAIN),
    "LayersNotFoundException": ("PutImage", put_without_layers, PLAIN),
    "LifecyclePolicyNotFoundException": ("GetLifecyclePolicy", lambda w: {"repositoryName": w.repository()}, PLAIN),
    "LifecyclePolicyPreviewInProgressException": ("StartLifecyclePolicyPreview", preview, PLAIN),
    "LifecyclePolicyPreviewNotFoundException": (
        "GetLifecyclePolicyPreview", lambda w: {"repositoryName": w.repository()}, PLAIN),
    "LimitExceededException": ("StartImageScan", scan_again, PLAIN),
    "PullThroughCacheRuleAlreadyExistsException": (
        "CreatePullThroughCacheRule",
        lambda w: {"ecrRepositoryPrefix": w.rule(), "upstreamRegistryUrl": "public.ecr.aws"}, PLAIN),
    "PullThroughCacheRuleNotFoundException": (
        "DeletePullThroughCacheRule", lambda w: {"ecrRepositoryPrefix": w.prefix()}, PLAIN),
    "ReferencedImagesNotFoundException": ("PutImage", put_index_without_images, PLAIN),
    "RegistryPolicyNotFoundException": ("GetRegistryPolicy", lambda w: {}, PLAIN),
    "RepositoryAlreadyExistsException": ("CreateRepository", lambda w: {"repositoryName": w.repository()}, PLAIN),
    "RepositoryNotEmptyException": ("DeleteRepository", lambda w: {"repositoryName": w.image()[0]}, PLAIN),
    "RepositoryNotFoundException": ("ListImages", lambda w: {"repositoryName": w.name()}, PLAIN),
    "RepositoryPolicyNotFoundException": ("GetRepositoryPolicy", lambda w: {"repositoryName": w.repository()}, PLAIN),
    "ScanNotFoundException": (
        "DescribeImageScanFindings",
        lambda w: (lambda name, image: {"repositoryName": name, "imageId": w.id(image)})(*w.image()), PLAIN),
    "SecretNotFoundException": (
        "CreatePullThroughCacheRule", lambda w: rule_with_secret(w, "registry-1.docker.io"), UPSTREAM),
    "ServerException": (
        "BatchGetImage", lambda w: {"repositoryName": "kept/app", "imageIds": [{"imageTag": "v1"}]}, NO_REGISTRY),
    "SigningConfigurationNotFoundException": ("GetSigningConfiguration", lambda w: {}, PLAIN),
    "TemplateAlreadyExistsException": (
        "CreateRepositoryCreationTemplate",
        lambda w: {"prefix": w.template(), "appliedFor": ["PULL_THROUGH_CACHE"]}, PLAIN),
    "TemplateNotFoundException": ("DeleteRepositoryCreationTemplate", lambda w: {"prefix": w.prefix()}, PLAIN),
    "TooManyTagsException": ("TagResource", many_tags, PLAIN),
    "UnableToAccessSecretException": (
        "CreatePullThroughCacheRule", lambda w: rule_with_secret(w, BROKEN_HOST), UPSTREAM),
    "UnableToDecryptSecretValueException": (
        "CreatePullThroughCacheRule", lambda w: rule_with_secret(w, "registry-1.docker.io"), SECRETS),
    # Where the repository is there already, the image is a failure in the answer.
    "UnableToGetUpstreamImageException": (
        "BatchGetImage", lambda w: {"repositoryName": w.rule() + "/app", "imageIds": [{"imageTag": "v1"}]}, UPSTREAM),
    "UnableToGetUpstreamLayerException": (
        "GetDownloadUrlForLayer", lambda w: cached(w, layerDigest=NOWHERE), UPSTREAM),
    "UnableToListUpstreamImageReferrersException": (
        "ListImageReferrers", lambda w: cached(w, subjectId={"imageDigest": NOWHERE}), UPSTREAM),
    "UnsupportedImageTypeException": (
        "StartImageScan",
        lambda w: (lambda name, index, child: {"repositoryName": name, "imageId": w.id(index)})(*w.index()), PLAIN),
    "UnsupportedUpstreamRegistryException": (
        "CreatePullThroughCacheRule",
        lambda w: {"ecrRepositoryPrefix": w.prefix(), "upstreamRegistryUrl": "registry.example.com"}, PLAIN),
    "UploadNotFoundException": (
        "CompleteLayerUpload",
        lambda w: {"repositoryName": w.repository(), "uploadId": NO_UPLOAD, "layerDigests": [NOWHERE]}, PLAIN),
    "ValidationException": ("GetAccountSetting", lambda w: {"name": "NO_SUCH_SETTING"}, PLAIN),
}

# Reasons, for what nothing here can bring about.
NOT_REACHABLE = {
    "BlockedByOrganizationPolicyException": "there is no AWS Organization above the accounts",
    "KmsException": "no key is ever used: it is kept and echoed, and there is no KMS to refuse it",
}


def absent_repository(given, name):
    """`given` turned to a repository that is not there; None where the operation names none."""
    if "repositoryName" in given:
        return {**given, "repositoryName": name}
    if "repositoryNames" in given:
        return {**given, "repositoryNames": [name]}
    if "resourceArn" in given:
        return {**given, "resourceArn": given["resourceArn"].rsplit("repository/", 1)[0] + "repository/" + name}
    return None


def absent_image(given):
    """`given` turned to an image that is not there; None where the operation names none."""
    if "imageId" in given:
        return {**given, "imageId": {"imageDigest": NOWHERE}}
    if "imageIds" in given:
        return {**given, "imageIds": [{"imageDigest": NOWHERE}]}
    return None


# (operation, exception) that the model lists and that this operation cannot be brought to; why.
NOT_OF_OPERATION = {
    ("BatchGetRepositoryScanningConfiguration", "RepositoryNotFoundException"):
        "an absent name is a failure of its own in the answer, REPOSITORY_NOT_FOUND",
}
