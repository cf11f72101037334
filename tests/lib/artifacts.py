# SPDX-License-Identifier: MIT
"""Artifacts of OCI 1.1, built by hand: there is no oras in Debian."""
import json

from images import OCI_MANIFEST, Image, digest_of

EMPTY = "application/vnd.oci.empty.v1+json"


def descriptor(data, media_type=EMPTY):
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def subject_of(one):
    return {"mediaType": one.media_type, "digest": one.digest, "size": len(one.manifest)}


def artifact(text, subject=None, kind="application/x.test", annotations=None, config=EMPTY, artifact_type=True):
    """An OCI 1.1 artifact: an empty config and one layer, as oras attaches it."""
    layer = text.encode()
    doc = {"schemaVersion": 2, "mediaType": OCI_MANIFEST,
           "config": descriptor(b"{}", config), "layers": [descriptor(layer, "text/plain")]}
    if artifact_type:
        doc["artifactType"] = kind
    if subject:
        doc["subject"] = subject
    if annotations is not None:
        doc["annotations"] = annotations
    return Image(json.dumps(doc).encode(), OCI_MANIFEST,
                 {digest_of(b"{}"): b"{}", digest_of(layer): layer})
