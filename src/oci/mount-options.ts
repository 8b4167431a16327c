// SPDX-License-Identifier: Apache-2.0
/**
 * Mount options of config.json (config.md, "Linux mount options") as the arguments of the kernel's
 * mount API: attributes for mount_setattr(2), parameters for fsconfig(2).
 */

/** MOUNT_ATTR_* of linux/mount.h. */
export const mountAttributes = {
  readOnly: 0x01,
  noSuid: 0x02,
  noDev: 0x04,
  noExec: 0x08,
  /** Mask over the three access time modes, of which relatime is 0. */
  accessTime: 0x70,
  noAtime: 0x10,
  strictAtime: 0x20,
  noDirAtime: 0x80,
  idMap: 0x0010_0000,
  noSymFollow: 0x0020_0000,
} as const;

/** MS_* propagation types, as mount(2) and `mount_attr.propagation` take them. */
const propagationFlags: ReadonlyMap<string, number> = new Map([
  ["unbindable", 1 << 17],
  ["private", 1 << 18],
  ["slave", 1 << 19],
  ["shared", 1 << 20],
]);

export type Propagation = { readonly flag: number; readonly recursive: boolean };

export type MountOptions = {
  readonly bind: "none" | "bind" | "rbind";
  /** `remount`: changes an existing mount instead of adding one. */
  readonly remount: boolean;
  /** Attributes of the mount itself. A bit of `accessTime` is set only with all three cleared. */
  readonly set: number;
  readonly clear: number;
  /** Attributes of the mount and all below it: the options that begin with an extra `r`. */
  readonly recursiveSet: number;
  readonly recursiveClear: number;
  /** Absent: as the parent has it. */
  readonly propagation?: Propagation;
  /** Use the mappings of the mount, else the container's; `ridmap` for all mounts below too. */
  readonly idmap: "none" | "idmap" | "ridmap";
  /** A new tmpfs starts with a copy of what it hides. */
  readonly tmpCopyUp: boolean;
  /** Parameters every file system knows, such as `ro` and `sync`: flags for fsconfig. */
  readonly superblock: readonly string[];
  /** Everything else, in order: the file system's own parameters. */
  readonly data: readonly string[];
};

type Attribute = { readonly set: number; readonly clear: number };

const on = (bit: number): Attribute => ({ set: bit, clear: 0 });
const off = (bit: number): Attribute => ({ set: 0, clear: bit });
/** The modes exclude one another, so choosing one clears the others (mount_setattr(2)). */
const accessTime = (mode: number): Attribute => ({ set: mode, clear: mountAttributes.accessTime });

const attributes: ReadonlyMap<string, Attribute> = new Map([
  ["ro", on(mountAttributes.readOnly)],
  ["rw", off(mountAttributes.readOnly)],
  ["nosuid", on(mountAttributes.noSuid)],
  ["suid", off(mountAttributes.noSuid)],
  ["nodev", on(mountAttributes.noDev)],
  ["dev", off(mountAttributes.noDev)],
  ["noexec", on(mountAttributes.noExec)],
  ["exec", off(mountAttributes.noExec)],
  ["nodiratime", on(mountAttributes.noDirAtime)],
  ["diratime", off(mountAttributes.noDirAtime)],
  ["nosymfollow", on(mountAttributes.noSymFollow)],
  ["symfollow", off(mountAttributes.noSymFollow)],
  ["noatime", accessTime(mountAttributes.noAtime)],
  ["strictatime", accessTime(mountAttributes.strictAtime)],
  ["relatime", accessTime(0)],
  // The opposite of a mode is the kernel's default, relatime.
  ["atime", accessTime(0)],
  ["nostrictatime", accessTime(0)],
  ["norelatime", accessTime(0)],
]);

/** fs_context.c, common_set_sb_flag and common_clear_sb_flag. */
const superblockOptions: ReadonlySet<string> = new Set([
  "ro",
  "rw",
  "sync",
  "async",
  "dirsync",
  "mand",
  "nomand",
  "lazytime",
  "nolazytime",
]);

/**
 * Words of mount(8) without a meaning to the kernel's new mount API. Of file systems that know `acl`
 * and `iversion`, all that are still maintained have both on.
 */
const ignored: ReadonlySet<string> = new Set([
  "defaults",
  "silent",
  "loud",
  "acl",
  "noacl",
  "iversion",
  "noiversion",
]);

const special = ["bind", "rbind", "remount", "idmap", "ridmap", "tmpcopyup"] as const;

/** Later options win over earlier ones, as with mount(8). */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const superblock: string[] = [];
  const data: string[] = [];
  const result: { -readonly [Key in keyof MountOptions]: MountOptions[Key] } = {
    bind: "none",
    remount: false,
    set: 0,
    clear: 0,
    recursiveSet: 0,
    recursiveClear: 0,
    idmap: "none",
    tmpCopyUp: false,
    superblock,
    data,
  };
  for (const option of options) {
    const attribute = attributes.get(option);
    const below = option.startsWith("r") ? attributes.get(option.slice(1)) : undefined;
    const propagation = parsePropagation(option);
    if (superblockOptions.has(option)) superblock.push(option);
    if (attribute !== undefined) {
      result.set = (result.set & ~attribute.clear) | attribute.set;
      result.clear = (result.clear & ~attribute.set) | attribute.clear;
    } else if (below !== undefined) {
      result.recursiveSet = (result.recursiveSet & ~below.clear) | below.set;
      result.recursiveClear = (result.recursiveClear & ~below.set) | below.clear;
    } else if (propagation !== undefined) result.propagation = propagation;
    else if (option === "bind" || option === "rbind") result.bind = option;
    else if (option === "idmap" || option === "ridmap") result.idmap = option;
    else if (option === "remount") result.remount = true;
    else if (option === "tmpcopyup") result.tmpCopyUp = true;
    else if (!superblockOptions.has(option) && !ignored.has(option)) data.push(option);
  }
  return result;
}

/** All that mount(2)'s MS_REMOUNT | MS_BIND sets anew. */
const resettable =
  mountAttributes.readOnly |
  mountAttributes.noSuid |
  mountAttributes.noDev |
  mountAttributes.noExec |
  mountAttributes.noSymFollow;
const accessTimeOptions = mountAttributes.accessTime | mountAttributes.noDirAtime;

/**
 * What a bind mount that is given any attribute loses of its source's: mount(8)'s `bind,ro` is a new
 * state, not a change. Access times stay as they are unless one of their options is given. With
 * `remount` that is so without any attribute, too.
 */
export function resetAttributes({ set, clear, remount }: MountOptions): number {
  const given = set | clear;
  if (given === 0 && !remount) return 0;
  const reset = resettable | (given & accessTimeOptions ? accessTimeOptions : 0);
  return reset & ~(set & ~mountAttributes.accessTime);
}

/** "shared", "rprivate" and so on, also for `linux.rootfsPropagation`. */
export function parsePropagation(word: string): Propagation | undefined {
  const recursive = word.startsWith("r");
  const flag = propagationFlags.get(recursive ? word.slice(1) : word);
  return flag === undefined ? undefined : { flag, recursive };
}

/** Every option known by name, for `rune features`; sorted. */
export function mountOptionNames(): string[] {
  const propagations = [...propagationFlags.keys()];
  return [
    ...attributes.keys(),
    ...[...attributes.keys()].map((name) => `r${name}`),
    ...propagations,
    ...propagations.map((name) => `r${name}`),
    ...[...superblockOptions].filter((name) => !attributes.has(name)),
    ...ignored,
    ...special,
  ].sort();
}
