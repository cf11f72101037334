// SPDX-License-Identifier: MIT
// Creation templates and pull-through cache rules as the AWS SDK for JavaScript v3 sees them.
// usage: node sdk_cache.mjs ENDPOINT. Ends with 0 when all is well.
import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-ecr";

const client = new sdk.ECRClient({
    endpoint: process.argv[2],
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
});
const send = (command) => client.send(command);

async function failure(command) {
    try {
        await send(command);
    } catch (error) {
        return error;
    }
    throw new Error("the call succeeded");
}

const template = {
    prefix: "sdk/templates",
    description: "of the SDK",
    encryptionConfiguration: { encryptionType: "AES256" },
    resourceTags: [{ Key: "a", Value: "b" }],
    imageTagMutability: "IMMUTABLE_WITH_EXCLUSION",
    imageTagMutabilityExclusionFilters: [{ filterType: "WILDCARD", filter: "dev*" }],
    appliedFor: ["CREATE_ON_PUSH", "REPLICATION"],
    customRoleArn: "arn:aws:iam::000000000000:role/templates",
};
const { repositoryCreationTemplate: made } = await send(new sdk.CreateRepositoryCreationTemplateCommand(template));
const { createdAt, updatedAt, ...rest } = made;
assert.deepEqual(rest, template);
assert.ok(createdAt instanceof Date && updatedAt instanceof Date);
assert.ok(await failure(new sdk.CreateRepositoryCreationTemplateCommand(template)) instanceof
    sdk.TemplateAlreadyExistsException);
await send(new sdk.UpdateRepositoryCreationTemplateCommand({ prefix: template.prefix, description: "" }));
const all = [];
for await (const page of sdk.paginateDescribeRepositoryCreationTemplates({ client, pageSize: 1 }, {})) {
    all.push(...page.repositoryCreationTemplates);
}
assert.equal(all.length, 1);
assert.equal(all[0].description, undefined);
await send(new sdk.DeleteRepositoryCreationTemplateCommand({ prefix: template.prefix }));
assert.ok(await failure(new sdk.DeleteRepositoryCreationTemplateCommand({ prefix: template.prefix })) instanceof
    sdk.TemplateNotFoundException);
assert.ok(await failure(new sdk.CreateRepositoryCreationTemplateCommand({ ...template, prefix: "NO" })) instanceof
    sdk.ValidationException);

const rule = { ecrRepositoryPrefix: "sdk-quay", upstreamRegistryUrl: "quay.io", upstreamRepositoryPrefix: "team" };
const created = await send(new sdk.CreatePullThroughCacheRuleCommand(rule));
assert.equal(created.upstreamRegistry, "quay");
assert.equal(created.upstreamRepositoryPrefix, "team");
assert.ok(created.createdAt instanceof Date);
assert.ok(await failure(new sdk.CreatePullThroughCacheRuleCommand(rule)) instanceof
    sdk.PullThroughCacheRuleAlreadyExistsException);
assert.ok(await failure(new sdk.CreatePullThroughCacheRuleCommand({ ...rule, upstreamRegistryUrl: "example.com" }))
    instanceof sdk.UnsupportedUpstreamRegistryException);
const rules = [];
for await (const page of sdk.paginateDescribePullThroughCacheRules({ client, pageSize: 1 }, {})) {
    rules.push(...page.pullThroughCacheRules);
}
assert.deepEqual(rules.map((one) => one.ecrRepositoryPrefix), ["sdk-quay"]);
assert.ok(rules[0].updatedAt instanceof Date);
await send(new sdk.DeletePullThroughCacheRuleCommand({ ecrRepositoryPrefix: "sdk-quay" }));
assert.ok(await failure(new sdk.ValidatePullThroughCacheRuleCommand({ ecrRepositoryPrefix: "sdk-quay" })) instanceof
    sdk.PullThroughCacheRuleNotFoundException);
