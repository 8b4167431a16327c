// SPDX-License-Identifier: Apache-2.0
/** New namespaces, the host's, and those of others by path; user namespaces; host name; sysctl. */
import { expect } from "bun:test";
import { lchownSync, readFileSync, readlinkSync } from "node:fs";
import { type JsonObject, moreMounts, namespaces, shell } from "../support/bundle.ts";
import { eventually, Running } from "../support/command.ts";
import { comparison, except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** OCI's names and the kernel's, /proc/PID/ns. */
const kernelNames = {
  pid: "pid",
  network: "net",
  ipc: "ipc",
  uts: "uts",
  mount: "mnt",
  cgroup: "cgroup",
  user: "user",
} as const;

type Type = keyof typeof kernelNames;

const types: readonly Type[] = ["pid", "network", "ipc", "uts", "mount", "cgroup", "user"];

function namespaceOf(pid: number | "self", type: Type): string {
  return readlinkSync(`/proc/${pid}/ns/${kernelNames[type]}`);
}

const mapped: JsonObject = {
  linux: {
    uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
    gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
  },
};

// covers: linux.namespaces.type
test("namespaces asked for are new, the others the host's", async () => {
  await using sandbox = new Sandbox();
  const { pid } = await sandbox.state(await sandbox.started());
  const separate: readonly string[] = ["pid", "network", "ipc", "uts", "mount"];
  for (const type of types) {
    expect([type, namespaceOf(pid, type) === namespaceOf("self", type)]).toEqual([
      type,
      !separate.includes(type),
    ]);
  }
});

// covers: linux.namespaces.type
test("a new network namespace has its loopback device up, without a capability of the container's", async () => {
  await using sandbox = new Sandbox();
  const bare = { process: { capabilities: {}, user: { uid: 1000, gid: 1000 } } };
  const flags = await sandbox.output(bare, shell("ip addr show lo"));
  expect(flags).toContain("LOOPBACK,UP");
  expect(flags).toContain("inet 127.0.0.1/8");
  const inUser = namespaces([], { type: "user" });
  expect(await sandbox.output(inUser, mapped, shell("ip addr show lo"))).toContain("LOOPBACK,UP");
});

comparison("which namespaces are new is what it is with runc", async () => {
  const variants: JsonObject[] = [
    {},
    namespaces([], { type: "cgroup" }),
    namespaces(["network", "ipc"]),
    namespaces([], { type: "user" }),
  ];
  for (const variant of variants) {
    const seen = [];
    for (const runtime of ["rune", "runc"] as const) {
      await using sandbox = new Sandbox(runtime);
      const maps = JSON.stringify(variant).includes('"user"') ? mapped : {};
      if (maps === mapped) makeRootOwned(sandbox);
      const { pid } = await sandbox.state(await sandbox.started(variant, maps));
      seen.push(types.filter((type) => namespaceOf(pid, type) !== namespaceOf("self", type)));
    }
    expect(seen[0]).toEqual(seen[1] ?? []);
  }
});

for (const type of ["network", "ipc", "uts", "pid"] as const) {
  // covers: linux.namespaces.path
  test(`a ${type} namespace is joined by its path`, async () => {
    await using sandbox = new Sandbox();
    const other = await sandbox.state(await sandbox.started());
    const path = `/proc/${other.pid}/ns/${kernelNames[type]}`;
    const joining = await sandbox.started(
      namespaces([type], { type, path }),
      type === "uts" ? { hostname: "" } : {},
    );
    const { pid } = await sandbox.state(joining);
    expect(namespaceOf(pid, type)).toBe(namespaceOf(other.pid, type));
  });
}

test("a cgroup namespace is joined by its path", async () => {
  await using sandbox = new Sandbox();
  const other = await sandbox.state(await sandbox.started(namespaces([], { type: "cgroup" })));
  const path = `/proc/${other.pid}/ns/cgroup`;
  const { pid } = await sandbox.state(
    await sandbox.started(namespaces([], { type: "cgroup", path })),
  );
  expect(namespaceOf(pid, "cgroup")).toBe(namespaceOf(other.pid, "cgroup"));
});

test("a mount namespace is joined by its path, and gets the container's root", async () => {
  await using sandbox = new Sandbox();
  using holder = new Running(["unshare", "--mount", "--propagation", "private", "sleep", "1000"]);
  try {
    await eventually(
      "a mount namespace",
      () => namespaceOf(holder.pid, "mount") !== namespaceOf("self", "mount"),
    );
    const path = `/proc/${holder.pid}/ns/mnt`;
    const id = await sandbox.started(namespaces(["mount"], { type: "mount", path }));
    const { pid } = await sandbox.state(id);
    expect(namespaceOf(pid, "mount")).toBe(namespaceOf(holder.pid, "mount"));
    const { stdout } = await sandbox.must(["exec", id, "ls", "/"]);
    expect(stdout.split("\n")).toContain("proc");
    expect(stdout).not.toContain("usr");
    await sandbox.must(["delete", "--force", id]);
  } finally {
    holder.kill("SIGKILL");
    await holder.exited();
  }
});

test("a path that does not exist is refused", async () => {
  await using sandbox = new Sandbox();
  const missing = namespaces(["network"], { type: "network", path: "/no/such/namespace" });
  expect((await sandbox.run(missing)).status).toBe(1);
  await sandbox.expectNothingLeft();
});

except("crun", "1.8.1 waits for the others as well")(
  "the host's pid namespace: its processes end with the container",
  async () => {
    await using sandbox = new Sandbox();
    sandbox.configure(namespaces(["pid"]), shell("sleep 1000 & sleep 1000 & exit 3"));
    expect((await sandbox.call(["run", sandbox.id()])).status).toBe(3);
    await sandbox.expectNothingLeft();
  },
);

test("a process that the container leaves in the background ends with it", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(shell("sleep 1000 & sleep 1000 & exit 3"));
  expect((await sandbox.call(["run", sandbox.id()])).status).toBe(3);
  await sandbox.expectNothingLeft();
});

// covers: linux.uidMappings, linux.gidMappings
test("root of a user namespace is an ordinary user of the host", async () => {
  await using sandbox = new Sandbox();
  makeRootOwned(sandbox);
  const text = await sandbox.output(
    namespaces([], { type: "user" }),
    mapped,
    shell("id -u; cat /proc/self/uid_map; stat -c %u /bin/busybox; touch /new; stat -c %u /new"),
  );
  expect(text.split("\n").map((line) => line.trim().replace(/ +/g, " "))).toEqual([
    "0",
    "0 100000 65536",
    "0",
    "0",
  ]);
});

test("the devices of a user namespace work", async () => {
  await using sandbox = new Sandbox();
  makeRootOwned(sandbox);
  const text = await sandbox.output(
    namespaces([], { type: "user" }),
    mapped,
    shell("echo x >/dev/null; head -c 3 /dev/zero | wc -c; stat -c '%F %t:%T' /dev/full"),
  );
  expect(text).toBe("3\ncharacter special file 1:7");
});

test("a user of a user namespace, with groups", async () => {
  await using sandbox = new Sandbox();
  makeRootOwned(sandbox);
  const user = { uid: 1000, gid: 1000, additionalGids: [5, 6] };
  const text = await sandbox.output(
    namespaces([], { type: "user" }),
    mapped,
    { process: { user } },
    shell("id -u; id -g; id -G"),
  );
  expect(text).toBe("1000\n1000\n1000 5 6");
});

test("a user namespace without mappings is refused", async () => {
  await using sandbox = new Sandbox();
  expect((await sandbox.run(namespaces([], { type: "user" }))).status).toBe(1);
  await sandbox.expectNothingLeft();
});

test("a user that is not mapped is refused", async () => {
  await using sandbox = new Sandbox();
  makeRootOwned(sandbox);
  const { status } = await sandbox.run(namespaces([], { type: "user" }), mapped, {
    process: { user: { uid: 70000, gid: 0 } },
  });
  expect(status).toBe(1);
  await sandbox.expectNothingLeft();
});

// covers: hostname
test("the host name", async () => {
  await using sandbox = new Sandbox();
  expect(await sandbox.output({ hostname: "other-name" }, shell("hostname"))).toBe("other-name");
});

// covers: domainname
only("rune", "1.1.5 ignores it")("the domain name", async () => {
  await using sandbox = new Sandbox();
  const text = await sandbox.output(
    { domainname: "example.org" },
    shell("cat /proc/sys/kernel/domainname"),
  );
  expect(text).toBe("example.org");
});

test("a host name without a uts namespace is refused", async () => {
  const before = readFileSync("/proc/sys/kernel/hostname", "utf8");
  await using sandbox = new Sandbox();
  expect((await sandbox.run(namespaces(["uts"]))).status).toBe(1);
  expect(readFileSync("/proc/sys/kernel/hostname", "utf8")).toBe(before);
  await sandbox.expectNothingLeft();
});

for (const name of ["net.ipv4.ip_forward", "net/ipv4/ip_forward"]) {
  // covers: linux.sysctl
  test(`sysctl ${name}`, async () => {
    await using sandbox = new Sandbox();
    const host = readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim();
    const value = host === "0" ? "1" : "0";
    const text = await sandbox.output(
      { linux: { sysctl: { [name]: value, "kernel.shm_rmid_forced": "1" } } },
      shell("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced"),
    );
    expect(text).toBe(`${value}\n1`);
    expect(readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim()).toBe(host);
  });
}

for (const [what, change] of Object.entries<JsonObject>({
  "of the whole host": { linux: { sysctl: { "vm.swappiness": "1" } } },
  "of a network that is the host's": {
    linux: {
      namespaces: ["pid", "ipc", "uts", "mount"].map((type) => ({ type })),
      sysctl: { "net.ipv4.ip_forward": "1" },
    },
  },
  "with dots that lead elsewhere": { linux: { sysctl: { "net/../kernel/domainname": "x" } } },
})) {
  test(`sysctl ${what} is refused`, async () => {
    await using sandbox = new Sandbox();
    expect((await sandbox.run(change)).status).toBe(1);
    await sandbox.expectNothingLeft();
  });
}

test("a shared file system in a joined mount namespace", async () => {
  await using sandbox = new Sandbox();
  const tmpfs = { destination: "/shared", type: "tmpfs", source: "tmpfs", options: ["size=64k"] };
  const id = await sandbox.started(moreMounts(tmpfs), shell("echo text >/shared/file; sleep 1000"));
  const { stdout } = await sandbox.must([
    ...["exec", id, "sh", "-c"],
    "until [ -s /shared/file ]; do sleep 0.05; done; cat /shared/file",
  ]);
  expect(stdout).toBe("text\n");
});

/** The files of the image belong to the mapped root, so that it may make mount points. */
function makeRootOwned({ bundle }: Sandbox): void {
  for (const name of [
    "",
    ...new Bun.Glob("**").scanSync({ cwd: bundle.rootfs, onlyFiles: false }),
  ]) {
    lchownSync(`${bundle.rootfs}/${name}`, 100000, 100000);
  }
}

test("a path of another type, or of no namespace, is refused and named", async () => {
  await using sandbox = new Sandbox();
  for (const [path, reason] of [
    ["/proc/self/ns/uts", "it is one of type `uts`"],
    ["/proc/self/status", "it is no namespace"],
  ] as const) {
    sandbox.configure(namespaces(["network"], { type: "network", path }));
    const { status, stderr } = await sandbox.call(["run", sandbox.id()]);
    expect(status).toBe(1);
    if (sandbox.runtime === "rune") expect(stderr).toContain(reason);
  }
});

only("rune", "runc 1.1.5 waits for ever")(
  "a fifo in the place of a namespace keeps nobody waiting",
  async () => {
    await using sandbox = new Sandbox();
    const path = `${sandbox.path}/fifo`;
    Bun.spawnSync(["mkfifo", path]);
    sandbox.configure(namespaces(["ipc"], { type: "ipc", path }));
    const { status, stderr } = await sandbox.call(["run", sandbox.id()]);
    expect(status).toBe(1);
    expect(stderr).toContain("it is no namespace");
  },
);
