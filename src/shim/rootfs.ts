// SPDX-License-Identifier: Apache-2.0
/** Mounting what containerd gives as a container's root file system, as mount(8) reads options. */
import { RuneError } from "../errors/error.ts";
import { EEXIST, EINVAL, ENOENT, S_IFLNK, S_IFMT } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";
import type { ShimCalls } from "../kernel/shim-calls.ts";
import type { Mount } from "./proto/types.gen.ts";

/** mount(2): flags, and those that a word takes back. */
const words: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  ro: [1, 0],
  rw: [0, 1],
  nosuid: [2, 0],
  suid: [0, 2],
  nodev: [4, 0],
  dev: [0, 4],
  noexec: [8, 0],
  exec: [0, 8],
  sync: [16, 0],
  async: [0, 16],
  remount: [32, 0],
  mand: [64, 0],
  nomand: [0, 64],
  dirsync: [128, 0],
  noatime: [1024, 0],
  atime: [0, 1024],
  nodiratime: [2048, 0],
  diratime: [0, 2048],
  bind: [4096, 0],
  rbind: [4096 | 16384, 0],
  relatime: [1 << 21, 0],
  norelatime: [0, 1 << 21],
  strictatime: [1 << 24, 0],
  nostrictatime: [0, 1 << 24],
  defaults: [0, 0],
};
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 16384;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
/** mount(2) takes less than a page. */
const maxDataBytes = 4095;

export type MountCalls = Pick<ShimCalls, "mount" | "unmount">;

/** Mounts one over the other; what is mounted when one fails is taken back. */
export function mountRootfs(
  kernel: Kernel,
  calls: MountCalls,
  bundle: string,
  mounts: readonly Mount[],
): void {
  const rootfs = `${bundle}/rootfs`;
  unlessErrno(() => kernel.mkdir(rootfs, 0o711), EEXIST);
  try {
    for (const mount of mounts) mountOne(kernel, calls, mount, targetOf(kernel, rootfs, mount));
  } catch (error) {
    unmountRootfs(calls, bundle);
    throw RuneError.from(error, "mount").within(`mount \`${rootfs}\``);
  }
}

/** All that is mounted there, however often. */
export function unmountRootfs(calls: MountCalls, bundle: string): void {
  const path = `${bundle}/rootfs`;
  const once = () =>
    unlessErrno(
      () => {
        calls.unmount(path, MNT_DETACH | UMOUNT_NOFOLLOW);
        return true;
      },
      EINVAL, // nothing is mounted
      ENOENT,
    );
  while (once() === true);
}

function targetOf(kernel: Kernel, rootfs: string, { target }: Mount): string {
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw outside(target, "its target leads out of the root file system");
  let path = rootfs;
  for (const part of parts) {
    path += `/${part}`;
    // What is mounted already is an image's, whose link could lead to any place of the host's.
    const mode = unlessErrno(() => kernel.lstat(path), ENOENT)?.mode ?? 0;
    if ((mode & S_IFMT) === S_IFLNK) throw outside(target, `\`${path}\` is a symbolic link`);
  }
  return path;
}

function outside(target: string, reason: string): RuneError {
  return new RuneError({ code: "USAGE", doing: `mount \`${target}\``, reason });
}

function mountOne(kernel: Kernel, calls: MountCalls, mount: Mount, target: string): void {
  const { type, source, options } = mount;
  let flags = 0;
  const data: string[] = [];
  for (const option of options) {
    const known = words[option];
    if (known === undefined) data.push(option);
    else flags = (flags | known[0]) & ~known[1];
  }
  const compact = compactOverlay(type, data);
  const enter = compact.directory;
  const before = enter === undefined ? undefined : kernel.readlink("/proc/self/cwd");
  if (enter !== undefined) kernel.chdir(enter);
  try {
    calls.mount(source, target, type, flags, compact.data);
  } finally {
    if (before !== undefined) kernel.chdir(before);
  }
  // A bind mount takes its other flags only in a second step.
  const others = flags & ~(MS_BIND | MS_REC | MS_REMOUNT);
  if ((flags & MS_BIND) !== 0 && others !== 0) {
    calls.mount(source, target, type, flags | MS_REMOUNT, "");
  }
}

/** Lower directories relative to what they have in common, where they would not fit otherwise. */
export function compactOverlay(
  type: string,
  options: readonly string[],
): { readonly data: string; readonly directory?: string } {
  const data = options.join(",");
  if (data.length <= maxDataBytes || type !== "overlay") return { data };
  const prefix = "lowerdir=";
  const lower = options.find((option) => option.startsWith(prefix))?.slice(prefix.length) ?? "";
  const paths = lower.split(":");
  const directory = commonDirectory(paths);
  if (directory.length < 2) return { data };
  const short = paths.map((path) => path.slice(directory.length + 1)).join(":");
  const shorter = options.map((option) => (option.startsWith(prefix) ? prefix + short : option));
  return { data: shorter.join(","), directory };
}

function commonDirectory(paths: readonly string[]): string {
  const [first = "", ...rest] = paths;
  const parts = first.split("/").slice(0, -1);
  while (parts.length > 0 && !rest.every((path) => path.startsWith(`${parts.join("/")}/`))) {
    parts.pop();
  }
  return parts.join("/");
}
