// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { ENOENT } from "../kernel/constants.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { visitTree } from "./tree.ts";

function host(): RecordingKernel {
  const kernel = new RecordingKernel();
  for (const path of ["/cg/a", "/cg/a/x", "/cg/a/x/y", "/cg/b"]) kernel.directory(path);
  return kernel.file("/cg/a/tasks", "");
}

function visits(kernel: RecordingKernel): string[] {
  const seen: string[] = [];
  visitTree(kernel, "/cg", {
    enter: (cgroup) => seen.push(`enter ${kernel.nameOf(cgroup)}`),
    leave: (parent, name) => seen.push(`leave ${name} of ${kernel.nameOf(parent)}`),
  });
  expect(kernel.openNames()).toEqual([]);
  return seen;
}

test("each cgroup before those below it, and left after them", () => {
  expect(visits(host())).toEqual([
    "enter /cg",
    "enter /cg/b",
    "leave b of /cg",
    "enter /cg/a",
    "enter /cg/a/x",
    "enter /cg/a/x/y",
    "leave y of /cg/a/x",
    "leave x of /cg/a",
    "leave a of /cg",
  ]);
});

test("no more than two directories are open, however deep it goes", () => {
  const kernel = new RecordingKernel().directory(`/cg${"/d".repeat(300)}`);
  let most = 0;
  let entered = 0;
  const enter = () => {
    entered++;
    most = Math.max(most, kernel.openNames().length);
  };
  visitTree(kernel, "/cg", { enter, leave: enter });
  expect(entered).toBe(601);
  expect(most).toBeLessThanOrEqual(2);
});

test("what goes away meanwhile is passed over", () => {
  expect(visits(host().fail("open /cg/a/x", ENOENT))).not.toContain("enter /cg/a/x");
  expect(visits(new RecordingKernel())).toEqual([]);
  // The directory we are in has been removed: there is no way up, and nothing to do.
  const gone = new RecordingKernel().directory("/cg/a/x");
  let removed = false;
  visitTree(gone, "/cg", {
    enter: (cgroup) => {
      if (gone.nameOf(cgroup) === "/cg/a/x") gone.fail("open /cg/a", ENOENT);
    },
    leave: () => {
      removed = true;
    },
  });
  expect([removed, gone.openNames()]).toEqual([false, []]);
});
