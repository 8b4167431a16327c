#!/bin/sh
# Puts newer containerds than this release of Debian has into dist/containerd/RELEASE, for the tests of
# tests/shim/: 1.7 is in Debian 13, 2.x in the one after. Idempotent. Status 77, with the reasons as the last lines,
# where one of them cannot be had.
#
#   sh scripts/containerd.sh [release...]
set -eu
cd "$(dirname "$0")/.."

. scripts/other-debian.sh

main() {
    [ $# -gt 0 ] || set -- trixie forky
    status=0
    for release in "$@"; do
        [ -x "$PWD/dist/containerd/$release/bin/containerd" ] || (fetch) || status=$?
    done
    exit "$status"
}

fetch() {
    name="containerd of $release"
    folder=$PWD/dist/containerd/$release
    prepare_apt
    (cd "$folder/cache" && apt download containerd) || unavailable "apt-get cannot download it"
    dpkg -x "$folder"/cache/containerd_*.deb "$folder/root"
    # They are linked to nothing but libc, whose older versions they still know: tried.
    "$folder/root/usr/bin/containerd" --version >/dev/null 2>&1 || unavailable "it does not start here"
    mv "$folder/root/usr/bin" "$folder/bin"
    rm -rf "$folder/root" "$folder/cache" "$folder/lists"
}

main "$@"
