// SPDX-License-Identifier: Apache-2.0
import { encode } from "../protobuf/codec.ts";
import { Options } from "./proto/runc-options.gen.ts";
import type { ShimServer } from "./server.ts";
import type { Task } from "./task.ts";

/** What every verb that is done aside is told. */
export function aside(
  { input }: ShimServer,
  { id, bundle, pod, options }: Pick<Task, "id" | "bundle" | "pod" | "options">,
) {
  const { namespace, log } = input;
  return {
    ...{ id, bundle, namespace, pod: pod.directory, monitor: pod.link.pid },
    ...{ options: encode(Options, options), debug: log.debug },
  };
}
