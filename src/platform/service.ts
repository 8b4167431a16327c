// SPDX-License-Identifier: Apache-2.0
/** What a service has while it runs: its sockets, who uses them, and what it tells its owner. */
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { answer as answerAesm } from "../aesm/answer.ts";
import { AESM } from "../aesm/errors.ts";
import { type Listener, listen as listenAesm } from "../aesm/listener.ts";
import type { AesmPlatform } from "../aesm/platform.ts";
import { escapeControls, RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import { toHex } from "../sgx/bytes.ts";
import { answer } from "./answer.ts";
import { answerControl, CONTROL_MAX_BYTES, type ControlVerbs } from "./control.ts";
import { connectionShare } from "./descriptors.ts";
import { createEvidence } from "./evidence/evidence.ts";
import { evidenceSocket, listenEvidence, listenHttp } from "./evidence/listen.ts";
import { readTcbFile, TCB_FILE } from "./evidence/tcb-file.ts";
import {
  aesmFolder,
  aesmSocket,
  controlSocket,
  emulatorSocket,
  metricsSocket,
  type PlatformFolders,
} from "./folders.ts";
import { CODE, encodeReply, LONGEST_REQUEST_BYTES, readRequest } from "./frame.ts";
import { launchControl } from "./launch-control.ts";
import { type Listening, listen } from "./listener.ts";
import { einitResult, METRICS_TYPE, Metrics, quoteType } from "./metrics.ts";
import { type Inheritance, Registry } from "./registry.ts";
import { replaceRootSecret } from "./root-secret.ts";
import type { Secrets } from "./secrets.ts";
import type { ServeOptions } from "./serve.ts";

const SWEEP_MS = 5000;
const SOCKETS = ["platform", "control", "aesm", "evidence", "metrics"] as const;
type SocketName = (typeof SOCKETS)[number];

export class RunningService {
  readonly ended: Promise<void>;
  readonly #options: ServeOptions;
  readonly #secrets: Secrets;
  readonly #registry = new Registry(() => Date.now());
  readonly #metrics = new Metrics();
  readonly #startedAt = new Date();
  readonly #listeners = new Map<SocketName, Listening | Listener>();
  readonly #limits = { connections: connectionShare(SOCKETS.length) };
  #sweeper: ReturnType<typeof setInterval> | undefined;
  #requests = 0;
  #fault: string | undefined;
  #lastUsed = performance.now();
  #end = () => {};

  constructor(options: ServeOptions, secrets: Secrets, inherited: Inheritance) {
    this.#options = options;
    this.#secrets = secrets;
    this.#registry.inherit(inherited);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async listen(): Promise<void> {
    const { folders, passed = {} } = this.#options;
    for (const folder of [folders.runtime, aesmFolder(folders)]) {
      makeFolder(folder);
    }
    const common = { peerPid: (fd: number) => plannerCalls.peerPid(fd as Fd), ...this.#limits };
    await this.#listenAesm(folders, passed.aesm);
    await this.#listenHttp(folders);
    this.#listeners.set(
      "control",
      listen({
        ...common,
        ...this.#crowds("control"),
        socket: controlSocket(folders),
        mode: 0o600,
        maxBytes: CONTROL_MAX_BYTES,
        answer: (bytes) => answerControl(this.#verbs, bytes),
      }),
    );
    // Last: whoever finds this one may use all of them.
    this.#listeners.set(
      "platform",
      listen({
        ...common,
        ...this.#crowds("platform"),
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
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
  }

  #answer(bytes: Uint8Array, pid: number): Uint8Array | undefined {
    const began = performance.now();
    const request = readRequest(bytes);
    if (request === undefined) return undefined;
    this.#used();
    this.#registry.lease(pid);
    const reply = answer(this.#secrets, request, (launched) => this.#registry.add(pid, launched));
    this.#metrics.observe("platform", (performance.now() - began) / 1000);
    if (request.code === CODE.EINIT) {
      this.#metrics.count("einit_total", { result: einitResult(reply.status) });
    }
    return encodeReply(request.code, reply);
  }

  async #listenAesm(folders: PlatformFolders, passed: number | undefined): Promise<void> {
    const platform: AesmPlatform = { ...this.#evidence.aesm, launch: launchControl(this.#secrets) };
    const listener = await listenAesm({
      ...this.#crowds("aesm"),
      limits: this.#limits,
      socket: passed ?? aesmSocket(folders),
      answer: (message) => {
        this.#used();
        return this.#timed("aesm", () =>
          answerAesm(
            platform,
            message,
            (error) => this.#report(error),
            (name, error) => this.#countAesm(name, error),
          ),
        );
      },
    });
    this.#listeners.set("aesm", listener);
  }

  async #listenHttp(folders: PlatformFolders): Promise<void> {
    const evidence = this.#evidence;
    const http = await listenEvidence({
      ...this.#crowds("evidence"),
      limits: this.#limits,
      socket: evidenceSocket(folders),
      evidence: {
        ...evidence,
        http: (request) => {
          this.#used();
          return this.#timed("evidence", () => evidence.http(request));
        },
      },
      onReply: (status) => this.#metrics.count("http_responses_total", { status: `${status}` }),
      onFault: (error) => this.#report(error),
    });
    this.#listeners.set("evidence", http);
    const metrics = await listenHttp({
      ...this.#crowds("metrics"),
      limits: this.#limits,
      socket: metricsSocket(folders),
      mode: 0o600,
      answer: async (request) => this.#answerMetrics(request),
    });
    this.#listeners.set("metrics", metrics);
  }

  #answerMetrics(request: Request): Response {
    if (new URL(request.url).pathname !== "/metrics") return new Response(null, { status: 404 });
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response(null, { status: 405 });
    }
    this.#registry.sweep();
    const text = this.#metrics.text([
      { name: "info", labels: { version: this.#options.version }, value: 1 },
      { name: "start_time_seconds", value: this.#startedAt.getTime() / 1000 },
      { name: "enclaves", value: this.#registry.enclaves.length },
      { name: "leases", value: this.#registry.leases },
      ...[...this.#listeners].map(([socket, listener]) => ({
        name: "connections" as const,
        labels: { socket },
        value: listener.connections(),
      })),
    ]);
    return new Response(text, { headers: { "Content-Type": METRICS_TYPE } });
  }

  get #evidence() {
    this.#madeEvidence ??= createEvidence({
      keys: this.#secrets,
      tcbState: () => readTcbFile(join(this.#options.folders.state, TCB_FILE)),
    });
    return this.#madeEvidence;
  }
  #madeEvidence: ReturnType<typeof createEvidence> | undefined;

  readonly #verbs: ControlVerbs = {
    status: () => {
      this.#registry.sweep();
      return {
        version: this.#options.version,
        instance: toHex(this.#secrets.platformInstanceId),
        cpuSvn: toHex(this.#secrets.cpuSvn),
        pid: process.pid,
        startedAt: this.#startedAt.toISOString(),
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
      return this.#endSoon({});
    },
    stop: () => this.#endSoon({}),
    handover: () => this.#endSoon(this.#registry.bequeath()),
  };

  /** Behind the answer. */
  #endSoon<Reply extends object>(reply: Reply): Reply {
    setTimeout(() => this.#end(), 100);
    return reply;
  }

  /** What clients only see as a number: for systemd's journal, once, and for the owner who asks. */
  #report(error: unknown): void {
    this.#metrics.count("faults_total");
    const fault = escapeControls(RuneError.from(error, "answer a client").message);
    if (fault === this.#fault) return;
    this.#fault = fault;
    process.stderr.write(`${fault}\n`);
  }

  async #timed<Result>(socket: SocketName, act: () => Promise<Result>): Promise<Result> {
    const began = performance.now();
    try {
      return await act();
    } finally {
      this.#metrics.observe(socket, (performance.now() - began) / 1000);
    }
  }

  #countAesm(request: string, error: number): void {
    this.#metrics.count("aesm_requests_total", { request, error: `${error}` });
    const type = quoteType(request);
    if (type === undefined) return;
    const result = error === AESM.success ? "made" : "failed";
    this.#metrics.count("quotes_total", { type, result });
  }

  #crowds(socket: SocketName) {
    return {
      onCrowdedOut: () => this.#metrics.count("connections_refused_total", { socket }),
    };
  }

  #used(): void {
    this.#requests++;
    this.#lastUsed = performance.now();
  }

  #sweep(): void {
    this.#registry.sweep();
    const { idleMs } = this.#options;
    // Whoever only watches does not use it.
    const users = [...this.#listeners].filter(([name]) => name !== "metrics");
    const open = users.reduce((sum, [, { connections }]) => sum + connections(), 0);
    if (this.#registry.leases > 0 || open > 0) {
      this.#lastUsed = performance.now();
    } else if (idleMs > 0 && performance.now() - this.#lastUsed >= idleMs) {
      this.#end();
    }
  }
}

/** Open to all, in a parent that is there: startPlatform or systemd has made it. */
function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  // systemd's folder of the AESM socket is systemd's to open.
  if (statSync(path).uid === process.geteuid?.()) chmodSync(path, 0o755);
}
