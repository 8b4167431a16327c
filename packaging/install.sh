#!/bin/sh
# Installs what packaging/files lists: from the repository after `npm run build`, and from the archive.
#   install.sh [--prefix DIR] [--destdir DIR] [--uninstall]
# DIR/bin gets the tools, DIR/lib/inclavare what they need (they find it relative to themselves), DIR/share
# manual pages, completion scripts and the example of a configuration, DIR/lib/systemd units that nobody
# has enabled, DIR/lib/sysusers.d the user of the platform service, for systemd-sysusers.
# --destdir is put in front of the prefix of where files go, and of nothing that is written into them.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

stop() {
    echo "install: $1" >&2
    exit 1
}

prefix=/usr/local
destdir=
verb=put
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=${2:?"install: --prefix needs a directory"}; shift 2 ;;
    --prefix=*) prefix=${1#*=}; shift ;;
    --destdir) destdir=${2:?"install: --destdir needs a directory"}; shift 2 ;;
    --destdir=*) destdir=${1#*=}; shift ;;
    --uninstall) verb=take; shift ;;
    *) stop "unknown argument \`$1\`; usage: install.sh [--prefix DIR] [--destdir DIR] [--uninstall]" ;;
    esac
done
# A relative directory is the caller's.
case $prefix in /*) ;; *) prefix=${OLDPWD:-$PWD}/$prefix ;; esac
case $destdir in '' | /*) ;; *) destdir=${OLDPWD:-$PWD}/$destdir ;; esac
root=$destdir$prefix
[ -x dist/lib/inclavare/engine ] || stop "nothing is built; run \`npm run build\` first"

# put KIND MODE FILE TARGET. Into place by rename: a running container keeps the file it was started from.
put() {
    install -d -m 755 "$root/${4%/*}"
    case $1 in
    copy) install -m "$2" "$3" "$root/$4.new" ;;
    fill)
        sed "s|@prefix@|$prefix|" "$3" >"$root/$4.new"
        chmod "$2" "$root/$4.new"
        ;;
    *) stop "packaging/files: unknown kind \`$1\`" ;;
    esac
    mv -f "$root/$4.new" "$root/$4"
}

take() {
    rm -f "$root/$4"
    # Folders that are nobody else's, and none above them.
    case $4 in
    lib/inclavare/*) take_folders inclavare lib ;;
    share/doc/*) take_folders inclavare-containers/examples share/doc ;;
    esac
}

# take_folders FOLDERS BELOW
take_folders() {
    [ ! -d "$root/$2/$1" ] || (cd "$root/$2" && rmdir -p --ignore-fail-on-non-empty "$1" 2>/dev/null) || :
}

while read -r kind mode files target; do
    case $kind in
    '' | \#*) ;;
    tree)
        for file in $(cd "$files" && find . -type f | sort); do
            "$verb" copy "$mode" "$files/${file#./}" "$target/${file#./}"
        done
        ;;
    *)
        for file in $files; do
            [ ! -f "$file" ] || "$verb" "$kind" "$mode" "$file" "$target/${file##*/}"
        done
        ;;
    esac
done <packaging/files
if [ "$verb" = take ]; then echo "removed from $root"; else echo "installed in $root: $(ls dist/bin | tr '\n' ' ')"; fi
