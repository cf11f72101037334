# SPDX-License-Identifier: MIT
"""One bad plugin never keeps the host from starting, nor from serving the good one beside it; the log, /_floci/plugins
and `virga check-plugin` say which file it is and what is wrong."""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from virga import BINARY, BUILD, Virga, clean_env, sanitized, wait_for  # noqa: E402

PLUGINS = os.path.join(BUILD, "tests", "badplugins")


class Beside(unittest.TestCase):
    """good.so with one or more others in one directory."""

    def start(self, *names, settings=None):
        directory = tempfile.mkdtemp(prefix="virga-bad-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        for name in ("good",) + names:
            shutil.copy(os.path.join(PLUGINS, name + ".so"), directory)
        virga = Virga(plugin_dir=directory, settings=settings)
        self.addCleanup(virga.cleanup)
        virga.start()
        return virga

    def assert_good(self, virga):
        self.assertEqual(virga.http("GET", "/good")[::2], (200, b"fine"))

    def why(self, virga, name):
        """What /_floci/plugins says about a file: (status, words)."""
        doc = virga.get_json("/_floci/plugins")
        for plugin in doc["plugins"]:
            if os.path.basename(plugin["file"]) == name + ".so":
                return plugin["status"], plugin.get("detail", "")
        for entry in doc["leftOut"]:
            if os.path.basename(entry["file"]) == name + ".so":
                return "left out", entry["reason"]
        self.fail("%s is not in %s" % (name, doc))

    def stop(self, virga):
        """Ends it gently and returns the log."""
        virga.proc.terminate()
        self.assertEqual(virga.wait(), 0, virga.log())
        return virga.log()


class LeftOut(Beside):
    """What cannot be loaded or started, with a word that the reason must hold."""

    def check_left_out(self, name, *words):
        virga = self.start(name)
        self.assert_good(virga)
        status, reason = self.why(virga, name)
        self.assertNotEqual(status, "running", reason)
        for word in words:
            self.assertIn(word, reason)
        lines = [line for line in virga.log().splitlines()
                 if "left out" in line and (name + ".so" in line or name.replace("_", "-") in line)]
        self.assertEqual(len(lines), 1, virga.log())
        for word in words:
            self.assertIn(word, lines[0])
        # 503 in words when its routes are known, else nobody's: never the service itself.
        self.assertIn(virga.http("GET", "/" + name.replace("_", "-"))[0], (404, 503))
        self.stop(virga)

    def test_wrong_major(self):
        self.check_left_out("wrong_major", "ABI 2", "ABI 1", "build it again")

    def test_short_struct(self):
        self.check_left_out("short_struct", "struct_size", "VIRGA_PLUGIN_HEAD")

    def test_no_symbol(self):
        self.check_left_out("no_symbol", "virga_plugin_v1")

    def test_undefined_symbol(self):
        self.check_left_out("undefined_symbol", "function_that_is_nowhere")

    def test_start_fails(self):
        self.check_left_out("start_fails", "the flux capacitor is empty")

    def test_needs_absent(self):
        self.check_left_out("needs_absent", "virga.timr/1")

    def test_takes_route(self):
        self.check_left_out("takes_route", "/good", "good")

    def test_bad_route(self):
        self.check_left_out("bad_route", "/bad/{name/x")

    def test_bad_key(self):
        self.check_left_out("bad_key", "workers", "many")

    def test_bad_reference(self):
        self.check_left_out("bad_reference", "floci.nothing")

    def test_takes_keys(self):
        self.check_left_out("takes_keys", "floci.services.good.enabled", "good")

    def test_same_name_is_refused_with_both_files(self):
        virga = self.start("same_name")
        self.assert_good(virga)
        status, reason = self.why(virga, "same_name")
        self.assertEqual(status, "left out")
        self.assertIn("good.so", reason)
        self.assertEqual(virga.http("GET", "/same-name")[0], 404)
        self.assertIn("same_name.so", self.stop(virga))

    def test_file_that_is_no_library(self):
        virga = self.start()
        directory = virga.settings["floci.plugin-dir"]
        virga.stop()
        with open(os.path.join(directory, "text.so"), "w") as f:
            f.write("this is no library\n")
        virga.start()
        self.assert_good(virga)
        self.assertEqual(self.why(virga, "text")[0], "left out")
        self.stop(virga)

    def test_all_of_them_at_once(self):
        names = ["wrong_major", "short_struct", "no_symbol", "undefined_symbol", "start_fails",
                 "needs_absent", "takes_route", "bad_route", "bad_key", "bad_reference", "takes_keys", "same_name", "newer_minor"]
        virga = self.start(*names)
        self.assert_good(virga)
        self.assertEqual(virga.http("GET", "/newer-minor")[0], 200)
        for name in names[:-1]:
            self.assertNotEqual(self.why(virga, name)[0], "running", name)
        self.stop(virga)


class Loaded(Beside):
    """What runs, and does wrong later."""

    def test_newer_minor_serves(self):
        virga = self.start("newer_minor")
        self.assertEqual(virga.http("GET", "/newer-minor")[::2], (200, b"fine"))
        self.assert_good(virga)
        self.assertEqual(self.why(virga, "newer_minor")[0], "running")
        self.stop(virga)

    def test_extra_symbol_serves_and_disturbs_nobody(self):
        virga = self.start("extra_symbol")
        self.assertEqual(virga.http("GET", "/extra-symbol")[0], 200)
        self.assert_good(virga)
        self.stop(virga)

    def test_never_answered_request_ends_with_the_deadline(self):
        virga = self.start("never_answers", settings={"floci.limits.deadline-ms": "300"})
        began = time.monotonic()
        status, headers, _ = virga.http("GET", "/never-answers")
        self.assertEqual(status, 504)
        self.assertLess(time.monotonic() - began, 20)
        self.assertTrue(headers["x-amzn-RequestId"])
        self.assert_good(virga)
        self.assertIn("never-answers", self.stop(virga))

    def test_second_answer_is_logged_and_harms_nobody(self):
        virga = self.start("answers_twice")
        for _ in range(20):
            status, headers, body = virga.http("GET", "/answers-twice")
            self.assertEqual((status, body), (200, b"once"))
        self.assert_good(virga)
        log = self.stop(virga)
        blame = [line for line in log.splitlines() if "twice" in line and "answers-twice" in line]
        self.assertTrue(blame, log)
        self.assertIn(headers["x-amzn-RequestId"], log)

    def test_blocked_loop_is_logged_with_its_plugin(self):
        virga = self.start("blocks_loop")
        thread = threading.Thread(target=virga.http, args=("GET", "/blocks-loop"))
        thread.start()
        thread.join()
        self.assert_good(virga)
        log = self.stop(virga)
        self.assertTrue([line for line in log.splitlines()
                         if "blocks-loop" in line and "handle" in line and " ms" in line], log)

    def test_crash_is_named_and_service_goes_on(self):
        virga = self.start("crashes", settings={"floci.log.level": "info"})
        try:
            virga.http("GET", "/crashes")
        except OSError:
            pass  # the connection went with the worker
        wait_for(lambda: self.serves(virga), 30, "the good plugin to be served again")
        log = virga.log()
        self.assertTrue([line for line in log.splitlines()
                         if "crashes" in line and ("crashed" in line or "ended" in line or "died" in line)], log)
        self.assertIn("/crashes", log)
        virga.proc.terminate()
        self.assertEqual(virga.wait(), 0, log)

    def serves(self, virga):
        try:
            return virga.http("GET", "/good")[0] == 200
        except OSError:
            return False

    def check_left_behind(self, name, word):
        virga = self.start(name)
        self.assert_good(virga)
        log = self.stop(virga)
        self.assertTrue([line for line in log.splitlines()
                         if name.replace("_", "-") in line and word in line], log)

    def test_timer_left_behind_is_named(self):
        self.check_left_behind("leaves_timer", "timer")

    def test_listener_left_behind_is_named(self):
        self.check_left_behind("leaves_listener", "listener")

    def test_work_left_behind_is_named(self):
        self.check_left_behind("leaves_work", "work")

    def test_process_left_behind_is_named_and_ended(self):
        virga = self.start("leaves_process")
        wait_for(lambda: [p for p in virga.processes() if os.path.basename(p[1]) in ("sleep", "coreutils", "busybox")],
                 10, "the child")
        log = self.stop(virga)
        self.assertTrue([line for line in log.splitlines()
                         if "leaves-process" in line and "process" in line], log)
        wait_for(lambda: not virga.processes(), 10, "the child's end")

    def test_open_transaction_is_rolled_back_and_named(self):
        virga = self.start("leaves_open")
        for _ in range(3):
            self.assertEqual(virga.http("GET", "/leaves-open")[0], 200)
        self.assert_good(virga)
        log = self.stop(virga)
        self.assertIn("plugin leaves-open: handle returned with an open store transaction", log)


class CheckPlugin(unittest.TestCase):
    """virga check-plugin: (a check that fails, a word of the reason); None where nothing fails."""

    verdicts = {
        "good": None,
        "newer_minor": None,
        "same_name": None,
        "takes_route": None,
        "takes_keys": None,
        "wrong_major": ("loading", "ABI 2"),
        "short_struct": ("loading", "struct_size"),
        "undefined_symbol": ("loading", "function_that_is_nowhere"),
        "borrows_symbol": ("loading", "uv_version_string"),
        "no_symbol": ("exports", "virga_plugin_v1"),
        "extra_symbol": ("exports", "helper_of_mine"),
        "bad_route": ("descriptor", "/bad/{name/x"),
        "bad_key": ("loading", "workers"),
        "needs_absent": ("descriptor", "virga.timer/1"),
        "bad_reference": ("start, stop", "floci.nothing"),
        "start_fails": ("start, stop", "the flux capacitor is empty"),
        "leaves_timer": ("start, stop", "timer"),
        "leaves_listener": ("start, stop", "listener"),
        "leaves_process": ("start, stop", "process"),
        "leaves_work": ("start, stop", "work"),
        "never_answers": ("requests", "never answered"),
        "answers_twice": ("requests", "after it was answered"),
        "blocks_loop": ("requests", "handle took 1"),
        "crashes": ("requests", "handle, request GET /crashes"),
        "exits": ("requests", "exit status 3"),
        "leaves_open": ("requests", "open store transaction"),
        "ignores_alloc": ("no memory", "handle, request GET /ignores-alloc"),
        "leaks_memory": ("leaks", "bytes"),
    }

    def check(self, name, *settings):
        done = subprocess.run([BINARY, "check-plugin", os.path.join(PLUGINS, name + ".so"), *settings],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_env(), timeout=300)
        lines = []
        for line in done.stdout.splitlines():
            if line.startswith(" "):
                lines[-1] += " " + line.strip()
            else:
                lines.append(line)
        return done.returncode, lines

    def test_every_plugin_has_its_verdict(self):
        names = [f[:-3] for f in os.listdir(PLUGINS) if f.endswith(".so")]
        self.assertEqual(sorted(names), sorted(self.verdicts))
        for name, verdict in self.verdicts.items():
            with self.subTest(name):
                code, lines = self.check(name)
                failures = [line for line in lines if line.startswith("FAIL")]
                if verdict is None or (name == "leaks_memory" and sanitized()):
                    self.assertEqual((code, failures), (0, []))
                    self.assertRegex(lines[-1], ": 0 failures$")
                    continue
                check, word = verdict
                self.assertEqual(code, 1, lines)
                self.assertTrue(failures[0].startswith("FAIL  " + check), lines)
                self.assertIn(word, failures[0])

    def test_crash_is_named_by_its_signal(self):
        if sanitized():
            self.skipTest("a sanitizer turns the crash into an exit")
        self.assertIn("SIGSEGV", " ".join(self.check("crashes")[1]))

    def test_what_cannot_be_checked_is_said(self):
        _, lines = self.check("no_symbol")
        self.assertEqual(len([line for line in lines if line.startswith("note") and "not checked" in line]), 6, lines)

    def test_setting_that_is_wrong_is_named(self):
        code, lines = self.check("good", "colour=red")
        self.assertEqual(code, 1)
        self.assertIn("colour", " ".join(lines))

    def test_file_that_is_no_library_is_refused(self):
        for path in ("/etc/passwd", "/nonexistent.so", PLUGINS):
            done = subprocess.run([BINARY, "check-plugin", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, env=clean_env())
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.startswith("virga: "), done.stderr)


if __name__ == "__main__":
    unittest.main()
