#!/bin/sh
# Runs the guest's tests with each runtime. What is printed goes to the port `progress` while it
# happens; a JUnit report of each runtime to the port of its name.
cd /project || exit 1
port() {
    for name in /sys/class/virtio-ports/*/name; do
        [ "$(cat "$name")" != "$1" ] || echo "/dev/$(basename "$(dirname "$name")")"
    done
}
exec >"$(port progress)" 2>&1
guest=$(sed -n 's/.*guest\.name=\([^ ]*\).*/\1/p' /proc/cmdline)
echo "guest $guest: Linux $(uname -r), cgroup $(stat -fc %T /sys/fs/cgroup), process 1 $(cat /proc/1/comm), up $(cut -d' ' -f1 /proc/uptime) s"
for runtime in $(cat "/project/$guest.runtimes"); do
    echo "== $runtime"
    # shellcheck disable=SC2046 # a list of files
    RUNTIME=$runtime VM_GUEST=$guest ./bun test --timeout=300000 --reporter=junit \
        --reporter-outfile="/tmp/$runtime.xml" $(cat "/project/$guest.tests") </dev/null
    cat "/tmp/$runtime.xml" >"$(port "$runtime")"
done
