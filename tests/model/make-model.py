#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes the facts that tests need out of an AWS API model (the JSON that the AWS SDKs carry).

usage: make-model.py MODEL OUT

Kept: operations with the names of their input, output and errors; of every shape that they reach its type, members,
required members, bounds, pattern and enum; of an exception its status. Documentation is left out. One operation or
shape stands on one line, in order of the names, so that two versions can be compared line by line.
"""
import json
import sys

CONSTRAINTS = ("required", "min", "max", "pattern", "enum")


def shape_facts(shape):
    facts = {"type": shape["type"]}
    if "members" in shape:
        facts["members"] = {name: member["shape"] for name, member in shape["members"].items()}
    for part in ("member", "key", "value"):
        if part in shape:
            facts[part] = shape[part]["shape"]
    facts.update({name: shape[name] for name in CONSTRAINTS if name in shape})
    if shape.get("exception"):
        facts["status"] = shape.get("error", {}).get(
            "httpStatusCode", 500 if shape.get("fault") else 400)
    return facts


def referenced(facts):
    yield from facts.get("members", {}).values()
    for part in ("member", "key", "value"):
        if part in facts:
            yield facts[part]


def convert(model):
    operations, shapes = {}, {}
    for name, operation in model["operations"].items():
        operations[name] = {"input": operation["input"]["shape"],
                            "output": operation["output"]["shape"],
                            "errors": sorted(error["shape"] for error in operation["errors"])}
    wanted = [name for facts in operations.values()
              for name in (facts["input"], facts["output"], *facts["errors"])]
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = shape_facts(model["shapes"][name])
            wanted += referenced(shapes[name])
    return operations, shapes


def lines(table):
    rows = ["    %s: %s" % (json.dumps(name), json.dumps(table[name], ensure_ascii=True))
            for name in sorted(table)]
    return "{\n" + ",\n".join(rows) + "\n  }"


def main(argv):
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(argv[1], encoding="utf-8") as f:
        model = json.load(f)
    operations, shapes = convert(model)
    metadata = model["metadata"]
    with open(argv[2], "w", encoding="utf-8") as out:
        out.write('{\n  "apiVersion": %s,\n  "targetPrefix": %s,\n  "operations": %s,\n  "shapes": %s\n}\n'
                  % (json.dumps(metadata["apiVersion"]), json.dumps(metadata["targetPrefix"]),
                     lines(operations), lines(shapes)))
    print("%d operations, %d shapes" % (len(operations), len(shapes)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
