// SPDX-License-Identifier: Apache-2.0
/** `binary://` logging: a program of the node's that reads what a process writes (containerd, runtime/v2/logging). */
import { RuneError } from "../errors/error.ts";
import { O_RDONLY, O_WRONLY } from "../kernel/constants.ts";
import type { Fd } from "../kernel/kernel.ts";
import { giveTo, type Surroundings } from "./stdio.ts";

const readyPatienceMs = 10_000;

/** Starts it and waits until it reads: what the process writes goes to the two ends that come back. */
export async function startLogger(
  { kernel, calls, link, container, namespace, owner }: Surroundings,
  address: string,
  keep: (fd: Fd) => Fd,
): Promise<readonly [Fd, Fd]> {
  const { pathname: encoded, searchParams } = new URL(address);
  const pathname = decodeURIComponent(encoded);
  const words = [...searchParams].flatMap(([name, value]) =>
    value === "" ? [name] : [name, value],
  );
  const [output, error, ready] = [calls.pipe(), calls.pipe(), calls.pipe()];
  const nothing = [kernel.open("/dev/null", O_RDONLY), kernel.open("/dev/null", O_WRONLY)] as const;
  const given = [nothing[0], nothing[1], nothing[1], output[0], error[0], ready[1]];
  keep(output[1]);
  keep(error[1]);
  for (const end of [output[1], error[1]]) giveTo(kernel, owner, end);
  try {
    link.spawn({
      path: pathname,
      argv: [pathname, ...words],
      env: [`CONTAINER_ID=${container}`, `CONTAINER_NAMESPACE=${namespace}`],
      descriptors: given.map((fd, number) => ({ number, fd })),
      kept: given.map((_, number) => number),
    });
  } catch (problem) {
    kernel.close(ready[0]);
    throw problem;
  } finally {
    for (const fd of new Set(given)) kernel.close(fd);
  }
  try {
    await readiness();
  } finally {
    kernel.close(ready[0]);
  }
  return [output[1], error[1]];

  /** One byte, or the end: it has closed its end, or has become something that does not say so. */
  async function readiness(): Promise<void> {
    const deadlineMs = kernel.nowMs() + readyPatienceMs;
    while (!kernel.waitReadable(ready[0], 0)) {
      if (kernel.nowMs() > deadlineMs) {
        const reason = "it does not say that it is ready";
        throw new RuneError({ code: "USAGE", doing: `start logger \`${pathname}\``, reason });
      }
      await Bun.sleep(1);
    }
  }
}
