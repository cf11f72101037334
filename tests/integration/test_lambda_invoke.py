# SPDX-License-Identifier: MIT
"""Invocations: every way to ask for one, and what comes back when all is well."""
import base64
import json
import socket
import threading
import unittest

from lambdaapi import LambdaError, read_events
from lambdacase import DockerCase, OciCase, PodmanCase, RuncCase
from lambdaimage import function_image
from virga import wait_for

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
CONFLICT = "ResourceConflictException"


class Invocations:
    """What holds on every executor."""

    def test_an_event_and_its_context_reach_the_function(self):
        name = self.create(env={"COLOUR": "blue"})
        context = {"client": {"installation_id": "1"}, "custom": {"k": "ü"}, "env": {}}
        answer = self.api.invoke(name, {"k": ["ü", 1.5, None]}, context=context)
        self.assertEqual((answer.status, answer.error, answer.version), (200, None, "$LATEST"))
        told = answer.json()
        self.assertEqual(told["event"], {"k": ["ü", 1.5, None]})
        self.assertEqual(told["context"]["requestId"], answer.request_id)
        self.assertEqual(told["context"]["arn"], self.api.arn(name))
        self.assertEqual(json.loads(told["context"]["clientContext"]), context)
        self.assertRegex(told["context"]["traceId"], "^Root=1-[0-9a-f]{8}-[0-9a-f]{24}")
        self.assertGreater(int(told["context"]["deadlineMs"]), 1700000000000)
        self.assertEqual(told["env"]["COLOUR"], "blue")

    def test_an_environment_is_used_again(self):
        name = self.create()
        first = self.api.invoke(name).json()
        self.api.do(name, "write /tmp/kept here")
        third = self.api.invoke(name).json()
        self.assertEqual((first["count"], third["count"], third["started"]), (1, 3, first["started"]))
        self.assertEqual(self.api.do(name, "read /tmp/kept").json(), "here")

    def test_the_tail_of_the_log(self):
        name = self.create()
        answer = self.api.do(name, "out hello;err world;part no end;raw 1", tail=True)
        lines = answer.log.split("\n")
        request = answer.request_id
        self.assertEqual(lines[0], "START RequestId: %s Version: $LATEST" % request)
        self.assertEqual(lines[-3], "END RequestId: " + request)
        self.assertEqual(lines[-1], "")
        self.assertEqual(sorted(lines[1:-3]), ["hello", "no end", "world"])
        self.assertRegex(lines[-2], "^REPORT RequestId: %s\tDuration: [0-9.]+ ms\tBilled Duration: [0-9]+ ms\t"
                         "Memory Size: 128 MB\tMax Memory Used: [0-9]+ MB\tInit Duration: [0-9.]+ ms\t$" % request)
        self.assertNotIn("Init Duration", self.api.do(name, "raw 1", tail=True).log)
        self.assertEqual(self.api.do(name, "raw 1").log, "")
        long = self.api.do(name, "lines 1000;raw 1", tail=True).log
        self.assertLessEqual(len(long), 4096)
        self.assertIn("line 999\nEND RequestId", long)
        self.assertNotIn("line 1\n", long)

    def test_a_streamed_answer_comes_piece_by_piece(self):
        name = self.create()
        answer = self.api.do(name, "stream 3 100 4", streamed=True)
        self.assertEqual(answer.headers["Content-Type"], "application/vnd.amazon.eventstream")
        self.assertEqual(answer.version, "$LATEST")
        events = read_events(answer.payload)
        self.assertEqual({h[":message-type"] for h, _ in events}, {"event"})
        kinds = [h[":event-type"] for h, _ in events]
        self.assertEqual(kinds[-1], "InvokeComplete")
        self.assertGreaterEqual(kinds.count("PayloadChunk"), 2)
        self.assertEqual(b"".join(p for h, p in events if h[":event-type"] == "PayloadChunk"), b"aaaabbbbcccc")

    def test_two_at_once_have_an_environment_each(self):
        name = self.create()
        answers = at_once(2, lambda _: self.api.do(name, "sleep 1000;echo").json())
        self.assertEqual(len({(a["started"], a["pid"], a["context"]["requestId"]) for a in answers}), 2)
        self.assertEqual({a["count"] for a in answers}, {1})

    def test_deploy_during_an_invocation(self):
        old = self.push(function_image(self.id() + "old", env=("PATH=/", "IMAGE=old")))
        new = self.push(function_image(self.id() + "new", env=("PATH=/", "IMAGE=new")))
        name = self.create(uri=old)
        self.api.invoke(name)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.api.do(name, "sleep 4000;echo")))
        thread.start()
        self.wait_busy(name)
        self.api.UpdateFunctionCode(FunctionName=name, ImageUri=new)
        self.wait_updated(name)
        self.assertEqual(self.api.invoke(name).json()["env"]["IMAGE"], "new")
        self.assertEqual(answers, [], "the deployment waited for the invocation")
        thread.join()
        self.assertEqual(answers[0].json()["env"]["IMAGE"], "old")
        self.assertEqual(answers[0].json()["count"], 2)

    def wait_busy(self, name):
        """Until an invocation has begun: its START line is in the log, END is not."""
        wait_for(lambda: self.logs(name).count("START RequestId") > self.logs(name).count("END RequestId"), 20,
                 "%s to run" % name)

    def test_environments_go_with_their_function(self):
        name = self.create()
        self.api.invoke(name)
        self.assertTrue(self.function_pids())
        self.note_cgroups()
        self.delete_all()
        self.assert_nothing_left()


def at_once(count, call):
    """The results of call(0), call(1) ..., made at the same time; the first exception is raised."""
    results, errors = [None] * count, []

    def one(i):
        try:
            results[i] = call(i)
        except Exception as error:  # told below
            errors.append(error)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


class InvocationsOnOci(Invocations, OciCase):
    def test_event_and_dry_run_answer_without_a_body(self):
        name = self.create()
        dry = self.api.invoke(name, {"do": "out never"}, kind="DryRun")
        self.assertEqual((dry.status, dry.payload, dry.version), (204, b"", None))
        event = self.api.invoke(name, {"do": "out later"}, kind="Event")
        self.assertEqual((event.status, event.payload, event.version, event.error), (202, b"", None, None))
        self.assertRegex(event.request_id, "^%s$" % UUID)
        wait_for(lambda: "later\n" in self.logs(name), 20, "the event to be run")
        self.assertIn("START RequestId: %s Version" % event.request_id, self.logs(name))
        self.assertNotIn("never", self.logs(name))
        self.assert_error(404, "ResourceNotFoundException", None, self.api.invoke, "nobody", 1, kind="DryRun")

    def test_answers_of_every_size(self):
        name = self.create()
        self.assertEqual(self.api.do(name, "raw null").payload, b"null")
        self.assertEqual(self.api.do(name, "empty").payload, b"")
        for size in (2, 65536, 5 << 20, 6291556):
            self.assertEqual(len(self.api.do(name, "big %d" % size).payload), size)
        event = json.dumps({"do": "raw 1", "fill": ""})
        event = event.replace('""', '"%s"' % ("x" * (6291456 - len(event))))
        self.assertEqual(self.api.invoke(name, body=event).payload, b"1")

    def test_requests_that_are_refused(self):
        name = self.create()
        self.assert_error(413, "RequestEntityTooLargeException",
                          "Request must be smaller than 6291456 bytes for the InvokeFunction operation", self.api.invoke,
                          name, "x" * 6291456)
        for body in ("{", "nope", "{'a':1}", "[1,]"):
            with self.subTest(body):
                error = self.assert_error(400, "InvalidRequestContentException", None, self.api.invoke, name, body=body)
                self.assertTrue(error.message.startswith("Could not parse request body into json: "), error.message)
        # Without a body the event is an empty object.
        self.assertEqual(self.api.invoke(name, body="").json()["event"], {})

    def test_qualifiers(self):
        name = self.create(env={"WHICH": "1"}, Publish=True)
        self.api.UpdateFunctionConfiguration(FunctionName=name, Environment={"Variables": {
            "WHICH": "2", "VIRGA_TEST_MARK": self.virga.mark}})
        self.wait_updated(name)
        self.api.CreateAlias(FunctionName=name, Name="live", FunctionVersion="1")
        for qualifier, version, which in (("1", "1", "1"), ("live", "1", "1"), ("$LATEST", "$LATEST", "2"),
                                          (None, "$LATEST", "2")):
            with self.subTest(qualifier):
                answer = self.api.invoke(name, qualifier=qualifier)
                told = answer.json()
                self.assertEqual((answer.version, told["env"]["WHICH"]), (version, which))
                self.assertEqual(told["context"]["arn"], self.api.arn(name, qualifier))
                self.assertEqual(told["env"]["AWS_LAMBDA_FUNCTION_VERSION"], version)
        self.assertEqual(self.api.invoke(self.api.arn(name, "live")).version, "1")
        self.assertIn("Version: 1\n", self.api.do(name, "raw 1", qualifier="live", tail=True).log)

    def test_weights_of_an_alias_are_obeyed(self):
        name = self.create(Publish=True)
        self.api.UpdateFunctionConfiguration(FunctionName=name, Timeout=9)
        self.wait_updated(name)
        self.api.PublishVersion(FunctionName=name)
        self.api.CreateAlias(FunctionName=name, Name="live", FunctionVersion="1",
                             RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
        versions = [self.api.do(name, "raw 1", qualifier="live").version for _ in range(60)]
        self.assertEqual(set(versions), {"1", "2"})  # one side missing: 1 in 2^59
        self.api.UpdateAlias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
        self.assertEqual({self.api.do(name, "raw 1", qualifier="live").version for _ in range(20)}, {"2"})

    def test_reserved_concurrency(self):
        name = self.create()
        throttled = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User",
                     "message": "Rate Exceeded."}
        self.api.PutFunctionConcurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        error = self.assert_error(429, "TooManyRequestsException", "Rate Exceeded.", self.api.invoke, name, 1)
        self.assertEqual(error.body, throttled)
        self.api.PutFunctionConcurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        self.api.do(name, "raw 1")
        slow = threading.Thread(target=lambda: self.api.do(name, "sleep 2500"))
        slow.start()
        self.wait_busy(name)
        error = self.assert_error(429, "TooManyRequestsException", "Rate Exceeded.", self.api.invoke, name, 1)
        self.assertEqual(error.body, throttled)
        slow.join()
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")
        self.api.DeleteFunctionConcurrency(FunctionName=name)
        self.assertEqual(at_once(3, lambda _: self.api.do(name, "sleep 200;raw 1").payload), [b"1"] * 3)

    def test_provisioned_concurrency(self):
        name = self.create(Publish=True)
        put, get = self.api.PutProvisionedConcurrencyConfig, self.api.GetProvisionedConcurrencyConfig
        self.assert_error(404, "ProvisionedConcurrencyConfigNotFoundException",
                          "No Provisioned Concurrency Config found for this function", get, FunctionName=name,
                          Qualifier="1")
        self.assert_error(400, "InvalidParameterValueException",
                          "Provisioned Concurrency Configs cannot be applied to unpublished function versions.", put,
                          FunctionName=name, Qualifier="$LATEST", ProvisionedConcurrentExecutions=1)
        made = put(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=2)
        self.assertEqual((made["RequestedProvisionedConcurrentExecutions"], made["Status"]), (2, "IN_PROGRESS"))
        found = wait_for(lambda: (lambda f: f if f["Status"] == "READY" else None)(get(FunctionName=name, Qualifier="1")),
                         30, "provisioned environments")
        self.assertEqual((found["AllocatedProvisionedConcurrentExecutions"],
                          found["AvailableProvisionedConcurrentExecutions"]), (2, 2))
        answers = at_once(2, lambda _: self.api.do(name, "sleep 500;echo", qualifier="1").json())
        self.assertEqual([a["env"]["AWS_LAMBDA_INITIALIZATION_TYPE"] for a in answers], ["provisioned-concurrency"] * 2)
        self.assertEqual(len({a["started"] for a in answers}), 2)
        self.assertNotIn("Init Duration", self.api.do(name, "raw 1", qualifier="1", tail=True).log)
        self.assertEqual(self.api.answer("DeleteProvisionedConcurrencyConfig",
                                         {"FunctionName": name, "Qualifier": "1"})[0], 204)
        self.note_cgroups()
        self.delete_all()
        self.assert_nothing_left()

    def test_a_function_that_is_pending_is_not_invoked(self):
        # Source: the developer guide, "Lambda function states"; a fast machine may already be done.
        name = self.create(image=function_image(self.id()), wait=False)
        try:
            self.api.do(name, "raw 1")
        except LambdaError as error:
            self.assertEqual((error.status, error.code, error.message), (
                409, CONFLICT, "The operation cannot be performed at this time. The function is currently in the following "
                "state: Pending"))
        self.wait_active(name)
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")

    def test_a_stream_of_a_function_that_does_not_stream(self):
        name = self.create()
        events = read_events(self.api.do(name, "raw 42", streamed=True, tail=True).payload)
        self.assertEqual([(h[":event-type"], p) for h, p in events[:-1]], [("PayloadChunk", b"42")])
        complete = json.loads(events[-1][1])
        self.assertIn("REPORT RequestId", base64.b64decode(complete["LogResult"]).decode())
        self.assertNotIn("ErrorCode", complete)

    def test_a_stream_that_breaks_says_so_at_its_end(self):
        name = self.create()
        for script in ("stream 2 50 4 error", "stream 2 50 4 cut;exit 1"):
            with self.subTest(script):
                events = read_events(self.api.do(name, script, streamed=True).payload)
                self.assertEqual(b"".join(p for h, p in events if h[":event-type"] == "PayloadChunk"), b"aaaabbbb")
                complete = json.loads(events[-1][1])
                self.assertTrue(complete.get("ErrorCode"), complete)
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")

    def test_a_large_stream_passes_without_being_kept(self):
        name = self.create(MemorySize=512)
        answer = self.api.do(name, "stream 320 0 65536", streamed=True)  # 20 MiB, above what is buffered
        events = read_events(answer.payload)
        self.assertEqual(sum(len(p) for h, p in events if h[":event-type"] == "PayloadChunk"), 320 * 65536)

    def test_a_streamed_answer_to_a_plain_invocation_is_whole(self):
        name = self.create()
        answer = self.api.do(name, "stream 3 10 4")
        self.assertEqual((answer.error, answer.payload), (None, b"aaaabbbbcccc"))

    def test_one_invocation_is_answered_once(self):
        name = self.create()
        self.assertEqual(self.api.do(name, "twice").payload, b'"first"')
        self.assertRegex(self.api.do(name, "wrong").payload.decode(), '^{"status":4[0-9][0-9],')
        wait_for(lambda: "second answer: 4" in self.logs(name), 10, "the second answer to be refused")

    def test_a_client_that_leaves_does_not_end_the_function(self):
        name = self.create()
        self.api.do(name, "raw 1")
        conn = socket.create_connection(("127.0.0.1", self.virga.port))
        body = b'{"do":"sleep 1000;out finished;raw 1"}'
        conn.sendall(b"POST /2015-03-31/functions/%s/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                     % (name.encode(), len(body), body))
        self.wait_busy(name)
        conn.close()
        wait_for(lambda: self.logs(name).count("REPORT RequestId") == 2, 20, "the function to finish")
        self.assertIn("finished\n", self.logs(name))
        self.assertEqual(self.api.invoke(name).json()["count"], 3)

    def test_the_log_of_a_function_is_shown_and_followed(self):
        name = self.create()
        self.api.do(name, "out before;raw 1")
        self.assertIn("before\n", self.logs(name))
        conn, res = self.api.open("GET", "/_floci/lambda/%s/logs?follow=1" % name)
        try:
            self.assertEqual(res.status, 200)
            self.api.do(name, "out while following;raw 1")
            seen = b""
            while b"while following\n" not in seen:
                more = res.read1(65536)
                self.assertTrue(more, "the log ended: %r" % seen)
                seen += more
            self.assertIn(b"before\n", seen)
        finally:
            conn.close()
        status, _, _ = self.virga.http("GET", "/_floci/lambda/nobody/logs")
        self.assertEqual(status, 404)


class InvocationsOnDocker(Invocations, DockerCase):
    pass


class AccountLimit(OciCase):
    settings = {"floci.services.lambda.concurrency-max": 2}

    def test_what_is_over_the_accounts_limit_is_throttled(self):
        self.assertEqual(self.api.GetAccountSettings()["AccountLimit"]["ConcurrentExecutions"], 2)
        one, other = self.create("-1"), self.create("-2")
        slow = [threading.Thread(target=self.api.do, args=(one, "sleep 2000")) for _ in range(2)]
        for thread in slow:
            thread.start()
        wait_for(lambda: self.logs(one).count("START RequestId") == 2, 20, "two invocations to run")
        error = self.assert_error(429, "TooManyRequestsException", "Rate Exceeded.", self.api.invoke, other, 1)
        self.assertEqual(error.body["Reason"], "ConcurrentInvocationLimitExceeded")
        for thread in slow:
            thread.join()
        self.assertEqual(self.api.do(other, "raw 1").payload, b"1")


class Once:
    """For those that differ little from another: that they work at all."""

    def test_a_function_runs_and_leaves_nothing(self):
        name = self.create()
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")
        self.assertEqual(self.api.invoke(name).json()["count"], 2)
        self.assertEqual(self.api.do(name, "exit 3").json()["errorType"], "Runtime.ExitError")
        self.note_cgroups()
        self.delete_all()
        self.assert_nothing_left()


class InvocationsOnRunc(Once, RuncCase):
    pass


class InvocationsOnPodman(Once, PodmanCase):
    pass


if __name__ == "__main__":
    unittest.main()
