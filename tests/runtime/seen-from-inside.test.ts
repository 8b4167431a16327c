// SPDX-License-Identifier: Apache-2.0
/** What a payload sees of itself is the same under rune and runc, but for what is listed here. */
import { expect } from "bun:test";
import { type JsonObject, shell } from "../support/bundle.ts";
import { comparison } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const everySet = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

const variants: Readonly<Record<string, JsonObject>> = {
  "the default": {},
  "another user": {
    process: { user: { uid: 1000, gid: 1000, additionalGids: [10, 2000], umask: 0o27 } },
  },
  "no capabilities": { process: { capabilities: {} } },
  "all five capability sets": {
    process: {
      capabilities: {
        bounding: [...everySet, "CAP_SYS_CHROOT"],
        permitted: everySet,
        effective: ["CAP_CHOWN", "CAP_KILL"],
        inheritable: ["CAP_KILL", "CAP_NET_BIND_SERVICE"],
        ambient: ["CAP_KILL"],
      },
    },
  },
  "ambient capabilities of a user": {
    process: {
      user: { uid: 1000, gid: 1000 },
      capabilities: {
        bounding: everySet,
        permitted: everySet,
        effective: everySet,
        inheritable: everySet,
        ambient: everySet,
      },
    },
  },
  "new privileges allowed": { process: { noNewPrivileges: false } },
  "a read-only root": { root: { path: "rootfs", readonly: true } },
  "resource limits": {
    process: {
      rlimits: [
        { type: "RLIMIT_NOFILE", soft: 512, hard: 600 },
        { type: "RLIMIT_CORE", soft: 0, hard: 0 },
        { type: "RLIMIT_STACK", soft: 4194304, hard: 8388608 },
      ],
    },
  },
  "no masked or read-only paths": { linux: { maskedPaths: [], readonlyPaths: [] } },
  "a cgroup namespace": {
    linux: {
      namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup"].map((type) => ({ type })),
    },
  },
  "the host's network and ipc": {
    linux: { namespaces: ["pid", "uts", "mount"].map((type) => ({ type })) },
  },
};

const views: Readonly<Record<string, (text: string) => string>> = {
  "/proc/self/status": normaliseStatus,
  "/proc/self/mountinfo": normaliseMountinfo,
  "/proc/self/limits": (text) => text,
  "/proc/self/cgroup": (text) => text,
  "/proc/self/oom_score_adj": (text) => text,
  "/proc/self/uid_map": (text) => text,
};

for (const [variant, change] of Object.entries(variants)) {
  for (const [file, normalise] of Object.entries(views)) {
    comparison(`${file} with ${variant}`, async () => {
      const [ours, theirs] = await both(change, { process: { args: ["/bin/cat", file] } });
      expect(normalise(ours)).toBe(normalise(theirs));
      expect(ours.length).toBeGreaterThan(0);
    });
  }
}

const scripts = {
  "the environment": "env | sort",
  "working directory, umask and ids": "pwd; umask; id",
  "the devices":
    "cd /dev && stat -c '%n %F %a %u:%g %t:%T' *; for l in fd stdin stdout stderr ptmx; do readlink $l; done",
  "the files of /sys/fs/cgroup": "ls /sys/fs/cgroup",
  "the standard descriptors": "for fd in /proc/self/fd/*; do echo $fd; done",
  "the hostname and the processes": "hostname; ps -o pid,ppid,pgid,args",
  "the sessions": "cut -d' ' -f 1,4,5,6,7 /proc/self/stat",
};

for (const [what, script] of Object.entries(scripts)) {
  comparison(what, async () => {
    const [ours, theirs] = await both(shell(script));
    expect(ours).toBe(theirs);
    expect(ours.length).toBeGreaterThan(0);
  });
}

/** The payload's output under both runtimes, from the same bundle. */
async function both(...changes: JsonObject[]): Promise<[string, string]> {
  await using ours = new Sandbox("rune");
  await using theirs = new Sandbox("runc");
  // The cgroup's path is derived from the container's id.
  const cgroup = (name: string) => ({ linux: { cgroupsPath: `/${name}` } });
  const [one, two] = [
    await ours.output(...changes, cgroup(ours.mark)),
    await theirs.output(...changes, cgroup(theirs.mark)),
  ];
  return [one.replaceAll(ours.mark, "MARK"), two.replaceAll(theirs.mark, "MARK")];
}

/** Leaves out figures that no two runs have in common. */
/** SigQ counts what all processes of the user have queued, on the whole machine. */
/** FDSize is the room that a table of descriptors once had, in whoever called the runtime. */
function normaliseStatus(text: string): string {
  const varies =
    /^(FDSize|VmPeak|VmSize|VmHWM|VmRSS|RssAnon|RssFile|RssShmem|VmData|VmPTE|VmExe|VmLib|VmStk|SigQ|.*ctxt_switches)/;
  return text
    .split("\n")
    .filter((line) => !varies.test(line))
    .join("\n");
}

/**
 * Ids and device numbers count up on every mount; the rest of a line is compared as it is, but for:
 *
 * - the order: the kernel lists by id, and rune opens bind mounts before it makes new file systems;
 * - the tmpfs over a masked directory: rune's has no source and, as nothing goes in, a size;
 * - the superblock of /sys: a new file system of runc's is read-only as a whole, of rune's its mount;
 * - the source of the systemd hierarchy, which says nothing;
 * - the tmpfs at /sys/fs/cgroup, which runc leaves writable although `ro` was asked for.
 */
function normaliseMountinfo(text: string): string {
  return text
    .split("\n")
    .map((line) =>
      line
        .replace(/^\d+ \d+ \d+:\d+ /, "")
        .replace(/(master|shared):\d+/g, "$1:N")
        .replace(/ - tmpfs tmpfs (rw,size=4k,nr_inodes=1,mode=755|ro)$/, " - tmpfs EMPTY")
        .replace(" - cgroup systemd ", " - cgroup cgroup ")
        .replace(/ - sysfs sysfs r[ow]$/, " - sysfs sysfs")
        .replace(/^(\/ \/sys\/fs\/cgroup) r[ow],/, "$1 "),
    )
    .sort()
    .join("\n");
}
