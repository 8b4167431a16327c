// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { besideInit, type SubCgroup, subCgroups } from "./sub-cgroup.ts";

const first: readonly CgroupDirectory[] = [
  { version: 1, controllers: ["cpu", "cpuacct"], path: "/cg/cpu/web" },
  { version: 1, controllers: ["memory"], path: "/cg/memory/web" },
];
const unified: CgroupDirectory = { version: 2, controllers: ["cpu", "memory"], path: "/cg/web" };
const hybrid: CgroupDirectory = { version: 2, controllers: [], path: "/cg/unified/web" };

function pathsOf(directories: readonly CgroupDirectory[], ...wanted: SubCgroup[]): string[] {
  const kernel = new RecordingKernel();
  for (const { path } of directories) kernel.directory(`${path}/a/b`);
  return subCgroups(kernel, directories, wanted).map(({ path }) => path);
}
const anywhere = (path: string): SubCgroup => ({ controllers: [], path });

test("a path for all hierarchies, and the container's own cgroup", () => {
  expect(pathsOf(first, anywhere("a/b"))).toEqual(["/cg/cpu/web/a/b", "/cg/memory/web/a/b"]);
  expect(pathsOf([unified], anywhere("/a/../a/./b/"))).toEqual(["/cg/web/a/b"]);
  expect(pathsOf(first, anywhere("/"))).toEqual(["/cg/cpu/web", "/cg/memory/web"]);
});

test("a path for some controllers", () => {
  expect(pathsOf(first, { controllers: ["memory"], path: "/a/b" })).toEqual([
    "/cg/cpu/web",
    "/cg/memory/web/a/b",
  ]);
  const same = ["cpu", "cpuacct"].map((name) => ({ controllers: [name], path: "a/b" }));
  expect(pathsOf(first, ...same)).toEqual(["/cg/cpu/web/a/b", "/cg/memory/web"]);
});

test("the unified hierarchy beside version 1 is one of all, as with runc", () => {
  expect(pathsOf([...first, hybrid], anywhere("a/b")).at(-1)).toBe("/cg/unified/web/a/b");
});

test("what cannot be joined", () => {
  for (const [wanted, reason] of [
    [anywhere("missing"), "join cgroup `/cg/cpu/web/missing`: no such cgroup"],
    [anywhere("../web-of-another"), "it is not below the container's"],
    [anywhere("a/../../x"), "it is not below the container's"],
    [
      { controllers: ["pids"], path: "a/b" },
      "join cgroup of `pids`: the container's cgroups have no",
    ],
  ] as const) {
    expect(() => pathsOf(first, wanted)).toThrow(reason);
  }
  const apart = ["a", "a/b"].map((path, n) => ({
    controllers: [["cpu", "cpuacct"][n] ?? ""],
    path,
  }));
  expect(() => pathsOf(first, ...apart)).toThrow("`cpu,cpuacct` are in one place at a time");
  expect(() => pathsOf([], anywhere("/"))).toThrow("the container has none");
});

test("beside the init, which has moved to a cgroup below the container's", () => {
  const beside = (place: string) => {
    const kernel = new RecordingKernel().file("/proc/42/cgroup", `1:cpu:/x\n0::${place}\n`);
    return besideInit(kernel, [...first, { ...unified, path: "/cg/pod/web" }], 42)[2]?.path;
  };
  expect(beside("/pod/web/init.scope")).toBe("/cg/pod/web/init.scope");
  expect(beside("/pod/web/a/web")).toBe("/cg/pod/web/a/web");
  expect(beside("/pod/web")).toBe("/cg/pod/web");
  expect(beside("/elsewhere")).toBe("/cg/pod/web");
  expect(beside("/")).toBe("/cg/pod/web");
});
