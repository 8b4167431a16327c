// SPDX-License-Identifier: Apache-2.0
/** What is logged, and where: engines show the record of level error to people. */
import { expect } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { except, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** A failing command of each kind: before, within and after the making of a container. */
const failures: Readonly<Record<string, (sandbox: Sandbox) => Promise<string[]>>> = {
  "an unknown container": async (sandbox) => ["state", sandbox.id()],
  "a missing bundle": async (sandbox) => ["create", "--bundle", "/no/such", sandbox.id()],
  "a program that does not exist": async (sandbox) => {
    sandbox.configure({ process: { args: ["/no/such"] } });
    return ["run", sandbox.id()];
  },
  "a program that cannot be executed": async (sandbox) => {
    writeFileSync(join(sandbox.bundle.rootfs, "bin/garbage"), "\x01\x02", { mode: 0o755 });
    sandbox.configure({ process: { args: ["/bin/garbage"] } });
    return ["run", "--detach", sandbox.id()];
  },
  "a mount that fails": async (sandbox) => {
    sandbox.configure({ mounts: [{ destination: "/mnt", type: "nosuchfs", source: "x" }] });
    return ["create", sandbox.id()];
  },
  "exec of a program that does not exist": async (sandbox) => {
    return ["exec", await sandbox.started(), "/no/such"];
  },
};

for (const [what, prepare] of Object.entries(failures)) {
  const logged =
    what === "a program that cannot be executed"
      ? only("rune", "the failure is its init's, which has no log any more")
      : test;
  const text = except("crun", "1.8.1 writes lines of its own form", logged);
  const json =
    what === "a missing bundle" ? except("crun", "1.8.1 makes no log by then", logged) : logged;

  // covers: --log, --log-format
  json(`JSON log of ${what}`, async () => {
    await using sandbox = new Sandbox();
    const words = await prepare(sandbox);
    const log = join(sandbox.path, "log");
    const { status } = await sandbox.call(["--log", log, "--log-format", "json", ...words]);
    expect(status).not.toBe(0);
    const records = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.filter(({ level }) => level === "error")).toEqual([
      expect.objectContaining({
        msg: expect.stringMatching(/.{10}/),
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/),
      }),
    ]);
  });

  text(`text log of ${what}`, async () => {
    await using sandbox = new Sandbox();
    const words = await prepare(sandbox);
    const log = join(sandbox.path, "log");
    await sandbox.call(["--log", log, ...words]);
    const lines = readFileSync(log, "utf8");
    expect(lines.match(/^time="?[^ ]+"? level=error msg=".+"/gm)).toHaveLength(1);
  });

  only("rune", "it writes what the C parts said besides")(
    `on standard error: ${what}`,
    async () => {
      await using sandbox = new Sandbox();
      const { stdout, stderr } = await sandbox.call(await prepare(sandbox));
      expect(stdout).toBe("");
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(stderr).toMatch(/ level=error msg=.* code=[A-Z_]+/);
    },
  );
}

except("crun", "1.8.1 writes lines of its own form")("a log is appended to", async () => {
  await using sandbox = new Sandbox();
  const log = join(sandbox.path, "log");
  for (const _ of [1, 2, 3]) await sandbox.call(["--log", log, "state", sandbox.id()]);
  expect(readFileSync(log, "utf8").match(/level=error/g)).toHaveLength(3);
});

test("success logs nothing", async () => {
  await using sandbox = new Sandbox();
  const log = join(sandbox.path, "log");
  sandbox.configure();
  await sandbox.must(["--log", log, "run", sandbox.id()]);
  expect(
    await Bun.file(log)
      .text()
      .catch(() => ""),
  ).toBe("");
});

test("a log that cannot be written does not keep a container from running", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/echo", "hello"] } });
  const result = await sandbox.call(["--log", "/no/such/log", "run", sandbox.id()]);
  if (runtimeName === "rune") expect(result.stdout).toBe("hello\n");
  else expect(result.status).toBe(1); // runc refuses
});

only("rune", "it writes them as they are")("control characters are escaped", async () => {
  await using sandbox = new Sandbox();
  const { stderr } = await sandbox.call([
    "create",
    "--bundle",
    "/no\u001b[31m\nsuch",
    sandbox.id(),
  ]);
  expect(stderr).not.toContain("\u001b");
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

const steps = only("rune", "these records are of what rune does");

// covers: --debug, --log-level
steps("--debug tells the steps, trace the system calls, and no secrets", async () => {
  await using sandbox = new Sandbox();
  const log = join(sandbox.path, "log");
  const text = () => {
    const found = existsSync(log) ? readFileSync(log, "utf8") : "";
    rmSync(log, { force: true });
    return found;
  };
  const secret = { process: { args: ["/bin/true"], env: ["PASSWORD=hunter2"] } };
  sandbox.configure(secret);
  const run = async (...flags: string[]) => {
    const { status, stderr } = await sandbox.call(["--log", log, ...flags, "run", sandbox.id()]);
    expect([status, stderr]).toEqual([0, ""]);
    return text();
  };
  expect(await run()).toBe("");
  const debug = await run("--debug");
  for (const step of [
    `read bundle \`${sandbox.bundle.path}\``,
    "state.json`: creating",
    "runelet is process ",
    "cgroup `/sys/fs/cgroup/",
    "plan of ",
    "init is process ",
    "wrote the state: created",
    "becoming the monitor",
  ]) {
    expect(debug).toContain(step);
  }
  expect(debug).not.toMatch(/level=(?!debug)/);
  const trace = await run("--log-level", "trace");
  expect(trace).toMatch(/level=trace msg="open /);
  expect(trace).toContain("init is process ");
  expect(debug + trace).not.toContain("hunter2");
  await sandbox.must(["--debug", "--log", log, "create", sandbox.id()]);
  const [id = ""] = sandbox.containers();
  for (const words of [
    ["start", id],
    ["kill", id, "KILL"],
    ["delete", "--force", id],
  ]) {
    await sandbox.call(["--debug", "--log", log, ...words]);
  }
  for (const step of ["init waits for start", "told init", "signal 9 to init", "removed cgroup"]) {
    expect(readFileSync(log, "utf8")).toContain(step);
  }
});

steps("--log-level off logs no failure; people are told where there is a file", async () => {
  await using sandbox = new Sandbox();
  const log = join(sandbox.path, "log");
  const words = ["--log-level", "off", "--log", log, "state", sandbox.id()];
  const { status, stderr } = await sandbox.call(words);
  expect([status, existsSync(log)]).toEqual([1, false]);
  expect(stderr).toContain("container does not exist");
});
