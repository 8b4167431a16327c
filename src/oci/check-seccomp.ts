// SPDX-License-Identifier: Apache-2.0
/** Checks `linux.seccomp` of config.json. */
import {
  array,
  Fault,
  integer,
  nonEmptyString,
  object,
  oneOf,
  optional,
  optionalText,
  refine,
  required,
  string,
  uint64,
} from "./check.ts";
import {
  type Seccomp,
  type SeccompAction,
  type SeccompArgument,
  type SeccompRule,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
} from "./config-linux.ts";

/** SECCOMP_RET_DATA has 16 bits, all of which TRACE may use. */
const returnValue = integer(0, 0xffff);

const argument = object<SeccompArgument>({
  index: required(integer(0, 5)),
  value: required(uint64),
  valueTwo: optional(uint64),
  op: required(oneOf(seccompOperators)),
});

const names = refine(array(nonEmptyString), (list) => {
  if (list.length === 0) throw new Fault("expected at least one system call");
});

const rule = refine(
  object<SeccompRule>({
    names: required(names),
    action: required(oneOf(seccompActions)),
    errnoRet: optional(returnValue),
    args: optional(array(argument)),
  }),
  ({ action, errnoRet }) => checkErrno(action, errnoRet, "errnoRet"),
);

export const seccomp = refine(
  object<Seccomp>({
    defaultAction: required(oneOf(seccompActions)),
    defaultErrnoRet: optional(returnValue),
    architectures: optional(array(oneOf(seccompArchitectures))),
    flags: optional(array(oneOf(seccompFlags))),
    listenerPath: optionalText(string),
    listenerMetadata: optionalText(string),
    syscalls: optional(array(rule)),
  }),
  (profile) => {
    checkErrno(profile.defaultAction, profile.defaultErrnoRet, "defaultErrnoRet");
    checkNotify(profile);
  },
);

/** The first number that libseccomp refuses: the kernel would return its MAX_ERRNO for all above. */
const tooLargeErrno = 4095;

/** config-linux.md: where the action returns no number, one must be refused. */
function checkErrno(action: SeccompAction, errno: number | undefined, field: string): void {
  if (errno === undefined || action === "SCMP_ACT_TRACE") return;
  if (action === "SCMP_ACT_ERRNO") {
    if (errno < tooLargeErrno) return;
    throw new Fault(`expected an error number below ${tooLargeErrno}, got ${errno}`, field);
  }
  throw new Fault(`means nothing with ${action}`, field);
}

/** config-linux.md: the listener belongs to SCMP_ACT_NOTIFY, which is useless without one. */
function checkNotify(profile: Seccomp): void {
  if (profile.defaultAction === "SCMP_ACT_NOTIFY") {
    throw new Fault(
      "SCMP_ACT_NOTIFY cannot be the default: the listener itself would wait on it",
      "defaultAction",
    );
  }
  const notifies = profile.syscalls?.findIndex(({ action }) => action === "SCMP_ACT_NOTIFY") ?? -1;
  for (const [index, { action, names }] of (profile.syscalls ?? []).entries()) {
    // With write(2) the runtime says that there is a listener: nobody could answer. runc refuses it too.
    if (action !== "SCMP_ACT_NOTIFY" || !names.includes("write")) continue;
    const reason = "SCMP_ACT_NOTIFY cannot be used for the write system call";
    throw new Fault(reason, "syscalls", index, "action");
  }
  const hasListener = profile.listenerPath !== undefined;
  if (notifies >= 0 && !hasListener) {
    throw new Fault("SCMP_ACT_NOTIFY needs `listenerPath`", "syscalls", notifies, "action");
  }
  if (profile.listenerMetadata !== undefined && !hasListener) {
    throw new Fault("means nothing without `listenerPath`", "listenerMetadata");
  }
}
