// SPDX-License-Identifier: Apache-2.0
/** A worker of the planner: accepts a front, does its verb, waits for the next. docs/protocol/planner.md. */
import { RuneError } from "../errors/error.ts";
import { O_RDWR } from "../kernel/constants.ts";
import { type Front, type PassedVariable, parseEnvironment } from "../kernel/front.ts";
import type { Fd, Kernel, Pid } from "../kernel/kernel.ts";
import type { PlannerCalls } from "../kernel/planner-calls.ts";
import { callerKernel, firstOwn } from "./caller-kernel.ts";
import {
  decodeGo,
  decodeHello,
  encodeOffer,
  encodeRefuse,
  type Hello,
  protocolVersion,
} from "./frames.ts";
import { FrontLink } from "./link.ts";
import { difference, type Identity, readIdentity, umaskOf } from "./peer.ts";
import { SpareCopy } from "./spare-copy.ts";

/** What is done with a request, by whoever knows the command line. */
export type Verbs = {
  /** Whether the words name something that is done the same here as by an engine of the caller's own. */
  readonly accepts: (words: readonly string[]) => boolean;
  readonly invoke: (
    words: readonly string[],
    request: { readonly kernel: Kernel; readonly front: Front },
  ) => Promise<{ readonly exitCode: number; readonly expected: boolean }>;
};

export type WorkerInput = {
  readonly kernel: Kernel;
  readonly calls: PlannerCalls;
  readonly verbs: Verbs;
  /** Ends this process at once, as a signal would. */
  readonly abandon: () => never;
  /** Tells why a front was sent away. */
  readonly tell: (line: string) => void;
};

/** The worker's descriptors, as pool.ts starts it. */
const [control, status, listener] = [0 as Fd, 1 as Fd, firstOwn as Fd];

const helloPatienceMs = 1000; // it comes with the connection
const goPatienceMs = 1000; // the front has nothing else to do

/** SIGHUP, SIGINT, SIGQUIT, SIGTERM: a terminal's or a stop's, for the planner; a worker ends with it. */
const leftToPlanner = [1, 2, 3, 15];

const leastDescriptorLimit = 256; // numbers from firstOwn on have to fit the front

export class Worker {
  readonly #kernel: Kernel;
  readonly #calls: PlannerCalls;
  readonly #verbs: Verbs;
  readonly #tell: (line: string) => void;
  readonly #abandon: () => never;
  readonly #control: Fd;
  readonly #status: Fd;
  readonly #filler: Fd;
  readonly #spare: SpareCopy;
  readonly #identity: Identity;
  readonly #engine: Hello["engine"];

  constructor({ kernel, calls, verbs, abandon, tell }: WorkerInput) {
    this.#kernel = kernel;
    this.#calls = calls;
    this.#verbs = verbs;
    this.#tell = tell;
    this.#abandon = abandon;
    for (const signal of leftToPlanner) calls.ignoreSignal(signal);
    this.#control = calls.duplicateFrom(control, firstOwn);
    this.#status = calls.duplicateFrom(status, firstOwn);
    this.#filler = kernel.open("/dev/null", O_RDWR);
    if (this.#filler < firstOwn) throw startedByHand();
    this.#spare = new SpareCopy(kernel);
    for (let number = 0; number < firstOwn; number++) {
      if (number !== 2) calls.duplicate(this.#filler, number);
    }
    kernel.chdir("/");
    this.#identity = readIdentity(kernel, "self");
    this.#engine = kernel.stat("/proc/self/exe");
  }

  /** Serves until the planner lets go of its end, or something has gone wrong. */
  async work(): Promise<void> {
    this.#report("I");
    for (;;) {
      const awaited = [listener, this.#control].map((fd) => ({ fd, change: false }));
      const ready = this.#kernel.waitAny(awaited, -1);
      if (ready.includes(this.#control)) return;
      const socket = this.#calls.accept(listener);
      if (socket === undefined) continue; // another worker has it
      this.#report("B");
      if (!(await this.#serve(socket))) return;
      this.#spare.prepare();
      this.#report("I");
    }
  }

  /** False when this worker had better not go on. */
  async #serve(socket: Fd): Promise<boolean> {
    let request: Request | undefined;
    try {
      request = this.#admit(socket);
      if (request === undefined) return true;
    } catch (error) {
      // A front that is gone, or talks nonsense: nothing has been done for it yet.
      this.#tell(`no request: ${RuneError.from(error, "listen to the front").message}`);
      return true;
    } finally {
      if (request === undefined) this.#kernel.close(socket);
    }
    try {
      return await this.#perform(request, socket);
    } finally {
      request.hello.environment.fill(0);
      this.#calls.wipe();
      this.#kernel.close(socket);
    }
  }

  /** From HELLO to GO. Undefined: refused, or the front has thought better of it. */
  #admit(socket: Fd): Request | undefined {
    const kernel = this.#kernel;
    if (!kernel.waitReadable(socket, helloPatienceMs)) return undefined;
    const { bytes, descriptors } = this.#calls.receive(socket);
    let admitted = false;
    const pidfds: Fd[] = [];
    try {
      if (bytes.length === 0) return undefined;
      const hello = decodeHello(bytes);
      const pid = this.#calls.peerPid(socket);
      const pidfd = kernel.pidfd(pid);
      pidfds.push(pidfd);
      const checked = this.#check(hello, descriptors, pid);
      if (typeof checked === "string") {
        this.#tell(`refused: ${checked}`);
        this.#calls.send(socket, encodeRefuse(checked), []);
        return undefined;
      }
      if (!this.#agree(socket, pid, pidfd)) return undefined;
      admitted = true;
      return { hello, pid, descriptors, umask: checked.umask };
    } finally {
      for (const fd of pidfds) kernel.close(fd);
      if (!admitted) for (const fd of descriptors) kernel.close(fd);
    }
  }

  /** Why not, or what of the peer is taken over. */
  #check(hello: Hello, descriptors: readonly Fd[], pid: Pid): string | { readonly umask: number } {
    const { version, engine, argv, numbers } = hello;
    if (version !== protocolVersion) return `version ${version} of the protocol`;
    const { device, inode } = this.#engine;
    if (engine.device !== device || engine.inode !== inode) return "another engine";
    if (descriptors.length !== 4 + numbers.length) return "descriptors are missing";
    if (numbers.some((number) => number < 3 || number >= firstOwn)) return "a high descriptor";
    if (!this.#verbs.accepts(argv)) return "not a verb for here";
    const identity = this.#identify(pid);
    if (identity === undefined) return "it may not be looked at";
    const different = difference(this.#identity, identity);
    if (different !== undefined) return different;
    if (this.#calls.descriptorLimit(pid) < leastDescriptorLimit) return "too few descriptors";
    const umask = umaskOf(identity);
    return umask === undefined ? "an unknown umask" : { umask };
  }

  #identify(pid: Pid): Identity | undefined {
    try {
      return readIdentity(this.#kernel, pid);
    } catch {
      return undefined;
    }
  }

  /** OFFER and GO; see "Who may ask" for what makes this the process that was looked at. */
  #agree(socket: Fd, pid: Pid, pidfd: Fd): boolean {
    const [nonce = 0n] = crypto.getRandomValues(new BigUint64Array(1));
    this.#calls.passCredentials(socket);
    this.#calls.send(socket, encodeOffer(nonce), []);
    if (!this.#kernel.waitReadable(socket, goPatienceMs)) return false;
    const packet = this.#calls.receive(socket);
    for (const fd of packet.descriptors) this.#kernel.close(fd);
    if (packet.bytes.length === 0 || packet.descriptors.length > 0) return false;
    if (decodeGo(packet.bytes) !== nonce || packet.pid !== pid) return false;
    return !this.#kernel.waitReadable(pidfd, 0);
  }

  async #perform(request: Request, socket: Fd): Promise<boolean> {
    const { hello, pid, descriptors, umask } = request;
    const kernel = this.#kernel;
    this.#tell(`serving process ${pid}`);
    const link = new FrontLink({ calls: this.#calls, socket, pid, abandon: this.#abandon });
    const sealedCopy: Kernel["sealedCopy"] = (path, name) => this.#spare.take(path, name);
    const caller = callerKernel({ ...kernel, sealedCopy }, { ...this.#calls, link });
    const before = kernel.umask(umask);
    const numbers = [0, 1, 2, ...hello.numbers];
    const own = this.#calls.duplicateFrom(2 as Fd, firstOwn);
    let answer = { exitCode: 1, expected: false };
    try {
      this.#takeOver(numbers, descriptors);
      const invoked = this.#verbs.invoke(hello.argv, {
        kernel: caller.kernel,
        front: frontOf(hello),
      });
      const ended = await Promise.race([invoked, caller.became]);
      if (ended === undefined) return true; // it is the monitor now
      answer = ended;
    } finally {
      // In front of EXIT: whoever waits for the end of the caller's output sees it with the caller's.
      caller.end();
      for (const number of numbers) this.#calls.duplicate(this.#filler, number);
      this.#calls.duplicate(own, 2);
      kernel.close(own);
      kernel.chdir("/");
      kernel.umask(before);
    }
    link.exit(answer.exitCode);
    return answer.expected;
  }

  /** The caller's directory and descriptors become this process's. */
  #takeOver(numbers: readonly number[], [directory, ...rest]: readonly Fd[]): void {
    if (directory === undefined) return;
    try {
      this.#calls.enter(directory);
      for (const [index, fd] of rest.entries()) this.#calls.duplicate(fd, numbers[index] ?? -1);
    } finally {
      for (const fd of [directory, ...rest]) this.#kernel.close(fd);
    }
  }

  #report(state: "B" | "I"): void {
    this.#kernel.write(this.#status, new TextEncoder().encode(state));
  }
}

type Request = {
  readonly hello: Hello;
  readonly pid: Pid;
  /** The working directory, 0, 1, 2, and those that HELLO numbers. */
  readonly descriptors: readonly Fd[];
  readonly umask: number;
};

/** Of the caller. Nothing is decoded that is not asked for: there may be secrets in it. */
function frontOf({ environment, numbers }: Hello): Front {
  return {
    variable: (name) => variableIn(environment, name),
    environment: () => parseEnvironment(environment),
    openDescriptors: new Set(numbers),
  };
}

/** The first of several entries with one name counts, as for getenv(3). */
export function variableIn(environment: Uint8Array, name: PassedVariable): string | undefined {
  const wanted = new TextEncoder().encode(`${name}=`);
  for (let at = 0; at < environment.length; ) {
    const end = environment.indexOf(0, at);
    const entry = environment.subarray(at, end < 0 ? environment.length : end);
    if (wanted.every((byte, index) => entry[index] === byte)) {
      return new TextDecoder().decode(entry.subarray(wanted.length));
    }
    at += entry.length + 1;
  }
  return undefined;
}

function startedByHand(): RuneError {
  const reason = "it is started by its planner only";
  return new RuneError({ code: "USAGE", doing: "start a worker", reason });
}
