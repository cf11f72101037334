# SPDX-License-Identifier: MIT
"""Each way in which a function fails has its own truth: the error's type and words, the log's lines, and whether the
next invocation is well."""
import threading
import unittest

from lambdacase import DockerCase, OciCase
from lambdaimage import Layer, build, bootstrap_layer, foreign_program, function_image
from virga import wait_for

EXIT = "Runtime.ExitError"


class Failures:
    """What holds on every executor."""

    def assert_well(self, name):
        """The next invocation gets an environment that works."""
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")

    def test_an_error_of_the_handler_is_passed_on(self):
        name = self.create()
        answer = self.api.do(name, "fail My.Error it went wrong")
        self.assertEqual((answer.status, answer.error, answer.version), (200, "Unhandled", "$LATEST"))
        self.assertEqual(answer.json(), {"errorMessage": "it went wrong", "errorType": "My.Error", "stackTrace": []})
        # The environment is as good as before.
        self.assertEqual(self.api.invoke(name).json()["count"], 2)

    def test_a_timeout(self):
        name = self.create(Timeout=1)
        self.api.do(name, "write /tmp/kept x;raw 1")
        answer = self.api.do(name, "out began;sleep 5000", tail=True)
        self.assert_failed(answer, "Sandbox.Timedout", "RequestId: RID Error: Task timed out after 1.00 seconds")
        self.assertIn("began\n", answer.log)
        self.assertEqual(answer.report["Status"], "timeout")
        after = self.api.invoke(name).json()
        self.assertEqual(after["count"], 1)

    def test_the_process_ends_in_the_handler(self):
        name = self.create()
        for script, words in (("exit 0", "Runtime exited without providing a reason"),
                              ("exit 3", "Runtime exited with error: exit status 3"),
                              ("segv", r"Runtime exited with error: signal: segmentation fault( \(core dumped\))?")):
            with self.subTest(script):
                answer = self.api.do(name, "out last words;" + script, tail=True)
                self.assert_failed(answer, EXIT, "RequestId: RID Error: " + words)
                self.assertIn("last words\n", answer.log)
                self.assertIn("END RequestId: " + answer.request_id, answer.log)
                self.assertEqual(answer.report.get("Error Type"), EXIT, answer.log)
        self.assert_well(name)

    def test_the_process_ends_in_init(self):
        for code, words in ((0, "Runtime exited without providing a reason"),
                            (7, "Runtime exited with error: exit status 7")):
            with self.subTest(code):
                name = self.create("-%d" % code, env={"BOOT_INIT": "out starting;exit %d" % code})
                answer = self.api.invoke(name, tail=True)
                self.assert_failed(answer, EXIT, "RequestId: RID Error: " + words)
                self.assertIn("starting\n", answer.log)

    def test_an_error_of_init(self):
        name = self.create(env={"BOOT_INIT": "fail Init.Broken no good"})
        answer = self.api.invoke(name, tail=True)
        self.assertEqual((answer.status, answer.error), (200, "Unhandled"))
        self.assertEqual(answer.json(), {"errorMessage": "no good", "errorType": "Init.Broken", "stackTrace": []})
        # It is tried again with every invocation.
        self.api.UpdateFunctionConfiguration(FunctionName=name, Environment={"Variables": {}})
        self.wait_updated(name)
        self.assert_well(name)

    def test_entry_points_that_cannot_be_started(self):
        text = Layer().file("text", "not a program", 0o644).done()
        dead = Layer().file("dead", b"\x7fELF" + b"\0" * 60, 0o755).done()
        cases = (("absent", function_image("absent", entrypoint=("/not/there",)),
                  "fork/exec /not/there: no such file or directory"),
                 ("denied", function_image("denied", more=(text,), entrypoint=("/text",)),
                  "fork/exec /text: permission denied"),
                 ("format", function_image("format", more=(dead,), entrypoint=("/dead",)),
                  "fork/exec /dead: exec format error"),
                 ("other", foreign_program(), "fork/exec /bootstrap: exec format error"))
        for what, image, words in cases:
            with self.subTest(what):
                name = self.create("-" + what, image=image)
                answer = self.api.invoke(name, tail=True)
                self.assert_failed(answer, "Runtime.InvalidEntrypoint", "RequestId: RID Error: " + words)
                self.assertIn("Runtime.InvalidEntrypoint", answer.log)

    def test_a_working_directory_that_is_not_there(self):
        name = self.create(ImageConfig={"WorkingDirectory": "/not/there"})
        answer = self.api.invoke(name)
        self.assertEqual((answer.status, answer.error), (200, "Unhandled"), answer)
        self.assertEqual(answer.json()["errorType"], "Runtime.InvalidWorkingDir", answer)

    def test_out_of_memory(self):
        name = self.create(MemorySize=128)
        answer = self.api.do(name, "out eating;oom 1024;raw 1", tail=True)
        self.assertEqual((answer.status, answer.error), (200, "Unhandled"), answer)
        self.assertIn(answer.json()["errorType"], ("Runtime.OutOfMemory", EXIT))
        self.assertEqual(answer.json()["errorMessage"],
                         "RequestId: %s Error: Runtime exited with error: signal: killed" % answer.request_id)
        self.assertEqual(answer.report.get("Error Type"), "Runtime.OutOfMemory", answer.log)
        self.assertEqual(answer.report["Memory Size"], "128 MB")
        self.assertGreaterEqual(int(answer.report["Max Memory Used"].split()[0]), 100)
        self.assert_well(name)

    def test_an_answer_that_is_too_large(self):
        name = self.create()
        answer = self.api.do(name, "big 6291557")
        self.assertEqual((answer.status, answer.error), (200, "Unhandled"))
        self.assertEqual(answer.payload, b'{"errorMessage":"Response payload size exceeded maximum allowed payload size '
                         b'(6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}')
        self.assert_well(name)

    def test_a_child_does_not_outlive_its_environment(self):
        name = self.create()
        self.api.do(name, "fork 600000;raw 1")
        self.assertGreaterEqual(len([p for p in self.function_pids()]), 2)
        self.note_cgroups()
        self.delete_all()
        self.assert_nothing_left()


class FailuresOnOci(Failures, OciCase):
    settings = {"floci.services.lambda.init-timeout-ms": 1500}

    def test_init_that_takes_too_long_is_tried_once_more_within_the_invocation(self):
        # Source: the developer guide: after the init phase's 10 s it is run again as part of the invocation.
        name = self.create(Timeout=10, env={"BOOT_INIT": "sleep 2500"})
        answer = self.api.do(name, "raw 1", tail=True)
        self.assertEqual((answer.error, answer.payload), (None, b"1"), answer)
        self.assertRegex(self.logs(name), "INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: init\tStatus: timeout")
        name = self.create("-never", Timeout=2, env={"BOOT_INIT": "sleep 60000"})
        answer = self.api.invoke(name)
        self.assert_failed(answer, "Sandbox.Timedout", "RequestId: RID Error: Task timed out after 2.00 seconds")

    def test_out_of_memory_in_init(self):
        name = self.create(MemorySize=128, env={"BOOT_INIT": "oom 1024"})
        answer = self.api.invoke(name)
        self.assertEqual((answer.status, answer.error), (200, "Unhandled"), answer)
        self.assertIn(answer.json()["errorType"], ("Runtime.OutOfMemory", EXIT))

    def test_the_temporary_directory_is_as_large_as_asked_for(self):
        name = self.create(MemorySize=2048, EphemeralStorage={"Size": 512})
        answer = self.api.do(name, "fill /tmp/file 600").json()
        self.assertGreaterEqual(answer["mib"], 480)
        self.assertEqual(answer["errno"], 28, answer)  # ENOSPC

    def test_a_function_that_ignores_sigterm_is_killed(self):
        name = self.create(env={"BOOT_TERM": "ignore"})
        self.api.do(name, "raw 1")
        self.note_cgroups()
        self.delete_all()
        self.assert_nothing_left()

    def test_no_entry_point_at_all(self):
        name = self.create(image=build([bootstrap_layer()], {}))
        answer = self.api.invoke(name)
        self.assertEqual((answer.status, answer.error), (200, "Unhandled"), answer)
        self.assertEqual(answer.json()["errorType"], "Runtime.InvalidEntrypoint", answer)

    def test_a_failure_leaves_the_others_alone(self):
        good, bad = self.create("-good"), self.create("-bad")
        first = self.api.invoke(good).json()
        slow = []
        thread = threading.Thread(target=lambda: slow.append(self.api.do(good, "sleep 1500;echo").json()))
        thread.start()
        for script in ("exit 1", "segv", "oom 1024"):
            self.assertEqual(self.api.do(bad, script).error, "Unhandled")
        thread.join()
        self.assertEqual((slow[0]["started"], slow[0]["count"]), (first["started"], 2))

    def test_a_failed_environment_leaves_nothing(self):
        name = self.create(Timeout=1)
        for script in ("exit 1", "segv", "oom 1024", "sleep 5000"):
            self.assertEqual(self.api.do(name, script).error, "Unhandled")
        self.delete_all()
        self.assert_nothing_left()

    def test_lines_of_many_environments_do_not_mix(self):
        name = self.create()
        threads = [threading.Thread(target=self.api.do, args=(name, "out this is number %d;sleep 300;raw 1" % i))
                   for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: self.logs(name).count("REPORT RequestId") == 3, 10, "three reports")
        for i in range(3):
            self.assertIn("this is number %d\n" % i, self.logs(name))


class FailuresOnDocker(Failures, DockerCase):
    pass


if __name__ == "__main__":
    unittest.main()
