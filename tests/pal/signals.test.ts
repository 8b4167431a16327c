// SPDX-License-Identifier: Apache-2.0
/** Signals to the container's first process, and its duties towards orphans. */
import { describe, expect, test } from "bun:test";
import { childStates, eventually, obstacle, start } from "./harness.ts";

const name = obstacle === undefined ? "signals and orphans" : `signals and orphans (${obstacle})`;
const sleeps = "trace exec-sleep=20000";

describe.skipIf(obstacle !== undefined)(name, () => {
  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
    ["SIGUSR1", 138],
    [30, 158],
  ] as const)("%s reaches the payload's PAL pid", async (signal, expected) => {
    using harness = start({ variant: "v3", args: sleeps });
    await harness.said(/pal exec/);
    harness.signal(signal);
    const { status, stderr } = await harness.ended();
    expect(stderr).toMatch(/pal kill \d+ \d+/);
    expect(stderr).toContain("pal destroy");
    expect(status).toBe(expected);
  });

  test("a real-time signal reaches the payload", async () => {
    using harness = start({ variant: "v2", args: sleeps });
    await harness.said(/pal exec/);
    harness.signal(40);
    expect((await harness.ended()).status).toBe(128 + 40);
  });

  test("CHLD, URG, WINCH, PIPE, TTIN are not passed on", async () => {
    using harness = start({ variant: "v2", args: sleeps });
    await harness.said(/pal exec/);
    for (const signal of ["SIGCHLD", "SIGURG", "SIGWINCH", "SIGPIPE", "SIGTTIN"] as const) {
      harness.signal(signal);
    }
    harness.signal("SIGTERM");
    const { stderr } = await harness.ended();
    expect(stderr.match(/pal kill \d+ \d+/g)).toHaveLength(1);
  });

  test("a payload that ignores the signal goes on", async () => {
    using harness = start({
      variant: "v2",
      args: "trace exec-ignore=15 exec-sleep=400 exec-status=3",
    });
    await harness.said(/pal exec/);
    await Bun.sleep(50);
    harness.signal("SIGTERM");
    await harness.said(/pal kill/);
    expect((await harness.ended()).status).toBe(3);
  });

  test("a payload in a thread gets it as well", async () => {
    using harness = start({ variant: "v3", args: `${sleeps} payload=thread` });
    await harness.said(/pal exec/);
    harness.signal("SIGTERM");
    expect((await harness.ended()).status).toBe(143);
  });

  test.each([
    ["v1", ""],
    ["v2-no-pal_kill", ""],
    ["v2", "kill-return=-38"],
  ])(
    "%s %s: without pal_kill a fatal signal destroys and ends with 128+n",
    async (variant, args) => {
      using harness = start({ variant, args: `${sleeps} ${args}` });
      await harness.said(/pal exec/);
      harness.signal("SIGTERM");
      const { status, stderr } = await harness.ended();
      expect(stderr).toContain("pal destroy");
      expect(status).toBe(143);
    },
  );

  test("version 1 ignores TSTP and CONT", async () => {
    using harness = start({ variant: "v1", args: "trace exec-sleep=300 exec-status=3" });
    await harness.said(/pal exec/);
    harness.signal("SIGTSTP");
    harness.signal("SIGCONT");
    expect((await harness.ended()).status).toBe(3);
  });

  test("pal_destroy that hangs after a fatal signal has two seconds", async () => {
    using harness = start({ variant: "v1", args: `${sleeps} destroy-hang` });
    await harness.said(/pal exec/);
    const before = Date.now();
    harness.signal("SIGTERM");
    const { status, stderr } = await harness.ended();
    expect(Date.now() - before).toBeWithin(1900, 5000);
    expect(stderr).toContain("not back after 2 seconds");
    expect(status).toBe(143);
  });

  test("a refused signal is told, the payload goes on", async () => {
    using harness = start({ variant: "v2", args: "trace kill-return=-22 exec-sleep=300" });
    await harness.said(/pal exec/);
    harness.signal("SIGTERM");
    await harness.said(/warning pal_kill of/);
    expect((await harness.ended()).status).toBe(0);
  });

  test("SIGKILL works while pal_kill hangs", async () => {
    using harness = start({ variant: "v2", args: `${sleeps} kill-hang` });
    await harness.said(/pal exec/);
    harness.signal("SIGTERM");
    await harness.said(/pal kill/);
    harness.signal("SIGKILL");
    expect((await harness.ended()).status).toBe(137);
  });

  test("between create and start a fatal signal destroys and ends", async () => {
    using harness = start({ variant: "v2", args: "trace", options: ["--gate"] });
    await harness.said(/created/);
    harness.signal("SIGTERM");
    const { status, stderr } = await harness.ended();
    expect(stderr).toContain("pal destroy");
    expect(stderr).not.toContain("pal exec");
    expect(status).toBe(143);
  });

  test("during pal_init it ends without pal_destroy", async () => {
    using harness = start({ variant: "v2", args: "trace init-hang" });
    await harness.said(/pal init/);
    harness.signal("SIGTERM");
    const { status, stderr } = await harness.ended();
    expect(stderr).not.toContain("pal destroy");
    expect(status).toBe(143);
  });

  test("orphans are reaped, the PAL's own children are left to it", async () => {
    const args = "trace init-child=5 exec-orphan=50 exec-sleep=1500";
    using harness = start({ variant: "v2", args });
    await harness.said(/pal exec/);
    const pid = harness.pid();
    // The payload, the orphan, and the zombie that the PAL has not waited for yet.
    await eventually(() => childStates(pid).length === 3);
    await eventually(() => childStates(pid).length === 2);
    expect(childStates(pid).sort()).toEqual(["S", "Z"]);
    expect((await harness.ended()).stderr).toContain("pal init-child reaped 5");
  });
});
