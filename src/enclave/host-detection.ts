// SPDX-License-Identifier: Apache-2.0
/** Which SGX driver the host has. */
import { ENOENT, ENOTDIR, O_RDONLY, S_IFCHR, S_IFMT } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";

/** A node as the container is to have it: at this path, whatever the host's path leads to. */
export type SgxNode = {
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly fileMode: number;
};

export type SgxHost = {
  /** CPUID says SGX, and the kernel agrees; true wherever there is a driver. */
  readonly cpu: boolean;
  /** Nodes of the drivers of every era: in-tree, DCAP, legacy, Graphene's. */
  readonly nodes: readonly SgxNode[];
};

const misc = 10; // major of misc devices, Documentation/admin-guide/devices.txt

/** In-tree and DCAP 1.41, DCAP before (or links of udev), legacy. */
const drivers = ["/dev/sgx_enclave", "/dev/sgx/enclave", "/dev/isgx"] as const;
/**
 * Who opens these gets the platform's provisioning key, which identifies the machine: in a container
 * they are as open as on the host.
 */
const provision = ["/dev/sgx_provision", "/dev/sgx/provision"] as const;
/** Graphene's: not a driver of SGX, it comes beside one. */
const companions = ["/dev/gsgx"] as const;

export function detectSgx(kernel: Kernel): SgxHost {
  const nodes = [
    ...[...drivers, ...companions].flatMap((path) =>
      findNode(kernel, path).map((node) => ({ ...node, fileMode: 0o666 })),
    ),
    ...provision.flatMap((path) => findNode(kernel, path)),
  ];
  return { cpu: hasDriver({ nodes }) || hasCpuFlag(kernel), nodes };
}

/** True when enclaves can be made. */
export function hasDriver({ nodes }: Pick<SgxHost, "nodes">): boolean {
  return nodes.some(({ path }) => drivers.some((driver) => driver === path));
}

function findNode(kernel: Kernel, path: string): SgxNode[] {
  const found = unlessErrno(() => kernel.stat(path), ENOENT, ENOTDIR);
  if (found === undefined || (found.mode & S_IFMT) !== S_IFCHR || found.major !== misc) return [];
  const { major, minor, mode } = found;
  return [{ path, major, minor, fileMode: mode & 0o777 }];
}

/**
 * One read gives the first processor, which is all there is to know: reading on costs milliseconds on
 * large machines, since the kernel measures each processor's frequency.
 */
function hasCpuFlag(kernel: Kernel): boolean {
  const fd = kernel.open("/proc/cpuinfo", O_RDONLY);
  try {
    const text = new TextDecoder().decode(kernel.read(fd, 65536));
    return /^flags\s*:.* sgx( |$)/m.test(text);
  } finally {
    kernel.close(fd);
  }
}
