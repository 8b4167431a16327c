#!/bin/sh
# Makes dist/debian-root/bookworm: a fresh Debian 12 for tests/package, from where this machine's apt gets its
# packages. What is there is left alone. Exit status 77: it cannot be made here, and the reason is printed.
#   sh scripts/debian-root.sh
set -eu
cd "$(dirname "$0")/.."

tree=dist/debian-root/bookworm
# Beyond the minimum: what shows manual pages and loads completions.
include=ca-certificates,man-db,bash-completion

unable() {
    echo "debian-root: $1" >&2
    exit 77
}

[ ! -e "$tree.complete" ] || exit 0
[ "$(id -u)" = 0 ] || unable "needs root"
command -v debootstrap >/dev/null || unable "debootstrap is not installed"
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Identifier: Packages' 2>/dev/null |
    awk '$2 == "bookworm" || $2 == "stable" { print $1; exit }')
mirror=${mirror:-$(awk '$1 == "deb" && $3 == "bookworm" { print $2; exit }' /etc/apt/sources.list 2>/dev/null || :)}
[ -n "$mirror" ] || unable "apt has no source of bookworm"

# One that was stopped half way may have left its /proc and /sys mounted: what is in them is this machine's.
rm -rf --one-file-system "$tree.new" "$tree"
mkdir -p "${tree%/*}"
echo "setup: a fresh Debian for tests/package"
if ! debootstrap --variant=minbase --include="$include" bookworm "$tree.new" "$mirror" >"$tree.log" 2>&1; then
    reason=$(tail -1 "$tree.log")
    rm -rf --one-file-system "$tree.new"
    unable "debootstrap: $reason"
fi
rm -rf "$tree.new"/var/cache/apt/archives/*.deb
mv "$tree.new" "$tree"
: >"$tree.complete"
