// SPDX-License-Identifier: Apache-2.0
import { parseProcess } from "../../oci/parse-config.ts";
import type { Init } from "../../protobuf/schema.ts";
import type { Empty } from "../../protobuf/well-known.gen.ts";
import { codes, StatusError } from "../../ttrpc/status.ts";
import { TaskExecAdded } from "../proto/events.gen.ts";
import type { ExecProcessRequest } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";
import { TaskProcess } from "../task.ts";

/** Notes a further process, which Start runs. */
export async function exec(server: ShimServer, request: ExecProcessRequest): Promise<Init<Empty>> {
  const { id, execId, stdin, stdout, stderr, terminal, spec } = request;
  const task = server.task(id);
  if (execId === "" || task.execs.has(execId)) {
    throw new StatusError(codes.ALREADY_EXISTS, `process \`${execId}\` of \`${id}\` exists`);
  }
  const config = { ...parseProcess(spec?.value ?? new Uint8Array()), terminal };
  const streams = { stdin, stdout, stderr, terminal };
  task.execs.set(execId, new TaskProcess(execId, server.token(), streams, config));
  server.publish("/tasks/exec-added", TaskExecAdded, { containerId: id, execId });
  return {};
}
