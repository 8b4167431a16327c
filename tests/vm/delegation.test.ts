// SPDX-License-Identifier: Apache-2.0
/** An ordinary user's containers below the cgroups that the user's own systemd delegates. */
import { expect } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBundle } from "../support/bundle.ts";
import { type CommandResult, command, eventually, mustRun } from "../support/command.ts";
import { guestTest } from "../support/guest.ts";
import { removeTree } from "../support/remove.ts";
import { binaryOf, runtimeName } from "../support/runtime.ts";

const test = guestTest("systemd");
const mib = 1 << 20;

/** Made by scripts/vm/setup.sh; has a manager without being logged in. */
const person = { name: "person", uid: 1234 } as const;
const runtimeDirectory = `/run/user/${person.uid}`;

/** A directory of the user's with a bundle. */
class Home implements AsyncDisposable {
  readonly path = mkdtempSync("/home/person/rune-test-");
  readonly mark = this.path.replace(/.*\//, "");
  readonly bundle = makeBundle(join(this.path, "bundle"));

  async prepare(cgroupsPath: string): Promise<void> {
    await mustRun(["chown", "-R", `${person.name}:`, this.path]);
    const runtime = binaryOf(runtimeName);
    await mustRun(
      this.asPerson("sh", "-c", `cd ${this.bundle.path} && ${runtime} spec --rootless`),
    );
    const file = join(this.bundle.path, "config.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    limit(config, cgroupsPath);
    writeFileSync(file, JSON.stringify(config));
  }

  asPerson(...words: string[]): string[] {
    const bus = `DBUS_SESSION_BUS_ADDRESS=unix:path=${runtimeDirectory}/bus`;
    const environment = [`XDG_RUNTIME_DIR=${runtimeDirectory}`, bus];
    return ["runuser", "-u", person.name, "--", "env", ...environment, ...words];
  }

  /** In a service of the user's manager, as a shell of the user's session would be. */
  run(...flags: string[]): Promise<CommandResult> {
    const runtime = [binaryOf(runtimeName), ...flags];
    const verb = ["run", "--bundle", this.bundle.path, this.mark];
    const service = [
      "systemd-run",
      "--user",
      "--pipe",
      "--wait",
      "--quiet",
      "--property=Delegate=yes",
    ];
    return command(this.asPerson(...service, ...runtime, ...verb));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await command(this.asPerson(binaryOf(runtimeName), "delete", "--force", this.mark));
    removeTree(this.path);
  }
}

/** Some mount the whole hierarchy, some the container's own part of it. */
const look =
  "own=$(sed -n s/^0:://p /proc/self/cgroup); echo $own; cd /sys/fs/cgroup$own 2>/dev/null || " +
  "cd /sys/fs/cgroup; cat memory.max pids.max";

async function managerIsUp(): Promise<void> {
  await eventually("the user's manager is up", async () => {
    const state = await command(["systemctl", "is-active", `user@${person.uid}.service`]);
    return state.stdout.trim() === "active";
  });
}

// covers: --systemd-cgroup, --rootless, linux.resources.memory.limit, linux.resources.pids.limit
test("limits of an ordinary user's container, through the user's systemd", async () => {
  await managerIsUp();
  await using home = new Home();
  await home.prepare(`user.slice:test:${home.mark}`);
  const { status, stdout } = await home.run("--systemd-cgroup");
  expect(status).toBe(0);
  const [path, memory, pids] = stdout.trim().split("\n");
  expect(path).toContain(`/user@${person.uid}.service/`);
  expect(path).toEndWith(`/test-${home.mark}.scope`);
  expect([memory, pids]).toEqual([String(64 * mib), "77"]);
  await eventually("the unit is gone", async () => {
    const unit = `test-${home.mark}.scope`;
    const shown = await command(home.asPerson("systemctl", "--user", "show", unit));
    return shown.stdout.includes("LoadState=not-found");
  });
});

// biome-ignore lint/suspicious/noExplicitAny: edits what `spec --rootless` wrote
function limit(config: any, cgroupsPath: string): void {
  config.process.terminal = false;
  config.process.args = ["/bin/sh", "-c", look];
  config.linux.cgroupsPath = cgroupsPath;
  config.linux.resources = { memory: { limit: 64 * mib }, pids: { limit: 77 } };
  config.linux.namespaces = config.linux.namespaces.filter(
    ({ type }: { type: string }) => type !== "cgroup",
  );
}
