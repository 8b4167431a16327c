#!/bin/sh
# Puts a criu into dist/criu for the tests, where the machine's own is missing or older than its kernel:
# Debian's from the next release, unpacked beside what is installed, with the libraries it was built with.
# Idempotent. Status 77, with the reason as the last line, where it cannot be had.
set -eu
cd "$(dirname "$0")/.."

name=criu
folder=$PWD/dist/criu
release=trixie
. scripts/other-debian.sh

main() {
    [ ! -x "$folder/bin/criu" ] || exit 0
    command -v criu >/dev/null && exit 0
    command -v patchelf >/dev/null || unavailable "patchelf is missing"
    prepare_apt
    mkdir -p "$folder/bin" "$folder/lib"
    apt install --download-only -y --no-install-recommends criu || unavailable "apt-get cannot download criu"
    for package in "$folder"/cache/archives/*.deb; do dpkg -x "$package" "$folder/root"; done
    mv "$folder"/root/usr/lib/x86_64-linux-gnu/* "$folder/lib/"
    mv "$folder/root/usr/sbin/criu" "$folder/bin/criu"
    patchelf --set-interpreter "$folder/lib/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$folder/lib" "$folder/bin/criu"
    rm -rf "$folder/root" "$folder/cache" "$folder/lists"
    "$folder/bin/criu" --version >/dev/null || { rm "$folder/bin/criu"; unavailable "it does not start"; }
}

main
