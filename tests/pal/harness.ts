// SPDX-License-Identifier: Apache-2.0
/**
 * Starts native/build/testing/pal-harness, which leads a testing PAL through a container's life, as
 * the first process of a pid namespace of its own: nothing it leaves behind outlives it.
 */
import { existsSync, mkdtempSync, readFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import { removeTree } from "../support/remove.ts";

const folder = resolve(import.meta.dir, "../../native/build/testing");
const binary = join(folder, "pal-harness");

/** Why these tests cannot run here, or undefined. */
export const obstacle: string | undefined = findObstacle();

function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root for a pid namespace";
  if (!existsSync(binary)) return "needs `make -C native`";
  const probe = Bun.spawnSync(["unshare", "--pid", "--fork", "--mount-proc", "true"]);
  return probe.exitCode === 0 ? undefined : "needs pid and mount namespaces";
}

/** The path of a testing PAL: "v2", "v2-no-pal_kill". */
export function pal(variant: string): string {
  return join(folder, `libpal-testing-${variant}.so`);
}

export type Ended = {
  /** Exit code, or 128 plus the signal that ended the process. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type Options = {
  readonly variant: string;
  /** Another file instead of a testing PAL. */
  readonly library?: string;
  /** The PAL's args. */
  readonly args?: string;
  readonly argv?: readonly string[];
  /** Further options of the harness. */
  readonly options?: readonly string[];
  readonly stdin?: string;
};

/** Runs a container's life to its end. */
export async function run(options: Options): Promise<Ended> {
  using harness = start(options);
  return await harness.ended();
}

export interface Harness {
  /** The agent's socket. */
  readonly socket: string;
  /** Scratch directory. */
  readonly directory: string;
  /** The harness's pid in the host's namespace. */
  pid(): number;
  signal(number: NodeJS.Signals | number): void;
  /** Lets a harness with `--gate` go on to the payload. */
  openGate(): void;
  /** Waits for a line on standard error that matches. */
  said(pattern: RegExp): Promise<string>;
  ended(): Promise<Ended>;
  [Symbol.dispose](): void;
}

export function start(input: Options): Harness {
  const {
    variant,
    library = pal(variant),
    args = "",
    argv = ["sh"],
    options = [],
    stdin = "",
  } = input;
  const directory = mkdtempSync(join(tmpdir(), "pal-"));
  const socket = join(directory, "agent.sock");
  const child = Bun.spawn(
    [
      ...["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
      ...[binary, "run", "--agent", socket, "--args", args, ...options, library, ...argv],
    ],
    { stdio: [new Blob([stdin]), "pipe", "pipe", "pipe"], cwd: "/" },
  );
  const stdout = child.stdout.text();
  const stderr = collectLines(child.stderr);
  let over = false;
  const ended = child.exited.then(() => {
    over = true;
  });

  return {
    socket,
    directory,
    pid: () => innerPid(child.pid),
    signal: (signal) => void process.kill(innerPid(child.pid), signal),
    openGate() {
      const gate = child.stdio[3];
      if (typeof gate !== "number") throw new Error("the harness has no gate");
      writeSync(gate, "\n");
    },
    said: (pattern) => stderr.waitFor(pattern),
    async ended() {
      await ended;
      const said = await stderr.all;
      // What unshare says when its child died of SIGKILL, whose mask it cannot change.
      const killed = said.includes("unshare: sigprocmask unblock failed");
      return { status: killed ? 137 : statusOf(child), stdout: await stdout, stderr: said };
    },
    [Symbol.dispose]() {
      if (!over) child.kill("SIGKILL");
      removeTree(directory);
    },
  };
}

/** Runs one of the harness's client verbs: exec, kill, report, greet. */
export async function client(...args: readonly string[]): Promise<Ended & { bytes: Uint8Array }> {
  const child = startClient(...args);
  const [bytes, stderr] = await Promise.all([child.stdout.bytes(), child.stderr.text()]);
  await child.exited;
  return { status: statusOf(child), stdout: Buffer.from(bytes).toString(), stderr, bytes };
}

export function startClient(...args: readonly string[]): Subprocess<"ignore", "pipe", "pipe"> {
  return Bun.spawn([binary, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
}

/** The PAL pid that `exec` prints; leaves the rest of its standard error unread. */
export async function startedPid(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (value !== undefined) text += Buffer.from(value).toString();
    const match = /started (\d+)\n/.exec(text);
    if (match?.[1] !== undefined) return match[1];
    if (done) throw new Error(`never started: ${text}`);
  }
}

/** Waits until `condition` holds; fails after five seconds. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never: ${condition}`);
    await Bun.sleep(10);
  }
}

/** The children of all of a process's threads, by their state letter in /proc. */
export function childStates(pid: number): string[] {
  return childrenOf(pid).flatMap((child) => {
    try {
      return readFileSync(`/proc/${child}/stat`, "utf8").split(") ")[1]?.[0] ?? [];
    } catch {
      return []; // reaped between the two reads
    }
  });
}

function childrenOf(pid: number): string[] {
  const tasks = [...new Bun.Glob("*").scanSync({ cwd: `/proc/${pid}/task`, onlyFiles: false })];
  return tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
}

/** The one child of `unshare`, which is the harness. */
function innerPid(outer: number): number {
  const [inner] = childrenOf(outer);
  if (inner === undefined) throw new Error("the harness is not there");
  return Number(inner);
}

function statusOf(child: Subprocess): number {
  const signals: Record<string, number> = { SIGKILL: 9, SIGSEGV: 11, SIGABRT: 6, SIGTERM: 15 };
  if (child.signalCode === null) return child.exitCode ?? -1;
  return 128 + (signals[child.signalCode] ?? Number.NaN);
}

function collectLines(stream: ReadableStream<Uint8Array>) {
  let text = "";
  let over = false;
  const all = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
    over = true;
    return text;
  })();
  return {
    all,
    async waitFor(pattern: RegExp): Promise<string> {
      const deadline = Date.now() + 5000;
      for (;;) {
        const match = pattern.exec(text);
        if (match !== null) return match[0];
        if (over || Date.now() > deadline) throw new Error(`never said ${pattern}: ${text}`);
        await Bun.sleep(5);
      }
    },
  };
}
