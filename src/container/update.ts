// SPDX-License-Identifier: Apache-2.0
/** Changing the limits of a container that lives. */
import { ignoredLimits } from "../cgroups/ignored.ts";
import { isUnifiedOnly, readHierarchies } from "../cgroups/layout.ts";
import { changeLimits, hasLimits } from "../cgroups/limits.ts";
import { RuneError } from "../errors/error.ts";
import { type Fd, readFile, readToEnd } from "../kernel/kernel.ts";
import type { Resources } from "../oci/config-resources.ts";
import { maximumConfigSizeBytes, parseResources } from "../oci/parse-config.ts";
import { changeClass } from "./change-class.ts";
import type { Deps } from "./deps.ts";
import type { State } from "./state.ts";
import { statusOf } from "./status.ts";
import { ContainerDirectory } from "./store.ts";
import { unitOf } from "./unit.ts";

export type UpdateRequest = {
  readonly id: string;
  /** Limits to change; these count before those of the file. */
  readonly resources: Resources;
  /** A JSON file with more of them; "-" is standard input. */
  readonly resourcesFile?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
};

/** Changes the limits that the request names; all of them, or none. Rules for devices are passed over. */
export async function update(deps: Deps, request: UpdateRequest): Promise<void> {
  const { kernel, root } = deps;
  const { id } = request;
  const fromFile = readResources(deps, request.resourcesFile);
  const resources = merge(fromFile, request.resources);
  using directory = ContainerDirectory.open(kernel, root, id);
  const state = directory.readState();
  const status = state === undefined ? "creating" : statusOf(kernel, directory.path, state);
  if (state === undefined || status === "creating" || status === "stopped") {
    const reason = `container not running: it is ${status}`;
    throw new RuneError({ code: "CONTAINER_NOT_RUNNING", doing: `update \`${id}\``, reason });
  }
  if (state.cgroup.length === 0 && hasLimits(resources)) {
    const reason = "it has no cgroup: its maker was not permitted to make one";
    throw new RuneError({ code: "CGROUP", doing: `update \`${id}\``, reason });
  }
  for (const ignored of ignoredLimits(resources, state.cgroup)) deps.warn(ignored);
  let undoSchemata = () => {};
  try {
    undoSchemata = changeClass(deps, directory, state, request);
    changeLimits(kernel, state.cgroup, resources);
    await changeUnit(deps, state, resources);
  } catch (error) {
    putBack(deps, undoSchemata);
    throw RuneError.from(error, "limit").within(`update \`${id}\``);
  }
}

/** A failure here must not hide the one that it follows. */
function putBack({ warn }: Deps, undoSchemata: () => void): void {
  try {
    undoSchemata();
  } catch (error) {
    const { message } = RuneError.from(error, "put the class of service back");
    warn(`the class of service is not what it was: ${message}`);
  }
}

/**
 * Tells systemd, where the cgroup is its; once more then the files, which it has written again with what
 * it can express: a quota in whole percents.
 */
async function changeUnit(deps: Deps, state: State, resources: Resources): Promise<void> {
  const unit = await unitOf(deps, state);
  if (unit === undefined) return;
  const { devices: _, ...limits } = resources;
  try {
    unit.setResources(limits, isUnifiedOnly(readHierarchies(deps.kernel)) ? 2 : 1);
  } finally {
    unit.close();
  }
  changeLimits(deps.kernel, state.cgroup, resources);
}

const standardInput = 0 as Fd; // open: the front sees to it

function readResources({ kernel }: Deps, file: string | undefined): Resources {
  if (file === undefined) return {};
  if (file !== "-") return parseResources(readFile(kernel, file, maximumConfigSizeBytes));
  return parseResources(readToEnd(kernel, standardInput, "standard input", maximumConfigSizeBytes));
}

/** Both, value by value; `over` counts where both have one. */
function merge(base: Resources, over: Resources): Resources {
  return {
    ...base,
    ...over,
    ...mergedGroup("memory", base, over),
    ...mergedGroup("cpu", base, over),
    ...mergedGroup("pids", base, over),
    ...mergedGroup("blockIO", base, over),
  };
}

function mergedGroup<Name extends "memory" | "cpu" | "pids" | "blockIO">(
  name: Name,
  base: Resources,
  over: Resources,
): Pick<Resources, Name> | undefined {
  if (base[name] === undefined || over[name] === undefined) return undefined;
  // A computed key has type string to the compiler; it is Name.
  return { [name]: { ...base[name], ...over[name] } } as Pick<Resources, Name>;
}
