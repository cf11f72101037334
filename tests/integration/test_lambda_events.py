# SPDX-License-Identifier: MIT
"""Asynchronous invocations: retries, what becomes of the result, what a crash leaves of them."""
import json
import re
import time
import unittest

from lambdacase import OciCase
from virga import wait_for

RECORD = re.compile("^event (.*)$", re.M)


class Events(OciCase):
    settings = {"floci.services.lambda.async-retry-first-ms": 100, "floci.services.lambda.async-retry-second-ms": 100}

    def starts(self, name):
        """The request ids of the invocations so far."""
        return re.findall("START RequestId: ([0-9a-f-]+) ", self.logs(name))

    def sink(self):
        """A function that writes its event into its log: a destination."""
        return self.create("-sink", env={"BOOT_SCRIPT": "event;raw null"})

    def records(self, sink, count=1):
        found = wait_for(lambda: (lambda r: r if len(r) >= count else None)(RECORD.findall(self.logs(sink))), 30,
                         "the record to reach the destination")
        return [json.loads(one) for one in found]

    def test_a_failure_is_tried_three_times_with_one_request_id(self):
        name = self.create()
        event = self.api.do(name, "fail E oh", kind="Event")
        wait_for(lambda: len(self.starts(name)) >= 3, 30, "three attempts")
        time.sleep(1)
        self.assertEqual(self.starts(name), [event.request_id] * 3)

    def test_the_number_of_retries_is_a_setting(self):
        name = self.create()
        self.api.PutFunctionEventInvokeConfig(FunctionName=name, MaximumRetryAttempts=0)
        self.api.do(name, "fail E oh", kind="Event")
        wait_for(lambda: self.starts(name), 30, "the attempt")
        time.sleep(1)
        self.assertEqual(len(self.starts(name)), 1)

    def test_success_is_told_to_its_destination(self):
        name, sink = self.create(), self.sink()
        self.api.PutFunctionEventInvokeConfig(FunctionName=name, DestinationConfig={
            "OnSuccess": {"Destination": self.api.arn(sink)}})
        event = self.api.invoke(name, {"do": "raw {\"fine\":1}", "k": 1}, kind="Event")
        record, = self.records(sink)
        self.assertRegex(record.pop("timestamp"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(record, {
            "version": "1.0",
            "requestContext": {"requestId": event.request_id, "functionArn": self.api.arn(name, "$LATEST"),
                               "condition": "Success", "approximateInvokeCount": 1},
            "requestPayload": {"do": "raw {\"fine\":1}", "k": 1},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
            "responsePayload": {"fine": 1}})

    def test_failure_is_told_to_its_destination_after_the_retries(self):
        name, sink = self.create(), self.sink()
        self.api.PutFunctionEventInvokeConfig(FunctionName=name, DestinationConfig={
            "OnFailure": {"Destination": self.api.arn(sink)}})
        self.api.do(name, "fail My.Error oh", kind="Event")
        record, = self.records(sink)
        self.assertEqual((record["requestContext"]["condition"], record["requestContext"]["approximateInvokeCount"]),
                         ("RetriesExhausted", 3))
        self.assertEqual(record["responseContext"], {"statusCode": 200, "executedVersion": "$LATEST",
                                                     "functionError": "Unhandled"})
        self.assertEqual(record["responsePayload"]["errorType"], "My.Error")
        self.assertEqual(len(self.starts(name)), 3)

    def test_events_wait_while_the_function_is_throttled(self):
        name = self.create()
        self.api.PutFunctionConcurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        for i in range(3):
            self.assertEqual(self.api.do(name, "sleep 200;out event %d ran;raw 1" % i, kind="Event").status, 202)
        wait_for(lambda: self.logs(name).count(" ran\n") == 3, 60, "all three to run")

    def test_an_alias_has_a_setting_of_its_own(self):
        name = self.create(Publish=True)
        self.api.CreateAlias(FunctionName=name, Name="live", FunctionVersion="1")
        self.api.PutFunctionEventInvokeConfig(FunctionName=name, Qualifier="live", MaximumRetryAttempts=0)
        self.api.do(name, "fail E oh", kind="Event", qualifier="live")
        wait_for(lambda: self.starts(name), 30, "the attempt")
        time.sleep(1)
        self.assertEqual(len(self.starts(name)), 1)

    def test_an_event_may_have_a_mebibyte(self):
        name = self.create()
        body = json.dumps({"do": "out large one;raw 1", "fill": "x" * 1000000})
        self.assertEqual(self.api.invoke(name, body=body, kind="Event").status, 202)
        wait_for(lambda: "large one\n" in self.logs(name), 30, "it to run")
        self.assert_error(413, "RequestEntityTooLargeException", None, self.api.invoke, name, "x" * (1 << 20),
                          kind="Event")

    def test_what_was_accepted_survives_kill_9(self):
        name, sink = self.create(), self.sink()
        self.api.PutFunctionEventInvokeConfig(FunctionName=name, DestinationConfig={
            "OnSuccess": {"Destination": self.api.arn(sink)}})
        event = self.api.do(name, "sleep 3000;raw 1", kind="Event")
        wait_for(lambda: self.starts(name), 30, "it to begin")
        self.virga.kill9()
        self.virga.start()
        # AWS promises at least once: it is run again, or told as failed; it is not lost.
        record = self.records(sink)[0]
        self.assertEqual(record["requestContext"]["requestId"], event.request_id)
        self.assertEqual(record["requestContext"]["condition"], "Success")


if __name__ == "__main__":
    unittest.main()
