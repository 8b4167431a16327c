// SPDX-License-Identifier: Apache-2.0
/**
 * What is to be told of containers after the command that did it has ended: counts, and the last events of
 * enclaves. Two files of the state folder (docs/reference/metrics.md). Loaded where there is something to write
 * down, which is never so for an ordinary container that starts.
 */
import { RuneError } from "../errors/error.ts";
import {
  ENOENT,
  O_APPEND,
  O_CREAT,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../kernel/constants.ts";
import { type Fd, type Kernel, readToEnd, unlessErrno } from "../kernel/kernel.ts";
import type { Deps } from "./deps.ts";

/** `phases` in milliseconds. */
export type EnclaveEvent =
  | {
      readonly type: "enclave-started";
      readonly id: string;
      readonly time: string;
      readonly data: { readonly platform: string; readonly phases: Phases };
    }
  | { readonly type: "enclave-ended"; readonly id: string; readonly time: string }
  | {
      readonly type: "evidence-refused";
      readonly id: string;
      readonly time: string;
      readonly data: { readonly code: string; readonly message: string };
    };

/** What a start spends its time on, in the order of a start. */
export const phaseNames = ["prepare", "launch", "attest"] as const;
export type Phases = Readonly<Record<(typeof phaseNames)[number], number>>;

export type Tally = {
  /** By error code. */
  readonly execFailures: Readonly<Record<string, number>>;
  readonly evidenceRefused: number;
  /** Quotes that could not be had, by error code. */
  readonly quoteFailures: Readonly<Record<string, number>>;
  /** By platform; times in milliseconds, of all together. */
  readonly enclaveStarts: Readonly<Record<string, { readonly count: number } & Phases>>;
};

export const emptyTally: Tally = {
  execFailures: {},
  evidenceRefused: 0,
  quoteFailures: {},
  enclaveStarts: {},
};

/** No container's id has a colon. */
const tallyName = ":tally";
const eventsName = ":events";
/** Above it the file becomes the old one: there are never more than two. */
export const eventsMaxBytes = 64 << 10;
const readMaxBytes = 1 << 20;

type Place = Pick<Deps, "kernel" | "root" | "step">;

export function noteExecFailure(place: Place, code: string): void {
  note(place, (tally) => ({ ...tally, execFailures: plusOne(tally.execFailures, code) }));
}

export function noteEnclaveStart(place: Place, id: string, platform: string, phases: Phases): void {
  const event = { type: "enclave-started", id, time: now(), data: { platform, phases } } as const;
  note(place, (tally) => ({ ...tally, enclaveStarts: withStart(tally, platform, phases) }), event);
}

export function noteEnclaveEnd(place: Place, id: string): void {
  note(place, (tally) => tally, { type: "enclave-ended", id, time: now() });
}

/** Evidence that is not accepted, or a quote that nobody gives; any other failure is neither. */
export function noteAttestFailure(place: Place, id: string, { code, message }: RuneError): void {
  if (code.startsWith("AESM_")) {
    note(place, (tally) => ({ ...tally, quoteFailures: plusOne(tally.quoteFailures, code) }));
  }
  if (!code.startsWith("ATTEST_")) return;
  const event = { type: "evidence-refused", id, time: now(), data: { code, message } } as const;
  note(place, (tally) => ({ ...tally, evidenceRefused: tally.evidenceRefused + 1 }), event);
}

/** Of what could not be read, nothing: counters that begin anew are what their readers know. */
export function readTally(kernel: Kernel, root: string): Tally {
  const path = `${root}/${tallyName}`;
  const fd = unlessErrno(() => openOwn(kernel, path, O_RDONLY), ENOENT);
  if (fd === undefined) return emptyTally;
  try {
    kernel.lock(fd); // while it is written there is a moment when it is empty
    return parseTally(textOf(kernel, fd, path));
  } finally {
    kernel.close(fd);
  }
}

/** The last ones, oldest first. */
export function readEvents(kernel: Kernel, root: string): EnclaveEvent[] {
  const names = [`${eventsName}.old`, eventsName];
  return names.flatMap((name) => parseEvents(readIfThere(kernel, `${root}/${name}`)));
}

/** That something cannot be written down is no reason for a command to fail. */
function note(place: Place, change: (tally: Tally) => Tally, event?: EnclaveEvent): void {
  const { kernel, root, step } = place;
  const path = `${root}/${tallyName}`;
  try {
    // Nothing has been made there yet, and this is not worth making it.
    const fd = unlessErrno(() => openOwn(kernel, path, O_RDWR | O_CREAT), ENOENT);
    if (fd === undefined) return;
    try {
      kernel.lock(fd);
      const before = parseTally(textOf(kernel, fd, path));
      const after = change(before);
      if (after !== before) write(kernel, path, O_TRUNC, `${JSON.stringify(after)}\n`);
      if (event !== undefined) append(kernel, `${root}/${eventsName}`, event);
    } finally {
      kernel.close(fd);
    }
  } catch (error) {
    step?.(`not written down: ${RuneError.from(error, `write \`${path}\``).message}`);
  }
}

/** Attack: in the state folder of a user, at which root looks, it is a link to root's files, or a fifo. */
function openOwn(kernel: Kernel, path: string, flags: number): Fd {
  return kernel.open(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
}

function append(kernel: Kernel, path: string, event: EnclaveEvent): void {
  if (readIfThere(kernel, path).length > eventsMaxBytes) kernel.rename(path, `${path}.old`);
  write(kernel, path, O_APPEND, `${JSON.stringify(event)}\n`);
}

function write(kernel: Kernel, path: string, how: number, text: string): void {
  const fd = openOwn(kernel, path, O_WRONLY | O_CREAT | how);
  try {
    kernel.write(fd, new TextEncoder().encode(text));
  } finally {
    kernel.close(fd);
  }
}

function readIfThere(kernel: Kernel, path: string): string {
  const fd = unlessErrno(() => openOwn(kernel, path, O_RDONLY), ENOENT);
  if (fd === undefined) return "";
  try {
    return textOf(kernel, fd, path);
  } finally {
    kernel.close(fd);
  }
}

function textOf(kernel: Kernel, fd: Fd, path: string): string {
  return new TextDecoder().decode(readToEnd(kernel, fd, path, readMaxBytes));
}

function parseTally(text: string): Tally {
  const found = objectOf(text);
  const { execFailures, evidenceRefused, quoteFailures, enclaveStarts } = {
    ...emptyTally,
    ...found,
  };
  const good =
    [execFailures, quoteFailures, enclaveStarts].every(isObject) &&
    Number.isFinite(evidenceRefused);
  return good ? { execFailures, evidenceRefused, quoteFailures, enclaveStarts } : emptyTally;
}

/** A line that a full disk has cut off is left out. */
function parseEvents(text: string): EnclaveEvent[] {
  return text.split("\n").flatMap((line) => {
    const found = objectOf(line);
    // Written by this program alone, into a folder that is the caller's.
    return found !== undefined && "type" in found ? [found as EnclaveEvent] : [];
  });
}

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function withStart(
  { enclaveStarts }: Tally,
  platform: string,
  phases: Phases,
): Tally["enclaveStarts"] {
  const { count = 0, prepare = 0, launch = 0, attest = 0 } = enclaveStarts[platform] ?? {};
  const sum = {
    count: count + 1,
    prepare: prepare + phases.prepare,
    launch: launch + phases.launch,
    attest: attest + phases.attest,
  };
  return { ...enclaveStarts, [platform]: sum };
}

function plusOne(counts: Readonly<Record<string, number>>, key: string): Record<string, number> {
  return { ...counts, [key]: (counts[key] ?? 0) + 1 };
}

function now(): string {
  return new Date().toISOString();
}
