#!/bin/sh
# Compiles the service to OUTPUT. Needs the project's node_modules only: npm's AssemblyScript, which
# Bun runs, whatever Node there is.
#   build.sh OUTPUT
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
# The compiler takes relative paths for ones below its base directory.
case $1 in /*) output=$1 ;; *) output=$PWD/$1 ;; esac
exec sh "$root/scripts/bun.sh" "$root/node_modules/assemblyscript/bin/asc.js" "$root/examples/wasm/web/service.ts" \
    --outFile "$output" --exportStart _start --runtime incremental -O3 --noAssert \
    --use abort=examples/wasm/web/service/stop --baseDir "$root"
