#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# headers-alone.sh COMPILER LANGUAGE STANDARD INCLUDE_DIR [FLAG...]
# Compiles each public header by itself, twice included, in one language standard, with warnings as errors.
set -u
compiler=$1 language=$2 standard=$3 include=$4
shift 4
count=0 failed=0
while IFS= read -r header; do
    count=$((count + 1))
    printf '#include <%s>\n#include <%s>\nextern int virga_header_alone;\nint virga_header_alone;\n' \
        "$header" "$header" |
        "$compiler" -x "$language" "-std=$standard" -I"$include" "$@" -fsyntax-only -Wall -Wextra -Wpedantic \
            -Wconversion -Wshadow -Wundef -Werror - || {
        echo "failed: <$header> as $standard" >&2
        failed=$((failed + 1))
    }
done < <(cd "$include" && find virga -name '*.h' | LC_ALL=C sort)
[ "$count" -gt 0 ] || { echo "no headers below $include" >&2; exit 1; }
echo "# cases: passed=$((count - failed)) failed=$failed skipped=0"
[ "$failed" -eq 0 ]
