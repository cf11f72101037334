# SPDX-License-Identifier: MIT
"""IAM as raw Query requests, for one account."""
import json
import urllib.parse
import xml.etree.ElementTree as ElementTree

from aws import authorization

NAMESPACE = "{https://iam.amazonaws.com/doc/2010-05-08/}"
VERSION = "2010-05-08"


def trust(service="lambda.amazonaws.com", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}]})


def policy(*actions, resource="*", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": list(actions) or ["s3:GetObject"], "Resource": resource, **more}]})


def read(element):
    """An element as text, dict or list (whose members are called member or entry)."""
    children = list(element)
    names = {child.tag.split("}")[1] for child in children}
    if names and names <= {"member", "entry"}:
        return [read(child) for child in children]
    if children:
        return {child.tag.split("}")[1]: read(child) for child in children}
    return element.text or ""


def flatten(params):
    """Tags=[{"Key": "a"}] becomes Tags.member.1.Key=a."""
    flat = {}
    for name, value in params.items():
        if isinstance(value, dict):
            flat.update({"%s.%s" % (name, k): v for k, v in flatten(value).items()})
        elif isinstance(value, list):
            flat.update(flatten({"%s.member.%d" % (name, i + 1): v for i, v in enumerate(value)}))
            if not value:
                flat[name] = ""
        else:
            flat[name] = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) \
                else value
    return flat


class IamError(Exception):
    def __init__(self, status, error):
        self.status, self.code, self.message = status, error.get("Code"), error.get("Message")
        self.type = error.get("Type")
        super().__init__("%d %s: %s" % (status, self.code, self.message))


class Iam:
    """`iam.CreateRole(RoleName="x", ...)`: the result of an action, as dicts and lists."""

    def __init__(self, virga, account="000000000000", region="us-east-1"):
        self.virga, self.account, self.region = virga, account, region

    def raw(self, action, params=None):
        form = urllib.parse.urlencode({"Action": action, "Version": VERSION, **(params or {})})
        return self.virga.http("POST", "/", form, {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Authorization": authorization(self.account, self.region, "iam")})

    def call(self, action, params):
        status, _, body = self.raw(action, flatten(params))
        root = ElementTree.fromstring(body)
        if status != 200:
            raise IamError(status, read(root).get("Error", {}))
        if root.tag != NAMESPACE + action + "Response":
            raise AssertionError(root.tag)
        result = root.find(NAMESPACE + action + "Result")
        got = read(result) if result is not None else {}
        return got if isinstance(got, dict) else {}

    def __getattr__(self, action):
        if not action[:1].isupper():
            raise AttributeError(action)
        return lambda **params: self.call(action, params)

    def pages(self, action, member, **params):
        """What a list has over all its pages, and how many pages there were."""
        items, pages, marker = [], 0, {}
        while True:
            page = self.call(action, {**params, **marker})
            pages += 1
            items += page[member] or []
            if page["IsTruncated"] != "true":
                return items, pages
            marker = {"Marker": page["Marker"]}

    def role(self, name, **more):
        return self.CreateRole(RoleName=name, AssumeRolePolicyDocument=trust(), **more)["Role"]
