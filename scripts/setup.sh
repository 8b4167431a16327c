#!/bin/sh
# Makes a fresh Debian 12 machine with Node and npm able to build, run and test the project.
# Idempotent: what is there is left alone, and a second run only looks.
#
#   sh scripts/setup.sh           what building and running need
#   sh scripts/setup.sh --tests   also what the tests compare with
set -eu
cd "$(dirname "$0")/.."

build_packages="gcc make libc6-dev musl-tools libseccomp2 busybox-static wabt openssl curl"
test_packages="clang-format iproute2 runc crun strace uidmap golang-github-containers-common dbus systemd procps e2fsprogs zsh fish mandoc protobuf-compiler patchelf clang lld wasi-libc libclang-rt-14-dev-wasm32 rustc libstd-rust-dev-wasm32 default-jdk-headless chromium debootstrap"

# Some machines have it from elsewhere, at the same path.
command -v kubectl >/dev/null || test_packages="$test_packages kubernetes-client"

main() {
    check_machine
    packages=$build_packages
    [ "${1:-}" != --tests ] || packages="$packages $test_packages $engine_packages"
    install_packages "$(missing_packages $packages)"
    install_node_modules
    sh scripts/build.sh
    if [ "${1:-}" = --tests ]; then
        fetch_for_tests
        # Without it tests/package is skipped, with the reason that this prints.
        sh scripts/debian-root.sh || [ $? = 77 ] || stop "scripts/debian-root.sh failed"
    fi
}

check_machine() {
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || stop "this project runs on Linux x86-64 only"
    command -v npm >/dev/null || stop "npm is missing: install Node.js 18 or newer with npm"
    grep -qw avx2 /proc/cpuinfo || stop "the pinned Bun needs a CPU with AVX2"
}

missing_packages() {
    command -v dpkg-query >/dev/null || { echo "$*"; return; }
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || :)
    for package in "$@"; do
        printf '%s\n' "$installed" | grep -qx "$package installed" || printf '%s ' "$package"
    done
}

install_packages() {
    [ -n "${1% }" ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        stop "these Debian packages are missing: $1
hint: as root: apt-get install --no-install-recommends $1"
    fi
    echo "setup: installing $1"
    export DEBIAN_FRONTEND=noninteractive
    apt_get update -qq || stop "apt-get update failed; see above"
    keep_services_down
    # shellcheck disable=SC2086 # a list of package names
    apt_get install -qq -y --no-install-recommends $1 >/dev/null || stop "apt-get install failed; see above"
}

# What tests/engines/ starts.
engine_packages="containerd containernetworking-plugins docker.io podman iptables golang-go"

# The tests start engines themselves, away from the machine: installing one must not start it.
keep_services_down() {
    policy=/usr/sbin/policy-rc.d
    [ ! -e "$policy" ] || return 0
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

# Another apt may be at work, on a new machine most of all: wait for its lock.
apt_get() {
    apt-get -o DPkg::Lock::Timeout=300 -o APT::Get::List-Cleanup=0 "$@" </dev/null
}

install_node_modules() {
    stamp=node_modules/.installed-lock
    ! cmp -s package-lock.json "$stamp" || return 0
    echo "setup: npm ci"
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null || stop "npm ci failed; see above"
    cp package-lock.json "$stamp"
}

# Tests of checkpoint and restore, and of the shim with newer containerds; without them they are skipped.
fetch_for_tests() {
    [ -x dist/criu/bin/criu ] || echo "setup: criu"
    sh scripts/criu.sh || [ $? = 77 ] || stop "scripts/criu.sh failed"
    sh scripts/containerd.sh || [ $? = 77 ] || stop "scripts/containerd.sh failed"
}

stop() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

main "$@"
