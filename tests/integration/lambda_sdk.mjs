// SPDX-License-Identifier: MIT
// Lambda as the AWS SDK for JavaScript v3 sees it. usage: node lambda_sdk.mjs ENDPOINT IMAGE_URI ARCHITECTURE
// Prints {check: "ok" | what went wrong}.
import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-lambda";

const [endpoint, ImageUri, architecture] = process.argv.slice(2);
const client = new sdk.LambdaClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
});
const Role = "arn:aws:iam::000000000000:role/lambda";
const FunctionName = "sdk";
const waiting = { client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 };
const send = (command) => client.send(command);
const json = (payload) => JSON.parse(Buffer.from(payload).toString());
const event = (script) => JSON.stringify({ do: script });

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
    async create_and_wait() {
        const made = await send(new sdk.CreateFunctionCommand({
            FunctionName, Role, PackageType: "Image", Code: { ImageUri }, Architectures: [architecture],
            Timeout: 20, Environment: { Variables: { AA: "1" } } }));
        assert.equal(made.State, "Pending");
        await sdk.waitUntilFunctionActiveV2(waiting, { FunctionName });
        await sdk.waitUntilFunctionExists(waiting, { FunctionName });
        const { Configuration, Code } = await send(new sdk.GetFunctionCommand({ FunctionName }));
        assert.equal(Configuration.State, "Active");
        assert.equal(Code.ImageUri, ImageUri);
    },

    async invoke() {
        const answer = await send(new sdk.InvokeCommand({ FunctionName, Payload: event("out hello;echo"), LogType: "Tail",
            ClientContext: Buffer.from('{"custom":{"a":1}}').toString("base64") }));
        assert.equal(answer.StatusCode, 200);
        assert.equal(answer.ExecutedVersion, "$LATEST");
        assert.equal(answer.FunctionError, undefined);
        const told = json(answer.Payload);
        assert.equal(told.context.requestId, answer.$metadata.requestId);
        assert.equal(told.context.clientContext, '{"custom":{"a":1}}');
        assert.match(Buffer.from(answer.LogResult, "base64").toString(), /^hello$/m);
    },

    async invoke_in_all_types() {
        const kinds = [["Event", 202], ["DryRun", 204], ["RequestResponse", 200]];
        for (const [InvocationType, status] of kinds) {
            const answer = await send(new sdk.InvokeCommand({ FunctionName, InvocationType, Payload: event("raw 1") }));
            assert.equal(answer.StatusCode, status);
        }
        const failed = await send(new sdk.InvokeCommand({ FunctionName, Payload: event("fail My.Error oh") }));
        assert.equal(failed.FunctionError, "Unhandled");
        assert.equal(json(failed.Payload).errorType, "My.Error");
    },

    async invoke_with_response_stream() {
        const { EventStream, ExecutedVersion } = await send(new sdk.InvokeWithResponseStreamCommand({
            FunctionName, Payload: event("stream 3 50 4"), LogType: "Tail" }));
        assert.equal(ExecutedVersion, "$LATEST");
        const chunks = [];
        let complete;
        for await (const one of EventStream) {
            if (one.PayloadChunk) {
                chunks.push(Buffer.from(one.PayloadChunk.Payload));
            }
            complete = one.InvokeComplete ?? complete;
        }
        assert.equal(Buffer.concat(chunks).toString(), "aaaabbbbcccc");
        assert.equal(complete.ErrorCode, undefined);
        assert.match(Buffer.from(complete.LogResult, "base64").toString(), /REPORT RequestId/);
    },

    async update_and_wait() {
        const changed = await send(new sdk.UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 10 }));
        assert.equal(changed.LastUpdateStatus, "InProgress");
        await sdk.waitUntilFunctionUpdatedV2(waiting, { FunctionName });
        await send(new sdk.UpdateFunctionCodeCommand({ FunctionName, ImageUri }));
        await sdk.waitUntilFunctionUpdatedV2(waiting, { FunctionName });
        const version = await send(new sdk.PublishVersionCommand({ FunctionName }));
        assert.equal(version.Version, "1");
        await sdk.waitUntilPublishedVersionActive(waiting, { FunctionName, Qualifier: "1" });
    },

    async aliases_and_permissions() {
        const alias = await send(new sdk.CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: "1" }));
        assert.match(alias.AliasArn, /:function:sdk:live$/);
        const answer = await send(new sdk.InvokeCommand({ FunctionName, Qualifier: "live", Payload: event("raw 1") }));
        assert.equal(answer.ExecutedVersion, "1");
        const { Statement } = await send(new sdk.AddPermissionCommand({ FunctionName, StatementId: "s3",
            Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com" }));
        assert.equal(JSON.parse(Statement).Sid, "s3");
        const { Policy } = await send(new sdk.GetPolicyCommand({ FunctionName }));
        assert.equal(JSON.parse(Policy).Statement.length, 1);
    },

    async settings_of_a_function() {
        await send(new sdk.PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1 }));
        const config = await send(new sdk.GetFunctionEventInvokeConfigCommand({ FunctionName }));
        assert.ok(config.LastModified instanceof Date);
        assert.ok(Math.abs(config.LastModified - Date.now()) < 60000);
        const url = await send(new sdk.CreateFunctionUrlConfigCommand({ FunctionName, AuthType: "NONE" }));
        assert.match(url.FunctionUrl, /\.lambda-url\.us-east-1\./);
        const Resource = `arn:aws:lambda:us-east-1:000000000000:function:${FunctionName}`;
        await send(new sdk.TagResourceCommand({ Resource, Tags: { a: "1", b: "2" } }));
        await send(new sdk.UntagResourceCommand({ Resource, TagKeys: ["a"] }));
        assert.deepEqual((await send(new sdk.ListTagsCommand({ Resource }))).Tags, { b: "2" });
        await send(new sdk.PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
        const throttled = await failure(new sdk.InvokeCommand({ FunctionName, Payload: "1" }));
        assert.ok(throttled instanceof sdk.TooManyRequestsException, throttled);
        assert.equal(throttled.Reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
        await send(new sdk.DeleteFunctionConcurrencyCommand({ FunctionName }));
        assert.ok((await send(new sdk.GetAccountSettingsCommand({}))).AccountUsage.FunctionCount >= 1);
    },

    async paginators() {
        for (let i = 0; i < 5; i++) {
            await send(new sdk.CreateFunctionCommand({ FunctionName: `page${i}`, Role, PackageType: "Image",
                Code: { ImageUri }, Architectures: [architecture] }));
        }
        const names = [];
        let pages = 0;
        for await (const page of sdk.paginateListFunctions({ client, pageSize: 2 }, {})) {
            names.push(...page.Functions.map((f) => f.FunctionName));
            pages++;
        }
        assert.equal(new Set(names).size, names.length);
        assert.equal(names.filter((n) => n.startsWith("page")).length, 5);
        assert.ok(pages >= 3);
        for (let i = 0; i < 5; i++) {
            await sdk.waitUntilFunctionActiveV2(waiting, { FunctionName: `page${i}` });
            await send(new sdk.DeleteFunctionCommand({ FunctionName: `page${i}` }));
        }
    },

    async error_classes() {
        const missing = await failure(new sdk.GetFunctionCommand({ FunctionName: "nobody" }));
        assert.ok(missing instanceof sdk.ResourceNotFoundException, missing);
        assert.equal(missing.$metadata.httpStatusCode, 404);
        assert.equal(missing.message, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody");
        const create = (change) => new sdk.CreateFunctionCommand({ FunctionName, Role, PackageType: "Image",
            Code: { ImageUri }, Architectures: [architecture], ...change });
        assert.ok(await failure(create({})) instanceof sdk.ResourceConflictException);
        const invalid = await failure(create({ FunctionName: "x", Code: { ImageUri: `${ImageUri}-nope` } }));
        assert.ok(invalid instanceof sdk.InvalidParameterValueException, invalid);
        const parse = await failure(new sdk.InvokeCommand({ FunctionName, Payload: "{" }));
        assert.ok(parse instanceof sdk.InvalidRequestContentException, parse);
        const stale = await failure(new sdk.UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 3,
            RevisionId: "00000000-0000-0000-0000-000000000000" }));
        assert.ok(stale instanceof sdk.PreconditionFailedException, stale);
    },

    async delete() {
        await send(new sdk.DeleteFunctionCommand({ FunctionName }));
        const missing = await failure(new sdk.GetFunctionCommand({ FunctionName }));
        assert.equal(missing.name, "ResourceNotFoundException");
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
