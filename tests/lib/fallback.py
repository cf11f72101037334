# SPDX-License-Identifier: MIT
"""A server that stands in for another emulator: it keeps what it was asked, and answers as told."""
import http.server
import threading


class Asked:
    def __init__(self, handler, body):
        self.method = handler.command
        self.target = handler.path
        self.client = handler.client_address
        self.headers = handler.headers
        self.body = body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def read_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = bytearray()
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return bytes(body)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def handle_any(self):
        body = self.read_body()
        self.server.asked.append(Asked(self, body))
        status, headers, answer = self.server.answer(self.server.asked[-1])
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = handle_any

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that went away is part of some tests."""


class Upstream:
    """`with Upstream(answer) as up:`; answer(asked) gives (status, headers, body)."""

    def __init__(self, answer=None, port=0, address="127.0.0.1"):
        self.server = Server((address, port), Handler)
        self.server.asked = []
        self.server.answer = answer or (lambda asked: (200, {"X-Up": "yes"}, asked.body))
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def asked(self):
        return self.server.asked

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
