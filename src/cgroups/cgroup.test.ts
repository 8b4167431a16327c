// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EACCES, EBUSY, EIO, ENOENT, EOPNOTSUPP } from "../kernel/constants.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import {
  type CgroupDemand,
  type CgroupDirectory,
  cgroupPids,
  createCgroup,
  locateCgroup,
  removeCgroup,
  removeMade,
  tasksFiles,
  unifiedPath,
} from "./cgroup.ts";
import type { Hierarchy } from "./layout.ts";

const memory: CgroupDirectory = { version: 1, controllers: ["memory"], path: "/cg/memory/web" };
const cpuset: CgroupDirectory = { version: 1, controllers: ["cpuset"], path: "/cg/cpuset/a/web" };
const unified: CgroupDirectory = { version: 2, controllers: [], path: "/cg/unified/a/b/web" };

function host(): RecordingKernel {
  return new RecordingKernel()
    .cgroupMount("/cg/memory", { "cgroup.procs": "", tasks: "" })
    .cgroupMount("/cg/cpuset", { "cgroup.procs": "", "cpuset.cpus": "", "cpuset.mems": "" })
    .cgroupMount("/cg/unified", { "cgroup.procs": "", "cgroup.subtree_control": "" });
}

const demand = (limited: boolean, optional?: "optional"): CgroupDemand => {
  return { limited, named: false, optional: () => optional !== undefined };
};

test("where a cgroup is", () => {
  const hierarchies: Hierarchy[] = [
    { version: 1, mountPoint: "/cg/memory", controllers: ["memory"], own: "/" },
    { version: 2, mountPoint: "/cg/unified", controllers: [], own: "/user.slice" },
  ];
  const paths = (path: string | undefined) =>
    locateCgroup(hierarchies, path, "web").map((directory) => directory.path);
  expect(paths(undefined)).toEqual(["/cg/memory/web", "/cg/unified/user.slice/web"]);
  expect(paths("")).toEqual(["/cg/memory/web", "/cg/unified/user.slice/web"]);
  expect(paths("a/./b/")).toEqual(["/cg/memory/a/b", "/cg/unified/user.slice/a/b"]);
  expect(paths("//a//b")).toEqual(["/cg/memory/a/b", "/cg/unified/a/b"]);
  for (const path of ["/", "..", "/a/../../b", ".", "./", "a/.."]) {
    expect(() => paths(path)).toThrow("names no cgroup");
  }
});

test("what a plan gets of them", () => {
  expect(tasksFiles([memory, unified])).toEqual(["/cg/memory/web/tasks"]);
  expect(unifiedPath([memory, unified])).toBe("/cg/unified/a/b/web");
  expect(unifiedPath([memory])).toBeUndefined();
});

test("directories and their parents are made; what exists stays", () => {
  const kernel = host();
  expect(createCgroup(kernel, [memory], demand(false))).toEqual([memory]);
  expect(createCgroup(kernel, [memory], demand(true))).toEqual([memory]);
  const deep = { ...memory, path: "/cg/memory/a/b/c" };
  createCgroup(kernel, [deep], demand(true));
  expect(kernel.text("/cg/memory/a/b/c/tasks")).toBe("");
});

test("a new cpuset gets its parent's values, from the top", () => {
  const kernel = host()
    .file("/cg/cpuset/cpuset.cpus", "0-3\n")
    .file("/cg/cpuset/cpuset.mems", "0\n");
  createCgroup(kernel, [cpuset], demand(false));
  for (const path of ["/cg/cpuset/a", "/cg/cpuset/a/web"]) {
    expect([kernel.text(`${path}/cpuset.cpus`), kernel.text(`${path}/cpuset.mems`)]).toEqual([
      "0-3",
      "0",
    ]);
  }
  const kept = host().file("/cg/cpuset/cpuset.cpus", "0-3\n").file("/cg/cpuset/cpuset.mems", "0\n");
  kept.mkdir("/cg/cpuset/a", 0o755);
  kept.file("/cg/cpuset/a/cpuset.cpus", "2\n").file("/cg/cpuset/a/cpuset.mems", "0\n");
  createCgroup(kept, [cpuset], demand(false));
  expect(kept.text("/cg/cpuset/a/web/cpuset.cpus")).toBe("2");
});

const delegations = (kernel: RecordingKernel) =>
  kernel.calls.filter((call) => call.startsWith("write") && call.includes("subtree_control"));

test("version 2: controllers are handed down from the root, those that are missing", () => {
  const kernel = host();
  for (const path of ["/cg/unified", "/cg/unified/a", "/cg/unified/a/b"]) {
    kernel.directory(path).file(`${path}/cgroup.controllers`, "cpu memory pids\n");
    kernel.file(`${path}/cgroup.subtree_control`, path.endsWith("a") ? "cpu pids\n" : "");
  }
  expect(createCgroup(kernel, [unified], demand(true))).toEqual([unified]);
  expect(delegations(kernel)).toEqual([
    "write /cg/unified/cgroup.subtree_control +cpu",
    "write /cg/unified/cgroup.subtree_control +memory",
    "write /cg/unified/cgroup.subtree_control +pids",
    "write /cg/unified/a/cgroup.subtree_control +memory",
    "write /cg/unified/a/b/cgroup.subtree_control +cpu",
    "write /cg/unified/a/b/cgroup.subtree_control +memory",
    "write /cg/unified/a/b/cgroup.subtree_control +pids",
  ]);
});

test("version 2: also where the parent exists, which a fresh host's root does", () => {
  const kernel = host().file("/cg/unified/cgroup.controllers", "memory\n");
  createCgroup(kernel, [{ ...unified, path: "/cg/unified/web" }], demand(true));
  expect(delegations(kernel)).toEqual(["write /cg/unified/cgroup.subtree_control +memory"]);
});

test("version 2: a controller that cannot be handed down does not keep the others back", () => {
  const kernel = host().file("/cg/unified/cgroup.controllers", "cpu memory\n");
  kernel.fail("write /cg/unified/cgroup.subtree_control +cpu", EBUSY);
  createCgroup(kernel, [{ ...unified, path: "/cg/unified/web" }], demand(true));
  expect(delegations(kernel)).toHaveLength(2);
  kernel.fail("write /cg/unified/cgroup.subtree_control", EOPNOTSUPP); // a threaded root
  createCgroup(kernel, [{ ...unified, path: "/cg/unified/other" }], demand(true));
  const none = host().file("/cg/unified/cgroup.controllers", "\n"); // hybrid: all are version 1's
  createCgroup(none, [{ ...unified, path: "/cg/unified/web" }], demand(true));
  expect(delegations(none)).toEqual([]);
});

test("without the rights a rootless container goes without, unless it asks for limits", () => {
  const refusing = (uid: number) => {
    const kernel = host().fail("mkdir /cg/memory/web", EACCES);
    kernel.uid = uid;
    return kernel;
  };
  expect(createCgroup(refusing(1000), [memory, cpuset], demand(false, "optional"))).toEqual([
    cpuset,
  ]);
  const limited = () => createCgroup(refusing(1000), [memory], demand(true, "optional"));
  expect(limited).toThrow(/^create cgroup: .*permission denied, and `linux.resources` has limits/);
  const named = { ...demand(false, "optional"), named: true };
  expect(() => createCgroup(refusing(1000), [memory], named)).toThrow("`linux.cgroupsPath` names");
  expect(() => createCgroup(refusing(0), [memory], demand(false))).toThrow("create cgroup: ");
  const broken = host().fail("mkdir /cg/memory/web", EIO);
  broken.uid = 1000;
  expect(() => createCgroup(broken, [memory], demand(false, "optional"))).toThrow(
    "input/output error",
  );
});

test("version 2: below a threaded cgroup a new one becomes threaded, too", () => {
  const type = `${unified.path}/cgroup.type`;
  const typed = (text: string) => {
    const kernel = host().cgroupMount("/cg/unified", { "cgroup.type": text });
    return kernel;
  };
  const kernel = typed("domain invalid\n");
  createCgroup(kernel, [unified], demand(true));
  expect(kernel.text(type)).toBe("threaded");
  for (const text of ["domain\n", "threaded\n", "domain threaded\n"]) {
    const other = typed(text);
    createCgroup(other, [unified], demand(true));
    expect(other.text(type)).toBe(text);
  }
  const refusing = typed("domain invalid\n").fail(`write ${type}`, EOPNOTSUPP);
  expect(() => createCgroup(refusing, [unified], demand(true))).toThrow(
    "no process can be in it: it is below a threaded cgroup and cannot be threaded itself",
  );
});

test("what was made is known, and taken back but for what others use", () => {
  const kernel = host();
  kernel.mkdir("/cg/unified/a", 0o755);
  const made: string[] = [];
  createCgroup(kernel, [memory, unified], demand(true), made);
  expect(made).toEqual([memory.path, "/cg/unified/a/b", unified.path]);
  kernel.mkdir("/cg/unified/a/b/other", 0o755);
  removeMade(kernel, made);
  const left = [...kernel.below("/cg/memory"), ...kernel.below("/cg/unified")];
  expect(left.filter((path) => path.includes("web"))).toEqual([]);
  expect(left).toContain("/cg/unified/a/b/other");
});

test("a parent that another start takes away meanwhile is made again", () => {
  const kernel = host().fail("mkdir /cg/unified/a/b/web", ENOENT);
  kernel.fail("mkdir /cg/unified/a/b/web", ENOENT).fail("mkdir /cg/unified/a/b/web", ENOENT);
  expect(createCgroup(kernel, [unified], demand(true))).toEqual([unified]);
  const never = host();
  for (let i = 0; i < 20; i++) never.fail("mkdir /cg/memory/web", ENOENT);
  expect(() => createCgroup(never, [memory], demand(true))).toThrow("create cgroup: mkdir");
});

test("a threaded cgroup tells its threads", () => {
  const kernel = host();
  createCgroup(kernel, [unified], demand(false));
  kernel.file(`${unified.path}/cgroup.threads`, "7\n8\n");
  kernel.fail(`read ${unified.path}/cgroup.procs`, EOPNOTSUPP);
  expect(cgroupPids(kernel, [unified])).toEqual([7, 8]);
});

test("pids of the first hierarchy that has the cgroup, with those below", () => {
  const kernel = host();
  createCgroup(kernel, [unified], demand(false));
  kernel.mkdir(`${unified.path}/x`, 0o755);
  kernel
    .file(`${unified.path}/cgroup.procs`, "7\n8\n")
    .file(`${unified.path}/x/cgroup.procs`, "9\n");
  expect(cgroupPids(kernel, [memory, unified])).toEqual([7, 8, 9]);
  expect(cgroupPids(kernel, [memory])).toEqual([]);
  expect(cgroupPids(kernel, [])).toEqual([]);
});

test("removal waits for what is on its way out", () => {
  const kernel = host();
  createCgroup(kernel, [memory, unified], demand(false));
  kernel.mkdir(`${unified.path}/x`, 0o755);
  kernel.file(`${memory.path}/cgroup.procs`, "7\n").process(7);
  kernel.reactions.sleep = () => {
    if (kernel.nowMs() > 100) kernel.endProcess(7);
  };
  removeCgroup(kernel, [memory, unified, cpuset]);
  expect(kernel.below("/cg/memory").filter((path) => path.includes("web"))).toEqual([]);
  expect(kernel.below("/cg/unified/a").filter((path) => path.includes("web"))).toEqual([]);
});

test("removal gives up after ten seconds, and at once on other failures", () => {
  const kernel = host();
  createCgroup(kernel, [memory], demand(false));
  kernel.file(`${memory.path}/cgroup.procs`, "7\n").process(7);
  expect(() => removeCgroup(kernel, [memory])).toThrow("processes in it do not end");
  expect(kernel.nowMs()).toBeGreaterThan(10_000);
  expect(kernel.nowMs()).toBeLessThan(10_200);
  expect(() => removeCgroup(host().fail("rmdir", EIO), [memory])).toThrow("input/output error");
});
