// SPDX-License-Identifier: Apache-2.0
/** The launch plan of a further process in a running container. */
import type { Fd } from "../kernel/kernel.ts";
import type { Process } from "../oci/config.ts";
import { cloneFlags } from "../oci/namespaces.ts";
import { enter } from "./enclave.ts";
import { PlanBuilder } from "./encode.ts";
import type { Entry, Seccomp } from "./host.ts";
import { hasLabels, planProc, sessionKeyring } from "./labels.ts";
import { planBirthplace } from "./namespaces.ts";
import { planProcess, raisedLimits } from "./process.ts";
import { affinity, allCpus, type ContainerScheduling } from "./scheduling.ts";

export type ExecInput = {
  /** The container's init. */
  readonly init: Fd;
  /** CLONE_NEW* of the namespaces to join. */
  readonly namespaces: number;
  readonly tasksFiles: readonly string[];
  readonly unified?: string;
  readonly consoleSocket?: Fd;
  readonly preservedFds: number;
  readonly euid: number;
  /** Of the container whose session keyring it joins; absent where it has none of its own. */
  readonly keyringOf?: string;
  readonly container: ContainerScheduling;
  readonly seccomp?: Seccomp;
  /** Runelet once more: for the user namespace to be that of its start, or on the simulated platform. */
  readonly entry?: Entry;
};

export function planExec(process: Process, input: ExecInput): PlanBuilder {
  const plan = new PlanBuilder();
  const console = input.consoleSocket === undefined ? undefined : plan.inherit(input.consoleSocket);
  plan.add(...affinity(process.execCPUAffinity?.initial));
  const proc = hasLabels(process) ? planProc(plan) : undefined;
  for (const path of input.tasksFiles) plan.add({ op: "writeFile", path, data: "0" });
  if (process.oomScoreAdj !== undefined) {
    const data = String(process.oomScoreAdj);
    plan.add({ op: "writeFile", path: "/proc/self/oom_score_adj", data });
  }
  const birthplace = planBirthplace(plan, input.unified);
  const joinsUser = (input.namespaces & cloneFlags.user) !== 0;
  if (joinsUser) plan.add(...raisedLimits(process));
  if (joinsUser && input.euid === 0) plan.add({ op: "dropGroups" });
  if (input.namespaces !== 0) {
    plan.add({ op: "setns", slot: plan.inherit(input.init), types: input.namespaces });
  }
  plan.add({
    op: "clone",
    flags: 0,
    ...birthplace,
    uidMap: "",
    gidMap: "",
    denySetgroups: false,
    asksForMaps: false,
  });
  plan.add({ op: "setsid" });
  // After the cgroup is joined, whose cpuset would undo it.
  plan.add(allCpus, ...affinity(process.execCPUAffinity?.final));
  if (joinsUser) plan.add({ op: "namespaceRoot" });
  if (input.entry !== undefined) enter(plan, input.entry);
  if (input.keyringOf !== undefined) plan.add(...sessionKeyring(input.keyringOf, process, proc));
  if (console !== undefined) {
    const { height = 0, width = 0 } = process.consoleSize ?? {};
    plan.add({ op: "console", slot: console, rows: height, columns: width, mount: false });
  }
  const { seccomp } = input;
  planProcess(plan, process, {
    awaitsRun: true,
    container: input.container,
    ...(proc === undefined ? {} : { proc }),
    preservedFds: input.preservedFds,
    listeningFds: 0,
    ...(seccomp === undefined ? {} : { seccomp }),
  });
  return plan;
}

export type AgentExecInput = {
  /** The container's init: the terminal is one of its devpts. */
  readonly init: Fd;
  /** Connected to the container's agent. */
  readonly agent: Fd;
  readonly consoleSocket?: Fd;
};

/** The plan of the process that stands in, on the host, for a program inside an enclave. */
export function planAgentExec(process: Process, input: AgentExecInput): PlanBuilder {
  const plan = new PlanBuilder();
  const agent = plan.inherit(input.agent);
  plan.add({ op: "setsid" });
  if (input.consoleSocket !== undefined) {
    const { height = 0, width = 0 } = process.consoleSize ?? {};
    const slot = plan.inherit(input.consoleSocket);
    plan.add({ op: "setns", slot: plan.inherit(input.init), types: cloneFlags.mount });
    plan.add({ op: "console", slot, rows: height, columns: width, mount: false });
  }
  plan.add({ op: "ready" });
  plan.add({
    op: "agentExec",
    slot: agent,
    cwd: process.cwd,
    argv: process.args,
    env: process.env ?? [],
    tty: input.consoleSocket !== undefined,
  });
  return plan;
}
