// SPDX-License-Identifier: Apache-2.0
/** For tests of plans: configurations to plan, and ways to look at what came out. */
import type { Fd } from "../kernel/kernel.ts";
import type { Config, Mount } from "../oci/config.ts";
import type { LinuxConfig } from "../oci/config-linux.ts";
import { defaultSpec, type SpecKind } from "../oci/default-spec.ts";
import { parseConfig } from "../oci/parse-config.ts";
import { planContainer } from "./container.ts";
import type { LaunchInput } from "./host.ts";
import type { Operation } from "./operation.ts";

export const fd = (number: number) => number as Fd; // only its number matters to a plan

export const input: LaunchInput = {
  annotations: {},
  id: "web",
  rootfs: "/bundle/rootfs",
  unifiedOnly: false,
  cgroups: { mounts: [], tasksFiles: [] },
  namespaces: new Map(),
  netDevices: [],
  preservedFds: 0,
  listeningFds: 0,
  noPivot: false,
  newKeyring: false,
  hasKcore: true,
  caller: { euid: 0, egid: 0, inUserNamespace: false },
};

export type Change = {
  readonly kind?: SpecKind;
  readonly unifiedCgroups?: boolean;
  readonly process?: Partial<Config["process"]>;
  readonly linux?: Partial<LinuxConfig>;
  readonly mounts?: readonly Mount[];
  readonly config?: Partial<Config>;
};

export function configOf(change: Change = {}): Config {
  const { kind = { kind: "default" }, unifiedCgroups = false, process, linux, mounts } = change;
  const spec = JSON.stringify(defaultSpec(kind, { unifiedCgroups }));
  const config = parseConfig(new TextEncoder().encode(spec));
  return {
    ...config,
    ...change.config,
    process: { ...config.process, terminal: false, ...process },
    linux: { ...config.linux, ...linux },
    mounts: mounts ?? config.mounts ?? [],
  };
}

export function operations(change: Change = {}, over: Partial<LaunchInput> = {}): Operation[] {
  return planContainer(configOf(change), { ...input, ...over }, "/bundle").operations;
}

export const names = (plan: readonly Operation[]): string[] => plan.map(({ op }) => op);
/** One operation of a kind; the first. */
export function one<Name extends Operation["op"]>(plan: readonly Operation[], name: Name) {
  const found = all(plan, name)[0];
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}
export function all<Name extends Operation["op"]>(plan: readonly Operation[], name: Name) {
  return plan.filter((o): o is Extract<Operation, { op: Name }> => o.op === name);
}
/** Operations of some kinds with what tells them apart, as text. */
export function sequence(plan: readonly Operation[], ...kinds: Operation["op"][]): string[] {
  return plan
    .filter(({ op }) => kinds.includes(op))
    .map((o) => {
      if ("destination" in o) return `${o.op} ${o.destination}`;
      if ("path" in o) return `${o.op} ${o.path}`;
      if ("slot" in o) return `${o.op} ${o.slot}`;
      return o.op;
    });
}
