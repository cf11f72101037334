# SPDX-License-Identifier: MIT
"""CloudFormation as raw Query requests."""
import urllib.parse
import xml.etree.ElementTree as ElementTree

from aws import authorization
from virga import wait_for


class Cfn:
    """Raw Query requests; an answer as its root element."""

    def __init__(self, virga, account="000000000000"):
        self.virga, self.account = virga, account

    def call(self, action, **params):
        form = urllib.parse.urlencode({"Action": action, "Version": "2010-05-15", **params})
        status, _, body = self.virga.http("POST", "/", form, {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Authorization": authorization(self.account, "us-east-1", "cloudformation")})
        root = ElementTree.fromstring(body)
        for element in root.iter():
            element.tag = element.tag.split("}")[-1]
        return status, root

    def text(self, action, path, **params):
        status, root = self.call(action, **params)
        if status != 200:
            raise AssertionError("%s: %s" % (action, root.findtext(".//Message")))
        return root.findtext(".//" + path)

    def status(self, name):
        return self.text("DescribeStacks", "StackStatus", StackName=name)

    def wait(self, name, wanted):
        def ended():
            status = self.status(name)
            return status if not status.endswith("_IN_PROGRESS") else None
        got = wait_for(ended, 60, "the end of the operation on " + name)
        if got != wanted:
            _, events = self.call("DescribeStackEvents", StackName=name)
            reasons = [e.text for e in events.iter("ResourceStatusReason")]
            raise AssertionError("%s is %s, not %s: %s" % (name, got, wanted, reasons))
