// SPDX-License-Identifier: Apache-2.0
/** What of a container's memory a checkpoint writes, and when a restore reads it. */
import { expect } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Running } from "../support/command.ts";
import {
  CriuSandbox,
  criu,
  criuObstacle,
  environment,
  lacks,
  test,
  until,
} from "../support/criu.ts";
import { Counter, counting, countingInMuch } from "../support/criu-counter.ts";
import { guestName, guestObstacle } from "../support/guest.ts";
import { needs, runtimeName } from "../support/runtime.ts";

// covers: checkpoint --pre-dump, checkpoint --parent-path
needs(lacks("mem_dirty_track"))("after a pre-dump only what has changed is written", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs(countingInMuch);
  const counter = new Counter(sandbox);
  await counter.passes(3);
  const first = join(sandbox.path, "first");
  await sandbox.must(["checkpoint", "--pre-dump", "--image-path", first, id]);
  await counter.passes(counter.value);
  await sandbox.checkpoint(id, "--parent-path", "../first");
  const pages = (folder: string) =>
    readdirSync(folder)
      .filter((name) => name.startsWith("pages-"))
      .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  expect(pages(first)).toBeGreaterThan(1 << 20);
  expect(pages(sandbox.images)).toBeLessThan(1 << 19);
  await sandbox.restore(id);
  await counter.passes(counter.value);
});

test("a parent has to be relative, and there", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs();
  for (const path of [sandbox.path, "../none"]) {
    const words = ["checkpoint", ...sandbox.paths, "--parent-path", path, id];
    const { status, stderr } = await sandbox.call(words);
    expect([status, stderr]).toEqual([1, expect.stringContaining("parent-path")]);
  }
});

const keepsNames = runtimeName === "runc" && guestName !== undefined;

// covers: checkpoint --lazy-pages, checkpoint --page-server, checkpoint --status-fd, restore --lazy-pages
const lazy = keepsNames
  ? needs(criuObstacle ?? "runc leaves a cgroup behind")
  : // criu 4.1.1 on Linux 6.18: splice gets EBADF, with runc too
    needs(guestObstacle("v2") ?? lacks("uffd-noncoop"));
lazy("memory comes over when it is touched", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs(counting);
  const counter = new Counter(sandbox);
  await counter.passes(3);
  const ready = join(sandbox.path, "ready");
  const told = ["sh", "-c", 'exec 7>"$0"; exec "$@"', ready];
  const port = "27277";
  const served = ["--lazy-pages", "--page-server", `127.0.0.1:${port}`, "--status-fd", "7"];
  const options = { cwd: sandbox.bundle.path, env: environment };
  const dump = sandbox.argv("checkpoint", ...sandbox.paths, ...served, id);
  using dumping = new Running([...told, ...dump], options);
  await until(() => existsSync(ready) && statSync(ready).size === 1);
  const serve = ["--images-dir", sandbox.images, "--work-dir", sandbox.work];
  const page = ["--page-server", "--address", "127.0.0.1", "--port", port];
  using serving = new Running([criu ?? "", "lazy-pages", ...serve, ...page], options);
  const socket = join(sandbox.work, "lazy-pages.socket");
  await until(() => existsSync(socket));
  const other = sandbox.id();
  await sandbox.restore(other, "--lazy-pages");
  await counter.passes(counter.value);
  expect(await dumping.exited()).toBe(0);
  expect(await serving.exited()).toBe(0);
});
