// SPDX-License-Identifier: Apache-2.0
import { checkpoint as checkpointContainer } from "../../container/checkpoint.ts";
import { decode } from "../../protobuf/codec.ts";
import type { Init } from "../../protobuf/schema.ts";
import type { Empty } from "../../protobuf/well-known.gen.ts";
import { TaskCheckpointed } from "../proto/events.gen.ts";
import { CheckpointOptions } from "../proto/runc-options.gen.ts";
import type { CheckpointTaskRequest } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";

export async function checkpoint(
  server: ShimServer,
  { id, path, options }: CheckpointTaskRequest,
): Promise<Init<Empty>> {
  const task = server.task(id);
  const given = decode(CheckpointOptions, options?.value ?? new Uint8Array());
  const mode = modeOf(given.cgroupsMode);
  await checkpointContainer(task.deps, {
    id,
    imagePath: given.imagePath || path,
    workPath: given.workPath || `${task.bundle}/criu-work`,
    leaveRunning: !given.exit,
    preDump: false,
    tcpEstablished: given.openTcp,
    tcpSkipInFlight: false,
    extUnixSk: given.externalUnixSockets,
    shellJob: given.terminal,
    fileLocks: given.fileLocks,
    linkRemap: false,
    lazyPages: false,
    autoDedup: false,
    ...(mode === undefined ? {} : { manageCgroupsMode: mode }),
  });
  server.publish("/tasks/checkpointed", TaskCheckpointed, { containerId: id, checkpoint: path });
  return {};
}

function modeOf(text: string) {
  return (["soft", "full", "strict"] as const).find((mode) => mode === text);
}
