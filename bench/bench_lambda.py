#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long does it take until a function runs, and what does virga add to it once it does? One column for each way to
run functions that this machine has.

usage: bench_lambda.py [--build DIR] [--cold N] [--warm N] [--seconds N] [--mib N] [--only NAME,...] [--markdown]
Exit code 77: nothing could be run here.
"""
import argparse
import json
import multiprocessing
import os
import platform
import shutil
import socket
import statistics
import sys
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("--build", default=os.environ.get("VIRGA_BUILD_DIR", os.path.join(ROOT, "build", "release")))
    parser.add_argument("--cold", type=int, default=31, help="cold starts of each column")
    parser.add_argument("--warm", type=int, default=3000, help="invocations of a warm environment")
    parser.add_argument("--seconds", type=float, default=5, help="of each throughput")
    parser.add_argument("--mib", type=int, default=5, help="size of the image")
    parser.add_argument("--only", default="", help="columns, by commas: oci-crun,oci-runc,docker,podman")
    parser.add_argument("--markdown", action="store_true", help="the table for a document")
    return parser.parse_args()


options = arguments() if __name__ == "__main__" else None
if options is not None:
    os.environ["VIRGA_BUILD_DIR"] = os.path.abspath(options.build)
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))

from aws import ACCOUNT, REGION, Ecr, authorization  # noqa: E402
from engine import Dockerd, Podman  # noqa: E402
from lambdaapi import Lambda  # noqa: E402
from lambdacase import path_with  # noqa: E402
from lambdaimage import ARCH, LAMBDA_ARCH, Layer, function_image, need_bootstrap  # noqa: E402
from oci import Registry  # noqa: E402
from virga import Virga, need, wait_for  # noqa: E402

NAME = "bench"
EVENT = b'{"do":"us"}'


class Client:
    """One kept connection, by hand: http.client alone would cost a quarter of a millisecond."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def ask(self, request):
        self.sock.sendall(request)
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, rest = self.buffer.split(b"\r\n\r\n", 1)
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        length = int(lower[at:].split(b"\r\n", 1)[0])
        self.buffer = rest
        while len(self.buffer) < length:
            self.more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        if not head.startswith(b"HTTP/1.1 200") or b"x-amz-function-error" in lower:
            raise AssertionError("%r %r" % (head, body))
        return body

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise AssertionError("the connection was closed")
        self.buffer += data


def request(method, path, body=b""):
    return ("%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: %s\r\nX-Amz-Date: 20260101T000000Z\r\n"
            "Content-Length: %d\r\n\r\n" % (method, path, authorization(ACCOUNT, REGION, "lambda"), len(body))
            ).encode() + body


INVOKE = request("POST", "/2015-03-31/functions/%s/invocations" % NAME, EVENT)
NOTHING = request("GET", "/2015-03-31/functions/%s/configuration" % NAME)


def timed(client, what):
    """(ms of the whole call, ms of it in the handler)"""
    begun = time.perf_counter()
    body = client.ask(what)
    whole = (time.perf_counter() - begun) * 1000
    return whole, json.loads(body).get("us", 0) / 1000


def worker(port, end, counts):
    client, count = Client(port), 0
    while time.monotonic() < end:
        client.ask(INVOKE)
        count += 1
    counts.put(count)


def throughput(port, width, seconds):
    """Invocations in a second, of `width` clients that each wait for their answer."""
    counts = multiprocessing.Queue()
    end = time.monotonic() + seconds
    clients = [multiprocessing.Process(target=worker, args=(port, end, counts)) for _ in range(width)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sum(counts.get() for _ in clients) / seconds


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


# --- one column ---

def columns():
    """{name: function that gives (settings, environment, what to close afterwards)}"""
    def oci(runtime):
        def prepare():
            if os.geteuid() != 0:
                raise unittest.SkipTest("needs root")
            need(runtime, "docker-registry")
            folder = path_with(runtime)
            return "oci", {"PATH": folder}, lambda: shutil.rmtree(folder)
        return prepare

    def engine(make):
        def prepare():
            one = make()
            return "docker", {"DOCKER_HOST": one.host}, one.close
        return prepare
    return {"oci-crun": oci("crun"), "oci-runc": oci("runc"), "docker": engine(Dockerd), "podman": engine(Podman)}


def measure(executor, env, rows):
    """Fills `rows` with {label: text}."""
    settings = {"floci.services.lambda.executor": executor, "floci.services.lambda.idle-seconds": 600}
    with Virga(settings=settings, env=env) as virga:
        ecr, api = Ecr(virga), Lambda(virga)
        uri = ecr.create("bench")["repositoryUri"] + ":v1"
        filler = Layer().file("filler", os.urandom((options.mib << 20) - (1 << 20))).done()
        Registry.hostname(ecr.port(), ACCOUNT, REGION).push("bench", function_image("bench", more=(filler,)), "v1")

        def settled():
            state, update, found = api.state(NAME)
            if "Failed" in (state, update):
                raise AssertionError(found)
            return state == "Active" and update == "Successful"
        begun = time.perf_counter()
        api.CreateFunction(FunctionName=NAME, PackageType="Image", Code={"ImageUri": uri}, Timeout=60,
                           Role="arn:aws:iam::000000000000:role/lambda", Architectures=[LAMBDA_ARCH[ARCH]])
        wait_for(settled, 120, "the function")
        rows["until Active, image pulled, ms"] = "%.0f" % ((time.perf_counter() - begun) * 1000)
        cold = []
        client = Client(virga.port)
        for i in range(options.cold):
            api.UpdateFunctionConfiguration(FunctionName=NAME, Description="cold %d" % i)
            wait_for(settled, 60, "the update")
            whole, own = timed(client, INVOKE)
            cold.append(whole - own)
        rows["cold start p50, ms"] = "%.1f" % percentile(cold, 0.5)
        rows["cold start p99, ms"] = "%.1f" % percentile(cold, 0.99)
        for _ in range(50):
            timed(client, INVOKE)
        pairs = [timed(client, INVOKE) for _ in range(options.warm)]
        over = [whole - own for whole, own in pairs]
        rows["warm over the handler p50, ms"] = "%.3f" % percentile(over, 0.5)
        rows["warm over the handler p99, ms"] = "%.3f" % percentile(over, 0.99)
        rows["  of it the handler's own, ms"] = "%.3f" % statistics.median(own for _, own in pairs)
        plain = [timed(client, NOTHING)[0] for _ in range(min(options.warm, 1000))]
        rows["GetFunctionConfiguration p50, ms"] = "%.3f" % percentile(plain, 0.5)
        for width in (1, 10):
            throughput(virga.port, width, 1.5)  # so that all environments are there
            rows["invocations a second, %d client%s" % (width, "" if width == 1 else "s")] = "%.0f" % throughput(
                virga.port, width, options.seconds)


# --- the table ---

def machine():
    cpu, memory = "unknown CPU", 0
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(": ", 1)[1].strip()
                break
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) / (1 << 20)
    return "%s, %d cores, %.1f GiB, Linux %s, image of %d MiB, %d cold starts, %d warm invocations" % (
        cpu, os.cpu_count(), memory, platform.release(), options.mib, options.cold, options.warm)


def show(results):
    labels = list(dict.fromkeys(label for rows in results.values() for label in rows))
    print(machine() + ("\n" if options.markdown else ""))
    if options.markdown:
        print("| |" + "".join(" %s |" % name for name in results))
        print("|---|" + "---:|" * len(results))
        for label in labels:
            print("| %s |" % label.strip() + "".join(" %s |" % rows.get(label, "") for rows in results.values()))
        return
    print("%-34s" % "" + "".join("%12s" % name for name in results))
    for label in labels:
        print("%-34s" % label + "".join("%12s" % rows.get(label, "") for rows in results.values()))


def main():
    results = {}
    need_bootstrap()
    wanted = [name for name in options.only.split(",") if name]
    for name, prepare in columns().items():
        if wanted and name not in wanted:
            continue
        print("measuring %s" % name, file=sys.stderr)
        try:
            executor, env, close = prepare()
        except unittest.SkipTest as reason:
            print("skipped: %s: %s" % (name, reason), file=sys.stderr)
            continue
        try:
            results[name] = {}
            measure(executor, env, results[name])
        finally:
            close()
    if not results:
        return SKIPPED
    show(results)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except unittest.SkipTest as reason:
        print("skipped: %s" % reason, file=sys.stderr)
        sys.exit(SKIPPED)
