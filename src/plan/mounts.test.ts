// SPDX-License-Identifier: Apache-2.0
/** Mounts, devices and the container's view of its cgroups. */
import { expect, test } from "bun:test";
import type { Mount } from "../oci/config.ts";
import type { CgroupMount } from "./host.ts";
import { cleanPath } from "./mounts.ts";
import type { Operation } from "./operation.ts";
import { all, names, one, operations, sequence } from "./testing.ts";

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
  expect(all(plan, "symlink")).toHaveLength(2 + 5); // and those of /dev
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
  expect(one(plan, "mountFs")).toMatchObject({ destination: "/dev", attributes: 2, options: [] });
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
      { destination: "/a", type: "tmpfs", options: ["size=1m", "noexec", "sync", "rw", "shared"] },
      { destination: "/b", type: "sysfs", options: ["nosuid", "ignored=1"] },
      { destination: "/c", type: "proc", source: "proc", options: ["hidepid=2"] },
    ],
  });
  expect(all(plan, "mountFs")).toMatchObject([
    { source: "tmpfs", options: ["sync", "size=1m"], attributes: 8, propagation: 1 << 20 },
    { options: [], attributes: 2, propagation: 1 << 18 },
    { options: ["hidepid=2"] },
  ]);
});

test("what cannot be done is refused, not ignored", () => {
  const refused = (mount: Partial<Mount>) => () =>
    operations({ mounts: [{ destination: "/a", type: "bind", source: "/s", ...mount }] });
  const unsupported = expect.objectContaining({ code: "CONFIG_UNSUPPORTED" });
  expect(refused({ options: ["idmap"] })).toThrow(unsupported);
  expect(refused({ options: ["remount"] })).toThrow(unsupported);
  expect(refused({ type: "tmpfs", options: ["tmpcopyup"] })).toThrow(unsupported);
  expect(refused({ uidMappings: [] })).toThrow(unsupported);
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
