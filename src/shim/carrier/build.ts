// SPDX-License-Identifier: Apache-2.0
/** From a container's image to an enclave in it, in the order of docs/explanation/carriers.md. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { ShimConfig } from "../../config/shim-config.ts";
import { RuneError } from "../../errors/error.ts";
import { requestSignature } from "../../signature/client.ts";
import { Cache, type Held } from "./cache.ts";
import type { Carrier, Job } from "./carrier.ts";
import { Limiter } from "./limiter.ts";
import { cancelled, toolRunner } from "./tool.ts";
import { inRoot, treeDigest } from "./tree.ts";

export type CarrierInput = {
  readonly config: ShimConfig;
  readonly rootfs: string;
  readonly cwd: string;
  readonly args: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly libDir: string;
  readonly log: (message: string) => void;
  readonly warn: (message: string) => void;
  /** The task is not wanted any more. */
  readonly signal: AbortSignal;
};

/** Names what a carrier has put into a container's working directory, so that it can be put there anew. */
const noteName = ".inclavare-carrier";
const maxNoteBytes = 65_536;

/** All builds of one shim server. */
export class Builds {
  readonly #timeoutMs: number;
  readonly #cache: Cache;
  readonly #limiter: Limiter;
  readonly #running = new Map<string, Promise<Held>>();

  constructor(config: ShimConfig["carrier"]) {
    this.#timeoutMs = config.buildTimeoutMs;
    this.#cache = new Cache(config.cacheDirectory, config.cacheMaxBytes);
    this.#limiter = new Limiter(config.maxBuilds);
  }

  /**
   * Puts the enclave into the container's working directory and returns the variables its process needs.
   * When it throws, nothing of it is left there.
   */
  async run(carrier: Carrier, input: CarrierInput): Promise<Readonly<Record<string, string>>> {
    const late = AbortSignal.timeout(this.#timeoutMs);
    const signal = AbortSignal.any([input.signal, late]);
    const log = (message: string) => input.log(`carrier ${carrier.name}: ${message}`);
    const run = toolRunner({ signal, log });
    const job: Job = { ...input, signal, log, run };
    let made: string | undefined;
    try {
      const folder = await inRoot(job.rootfs, job.cwd);
      // In front of the digest: started again, the container has the folder, and is the same.
      made = mkdirSync(folder, { recursive: true, mode: 0o755 });
      await forgetDelivered(folder);
      if (!(await carrier.isComplete(job))) await this.#make(carrier, job, folder, input.warn);
      else log("the image has a signed enclave");
      return carrier.variables(job);
    } catch (error) {
      if (made !== undefined) rmSync(made, { recursive: true, force: true });
      if (late.aborted) throw tooLong(this.#timeoutMs);
      if (input.signal.aborted) throw cancelled(`build an enclave with \`${carrier.name}\``);
      throw RuneError.from(error, "build").within(`build an enclave with \`${carrier.name}\``);
    }
  }

  async #make(
    carrier: Carrier,
    job: Job,
    folder: string,
    warn: (message: string) => void,
  ): Promise<void> {
    await using built = await this.#built(carrier, job);
    const material = await carrier.generateSigningMaterial(built.path);
    job.log("signing");
    const { signature: config } = job.config;
    const signed = await requestSignature({ config, material, signal: job.signal, warn });
    await deliver(carrier, job, built.path, folder, (place) =>
      carrier.cascadeSignature(place, material, signed),
    );
    job.log("the enclave is in place");
  }

  /** The unsigned enclave: from the cache, from another build of the same, or made now. */
  async #built(carrier: Carrier, job: Job): Promise<Held> {
    const key = await this.#keyOf(carrier, job);
    for (;;) {
      const found = this.#cache.find(key);
      if (found !== undefined) {
        job.log(`found in the cache: ${key}`);
        return found;
      }
      const other = this.#running.get(key);
      if (other === undefined) break;
      job.log("the same is being built for another container");
      // What becomes of it is that container's matter; then this one looks again.
      await Promise.race([other.catch(() => {}), aborted(job.signal)]);
      job.signal.throwIfAborted();
    }
    const building = this.#limiter.run(job.signal, () => this.#build(carrier, job, key));
    this.#running.set(key, building);
    try {
      return await building;
    } finally {
      this.#running.delete(key);
    }
  }

  async #keyOf(carrier: Carrier, job: Job): Promise<string> {
    const inputs = await carrier.inputs(job);
    const files = carrier.readsImage ? await treeDigest(job.rootfs, job.signal) : "";
    const hasher = new Bun.CryptoHasher("sha256");
    for (const text of [carrier.name, inputs, files, job.cwd]) {
      hasher.update(`${Buffer.byteLength(text)}:${text},`);
    }
    return hasher.digest("hex");
  }

  async #build(carrier: Carrier, job: Job, key: string): Promise<Held> {
    const workspace = this.#cache.workspace();
    try {
      job.log(`building in \`${workspace}\``);
      await carrier.buildUnsignedEnclave(job, workspace);
      // Here too: what cannot be signed is not worth keeping.
      await carrier.generateSigningMaterial(workspace);
      return await this.#cache.keep(key, workspace);
    } catch (error) {
      await rm(workspace, { recursive: true, force: true });
      throw error;
    }
  }
}

/** Copies what was built into the container; all of it goes again when anything fails. */
async function deliver(
  carrier: Carrier,
  job: Job,
  built: string,
  folder: string,
  sign: (folder: string) => Promise<void>,
): Promise<void> {
  const names = readdirSync(built).filter((name) => !carrier.leftOut.includes(name));
  const note = `${folder}/${noteName}`;
  try {
    for (const name of names) await rm(`${folder}/${name}`, { recursive: true, force: true });
    const sources = names.map((name) => `${built}/${name}`);
    const copy = ["cp", "--archive", "--reflink=auto", `--target-directory=${folder}`, "--"];
    await job.run({ argv: [...copy, ...sources], cwd: "/" });
    await sign(folder);
    job.signal.throwIfAborted();
    rmSync(note, { force: true });
    writeFileSync(note, JSON.stringify(names), { flag: "wx", mode: 0o600 });
  } catch (error) {
    for (const name of [...names, noteName]) {
      await rm(`${folder}/${name}`, { recursive: true, force: true });
    }
    throw error;
  }
}

/** A container that is started again has its enclave already; it would become part of the next. */
async function forgetDelivered(folder: string): Promise<void> {
  for (const name of [...readNote(`${folder}/${noteName}`), noteName]) {
    // The image may have written the note itself: no more than its own names, in this folder.
    if (typeof name !== "string" || name === "" || /\/|^\.\.?$/.test(name)) continue;
    await rm(`${folder}/${name}`, { recursive: true, force: true });
  }
}

/** The image may have put there what it likes: a fifo nobody writes to, a device, a link to a file of the host's. */
function readNote(note: string): readonly unknown[] {
  const stat = lstatSync(note, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (!stat.isFile() || stat.size > maxNoteBytes) throw strangeNote();
  try {
    const names: unknown = JSON.parse(readFileSync(note, "utf8"));
    if (Array.isArray(names)) return names;
  } catch {
    // Told below, without what is in it.
  }
  throw strangeNote();
}

function strangeNote(): RuneError {
  const reason = "it is none that a carrier has written";
  return new RuneError({ code: "CARRIER", doing: `read \`${noteName}\` in the image`, reason });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function tooLong(timeoutMs: number): RuneError {
  const reason = `more than ${timeoutMs / 1000} s`;
  const hint = "build_timeout in [carrier] of config.toml";
  return new RuneError({ code: "CARRIER", doing: "build an enclave", reason, hint });
}
