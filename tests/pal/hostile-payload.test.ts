// SPDX-License-Identifier: Apache-2.0
/** A payload that attacks the process that hosts it. */
import { describe, expect, test } from "bun:test";
import { obstacle, run } from "./harness.ts";

const name = obstacle === undefined ? "hostile payload" : `hostile payload (${obstacle})`;

describe.skipIf(obstacle !== undefined)(name, () => {
  test("gets nothing of process 1 as uid 1000 without capabilities", async () => {
    const { stdout, status } = await run({
      variant: "v2",
      args: "probe",
      options: ["--uid", "1000"],
    });
    expect(stdout).toContain("probe dumpable: 0\n");
    expect(stdout).toContain("probe done\n");
    expect(stdout).toMatch(/probe ptrace: denied/);
    expect(stdout).toMatch(/probe \/proc\/1\/mem: denied/);
    expect(stdout).toMatch(/probe \/proc\/1\/fd: denied/);
    expect(stdout.match(/.*SUCCEEDED.*/g) ?? []).toEqual([]);
    expect(status).toBe(0);
  });

  test("the probe does find what root with all capabilities can do", async () => {
    const { stdout } = await run({ variant: "v2", args: "probe" });
    expect(stdout).toContain("probe /proc/1/exe: SUCCEEDED");
    expect(stdout).toContain("probe ptrace: SUCCEEDED");
  });
});
