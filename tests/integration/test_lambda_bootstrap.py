# SPDX-License-Identifier: MIT
"""The tests' own function against a small Runtime API: a fault of it must not look like one of the plugin."""
import json
import os
import signal
import subprocess
import tempfile
import unittest

from lambdaimage import BOOTSTRAP, need_bootstrap
from runtimeapi import RuntimeApi


class Bootstrap(unittest.TestCase):
    def setUp(self):
        need_bootstrap()
        self.api = RuntimeApi()
        self.addCleanup(self.api.close)
        self.proc = None

    def start(self, **env):
        self.proc = subprocess.Popen([BOOTSTRAP, "handler"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, cwd="/",
                                     env={"AWS_LAMBDA_RUNTIME_API": self.api.address, **env})
        self.addCleanup(self.end)

    def end(self):
        self.proc.kill()
        self.proc.wait()
        self.proc.stdout.close()

    def run_event(self, event, **headers):
        request = self.api.give(event, **headers)
        what, sent, body = self.api.answer()
        self.assertIn(request, what)
        return what.split("/")[-1], sent, body

    def test_echo_tells_event_headers_environment_and_count(self):
        self.start(COLOUR='bl"ue')
        for count in (1, 2):
            what, sent, body = self.run_event({"a": [1, "ü"]}, Lambda_Runtime_Deadline_Ms="17")
            told = json.loads(body)
            self.assertEqual((what, sent["Content-Type"]), ("response", "application/json"))
            self.assertEqual(told["event"], {"a": [1, "ü"]})
            self.assertEqual(told["context"]["deadlineMs"], "17")
            self.assertEqual(told["env"]["COLOUR"], 'bl"ue')
            self.assertEqual((told["count"], told["cwd"], told["argv"][1:]), (count, "/", ["handler"]))

    def test_scripts_choose_the_answer(self):
        self.start()
        with tempfile.TemporaryDirectory() as folder:
            for script, expected in (
                    ("raw [1]", b"[1]"), ("big 1000", b'"' + b"x" * 998 + b'"'), ("empty", b""),
                    ("write %s/f one;write %s/f two;read %s/f" % (folder, folder, folder), b'"onetwo"'),
                    ("read /nowhere/at/all", b"null"), ("stream 3 1 2", b"aabbcc"),
                    ("raw {};stream 1 0 1", b"{}" + bytes(8) + b"a")):
                with self.subTest(script):
                    self.assertEqual(self.run_event({"do": script})[2], expected)
            os.symlink("f", folder + "/link")
            told = json.loads(self.run_event({"do": "ls " + folder})[2])
            self.assertEqual(told["link"]["target"], "f")
            self.assertEqual(told["f"]["mode"], "0644")
        sent = self.run_event({"do": "type text/html;raw <b>"})[1]
        self.assertEqual(sent["Content-Type"], "text/html")
        self.assertGreaterEqual(json.loads(self.run_event({"do": "sleep 20;us"})[2])["us"], 20000)

    def test_streams_say_so(self):
        self.start()
        sent = self.run_event({"do": "stream 1 0 1 error"})[1]
        self.assertEqual(sent["Lambda-Runtime-Function-Response-Mode"], "streaming")
        self.assertIn("Lambda-Runtime-Function-Error-Type", sent["Trailer"])

    def test_errors_and_ends(self):
        self.start()
        what, sent, body = self.run_event({"do": "fail Some.Type it went wrong"})
        self.assertEqual((what, sent["Lambda-Runtime-Function-Error-Type"]), ("error", "Some.Type"))
        self.assertEqual(json.loads(body), {"errorMessage": "it went wrong", "errorType": "Some.Type", "stackTrace": []})
        for script, code in (("exit 3", 3), ("segv", -signal.SIGSEGV)):
            self.start()
            self.api.give({"do": "out bye;" + script})
            self.assertEqual(self.proc.wait(10), code)
            self.assertEqual(self.proc.stdout.read(), b"bye\n")

    def test_init_scripts(self):
        self.start(BOOT_INIT="out starting;fail Init.Type no good")
        what, _, body = self.api.answer()
        self.assertEqual(what, "init/error")
        self.assertEqual(json.loads(body)["errorType"], "Init.Type")
        self.assertEqual(self.proc.wait(10), 1)
        self.start(BOOT_INIT="exit 0")
        self.assertEqual(self.proc.wait(10), 0)

    def test_sigterm(self):
        for how, code, said in (("", 0, b""), ("say", 0, b"SIGTERM\n"), ("ignore", -signal.SIGKILL, b"")):
            self.start(BOOT_TERM=how)
            self.run_event(1)
            self.proc.terminate()
            if how == "ignore":
                self.run_event(2)
                self.proc.kill()
            self.assertEqual(self.proc.wait(10), code)
            self.assertEqual(self.proc.stdout.read(), said)


if __name__ == "__main__":
    unittest.main()
