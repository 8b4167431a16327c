// SPDX-License-Identifier: Apache-2.0
/** The server's requests to a pod's monitor: docs/protocol/shim-monitor.md. */
import { RuneError } from "../errors/error.ts";
import { errnoText } from "../kernel/errno.ts";
import type { Fd, Kernel, Pid } from "../kernel/kernel.ts";
import { type PlannerCalls, packetMaxDescriptors } from "../kernel/planner-calls.ts";
import { RecordReader, RecordWriter } from "../record/record.ts";

const code = {
  descriptors: 1,
  spawn: 2,
  reap: 3,
  watch: 4,
  resize: 5,
  closeInput: 6,
  forget: 7,
  oom: 8,
  shutdown: 9,
  done: 10,
  tie: 11,
};

/** In the order of their bits. */
export const roles = [
  "inputWriter",
  "outputReader",
  "errorReader",
  "master",
  "terminalInput",
  "terminalOutput",
] as const;
/** What a monitor holds for a process. */
export type Held = { readonly [Role in (typeof roles)[number]]?: Fd };

export type Spawned = {
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** Descriptors of the program, and others that its path needs: those are closed when it starts. */
  readonly descriptors: readonly { readonly number: number; readonly fd: Fd }[];
  readonly kept: readonly number[];
};

export class MonitorLink {
  readonly pid: Pid;
  readonly #calls: Pick<PlannerCalls, "send" | "receive">;
  readonly #kernel: Kernel;
  readonly #socket: Fd;

  constructor(
    kernel: Kernel,
    calls: Pick<PlannerCalls, "send" | "receive" | "connectPackets">,
    directory: string,
    pid: Pid,
  ) {
    this.pid = pid;
    this.#kernel = kernel;
    this.#calls = calls;
    this.#socket = calls.connectPackets(`${directory}/control`);
  }

  spawn({ path, argv, env, descriptors, kept }: Spawned): Pid {
    for (let at = 0; at < descriptors.length; at += packetMaxDescriptors) {
      const some = descriptors.slice(at, at + packetMaxDescriptors);
      const record = new RecordWriter().begin(code.descriptors).u32(some.length);
      for (const { number } of some) record.u32(number);
      this.#send(
        record,
        some.map(({ fd }) => fd),
      );
    }
    const record = new RecordWriter().begin(code.spawn).string(path).list(argv).list(env);
    record.u32(kept.length);
    for (const number of kept) record.u32(number);
    return this.#ask(record, `start \`${argv[0] ?? path}\``) as Pid;
  }

  /** What is started from here on ends with this connection, if that comes first. */
  tie(): void {
    this.#ask(new RecordWriter().begin(code.tie), "tie what is started");
  }

  reap(pid: Pid): void {
    this.#ask(new RecordWriter().begin(code.reap).u32(pid), `wait for process ${pid}`);
  }

  /** Hands over what is held for the process; here it is closed. */
  watch(token: bigint, pid: Pid, held: Held): void {
    const given = roles.filter((role) => held[role] !== undefined);
    const bits = given.reduce((sum, role) => sum | (1 << roles.indexOf(role)), 0);
    const descriptors = given.flatMap((role) => held[role] ?? []);
    const record = new RecordWriter().begin(code.watch).u64(token).u32(pid).u32(bits);
    try {
      this.#ask(record, `watch process ${pid}`, descriptors);
    } finally {
      for (const fd of descriptors) this.#kernel.close(fd);
    }
  }

  resize(token: bigint, columns: number, rows: number): void {
    const record = new RecordWriter().begin(code.resize).u64(token).u32(columns).u32(rows);
    this.#ask(record, "resize the terminal");
  }

  closeInput(token: bigint): void {
    this.#ask(new RecordWriter().begin(code.closeInput).u64(token), "close the input");
  }

  forget(token: bigint): void {
    this.#ask(new RecordWriter().begin(code.forget).u64(token), "forget a process");
  }

  /** Hands the descriptor over. */
  watchOom(token: bigint, fd: Fd, version: 1 | 2): void {
    const record = new RecordWriter().begin(code.oom).u64(token).u32(version);
    try {
      this.#ask(record, "watch the memory", [fd]);
    } finally {
      this.#kernel.close(fd);
    }
  }

  shutdown(): void {
    try {
      this.#ask(new RecordWriter().begin(code.shutdown), "end the monitor");
    } finally {
      this.#kernel.close(this.#socket);
    }
  }

  #ask(record: RecordWriter, doing: string, descriptors: readonly Fd[] = []): number {
    this.#send(record, descriptors);
    const { bytes, descriptors: unasked } = this.#calls.receive(this.#socket);
    for (const fd of unasked) this.#kernel.close(fd);
    if (bytes.length === 0) throw gone(doing);
    const answer = RecordReader.packet(bytes);
    if (answer.code !== code.done) throw gone(doing);
    const result = Number(BigInt.asIntN(64, answer.u64()));
    answer.done();
    if (result >= 0) return result;
    const reason = errnoText(-result);
    throw new RuneError({ code: "SYSCALL", doing, reason, errno: -result });
  }

  #send(record: RecordWriter, descriptors: readonly Fd[]): void {
    this.#calls.send(this.#socket, record.end().finish(), descriptors);
  }
}

function gone(doing: string): RuneError {
  return new RuneError({ code: "RUNELET", doing, reason: "the pod's monitor has ended" });
}
