# SPDX-License-Identifier: MIT
"""The commands that look at an installation: config, plugins, inspect, doctor, help and --version."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from virga import BINARY, BUILD, ROOT, SANITIZER_WORDS, Virga, clean_env, free_ports, need

WIDTH = 100

HEAD = """
#include <stdlib.h>
#include <virga/virga.h>
static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)host; (void)ret_self; (void)err;
    abort(); /* no command starts a plugin */
}
static void handle(void *self, struct virga_request *req) { (void)self; req->http->abort(req); }
"""


def descriptor(name, *members):
    return HEAD + "const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = \"%s\", " \
        ".version = \"1.0\", .start = start, .handle = handle, %s};\n" % (name, ", ".join(members))


def ids(member, *values):
    return ".%s = (const char *const[]){%s, NULL}" % (member, ", ".join('"%s"' % v for v in values))


def route(pattern):
    return ".routes = (const struct virga_route[]){{.kind = VIRGA_ROUTE_REST, .method = \"GET\", " \
        ".pattern = \"%s\"}}, .routes_count = 1, .route_size = sizeof(struct virga_route)" % pattern


class CliCase(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="virga-cli-")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def run_cli(self, *args, env=None, code=0):
        """(stdout, stderr) of a run in the test's own directory that ends with the code."""
        done = subprocess.run([BINARY] + list(args), cwd=self.dir, env=clean_env(env), timeout=120,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        for word in SANITIZER_WORDS:
            self.assertNotIn(word, done.stderr)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def out(self, *args, **kwargs):
        return self.run_cli(*args, **kwargs)[0]

    def err(self, *args, **kwargs):
        return self.run_cli(*args, **kwargs)[1]

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def compile(self, name, source, directory=None):
        """Builds a shared library from C and returns its path."""
        need("cc")
        directory = directory or self.dir
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, name)
        subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-w", "-o", path, "-x", "c",
                        "-I", os.path.join(ROOT, "sdk", "include"), "-"],
                       input=source, text=True, check=True)
        return path

    def plugin_dir(self, **sources):
        directory = os.path.join(self.dir, "plugins")
        for name, source in sources.items():
            self.compile(name + ".so", source, directory)
        return "--set", "plugin-dir=" + directory

    def assert_for_people(self, text):
        """Plain text that a terminal of 100 columns holds."""
        self.assertNotIn("\033", text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), WIDTH, line)
            self.assertEqual(line.rstrip(), line)


class TestHelp(CliCase):
    def test_version_names_the_abi_and_every_library(self):
        text = self.out("--version")
        self.assertRegex(text, r"^virga \d+\.\d+\.\d+ \(plugin ABI 1\.\d+\)\n")
        for name in ("libuv", "llhttp", "curl", "SQLite", "OpenSSL", "json-c", "libyaml"):
            self.assertRegex(text, name + r" \d+\.\d+")

    def test_every_command_has_its_help(self):
        text = self.out("--help")
        self.assert_for_people(text)
        for name in ("serve", "config", "plugins", "inspect", "doctor"):
            self.assertIn("\n  %s " % name, text)
            self.assert_for_people(self.out("help", name))
            self.assertEqual(self.out("help", name), self.out(name, "--help"))

    def test_a_mistyped_command_names_the_nearest(self):
        self.assertIn("did you mean doctor?", self.err("docter", code=2))
        self.assertIn("did you mean config?", self.err("help", "confg", code=2))

    def test_a_mistyped_flag_names_the_nearest(self):
        self.assertIn("unknown flag --cofnig; did you mean --config?",
                      self.err("config", "--cofnig=x.yml", code=2))
        self.assertIn("did you mean --json?", self.err("doctor", "--jsn", code=2))

    def test_wrong_usage_exits_2(self):
        self.run_cli(code=2)
        self.assertIn("--set needs a value", self.err("config", "--set", code=2))
        self.assertIn("inspect needs FILE.so", self.err("inspect", code=2))
        self.assertIn("takes no argument", self.err("plugins", "ecr", code=2))
        self.assertIn("one argument too many", self.err("inspect", "a.so", "b.so", code=2))
        self.assertIn("unknown flag --json", self.err("serve", "--json", code=2))


class TestConfig(CliCase):
    def settings(self, *args, **kwargs):
        return {s["key"]: s for s in json.loads(self.out("config", "--json", *args, **kwargs))["settings"]}

    def test_each_value_says_where_it_comes_from(self):
        self.write("application.yml", "floci:\n  port: 4600\n  default-region: eu-west-1\n"
                                      "  services:\n    ecr:\n      uri-style: path\n")
        env = {"FLOCI_DEFAULT_REGION": "eu-west-2", "FLOCI_LOG_LEVEL": "debug"}
        text = self.out("config", "--set", "log.level=warn", env=env)
        self.assert_for_people(text)
        self.assertRegex(text, r"floci\.port +4600 +application\.yml:2\n")
        self.assertRegex(text, r"floci\.default-region +eu-west-2 +FLOCI_DEFAULT_REGION\n")
        self.assertRegex(text, r"floci\.log\.level +warn +--set\n")
        self.assertRegex(text, r"floci\.log\.format +text +default\n")
        self.assertRegex(text, r"floci\.plugin-dir +\(unset\) +default\n")
        self.assertRegex(text, r"\necr \(plugin\)\n(.*\n)*.*uri-style +path +application\.yml:6\n")
        self.assertIn("      The port of the AWS endpoint; 0 takes a free one.\n", text)

    def test_json_has_typed_values(self):
        settings = self.settings("--set", "port=4600")
        port = settings["floci.port"]
        self.assertEqual((4600, "command line", "--set", "int", "4566", 65535),
                         tuple(port[k] for k in ("value", "source", "origin", "type", "default", "max")))
        self.assertIs(True, settings["floci.services.ecr.enabled"]["value"])
        self.assertEqual("ecr", settings["floci.services.ecr.enabled"]["owner"])
        self.assertIsNone(settings["floci.plugin-dir"]["value"])
        self.assertIsNone(settings["floci.plugin-dir"]["origin"])

    def test_one_key_a_group_or_an_owner(self):
        self.assertEqual({"floci.port"}, set(self.settings("port")))
        self.assertEqual({"floci.port"}, set(self.settings("floci.port")))
        group = set(self.settings("log"))
        self.assertIn("floci.log.level", group)
        self.assertTrue(all(key.startswith("floci.log.") for key in group))
        self.assertTrue(all(key.startswith("floci.services.ecr.") for key in self.settings("ecr")))
        self.assertEqual(set(self.settings("ecr")), set(self.settings("services.ecr")))
        self.assertIn("did you mean port?", self.err("config", "prot", code=2))

    def test_an_invalid_configuration_is_refused_as_serve_refuses_it(self):
        self.write("bad.yml", "floci:\n  services:\n    ecr:\n      uri-stile: path\n")
        for args in (("--config", "bad.yml"), ("--set", "port=http"), ("--set", "prot=1"),
                     ("--config", "missing.yml"), ("--set", "default-account-id=12")):
            out, err = self.run_cli("config", *args, code=1)
            self.assertEqual("", out)
            served = subprocess.run([BINARY, "serve"] + list(args), cwd=self.dir, env=clean_env(),
                                    timeout=60, capture_output=True, text=True)
            self.assertNotEqual(0, served.returncode)
            self.assertIn(err, served.stderr)


class TestPlugins(CliCase):
    def plan(self, *args):
        return json.loads(self.out("plugins", "--json", *args))

    def test_order_of_start_follows_needs(self):
        where = self.plugin_dir(a=descriptor("a", ids("needs", "x/1", "virga.log/1")),
                                z=descriptor("z", ids("provides", "x/1"), route("/z")))
        plan = self.plan(*where)
        self.assertEqual([("z", 1, "started"), ("a", 2, "started")],
                         [(p["name"], p["order"], p["plan"]) for p in plan["plugins"]])
        self.assertEqual((1, ["x/1"], []), tuple(plan["plugins"][0][k] for k in ("routes", "provides", "needs")))
        text = self.out("plugins", *where)
        self.assert_for_people("\n".join(l for l in text.splitlines() if self.dir not in l))
        self.assertLess(text.index("1  z 1.0"), text.index("2  a 1.0"))

    def test_what_would_be_left_out_is_named_with_the_reason(self):
        where = self.plugin_dir(
            a=descriptor("a", ids("needs", "nobody/1")),
            b=descriptor("b", ids("needs", "c/1")), c=descriptor("c", ids("provides", "c/1")),
            d=descriptor("d", route("/same")), e=descriptor("e", route("/same")),
            f="int nothing;", g=descriptor("d"),
            h=descriptor("h", ids("needs", "i/1"), ids("provides", "h/1")),
            i=descriptor("i", ids("needs", "h/1"), ids("provides", "i/1")))
        plan = self.plan(*where, "--set", "services.c.enabled=false")
        found = {p["name"]: p for p in plan["plugins"]}
        self.assertIn("nobody/1", found["a"]["problem"])
        self.assertIn("of plugin c, which is disabled", found["b"]["problem"])
        self.assertEqual(("disabled", False, None), tuple(found["c"][k] for k in ("plan", "enabled", "order")))
        self.assertEqual("started", found["d"]["plan"])
        self.assertRegex(found["e"]["problem"], r"\bd\b")
        self.assertIn("circle", found["h"]["problem"])
        self.assertIn("circle", found["i"]["problem"])
        left_out = {os.path.basename(f["file"]): f["problem"] for f in plan["leftOut"]}
        self.assertIn("virga_plugin_v1", left_out["f.so"])
        self.assertIn('called "d" too', left_out["g.so"])
        text = self.out("plugins", *where)
        for name in ("a.so", "f.so", "g.so", "h.so"):
            self.assertIn(name, text)

    def test_a_missing_directory_is_the_error_of_serve(self):
        self.assertIn("plugin directory /nonexistent cannot be read",
                      self.err("plugins", "--set", "plugin-dir=/nonexistent", code=1))


class TestInspect(CliCase):
    ecr = os.path.join(BUILD, "lib", "virga", "plugins", "ecr.so")

    def test_a_plugin_in_full(self):
        text = self.out("inspect", self.ecr)
        for part in ("ecr ", "this host has 1.", "virga.store/1", "below floci.services.ecr:",
                     "registry-base-port: int 1 to 65535, default 5100",
                     "AmazonEC2ContainerRegistry_V20150921, service ecr", "libjson-c.so"):
            self.assertIn(part, text)
        self.assertRegex(text, r"Exports:\n  virga_plugin_v1\n\n")
        found = json.loads(self.out("inspect", "--json", self.ecr))
        self.assertEqual(["virga_plugin_v1"], found["exports"])
        self.assertEqual(found["hostAbi"], found["abi"])
        self.assertIn("uri-style", [k["key"] for k in found["configKeys"]])
        self.assertIn("target", [r["kind"] for r in found["routes"]])
        self.assertTrue(any(l.startswith("libc.so") for l in found["libraries"]))

    def test_a_name_without_a_slash_is_a_file_here(self):
        self.compile("mine.so", descriptor("mine") + "VIRGA_EXPORT int extra;")
        text = self.out("inspect", "mine.so")
        self.assertIn("mine 1.0", text)
        self.assertIn("extra (a plugin should export virga_plugin_v1 only)", text)

    def test_what_is_no_plugin_is_told_apart(self):
        self.write("text.so", "hello")
        library = self.compile("library.so", "int shared;")
        with open(library, "rb") as f:
            whole = f.read()
        with open(os.path.join(self.dir, "cut.so"), "wb") as f:
            f.write(whole[:len(whole) // 2])
        with open(os.path.join(self.dir, "foreign.so"), "wb") as f:
            f.write(whole[:18] + b"\x03\x00" + whole[20:])
        for name, words in (("text.so", "does not begin as an ELF file"), ("library.so", "does not export"),
                            ("cut.so", "ends within"), ("foreign.so", "another machine"),
                            (BINARY, "a program"), (self.dir, "no regular file"),
                            ("missing.so", "No such file")):
            self.assertIn(words, self.err("inspect", name, code=1))

    def test_a_foreign_abi_is_refused_in_words(self):
        source = descriptor("old").replace("VIRGA_PLUGIN_HEAD", ".struct_size = sizeof(struct virga_plugin), "
                                           ".abi_major = 7")
        self.compile("old.so", source)
        self.assertIn("built for plugin ABI 7", self.err("inspect", "old.so", code=1))

    def test_a_plugin_that_crashes_in_its_constructor_is_named(self):
        self.compile("crash.so", descriptor("crash") +
                     "__attribute__((constructor)) static void boom(void) { abort(); }")
        self.assertRegex(self.err("inspect", "crash.so", code=1), r"crash\.so crashed .*signal 6")

    def test_a_library_that_is_missing_is_named(self):
        self.compile("libgone.so", "__attribute__((visibility(\"default\"))) int gone(void) { return 1; }")
        need("cc")
        subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-w", "-o", "needy.so", "-x", "c",
                        "-I", os.path.join(ROOT, "sdk", "include"), "-", "-L.", "-Wl,--no-as-needed", "-lgone"],
                       input=descriptor("needy"), text=True, check=True, cwd=self.dir)
        os.unlink(os.path.join(self.dir, "libgone.so"))
        self.assertRegex(self.err("inspect", "needy.so", code=1), r"libgone\.so")


class FakeEngine:
    """Answers a few requests on a unix socket as an engine would."""

    def __init__(self, path):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.server.accept()
            except OSError:
                return
            with conn:
                head = conn.recv(65536)
                body = b"OK"
                if b"/version" in head.split(b"\r\n")[0]:
                    body = json.dumps({"Version": "9.8.7", "Components": [{"Name": "Podman Engine"}]}).encode()
                conn.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
                             + body)

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


class TestDoctor(CliCase):
    def setUp(self):
        super().setUp()
        self.port = free_ports()
        # A folder of its own: crun makes one in it whenever it is asked for its version.
        runtime = tempfile.mkdtemp(prefix="virga-test-")
        self.addCleanup(shutil.rmtree, runtime)
        self.env = {"XDG_RUNTIME_DIR": runtime}

    def checks(self, *args, code=0, env=None):
        args = ("--set", "port=%d" % self.port) + args
        report = json.loads(self.out("doctor", "--json", *args, env={**self.env, **(env or {})}, code=code))
        self.assertEqual(code == 1, report["verdict"] == "FAIL")
        found = {}
        for check in report["checks"]:
            found.setdefault((check["owner"], check["check"]), check)
        return found

    def test_a_sound_installation_passes(self):
        text = self.out("doctor", "--set", "port=%d" % self.port, *self.plugin_dir(a=descriptor("a")), env=self.env)
        self.assert_for_people(text)
        self.assertRegex(text, r"\nok    port +%d is free" % self.port)
        self.assertRegex(text, r"\nok    data directory +\./data: can be made")
        self.assertRegex(text, r"\n\d+ checks: 0 FAIL, \d+ warn\n$")
        self.assertEqual(["plugins"], os.listdir(self.dir))  # looking makes nothing

    def test_a_port_that_another_program_has_fails(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", self.port))
            s.listen(1)
            check = self.checks(code=1)["core", "port"]
        self.assertEqual("FAIL", check["verdict"])
        self.assertIn("taken by another program", check["found"])
        self.assertIn("floci.port", check["remedy"])

    def test_whoever_else_speaks_http_there_is_no_virga(self):
        for body in (b'{"edition":null,"version":7}', b'[1]', b'\xff', b'{"edition":"other"}'):
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", self.port))
                s.listen(1)

                def answer():
                    conn, _ = s.accept()
                    with conn:
                        conn.recv(65536)
                        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                                     % len(body) + body)
                thread = threading.Thread(target=answer, daemon=True)
                thread.start()
                check = self.checks(code=1)["core", "port"]
                thread.join(5)
            self.assertIn("taken by another program", check["found"])

    def test_a_virga_that_runs_is_recognised(self):
        with Virga() as v:
            self.port = v.port
            found = self.checks("--set", "storage.persistent-path=" + v.data)
            self.assertIn("served by a virga", found["core", "port"]["found"])
            self.assertEqual("note", found["core", "port"]["verdict"])
            holder = found["core", "data directory"]
            self.assertEqual("note", holder["verdict"])
            self.assertTrue(any("process %d" % pid in holder["found"] for pid, _ in v.processes()), holder)

    def test_a_data_directory_that_cannot_be_fails(self):
        self.write("file", "")
        check = self.checks("--set", "storage.persistent-path=./file/data", code=1)["core", "data directory"]
        self.assertEqual("FAIL", check["verdict"])
        if os.getuid() != 0:
            os.mkdir(os.path.join(self.dir, "locked"), 0o555)
            check = self.checks("--set", "storage.persistent-path=./locked/data", code=1)["core", "data directory"]
            self.assertIn("not writable", check["found"])

    def test_an_invalid_configuration_fails_and_the_rest_is_checked(self):
        found = self.checks("--set", "prot=1", code=1)
        self.assertIn("did you mean port?", found["core", "configuration"]["found"])
        self.assertIn(("core", "port"), found)
        self.write("broken.yml", "floci: [")
        found = self.checks("--config", "broken.yml", code=1)
        self.assertNotIn(("core", "port"), found)
        self.assertIn(("core", "container engine"), found)

    def test_a_plugin_that_is_left_out_fails(self):
        found = self.checks(*self.plugin_dir(a="int nothing;", b=descriptor("b", ids("needs", "x/1"))), code=1)
        self.assertIn("a.so is left out", found["core", "plugin"]["found"])

    def test_an_engine_that_answers_is_named_with_its_version(self):
        os.mkdir(os.path.join(self.env["XDG_RUNTIME_DIR"], "podman"))
        path = os.path.join(self.env["XDG_RUNTIME_DIR"], "podman", "podman.sock")
        engine = FakeEngine(path)
        self.addCleanup(engine.close)
        out = self.out("doctor", "--json", "--set", "port=%d" % self.port, env=self.env)
        self.assertIn("Podman Engine 9.8.7 at " + path, out)
        self.assertIn("Podman Engine 9.8.7 at %s (DOCKER_HOST)" % path,
                      self.out("doctor", "--json", "--set", "port=%d" % self.port,
                               env={"DOCKER_HOST": "unix://" + path}))

    def test_an_engine_that_does_not_answer_is_a_warning(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(os.path.join(self.env["XDG_RUNTIME_DIR"], "docker.sock"))
        text = self.out("doctor", "--set", "port=%d" % self.port, env=self.env)
        self.assertRegex(text, r"warn  container engine +%s" % self.env["XDG_RUNTIME_DIR"])
        self.assertIn("Connection refused", text)
        check = self.checks(env={"DOCKER_HOST": "tcp://127.0.0.1:%d" % free_ports()})["core", "container engine"]
        self.assertEqual("warn", check["verdict"])
        self.assertIn("unset DOCKER_HOST", check["remedy"])

    def test_ecr_checks_what_it_needs(self):
        base = free_ports(3)
        ports = ("--set", "services.ecr.registry-base-port=%d" % base,
                 "--set", "services.ecr.registry-max-port=%d" % (base + 1))
        with socket.socket() as s:
            s.bind(("127.0.0.1", base))
            s.listen(1)
            found = self.checks(*ports, "--set", "services.ecr.uri-style=path")
            self.assertIn("%d is the first free one" % (base + 1), found["ecr", "registry port"]["found"])
            self.assertEqual("ok", found["ecr", "registry names"]["verdict"])
            with socket.socket() as t:
                t.bind(("127.0.0.1", base + 1))
                t.listen(1)
                self.assertEqual("FAIL", self.checks(*ports, code=1)["ecr", "registry port"]["verdict"])
        found = self.checks(*ports, env={"PATH": self.dir}, code=1)
        self.assertIn("docker-registry", found["ecr", "registry program"]["remedy"])
        self.assertEqual("note", found["core", "OCI runtime"]["verdict"])

    def test_checks_of_a_plugin_run_without_starting_it(self):
        source = descriptor("p", ".doctor = check").replace("const struct virga_plugin", """
static void check(const struct virga_host *host, const struct virga_doctor *doctor) {
    char line[64];
    const char *const argv[] = {"sh", "-c", "echo; echo first; echo second; exit 3", NULL};
    const char *const gone[] = {"virga-no-such-program", NULL};
    int status = doctor->run(doctor, argv, line, sizeof line);
    virga_doctor_report(doctor, VIRGA_DOCTOR_NOTE, "run", NULL, "%d %s", status, line);
    virga_doctor_report(doctor, VIRGA_DOCTOR_WARN, "gone", "Install it.", "%d",
                        doctor->run(doctor, gone, line, sizeof line));
    virga_doctor_report(doctor, VIRGA_DOCTOR_OK, "interfaces", NULL, "%d%d",
                        host->get_interface(host, VIRGA_CONFIG_ID) != NULL,
                        host->get_interface(host, VIRGA_TIMER_ID) != NULL);
}
const struct virga_plugin""", 1)
        found = self.checks(*self.plugin_dir(p=source))
        self.assertEqual("3 first", found["p", "run"]["found"])
        self.assertEqual(("warn", "-2", "Install it."),
                         tuple(found["p", "gone"][k] for k in ("verdict", "found", "remedy")))
        self.assertEqual("10", found["p", "interfaces"]["found"])

    def test_a_plugin_whose_checks_crash_is_a_finding(self):
        source = descriptor("p", ".doctor = check").replace("const struct virga_plugin", """
static void check(const struct virga_host *host, const struct virga_doctor *doctor) {
    doctor->report(doctor, VIRGA_DOCTOR_OK, "before", "fine", NULL);
    abort();
}
const struct virga_plugin""", 1)
        found = self.checks(*self.plugin_dir(p=source, q=descriptor("q")), code=1)
        self.assertEqual("fine", found["p", "before"]["found"])
        self.assertIn("crashed (signal 6", found["p", "checks"]["found"])
        self.assertIn(("core", "OCI runtime"), found)  # and the rest went on


if __name__ == "__main__":
    unittest.main()
