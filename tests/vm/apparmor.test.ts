// SPDX-License-Identifier: Apache-2.0
/** A profile that is loaded into the kernel, put on a container's process, and felt by it. */
import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../support/bundle.ts";
import { mustRun } from "../support/command.ts";
import { guestObstacle } from "../support/guest.ts";
import { binaryOf, needs, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** Where rune puts no profile on processes it says so, and refuses one. */
const test = needs(guestObstacle("v2", "systemd") ?? missingSupport());
const profile = "rune-test-denies-write";

/** Everything is allowed but to write below /mnt. */
async function load(sandbox: Sandbox): Promise<void> {
  const file = join(sandbox.path, "profile");
  writeFileSync(
    file,
    `profile ${profile} flags=(attach_disconnected,mediate_deleted) {
      file,
      capability,
      network,
      mount,
      signal,
      ptrace,
      unix,
      deny /mnt/** w,
    }`,
  );
  await mustRun(["apparmor_parser", "--replace", "--skip-cache", file]);
}

const script =
  "cat /proc/self/attr/current; echo 1 >/tmp/file && echo written; echo 1 >/mnt/file || echo denied";
const confined = `${profile} (enforce)\nwritten\ndenied\n`;

// covers: process.apparmorProfile
test("a profile is applied and enforced", async () => {
  await using sandbox = new Sandbox();
  await load(sandbox);
  const process = { apparmorProfile: profile };
  const { stdout } = await sandbox.run({ process }, shell(script));
  expect(stdout).toBe(confined);
});

// covers: exec --apparmor
test("a further process has the container's profile, or its own", async () => {
  await using sandbox = new Sandbox();
  await load(sandbox);
  const inherits = await sandbox.started({ process: { apparmorProfile: profile } });
  const words = ["/bin/sh", "-c", script];
  expect((await sandbox.call(["exec", inherits, ...words])).stdout).toBe(confined);
  const free = await sandbox.started();
  const chosen = await sandbox.call(["exec", "--apparmor", profile, free, ...words]);
  expect(chosen.stdout).toBe(confined);
});

test("a profile that is not loaded is refused, and nothing is left", async () => {
  await using sandbox = new Sandbox();
  const process = { apparmorProfile: "no-such-profile" };
  const { status, stderr } = await sandbox.run({ process });
  expect(status).toBe(1);
  expect(stderr).toContain("apparmor");
  await sandbox.expectNothingLeft();
});

function missingSupport(): string | undefined {
  if (runtimeName !== "rune") return undefined;
  const { stdout } = Bun.spawnSync([binaryOf("rune"), "features"]);
  const enabled = JSON.parse(stdout.toString()).linux?.apparmor?.enabled === true;
  return enabled ? undefined : "this version of rune has no AppArmor";
}
