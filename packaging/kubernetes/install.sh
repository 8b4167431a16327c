#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh HOST: puts what is beside it in usr/local into the root file system HOST, and names rune's shim in
# containerd's configuration there. Run again it changes nothing, and restarts nothing.
set -eu

host=${1:?usage: install.sh HOST}
here=$(cd "$(dirname "$0")" && pwd)
config=$host/etc/containerd/config.toml
node=$host/etc/inclavare-containers/config.toml

main() {
    [ -d "$host/etc" ] || stop "$host is no root file system"
    before=$(cat "$config" 2>/dev/null || :)
    install_files
    [ -e "$node" ] || install -D -m 644 "$here/config.toml" "$node"
    name_runtime
    [ "$before" = "$(cat "$config")" ] || restart
    echo "installed"
}

# Each under another name first: a shim that runs keeps the file it was started from.
install_files() {
    (cd "$here/usr/local" && find . -type d) | while read -r folder; do
        mkdir -p "$host/usr/local/$folder"
    done
    (cd "$here/usr/local" && find . -type f -o -type l) | while read -r file; do
        target=$host/usr/local/$file
        cmp -s "$here/usr/local/$file" "$target" && continue
        cp -a "$here/usr/local/$file" "$target.new"
        mv "$target.new" "$target"
    done
}

name_runtime() {
    [ -e "$config" ] || install -D -m 644 /dev/null "$config"
    [ -s "$config" ] || echo 'version = 2' >"$config"
    ! grep -q 'runtimes\.rune\]' "$config" || return 0
    case $(sed -n 's/^ *version *= *\([0-9]*\).*/\1/p' "$config") in
    2) plugin='plugins."io.containerd.grpc.v1.cri"' ;;
    3) plugin="plugins.'io.containerd.cri.v1.runtime'" ;;
    *) stop "$config is of no version this script knows: name the runtime by hand" ;;
    esac
    cp -p "$config" "$config.before-inclavare"
    # With its owner and its mode: it may hold what a registry asks for.
    cp -p "$config" "$config.new"
    {
        cat "$config.before-inclavare"
        # A file that names a runtime has to name containerd's default, too.
        grep -q 'runtimes\.runc\]\|default_runtime_name' "$config" || runtime runc
        runtime rune
    } >"$config.new"
    mv "$config.new" "$config"
}

runtime() {
    printf '\n[%s.containerd.runtimes.%s]\n  runtime_type = "io.containerd.%s.v2"\n' "$plugin" "$1" "$1"
}

restart() {
    if [ ! -d "$host/run/systemd/system" ]; then
        echo "restart containerd: there is no systemd"
        return
    fi
    nsenter --target 1 --mount -- systemctl restart containerd && return
    # Or else the next attempt would find nothing left to do.
    mv "$config.before-inclavare" "$config"
    stop "containerd could not be restarted: its configuration is what it was"
}

stop() {
    echo "install.sh: $1" >&2
    exit 1
}

main
