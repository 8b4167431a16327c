#!/bin/sh
# Builds dist/: the C parts with make, the TypeScript as one compiled executable. Does only what
# changed since the last build; with EXACT=1 also what names a commit that is not the present one.
#
#   dist/bin/{rune,sgx-tools,signature-server,containerd-shim-rune-v2}
#                                  names of one static C front
#   dist/attest/                   the library for relying parties
#   dist/share/                    manual pages, completion scripts
#   dist/lib/inclavare/            the engine (TypeScript and Bun), the small C programs, the
#                                  sample enclave runtime
set -eu
cd "$(dirname "$0")/.."

commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
if [ "${EXACT:-}" = 1 ] && [ "$(cat dist/commit 2>/dev/null)" != "$commit" ]; then
    rm -rf dist/lib/inclavare/engine dist/share
fi
tools="rune sgx-tools signature-server containerd-shim-rune-v2"
engine=dist/lib/inclavare/engine

mkdir -p dist/bin dist/lib/inclavare
make -s -C native -j2 all
sh scripts/bun.sh scripts/sign-skeleton.ts
for tool in $tools; do
    cmp -s native/build/front "dist/bin/$tool" || install -m 755 native/build/front "dist/bin/$tool"
done
for file in native/build/lib/*; do
    cmp -s "$file" "dist/lib/inclavare/${file##*/}" || install -m 755 "$file" "dist/lib/inclavare/"
done

if [ ! -x "$engine" ] || [ -n "$(find src package.json scripts/build.sh -newer "$engine" -type f ! -name '*.test.ts' | head -1)" ]; then
    echo "build: engine"
    # Neither .env nor bunfig.toml of the current directory, which may be somebody's bundle.
    sh scripts/bun.sh build src/main.ts --compile --minify --bytecode --splitting --format=esm --compile-jit-policy=10 \
        --no-compile-autoload-dotenv --no-compile-autoload-bunfig \
        --define "BUILD_VERSION=\"$(sed -n 's/.*"version": "\(.*\)".*/\1/p' package.json | head -1)\"" \
        --define "BUILD_COMMIT=\"$commit\"" \
        --outfile "$engine.new" >dist/build.log 2>&1 || { cat dist/build.log >&2; exit 1; }
    mv "$engine.new" "$engine"
    echo "$commit" >dist/commit
fi
if [ ! -d dist/share ] || [ -n "$(find src scripts/generate-man.ts package.json -newer dist/share -type f ! -name '*.test.ts' | head -1)" ]; then
    rm -rf dist/share.new
    sh scripts/bun.sh scripts/generate-man.ts dist/share.new "$(git log -1 --format=%cs 2>/dev/null || date +%F)"
    rm -rf dist/share
    mv dist/share.new dist/share
    touch dist/share
fi
sh scripts/build-library.sh
