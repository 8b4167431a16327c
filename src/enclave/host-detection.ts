// SPDX-License-Identifier: Apache-2.0
/** Which SGX driver the host has. */
import { ENOENT, ENOTDIR, S_IFCHR, S_IFMT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";

/** A node as the container is to have it: at this path, whatever the host's path leads to. */
export type SgxNode = { readonly path: string; readonly major: number; readonly minor: number };

export type SgxHost = {
  /** CPUID says SGX, and the kernel agrees. */
  readonly cpu: boolean;
  /** Nodes of the drivers of every era: in-tree, DCAP, legacy, Graphene's. */
  readonly nodes: readonly SgxNode[];
};

const misc = 10; // major of misc devices, Documentation/admin-guide/devices.txt
const candidates = [
  "/dev/sgx_enclave",
  "/dev/sgx/enclave",
  "/dev/sgx_provision",
  "/dev/sgx/provision",
  "/dev/isgx",
  "/dev/gsgx",
] as const;

export function detectSgx(kernel: Kernel): SgxHost {
  const flags = /^flags\s*:(.*)$/m.exec(readText(kernel, "/proc/cpuinfo", 16 << 20))?.[1] ?? "";
  const nodes = candidates.flatMap((path) => {
    const found = unlessErrno(() => kernel.stat(path), ENOENT, ENOTDIR);
    if (found === undefined || (found.mode & S_IFMT) !== S_IFCHR || found.major !== misc) return [];
    return [{ path, major: found.major, minor: found.minor }];
  });
  return { cpu: flags.split(" ").includes("sgx"), nodes };
}

/** True when enclaves can be made: a driver that is only for provisioning does not count. */
export function hasDriver({ nodes }: SgxHost): boolean {
  return nodes.some(({ path }) => !path.endsWith("provision"));
}
