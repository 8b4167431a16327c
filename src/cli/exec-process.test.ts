// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { State } from "../container/state.ts";
import { linux } from "../kernel/linux.ts";
import { execProcess } from "./exec-process.ts";

let bundle = "";
beforeEach(() => {
  bundle = mkdtempSync(join(tmpdir(), "exec-process-"));
  const process = {
    user: { uid: 0, gid: 0 },
    args: ["x"],
    cwd: "/",
    env: ["A=1", `ENCLAVE_RA_EPID_SUB_KEY=${"b2".repeat(16)}`],
  };
  const config = { ociVersion: "1.3.0", root: { path: "rootfs" }, process };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  writeFileSync(join(bundle, "process.json"), JSON.stringify(process));
});
afterEach(() => rmSync(bundle, { recursive: true }));

function environment(from: "file" | "arguments", enclave?: State["enclave"]): string[] {
  const state: State = {
    schema: 1,
    writer: "test",
    id: "c1",
    bundle,
    rootfs: bundle,
    ociVersion: "1.3.0",
    created: "2026-11-24T00:00:00Z",
    ownerUid: 0,
    annotations: {},
    cgroup: [],
    namespaces: 0,
    ownPidNamespace: true,
    ...(enclave === undefined ? {} : { enclave }),
  };
  const program =
    from === "file"
      ? ({ from, path: join(bundle, "process.json") } as const)
      : ({
          from,
          args: ["y"],
          tty: false,
          env: [],
          additionalGids: [],
          capabilities: [],
          noNewPrivileges: false,
        } as const);
  return [...(execProcess(linux, program, state).env ?? [])];
}

test("no program of an enclave container sees the enclave's variables, wherever it comes from", () => {
  const enclave = { platform: "hardware", platformChosenBy: "default" } as const;
  expect(environment("file", enclave)).toEqual(["A=1"]);
  expect(environment("arguments", enclave)).toEqual(["A=1"]);
});

test("in an ordinary container they are variables like any other", () => {
  expect(environment("file")).toHaveLength(2);
  expect(environment("arguments")).toHaveLength(2);
});
