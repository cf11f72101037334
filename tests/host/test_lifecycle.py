# SPDX-License-Identifier: MIT
"""Start and stop of the program: settings and their precedence, ports, signals, words when it cannot start."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from aws import Ecr
from rawhttp import Wire
from virga import BINARY, Virga, clean_env, wait_for
from wired import PLUGINS

LATE = "GET /wire/late HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH = "GET /_floci/health HTTP/1.1\r\nHost: x\r\n\r\n"


class Case(unittest.TestCase):
    def make(self, **kwargs):
        kwargs.setdefault("plugin_dir", PLUGINS)
        virga = Virga(**kwargs)
        self.addCleanup(virga.cleanup)
        return virga

    def ecr(self, settings=None, **kwargs):
        """With the real plugins; the registry is not touched, as nothing asks for it."""
        return self.make(plugin_dir=None, settings=settings, **kwargs)

    def write(self, virga, text, name="application.yml"):
        path = os.path.join(virga.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def assert_refused(self, virga, *words):
        code, log = virga.run_to_end()
        self.assertNotEqual(code, 0)
        self.assertGreater(code, 0, "ended by a signal:\n" + log)
        for word in words:
            self.assertIn(word, log)
        virga.check_log()
        return log


class Ready(Case):
    def test_one_line_on_stdout_says_when_and_where(self):
        virga = self.make().start()
        self.assertRegex(virga.ready_line, r"^virga \d+\.\d+\.\d+ ready on http://[^ /]+:%d\b" % virga.port)
        # Ready means ready: no retry here.
        self.assertEqual(virga.http("GET", "/_floci/health")[0], 200)
        virga.stop()

    def test_port_0_takes_a_free_one_and_says_which(self):
        virga = self.make(settings={"floci.port": "0"}).start()
        virga.port = int(re.search(r"http://[^ /]+:(\d+)", virga.ready_line).group(1))
        self.assertEqual(virga.http("GET", "/_floci/health")[0], 200)
        virga.stop()

    def test_both_loopback_addresses_are_served(self):
        virga = self.make().start()
        for address in ("127.0.0.1", "::1"):
            with self.subTest(address):
                try:
                    wire = Wire(virga.port, address)
                except OSError as e:
                    if address == "::1" and e.errno in (97, 99):
                        self.skipTest("this machine has no IPv6 loopback")
                    raise
                with wire:
                    self.assertEqual(wire.send(HEALTH).reply().status, 200)
        virga.stop()

    def test_bind_address_limits_who_is_served(self):
        virga = self.make(settings={"floci.bind-address": "127.0.0.2"}).start()
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", virga.port), timeout=2)
        with Wire(virga.port, "127.0.0.2") as wire:
            self.assertEqual(wire.send(HEALTH).reply().status, 200)
        virga.stop()


class Admin(Case):
    def test_health_and_plugins_describe_the_real_plugins(self):
        virga = self.ecr().start()
        for path in ("/_floci/health", "/_localstack/health"):
            with self.subTest(path):
                health = virga.get_json(path)
                self.assertEqual(health["services"]["ecr"], "running")
                self.assertRegex(health["version"], r"^\d+\.\d+\.\d+$")
        plugins = {p["name"]: p for p in virga.get_json("/_floci/plugins")["plugins"]}
        self.assertEqual(plugins["ecr"]["status"], "running")
        self.assertIn({"kind": "target", "pattern": "AmazonEC2ContainerRegistry_V20150921"},
                      [{k: r[k] for k in ("kind", "pattern")} for r in plugins["ecr"]["routes"]])
        self.assertTrue(os.path.exists(plugins["ecr"]["file"]))
        virga.stop()

    def test_disabled_plugin_serves_nothing_and_says_so(self):
        virga = self.ecr({"floci.services.ecr.enabled": "false"}).start()
        self.assertEqual(virga.get_json("/_floci/health")["services"]["ecr"], "disabled")
        status, _, body = virga.http("POST", "/", "{}", {
            "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"})
        self.assertEqual(status, 400)
        self.assertIn(b"UnknownOperationException", body)
        virga.stop()


class Stop(Case):
    def test_stop_signals_end_it_with_0(self):
        for signum in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signum):
                virga = self.make().start()
                with Wire(virga.port) as idle:  # an idle connection does not hold it
                    idle.send(HEALTH).reply()
                    began = time.monotonic()
                    virga.stop(signum)
                    self.assertLess(time.monotonic() - began, 5)

    def test_stop_waits_for_the_answer_under_way_and_takes_no_new_request(self):
        virga = self.make().start()
        with Wire(virga.port) as wire:
            wire.send(LATE)
            time.sleep(0.2)
            virga.proc.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", virga.port), timeout=2).close()
            reply = wire.reply()
            self.assertEqual(reply.body, b"late\n")
            self.assertTrue(wire.closed())
        self.assertEqual(virga.wait(), 0)
        virga.check_log()

    def test_stop_does_not_wait_for_ever(self):
        virga = self.make(settings={"floci.limits.drain-timeout-ms": "300"}).start()
        with Wire(virga.port) as wire:
            wire.send("GET /wire/big/100000 HTTP/1.1\r\nHost: x\r\n\r\n")
            wire.take(1000)
            began = time.monotonic()
            virga.stop()
            self.assertLess(time.monotonic() - began, 10)

    def test_second_signal_ends_it_at_once(self):
        virga = self.make().start()
        with Wire(virga.port) as wire:
            wire.send("GET /wire/big/100000 HTTP/1.1\r\nHost: x\r\n\r\n")
            wire.take(1000)
            virga.proc.send_signal(signal.SIGTERM)
            wait_for(lambda: "stopping" in virga.log(), what="the first signal's line")
            began = time.monotonic()
            virga.proc.send_signal(signal.SIGTERM)
            self.assertEqual(virga.wait(), 1)
            self.assertLess(time.monotonic() - began, 2)
        virga.check_log()

    def test_closed_stdout_and_lost_clients_do_not_kill_it(self):
        virga = self.make().start()
        virga.proc.stdout.close()
        for _ in range(10):
            with Wire(virga.port) as wire:
                wire.send("GET /wire/big/1000 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(virga.http("GET", "/_floci/health")[0], 200)
        virga.stop()

    def test_start_and_stop_many_times_on_one_port(self):
        virga = self.make()
        for _ in range(10):
            virga.start()
            self.assertEqual(virga.http("GET", "/_floci/health")[0], 200)
            virga.stop()


class Refusals(Case):
    def test_port_in_use_is_named(self):
        virga = self.make().start()
        second = self.make(settings={"floci.port": virga.port})
        log = self.assert_refused(second, str(virga.port))
        self.assertRegex(log, "(?i)in use|already")
        virga.stop()

    def test_data_directory_in_use_is_named(self):
        virga = self.make().start()
        data = os.path.join(virga.dir, "data")
        second = self.make(settings={"floci.storage.persistent-path": data})
        log = self.assert_refused(second, data)
        self.assertRegex(log, "(?i)in use|another|locked")
        virga.stop()

    def test_unknown_key_names_the_nearest(self):
        self.assert_refused(self.ecr({"floci.services.ecr.registry-base-prt": "5200"}),
                            "registry-base-prt", "registry-base-port")
        self.assert_refused(self.make(settings={"floci.prot": "4577"}), "floci.prot", "mean", "port?")

    def test_values_out_of_type_or_range_are_named(self):
        for key, value in (("floci.port", "http"), ("floci.port", "70000"), ("floci.port", "-1"),
                           ("floci.storage.mode", "ram"), ("floci.log.level", "loud"),
                           ("floci.default-account-id", "12"), ("floci.default-region", "Not A Region")):
            with self.subTest("%s=%s" % (key, value)):
                self.assert_refused(self.make(settings={key: value}), key, value)
        for key, value in (("uri-style", "pathway"), ("registry-base-port", "99999"),
                           ("keep-running-on-shutdown", "maybe")):
            key = "floci.services.ecr." + key
            with self.subTest("%s=%s" % (key, value)):
                self.assert_refused(self.ecr({key: value}), key, value)

    def test_missing_and_broken_configuration_files_are_named(self):
        virga = self.make(args=["--config", "/nonexistent/application.yml"])
        self.assert_refused(virga, "/nonexistent/application.yml")
        virga = self.make()
        path = self.write(virga, "floci:\n  port: 4577\n  : [\n", "broken.yml")
        virga.args = ["--config", path]
        self.assertRegex(self.assert_refused(virga, "broken.yml"), r":\d+|line \d+")
        virga = self.ecr()
        path = self.write(virga, "floci:\n  services:\n    ecr:\n      uri-stile: path\n", "typo.yml")
        virga.args = ["--config", path]
        self.assert_refused(virga, "typo.yml", "uri-stile", "uri-style")

    def test_unknown_argument_is_refused_with_the_usage(self):
        for args in (["serve", "--nonsense"], ["nonsense"], ["serve", "--set", "floci.port"]):
            with self.subTest(args):
                done = subprocess.run([BINARY, *args], env=clean_env(), stdin=subprocess.DEVNULL, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
                self.assertGreater(done.returncode, 0)
                self.assertTrue(done.stderr.strip())

    def test_missing_plugin_directory_is_named(self):
        virga = self.make(plugin_dir="/nonexistent/plugins")
        virga.spawn()
        wait_for(lambda: "/nonexistent/plugins" in virga.log(), 10, "the directory's name in the log")

    def test_file_that_is_no_plugin_is_named(self):
        virga = self.make()
        plugins = os.path.join(virga.dir, "plugins")
        os.mkdir(plugins)
        shutil.copy(os.path.join(PLUGINS, "wire.so"), plugins)
        with open(os.path.join(plugins, "broken.so"), "w") as f:
            f.write("not a library")
        virga.settings["floci.plugin-dir"] = plugins
        virga.spawn()
        wait_for(lambda: "broken.so" in virga.log(), 10, "the broken file's name in the log")


class Precedence(Case):
    def served(self, virga, port):
        virga.port = port
        virga.start()
        self.assertEqual(virga.http("GET", "/_floci/health")[0], 200)
        self.assertIn(":%d" % port, virga.ready_line)
        virga.stop()

    def test_file_then_environment_then_command_line(self):
        virga = self.make()
        first = virga.registry_base  # the server's own, and nobody's here
        path = self.write(virga, "floci:\n  port: %d\n" % first, "app.yml")
        virga.settings["floci.port"] = None
        virga.args = ["--config", path]
        self.served(virga, first)
        virga.env = {"FLOCI_PORT": str(first + 1)}
        self.served(virga, first + 1)
        virga.settings["floci.port"] = str(first + 2)
        self.served(virga, first + 2)

    def test_application_yml_of_the_working_directory_is_read(self):
        virga = self.make()
        port = virga.port
        self.write(virga, "floci:\n  port: %d\n" % port)
        virga.settings["floci.port"] = None
        self.served(virga, port)

    def test_prefix_may_be_left_out_on_the_command_line(self):
        virga = self.make()
        virga.settings["port"] = virga.settings.pop("floci.port")
        self.served(virga, virga.port)

    def test_plugin_keys_have_environment_names(self):
        virga = self.ecr(env={"FLOCI_SERVICES_ECR_URI_STYLE": "path"}).start()
        uri = Ecr(virga).create("app")["repositoryUri"]
        self.assertEqual(uri, "localhost:%d/000000000000/us-east-1/app" % virga.registry_base)
        virga.stop()

    def test_unknown_environment_names_of_a_plugin_name_the_nearest(self):
        self.assert_refused(self.ecr(env={"FLOCI_SERVICES_ECR_URI_STILE": "path"}),
                            "FLOCI_SERVICES_ECR_URI_STILE", "FLOCI_SERVICES_ECR_URI_STYLE")

    def test_keys_of_other_emulators_in_a_shared_file_are_let_pass(self):
        virga = self.make()
        path = self.write(virga, "floci:\n  services:\n    sqs:\n      enabled: true\n    s3:\n"
                          "      buckets: [a, b]\nother:\n  key: 1\n", "shared.yml")
        virga.args = ["--config", path]
        self.served(virga, virga.port)


class Memory(Case):
    def test_memory_mode_writes_no_database(self):
        virga = self.make(settings={"floci.storage.mode": "memory"}).start()
        virga.stop()
        self.assertEqual([n for n in os.listdir(virga.dir) if n.endswith(".db")], [])
        self.assertFalse(os.path.exists(os.path.join(virga.data, "virga.db")))
