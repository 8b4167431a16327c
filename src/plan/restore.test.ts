// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Config } from "../oci/config.ts";
import { externalMounts } from "./external-mounts.ts";
import { planCriu, planMountPoints } from "./restore.ts";
import { type Change, configOf, fd, names, one, sequence } from "./testing.ts";

const host = { caller: { euid: 0, egid: 0, inUserNamespace: false }, namespaces: new Map() };
const cgroups = [
  { path: "/cg/memory/web", name: "memory", options: ["memory"], version: 1 },
  { path: "/cg/unified/web", name: "unified", options: [], version: 2 },
] as const;

function externals(config: Config, unifiedOnly = false) {
  return externalMounts(config, { bundle: "/bundle", input: host, cgroups, unifiedOnly });
}

const destinations = (change: Change, unifiedOnly?: boolean) =>
  externals(configOf(change), unifiedOnly).map(({ destination }) => destination);

const mounts = [
  { destination: "/proc", type: "proc", source: "proc" },
  { destination: "/a/../b", source: "here", options: ["bind", "ro"] },
  { destination: "/b/c", source: "/there", type: "bind" },
  { destination: "/t", type: "tmpfs", source: "tmpfs" },
  { destination: "/t/inner", source: "/there", options: ["rbind"] },
  { destination: "/b", options: ["bind", "remount", "ro"] },
];

test("external is what is bound from the host", () => {
  expect(destinations({ mounts })).toEqual(["/b", "/b/c", "/t/inner"]);
  expect(destinations({ mounts: [{ destination: "/", type: "tmpfs" }] })).toEqual([]);
});

test("cgroups are, unless they are of a namespace of the container's own", () => {
  const cgroup = [{ destination: "/sys/fs/cgroup", type: "cgroup" }];
  expect(destinations({ mounts: cgroup })).toEqual(["/sys/fs/cgroup/memory"]);
  expect(destinations({ mounts: cgroup }, true)).toEqual(["/sys/fs/cgroup"]);
  const namespaces = [{ type: "mount" }, { type: "cgroup" }] as const;
  expect(destinations({ mounts: cgroup, linux: { namespaces } })).toEqual([]);
});

test("devices of a user namespace are, and what stands in for a file system", () => {
  const mapping = [{ containerID: 0, hostID: 1000, size: 1 }];
  const user = { uidMappings: mapping, gidMappings: mapping };
  const namespaces = [{ type: "mount" }, { type: "user" }] as const;
  const sysfs = [{ destination: "/sys", type: "sysfs" }];
  const devices = [{ type: "p", path: "/dev/pipe", major: 0, minor: 0 }] as const;
  const found = destinations({ mounts: sysfs, linux: { ...user, namespaces, devices } });
  expect(found.slice(0, 2)).toEqual(["/sys", "/dev/null"]);
  expect(found).not.toContain("/dev/pipe");
});

test("criu finds every external mount as the container had it, on a stage of its own", () => {
  const config = configOf({ mounts });
  const plan = planCriu({
    program: "criu",
    searchPath: "/bin",
    environment: ["A=b"],
    socket: fd(7),
    inherited: [fd(9)],
    container: {
      cgroups: { tasksFiles: ["/cg/memory/web/tasks"], unified: "/cg/unified/web" },
      rootfs: "/bundle/rootfs",
      readOnly: true,
      mounts: externals(config),
      stage: "/run/rune/web/stage",
    },
  });
  const { operations } = plan;
  expect(plan.inherited).toEqual([fd(7), fd(9)]);
  expect(
    sequence(
      operations,
      "findProgram",
      "writeFile",
      "unshare",
      "root",
      "mountFs",
      "mountTree",
      "keep",
      "ready",
    ),
  ).toEqual([
    expect.stringMatching(/^findProgram/), // before anything is joined
    "writeFile /cg/memory/web/tasks",
    "writeFile /cg/unified/web/cgroup.procs",
    expect.stringMatching(/^unshare/),
    "root /run/rune/web/stage",
    "mountFs /mounts",
    "mountTree /mounts/root",
    "mountTree /mounts/0",
    "mountTree /mounts/1",
    "mountTree /mounts/2",
    expect.stringMatching(/^keep/),
    expect.stringMatching(/^keep/),
    expect.stringMatching(/^ready/),
  ]);
  const trees = operations.filter(({ op }) => op === "mountTree");
  expect(trees.map((tree) => "set" in tree && tree.set)).toEqual([1, 1, 0, 0]);
  expect(operations.at(-1)).toEqual({ op: "exec", argv: ["criu", "swrk", "7"], env: ["A=b"] });
});

test("for a dump criu stays where it is", () => {
  const plan = planCriu({ program: "/opt/criu", searchPath: "", environment: [], socket: fd(5) });
  expect(names(plan.operations)).toEqual(["findProgram", "keep", "ready", "exec"]);
});

test("mount points are made where they are not part of a checkpoint", () => {
  const plan = planMountPoints(configOf({ mounts }), {
    rootfs: "/bundle/rootfs",
    bundle: "/bundle",
    input: host,
  });
  expect(sequence(plan.operations, "openTree", "unshare", "root", "mkdir", "mountTree")).toEqual([
    "openTree /bundle/rootfs",
    "openTree /bundle/here",
    "openTree /there",
    expect.stringMatching(/^unshare/),
    "root /bundle/rootfs",
    "mkdir /proc",
    "mountTree /b",
    "mountTree /b/c",
    "mkdir /t", // and nothing below: criu brings what was on the tmpfs
  ]);
  expect(one(plan.operations, "propagation").recursive).toBe(true);
  expect(plan.operations.at(-1)).toEqual({ op: "exit" });
});
