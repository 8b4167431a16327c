// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EINVAL, EPERM } from "../kernel/constants.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { limitDevices } from "./device-access.ts";
import { deviceProgram } from "./device-program.ts";
import { allDeviceRules } from "./devices.ts";
import { applyLimits } from "./limits.ts";

const path = "/cg/unified/web";
const rule = { allow: true, type: "c", major: 10, minor: 229 } as const;
const wholeMap = "         0          0 4294967295\n";

test("the rules, with those of every container, decide on the cgroup", () => {
  const kernel = host();
  limitDevices(kernel, path, [rule]);
  expect(kernel.attachedPrograms(path)).toEqual([deviceProgram(allDeviceRules([rule]))]);
  expect(kernel.openNames()).toEqual([]);
});

test("new rules take the place of the old ones; others' programs stay", () => {
  const kernel = host();
  const other = kernel.loadDeviceProgram("sd_devices", new Uint8Array(8));
  const cgroup = kernel.open(path, 0);
  kernel.attachDeviceProgram(cgroup, other);
  limitDevices(kernel, path, []);
  limitDevices(kernel, path, [rule]);
  expect(kernel.attachedPrograms(path)).toEqual([
    new Uint8Array(8),
    deviceProgram(allDeviceRules([rule])),
  ]);
  for (const fd of [other, cgroup]) kernel.close(fd);
  expect(kernel.openNames()).toEqual([]);
});

test("version 1 keeps its devices; without it, version 2 gets them even where none are named", () => {
  const hybrid = host("devices/web/devices.deny", "devices/web/devices.allow");
  const v1 = { version: 1, controllers: ["devices"], path: "/cg/devices/web" } as const;
  const v2 = { version: 2, controllers: [], path } as const;
  applyLimits(hybrid, [v1, v2], {});
  expect(hybrid.attachedPrograms(path)).toEqual([]);
  const unified = host();
  applyLimits(unified, [v2], {});
  expect(unified.attachedPrograms(path)).toEqual([deviceProgram(allDeviceRules([]))]);
});

test("without the rights there are no rules; root of the host must have them", () => {
  const refused = (map: string, uid: number) => {
    const kernel = host().fail("loadDeviceProgram", EPERM).file("/proc/self/uid_map", map);
    kernel.uid = uid;
    return kernel;
  };
  limitDevices(refused("0 100000 65536\n", 0), path, [rule]);
  limitDevices(refused(wholeMap, 1000), path, [rule]);
  expect(() => limitDevices(refused(wholeMap, 0), path, [rule])).toThrow(
    "limit the devices of cgroup `/cg/unified/web`",
  );
});

test.each(["loadDeviceProgram", "devicePrograms", "attachDeviceProgram"])(
  "nothing stays open when %s fails",
  (call) => {
    const kernel = host().fail(call, EINVAL).file("/proc/self/uid_map", wholeMap);
    expect(() => limitDevices(kernel, path, [rule])).toThrow("invalid argument");
    expect(kernel.openNames()).toEqual([]);
  },
);

function host(...files: string[]): RecordingKernel {
  const kernel = new RecordingKernel().directory(path);
  for (const file of files) kernel.file(`/cg/${file}`, "");
  return kernel;
}
