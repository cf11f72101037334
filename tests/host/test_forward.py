# SPDX-License-Identifier: MIT
"""virga forward: bytes and ends of connections pass, both ways."""
import hashlib
import random
import signal
import socket
import subprocess
import threading
import unittest

from virga import BINARY, clean_env, free_ports


class Forward(unittest.TestCase):
    def setUp(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.port = free_ports()

    def start(self, target=None):
        target = target or self.server.getsockname()[1]
        self.proc = subprocess.Popen(
            [BINARY, "forward", "127.0.0.1:%d" % self.port, "127.0.0.1:%d" % target], env=clean_env(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.proc.stdout.close)
        self.addCleanup(self.proc.wait)
        self.addCleanup(self.proc.kill)
        self.assertIn("forwarding", self.proc.stdout.readline())

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port))
        client.settimeout(30)
        self.addCleanup(client.close)
        return client

    def read_all(self, sock):
        data = b""
        while True:
            chunk = sock.recv(65536)
            if not chunk:
                return data
            data += chunk

    def test_bytes_pass_both_ways_and_a_half_closed_end_still_reads(self):
        self.start()
        sent = random.Random(1).randbytes(8 << 20)
        client = self.connect()
        server, _ = self.server.accept()
        self.addCleanup(server.close)

        def serve():
            server.sendall(hashlib.sha256(self.read_all(server)).hexdigest().encode())
            server.close()

        thread = threading.Thread(target=serve)
        thread.start()
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read_all(client).decode(), hashlib.sha256(sent).hexdigest())
        thread.join()

    def test_who_reads_slowly_slows_the_sender_down(self):
        self.start()
        client = self.connect()
        server, _ = self.server.accept()
        self.addCleanup(server.close)
        server.setblocking(False)
        taken = 0
        with self.assertRaises(BlockingIOError):
            while taken < 1 << 30:
                taken += server.send(bytes(65536))
        server.setblocking(True)
        server.shutdown(socket.SHUT_WR)
        self.assertEqual(len(self.read_all(client)), taken)

    def test_a_target_that_refuses_ends_the_connection(self):
        gone = socket.create_server(("127.0.0.1", 0))
        port = gone.getsockname()[1]
        gone.close()
        self.start(port)
        try:
            self.assertEqual(self.connect().recv(1), b"")
        except ConnectionResetError:
            pass
        self.proc.send_signal(signal.SIGTERM)
        self.assertEqual(self.proc.wait(10), 0)

    def test_many_connections_at_once(self):
        self.start()

        def serve():
            for _ in range(100):
                conn, _ = self.server.accept()
                threading.Thread(target=lambda c=conn: (c.sendall(c.recv(16)), c.close())).start()

        thread = threading.Thread(target=serve)
        thread.start()
        clients = [self.connect() for _ in range(100)]
        for i, client in enumerate(clients):
            client.sendall(b"%d" % i)
        for i, client in enumerate(clients):
            self.assertEqual(self.read_all(client), b"%d" % i)
        thread.join()

    def test_addresses_that_make_no_sense_are_refused(self):
        for words in (["127.0.0.1", "127.0.0.1:1"], ["127.0.0.1:0", "127.0.0.1:1"], ["name:1", "127.0.0.1:1"]):
            done = subprocess.run([BINARY, "forward", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, env=clean_env())
            self.assertEqual(done.returncode, 2)
            self.assertIn("is no address and port", done.stdout)

    def test_a_port_that_is_taken_is_told(self):
        taken = self.server.getsockname()[1]
        done = subprocess.run([BINARY, "forward", "127.0.0.1:%d" % taken, "127.0.0.1:1"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=clean_env())
        self.assertEqual(done.returncode, 1)
        self.assertIn("address already in use", done.stdout)


if __name__ == "__main__":
    unittest.main()
