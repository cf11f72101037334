// SPDX-License-Identifier: MIT
// ECR as the AWS SDK for JavaScript v3 sees it. usage: node sdk.mjs ENDPOINT DIGEST REGISTRY_PORT
// Prints {check: "ok" | what went wrong}; repository sdk/pushed holds DIGEST as v1 and another image as v2.
import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-ecr";

const [endpoint, digest, port] = process.argv.slice(2);
const client = new sdk.ECRClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
});
const repositoryName = "sdk/app";
const send = (command) => client.send(command);

// The error that a call ends with.
async function failure(command) {
    try {
        await send(command);
    } catch (error) {
        return error;
    }
    throw new Error("the call succeeded");
}

const checks = {
    async create_and_describe() {
        const { repository } = await send(new sdk.CreateRepositoryCommand({
            repositoryName, tags: [{ Key: "team", Value: "rain" }],
            imageScanningConfiguration: { scanOnPush: true },
        }));
        assert.equal(repository.repositoryUri, `000000000000.dkr.ecr.us-east-1.localhost:${port}/sdk/app`);
        assert.ok(repository.createdAt instanceof Date);
        assert.ok(Math.abs(repository.createdAt - Date.now()) < 60000);
        assert.deepEqual(repository.imageScanningConfiguration, { scanOnPush: true });
        const { repositories } = await send(new sdk.DescribeRepositoriesCommand({
            repositoryNames: [repositoryName] }));
        assert.deepEqual(repositories, [repository]);
    },

    async authorization_token() {
        const { authorizationData: [data] } = await send(new sdk.GetAuthorizationTokenCommand({}));
        assert.equal(Buffer.from(data.authorizationToken, "base64").toString(), "AWS:floci");
        assert.equal(data.proxyEndpoint, `http://000000000000.dkr.ecr.us-east-1.localhost:${port}`);
        assert.ok(data.expiresAt - Date.now() > 11 * 3600 * 1000);
    },

    async list_and_describe_images() {
        const { imageIds } = await send(new sdk.ListImagesCommand({ repositoryName: "sdk/pushed" }));
        assert.deepEqual(imageIds.map((id) => id.imageTag).sort(), ["v1", "v2"]);
        const { imageDetails: [detail] } = await send(new sdk.DescribeImagesCommand({
            repositoryName: "sdk/pushed", imageIds: [{ imageTag: "v1" }] }));
        assert.equal(detail.imageDigest, digest);
        assert.ok(detail.imagePushedAt instanceof Date);
        assert.ok(detail.imageSizeInBytes > 0);
    },

    async batch_get_image() {
        const { images, failures } = await send(new sdk.BatchGetImageCommand({
            repositoryName: "sdk/pushed", imageIds: [{ imageTag: "v1" }, { imageTag: "nope" }],
            acceptedMediaTypes: ["application/vnd.oci.image.manifest.v1+json"] }));
        assert.equal(images[0].imageId.imageDigest, digest);
        assert.equal(JSON.parse(images[0].imageManifest).schemaVersion, 2);
        assert.deepEqual(failures, [{ imageId: { imageTag: "nope" }, failureCode: "ImageNotFound",
            failureReason: "Requested image not found" }]);
    },

    async paginators() {
        for (let i = 0; i < 7; i++) {
            await send(new sdk.CreateRepositoryCommand({ repositoryName: `sdk/page${i}` }));
        }
        const names = [];
        let pages = 0;
        for await (const page of sdk.paginateDescribeRepositories({ client, pageSize: 2 }, {})) {
            names.push(...page.repositories.map((r) => r.repositoryName));
            pages++;
        }
        assert.equal(new Set(names).size, names.length);
        assert.equal(names.filter((n) => n.startsWith("sdk/page")).length, 7);
        assert.ok(pages >= 4);
        const tags = [];
        for await (const page of sdk.paginateListImages({ client, pageSize: 1 }, {
            repositoryName: "sdk/pushed" })) {
            tags.push(...page.imageIds.map((id) => id.imageTag));
        }
        assert.deepEqual(tags.sort(), ["v1", "v2"]);
    },

    // By this class CDK decides whether an asset is still to be pushed.
    async absent_image_is_its_own_class() {
        const absent = await failure(new sdk.DescribeImagesCommand({
            repositoryName: "sdk/pushed", imageIds: [{ imageTag: "absent" }] }));
        assert.equal(absent.name, "ImageNotFoundException");
        assert.ok(absent instanceof sdk.ImageNotFoundException);
    },

    async error_classes() {
        const exists = await failure(new sdk.CreateRepositoryCommand({ repositoryName }));
        assert.ok(exists instanceof sdk.RepositoryAlreadyExistsException);
        assert.equal(exists.message,
            "The repository with name 'sdk/app' already exists in the registry with id '000000000000'");
        assert.equal(exists.$metadata.httpStatusCode, 400);
        assert.match(exists.$metadata.requestId, /^[0-9a-f-]{36}$/);
        const absent = await failure(new sdk.ListImagesCommand({ repositoryName: "absent" }));
        assert.ok(absent instanceof sdk.RepositoryNotFoundException);
        const invalid = await failure(new sdk.CreateRepositoryCommand({ repositoryName: "NO" }));
        assert.ok(invalid instanceof sdk.InvalidParameterException);
        const full = await failure(new sdk.DeleteRepositoryCommand({ repositoryName: "sdk/pushed" }));
        assert.ok(full instanceof sdk.RepositoryNotEmptyException);
        const none = await failure(new sdk.GetLifecyclePolicyCommand({ repositoryName }));
        assert.ok(none instanceof sdk.LifecyclePolicyNotFoundException);
        const unscanned = await failure(new sdk.DescribeImageScanFindingsCommand({
            repositoryName: "sdk/pushed", imageId: { imageTag: "v1" } }));
        assert.ok(unscanned instanceof sdk.ScanNotFoundException);
    },

    async tags_and_policies() {
        const resourceArn = "arn:aws:ecr:us-east-1:000000000000:repository/sdk/app";
        await send(new sdk.TagResourceCommand({ resourceArn, tags: [{ Key: "a", Value: "b" }] }));
        await send(new sdk.UntagResourceCommand({ resourceArn, tagKeys: ["team"] }));
        const { tags } = await send(new sdk.ListTagsForResourceCommand({ resourceArn }));
        assert.deepEqual(tags, [{ Key: "a", Value: "b" }]);
        const policyText = JSON.stringify({ Version: "2012-10-17", Statement: [{
            Sid: "a", Effect: "Allow", Principal: "*", Action: "ecr:BatchGetImage" }] });
        await send(new sdk.SetRepositoryPolicyCommand({ repositoryName, policyText }));
        assert.equal((await send(new sdk.GetRepositoryPolicyCommand({ repositoryName }))).policyText, policyText);
        const lifecyclePolicyText = JSON.stringify({ rules: [{ rulePriority: 1, selection: {
            tagStatus: "untagged", countType: "imageCountMoreThan", countNumber: 1 },
        action: { type: "expire" } }] });
        await send(new sdk.PutLifecyclePolicyCommand({ repositoryName, lifecyclePolicyText }));
        const got = await send(new sdk.GetLifecyclePolicyCommand({ repositoryName }));
        assert.equal(got.lifecyclePolicyText, lifecyclePolicyText);
        assert.ok(got.lastEvaluatedAt instanceof Date);
    },

    async scanning() {
        const image = { repositoryName: "sdk/pushed", imageId: { imageTag: "v1" } };
        const { imageScanStatus } = await send(new sdk.StartImageScanCommand(image));
        assert.deepEqual(imageScanStatus, { status: "IN_PROGRESS" });
        await sdk.waitUntilImageScanComplete({ client, maxWaitTime: 60, minDelay: 1 }, image);
        const { imageScanFindings } = await send(new sdk.DescribeImageScanFindingsCommand(image));
        assert.ok(imageScanFindings.imageScanCompletedAt instanceof Date);
        assert.deepEqual(imageScanFindings.findings, []);
        assert.ok(await failure(new sdk.StartImageScanCommand(image)) instanceof sdk.LimitExceededException);
        const rules = [{ scanFrequency: "CONTINUOUS_SCAN", repositoryFilters: [{ filter: "none", filterType: "WILDCARD" }] }];
        await send(new sdk.PutRegistryScanningConfigurationCommand({ scanType: "ENHANCED", rules }));
        const { scanningConfiguration } = await send(new sdk.GetRegistryScanningConfigurationCommand({}));
        assert.deepEqual(scanningConfiguration, { scanType: "ENHANCED", rules });
        assert.ok(await failure(new sdk.StartImageScanCommand(image)) instanceof sdk.ValidationException);
    },

    async signing() {
        const signingConfiguration = { rules: [{
            signingProfileArn: "arn:aws:signer:us-east-1:000000000000:/signing-profiles/sdk" }] };
        await send(new sdk.PutSigningConfigurationCommand({ signingConfiguration }));
        const got = await send(new sdk.GetSigningConfigurationCommand({}));
        assert.deepEqual(got.signingConfiguration, signingConfiguration);
        await send(new sdk.DeleteSigningConfigurationCommand({}));
        assert.ok(await failure(new sdk.GetSigningConfigurationCommand({}))
            instanceof sdk.SigningConfigurationNotFoundException);
        const { signingStatuses } = await send(new sdk.DescribeImageSigningStatusCommand({
            repositoryName: "sdk/pushed", imageId: { imageTag: "v1" } }));
        assert.deepEqual(signingStatuses, []);
    },

    async delete() {
        const { imageIds, failures } = await send(new sdk.BatchDeleteImageCommand({
            repositoryName: "sdk/pushed", imageIds: [{ imageTag: "v1" }] }));
        assert.deepEqual(imageIds, [{ imageDigest: digest, imageTag: "v1" }]);
        assert.deepEqual(failures, []);
        for (const name of ["sdk/pushed", repositoryName]) {
            const { repository } = await send(new sdk.DeleteRepositoryCommand({
                repositoryName: name, force: true }));
            assert.equal(repository.repositoryName, name);
        }
        const { repositories } = await send(new sdk.DescribeRepositoriesCommand({}));
        assert.ok(repositories.every((r) => r.repositoryName.startsWith("sdk/page")));
    },
};

const results = {};
for (const [name, check] of Object.entries(checks)) {
    try {
        await check();
        results[name] = "ok";
    } catch (error) {
        results[name] = String(error.stack ?? error);
    }
}
console.log(JSON.stringify(results));
