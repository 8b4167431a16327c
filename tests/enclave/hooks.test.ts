// SPDX-License-Identifier: Apache-2.0
/** Hooks of enclave containers: the program is one that the enclave runtime starts, not an execve. */
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { EnclaveSandbox, enclave, enclaveObstacle } from "../support/enclave.ts";
import { busybox, needs } from "../support/runtime.ts";

const test = needs(enclaveObstacle);

/** Hooks that write down who they are and the status they are told. */
function recording(sandbox: EnclaveSandbox, then: { readonly [name: string]: string } = {}) {
  const log = join(sandbox.path, "hooks");
  const names = ["prestart", "createRuntime", "poststart", "poststop"];
  const hooks = names.map((name) => {
    const status = `(sed 's/.*"status":"\\([a-z]*\\)".*/${name} \\1/'; echo) >> ${log}`;
    return [
      name,
      [{ path: busybox, args: ["busybox", "sh", "-c", `${status}; ${then[name] ?? ""}`] }],
    ];
  });
  const ran = () => (existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : []);
  const settings: JsonObject = { hooks: Object.fromEntries(hooks) };
  return { settings, ran };
}

const creating = ["prestart creating", "createRuntime creating"];

for (const version of ["v1", "v2", "v3"]) {
  test(`${version}: create, start and delete run them; start comes back while the program runs`, async () => {
    await using sandbox = new EnclaveSandbox();
    const { settings, ran } = recording(sandbox);
    const id = sandbox.id();
    sandbox.configure(enclave(sandbox.pal(version), "", "exec-sleep=60000"), settings);
    await sandbox.must(["create", id]);
    expect(ran()).toEqual(creating);
    await sandbox.must(["start", id]);
    expect(ran()).toEqual([...creating, "poststart running"]);
    expect((await sandbox.state(id)).status).toBe("running");
    await sandbox.must(["kill", id, "KILL"]);
    await sandbox.reaches(id, "stopped");
    await sandbox.must(["delete", id]);
    expect(ran()).toEqual([...creating, "poststart running", "poststop stopped"]);
    await sandbox.expectNothingLeft();
  });
}

test("a foreground run and a detached one run them too", async () => {
  for (const flags of [[], ["--detach"]]) {
    await using sandbox = new EnclaveSandbox();
    const { settings, ran } = recording(sandbox);
    sandbox.configure(enclave(sandbox.pal("v2"), "", "exec-sleep=60000"), settings);
    const id = sandbox.id();
    using child = sandbox.begin(["run", ...flags, id]);
    await eventually("poststart ran", () => ran().includes("poststart running"));
    await sandbox.reaches(id, "running");
    await sandbox.must(["kill", id, "KILL"]);
    expect(await child.exited()).toBe(flags.length > 0 ? 0 : 137);
    if (flags.length > 0) {
      await sandbox.reaches(id, "stopped");
      await sandbox.must(["delete", id]);
    }
    expect(ran()).toEqual([...creating, "poststart running", "poststop stopped"]);
    await sandbox.expectNothingLeft();
  }
});

test("a failed createRuntime hook: no enclave is started", async () => {
  await using sandbox = new EnclaveSandbox();
  const { settings, ran } = recording(sandbox, { createRuntime: "exit 7" });
  sandbox.configure(enclave(sandbox.pal("v2"), "trace", "exec-sleep=60000"), settings);
  const { status, stderr } = await sandbox.call(["create", sandbox.id()]);
  expect(status).toBe(1);
  expect(stderr).toContain("createRuntime hooks");
  expect(stderr).not.toContain("pal init");
  expect(ran()).toEqual([...creating, "poststop stopped"]);
  await sandbox.expectNothingLeft();
});

test("a failed poststart hook fails start and ends the enclave", async () => {
  await using sandbox = new EnclaveSandbox();
  const { settings } = recording(sandbox, { poststart: "exit 7" });
  const id = await sandbox.created(enclave(sandbox.pal("v2"), "", "exec-sleep=60000"), settings);
  const { status, stderr } = await sandbox.call(["start", id]);
  expect(status).toBe(1);
  expect(stderr).toContain("poststart hooks");
  await sandbox.reaches(id, "stopped");
});
