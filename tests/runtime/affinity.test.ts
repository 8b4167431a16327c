// SPDX-License-Identifier: Apache-2.0
/** Which CPUs a container's processes may use: those of its cgroup, whatever the caller's are. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { JsonObject } from "../support/bundle.ts";
import { mustRun } from "../support/command.ts";
import { needs, only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const obstacle = availableParallelism() < 2 ? "needs a second CPU" : undefined;
const judged =
  obstacle === undefined
    ? only("rune", "Debian's runc 1.1.5 leaves the caller's; runc resets it since 1.3")
    : needs(obstacle);

const allowed = (status: string) => /^Cpus_allowed_list:\t(.*)$/m.exec(status)?.[1];
const own = allowed(readFileSync("/proc/self/status", "utf8")) ?? "";

const look = ["grep", "Cpus_allowed_list", "/proc/self/status"];

/** Calls the runtime on the first CPU alone. */
function confined(sandbox: Sandbox, ...words: string[]): Promise<string> {
  const cwd = sandbox.bundle.path;
  return mustRun(["taskset", "-c", "0", ...sandbox.argv(...words)], { cwd });
}

for (const [what, resources, seen] of [
  ["of its own cgroup without a choice", {}, own],
  ["of both that it chose", { cpu: { cpus: "0-1", mems: "0" } }, "0-1"],
  ["of the other one that it chose", { cpu: { cpus: "1", mems: "0" } }, "1"],
] as const) {
  judged(`a container ${what} is not confined as its caller is`, async () => {
    await using sandbox = new Sandbox();
    const changes: JsonObject = { linux: { resources } };
    sandbox.configure(changes, { process: { args: look } });
    expect(allowed(await confined(sandbox, "run", sandbox.id()))).toBe(seen);
    const id = await sandbox.started(changes);
    expect(allowed(await confined(sandbox, "exec", id, ...look))).toBe(seen);
  });
}

// covers: process.execCPUAffinity.initial
judged("a process that only enters on one CPU goes on with all", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started({ process: { execCPUAffinity: { initial: "0" } } });
  expect(allowed((await sandbox.must(["exec", id, ...look])).stdout)).toBe(own);
});
