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

export class Cache {
  readonly #folder: string;
  readonly #maxBytes: number;
  #count = 0;

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    // The enclaves of other pods are nobody's business.
    for (const name of ["", "/built", "/builds"]) {
      mkdirSync(`${folder}${name}`, { recursive: true, mode: 0o700 });
    }
    requireOwn(folder);
    this.#forgetDead();
  }

  /** The folder with what was built of it, where there is one. It is not to be changed. */
  find(key: string): string | undefined {
    const entry = this.#entry(key);
    if (!existsSync(`${entry}.size`)) return undefined;
    const now = new Date();
    utimesSync(`${entry}.size`, now, now);
    return entry;
  }

  /** An empty folder, of which the owner is to dispose. */
  workspace(): string {
    const path = `${this.#folder}/builds/${process.pid}-${this.#count++}`;
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  /** Takes the workspace. Where another process was faster, its is kept. */
  async keep(key: string, workspace: string): Promise<string> {
    const entry = this.#entry(key);
    const bytes = await treeBytes(workspace);
    try {
      renameSync(workspace, entry);
    } catch (error) {
      if (!existsSync(entry)) throw error;
      await rm(workspace, { recursive: true, force: true });
    }
    // Last: without it the folder is no entry.
    writeFileSync(`${entry}.size`, String(bytes), { mode: 0o600 });
    await this.#prune(key);
    return entry;
  }

  /** The longest unused go, until the rest fits; the newest stays in any case. */
  async #prune(newest: string): Promise<void> {
    const entries = this.#entries().sort((a, b) => b.usedMs - a.usedMs);
    let left = this.#maxBytes;
    for (const { key, bytes } of entries) {
      left -= bytes;
      if (left >= 0 || key === newest) continue;
      rmSync(`${this.#entry(key)}.size`, { force: true });
      // In one step: half an entry, where this is killed, would be taken for a whole one by `keep`.
      const doomed = this.workspace();
      if (existsSync(this.#entry(key))) renameSync(this.#entry(key), doomed);
      await rm(doomed, { recursive: true, force: true });
    }
  }

  #entries(): { key: string; bytes: number; usedMs: number }[] {
    const sizes = readdirSync(`${this.#folder}/built`).filter((name) => name.endsWith(".size"));
    return sizes.map((name) => {
      const path = `${this.#folder}/built/${name}`;
      const bytes = Number(readFileSync(path, "utf8")) || 0;
      return { key: name.slice(0, -".size".length), bytes, usedMs: statSync(path).mtimeMs };
    });
  }

  #entry(key: string): string {
    return `${this.#folder}/built/${key}`;
  }

  /** Folders of shims that were killed, and what one of them was about to keep. */
  #forgetDead(): void {
    for (const name of readdirSync(`${this.#folder}/builds`)) {
      const pid = Number.parseInt(name, 10);
      const isOurs = pid === process.pid;
      if (!isOurs && !existsSync(`/proc/${pid}`)) {
        rmSync(`${this.#folder}/builds/${name}`, { recursive: true, force: true });
      }
    }
  }
}

/** Whoever may write here decides which enclave a pod gets. */
function requireOwn(folder: string): void {
  for (const path of [folder, `${folder}/built`, `${folder}/builds`]) {
    const { uid, mode } = lstatSync(path);
    if (uid === process.geteuid?.() && (mode & 0o170_022) === 0o040_000) continue;
    throw new RuneError({
      code: "CARRIER",
      doing: `use the cache \`${path}\``,
      reason: "it must be a directory of the shim's own that nobody else may write",
    });
  }
}
