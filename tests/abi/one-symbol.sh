#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# one-symbol.sh NM DIRECTORY: every plugin in it exports virga_plugin_v1 and nothing else.
set -u
count=0 failed=0
for plugin in "$2"/*.so; do
    [ -e "$plugin" ] || continue
    count=$((count + 1))
    symbols=$("$1" -D --defined-only "$plugin" | awk '{print $NF}')
    if [ "$symbols" != virga_plugin_v1 ]; then
        printf '%s exports:\n%s\n' "$plugin" "${symbols:-nothing}" >&2
        failed=$((failed + 1))
    fi
done
[ "$count" -gt 0 ] || { echo "no plugin in $2" >&2; exit 1; }
echo "# cases: passed=$((count - failed)) failed=$failed skipped=0"
[ "$failed" -eq 0 ]
