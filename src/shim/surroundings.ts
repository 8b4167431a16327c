// SPDX-License-Identifier: Apache-2.0
import type { ShimServer } from "./server.ts";
import type { Surroundings } from "./stdio.ts";
import type { Task } from "./task.ts";

/** What a task's streams are opened with. */
export function surroundingsOf({ input }: ShimServer, { id, pod, options }: Task): Surroundings {
  const { kernel, calls, namespace } = input;
  const { ioUid = 0, ioGid = 0 } = options;
  const owner = { uid: ioUid, gid: ioGid };
  return { kernel, calls, link: pod.link, container: id, namespace, owner };
}
