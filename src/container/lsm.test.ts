// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import { checkLabels } from "./lsm.ts";

const process = { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/" };
const enabled = "/sys/module/apparmor/parameters/enabled";

test("without labels nothing of the host is looked at", () => {
  const kernel = new RecordingKernel();
  checkLabels(kernel, { ...process, apparmorProfile: "", selinuxLabel: "" }, "");
  expect(kernel.calls).toEqual([]);
});

test("a profile needs AppArmor, present and switched on", () => {
  const confined = { ...process, apparmorProfile: "p" };
  expect(() => checkLabels(new RecordingKernel(), confined)).toThrow("AppArmor is not enabled");
  expect(() => checkLabels(new RecordingKernel().file(enabled, "N\n"), confined)).toThrow(
    "AppArmor is not enabled",
  );
  checkLabels(new RecordingKernel().file(enabled, "Y\n"), confined);
});

test("labels of process and mounts need SELinux", () => {
  const labelled = { ...process, selinuxLabel: "l" };
  expect(() => checkLabels(new RecordingKernel(), labelled)).toThrow("process.selinuxLabel");
  expect(() => checkLabels(new RecordingKernel(), process, "l")).toThrow("linux.mountLabel");
  const kernel = new RecordingKernel().file("/sys/fs/selinux/enforce", "1");
  checkLabels(kernel, labelled, "l");
});
