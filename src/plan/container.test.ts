// SPDX-License-Identifier: Apache-2.0
/** What the interpreter is told to do, in which order, for configurations that people write. */
import { expect, test } from "bun:test";
import { planContainer } from "./container.ts";
import { all, configOf, fd, input, names, one, operations, sequence } from "./testing.ts";

test("the default configuration", () => {
  const plan = operations({}, { fifo: fd(9) });
  expect(names(plan)).toEqual([
    ...["openTree", "clone", "setsid", "netDevice", "affinity", "propagation", "root"],
    ...["mountFs", "mountFs", "mountFs", "mountFs", "mountFs", "mountFs"],
    ...["mountFs", "attributes"], // of the cgroups' tmpfs
    ...Array<string>(6).fill("mknod"),
    ...Array<string>(6).fill("symlink"),
    ...["pivot", "devNull", "mkdir", "attributes", "hostname"],
    ...Array<string>(5).fill("readonly"),
    ...Array<string>(10).fill("mask"),
    ...["rlimit", "noNewPrivs", "cwd", "bounding", "ids", "capabilities", "umask", "cwd"],
    ...["home", "findProgram", "ready", "waitFifo", "exec"],
  ]);
  expect(sequence(plan, "mountFs")).toEqual([
    "mountFs /proc",
    "mountFs /dev",
    "mountFs /dev/pts",
    "mountFs /dev/shm",
    "mountFs /dev/mqueue",
    "mountFs /sys",
    "mountFs /sys/fs/cgroup",
  ]);
  expect(one(plan, "openTree")).toEqual({
    op: "openTree",
    slot: expect.any(Number),
    path: "/bundle/rootfs",
    recursive: true,
  });
  expect(one(plan, "root").slot).toBe(one(plan, "openTree").slot);
  expect(one(plan, "clone")).toMatchObject({ flags: 0x6c020000, uidMap: "", gidMap: "" });
  expect(one(plan, "pivot").mode).toBe("pivot");
  expect(one(plan, "exec")).toMatchObject({ argv: ["sh"] });
  expect(
    all(plan, "mknod").map(({ path, major, minor, mode }) => [path, major, minor, mode]),
  ).toEqual([
    ["/dev/null", 1, 3, 0o20666],
    ["/dev/random", 1, 8, 0o20666],
    ["/dev/full", 1, 7, 0o20666],
    ["/dev/tty", 5, 0, 0o20666],
    ["/dev/zero", 1, 5, 0o20666],
    ["/dev/urandom", 1, 9, 0o20666],
  ]);
});

test("masked and read-only paths come when all that fills them is done", () => {
  const plan = names(operations());
  for (const earlier of ["mountFs", "mknod", "symlink", "pivot", "hostname"] as const) {
    expect(plan.lastIndexOf(earlier)).toBeLessThan(plan.indexOf("readonly"));
  }
  expect(plan.lastIndexOf("readonly")).toBeLessThan(plan.indexOf("mask"));
  expect(plan.lastIndexOf("mask")).toBeLessThan(plan.indexOf("ids"));
});

test("run has no fifo, and waits for the start all the same", () => {
  const plan = names(operations());
  expect(plan).not.toContain("waitFifo");
  expect(plan.slice(-2)).toEqual(["ready", "exec"]);
});

test("descriptors that the plan inherits", () => {
  const terminal = { process: { terminal: true, consoleSize: { height: 24, width: 80 } } };
  const plan = planContainer(
    configOf(terminal),
    { ...input, fifo: fd(9), consoleSocket: fd(8) },
    "/",
  );
  expect<number[]>(plan.inherited).toEqual([9, 8]);
  expect<number>(one(plan.operations, "waitFifo").slot).toBe(0);
  expect(one(plan.operations, "console")).toEqual({
    op: "console",
    slot: expect.any(Number),
    rows: 24,
    columns: 80,
    mount: true,
  });
  const order = names(plan.operations);
  expect(order.indexOf("console")).toBe(order.indexOf("pivot") + 1);
});

test("--no-pivot moves the root", () => {
  expect(one(operations({}, { noPivot: true }), "pivot").mode).toBe("move");
});

test("version 1 cgroups and oom_score_adj are joined and set before everything else", () => {
  const tasksFiles = ["/cg/memory/web/tasks", "/cg/pids/web/tasks"];
  const plan = operations(
    { process: { oomScoreAdj: -5 } },
    { cgroups: { mounts: [], tasksFiles } },
  );
  expect(plan.slice(0, 3)).toEqual([
    { op: "writeFile", path: "/cg/memory/web/tasks", data: "0" },
    { op: "writeFile", path: "/cg/pids/web/tasks", data: "0" },
    { op: "writeFile", path: "/proc/self/oom_score_adj", data: "-5" },
  ]);
});

test("the version 2 cgroup is opened before a namespace is joined, and the child born in it", () => {
  const namespaces = [{ type: "mount", path: "/proc/7/ns/mnt" }] as const;
  const plan = operations(
    { linux: { namespaces } },
    {
      cgroups: { mounts: [], tasksFiles: [], unified: "/cg/web" },
      namespaces: new Map([["/proc/7/ns/mnt", fd(11)]]),
    },
  );
  const open = one(plan, "open");
  expect(open).toMatchObject({ path: "/cg/web", flags: 0o200000 });
  expect(one(plan, "clone").cgroup).toBe(open.slot);
  expect(names(plan).indexOf("open")).toBeLessThan(names(plan).indexOf("setns"));
});

test("a new user namespace gets its maps; its devices are bound from the host", () => {
  const kind = { kind: "rootless", uid: 1000, gid: 100 } as const;
  const plan = operations({ kind }, { caller: { euid: 1000, egid: 100, inUserNamespace: false } });
  expect(one(plan, "clone")).toMatchObject({
    flags: 0x3c020000,
    uidMap: "0 1000 1\n",
    gidMap: "0 100 1\n",
    denySetgroups: true,
    asksForMaps: false,
  });
  expect(one(operations({ kind }), "clone").denySetgroups).toBe(false);
  expect(names(plan)).not.toContain("mknod");
  const sources = all(plan, "openTree").map(({ path, slot }) => [path, slot] as const);
  for (const device of all(plan, "bindDevice")) {
    expect(sources).toContainEqual([device.path, device.slot]);
  }
  expect(all(plan, "bindDevice")).toHaveLength(6);
  // Only there an ordinary user has rights over mounts; root opens while it has all its own.
  expect(names(plan).indexOf("openTree")).toBeGreaterThan(names(plan).indexOf("clone"));
  expect(names(plan).lastIndexOf("openTree")).toBeLessThan(names(plan).indexOf("root"));
  const byRoot = names(operations({ kind }));
  expect(byRoot.lastIndexOf("openTree")).toBeLessThan(byRoot.indexOf("clone"));
});

test("several maps are lines of one write", () => {
  const uidMappings = [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100000, size: 65536 },
  ];
  const linux = {
    uidMappings,
    gidMappings: uidMappings,
    namespaces: [{ type: "user" }, { type: "mount" }],
  } as const;
  expect(one(operations({ linux }), "clone").uidMap).toBe("0 1000 1\n1 100000 65536\n");
});

test("namespaces with a path are joined, root's user namespace last, anyone else's first", () => {
  const namespaces = [
    { type: "user", path: "/ns/user" },
    { type: "network", path: "/ns/net" },
    { type: "pid", path: "" },
    { type: "mount" },
  ] as const;
  const open = new Map([
    ["/ns/user", fd(20)],
    ["/ns/net", fd(21)],
  ]);
  const joined = (euid: number) => {
    const plan = planContainer(
      configOf({ linux: { namespaces } }),
      { ...input, namespaces: open, caller: { euid, egid: euid, inUserNamespace: false } },
      "/",
    );
    const setns = all(plan.operations, "setns");
    expect(one(plan.operations, "clone")).toMatchObject({ flags: 0x20020000, uidMap: "" });
    return setns.map(({ slot, types }) => [plan.inherited[slot], types]);
  };
  expect<unknown>(joined(0)).toEqual([
    [21, 0x40000000],
    [20, 0x10000000],
  ]);
  expect<unknown>(joined(1000)).toEqual([
    [20, 0x10000000],
    [21, 0x40000000],
  ]);
});

test("the loopback device of a new network namespace is brought up, a joined one's left alone", () => {
  const up = (namespaces: readonly object[]) =>
    all(operations({ linux: { namespaces: namespaces as never } }), "netDevice");
  expect(up([{ type: "mount" }, { type: "network" }])).toEqual([
    { op: "netDevice", name: "lo", addresses: new Uint8Array() },
  ]);
  expect(up([{ type: "mount" }])).toEqual([]);
});

test("a cgroup namespace is made by the child, which is in its cgroup by then", () => {
  const plan = operations({ unifiedCgroups: true });
  expect(one(plan, "clone").flags & 0x02000000).toBe(0);
  const order = names(plan);
  expect(order.slice(order.indexOf("clone"), order.indexOf("clone") + 4)).toEqual([
    "clone",
    "setsid",
    "netDevice",
    "unshare",
  ]);
  expect(one(plan, "unshare").flags).toBe(0x02000000);
});

test("root and rootfs properties", () => {
  const plan = operations({
    config: { root: { path: "rootfs", readonly: false }, hostname: "", domainname: "lan" },
    linux: { rootfsPropagation: "rshared", sysctl: { "net.ipv4.ip_forward": "1" } },
  });
  expect(all(plan, "propagation")).toEqual([
    { op: "propagation", path: "/", flag: 1 << 19, recursive: true },
    { op: "propagation", path: "/", flag: 1 << 18, recursive: false },
    { op: "propagation", path: "/", flag: 1 << 20, recursive: true },
  ]);
  expect(names(plan)).not.toContain("hostname");
  expect(one(plan, "domainname").name).toBe("lan");
  expect(one(plan, "sysctl")).toEqual({
    op: "sysctl",
    name: "net/ipv4/ip_forward",
    value: "1",
  });
  expect(sequence(plan, "attributes")).toEqual(["attributes /sys/fs/cgroup"]);
});
