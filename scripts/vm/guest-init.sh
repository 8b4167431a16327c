#!/bin/sh
# Process 1 of the guest without systemd: the file systems that the tests need, the tests, the end.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777,size=1g tmp /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
ip link set lo up 2>/dev/null || busybox ip link set lo up
hostname guest
# Away from the root cgroup, where no container's limits could be enabled for its neighbours.
mkdir /sys/fs/cgroup/tests
echo 0 >/sys/fs/cgroup/tests/cgroup.procs
echo "+cpuset +cpu +io +memory +hugetlb +pids +rdma +misc" >/sys/fs/cgroup/cgroup.subtree_control
sh /project/scripts/vm/guest-tests.sh
busybox poweroff -f
