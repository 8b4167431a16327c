// SPDX-License-Identifier: Apache-2.0
import { resume as resumeContainer } from "../../container/resume.ts";
import type { Init } from "../../protobuf/schema.ts";
import type { Empty } from "../../protobuf/well-known.gen.ts";
import { TaskResumed } from "../proto/events.gen.ts";
import type { ResumeRequest } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";

export async function resume(server: ShimServer, { id }: ResumeRequest): Promise<Init<Empty>> {
  const task = server.task(id);
  resumeContainer(task.deps, id);
  task.paused = false;
  server.publish("/tasks/resumed", TaskResumed, { containerId: id });
  return {};
}
