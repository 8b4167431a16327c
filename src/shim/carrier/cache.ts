// SPDX-License-Identifier: Apache-2.0
/** What was built, by what it was built from; and the folders in which building goes on. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { RuneError } from "../../errors/error.ts";
import { treeBytes } from "./tree.ts";

const folders = ["/built", "/builds", "/held"];

/** An enclave that is being used: it stays where it is until this is disposed of. */
export type Held = AsyncDisposable & { readonly path: string };

export class Cache {
  readonly #folder: string;
  readonly #maxBytes: number;

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    // The enclaves of other pods are nobody's business.
    for (const name of ["", ...folders]) {
      mkdirSync(`${folder}${name}`, { recursive: true, mode: 0o700 });
    }
    requireOwn(folder);
    this.#forgetDead();
  }

  /** What was built of it, where there is something. It is not to be changed. */
  find(key: string): Held | undefined {
    // First: another shim that is about to remove it takes its name away, and then looks who holds it.
    const release = this.#hold(key);
    const entry = this.#entry(key);
    const now = new Date();
    try {
      utimesSync(`${entry}.size`, now, now);
    } catch (error) {
      release();
      if (isAbsent(error)) return undefined;
      throw error;
    }
    return { path: entry, [Symbol.asyncDispose]: async () => release() };
  }

  /** An empty folder, of which the owner is to dispose. */
  workspace(): string {
    const path = `${this.#folder}/builds/${process.pid}-${workspaces++}`;
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  /** Takes the workspace. Where another process was faster, or is just removing its own, it is only lent. */
  async keep(key: string, workspace: string): Promise<Held> {
    const entry = this.#entry(key);
    const bytes = await treeBytes(workspace);
    const release = this.#hold(key);
    try {
      renameSync(workspace, entry);
    } catch (error) {
      release();
      if (!existsSync(entry)) throw error;
      const remove = () => rm(workspace, { recursive: true, force: true });
      return { path: workspace, [Symbol.asyncDispose]: remove };
    }
    try {
      // Last: without it the folder is no entry.
      writeFileSync(`${entry}.size`, String(bytes), { mode: 0o600 });
    } catch (error) {
      release();
      await this.#giveUp(key);
      throw error;
    }
    await this.#prune();
    return { path: entry, [Symbol.asyncDispose]: async () => release() };
  }

  /** What could not be made an entry, as on a full disk: nobody would ever find it, or remove it. */
  async #giveUp(key: string): Promise<void> {
    const entry = this.#entry(key);
    await rm(`${entry}.size`, { recursive: true, force: true });
    if (!this.#isHeld(key)) await rm(entry, { recursive: true, force: true });
  }

  /** The longest unused go, until the rest fits; those that are held stay. */
  async #prune(): Promise<void> {
    const entries = this.#entries().sort((a, b) => b.usedMs - a.usedMs);
    let left = this.#maxBytes;
    for (const { key, bytes } of entries) {
      left -= bytes;
      if (left < 0) await this.#remove(key);
    }
  }

  async #remove(key: string): Promise<void> {
    const entry = this.#entry(key);
    // In one step and away: half an entry would be taken for a whole one by who finds it again.
    const doomed = this.workspace();
    try {
      renameSync(`${entry}.size`, `${doomed}/size`);
      if (this.#isHeld(key)) renameSync(`${doomed}/size`, `${entry}.size`);
      else renameSync(entry, `${doomed}/entry`);
    } catch (error) {
      if (!isAbsent(error)) throw error; // another shim removes it
    }
    await rm(doomed, { recursive: true, force: true });
  }

  /** Returns how to let go. */
  #hold(key: string): () => void {
    const path = `${this.#folder}/held/${process.pid}-${holds++}.${key}`;
    writeFileSync(path, "", { mode: 0o600 });
    return () => rmSync(path, { force: true });
  }

  #isHeld(key: string): boolean {
    const holders = readdirSync(`${this.#folder}/held`).filter((name) => name.endsWith(`.${key}`));
    return holders.some((name) => isAlive(Number.parseInt(name, 10)));
  }

  #entries(): { key: string; bytes: number; usedMs: number }[] {
    const sizes = readdirSync(`${this.#folder}/built`).filter((name) => name.endsWith(".size"));
    return sizes.flatMap((name) => {
      const path = `${this.#folder}/built/${name}`;
      try {
        const bytes = Number(readFileSync(path, "utf8")) || 0;
        return { key: name.slice(0, -".size".length), bytes, usedMs: statSync(path).mtimeMs };
      } catch (error) {
        if (isAbsent(error)) return [];
        throw error;
      }
    });
  }

  #entry(key: string): string {
    return `${this.#folder}/built/${key}`;
  }

  /** What shims that were killed were at: building, using, and keeping or removing. */
  #forgetDead(): void {
    for (const folder of ["builds", "held"]) {
      for (const name of readdirSync(`${this.#folder}/${folder}`)) {
        if (isAlive(Number.parseInt(name, 10))) continue;
        rmSync(`${this.#folder}/${folder}/${name}`, { recursive: true, force: true });
      }
    }
    for (const key of readdirSync(`${this.#folder}/built`)) {
      if (key.endsWith(".size")) continue;
      const isEntry = existsSync(`${this.#entry(key)}.size`);
      if (!isEntry && !this.#isHeld(key))
        rmSync(this.#entry(key), { recursive: true, force: true });
    }
  }
}

/** In the whole process: a name is of one holder. */
let holds = 0;
let workspaces = 0;

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Whoever may write here decides which enclave a pod gets. */
function requireOwn(folder: string): void {
  for (const path of ["", ...folders].map((name) => `${folder}${name}`)) {
    const { uid, mode } = lstatSync(path);
    if (uid === process.geteuid?.() && (mode & 0o170_022) === 0o040_000) continue;
    throw new RuneError({
      code: "CARRIER",
      doing: `use the cache \`${path}\``,
      reason: "it must be a directory of the shim's own that nobody else may write",
    });
  }
}
