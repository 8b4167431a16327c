// SPDX-License-Identifier: Apache-2.0
/** Against a stand-in for resctrl: no machine of ours has Intel RDT. */
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import { changeSchemata, moveTasks } from "./change.ts";
import type { RdtRecord } from "./record.ts";
import { StandInResctrl } from "./stand-in.ts";

const root = "/sys/fs/resctrl";
const record: RdtRecord = { root, group: `${root}/web`, own: [`${root}/web`] };

function host() {
  const kernel = new RecordingKernel();
  const resctrl = new StandInResctrl(kernel);
  kernel.mkdir(record.group, 0o755);
  return { kernel, resctrl };
}

test("what is not named stays; undoing brings all of it back", () => {
  const { kernel } = host();
  const schemata = () => kernel.text(`${root}/web/schemata`);
  changeSchemata(kernel, record, { l3CacheSchema: "L3:0=f", memBwSchema: "MB:1=20" });
  const undo = changeSchemata(kernel, record, { l3CacheSchema: "L3:0=ff\nMB:0=10" });
  expect(schemata()).toBe("    L3:0=ff;1=7ff\n    MB:0= 100;1= 20\n");
  undo();
  expect(schemata()).toBe("    L3:0=f;1=7ff\n    MB:0= 100;1= 20\n");
  expect(() => changeSchemata(kernel, record, { memBwSchema: "MB:0=1" })).toThrow("out of range");
  expect(schemata()).toBe("    L3:0=f;1=7ff\n    MB:0= 100;1= 20\n");
  expect(kernel.openNames()).toEqual([]);
});

test("the default class is the whole host's", () => {
  const { kernel } = host();
  const inDefault = { root, group: root, own: [] };
  expect(() => changeSchemata(kernel, inDefault, { l3CacheSchema: "L3:0=f" })).toThrow(
    expect.objectContaining({ code: "CONFIG_UNSUPPORTED" }),
  );
});

test("every task moves, also those that come meanwhile; those that have ended do not matter", () => {
  const { kernel, resctrl } = host();
  for (const task of [7, 8, 9]) kernel.process(task);
  for (const path of ["7/task/7", "7/task/8", "9/task/9", "5/task/5"]) {
    kernel.directory(`/proc/${path}`); // 5 has no stat: it ends between the two
  }
  const seen = [
    [7, 6],
    [7, 5, 9],
    [7, 9],
    [7, 9],
  ];
  moveTasks(kernel, record, () => seen.shift() ?? []);
  expect(resctrl.tasksOf(record.group)).toEqual([7, 8, 9]);
  expect(kernel.openNames()).toEqual([]);
});
