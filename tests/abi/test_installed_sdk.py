# SPDX-License-Identifier: MIT
"""The SDK as a plugin author has it: installed under a prefix, which was moved, away from virga's tree."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from virga import BUILD, Virga, clean_env, need  # noqa: E402


def cache(name):
    with open(os.path.join(BUILD, "CMakeCache.txt")) as f:
        for line in f:
            if line.startswith(name + ":"):
                return line.split("=", 1)[1].strip()
    return ""


def run(*command, **kwargs):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=clean_env(kwargs.pop("env", None)), **kwargs)
    if done.returncode != 0:
        raise AssertionError("%s: exit %d:\n%s" % (" ".join(command), done.returncode, done.stdout))
    return done.stdout


class InstalledVirga(Virga):
    """The program of the prefix, with whatever plugins it finds by itself."""

    def __init__(self, prefix):
        super().__init__()
        self.prefix = prefix

    def command(self):
        return [os.path.join(self.prefix, "bin", "virga")] + super().command()[1:]


class InstalledSdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("cmake", "pkg-config")
        cls.dir = tempfile.mkdtemp(prefix="virga-sdk-")
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.prefix = os.path.join(cls.dir, "moved")
        first = os.path.join(cls.dir, "first")
        run("cmake", "--install", BUILD, "--prefix", first)
        os.rename(first, cls.prefix)
        cls.template = os.path.join(cls.dir, "hello")
        shutil.copytree(os.path.join(cls.prefix, "share", "virga", "template"), cls.template)
        cls.build(cls.template)

    @classmethod
    def build(cls, source):
        sanitize = cache("VIRGA_SANITIZE").replace(";", ",")
        flags = ["-DCMAKE_C_FLAGS=-fsanitize=" + sanitize] if sanitize else []
        out = os.path.join(source, "build")
        run("cmake", "-S", source, "-B", out, "-G", cache("CMAKE_GENERATOR"),
            "-DCMAKE_PREFIX_PATH=" + cls.prefix,
            "-DCMAKE_C_COMPILER=" + cache("CMAKE_C_COMPILER"), *flags)
        run("cmake", "--build", out)
        return out

    def say_hello(self, virga, name):
        status, headers, body = virga.http(
            "POST", "/", json.dumps({"name": name}).encode(),
            {"X-Amz-Target": "Hello_20260101.SayHello", "Content-Type": "application/x-amz-json-1.1"})
        return status, headers, json.loads(body)

    def test_template_answers_after_a_build_out_of_tree(self):
        with Virga(plugin_dir=os.path.join(self.template, "build"),
                   settings={"floci.services.hello.greeting": "Ciao"}) as virga:
            self.assertEqual(virga.get_json("/_floci/hello/Ada"), {"name": "Ada", "count": 0})
            status, headers, body = self.say_hello(virga, "Ada")
            self.assertEqual((status, body), (200, {"message": "Ciao, Ada!", "count": 1}))
            self.assertEqual(headers["Content-Type"], "application/x-amz-json-1.1")
            self.assertEqual(self.say_hello(virga, "Ada")[2]["count"], 2)
            self.assertEqual(virga.get_json("/_floci/hello/Ada"), {"name": "Ada", "count": 2})

    def test_template_passes_its_own_test(self):
        out = run("ctest", "--test-dir", os.path.join(self.template, "build"), "--output-on-failure")
        self.assertIn("100% tests passed, 0 tests failed out of 1", out)

    def test_check_plugin_finds_nothing_wrong_with_the_template(self):
        out = run(os.path.join(self.prefix, "bin", "virga"), "check-plugin",
                  os.path.join(self.template, "build", "hello.so"))
        self.assertTrue(out.endswith(": 0 failures\n"), out)

    def test_template_counter_survives_kill_9(self):
        virga = Virga(plugin_dir=os.path.join(self.template, "build"))
        self.addCleanup(virga.cleanup)
        virga.start()
        self.say_hello(virga, "Bob")
        virga.kill9()
        virga.start()
        self.assertEqual(self.say_hello(virga, "Bob")[2]["count"], 2)
        virga.stop()

    def test_template_refuses_what_it_does_not_understand(self):
        with Virga(plugin_dir=os.path.join(self.template, "build")) as virga:
            for action, body, fault in (("SayHello", b"{", "SerializationException"),
                                        ("SayHello", b"[]", "SerializationException"),
                                        ("SayHello", b'{"name":""}', "InvalidParameterException"),
                                        ("SayGoodbye", b"{}", "UnknownOperationException")):
                status, _, answer = virga.http("POST", "/", body,
                                               {"X-Amz-Target": "Hello_20260101." + action})
                self.assertEqual((status, json.loads(answer)["__type"]), (400, fault), body)

    def test_installed_host_finds_the_installed_plugins(self):
        run("cmake", "--install", os.path.join(self.template, "build"), "--prefix", self.prefix)
        self.assertTrue(os.path.exists(os.path.join(self.prefix, "lib/virga/plugins/hello.so")))
        with InstalledVirga(self.prefix) as virga:
            names = [p["name"] for p in virga.get_json("/_floci/plugins")["plugins"]]
            self.assertEqual(sorted(names), ["ecr", "hello", "lambda-image", "s3", "ssm", "sts"])
            self.assertEqual(self.say_hello(virga, "Eve")[0], 200)

    def test_examples_build_out_of_tree_pass_their_tests_and_serve(self):
        examples = os.path.join(self.dir, "examples")
        shutil.copytree(os.path.join(self.prefix, "share", "virga", "examples"), examples)
        plugins = os.path.join(self.dir, "example-plugins")
        os.mkdir(plugins)
        for name in ("sts", "ssm"):
            out = self.build(os.path.join(examples, name))
            self.assertIn("100% tests passed, 0 tests failed out of 1",
                          run("ctest", "--test-dir", out, "--output-on-failure"))
            plugin = shutil.copy(os.path.join(out, name + ".so"), plugins)
            checked = run(os.path.join(self.prefix, "bin", "virga"), "check-plugin", plugin)
            self.assertTrue(checked.endswith(": 0 failures\n"), checked)
        with Virga(plugin_dir=plugins) as virga:
            status, _, body = virga.http("GET", "/?Action=GetCallerIdentity&Version=2011-06-15")
            self.assertEqual(status, 200)
            self.assertIn(b"<Account>000000000000</Account>", body)
            for action, params in (("PutParameter", {"Name": "a", "Value": "v", "Type": "String"}),
                                   ("GetParameter", {"Name": "a"})):
                status, _, body = virga.http("POST", "/", json.dumps(params).encode(),
                                             {"X-Amz-Target": "AmazonSSM." + action})
                self.assertEqual(status, 200, body)
            self.assertEqual(json.loads(body)["Parameter"]["Value"], "v")

    def test_pkg_config_leads_to_headers_and_plugins(self):
        env = {"PKG_CONFIG_PATH": os.path.join(self.prefix, cache("CMAKE_INSTALL_LIBDIR"), "pkgconfig")}
        flags = run("pkg-config", "--cflags", "virga-sdk", env=env).split()
        plugins = run("pkg-config", "--variable=plugindir", "virga-sdk", env=env).strip()
        self.assertTrue(os.path.exists(os.path.join(plugins, "ecr.so")), plugins)
        run(cache("CMAKE_C_COMPILER"), *flags, "-fsyntax-only", "-x", "c", "-",
            input="#include <virga/virga.h>\n")

    def test_pkg_config_leads_to_the_helpers(self):
        env = {"PKG_CONFIG_PATH": os.path.join(self.prefix, cache("CMAKE_INSTALL_LIBDIR"), "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "virga-helpers", env=env).split()
        sanitize = cache("VIRGA_SANITIZE").replace(";", ",")
        out = os.path.join(self.dir, "by-hand.so")
        run(cache("CMAKE_C_COMPILER"), "-shared", "-fPIC", "-Wl,-z,defs", "-o", out,
            os.path.join(self.template, "hello.c"), *flags,
            *(["-fsanitize=" + sanitize] if sanitize else []))

    def test_pkg_config_leads_to_the_testkit(self):
        env = {"PKG_CONFIG_PATH": os.path.join(self.prefix, cache("CMAKE_INSTALL_LIBDIR"), "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "virga-testkit", "virga-helpers", env=env).split()
        sanitize = cache("VIRGA_SANITIZE").replace(";", ",")
        out = os.path.join(self.dir, "hello_test")
        run(cache("CMAKE_C_COMPILER"), "-D_GNU_SOURCE", "-o", out, os.path.join(self.template, "hello.c"),
            os.path.join(self.template, "hello_test.c"), *flags, *(["-fsanitize=" + sanitize] if sanitize else []))
        run(out)


if __name__ == "__main__":
    unittest.main()
