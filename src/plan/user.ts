// SPDX-License-Identifier: Apache-2.0
/** Ids and rights: whose root the container's root is, and what the caller may arrange. */
import { RuneError } from "../errors/error.ts";
import type { Config } from "../oci/config.ts";
import type { IdMapping } from "../oci/config-linux.ts";
import { isNew, isSeparate } from "./namespaces.ts";

/** Who runs `rune`. */
export type Caller = {
  readonly euid: number;
  readonly egid: number;
  /** Not in the host's initial user namespace: root there is nobody in particular here. */
  readonly inUserNamespace: boolean;
};

/** The host's root: its rights hold in every mount namespace, and what it opens need not be opened by the container's root. */
export function isHostRoot({ euid, inUserNamespace }: Caller): boolean {
  return euid === 0 && !inUserNamespace;
}

export type IdMaps = {
  /** Lines of /proc/PID/uid_map: inside, outside, count. */
  readonly uidMap: string;
  readonly gidMap: string;
  readonly denySetgroups: boolean;
  /** The kernel lets the caller map its own ids only: newuidmap and newgidmap have to do it. */
  readonly asksForMaps: boolean;
};

/** The maps of a new user namespace; empty where none is made. */
export function idMaps(config: Config, caller: Caller): IdMaps {
  if (!isNew(config, "user")) {
    return { uidMap: "", gidMap: "", denySetgroups: false, asksForMaps: false };
  }
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const ordinary = caller.euid !== 0;
  const denySetgroups = ordinary && isOwnId(gidMappings, caller.egid);
  return {
    uidMap: mapText(uidMappings),
    gidMap: mapText(gidMappings),
    // user_namespaces(7): without it an unprivileged process may not map its group.
    denySetgroups,
    asksForMaps: ordinary && !(denySetgroups && isOwnId(uidMappings, caller.euid)),
  };
}

/** @throws RuneError for ids that the container could not have, or rights the caller has not */
export function checkUser(config: Config, caller: Caller): void {
  if (!isSeparate(config, "user")) {
    if (caller.euid !== 0) throw needsUserNamespace(caller);
    return;
  }
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const { uid, gid, additionalGids = [] } = config.process.user;
  // Who sets up the container is its root.
  requireMapped("linux.uidMappings", 0, uidMappings);
  requireMapped("linux.gidMappings", 0, gidMappings);
  requireMapped("process.user.uid", uid, uidMappings);
  requireMapped("process.user.gid", gid, gidMappings);
  if (additionalGids.length > 0 && idMaps(config, caller).denySetgroups) {
    throw new RuneError({
      code: "CONFIG_UNSUPPORTED",
      doing: "config `process.user.additionalGids`",
      reason: "an ordinary user who maps only its own group cannot set further ones",
      hint: "map a range of /etc/subgid in `linux.gidMappings`; newgidmap is needed for it",
    });
  }
  for (const gidOfGroup of additionalGids) {
    requireMapped("process.user.additionalGids", gidOfGroup, gidMappings);
  }
}

/** What an id of the container is on the host; undefined where it is none. */
export function hostId(mappings: readonly IdMapping[], id: number): number | undefined {
  const range = mappings.find(({ containerID, size }) => {
    return id >= containerID && id - containerID < size;
  });
  return range === undefined ? undefined : range.hostID + (id - range.containerID);
}

function requireMapped(field: string, id: number, mappings: readonly IdMapping[]): void {
  if (hostId(mappings, id) !== undefined) return;
  throw new RuneError({
    code: "CONFIG_INVALID",
    doing: `config \`${field}\``,
    reason: `${id} is not mapped in the container's user namespace`,
    hint: "the ranges of `linux.uidMappings` and `linux.gidMappings`, or of the namespace that is joined, have to have it",
  });
}

function needsUserNamespace({ euid }: Caller): RuneError {
  return new RuneError({
    code: "CONFIG_UNSUPPORTED",
    doing: "config `linux.namespaces`",
    reason: `user ${euid} is not root, and the container has no user namespace to be root in`,
    hint: "`rune spec --rootless` writes a configuration that has one",
  });
}

function isOwnId(mappings: readonly IdMapping[], id: number): boolean {
  const [first, ...more] = mappings;
  return more.length === 0 && first?.size === 1 && first.hostID === id;
}

export function mapText(mappings: readonly IdMapping[]): string {
  return mappings.map((m) => `${m.containerID} ${m.hostID} ${m.size}\n`).join("");
}
