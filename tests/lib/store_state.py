# SPDX-License-Identifier: MIT
"""What a running server has stored, without disturbing it: its database's rows, and the registry's files."""
import os
import shutil
import sqlite3
import tempfile


def rows(virga):
    """{(namespace, key): value} of the whole store. The server holds the file locked, so copies are read."""
    with tempfile.TemporaryDirectory(prefix="virga-state-") as folder:
        for suffix in ("", "-wal"):
            source = os.path.join(virga.data, "virga.db" + suffix)
            if os.path.exists(source):
                shutil.copy(source, os.path.join(folder, "copy.db" + suffix))
        db = sqlite3.connect(os.path.join(folder, "copy.db"))
        try:
            return {(ns, bytes(key)): bytes(value) for ns, key, value in db.execute("SELECT ns, k, v FROM kv")}
        finally:
            db.close()


def files(virga):
    """{path: size} of what lies in ECR's folder, but for logs, and the trash, which is emptied in the background."""
    found = {}
    for folder, folders, names in os.walk(os.path.join(virga.data, "ecr")):
        folders[:] = [name for name in folders if not name.startswith("trash")]
        for name in names:
            path = os.path.join(folder, name)
            if not name.endswith(".log"):
                try:
                    found[path] = os.path.getsize(path)
                except FileNotFoundError:
                    pass
    return found


def state(virga):
    return {**rows(virga), **files(virga)}


def difference(before, after):
    """The keys that came, went or changed; a line for each."""
    lines = ["+ %r" % (key,) for key in after if key not in before]
    lines += ["- %r" % (key,) for key in before if key not in after]
    lines += ["~ %r: %r -> %r" % (key, before[key], after[key])
              for key in before if key in after and before[key] != after[key]]
    return sorted(lines)
