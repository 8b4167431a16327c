#!/bin/sh
# The demo of `npm start`: an OCI bundle, an enclave runtime loaded through the PAL API, a measured and
# signed enclave on the simulated SGX platform. Leaves nothing behind.
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || { echo "demo: containers need root here: run \`npm start\` as root" >&2; exit 1; }

# Not below /tmp: a PAL is loaded only from where root alone can have put it.
work=$(mktemp -d /var/lib/inclavare-demo-XXXXXX)
chmod 755 "$work"
export PATH="$PWD/dist/bin:$PATH"
trap 'rune --root "$work/state" delete --force demo; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
lib=$PWD/dist/lib/inclavare

say() { printf '\n%s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
# rune with a state directory of the demo's own.
show_rune() { printf '$ rune %s\n' "$*"; rune --root "$work/state" --config "$work/config.toml" "$@"; }

say "A bundle: a root file system with nothing but an enclave and its signature."
mkdir -p "$work/bundle/rootfs" "$work/pal"
for directory in proc dev sys; do mkdir "$work/bundle/rootfs/$directory"; done
cp "$lib/encl.bin" "$lib/encl.ss" "$work/bundle/rootfs/"
cp "$lib/liberpal-skeleton-v2.so" "$work/pal/"
printf '[runtime]\npal_dirs = ["%s/pal"]\n' "$work" >"$work/config.toml"
cd "$work/bundle"
show_rune spec --enclave
sed -i -e 's/"terminal": true/"terminal": false/' -e 's/"sh"/"hello"/' -e 's#"cwd": "/var/run/rune"#"cwd": "/"#' \
    -e "s#/var/run/rune/liberpal-skeleton-v2.so#$work/pal/liberpal-skeleton-v2.so#" config.json

say "What the enclave must be, before it runs:"
show sgx-tools measure rootfs/encl.bin
sgx-tools inspect rootfs/encl.ss | grep -E '^(mrenclave|mrsigner|signatureValid)'

say "rune makes the container, loads the PAL, and the PAL launches the enclave."
show_rune create --platform simulation demo
show_rune state demo
show_rune start demo
while [ "$(rune --root "$work/state" state demo | grep -c '"status": "running"')" = 1 ]; do sleep 0.1; done
show_rune delete demo

say "Nothing is left:"
show_rune list
