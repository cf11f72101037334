#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# own-names.sh NM ARCHIVE REGEX: every global symbol of a static library begins with REGEX, so that it clashes with
# nobody's in the program that it is linked into.
set -u
names=$("$1" --defined-only --extern-only "$2" | awk 'NF == 3 {print $3}' | grep -v '^__odr_asan\.')
[ -n "$names" ] || { echo "no symbols in $2" >&2; exit 1; }
others=$(printf '%s\n' "$names" | grep -Ev "^($3)")
[ -z "$others" ] || { printf 'others in %s:\n%s\n' "$2" "$others" >&2; exit 1; }
