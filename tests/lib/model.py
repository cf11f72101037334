# SPDX-License-Identifier: MIT
"""The facts of ECR's API model (tests/model): loads them, makes valid values, and checks answers by their shapes."""
import base64
import binascii
import copy
import json
import os
import re

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "model", "ecr-2015-09-21.json")

NUMBERS = {"integer": int, "long": int, "double": float, "timestamp": float}

# A valid value of each shape that has a pattern, in the shortest and the longest form; the model gives the lengths.
SAMPLES = {
    "RepositoryName": ("aa", lambda n: "a" * n),
    "RegistryId": ("000000000000", None),
    "UploadId": ("01234567-89ab-cdef-0123-456789abcdef", None),
    "LayerDigest": ("sha256:" + "0" * 64, None),
    "ImageTagMutabilityExclusionFilterValue": ("v", lambda n: "v" * n),
    "PullThroughCacheRuleRepositoryPrefix": ("aa", lambda n: "a" * n),
    "CredentialArn": ("arn:aws:secretsmanager:us-east-1:000000000000:secret:ecr-pullthroughcache/x",
                      lambda n: ("arn:aws:secretsmanager:us-east-1:000000000000:secret:ecr-pullthroughcache/x"
                                 + "x" * n)[:n]),
    "Prefix": ("a", lambda n: "a" * n),
    "KmsKeyForRepositoryCreationTemplate": ("arn:aws:kms:us-east-1:000000000000:key/a",
                                            lambda n: ("arn:aws:kms:us-east-1:000000000000:key/a" + "a" * n)[:n]),
    "Region": ("us-east-1", lambda n: "a" * n),
    "RepositoryFilterValue": ("aa", lambda n: "a" * n),
    "ScanningRepositoryFilterValue": ("a", lambda n: "a" * n),
    "SigningProfileArn": ("arn:aws:signer:us-east-1:000000000000:/signing-profiles/aa",
                          lambda n: ("arn:aws:signer:us-east-1:000000000000:/signing-profiles/aa" + "a" * n)[:n]),
    "SigningRepositoryFilterValue": ("a", lambda n: "a" * n),
    "PrincipalArn": ("arn:aws:iam::000000000000:role/a",
                     lambda n: ("arn:aws:iam::000000000000:role/a" + "a" * n)[:n]),
}


class Model:
    def __init__(self, path=PATH):
        with open(path, encoding="utf-8") as f:
            facts = json.load(f)
        self.operations = facts["operations"]
        self.shapes = facts["shapes"]
        self.exceptions = {name: shape for name, shape in self.shapes.items() if "status" in shape}

    def input(self, operation):
        return self.operations[operation]["input"]

    def output(self, operation):
        return self.operations[operation]["output"]

    def errors(self, operation):
        return self.operations[operation]["errors"]

    # --- valid values ---

    def text(self, name, length=None):
        """A valid text of a string shape, of that length where it can have it; None where it cannot."""
        shape = self.shapes[name]
        if "enum" in shape:
            return shape["enum"][0] if length is None else None
        if "pattern" not in shape:
            return "x" * max(shape.get("min", 1), 1) if length is None else "x" * length
        shortest, longer = SAMPLES[name]
        if length is None:
            return shortest
        return longer(length) if longer else None

    def sample(self, name):
        """A valid value of a shape with every member in it, lists of one element."""
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return {member: self.sample(inner) for member, inner in shape["members"].items()}
        if kind == "list":
            return [self.sample(shape["member"])]
        if kind == "map":
            return {self.text(shape["key"]): self.sample(shape["value"])}
        if kind == "boolean":
            return False
        if kind == "blob":
            return base64.b64encode(b"x").decode()
        return max(shape.get("min", 1), 1) if kind in NUMBERS else self.text(name)

    def fill(self, name, given):
        """`given` with every absent member added, at every depth; empty lists get an element."""
        shape = self.shapes[name]
        if shape["type"] == "structure":
            return {member: self.fill(inner, given[member]) if member in given else self.sample(inner)
                    for member, inner in shape["members"].items()}
        if shape["type"] == "list":
            return [self.fill(shape["member"], element) for element in given] or self.sample(name)
        return copy.deepcopy(given)

    # --- answers ---

    def faults(self, name, value, path="", always=None):
        """What is wrong with a value that an answer has for a shape: members that the shape does not know or misses,
        null, types, enums, bounds and patterns. (Lists may be empty and long: their bounds are meant for inputs.)
        `always` maps a shape's name to members that have to be there besides."""
        shape = self.shapes[name]
        kind = shape["type"]
        if value is None:
            return ["%s is null" % (path or "it")]
        if kind == "structure":
            return self.structure_faults(name, value, path, always or {})
        if kind == "list":
            if not isinstance(value, list):
                return ["%s is no list" % path]
            return [fault for i, element in enumerate(value)
                    for fault in self.faults(shape["member"], element, "%s[%d]" % (path, i), always)]
        if kind == "map":
            if not isinstance(value, dict):
                return ["%s is no map" % path]
            return [fault for key, element in value.items()
                    for fault in self.faults(shape["key"], key, path + " key", always)
                    + self.faults(shape["value"], element, "%s.%s" % (path, key), always)]
        if kind == "boolean":
            return [] if isinstance(value, bool) else ["%s is no boolean: %r" % (path, value)]
        if kind in NUMBERS:
            if isinstance(value, bool) or not isinstance(value, (int, NUMBERS[kind])):
                return ["%s is no %s: %r" % (path, kind, value)]
            return self.bounds(shape, value, path)
        if not isinstance(value, str):
            return ["%s is no %s: %r" % (path, kind, value)]
        return self.blob_faults(value, path) if kind == "blob" else self.text_faults(shape, value, path)

    def structure_faults(self, name, value, path, always):
        shape = self.shapes[name]
        if not isinstance(value, dict):
            return ["%s is no structure" % (path or "it")]
        found = ["%s has the unknown member %s" % (path or "it", member)
                 for member in value if member not in shape["members"]]
        found += ["%s lacks %s" % (path or "it", member)
                  for member in {*shape.get("required", ()), *always.get(name, ())} if member not in value]
        for member, inner in shape["members"].items():
            if member in value:
                found += self.faults(inner, value[member], "%s.%s" % (path, member) if path else member, always)
        return found

    @staticmethod
    def bounds(shape, measure, path):
        found = []
        if measure < shape.get("min", measure):
            found.append("%s is below %d" % (path, shape["min"]))
        if measure > shape.get("max", measure):
            found.append("%s is above %d" % (path, shape["max"]))
        return found

    def text_faults(self, shape, value, path):
        found = self.bounds(shape, len(value), path)
        if "enum" in shape and value not in shape["enum"]:
            found.append("%s is not in its enum: %r" % (path, value))
        if "pattern" in shape and not matches(shape["pattern"], value):
            found.append("%s does not match %s: %r" % (path, shape["pattern"], value))
        return found

    @staticmethod
    def blob_faults(value, path):
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            return ["%s is no base64" % path]
        return []


def matches(pattern, text):
    """Whether the whole text matches, as Java's Matcher.matches() has it."""
    return re.fullmatch("(?:%s)" % pattern, text) is not None and not text.endswith("\n")
