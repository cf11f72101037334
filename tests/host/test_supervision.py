# SPDX-License-Identifier: MIT
"""Supervisor and worker: crashes, restarts, quarantine, the watchdog, signals. Crashes are real (tests/host/crashy)."""
import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from aws import Ecr
from rawhttp import Closed, Wire
from virga import BUILD, Virga, clean_env, free_ports, need, port_free, wait_for

CRASHING = os.path.join(BUILD, "tests", "crashing-plugins")
WIRE = os.path.join(BUILD, "tests", "plugins", "wire.so")
DIED = r"worker (\d+) died of signal %d \([^)]+\) while plugin crashy ran %s"


class Case(unittest.TestCase):
    def make(self, settings=None, **kwargs):
        """A server with crashy and wire."""
        virga = Virga(plugin_dir=CRASHING, **kwargs)
        self.addCleanup(virga.cleanup)
        plugins = os.path.join(virga.dir, "plugins")
        os.mkdir(plugins)
        os.symlink(os.path.join(CRASHING, "crashy.so"), os.path.join(plugins, "crashy.so"))
        os.symlink(WIRE, os.path.join(plugins, "wire.so"))
        virga.settings["floci.plugin-dir"] = plugins
        virga.settings.update(settings or {})
        return virga

    def worker(self, virga):
        """The worker's pid: the one child of the supervisor."""
        def look():
            with open("/proc/%d/task/%d/children" % (virga.proc.pid, virga.proc.pid)) as f:
                children = f.read().split()
            return int(children[0]) if len(children) == 1 else None
        return wait_for(look, what="one worker")

    def wait_for_worker(self, virga, other_than):
        """A new worker that has ended its start."""
        wait_for(lambda: self.worker(virga) != other_than, 20, "another worker")
        pid = self.worker(virga)
        self.ask(virga, "/_floci/health")
        return pid

    def wait_for_log(self, virga, pattern, seconds=20):
        return wait_for(lambda: re.search(pattern, virga.log()), seconds, pattern)

    def ask(self, virga, path, method="GET"):
        status, _, body = virga.http(method, path)
        return status, body

    def crash(self, virga, path="/crashy/segv", headers=None):
        """A request that nobody lives to answer."""
        before = self.worker(virga)
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            virga.http("GET", path, headers=headers)
        return before


class Clients:
    """Keep-alive clients that ask without a pause and count what they see. A connection that ends before the first
    byte of an answer is asked anew on another one, as HTTP allows; everything else that goes wrong is an error."""

    def __init__(self, virga, count, path="/crashy/late/5", may_break=False):
        self.virga, self.path, self.may_break = virga, path, may_break
        self.stop = threading.Event()
        self.answers = self.closes = self.breaks = 0
        self.errors = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        request = ("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % self.path).encode()
        wire = None
        while not self.stop.is_set():
            try:
                if wire is None:
                    wire = Wire(self.virga.port, timeout=30)
            except OSError as e:  # refused
                self.errors.append("connect: %r" % e)
                return
            try:
                wire.send(request)
                reply = wire.reply()
                if (reply.status, reply.body) != (200, b"late\n"):
                    self.errors.append(repr(reply))
                with self.lock:
                    self.answers += 1
                if reply.headers.get("connection") != "close":
                    continue
            except (Closed, ConnectionError, OSError) as e:
                with self.lock:
                    if wire.buffer and not self.may_break:
                        self.errors.append("half an answer: %r %r" % (bytes(wire.buffer), e))
                    elif wire.buffer:
                        self.breaks += 1
                    else:
                        self.closes += 1
            wire.close()
            wire = None
        if wire is not None:
            wire.close()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
        return self


class Crash(Case):
    def test_killed_worker_is_replaced_and_no_connection_is_refused(self):
        virga = self.make().start()
        clients = Clients(virga, 50, may_break=True)
        for _ in range(5):
            time.sleep(0.3)
            pid = self.worker(virga)
            os.kill(pid, signal.SIGKILL)
            self.wait_for_worker(virga, pid)
        before = clients.answers
        wait_for(lambda: clients.answers > before + 100, 20, "answers of the last worker")
        clients.end()
        self.assertEqual(clients.errors, [])
        self.assertGreater(clients.closes, 0)
        # Killed from outside: no plugin is to blame.
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        self.assertNotIn("quarantine", virga.log())
        virga.stop()

    def test_crash_names_plugin_and_request(self):
        virga = self.make().start()
        pid = self.crash(virga)
        found = self.wait_for_log(virga, DIED % (signal.SIGSEGV, r"handle for request (\S+) GET /crashy/segv"))
        self.assertEqual(int(found.group(1)), pid)
        self.assertRegex(found.group(2), r"^[0-9a-f-]{36}$")
        self.assertIn("crashy.so", re.search(r"the thread was at\n((?:.+\n)+)", virga.log()).group(1))
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        virga.stop()

    def test_crash_by_a_target_names_the_action(self):
        virga = self.make().start()
        self.crash(virga, "/", {"X-Amz-Target": "Crashy_20990101.DoIt"})
        self.wait_for_log(virga, DIED % (signal.SIGSEGV, r"handle for request \S+ GET / DoIt"))
        virga.stop()

    def test_every_way_to_die_is_named(self):
        for path, pattern in (
                ("/crashy/abort", DIED % (signal.SIGABRT, "handle for request .* GET /crashy/abort")),
                ("/crashy/overflow", DIED % (signal.SIGSEGV, "handle for request .* GET /crashy/overflow")),
                ("/crashy/work", DIED % (signal.SIGSEGV, "work\n")),
                ("/crashy/thread", DIED % (signal.SIGSEGV, "a thread of its own\n")),
                ("/crashy/exit/0", r"worker \d+ ended with status 0 while plugin crashy ran handle"),
                ("/crashy/exit/78", r"worker \d+ ended with status 78 while plugin crashy ran handle")):
            with self.subTest(path):
                virga = self.make().start()
                self.crash(virga, path)
                self.wait_for_log(virga, pattern)
                self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
                virga.stop()

    def test_ready_is_said_once(self):
        virga = self.make().start()
        pid = self.crash(virga)
        self.wait_for_worker(virga, pid)
        self.wait_for_log(virga, r"INFO  core virga \S+ ready on")
        self.assertIsNone(virga.proc.stdout.read())
        virga.stop()

    def test_ephemeral_port_stays(self):
        virga = self.make({"floci.port": "0"}).start()
        virga.port = int(re.search(r"http://[^ /]+:(\d+)", virga.ready_line).group(1))
        self.crash(virga)
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        virga.stop()

    def test_crash_on_a_port_of_the_plugin_leaves_ports_and_sockets_open(self):
        first = free_ports(3)
        virga = self.make()
        path = os.path.join(virga.dir, "crashy.sock")
        virga.settings.update({"floci.services.crashy.port-first": first,
                               "floci.services.crashy.port-last": first + 2,
                               "floci.services.crashy.socket": path})
        virga.start()
        with Wire(first) as wire, self.assertRaises((Closed, ConnectionError)):
            wire.send("GET /segv HTTP/1.1\r\nHost: x\r\n\r\n").reply()
        # At once, without waiting for the new worker.
        with Wire(first) as wire:
            self.assertEqual(wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").reply().body, b"port\n")
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            s.settimeout(20)
            self.assertIn(b"200", s.recv(100))
        self.assertTrue(port_free(first + 1))
        self.wait_for_log(virga, DIED % (signal.SIGSEGV, "on_request for request .* GET /segv"))
        virga.stop()
        self.assertFalse(os.path.exists(path))
        self.assertTrue(port_free(first))

    def test_fifty_restarts_leak_no_descriptor_and_no_socket(self):
        first = free_ports(2)
        virga = self.make({"floci.services.crashy.port-first": first,
                           "floci.services.crashy.port-last": first + 1}).start()

        def descriptors(pid):
            return len(os.listdir("/proc/%d/fd" % pid))
        counts = []
        for i in range(50):
            pid = self.worker(virga)
            if i % 2 == 0:
                os.kill(pid, signal.SIGKILL)
            else:  # which also ends the series of growing delays
                virga.proc.send_signal(signal.SIGHUP)
            pid = self.wait_for_worker(virga, pid)
            self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
            counts.append((descriptors(virga.proc.pid), descriptors(pid)))
        self.assertEqual(counts[0][0], counts[-1][0], counts)
        self.assertLessEqual(counts[-1][1], counts[0][1] + 1, counts)
        virga.stop()

class Quarantine(Case):
    def crash_three_times(self, virga):
        for _ in range(3):
            self.crash(virga)
            self.ask(virga, "/_floci/health")

    def assert_quarantined(self, virga):
        for path in ("/crashy/ok", "/crashy/segv"):
            status, body = self.ask(virga, path)
            self.assertEqual(status, 503, body)
            self.assertIn(b"crashy", body)
            self.assertIn(b"POST /_floci/plugins/crashy/release", body)
        status, _, body = virga.http("POST", "/", "{}", {"X-Amz-Target": "Crashy_20990101.DoIt"})
        self.assertEqual(status, 503, body)
        self.assertEqual(virga.get_json("/_floci/health")["services"]["crashy"], "quarantined")
        plugins = {p["name"]: p for p in virga.get_json("/_floci/plugins")["plugins"]}
        self.assertEqual(plugins["crashy"]["status"], "quarantined")
        self.assertEqual(plugins["wire"]["status"], "running")
        self.assertEqual(self.ask(virga, "/wire/info/a/b")[0], 200)

    def test_three_crashes_quarantine_and_release_lifts_it(self):
        virga = self.make().start()
        self.crash_three_times(virga)
        self.assert_quarantined(virga)
        self.assertEqual(self.ask(virga, "/_floci/plugins/wire/release", "POST")[0], 404)
        pid = self.worker(virga)
        status, body = self.ask(virga, "/_floci/plugins/crashy/release", "POST")
        self.assertEqual(status, 200, body)
        self.assertIn(b"running", body)
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        self.assertEqual(self.worker(virga), pid)  # the others were not disturbed
        self.crash(virga)  # the count begins anew
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        virga.stop()

    def test_sighup_lifts_it(self):
        virga = self.make().start()
        self.crash_three_times(virga)
        self.assert_quarantined(virga)
        pid = self.worker(virga)
        virga.proc.send_signal(signal.SIGHUP)
        self.wait_for_worker(virga, pid)
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        virga.stop()

    def test_crash_at_start_does_not_keep_the_host_from_starting(self):
        virga = self.make({"floci.services.crashy.crash-at-start": "true"}).start()
        self.assertEqual(len(re.findall("ERROR supervisor " + DIED % (signal.SIGSEGV, "start"), virga.log())), 3)
        self.assert_quarantined(virga)
        virga.stop()


    def test_library_that_crashes_while_it_is_loaded_is_left_out(self):
        virga = self.make()
        path = os.path.join(virga.settings["floci.plugin-dir"], "a.so")
        os.symlink(os.path.join(CRASHING, "crash_at_load.so"), path)
        virga.start()
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        left_out, = virga.get_json("/_floci/plugins")["leftOut"]
        self.assertIn("/a.so", left_out["file"])
        self.assertIn("quarantined", left_out["reason"])
        self.assertEqual(self.ask(virga, "/_floci/plugins/a.so/release", "POST")[0], 202)
        # Released, it is tried apart from the worker, which stays.
        self.wait_for_log(virga, r"the check of the new configuration died of signal 11 .* while plugin a.so ran its load")
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        os.unlink(path)
        pid = self.worker(virga)
        os.kill(pid, signal.SIGKILL)  # a crash that must not be blamed on it
        self.wait_for_worker(virga, pid)
        self.assertNotRegex(virga.log(), r"worker %d .*a.so" % pid)
        virga.stop()


class Watchdog(Case):
    def test_slow_call_is_logged_with_plugin_and_request(self):
        virga = self.make().start()
        self.assertEqual(self.ask(virga, "/crashy/block/150")[0], 200)
        self.wait_for_log(virga, r"plugin crashy ran handle for request \S+ GET /crashy/block/150 and held the loop "
                          r"for \d\d\d+ ms")
        self.assertEqual(virga.log().count("block/150 and held the loop"), 1)
        virga.stop()

    def test_call_that_does_not_come_back_is_logged_while_it_runs(self):
        virga = self.make().start()
        thread = threading.Thread(target=self.ask, args=(virga, "/crashy/block/3000"))
        began = time.monotonic()
        thread.start()
        self.wait_for_log(virga, r"GET /crashy/block/3000 and has held the loop for [12]\d\d\d ms by now")
        self.assertLess(time.monotonic() - began, 3)
        thread.join()
        self.assertEqual(virga.log().count("by now"), 1)
        virga.stop()

    def test_stall_aborts_the_worker_and_names_the_plugin(self):
        virga = self.make({"floci.watchdog.stall-abort-s": "1"}).start()
        self.crash(virga, "/crashy/block/60000")
        self.wait_for_log(virga, r"worker \d+ was aborted by the watchdog after 1 s of standstill while plugin crashy "
                          r"ran handle for request \S+ GET /crashy/block/60000")
        self.assertIn("crashy.so", virga.log())  # the backtrace is of the loop
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        virga.stop()

    def test_idle_and_stopped_workers_are_let_live(self):
        virga = self.make({"floci.watchdog.stall-abort-s": "1"}).start()
        pid = self.worker(virga)
        time.sleep(2.5)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.5)
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        self.assertEqual(self.worker(virga), pid)
        virga.stop()

    def test_request_without_an_answer_gets_504(self):
        virga = self.make({"floci.limits.deadline-ms": "300"}).start()
        began = time.monotonic()
        self.assertEqual(self.ask(virga, "/crashy/never")[0], 504)
        self.assertLess(time.monotonic() - began, 5)
        virga.stop()


class Hangup(Case):
    def test_restart_under_load_fails_no_request(self):
        virga = self.make().start()
        clients = Clients(virga, 50)
        for _ in range(4):
            time.sleep(0.3)
            pid = self.worker(virga)
            virga.proc.send_signal(signal.SIGHUP)
            self.wait_for_worker(virga, pid)
        clients.end()
        self.assertEqual(clients.errors, [])
        self.assertGreater(clients.answers, 500)
        self.assertNotIn("died", virga.log())
        virga.stop()

    def test_answer_under_way_is_finished_and_the_next_client_waits(self):
        virga = self.make().start()
        pid = self.worker(virga)
        with Wire(virga.port) as late, Wire(virga.port) as body:
            late.send("GET /crashy/late/1500 HTTP/1.1\r\nHost: x\r\n\r\n")
            body.send("POST /crashy/body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
            time.sleep(0.3)
            virga.proc.send_signal(signal.SIGHUP)
            self.wait_for_log(virga, "making room")
            with Wire(virga.port) as waiting:
                waiting.send("GET /crashy/ok HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.2)
                body.send("cd")
                for wire, text in ((body, b"body\n"), (late, b"late\n")):
                    reply = wire.reply()
                    self.assertEqual((reply.status, reply.body), (200, text))
                    self.assertEqual(reply.headers["connection"], "close")
                    self.assertTrue(wire.closed())
                self.assertEqual(waiting.reply().body, b"ok\n")
        self.assertNotEqual(self.worker(virga), pid)
        virga.stop()

    def configured(self, text):
        virga = self.make()
        path = os.path.join(virga.dir, "app.yml")
        virga.args = ["--config", path]
        self.write(virga, text)
        return virga

    def write(self, virga, text):
        with open(os.path.join(virga.dir, "app.yml"), "w") as f:
            f.write("floci:\n" + text)

    def test_new_configuration_is_taken(self):
        virga = self.configured("  default-account-id: 111122223333\n").start()
        pid = self.worker(virga)
        self.assertIn(b"account=111122223333", self.ask(virga, "/wire/info/a/b")[1])
        self.write(virga, "  default-account-id: 999988887777\n")
        virga.proc.send_signal(signal.SIGHUP)
        self.wait_for_worker(virga, pid)
        self.assertIn(b"account=999988887777", self.ask(virga, "/wire/info/a/b")[1])
        virga.stop()

    def test_new_plugins_are_taken(self):
        virga = self.make()
        os.unlink(os.path.join(virga.settings["floci.plugin-dir"], "wire.so"))
        virga.start()
        self.assertEqual(self.ask(virga, "/wire/info/a/b")[0], 404)
        pid = self.worker(virga)
        os.symlink(WIRE, os.path.join(virga.settings["floci.plugin-dir"], "wire.so"))
        virga.proc.send_signal(signal.SIGHUP)
        self.wait_for_worker(virga, pid)
        self.assertEqual(self.ask(virga, "/wire/info/a/b")[0], 200)
        virga.stop()

    def test_broken_configuration_keeps_the_worker(self):
        virga = self.configured("  default-region: eu-west-1\n").start()
        pid = self.worker(virga)
        for text, words in (("  prot: 4577\n", "floci.prot"), ("  : [\n", "app.yml:2: not YAML"),
                            ("  default-region: Not A Region\n", "Not A Region")):
            with self.subTest(words):
                self.write(virga, text)
                virga.proc.send_signal(signal.SIGHUP)
                self.wait_for_log(virga, "the new configuration is not taken.*" + words)
                self.assertEqual(self.worker(virga), pid)
                self.assertIn(b"region=eu-west-1", self.ask(virga, "/wire/info/a/b")[1])
        virga.stop()

    def test_crash_beside_a_broken_file_goes_on_with_the_present_configuration(self):
        virga = self.configured("  default-region: eu-west-1\n").start()
        self.write(virga, "  : [\n")
        self.crash(virga)
        self.assertIn(b"region=eu-west-1", self.ask(virga, "/wire/info/a/b")[1])
        virga.stop()

    def test_port_that_somebody_has_keeps_the_worker(self):
        virga = self.make()
        first = virga.port
        del virga.settings["floci.port"]
        path = os.path.join(virga.dir, "app.yml")
        virga.args = ["--config", path]
        self.write(virga, "  port: %d\n" % first)
        virga.start()
        pid = self.worker(virga)
        other = free_ports()
        with socket.create_server(("127.0.0.1", other)):
            self.write(virga, "  port: %d\n" % other)
            virga.proc.send_signal(signal.SIGHUP)
            self.wait_for_log(virga, "the new configuration is not taken.*%d" % other)
            self.assertEqual(self.worker(virga), pid)
            self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        virga.proc.send_signal(signal.SIGHUP)  # free again: now it moves
        virga.port = other
        wait_for(lambda: not port_free(other), 20, "the new port")
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        wait_for(lambda: port_free(first), 20, "the old port's end")
        virga.stop()

    def test_bind_address_changes_on_the_same_port(self):
        virga = self.configured("  bind-address: 127.0.0.1\n").start()
        for address in ("0.0.0.0", "127.0.0.1"):
            self.write(virga, "  bind-address: %s\n" % address)
            ready = virga.log().count("ready on")
            virga.proc.send_signal(signal.SIGHUP)
            # Who connects to a socket that the new worker has no use for is reset.
            wait_for(lambda: virga.log().count("ready on") > ready, 20, "the new worker")
            if address == "0.0.0.0":
                Wire(virga.port, "127.0.0.2").close()
            else:
                with self.assertRaises(OSError):
                    Wire(virga.port, "127.0.0.2")
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        virga.stop()


class Signals(Case):
    def test_terminate_ends_both_with_0(self):
        for signum in (signal.SIGTERM, signal.SIGINT):
            virga = self.make().start()
            pid = self.worker(virga)
            virga.stop(signum)
            self.assertFalse(os.path.exists("/proc/%d" % pid))

    def test_a_signal_to_all_processes_is_one_signal(self):
        # A service manager stops every process of the unit, a terminal interrupts the whole job.
        for signum in (signal.SIGTERM, signal.SIGINT):
            virga = self.make().start()
            with Wire(virga.port) as late:
                late.send("GET /crashy/late/700 HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.2)
                os.kill(self.worker(virga), signum)
                virga.stop(signum)
                self.assertEqual(late.reply().body, b"late\n")

    def test_second_signal_ends_both_at_once(self):
        virga = self.make().start()
        pid = self.worker(virga)
        with Wire(virga.port) as late:
            late.send("GET /crashy/late/60000 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            virga.proc.send_signal(signal.SIGTERM)
            self.wait_for_log(virga, "stopping")
            began = time.monotonic()
            virga.proc.send_signal(signal.SIGTERM)
            self.assertEqual(virga.wait(), 1)
            self.assertLess(time.monotonic() - began, 2)
        wait_for(lambda: not os.path.exists("/proc/%d" % pid), what="the worker's end")

    def test_killed_supervisor_takes_the_worker_along(self):
        virga = self.make().start()
        with Wire(virga.port) as late:
            late.send("GET /crashy/late/60000 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            virga.proc.kill()
            virga.proc.wait()
            wait_for(lambda: not virga.processes(), 10, "the worker's end")
        virga.proc.stdout.close()
        virga.start()  # port and data directory are free
        self.assertEqual(self.ask(virga, "/crashy/ok"), (200, b"ok\n"))
        virga.stop()

    def test_without_a_supervisor_there_is_one_process(self):
        virga = self.make(args=["--no-supervisor"]).start()
        self.assertEqual([pid for pid, _ in virga.processes()], [virga.proc.pid])
        self.crash_alone(virga)
        self.assertEqual(virga.wait(), -signal.SIGSEGV)
        self.assertIn("the thread was at", virga.log())

    def test_closed_terminal_ends_it(self):
        virga = self.make()
        master, slave = os.openpty()
        try:
            virga.proc = subprocess.Popen(virga.command(), cwd=virga.dir, stdin=subprocess.DEVNULL, stderr=slave,
                                          stdout=subprocess.PIPE, env=clean_env({"VIRGA_TEST_MARK": virga.mark}))
            virga.proc.stdout.readline()
        finally:
            os.close(slave)
            os.close(master)
        virga.proc.send_signal(signal.SIGHUP)
        self.assertEqual(virga.proc.wait(30), 0)

    def crash_alone(self, virga):
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            virga.http("GET", "/crashy/segv")


class Leftovers(Case):
    def test_what_a_plugin_leaves_is_named_at_stop(self):
        virga = self.make({"floci.limits.drain-timeout-ms": "300"}).start()
        with Wire(virga.port) as never:
            never.send("GET /crashy/never HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(self.ask(virga, "/crashy/leave/200")[0], 200)
            virga.proc.send_signal(signal.SIGTERM)
            self.assertEqual(never.reply().status, 503)
        self.assertEqual(virga.wait(), 0)
        log = virga.log()
        for words in ("plugin crashy left a timer behind", "plugin crashy never answered GET /crashy/never"):
            self.assertIn(words, log)
        virga.check_log()

    def test_work_that_does_not_end_does_not_hold_the_stop(self):
        virga = self.make().start()
        self.ask(virga, "/crashy/leave/60000")
        began = time.monotonic()
        virga.stop()
        self.assertLess(time.monotonic() - began, 15)
        self.assertIn("plugin crashy left a work behind", virga.log())


class EcrCrash(Case):
    def test_gateway_port_survives_a_crash(self):
        need("docker-registry")
        virga = Virga()
        self.addCleanup(virga.cleanup)
        virga.start()
        ecr = Ecr(virga)
        uri = ecr.create("app")["repositoryUri"]
        port = ecr.port()
        stop = threading.Event()
        errors = []

        def knock():
            while not stop.is_set():
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=20).close()
                except OSError as e:
                    errors.append(e)
        thread = threading.Thread(target=knock)
        thread.start()
        for _ in range(3):
            pid = self.worker_of(virga)
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: self.worker_of(virga) not in (pid, None), 20, "a new worker")
            self.assertEqual(ecr.port(), port)
            self.assertEqual(ecr.DescribeRepositories()["repositories"][0]["repositoryUri"], uri)
        stop.set()
        thread.join()
        self.assertEqual(errors, [])
        virga.stop()

    def worker_of(self, virga):
        """The worker; the registry is the worker's child and not the supervisor's."""
        with open("/proc/%d/task/%d/children" % (virga.proc.pid, virga.proc.pid)) as f:
            children = f.read().split()
        return int(children[0]) if children else None
