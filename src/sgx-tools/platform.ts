// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools platform`: the simulated platform's service, and what its owner may ask of it. */
import { RuneError } from "../errors/error.ts";
import { type Front, readFront } from "../kernel/front.ts";
import { readText } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import type { OptionValues } from "../options/option.ts";
import { askControl, type Status } from "../platform/control.ts";
import {
  aesmSocket,
  controlSocket,
  emulatorSocket,
  type PlatformFolders,
  platformFolders,
} from "../platform/folders.ts";
import type { EnclaveRecord } from "../platform/registry.ts";
import type { PassedSockets } from "../platform/serve.ts";
import { startPlatform, usesRootsPlaces } from "../platform/start.ts";
import { printLine } from "./files.ts";
import type * as commands from "./platform-commands.ts";

/** Set by the build; absent when run from source. */
declare const BUILD_VERSION: string | undefined;

/** The caller's folders, or undefined where the caller wants no service. */
export function callersFolders(front: Front): PlatformFolders | undefined {
  const environment = front.environment();
  return platformFolders({
    isRoot: usesRootsPlaces(linux, (name) => environment.get(name)),
    variable: (name) => environment.get(name),
  });
}

/** Where the engine and its companions are. */
export function libraryFolder(): string {
  return process.execPath.slice(0, process.execPath.lastIndexOf("/"));
}

export async function printStatus(
  values: OptionValues<typeof commands.platformStatus.options>,
): Promise<void> {
  // Our own service's words, which only its owner can ask for.
  const status = (await ask({ verb: "status" })) as Status;
  if (values.json) return printLine(JSON.stringify(status, null, 2));
  const { idleMs, ...rest } = status;
  for (const [name, value] of Object.entries(rest)) printLine(`${name.padEnd(12)}${value}`);
  printLine(`${"ends".padEnd(12)}${idleMs === 0 ? "never" : `unused for ${idleMs / 1000} s`}`);
}

export async function printEnclaves(
  values: OptionValues<typeof commands.platformEnclaves.options>,
): Promise<void> {
  const { enclaves } = (await ask({ verb: "enclaves" })) as { enclaves: EnclaveRecord[] };
  if (values.json) return printLine(JSON.stringify(enclaves, null, 2));
  const rows = [
    ["PID", "PROCESS", "CONTAINER", "SIZE", "THREADS", "DEBUG", "MRENCLAVE", "MRSIGNER"],
    ...enclaves.map((enclave) => [
      enclave.pid === 0 ? "-" : `${enclave.pid}`,
      enclave.process || "-",
      enclave.container || "-",
      `${Math.floor(enclave.sizeBytes / 1024)}K`,
      `${enclave.threads}`,
      enclave.debug ? "yes" : "no",
      enclave.mrenclave,
      enclave.mrsigner,
    ]),
  ];
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  for (const row of rows) {
    printLine(
      row
        .map((cell, i) => cell.padEnd((widths[i] ?? 0) + 2))
        .join("")
        .trimEnd(),
    );
  }
}

export async function reset(
  values: OptionValues<typeof commands.platformReset.options>,
): Promise<void> {
  if (!values.yes) {
    throw new RuneError({
      code: "USAGE",
      doing: "reset the simulated platform",
      reason: "what enclaves have sealed on it can never be unsealed then",
      hint: "--yes does it",
    });
  }
  await end("reset");
}

export async function stop(): Promise<void> {
  await end("stop");
}

/** What it may still have to answer. */
const END_MS = 10_000;
const END_STEP_MS = 20;

/** Returns when the service has closed its sockets: whoever asks then is answered by another. */
async function end(verb: "reset" | "stop"): Promise<void> {
  const { pid } = (await ask({ verb: "status" })) as Status;
  await ask({ verb });
  const deadline = performance.now() + END_MS;
  while ((await runningPid()) === pid) {
    if (performance.now() > deadline) {
      throw new RuneError({
        code: "PLATFORM_SERVICE",
        doing: `wait for the platform service's process ${pid}`,
        reason: "it does not end",
      });
    }
    await Bun.sleep(END_STEP_MS);
  }
}

async function runningPid(): Promise<number | undefined> {
  try {
    return ((await ask({ verb: "status" })) as Status).pid;
  } catch {
    return undefined; // nobody answers
  }
}

export function start(values: OptionValues<typeof commands.platformStart.options>): void {
  startPlatform({
    kernel: linux,
    libDir: libraryFolder(),
    folders: wantedFolders(),
    idleTimeout: values["idle-timeout"],
  });
}

export async function serve(
  values: OptionValues<typeof commands.platformServe.options>,
): Promise<void> {
  const front = readFront(linux, process.env);
  const folders = servedFolders(front, values);
  const readyFd = values["ready-fd"];
  const passed = passedSockets(front, folders);
  const { serve: run } = await import("../platform/serve.ts");
  await run({
    folders,
    version: typeof BUILD_VERSION === "string" ? BUILD_VERSION : "source",
    idleMs: values["idle-timeout"] * 1000,
    ...(readyFd === undefined ? {} : { readyFd }),
    ...(passed === undefined ? {} : { passed }),
  });
}

/** The caller's, but for what is named. */
function servedFolders(
  front: Front,
  { runtime, state }: OptionValues<typeof commands.platformServe.options>,
): PlatformFolders {
  if (runtime !== undefined && state !== undefined) return { runtime, state };
  const usual = wantedFolders(front);
  return { runtime: runtime ?? usual.runtime, state: state ?? usual.state };
}

function ask(request: object): Promise<unknown> {
  return askControl(controlSocket(wantedFolders()), request);
}

/** Where the secret and what is said of the platform lie. */
export function stateFolder(): string {
  return wantedFolders().state;
}

/** Where the sockets are. */
export function runtimeFolder(): string {
  return wantedFolders().runtime;
}

export function wantedFolders(front: Front = readFront(linux, process.env)): PlatformFolders {
  const folders = callersFolders(front);
  if (folders !== undefined) return folders;
  throw new RuneError({
    code: "USAGE",
    doing: "find the platform service",
    reason: "INCLAVARE_PLATFORM is `off`",
  });
}

/** Flags of a socket that listens in /proc/net/unix: __SO_ACCEPTCON (net/unix/af_unix.c). */
const ACCEPTS = "00010000";

/** systemd's, as sd_listen_fds(3) says, told by their paths; undefined where it has passed none. */
function passedSockets(front: Front, folders: PlatformFolders): PassedSockets | undefined {
  if (front.variable("LISTEN_PID") !== String(linux.pid())) return undefined;
  const count = Number(front.variable("LISTEN_FDS"));
  const table = readText(linux, "/proc/net/unix").split("\n");
  const at = (path: string) => {
    // Connections that wait to be accepted have the path, too, and so has a service's of before,
    // in whose place systemd has put its own.
    const sockets = table
      .filter((line) => line.endsWith(` ${path}`) && line.split(/ +/)[3] === ACCEPTS)
      .map((line) => `socket:[${line.split(/ +/)[6]}]`);
    const numbers = Array.from({ length: Math.min(count, 16) }, (_, i) => 3 + i);
    return numbers.find((fd) => sockets.includes(linux.readlink(`/proc/self/fd/${fd}`)));
  };
  const [platform, aesm] = [at(emulatorSocket(folders)), at(aesmSocket(folders))];
  return {
    ...(platform === undefined ? {} : { platform }),
    ...(aesm === undefined ? {} : { aesm }),
  };
}
