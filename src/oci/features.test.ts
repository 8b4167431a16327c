// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { featuresDocument, supported } from "./features.ts";

const build = { version: "1.2.3", commit: "abc" };

// covers: features
test("what is not supported is not claimed", () => {
  const document = JSON.parse(
    JSON.stringify(featuresDocument({ ...supported, seccomp: false }, build)),
  );
  expect(document.linux.seccomp).toEqual({ enabled: false });
  for (const option of supported.unsupportedMountOptions) {
    expect(document.mountOptions).not.toContain(option);
  }
  expect(document.linux.memoryPolicy).toBeUndefined();
});

test("without notification, neither its action nor its flag is claimed", () => {
  const document = JSON.parse(
    JSON.stringify(featuresDocument({ ...supported, seccompNotify: false }, build)),
  );
  const { actions, knownFlags, supportedFlags } = document.linux.seccomp;
  expect(actions).not.toContain("SCMP_ACT_NOTIFY");
  expect(knownFlags).toContain("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
  expect(supportedFlags).toEqual([
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_TSYNC",
  ]);
});

test("what is supported is spelled out", () => {
  const all = {
    ...supported,
    seccomp: true,
    seccompNotify: true,
    memoryPolicy: true,
    unsupportedMountOptions: [],
  };
  const document = JSON.parse(JSON.stringify(featuresDocument(all, build)));
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
  expect(document.mountOptions).toContain("tmpcopyup");
  expect(document.mountOptions).toEqual([...document.mountOptions].sort());
  expect(document.linux.seccomp.actions).toContain("SCMP_ACT_NOTIFY");
  expect(document.linux.capabilities).toHaveLength(41);
  expect(document.linux.memoryPolicy.modes).toContain("MPOL_BIND");
});
