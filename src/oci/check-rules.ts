// SPDX-License-Identifier: Apache-2.0
/** Rules of config.json that concern several fields at once. */
import { Fault } from "./check.ts";
import type { Config } from "./config.ts";
import type { LinuxConfig } from "./config-linux.ts";
import type { NamespaceType } from "./namespaces.ts";

/** @throws Fault at the field that cannot be honoured with the others as they are */
export function checkConfigRules(config: Config): void {
  const linux = config.linux ?? {};
  const has = (type: NamespaceType) => linux.namespaces?.some((one) => one.type === type) ?? false;
  const demand = (type: NamespaceType, given: unknown, ...path: string[]): void => {
    if (given === undefined || has(type)) return;
    throw new Fault(`needs a namespace of type \`${type}\` in \`linux.namespaces\``, ...path);
  };
  // Each of these would change the host without the namespace.
  demand("uts", config.hostname, "hostname");
  demand("uts", config.domainname, "domainname");
  demand("user", notEmpty(linux.uidMappings), "linux", "uidMappings");
  demand("user", notEmpty(linux.gidMappings), "linux", "gidMappings");
  demand("time", notEmpty(linux.timeOffsets), "linux", "timeOffsets");
  demand("network", notEmpty(linux.netDevices), "linux", "netDevices");
  demand("mount", notEmpty(linux.maskedPaths), "linux", "maskedPaths");
  demand("mount", notEmpty(linux.readonlyPaths), "linux", "readonlyPaths");
  checkUserMappings(linux);
}

/** A new user namespace without both maps would leave its processes with the overflow id. */
function checkUserMappings(linux: LinuxConfig): void {
  const user = linux.namespaces?.find(({ type }) => type === "user");
  if (user === undefined || user.path !== undefined) return;
  for (const name of ["uidMappings", "gidMappings"] as const) {
    if (notEmpty(linux[name]) === undefined) {
      throw new Fault("is missing: a new user namespace needs it", "linux", name);
    }
  }
}

function notEmpty(value: object | undefined): object | undefined {
  return value === undefined || Object.keys(value).length === 0 ? undefined : value;
}
