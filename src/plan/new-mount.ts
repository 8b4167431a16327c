// SPDX-License-Identifier: Apache-2.0
/** Mounts of new file system instances. */
import { RuneError } from "../errors/error.ts";
import { MS_PRIVATE } from "../kernel/constants.ts";
import type { Mount } from "../oci/config.ts";
import { type MountOptions, mountAttributes } from "../oci/mount-options.ts";
import type { PlannedMount } from "./mounts.ts";
import type { Operation } from "./operation.ts";

/** strndup_user of fsconfig(2): a longer value fails with EINVAL. */
const parameterMaximumBytes = 255;
/** copy_mount_options of mount(2): a page with the NUL. */
const dataMaximumBytes = 4095;

/** Options of these are the kernel's business: they take no data, and runc ignores what is given. */
const withoutData: ReadonlySet<string> = new Set(["mqueue", "sysfs"]);
/** Where `ro` is the mount's alone: instances are shared, or still have to be filled. */
const writableInstances: ReadonlySet<string> = new Set([
  "devpts",
  "mqueue",
  "proc",
  "sysfs",
  "tmpfs",
]);

export function planNewMount(
  mount: Mount,
  options: MountOptions,
  destination: string,
): PlannedMount {
  const operation = newMount(mount, options, destination);
  return (child) => child.add(operation);
}

/** Attributes of a new mount, which has nothing below it: recursive ones count last, as with runc. */
export function newMountAttributes(options: MountOptions): number {
  return (options.set & ~options.recursiveClear) | options.recursiveSet;
}

/** Flags of the file system instance, for fsconfig(2). */
export function instanceOptions({ superblock }: MountOptions): readonly string[] {
  return superblock;
}

function newMount(mount: Mount, options: MountOptions, destination: string): Operation {
  const type = mount.type ?? "";
  const source = mount.source === undefined || mount.source === "" ? type : mount.source;
  // A read-only /dev could not be filled: it becomes read-only afterwards.
  const postponed = destination === "/dev" ? mountAttributes.readOnly : 0;
  const attributes = newMountAttributes(options) & ~postponed;
  const propagation = options.propagation?.flag ?? MS_PRIVATE;
  const data = withoutData.has(type) ? [] : options.data;
  const flags = writableInstances.has(type)
    ? options.superblock.filter((option) => option !== "ro" && option !== "rw")
    : instanceOptions(options);
  // Links may be anywhere, but not where a view of the kernel is expected (CVE-2019-19921).
  const links = type !== "proc" && type !== "sysfs";
  const all = [...flags, ...data];
  const takesMode = !data.some((option) => option.startsWith("mode="));
  if (type === "tmpfs" && (takesMode || options.tmpCopyUp)) {
    const takesContent = options.tmpCopyUp;
    return {
      op: "tmpfs",
      source,
      options: all,
      attributes,
      propagation,
      destination,
      takesMode,
      takesContent,
    };
  }
  if ([source, ...data].some((value) => byteLength(value) > parameterMaximumBytes)) {
    const text = data.join(",");
    if (byteLength(text) > dataMaximumBytes) throw tooLong(mount, byteLength(text));
    return {
      op: "mountData",
      type,
      source,
      data: text,
      flags: mountFlags(attributes, flags),
      propagation,
      destination,
      links,
    };
  }
  return { op: "mountFs", type, source, options: all, attributes, propagation, destination, links };
}

/** MS_* of mount(2). */
function mountFlags(attributes: number, flags: readonly string[]): number {
  const low =
    mountAttributes.readOnly |
    mountAttributes.noSuid |
    mountAttributes.noDev |
    mountAttributes.noExec;
  const time = attributes & mountAttributes.accessTime;
  return [
    attributes & low, // the same bits in both
    time === mountAttributes.noAtime ? 1 << 10 : 0,
    time === mountAttributes.strictAtime ? 1 << 24 : 0,
    attributes & mountAttributes.noDirAtime ? 1 << 11 : 0,
    attributes & mountAttributes.noSymFollow ? 1 << 8 : 0,
    flags.lastIndexOf("sync") > flags.lastIndexOf("async") ? 1 << 4 : 0,
    flags.includes("dirsync") ? 1 << 7 : 0,
    flags.lastIndexOf("mand") > flags.lastIndexOf("nomand") ? 1 << 6 : 0,
    flags.lastIndexOf("lazytime") > flags.lastIndexOf("nolazytime") ? 1 << 25 : 0,
  ].reduce((all, flag) => all | flag, 0);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

function tooLong(mount: Mount, bytes: number): RuneError {
  return new RuneError({
    code: "CONFIG_INVALID",
    doing: `config mount \`${mount.destination}\``,
    reason: `its options have ${bytes} bytes, the kernel takes at most ${dataMaximumBytes}`,
  });
}
