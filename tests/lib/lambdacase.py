# SPDX-License-Identifier: MIT
"""A server whose Lambda functions really run, shared by the tests of a class: on the OCI runtime of this machine, on a
dockerd or on a podman of the test's own. Each test has functions of its own."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from aws import ACCOUNT, REGION, Ecr
from engine import Dockerd, Podman
from lambdaapi import Lambda, LambdaError
from lambdaimage import ARCH, LAMBDA_ARCH, function_image, need_bootstrap
from oci import Registry
from virga import BINARY, Virga, need, wait_for

ROLE = "arn:aws:iam::000000000000:role/lambda"
EXECUTOR = "floci.services.lambda.executor"
REPOSITORY = "functions"
CGROUPS = "/sys/fs/cgroup"


class LambdaCase(unittest.TestCase):
    """`executor` is the setting; `settings` are more of them. Subclasses below choose the executor."""
    executor = None
    settings = {}
    engine = None
    listeners = frozenset()
    virga = None

    # --- the server ---

    @classmethod
    def prepare(cls):
        """Skips where the executor cannot work here; what virga needs in its environment."""
        return {}

    @classmethod
    def setUpClass(cls):
        need("docker-registry")
        need_bootstrap()
        env = cls.prepare()
        try:
            cls.virga = Virga(settings={EXECUTOR: cls.executor, "floci.services.lambda.stop-grace-ms": 200,
                                        **cls.settings}, env=env)
            cls.virga.start()
            cls.begin()
        except BaseException:
            cls.end()
            raise

    @classmethod
    def begin(cls):
        """What every class has: the API, a repository, the image that does what events say."""
        cls.api = Lambda(cls.virga)
        cls.ecr = Ecr(cls.virga)
        cls.tags = {}
        cls.cgroups = set()
        cls.ecr.create(REPOSITORY)
        cls.uri = cls.push(function_image("shared"))
        cls.warm_up()
        cls.listeners = listeners(cls.virga)

    @classmethod
    def warm_up(cls):
        """What is there for as long as virga runs, once the first function has run."""

    @classmethod
    def tearDownClass(cls):
        try:
            if cls.virga.proc.poll() is None:
                cls.virga.stop()
                cls.check_nothing_left(stopped=True)
        finally:
            cls.end()

    @classmethod
    def end(cls):
        if cls.virga is not None:
            cls.unmount()
            cls.virga.cleanup()
            cls.virga = None
        if cls.engine is not None:
            cls.engine.close()
            cls.engine = None

    @classmethod
    def unmount(cls):
        """What a failed test has left mounted must not be in the way when the directory is removed."""
        with open("/proc/self/mounts") as f:
            points = [line.split()[1] for line in f if line.split()[1].startswith(cls.virga.dir + "/")]
        for point in reversed(points):
            subprocess.run(["umount", "-l", point], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    # --- images ---

    @classmethod
    def registry(cls, account=ACCOUNT, region=REGION):
        return Registry.hostname(cls.ecr.port(), account, region)

    @classmethod
    def push(cls, image, tag=None, repository=REPOSITORY):
        """Pushes an image, once; its URI by tag."""
        tag = tag or image.digest[7:27]
        if cls.tags.get((repository, tag)) != image.digest:
            cls.registry().push(repository, image, tag)
            cls.tags[(repository, tag)] = image.digest
        return "%s/%s:%s" % (cls.address(), repository, tag)

    @classmethod
    def address(cls, account=ACCOUNT, region=REGION):
        return "%s.dkr.ecr.%s.localhost:%d" % (account, region, cls.ecr.port())

    # --- functions ---

    def setUp(self):
        self.made = []

    def tearDown(self):
        for name in self.made:
            try:
                self.api.DeleteFunction(FunctionName=name)
            except (LambdaError, OSError):
                pass

    def name(self, suffix=""):
        """A function's name that no other test has."""
        name = re.sub("[^A-Za-z0-9]+", "-", self.id().rsplit(".", 1)[1].replace("test_", "", 1))
        return name[:60 - len(suffix)].strip("-") + suffix

    def parameters(self, name, uri, env=None, **more):
        """What CreateFunction is given. The mark makes a function's processes visible to the test."""
        return {"FunctionName": name, "PackageType": "Image", "Code": {"ImageUri": uri}, "Role": ROLE,
                "Architectures": [LAMBDA_ARCH[ARCH]], "Timeout": 20,
                "Environment": {"Variables": {"VIRGA_TEST_MARK": self.virga.mark, **(env or {})}}, **more}

    def create(self, suffix="", image=None, uri=None, env=None, wait=True, **more):
        """A new function that is Active; its name."""
        name = self.name(suffix)
        self.made.append(name)
        self.api.CreateFunction(**self.parameters(name, uri or (self.push(image) if image else self.uri), env, **more))
        if wait:
            self.wait_active(name)
        return name

    def wait_active(self, name):
        return self.wait_state(name, "Active")

    def wait_state(self, name, wanted):
        """Waits until the function is neither Pending nor being updated; it must then be in that state."""
        def settled():
            state, update, found = self.api.state(name)
            return found if state != "Pending" and update != "InProgress" else None
        found = wait_for(settled, 60, "%s to be %s" % (name, wanted))
        self.assertEqual(found["State"], wanted, found)
        return found

    def wait_updated(self, name):
        found = self.wait_active(name)
        self.assertEqual(found["LastUpdateStatus"], "Successful", found)
        return found

    def assert_error(self, status, code, message, function, *args, **params):
        """The call fails with exactly that; message None: whatever it says. Returns the error."""
        with self.assertRaises(LambdaError) as caught:
            function(*args, **params)
        error = caught.exception
        self.assertEqual((error.status, error.code), (status, code), error)
        if message is not None:
            self.assertEqual(error.message, message)
        return error

    def assert_failed(self, answer, kind, message):
        """Invoke's answer is a function's error of that kind; `message` is a pattern, RID its request id."""
        self.assertEqual((answer.status, answer.error), (200, "Unhandled"), answer)
        told = answer.json()
        self.assertEqual(told["errorType"], kind, answer)
        self.assertRegex(told["errorMessage"], "^" + message.replace("RID", re.escape(answer.request_id)) + "$")
        return told

    def logs(self, name, **query):
        """What the admin route shows of a function's log."""
        text = "&".join("%s=%s" % pair for pair in query.items())
        status, _, body = self.virga.http("GET", "/_floci/lambda/%s/logs%s" % (name, "?" + text if text else ""))
        self.assertEqual(status, 200, body)
        return body.decode()

    # --- what is left ---

    @classmethod
    def function_pids(cls):
        """Processes of functions, and of what runs them."""
        own = (os.path.realpath(BINARY), shutil.which("docker-registry"), os.path.realpath(BINARY) + " (deleted)")
        return [(pid, exe) for pid, exe in cls.virga.processes()
                if exe not in own and os.path.basename(exe) != "docker-registry"]

    @classmethod
    def note_cgroups(cls):
        """Remembers the control groups of the functions that run now, to look for them later."""
        with open("/proc/self/cgroup") as f:
            own = f.read().splitlines()
        for pid, _exe in cls.function_pids():
            try:
                with open("/proc/%d/cgroup" % pid) as f:
                    lines = f.read().splitlines()
            except OSError:
                continue
            for line in lines:
                _, controllers, path = line.split(":", 2)
                if line not in own and path != "/":
                    folder = controllers.replace("name=", "").split(",")[0] or "unified"
                    cls.cgroups.update((CGROUPS + "/" + folder + path, CGROUPS + path))

    @classmethod
    def left(cls, stopped=False):
        """What of functions is on the machine, in words."""
        found = ["process %d %s" % one for one in cls.function_pids()]
        environments = os.path.join(cls.virga.data, "lambda", "environments")
        if os.path.isdir(environments):
            found += ["folder " + name for name in os.listdir(environments)]
        with open("/proc/self/mounts") as f:
            found += ["mount " + line.split()[1] for line in f
                      if line.split()[1].startswith(cls.virga.dir + "/")]
        found += ["cgroup " + path for path in sorted(cls.cgroups) if os.path.isdir(path)]
        if cls.engine is not None and cls.engine.proc.poll() is None:
            found += ["container " + name for name in cls.engine.containers()]
            found += ["volume " + name for name in cls.engine.volumes()]
        if not stopped:
            found += ["port %d" % port for port in sorted(listeners(cls.virga) - cls.listeners)]
        return found + cls.runtime_left()

    @classmethod
    def runtime_left(cls):
        return []

    @classmethod
    def check_nothing_left(cls, seconds=20, stopped=False):
        found = None
        try:
            wait_for(lambda: not cls.left(stopped), seconds)
        except AssertionError:
            found = cls.left(stopped)
        if found:
            raise AssertionError("left behind: " + ", ".join(found))

    def assert_nothing_left(self, seconds=20):
        """No container, process, port, mount, control group or folder of a function."""
        type(self).check_nothing_left(seconds)

    def delete_all(self):
        for name in self.made:
            self.api.DeleteFunction(FunctionName=name)
        self.made = []


def listeners(virga):
    """The TCP ports on which virga's own processes listen."""
    inodes = set()
    for pid, exe in virga.processes():
        if exe != os.path.realpath(BINARY):
            continue
        try:
            for fd in os.listdir("/proc/%d/fd" % pid):
                link = os.readlink("/proc/%d/fd/%s" % (pid, fd))
                if link.startswith("socket:["):
                    inodes.add(link[8:-1])
        except OSError:
            continue
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as f:
            for line in f.readlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[9] in inodes:
                    ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports


def path_with(runtime):
    """A folder with all programs but the other OCI runtimes: for PATH."""
    folder = tempfile.mkdtemp(prefix="virga-path-")
    for place in os.environ["PATH"].split(os.pathsep):
        for program in os.listdir(place) if os.path.isdir(place) else ():
            link = os.path.join(folder, program)
            if (program == runtime or program not in ("crun", "runc")) and not os.path.lexists(link):
                os.symlink(os.path.join(place, program), link)
    return folder


class OciCase(LambdaCase):
    """Functions in containers of crun or runc, without a daemon."""
    executor = "oci"

    @classmethod
    def prepare(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("the oci executor is tested as root")
        if shutil.which("crun") is None and shutil.which("runc") is None:
            raise unittest.SkipTest("neither crun nor runc is installed")
        return {}

    @classmethod
    def runtime_left(cls):
        """Containers that a runtime knows of, where its state is below the data directory."""
        found = []
        for folder, names, _files in os.walk(os.path.join(cls.virga.data, "lambda")):
            if os.path.basename(folder) in ("crun", "runc", "runtime"):
                found += ["runtime's state of " + name for name in names]
                names[:] = []
            elif os.path.basename(folder) in ("images", "layers", "rootfs", "environments"):
                names[:] = []
        return found


class RuncCase(OciCase):
    """The same with runc, where crun is there too."""
    path = None

    @classmethod
    def prepare(cls):
        super().prepare()
        need("runc")
        cls.path = path_with("runc")
        return {"PATH": cls.path}

    @classmethod
    def end(cls):
        super().end()
        if cls.path is not None:
            shutil.rmtree(cls.path)
            cls.path = None


class DockerCase(LambdaCase):
    """Functions in containers of a private dockerd."""
    executor = "docker"

    @classmethod
    def prepare(cls):
        cls.engine = cls.make_engine()
        return {"DOCKER_HOST": cls.engine.host}

    @classmethod
    def make_engine(cls):
        return Dockerd()

    @classmethod
    def warm_up(cls):
        """The executor may listen where containers reach it, with the first of them."""
        case = cls()
        cls.api.CreateFunction(**case.parameters("warm-up", cls.uri))
        case.wait_active("warm-up")
        cls.api.do("warm-up", "raw 1")
        cls.api.DeleteFunction(FunctionName="warm-up")
        wait_for(lambda: not cls.engine.containers() and not cls.function_pids(), 30, "the first function to go")


class PodmanCase(DockerCase):
    """Functions in containers of a podman service."""

    @classmethod
    def make_engine(cls):
        return Podman()


def run(*command, **more):
    """(exit code, output) of a program."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, **more)
    return done.returncode, done.stdout
