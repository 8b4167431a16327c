// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { State } from "../container/state.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { execProcess } from "./exec-process.ts";
import type { ExecChanges } from "./verbs/exec.ts";

const own = {
  terminal: true,
  user: { uid: 7, gid: 8, additionalGids: [9], umask: 0o77 },
  args: ["server"],
  env: ["A=1"],
  cwd: "/srv",
  noNewPrivileges: true,
  capabilities: { bounding: ["CAP_KILL"], inheritable: ["CAP_CHOWN"] },
  rlimits: [{ type: "RLIMIT_CORE", soft: 0, hard: 0 }],
};
const state: State = {
  schema: 1,
  writer: "0",
  id: "web",
  bundle: "/bundle",
  rootfs: "/bundle/rootfs",
  ociVersion: "1.0.2",
  created: "",
  ownerUid: 0,
  annotations: {},
  cgroup: [],
  namespaces: 0,
  ownPidNamespace: true,
};
const unchanged: ExecChanges = {
  args: ["ls"],
  tty: false,
  env: [],
  additionalGids: [],
  capabilities: [],
  noNewPrivileges: false,
};

function processOf(changes: Partial<ExecChanges> = {}) {
  const kernel = new RecordingKernel().file("/run/rune/web/process.json", JSON.stringify(own));
  return execProcess(kernel, "/run/rune", { from: "arguments", ...unchanged, ...changes }, state);
}

test("without flags: the container's own process, without its terminal", () => {
  const process = processOf();
  expect(process).toMatchObject({
    args: ["ls"],
    terminal: false,
    cwd: "/srv",
    env: ["A=1"],
    noNewPrivileges: true,
    user: own.user,
    capabilities: own.capabilities,
  });
  expect(process.rlimits).toHaveLength(1);
});

test("flags change or add", () => {
  expect(
    processOf({
      tty: true,
      cwd: "/tmp",
      env: ["B=2"],
      user: { uid: 1, gid: 2 },
      additionalGids: [3],
      capabilities: ["CAP_CHOWN", "CAP_KILL"],
    }),
  ).toMatchObject({
    terminal: true,
    cwd: "/tmp",
    env: ["A=1", "B=2"],
    user: { uid: 1, gid: 2, additionalGids: [9, 3], umask: 0o77 },
    capabilities: {
      bounding: ["CAP_KILL", "CAP_CHOWN"],
      effective: ["CAP_CHOWN", "CAP_KILL"],
      inheritable: ["CAP_CHOWN"],
      ambient: ["CAP_CHOWN"],
    },
  });
});

test("a user without group keeps the container's group", () => {
  expect(processOf({ user: { uid: 1 } }).user).toMatchObject({ uid: 1, gid: 8 });
});

test("a process from a file is that file's alone", () => {
  const file = { user: { uid: 1, gid: 1 }, args: ["x"], cwd: "/" };
  const kernel = new RecordingKernel().file("/folder/process.json", JSON.stringify(file));
  kernel.link("/proc/self/cwd", "/folder");
  const process = execProcess(kernel, "/run/rune", { from: "file", path: "process.json" }, state);
  expect(process).toMatchObject(file);
  expect(process.env ?? []).toEqual([]);
});
