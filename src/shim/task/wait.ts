// SPDX-License-Identifier: Apache-2.0
import type { Init } from "../../protobuf/schema.ts";
import type { Call } from "../../ttrpc/call.ts";
import type { WaitRequest, WaitResponse } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";
import { processOf } from "../task.ts";
import { timestamp } from "../timestamp.ts";

export async function wait(
  server: ShimServer,
  { id, execId }: WaitRequest,
  { signal }: Call,
): Promise<Init<WaitResponse>> {
  const process = processOf(server.task(id), execId);
  await process.ended(signal);
  return { exitStatus: process.exitStatus, exitedAt: timestamp(process.exitedAt) };
}
