# SPDX-License-Identifier: MIT
"""S3: the aws command line, raw HTTP, restarts and kill -9."""
import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from aws import Cli, authorization  # noqa: E402
from virga import Virga, sanitized, wait_for  # noqa: E402

MIB = 1 << 20
ALONE = {"floci.services.ecr.enabled": "false"}


class S3Case(unittest.TestCase):
    settings = ALONE

    @classmethod
    def setUpClass(cls):
        cls.virga = Virga(settings=dict(cls.settings))
        cls.addClassCleanup(cls.virga.cleanup)
        cls.virga.start()
        cls.buckets = 0

    def call(self, method, path, body=None, headers=None, account="000000000000", region="us-east-1"):
        """One signed request: (status, headers, body)."""
        return self.virga.http(method, path, body, {
            "Authorization": authorization(account, region, "s3"), **(headers or {})})

    def ok(self, method, path, body=None, headers=None, status=200, **more):
        got, answer, text = self.call(method, path, body, headers, **more)
        self.assertEqual(got, status, text)
        return answer, text

    def fails(self, status, code, method, path, body=None, headers=None, **more):
        got, answer, text = self.call(method, path, body, headers, **more)
        self.assertEqual((got, re.search(b"<Code>(.*?)</Code>", text).group(1).decode()), (status, code), text)
        return answer, text

    def bucket(self):
        type(self).buckets += 1
        name = "bucket-%d" % self.buckets
        self.ok("PUT", "/" + name)
        return name

    def files(self):
        """The object files on disk."""
        found = []
        for root, _dirs, names in os.walk(os.path.join(self.virga.data, "s3")):
            found += [os.path.join(root, name) for name in names]
        return found


class CommandLine(S3Case):
    """What people type."""

    def setUp(self):
        self.cli = Cli(self.virga, service="s3")
        self.api = Cli(self.virga, service="s3api")
        self.dir = os.path.join(self.virga.dir, self.id().rsplit(".", 1)[1])
        os.makedirs(self.dir)
        self.name = self.bucket()

    def write(self, name, content):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
        return path

    def test_copies_there_and_back(self):
        big = os.urandom(20 * MIB + 3)  # in parts of 8 MiB
        self.cli.text("cp", self.write("big", big), "s3://%s/x/big" % self.name, "--no-progress")
        self.cli.text("cp", "s3://%s/x/big" % self.name, os.path.join(self.dir, "back"), "--no-progress")
        with open(os.path.join(self.dir, "back"), "rb") as f:
            self.assertEqual(f.read(), big)
        self.cli.text("mv", "s3://%s/x/big" % self.name, "s3://%s/y" % self.name, "--no-progress")
        head = self.api.json("head-object", "--bucket", self.name, "--key", "y")
        self.assertEqual(head["ContentLength"], len(big))
        self.assertRegex(head["ETag"], r'^"[0-9a-f]{32}-3"$')
        self.assertNotIn("x/", self.cli.text("ls", "s3://%s" % self.name))

    def test_sync(self):
        for i in range(30):
            self.write("tree/d%d/f%d ä&.txt" % (i % 3, i), b"%d" % i)
        tree = os.path.join(self.dir, "tree")
        out = self.cli.text("sync", tree, "s3://%s/t" % self.name)
        self.assertEqual(out.count("upload:"), 30)
        self.assertEqual(self.cli.text("sync", tree, "s3://%s/t" % self.name), "")
        os.unlink(os.path.join(tree, "d0", "f0 ä&.txt"))
        self.assertIn("delete:", self.cli.text("sync", tree, "s3://%s/t" % self.name, "--delete"))
        back = os.path.join(self.dir, "back")
        self.cli.text("sync", "s3://%s/t" % self.name, back)
        done = subprocess.run(["diff", "-r", tree, back], stdout=subprocess.PIPE, text=True)
        self.assertEqual(done.stdout, "")
        self.assertIn("Total Objects: 29", self.cli.text("ls", "s3://%s" % self.name, "--recursive", "--summarize"))
        self.cli.text("rb", "s3://" + self.name, "--force")
        code, _, err = self.api.run("head-bucket", "--bucket", self.name)
        self.assertNotEqual(code, 0)
        self.assertIn("404", err)

    def test_presigned_url(self):
        self.cli.text("cp", self.write("a", b"signed"), "s3://%s/a" % self.name)
        url = self.cli.text("presign", "s3://%s/a" % self.name, "--expires-in", "60").strip()
        path = url[len(self.virga.endpoint):]
        self.assertEqual(self.virga.http("GET", path)[::2], (200, b"signed"))
        status, _, body = self.virga.http("GET", re.sub("X-Amz-Date=[0-9]{4}", "X-Amz-Date=2020", path))
        self.assertEqual(status, 403)
        self.assertIn(b"Request has expired", body)

    def test_errors_have_their_codes(self):
        for code, args in (("NoSuchBucket", ("get-bucket-location", "--bucket", "absent-bucket")),
                           ("NoSuchKey", ("get-object", "--bucket", self.name, "--key", "no", "/dev/null")),
                           ("InvalidBucketName", ("create-bucket", "--bucket", "1.2.3.4")),
                           ("NoSuchUpload", ("list-parts", "--bucket", self.name, "--key", "k", "--upload-id", "x")),
                           ("NoSuchLifecycleConfiguration",
                            ("get-bucket-lifecycle-configuration", "--bucket", self.name))):
            with self.subTest(code):
                status, _, err = self.api.run(*args)
                self.assertNotEqual(status, 0)
                self.assertIn("(%s)" % code, err)

    def test_checksums_are_given_back(self):
        path = self.write("sum", b"hello")
        for algorithm in ("CRC32", "CRC32C", "SHA1", "SHA256"):
            put = self.api.json("put-object", "--bucket", self.name, "--key", "k", "--body", path,
                                "--checksum-algorithm", algorithm)
            head = self.api.json("head-object", "--bucket", self.name, "--key", "k", "--checksum-mode", "ENABLED")
            self.assertEqual(head["Checksum" + algorithm], put["Checksum" + algorithm])


class Wire(S3Case):
    """What one client or another sends, byte by byte."""

    def test_what_cdk_sends(self):
        name, body = self.bucket(), json.dumps({"Resources": {}}).encode()
        digest = hashlib.sha256(body)
        _, text = self.ok("GET", "/%s/?list-type=2&max-keys=1&prefix=hash.json" % name)
        self.assertNotIn(b"<Contents>", text)
        self.ok("GET", "/%s?location" % name)
        _, text = self.ok("GET", "/%s?encryption" % name)
        self.assertIn(b"<SSEAlgorithm>AES256</SSEAlgorithm>", text)
        value = base64.b64encode(digest.digest()).decode()
        answer, _ = self.ok("PUT", "/%s/hash.json?x-id=PutObject" % name, body, {
            "Content-Type": "application/json", "x-amz-sdk-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": value, "x-amz-server-side-encryption": "aws:kms",
            "x-amz-content-sha256": digest.hexdigest()})
        self.assertEqual(answer["x-amz-checksum-sha256"], value)
        self.assertEqual(answer["x-amz-server-side-encryption"], "aws:kms")
        _, text = self.ok("GET", "/%s/?list-type=2&max-keys=1&prefix=hash.json" % name)
        self.assertIn(b"<Key>hash.json</Key>", text)
        self.assertIn(b"<Size>%d</Size>" % len(body), text)

    def test_signed_chunks(self):
        name, sent = self.bucket(), os.urandom(200000)
        chunks = [sent[i:i + 65536] for i in range(0, len(sent), 65536)] + [b""]
        body = b"".join(b"%x;chunk-signature=%s\r\n%s\r\n" % (len(c), b"0" * 64, c) for c in chunks)
        headers = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "Content-Encoding": "aws-chunked,gzip",
                   "x-amz-decoded-content-length": str(len(sent))}
        self.ok("PUT", "/%s/k" % name, body, headers)
        answer, got = self.ok("GET", "/%s/k" % name)
        self.assertEqual((got, answer["Content-Encoding"]), (sent, "gzip"))
        self.fails(400, "IncompleteBody", "PUT", "/%s/k" % name, body[:100000], headers)
        headers["x-amz-decoded-content-length"] = "100"
        self.fails(400, "InvalidRequest", "PUT", "/%s/k" % name, body, headers)
        del headers["x-amz-decoded-content-length"]
        self.fails(411, "MissingContentLength", "PUT", "/%s/k" % name, body, headers)
        self.assertEqual(self.ok("GET", "/%s/k" % name)[1], sent)

    def test_a_body_that_is_not_what_was_signed(self):
        name = self.bucket()
        self.fails(400, "XAmzContentSHA256Mismatch", "PUT", "/%s/k" % name, b"x", {"x-amz-content-sha256": "0" * 64})
        self.fails(400, "InvalidDigest", "PUT", "/%s/k" % name, b"x", {"Content-MD5": "x"})

    def test_buckets_belong_to_who_made_them(self):
        name = self.bucket()
        self.ok("PUT", "/" + name)  # as in us-east-1
        self.fails(409, "BucketAlreadyExists", "PUT", "/" + name, account="111122223333")
        _, text = self.ok("GET", "/", account="111122223333")
        self.assertNotIn(name.encode(), text)
        self.fails(400, "IllegalLocationConstraintException", "PUT", "/in-the-west", region="eu-west-1")
        body = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
        self.ok("PUT", "/in-the-west", body, region="eu-west-1")
        self.fails(409, "BucketAlreadyOwnedByYou", "PUT", "/in-the-west", body, region="eu-west-1")

    def test_head_has_no_body(self):
        name = self.bucket()
        self.ok("PUT", "/%s/k" % name, b"hello")
        status, headers, body = self.call("HEAD", "/%s/k" % name)
        self.assertEqual((status, headers["Content-Length"], body), (200, "5", b""))
        status, _, body = self.call("HEAD", "/%s/other" % name)
        self.assertEqual((status, body), (404, b""))

    def test_other_services_keep_their_requests(self):
        # Unsigned Query calls, and paths of services that are signed for.
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, body = self.virga.http("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", form)
        self.assertEqual(status, 200, body)
        status, _, body = self.virga.http("GET", "/?Action=GetCallerIdentity&Version=2011-06-15")
        self.assertIn(b"<Arn>", body)
        status, _, body = self.virga.http("GET", "/2015-03-31/functions", headers={
            "Authorization": authorization("000000000000", "us-east-1", "execute-api")})
        self.assertNotIn(b"NoSuchBucket", body)
        status, _, body = self.virga.http("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", {
            **form, "Host": "sts.localhost"})
        self.assertEqual(status, 200, body)

    def test_an_unsigned_get_reads(self):
        name = self.bucket()
        self.ok("PUT", "/%s/k" % name, b"hello")
        self.assertEqual(self.virga.http("GET", "/%s/k" % name)[::2], (200, b"hello"))

    def test_malformed_requests(self):
        name = self.bucket()
        self.fails(400, "MalformedXML", "POST", "/%s?delete" % name, "<Delete>")
        self.fails(400, "MalformedXML", "PUT", "/%s?versioning" % name,
                   "<!DOCTYPE a [<!ENTITY x 'y'>]><VersioningConfiguration>&x;</VersioningConfiguration>")
        self.fails(400, "InvalidURI", "GET", "/%s/%%ff" % name)
        self.fails(400, "KeyTooLongError", "PUT", "/%s/%s" % (name, "k" * 1025), b"")
        self.fails(400, "MetadataTooLarge", "PUT", "/%s/k" % name, b"", {"x-amz-meta-a": "v" * 2048})
        self.fails(400, "InvalidArgument", "GET", "/%s?max-keys=x" % name)
        self.fails(405, "MethodNotAllowed", "PATCH", "/%s/k" % name)
        self.fails(501, "NotImplemented", "GET", "/%s?inventory" % name)
        self.ok("PUT", "/%s/%s" % (name, "k" * 1024), b"")

    def test_a_client_that_goes_away_leaves_no_file(self):
        name, before = self.bucket(), len(self.files())
        conn = http.client.HTTPConnection("127.0.0.1", self.virga.port)
        conn.putrequest("PUT", "/%s/k" % name)
        conn.putheader("Authorization", authorization("000000000000", "us-east-1", "s3"))
        conn.putheader("Content-Length", str(4 * MIB))
        conn.endheaders()
        conn.send(os.urandom(2 * MIB))
        wait_for(lambda: len(self.files()) > before, what="the file")
        conn.close()
        wait_for(lambda: len(self.files()) == before, what="its end")
        self.fails(404, "NoSuchKey", "GET", "/%s/k" % name)


class Life(S3Case):
    """What restarts, kill -9 and a reset leave."""

    def test_objects_outlive_a_restart_and_kill_9(self):
        name, sent = self.bucket(), os.urandom(3 * MIB)
        self.ok("PUT", "/%s/k" % name, sent, {"x-amz-meta-a": "b"})
        _, text = self.ok("POST", "/%s/m?uploads" % name)
        upload = re.search(b"<UploadId>(.*?)</UploadId>", text).group(1).decode()
        answer, _ = self.ok("PUT", "/%s/m?partNumber=1&uploadId=%s" % (name, upload), b"part")
        kept = len(self.files())
        conn = http.client.HTTPConnection("127.0.0.1", self.virga.port)
        conn.putrequest("PUT", "/%s/k" % name)
        conn.putheader("Authorization", authorization("000000000000", "us-east-1", "s3"))
        conn.putheader("Content-Length", str(8 * MIB))
        conn.endheaders()
        conn.send(os.urandom(4 * MIB))
        wait_for(lambda: len(self.files()) > kept, what="the file of the third")
        self.virga.kill9()
        conn.close()
        self.virga.start()
        wait_for(lambda: len(self.files()) == kept, what="the end of what nobody finished")
        answer_k, got = self.ok("GET", "/%s/k" % name)
        self.assertEqual((got, answer_k["x-amz-meta-a"]), (sent, "b"))
        body = ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part>"
                "</CompleteMultipartUpload>" % answer["ETag"])
        self.ok("POST", "/%s/m?uploadId=%s" % (name, upload), body)
        self.virga.restart()
        self.assertEqual(self.ok("GET", "/%s/m" % name)[1], b"part")

    def test_writers_that_are_killed_leave_whole_objects(self):
        name, a, b = self.bucket(), b"a" * 300000, b"b" * 600000
        self.ok("PUT", "/%s/k" % name, a)
        for i in range(3):
            conn = http.client.HTTPConnection("127.0.0.1", self.virga.port)
            conn.request("PUT", "/%s/k" % name, b if i % 2 == 0 else a, {
                "Authorization": authorization("000000000000", "us-east-1", "s3")})
            time.sleep(0.002 * i)
            self.virga.kill9()
            conn.close()
            self.virga.start()
            got = self.ok("GET", "/%s/k" % name)[1]
            self.assertIn(got, (a, b))
        # One object, whatever became of the others.
        wait_for(lambda: self.mine(name), what="one file")

    def mine(self, name):
        sizes = [os.path.getsize(path) for path in self.files()]
        return sizes.count(300000) + sizes.count(600000) == 1

    def test_reset_removes_the_files(self):
        virga = Virga(settings=dict(ALONE))
        self.addCleanup(virga.cleanup)
        virga.start()
        signed = {"Authorization": authorization("000000000000", "us-east-1", "s3")}
        virga.http("PUT", "/bucket", headers=signed)
        virga.http("PUT", "/bucket/k", b"hello", signed)
        self.assertEqual(virga.http("POST", "/_floci/state/reset")[0], 200)
        self.assertEqual(virga.http("GET", "/bucket/k", headers=signed)[0], 404)
        left = [names for _, _, names in os.walk(os.path.join(virga.data, "s3")) if names]
        self.assertEqual(left, [])
        virga.stop()

    def test_memory_mode_leaves_nothing(self):
        virga = Virga(settings={**ALONE, "floci.storage.mode": "memory"})
        self.addCleanup(virga.cleanup)
        virga.start()
        signed = {"Authorization": authorization("000000000000", "us-east-1", "s3")}
        virga.http("PUT", "/bucket", headers=signed)
        self.assertEqual(virga.http("PUT", "/bucket/k", b"hello", signed)[0], 200)
        self.assertEqual(virga.http("GET", "/bucket/k", headers=signed)[2], b"hello")
        virga.restart()
        self.assertEqual(virga.http("GET", "/bucket/k", headers=signed)[0], 404)
        virga.stop()
        left = [names for _, _, names in os.walk(os.path.join(virga.data, "s3")) if names]
        self.assertEqual(left, [])


class Big(S3Case):
    """100 MiB there and back, and memory that does not depend on it."""

    SIZE_MIB = 100
    GROWTH_LIMIT = 12 * MIB

    def test_memory_does_not_grow_with_the_object(self):
        if sanitized():
            self.skipTest("memory is not judged under a sanitizer")
        if shutil.disk_usage(self.virga.dir).free < 3 * self.SIZE_MIB * MIB:
            self.skipTest("there is too little room on the disk")
        name, block, digest = self.bucket(), os.urandom(MIB), hashlib.sha256()
        self.ok("PUT", "/%s/small" % name, b"x")
        before = self.virga.memory_peak()
        conn = http.client.HTTPConnection("127.0.0.1", self.virga.port, timeout=120)
        conn.putrequest("PUT", "/%s/big" % name)
        conn.putheader("Authorization", authorization("000000000000", "us-east-1", "s3"))
        conn.putheader("Content-Length", str(self.SIZE_MIB * MIB))
        conn.endheaders()
        for _ in range(self.SIZE_MIB):
            conn.send(block)
            digest.update(block)
        self.assertEqual(conn.getresponse().status, 200)
        conn.close()
        conn = http.client.HTTPConnection("127.0.0.1", self.virga.port, timeout=120)
        conn.request("GET", "/%s/big" % name, headers={
            "Authorization": authorization("000000000000", "us-east-1", "s3")})
        answer, got = conn.getresponse(), hashlib.sha256()
        for chunk in iter(lambda: answer.read(MIB), b""):
            got.update(chunk)
        conn.close()
        self.assertEqual(got.hexdigest(), digest.hexdigest())
        after = self.virga.memory_peak()
        print("\nobject of %d MiB: memory %.1f MiB before, %.1f after"
              % (self.SIZE_MIB, before / MIB, after / MIB))
        self.assertLess(after - before, self.GROWTH_LIMIT)
