# SPDX-License-Identifier: MIT
"""The template as earlier ABI minors had it, built against the headers of its time, in today's host."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from virga import BINARY, BUILD, Virga, clean_env  # noqa: E402

OLD = os.path.join(BUILD, "tests", "abi", "old")


class OldMinors(unittest.TestCase):
    def setUp(self):
        self.minors = sorted(os.listdir(OLD))
        self.assertIn("1.0", self.minors)

    def test_loads_answers_and_keeps_what_it_stored(self):
        for minor in self.minors:
            with self.subTest(minor):
                virga = Virga(plugin_dir=os.path.join(OLD, minor),
                              settings={"floci.services.hello.greeting": "Ciao"})
                self.addCleanup(virga.cleanup)
                virga.start()
                plugins = virga.get_json("/_floci/plugins")["plugins"]
                self.assertEqual([(p["name"], p["abi"], p["status"]) for p in plugins],
                                 [("hello", minor, "running")])
                self.assertEqual(self.say_hello(virga), {"message": "Ciao, Ada!", "count": 1})
                virga.restart()
                self.assertEqual(self.say_hello(virga), {"message": "Ciao, Ada!", "count": 2})
                self.assertEqual(virga.get_json("/_floci/hello/Ada"), {"name": "Ada", "count": 2})
                virga.stop()

    def say_hello(self, virga):
        status, _, body = virga.http("POST", "/", '{"name":"Ada"}', {
            "X-Amz-Target": "Hello_20260101.SayHello", "Content-Type": "application/x-amz-json-1.1"})
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def test_check_plugin_finds_nothing_wrong_with_it(self):
        for minor in self.minors:
            with self.subTest(minor):
                done = subprocess.run([BINARY, "check-plugin", os.path.join(OLD, minor, "hello.so")], text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=clean_env())
                self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
