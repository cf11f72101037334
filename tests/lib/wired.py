# SPDX-License-Identifier: MIT
"""A server with only the host tests' own plugin (tests/host/wire)."""
import os
import unittest

from rawhttp import Wire
from virga import BUILD, Virga

PLUGINS = os.path.join(BUILD, "tests", "plugins")


class WireCase(unittest.TestCase):
    """One server for the class; `settings` may be set by a subclass."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.virga = Virga(settings=cls.settings, plugin_dir=PLUGINS)
        try:
            cls.virga.start()
        except BaseException:
            cls.virga.cleanup()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            cls.virga.stop()
        finally:
            cls.virga.cleanup()

    def wire(self, timeout=20):
        wire = Wire(self.virga.port, timeout=timeout)
        self.addCleanup(wire.close)
        return wire

    def ask(self, text, head=False):
        """One request on a connection of its own."""
        return self.wire().send(text).reply(head=head)

    def assert_alive(self):
        """The server still answers others."""
        self.assertEqual(self.ask("GET /_floci/health HTTP/1.1\r\nHost: x\r\n\r\n").status, 200)
