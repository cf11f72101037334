# SPDX-License-Identifier: MIT
"""Nothing is left behind: not by many invocations, not by idle environments, not by a stop in the middle, not by
kill -9, not by a reset."""
import collections
import json
import os
import threading
import time
import unittest

from lambdaapi import LambdaError
from lambdacase import REPOSITORY, DockerCase, OciCase
from lambdaimage import Layer, function_image
from virga import wait_for


class Life:
    """What holds on every executor. Each test leaves a server that runs."""
    settings = {"floci.services.lambda.idle-seconds": 3}
    CALLS, WIDTH = 200, 20

    def background(self, call):
        """Runs it beside the test; what it returned or raised is in the list."""
        results = []

        def work():
            try:
                results.append(call())
            except Exception as error:
                results.append(error)
        thread = threading.Thread(target=work)
        thread.start()
        self.addCleanup(thread.join)
        return thread, results

    def wait_running(self, name, count=1):
        wait_for(lambda: self.logs(name).count("START RequestId") >= count, 60, "%d invocations to run" % count)

    def test_many_invocations_leave_nothing(self):
        name = self.create()
        todo, outcomes, started = collections.deque(range(self.CALLS)), collections.Counter(), set()
        lock = threading.Lock()

        def work():
            while True:
                try:
                    i = todo.popleft()
                except IndexError:
                    return
                answer = self.api.invoke(name, {"i": i}).json()
                with lock:
                    outcomes[answer["event"]["i"]] += 1
                    started.add(answer["started"])
        workers = [self.background(work) for _ in range(self.WIDTH)]
        for i, (thread, results) in enumerate(workers):
            thread.join()
            self.assertEqual(results, [None], "worker %d" % i)
        self.assertEqual(outcomes, collections.Counter(range(self.CALLS)))
        self.assertLessEqual(len(started), self.WIDTH)
        self.note_cgroups()
        self.delete_all()
        self.assert_nothing_left(60)

    def test_an_idle_environment_is_ended(self):
        name = self.create()
        first = self.api.invoke(name).json()
        self.note_cgroups()
        self.assert_nothing_left(30)
        second = self.api.invoke(name).json()
        self.assertEqual(second["count"], 1)
        self.assertNotEqual(second["started"], first["started"])

    def test_kill_9_while_functions_run(self):
        name = self.create()
        self.api.do(name, "raw 1")
        calls = [self.background(lambda: self.api.do(name, "fork 600000;sleep 600000")) for _ in range(3)]
        self.wait_running(name, 4)
        self.note_cgroups()
        self.virga.kill9()
        for thread, results in calls:
            thread.join()
            self.assertIsInstance(results[0], Exception)
        self.virga.start()
        self.assertEqual(self.api.state(name)[0], "Active")
        # What the earlier run left is removed before the first function runs.
        self.assertEqual(self.api.invoke(name).json()["count"], 1)
        self.delete_all()
        self.assert_nothing_left(30)

    def test_a_worker_that_dies_leaves_nothing(self):
        name = self.create()
        _, results = self.background(lambda: self.api.do(name, "sleep 600000"))
        self.wait_running(name)
        self.note_cgroups()
        workers = [pid for pid, exe in self.virga.processes() if pid != self.virga.proc.pid
                   and exe == os.path.realpath("/proc/%d/exe" % self.virga.proc.pid)]
        self.assertTrue(workers)
        for pid in workers:
            os.kill(pid, 9)

        def again():
            try:
                return self.api.invoke(name).json()
            except (LambdaError, OSError):
                return None
        self.assertEqual(wait_for(again, 30, "the next worker")["count"], 1)
        self.delete_all()
        self.assert_nothing_left(30)
        self.assertIsInstance(results[0], Exception)

    def test_a_stop_while_an_invocation_runs(self):
        name = self.create()
        self.api.do(name, "raw 1")
        _, results = self.background(lambda: self.api.do(name, "sleep 1500;raw 7"))
        self.wait_running(name, 2)
        self.virga.stop()  # exits 0 and leaves no process, or this fails
        self.assertEqual(self.left(stopped=True), [])
        self.virga.start()
        self.assertEqual(getattr(results[0], "payload", results[0]), b"7")
        self.assertEqual(self.api.do(name, "raw 1").payload, b"1")

    def test_a_stop_does_not_wait_for_idle_environments(self):
        self.api.do(self.create(), "raw 1")
        self.assertTrue(self.function_pids())
        self.virga.stop()
        self.assertNotIn("connections are still busy", self.virga.log())
        self.assertEqual(self.left(stopped=True), [])
        self.virga.start()

    def test_a_stop_does_not_wait_for_ever(self):
        self.virga.restart(**{"floci.limits.drain-timeout-ms": 500})
        name = self.create(Timeout=900, env={"BOOT_TERM": "ignore"})
        _, results = self.background(lambda: self.api.do(name, "sleep 600000"))
        self.wait_running(name)
        begun = time.monotonic()
        self.virga.stop()
        self.assertLess(time.monotonic() - begun, 55)
        self.assertEqual(self.left(stopped=True), [])
        del self.virga.settings["floci.limits.drain-timeout-ms"]
        self.virga.start()
        self.assertIsInstance(results[0], Exception)

    def test_idle_environments_hold_up_neither_stop_nor_reset(self):
        # Their runtimes wait for an event; were they waited for, both would take longer than stop() and http() wait.
        self.virga.restart(**{"floci.limits.drain-timeout-ms": 600000})
        name = self.create()
        self.api.do(name, "raw 1")
        self.virga.restart()
        self.api.do(name, "raw 1")
        self.assertEqual(self.virga.http("POST", "/_floci/state/reset")[0], 200)
        del self.virga.settings["floci.limits.drain-timeout-ms"]
        self.virga.restart()
        cls = type(self)
        cls.tags = {}
        cls.ecr.create(REPOSITORY)
        cls.uri = cls.push(function_image("shared"))

    def test_a_reset_ends_functions_and_forgets_them(self):
        name = self.create()
        self.api.CreateFunctionUrlConfig(FunctionName=name, AuthType="NONE")
        self.api.do(name, "raw 1")
        self.note_cgroups()
        status, _, body = self.virga.http("POST", "/_floci/state/reset")
        self.assertEqual((status, json.loads(body)), (200, {"status": "ok"}))
        self.assertEqual(self.api.ListFunctions(), {"Functions": []})
        self.assert_error(404, "ResourceNotFoundException", None, self.api.GetFunction, FunctionName=name)
        self.assert_nothing_left(30)
        # The next start knows nothing of it either; the images were forgotten too.
        self.virga.restart()
        self.assertEqual(self.api.ListFunctions(), {"Functions": []})
        cls = type(self)
        cls.tags = {}
        cls.ecr.create(REPOSITORY)
        cls.uri = cls.push(function_image("shared"))
        self.assertEqual(self.api.do(self.create(), "raw 1").payload, b"1")


class LifeOnOci(Life, OciCase):
    def test_images_that_nobody_uses_are_removed(self):
        big = function_image(self.id(), more=(Layer().file("big", os.urandom(8 << 20)).done(),))
        name = self.create(image=big)
        self.api.do(name, "raw 1")
        self.assertGreater(self.stored(), 8 << 20)
        self.delete_all()
        wait_for(lambda: self.stored() < 8 << 20, 60, "the image to be removed")

    def stored(self):
        total = 0
        for folder, _, names in os.walk(os.path.join(self.virga.data, "lambda")):
            for one in names:
                try:
                    total += os.lstat(os.path.join(folder, one)).st_size
                except OSError:
                    pass
        return total

    def test_functions_that_crash_all_the_time_leave_nothing(self):
        name = self.create()
        threads = [self.background(lambda: [self.api.do(name, "exit 1") for _ in range(5)]) for _ in range(6)]
        for thread, results in threads:
            thread.join()
            self.assertEqual([answer.error for answer in results[0]], ["Unhandled"] * 5)
        self.delete_all()
        self.assert_nothing_left(30)


class LifeOnDocker(Life, DockerCase):
    pass


if __name__ == "__main__":
    unittest.main()
