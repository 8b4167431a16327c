// SPDX-License-Identifier: Apache-2.0
/** ps and list as tools read them. */
import { expect } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../support/bundle.ts";
import { eventually, mustRun } from "../support/command.ts";
import { callOf, comparison, except, needs, only, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const withPs =
  runtimeName === "crun"
    ? except("crun", "1.8.1 prints pids alone, and dies of a container that has stopped")
    : needs(existsSync("/bin/ps") ? undefined : "needs ps (Debian's procps)");

// covers: ps, ps --format
withPs("the processes of a container, and nobody else's", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(shell("sleep 1001 & exec sleep 1002"));
  const { pid } = await sandbox.state(id);
  const pids = async () =>
    JSON.parse((await sandbox.must(["ps", "--format", "json", id])).stdout) as number[];
  await eventually("two processes", async () => (await pids()).length === 2);
  expect(await pids()).toContain(pid);
  const table = (await sandbox.must(["ps", id])).stdout.trimEnd().split("\n");
  expect(table.length).toBe(3);
  expect(table[0]).toMatch(/^UID +PID +PPID /);
  expect(table.slice(1).every((line) => / sleep 100[12]$/.test(line))).toBe(true);
  const own = (await sandbox.must(["ps", id, "-o", "pid,comm"])).stdout.trimEnd().split("\n");
  expect(own[0]).toMatch(/^ +PID COMMAND$/);
  expect(own.slice(1).map((line) => line.trim().split(" ")[1])).toEqual(["sleep", "sleep"]);
});

withPs("ps of a container that stopped, or never was", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started({ process: { args: ["/bin/true"] } });
  await sandbox.reaches(id, "stopped");
  expect((await sandbox.must(["ps", "-f", "json", id])).stdout).toBe("null\n");
  expect((await sandbox.must(["ps", id])).stdout.split("\n").length).toBe(2);
  expect((await sandbox.call(["ps", sandbox.id()])).status).toBe(1);
  expect((await sandbox.call(["ps", "--format", "xml", id])).status).toBe(1);
  expect((await sandbox.call(["ps", id, "-o", "nosuch"])).status).toBe(1);
});

comparison("ps, list and state print what runc prints", async () => {
  await using ours = new Sandbox("rune");
  await using theirs = new Sandbox("runc");
  const print = async (sandbox: Sandbox) => {
    const id = await sandbox.started({ annotations: { b: "1", a: "<&>" } });
    const { pid } = await sandbox.state(id);
    const plain = (text: string) =>
      text
        .replaceAll(id, "ID".padEnd(id.length))
        .replaceAll(String(pid), "PID")
        .replaceAll(sandbox.bundle.path, "BUNDLE".padEnd(sandbox.bundle.path.length))
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z */g, "TIME ")
        .replace(/CREATED +/, "CREATED ")
        .replace(/\d\d:\d\d/g, "TT:TT");
    const output = async (...words: string[]) => plain((await sandbox.must(words)).stdout);
    return {
      list: await output("list"),
      quiet: await output("list", "-q"),
      keys: JSON.parse((await sandbox.must(["list", "-f", "json"])).stdout)
        .flatMap(Object.entries)
        .map(([key]: [string]) => key),
      state: Object.keys(await sandbox.state(id)),
      owner: JSON.parse((await sandbox.must(["list", "-f", "json"])).stdout)[0].owner,
      ps: await output("ps", id, "-o", "pid,comm"),
      pids: await output("ps", "-f", "json", id),
    };
  };
  const [one, other] = [await print(ours), await print(theirs)];
  const width = (text: string) => text.replace(/ +/g, " ");
  expect({ ...one, list: width(one.list) }).toEqual({ ...other, list: width(other.list) });
});

only("rune", "takes one")("delete of several removes those that it can", async () => {
  await using sandbox = new Sandbox();
  const [one, running, other] = [
    await sandbox.created(),
    await sandbox.started(),
    await sandbox.created(),
  ];
  const refused = await sandbox.call(["delete", one, running, other]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain(`delete \`${running}\`: it is running`);
  expect(sandbox.containers()).toEqual([running]);
  await sandbox.must(["delete", "--force", running, sandbox.id()]);
  await sandbox.expectNothingLeft();
});

const oldFiles = needs(
  existsSync("/dev/loop-control") && existsSync("/sbin/mke2fs")
    ? undefined
    : "needs mke2fs and loop devices",
);

oldFiles("list finds containers where a directory does not say what its entries are", async () => {
  await using sandbox = new Sandbox();
  const [image, root] = [join(sandbox.path, "image"), join(sandbox.path, "unnamed")];
  mkdirSync(root);
  await mustRun(["/sbin/mke2fs", "-q", "-O", "^filetype", image, "4096"]);
  await mustRun(["mount", "-o", "loop", image, root]);
  try {
    sandbox.configure();
    const id = sandbox.id();
    const call = (...words: string[]) =>
      mustRun([...callOf(sandbox.runtime), "--root", root, ...words], { cwd: sandbox.bundle.path });
    await call("create", id);
    expect(await call("list", "-q")).toBe(`${id}\n`);
    await call("delete", id);
  } finally {
    await mustRun(["umount", root]);
  }
});
