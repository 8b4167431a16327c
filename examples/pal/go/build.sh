#!/bin/sh
# Builds the example: sh build.sh OUTPUT.so    Needs Debian's golang-go, gcc and binutils.
set -eu
output=$(realpath -m "$1")
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CGO_CFLAGS="-I${INCLUDE:-/usr/include}"
go build -buildmode=c-archive -o "$work/pal.a" .
# Go's constructor starts threads: it must not be one of the library's (see start/pal.c).
(cd "$work" && ar x pal.a go.o && objcopy --rename-section .init_array=go_constructors go.o && ar r pal.a go.o)
gcc -shared -fPIC -O2 -fvisibility=hidden "-I${INCLUDE:-/usr/include}" -o "$output" start/pal.c "$work/pal.a" \
    -Wl,--exclude-libs,ALL -Wl,-Bsymbolic -lpthread
