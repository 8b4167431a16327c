#!/bin/sh
# Builds dist/attest/: `inclavare-containers/attest` as one ES module for Node, with its types.
set -eu
cd "$(dirname "$0")/.."

library=dist/attest
if [ -f "$library/index.js" ] && [ -z "$(find src/attest src/sgx src/errors package.json tsconfig.library.json scripts/build-library.sh -newer "$library/index.js" -type f ! -name '*.test.ts' | head -1)" ]; then
    exit 0
fi
echo "build: library"
mkdir -p "$library"
rm -rf "$library/types"
node_modules/@typescript/typescript-linux-x64/lib/tsc -p tsconfig.library.json
# The sources import one another as .ts, which in declarations only some compilers resolve.
find "$library/types" -name '*.d.ts' -exec sed -i 's/\(from "[^"]*\)\.ts"/\1.js"/' {} +
sh scripts/bun.sh build src/attest/index.ts --target=node --format=esm --outfile "$library/index.js.new" >dist/build.log 2>&1 || {
    cat dist/build.log >&2
    exit 1
}
mv "$library/index.js.new" "$library/index.js"
