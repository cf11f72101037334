# SPDX-License-Identifier: MIT
"""Derives inputs of an operation from its model: those that must be refused, with the error they must get, and those
that must be taken."""
import copy
import re

from model import matches

# What AWS checks by hand says "must" and names the member thus wherever it stands. The rest says "Member must".
BY_HAND = {"RepositoryName": "repositoryName", "RegistryId": "registryId", "UploadId": "uploadId"}
# The name of a member in messages, where it is another one.
SHOWN = {("Tag", "Key"): "key", ("Tag", "Value"): "value"}

# Values of a JSON type, by the type.
JSON = {"string": "text", "number": 1, "fraction": 1.5, "boolean": True, "list": [], "object": {}}
# The JSON types that a shape's type takes.
TAKES = {"string": {"string"}, "blob": {"string"}, "integer": {"number"}, "long": {"number"},
         "boolean": {"boolean"}, "list": {"list"}, "map": {"object"}, "structure": {"object"},
         "double": {"number", "fraction"}, "timestamp": {"number", "fraction"}}
CHEAP_MAX = 50000  # characters, of a value at its upper bound that must be taken
WIDE_LENGTH = 2500  # characters, of texts of wide characters
KINDS = ("missing", "null", "type", "short", "long", "pattern", "enum", "json")

UNKNOWN = "noSuchMember"  # a member that no shape has
ABSENT = object()


class Variant:
    """One input: `kind` (of KINDS), `where` (the member), `body` (bytes or an object) and what must come of it:
    `code` None means that it must be taken."""

    def __init__(self, kind, where, body, code=None, path=None, constraint=None, note=""):
        self.kind = kind
        self.where = where
        self.body = body
        self.code = code
        self.path = path
        self.constraint = constraint  # a regular expression
        self.note = note

    def __repr__(self):
        return "%s %s%s" % (self.kind, self.where or "(the body)", " (%s)" % self.note if self.note else "")

    def message_fault(self, message):
        """What is wrong with the message of an answer with the right code, or None."""
        if self.constraint is None:
            return None
        if self.code == "ValidationException":
            form = (r"1 validation error detected: Value (null|'.*') at '%s' failed to satisfy constraint: %s"
                    % (re.escape(self.path), self.constraint))
        else:
            form = (r"Invalid parameter at '%s' failed to satisfy constraint: '%s'"
                    % (re.escape(self.path), self.constraint))
        if re.fullmatch(form, message or "", re.DOTALL):
            return None
        return "the message is %r, not of the form %r" % (message, form)


class Place:
    """A member, a list's element or a map's value somewhere in an input."""

    def __init__(self, shape, steps, shown, required=False, element=False):
        self.shape = shape
        self.steps = steps
        self.shown = shown
        self.required = required
        self.element = element

    @property
    def where(self):
        return ".".join("[]" if isinstance(step, int) else step for step in self.steps)


def places(model, name, value, steps=(), shown=""):
    """Every place in a filled input, outer ones first."""
    shape = model.shapes[name]
    if shape["type"] == "structure":
        for member, inner in shape["members"].items():
            if member not in value:
                continue
            text = SHOWN.get((name, member), member)
            place = Place(inner, steps + (member,), shown + "." + text if shown else text,
                          member in shape.get("required", ()))
            yield place
            yield from places(model, inner, value[member], place.steps, place.shown)
    elif shape["type"] == "list" and value:
        place = Place(shape["member"], steps + (0,), shown + ".1.member", True, element=True)
        yield place
        yield from places(model, shape["member"], value[0], place.steps, place.shown)


def changed(value, steps, new):
    """A copy with what is at `steps` replaced, or removed when `new` is ABSENT."""
    result = copy.deepcopy(value)
    at = result
    for step in steps[:-1]:
        at = at[step]
    if new is ABSENT:
        del at[steps[-1]]
    else:
        at[steps[-1]] = new
    return result


def found_at(value, steps):
    for step in steps:
        value = value[step]
    return value


def bad_texts(model, name, current):
    """(kind, text, constraint) of texts that a string shape refuses."""
    shape = model.shapes[name]
    low, high = shape.get("min", 0), shape.get("max")
    if low > 0:
        yield "short", "", "have length greater than or equal to %d" % low
    if low > 1:
        yield "short", (model.text(name, low - 1) or "x" * (low - 1)), "have length greater than or equal to %d" % low
    if high is not None and "enum" not in shape:
        text = model.text(name, high + 1) or "x" * (high + 1)
        yield "long", text, "have length less than or equal to %d" % high
    if "enum" in shape:
        constraint = r"satisfy enum value set: \[(?:%s)(?:, (?:%s))*\]" % (
            ("|".join(map(re.escape, shape["enum"])),) * 2)
        for text in ("NO_SUCH_VALUE", shape["enum"][0] + " ", shape["enum"][0].swapcase(), ""):
            if text not in shape["enum"]:
                yield "enum", text, constraint
    if "pattern" in shape:
        constraint = (r"satisfy regular expression '?.+" if name in BY_HAND
                      else "satisfy regular expression pattern: " + re.escape(shape["pattern"]))
        good = model.text(name)
        for text in ("!" * max(low, 3), good + "!", "!" + good, good + "\n", "\u00e9" * max(low, 2), ""):
            if (not matches(shape["pattern"], text) and low <= len(text) <= (high or len(text))
                    and text != current):
                yield "pattern", text, constraint


def bad_values(model, place, current):
    """(kind, value, constraint or None for SerializationException) of what a place refuses."""
    shape = model.shapes[place.shape]
    kind = shape["type"]
    for json_type, value in JSON.items():
        if json_type not in TAKES[kind]:
            yield "type", value, None
    if kind == "blob":
        yield "type", "no base64!", None
        # "AAAA" is three bytes.
        yield ("long", "AAAA" * (shape["max"] // 3 + 1),
               "have length less than or equal to %d" % shape["max"])
    if place.required:
        yield "null", None, "not be null"
    if kind == "string":
        yield from bad_texts(model, place.shape, current)
    elif kind in ("integer", "long"):
        if "min" in shape:
            yield "short", shape["min"] - 1, "have value greater than or equal to %d" % shape["min"]
        if "max" in shape:
            yield "long", shape["max"] + 1, "have value less than or equal to %d" % shape["max"]
            yield "long", 1 << 62, "have value less than or equal to %d" % shape["max"]
    elif kind == "list":
        if shape.get("min", 0) > 0:
            yield "short", [], "have length greater than or equal to %d" % shape["min"]
        if "max" in shape:
            yield ("long", [current[0]] * (shape["max"] + 1),
                   "have length less than or equal to %d" % shape["max"])


def refused(model, operation, base, code):
    """Variants of a valid input that must be refused: one fault each, at every member of every depth. `code` is what
    a constraint is answered with."""
    name = model.input(operation)
    full = model.fill(name, base)
    for note, body in (("no JSON", b"{"), ("a list", b"[]"), ("a text", b'"x"'), ("a number", b"1"),
                       ("two values", b"{} {}"), ("no UTF-8", b'{"x": "\xff"}')):
        yield Variant("json", "", body, "SerializationException", note=note)
    for place in places(model, name, full):
        current = found_at(full, place.steps)
        hand = BY_HAND.get(place.shape)
        must = "must " if hand else "Member must "
        if place.required and not place.element:
            yield Variant("missing", place.where, changed(full, place.steps, ABSENT), code,
                          hand or place.shown, must + "not be null")
        for kind, value, constraint in bad_values(model, place, current):
            body = changed(full, place.steps, value)
            note = repr(value)[:24]
            if constraint is None:
                yield Variant(kind, place.where, body, "SerializationException", note=note)
            else:
                yield Variant(kind, place.where, body, code, hand or place.shown, must + constraint, note)


def ignored(model, operation, base):
    """Variants that mean the same as the input: a member that nobody knows at each depth, null for what is absent."""
    name = model.input(operation)
    yield Variant("unknown", "", {**base, UNKNOWN: {"a": [1, None]}})
    for member in model.shapes[name]["members"]:
        if member not in base:
            yield Variant("absent", member, {**base, member: None})
    for place in places(model, name, base):
        shape = model.shapes[place.shape]
        if shape["type"] != "structure":
            continue
        current = found_at(base, place.steps)
        yield Variant("unknown", place.where, changed(base, place.steps, {**current, UNKNOWN: 1}))
        for member in shape["members"]:
            if member not in current:
                yield Variant("absent", place.where + "." + member,
                              changed(base, place.steps, {**current, member: None}))


def at_bounds(model, operation, base):
    """Variants whose one value lies on a bound, or is one of an enum: no constraint of the model may refuse it,
    whatever else does."""
    name = model.input(operation)
    full = model.fill(name, base)
    for place in places(model, name, full):
        shape = model.shapes[place.shape]
        current = found_at(full, place.steps)
        for value in shape.get("enum", ()):
            yield Variant("bound", place.where, with_only(base, full, place.steps, value), note=value)
        for bound in ("min", "max"):
            limit = shape.get(bound)
            if limit is None or limit > CHEAP_MAX:
                continue
            if shape["type"] == "string":
                value = model.text(place.shape, limit)
                if value is None or ("pattern" in shape and not matches(shape["pattern"], value)):
                    continue
            elif shape["type"] in ("integer", "long"):
                value = limit
            elif shape["type"] == "list":
                value = [copy.deepcopy(current[0])] * limit
            else:
                continue
            yield Variant("bound", place.where, with_only(base, full, place.steps, value),
                          note="%s %d" % (bound, limit))


def wide(model, operation, base):
    """Variants with long texts of wide characters where the model allows any: messages and answers that hold them must
    stay whole. Whatever else refuses them may do so."""
    name = model.input(operation)
    full = model.fill(name, base)
    for place in places(model, name, full):
        shape = model.shapes[place.shape]
        if shape["type"] != "string" or "pattern" in shape or "enum" in shape:
            continue
        limit = min(shape.get("max", WIDE_LENGTH), WIDE_LENGTH)
        for text in ("\u00e9", "\u20ac", "\U0001f600"):
            for lead in ("", "x"):
                count = (limit - len(lead)) // (2 if text > "\uffff" else 1)
                yield Variant("wide", place.where, with_only(base, full, place.steps, lead + text * count),
                              note="%s%d of U+%X" % (lead, count, ord(text)))
        yield Variant("wide", place.where, with_only(base, full, place.steps, "half \ud800 a pair".ljust(
            max(shape.get("min", 0), 1))), note="half a pair")


def with_only(base, full, steps, value):
    """`base` with `value` at `steps`; what leads there is taken from `full`, with nothing beside."""
    if steps[0] in base and len(steps) > 1 and not isinstance(base[steps[0]], (str, int, bool)):
        try:
            return changed(base, steps, value)
        except (KeyError, IndexError):
            pass
    branch = changed(full, steps, value)[steps[0]]
    return {**copy.deepcopy(base), steps[0]: branch}
