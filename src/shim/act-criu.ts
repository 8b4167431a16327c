// SPDX-License-Identifier: Apache-2.0
/** Checkpoint and restore as the shim's verbs. */
import { type CheckpointRequest, checkpoint } from "../container/checkpoint.ts";
import type { Deps } from "../container/deps.ts";
import { restore } from "../container/restore.ts";
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import { decode } from "../protobuf/codec.ts";
import type { Act } from "./proto/act.gen.ts";
import { CheckpointOptions } from "./proto/runc-options.gen.ts";

export async function checkpointTask(deps: Deps, request: Act): Promise<void> {
  await checkpoint(deps, checkpointRequest(request));
}

export function checkpointRequest(request: Act): CheckpointRequest {
  const { id, bundle, images } = request;
  const given = decode(CheckpointOptions, request.checkpoint);
  const mode = modeOf(given.cgroupsMode);
  return {
    id,
    imagePath: images,
    workPath: given.workPath || workOf(bundle),
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
  };
}

/** With what the stock shim restores with. */
export async function restoreTask(
  deps: Deps,
  { id, bundle, images }: Act,
  console: Fd | undefined,
): Promise<void> {
  await restore(deps, {
    ...{ id, bundle, imagePath: images, workPath: workOf(bundle) },
    ...(console === undefined ? {} : { consoleSocket: console }),
    detach: true,
    subreaper: false,
    tcpEstablished: false,
    extUnixSk: false,
    shellJob: false,
    fileLocks: false,
    linkRemap: false,
    lazyPages: false,
    autoDedup: false,
  });
}

/** Where criu's logs are: in the bundle, as with the stock shim. */
function workOf(bundle: string): string {
  return `${bundle}/criu-work`;
}

type CgroupsMode = NonNullable<CheckpointRequest["manageCgroupsMode"]>;
const modes: readonly CgroupsMode[] = ["ignore", "soft", "full", "strict"];

function modeOf(text: string): CgroupsMode | undefined {
  if (text === "") return undefined;
  const mode = modes.find((one) => one === text);
  if (mode !== undefined) return mode;
  const reason = `there is no cgroups mode \`${text}\``;
  const hint = `it is one of ${modes.join(", ")}`;
  throw new RuneError({ code: "USAGE", doing: "checkpoint", reason, hint });
}
