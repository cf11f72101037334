# SPDX-License-Identifier: MIT
"""An upstream registry for pull-through caches: the real docker-registry on a port of its own, and before it, where a
test wants that, a front that asks for tokens, redirects, fails or counts."""
import base64
import http.client
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

from oci import Registry
from virga import clean_env, free_ports, need, port_free, wait_for

CONFIG = """version: 0.1
log:
  level: error
  accesslog:
    disabled: %s
storage:
  filesystem:
    rootdirectory: %s
  delete:
    enabled: true
http:
  addr: 127.0.0.1:%d
"""


class Upstream:
    """A registry as a child of the test. `registry` fills it."""

    def __init__(self, accesslog=False):
        need("docker-registry")
        self.dir = tempfile.mkdtemp(prefix="virga-upstream-")
        self.port = free_ports()
        self.registry = Registry(self.port)
        self.config = os.path.join(self.dir, "config.yml")
        with open(self.config, "w") as f:
            f.write(CONFIG % ("false" if accesslog else "true", os.path.join(self.dir, "data"), self.port))
        self.log_path = os.path.join(self.dir, "log")
        self.proc = None
        self.start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def start(self):
        with open(self.log_path, "ab") as log:
            self.proc = subprocess.Popen(["docker-registry", "serve", self.config], env=clean_env({"OTEL_TRACES_EXPORTER": "none"}),
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: not port_free(self.port), 30, "the upstream registry")

    def stop(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()

    def cleanup(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def requests(self, method, part):
        """How many requests of the access log have that method and that text in their path."""
        with open(self.log_path, errors="replace") as f:
            return sum(('"%s ' % method) in line and part in line for line in f)


class Front:
    """A small server before an upstream. Knobs may be turned while it runs."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.auth = None          # None, "basic", "bearer"
        self.user = ("user", "secret")
        self.anonymous = False    # the token server gives tokens to everybody
        self.expires = 300
        self.status = None        # answered to everything but /token
        self.redirect = False     # blobs are elsewhere
        self.delay = 0.0          # before each blob
        self.corrupt = False      # blobs have another first byte
        self.cut = 0              # so many blob answers end in the middle
        self.seen = []            # (method, path, Authorization)
        self.tokens = {}
        self.lock = threading.Lock()
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                front.handle(self)

            do_HEAD = do_GET

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_ports()), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.server.server_address[1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def count(self, method, part):
        with self.lock:
            return sum(m == method and part in p for m, p, _ in self.seen)

    def basic(self):
        return "Basic " + base64.b64encode(":".join(self.user).encode()).decode()

    @staticmethod
    def answer(req, status, headers=None, body=b""):
        req.send_response(status)
        for name, value in (headers or {}).items():
            req.send_header(name, value)
        req.send_header("Content-Length", str(len(body)))
        req.end_headers()
        if req.command != "HEAD":
            req.wfile.write(body)

    def handle(self, req):
        url = urllib.parse.urlsplit(req.path)
        authorization = req.headers.get("Authorization")
        with self.lock:
            self.seen.append((req.command, req.path, authorization))
        if url.path == "/token":
            self.token(req, urllib.parse.parse_qs(url.query), authorization)
        elif url.path.startswith("/elsewhere/"):
            self.relay(req, url.path[len("/elsewhere"):])
        elif self.status:
            self.answer(req, self.status, {}, b'{"errors":[]}')
        elif not self.allowed(req, url.path, authorization):
            return
        elif self.redirect and "/blobs/" in url.path:
            self.answer(req, 307, {"Location": "/elsewhere" + url.path if self.redirect == "relative"
                                   else self.redirect + "/elsewhere" + url.path})
        else:
            self.relay(req, req.path)

    def token(self, req, query, authorization):
        if authorization != self.basic() and not self.anonymous:
            self.answer(req, 401, {}, b'{"details":"incorrect username or password"}')
            return
        token = "token-%d" % len(self.tokens)
        self.tokens[token] = (query.get("scope", [""])[0], time.monotonic() + self.expires)
        self.answer(req, 200, {"Content-Type": "application/json"},
                    json.dumps({"token": token, "expires_in": self.expires}).encode())

    def allowed(self, req, path, authorization):
        if self.auth == "basic":
            if authorization == self.basic():
                return True
            self.answer(req, 401, {"WWW-Authenticate": 'Basic realm="upstream"'})
            return False
        if self.auth == "bearer":
            name = path[len("/v2/"):].rsplit("/", 2)[0]
            scope = "repository:%s:pull" % name if name else ""
            token = self.tokens.get((authorization or "")[len("Bearer "):])
            if token and token[0] == scope and token[1] > time.monotonic():
                return True
            self.answer(req, 401, {"WWW-Authenticate": 'Bearer realm="%s/token",service="front"%s'
                                   % (self.url, ',scope="%s"' % scope if scope else "")})
            return False
        return True

    def relay(self, req, path):
        blob = "/blobs/" in path
        if blob and self.delay:
            time.sleep(self.delay)
        conn = http.client.HTTPConnection("127.0.0.1", self.upstream.port, timeout=120)
        try:
            conn.request(req.command, path, headers={"Accept": req.headers.get("Accept", "*/*")})
            res = conn.getresponse()
            req.send_response(res.status)
            for name in ("Content-Type", "Content-Length", "Docker-Content-Digest"):
                if res.headers.get(name):
                    req.send_header(name, res.headers[name])
            req.end_headers()
            first = True
            while True:
                data = res.read(1 << 16)
                if not data:
                    break
                if blob and first and self.corrupt:
                    data = bytes([data[0] ^ 1]) + data[1:]
                if blob and first and self.cut > 0:
                    self.cut -= 1
                    req.wfile.write(data[:len(data) // 2])
                    req.close_connection = True
                    return
                first = False
                req.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            req.close_connection = True
        finally:
            conn.close()
