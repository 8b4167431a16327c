// SPDX-License-Identifier: Apache-2.0
/** What an enclave adds to a configuration: devices, their cgroup rules, sockets. */
import { ENOENT, ENOTDIR, S_IFDIR, S_IFMT } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";
import type { Config, Mount } from "../oci/config.ts";
import type { Device } from "../oci/config-linux.ts";
import type { DeviceRule } from "../oci/config-resources.ts";
import type { SgxNode } from "./host-detection.ts";
import { withoutEnclaveVariables, withoutSecrets } from "./mentions.ts";
import { epcMount } from "./simulated-epc.ts";

/** Nodes without a driver: the simulator answers for them (docs/protocol/simulation.md). */
export const simulatedNodes: readonly SgxNode[] = [
  { path: "/dev/sgx_enclave", major: 10, minor: 125, fileMode: 0o666 },
  { path: "/dev/sgx_provision", major: 10, minor: 126, fileMode: 0o666 },
];

const aesmd = "/var/run/aesmd";

/** Folders of the host's and a socket in the first (docs/protocol/platform-service.md). */
export type SimulatedService = {
  readonly folder: string;
  readonly socket: string;
  readonly aesmFolder: string;
};

export type Platform =
  | { readonly simulated: false }
  | {
      readonly simulated: true;
      readonly service: SimulatedService | undefined;
      /** How much enclave memory there may be, in bytes. */
      readonly epcBytes?: number | undefined;
    };

/** The configuration that gets planned. The nodes' rules name just these devices. */
export function withEnclave(
  kernel: Kernel,
  config: Config,
  nodes: readonly SgxNode[],
  platform: Platform,
): Config {
  const { simulated } = platform;
  const { linux = {}, process } = config;
  const added = missingNodes(config, nodes, simulated);
  const { resources = {} } = linux;
  return {
    ...config,
    // What hooks and state show: a subscription key given as annotation is nobody's business.
    annotations: withoutSecrets(config.annotations ?? {}),
    process: { ...process, env: withoutEnclaveVariables(process.env ?? []) },
    mounts: [
      ...(config.mounts ?? []),
      ...serviceMounts(kernel, config, platform),
      ...(platform.simulated && platform.epcBytes !== undefined
        ? [epcMount(platform.epcBytes)]
        : []),
    ],
    linux: {
      ...linux,
      devices: [...(linux.devices ?? []), ...added.map(toDevice)],
      resources: {
        ...resources,
        // Nobody opens a simulated node: the simulator answers before the kernel sees it.
        devices: [...(resources.devices ?? []), ...(simulated ? [] : added.map(toRule))],
      },
    },
  };
}

/** A node that the configuration lists itself is left to it. */
function missingNodes(
  { linux = {} }: Config,
  nodes: readonly SgxNode[],
  simulated: boolean,
): readonly SgxNode[] {
  // In a user namespace no node can be made, only bound from the host, which has no simulated one:
  // there the simulator makes believe of the path too (`sgxsim --virtual-nodes`).
  const inUserNamespace = linux.namespaces?.some(({ type }) => type === "user") === true;
  if (simulated && inUserNamespace) return [];
  const own = new Set((linux.devices ?? []).map(({ path }) => path));
  return nodes.filter(({ path }) => !own.has(path));
}

function toDevice(node: SgxNode): Device {
  return { type: "c", uid: 0, gid: 0, ...node };
}

function toRule({ major, minor }: SgxNode): DeviceRule {
  return { allow: true, type: "c", major, minor, access: "rw" };
}

/**
 * AESM, Intel's or the simulated platform's, unless the configuration has mounted one already; and the
 * simulated platform's service, at its place on the host, where the emulator looks for it at all times.
 * Read-only, which connecting does not mind: a container's root could put a socket of its own in the
 * place of the one that every other container on the node uses.
 */
function serviceMounts(kernel: Kernel, { mounts = [] }: Config, platform: Platform): Mount[] {
  const mounted = mounts.some(({ destination }) => /^(\/var)?\/run\/aesmd\/?$/.test(destination));
  const aesm = platform.simulated
    ? platform.service?.aesmFolder
    : isFolder(kernel, aesmd)
      ? aesmd
      : undefined;
  const service = platform.simulated ? platform.service?.folder : undefined;
  return [
    ...(aesm === undefined || mounted ? [] : [readOnly(aesm, aesmd)]),
    ...(service === undefined ? [] : [readOnly(service, service)]),
  ];
}

function readOnly(source: string, destination: string): Mount {
  const options = ["rbind", "rprivate", "ro", "nosuid", "nodev", "noexec"];
  return { destination, type: "bind", source, options };
}

function isFolder(kernel: Kernel, path: string): boolean {
  const found = unlessErrno(() => kernel.stat(path), ENOENT, ENOTDIR);
  return found !== undefined && (found.mode & S_IFMT) === S_IFDIR;
}
