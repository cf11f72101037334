# SPDX-License-Identifier: MIT
"""Node.js with AWS's own runtime interface client: what real images run."""
import unittest

from lambdaapi import read_events
from lambdacase import DockerCase, OciCase
from lambdaric import client, ric_image


class Node:
    """What holds on every executor."""

    @classmethod
    def setUpClass(cls):
        client()
        super().setUpClass()

    def make(self, **more):
        return self.create(image=ric_image(), MemorySize=512, **more)

    def test_events_context_logs_and_reuse(self):
        name = self.make()
        answer = self.api.invoke(name, {"log": "it rains", "k": "ü"}, tail=True, context={"custom": {"a": "b"}})
        told = answer.json()
        self.assertEqual((told["event"]["k"], told["count"], told["id"], told["arn"], told["memory"]),
                         ("ü", 1, answer.request_id, self.api.arn(name), "512"))
        self.assertGreater(told["left"], 1000)
        self.assertEqual(told["client"], {"custom": {"a": "b"}})
        self.assertRegex(answer.log, r"\t%s\tINFO\tit rains\n" % answer.request_id)
        self.assertEqual(self.api.invoke(name, {}).json()["count"], 2)

    def test_errors(self):
        name = self.make()
        failed = self.api.invoke(name, {"fail": "no good"}, tail=True)
        self.assertEqual(failed.error, "Unhandled")
        told = failed.json()
        self.assertEqual((told["errorType"], told["errorMessage"]), ("TypeError", "no good"))
        self.assertIn("trace", told)
        left = self.api.invoke(name, {"exit": 4})
        self.assert_failed(left, "Runtime.ExitError", "RequestId: RID Error: Runtime exited with error: exit status 4")
        self.assertEqual(self.api.invoke(name, {}).json()["count"], 1)

    def test_a_handler_that_is_not_there(self):
        name = self.make(ImageConfig={"Command": ["nothing.handler"]})
        answer = self.api.invoke(name, {}, tail=True)
        self.assertEqual(answer.error, "Unhandled")
        self.assertEqual(answer.json()["errorType"], "Runtime.ImportModuleError", answer)

    def test_a_streamed_answer(self):
        name = self.make(ImageConfig={"Command": ["app.stream"]})
        events = read_events(self.api.invoke(name, {}, streamed=True).payload)
        self.assertEqual(b"".join(p for h, p in events if h[":event-type"] == "PayloadChunk"),
                         b"piece 0;piece 1;piece 2;")
        self.assertEqual(events[-1][0][":event-type"], "InvokeComplete")


class NodeOnOci(Node, OciCase):
    pass


class NodeOnDocker(Node, DockerCase):
    pass


if __name__ == "__main__":
    unittest.main()
