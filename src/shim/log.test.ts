// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { ENXIO } from "../kernel/constants.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { bundleLog } from "./log.ts";

const about = { id: "web", bundle: "/bundle" };

test("lines as containerd's own, with the container that they are about", () => {
  const kernel = new RecordingKernel().file("/bundle/log", "");
  const log = bundleLog(kernel, "k8s.io", false);
  log.write(about, "warning", 'an "odd"\nthing');
  log.write(about, "debug", "a step");
  expect(kernel.text("/bundle/log")).toMatch(
    /^time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ" level=warning msg="an \\"odd\\"\\nthing" container="web" namespace="k8s.io"\n$/,
  );
});

test("steps are told with containerd's debug level alone", () => {
  const kernel = new RecordingKernel().file("/bundle/log", "");
  bundleLog(kernel, "test", true).write(about, "debug", "a step");
  expect(kernel.text("/bundle/log")).toContain('level=debug msg="a step"');
});

test("nobody who reads, and no fifo, is no failure", () => {
  const kernel = new RecordingKernel();
  bundleLog(kernel, "test", false).write(about, "info", "lost");
  kernel.file("/bundle/log", "").fail("open /bundle/log", ENXIO);
  bundleLog(kernel, "test", false).write(about, "info", "lost");
  expect(kernel.openNames()).toEqual([]);
});
