// SPDX-License-Identifier: MIT
// Referrers and account settings as the AWS SDK for JavaScript v3 sees them.
// usage: node sdk_wire.mjs ENDPOINT REPOSITORY SUBJECT
import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-ecr";

const [endpoint, repositoryName, imageDigest] = process.argv.slice(2);
const client = new sdk.ECRClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
});
const send = (command) => client.send(command);

const seen = [];
let nextToken;
do {
    const page = await send(new sdk.ListImageReferrersCommand({
        repositoryName, subjectId: { imageDigest }, maxResults: 2, nextToken }));
    seen.push(...page.referrers);
    nextToken = page.nextToken;
} while (nextToken !== undefined);
assert.equal(seen.length, 3);
for (const referrer of seen) {
    assert.equal(referrer.artifactStatus, "ACTIVE");
    assert.equal(typeof referrer.size, "number");
    assert.deepEqual(referrer.annotations, { "org.example": "b" });
}
const typed = await send(new sdk.ListImageReferrersCommand({
    repositoryName, subjectId: { imageDigest }, filter: { artifactTypes: [seen[0].artifactType] } }));
assert.deepEqual(typed.referrers, [seen[0]]);

const before = await send(new sdk.GetAccountSettingCommand({ name: "BLOB_MOUNTING" }));
assert.equal(before.value, "ENABLED");
const put = await send(new sdk.PutAccountSettingCommand({ name: "BLOB_MOUNTING", value: "DISABLED" }));
assert.deepEqual([put.name, put.value], ["BLOB_MOUNTING", "DISABLED"]);
assert.equal((await send(new sdk.GetAccountSettingCommand({ name: "BLOB_MOUNTING" }))).value, "DISABLED");
await send(new sdk.PutAccountSettingCommand({ name: "BLOB_MOUNTING", value: "ENABLED" }));
await assert.rejects(send(new sdk.GetAccountSettingCommand({ name: "COLOUR" })), sdk.ValidationException);
await assert.rejects(send(new sdk.PutAccountSettingCommand({ name: "BLOB_MOUNTING", value: "MAYBE" })),
    sdk.InvalidParameterException);
console.log("ok");
