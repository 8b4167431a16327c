#!/bin/sh
# Puts a criu into dist/criu for the tests, where the machine's own is missing or older than its kernel:
# Debian's from the next release, unpacked beside what is installed, with the libraries it was built with.
# Idempotent. Status 77, with the reason as the last line, where it cannot be had.
set -eu
cd "$(dirname "$0")/.."

folder=$PWD/dist/criu
release=trixie

main() {
    [ ! -x "$folder/bin/criu" ] || exit 0
    command -v criu >/dev/null && exit 0
    command -v patchelf >/dev/null || unavailable "patchelf is missing"
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    rm -rf "$folder"
    mkdir -p "$folder/lists" "$folder/cache/archives" "$folder/bin" "$folder/lib"
    # An empty status: every library is fetched, and none of the machine's is used.
    : >"$folder/status"
    write_sources || unavailable "the machine has no sources of Debian's packages"
    apt update || unavailable "apt-get update for $release failed"
    apt install --download-only -y --no-install-recommends criu || unavailable "apt-get cannot download criu"
    for package in "$folder"/cache/archives/*.deb; do dpkg -x "$package" "$folder/root"; done
    mv "$folder"/root/usr/lib/x86_64-linux-gnu/* "$folder/lib/"
    mv "$folder/root/usr/sbin/criu" "$folder/bin/criu"
    patchelf --set-interpreter "$folder/lib/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$folder/lib" "$folder/bin/criu"
    rm -rf "$folder/root" "$folder/cache" "$folder/lists"
    "$folder/bin/criu" --version >/dev/null || { rm "$folder/bin/criu"; unavailable "it does not start"; }
}

# apt tells the two formats of its sources by the ending of the name.
write_sources() {
    for sources in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        grep -qs '^[^#]' "$sources" || continue
        sourcelist=$folder/debian.${sources##*.}
        sed "s/$codename/$release/g" "$sources" >"$sourcelist"
        return 0
    done
    return 1
}

apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$sourcelist" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$folder/lists" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache" \
        -o APT::Architectures=amd64 -o Acquire::Languages=none -o APT::Sandbox::User=root "$@" \
        </dev/null >"$folder/apt.log" 2>&1
}

unavailable() {
    printf 'criu: %s\n' "$1"
    exit 77
}

main
