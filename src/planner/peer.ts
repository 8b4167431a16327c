// SPDX-License-Identifier: Apache-2.0
/**
 * What a process is, as far as it decides whether a worker may act in its place, and whether what it
 * does comes to the same: docs/protocol/planner.md, "Who may ask".
 */
import { EINVAL, ENOENT, O_PATH } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";

export type Identity = {
  /** Of /proc/PID/status, by name. */
  readonly status: ReadonlyMap<string, string>;
  /** Namespaces by name, as device and inode. */
  readonly namespaces: ReadonlyMap<string, string>;
  /** The root directory and the mount it is on. */
  readonly root: string;
  readonly label: string;
};

const namespaceNames = [
  "pid",
  "mnt",
  "pid_for_children",
  "user",
  "net",
  "uts",
  "ipc",
  "cgroup",
  "time",
  "time_for_children",
] as const;

const statusNames = new Set([
  "Umask",
  "Uid",
  "Gid",
  "Groups",
  "CapPrm",
  "CapEff",
  "CapBnd",
  "NoNewPrivs",
  "Seccomp",
]);

/** Reads it of `self` or a pid. Throws where this process may not look: then the other has more rights. */
export function readIdentity(kernel: Kernel, process: number | "self"): Identity {
  const directory = `/proc/${process}`;
  return {
    status: parseStatus(readText(kernel, `${directory}/status`)),
    namespaces: new Map(namespaceNames.map((name) => [name, inodeOf(kernel, directory, name)])),
    root: rootOf(kernel, `${directory}/root`),
    label: labelOf(kernel, `${directory}/attr/current`),
  };
}

/** Why a worker may not, or had better not, act for the peer; undefined where it may. */
export function difference(own: Identity, peer: Identity): string | undefined {
  for (const name of ["Uid", "Gid", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs"]) {
    const value = peer.status.get(name);
    if (value === undefined || value !== own.status.get(name)) return `another ${name}`;
  }
  if (peer.status.get("Seccomp") !== "0") return "a seccomp filter";
  if (!overridesPermissions(peer) && groupsOf(peer) !== groupsOf(own)) return "other groups";
  for (const name of namespaceNames) {
    const [theirs, ours] = [peer.namespaces.get(name), own.namespaces.get(name)];
    if (theirs !== ours) return `another ${name} namespace`;
  }
  if (peer.root !== own.root) return "another root directory";
  if (peer.label !== own.label) return "another security label";
  return undefined;
}

/** The file mode mask; undefined for a kernel that does not tell. */
export function umaskOf({ status }: Identity): number | undefined {
  const text = status.get("Umask");
  return text !== undefined && /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

function parseStatus(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    if (statusNames.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

function groupsOf({ status }: Identity): string {
  return (status.get("Groups") ?? "").split(" ").sort().join(" ");
}

const CAP_DAC_OVERRIDE = 1n;

function overridesPermissions({ status }: Identity): boolean {
  const effective = BigInt(`0x${status.get("CapEff") ?? "0"}`);
  return (effective & (1n << CAP_DAC_OVERRIDE)) !== 0n;
}

/** "" where the kernel has no such namespace: then nobody has another. */
function inodeOf(kernel: Kernel, directory: string, name: string): string {
  const found = unlessErrno(() => kernel.stat(`${directory}/ns/${name}`), ENOENT);
  return found === undefined ? "" : `${found.device}:${found.inode}`;
}

/** A chroot to the same directory by another mount is another root: what lies above differs. */
function rootOf(kernel: Kernel, link: string): string {
  const fd = kernel.open(link, O_PATH);
  try {
    const { device, inode } = kernel.fstat(fd);
    const info = readText(kernel, `/proc/self/fdinfo/${fd}`);
    return `${device}:${inode}:${/^mnt_id:\s*(\d+)$/m.exec(info)?.[1]}`;
  } finally {
    kernel.close(fd);
  }
}

/** "" without a security module that labels processes. */
function labelOf(kernel: Kernel, path: string): string {
  return unlessErrno(() => readText(kernel, path), ENOENT, EINVAL) ?? "";
}
