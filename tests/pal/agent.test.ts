// SPDX-License-Identifier: Apache-2.0
/** exec, kill and report through the agent of a running container. */
import { describe, expect, test } from "bun:test";
import {
  client,
  eventually,
  type Harness,
  obstacle,
  start,
  startClient,
  startedPid,
} from "./harness.ts";

const name = obstacle === undefined ? "agent" : `agent (${obstacle})`;

describe.skipIf(obstacle !== undefined)(name, () => {
  test("exec passes argv with blanks, environment, output and exit code", async () => {
    using harness = await running("v3");
    const { status, stdout } = await exec(
      harness,
      "env=A=1 2",
      "in side",
      "",
      "exec-print",
      "exec-status=5",
    );
    expect(stdout).toStartWith("arg in side\narg \narg exec-print\narg exec-status=5\nenv A=1 2\n");
    expect(status).toBe(5);
  });

  test("twenty execs at once keep their own statuses and outputs", async () => {
    using harness = await running("v2");
    const runs = Array.from({ length: 20 }, (_, i) =>
      exec(harness, "-", `run${i}`, "exec-print", "exec-sleep=200", `exec-status=${i}`),
    );
    for (const [i, { status, stdout }] of (await Promise.all(runs)).entries()) {
      expect(status).toBe(i);
      expect(stdout).toStartWith(`arg run${i}\n`);
    }
  });

  test("an output ends with its payload, though another payload was forked meanwhile", async () => {
    using harness = await running("v2");
    const short = startClient("exec", harness.socket, "", "-", "x", "exec-sleep=300");
    await startedPid(short.stderr);
    const long = startClient("exec", harness.socket, "", "-", "x", "exec-sleep=20000");
    await startedPid(long.stderr);
    const before = Date.now();
    await short.stdout.text();
    expect(Date.now() - before).toBeLessThan(5000);
    expect(long.exitCode).toBeNull();
    long.kill("SIGTERM");
    await long.exited;
  });

  test("version 1 runs programs side by side, too", async () => {
    using harness = await running("v1");
    const runs = [3, 4].map((i) => exec(harness, "-", "x", "exec-sleep=100", `exec-status=${i}`));
    expect((await Promise.all(runs)).map(({ status }) => status)).toEqual([3, 4]);
  });

  test("exec before start is refused and harms nothing", async () => {
    using harness = start({ variant: "v2", args: "exec-status=6", options: ["--gate"] });
    await harness.said(/created/);
    const { status, stderr } = await exec(harness, "-", "x");
    expect(status).toBe(1);
    expect(stderr).toContain("the container has not been started");
    harness.openGate();
    expect((await harness.ended()).status).toBe(6);
  });

  test("a signal to the monitor reaches the exec'ed payload only", async () => {
    using harness = await running("v2");
    const child = startClient("exec", harness.socket, "", "-", "x", "exec-sleep=20000");
    const pid = await startedPid(child.stderr);
    child.kill("SIGTERM");
    await child.exited;
    expect(child.exitCode).toBe(143);
    await harness.said(new RegExp(`pal kill ${pid} 15`));
    expect((await client("greet", harness.socket)).stdout).toContain("state=1");
  });

  test("kill signals a payload by its PAL pid", async () => {
    using harness = await running("v3");
    const child = startClient("exec", harness.socket, "", "-", "x", "exec-sleep=20000");
    const pid = await startedPid(child.stderr);
    expect((await client("kill", harness.socket, pid, "9")).status).toBe(0);
    await child.exited;
    expect(child.exitCode).toBe(137);
    const again = await client("kill", harness.socket, pid, "9");
    expect(again.stderr).toContain("no such process");
  });

  test("version 1 cannot be signalled", async () => {
    using harness = await running("v1");
    const { stderr } = await client("kill", harness.socket, "1", "15");
    expect(stderr).toContain("the PAL has no pal_kill");
  });

  test("a payload whose monitor vanishes gets SIGHUP", async () => {
    using harness = await running("v2");
    const child = startClient("exec", harness.socket, "", "-", "x", "exec-sleep=20000");
    const pid = await startedPid(child.stderr);
    child.kill("SIGKILL");
    await harness.said(new RegExp(`pal kill ${pid} 1 `));
    await eventually(async () => {
      const { stderr } = await client("kill", harness.socket, pid, "18");
      return stderr.includes("no such process");
    });
  });

  test("and SIGKILL two seconds later if it ignores that", async () => {
    using harness = await running("v2");
    const child = startClient(
      "exec",
      harness.socket,
      "",
      "-",
      "x",
      "exec-ignore=1",
      "exec-sleep=20000",
    );
    const pid = await startedPid(child.stderr);
    await Bun.sleep(50);
    child.kill("SIGKILL");
    await harness.said(new RegExp(`pal kill ${pid} 9 `));
  });

  test("a detached payload outlives its monitor", async () => {
    using harness = await running("v2");
    const child = startClient("exec", harness.socket, "", "detach", "x", "exec-sleep=20000");
    const pid = await startedPid(child.stderr);
    expect(await child.exited).toBe(0);
    await Bun.sleep(100);
    expect((await client("kill", harness.socket, pid, "15")).status).toBe(0);
  });

  test("when the container ends, its exec'ed payloads are killed and the monitor says 137", async () => {
    using harness = await running("v2");
    const child = startClient("exec", harness.socket, "", "-", "x", "exec-sleep=20000");
    await startedPid(child.stderr);
    harness.signal("SIGTERM");
    const { status, stderr } = await harness.ended();
    expect(status).toBe(143);
    expect(stderr).toContain("pal kill -1 9");
    await child.exited;
    expect(child.exitCode).toBe(137);
  });

  test("a program that the PAL cannot find is told with its errno", async () => {
    using harness = await running("v2");
    const { status, stderr } = await exec(harness, "-", "x", "create-return=-2");
    expect(status).toBe(1);
    expect(stderr).toContain("failed code=2 errno=2 pal_create_process of");
  });

  test("a working directory of its own leaves the others' alone", async () => {
    using harness = await running("v2");
    const own = await client("exec", harness.socket, "/usr", "-", "x", "exec-print");
    expect(own.stdout).toContain("cwd /usr\n");
    expect((await exec(harness, "-", "x", "exec-print")).stdout).toContain("cwd /\n");
    const missing = await client("exec", harness.socket, "/nowhere", "-", "x");
    expect(missing.stderr).toContain("errno=2 enter directory `/nowhere`");
  });

  test("a terminal is one descriptor for all three streams", async () => {
    using harness = await running("v2");
    // The harness sends its standard input; a pipe serves as well as a terminal here.
    const { status } = await exec(harness, "tty", "x", "exec-status=3");
    expect(status).toBe(3);
  });
});

describe.skipIf(obstacle !== undefined)(`${name}: reports`, () => {
  test("a REPORT holds the report data that was asked for", async () => {
    using harness = await running("v3");
    const { bytes } = await client("report", harness.socket, "nonce");
    expect(bytes).toHaveLength(432);
    expect(Buffer.from(bytes.subarray(320, 325)).toString()).toBe("nonce");
  });

  test("without pal_get_report_with_data only a REPORT without data is given", async () => {
    using harness = await running("v3-no-pal_get_report_with_data");
    const { stderr } = await client("report", harness.socket, "nonce");
    expect(stderr).toContain("the PAL has no pal_get_report_with_data");
    expect((await client("report", harness.socket)).bytes).toHaveLength(432);
    expect((await client("greet", harness.socket)).stdout).toContain("abilities=3");
  });

  test("version 2 gives none", async () => {
    using harness = await running("v2");
    const { stderr } = await client("report", harness.socket);
    expect(stderr).toContain("version below 3");
  });

  test.each([
    ["report-return=-5", "errno=5 pal_get_report_with_data of"],
    ["report-return=1", "returned 1, where only 0 is success"],
    ["report-length=431", "gave 431 bytes"],
    ["report-length=0", "gave 0 bytes"],
    ["report-length=-1", "gave -1 bytes"],
    ["report-overrun=1", "wrote beyond the 432 bytes"],
    ["report-overrun=4000", "wrote beyond the 432 bytes"],
    ["report-other-data", "without the report data that was asked for"],
  ])("%s is refused", async (args, reason) => {
    using harness = await running("v3", args);
    const { status, stderr } = await client("report", harness.socket, "nonce");
    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect((await client("greet", harness.socket)).status).toBe(0);
  });
});

async function running(variant: string, args = ""): Promise<Harness> {
  const payload = "init-payload";
  const harness = start({
    variant,
    args: `trace ${args}`,
    argv: [payload, "exec-sleep=60000"],
  });
  await harness.said(/pal exec/);
  return harness;
}

/** Runs a program in the container's working directory. */
function exec(harness: Harness, keys: string, ...argv: readonly string[]) {
  return client("exec", harness.socket, "", keys, ...argv);
}
