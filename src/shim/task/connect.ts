// SPDX-License-Identifier: Apache-2.0
import type { Init } from "../../protobuf/schema.ts";
import type { ConnectRequest, ConnectResponse } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";

/** "The shim" is the monitor where there is a task: it is what ends with the pod. */
export async function connect(
  server: ShimServer,
  { id }: ConnectRequest,
): Promise<Init<ConnectResponse>> {
  const task = server.tasks.get(id);
  return {
    shimPid: task?.pod.link.pid ?? server.input.kernel.pid(),
    taskPid: task?.init.pid ?? 0,
    version: "v2",
  };
}
