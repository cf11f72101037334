# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: MIT
# What scripts/start and scripts/test share: the packages that virga needs, and its build.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

declare -A purpose=(
    [gcc]="C compiler"
    [g++]="C++ compiler"
    [cmake]="build"
    [ninja-build]="build"
    [pkg-config]="build: finds libraries"
    [libuv1-dev]="event loop, 1.44 or later"
    [node-llhttp]="HTTP parser llhttp, as C sources"
    [libllhttp-dev]="HTTP parser llhttp, 8 or later"
    [libjson-c-dev]="JSON"
    [libcurl4-openssl-dev]="outgoing HTTP"
    [libyaml-dev]="configuration file"
    [libsqlite3-dev]="durable state"
    [libssl-dev]="digests and randomness"
    [libarchive-dev]="unpacking image layers"
    [libexpat1-dev]="XML that S3's clients send"
    [libcmocka-dev]="unit tests"
    [docker-registry]="the registry that holds the image bytes (CNCF distribution)"
    [crun]="runs Lambda functions where no container engine does"
    [awscli]="tests: AWS command line, version 2"
    [skopeo]="tests: pushes and pulls images without an engine"
    [curl]="tests: plain HTTP"
    [python3]="tests: written in it"
    [nodejs]="tests: AWS SDK for JavaScript, Node.js 18 or later"
    [npm]="tests: installs the AWS SDK for JavaScript"
    [docker.io]="tests: Docker's engine and command line, of the tests' own"
    [podman]="tests: Podman's engine, of the tests' own"
    [runc]="tests: runs Podman's containers"
    [iptables]="tests: Docker's engine wants it"
    [iproute2]="tests: makes the network of a test's engine"
    [busybox-static]="tests: a shell in the images that they make"
    [autoconf]="tests: builds AWS's Lambda client for Node.js"
    [automake]="tests: builds AWS's Lambda client for Node.js"
    [libtool]="tests: builds AWS's Lambda client for Node.js"
    [make]="tests: builds AWS's Lambda client for Node.js"
)
build_packages=(gcc g++ cmake ninja-build pkg-config libuv1-dev llhttp libjson-c-dev libcurl4-openssl-dev
    libyaml-dev libsqlite3-dev libssl-dev libarchive-dev libexpat1-dev)
run_packages=(docker-registry crun)
test_packages=(libcmocka-dev awscli skopeo curl python3 nodejs npm docker.io podman runc iptables iproute2
    busybox-static autoconf automake libtool make)

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

on_debian() { command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; }
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
available() { apt-cache show "$1" >/dev/null 2>&1; }

# An older one may stand before it in the PATH: the tests look for version 2 in the same places.
aws_version_2() {
    local program
    for program in /usr/bin/aws /usr/local/bin/aws aws; do
        [[ $("$program" --version 2>&1) == aws-cli/2* ]] && return
    done
    return 1
}

# Whether a package is there, or what it is for was got in another way.
satisfied() {
    case $1 in
        llhttp) installed libllhttp-dev || installed node-llhttp ;;
        awscli) aws_version_2 ;;
        nodejs) [[ $(node --version 2>/dev/null) =~ ^v([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 18 ] ;;
        docker-registry) command -v docker-registry >/dev/null || command -v registry >/dev/null ;;
        # Either runs functions.
        crun) command -v crun >/dev/null || command -v runc >/dev/null ;;
        libtool) command -v libtoolize >/dev/null ;;
        skopeo | curl | python3 | npm | podman | runc | iptables | autoconf | automake | make) command -v "$1" >/dev/null ;;
        docker.io) command -v dockerd >/dev/null && command -v docker >/dev/null ;;
        iproute2) command -v ip >/dev/null ;;
        busybox-static) command -v busybox >/dev/null ;;
        gcc | g++ | cmake | pkg-config) command -v "$1" >/dev/null ;;
        ninja-build) command -v ninja >/dev/null ;;
        *) installed "$1" ;;
    esac
}

# Debian 13 has llhttp as a library, Debian 12 has its sources.
package_name() {
    if [ "$1" != llhttp ]; then
        echo "$1"
    elif available libllhttp-dev; then
        echo libllhttp-dev
    else
        echo node-llhttp
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# install_packages PACKAGE...: installs what is missing, and says what and why. Says nothing when all is there.
install_packages() {
    local wanted missing=() names=() name
    for wanted in "$@"; do
        satisfied "$wanted" || missing+=("$wanted")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    on_debian || other_system "${missing[@]}"

    local updated=
    for wanted in "${missing[@]}"; do
        if [ -z "$updated" ] && ! available "$(package_name "$wanted")" && may_install; then
            say "Reading the package lists (apt-get update)."
            as_root apt-get -qq update || die "apt-get update failed"
            updated=yes
        fi
        names+=("$(package_name "$wanted")")
    done

    say "virga needs packages that are not installed:"
    for name in "${names[@]}"; do
        say "$(printf '  %-22s %s' "$name" "${purpose[$name]}")"
    done
    local command=(apt-get install -y --no-install-recommends "${names[@]}")
    may_install || die "Install them as root, then start this script again:
  ${command[*]}"
    say "Installing them: ${command[*]}"
    apt_install "${command[@]}" ||
        { [ -z "$updated" ] && as_root apt-get -qq update && apt_install "${command[@]}"; } ||
        die "The packages could not be installed; apt-get's words are above."
    for name in "${names[@]}"; do
        case $name in
            docker-registry) stop_services docker-registry.service ;;
            docker.io) stop_services docker.service docker.socket containerd.service ;;
        esac
    done
    for wanted in "${missing[@]}"; do
        satisfied "$wanted" || die "The installed $(package_name "$wanted") will not do: virga needs ${purpose[$(package_name "$wanted")]}."
    done
}

may_install() { [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null; }

# Silent, unless it fails.
apt_install() {
    local words
    words=$(as_root env DEBIAN_FRONTEND=noninteractive "$@" 2>&1) || { say "$words"; return 1; }
}

# Debian's packages start services of their own, a registry on port 5000 and an engine: virga and its tests run theirs.
stop_services() {
    [ -d /run/systemd/system ] || return 0
    say "Switching off what came with the package and is not needed: $*"
    as_root systemctl disable --now "$@" >/dev/null 2>&1 || true
}

# The same needs on a system without apt: asks for each thing itself, and stops naming what is missing.
other_system() {
    local wanted missing=()
    for wanted in "$@"; do
        case $wanted in
            libuv1-dev) pkg-config --exists 'libuv >= 1.44' ;;
            libjson-c-dev) pkg-config --exists json-c ;;
            libcurl4-openssl-dev) pkg-config --exists libcurl ;;
            libyaml-dev) pkg-config --exists yaml-0.1 ;;
            libsqlite3-dev) pkg-config --exists sqlite3 ;;
            libssl-dev) pkg-config --exists libcrypto ;;
            libarchive-dev) pkg-config --exists libarchive ;;
            libexpat1-dev) pkg-config --exists expat ;;
            libcmocka-dev) pkg-config --exists cmocka ;;
            llhttp) has_header llhttp.h ;;
            *) false ;;
        esac 2>/dev/null || missing+=("$wanted")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "This is not Debian or Ubuntu, so nothing is installed for you. What virga needs and did not find,"
    say "by its name in Debian:"
    for wanted in "${missing[@]}"; do
        [ "$wanted" != llhttp ] || wanted=libllhttp-dev
        say "$(printf '  %-22s %s' "$wanted" "${purpose[$wanted]}")"
    done
    die "Install the packages of your system that hold them, then start this script again."
}

has_header() { echo "#include <$1>" | cc -E -x c - >/dev/null 2>&1; }

# build_virga PRESET TESTS: builds in build/PRESET, with the tests if TESTS is ON (a build that has them keeps them);
# shows the compiler's words only when it fails.
build_virga() {
    local dir=$root/build/$1
    if [ ! -f "$dir/build.ninja" ] || { [ "$2" = ON ] && ! grep -q '^BUILD_TESTING:BOOL=ON' "$dir/CMakeCache.txt"; }; then
        say "Building virga ($1) in build/$1; this takes a minute or two."
        mkdir -p "$dir"
        (cd "$root" && cmake --preset "$1" -DBUILD_TESTING="$2") >"$dir/build.log" 2>&1 || build_failed "$dir/build.log"
    fi
    cmake --build "$dir" >"$dir/build.log" 2>&1 || build_failed "$dir/build.log"
}

build_failed() {
    tail -n 60 "$1" >&2
    die "The build failed; all that it said is in $1"
}

# Whether the machine's resolver knows names below .localhost, as the hostname form of image names needs.
localhost_names() { getent hosts 000000000000.dkr.ecr.us-east-1.localhost >/dev/null; }
