// SPDX-License-Identifier: Apache-2.0
/** The operations of a launch plan as data; docs/protocol/launch-plan.md says what each does. */

declare const slotBrand: unique symbol;
/** A place of the interpreter that holds a descriptor. */
export type Slot = number & { readonly [slotBrand]: true };

export type HookArguments = {
  /** 0: no limit. */
  readonly timeoutSeconds: number;
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly state: Uint8Array;
  /** Behind the state come the process's own pid and this; nothing where it is empty. */
  readonly tail: Uint8Array;
};

export type Operation =
  | { readonly op: "writeFile"; readonly path: string; readonly data: string }
  | { readonly op: "setns"; readonly slot: Slot; readonly types: number }
  | {
      readonly op: "openTree";
      readonly slot: Slot;
      readonly path: string;
      readonly recursive: boolean;
    }
  | {
      readonly op: "clone";
      readonly flags: number;
      readonly cgroup?: Slot;
      readonly uidMap: string;
      readonly gidMap: string;
      readonly denySetgroups: boolean;
      /** The maps are somebody else's to write: MAP and MAPPED of the init channel. */
      readonly asksForMaps: boolean;
    }
  | { readonly op: "enter"; readonly program: Slot; readonly argv: readonly string[] }
  | { readonly op: "unshare"; readonly flags: number }
  | { readonly op: "setsid" }
  /** A mask of CPUs, least significant first. */
  | { readonly op: "affinity"; readonly mask: Uint8Array }
  | { readonly op: "time"; readonly proc: Slot; readonly offsets: string }
  | { readonly op: "awaitDevices" }
  /** RTM_NEWADDR requests whose index is 0. */
  | {
      readonly op: "netDevice";
      readonly name: string;
      readonly addresses: Uint8Array;
    }
  | { readonly op: "open"; readonly slot: Slot; readonly path: string; readonly flags: number }
  | { readonly op: "devNull" }
  | {
      readonly op: "propagation";
      readonly path: string;
      readonly flag: number;
      readonly recursive: boolean;
    }
  | { readonly op: "root"; readonly slot: Slot; readonly path: string }
  | {
      readonly op: "mountFs";
      readonly type: string;
      readonly source: string;
      readonly options: readonly string[];
      readonly attributes: number;
      readonly propagation: number;
      readonly destination: string;
      /** Whether symbolic links of the image may be on the way to the destination. */
      readonly links: boolean;
    }
  | {
      readonly op: "mountTree";
      readonly slot: Slot;
      readonly destination: string;
      readonly set: number;
      readonly clear: number;
      /** Cleared too, but for what is locked in a user namespace. */
      readonly reset: number;
      readonly recursiveSet: number;
      readonly recursiveClear: number;
      /** MS_* that the whole tree gets first: what it has to do with its source. 0: its peer. */
      readonly base: number;
      /** Flag 0: as `base` has left it. */
      readonly propagation: { readonly flag: number; readonly recursive: boolean };
    }
  | {
      readonly op: "mknod";
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly op: "symlink"; readonly target: string; readonly path: string }
  | {
      readonly op: "mask";
      readonly path: string;
      /** Of the tmpfs that hides directories: the first one of them fills it. */
      readonly slot: Slot;
      readonly options: readonly string[];
    }
  | { readonly op: "readonly"; readonly path: string }
  | { readonly op: "pivot"; readonly mode: "pivot" | "move" | "chroot" }
  | { readonly op: "attributes"; readonly path: string; readonly set: number }
  | { readonly op: "bindDevice"; readonly slot: Slot; readonly path: string }
  | { readonly op: "mkdir"; readonly path: string }
  | {
      readonly op: "tmpfs";
      readonly source: string;
      readonly options: readonly string[];
      readonly attributes: number;
      readonly propagation: number;
      readonly destination: string;
      /** What the file system has from the directory that it hides. */
      readonly takesMode: boolean;
      readonly takesContent: boolean;
    }
  | {
      readonly op: "remount";
      readonly path: string;
      readonly set: number;
      readonly clear: number;
      readonly reset: number;
      /** Absent: the mount only, not the file system. */
      readonly options?: readonly string[];
    }
  | {
      readonly op: "idMap";
      readonly slot: Slot;
      /** A user namespace that has the mapping; absent: one is made with the maps. */
      readonly namespace?: Slot;
      readonly uidMap: string;
      readonly gidMap: string;
      readonly recursive: boolean;
      readonly path: string;
    }
  | {
      readonly op: "mountData";
      readonly type: string;
      readonly source: string;
      readonly data: string;
      readonly flags: number;
      readonly propagation: number;
      readonly destination: string;
      readonly links: boolean;
    }
  | { readonly op: "sysctl"; readonly name: string; readonly value: string }
  | { readonly op: "demandProc"; readonly slot: Slot; readonly path: string }
  | { readonly op: "hostname"; readonly name: string }
  | { readonly op: "domainname"; readonly name: string }
  | {
      readonly op: "rlimit";
      readonly resource: number;
      readonly soft: bigint;
      readonly hard: bigint;
    }
  | { readonly op: "raiseLimit"; readonly resource: number; readonly hard: bigint }
  | {
      readonly op: "console";
      readonly slot: Slot;
      readonly rows: number;
      readonly columns: number;
      readonly mount: boolean;
    }
  | { readonly op: "cwd"; readonly path: string; readonly when: "now" | "try" | "if-deferred" }
  | { readonly op: "umask"; readonly mask: number }
  | {
      readonly op: "ids";
      readonly uid: number;
      readonly gid: number;
      readonly groups: readonly number[];
    }
  | { readonly op: "bounding"; readonly keep: bigint }
  | {
      readonly op: "capabilities";
      readonly effective: bigint;
      readonly permitted: bigint;
      readonly inheritable: bigint;
      readonly ambient: bigint;
    }
  | { readonly op: "noNewPrivs" }
  | { readonly op: "seccomp"; readonly flags: number; readonly filter: Uint8Array }
  | { readonly op: "keepFds"; readonly count: number }
  | { readonly op: "keep"; readonly slot: Slot }
  | { readonly op: "findProgram"; readonly name: string; readonly path: string }
  | { readonly op: "ready" }
  | { readonly op: "waitFifo"; readonly slot: Slot }
  | { readonly op: "exec"; readonly argv: readonly string[]; readonly env: readonly string[] }
  | ({ readonly op: "hook" } & HookArguments)
  | { readonly op: "runtimeHooks" }
  | ({ readonly op: "poststart" } & HookArguments)
  | ({ readonly op: "poststop"; readonly report: readonly string[] } & HookArguments)
  | { readonly op: "seccompNotify"; readonly flags: number; readonly filter: Uint8Array }
  | { readonly op: "home"; readonly uid: number }
  | {
      readonly op: "scheduler";
      readonly policy: number;
      readonly flags: number;
      readonly nice: number;
      readonly priority: number;
      readonly runtime: bigint;
      readonly deadline: bigint;
      readonly period: bigint;
    }
  | { readonly op: "ioPriority"; readonly value: number }
  | { readonly op: "memoryPolicy"; readonly mode: number; readonly nodes: Uint8Array }
  | { readonly op: "personality"; readonly domain: number }
  | { readonly op: "keyring"; readonly name: string }
  | {
      readonly op: "label";
      readonly proc: Slot;
      readonly file: string;
      readonly label: string;
    }
  | {
      readonly op: "monitor";
      readonly pid: number;
      readonly console?: Slot;
      /** Absent: the payload runs already. */
      readonly channel?: Slot;
      readonly subreaper: boolean;
    }
  | { readonly op: "notify"; readonly from: Slot; readonly to: Slot }
  | { readonly op: "claim"; readonly slot: Slot; readonly hold: boolean }
  | { readonly op: "cgroupRemove"; readonly path: string; readonly kill: boolean }
  | { readonly op: "rmdir"; readonly path: string }
  | { readonly op: "unlink"; readonly path: string }
  | { readonly op: "exit" }
  | { readonly op: "namespaceRoot" }
  | { readonly op: "dropGroups" }
  | { readonly op: "report"; readonly argv: readonly string[] }
  | { readonly op: "palLoad"; readonly slot: Slot; readonly name: string }
  | {
      readonly op: "palInit";
      readonly args: string;
      readonly logLevel: string;
      readonly env: readonly string[];
    }
  | { readonly op: "agent"; readonly slot: Slot }
  | {
      readonly op: "agentExec";
      readonly slot: Slot;
      readonly cwd: string;
      readonly argv: readonly string[];
      readonly env: readonly string[];
      readonly tty: boolean;
    }
  | { readonly op: "palRun"; readonly argv: readonly string[]; readonly env: readonly string[] };
