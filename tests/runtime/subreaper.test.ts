// SPDX-License-Identifier: Apache-2.0
/** Orphans of containers that share the host's pid namespace: whose children they become. */
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { namespaces, shell } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { except, only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** Leaves a process behind whose parent has ended, writes down its pid, and stays. */
const orphaning = (file: string) =>
  `(sleep 1000 & echo $! >/tmp/${file}.new); mv /tmp/${file}.new /tmp/${file}; exec sleep 1000`;

async function parentOfOrphan(sandbox: Sandbox, file: string): Promise<number> {
  const path = join(sandbox.bundle.rootfs, "tmp", file);
  await eventually("there is an orphan", () => existsSync(path));
  const stat = readFileSync(`/proc/${readFileSync(path, "utf8").trim()}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

const shared = namespaces(["pid"]);

// covers: run --no-subreaper
except("crun", "1.8.1 takes them with --no-subreaper, too")(
  "they are the monitor's, unless others are to have them",
  async () => {
    for (const flags of [[], ["--no-subreaper"]]) {
      await using sandbox = new Sandbox();
      sandbox.configure(shared, shell(orphaning("orphan")));
      const id = sandbox.id();
      using run = sandbox.begin(["run", ...flags, id]);
      const parent = await parentOfOrphan(sandbox, "orphan");
      expect([flags, parent === run.pid]).toEqual([flags, flags.length === 0]);
      await sandbox.must(["kill", "--all", id, "KILL"]);
      expect(await run.exited()).toBe(137);
      await sandbox.expectNothingLeft();
    }
  },
);

const adopting = only("rune", "runc's exec takes the flag and adopts nobody in any case");

adopting("those of exec too", async () => {
  for (const flags of [[], ["--no-subreaper"]]) {
    await using sandbox = new Sandbox();
    const id = await sandbox.started(shared);
    const script = orphaning("orphan");
    using exec = sandbox.begin(["exec", ...flags, id, "/bin/sh", "-c", script]);
    const parent = await parentOfOrphan(sandbox, "orphan");
    expect([flags, parent === exec.pid]).toEqual([flags, flags.length === 0]);
    await sandbox.must(["kill", "--all", id, "KILL"]);
    await exec.exited();
  }
});
