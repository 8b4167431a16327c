// SPDX-License-Identifier: Apache-2.0
/** Mounts, devices and the container's view of its cgroups. */
import { expect, test } from "bun:test";
import type { Mount } from "../oci/config.ts";
import type { RootfsPropagation } from "../oci/config-linux.ts";
import type { CgroupMount } from "./host.ts";
import { cleanPath } from "./mounts.ts";
import type { Operation } from "./operation.ts";
import { all, type Change, fd, names, one, operations, sequence } from "./testing.ts";

const hierarchies: readonly CgroupMount[] = [
  { path: "/cg/cpu,cpuacct/web", name: "cpu,cpuacct", options: ["cpu", "cpuacct"], version: 1 },
  { path: "/cg/systemd/web", name: "systemd", options: ["name=systemd"], version: 1 },
  { path: "/cg/unified/web", name: "unified", options: [], version: 2 },
];
const cgroupKinds = ["mountFs", "openTree", "mountTree", "attributes"] as const;
const cgroupMount = (options: string[]) => [
  { destination: "/sys/fs/cgroup", type: "cgroup", options },
];

test("version 1 hierarchies are bound, so that neighbours are not seen", () => {
  const plan = operations(
    { mounts: cgroupMount(["ro", "nosuid"]) },
    { cgroups: { mounts: hierarchies, tasksFiles: [] } },
  );
  expect(sequence(plan, ...cgroupKinds).slice(0, -1)).toEqual([
    "openTree /bundle/rootfs",
    "openTree /cg/cpu,cpuacct/web",
    "openTree /cg/systemd/web",
    "mountFs /sys/fs/cgroup",
    "mountTree /sys/fs/cgroup/cpu,cpuacct",
    "mountTree /sys/fs/cgroup/systemd",
    "attributes /sys/fs/cgroup",
  ]);
  expect(one(plan, "mountFs")).toMatchObject({ type: "tmpfs", attributes: 2 }); // not yet read-only
  expect(all(plan, "mountTree").map(({ set }) => set)).toEqual([3, 3]);
  const kinds = plan.map(({ op }) => op);
  expect(kinds.indexOf("symlink")).toBeLessThan(kinds.indexOf("attributes")); // read-only then
  expect(all(plan, "symlink").slice(0, 2)).toEqual([
    { op: "symlink", target: "cpu,cpuacct", path: "/sys/fs/cgroup/cpu" },
    { op: "symlink", target: "cpu,cpuacct", path: "/sys/fs/cgroup/cpuacct" },
  ]);
  expect(all(plan, "symlink")).toHaveLength(2 + 6); // and those of /dev
  expect(one(plan, "attributes").set).toBe(1);
});

test("version 1 hierarchies are mounted anew in a cgroup namespace", () => {
  const namespaces = [{ type: "cgroup" }, { type: "mount" }] as const;
  const plan = operations(
    { mounts: cgroupMount([]), linux: { namespaces } },
    { cgroups: { mounts: hierarchies, tasksFiles: [] } },
  );
  expect(
    all(plan, "mountFs").map(({ type, options, destination }) => [type, options, destination]),
  ).toEqual([
    ["tmpfs", ["mode=755"], "/sys/fs/cgroup"],
    ["cgroup", ["cpu", "cpuacct"], "/sys/fs/cgroup/cpu,cpuacct"],
    ["cgroup", ["name=systemd"], "/sys/fs/cgroup/systemd"],
  ]);
});

test("the unified hierarchy is mounted anew in a namespace, bound without one", () => {
  const over = { unifiedOnly: true, cgroups: { mounts: hierarchies.slice(2), tasksFiles: [] } };
  const own = operations({ mounts: cgroupMount(["ro"]), unifiedCgroups: true }, over);
  expect(one(own, "mountFs")).toMatchObject({
    type: "cgroup2",
    destination: "/sys/fs/cgroup",
    attributes: 1,
  });
  const bound = operations({ mounts: cgroupMount(["ro"]) }, over);
  expect(sequence(bound, "openTree", "mountTree", "mountFs")).toEqual([
    "openTree /bundle/rootfs",
    "openTree /cg/unified/web",
    "mountTree /sys/fs/cgroup",
  ]);
  const without = { unifiedOnly: true, cgroups: { mounts: [], tasksFiles: [] } };
  expect(names(operations({ mounts: cgroupMount([]) }, without))).not.toContain("mountFs");
});

test("a read-only /dev is filled first", () => {
  const dev = { destination: "dev/", type: "tmpfs", source: "tmpfs", options: ["ro", "nosuid"] };
  const plan = operations({ mounts: [dev] });
  expect(one(plan, "tmpfs")).toMatchObject({ destination: "/dev", attributes: 2, options: [] });
  const set = plan.findIndex((o) => o.op === "attributes" && o.path === "/dev");
  expect(plan[set]).toEqual({ op: "attributes", path: "/dev", set: 1 });
  expect(set).toBeGreaterThan(names(plan).lastIndexOf("symlink"));
});

test("a bound /dev is left as it is", () => {
  const plan = operations({
    mounts: [{ destination: "/dev", type: "bind", source: "/dev", options: ["rbind", "ro"] }],
  });
  expect(names(plan)).not.toContain("mknod");
  expect(names(plan)).not.toContain("symlink");
  expect(all(plan, "attributes").map(({ path }) => path)).toEqual(["/"]);
  expect(one(plan, "mountTree").set).toBe(1);
});

test("bind mounts: sources, depth, attributes, propagation", () => {
  const bind = (options: string[], source = "/host") =>
    operations({ mounts: [{ destination: "/to", type: "bind", source, options }] });
  const source = (plan: Operation[]) => all(plan, "openTree")[1];
  expect(source(bind(["bind"]))).toMatchObject({ path: "/host", recursive: false });
  expect(source(bind(["rbind"]))).toMatchObject({ recursive: true });
  expect(source(bind(["ro"]))).toMatchObject({ recursive: true });
  expect(source(bind(["bind"], "data"))).toMatchObject({ path: "/bundle/data" });
  expect(one(bind(["rbind", "ro", "rro"]), "mountTree")).toMatchObject({
    set: 1,
    recursiveSet: 1,
    propagation: { flag: 0, recursive: false },
  });
  expect(one(bind(["bind", "rw", "rshared"]), "mountTree")).toMatchObject({
    set: 0,
    clear: 1,
    propagation: { flag: 1 << 20, recursive: true },
  });
  expect(() => bind(["bind"], "")).toThrow("a bind mount needs a source");
});

test("the options of new file systems", () => {
  const plan = operations({
    mounts: [
      { destination: "/a", type: "tmpfs", options: ["mode=1", "noexec", "sync", "rw", "shared"] },
      { destination: "/b", type: "sysfs", options: ["nosuid", "ignored=1"] },
      { destination: "/proc", type: "proc", source: "proc", options: ["hidepid=2"] },
      { destination: "/d", type: "erofs", source: "/image", options: ["ro", "rrw", "rnodev"] },
    ],
  });
  expect(all(plan, "mountFs")).toMatchObject([
    { source: "tmpfs", options: ["sync", "mode=1"], attributes: 8, propagation: 1 << 20 },
    { options: [], attributes: 2, propagation: 1 << 18, links: false },
    { options: ["hidepid=2"], links: false },
    // The device may be one that can only be read; the mount has what comes last.
    { options: ["ro"], attributes: 4, links: true },
  ]);
});

test("a tmpfs that says no mode has that of what it hides, and maybe the content", () => {
  const tmpfs = (...options: string[]) =>
    operations({ mounts: [{ destination: "/run", type: "tmpfs", source: "run", options }] });
  expect(one(tmpfs("size=1m", "ro"), "tmpfs")).toEqual({
    op: "tmpfs",
    source: "run",
    options: ["size=1m"],
    attributes: 1,
    propagation: 1 << 18,
    destination: "/run",
    takesMode: true,
    takesContent: false,
  });
  const copied = one(tmpfs("tmpcopyup", "mode=700"), "tmpfs");
  expect(copied).toMatchObject({ takesMode: false, takesContent: true, options: ["mode=700"] });
});

test("options that are too long for fsconfig go through mount(2), up to its own limit", () => {
  const overlay = (length: number, ...more: string[]) =>
    operations({
      mounts: [
        {
          destination: "/o",
          type: "overlay",
          options: [`lowerdir=${"x".repeat(length)}`, ...more],
        },
      ],
    });
  expect(one(overlay(246), "mountFs")).toMatchObject({ type: "overlay" });
  const flags = ["ro", "nosuid", "nodiratime", "noatime", "nosymfollow", "sync", "dirsync"];
  expect(one(overlay(247, "index=off", ...flags), "mountData")).toMatchObject({
    source: "overlay",
    data: `lowerdir=${"x".repeat(247)},index=off`,
    flags: 1 | 2 | 16 | 128 | 256 | 1024 | 2048,
  });
  expect(() => overlay(4087)).toThrow("4096 bytes, the kernel takes at most 4095");
});

test("a remount changes the mount, and the file system unless it is a bind mount", () => {
  const remount = (type: string, ...options: string[]) =>
    one(operations({ mounts: [{ destination: "/m", type, options }] }), "remount");
  expect(remount("bind", "remount", "ro")).toEqual({
    op: "remount",
    path: "/m",
    set: 1,
    clear: 0,
    reset: 14 | 0x20_0000,
  });
  expect(remount("tmpfs", "remount", "ro", "size=2m")).toMatchObject({
    options: ["ro", "size=2m"],
  });
});

test("ids of a bind mount: its own maps, those of the container, a namespace that is joined", () => {
  const map = [{ containerID: 0, hostID: 1000, size: 5 }];
  const other = [{ containerID: 0, hostID: 7, size: 9 }];
  const planned = (mount: Partial<Mount>, linux = {}, over = {}) =>
    operations(
      { linux, mounts: [{ destination: "/m", type: "bind", source: "/s", ...mount }] },
      over,
    );
  const user = {
    namespaces: [{ type: "mount" }, { type: "user" }],
    uidMappings: other,
    gidMappings: other,
  };
  const own = planned({ uidMappings: map, gidMappings: map });
  expect(one(own, "idMap")).toMatchObject({
    uidMap: "0 1000 5\n",
    gidMap: "0 1000 5\n",
    recursive: false,
  });
  // With the host's rights, on a tree that nobody has seen yet.
  const order = names(own).filter((name) => ["openTree", "idMap", "clone"].includes(name));
  expect(order).toEqual(["openTree", "openTree", "idMap", "clone"]);
  expect(one(planned({ options: ["rbind", "ridmap"] }, user), "idMap")).toMatchObject({
    uidMap: "0 7 9\n",
    recursive: true,
  });
  const joined = { namespaces: [{ type: "mount" }, { type: "user", path: "/ns" }] };
  const over = { namespaces: new Map([["/ns", fd(11)]]) };
  expect(one(planned({ options: ["idmap"] }, joined, over), "idMap")).toMatchObject({ uidMap: "" });
  const code = (name: string) => expect.objectContaining({ code: name });
  expect(() => planned({ options: ["idmap"] })).toThrow("has no mappings");
  expect(() => planned({ uidMappings: map })).toThrow("both uidMappings and gidMappings");
  const caller = { euid: 1000, egid: 1000, inUserNamespace: false };
  expect(() => planned({ options: ["idmap"] }, user, { caller })).toThrow(
    code("CONFIG_UNSUPPORTED"),
  );
  expect(() => planned({ type: "tmpfs", options: ["idmap"] }, user)).toThrow("only a bind mount");
});

test("a copy into anything but a tmpfs is refused", () => {
  const mounts = [{ destination: "/a", type: "bind", source: "/s", options: ["tmpcopyup"] }];
  expect(() => operations({ mounts })).toThrow("only a tmpfs can start with a copy");
});

test("only a procfs is mounted on /proc, and nothing inside it but what imitates single files", () => {
  const at = (destination: string, type: string) =>
    names(operations({ mounts: [{ destination, type, source: "/s" }] }));
  expect(at("/proc", "proc")).toContain("mountFs");
  expect(at("/proc/meminfo", "bind")).not.toContain("demandProc");
  expect(at("/process", "tmpfs")).toContain("tmpfs");
  const bound = at("proc/", "bind");
  expect(bound.indexOf("demandProc")).toBe(bound.lastIndexOf("openTree") + 1);
  expect(() => at("/x/../proc", "tmpfs")).toThrow("only a procfs may be there, not `tmpfs`");
  expect(() => at("/proc/sys", "bind")).toThrow("nothing may be mounted inside /proc");
  expect(() => at("/proc/self/attr", "proc")).toThrow("nothing may be mounted inside /proc");
});

test("what a bind mount has to do with its source follows rootfsPropagation", () => {
  const base = (rootfsPropagation?: RootfsPropagation, user = false, inUserNamespace = false) => {
    const namespaces = user
      ? [{ type: "mount" }, { type: "user", path: "/ns" }]
      : [{ type: "mount" }];
    const linux = { namespaces, ...(rootfsPropagation && { rootfsPropagation }) } as const;
    const caller = { euid: 0, egid: 0, inUserNamespace };
    const plan = operations(
      { linux, mounts: [{ destination: "/m", type: "bind", source: "/s" }] } as Change,
      { caller },
    );
    return one(plan, "mountTree").base;
  };
  const slave = 1 << 19;
  const apart = 1 << 18;
  expect([base(), base("slave"), base("rslave")]).toEqual([slave, slave, slave]);
  expect([base("private"), base("rprivate"), base("unbindable")]).toEqual([apart, apart, apart]);
  expect([base("shared"), base("rshared")]).toEqual([0, 0]);
  expect([base("rshared", true), base("rshared", false, true)]).toEqual([slave, slave]);
  const plan = operations({ linux: { rootfsPropagation: "rshared" } });
  expect(all(plan, "propagation").slice(1)).toEqual([
    { op: "propagation", path: "/", flag: apart, recursive: false },
    { op: "propagation", path: "/", flag: 1 << 20, recursive: true },
  ]);
});

test("devices of the configuration override the default ones", () => {
  const devices = [
    { type: "c", path: "/dev/../dev/null", major: 1, minor: 3, fileMode: 0o600, uid: 7, gid: 8 },
    { type: "b", path: "/dev/sda", major: 8, minor: 0 },
    { type: "u", path: "/dev/u", major: 9, minor: 9 },
    { type: "p", path: "/dev/pipe", major: 0, minor: 0 },
  ] as const;
  const plan = operations({ linux: { devices } });
  const made = all(plan, "mknod");
  expect(made.filter(({ path }) => path === "/dev/null")).toEqual([
    { op: "mknod", path: "/dev/null", mode: 0o20600, major: 1, minor: 3, uid: 7, gid: 8 },
  ]);
  expect(made.slice(1, 4).map(({ path, mode }) => [path, mode])).toEqual([
    ["/dev/sda", 0o60666],
    ["/dev/u", 0o20666],
    ["/dev/pipe", 0o10666],
  ]);
  expect(made).toHaveLength(4 + 5);
  const bound = operations({ kind: { kind: "rootless", uid: 1, gid: 1 }, linux: { devices } });
  expect(all(bound, "mknod").map(({ path }) => path)).toEqual(["/dev/pipe"]);
});

test("/dev/core is there where the kernel has the file it points to", () => {
  const links = (hasKcore: boolean) => all(operations({}, { hasKcore }), "symlink");
  expect(links(true)).toContainEqual({ op: "symlink", target: "/proc/kcore", path: "/dev/core" });
  expect(links(false)).toHaveLength(5);
});

test("paths are clean and absolute", () => {
  for (const [path, clean] of [
    ["run/../a//b/", "/a/b"],
    ["/", "/"],
    ["", "/"],
    ["../../etc", "/etc"],
    ["/a/./b/..", "/a"],
    ["/..", "/"],
    ["/a/...", "/a/..."],
  ] as const) {
    expect(cleanPath(path)).toBe(clean);
  }
});
