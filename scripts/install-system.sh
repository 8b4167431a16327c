#!/bin/sh
# Installs what `npm run build` has made:
#   npm run install-system -- --prefix DIR     (default /usr/local)
# DIR/bin gets the tools, DIR/lib/inclavare what they need; the tools find it relative to themselves.
# DIR/include gets the header of the PAL API,
# DIR/share manual pages and completion scripts, DIR/lib/systemd units that nobody has enabled,
# DIR/lib/sysusers.d the user of the platform service, for systemd-sysusers.
set -eu
cd "$(dirname "$0")/.."

prefix=/usr/local
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=${2:?"install-system: --prefix needs a directory"}; shift 2 ;;
    --prefix=*) prefix=${1#*=}; shift ;;
    *) echo "install-system: unknown argument \`$1\`; usage: install-system.sh [--prefix DIR]" >&2; exit 1 ;;
    esac
done
case $prefix in
/*) ;;
*) prefix=$PWD/$prefix ;;
esac
[ -x dist/lib/inclavare/engine ] || { echo "install-system: nothing is built; run \`npm run build\` first" >&2; exit 1; }

install -d -m 755 "$prefix/bin" "$prefix/lib/inclavare"
for file in dist/bin/* dist/lib/inclavare/*; do
    target=$prefix/${file#dist/}
    # Into place by rename: a running container keeps the file it was started from.
    install -m 755 "$file" "$target.new"
    mv -f "$target.new" "$target"
done
# What authors of enclave runtimes compile against.
install -D -m 644 native/include/enclave_runtime_pal.h "$prefix/include/enclave_runtime_pal.h"
(cd dist && find share -type f) | while read -r file; do
    install -D -m 644 "dist/$file" "$prefix/$file"
done
for unit in packaging/systemd/*/*; do
    target=$prefix/lib/${unit#packaging/}
    install -d -m 755 "${target%/*}"
    sed "s|@prefix@|$prefix|" "$unit" >"$target"
    chmod 644 "$target"
done
install -d -m 755 "$prefix/lib/sysusers.d"
install -m 644 packaging/sysusers.d/*.conf "$prefix/lib/sysusers.d"
echo "installed in $prefix: $(ls dist/bin | tr '\n' ' ')"
