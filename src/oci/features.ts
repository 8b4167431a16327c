// SPDX-License-Identifier: Apache-2.0
/**
 * The features document (features.md of the runtime specification): what this rune can do, whatever
 * the host: features.md says that what a host cannot do is no matter here.
 */
import { capabilityNames } from "./capabilities.ts";
import { hookNames } from "./config.ts";
import {
  memoryPolicyFlags,
  memoryPolicyModes,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
} from "./config-linux.ts";
import { mountOptionNames } from "./mount-options.ts";
import { namespaceTypes } from "./namespaces.ts";
import { ociVersion } from "./state.ts";

/** What there is not yet, or grows. */
export type SupportedFeatures = {
  readonly intelRdt: boolean;
  readonly netDevices: boolean;
  /** Versions of the PAL API that are hosted. */
  readonly palVersions: readonly number[];
  /** Kinds of trusted execution environment that `enclave.type` may name. */
  readonly knownTees: readonly string[];
};

export const supported: SupportedFeatures = {
  intelRdt: true,
  netDevices: true,
  palVersions: [1, 2, 3],
  knownTees: ["intelSgx"],
};

export type BuildIdentity = { readonly version: string; readonly commit: string };

export function featuresDocument(features: SupportedFeatures, build: BuildIdentity): object {
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: ociVersion,
    hooks: hookNames,
    mountOptions: mountOptionNames(),
    linux: {
      namespaces: [...namespaceTypes].sort(),
      capabilities: capabilityNames,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: [...seccompActions].sort(),
        operators: [...seccompOperators].sort(),
        archs: [...seccompArchitectures].sort(),
        knownFlags: [...seccompFlags].sort(),
        supportedFlags: [...seccompFlags].sort(),
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: {
        enabled: features.intelRdt,
        ...(features.intelRdt ? { schemata: true, monitoring: true } : {}),
      },
      mountExtensions: { idmap: { enabled: true } },
      memoryPolicy: { modes: memoryPolicyModes, flags: memoryPolicyFlags },
      netDevices: { enabled: features.netDevices },
    },
    annotations: {
      "io.rune.version": build.version,
      "io.rune.commit": build.commit,
      "io.rune.pal.versions": features.palVersions.join(","),
      "io.rune.tee.known": features.knownTees.join(","),
    },
    // Annotations that choose a library which is loaded as host root (checked against pal_dirs), or
    // weaken what the container promises; and what systemd does as root for a unit (ExecStopPost).
    potentiallyUnsafeConfigAnnotations: ["enclave.", "org.criu.config", "org.systemd.property."],
  };
}
