# SPDX-License-Identifier: MIT
"""What a function finds around it: variables, a way to AWS, files, limits, extensions."""
import json
import re
import unittest

from lambdacase import DockerCase, OciCase
from lambdaimage import function_image
from virga import wait_for


class Surroundings:
    """What holds on every executor."""

    def test_variables(self):
        name = self.create(env={"OWN": "a b\"c"}, MemorySize=256)
        env = self.api.invoke(name).json()["env"]
        self.assertEqual(env["OWN"], "a b\"c")
        self.assertEqual((env["AWS_REGION"], env["AWS_DEFAULT_REGION"]), ("us-east-1", "us-east-1"))
        self.assertEqual((env["AWS_LAMBDA_FUNCTION_NAME"], env["AWS_LAMBDA_FUNCTION_VERSION"],
                          env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], env["AWS_LAMBDA_INITIALIZATION_TYPE"]),
                         (name, "$LATEST", "256", "on-demand"))
        self.assertEqual(env["AWS_LAMBDA_LOG_GROUP_NAME"], "/aws/lambda/" + name)
        self.assertRegex(env["AWS_LAMBDA_LOG_STREAM_NAME"], r"^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$")
        self.assertRegex(env["AWS_LAMBDA_RUNTIME_API"], r"^[^/:]+:\d+$")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            self.assertTrue(env.get(name), name)
        self.assertEqual((env["TZ"], env["LANG"]), (":UTC", "en_US.UTF-8"))
        self.assertIn("/bin", env["PATH"])
        # What virga itself was started with is none of a function's business.
        self.assertNotIn("DOCKER_HOST", env)
        self.assertNotIn("HOME_OF_TEST", env)

    def test_variables_of_the_image_are_there_and_the_functions_come_first(self):
        name = self.create(image=function_image(self.id(), env=("PATH=/bin:/", "IMAGE=1", "BOTH=image")),
                           env={"BOTH": "function"})
        env = self.api.invoke(name).json()["env"]
        self.assertEqual((env["IMAGE"], env["BOTH"], env["PATH"]), ("1", "function", "/bin:/"))

    def test_calls_to_aws_come_back_to_this_server(self):
        name = self.create()
        answer = self.api.do(name, "aws POST sts").json()
        self.assertEqual(answer["status"], 200, answer)
        self.assertIn("<Account>000000000000</Account>", answer["body"])
        answer = self.api.do(name, "aws GET /2015-03-31/functions/").json()
        self.assertEqual(answer["status"], 200, answer)
        self.assertIn(name, [f["FunctionName"] for f in json.loads(answer["body"])["Functions"]])

    def test_a_function_invokes_another(self):
        inner, outer = self.create("-inner"), self.create("-outer")
        answer = self.api.do(outer, "aws POST /2015-03-31/functions/%s/invocations {}" % inner).json()
        self.assertEqual(answer["status"], 200, answer)
        self.assertEqual(json.loads(answer["body"])["context"]["arn"], self.api.arn(inner))

    def test_only_the_temporary_directory_is_writable(self):
        name = self.create()
        self.assertEqual(self.api.do(name, "write /tmp/x yes;read /tmp/x").json(), "yes")
        denied = self.api.do(name, "write /var/task/x no").json()
        self.assertIn(denied["errno"], (13, 30), denied)  # EACCES, EROFS
        self.assertIsNone(self.api.do(name, "read /var/task/x").json())

    def test_a_user_of_the_image_is_obeyed(self):
        name = self.create(image=function_image(self.id(), user="1234:1235"))
        told = self.api.invoke(name).json()
        self.assertEqual((told["uid"], told["gid"]), (1234, 1235))

    def test_extensions_are_told_of_events_and_of_the_end(self):
        name = self.create(env={"BOOT_EXTENSION": "watcher", "BOOT_EXTENSION_DO": "telemetry"})
        first = self.api.do(name, "raw 1")
        second = self.api.do(name, "raw 2")
        self.assertEqual((first.payload, second.payload), (b"1", b"2"))
        wait_for(lambda: "EXTENSION watcher INVOKE %s\n" % second.request_id in self.logs(name), 10, "INVOKE")
        log = self.logs(name)
        self.assertRegex(log, "EXTENSION watcher registered 200 {")
        self.assertIn('"functionName":"%s"' % name, re.sub('": "', '":"', log))
        self.assertIn("EXTENSION watcher telemetry 200", log)
        self.assertIn("EXTENSION watcher INVOKE %s\n" % first.request_id, log)
        self.api.UpdateFunctionConfiguration(FunctionName=name, Description="another")
        wait_for(lambda: re.search("EXTENSION watcher SHUTDOWN spindown\n", self.logs(name), re.I), 20, "SHUTDOWN")


class SurroundingsOnOci(Surroundings, OciCase):
    def test_an_extension_that_is_slow_delays_the_next_event_and_not_the_answer(self):
        name = self.create(env={"BOOT_EXTENSION": "slow", "BOOT_EXTENSION_DO": "slow"})
        for count in (1, 2, 3):
            answer = self.api.invoke(name)
            self.assertEqual(answer.json()["count"], count)
            # The next one would get an environment of its own while this one is busy.
            wait_for(lambda: "REPORT RequestId: " + answer.request_id in self.logs(name), 10, "the extension")
        self.assertEqual(self.logs(name).count("EXTENSION slow INVOKE"), 3)

    def test_an_extension_that_fails_fails_the_function(self):
        for what, kind in (("init-error", "Extension.InitError"), ("exit-error", "Extension.ExitError")):
            with self.subTest(what):
                name = self.create("-" + what, env={"BOOT_EXTENSION": "bad", "BOOT_EXTENSION_DO": what})
                answer = self.api.do(name, "sleep 500;raw 1", tail=True)
                self.assertEqual((answer.status, answer.error), (200, "Unhandled"), answer)
                self.assertEqual(answer.json()["errorType"], kind, answer)

    def test_processes_are_confined(self):
        name = self.create()
        told = self.api.invoke(name).json()
        self.assertLess(told["pid"], 100)  # its own process ids
        status = dict(line.split(":\t", 1) for line in self.api.do(name, "read /proc/self/status").json().splitlines()
                      if ":\t" in line)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(int(status["CapEff"], 16), 0)
        for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list"):
            self.assertIn(self.api.do(name, "read " + path).json(), (None, ""), path)
        self.assertNotIn(self.virga.dir, self.api.do(name, "read /proc/mounts").json().replace("lowerdir", ""))
        denied = self.api.do(name, "write /proc/sys/kernel/hostname x").json()
        self.assertIn("errno", denied)


class SurroundingsOnDocker(Surroundings, DockerCase):
    pass


if __name__ == "__main__":
    unittest.main()
