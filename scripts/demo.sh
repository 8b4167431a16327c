#!/bin/sh
# The demo of `npm start`: a web service's enclave, built from source, run by rune in a container on the
# simulated SGX platform, asked for its quote, restarted, and attacked by another enclave. Leaves nothing behind.
set -eu
cd "$(dirname "$0")/.."
project=$PWD

[ "$(id -u)" = 0 ] || { echo "demo: containers need root here: run \`npm start\` as root" >&2; exit 1; }

# Not below /tmp: a PAL is loaded only from where root alone can have put it.
work=$(mktemp -d /var/lib/inclavare-demo-XXXXXX)
chmod 755 "$work"
export PATH="$project/dist/bin:$PATH"
# A platform of the demo's own, with keys that go with it.
export INCLAVARE_PLATFORM="$work/platform" INCLAVARE_PLATFORM_STATE="$work/platform-state"
trap clean_up EXIT
trap 'exit 130' INT TERM
lib=$project/dist/lib/inclavare
web=$project/examples/wasm/web

clean_up() {
    for id in web other; do quiet_rune delete --force "$id" >/dev/null 2>&1 || :; done
    sgx-tools platform stop >/dev/null 2>&1 || :
    rm -rf "$work"
}

say() { printf '\n%s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
# rune with a state directory of the demo's own.
quiet_rune() { rune --root "$work/state" --config "$work/config.toml" "$@"; }
show_rune() { printf '$ rune %s\n' "$*"; quiet_rune "$@"; }
# curl in the container's network, whose loopback nobody else uses.
curl_in() { nsenter --target "$(cat "$work/pid")" --net curl --silent --show-error --max-time 20 "$@"; }
ask() { printf '$ curl %s\n' "$*"; curl_in "$@"; }

# start_service ID BUNDLE
start_service() {
    show_rune create --platform simulation --bundle "$2" --pid-file pid "$1" </dev/null
    # In a new network everything is down.
    nsenter --target "$(cat "$work/pid")" --net busybox ip link set lo up
    show_rune start "$1"
    tries=0
    until curl_in --output /dev/null localhost:8080/identity 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { echo "demo: the service of \`$1\` does not answer" >&2; exit 1; }
        sleep 0.2
    done
}

stop_service() {
    show_rune kill "$1" KILL
    until quiet_rune state "$1" | grep -q '"status": "stopped"'; do sleep 0.1; done
    show_rune delete "$1"
}

# bundle NAME IMAGE: a root file system with an enclave and an empty directory for its data.
bundle() {
    mkdir -p "$1/rootfs/proc" "$1/rootfs/dev" "$1/rootfs/sys" "$1/rootfs/data"
    chown 1000:1000 "$1/rootfs/data"
    cp "$2" "$1/rootfs/app.encl"
    # Nobody else's cgroup has the work directory's name.
    sed -e "s#/var/run/rune/liberpal-wasm.so#$work/pal/liberpal-wasm.so#" \
        -e "s#\"linux\": {#&\n    \"cgroupsPath\": \"/${work##*/}-$1\",#" "$web/config.json" >"$1/config.json"
}

cd "$work"
mkdir pal
cp "$lib/liberpal-wasm.so" pal/
printf '[runtime]\npal_dirs = ["%s/pal"]\n' "$work" >config.toml

say "An enclave from source: a key-value service in AssemblyScript, compiled to native code, measured and signed."
show openssl genrsa -3 -out key.pem 3072 2>/dev/null
printf '$ examples/wasm/web/build.sh web.wasm\n'
sh "$web/build.sh" web.wasm
cp "$web/app.toml" app.toml
show sgx-tools build-wasm --manifest app.toml --key key.pem -o web.encl web.wasm
sgx-tools inspect web.encl | grep -E '^(mrenclave|mrsigner|signatureValid)'
mrenclave=$(sgx-tools inspect web.encl | awk '$1 == "mrenclave" { print $2 }')

say "rune makes a container of it: no program, no library, an enclave and a directory."
bundle bundle web.encl
start_service web bundle
show_rune state web

say "It serves HTTP, and keeps what it is told:"
ask --request PUT --data a-secret-of-the-service localhost:8080/kv/note
ask localhost:8080/kv/note
echo

say "Who answers? A quote, with a nonce of ours, from inside the enclave:"
nonce=$(openssl rand -hex 32)
printf '$ curl --output quote localhost:8080/attestation/NONCE\n'
curl_in --fail --output quote "localhost:8080/attestation/$nonce"
printf 'mrenclave = "%s"\n' "$mrenclave" >policy.toml
sgx-tools platform root >root.pem
printf '$ sgx-tools collateral fetch --quote quote --url unix:PLATFORM/evidence.sock collateral\n'
sgx-tools collateral fetch --quote quote --url "unix:$work/platform/evidence.sock" collateral
verify="sgx-tools verify-quote --collateral collateral --policy policy.toml --trust-root root.pem --quote quote --report-data"
printf '$ %s NONCE\n' "$verify"
! $verify "$nonce" || { echo "demo: a simulation was accepted" >&2; exit 1; }

say "The quote is a simulation's and is refused as one. Whoever knows and allows that:"
printf '$ %s NONCE --allow-simulation\n' "$verify"
$verify "$nonce" --allow-simulation

say "Restarted, the service has its data, of which the host sees neither name nor content:"
stop_service web
start_service web bundle
ask localhost:8080/kv/note
echo
show ls -A bundle/rootfs/data
if grep -rq secret bundle/rootfs/data; then echo "demo: the data are readable" >&2; exit 1; fi
stop_service web

say "Another enclave, of the same source and signer but with another manifest, has another identity, and no key to those data:"
show sed -i 's/"web"/"other"/' app.toml
show sgx-tools build-wasm --manifest app.toml --key key.pem -o other.encl web.wasm
bundle other other.encl
cp -a bundle/rootfs/data other/rootfs/
start_service other other
printf '$ curl --write-out %%{http_code} localhost:8080/kv/note\n'
status=$(curl_in --output /dev/null --write-out '%{http_code}' localhost:8080/kv/note)
echo "$status"
[ "$status" = 500 ] || { echo "demo: another enclave did not fail on the data" >&2; exit 1; }
stop_service other

say "Nothing is left:"
show_rune list
