# SPDX-License-Identifier: MIT
"""POST /_floci/state/reset, and GET /_floci/config."""
import json
import threading
import time
import unittest

from virga import Virga
from wired import PLUGINS, WireCase


class Reset(WireCase):
    def note(self):
        status, _, body = self.virga.http("GET", "/wire/note")
        return body if status == 200 else None

    def put(self, text):
        self.assertEqual(self.virga.http("PUT", "/wire/note", text)[0], 200)

    def reset(self):
        status, _, body = self.virga.http("POST", "/_floci/state/reset")
        return status, json.loads(body)

    def test_a_reset_empties_the_stores_and_the_plugins_go_on(self):
        for _ in range(3):
            self.put("kept")
            self.assertEqual(self.note(), b"kept")
            self.assertEqual(self.reset(), (200, {"status": "ok"}))
            self.assertIsNone(self.note())
        self.assertEqual(self.virga.get_json("/_floci/health")["services"]["wire"], "running")

    def test_localstacks_path_works_too(self):
        self.put("kept")
        self.assertEqual(self.virga.http("POST", "/_localstack/state/reset")[0], 200)
        self.assertIsNone(self.note())

    def test_a_plugin_that_cannot_empty_itself_is_named_and_keeps_its_store(self):
        self.put("stuck")
        self.assertEqual(self.reset(),
                         (500, {"status": "error", "errors": {"wire": "the note is stuck"}}))
        self.assertEqual(self.note(), b"stuck")
        self.put("free")
        self.assertEqual(self.reset()[0], 200)

    def test_requests_under_way_are_answered_and_new_ones_wait(self):
        self.put("kept")
        results = {}

        def late():
            results["late"] = self.virga.http("GET", "/wire/late")[2]

        def ask(i):
            results[i] = (self.virga.http("GET", "/wire/note")[0], time.monotonic())

        def reset():
            results["reset"] = self.reset()
            results["end"] = time.monotonic()

        threads = [threading.Thread(target=late)]
        threads[0].start()
        time.sleep(0.1)
        threads.append(threading.Thread(target=reset))
        threads[1].start()
        time.sleep(0.1)
        for i in range(20):
            threads.append(threading.Thread(target=ask, args=(i,)))
            threads[-1].start()
        # The host's own pages do not wait.
        self.assertEqual(self.virga.http("GET", "/_floci/health", timeout=0.5)[0], 200)
        self.assertEqual(self.virga.http("POST", "/_floci/state/reset")[0], 409)
        for thread in threads:
            thread.join()
        self.assertEqual(results["late"], b"late\n")
        self.assertEqual(results["reset"], (200, {"status": "ok"}))
        self.assertEqual([results[i][0] for i in range(20)], [404] * 20)

    def test_a_client_that_stops_waiting_does_no_harm(self):
        wire = self.wire()
        wire.send("GET /wire/late HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.1)
        asker = self.wire().send("POST /_floci/state/reset HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.1)
        waiting = self.wire().send("GET /wire/note HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.1)
        asker.close()
        waiting.close()
        self.assertEqual(wire.reply().body, b"late\n")
        self.assertEqual(self.virga.http("GET", "/wire/note")[0], 404)


class Stop(unittest.TestCase):
    def test_a_stop_in_the_middle_of_a_reset_is_clean(self):
        with Virga(plugin_dir=PLUGINS) as virga:
            threads = [threading.Thread(target=lambda: virga.http("GET", "/wire/late"))]
            threads[0].start()
            time.sleep(0.1)
            reset, held = [], []
            threads.append(threading.Thread(
                target=lambda: reset.append(virga.http("POST", "/_floci/state/reset")[0])))
            threads.append(threading.Thread(
                target=lambda: held.append(virga.http("GET", "/wire/note")[0])))
            for thread in threads[1:]:
                thread.start()
                time.sleep(0.1)
            virga.stop()
            for thread in threads:
                thread.join()
            self.assertEqual(reset, [503])
            self.assertEqual(len(held), 1)


class Config(WireCase):
    settings = {"floci.default-region": "eu-central-1"}

    def test_the_page_shows_value_and_source_of_every_key(self):
        settings = {s["key"]: s for s in self.virga.get_json("/_floci/config")["settings"]}
        region = settings["floci.default-region"]
        self.assertEqual((region["value"], region["source"], region["owner"]),
                         ("eu-central-1", "command line", "core"))
        self.assertEqual(settings["floci.storage.mode"]["source"], "default")
        self.assertIsNone(settings["floci.fallback-endpoint"]["value"])
        self.assertEqual(settings["floci.services.wire.enabled"]["owner"], "wire")
        for setting in settings.values():
            self.assertTrue(setting["help"], setting)
