// SPDX-License-Identifier: Apache-2.0
/**
 * Frames of the agent protocol (docs/protocol/agent.md): requests to bytes, replies from bytes. No
 * I/O. Replies come from inside a container whose payload may have taken over its first process:
 * every size, code, flag and range is checked, and every fault is an AGENT error.
 */
import { RuneError } from "../errors/error.ts";
import { RecordReader, RecordWriter, recordHeaderBytes } from "../record/record.ts";

const magic = 0x544e4741; // "AGNT"
const version = 1;
const replyMaxBytes = 4096;
const requestMaxBytes = 2 << 20;
const textMaxBytes = 1024;
const lastSignal = 64;
const lastErrno = 4095; // MAX_ERRNO, include/linux/err.h
const lastPid = 0x7fffffff;

export const targetInfoBytes = 512;
export const reportDataBytes = 64;
export const reportBytes = 432;
/** REPORT.REPORTDATA, SDM volume 3D, table 38-21. */
const reportDataOffset = 320;

const codes = {
  hello: 1,
  exec: 2,
  kill: 3,
  report: 4,
  welcome: 0x8001,
  started: 0x8002,
  exited: 0x8003,
  killed: 0x8004,
  reported: 0x8005,
  error: 0x80ff,
} as const;

const execFlags = { tty: 1, detached: 2 } as const;
const errorFinal = 1;

const states = ["created", "running", "ending"] as const;

const errorNames = [
  "malformed",
  "version",
  "not-started",
  "ending",
  "busy",
  "unsupported",
  "no-process",
  "pal",
  "system",
] as const;

export type AgentErrorName = (typeof errorNames)[number];

/** How a payload ended. */
export type ExitStatus =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: number };

export type Welcome = {
  readonly kind: "welcome";
  readonly palVersion: 1 | 2 | 3;
  readonly canKill: boolean;
  readonly canReport: boolean;
  /** Whether a REPORT can hold data of ours, and so prove its freshness. */
  readonly canReportData: boolean;
  readonly state: (typeof states)[number];
};

export type Refusal = {
  readonly kind: "error";
  readonly name: AgentErrorName;
  readonly errno: number;
  readonly doing: string;
  readonly reason: string;
  /** The connection, and the EXEC on it, are over. */
  readonly final: boolean;
};

export type AgentReply =
  | Welcome
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "exited"; readonly status: ExitStatus }
  | { readonly kind: "killed" }
  | { readonly kind: "reported"; readonly fresh: boolean; readonly report: Uint8Array }
  | Refusal;

export type ExecRequest = {
  /** "" for the directory of the container's first process. */
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** One descriptor, the slave of a terminal, goes with the frame instead of three. */
  readonly tty: boolean;
  /** The program goes on when the connection ends. */
  readonly detached: boolean;
};

export function encodeHello(): Uint8Array {
  return new RecordWriter().begin(codes.hello).u32(magic).u32(version).end().finish();
}

export function encodeExec({ cwd, argv, env, tty, detached }: ExecRequest): Uint8Array {
  const flags = (tty ? execFlags.tty : 0) | (detached ? execFlags.detached : 0);
  const writer = new RecordWriter().begin(codes.exec, flags).string(cwd).list(argv).list(env);
  const frame = writer.end().finish();
  if (frame.length - recordHeaderBytes > requestMaxBytes) {
    throw new RuneError({
      code: "USAGE",
      doing: "run a program in an enclave container",
      reason: `arguments and environment take more than ${requestMaxBytes} bytes`,
    });
  }
  return frame;
}

export function encodeKill(pid: number, signal: number): Uint8Array {
  return new RecordWriter().begin(codes.kill).u32(pid).u32(signal).end().finish();
}

/** `reportData` has 64 bytes, or none: then the PAL chooses. */
export function encodeReport(targetInfo: Uint8Array, reportData: Uint8Array): Uint8Array {
  return new RecordWriter().begin(codes.report).bytes(targetInfo).bytes(reportData).end().finish();
}

/** How many bytes follow a reply's 8-byte header, padding included. */
export function replyBodyBytes(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (header.length !== recordHeaderBytes) throw broken("a header is cut short");
  const size = view.getUint32(4, true);
  if (size > replyMaxBytes) {
    throw broken(`a frame of ${size} bytes, where at most ${replyMaxBytes} may be`);
  }
  return (size + 7) & ~7;
}

/** The reply that a whole frame, header included, holds. */
export function decodeReply(frame: Uint8Array): AgentReply {
  try {
    checkPadding(frame);
    const reader = RecordReader.packet(frame);
    const reply = readReply(reader);
    reader.done();
    return reply;
  } catch (error) {
    const cause = RuneError.from(error, "read a reply");
    if (cause.code === "AGENT") throw cause;
    throw new RuneError({ code: "AGENT", doing: talking, reason: cause.reason, cause });
  }
}

/** The report data inside a REPORT. */
export function reportDataOf(report: Uint8Array): Uint8Array {
  return report.subarray(reportDataOffset, reportDataOffset + reportDataBytes);
}

const talking = "talk to the agent";

export function broken(reason: string): RuneError {
  return new RuneError({ code: "AGENT", doing: talking, reason });
}

function checkPadding(frame: Uint8Array): void {
  const body = replyBodyBytes(frame.subarray(0, recordHeaderBytes));
  if (frame.length !== recordHeaderBytes + body) throw broken("a frame is cut short");
  const size = new DataView(frame.buffer, frame.byteOffset).getUint32(4, true);
  if (frame.subarray(recordHeaderBytes + size).some((byte) => byte !== 0)) {
    throw broken("a frame is padded with something else than zeros");
  }
}

function readReply(reader: RecordReader): AgentReply {
  const allowedFlags = reader.code === codes.error ? errorFinal : 0;
  if ((reader.flags & ~allowedFlags) !== 0) throw broken(`unknown flags ${reader.flags}`);
  switch (reader.code) {
    case codes.welcome:
      return readWelcome(reader);
    case codes.started:
      return { kind: "started", pid: within(reader.u32(), 0, lastPid, "pid") };
    case codes.exited:
      return { kind: "exited", status: readStatus(reader) };
    case codes.killed:
      return { kind: "killed" };
    case codes.reported:
      return readReported(reader);
    case codes.error:
      return readError(reader);
    default:
      throw broken(`unknown code ${reader.code}`);
  }
}

function readWelcome(reader: RecordReader): Welcome {
  const theirMagic = reader.u32();
  const theirVersion = reader.u32();
  if (theirMagic !== magic) throw broken("it does not speak the agent protocol");
  if (theirVersion !== version) throw broken(`it speaks version ${theirVersion}, not ${version}`);
  const palVersion = reader.u32();
  if (palVersion !== 1 && palVersion !== 2 && palVersion !== 3) {
    throw broken(`PAL version ${palVersion} is none of 1 to 3`);
  }
  const abilities = within(reader.u32(), 0, 7, "abilities");
  const state = states[reader.u32()];
  if (state === undefined) throw broken("an unknown state");
  return {
    kind: "welcome",
    palVersion,
    canKill: (abilities & 1) !== 0,
    canReport: (abilities & 2) !== 0,
    canReportData: (abilities & 4) !== 0,
    state,
  };
}

function readStatus(reader: RecordReader): ExitStatus {
  const by = within(reader.u32(), 0, 1, "kind of exit status");
  const value = reader.u32();
  return by === 0
    ? { kind: "code", code: within(value, 0, 255, "exit code") }
    : { kind: "signal", signal: within(value, 1, lastSignal, "signal") };
}

function readReported(reader: RecordReader): AgentReply {
  const fresh = within(reader.u32(), 0, 1, "freshness") === 1;
  const report = reader.bytes(reportBytes);
  if (report.length !== reportBytes) throw broken(`a REPORT of ${report.length} bytes`);
  return { kind: "reported", fresh, report };
}

function readError(reader: RecordReader): Refusal {
  const name = errorNames[within(reader.u32(), 1, errorNames.length, "error code") - 1];
  if (name === undefined) throw broken("an unknown error code");
  const errno = within(reader.u32(), 0, lastErrno, "errno");
  const doing = reader.string(textMaxBytes);
  const reason = reader.string(textMaxBytes);
  return { kind: "error", name, errno, doing, reason, final: reader.flags === errorFinal };
}

function within(value: number, low: number, high: number, what: string): number {
  if (value < low || value > high) throw broken(`${what} ${value} is not in ${low} to ${high}`);
  return value;
}
