#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# doc-blocks.sh COMPILER DOCUMENT FLAG...: the C code in a document, its blocks taken as one file, compiles and passes
# the test that is in it.
set -u
compiler=$1 document=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
{
    printf '#include <%s>\n' errno.h stdlib.h virga/virga.h virga/ext/doctor.h virga/testkit.h \
        virga/helpers/{awsjson,query,restjson,sha256}.h
    awk '/^```c$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$document"
    printf '%s\n' 'int main(void) {' 'notes_test();' 'return 0;' '}'
} >"$dir/document.c"
"$compiler" -std=c11 -o "$dir/document" -Wall -Wextra -Wno-unused-function -Wno-unused-variable -Wconversion -Wshadow \
    -Werror "$dir/document.c" "$@" || exit 1
"$dir/document"
