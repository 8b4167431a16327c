// SPDX-License-Identifier: Apache-2.0
/**
 * The host's end of a connection to an enclave container's agent (docs/protocol/agent.md). One
 * request at a time; every wait but that for a payload's end has a limit.
 */
import { type ErrorCode, RuneError } from "../errors/error.ts";
import { recordHeaderBytes } from "../record/record.ts";
import {
  type AgentReply,
  broken,
  decodeReply,
  type ExecRequest,
  type ExitStatus,
  encodeExec,
  encodeHello,
  encodeKill,
  encodeReport,
  type Refusal,
  replyBodyBytes,
  reportDataBytes,
  reportDataOf,
  targetInfoBytes,
  type Welcome,
} from "./agent-frame.ts";

/** What the client needs of a connected stream socket. */
export interface AgentStream {
  /** Sends everything, descriptors with the first byte. */
  send(bytes: Uint8Array, fds: readonly number[]): void;
  /**
   * At least one and at most `maxBytes` bytes; empty at the end of the stream; undefined when
   * nothing came within the time (-1: no limit). Must not accept descriptors.
   */
  receive(maxBytes: number, timeoutMs: number): Uint8Array | undefined;
}

export interface AgentClient {
  readonly welcome: Welcome;
  /** Starts a program on the descriptors: three, or a terminal's slave. Returns its PAL pid. */
  start(request: ExecRequest, fds: readonly number[]): number;
  /** Waits for the end of the program that `start` started. */
  waitForExit(): ExitStatus;
  /** Sends a signal to a PAL process. */
  kill(pid: number, signal: number): void;
  /**
   * A REPORT for the target. With report data it is checked to hold it; without, it proves no
   * freshness.
   */
  report(targetInfo: Uint8Array, reportData?: Uint8Array): Uint8Array;
}

/** docs/protocol/agent.md, "Times". */
const answerMs = 10_000;
const enclaveMs = 30_000;
const forever = -1;

/** Linux, include/uapi/asm-generic/errno-base.h. */
const [ENOENT, ENOEXEC, EACCES, ENOTDIR] = [2, 8, 13, 20];
const SIGKILL = 9;

/** Greets the agent behind a connected stream. */
export function greetAgent(stream: AgentStream): AgentClient {
  stream.send(encodeHello(), []);
  const welcome = expect(receiveReply(stream, answerMs), "welcome");

  return {
    welcome,

    start(request, fds) {
      if (fds.length !== (request.tty ? 1 : 3)) {
        throw new RangeError("a program needs three descriptors, or one terminal");
      }
      stream.send(encodeExec(request), fds);
      return expect(receiveReply(stream, enclaveMs), "started").pid;
    },

    waitForExit() {
      const reply = receiveReply(stream, forever);
      // Whoever closes without a word has ended, and all of its pid namespace with it.
      if (reply === undefined) return { kind: "signal", signal: SIGKILL };
      return expect(reply, "exited").status;
    },

    kill(pid, signal) {
      stream.send(encodeKill(pid, signal), []);
      expect(receiveReply(stream, answerMs), "killed");
    },

    report(targetInfo, reportData = new Uint8Array(0)) {
      checkSizes(targetInfo, reportData);
      stream.send(encodeReport(targetInfo, reportData), []);
      const { fresh, report } = expect(receiveReply(stream, enclaveMs), "reported");
      if (fresh !== reportData.length > 0) throw broken("a REPORT other than the one asked for");
      // Attack: an old REPORT instead of one for this challenge.
      if (fresh && Buffer.compare(reportDataOf(report), reportData) !== 0) {
        throw broken("a REPORT without the report data that was asked for");
      }
      return report;
    },
  };
}

/** The next reply; undefined when the agent has closed between two frames. */
function receiveReply(stream: AgentStream, timeoutMs: number): AgentReply | undefined {
  const header = receiveExactly(stream, recordHeaderBytes, timeoutMs, true);
  if (header === undefined) return undefined;
  const body = receiveExactly(stream, replyBodyBytes(header), answerMs, false);
  const frame = new Uint8Array(recordHeaderBytes + (body?.length ?? 0));
  frame.set(header);
  if (body !== undefined) frame.set(body, recordHeaderBytes);
  return decodeReply(frame);
}

/** `size` bytes; undefined at the end of the stream before the first, where that is allowed. */
function receiveExactly(
  stream: AgentStream,
  size: number,
  timeoutMs: number,
  mayEnd: boolean,
): Uint8Array | undefined {
  const bytes = new Uint8Array(size);
  for (let got = 0; got < size; ) {
    const chunk = stream.receive(size - got, got === 0 ? timeoutMs : answerMs);
    if (chunk === undefined) throw broken("it does not answer");
    if (chunk.length === 0) {
      if (mayEnd && got === 0) return undefined;
      throw broken("it closed the connection within a frame");
    }
    if (chunk.length > size - got) throw new RangeError("a stream gave more than was asked for");
    bytes.set(chunk, got);
    got += chunk.length;
  }
  return bytes;
}

function expect<K extends Exclude<AgentReply["kind"], "error">>(
  reply: AgentReply | undefined,
  kind: K,
): Extract<AgentReply, { kind: K }> {
  if (reply === undefined) throw broken("it closed the connection");
  if (reply.kind === "error") throw refusal(reply);
  if (!isKind(reply, kind)) throw broken(`${reply.kind} where ${kind} was expected`);
  return reply;
}

function isKind<K extends AgentReply["kind"]>(
  reply: AgentReply,
  kind: K,
): reply is Extract<AgentReply, { kind: K }> {
  return reply.kind === kind;
}

function refusal(reply: Refusal): RuneError {
  const { doing, reason, errno } = reply;
  const hint = refusalHint(reply);
  return new RuneError({
    code: refusalCode(reply),
    doing,
    reason,
    ...(errno === 0 ? {} : { errno }),
    ...(hint === undefined ? {} : { hint }),
  });
}

function refusalCode({ name, errno }: Refusal): ErrorCode {
  switch (name) {
    case "not-started":
      return "CONTAINER_STATE";
    case "ending":
    case "no-process":
      return "CONTAINER_NOT_RUNNING";
    case "unsupported":
      return "PAL_ABI_MISMATCH";
    case "pal":
      if (errno === ENOENT || errno === ENOTDIR) return "EXEC_NOT_FOUND";
      if (errno === EACCES || errno === ENOEXEC) return "EXEC_FAILED";
      return "PAL_FAILED";
    case "malformed":
    case "version":
    case "busy":
    case "system":
      return "AGENT";
    default:
      return name satisfies never;
  }
}

function refusalHint({ name }: Refusal): string | undefined {
  if (name === "not-started") return "start the container first";
  if (name === "version") return "the container was created by another version of rune";
  return undefined;
}

function checkSizes(targetInfo: Uint8Array, reportData: Uint8Array): void {
  if (targetInfo.length !== targetInfoBytes) {
    throw new RangeError(`a TARGETINFO has ${targetInfoBytes} bytes`);
  }
  if (reportData.length !== 0 && reportData.length !== reportDataBytes) {
    throw new RangeError(`report data has ${reportDataBytes} bytes`);
  }
}
