// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { defaultPalPath, defaultSpec, defaultSpecText, type SpecKind } from "./default-spec.ts";
import { parseConfig } from "./parse-config.ts";

const kinds: SpecKind[] = [
  { kind: "default" },
  { kind: "rootless", uid: 1000, gid: 100 },
  { kind: "enclave", palPath: defaultPalPath, aesmd: true },
];

test.each(kinds)("%j passes our own checks, on either kind of host", (kind) => {
  for (const unifiedCgroups of [false, true]) {
    const text = defaultSpecText(kind, { unifiedCgroups });
    const config = parseConfig(new TextEncoder().encode(text));
    const types = config.linux?.namespaces?.map(({ type }) => type);
    expect(types?.includes("cgroup")).toBe(unifiedCgroups);
  }
});

test("the enclave's differs from the default in what the original's did", () => {
  const host = { unifiedCgroups: false };
  const plain = JSON.parse(defaultSpecText({ kind: "default" }, host));
  const enclave = JSON.parse(
    defaultSpecText({ kind: "enclave", palPath: "/usr/lib/pal.so", aesmd: true }, host),
  );
  expect(enclave).toEqual({
    ...plain,
    process: { ...plain.process, cwd: "/var/run/rune" },
    root: { path: "rootfs", readonly: false },
    mounts: [
      ...plain.mounts,
      {
        destination: "/var/run/aesmd",
        type: "bind",
        source: "/var/run/aesmd",
        options: ["rbind", "rprivate"],
      },
    ],
    annotations: {
      "enclave.type": "intelSgx",
      "enclave.runtime.path": "/usr/lib/pal.so",
      "enclave.runtime.args": "debug",
      "enclave.runtime.loglevel": "info",
    },
  });
  const without = defaultSpec({ kind: "enclave", palPath: "/p", aesmd: false }, host);
  expect(JSON.stringify(without)).not.toContain("aesmd");
});

test("the text is indented with tabs", () => {
  const text = defaultSpecText({ kind: "default" }, { unifiedCgroups: false });
  expect(
    text.startsWith('{\n\t"ociVersion": "1.3.0",\n\t"process": {\n\t\t"terminal": true,'),
  ).toBe(true);
});
