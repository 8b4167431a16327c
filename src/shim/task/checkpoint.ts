// SPDX-License-Identifier: Apache-2.0
import { encode } from "../../protobuf/codec.ts";
import type { Init } from "../../protobuf/schema.ts";
import type { Empty } from "../../protobuf/well-known.gen.ts";
import { codes, StatusError } from "../../ttrpc/status.ts";
import { actAside } from "../aside.ts";
import { aside } from "../aside-input.ts";
import { checkpointOptions } from "../options.ts";
import { TaskCheckpointed } from "../proto/events.gen.ts";
import { CheckpointOptions } from "../proto/runc-options.gen.ts";
import type { CheckpointTaskRequest } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";

/**
 * Writes the container's memory, which takes as long as there is of it: aside. It is not given up when its
 * client goes, for a dump that is killed leaves processes that criu has changed; only when the task is removed.
 */
export async function checkpoint(
  server: ShimServer,
  { id, path, options }: CheckpointTaskRequest,
): Promise<Init<Empty>> {
  const task = server.task(id);
  if (task.checkpointing !== undefined) {
    throw new StatusError(codes.FAILED_PRECONDITION, `\`${id}\` is being checkpointed`);
  }
  const given = checkpointOptions(options);
  const images = given.imagePath || path;
  const act = { ...aside(server, task), images, checkpoint: encode(CheckpointOptions, given) };
  task.checkpointing = new AbortController();
  try {
    const { signal } = task.checkpointing;
    await actAside(server.input, { ...act, verb: "checkpoint" }, [], signal);
  } finally {
    delete task.checkpointing;
  }
  server.publish("/tasks/checkpointed", TaskCheckpointed, { containerId: id, checkpoint: images });
  return {};
}
