# SPDX-License-Identifier: MIT
"""HTTP/1.1 by hand over a socket: what is sent is exactly what the test says."""
import socket


class Closed(Exception):
    """The server closed the connection before an answer was complete."""


class Reply:
    def __init__(self, version, status, headers, body, chunked):
        self.version = version
        self.status = status
        self.headers = headers  # lower-case names
        self.body = body
        self.chunked = chunked

    def __repr__(self):
        return "%d %r %r" % (self.status, self.headers, self.body[:300])


class Wire:
    """One connection."""

    def __init__(self, port, address="127.0.0.1", timeout=20):
        self.sock = socket.create_connection((address, port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()

    def send(self, text):
        self.sock.sendall(text.encode("latin-1") if isinstance(text, str) else text)
        return self

    def more(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise Closed()
        self.buffer += data

    def line(self):
        while True:
            end = self.buffer.find(b"\r\n")
            if end >= 0:
                break
            self.more()
        line = self.buffer[:end].decode("latin-1")
        del self.buffer[:end + 2]
        return line

    def take(self, count):
        while len(self.buffer) < count:
            self.more()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def head(self):
        """(version, status, headers) of the next answer."""
        version, status, *_ = self.line().split(" ", 2)
        headers = {}
        while True:
            line = self.line()
            if not line:
                return version, int(status), headers
            name, value = line.split(":", 1)
            if name.lower() in headers:
                raise AssertionError("header twice: " + name)
            headers[name.lower()] = value.strip()

    def reply(self, head=False):
        """The next answer with its body; `head`: it answers HEAD."""
        version, status, headers = self.head()
        body, chunked = bytearray(), False
        if head or status < 200 or status in (204, 304):
            pass
        elif "transfer-encoding" in headers:
            if "content-length" in headers:
                raise AssertionError("both framings in an answer")
            chunked = True
            while True:
                size = int(self.line().split(";")[0], 16)
                if size == 0:
                    while self.line():
                        pass
                    break
                body += self.take(size)
                if self.take(2) != b"\r\n":
                    raise AssertionError("chunk without its end")
        elif "content-length" in headers:
            body = bytearray(self.take(int(headers["content-length"])))
        else:
            try:
                while True:
                    self.more()
            except Closed:
                body, self.buffer = self.buffer, bytearray()
        return Reply(version, status, headers, bytes(body), chunked)

    def closed(self, seconds=10):
        """Whether the server closes the connection in that time without sending any more."""
        self.sock.settimeout(seconds)
        try:
            data = bytes(self.buffer) + self.sock.recv(65536)
        except socket.timeout:
            return False
        except ConnectionError:
            return True
        return data == b""

    def silent(self, seconds):
        """Whether nothing comes in that time and the connection stays open."""
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            return not self.buffer
        finally:
            self.sock.settimeout(before)
        self.buffer += data
        return False

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
