// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { featuresDocument, supported } from "./features.ts";

const build = { version: "1.2.3", commit: "abc" };

// covers: features
test("what a build can do is spelled out, in the form of features.md", () => {
  const document = JSON.parse(JSON.stringify(featuresDocument(supported, build)));
  expect(document).toMatchObject({
    ociVersionMin: "1.0.0",
    ociVersionMax: "1.3.0",
    annotations: {
      "io.rune.version": "1.2.3",
      "io.rune.commit": "abc",
      "io.rune.pal.versions": "1,2,3",
      "io.rune.tee.known": "intelSgx",
    },
  });
  expect(document.hooks).toHaveLength(6);
  expect(document.mountOptions).toContain("tmpcopyup");
  expect(document.mountOptions).toEqual([...document.mountOptions].sort());
  expect(document.linux.namespaces).toContain("time");
  expect(document.linux.seccomp.actions).toContain("SCMP_ACT_NOTIFY");
  expect(document.linux.seccomp.supportedFlags).toEqual(document.linux.seccomp.knownFlags);
  expect(document.linux.capabilities).toHaveLength(41);
  const rdt = { enabled: true, schemata: true, monitoring: true };
  expect(document.linux.intelRdt).toEqual(rdt);
  expect(document.linux.memoryPolicy.modes).toContain("MPOL_BIND");
  expect(document.potentiallyUnsafeConfigAnnotations).toContain("org.criu.config");
});

test("what a build cannot do is not claimed", () => {
  const less = { ...supported, netDevices: false, intelRdt: false };
  const { linux } = JSON.parse(JSON.stringify(featuresDocument(less, build)));
  expect(linux.netDevices).toEqual({ enabled: false });
  expect(linux.intelRdt).toEqual({ enabled: false });
});
