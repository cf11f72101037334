# SPDX-License-Identifier: MIT
"""skopeo as a test runs it: plain HTTP, no policy, no credentials of the machine."""
import json
import os
import subprocess
import unittest

from virga import clean_env, need


def name_space(directory, names):
    """The command prefix under which `names` are loopback; skips where that is not permitted."""
    need("unshare", "mount")
    hosts = os.path.join(directory, "hosts")
    with open(hosts, "w") as f:
        f.write("127.0.0.1 localhost\n" + "".join("127.0.0.1 %s\n" % n for n in names))
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    for extra in ([], ["--map-root-user"]):
        wrap = ["unshare", "--mount", *extra, "--propagation", "slave", "sh", "-c", script, hosts]
        done = subprocess.run([*wrap, "cat", "/etc/hosts"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
        if done.returncode == 0 and names[0] in done.stdout:
            return wrap
    raise unittest.SkipTest("a private mount namespace is not permitted: " + done.stderr.strip())


class Skopeo:
    def __init__(self, directory, wrap=None):
        need("skopeo")
        self.dir = directory
        self.wrap = wrap or []

    def run(self, *args):
        """(exit code, stdout, stderr)."""
        command = [*self.wrap, "skopeo", "--insecure-policy", *args]
        done = subprocess.run(command, env=clean_env({"HOME": self.dir}), cwd=self.dir, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=600)
        return done.returncode, done.stdout, done.stderr

    def text(self, *args):
        code, out, err = self.run(*args)
        if code != 0:
            raise AssertionError("skopeo %s: exit %d: %s%s" % (" ".join(args), code, out, err))
        return out

    def push(self, source, target, *more):
        return self.text("copy", "--quiet", "--dest-tls-verify=false", *more, source,
                         "docker://" + target)

    def pull(self, source, target, *more):
        return self.text("copy", "--quiet", "--src-tls-verify=false", *more, "docker://" + source,
                         target)

    def inspect(self, source, *more):
        return json.loads(self.text("inspect", "--tls-verify=false", *more, "docker://" + source))
