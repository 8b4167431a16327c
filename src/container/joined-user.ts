// SPDX-License-Identifier: Apache-2.0
/**
 * A user namespace that is joined has its mappings already. What the configuration says of them, as
 * containerd and CRI-O do, must be the same; the real ones are what everything else goes by.
 */
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import { readText } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import type { IdMapping } from "../oci/config-linux.ts";
import { cloneFlags } from "../oci/namespaces.ts";
import { PlanBuilder } from "../plan/encode.ts";
import { joinedNamespace } from "../plan/namespaces.ts";
import { mapText } from "../plan/user.ts";
import { awaitReady } from "./await-ready.ts";
import { receive } from "./channel.ts";
import type { Deps } from "./deps.ts";
import { reapFailed, spawnRunelet, submitPlan } from "./runelet.ts";

type Mappings = {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
};

/**
 * The configuration with the mappings of the namespace that it joins. `namespaces` are the open ones by
 * their paths: what is read is what will be joined, and stays open.
 * @throws RuneError CONFIG_INVALID where it has others itself
 */
export function withRealMappings(
  deps: Deps,
  config: Config,
  namespaces: ReadonlyMap<string, Fd>,
): Config {
  const path = pathOf(config);
  const namespace = joinedNamespace(config, "user", { namespaces });
  const real = namespace === undefined ? nothing : readMappings(deps, path, namespace);
  for (const field of ["uidMappings", "gidMappings"] as const) {
    const said = config.linux?.[field] ?? [];
    if (said.length > 0 && inOrder(said) !== inOrder(real[field])) {
      throw differs(field, path, real[field]);
    }
  }
  deps.step?.(`user namespace \`${path}\`: uids ${oneLine(real.uidMappings)}`);
  return { ...config, linux: { ...config.linux, ...real } };
}

const nothing: Mappings = { uidMappings: [], gidMappings: [] };

/** No file tells the mappings of a namespace, but those of a process in it: one goes there. */
function readMappings(deps: Deps, path: string, namespace: Fd): Mappings {
  const { kernel } = deps;
  const plan = new PlanBuilder();
  plan.add({ op: "setns", slot: plan.inherit(namespace), types: cloneFlags.user });
  plan.add({ op: "ready" }, { op: "exit" });
  const runelet = spawnRunelet(deps, plan.inherited, namespace);
  const { channel, pid } = runelet;
  let left: Fd | undefined = channel;
  try {
    submitPlan(deps, runelet, plan);
    awaitReady(kernel, channel, { own: pid, receive: () => receive(kernel, channel), died });
    const uidMappings = parseMap(readText(kernel, `/proc/${pid}/uid_map`));
    const gidMappings = parseMap(readText(kernel, `/proc/${pid}/gid_map`));
    kernel.close(channel); // it ends
    left = undefined;
    kernel.reap(pid);
    return { uidMappings, gidMappings };
  } catch (error) {
    if (left !== undefined) kernel.close(left);
    reapFailed(deps);
    throw RuneError.from(error, "read its mappings").within(`user namespace \`${path}\``);
  }
}

/** user_namespaces(7): lines of three numbers. */
function parseMap(text: string): IdMapping[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
    return { containerID, hostID, size };
  });
}

/** The kernel keeps more than five ranges in an order of its own. */
function inOrder(mappings: readonly IdMapping[]): string {
  return mapText(mappings.toSorted((a, b) => a.containerID - b.containerID));
}

function oneLine(mappings: readonly IdMapping[]): string {
  const text = mapText(mappings).trim().split("\n").join(", ");
  return text === "" ? "none" : `\`${text}\``;
}

function pathOf({ linux }: Config): string {
  return linux?.namespaces?.find(({ type }) => type === "user")?.path ?? "";
}

function differs(field: string, path: string, real: readonly IdMapping[]): RuneError {
  return new RuneError({
    code: "CONFIG_INVALID",
    doing: `config \`linux.${field}\``,
    reason: `the user namespace \`${path}\` has other mappings: ${oneLine(real)}`,
    hint: "leave them out: a namespace that is joined has its own",
  });
}

function died(): RuneError {
  const doing = "join the namespace";
  return new RuneError({ code: "RUNELET", doing, reason: "runelet died without a word" });
}
