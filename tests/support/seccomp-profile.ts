// SPDX-License-Identifier: Apache-2.0
/** The profile of Debian's containers-common, which is docker's but for newer names. */
import { existsSync, readFileSync } from "node:fs";
import type { Json, JsonObject } from "./bundle.ts";

const path = "/usr/share/containers/seccomp.json";

export const missingProfile = existsSync(path)
  ? undefined
  : "needs golang-github-containers-common";

/**
 * As docker resolves it for a container with no capability on x86-64; calls it does not name get
 * EPERM, as docker has it.
 */
export function dockerProfile(): JsonObject {
  const { syscalls }: { syscalls: readonly Rule[] } = JSON.parse(readFileSync(path, "utf8"));
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    syscalls: syscalls.filter(applies).map(({ names, action, args, errnoRet }) => ({
      names,
      action,
      ...(args === undefined ? {} : { args }),
      ...(errnoRet === undefined ? {} : { errnoRet }),
    })),
  };
}

type Condition = { readonly arches?: readonly string[]; readonly caps?: readonly string[] };

type Rule = {
  readonly names: readonly string[];
  readonly action: string;
  readonly args?: readonly Json[] | null;
  readonly errnoRet?: number;
  readonly includes?: Condition;
  readonly excludes?: Condition;
};

function applies({ includes = {}, excludes = {} }: Rule): boolean {
  const forUs = includes.arches === undefined || includes.arches.includes("amd64");
  return forUs && includes.caps === undefined && !excludes.arches?.includes("amd64");
}
