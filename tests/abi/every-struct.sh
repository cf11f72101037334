#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# every-struct.sh INCLUDE_DIR LAYOUT_C: every public struct with a body and every interface id of the ABI headers
# has its lines in layout.c (the helpers are linked into a plugin and no part of the ABI).
set -u
names=$(find "$1/virga" -name '*.h' -not -path '*/helpers/*' -exec cat {} + |
    sed -nE 's/^struct (virga_[a-z0-9_]+) \{.*/SIZE(\1,/p; s/^#define (VIRGA_[A-Z0-9_]+_ID) .*/TEXT(\1,/p')
[ -n "$names" ] || { echo "no structs below $1" >&2; exit 1; }
failed=0
for line in $names; do
    grep -qF "$line" "$2" || { echo "$2 has no line $line ...)" >&2; failed=1; }
done
exit "$failed"
