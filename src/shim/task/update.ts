// SPDX-License-Identifier: Apache-2.0
import { update as updateContainer } from "../../container/update.ts";
import { parseResources } from "../../oci/parse-config.ts";
import type { Init } from "../../protobuf/schema.ts";
import type { Empty } from "../../protobuf/well-known.gen.ts";
import type { UpdateTaskRequest } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";

/** The resources come as the JSON of the runtime specification. */
export async function update(
  server: ShimServer,
  { id, resources }: UpdateTaskRequest,
): Promise<Init<Empty>> {
  const task = server.task(id);
  const limits = parseResources(resources?.value ?? new TextEncoder().encode("{}"));
  await updateContainer(task.deps, { id, resources: limits });
  return {};
}
