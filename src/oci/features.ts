// SPDX-License-Identifier: Apache-2.0
/**
 * The features document (features.md of the runtime specification): what this rune can do, whatever
 * the host. Only what is wired up belongs in `supported`; extend it with the code.
 */
import { capabilityNames } from "./capabilities.ts";
import {
  memoryPolicyFlags,
  memoryPolicyModes,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
} from "./config-linux.ts";
import { mountOptionNames } from "./mount-options.ts";
import { type NamespaceType, namespaceTypes } from "./namespaces.ts";
import { ociVersion } from "./state.ts";

/** What differs between builds and grows with them. */
export type SupportedFeatures = {
  readonly hooks: readonly string[];
  readonly namespaces: readonly NamespaceType[];
  /** Options of mount-options.ts that the planner refuses for now. */
  readonly unsupportedMountOptions: readonly string[];
  readonly cgroup: {
    readonly v1: boolean;
    readonly v2: boolean;
    readonly systemd: boolean;
    readonly systemdUser: boolean;
    readonly rdma: boolean;
  };
  readonly seccomp: boolean;
  /** SCMP_ACT_NOTIFY and the flag that is about its listener. */
  readonly seccompNotify: boolean;
  readonly apparmor: boolean;
  readonly selinux: boolean;
  readonly intelRdt: boolean;
  readonly memoryPolicy: boolean;
  readonly netDevices: boolean;
  readonly idmap: boolean;
  /** Versions of the PAL API that are hosted. */
  readonly palVersions: readonly number[];
  /** Kinds of trusted execution environment that `enclave.type` may name. */
  readonly knownTees: readonly string[];
};

/** Today's rune: the first slice, where no hook is run and no profile loaded. */
export const supported: SupportedFeatures = {
  hooks: ["startContainer"],
  namespaces: namespaceTypes.filter((type) => type !== "time"),
  unsupportedMountOptions: ["idmap", "ridmap", "remount", "tmpcopyup"],
  cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
  seccomp: true,
  seccompNotify: false,
  apparmor: false,
  selinux: false,
  intelRdt: false,
  memoryPolicy: false,
  netDevices: false,
  idmap: false,
  palVersions: [1, 2, 3],
  knownTees: ["intelSgx"],
};

export type BuildIdentity = { readonly version: string; readonly commit: string };

export function featuresDocument(features: SupportedFeatures, build: BuildIdentity): object {
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: ociVersion,
    hooks: features.hooks,
    mountOptions: mountOptionNames().filter(
      (name) => !features.unsupportedMountOptions.includes(name),
    ),
    linux: {
      namespaces: [...features.namespaces].sort(),
      capabilities: capabilityNames,
      cgroup: features.cgroup,
      seccomp: features.seccomp ? seccompDocument(features.seccompNotify) : { enabled: false },
      apparmor: { enabled: features.apparmor },
      selinux: { enabled: features.selinux },
      intelRdt: { enabled: features.intelRdt },
      mountExtensions: { idmap: { enabled: features.idmap } },
      ...(features.memoryPolicy ? { memoryPolicy: memoryPolicyDocument } : {}),
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
    potentiallyUnsafeConfigAnnotations: ["enclave.", "org.systemd.property."],
  };
}

const memoryPolicyDocument = { modes: memoryPolicyModes, flags: memoryPolicyFlags };

function seccompDocument(notify: boolean): object {
  const unlessOf = (word: string) => (other: string) => notify || other !== word;
  return {
    enabled: true,
    actions: seccompActions.filter(unlessOf("SCMP_ACT_NOTIFY")).sort(),
    operators: [...seccompOperators].sort(),
    archs: [...seccompArchitectures].sort(),
    knownFlags: [...seccompFlags].sort(),
    supportedFlags: seccompFlags.filter(unlessOf("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")).sort(),
  };
}
