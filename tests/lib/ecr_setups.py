# SPDX-License-Identifier: MIT
"""What each operation needs before it can succeed, and a valid input. Set-ups may be called any number of times."""
import json

import images
from ecr_world import LIFECYCLE, REPOSITORY_POLICY

# A profile of AWS Signer; nothing is asked of it by keeping its name.
SIGNING_PROFILE = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/walk"

# What AWS answers an error of the model's constraints with in these operations; in the others it is
# InvalidParameterException.
VALIDATION = {
    "BatchGetRepositoryScanningConfiguration", "CreatePullThroughCacheRule", "CreateRepositoryCreationTemplate",
    "DeletePullThroughCacheRule", "DeleteRepositoryCreationTemplate", "DeleteSigningConfiguration",
    "DeregisterPullTimeUpdateExclusion", "DescribeImageSigningStatus", "DescribePullThroughCacheRules",
    "DescribeRepositoryCreationTemplates", "GetAccountSetting", "GetRegistryScanningConfiguration",
    "GetSigningConfiguration", "ListImageReferrers", "ListPullTimeUpdateExclusions", "PutAccountSetting",
    "PutRegistryScanningConfiguration", "PutSigningConfiguration", "RegisterPullTimeUpdateExclusion",
    "UpdateImageStorageClass", "UpdatePullThroughCacheRule", "UpdateRepositoryCreationTemplate",
    "ValidatePullThroughCacheRule",
}

# Members of an answer that may be absent although the operation succeeded; all others must be there.
MAY_LACK = {
    "*": {"nextToken"},
    "CreatePullThroughCacheRule": {"credentialArn", "customRoleArn", "upstreamRepositoryPrefix", "upstreamRegistry"},
    "DeletePullThroughCacheRule": {"credentialArn", "customRoleArn", "upstreamRepositoryPrefix"},
    "DescribeImageScanFindings": {"imageScanFindings"},
    "PutImageTagMutability": {"imageTagMutabilityExclusionFilters"},
    "UpdatePullThroughCacheRule": {"credentialArn", "customRoleArn", "upstreamRepositoryPrefix"},
    "ValidatePullThroughCacheRule": {"credentialArn", "customRoleArn", "upstreamRepositoryPrefix", "failure"},
}

# Members that stand in every structure of that shape in an answer; the model itself calls none of them required.
# The repository's are those that Terraform and CDK compare.
ALWAYS = {
    "Repository": {"repositoryArn", "registryId", "repositoryName", "repositoryUri", "createdAt",
                   "imageTagMutability", "imageScanningConfiguration", "encryptionConfiguration"},
    "ImageScanningConfiguration": {"scanOnPush"},
    "ImageDetail": {"registryId", "repositoryName", "imageDigest", "imageSizeInBytes", "imagePushedAt",
                    "imageManifestMediaType"},
    "Image": {"registryId", "repositoryName", "imageId", "imageManifest", "imageManifestMediaType"},
    "ImageFailure": {"imageId", "failureCode", "failureReason"},
    "AuthorizationData": {"authorizationToken", "expiresAt", "proxyEndpoint"},
    "Layer": {"layerDigest", "layerAvailability", "layerSize"},
    "PullThroughCacheRule": {"ecrRepositoryPrefix", "upstreamRegistryUrl", "createdAt", "registryId"},
    "RepositoryCreationTemplate": {"prefix", "appliedFor", "createdAt", "updatedAt", "imageTagMutability"},
    "RepositoryScanningConfiguration": {"repositoryArn", "repositoryName", "scanOnPush", "scanFrequency",
                                        "appliedScanFilters"},
    "RegistryScanningConfiguration": {"scanType", "rules"},
    "ReplicationConfiguration": {"rules"},
}
# ... but not in these answers, and why.
NOT_ALWAYS = {
    # AWS answers five members only (recorded: a length of 243 bytes).
    ("DeleteRepository", "Repository"): {"imageTagMutability", "imageScanningConfiguration",
                                         "encryptionConfiguration"},
}


def always(operation):
    return {shape: members - NOT_ALWAYS.get((operation, shape), set()) for shape, members in ALWAYS.items()}


def repository(w):
    return {"repositoryName": w.repository()}


def lifecycle_kept(w):
    given = repository(w)
    w.ecr.PutLifecyclePolicy(lifecyclePolicyText=LIFECYCLE, **given)
    return given


def policy_kept(w):
    given = repository(w)
    w.ecr.SetRepositoryPolicy(policyText=REPOSITORY_POLICY, **given)
    return given


def registry_policy_kept(w):
    w.ecr.PutRegistryPolicy(policyText=w.registry_policy())
    return {}


def signing_configuration():
    return {"signingConfiguration": {"rules": [{
        "signingProfileArn": SIGNING_PROFILE,
        "repositoryFilters": [{"filter": "signed/*", "filterType": "WILDCARD_MATCH"}]}]}}


def signing_kept(w):
    w.ecr.PutSigningConfiguration(**signing_configuration())
    return {}


def one_image(w, member="imageId", many=False, **more):
    name, image = w.image()
    return {"repositoryName": name, member: [w.id(image)] if many else w.id(image), **more}


def of_image(w, image, name, **more):
    return {"repositoryName": name, "imageId": w.id(image), **more}


def uploaded(w):
    name, data = w.repository(), w.data()
    return {"repositoryName": name, "uploadId": w.upload(name, data), "layerDigests": [images.digest_of(data)]}


def part(w):
    name = w.repository()
    return w.part(name, w.upload(name), 0, w.data())


def new_manifest(w):
    """A manifest whose layers are there."""
    name, image = w.image()
    doc = json.loads(image.manifest)
    doc["annotations"] = {"n": w.prefix()}
    return {"repositoryName": name, "imageManifest": json.dumps(doc), "imageManifestMediaType": image.media_type,
            "imageTag": "put"}


def referred(w):
    name, subject = w.image()
    w.registry.push(name, images.image("referrer", layers=[images.layer("referrer")], subject={
        "mediaType": subject.media_type, "digest": subject.digest, "size": len(subject.manifest)}))
    return {"repositoryName": name, "subjectId": w.id(subject)}


def full_repository(w):
    return {"repositoryName": w.name(), "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev-*"}],
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfiguration": {"encryptionType": "KMS"},
            "tags": [{"Key": "team", "Value": "walk"}]}


def full_template(w):
    return {"prefix": w.prefix(), "description": "made by the walk",
            "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "resourceTags": [{"Key": "team", "Value": "walk"}],
            "imageTagMutability": "IMMUTABLE", "repositoryPolicy": REPOSITORY_POLICY, "lifecyclePolicy": LIFECYCLE,
            "customRoleArn": "arn:aws:iam::%s:role/walk" % w.account}


def tagged_resource(w):
    name = w.repository(tags=[{"Key": "team", "Value": "walk"}, {"Key": "stage", "Value": "test"}])
    return {"resourceArn": w.arn(name)}


def scanning_rules():
    return {"scanType": "BASIC", "rules": [{
        "scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "scanned/*", "filterType": "WILDCARD"}]}]}


def replication(w):
    return {"replicationConfiguration": {"rules": [{
        "destinations": [{"region": "eu-west-1", "registryId": w.account}],
        "repositoryFilters": [{"filter": "replicated/", "filterType": "PREFIX_MATCH"}]}]}}


def paged(made):
    """An input that asks for one page of what `made` makes."""
    def setup(w):
        made(w)
        return {"maxResults": 10}
    return setup


# The first set-up of an operation is the one that invalid inputs are derived from.
SETUPS = {
    "BatchCheckLayerAvailability": [
        lambda w: (lambda name, image: {"repositoryName": name,
                                        "layerDigests": image.layers + ["sha256:" + "0" * 64]})(*w.image())],
    "BatchDeleteImage": [lambda w: one_image(w, "imageIds", True)],
    "BatchGetImage": [lambda w: one_image(w, "imageIds", True),
                      lambda w: {"repositoryName": w.image()[0],
                                 "imageIds": [{"imageTag": "v1"}, {"imageTag": "none"}]}],
    "BatchGetRepositoryScanningConfiguration": [lambda w: {"repositoryNames": [w.repository()]}],
    "CompleteLayerUpload": [uploaded],
    "CreatePullThroughCacheRule": [
        lambda w: {"ecrRepositoryPrefix": w.prefix(), "upstreamRegistryUrl": "public.ecr.aws"},
        lambda w: {"ecrRepositoryPrefix": w.prefix(), "upstreamRegistryUrl": "registry.k8s.io",
                   "upstreamRegistry": "k8s", "upstreamRepositoryPrefix": "sig-storage"}],
    "CreateRepository": [lambda w: {"repositoryName": w.name()}, full_repository],
    "CreateRepositoryCreationTemplate": [
        lambda w: {"prefix": w.prefix(), "appliedFor": ["PULL_THROUGH_CACHE"]}, full_template],
    "DeleteLifecyclePolicy": [lifecycle_kept],
    "DeletePullThroughCacheRule": [lambda w: {"ecrRepositoryPrefix": w.rule()}],
    "DeleteRegistryPolicy": [registry_policy_kept],
    "DeleteRepository": [repository, lambda w: {"repositoryName": w.image()[0], "force": True}],
    "DeleteRepositoryCreationTemplate": [lambda w: {"prefix": w.template()}],
    "DeleteRepositoryPolicy": [policy_kept],
    "DeleteSigningConfiguration": [signing_kept],
    "DeregisterPullTimeUpdateExclusion": [lambda w: {"principalArn": w.principal(registered=True)}],
    "DescribeImageReplicationStatus": [one_image],
    "DescribeImageScanFindings": [lambda w: (lambda name, image: of_image(w, image, name))(*w.scanned())],
    "DescribeImageSigningStatus": [one_image],
    "DescribeImages": [repository,
                       lambda w: {"repositoryName": w.image()[0]},
                       lambda w: one_image(w, "imageIds", True),
                       lambda w: {"repositoryName": w.index()[0], "filter": {"tagStatus": "UNTAGGED"},
                                  "maxResults": 1}],
    "DescribePullThroughCacheRules": [lambda w: {"ecrRepositoryPrefixes": [w.rule()]}, paged(lambda w: w.rule())],
    "DescribeRegistry": [lambda w: {}, lambda w: w.ecr.PutReplicationConfiguration(**replication(w)) and {}],
    "DescribeRepositories": [paged(repository), lambda w: {"repositoryNames": [w.repository()]},
                             lambda w: (w.repository(), w.repository(), {"maxResults": 1})[-1]],
    "DescribeRepositoryCreationTemplates": [paged(lambda w: w.template()), lambda w: {"prefixes": [w.template()]}],
    "GetAccountSetting": [lambda w: {"name": "BASIC_SCAN_TYPE_VERSION"}, lambda w: {"name": "REGISTRY_POLICY_SCOPE"},
                          lambda w: {"name": "BLOB_MOUNTING"}],
    "GetAuthorizationToken": [lambda w: {}, lambda w: {"registryIds": [w.account]}],
    "GetDownloadUrlForLayer": [
        lambda w: (lambda name, image: {"repositoryName": name, "layerDigest": image.layers[0]})(*w.image())],
    "GetLifecyclePolicy": [lifecycle_kept],
    "GetLifecyclePolicyPreview": [lambda w: {"repositoryName": w.previewed()}],
    "GetRegistryPolicy": [registry_policy_kept],
    "GetRegistryScanningConfiguration": [lambda w: {}],
    "GetRepositoryPolicy": [policy_kept],
    "GetSigningConfiguration": [signing_kept],
    "InitiateLayerUpload": [repository],
    "ListImageReferrers": [referred],
    "ListImages": [repository, lambda w: {"repositoryName": w.index()[0], "maxResults": 1},
                   lambda w: {"repositoryName": w.image()[0], "filter": {"tagStatus": "TAGGED"}}],
    "ListPullTimeUpdateExclusions": [paged(lambda w: w.principal(registered=True))],
    "ListTagsForResource": [tagged_resource],
    "PutAccountSetting": [lambda w: {"name": "BLOB_MOUNTING", "value": "ENABLED"}],
    "PutImage": [new_manifest],
    "PutImageScanningConfiguration": [lambda w: {**repository(w), "imageScanningConfiguration": {"scanOnPush": True}}],
    "PutImageTagMutability": [
        lambda w: {**repository(w), "imageTagMutability": "IMMUTABLE"},
        lambda w: {**repository(w), "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
                   "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "v*"}]}],
    "PutLifecyclePolicy": [lambda w: {**repository(w), "lifecyclePolicyText": LIFECYCLE}],
    "PutRegistryPolicy": [lambda w: {"policyText": w.registry_policy()}],
    "PutRegistryScanningConfiguration": [lambda w: scanning_rules()],
    "PutReplicationConfiguration": [replication],
    "PutSigningConfiguration": [lambda w: signing_configuration()],
    "RegisterPullTimeUpdateExclusion": [lambda w: {"principalArn": w.principal()}],
    "SetRepositoryPolicy": [lambda w: {**repository(w), "policyText": REPOSITORY_POLICY}],
    "StartImageScan": [one_image],
    "StartLifecyclePolicyPreview": [lambda w: {"repositoryName": w.image()[0], "lifecyclePolicyText": LIFECYCLE},
                                    lifecycle_kept],
    "TagResource": [lambda w: {**tagged_resource(w), "tags": [{"Key": "owner", "Value": "walk"}]}],
    "UntagResource": [lambda w: {**tagged_resource(w), "tagKeys": ["team"]}],
    "UpdateImageStorageClass": [lambda w: {**one_image(w), "targetStorageClass": "ARCHIVE"}],
    "UpdatePullThroughCacheRule": [
        lambda w: {"ecrRepositoryPrefix": w.rule(), "customRoleArn": "arn:aws:iam::%s:role/walk" % w.account}],
    "UpdateRepositoryCreationTemplate": [lambda w: {"prefix": w.template(), "description": "changed by the walk"}],
    "UploadLayerPart": [part],
    "ValidatePullThroughCacheRule": [lambda w: {"ecrRepositoryPrefix": w.rule()}],
}
