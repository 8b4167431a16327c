// SPDX-License-Identifier: Apache-2.0
/** The status of `run` is the program's; a program that cannot be started is an error. */
import { expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../support/bundle.ts";
import { test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

for (const status of [0, 1, 42, 127, 255]) {
  // covers: run, process.args
  test(`exit ${status}`, async () => {
    await using sandbox = new Sandbox();
    expect((await sandbox.run(shell(`exit ${status}`))).status).toBe(status);
    expect(sandbox.containers()).toEqual([]);
  });
}

// Process 1 of a pid namespace is immune to what it does not handle, but for SIGKILL from outside.
for (const [name, number] of [
  ["TERM", 15],
  ["KILL", 9],
  ["SEGV", 11],
] as const) {
  test(`death by SIG${name} is 128 + ${number}`, async () => {
    await using sandbox = new Sandbox();
    const sameNamespace = {
      linux: { namespaces: ["ipc", "uts", "mount"].map((type) => ({ type })) },
    };
    const { status } = await sandbox.run(shell(`kill -${name} $$`), sameNamespace);
    expect(status).toBe(128 + number);
  });
}

test("init killed from outside is 128 + 9", async () => {
  await using sandbox = new Sandbox();
  const id = sandbox.id();
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  using running = sandbox.begin(["run", id]);
  await sandbox.reaches(id, "running");
  await sandbox.must(["kill", id, "KILL"]);
  expect(await running.exited()).toBe(137);
});

test("a signal that process 1 has no handler for is not delivered to it", async () => {
  await using sandbox = new Sandbox();
  expect((await sandbox.run(shell("kill -TERM $$; exit 3"))).status).toBe(3);
});

const failures = {
  "a program that is not in PATH": { args: ["no-such-program"] },
  "a program that does not exist": { args: ["/bin/no-such-program"] },
  "a program in a file": { args: ["/etc/passwd/program"] },
  "a program that is not executable": { args: ["/etc/passwd"] },
  "a directory as program": { args: ["/etc"] },
  "an executable that is none": { args: ["/bin/garbage"] },
  "a script whose interpreter does not exist": { args: ["/bin/script"] },
  "an empty name": { args: [""] },
};

for (const [what, process] of Object.entries(failures)) {
  test(`${what} fails and leaves nothing`, async () => {
    await using sandbox = new Sandbox();
    writeFileSync(join(sandbox.bundle.rootfs, "bin/garbage"), "\x01\x02\x03", { mode: 0o755 });
    writeFileSync(join(sandbox.bundle.rootfs, "bin/script"), "#!/no/such\n", { mode: 0o755 });
    mkdirSync(join(sandbox.bundle.rootfs, "usr/bin"), { recursive: true });
    const { status, stdout, stderr } = await sandbox.run({ process });
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).not.toBe("");
    await sandbox.expectNothingLeft();
  });
}
