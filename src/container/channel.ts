// SPDX-License-Identifier: Apache-2.0
/** Our end of the init channel: docs/protocol/init-channel.md. */
import { type ErrorCode, RuneError } from "../errors/error.ts";
import type { Fd, Kernel, Pid } from "../kernel/kernel.ts";
import { RecordReader, RecordWriter } from "../record/record.ts";
import { failureHint } from "./failure-hints.ts";

const packetMaxBytes = 64 << 10;

export type ChannelMessage =
  | { readonly kind: "pid"; readonly pid: Pid }
  | { readonly kind: "ready" }
  | { readonly kind: "hooks" }
  | { readonly kind: "devices" }
  /** A descriptor of the child. */
  | { readonly kind: "listener"; readonly fd: number }
  /** The process waits in its user namespace for its ids to be mapped. */
  | { readonly kind: "map"; readonly pid: Pid }
  | { readonly kind: "failed"; readonly error: RuneError }
  /** The payload runs, or the process died. */
  | { readonly kind: "end" };

/** Codes of FAILED, by position. */
const failureCodes: readonly ErrorCode[] = [
  "SYSCALL",
  "RUNELET",
  "EXEC_NOT_FOUND",
  "EXEC_FAILED",
  "PAL_ABI_MISMATCH",
  "PAL_FAILED",
  "HOOK_FAILED",
];

/** Waits for the next message. */
export function receive(kernel: Kernel, channel: Fd): ChannelMessage {
  const packet = kernel.read(channel, packetMaxBytes + 1);
  if (packet.length === 0) return { kind: "end" };
  if (packet.length > packetMaxBytes)
    throw broken(`a packet has more than ${packetMaxBytes} bytes`);
  const record = RecordReader.packet(packet);
  const message = decode(record);
  record.done();
  return message;
}

/** The plan is complete. */
export function sendPlan(kernel: Kernel, channel: Fd): void {
  kernel.write(channel, new RecordWriter().begin(17).end().finish());
}

/** The ids are mapped. */
export function sendMapped(kernel: Kernel, channel: Fd): void {
  kernel.write(channel, new RecordWriter().begin(26).end().finish());
}

export function sendRun(kernel: Kernel, channel: Fd): void {
  kernel.write(channel, new RecordWriter().begin(16).end().finish());
}

/** The child goes on after HOOKS, LISTENER or DEVICES. */
export function sendResume(kernel: Kernel, channel: Fd): void {
  kernel.write(channel, new RecordWriter().begin(18).end().finish());
}

function decode(record: RecordReader): ChannelMessage {
  switch (record.code) {
    case 1:
      // A positive number that the kernel gave to the parent of the plan.
      return { kind: "pid", pid: record.u32() as Pid };
    case 2:
      return { kind: "ready" };
    case 3:
      return { kind: "failed", error: decodeFailure(record) };
    case 4:
      return { kind: "hooks" };
    case 5:
      return { kind: "listener", fd: record.u32() };
    case 6:
      return { kind: "devices" };
    case 25:
      return { kind: "map", pid: record.u32() as Pid }; // as with PID
    default:
      throw broken(`unknown message ${record.code}`);
  }
}

function decodeFailure(record: RecordReader): RuneError {
  return failureOf(record.u32(), record.u32(), record.string(), record.string());
}

/**
 * What a FAILED means. strerror's capital becomes the house's lower case, and the dynamic linker need
 * not repeat the file by the name that it has in init-runelet.
 */
export function failureOf(number: number, errno: number, doing: string, text: string): RuneError {
  const reason = text
    .replace(/^\/proc\/self\/fd\/\d+\/[^/:]+: /, "")
    .replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase());
  const code = failureCodes[number] ?? "RUNELET";
  const hint = failureHint(code, errno, reason);
  return new RuneError({
    code,
    doing,
    reason,
    ...(hint === undefined ? {} : { hint }),
    ...(errno === 0 ? {} : { errno }),
  });
}

/** Lets the child go on and waits until its payload runs; for a caller that does not stay. */
export function runDetached(kernel: Kernel, channel: Fd): void {
  sendRun(kernel, channel);
  const message = receive(kernel, channel);
  if (message.kind === "failed") throw message.error;
  kernel.close(channel);
}

/** A message that the plan does not lead to. */
export function unexpected(name: string): RuneError {
  return broken(`unexpected message ${name}`);
}

function broken(reason: string): RuneError {
  return new RuneError({ code: "RUNELET", doing: "listen to runelet", reason });
}
