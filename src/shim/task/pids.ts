// SPDX-License-Identifier: Apache-2.0
import { processes } from "../../container/processes.ts";
import { encode } from "../../protobuf/codec.ts";
import type { Init } from "../../protobuf/schema.ts";
import { ProcessDetails } from "../proto/runc-options.gen.ts";
import type { PidsRequest, PidsResponse } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";

/** All of the container's; those of exec are named. */
export async function pids(server: ShimServer, { id }: PidsRequest): Promise<Init<PidsResponse>> {
  const task = server.task(id);
  const execs = new Map([...task.execs.values()].map(({ pid, execId }) => [pid, execId]));
  return {
    processes: processes(task.deps, id).map((pid) => {
      const execId = execs.get(pid);
      if (execId === undefined) return { pid };
      const value = encode(ProcessDetails, { execId });
      return { pid, info: { typeUrl: ProcessDetails.typeName, value } };
    }),
  };
}
