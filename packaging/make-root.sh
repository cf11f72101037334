#!/bin/sh
# SPDX-License-Identifier: MIT
# Lays out the root of virga's image in a folder: make-root.sh BUILD ROOT
# The program and plugins of a build, every library that they load, busybox, and what libc and curl look up.
set -eu
build=$1 root=$2
mkdir -p "$root/usr/bin" "$root/usr/lib/virga/plugins" "$root/bin" "$root/etc/ssl/certs" "$root/app/data"
mkdir -m 1777 -p "$root/tmp"

copy_libraries() {
    ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$root${library%/*}"
        [ -e "$root$library" ] || cp -L "$library" "$root$library"
    done
}

install_file() {
    cp "$1" "$2"
    ! command -v strip >/dev/null || strip --strip-unneeded "$2"
    copy_libraries "$1"
}

install_file "$build/bin/virga" "$root/usr/bin/virga"
for plugin in "$build"/lib/virga/plugins/*.so; do
    install_file "$plugin" "$root/usr/lib/virga/plugins/${plugin##*/}"
done

cp "$(command -v busybox)" "$root/bin/busybox"
for applet in sh cat ls sleep env wget; do
    ln -sf busybox "$root/bin/$applet"
done

# Names of hosts and users; glibc loads these by itself.
for name in libnss_files.so.2 libnss_dns.so.2 libresolv.so.2; do
    library=$(ldconfig -p | sed -n "s|^\t$name .*=> ||p" | head -n 1)
    [ -z "$library" ] || { mkdir -p "$root${library%/*}"; cp -L "$library" "$root$library"; }
done
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'root:x:0:0:root:/app:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
