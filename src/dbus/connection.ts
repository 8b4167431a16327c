// SPDX-License-Identifier: Apache-2.0
/**
 * A connection to a bus, or to systemd itself, which speaks the same protocol without a bus between.
 * Calls block, as everything does while a container is made: there is nothing else to do meanwhile.
 */
import { RuneError } from "../errors/error.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import {
  decodeMessage,
  encodeMessage,
  fixedHeaderBytes,
  type Message,
  messageSize,
} from "./message.ts";
import type { DbusValue } from "./value.ts";

/** libdbus' default for a call is 25 s. */
const replyTimeoutMs = 25_000;
const lineMaxBytes = 16384;
/** Signals that nobody has asked for yet; a peer that sends more floods us. */
const signalsMax = 4096;

export type Call = {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly DbusValue[];
};

/** An error that the called service answered with. */
export class DbusError extends RuneError {
  /** "org.freedesktop.systemd1.NoSuchUnit" and the like. */
  readonly errorName: string;

  constructor(doing: string, errorName: string, text: string) {
    super({ code: "DBUS", doing, reason: text === "" ? errorName : `${text} (${errorName})` });
    this.errorName = errorName;
  }
}

export class Connection {
  readonly #kernel: Kernel;
  readonly #fd: Fd;
  #received = new Uint8Array();
  #serial = 0;
  #signals: Message[] = [];

  private constructor(kernel: Kernel, fd: Fd) {
    this.#kernel = kernel;
    this.#fd = fd;
  }

  /** Connects to a socket and proves who we are, by the socket's own credentials. */
  static open(kernel: Kernel, socketPath: string): Connection {
    const fd = kernel.connectUnix(socketPath);
    const connection = new Connection(kernel, fd);
    try {
      connection.#authenticate(kernel.nowMs() + replyTimeoutMs);
      return connection;
    } catch (error) {
      kernel.close(fd);
      throw RuneError.from(error, "authenticate").within(`talk to \`${printable(socketPath)}\``);
    }
  }

  close(): void {
    this.#kernel.close(this.#fd);
  }

  /** Calls a method and waits for its answer. Signals that come first are kept. */
  call(call: Call, timeoutMs = replyTimeoutMs): readonly DbusValue[] {
    const doing = `call \`${call.member}\` of \`${call.destination}\``;
    const serial = this.#send({ type: "call", body: [], ...call });
    const deadlineMs = this.#kernel.nowMs() + timeoutMs;
    for (;;) {
      const message = this.#receive(deadlineMs, doing);
      if (message.type === "signal") this.#keep(message);
      if (message.replySerial !== serial) continue;
      if (message.type === "return") return message.body;
      if (message.type === "error") {
        const [text] = message.body;
        throw new DbusError(doing, message.errorName ?? "", typeof text === "string" ? text : "");
      }
    }
  }

  /** Waits for a signal; `wanted` sees those that came meanwhile first. */
  waitSignal(wanted: (signal: Message) => boolean, timeoutMs: number, doing: string): Message {
    const deadlineMs = this.#kernel.nowMs() + timeoutMs;
    for (;;) {
      const index = this.#signals.findIndex(wanted);
      const [found] = index < 0 ? [] : this.#signals.splice(index, 1);
      if (found !== undefined) return found;
      const message = this.#receive(deadlineMs, doing);
      if (message.type === "signal") this.#keep(message);
    }
  }

  #keep(signal: Message): void {
    if (this.#signals.length >= signalsMax) throw broken("more signals than anybody waits for");
    this.#signals.push(signal);
  }

  #send(message: Omit<Message, "serial">): number {
    const serial = ++this.#serial;
    this.#kernel.write(this.#fd, encodeMessage({ ...message, serial }));
    return serial;
  }

  #receive(deadlineMs: number, doing: string): Message {
    this.#fill(fixedHeaderBytes, deadlineMs, doing);
    const size = messageSize(this.#received);
    this.#fill(size, deadlineMs, doing);
    const message = decodeMessage(this.#received.slice(0, size));
    this.#received = this.#received.slice(size);
    return message;
  }

  /**
   * EXTERNAL without a name: the bus takes the user from the socket, which also holds where a user
   * namespace makes our own uid another one than the bus sees. All lines go at once, as sd-bus sends
   * them: systemd does not look at a message that it has read together with BEGIN before more comes.
   */
  #authenticate(deadlineMs: number): void {
    const lines = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
    this.#kernel.write(this.#fd, new TextEncoder().encode(lines));
    const first = this.#line(deadlineMs);
    const answer = first === "DATA" ? this.#line(deadlineMs) : first;
    if (!answer.startsWith("OK ")) {
      const reason = answer.startsWith("REJECTED") ? "it does not let this user in" : answer;
      throw new RuneError({ code: "DBUS", doing: "authenticate", reason });
    }
  }

  #line(deadlineMs: number): string {
    for (let wanted = 1; ; wanted = this.#received.length + 1) {
      this.#fill(wanted, deadlineMs, "authenticate");
      const end = this.#received.indexOf(0x0a);
      if (end >= 0) {
        const line = new TextDecoder().decode(this.#received.slice(0, end)).replace(/\r$/, "");
        this.#received = this.#received.slice(end + 1);
        return line;
      }
      if (this.#received.length > lineMaxBytes) throw broken("an endless line");
    }
  }

  /** Reads until so many bytes are there. */
  #fill(size: number, deadlineMs: number, doing: string): void {
    while (this.#received.length < size) {
      const leftMs = Math.max(0, deadlineMs - this.#kernel.nowMs());
      if (!this.#kernel.waitReadable(this.#fd, leftMs)) {
        throw new RuneError({ code: "DBUS", doing, reason: "there is no answer" });
      }
      const chunk = this.#kernel.read(this.#fd, 65536);
      if (chunk.length === 0) {
        throw new RuneError({ code: "DBUS", doing, reason: "the connection was closed" });
      }
      const longer = new Uint8Array(this.#received.length + chunk.length);
      longer.set(this.#received);
      longer.set(chunk, this.#received.length);
      this.#received = longer;
    }
  }
}

function printable(path: string): string {
  return path.startsWith("\0") ? `@${path.slice(1)}` : path;
}

function broken(reason: string): RuneError {
  return new RuneError({ code: "DBUS", doing: "listen to D-Bus", reason });
}
