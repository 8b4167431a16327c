// SPDX-License-Identifier: Apache-2.0
/** The launch plan's enclave operations, executed by init-runelet itself. */
import { describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Fd } from "../../src/kernel/kernel.ts";
import { linux } from "../../src/kernel/linux.ts";
import { encodePlan } from "../../src/plan/encode.ts";
import type { Operation, Slot } from "../../src/plan/operation.ts";
import { client, obstacle, pal } from "./harness.ts";

const name = obstacle === undefined ? "PAL in a plan" : `PAL in a plan (${obstacle})`;
const program = resolve(import.meta.dir, "../../native/build/lib/init-runelet");

// Descriptors of the new process: the library, the agent's socket, and one that no operation uses.
const inherited = [4, 5, 6] as Fd[];
const [library, listener] = [0, 1] as Slot[];

describe.skipIf(obstacle !== undefined)(name, () => {
  test("loads, changes identity, starts, runs and ends with the payload's code", async () => {
    const { status, stdout, stderr } = await execute("v3", [
      { op: "palLoad", slot: slot(library), name: "testing" },
      { op: "ids", uid: 1000, gid: 1000, groups: [] },
      { op: "palInit", args: "trace", logLevel: "debug", env: ["A=B"] },
      { op: "palRun", argv: ["x", "exec-print", "exec-status=7"], env: ["C=D"] },
    ]);
    expect(stderr).toMatch(/pal init debug pid=1 tid=\d+ uid=1000/);
    expect(stderr).toContain("pal destroy");
    expect(stdout).toContain("env C=D\n");
    expect(stdout).toContain("uid 1000\n");
    expect(status).toBe(7);
  });

  test("no descriptor of the host reaches a process that the PAL forks", async () => {
    const { stdout } = await execute("v2", [
      { op: "palLoad", slot: slot(library), name: "testing" },
      { op: "palInit", args: "", logLevel: "info", env: [] },
      { op: "agent", slot: slot(listener) },
      { op: "palRun", argv: ["x", "exec-fds"], env: [] },
    ]);
    const open = stdout.match(/fd \d+/g) ?? [];
    expect(open.slice(0, 3)).toEqual(["fd 0", "fd 1", "fd 2"]);
    expect(open).toHaveLength(4); // the last is the testing PAL's own pipe
  });

  test("serves the agent", async () => {
    const directory = mkdtempSync(join(tmpdir(), "pal-"));
    const socket = join(directory, "agent.sock");
    const container = execute(
      "v2",
      [
        { op: "palLoad", slot: slot(library), name: "testing" },
        { op: "palInit", args: "", logLevel: "info", env: [] },
        { op: "agent", slot: slot(listener) },
        { op: "palRun", argv: ["x", "exec-sleep=400", "exec-status=4"], env: [] },
      ],
      socket,
    );
    await Bun.sleep(150);
    const ran = await client("exec", socket, "", "-", "y", "exec-status=5");
    expect(ran.status).toBe(5);
    expect((await container).status).toBe(4);
    rmSync(directory, { recursive: true });
  });

  test("a PAL that fails is told with the operation's words", async () => {
    const { status, stderr } = await execute("v2", [
      { op: "palLoad", slot: slot(library), name: "testing" },
      { op: "palInit", args: "init-return=-22", logLevel: "info", env: [] },
      { op: "palRun", argv: ["x"], env: [] },
    ]);
    expect(stderr).toBe("rune: pal_init of `testing`: Invalid argument\n");
    expect(status).toBe(1);
  });

  test("a plan that forgets PAL_LOAD is refused", async () => {
    const { status, stderr } = await execute("v2", [
      { op: "palInit", args: "", logLevel: "info", env: [] },
    ]);
    expect(stderr).toContain("PAL_LOAD is missing");
    expect(status).toBe(1);
  });
});

function slot(found: Slot | undefined): Slot {
  if (found === undefined) throw new Error("no such slot");
  return found;
}

async function execute(variant: string, operations: readonly Operation[], socket?: string) {
  const directory = mkdtempSync(join(tmpdir(), "pal-plan-"));
  const path = join(directory, "plan");
  writeFileSync(path, encodePlan(operations, inherited));
  const listening = linux.listenUnix(socket ?? join(directory, "agent.sock"), 8);
  const fds = [openSync(path, "r"), openSync(pal(variant), "r"), listening, openSync(path, "r")];
  const child = Bun.spawn(
    ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", program, "3", "-"],
    {
      stdio: ["ignore", "pipe", "pipe", ...fds],
      cwd: "/",
    },
  );
  for (const fd of fds) closeSync(fd);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  rmSync(directory, { recursive: true });
  return { status: await child.exited, stdout, stderr };
}
