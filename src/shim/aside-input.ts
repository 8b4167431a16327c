// SPDX-License-Identifier: Apache-2.0
import { encode } from "../protobuf/codec.ts";
import type { TaskOptions } from "./options.ts";
import type { Pod } from "./pods.ts";
import { Options } from "./proto/runc-options.gen.ts";
import type { ShimServer } from "./server.ts";

/** What every verb that is done aside is told. */
export function aside({ input }: ShimServer, pod: Pod, options: TaskOptions) {
  const { namespace } = input;
  return {
    ...{ namespace, pod: pod.directory, monitor: pod.link.pid },
    options: encode(Options, options),
  };
}
