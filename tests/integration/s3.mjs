// SPDX-License-Identifier: MIT
// S3 as the AWS SDK for JavaScript v3 sees it. usage: node s3.mjs ENDPOINT
// Prints {check: "ok" | what went wrong}.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import * as sdk from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [endpoint] = process.argv.slice(2);
const options = {
    endpoint, region: "us-east-1", forcePathStyle: true, maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
};
const client = new sdk.S3Client(options);
const Bucket = "sdk-bucket";
const send = (command) => client.send(command);
const text = (answer) => answer.Body.transformToString();
const MIB = 1024 * 1024;

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
    async buckets() {
        await send(new sdk.CreateBucketCommand({ Bucket }));
        await send(new sdk.HeadBucketCommand({ Bucket }));
        const { Buckets, Owner } = await send(new sdk.ListBucketsCommand({}));
        assert.ok(Buckets.some((bucket) => bucket.Name === Bucket && bucket.CreationDate instanceof Date));
        assert.equal(Owner.ID.length, 64);
        assert.equal((await send(new sdk.GetBucketLocationCommand({ Bucket }))).LocationConstraint, undefined);
        const elsewhere = new sdk.S3Client({ ...options, region: "eu-west-1" });
        await elsewhere.send(new sdk.CreateBucketCommand({ Bucket: "sdk-elsewhere" }));
        const { LocationConstraint } = await send(new sdk.GetBucketLocationCommand({ Bucket: "sdk-elsewhere" }));
        assert.equal(LocationConstraint, "eu-west-1");
        await send(new sdk.DeleteBucketCommand({ Bucket: "sdk-elsewhere" }));
        assert.equal((await failure(new sdk.HeadBucketCommand({ Bucket: "sdk-elsewhere" }))).name, "NotFound");
    },

    async put_and_get() {
        const put = await send(new sdk.PutObjectCommand({
            Bucket, Key: "dir/ä ö+?.txt", Body: "hello", ContentType: "text/plain", Metadata: { Colour: "blue" },
            CacheControl: "max-age=5", Tagging: "a=1&b=x%20y",
        }));
        assert.equal(put.ETag, '"5d41402abc4b2a76b9719d911017c592"');
        assert.equal(put.ChecksumCRC32, "NhCmhg==");
        const got = await send(new sdk.GetObjectCommand({ Bucket, Key: "dir/ä ö+?.txt" }));
        assert.equal(await text(got), "hello");
        assert.equal(got.ContentType, "text/plain");
        assert.deepEqual(got.Metadata, { colour: "blue" });
        assert.equal(got.CacheControl, "max-age=5");
        assert.equal(got.TagCount, 2);
        assert.equal(got.ChecksumCRC32, "NhCmhg==");
        const { TagSet } = await send(new sdk.GetObjectTaggingCommand({ Bucket, Key: "dir/ä ö+?.txt" }));
        assert.deepEqual(TagSet, [{ Key: "a", Value: "1" }, { Key: "b", Value: "x y" }]);
        const part = await send(new sdk.GetObjectCommand({ Bucket, Key: "dir/ä ö+?.txt", Range: "bytes=1-2" }));
        assert.equal(await text(part), "el");
        assert.equal(part.ContentRange, "bytes 1-2/5");
    },

    async streamed_with_a_trailing_checksum() {
        const bytes = randomBytes(3 * MIB + 17);
        for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"]) {
            const put = await send(new sdk.PutObjectCommand({
                Bucket, Key: "stream", Body: Readable.from([bytes.subarray(0, 100000), bytes.subarray(100000)]),
                ContentLength: bytes.length, ChecksumAlgorithm,
            }));
            assert.ok(put["Checksum" + ChecksumAlgorithm]);
            const got = await send(new sdk.GetObjectCommand({ Bucket, Key: "stream", ChecksumMode: "ENABLED" }));
            assert.equal(got["Checksum" + ChecksumAlgorithm], put["Checksum" + ChecksumAlgorithm]);
            assert.ok(bytes.equals(await got.Body.transformToByteArray()));
            assert.equal(got.ContentEncoding, undefined);
        }
    },

    async wrong_checksums_are_refused() {
        const Key = "wrong";
        const sha = await failure(new sdk.PutObjectCommand({
            Bucket, Key, Body: "hello", ChecksumSHA256: createHash("sha256").update("other").digest("base64") }));
        assert.equal(sha.name, "BadDigest");
        const md5 = await failure(new sdk.PutObjectCommand({
            Bucket, Key, Body: "hello", ContentMD5: createHash("md5").update("other").digest("base64") }));
        assert.equal(md5.name, "BadDigest");
        assert.equal((await failure(new sdk.GetObjectCommand({ Bucket, Key }))).name, "NoSuchKey");
    },

    async multipart_by_lib_storage() {
        const bytes = randomBytes(12 * MIB + 5);
        const upload = new Upload({
            client, partSize: 5 * MIB, queueSize: 3, params: { Bucket, Key: "parts", Body: Readable.from([bytes]) } });
        const done = await upload.done();
        assert.match(done.ETag, /^"[0-9a-f]{32}-3"$/);
        const got = await send(new sdk.GetObjectCommand({ Bucket, Key: "parts" }));
        assert.ok(bytes.equals(await got.Body.transformToByteArray()));
        const second = await send(new sdk.GetObjectCommand({ Bucket, Key: "parts", PartNumber: 2 }));
        assert.equal(second.PartsCount, 3);
        assert.equal(second.ContentLength, 5 * MIB);
        assert.ok(bytes.subarray(5 * MIB, 10 * MIB).equals(await second.Body.transformToByteArray()));
    },

    async multipart_checksums() {
        const parts = [randomBytes(5 * MIB), randomBytes(1000)];
        for (const [algorithm, type] of [["SHA256", "COMPOSITE"], ["CRC32", "FULL_OBJECT"]]) {
            const { UploadId } = await send(new sdk.CreateMultipartUploadCommand({
                Bucket, Key: "sums", ChecksumAlgorithm: algorithm, ChecksumType: type }));
            const list = [];
            for (const [i, Body] of parts.entries()) {
                const part = await send(new sdk.UploadPartCommand({
                    Bucket, Key: "sums", UploadId, PartNumber: i + 1, Body, ChecksumAlgorithm: algorithm }));
                list.push({ PartNumber: i + 1, ETag: part.ETag, ["Checksum" + algorithm]: part["Checksum" + algorithm] });
            }
            const listed = await send(new sdk.ListPartsCommand({ Bucket, Key: "sums", UploadId }));
            assert.deepEqual(listed.Parts.map((part) => part.Size), [5 * MIB, 1000]);
            const done = await send(new sdk.CompleteMultipartUploadCommand({
                Bucket, Key: "sums", UploadId, MultipartUpload: { Parts: list } }));
            if (type === "COMPOSITE") {
                const all = createHash("sha256");
                parts.forEach((part) => all.update(createHash("sha256").update(part).digest()));
                assert.equal(done.ChecksumSHA256, all.digest("base64") + "-2");
            } else {
                await send(new sdk.PutObjectCommand({
                    Bucket, Key: "whole", Body: Buffer.concat(parts), ChecksumCRC32: done.ChecksumCRC32 }));
            }
            const { Checksum, ObjectParts } = await send(new sdk.GetObjectAttributesCommand({
                Bucket, Key: "sums", ObjectAttributes: ["Checksum", "ObjectParts"] }));
            assert.equal(Checksum.ChecksumType, type);
            assert.equal(ObjectParts.TotalPartsCount, 2);
        }
    },

    async multipart_errors() {
        const Key = "bad-parts";
        const { UploadId } = await send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }));
        const parts = [];
        for (const PartNumber of [1, 2]) {
            const { ETag } = await send(new sdk.UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body: "small" }));
            parts.push({ PartNumber, ETag });
        }
        const complete = (Parts) => failure(new sdk.CompleteMultipartUploadCommand({
            Bucket, Key, UploadId, MultipartUpload: { Parts } }));
        assert.equal((await complete(parts)).name, "EntityTooSmall");
        assert.equal((await complete([...parts].reverse())).name, "InvalidPartOrder");
        assert.equal((await complete([{ PartNumber: 1, ETag: '"0"' }])).name, "InvalidPart");
        assert.equal((await complete([{ PartNumber: 3, ETag: parts[0].ETag }])).name, "InvalidPart");
        const { Uploads } = await send(new sdk.ListMultipartUploadsCommand({ Bucket }));
        assert.deepEqual(Uploads.map((upload) => upload.Key), [Key]);
        await send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
        assert.equal((await complete(parts)).name, "NoSuchUpload");
    },

    async presigned() {
        const url = await getSignedUrl(client, new sdk.PutObjectCommand({ Bucket, Key: "signed" }), { expiresIn: 60 });
        const put = await fetch(url, { method: "PUT", body: "by url" });
        assert.equal(put.status, 200);
        const get = await getSignedUrl(client, new sdk.GetObjectCommand({
            Bucket, Key: "signed", ResponseContentType: "text/x", ResponseContentDisposition: "attachment" }));
        const got = await fetch(get);
        assert.equal(await got.text(), "by url");
        assert.equal(got.headers.get("content-type"), "text/x");
        assert.equal(got.headers.get("content-disposition"), "attachment");
        const old = await getSignedUrl(client, new sdk.GetObjectCommand({ Bucket, Key: "signed" }),
            { expiresIn: 60, signingDate: new Date(Date.now() - 120000) });
        const late = await fetch(old);
        assert.equal(late.status, 403);
        assert.match(await late.text(), /<Code>AccessDenied<\/Code><Message>Request has expired/);
    },

    async virtual_hosts() {
        // Node asks the machine for names below .localhost: the host is given to the socket by hand.
        const port = new URL(endpoint).port;
        const { request } = await import("node:http");
        const get = (host, path) => new Promise((resolve, reject) => request({
            host: "127.0.0.1", port, path, headers: { host } }, async (res) => {
            let body = "";
            for await (const chunk of res) body += chunk;
            resolve([res.statusCode, body]);
        }).on("error", reject).end());
        for (const host of [`${Bucket}.localhost:${port}`, `${Bucket}.s3.localhost`,
            `${Bucket}.s3.us-east-1.amazonaws.com`, `${Bucket}.s3.localhost.localstack.cloud:${port}`]) {
            assert.deepEqual(await get(host, "/signed"), [200, "by url"]);
        }
        assert.deepEqual(await get(`s3.localhost:${port}`, `/${Bucket}/signed`), [200, "by url"]);
    },

    async conditions() {
        const Key = "signed";
        const { ETag, LastModified } = await send(new sdk.HeadObjectCommand({ Bucket, Key }));
        assert.equal((await failure(new sdk.GetObjectCommand({ Bucket, Key, IfMatch: '"x"' }))).name,
            "PreconditionFailed");
        const same = await failure(new sdk.GetObjectCommand({ Bucket, Key, IfNoneMatch: ETag }));
        assert.equal(same.$metadata.httpStatusCode, 304);
        const old = await failure(new sdk.HeadObjectCommand({ Bucket, Key, IfModifiedSince: LastModified }));
        assert.equal(old.$metadata.httpStatusCode, 304);
        const taken = await failure(new sdk.PutObjectCommand({ Bucket, Key, Body: "x", IfNoneMatch: "*" }));
        assert.equal(taken.name, "PreconditionFailed");
        await send(new sdk.PutObjectCommand({ Bucket, Key: "fresh", Body: "x", IfNoneMatch: "*" }));
        const range = await failure(new sdk.GetObjectCommand({ Bucket, Key, Range: "bytes=100-" }));
        assert.equal(range.name, "InvalidRange");
    },

    async copies() {
        const { CopyObjectResult } = await send(new sdk.CopyObjectCommand({
            Bucket, Key: "copy", CopySource: encodeURIComponent(`${Bucket}/dir/ä ö+?.txt`) }));
        assert.equal(CopyObjectResult.ETag, '"5d41402abc4b2a76b9719d911017c592"');
        await send(new sdk.DeleteObjectCommand({ Bucket, Key: "dir/ä ö+?.txt" }));
        const copy = await send(new sdk.GetObjectCommand({ Bucket, Key: "copy" }));
        assert.equal(await text(copy), "hello");
        assert.deepEqual(copy.Metadata, { colour: "blue" });
        assert.equal(copy.TagCount, 2);
        const itself = { Bucket, Key: "copy", CopySource: `${Bucket}/copy` };
        assert.equal((await failure(new sdk.CopyObjectCommand(itself))).name, "InvalidRequest");
        await send(new sdk.CopyObjectCommand({
            ...itself, MetadataDirective: "REPLACE", Metadata: { size: "L" }, ContentType: "a/b" }));
        const replaced = await send(new sdk.HeadObjectCommand({ Bucket, Key: "copy" }));
        assert.deepEqual([replaced.Metadata, replaced.ContentType], [{ size: "L" }, "a/b"]);
        const { UploadId } = await send(new sdk.CreateMultipartUploadCommand({ Bucket, Key: "joined" }));
        const part = await send(new sdk.UploadPartCopyCommand({
            Bucket, Key: "joined", UploadId, PartNumber: 1, CopySource: `${Bucket}/copy`, CopySourceRange: "bytes=1-3" }));
        await send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key: "joined", UploadId,
            MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.CopyPartResult.ETag }] } }));
        assert.equal(await text(await send(new sdk.GetObjectCommand({ Bucket, Key: "joined" }))), "ell");
        const { CopyObjectResult: whole } = await send(new sdk.CopyObjectCommand({
            Bucket, Key: "whole-again", CopySource: `${Bucket}/joined` }));
        assert.equal(whole.ETag, `"${createHash("md5").update("ell").digest("hex")}"`);
    },

    async acls_and_tags() {
        const Key = "copy";
        const { Grants, Owner } = await send(new sdk.GetObjectAclCommand({ Bucket, Key }));
        assert.deepEqual(Grants.map((grant) => [grant.Grantee.ID, grant.Permission]), [[Owner.ID, "FULL_CONTROL"]]);
        await send(new sdk.PutObjectAclCommand({ Bucket, Key, ACL: "public-read" }));
        const open = await send(new sdk.GetObjectAclCommand({ Bucket, Key }));
        assert.equal(open.Grants[1].Grantee.URI, "http://acs.amazonaws.com/groups/global/AllUsers");
        assert.equal(open.Grants[1].Grantee.Type, "Group");
        await send(new sdk.PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: [{ Key: "k", Value: "v" }] } }));
        assert.deepEqual((await send(new sdk.GetObjectTaggingCommand({ Bucket, Key }))).TagSet, [{ Key: "k", Value: "v" }]);
        await send(new sdk.DeleteObjectTaggingCommand({ Bucket, Key }));
        assert.deepEqual((await send(new sdk.GetObjectTaggingCommand({ Bucket, Key }))).TagSet, []);
        assert.equal((await send(new sdk.GetObjectAclCommand({ Bucket, Key }))).Grants.length, 2);
    },

    async lists_and_deletes() {
        for (let i = 0; i < 25; i++) {
            await send(new sdk.PutObjectCommand({ Bucket, Key: `many/${i % 5}/ä&${i}`, Body: String(i) }));
        }
        const keys = [];
        for await (const page of sdk.paginateListObjectsV2({ client, pageSize: 7 }, { Bucket, Prefix: "many/" })) {
            keys.push(...page.Contents.map((object) => object.Key));
        }
        assert.equal(keys.length, 25);
        assert.deepEqual(keys, [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
        const rolled = await send(new sdk.ListObjectsCommand({ Bucket, Prefix: "many/", Delimiter: "/", MaxKeys: 3 }));
        assert.deepEqual(rolled.CommonPrefixes.map((prefix) => prefix.Prefix), ["many/0/", "many/1/", "many/2/"]);
        assert.equal(rolled.NextMarker, "many/2/");
        const { Deleted } = await send(new sdk.DeleteObjectsCommand({
            Bucket, Delete: { Objects: [...keys, "never"].map((Key) => ({ Key })) } }));
        assert.equal(Deleted.length, 26);
        const { KeyCount } = await send(new sdk.ListObjectsV2Command({ Bucket, Prefix: "many/" }));
        assert.equal(KeyCount, 0);
        const { Versions } = await send(new sdk.ListObjectVersionsCommand({ Bucket, Prefix: "fresh" }));
        assert.deepEqual(Versions.map((version) => [version.Key, version.VersionId, version.IsLatest]),
            [["fresh", "null", true]]);
    },

    async settings() {
        const setting = { Bucket };
        const { ServerSideEncryptionConfiguration } = await send(new sdk.GetBucketEncryptionCommand(setting));
        assert.equal(ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm, "AES256");
        for (const [Command, name] of [
            ["GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"], ["GetBucketPolicy", "NoSuchBucketPolicy"],
            ["GetBucketCors", "NoSuchCORSConfiguration"], ["GetBucketTagging", "NoSuchTagSet"],
            ["GetBucketWebsite", "NoSuchWebsiteConfiguration"], ["GetBucketPolicyStatus", "NoSuchBucketPolicy"],
            ["GetBucketReplication", "ReplicationConfigurationNotFoundError"],
            ["GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"]]) {
            assert.equal((await failure(new sdk[Command + "Command"](setting))).name, name);
        }
        assert.equal((await send(new sdk.GetBucketVersioningCommand(setting))).Status, undefined);
        assert.equal((await send(new sdk.GetBucketRequestPaymentCommand(setting))).Payer, "BucketOwner");
        for (const Command of ["BucketNotificationConfiguration", "BucketLogging", "BucketAccelerateConfiguration"]) {
            await send(new sdk["Get" + Command + "Command"](setting));
        }
        const { PublicAccessBlockConfiguration } = await send(new sdk.GetPublicAccessBlockCommand(setting));
        assert.equal(PublicAccessBlockConfiguration.BlockPublicAcls, true);
        await send(new sdk.DeletePublicAccessBlockCommand(setting));
        assert.equal((await failure(new sdk.GetPublicAccessBlockCommand(setting))).name,
            "NoSuchPublicAccessBlockConfiguration");
        await send(new sdk.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
        assert.equal((await send(new sdk.GetBucketVersioningCommand(setting))).Status, "Enabled");
        const Rules = [{ ID: "r", Status: "Enabled", Filter: { Prefix: "a&b/" }, Expiration: { Days: 3 } }];
        await send(new sdk.PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
        assert.deepEqual((await send(new sdk.GetBucketLifecycleConfigurationCommand(setting))).Rules, Rules);
        const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [
            { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" }] });
        await send(new sdk.PutBucketPolicyCommand({ Bucket, Policy }));
        assert.equal((await send(new sdk.GetBucketPolicyCommand(setting))).Policy, Policy);
        assert.equal((await send(new sdk.GetBucketPolicyStatusCommand(setting))).PolicyStatus.IsPublic, true);
        assert.equal((await failure(new sdk.PutBucketPolicyCommand({ Bucket, Policy: "no" }))).name, "MalformedPolicy");
        const kms = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: "k1" };
        await send(new sdk.PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: {
            Rules: [{ ApplyServerSideEncryptionByDefault: kms, BucketKeyEnabled: true }] } }));
        const put = await send(new sdk.PutObjectCommand({ Bucket, Key: "kms", Body: "" }));
        assert.deepEqual([put.ServerSideEncryption, put.SSEKMSKeyId, put.BucketKeyEnabled], ["aws:kms", "k1", true]);
        const head = await send(new sdk.HeadObjectCommand({ Bucket, Key: "kms" }));
        assert.equal(head.ServerSideEncryption, "aws:kms");
    },
};

const results = {};
for (const [name, check] of Object.entries(checks)) {
    try {
        await check();
        results[name] = "ok";
    } catch (error) {
        results[name] = String(error.stack || error);
    }
}
console.log(JSON.stringify(results));
