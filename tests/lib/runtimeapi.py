# SPDX-License-Identifier: MIT
"""A small Runtime API, so that the tests' own function can be checked without virga."""
import http.server
import json
import queue
import threading
import uuid

from fallback import Server


class RuntimeApi:
    """`give(event)` hands out an event; `answers` gets (what, request id, headers, body) in order."""

    def __init__(self):
        self.events = queue.Queue()
        self.answers = queue.Queue()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                request, event, headers = api.events.get()
                self.reply(200, event, {"Lambda-Runtime-Aws-Request-Id": request, **headers})

            def do_POST(self):
                what = "/".join(self.path.split("/")[3:])
                self.headers_sent = dict(self.headers)
                api.answers.put((what, self.headers_sent, self.body()))
                self.reply(202, b'{"status":"OK"}', {})

            def body(self):
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = bytearray()
                while True:
                    size = int(self.rfile.readline().split(b";")[0] or b"0", 16)
                    body += self.rfile.read(size)
                    if size == 0:
                        while self.rfile.readline().strip():
                            pass
                        return bytes(body)
                    self.rfile.readline()

            def reply(self, status, body, headers):
                self.send_response(status)
                # AWS's client for Node.js crashes without it.
                self.send_header("Content-Type", "application/json")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def give(self, event, **headers):
        """Hands out an event and returns its request id."""
        request = str(uuid.uuid4())
        self.events.put((request, json.dumps(event).encode(),
                         {name.replace("_", "-"): value for name, value in headers.items()}))
        return request

    def answer(self, seconds=10):
        """The next thing that was posted: (path behind runtime/, headers, body)."""
        return self.answers.get(timeout=seconds)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
