# SPDX-License-Identifier: MIT
"""Container images out of nothing: OCI and docker manifests, indexes, layouts on disk. No network, no tools."""
import gzip
import hashlib
import io
import json
import os
import random
import tarfile
import zlib

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Image:
    """One manifest with what it refers to. `blobs` maps digests to bytes; `children` are an index's images."""

    def __init__(self, manifest, media_type, blobs=None, children=None):
        self.manifest = manifest
        self.media_type = media_type
        self.digest = digest_of(manifest)
        self.blobs = blobs or {}
        self.children = children or []

    @property
    def layers(self):
        return [layer["digest"] for layer in json.loads(self.manifest).get("layers", [])]

    @property
    def config(self):
        return json.loads(self.manifest)["config"]["digest"]

    @property
    def size(self):
        """What ECR calls imageSizeInBytes: config and layers."""
        doc = json.loads(self.manifest)
        return doc["config"]["size"] + sum(layer["size"] for layer in doc["layers"])


def layer(text, name="data", size=0):
    """A gzipped tar with one file: (blob, digest of the tar). `size` > 0 adds as many incompressible bytes."""
    content = text.encode()
    if size:
        content += random.Random(text).randbytes(size)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        info.mode, info.size = 0o644, len(content)
        tar.addfile(info, io.BytesIO(content))
    raw = out.getvalue()
    return gzip.compress(raw, 1, mtime=0), digest_of(raw)


def image(text, layers=None, docker=False, arch="amd64", subject=None, layer_size=0):
    """An image that is different for each text. `layers`: the results of layer(), else two of its own."""
    if layers is None:
        layers = [layer(text + " one", size=layer_size), layer(text + " two", "more")]
    config = json.dumps({
        "architecture": arch, "os": "linux", "config": {"Labels": {"text": text}},
        "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in layers]}}).encode()
    blobs = {digest_of(config): config}
    blobs.update({digest_of(blob): blob for blob, _ in layers})
    doc = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST if docker else OCI_MANIFEST,
        "config": {"mediaType": DOCKER_CONFIG if docker else OCI_CONFIG,
                   "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": DOCKER_LAYER if docker else OCI_LAYER,
                    "digest": digest_of(blob), "size": len(blob)} for blob, _ in layers]}
    if subject:
        doc["subject"] = subject
    return Image(json.dumps(doc).encode(), doc["mediaType"], blobs)


def index(images, docker=False):
    """A multi-arch index of images."""
    kind = DOCKER_LIST if docker else OCI_INDEX
    doc = {"schemaVersion": 2, "mediaType": kind, "manifests": []}
    for child, arch in zip(images, ("amd64", "arm64", "s390x", "riscv64")):
        doc["manifests"].append({
            "mediaType": child.media_type, "digest": child.digest, "size": len(child.manifest),
            "platform": {"os": "linux", "architecture": arch}})
    return Image(json.dumps(doc).encode(), kind, children=list(images))


def write_layout(path, top, ref="latest"):
    """Writes an OCI layout for skopeo: `oci:PATH:REF`. Returns that name."""
    blobs = os.path.join(path, "blobs", "sha256")
    os.makedirs(blobs, exist_ok=True)

    def put(digest, data):
        with open(os.path.join(blobs, digest.split(":")[1]), "wb") as f:
            f.write(data)

    def walk(one):
        put(one.digest, one.manifest)
        for digest, data in one.blobs.items():
            put(digest, data)
        for child in one.children:
            walk(child)

    walk(top)
    finish_layout(path, top.media_type, top.digest, len(top.manifest), ref)
    return "oci:%s:%s" % (path, ref)


def finish_layout(path, media_type, digest, size, ref):
    with open(os.path.join(path, "oci-layout"), "w") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')
    with open(os.path.join(path, "index.json"), "w") as f:
        json.dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{
            "mediaType": media_type, "digest": digest, "size": size,
            "annotations": {"org.opencontainers.image.ref.name": ref}}]}, f)


def noise(mib, seed=1):
    """`mib` blocks of 1 MiB, no two alike, cheap to make."""
    block = bytearray(random.Random(seed).randbytes(1 << 20))
    for i in range(mib):
        block[:8] = i.to_bytes(8, "big")
        yield bytes(block)


def write_big_layout(path, mib, ref="latest"):
    """A layout whose one layer has `mib` MiB, written in a stream. Returns (skopeo name, layer digest)."""
    blobs = os.path.join(path, "blobs", "sha256")
    os.makedirs(blobs)
    info = tarfile.TarInfo("noise")
    info.mode, info.size = 0o644, mib << 20
    temp = os.path.join(path, "layer")
    # Stored, not deflated: a valid gzip stream that costs no time and that no client compresses again.
    packer = zlib.compressobj(0, zlib.DEFLATED, 31)
    packed, raw, size = hashlib.sha256(), hashlib.sha256(), 0
    with open(temp, "wb") as f:
        def put(data):
            nonlocal size
            packed.update(data)
            f.write(data)
            size += len(data)

        def add(data):
            raw.update(data)
            put(packer.compress(data))

        add(info.tobuf(tarfile.USTAR_FORMAT))
        for block in noise(mib):
            add(block)
        add(bytes(1024))
        put(packer.flush())
    layer_digest = "sha256:" + packed.hexdigest()
    os.rename(temp, os.path.join(blobs, packed.hexdigest()))
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + raw.hexdigest()]}}).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": OCI_LAYER, "digest": layer_digest, "size": size}]}).encode()
    for data in (config, manifest):
        with open(os.path.join(blobs, digest_of(data).split(":")[1]), "wb") as f:
            f.write(data)
    finish_layout(path, OCI_MANIFEST, digest_of(manifest), len(manifest), ref)
    return "oci:%s:%s" % (path, ref), layer_digest
