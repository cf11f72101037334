# SPDX-License-Identifier: MIT
"""Init hooks: scripts in boot.d, start.d, ready.d and stop.d."""
import os
import signal
import sys
import time
import unittest

from virga import Virga, wait_for
from wired import PLUGINS

ASK = """#!/bin/sh
%s - <<'EOF'
import os, urllib.request
with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/wire/info/a/b") as answer:
    print(answer.read().decode().splitlines()[0])
EOF
""" % sys.executable


class HooksCase(unittest.TestCase):
    def make(self, settings=None, **scripts):
        """A server with scripts: {"boot": {"10-a.sh": text}}."""
        virga = Virga(settings, plugin_dir=PLUGINS)
        self.addCleanup(virga.cleanup)
        self.folder = os.path.join(virga.dir, "init")
        for stage, files in scripts.items():
            os.makedirs(os.path.join(self.folder, stage + ".d"))
            for name, text in files.items():
                path = os.path.join(self.folder, stage + ".d", name)
                with open(path, "w") as f:
                    f.write(text)
                os.chmod(path, 0o755)
        return virga

    def lines(self, virga, text):
        return [line for line in virga.log().splitlines() if text in line]


class Stages(HooksCase):
    def test_each_stage_has_its_moment_and_its_order(self):
        order = "echo %s >> order\n"
        virga = self.make(
            boot={"20-b.sh": order % "boot-b", "10-a.sh": order % "boot-a", "ignored.txt": "exit 1\n"},
            start={"10-a.sh": order % "start"}, ready={"a.sh": order % "ready"},
            stop={"a.sh": order % "stop"})
        virga.start()
        wait_for(lambda: virga.get_json("/_floci/init")["completed"]["ready"], what="ready.d")
        doc = virga.get_json("/_floci/init")
        self.assertEqual(doc["completed"],
                         {"boot": True, "start": True, "ready": True, "shutdown": False})
        self.assertEqual(doc["scripts"]["boot"], [{"name": "10-a.sh", "state": "SUCCESSFUL"},
                                                  {"name": "20-b.sh", "state": "SUCCESSFUL"}])
        self.assertEqual(doc["scripts"]["shutdown"], [{"name": "a.sh", "state": "UNKNOWN"}])
        virga.stop()
        with open(os.path.join(virga.dir, "order")) as f:
            self.assertEqual(f.read().split(), ["boot-a", "boot-b", "start", "ready", "stop"])

    def test_the_host_answers_scripts_of_start_ready_and_stop(self):
        virga = self.make(start={"ask.sh": ASK}, ready={"ask.sh": ASK}, stop={"ask.sh": ASK},
                          settings={"floci.init-hooks.shutdown-grace-period-seconds": 60})
        virga.start()
        self.assertTrue(self.lines(virga, "start.d/ask.sh: method=GET"))
        wait_for(lambda: self.lines(virga, "ready.d/ask.sh: method=GET"), what="ready.d")
        virga.stop()
        self.assertTrue(self.lines(virga, "stop.d/ask.sh: method=GET"))

    def test_boot_runs_before_plugins_are_loaded(self):
        virga = self.make(boot={"a.sh": "ls /proc/$PPID/map_files >/dev/null 2>&1; "
                                        "grep -c wire /proc/$PPID/maps; exit 0\n"})
        virga.start()
        self.assertTrue(self.lines(virga, "boot.d/a.sh: 0"))
        virga.stop()

    def test_localstacks_page_has_localstacks_shape(self):
        virga = self.make(ready={"a.sh": "exit 0\n"})
        virga.start()
        wait_for(lambda: virga.get_json("/_localstack/init/ready")["completed"], what="ready.d")
        self.assertEqual(virga.get_json("/_localstack/init"), {
            "completed": {"BOOT": True, "START": True, "READY": True, "SHUTDOWN": False},
            "scripts": [{"stage": "READY", "name": "a.sh", "state": "SUCCESSFUL"}]})
        self.assertEqual(virga.http("GET", "/_localstack/init/nothing")[0], 404)
        virga.stop()

    def test_without_a_folder_all_stages_are_through(self):
        with Virga(plugin_dir=PLUGINS) as virga:
            self.assertEqual(virga.get_json("/_floci/init"), {
                "completed": {"boot": True, "start": True, "ready": True, "shutdown": False},
                "scripts": {"boot": [], "start": [], "ready": [], "shutdown": []}})


class Scripts(HooksCase):
    def test_the_environment_leads_to_this_host(self):
        virga = self.make(start={"env.sh": "env | grep -E '^(AWS|FLOCI)_' | sort\n"},
                          settings={"floci.default-region": "eu-north-1"})
        virga.start()
        for line in ("AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
                     "AWS_DEFAULT_REGION=eu-north-1", "AWS_REGION=eu-north-1",
                     "AWS_ENDPOINT_URL=http://localhost:%d" % virga.port,
                     "FLOCI_PORT=%d" % virga.port):
            self.assertTrue(self.lines(virga, "start.d/env.sh: " + line), line)
        virga.stop()

    def test_a_failure_is_told_and_the_rest_goes_on(self):
        virga = self.make(start={"1.sh": "echo so; echo bad >&2; exit 7\n", "2.sh": "kill -9 $$\n",
                                 "3.sh": "echo fine\n"})
        virga.start()
        self.assertTrue(self.lines(virga, "init script start.d/1.sh ended with status 7"))
        self.assertTrue(self.lines(virga, "start.d/1.sh: bad"))
        self.assertTrue(self.lines(virga, "init script start.d/2.sh was ended by signal 9"))
        states = [s["state"] for s in virga.get_json("/_floci/init/start")["scripts"]]
        self.assertEqual(states, ["ERROR", "ERROR", "SUCCESSFUL"])
        virga.stop()

    def test_one_that_hangs_is_ended_with_its_children(self):
        virga = self.make(start={"1.sh": "sleep 300 & sleep 300\n", "2.sh": "exit 0\n"},
                          settings={"floci.init-hooks.timeout-seconds": 1})
        virga.start()
        self.assertTrue(self.lines(virga, "start.d/1.sh took too long"))
        states = [s["state"] for s in virga.get_json("/_floci/init/start")["scripts"]]
        self.assertEqual(states, ["ERROR", "SUCCESSFUL"])
        wait_for(lambda: not any("sleep" in exe for _, exe in virga.processes()), what="sleep to end")
        virga.stop()

    def test_a_stop_waits_only_so_long(self):
        virga = self.make(stop={"1.sh": "sleep 300\n", "2.sh": "echo never\n"},
                          settings={"floci.init-hooks.shutdown-grace-period-seconds": 1})
        virga.start()
        began = time.monotonic()
        virga.stop()
        self.assertLess(time.monotonic() - began, 20)
        self.assertFalse(any("sleep" in exe for _, exe in virga.processes()))

    def test_a_stop_ends_what_still_runs_of_ready(self):
        virga = self.make(ready={"1.sh": "sleep 300\n", "2.sh": "sleep 300\n"})
        virga.start()
        self.assertFalse(virga.get_json("/_floci/init/ready")["completed"])
        virga.stop()
        self.assertFalse(any("sleep" in exe for _, exe in virga.processes()))

    def test_a_stop_while_scripts_of_the_start_run(self):
        for stage in ("boot", "start"):
            with self.subTest(stage):
                virga = self.make(**{stage: {"1.sh": "echo here\nsleep 300\n"}})
                virga.spawn()
                wait_for(lambda: self.lines(virga, stage + ".d/1.sh: here"), what=stage)
                virga.proc.send_signal(signal.SIGTERM)
                self.assertEqual(virga.wait(20), 0, virga.log())
                virga.check_log()
                wait_for(lambda: not virga.processes(), what="all to end")

    def test_what_is_not_executable_does_not_run(self):
        virga = self.make(start={"1.sh": "echo ran\n"})
        os.chmod(os.path.join(self.folder, "start.d", "1.sh"), 0o644)
        virga.start()
        self.assertTrue(self.lines(virga, "start.d/1.sh is not executable"))
        self.assertFalse(self.lines(virga, "start.d/1.sh: ran"))
        virga.stop()

    def test_a_folder_that_is_set_and_missing_stops_the_start(self):
        virga = self.make(settings={"floci.init-hooks.path": "/nowhere/at/all"})
        code, log = virga.run_to_end()
        self.assertNotEqual(code, 0)
        self.assertIn("floci.init-hooks.path: /nowhere/at/all", log)

    def test_a_worker_that_takes_over_does_not_run_them_again(self):
        virga = self.make(start={"1.sh": "echo once\n"}, ready={"1.sh": "echo once\n"})
        virga.start()
        wait_for(lambda: virga.get_json("/_floci/init")["completed"]["ready"], what="ready.d")
        virga.proc.send_signal(signal.SIGHUP)
        wait_for(lambda: len(self.lines(virga, " ready on ")) >= 1, seconds=30, what="a new worker")
        wait_for(lambda: virga.http("GET", "/_floci/init")[0] == 200, what="an answer")
        self.assertEqual(len(self.lines(virga, ".d/1.sh: once")), 2)
        self.assertTrue(virga.get_json("/_floci/init")["completed"]["ready"])
        virga.stop()
