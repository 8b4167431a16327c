// SPDX-License-Identifier: Apache-2.0
/** ResizePty and CloseIO: what a client does to the streams of a process. */
import type { Init } from "../../protobuf/schema.ts";
import type { Empty } from "../../protobuf/well-known.gen.ts";
import { codes, StatusError } from "../../ttrpc/status.ts";
import type { CloseIORequest, ResizePtyRequest } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";
import { processOf } from "../task.ts";

export async function resizePty(
  server: ShimServer,
  { id, execId, width, height }: ResizePtyRequest,
): Promise<Init<Empty>> {
  const task = server.task(id);
  const process = processOf(task, execId);
  // As runc's shim: where there is no terminal, there is nothing to do.
  if (!process.streams.terminal || process.exitedAt !== undefined) return {};
  if (process.pid === 0) {
    throw new StatusError(codes.FAILED_PRECONDITION, `process \`${execId}\` is not started`);
  }
  task.pod.link.resize(process.token, width, height);
  return {};
}

export async function closeIO(
  server: ShimServer,
  { id, execId, stdin }: CloseIORequest,
): Promise<Init<Empty>> {
  const task = server.task(id);
  const process = processOf(task, execId);
  if (!stdin || process.exitedAt !== undefined) return {};
  if (process.pid === 0) process.closesInput = true;
  else task.pod.link.closeInput(process.token);
  return {};
}
