// SPDX-License-Identifier: Apache-2.0
/** What a broken PAL does: a clear error or no harm, and no process that stays. */
import { describe, expect, test } from "bun:test";
import { obstacle, run, start } from "./harness.ts";

const name = obstacle === undefined ? "misbehaving PALs" : `misbehaving PALs (${obstacle})`;
/** Codes of FAILED, docs/protocol/init-channel.md. */
const [abi, failed] = [4, 5];

describe.skipIf(obstacle !== undefined)(name, () => {
  test.each([
    ["v1-no-pal_init", "load", "`pal_init` not found"],
    ["v1-no-pal_exec", "load", "`pal_exec` not found"],
    ["v1-no-pal_destroy", "load", "`pal_destroy` not found"],
    ["v2-no-pal_create_process", "start", "`pal_create_process` not found, which version 2 needs"],
    ["v3-no-pal_get_local_report", "start", "`pal_get_local_report` not found, which version 3"],
  ])("%s is refused at %s", async (variant, step, reason) => {
    const { status, stderr } = await run({ variant });
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`failed code=${abi} errno=0 ${step} PAL `));
    expect(stderr).toContain(reason);
  });

  test.each([
    ["v2-constructor-thread", "started a thread"],
    ["v2-constructor-child", "left a child"],
  ])("%s is refused: its constructors %s", async (variant, reason) => {
    const { status, stderr } = await run({ variant });
    expect(status).toBe(1);
    expect(stderr).toContain(reason);
  });

  test("a file that is no library is refused with the loader's words", async () => {
    const { status, stderr } = await run({ variant: "", library: import.meta.path });
    expect(status).toBe(1);
    expect(stderr).toContain(`failed code=${abi}`);
    expect(stderr).toMatch(/file too short|invalid ELF header/);
  });

  test.each(["0", "4", "99", "-1", "-2147483648"])("version %s is refused", async (version) => {
    const options = ["--env", `TESTING_PAL_VERSION=${version}`];
    const { status, stderr } = await run({ variant: "v2", options });
    expect(status).toBe(1);
    expect(stderr).toContain(`failed code=${abi}`);
    expect(stderr).toContain(`version ${version} is none of those understood, 1 to 3`);
  });

  test.each([
    ["init-return=-22", "errno=22 pal_init of"],
    ["init-errno=2", "errno=2 pal_init of"],
    ["init-return=-1", "errno=1 pal_init of"],
    ["init-return=-4095", "errno=4095 pal_init of"],
    ["init-return=-4096", "returned -4096, which is no error number"],
    ["init-return=-2147483648", "returned -2147483648, which is no error number"],
    ["create-return=-12", "errno=12 pal_create_process of"],
    ["create-pid=0", "gave pid 0"],
    ["create-pid=-5", "gave pid -5"],
    ["exec-return=-8", "errno=8 pal_exec of"],
    ["exec-errno=13", "errno=13 pal_exec of"],
    ["exec-value=-1", "stored -1, neither exit code nor wait status"],
    ["exec-value=511", "stored 511, neither"],
    ["exec-value=65536", "stored 65536, neither"],
    ["exec-value=2147483647", "stored 2147483647, neither"],
  ])("%s fails with its reason", async (args, reason) => {
    const { status, stderr } = await run({ variant: "v2", args });
    expect(status).toBe(1);
    expect(stderr).toContain(`failed code=${failed}`);
    expect(stderr).toContain(reason);
  });

  test("pal_destroy follows every failure but that of pal_init", async () => {
    const inInit = await run({ variant: "v2", args: "trace init-return=-5" });
    expect(inInit.stderr).not.toContain("pal destroy");
    for (const args of ["trace create-return=-5", "trace exec-return=-5", "trace exec-value=-1"]) {
      expect((await run({ variant: "v2", args })).stderr).toContain("pal destroy");
    }
  });

  test.each(["init-return=1", "init-return=2147483647", "exec-return=5"])(
    "%s is success",
    async (args) => {
      expect((await run({ variant: "v2", args: `${args} exec-status=3` })).status).toBe(3);
    },
  );

  test("a failing pal_destroy is told and changes no status", async () => {
    const { status, stderr } = await run({
      variant: "v2",
      args: "destroy-return=-5 exec-status=3",
    });
    expect(stderr).toContain("warning pal_destroy of");
    expect(status).toBe(3);
  });

  test.each(["init-crash", "init-abort", "exec-crash"])("%s ends process 1", async (args) => {
    const { status, stderr } = await run({ variant: "v2", args });
    // abort() as process 1: SIGABRT is ignored there, the instruction after it is not.
    expect(status).toBe(128 + 11);
    expect(stderr).not.toContain("exited");
  });

  test("exit() in pal_init ends the process before it says `created`", async () => {
    const { status, stderr } = await run({ variant: "v2", args: "init-exit=3" });
    expect(status).toBe(3);
    expect(stderr).not.toContain("created");
  });

  test("a PAL that forks in pal_init and returns twice goes on once", async () => {
    const { status, stderr } = await run({ variant: "v2", args: "init-fork exec-status=3" });
    expect(stderr.match(/created/g)).toHaveLength(1);
    expect(status).toBe(3);
  });

  test.each(["init-close=200", "exec-close=200"])("%s harms nobody", async (args) => {
    const { status } = await run({ variant: "v1", args: `${args} exec-status=3` });
    expect(status).toBe(3);
  });

  test("after closing every descriptor a signal still arrives", async () => {
    using harness = start({ variant: "v2", args: "trace init-close=200 exec-sleep=20000" });
    await harness.said(/pal exec/);
    harness.signal("SIGTERM");
    expect((await harness.ended()).status).toBe(143);
  });

  test("a hanging pal_init ends by SIGKILL", async () => {
    using harness = start({ variant: "v2", args: "trace init-hang" });
    await harness.said(/pal init/);
    harness.signal("SIGKILL");
    expect((await harness.ended()).status).toBe(137);
  });
});
