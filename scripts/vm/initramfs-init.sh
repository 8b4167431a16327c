#!/bin/sh
# Process 1 of the initramfs: loads the modules in order, mounts the guest's root and the project,
# and hands over to the program that the kernel's command line names with guest.init=.
PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
for module in /modules/*.ko; do busybox insmod "$module"; done
busybox mount -t ext4 /dev/vda /root
busybox mount -t ext4 /dev/vdb /root/project
init=$(busybox sed -n 's/.*guest\.init=\([^ ]*\).*/\1/p' /proc/cmdline)
for name in proc sys dev; do busybox mount --move "/$name" "/root/$name"; done
exec busybox switch_root /root "$init"
