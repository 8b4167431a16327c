# SPDX-License-Identifier: Apache-2.0
# For scripts that unpack packages of another release of Debian beside what is installed, for tests. They set
# `folder`, which has all that apt writes, `release`, and `name`, which begins what they say.

# An empty status: every library that a package needs is fetched, and none of the machine's is used.
prepare_apt() {
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    rm -rf "$folder"
    mkdir -p "$folder/lists" "$folder/cache/archives"
    : >"$folder/status"
    write_sources || unavailable "the machine has no sources of Debian's packages"
    apt update || unavailable "apt-get update for $release failed"
}

# apt tells the two formats of its sources by the ending of the name.
write_sources() {
    for sources in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        grep -qs '^[^#]' "$sources" || continue
        sourcelist=$folder/debian.${sources##*.}
        sed "s/$codename/$release/g" "$sources" >"$sourcelist"
        return 0
    done
    return 1
}

# A release that is not out yet, or a mirror that has stopped, has files that are out of date.
apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$sourcelist" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$folder/lists" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache" \
        -o APT::Architectures=amd64 -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false \
        -o APT::Sandbox::User=root "$@" </dev/null >"$folder/apt.log" 2>&1
}

unavailable() {
    printf '%s: %s\n' "$name" "$1"
    exit 77
}
