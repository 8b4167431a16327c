// SPDX-License-Identifier: Apache-2.0
/** The service: one process, until nobody uses the platform any more. */
import { chmodSync, closeSync, mkdirSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { answer as answerAesm } from "../aesm/answer.ts";
import { listen as listenAesm } from "../aesm/listener.ts";
import type { AesmPlatform } from "../aesm/platform.ts";
import { escapeControls, RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import { toHex } from "../sgx/bytes.ts";
import { answer } from "./answer.ts";
import { answerControl, CONTROL_MAX_BYTES, type ControlVerbs } from "./control.ts";
import { createEvidence } from "./evidence/evidence.ts";
import { evidenceSocket, listenEvidence } from "./evidence/listen.ts";
import { readTcbFile, TCB_FILE } from "./evidence/tcb-file.ts";
import {
  aesmFolder,
  aesmSocket,
  controlSocket,
  emulatorSocket,
  type PlatformFolders,
} from "./folders.ts";
import { encodeReply, LONGEST_REQUEST_BYTES, readRequest } from "./frame.ts";
import { launchControl } from "./launch-control.ts";
import { type Listening, listen } from "./listener.ts";
import { Registry } from "./registry.ts";
import { openRootSecret, replaceRootSecret } from "./root-secret.ts";
import { deriveSecrets, type Secrets } from "./secrets.ts";

export type ServeOptions = {
  readonly folders: PlatformFolders;
  readonly version: string;
  /** 0: never ends by itself. */
  readonly idleMs: number;
  /** Told by one byte that the service answers. */
  readonly readyFd?: number;
  /** What systemd listens on already. */
  readonly passed?: PassedSockets;
};

export type PassedSockets = { readonly platform?: number; readonly aesm?: number };

const SWEEP_MS = 5000;

/** Resolves when the service has ended, and all its sockets are closed. */
export async function serve(options: ServeOptions): Promise<void> {
  const { folders } = options;
  process.umask(0o077);
  const stopped = stopSignals();
  if ((await lockOrFindOther(options)) === "other") {
    if (options.readyFd !== undefined) announce(options.readyFd);
    return;
  }
  const secrets = deriveSecrets(openRootSecret(folders.state));
  const service = new RunningService(options, secrets);
  await service.listen();
  try {
    if (options.readyFd !== undefined) {
      announce(options.readyFd);
    }
    service.watch();
    await Promise.race([stopped, service.ended]);
  } finally {
    await service.close();
  }
}

class RunningService {
  readonly ended: Promise<void>;
  readonly #options: ServeOptions;
  readonly #secrets: Secrets;
  readonly #registry = new Registry(() => Date.now());
  readonly #startedAt = new Date().toISOString();
  readonly #listeners: Listening[] = [];
  #sweeper: ReturnType<typeof setInterval> | undefined;
  #closeServices = async () => {};
  #aesmConnections = () => 0;
  #requests = 0;
  #fault: string | undefined;
  #lastUsed = performance.now();
  #end = () => {};

  constructor(options: ServeOptions, secrets: Secrets) {
    this.#options = options;
    this.#secrets = secrets;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async listen(): Promise<void> {
    const { folders, passed = {} } = this.#options;
    for (const folder of [folders.runtime, aesmFolder(folders)]) {
      makeFolder(folder);
    }
    const common = { peerPid: (fd: number) => plannerCalls.peerPid(fd as Fd) };
    await this.#listenServices(folders, passed.aesm);
    this.#listeners.push(
      listen({
        ...common,
        socket: controlSocket(folders),
        mode: 0o600,
        maxBytes: CONTROL_MAX_BYTES,
        answer: (bytes) => answerControl(this.#verbs, bytes),
      }),
      // Last: whoever finds this one may use all of them.
      listen({
        ...common,
        socket: passed.platform ?? emulatorSocket(folders),
        mode: 0o666,
        maxBytes: LONGEST_REQUEST_BYTES,
        // Whoever only looks whether there is a service is about to use it.
        onConnection: () => {
          this.#lastUsed = performance.now();
        },
        answer: (bytes, { pid }) => this.#answer(bytes, pid),
      }),
    );
  }

  /** From here on unused time counts: what was asked before is in the sockets' queues. */
  watch(): void {
    const { idleMs } = this.#options;
    const period = idleMs === 0 ? SWEEP_MS : Math.min(SWEEP_MS, Math.max(50, idleMs / 4));
    this.#lastUsed = performance.now();
    this.#sweeper = setInterval(() => this.#sweep(), period);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    for (const listener of this.#listeners) listener.close();
    await this.#closeServices();
  }

  #answer(bytes: Uint8Array, pid: number): Uint8Array | undefined {
    const request = readRequest(bytes);
    if (request === undefined) return undefined;
    this.#used();
    this.#registry.lease(pid);
    const reply = answer(this.#secrets, request, (launched) => this.#registry.add(pid, launched));
    return encodeReply(request.code, reply);
  }

  async #listenServices(folders: PlatformFolders, aesm: number | undefined): Promise<void> {
    const evidence = createEvidence({
      keys: this.#secrets,
      tcbState: () => readTcbFile(join(folders.state, TCB_FILE)),
    });
    const platform: AesmPlatform = { ...evidence.aesm, launch: launchControl(this.#secrets) };
    const http = listenEvidence({
      socket: evidenceSocket(folders),
      evidence,
      onRequest: () => this.#used(),
      onFault: (error) => this.#report(error),
    });
    const listener = await listenAesm({
      socket: aesm ?? aesmSocket(folders),
      answer: (message) => {
        this.#used();
        return answerAesm(platform, message, (error) => this.#report(error));
      },
    });
    this.#closeServices = async () => {
      await listener.close();
      await http.close();
    };
    this.#aesmConnections = listener.connections;
  }

  readonly #verbs: ControlVerbs = {
    status: () => {
      this.#registry.sweep();
      return {
        version: this.#options.version,
        instance: toHex(this.#secrets.platformInstanceId),
        cpuSvn: toHex(this.#secrets.cpuSvn),
        pid: process.pid,
        startedAt: this.#startedAt,
        leases: this.#registry.leases,
        enclaves: this.#registry.enclaves.length,
        idleMs: this.#options.idleMs,
        requests: this.#requests,
        ...(this.#fault === undefined ? {} : { fault: this.#fault }),
      };
    },
    enclaves: () => {
      this.#registry.sweep();
      return { enclaves: this.#registry.enclaves };
    },
    reset: () => {
      replaceRootSecret(this.#options.folders.state);
      return this.#endSoon();
    },
    stop: () => this.#endSoon(),
  };

  /** Behind the answer. */
  #endSoon(): object {
    setTimeout(() => this.#end(), 100);
    return {};
  }

  /** What clients only see as a number: for systemd's journal, once, and for the owner who asks. */
  #report(error: unknown): void {
    const fault = escapeControls(RuneError.from(error, "answer a client").message);
    if (fault === this.#fault) return;
    this.#fault = fault;
    process.stderr.write(`${fault}\n`);
  }

  #used(): void {
    this.#requests++;
    this.#lastUsed = performance.now();
  }

  #sweep(): void {
    this.#registry.sweep();
    const { idleMs } = this.#options;
    const open = this.#listeners.reduce((sum, { connections }) => sum + connections(), 0);
    if (this.#registry.leases > 0 || open + this.#aesmConnections() > 0) {
      this.#lastUsed = performance.now();
    } else if (idleMs > 0 && performance.now() - this.#lastUsed >= idleMs) {
      this.#end();
    }
  }
}

/** Until now standard error was the same pipe, for the reason of a failure. */
function announce(readyFd: number): void {
  const sink = openSync("/dev/null", "r+");
  plannerCalls.duplicate(sink as Fd, 2);
  closeSync(sink);
  writeSync(readyFd, "R");
  closeSync(readyFd);
}

/** How long another service may take to answer, or to end. */
const OTHER_MS = 10_000;
const OTHER_STEP_MS = 20;

/**
 * The lock is held until the process ends: two services would hand out keys of two secrets. Another
 * that is about to answer is as good as this one; one that is about to end is waited for.
 */
async function lockOrFindOther({ folders, readyFd }: ServeOptions): Promise<"locked" | "other"> {
  const path = join(folders.state, "lock");
  const fd = openLock(folders.state, path);
  const deadline = performance.now() + (readyFd === undefined ? 0 : OTHER_MS);
  for (;;) {
    if (plannerCalls.tryLock(fd)) return "locked";
    if (readyFd !== undefined && (await answers(emulatorSocket(folders)))) return "other";
    if (performance.now() >= deadline) break;
    await Bun.sleep(OTHER_STEP_MS);
  }
  throw new RuneError({
    code: "PLATFORM_SERVICE",
    doing: `lock \`${path}\``,
    reason: "another service uses this folder",
  });
}

/** The service's user may have no way to a folder that the caller has chosen. */
function openLock(folder: string, path: string): Fd {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return openSync(path, "a", 0o600) as Fd;
  } catch (cause) {
    throw new RuneError({
      code: "PLATFORM_SERVICE",
      doing: `open \`${path}\``,
      reason: RuneError.from(cause, "open").reason,
      hint: `user ${process.geteuid?.()} has to be able to enter every folder above it`,
      cause,
    });
  }
}

async function answers(socket: string): Promise<boolean> {
  try {
    const connection = await Bun.connect({ unix: socket, socket: { data: () => {} } });
    connection.terminate();
    return true;
  } catch {
    return false; // nobody listens yet, or any more
  }
}

/** Open to all, in a parent that is there: startPlatform or systemd has made it. */
function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  // systemd's folder of the AESM socket is systemd's to open.
  if (statSync(path).uid === process.geteuid?.()) chmodSync(path, 0o755);
}

function stopSignals(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => resolve());
    }
  });
}
