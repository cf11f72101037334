# SPDX-License-Identifier: MIT
"""Walks ECR's API model: every operation with inputs derived from it that must be taken or refused, and every answer
held against it. One test for each operation; a table of all of them is printed at the end."""
import collections
import json
import re
import unittest

import ecr_setups
import variants
from ecr_world import World
from model import Model
from store_state import difference, state
from virga import Virga, need

MODEL = Model()
# Errors of the protocol, which no operation lists.
COMMON = {"SerializationException"}
REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MISSING = "UnknownOperationException"
# Messages of the model's own constraints; what else a value meets is another matter.
CONSTRAINT = re.compile(r"[Mm]ust (not be null|have (length|value) |satisfy (regular|enum))")
SHOWN_FAULTS = 12  # of one operation, in its test's failure

# (operation, kind of variant, member): why the server answers it otherwise than derived. A test fails when the server
# does not do so any more.
DEVIATIONS = {
}

# Members whose value in an answer says something else than in the input, and why.
NO_ECHO = {
    ("BatchDeleteImage", "imageIds"): "what was deleted, a tag and a digest each",
}


def echoes(given, value):
    """Whether a value holds what was given; null means absent, and unknown members are ignored."""
    if given is None:
        return True
    if isinstance(given, dict):
        return isinstance(value, dict) and all(
            inner is None or member == variants.UNKNOWN or (member in value and echoes(inner, value[member]))
            for member, inner in given.items())
    if isinstance(given, list):
        return (isinstance(value, list) and len(given) == len(value)
                and all(echoes(a, b) for a, b in zip(given, value)))
    return type(given) is type(value) and given == value


class Tally:
    """What came of an operation's variants."""

    def __init__(self):
        self.passed = collections.Counter()
        self.failed = collections.Counter()
        self.faults = []

    def note(self, kind, label, fault):
        if fault is None:
            self.passed[kind] += 1
        else:
            self.failed[kind] += 1
            self.faults.append("%s: %s" % (label, fault))


COLUMNS = variants.KINDS + ("unknown", "absent", "bound", "wide", "valid", "state")


def table(tallies):
    """The result as text: operations by variants, `passed` or `passed!failed`."""
    def cell(tally, kind):
        good, bad = tally.passed[kind], tally.failed[kind]
        return "%d!%d" % (good, bad) if bad else str(good) if good else "."

    total = Tally()
    for tally in tallies.values():
        total.passed.update(tally.passed)
        total.failed.update(tally.failed)
    rows = [("operation",) + COLUMNS]
    rows += [(name,) + tuple(cell(tallies[name], kind) for kind in COLUMNS) for name in sorted(tallies)]
    rows.append(("%d operations" % len(tallies),) + tuple(cell(total, kind) for kind in COLUMNS))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join([row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]) for row in rows]
    return "\n".join(lines + ["%d passed, %d failed" % (sum(total.passed.values()), sum(total.failed.values()))])


class Conformance(unittest.TestCase):
    tallies = {}
    deviations_met = set()

    @classmethod
    def setUpClass(cls):
        need("docker-registry")
        cls.virga = Virga()
        try:
            cls.virga.start()
            # The registry starts with the first call; what follows is to find it settled.
            first = World(cls.virga, "000000000001")
            first.image()
            cls.connection = first.ecr.connection
        except BaseException:
            cls.virga.cleanup()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            print("\n" + table(cls.tallies))
            if cls.virga.proc.poll() is None:
                cls.virga.stop()
        finally:
            cls.virga.cleanup()

    # --- one answer ---

    def ask(self, world, operation, body):
        """(status, object, fault of the frame or None)."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, headers, answer = world.ecr.raw(operation, raw)
        try:
            document = json.loads(answer)
        except ValueError:
            return status, {}, "the body is no JSON: %r" % answer[:200]
        if headers["content-type"] != "application/x-amz-json-1.1":
            return status, document, "content-type is %s" % headers["content-type"]
        if not REQUEST_ID.fullmatch(headers["x-amzn-requestid"] or ""):
            return status, document, "x-amzn-requestid is %s" % headers["x-amzn-requestid"]
        if not isinstance(document, dict):
            return status, {}, "the body is no object: %r" % answer[:200]
        return status, document, None

    @staticmethod
    def error_fault(operation, status, document):
        """What is wrong with an answer that is an error of this operation."""
        code = document.get("__type")
        if code not in MODEL.errors(operation) and code not in COMMON:
            return "%s is no error of this operation: %s" % (code, document.get("message"))
        shape = MODEL.exceptions.get(code, {"status": 400, "members": {"message": None}})
        if status != shape["status"]:
            return "%s has status %d" % (code, status)
        more = set(document) - {"__type"} - set(shape["members"])
        if more:
            return "%s has the unknown members %s" % (code, sorted(more))
        if not isinstance(document.get("message", ""), str) or (code not in COMMON and not document.get("message")):
            return "%s has the message %r" % (code, document.get("message"))
        return None

    def refused_fault(self, world, operation, variant):
        """What is wrong with the answer to an input that must be refused."""
        status, document, fault = self.ask(world, operation, variant.body)
        if fault is None and status == 200:
            fault = "it was taken"
        if fault is None:
            fault = self.error_fault(operation, status, document)
        if fault is None and document["__type"] != variant.code:
            fault = "%s instead of %s: %s" % (document["__type"], variant.code, document.get("message"))
        return fault or variant.message_fault(document.get("message"))

    def valid_fault(self, world, operation, body):
        """What is wrong with the answer to an input that must be taken."""
        status, document, fault = self.ask(world, operation, body)
        if fault is not None:
            return fault
        if status != 200:
            return "%d %s: %s" % (status, document.get("__type"), document.get("message"))
        faults = MODEL.faults(MODEL.output(operation), document, always=ecr_setups.always(operation))
        optional = ecr_setups.MAY_LACK["*"] | ecr_setups.MAY_LACK.get(operation, set())
        faults += ["it lacks %s" % member for member in MODEL.shapes[MODEL.output(operation)]["members"]
                   if member not in document and member not in optional]
        faults += self.echo_faults(world, operation, body, document)
        return "; ".join(faults) or None

    @staticmethod
    def echo_faults(world, operation, given, document):
        """What was given must come back under its name, at the top or in a structure there; of a structure at least
        the members that were given."""
        found = []
        members = MODEL.shapes[MODEL.output(operation)]["members"]
        levels = [document] + [value for member, value in document.items() if isinstance(value, dict)
                               and MODEL.shapes[members[member]]["type"] == "structure" and member not in given]
        for level in levels:
            for member, value in level.items():
                if member == "registryId" and value != world.account:
                    found.append("registryId is %s" % value)
                if (member in given and member not in ("nextToken", "registryId")
                        and (operation, member) not in NO_ECHO and not echoes(given[member], value)):
                    found.append("%s is %r, given was %r" % (member, value, given[member]))
        return found

    def bound_fault(self, world, operation, variant):
        """What is wrong with the answer to an input that keeps to the model; other errors may be met."""
        status, document, fault = self.ask(world, operation, variant.body)
        if fault is not None:
            return fault
        if status == 200:
            faults = MODEL.faults(MODEL.output(operation), document, always=ecr_setups.always(operation))
            return "; ".join(faults) or None
        fault = self.error_fault(operation, status, document)
        if fault is None and document["__type"] in ("SerializationException", "ServerException"):
            fault = "%s: %s" % (document["__type"], document.get("message"))
        if fault is None and CONSTRAINT.search(document.get("message", "")):
            fault = "refused by a constraint: %s" % document["message"]
        return fault

    # --- one operation ---

    def walk(self, operation):
        tally = self.tallies[operation] = Tally()
        world = World(self.virga, "2%011d" % sorted(MODEL.operations).index(operation), self.connection)
        status, document, _ = self.ask(world, operation, {})
        if document.get("__type") == MISSING:
            tally.note("valid", operation, "the server does not know it")
        else:
            self.walk_refused(world, operation, tally)
            self.walk_taken(world, operation, tally)
        if tally.faults:
            more = len(tally.faults) - SHOWN_FAULTS
            self.fail("%d faults\n  %s%s" % (len(tally.faults), "\n  ".join(tally.faults[:SHOWN_FAULTS]),
                                            "\n  and %d more" % more if more > 0 else ""))

    def walk_refused(self, world, operation, tally):
        code = "ValidationException" if operation in ecr_setups.VALIDATION else "InvalidParameterException"
        base = self.set_up(world, operation, ecr_setups.SETUPS[operation][0], tally)
        if base is None:
            return
        before = state(self.virga)
        for variant in variants.refused(MODEL, operation, base, code):
            fault = self.refused_fault(world, operation, variant)
            place = (operation, variant.kind, variant.where)
            if place in DEVIATIONS and fault is not None:
                self.deviations_met.add(place)
                fault = None
            tally.note(variant.kind, repr(variant), fault)
        changes = difference(before, state(self.virga))
        tally.note("state", "what was refused changed", "\n    ".join(changes[:5]) if changes else None)

    def walk_taken(self, world, operation, tally):
        for number, setup in enumerate(ecr_setups.SETUPS[operation]):
            base = self.set_up(world, operation, setup, tally)
            if base is None:
                continue
            tally.note("valid", "set-up %d" % number, self.valid_fault(world, operation, base))
            # Each time anew: what a call did must not change the next one's answer.
            for index in range(sum(1 for _ in variants.ignored(MODEL, operation, base))):
                base = setup(world)
                variant = list(variants.ignored(MODEL, operation, base))[index]
                tally.note(variant.kind, repr(variant), self.valid_fault(world, operation, variant.body))
        base = self.set_up(world, operation, ecr_setups.SETUPS[operation][0], tally)
        if base is not None:
            for variant in (*variants.at_bounds(MODEL, operation, base), *variants.wide(MODEL, operation, base)):
                tally.note(variant.kind, repr(variant), self.bound_fault(world, operation, variant))

    @staticmethod
    def set_up(world, operation, setup, tally):
        try:
            return setup(world)
        except Exception as e:  # whatever it is, the operation cannot be walked
            tally.note("valid", "set-up", "%s: %s" % (type(e).__name__, e))
            return None


def walker(operation):
    def test(self):
        self.walk(operation)
    test.__doc__ = None
    return test


for _operation in sorted(MODEL.operations):
    setattr(Conformance, "test_%s_keeps_to_the_model" % _operation, walker(_operation))


class Tables(unittest.TestCase):
    """The tables that the walk goes by are whole and not stale."""

    def test_model_has_58_operations(self):
        self.assertEqual(len(MODEL.operations), 58)

    def test_every_operation_has_a_set_up(self):
        self.assertEqual(sorted(ecr_setups.SETUPS), sorted(MODEL.operations))

    def test_operations_answer_with_errors_that_they_list(self):
        for operation in MODEL.operations:
            code = "ValidationException" if operation in ecr_setups.VALIDATION else "InvalidParameterException"
            with self.subTest(operation):
                self.assertIn(code, MODEL.errors(operation))

    def test_tables_name_what_the_model_has(self):
        self.assertLessEqual(ecr_setups.VALIDATION, set(MODEL.operations))
        for operation, members in ecr_setups.MAY_LACK.items():
            if operation != "*":
                self.assertLessEqual(members, set(MODEL.shapes[MODEL.output(operation)]["members"]), operation)
        for shape, members in ecr_setups.ALWAYS.items():
            self.assertLessEqual(members, set(MODEL.shapes[shape]["members"]), shape)

    def test_checker_sees_faults_of_an_answer(self):
        image = {"registryId": "000000000000", "repositoryName": "walk/a", "imageDigest": "sha256:" + "0" * 64,
                 "imageSizeInBytes": 1, "imagePushedAt": 1.5, "imageManifestMediaType": "a/b"}
        always = ecr_setups.always("DescribeImages")
        self.assertEqual(MODEL.faults("ImageDetail", image, always=always), [])
        for change, fault in (({"imageSizeInBytes": "1"}, "no long"), ({"imagePushedAt": "2026"}, "no timestamp"),
                              ({"imageTags": {}}, "no list"), ({"imageTags": [None]}, "null"),
                              ({"imageStatus": "GONE"}, "enum"), ({"registryId": "1"}, "match"),
                              ({"imageTags": ["v" * 301]}, "above 300"), ({"image": 1}, "unknown member"),
                              ({"imageScanStatus": {"status": 1}}, "no string")):
            with self.subTest(fault):
                self.assertRegex("; ".join(MODEL.faults("ImageDetail", {**image, **change}, always=always)), fault)
        del image["imageDigest"]
        self.assertEqual(MODEL.faults("ImageDetail", image, always=always), ["it lacks imageDigest"])

    def test_zz_every_deviation_is_still_needed(self):
        self.assertEqual(set(DEVIATIONS) - Conformance.deviations_met, set())


if __name__ == "__main__":
    unittest.main()
