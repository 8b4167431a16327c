// SPDX-License-Identifier: Apache-2.0
/**
 * Many containers, made, entered, killed and removed by several callers at once, with `rune` killed
 * at random moments and the disk full at others: whatever happened, the next command works and nothing
 * stays. A few dozen in `npm test`, a thousand with --conformance (or SOAK=<count>).
 */
import { expect } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { progressOn } from "../../src/progress/progress.ts";
import { eventually, mustRun } from "../support/command.ts";
import { only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = only("rune", "1.1.5 leaves cgroups behind that it does not know of any more");

const containers = Number(process.env["SOAK"] ?? (process.env["CONFORMANCE"] === "1" ? 1000 : 40));
const callers = 3;
/** Room for the state of a few containers, not for a disk that is full. */
const diskBytes = 2 << 20;

/** The same choices each time: a failure can be repeated, but for what the machine does in between. */
class Choice {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** 0 to below `count`. */
  below(count: number): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#seed / 2 ** 32) * count);
  }

  of<T>(options: readonly T[]): T {
    const chosen = options[this.below(options.length)];
    if (chosen === undefined) throw new Error("nothing to choose from");
    return chosen;
  }
}

/** A file system of its own for the state of containers. */
class Disk implements AsyncDisposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  static async at(path: string): Promise<Disk> {
    mkdirSync(path, { recursive: true });
    await mustRun(["mount", "-t", "tmpfs", "-o", `size=${diskBytes}`, "soak", path]);
    return new Disk(path);
  }

  fill(): void {
    try {
      for (let file = 0; ; file++) {
        writeFileSync(join(this.#path, `.full-${file}`), new Uint8Array(64 << 10));
      }
    } catch {
      // ENOSPC is what was wanted.
    }
  }

  async free(): Promise<void> {
    for (let file = 0; file <= diskBytes >> 16; file++) {
      rmSync(join(this.#path, `.full-${file}`), { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await mustRun(["umount", this.#path]);
  }
}

/** What the kernel holds for containers, and no test can see by a path. */
function sessionKeyrings(mark: string): string[] {
  return readFileSync("/proc/keys", "utf8")
    .split("\n")
    .filter((line) => line.includes(`_ses.${mark}`));
}

/** Runs the verb and kills it within the time that it takes; true when it was in time. */
async function interrupt(sandbox: Sandbox, words: readonly string[], choice: Choice) {
  using running = sandbox.begin(words);
  await Bun.sleep(choice.below(80));
  running.kill("SIGKILL");
  return (await running.exited()) === 137;
}

/** A failed command says why, in one record. */
function refused({ status, stderr }: { status: number; stderr: string }): void {
  expect([1, 255]).toContain(status);
  expect(stderr.match(/level=error/g)).toHaveLength(1);
}

async function liveAndDie(sandbox: Sandbox, id: string, choice: Choice): Promise<void> {
  const interrupted = choice.of(["create", "start", "exec", "delete", "nothing", "nothing"]);
  const make = ["create", id];
  if (interrupted === "create" && (await interrupt(sandbox, make, choice))) return;
  if (interrupted !== "create") {
    const made = await sandbox.call(make);
    if (made.status !== 0) return refused(made); // the disk is full
  }
  if (interrupted === "start") await interrupt(sandbox, ["start", id], choice);
  else await sandbox.call(["start", id]);
  if (interrupted === "exec") await interrupt(sandbox, ["exec", id, "true"], choice);
  const entered = await sandbox.call(["exec", id, "sh", "-c", "exit 7"]);
  if (entered.status !== 7) refused(entered);
  await sandbox.call(["kill", id, choice.of(["KILL", "TERM", "0"])]);
  if (interrupted === "delete") await interrupt(sandbox, ["delete", "--force", id], choice);
}

test(`${containers} containers, with commands killed and the disk full now and then`, async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  let next = 0;
  using progress = progressOn(2);
  {
    await using disk = await Disk.at(sandbox.stateRoot);
    const call = async (seed: number) => {
      const choice = new Choice(seed);
      for (let round = 0; next < containers; round++) {
        const id = `${sandbox.mark}-${next++}`;
        progress.at(next, containers);
        if (seed === 1 && round % 8 === 5) disk.fill();
        await liveAndDie(sandbox, id, choice);
        if (seed === 1) await disk.free();
        const removed = await sandbox.call(["delete", "--force", id]);
        expect([id, removed.status, removed.stderr]).toEqual([id, 0, ""]);
      }
    };
    await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller + 1)));
    expect(sandbox.containers()).toEqual([]);
  }
  await eventually("the keyrings are gone", () => sessionKeyrings(sandbox.mark).length === 0);
  await sandbox.expectNothingLeft();
  expect(await sandbox.output({ process: { args: ["/bin/echo", "as before"] } })).toBe("as before");
});

test("verbs of all kinds at once on one container are done or refused, and none hangs", async () => {
  await using sandbox = new Sandbox();
  const choice = new Choice(7);
  for (let round = 0; round < Math.max(3, containers / 50); round++) {
    const id = await sandbox.created();
    const verbs = Array.from({ length: 12 }, () =>
      choice.of([
        ["start", id],
        ["state", id],
        ["exec", id, "true"],
        ["kill", id, "0"],
        ["pause", id],
        ["resume", id],
        ["update", "--pids-limit", "50", id],
        ["ps", id],
        ["delete", id],
      ]),
    );
    const results = Promise.all(verbs.map((words) => sandbox.call(words)));
    // A pause may come while a program of exec runs: then it, and exec, wait to be resumed.
    const inTime = () =>
      Promise.race([results.then(() => true), Bun.sleep(2000).then(() => false)]);
    while (!(await inTime())) await sandbox.call(["resume", id]);
    // 137: a program of exec that the end of its container has killed.
    for (const result of await results) if (![0, 137].includes(result.status)) refused(result);
    const found = await sandbox.call(["state", id]);
    if (found.status === 0) {
      expect(["created", "running", "paused"]).toContain(JSON.parse(found.stdout).status);
    }
    await sandbox.must(["delete", "--force", id]);
    await sandbox.expectNothingLeft();
  }
});
