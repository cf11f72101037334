# SPDX-License-Identifier: MIT
"""Container engines of a test's own: a private dockerd, podman's service, images made of this machine's files.

A dockerd gets a bridge of its own and writes no iptables rules, so that nothing of the machine's network changes
and another dockerd may run beside it.
"""
import hashlib
import http.client
import io
import json
import os
import random
import shutil
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
import unittest

from skopeo import name_space
from virga import BUILD, ROOT, clean_env, need

ENGINE_SECONDS = 40


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("engine", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Engine:
    """What both engines have: a socket, the API, the docker command line against it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="virga-engine-")
        self.socket = os.path.join(self.dir, "engine.sock")
        self.proc = None
        self.log = open(os.path.join(self.dir, "log"), "ab")

    @property
    def host(self):
        return "unix://" + self.socket

    def api(self, method, path, body=None):
        """(status, parsed answer or bytes)"""
        conn = UnixConnection(self.socket)
        try:
            conn.request(method, "/v1.40" + path, body=json.dumps(body) if body is not None else None,
                         headers={"Content-Type": "application/json"} if body is not None else {})
            res = conn.getresponse()
            data = res.read()
            try:
                return res.status, json.loads(data)
            except ValueError:
                return res.status, data
        finally:
            conn.close()

    def wait_until_up(self):
        end = time.monotonic() + ENGINE_SECONDS
        while True:
            try:
                if self.api("GET", "/_ping")[0] == 200:
                    return
            except OSError:
                pass
            if self.proc.poll() is not None or time.monotonic() > end:
                with open(os.path.join(self.dir, "log"), errors="replace") as f:
                    raise unittest.SkipTest("%s does not start here: %s" % (
                        type(self).__name__, f.read()[-300:].replace("\n", " ")))
            time.sleep(0.05)

    def load(self, archive):
        conn = UnixConnection(self.socket)
        try:
            with open(archive, "rb") as f:
                conn.request("POST", "/v1.40/images/load", body=f,
                             headers={"Content-Type": "application/x-tar",
                                      "Content-Length": str(os.path.getsize(archive))})
                res = conn.getresponse()
                text = res.read()
            if res.status != 200 or b"error" in text.lower():
                raise AssertionError("the image cannot be loaded: %r" % text)
        finally:
            conn.close()

    def docker(self, *args, fails=False, **more):
        done = subprocess.run(["docker", *args], env=self.docker_env(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=180, **more)
        if (done.returncode != 0) != fails:
            raise AssertionError("docker %s: exit %d: %s" % (" ".join(args), done.returncode, done.stdout))
        return done.stdout

    def docker_env(self):
        return clean_env({"DOCKER_HOST": self.host, "HOME": self.dir,
                          "DOCKER_CONFIG": os.path.join(self.dir, "config")})

    def containers(self):
        """{name: what the list says} of all containers, running or not."""
        status, found = self.api("GET", "/containers/json?all=1")
        assert status == 200, found
        return {one["Names"][0].lstrip("/"): one for one in found}

    def inspect(self, name):
        status, found = self.api("GET", "/containers/%s/json" % name)
        if status != 200:
            raise AssertionError("container %s: %s" % (name, found))
        return found

    def remove(self, name):
        self.api("DELETE", "/containers/%s?force=1&v=1" % name)

    def volumes(self):
        return [v["Name"] for v in self.api("GET", "/volumes")[1]["Volumes"] or []]

    def end(self):
        if self.proc is not None and self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(30)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()

    def close(self):
        self.end()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Dockerd(Engine):
    """A private dockerd; `names` are loopback to it."""

    def __init__(self, names=()):
        need("dockerd", "ip", "iptables")
        if os.geteuid() != 0:
            raise unittest.SkipTest("dockerd needs root")
        super().__init__()
        self.bridge = "virga%05x" % random.randrange(1 << 20)
        self.subnet = "10.%d.%d" % (random.randrange(100, 250), random.randrange(256))
        try:
            self.wrap = name_space(self.dir, list(names)) if names else []
            self.make_bridge()
            self.start()
        except BaseException:
            self.close()
            raise

    def make_bridge(self):
        for args in (["link", "add", self.bridge, "type", "bridge"],
                     ["addr", "add", self.subnet + ".1/24", "dev", self.bridge],
                     ["link", "set", self.bridge, "up"]):
            done = subprocess.run(["ip", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                raise unittest.SkipTest("a network bridge cannot be made here: " + done.stdout.strip())
        # A dockerd of the machine may have closed the way between containers of other bridges.
        self.iptables("-I")

    def iptables(self, what):
        subprocess.run(["iptables", what, "FORWARD", "-i", self.bridge, "-o", self.bridge, "-j", "ACCEPT"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        self.proc = subprocess.Popen(
            [*self.wrap, "dockerd", "--host", self.host, "--data-root", self.dir + "/data",
             "--exec-root", self.dir + "/exec", "--pidfile", self.dir + "/pid", "--bridge", self.bridge,
             "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--storage-driver", "vfs"],
            env=clean_env(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self.wait_until_up()

    def close(self):
        super().close()
        self.iptables("-D")
        subprocess.run(["ip", "link", "del", self.bridge], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Podman(Engine):
    """podman's service for Docker's API, with storage of its own."""

    BRIDGE = "cni-podman0"  # of podman's default network, made with the first container and never removed

    def __init__(self):
        need("podman", "runc", "ip")
        if os.geteuid() != 0:
            raise unittest.SkipTest("a podman service of a test's own needs root")
        super().__init__()
        self.bridge_was_there = os.path.exists("/sys/class/net/" + self.BRIDGE)
        nofile = subprocess.run(["sh", "-c", "ulimit -Hn"], stdout=subprocess.PIPE, text=True).stdout.strip()
        with open(self.dir + "/containers.conf", "w") as f:
            f.write('[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=16384:16384"]\n'
                    '[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\nevents_logger = "file"\n'
                    % (nofile, nofile))
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        self.proc = subprocess.Popen(
            ["podman", "--root", self.dir + "/root", "--runroot", self.dir + "/run", "--tmpdir", self.dir + "/tmp",
             "--network-config-dir", self.dir + "/net", "system", "service", "--time", "0", self.host],
            env=clean_env({"CONTAINERS_CONF": self.dir + "/containers.conf"}), stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, start_new_session=True,
            cwd=self.dir)  # conmon leaves a file there when a container was out of memory
        self.wait_until_up()

    def close(self):
        super().close()
        if not self.bridge_was_there:
            subprocess.run(["ip", "link", "del", self.BRIDGE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# --- images of this machine's own programs, as archives for Engine.load() ---

APPLETS = ("sh", "cat", "ls", "rm", "mkdir", "find", "stat", "sleep", "ps")


def libraries(program):
    out = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return [word for line in out.splitlines() for word in line.split() if word.startswith("/")]


class ImageArchive:
    """One layer, written file by file."""

    def __init__(self):
        self.raw = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.raw, mode="w", format=tarfile.GNU_FORMAT)
        self.seen = set()

    def folder(self, path, mode=0o755):
        parts = path.strip("/").split("/")
        for i in range(1, len(parts) + 1):
            name = "/".join(parts[:i])
            if name and name not in self.seen:
                self.seen.add(name)
                info = tarfile.TarInfo(name)
                info.type, info.mode = tarfile.DIRTYPE, mode if i == len(parts) else 0o755
                self.tar.addfile(info)

    def data(self, path, content, mode=0o644):
        self.folder(os.path.dirname(path))
        info = tarfile.TarInfo(path.lstrip("/"))
        info.size, info.mode = len(content), mode
        self.tar.addfile(info, io.BytesIO(content))

    def file(self, source, path, mode=0o755):
        if path in self.seen:
            return
        self.seen.add(path)
        with open(source, "rb") as f:
            self.data(path, f.read(), mode)

    def program(self, source, path):
        self.file(source, path)
        for library in libraries(source):
            self.file(os.path.realpath(library), library)

    def busybox(self):
        busybox = shutil.which("busybox")
        if busybox is None:
            raise unittest.SkipTest("busybox is not installed")
        self.program(busybox, "/bin/busybox")
        for applet in APPLETS:
            info = tarfile.TarInfo("bin/" + applet)
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            self.tar.addfile(info)

    def write(self, path, name, config):
        self.tar.close()
        layer = self.raw.getvalue()
        doc = json.dumps({
            "architecture": os.uname().machine.replace("x86_64", "amd64").replace("aarch64", "arm64"), "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
        manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
        with tarfile.open(path, "w") as archive:
            for member, content in (("manifest.json", manifest), ("config.json", doc), ("layer.tar", layer)):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return path


REGISTRY_CONFIG = b"""version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
"""


def registry_image(directory, name="registry:2"):
    """An archive laid out like the official image registry:2, of the docker-registry of this machine."""
    program = shutil.which("docker-registry")
    if program is None:
        raise unittest.SkipTest("docker-registry is not installed")
    archive = ImageArchive()
    archive.busybox()
    archive.program(program, "/bin/registry")
    archive.data("/etc/docker/registry/config.yml", REGISTRY_CONFIG)
    archive.data("/entrypoint.sh", b'#!/bin/sh\nset -e\ncase "$1" in\n'
                 b'    *.yaml|*.yml) set -- registry serve "$@" ;;\nesac\nexec "$@"\n', 0o755)
    archive.folder("/var/lib/registry")
    archive.folder("/tmp", 0o1777)
    return archive.write(os.path.join(directory, "registry.tar"), "docker.io/library/" + name, {
        "Entrypoint": ["/entrypoint.sh"], "Cmd": ["/etc/docker/registry/config.yml"],
        "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "ExposedPorts": {"5000/tcp": {}},
        "Volumes": {"/var/lib/registry": {}}})


def virga_image(directory, name="floci/floci:latest"):
    """An archive with the build under test, of the root that packaging/Dockerfile makes."""
    need("busybox", "ldd")
    root = os.path.join(directory, "virga-root")
    done = subprocess.run(["sh", os.path.join(ROOT, "packaging", "make-root.sh"), BUILD, root],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError("make-root.sh: " + done.stdout)
    archive = ImageArchive()
    archive.tar.add(root, arcname=".", filter=lambda info: info)
    return archive.write(os.path.join(directory, "virga.tar"), name, {
        "Entrypoint": ["/usr/bin/virga"], "Cmd": ["serve"], "WorkingDir": "/app",
        "Env": ["PATH=/usr/bin:/bin", "FLOCI_BIND_ADDRESS=0.0.0.0"], "Volumes": {"/app/data": {}},
        "ExposedPorts": {"4566/tcp": {}}})


class FakeEngine:
    """Answers as an engine would where a real one cannot be made to: `answers` is [(method, path part, answer)], an
    answer is (status, body) or a function of the request's body that returns one; the first row that fits counts.
    A body that is a list is sent in pieces with a short pause. Every request is kept in `seen`."""

    def __init__(self, path, answers):
        self.answers = answers
        self.seen = []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(16)
        self.path = path
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(conn,), daemon=True).start()

    def answer(self, conn):
        with conn:
            reader = conn.makefile("rb")
            try:
                line = reader.readline().decode().split()
                if len(line) < 2:
                    return
                length = 0
                for header in iter(reader.readline, b"\r\n"):
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                body = reader.read(length)
                self.seen.append((line[0], line[1], body))
                status, answer = 404, {"message": "page not found"}
                for method, part, found in self.answers:
                    if method == line[0] and part in line[1]:
                        status, answer = found(body) if callable(found) else found
                        break
                head = "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Type: application/json\r\n" % status
                if isinstance(answer, list):
                    conn.sendall((head + "\r\n").encode())
                    for piece in answer:
                        conn.sendall(piece if isinstance(piece, bytes) else json.dumps(piece).encode() + b"\r\n")
                        time.sleep(0.01)
                    return
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                conn.sendall((head + "Content-Length: %d\r\n\r\n" % len(data)).encode() + data)
            except OSError:
                pass

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        os.unlink(self.path)
