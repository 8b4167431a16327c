// SPDX-License-Identifier: Apache-2.0
/** The planner: holds the socket and a pool of workers. docs/protocol/planner.md, "The planner itself". */
import { RuneError } from "../errors/error.ts";
import { ECONNREFUSED, EEXIST, ENOENT, O_RDWR } from "../kernel/constants.ts";
import { type Fd, type Kernel, unlessErrno } from "../kernel/kernel.ts";
import type { PlannerCalls } from "../kernel/planner-calls.ts";
import { firstOwn } from "./caller-kernel.ts";

export type PoolOptions = {
  readonly kernel: Kernel;
  readonly calls: PlannerCalls;
  /** The compiled engine: what a worker is. */
  readonly engine: string;
  /** Words in front of the worker's verb. */
  readonly flags: readonly string[];
  /** Where to listen, or the socket that is listened on already. */
  readonly socket: string | Fd;
  readonly idleMs: number;
  readonly workers: number;
  readonly step: (message: string) => void;
  readonly warn: (message: string) => void;
};

/** One that has waited beside another for so long has no more use. */
const spareMs = 10_000;
/** For so long none has waited before another is started: most verbs are done by then. */
const busyMs = 5;
/** A worker that ends sooner than this after its start does not get a successor at once. */
const soonMs = 1000;

type Worker = {
  readonly child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly started: number;
  busy: boolean;
  /** It has said that it waits, at least once. */
  ready: boolean;
  since: number;
  leaving: boolean;
};

/** Runs until a signal asks it to end, or nobody has asked for anything. */
export async function runPool(options: PoolOptions): Promise<void> {
  const { socket, kernel, calls } = options;
  const listener = typeof socket === "string" ? listen(kernel, calls, socket) : socket;
  calls.withoutWaiting(listener);
  const pool = new Pool(options, listener);
  try {
    await pool.run();
  } finally {
    // In front of the workers' end: who finds no socket starts cold at once.
    if (typeof socket === "string") unlessErrno(() => kernel.unlink(socket), ENOENT);
    kernel.close(listener);
    await pool.end();
  }
}

class Pool {
  readonly #options: PoolOptions;
  readonly #listener: Fd;
  readonly #filler: Fd;
  readonly #workers = new Set<Worker>();
  readonly #own: { readonly device: bigint; readonly inode: bigint };
  #lastAsked = performance.now();
  /** Since when no worker waits, or is about to. */
  #noneSince: number | undefined;
  #change = () => {};

  constructor(options: PoolOptions, listener: Fd) {
    this.#options = options;
    this.#listener = listener;
    this.#filler = options.kernel.open("/dev/null", O_RDWR);
    this.#own = options.kernel.stat("/proc/self/exe");
  }

  async run(): Promise<void> {
    const stopped = stopSignals();
    this.#start();
    for (;;) {
      const changed = new Promise<"changed">((resolve) => {
        this.#change = () => resolve("changed");
      });
      const reason = await Promise.race([changed, stopped, Bun.sleep(this.#nextMs())]);
      if (reason === "stop") return;
      if (this.#replaced()) return this.#options.step("another engine is installed: ending");
      if (this.#idle()) return this.#options.step("nothing to do: ending");
      this.#adjust();
    }
  }

  /** Lets go of the workers, and waits until each has finished what it is at. */
  async end(): Promise<void> {
    for (const worker of this.#workers) this.#dismiss(worker);
    await Promise.all([...this.#workers].map(({ child }) => child.exited));
  }

  #waiting(): Worker[] {
    return [...this.#workers].filter(({ busy, leaving }) => !busy && !leaving);
  }

  #adjust(): void {
    const waiting = this.#waiting();
    const now = performance.now();
    if (waiting.length > 0) this.#noneSince = undefined;
    else this.#noneSince ??= now;
    if (this.#lacks() && (this.#workers.size === 0 || this.#noneMs() >= busyMs)) this.#start();
    const spare = waiting.filter(({ ready, since }) => ready && now - since >= spareMs).slice(1);
    for (const worker of spare) this.#dismiss(worker);
  }

  #lacks(): boolean {
    return this.#noneSince !== undefined && this.#workers.size < this.#options.workers;
  }

  #noneMs(): number {
    return performance.now() - (this.#noneSince ?? performance.now());
  }

  #nextMs(): number {
    if (this.#lacks()) return Math.max(1, busyMs - this.#noneMs());
    const { idleMs } = this.#options;
    const left = idleMs === 0 ? spareMs : this.#lastAsked + idleMs - performance.now();
    return Math.max(1, Math.min(left, spareMs));
  }

  #idle(): boolean {
    const { idleMs } = this.#options;
    if (idleMs === 0 || [...this.#workers].some(({ busy }) => busy)) return false;
    return performance.now() - this.#lastAsked >= idleMs;
  }

  /** After an upgrade every front is of the new version, and would be sent away for ever. */
  #replaced(): boolean {
    const { kernel, engine } = this.#options;
    const found = unlessErrno(() => kernel.stat(engine), ENOENT);
    return found?.inode !== this.#own.inode || found.device !== this.#own.device;
  }

  #start(): void {
    const { engine, flags } = this.#options;
    const low = new Array<number>(firstOwn - 3).fill(this.#filler);
    const child = Bun.spawn([engine, ...flags, "planner-worker"], {
      argv0: "rune",
      // What a front would say; a worker has no caller of its own.
      env: { INCLAVARE_FRONT: "1:0:" },
      cwd: "/",
      stdio: ["pipe", "pipe", "inherit", ...low, this.#listener],
    });
    const now = performance.now();
    const state = { busy: false, ready: false, since: now, leaving: false };
    // The types know only the first three of `stdio`.
    const worker: Worker = { child: child as Worker["child"], started: now, ...state };
    this.#workers.add(worker);
    this.#options.step(`worker ${child.pid} starts`);
    void this.#listen(worker);
  }

  async #listen(worker: Worker): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of worker.child.stdout) {
      const state = decoder.decode(chunk).at(-1);
      const now = performance.now();
      if (!worker.ready) this.#options.step(`worker ${worker.child.pid} waits`);
      worker.busy = state === "B";
      worker.ready = true;
      worker.since = now;
      this.#lastAsked = now;
      this.#change();
    }
    const status = await worker.child.exited;
    this.#workers.delete(worker);
    this.#options.step(`worker ${worker.child.pid} has ended: status ${status}`);
    if (!worker.leaving && performance.now() - worker.started < soonMs) {
      this.#options.warn(`a worker has ended at once, with status ${status}`);
      await Bun.sleep(soonMs);
    }
    this.#change();
  }

  #dismiss(worker: Worker): void {
    worker.leaving = true;
    void worker.child.stdin.end();
  }
}

function stopSignals(): Promise<"stop"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => resolve("stop"));
    }
  });
}

/** Makes the socket, in a folder that is ours alone; one that nobody listens on any more is replaced. */
function listen(kernel: Kernel, calls: PlannerCalls, path: string): Fd {
  const doing = `listen on \`${path}\``;
  const folder = path.slice(0, path.lastIndexOf("/"));
  unlessErrno(() => kernel.mkdir(folder, 0o700), EEXIST);
  const { uid, mode } = kernel.stat(folder);
  if (uid !== kernel.euid() || (mode & 0o022) !== 0) {
    const reason = `others may write to \`${folder}\``;
    throw new RuneError({ code: "HOST_UNSUPPORTED", doing, reason });
  }
  const other = unlessErrno(() => calls.connectPackets(path), ENOENT, ECONNREFUSED);
  if (other !== undefined) {
    kernel.close(other);
    throw new RuneError({ code: "USAGE", doing, reason: "another planner does" });
  }
  unlessErrno(() => kernel.unlink(path), ENOENT);
  const before = kernel.umask(0o177);
  try {
    return calls.listenPackets(path);
  } finally {
    kernel.umask(before);
  }
}
