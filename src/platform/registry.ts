// SPDX-License-Identifier: Apache-2.0
/** Who uses the platform, and what runs on it: docs/protocol/platform-service.md, "Leases". */
import { RuneError } from "../errors/error.ts";
import { ATTRIBUTE } from "../sgx/attributes.ts";
import { toHex } from "../sgx/bytes.ts";
import type { Launched } from "./answer.ts";
import { containerOf, isAlive, markOf, nameOf, type ProcessMark } from "./processes.ts";

/** What `sgx-tools platform enclaves` shows. */
export type EnclaveRecord = {
  readonly mrenclave: string;
  readonly mrsigner: string;
  readonly sizeBytes: number;
  readonly pages: number;
  readonly threads: number;
  readonly productId: number;
  readonly securityVersion: number;
  readonly debug: boolean;
  /** 0: of another pid namespace. */
  readonly pid: number;
  readonly process: string;
  /** "" outside containers. */
  readonly container: string;
  readonly since: string;
};

/** What a service tells the one that takes its place. */
export type Inheritance = {
  readonly enclaves: readonly EnclaveRecord[];
  /** Processes; 0 for those of other pid namespaces. */
  readonly leases: readonly number[];
};

/** Of the owner's socket, in a folder that only the service's user may enter: shapes are checked, no more. */
export function readInheritance(value: unknown): Inheritance {
  const { enclaves, leases } = Object(value) as Partial<Inheritance>;
  const isPid = (pid: unknown) => Number.isInteger(pid);
  if (
    !Array.isArray(enclaves) ||
    !Array.isArray(leases) ||
    !leases.every(isPid) ||
    !enclaves.every((one) => isPid(Object(one).pid) && typeof Object(one).mrenclave === "string")
  ) {
    throw new RuneError({
      code: "PLATFORM_PROTOCOL",
      doing: "take over from another service",
      reason: "its answer has another form",
    });
  }
  return { enclaves, leases };
}

/** A process that /proc does not show, because it is in no pid namespace of ours, is believed in so long. */
const UNSEEN_MS = 3_600_000;

type Holder = { readonly mark?: ProcessMark; readonly until: number };

export class Registry {
  readonly #now: () => number;
  readonly #limit: number;
  readonly #leases = new Map<string, Holder>();
  readonly #recent = new Set<number>();
  readonly #enclaves = new Set<{ readonly holder: Holder; readonly record: EnclaveRecord }>();

  /** `limit`: how many leases, and how many enclaves, are kept; the oldest is forgotten. */
  constructor(now: () => number, limit = 65_536) {
    this.#now = now;
    this.#limit = limit;
  }

  /** A process has asked something: the platform is in use as long as it lives. */
  lease(pid: number): void {
    // Whoever has asked since the last look at /proc is there still, or will be missed at the next.
    if (this.#recent.has(pid)) return;
    if (pid !== 0) this.#recent.add(pid);
    const holder = this.#holder(pid);
    const name = holder.mark === undefined ? "unseen" : nameOfMark(holder.mark);
    if (holder.mark !== undefined && this.#leases.has(name)) return;
    this.#leases.set(name, holder);
    const [oldest] = this.#leases.keys();
    if (this.#leases.size > this.#limit && oldest !== undefined) this.#leases.delete(oldest);
  }

  add(pid: number, { identity, sizeBytes, pages, threads }: Launched): void {
    const record: EnclaveRecord = {
      mrenclave: toHex(identity.mrenclave),
      mrsigner: toHex(identity.mrsigner),
      sizeBytes: Number(sizeBytes),
      pages: Number(pages),
      threads,
      productId: identity.isvProdId,
      securityVersion: identity.isvSvn,
      debug: (identity.attributes.flags & ATTRIBUTE.DEBUG) !== 0n,
      pid,
      process: nameOf(pid),
      container: containerOf(pid),
      since: new Date(this.#now()).toISOString(),
    };
    this.#enclaves.add({ holder: this.#holder(pid), record });
    const [oldest] = this.#enclaves;
    if (this.#enclaves.size > this.#limit && oldest !== undefined) this.#enclaves.delete(oldest);
  }

  /** What another service knew of processes that live still. */
  inherit({ enclaves, leases }: Inheritance): void {
    // Nobody would ever miss one that has ended meanwhile: it would be taken for one that /proc does not show.
    const lives = (pid: number) => pid === 0 || markOf(pid) !== undefined;
    for (const pid of leases.filter(lives)) this.lease(pid);
    for (const record of enclaves.filter(({ pid }) => lives(pid))) {
      this.#enclaves.add({ holder: this.#holder(record.pid), record });
    }
  }

  /** For a service that takes this one's place. */
  bequeath(): Inheritance {
    this.sweep();
    const pids = [...this.#leases.values()].map(({ mark }) => mark?.pid ?? 0);
    return { enclaves: this.enclaves, leases: [...new Set(pids)] };
  }

  /** Forgets what has ended. */
  sweep(): void {
    this.#recent.clear();
    // Each process is looked for once, however many enclaves it has: all clients wait meanwhile.
    const alive = new Map<string, boolean>();
    const holds = ({ mark, until }: Holder): boolean => {
      if (mark === undefined) return this.#now() < until;
      const known = alive.get(nameOfMark(mark)) ?? isAlive(mark);
      alive.set(nameOfMark(mark), known);
      return known;
    };
    for (const [name, holder] of this.#leases) if (!holds(holder)) this.#leases.delete(name);
    for (const entry of this.#enclaves) if (!holds(entry.holder)) this.#enclaves.delete(entry);
  }

  get leases(): number {
    return this.#leases.size;
  }

  get enclaves(): readonly EnclaveRecord[] {
    return [...this.#enclaves].map(({ record }) => record);
  }

  #holder(pid: number): Holder {
    const mark = markOf(pid);
    const until = this.#now() + UNSEEN_MS;
    return mark === undefined ? { until } : { mark, until };
  }
}

function nameOfMark({ pid, startTime }: ProcessMark): string {
  return `${pid}:${startTime}`;
}
