#!/bin/sh
# Runs the pinned Bun. The `bun` npm launcher is a stub where install scripts are refused, so the
# platform package is a dependency of its own and is called directly.
exec "$(dirname "$0")/../node_modules/@oven/bun-linux-x64/bin/bun" "$@"
