#!/bin/sh
# Fetches what `npm run test:vm` boots into dist/vm/: Debian's cloud kernel, an initramfs with the
# modules it needs, and a Debian root file system. Idempotent; nothing of it is committed.
# Status 77, with the reason as the last line, where this machine cannot have it.
set -eu
cd "$(dirname "$0")/../.."

cache=dist/vm
tools="qemu-system-x86 debootstrap e2fsprogs cpio"
# Those with diag: how criu learns of sockets; the last two: how it holds their packets back, and finds what NAT knows.
modules="virtio_pci virtio_blk virtio_console overlay dummy"
modules="$modules unix_diag inet_diag tcp_diag udp_diag raw_diag netlink_diag af_packet_diag nf_tables nf_conntrack_netlink"
# apparmor brings apparmor_parser; runc runs the same tests for comparison.
packages="systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,uidmap,apparmor,runc,busybox-static"
# criu locks the network of a container with iptables or nft while it is written down.
packages="$packages,libseccomp2,procps,util-linux,criu,iptables,nftables"

main() {
    [ "$(id -u)" = 0 ] || unavailable "making a root file system needs root"
    mkdir -p "$cache"
    stamp="$(cat "$0" scripts/vm/initramfs-init.sh scripts/vm/guest-init.sh scripts/vm/guest.service | sha256sum)"
    [ "$stamp" != "$(cat "$cache/stamp" 2>/dev/null || :)" ] || return 0
    install_tools
    echo "vm: kernel"
    kernel
    echo "vm: initramfs"
    initramfs
    [ -f "$cache/packages" ] && [ "$packages" = "$(cat "$cache/packages")" ] || { echo "vm: root file system (about a minute)"; debian; }
    echo "vm: image"
    image
    echo "$stamp" >"$cache/stamp"
}

install_tools() {
    missing=""
    for package in $tools; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "vm: installing$missing"
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qq -y --no-install-recommends $missing \
        </dev/null >"$cache/apt.log" 2>&1 || unavailable "apt-get cannot install$missing"
}

# The package that the meta package stands for, unpacked and not installed: the host boots another.
kernel() {
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
    [ -n "$package" ] || unavailable "apt knows no linux-image-cloud-amd64"
    version=${package#linux-image-}
    if [ ! -e "$cache/kernel/lib/modules/$version/modules.dep" ]; then
        rm -rf "$cache/kernel" "$cache/debs"
        mkdir -p "$cache/kernel" "$cache/debs"
        (cd "$cache/debs" && apt-get download -qq "$package") || unavailable "apt-get cannot download $package"
        dpkg -x "$cache"/debs/linux-image-*.deb "$cache/kernel"
        busybox depmod -b "$PWD/$cache/kernel" "$version"
        rm -rf "$cache/debs"
    fi
    ln -sf "kernel/boot/vmlinuz-$version" "$cache/vmlinuz"
}

initramfs() {
    tree=$(mktemp -d "$cache/initramfs-XXXXXX")
    mkdir -p "$tree/bin" "$tree/modules" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/root"
    cp /bin/busybox "$tree/bin/"
    ln -s busybox "$tree/bin/sh"
    install -m 755 scripts/vm/initramfs-init.sh "$tree/init"
    number=10
    for file in $(module_files | awk '!seen[$0]++'); do
        cp "$cache/kernel/lib/modules/$version/$file" "$tree/modules/$number-${file##*/}"
        number=$((number + 1))
    done
    (cd "$tree" && find . | cpio -o -H newc --quiet) | gzip -1 >"$cache/initrd"
    rm -rf "$tree"
}

# Files of the modules, each after those that it needs.
module_files() {
    for module in $modules; do
        line=$(grep "/$module\.ko:" "$cache/kernel/lib/modules/$version/modules.dep")
        needed=""
        for file in ${line#*:}; do needed="$file $needed"; done
        printf '%s\n' $needed "${line%%:*}"
    done
}

debian() {
    rm -rf --one-file-system "$cache/root" "$cache/packages"
    # What debootstrap mounts in the new root goes with the namespace, also when it fails.
    unshare --mount --propagation private \
        debootstrap --variant=minbase --include="$packages" bookworm "$cache/root" >"$cache/debootstrap.log" 2>&1 ||
        unavailable "debootstrap failed ($cache/debootstrap.log)"
    rm -rf "$cache"/root/var/cache/apt/archives/*.deb "$cache"/root/var/lib/apt/lists/*
    # The ordinary user of the tests, with a manager of its own in the guest with systemd.
    chroot "$cache/root" useradd --create-home --uid 1234 --shell /bin/sh person
    mkdir -p "$cache/root/var/lib/systemd/linger" "$cache/root/project"
    touch "$cache/root/var/lib/systemd/linger/person"
    printf '%s' "$packages" >"$cache/packages"
}

image() {
    root="$cache/root"
    install -m 755 scripts/vm/guest-init.sh "$root/usr/local/sbin/guest-init"
    install -m 644 scripts/vm/guest.service "$root/etc/systemd/system/guest.service"
    mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
    ln -sf ../guest.service "$root/etc/systemd/system/multi-user.target.wants/guest.service"
    # All controllers for user managers; Debian's default delegates memory and pids alone.
    mkdir -p "$root/etc/systemd/system/user@.service.d"
    printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >"$root/etc/systemd/system/user@.service.d/delegate.conf"
    rm -f "$cache/root.img"
    mke2fs -q -t ext4 -d "$root" -F "$cache/root.img" 1500M
}

unavailable() {
    printf 'vm: %s\n' "$1"
    exit 77
}

main
