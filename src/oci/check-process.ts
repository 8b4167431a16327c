// SPDX-License-Identifier: Apache-2.0
/** Checks `process` of config.json, and the process.json that `exec --process` reads. */
import {
  absolutePath,
  array,
  boolean,
  expected,
  Fault,
  int32,
  integer,
  object,
  oneOf,
  optional,
  optionalText,
  refine,
  required,
  string,
  uint32,
  uint64,
} from "./check.ts";
import {
  type CapabilitySets,
  type ExecCpuAffinity,
  type IoPriority,
  ioPriorityClasses,
  type Process,
  type Rlimit,
  type Scheduler,
  schedulerFlags,
  schedulerPolicies,
  type User,
} from "./config.ts";
import { maximumIndex, parseIndexList } from "./index-list.ts";
import { rlimitNames } from "./rlimits.ts";

/** `NAME=value`; the value may be anything, the name must not be empty. */
export function environmentEntry(value: unknown): string {
  const text = string(value);
  if (text.indexOf("=") < 1) throw expected("NAME=value", value);
  return text;
}

/** A list such as "0-3,7". */
export function indexList(value: unknown): string {
  const text = string(value);
  if (parseIndexList(text) === undefined) {
    throw expected(`a list such as 0-3,7 of numbers up to ${maximumIndex}`, value);
  }
  return text;
}

const user = object<User>({
  uid: required(uint32),
  gid: required(uint32),
  umask: optional(integer(0, 0o777)),
  additionalGids: optional(array(uint32)),
});

const capabilityNames = optional(array(string));
const capabilities = object<CapabilitySets>({
  bounding: capabilityNames,
  effective: capabilityNames,
  inheritable: capabilityNames,
  permitted: capabilityNames,
  ambient: capabilityNames,
});

const rlimit = refine(
  object<Rlimit>({
    type: required(oneOf(rlimitNames)),
    soft: required(uint64),
    hard: required(uint64),
  }),
  ({ soft, hard }) => {
    if (soft > hard) throw new Fault(`must not exceed the hard limit ${hard}, is ${soft}`, "soft");
  },
);

const rlimits = refine(array(rlimit), (limits) => {
  const seen = new Set<string>();
  for (const [index, { type }] of limits.entries()) {
    if (seen.has(type)) throw new Fault(`${type} appears twice`, index, "type");
    seen.add(type);
  }
});

const scheduler = refine(
  object<Scheduler>({
    policy: required(oneOf(schedulerPolicies)),
    nice: optional(integer(-20, 19)),
    priority: optional(int32),
    flags: optional(array(oneOf(schedulerFlags))),
    runtime: optional(uint64),
    deadline: optional(uint64),
    period: optional(uint64),
  }),
  ({ policy, priority = 0, runtime = 0n, deadline = 0n, period = 0n }) => {
    if (priority !== 0 && policy !== "SCHED_FIFO" && policy !== "SCHED_RR") {
      throw new Fault(`only SCHED_FIFO and SCHED_RR have one, the policy is ${policy}`, "priority");
    }
    if (policy === "SCHED_DEADLINE") return;
    for (const [name, value] of Object.entries({ runtime, deadline, period })) {
      if (value !== 0n)
        throw new Fault(`only SCHED_DEADLINE has one, the policy is ${policy}`, name);
    }
  },
);

const args = refine(array(string), (list) => {
  if (list.length === 0) throw new Fault("expected at least the program's name");
});

type RawProcess = Omit<Process, "user"> & { readonly user?: User };
const rawProcess = object<RawProcess>({
  terminal: optional(boolean),
  consoleSize: optional(
    object<NonNullable<Process["consoleSize"]>>({
      // struct winsize has 16 bits for each.
      height: required(integer(0, 0xffff)),
      width: required(integer(0, 0xffff)),
    }),
  ),
  user: optional(user),
  args: required(args),
  env: optional(array(environmentEntry)),
  cwd: required(absolutePath),
  capabilities: optional(capabilities),
  rlimits: optional(rlimits),
  noNewPrivileges: optional(boolean),
  apparmorProfile: optionalText(string),
  selinuxLabel: optionalText(string),
  oomScoreAdj: optional(integer(-1000, 1000)),
  scheduler: optional(scheduler),
  ioPriority: optional(
    object<IoPriority>({
      class: required(oneOf(ioPriorityClasses)),
      priority: required(integer(0, 7)),
    }),
  ),
  execCPUAffinity: optional(
    object<ExecCpuAffinity>({ initial: optionalText(indexList), final: optionalText(indexList) }),
  ),
});

/** Without a user it is root, as with runc and crun: their tests give `exec` such processes. */
export function process(value: unknown): Process {
  const { user = { uid: 0, gid: 0 }, ...rest } = rawProcess(value);
  return { ...rest, user };
}
