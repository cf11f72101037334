# SPDX-License-Identifier: MIT
"""The Lambda API as raw REST JSON over http.client: what is sent and what comes back is exactly what a test says."""
import base64
import http.client
import json
import re
import urllib.parse
import zlib

from aws import ACCOUNT, REGION, authorization

FUNCTIONS = "/2015-03-31/functions"
F = FUNCTIONS + "/{FunctionName}"
# Source: the API model. Members named in the path are taken out; Qualifier always goes into the query.
ACTIONS = {
    "CreateFunction": ("POST", FUNCTIONS), "ListFunctions": ("GET", FUNCTIONS), "GetFunction": ("GET", F),
    "DeleteFunction": ("DELETE", F), "GetFunctionConfiguration": ("GET", F + "/configuration"),
    "UpdateFunctionConfiguration": ("PUT", F + "/configuration"), "UpdateFunctionCode": ("PUT", F + "/code"),
    "PublishVersion": ("POST", F + "/versions"), "ListVersionsByFunction": ("GET", F + "/versions"),
    "CreateAlias": ("POST", F + "/aliases"), "ListAliases": ("GET", F + "/aliases"),
    "GetAlias": ("GET", F + "/aliases/{Name}"), "UpdateAlias": ("PUT", F + "/aliases/{Name}"),
    "DeleteAlias": ("DELETE", F + "/aliases/{Name}"),
    "AddPermission": ("POST", F + "/policy"), "GetPolicy": ("GET", F + "/policy"),
    "RemovePermission": ("DELETE", F + "/policy/{StatementId}"),
    "PutFunctionConcurrency": ("PUT", "/2017-10-31/functions/{FunctionName}/concurrency"),
    "DeleteFunctionConcurrency": ("DELETE", "/2017-10-31/functions/{FunctionName}/concurrency"),
    "GetFunctionConcurrency": ("GET", "/2019-09-30/functions/{FunctionName}/concurrency"),
    "PutProvisionedConcurrencyConfig": ("PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency"),
    "GetProvisionedConcurrencyConfig": ("GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency"),
    "DeleteProvisionedConcurrencyConfig": ("DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency"),
    "PutFunctionEventInvokeConfig": ("PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config"),
    "UpdateFunctionEventInvokeConfig": ("POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config"),
    "GetFunctionEventInvokeConfig": ("GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config"),
    "DeleteFunctionEventInvokeConfig": ("DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config"),
    "ListFunctionEventInvokeConfigs": ("GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list"),
    "TagResource": ("POST", "/2017-03-31/tags/{Resource}"), "UntagResource": ("DELETE", "/2017-03-31/tags/{Resource}"),
    "ListTags": ("GET", "/2017-03-31/tags/{Resource}"),
    "CreateFunctionUrlConfig": ("POST", "/2021-10-31/functions/{FunctionName}/url"),
    "GetFunctionUrlConfig": ("GET", "/2021-10-31/functions/{FunctionName}/url"),
    "UpdateFunctionUrlConfig": ("PUT", "/2021-10-31/functions/{FunctionName}/url"),
    "DeleteFunctionUrlConfig": ("DELETE", "/2021-10-31/functions/{FunctionName}/url"),
    "ListFunctionUrlConfigs": ("GET", "/2021-10-31/functions/{FunctionName}/urls"),
    "GetAccountSettings": ("GET", "/2016-08-19/account-settings"),
    "GetFunctionCodeSigningConfig": ("GET", "/2020-06-30/functions/{FunctionName}/code-signing-config"),
    "GetRuntimeManagementConfig": ("GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config"),
    "GetFunctionRecursionConfig": ("GET", "/2024-08-31/functions/{FunctionName}/recursion-config"),
    "PutFunctionRecursionConfig": ("PUT", "/2024-08-31/functions/{FunctionName}/recursion-config"),
    "ListEventSourceMappings": ("GET", "/2015-03-31/event-source-mappings"),
    "ListLayers": ("GET", "/2018-10-31/layers"),
}
QUERY_MEMBERS = {"Qualifier": "Qualifier", "tagKeys": "tagKeys", "TagKeys": "tagKeys"}


class LambdaError(Exception):
    """An answer that is an AWS error. `type` is the body's Type; None: it has none."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        try:
            self.body = json.loads(body)
        except ValueError:
            self.body = {}
        self.code = (headers.get("x-amzn-ErrorType") or "").split(":")[0]
        self.message = self.body.get("message", self.body.get("Message"))
        self.type = self.body.get("Type")
        super().__init__("%d %s: %s" % (status, self.code, self.message or body))


class Invocation:
    """What Invoke answered."""

    def __init__(self, status, headers, payload):
        self.status = status
        self.headers = headers
        self.payload = payload
        self.error = headers.get("X-Amz-Function-Error")
        self.version = headers.get("X-Amz-Executed-Version")
        self.request_id = headers.get("x-amzn-RequestId")
        self.log = base64.b64decode(headers.get("X-Amz-Log-Result") or "").decode("utf-8", "replace")

    def json(self):
        return json.loads(self.payload)

    @property
    def report(self):
        """The members of the REPORT line, and those of a failure."""
        line = [one for one in self.log.split("\n") if one.startswith("REPORT ")][-1]
        return dict(part.split(": ", 1) for part in line[len("REPORT "):].split("\t") if ": " in part)

    def __repr__(self):
        return "%d %r %r %s" % (self.status, self.error, self.payload[:400], self.log)


class Lambda:
    """The API for one account and region. `api.GetFunction(FunctionName="f")`."""

    def __init__(self, virga, account=ACCOUNT, region=REGION, timeout=120):
        self.virga = virga
        self.account = account
        self.region = region
        self.timeout = timeout

    def arn(self, name, qualifier=None):
        return "arn:aws:lambda:%s:%s:function:%s%s" % (self.region, self.account, name,
                                                       ":" + qualifier if qualifier else "")

    def open(self, method, path, body=None, headers=None):
        """Sends a request: (connection, answer whose body was not read)."""
        conn = http.client.HTTPConnection("127.0.0.1", self.virga.port, timeout=self.timeout)
        conn.request(method, path, body=body, headers={
            "Authorization": authorization(self.account, self.region, "lambda"), "X-Amz-Date": "20260101T000000Z",
            **(headers or {})})
        return conn, conn.getresponse()

    def raw(self, method, path, body=None, headers=None):
        """(status, headers, bytes)"""
        conn, res = self.open(method, path, body, headers)
        try:
            return res.status, res.headers, res.read()
        finally:
            conn.close()

    def answer(self, action, params):
        """(status, headers, bytes) of an action, whatever it is."""
        method, path = ACTIONS[action]
        params = dict(params)
        for name in re.findall(r"\{(\w+)\}", path):
            path = path.replace("{%s}" % name, urllib.parse.quote(params.pop(name), safe=""))
        query = {QUERY_MEMBERS[k]: params.pop(k) for k in list(params) if k in QUERY_MEMBERS}
        if method in ("GET", "DELETE"):
            query.update(params)
            params = None
        if query:
            path += "?" + urllib.parse.urlencode(query, doseq=True)
        body = json.dumps(params) if params is not None else None
        return self.raw(method, path, body, {"Content-Type": "application/json"} if body else None)

    def call(self, action, params):
        status, headers, body = self.answer(action, params)
        if status >= 300:
            raise LambdaError(status, headers, body)
        return json.loads(body) if body else None

    def __getattr__(self, action):
        if action not in ACTIONS:
            raise AttributeError(action)
        return lambda **params: self.call(action, params)

    def invoke(self, name, event=None, qualifier=None, kind=None, tail=False, context=None, body=None, headers=None,
               streamed=False):
        """Invokes with a JSON event (or any `body`). An AWS error is raised, a function's error is not."""
        path = F.replace("{FunctionName}", urllib.parse.quote(name, safe="")) + "/invocations"
        if streamed:
            path = path.replace("2015-03-31", "2021-11-15").replace("/invocations", "/response-streaming-invocations")
        if qualifier:
            path += "?Qualifier=" + urllib.parse.quote(qualifier, safe="")
        sent = dict(headers or {})
        if kind:
            sent["X-Amz-Invocation-Type"] = kind
        if tail:
            sent["X-Amz-Log-Type"] = "Tail"
        if context is not None:
            sent["X-Amz-Client-Context"] = base64.b64encode(json.dumps(context).encode()).decode()
        if body is None:
            body = json.dumps(event)
        status, got, payload = self.raw("POST", path, body, sent)
        if status >= 300:
            raise LambdaError(status, got, payload)
        return Invocation(status, got, payload)

    def do(self, name, script, **more):
        """Invokes with a script for the bootstrap."""
        return self.invoke(name, {"do": script}, **more)

    def state(self, name):
        """(State, LastUpdateStatus, the whole configuration)"""
        found = self.GetFunctionConfiguration(FunctionName=name)
        return found.get("State"), found.get("LastUpdateStatus"), found


def url_request(virga, url, method="GET", path="", body=None, headers=None, timeout=60):
    """A request to a function URL, as its client sends it: (connection, answer whose body was not read)."""
    parts = urllib.parse.urlsplit(url)
    conn = http.client.HTTPConnection("127.0.0.1", virga.port, timeout=timeout)
    conn.request(method, parts.path.rstrip("/") + (path or "/"), body=body,
                 headers={"Host": parts.netloc, **(headers or {})})
    return conn, conn.getresponse()


def read_events(data):
    """An event stream's messages: [(headers, payload)]; every checksum is checked."""
    events = []
    while data:
        total, head = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
        if len(data) < total or total < 16:
            raise AssertionError("a message of %d bytes in %d" % (total, len(data)))
        message, data = data[:total], data[total:]
        if zlib.crc32(message[:8]) != int.from_bytes(message[8:12], "big"):
            raise AssertionError("the prelude's checksum is wrong")
        if zlib.crc32(message[:-4]) != int.from_bytes(message[-4:], "big"):
            raise AssertionError("the message's checksum is wrong")
        headers, at = {}, 12
        while at < 12 + head:
            length = message[at]
            name = message[at + 1:at + 1 + length].decode()
            at += 1 + length
            if message[at] != 7:
                raise AssertionError("header %s is no string" % name)
            size = int.from_bytes(message[at + 1:at + 3], "big")
            headers[name] = message[at + 3:at + 3 + size].decode()
            at += 3 + size
        events.append((headers, message[12 + head:-4]))
    return events
