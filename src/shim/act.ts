// SPDX-License-Identifier: Apache-2.0
/** One verb for a server that must not wait for it: the other side of aside.ts. */
import { create } from "../container/create.ts";
import { deleteContainer } from "../container/delete.ts";
import { start } from "../container/start.ts";
import { RuneError } from "../errors/error.ts";
import { type Fd, type Kernel, type Pid, readToEnd } from "../kernel/kernel.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import { decode, encode } from "../protobuf/codec.ts";
import { firstPassed } from "./aside.ts";
import type { ShimCall } from "./command-line.ts";
import { bundleLog } from "./log.ts";
import { monitorKernel } from "./monitor-kernel.ts";
import { MonitorLink } from "./monitor-link.ts";
import { deleteOwn } from "./ownership.ts";
import { Act, ActResult } from "./proto/act.gen.ts";
import { Options } from "./proto/runc-options.gen.ts";
import { verbDeps } from "./verb-deps.ts";

const maxRequestBytes = 1 << 20;

export async function act(
  kernel: Kernel,
  call: Pick<ShimCall, "libDir" | "environment">,
): Promise<Uint8Array> {
  const request = decode(Act, readToEnd(kernel, 0 as Fd, "the request", maxRequestBytes));
  try {
    await perform(kernel, call, request);
    return encode(ActResult, {});
  } catch (error) {
    const { code, doing, reason, hint = "" } = RuneError.from(error, request.verb);
    return encode(ActResult, { code, doing, reason, hint });
  }
}

async function perform(
  kernel: Kernel,
  { libDir, environment }: Pick<ShimCall, "libDir" | "environment">,
  request: Act,
): Promise<void> {
  const { verb, id, bundle, pod, monitor, namespace } = request;
  const options = decode(Options, request.options);
  const passed = Array.from({ length: request.descriptors }, (_, at) => (firstPassed + at) as Fd);
  const [input, output, error, console] = passed;
  const stdio =
    input === undefined || output === undefined || error === undefined
      ? undefined
      : ([input, output, error] as const);
  const link = new MonitorLink(kernel, plannerCalls, pod, monitor as Pid);
  link.tie();
  const own = monitorKernel(kernel, link, stdio);
  const log = bundleLog(kernel, namespace, request.debug);
  const warn = (message: string) => log.write({ id, bundle }, "warning", message);
  const step = (message: string) => log.write({ id, bundle }, "debug", message);
  const told = log.debug ? { warn, step } : { warn };
  const deps = verbDeps({ kernel: own, libDir, environment, namespace, options, ...told });
  switch (verb) {
    case "create": {
      const { noPivotRoot: noPivot, noNewKeyring } = options;
      return await create(deps, {
        ...{ id, bundle, noPivot, noNewKeyring, preserveFds: 0, listeningFds: 0 },
        ...(console === undefined ? {} : { consoleSocket: console }),
        ...(request.environment.length === 0 ? {} : { environment: request.environment }),
      });
    }
    case "start":
      return await start(deps, id);
    case "delete":
      return await deleteContainer(deps, id, true);
    case "undo":
      return await deleteOwn(deps, id, bundle);
    case "checkpoint":
      return await (await import("./act-criu.ts")).checkpointTask(deps, request);
    case "restore":
      return await (await import("./act-criu.ts")).restoreTask(deps, request, console);
    default:
      throw new RuneError({ code: "USAGE", doing: "act", reason: `no verb \`${verb}\`` });
  }
}
