#!/bin/sh
# Stand-in for a machine with an SGX driver: runs a command in a mount namespace whose /dev has the
# driver's nodes, with nothing behind them. Enough for everything that does not open them.
exec unshare --mount --propagation private sh -euc '
dev=$(mktemp -d)
mount -t tmpfs -o mode=755 sgx-stand-in "$dev"
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$dev/${node%:*}" c 1 "${node#*:}"; done
mknod -m 666 "$dev/tty" c 5 0
mknod -m 666 "$dev/ptmx" c 5 2
mknod -m 666 "$dev/sgx_enclave" c 10 125
mknod -m 666 "$dev/sgx_provision" c 10 126
ln -s /proc/self/fd "$dev/fd"
mkdir "$dev/pts" "$dev/shm"
mount --rbind /dev/pts "$dev/pts"
mount --move "$dev" /dev
rmdir "$dev"
exec "$@"' with-sgx-node "$@"
