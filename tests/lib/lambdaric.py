# SPDX-License-Identifier: MIT
"""An image with Node.js of this machine and AWS's own runtime interface client. The client is built once, from npm, and
kept beside the build folders; that takes a minute or two."""
import fcntl
import functools
import os
import shutil
import subprocess
import unittest

import virga
from lambdaimage import ARCH, Layer, build

VERSION = "3.3.0"
FOLDER = os.path.join(os.path.dirname(virga.BUILD), "aws-lambda-ric-" + VERSION)
BUILD_SECONDS = 540
HANDLER = """
let count = 0;
exports.handler = async (event, context) => {
    count++;
    if (event.log) console.log(event.log);
    if (event.fail) throw new TypeError(event.fail);
    if (event.exit !== undefined) process.exit(event.exit);
    if (event.sleep) await new Promise((done) => setTimeout(done, event.sleep));
    return { event, count, id: context.awsRequestId, arn: context.invokedFunctionArn, left: context.getRemainingTimeInMillis(),
        memory: context.memoryLimitInMB, client: context.clientContext };
};
exports.stream = awslambda.streamifyResponse(async (event, stream, context) => {
    stream.setContentType("text/plain");
    for (let i = 0; i < 3; i++) {
        stream.write("piece " + i + ";");
        await new Promise((done) => setTimeout(done, 50));
    }
    stream.end();
});
"""


def client():
    """The folder with node_modules/aws-lambda-ric; builds it where it is not there. Skips where it cannot."""
    virga.need("node")
    built = os.path.join(FOLDER, "node_modules", "aws-lambda-ric")
    if os.path.isdir(built):
        return FOLDER
    if os.environ.get("VIRGA_TEST_QUICK"):
        raise unittest.SkipTest("aws-lambda-ric is not built, and a quick run does not build it")
    virga.need("npm", "autoconf", "automake", "libtoolize", "cmake", "g++", "make")
    os.makedirs(os.path.dirname(FOLDER), exist_ok=True)
    with open(FOLDER + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(built):
            install()
    return FOLDER


def install():
    """Into a folder that gets its name when it is whole."""
    temp = FOLDER + ".new"
    shutil.rmtree(temp, ignore_errors=True)
    os.makedirs(temp)
    command = ["npm", "install", "--prefix", temp, "--no-audit", "--no-fund", "--loglevel=error",
               "aws-lambda-ric@" + VERSION]
    try:
        done = subprocess.run(command, cwd=temp, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        raise unittest.SkipTest("aws-lambda-ric was not built in %d s" % BUILD_SECONDS)
    if done.returncode != 0:
        raise unittest.SkipTest("aws-lambda-ric cannot be built here: " + done.stdout.strip()[-300:].replace("\n", " "))
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.rename(temp, FOLDER)


@functools.lru_cache(maxsize=None)
def ric_image():
    """The image; its handlers are app.handler and app.stream."""
    modules = os.path.join(client(), "node_modules")
    base = Layer().folder("tmp", 0o1777).folder("var/task")
    base.program(os.path.realpath(shutil.which("node")), "bin/node")
    base.program(os.path.join(modules, "aws-lambda-ric", "dist", "rapid-client.node"),
                 "opt/ric/node_modules/aws-lambda-ric/dist/rapid-client.node")
    ric = Layer()
    for part in ("bin", "dist", "package.json"):
        ric.tree(os.path.join(modules, "aws-lambda-ric", part), "opt/ric/node_modules/aws-lambda-ric/" + part)
    store = os.path.join(modules, "@aws", "lambda-invoke-store")
    if os.path.isdir(store):
        ric.tree(store, "opt/ric/node_modules/@aws/lambda-invoke-store")
    task = Layer().file("var/task/app.js", HANDLER)
    return build([base.done(), ric.done(), task.done()], {
        "Entrypoint": ["/bin/node", "/opt/ric/node_modules/aws-lambda-ric/bin/index.mjs"], "Cmd": ["app.handler"],
        "Env": ["PATH=/bin", "LAMBDA_TASK_ROOT=/var/task"], "WorkingDir": "/var/task"}, arch=ARCH)
