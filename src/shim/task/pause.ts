// SPDX-License-Identifier: Apache-2.0
import { pause as pauseContainer } from "../../container/pause.ts";
import type { Init } from "../../protobuf/schema.ts";
import type { Empty } from "../../protobuf/well-known.gen.ts";
import { TaskPaused } from "../proto/events.gen.ts";
import type { PauseRequest } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";

export async function pause(server: ShimServer, { id }: PauseRequest): Promise<Init<Empty>> {
  const task = server.task(id);
  pauseContainer(task.deps, id);
  task.paused = true;
  server.publish("/tasks/paused", TaskPaused, { containerId: id });
  return {};
}
