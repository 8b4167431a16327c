// SPDX-License-Identifier: Apache-2.0
import { peekState } from "../../container/store.ts";
import type { Init } from "../../protobuf/schema.ts";
import { taskMetrics } from "../metrics.ts";
import type { StatsRequest, StatsResponse } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";

/** What the container's cgroups count, in the messages of the hierarchy that it is in. */
export async function stats(
  server: ShimServer,
  { id }: StatsRequest,
): Promise<Init<StatsResponse>> {
  const { deps } = server.task(id);
  const { cgroup } = peekState(deps.kernel, deps.root, id);
  return { stats: taskMetrics(deps.kernel, cgroup) };
}
