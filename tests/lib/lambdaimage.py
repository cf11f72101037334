# SPDX-License-Identifier: MIT
"""Images of Lambda functions: of the tests' own bootstrap (tests/lambda), whole or broken in one way each. Made in
memory, no tools, no network."""
import functools
import gzip
import io
import json
import os
import shutil
import subprocess
import tarfile
import unittest

import virga
from images import (DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST,
                    Image, digest_of)

BOOTSTRAP = os.path.join(virga.BUILD, "bin", "lambda_bootstrap")
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
OTHER_ARCH = "arm64" if ARCH == "amd64" else "amd64"
# What a function's Architectures calls them.
LAMBDA_ARCH = {"amd64": "x86_64", "arm64": "arm64"}
OCI_LAYER_PLAIN = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"


def need_bootstrap():
    """Skips where the build has no bootstrap."""
    if not os.path.exists(BOOTSTRAP):
        raise unittest.SkipTest("the build has no lambda_bootstrap: no static C library (libc6-dev)")


class Layer:
    """One layer, entry by entry, in the order of the calls."""

    def __init__(self):
        self.raw = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.raw, mode="w", format=tarfile.PAX_FORMAT)
        self.folders, self.libraries = set(), set()

    def entry(self, path, kind=tarfile.REGTYPE, content=b"", mode=0o644, link="", uid=0, gid=0, pax=None):
        """Any entry; the path goes in as it is given."""
        self.parents(path)
        if kind == tarfile.DIRTYPE:
            self.folders.add(path)
        info = tarfile.TarInfo(path)
        info.type, info.size, info.mode, info.linkname = kind, len(content), mode, link
        info.uid, info.gid = uid, gid
        info.pax_headers = dict(pax or {})
        self.tar.addfile(info, io.BytesIO(content))
        return self

    def parents(self, path):
        """The folders on the way; without entries of their own an engine makes them 0600."""
        parts = path.split("/")[:-1]
        for i in range(1, len(parts) + 1):
            name = "/".join(parts[:i])
            if ".." not in parts and name and name not in self.folders:
                self.folders.add(name)
                info = tarfile.TarInfo(name)
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                self.tar.addfile(info)

    def file(self, path, content, mode=0o644, **more):
        content = content.encode() if isinstance(content, str) else content
        return self.entry(path.lstrip("/"), content=content, mode=mode, **more)

    def folder(self, path, mode=0o755, **more):
        return self.entry(path.strip("/"), tarfile.DIRTYPE, mode=mode, **more)

    def symlink(self, path, target):
        return self.entry(path.lstrip("/"), tarfile.SYMTYPE, mode=0o777, link=target)

    def hardlink(self, path, target):
        return self.entry(path.lstrip("/"), tarfile.LNKTYPE, link=target.lstrip("/"))

    def whiteout(self, path):
        folder, name = os.path.split(path.strip("/"))
        return self.file(os.path.join(folder, ".wh." + name), b"")

    def opaque(self, path):
        return self.file(path.strip("/") + "/.wh..wh..opq", b"")

    def program(self, source, path, mode=0o755):
        """A program of this machine with the libraries that it needs."""
        with open(source, "rb") as f:
            self.file(path, f.read(), mode)
        out = subprocess.run(["ldd", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        for library in [word for line in out.splitlines() for word in line.split() if word.startswith("/")]:
            if library not in self.libraries:  # an engine refuses a path that comes twice
                self.libraries.add(library)
                with open(library, "rb") as f:
                    self.file(library, f.read(), 0o755)
        return self

    def tree(self, source, path):
        """A file or folder of this machine."""
        self.parents(path.strip("/"))
        self.tar.add(source, arcname=path.strip("/"), filter=owned_by_root)
        return self

    def done(self, packed=True):
        """(blob, digest of the tar)"""
        self.tar.close()
        raw = self.raw.getvalue()
        return gzip.compress(raw, 1, mtime=0) if packed else raw, digest_of(raw)


def owned_by_root(info):
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return info


@functools.lru_cache(maxsize=None)
def bootstrap_layer(path="bootstrap", mode=0o755):
    """The layer that most images share."""
    need_bootstrap()
    with open(BOOTSTRAP, "rb") as f:
        return Layer().file(path, f.read(), mode).folder("var/task").folder("tmp", 0o1777).done()


@functools.lru_cache(maxsize=None)
def busybox_layer():
    program = shutil.which("busybox")
    if program is None:
        raise unittest.SkipTest("busybox is not installed")
    layer = Layer().program(program, "bin/busybox")
    for applet in ("sh", "cat", "ls", "sleep", "env", "id", "ps"):
        layer.symlink("bin/" + applet, "busybox")
    return layer.done()


def build(layers, config=None, arch=ARCH, docker=False, layer_types=None, config_type=None, os_name="linux",
          manifest=None):
    """An image of layers as done() gives them; `config` is the config's "config". `manifest` goes over the manifest."""
    doc = {"architecture": arch, "os": os_name, "config": config or {},
           "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in layers]},
           "history": [{"created_by": "virga's tests"} for _ in layers]}
    config_blob = json.dumps(doc).encode()
    layer_types = layer_types or [DOCKER_LAYER if docker else OCI_LAYER] * len(layers)
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    top = {"schemaVersion": 2, "mediaType": media_type,
           "config": {"mediaType": config_type or (DOCKER_CONFIG if docker else OCI_CONFIG),
                      "digest": digest_of(config_blob), "size": len(config_blob)},
           "layers": [{"mediaType": kind, "digest": digest_of(blob), "size": len(blob)}
                      for kind, (blob, _) in zip(layer_types, layers)]}
    top.update(manifest or {})
    blobs = {digest_of(config_blob): config_blob}
    blobs.update({digest_of(blob): blob for blob, _ in layers})
    return Image(json.dumps(top).encode(), media_type, blobs)


def function_image(text="", more=(), entrypoint=("/bootstrap",), cmd=("handler",), env=("PATH=/bin:/",),
                   workdir="/var/task", user="", labels=None, **options):
    """An image that runs the bootstrap; another for each `text`. `more`: further layers, above. None leaves a member
    of the config out."""
    config = {"Entrypoint": list(entrypoint) if entrypoint is not None else None,
              "Cmd": list(cmd) if cmd is not None else None, "Env": list(env) if env is not None else None,
              "WorkingDir": workdir, "User": user, "Labels": {"text": text, **(labels or {})}}
    config = {key: value for key, value in config.items() if value is not None}
    return build([bootstrap_layer(), *more], config, **options)


def with_attestation(one):
    """The index that docker buildx makes by default: the image, and a statement about it."""
    statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1"}).encode()
    config = json.dumps({"architecture": "unknown", "os": "unknown",
                         "rootfs": {"type": "layers", "diff_ids": [digest_of(statement)]}}).encode()
    doc = json.dumps({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": "application/vnd.in-toto+json", "digest": digest_of(statement),
                    "size": len(statement)}]}).encode()
    attestation = Image(doc, OCI_MANIFEST, {digest_of(config): config, digest_of(statement): statement})
    top = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        {"mediaType": one.media_type, "digest": one.digest, "size": len(one.manifest),
         "platform": {"architecture": ARCH, "os": "linux"}},
        {"mediaType": OCI_MANIFEST, "digest": attestation.digest, "size": len(doc),
         "platform": {"architecture": "unknown", "os": "unknown"},
         "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                         "vnd.docker.reference.digest": one.digest}}]}
    return Image(json.dumps(top).encode(), OCI_INDEX, children=[one, attestation])


def foreign_program(arch=ARCH):
    """An image whose program is of another machine, as its ELF header says; `arch` is what its config claims."""
    need_bootstrap()
    with open(BOOTSTRAP, "rb") as f:
        program = bytearray(f.read())
    program[18:20] = (183 if ARCH == "amd64" else 62).to_bytes(2, "little")  # e_machine
    return build([Layer().file("bootstrap", bytes(program), 0o755).done()], {"Entrypoint": ["/bootstrap"]}, arch=arch)


def hash_of(image):
    """What a function's CodeSha256 is."""
    return image.digest.split(":")[1]


def broken_layer(what):
    """An image with a layer that cannot be unpacked: no gzip, no tar, or one that ends too early."""
    blob, diff = Layer().file("other", os.urandom(4096)).done()
    blob = {"gzip": b"no gzip at all", "tar": gzip.compress(b"no tar at all" * 100), "short": blob[:-500]}[what]
    return build([bootstrap_layer(), (blob, diff)], {"Entrypoint": ["/bootstrap"]})
