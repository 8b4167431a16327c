// SPDX-License-Identifier: Apache-2.0
/** `start`: the address of the namespace's server, which is started where there is none. */
import { RuneError } from "../errors/error.ts";
import {
  EACCES,
  ECONNREFUSED,
  ENOENT,
  O_CREAT,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno, writeFile } from "../kernel/kernel.ts";
import type { ShimCall } from "./command-line.ts";
import { Place } from "./place.ts";

const startPatienceMs = 10_000;
const highestScore = 1000;

export async function start(kernel: Kernel, call: ShimCall): Promise<string> {
  const place = new Place(call.address, call.namespace);
  place.make(kernel);
  const lock = kernel.open(place.lock, O_RDWR | O_CREAT, 0o600);
  kernel.lock(lock);
  kernel.close(kernel.open(`${place.starting}/${call.id}`, O_WRONLY | O_CREAT | O_TRUNC, 0o600));
  if (!answers(kernel, place)) {
    removeStale(kernel, place);
    startServer(kernel, call);
    const deadlineMs = kernel.nowMs() + startPatienceMs;
    while (!answers(kernel, place)) {
      if (kernel.nowMs() > deadlineMs) {
        const reason = "it does not answer";
        throw new RuneError({ code: "TTRPC", doing: "start the namespace's server", reason });
      }
      kernel.sleepMs(2);
    }
  }
  kernel.close(lock);
  rememberAddress(kernel, `unix://${place.socket}`);
  return bootstrap(`unix://${place.socket}`, call);
}

/** Where containerd, when it is started again, finds the task: in the bundle, the current directory. */
function rememberAddress(kernel: Kernel, address: string): void {
  const fd = kernel.open("address", O_WRONLY | O_CREAT | O_TRUNC, 0o600);
  try {
    kernel.write(fd, new TextEncoder().encode(address));
  } finally {
    kernel.close(fd);
  }
}

/** containerd 2 says what it understands, and wants to be told which version it talks to. */
function bootstrap(address: string, { environment }: ShimCall): string {
  const highest = Number(environment.get("MAX_SHIM_VERSION") ?? "2");
  return highest >= 3 ? JSON.stringify({ version: 3, address, protocol: "ttrpc" }) : address;
}

export function answers(kernel: Kernel, place: Place): boolean {
  const socket = unlessErrno(() => kernel.connectUnix(place.socket), ENOENT, ECONNREFUSED);
  if (socket === undefined) return false;
  kernel.close(socket);
  return true;
}

/** What a server that was killed has left. Its monitors end by themselves. */
function removeStale(kernel: Kernel, place: Place): void {
  for (const path of [place.socket, place.events]) unlessErrno(() => kernel.unlink(path), ENOENT);
}

function startServer(kernel: Kernel, call: ShimCall): void {
  scoreAboveParent(kernel);
  const words = ["-namespace", call.namespace, "-address", call.address];
  const child = Bun.spawn(
    [
      `${call.libDir}/../../bin/containerd-shim-rune-v2`,
      ...words,
      ...["-publish-binary", call.publishBinary],
      ...(call.debug ? ["-debug"] : []),
      "serve",
    ],
    {
      stdio: ["ignore", "ignore", "ignore"],
      cwd: "/",
      env: Object.fromEntries(call.environment),
      detached: true,
    },
  );
  child.unref();
}

/** As runc's shim: the machine loses a pod before the engine that would have to clear up after it. */
function scoreAboveParent(kernel: Kernel): void {
  const parent = readText(kernel, "/proc/self/stat").split(") ")[1]?.split(" ")[1] ?? "self";
  const score = Number(
    unlessErrno(() => readText(kernel, `/proc/${parent}/oom_score_adj`), ENOENT) ?? "0",
  );
  const own = String(Math.min(score + 1, highestScore));
  unlessErrno(() => writeFile(kernel, "/proc/self/oom_score_adj", own), EACCES);
}
