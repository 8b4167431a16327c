// SPDX-License-Identifier: Apache-2.0
/** The launch plan of a container's first process. */
import { MS_SLAVE } from "../kernel/constants.ts";
import type { Config } from "../oci/config.ts";
import { mountAttributes, parseMountOptions } from "../oci/mount-options.ts";
import { planDevices } from "./devices.ts";
import { planEntry } from "./enclave.ts";
import { PlanBuilder } from "./encode.ts";
import { type HookSubject, hooksInContainer } from "./hooks.ts";
import type { LaunchInput } from "./host.ts";
import { hasLabels, hasNewTime, labelMounts, newTime, planProc, sessionKeyring } from "./labels.ts";
import { cleanPath, hasOwnDev, type PlannedMount, planMounts } from "./mounts.ts";
import { isSeparate, planNamespaces } from "./namespaces.ts";
import { newMountAttributes } from "./new-mount.ts";
import { planProcess, raisedLimits } from "./process.ts";
import { planRootPropagation } from "./propagation.ts";
import { allCpus } from "./scheduling.ts";
import { planSysctl } from "./sysctl.ts";
import { idMaps, isHostRoot } from "./user.ts";

/** Compiles a checked configuration. The bundle is what relative mount sources are relative to. */
export function planContainer(config: Config, input: LaunchInput, bundle: string): PlanBuilder {
  const plan = new PlanBuilder();
  const fifo = input.fifo === undefined ? undefined : plan.inherit(input.fifo);
  const console = input.consoleSocket === undefined ? undefined : plan.inherit(input.consoleSocket);
  for (const path of input.cgroups.tasksFiles) plan.add({ op: "writeFile", path, data: "0" });
  const score = config.process.oomScoreAdj;
  if (score !== undefined) {
    plan.add({ op: "writeFile", path: "/proc/self/oom_score_adj", data: String(score) });
  }
  const { process, linux = {} } = config;
  const proc = hasLabels(process) || hasNewTime(config) ? planProc(plan) : undefined;
  // With the host root's rights, while paths are the host's; anybody else has none before CLONE.
  const early = isHostRoot(input.caller) ? planSources(plan, config, input, bundle) : undefined;
  if (isSeparate(config, "user")) plan.add(...raisedLimits(process));
  planNamespaces(plan, config, input, idMaps(config, input.caller));
  plan.add(allCpus);
  planEntry(plan, input);
  if (input.newKeyring) plan.add(...sessionKeyring(input.id, process, proc));
  if (proc !== undefined && hasNewTime(config)) plan.add(newTime(proc, linux.timeOffsets));

  plan.add({ op: "propagation", path: "/", flag: MS_SLAVE, recursive: true });
  const attach = early ?? planSources(plan, config, input, bundle);
  attach(plan);
  planHooksBeforePivot(plan, config, input, bundle);
  plan.add({ op: "pivot", mode: input.noPivot ? "move" : "pivot" });
  const { enclave } = input;
  if (process.terminal !== true) plan.add({ op: "devNull" });
  if (console !== undefined) {
    const { height = 0, width = 0 } = process.consoleSize ?? {};
    plan.add({ op: "console", slot: console, rows: height, columns: width, mount: true });
  }
  // While the root can still be written; runc makes it too.
  plan.add({ op: "mkdir", path: cleanPath(process.cwd) });
  planRootProperties(plan, config);
  planProcess(plan, process, {
    awaitsRun: true,
    container: linux,
    ...(proc === undefined ? {} : { proc }),
    preservedFds: input.preservedFds,
    listeningFds: input.listeningFds,
    hooks: hooksInContainer(config.hooks?.startContainer, subjectOf(input, bundle), "created"),
    ...(fifo === undefined ? {} : { fifo }),
    ...(input.seccomp === undefined ? {} : { seccomp: input.seccomp }),
    ...(enclave === undefined
      ? {}
      : { enclave: { ...enclave, agent: plan.inherit(enclave.agent) } }),
  });
  const { mountLabel = "" } = linux;
  if (mountLabel !== "") labelMounts(plan.operations, mountLabel);
  return plan;
}

/** config.md, "POSIX-platform Hooks": prestart and createRuntime are rune's own to run. */
function planHooksBeforePivot(
  plan: PlanBuilder,
  config: Config,
  input: LaunchInput,
  bundle: string,
): void {
  const { prestart = [], createRuntime = [], createContainer = [] } = config.hooks ?? {};
  if (prestart.length + createRuntime.length > 0) plan.add({ op: "runtimeHooks" });
  if (createContainer.length === 0) return;
  // Where runc runs them.
  plan.add({ op: "cwd", path: input.rootfs, when: "now" });
  plan.add(...hooksInContainer(createContainer, subjectOf(input, bundle), "creating"));
}

function subjectOf({ id, annotations }: LaunchInput, bundle: string): HookSubject {
  return { id, bundle, annotations };
}

/** Plans the opening of the root and of all that is mounted on it; the result attaches them. */
function planSources(
  plan: PlanBuilder,
  config: Config,
  input: LaunchInput,
  bundle: string,
): PlannedMount {
  const root = plan.slot();
  plan.add({ op: "openTree", slot: root, path: input.rootfs, recursive: true });
  const mounts = planMounts(plan, config, input, bundle);
  const devices = hasOwnDev(config) ? undefined : planDevices(plan, config, input);
  return (child) => {
    child.add({ op: "root", slot: root, path: input.rootfs });
    for (const mount of mounts) mount(child);
    devices?.(child);
  };
}

function planRootProperties(plan: PlanBuilder, config: Config): void {
  const { hostname, domainname, linux } = config;
  if (devIsReadOnly(config)) {
    plan.add({ op: "attributes", path: "/dev", set: mountAttributes.readOnly });
  }
  planRootPropagation(plan, config);
  if (config.root.readonly === true) {
    plan.add({ op: "attributes", path: "/", set: mountAttributes.readOnly });
  }
  if (hostname !== undefined && hostname !== "") plan.add({ op: "hostname", name: hostname });
  if (domainname !== undefined && domainname !== "") {
    plan.add({ op: "domainname", name: domainname });
  }
  planSysctl(plan, linux?.sysctl ?? {});
  for (const path of linux?.readonlyPaths ?? [])
    plan.add({ op: "readonly", path: cleanPath(path) });
  planMasks(plan, linux?.maskedPaths ?? []);
}

function planMasks(plan: PlanBuilder, paths: readonly string[]): void {
  if (paths.length === 0) return;
  const slot = plan.slot();
  for (const path of paths) {
    plan.add({ op: "mask", path: cleanPath(path), slot, options: emptyTmpfs });
  }
}

/** As small as they get: one for all masked directories. */
const emptyTmpfs: readonly string[] = ["nr_blocks=1", "nr_inodes=1", "mode=755"];

/** Planned writable, so that it can be filled. */
function devIsReadOnly(config: Config): boolean {
  const dev = config.mounts?.findLast(({ destination }) => cleanPath(destination) === "/dev");
  const options = parseMountOptions(dev?.options ?? []);
  const set = dev === undefined || hasOwnDev(config) ? 0 : newMountAttributes(options);
  return (set & mountAttributes.readOnly) !== 0;
}
