// SPDX-License-Identifier: Apache-2.0
/** What dockerd's options make of namespaces, identity and what a container may see and do. */
import { expect } from "bun:test";
import { readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Docker, image } from "../support/engines/docker.ts";
import { dockerObstacle, shared } from "../support/engines/shared.ts";
import { needs } from "../support/runtime.ts";

const test = needs(dockerObstacle);
const engine = shared(() => Docker.start());

const namespaces = ["cgroup", "ipc", "mnt", "net", "pid", "uts"] as const;
const readNamespaces = `cd /proc/self/ns && for name in ${namespaces.join(" ")}; do readlink $name; done`;

/** The namespaces that the test has, too. Of the network one it is the daemon's. */
async function sharedWithHost(docker: Docker, ...flags: string[]): Promise<string[]> {
  const inside = (await docker.run(flags, readNamespaces)).split("\n");
  const net = (await docker.host.must(["readlink", "/proc/self/ns/net"])).trim();
  const ours = namespaces.map((name) =>
    name === "net" ? net : readlinkSync(`/proc/self/ns/${name}`),
  );
  return namespaces.filter((_, index) => inside[index] === ours[index]);
}

test("the host's namespaces are joined where it is asked for, and only there", async () => {
  const docker = await engine();
  expect(await sharedWithHost(docker)).toEqual(["cgroup"]); // docker's default on cgroup v1
  const host = ["--pid", "host", "--ipc", "host", "--uts", "host", "--network=host"];
  expect(await sharedWithHost(docker, ...host)).toEqual(["cgroup", "ipc", "net", "pid", "uts"]);
  expect(await sharedWithHost(docker, "--cgroupns", "private")).toEqual([]);
});

test("the namespaces of another container are joined, while it runs", async () => {
  const docker = await engine();
  const first = await docker.background(["--ipc", "shareable"]);
  const own = (await docker.inContainer(first, readNamespaces)).split("\n");
  const joining = ["pid", "ipc", "network"].map((name) => `--${name}=container:${first}`);
  const inside = (await docker.run(joining, `${readNamespaces}; kill -9 1`)).split("\n");
  const joined = namespaces.filter((_, index) => inside[index] === own[index]);
  expect(joined).toEqual(["cgroup", "ipc", "net", "pid"]);
  await docker.must(["kill", first]);
  const late = ["run", "--rm", "--network=none", `--pid=container:${first}`, image, "true"];
  expect(await docker.call(late)).toMatchObject({
    status: 125,
    stderr: expect.stringContaining("is not running"),
  });
});

test("--user, groups, and capabilities added and dropped", async () => {
  const docker = await engine();
  const script = "id; grep -E '^Cap(Prm|Eff|Bnd|Amb)' /proc/self/status | cut -c 4-";
  const asked = (...flags: string[]) => docker.run(flags, script);
  const sets = (...of: string[]) =>
    ["Prm", "Eff", "Bnd", "Amb"].map((name, index) => `${name}:\t${of[index]}`).join("\n");
  const none = "0000000000000000";
  const usual = "00000000a80425fb";
  expect(await asked()).toBe(`uid=0(root) gid=0 groups=0\n${sets(usual, usual, usual, none)}`);
  expect(await asked("--user", "1000:1000", "--group-add", "7")).toBe(
    `uid=1000(user) gid=1000 groups=7,1000\n${sets(none, none, usual, none)}`,
  );
  const netAdmin = "0000000000001000";
  const only = ["--cap-drop", "ALL", "--cap-add", "NET_ADMIN"];
  expect(await asked(...only)).toEndWith(sets(netAdmin, netAdmin, netAdmin, none));
});

test("no-new-privileges, and seccomp: docker's profile, one's own, none", async () => {
  const docker = await engine();
  const script = "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status; unshare -U true";
  const refused = await docker.call(["run", "--rm", "--network=none", image, "sh", "-c", script]);
  expect(refused).toEqual({
    status: 1,
    stdout: "NoNewPrivs:\t0\nSeccomp:\t2\n",
    stderr: "unshare: unshare(0x10000000): Operation not permitted\n",
  });
  const open = ["--security-opt", "no-new-privileges", "--security-opt", "seccomp=unconfined"];
  expect(await docker.run(open, script)).toBe("NoNewPrivs:\t1\nSeccomp:\t0");
  const profile = join(docker.host.path, "profile.json");
  const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 };
  writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
  const own = await docker.run(
    ["--security-opt", `seccomp=${profile}`],
    "mkdir /made 2>&1 || echo no; touch /touched && echo touched",
  );
  expect(own).toBe("mkdir: can't create directory '/made': No space left on device\nno\ntouched");
});

test("masked and read-only paths of /proc and /sys, which systempaths=unconfined shows", async () => {
  const docker = await engine();
  const script = `
    for path in /proc/timer_list /proc/keys; do [ ! -s $path ] && echo "$(wc -c < $path) bytes"; done
    ls -A /proc/acpi /sys/firmware | grep -v : | grep -c .
    for path in /proc/sys /proc/irq; do grep -c " $path .* ro[ ,]" /proc/mounts; done
    echo x > /proc/sys/kernel/domainname || echo refused`;
  const hidden = await docker.call(["run", "--rm", "--network=none", image, "sh", "-c", script]);
  expect(hidden).toEqual({
    status: 0,
    stdout: "0 bytes\n0 bytes\n0\n1\n1\nrefused\n",
    stderr: "sh: can't create /proc/sys/kernel/domainname: Read-only file system\n",
  });
  const mounts = "grep -cE ' /proc/(sys|irq|keys|timer_list) ' /proc/mounts || :";
  expect(await docker.run([], mounts)).toBe("4");
  expect(await docker.run(["--security-opt", "systempaths=unconfined"], mounts)).toBe("0");
});

test("--hostname, --domainname, --add-host, --sysctl, --ulimit", async () => {
  const docker = await engine();
  const flags = ["--hostname", "inner", "--domainname", "example.test", "--network=bridge"];
  const more = ["--add-host", "db:10.0.0.7", "--sysctl", "net.ipv4.ip_forward=1"];
  const sysctls = ["--sysctl", "kernel.msgmax=4321", "--ulimit", "nofile=100:200"];
  const script = `
    hostname; cat /proc/sys/kernel/domainname; grep db /etc/hosts
    cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax
    ulimit -n; ulimit -Hn; ulimit -c`;
  const said = await docker.run([...flags, ...more, ...sysctls, "--ulimit", "core=0"], script);
  expect(said.split("\n")).toEqual([
    ...["inner", "example.test", "10.0.0.7\tdb", "1", "4321", "100", "200", "0"],
  ]);
  const refused = ["run", "--rm", "--network=none", "--sysctl", "kernel.pid_max=5", image, "true"];
  expect((await docker.call(refused)).status).toBe(125);
});

test("--device gives a node and the rights it names, and no other device", async () => {
  const docker = await engine();
  const flags = ["--device", "/dev/fuse:/dev/mine:r", "--cap-add", "MKNOD"];
  const script = `
    ls -l /dev/mine | cut -c 1
    echo opened < /dev/mine; echo x 2>/dev/null > /dev/mine || echo cannot write
    mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem 2>&1
    ls /dev | grep -v core | tr '\\n' ' '`;
  const said = await docker.run(flags, script);
  expect(said.split("\n").map((line) => line.trim())).toEqual([
    ...["c", "opened", "cannot write", "head: /tmp/mem: Operation not permitted"],
    "fd full mine mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
  ]);
});

needs(dockerObstacle ?? (holdsAll() ? undefined : "CAP_SYS_RESOURCE is not in the bounding set"))(
  "--privileged: every capability, device and path",
  async () => {
    const docker = await engine();
    const script = "grep CapEff /proc/self/status; ls /dev/kmsg; touch /proc/sys/kernel/domainname";
    const said = await docker.run(["--privileged"], script);
    expect(said).toMatch(/CapEff:\t[0-9a-f]{6}[f1]{10}\n\/dev\/kmsg/);
  },
);

function holdsAll(): boolean {
  const status = Bun.spawnSync(["grep", "CapBnd", "/proc/self/status"]).stdout.toString();
  return (BigInt(`0x${status.trim().split("\t")[1]}`) & (1n << 24n)) !== 0n;
}
