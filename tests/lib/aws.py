# SPDX-License-Identifier: MIT
"""The ECR API twice: as raw JSON 1.1 over http.client (fast), and through the real aws command line."""
import http.client
import json
import os
import shutil
import subprocess
import unittest

from virga import clean_env

TARGET = "AmazonEC2ContainerRegistry_V20150921"
ACCOUNT = "000000000000"
REGION = "us-east-1"


class ApiError(Exception):
    """An answer that is an AWS error."""

    def __init__(self, status, body, headers):
        self.status = status
        self.headers = headers
        try:
            self.body = json.loads(body)
        except ValueError:
            self.body = {}
        self.code = self.body.get("__type")
        self.message = self.body.get("message")
        super().__init__("%d %s: %s" % (status, self.code, self.message or body))


def authorization(account, region, service="ecr"):
    """A SigV4 header as a client sends it; the signature is not checked, the scope is."""
    return ("AWS4-HMAC-SHA256 Credential=%s/20260101/%s/%s/aws4_request, "
            "SignedHeaders=host;x-amz-date;x-amz-target, Signature=%s"
            % (account, region, service, "0" * 64))


class Ecr:
    """The control plane of one account and region. `ecr.CreateRepository(repositoryName="x")`."""

    def __init__(self, virga, account=ACCOUNT, region=REGION):
        self.virga = virga
        self.account = account
        self.region = region

    def raw(self, action, body, headers=None):
        """One request with any body: (status, headers, bytes)."""
        conn = http.client.HTTPConnection("127.0.0.1", self.virga.port, timeout=120)
        try:
            conn.request("POST", "/", body=body, headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": "%s.%s" % (TARGET, action),
                "X-Amz-Date": "20260101T000000Z",
                "Authorization": authorization(self.account, self.region),
                **(headers or {})})
            res = conn.getresponse()
            return res.status, res.headers, res.read()
        finally:
            conn.close()

    def call(self, action, params):
        status, headers, body = self.raw(action, json.dumps(params))
        if status != 200:
            raise ApiError(status, body, headers)
        return json.loads(body)

    def __getattr__(self, action):
        if not action[:1].isupper():
            raise AttributeError(action)
        return lambda **params: self.call(action, params)

    def create(self, name, **more):
        return self.CreateRepository(repositoryName=name, **more)["repository"]

    def image_ids(self, name):
        """[(tag or None, digest)] of a repository, over all pages, sorted."""
        ids, token = [], {}
        while True:
            page = self.ListImages(repositoryName=name, **token)
            ids += [(i.get("imageTag"), i["imageDigest"]) for i in page["imageIds"]]
            if "nextToken" not in page:
                return sorted(ids, key=lambda i: (i[0] or "", i[1]))
            token = {"nextToken": page["nextToken"]}

    def details(self, name):
        """{digest: imageDetail} of a repository."""
        return {d["imageDigest"]: d
                for d in self.DescribeImages(repositoryName=name)["imageDetails"]}

    def port(self):
        """The registry port, from what a client is told."""
        data = self.GetAuthorizationToken()["authorizationData"][0]
        return int(data["proxyEndpoint"].rsplit(":", 1)[1].rstrip("/"))


def find_cli():
    """An aws command line of version 2; skips where there is none."""
    for program in ("/usr/bin/aws", "/usr/local/bin/aws", shutil.which("aws")):
        if program and os.access(program, os.X_OK):
            try:
                out = subprocess.run([program, "--version"], env=clean_env(), text=True, timeout=60,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
            except (OSError, subprocess.TimeoutExpired):
                continue
            if out.startswith("aws-cli/2."):
                return program
    raise unittest.SkipTest("no aws command line of version 2")


class Cli:
    """The aws command line against a server."""

    def __init__(self, virga, account="test", region=REGION, service="ecr", session_token=None):
        self.program = find_cli()
        self.service = service
        self.env = clean_env({
            "AWS_ENDPOINT_URL": virga.endpoint, "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "",
            "HOME": virga.dir})
        if session_token:
            self.env["AWS_SESSION_TOKEN"] = session_token
        self.endpoint = virga.endpoint

    def run(self, *args):
        """(exit code, stdout, stderr) of `aws <service> ...`."""
        # Older releases of version 2 do not know AWS_ENDPOINT_URL.
        done = subprocess.run([self.program, self.service, *args, "--endpoint-url", self.endpoint],
                              env=self.env, stdin=subprocess.DEVNULL, text=True, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stdout, done.stderr

    def text(self, *args):
        code, out, err = self.run(*args)
        if code != 0:
            raise AssertionError("aws %s %s: exit %d: %s" % (self.service, " ".join(args), code, err))
        return out

    def json(self, *args):
        out = self.text(*args)
        return json.loads(out) if out.strip() else {}
