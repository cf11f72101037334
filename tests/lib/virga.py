# SPDX-License-Identifier: MIT
"""The real virga binary as a child of a test: start, watch, stop, kill, start again on the same data.

A server runs in a directory of its own, so that every default path (./data) is private to it. Its processes carry
a mark in their environment, by which what it leaves behind is found and ended.
"""
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import uuid

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("VIRGA_BUILD_DIR", os.path.join(ROOT, "build", "release")))
BINARY = os.path.join(BUILD, "bin", "virga")

START_SECONDS = 60
STOP_SECONDS = 60
PORT_FIRST, PORT_LAST = 20000, 30000  # below the kernel's range of ephemeral ports
REGISTRY_PORTS = 10
BLOCK_PORTS = 1 + REGISTRY_PORTS
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                   "WARNING: ThreadSanitizer", "AddressSanitizer:DEADLYSIGNAL")


def sanitized():
    """Whether the build under test carries a sanitizer (slow, and memory figures mean nothing)."""
    try:
        with open(os.path.join(BUILD, "CMakeCache.txt")) as f:
            for line in f:
                if line.startswith("VIRGA_SANITIZE:"):
                    return line.split("=", 1)[1].strip() != ""
    except OSError:
        pass
    return False


def need(*programs):
    """Skips the test when a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            raise unittest.SkipTest("%s is not installed" % program)


def port_free(port):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((address, port))
        except OSError as e:
            if family == socket.AF_INET or e.errno == 98:
                return False
    return True


def reserve_ports():
    """The first of BLOCK_PORTS free ports that no other test takes as long as the returned socket is open."""
    for _ in range(1000):
        first = random.randrange(PORT_FIRST, PORT_LAST, BLOCK_PORTS)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind("\0virga-test-ports-%d" % first)
        except OSError:
            claim.close()
            continue
        if all(port_free(first + i) for i in range(BLOCK_PORTS)):
            return first, claim
        claim.close()
    raise RuntimeError("no free ports")


_claims = []  # of free_ports(), held until the program ends


def free_ports(count=1):
    """The first of `count` adjacent free ports that no other test takes."""
    assert count <= BLOCK_PORTS
    first, claim = reserve_ports()
    _claims.append(claim)
    return first


def wait_for(condition, seconds=10.0, what="condition"):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("timed out after %gs waiting for %s" % (seconds, what))
        time.sleep(0.02)


def clean_env(extra=None):
    """The environment without anything that would change what virga or an AWS client does."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("AWS_", "FLOCI_", "VIRGA_", "DOCKER_"))
           and k.lower() not in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")}
    env.update(extra or {})
    return env


class Virga:
    """One server with its directory. Use `with Virga() as v:`; or start(), stop() and cleanup()."""

    def __init__(self, settings=None, env=None, args=None, plugin_dir=None):
        self.dir = tempfile.mkdtemp(prefix="virga-test-")
        self.mark = "virga-test-" + uuid.uuid4().hex
        self.port, self.claim = reserve_ports()
        self.registry_base = self.port + 1
        self.settings = {
            "floci.port": self.port,
            "floci.services.ecr.registry-base-port": self.registry_base,
            "floci.services.ecr.registry-max-port": self.registry_base + REGISTRY_PORTS - 1,
            # The machine's own engine is none of a test's business.
            "floci.services.ecr.registry-backend": "process",
            # What a test starts ends with it, unless the test is about that.
            "floci.services.ecr.keep-running-on-shutdown": "false",
        }
        if plugin_dir:
            self.settings = {"floci.port": self.port, "floci.plugin-dir": plugin_dir}
        self.settings.update(settings or {})
        self.env = env or {}
        self.args = list(args or [])
        self.proc = None
        self.ready_line = None
        self.log_path = os.path.join(self.dir, "virga.log")
        self.log_start = 0

    # --- life ---

    def command(self):
        command = [BINARY, "serve"] + self.args
        for key, value in self.settings.items():
            if value is not None:
                command += ["--set", "%s=%s" % (key, value)]
        return command

    def spawn(self):
        """Starts the process without waiting for anything."""
        if not os.path.exists(BINARY):
            raise RuntimeError("no binary at %s: build first, or set VIRGA_BUILD_DIR" % BINARY)
        self.log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.proc = subprocess.Popen(
                self.command(), cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, env=clean_env({"VIRGA_TEST_MARK": self.mark, **self.env}))
        return self

    def start(self):
        """Starts it and waits for the line that says that it is ready."""
        self.spawn()
        os.set_blocking(self.proc.stdout.fileno(), False)
        seen = b""
        end = time.monotonic() + START_SECONDS
        while b"\n" not in seen:
            chunk = self.proc.stdout.read()
            seen += chunk or b""
            if self.proc.poll() is not None:
                raise AssertionError("virga ended with %d before it was ready:\n%s"
                                     % (self.proc.returncode, self.log()))
            if time.monotonic() > end:
                raise AssertionError("virga was not ready in time; log:\n" + self.log())
            if b"\n" not in seen:
                time.sleep(0.005)
        self.ready_line = seen.split(b"\n")[0].decode()
        return self

    def stop(self, signum=signal.SIGTERM):
        """Ends it gently; it must exit 0, leave no process behind and no sanitizer report."""
        self.proc.send_signal(signum)
        code = self.wait()
        if code != 0:
            raise AssertionError("virga exited %d after signal %d:\n%s" % (code, signum, self.log()))
        self.check_log()
        if self.settings.get("floci.services.ecr.keep-running-on-shutdown") == "false":
            left = self.processes()
            if left:
                raise AssertionError("left behind: %s" % left)

    def wait(self, seconds=STOP_SECONDS):
        try:
            code = self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            raise AssertionError("virga did not end in %gs:\n%s" % (seconds, self.log()))
        self.proc.stdout.close()
        return code

    def run_to_end(self, seconds=30):
        """For a start that must fail: the exit code and what was said on stderr."""
        self.spawn()
        code = self.wait(seconds)
        return code, self.log()

    def kill9(self):
        """Ends virga's own processes as a power cut would; the registry is left as it is."""
        # At one time: a supervisor that outlives its worker would start another.
        stopped = set()
        for signum in (signal.SIGSTOP, signal.SIGKILL):
            for pid, exe in self.processes():
                if exe == os.path.realpath(BINARY):
                    os.kill(pid, signum)
                    stopped.add(pid)
        # One that was about to become the registry when it was stopped is the registry now, and hears no SIGTERM.
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.proc.wait(STOP_SECONDS)
        self.proc.stdout.close()
        self.check_log()

    def restart(self, **settings):
        self.stop()
        self.settings.update(settings)
        return self.start()

    def cleanup(self):
        """Ends whatever carries the mark and removes the directory."""
        if self.proc is not None and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        for _ in range(100):
            left = self.processes()
            if not left:
                break
            for pid, _exe in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
        if self.proc is not None and self.proc.stdout and not self.proc.stdout.closed:
            self.proc.stdout.close()
        self.claim.close()
        if os.environ.get("VIRGA_TEST_KEEP"):
            print("kept: " + self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.cleanup()
            raise

    def __exit__(self, kind, value, trace):
        try:
            if kind is None and self.proc.poll() is None:
                self.stop()
        finally:
            self.cleanup()

    # --- looking at it ---

    def log(self, whole=False):
        """What the current run (or all of them) wrote to stderr."""
        with open(self.log_path, "rb") as f:
            if not whole:
                f.seek(self.log_start)
            return f.read().decode("utf-8", "replace")

    def check_log(self):
        text = self.log(whole=True)
        for word in SANITIZER_WORDS:
            if word in text:
                at = text.index(word)
                raise AssertionError("sanitizer report:\n" + text[at:at + 6000])

    def processes(self):
        """[(pid, program)] of everything that carries the mark, virga itself included."""
        found = []
        needle = ("VIRGA_TEST_MARK=" + self.mark).encode()
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open("/proc/%s/environ" % entry, "rb") as f:
                    if needle not in f.read().split(b"\0"):
                        continue
                with open("/proc/%s/stat" % entry) as f:
                    if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                        continue
                found.append((int(entry), os.readlink("/proc/%s/exe" % entry)))
            except OSError:
                continue
        return found

    def registry_pids(self):
        return [pid for pid, exe in self.processes() if os.path.basename(exe) == "docker-registry"]

    def memory_peak(self):
        """The largest resident size so far (VmHWM), bytes, of virga's own processes."""
        total = 0
        for pid, exe in self.processes():
            if exe == os.path.realpath(BINARY):
                with open("/proc/%d/status" % pid) as f:
                    total += int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1)) * 1024
        return total

    @property
    def endpoint(self):
        return "http://127.0.0.1:%d" % self.port

    @property
    def data(self):
        return os.path.join(self.dir, "data")

    def http(self, method, path, body=None, headers=None, timeout=60):
        """One request to the main port on a connection of its own: (status, headers, body)."""
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            conn.request(method, path, body=body, headers=headers or {})
            res = conn.getresponse()
            return res.status, res.headers, res.read()
        finally:
            conn.close()

    def get_json(self, path):
        status, _, body = self.http("GET", path)
        if status != 200:
            raise AssertionError("GET %s: %d %r" % (path, status, body))
        return json.loads(body)
