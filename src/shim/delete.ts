// SPDX-License-Identifier: Apache-2.0
/**
 * `delete`: what containerd calls when the server is gone, or has never taken a container over. It ends and
 * removes what there is, and says how the container ended where its monitor has written that down.
 */
import { ENOENT, O_CREAT, O_RDWR } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import { shimCalls } from "../kernel/shim-calls.ts";
import { encode } from "../protobuf/codec.ts";
import type { ShimCall } from "./command-line.ts";
import { forgetTask, type Remembered, recallTask } from "./memory.ts";
import { deleteOwn } from "./ownership.ts";
import { Place } from "./place.ts";
import { removePod } from "./pods.ts";
import { DeleteResponse } from "./proto/task-v2.gen.ts";
import { unmountRootfs } from "./rootfs.ts";
import { answers } from "./start.ts";
import { exitStatusOf } from "./task.ts";
import { timestamp } from "./timestamp.ts";
import { verbDeps } from "./verb-deps.ts";

const killedStatus = 137;

export async function deleteTask(kernel: Kernel, call: ShimCall): Promise<Uint8Array> {
  const { id, namespace, libDir, environment } = call;
  const place = new Place(call.address, namespace);
  const bundle = call.bundle || kernel.readlink("/proc/self/cwd");
  const known = recallTask(kernel, place, id);
  const deps = {
    ...verbDeps({
      ...{ kernel, libDir, namespace, environment },
      options: {},
      warn: () => {}, // containerd takes everything that is printed for the answer
    }),
    ...(known === undefined ? {} : { root: known.root }),
  };
  await deleteOwn(deps, id, bundle);
  unmountRootfs(shimCalls, bundle);
  const exit = known === undefined ? undefined : exitOf(kernel, known);
  forgetTask(kernel, place, id);
  unlessErrno(() => kernel.unlink(`${place.starting}/${id}`), ENOENT);
  if (!answers(kernel, place)) removeIdle(kernel, place, known);
  return encode(DeleteResponse, {
    pid: exit?.pid ?? 0,
    exitStatus: exit?.exitStatus ?? killedStatus,
    exitedAt: timestamp(exit?.at ?? BigInt(Date.now()) * 1_000_000n),
  });
}

type Exit = { readonly pid: number; readonly exitStatus: number; readonly at: bigint };

/** The line of the container's first process. */
function exitOf(kernel: Kernel, { pod, token }: Remembered): Exit | undefined {
  const text = unlessErrno(() => readText(kernel, `${pod}/exits`, 64 << 20), ENOENT) ?? "";
  for (const line of text.split("\n")) {
    const [own, pid, status, at] = line.split(" ");
    if (own !== token || at === undefined) continue;
    return { pid: Number(pid), exitStatus: exitStatusOf(Number(status)), at: BigInt(at) };
  }
  return undefined;
}

/** The server is dead: the last `delete` takes its files away. Several may be at it. */
function removeIdle(kernel: Kernel, place: Place, known: Remembered | undefined): void {
  const lock = unlessErrno(() => kernel.open(place.lock, O_RDWR | O_CREAT, 0o600), ENOENT);
  if (lock === undefined) return; // all is gone
  kernel.lock(lock);
  try {
    removeUnused(kernel, place, known);
  } finally {
    kernel.close(lock);
  }
}

function removeUnused(kernel: Kernel, place: Place, known: Remembered | undefined): void {
  const names = (path: string) => unlessErrno(() => kernel.list(path), ENOENT) ?? [];
  const left = names(place.tasks).map(({ name }) => recallTask(kernel, place, name));
  if (known !== undefined && !left.some((one) => one?.pod === known.pod)) {
    removePod(kernel, known.pod);
  }
  if (left.length > 0 || names(place.starting).length > 0) return;
  place.remove(kernel);
}
