// SPDX-License-Identifier: Apache-2.0
/** Bundles to run: busybox as root file system, and a configuration like that of `runc spec`. */
import { chmodSync, chownSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busybox } from "./runtime.ts";

/** config.json as tests write it: plain JSON, also where it is wrong on purpose. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };

export type Bundle = { readonly path: string; readonly rootfs: string };

/** The user 1000 of the bundle's /etc/passwd. */
export const user = { uid: 1000, gid: 1000, home: "/home/user" } as const;

/** Makes the root file system below `path`. */
export function makeBundle(path: string): Bundle {
  const rootfs = join(path, "rootfs");
  for (const name of ["bin", "dev", "etc", "home/user", "mnt", "proc", "root", "sys", "tmp"]) {
    mkdirSync(join(rootfs, name), { recursive: true, mode: 0o755 });
  }
  chmodSync(path, 0o755);
  chmodSync(join(rootfs, "tmp"), 0o1777);
  chownSync(join(rootfs, "home/user"), user.uid, user.gid);
  copyFileSync(busybox, join(rootfs, "bin/busybox"));
  for (const applet of applets) symlinkSync("busybox", join(rootfs, "bin", applet));
  writeFileSync(
    join(rootfs, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n",
  );
  return { path, rootfs };
}

export function writeConfig({ path }: Bundle, config: Json | string): void {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  writeFileSync(join(path, "config.json"), text);
}

/** The default configuration with changes: objects are merged, anything else is replaced. */
export function configWith(...changes: JsonObject[]): JsonObject {
  return changes.reduce(merge, defaultConfig);
}

/** A configuration whose program is a shell script. */
export function shell(script: string): JsonObject {
  return { process: { args: ["/bin/sh", "-c", script] } };
}

/** The default mounts and more. */
export function moreMounts(...mounts: JsonObject[]): JsonObject {
  return { mounts: [...defaultMounts, ...mounts] };
}

/** The default namespaces, but for some types, and more. */
export function namespaces(without: readonly string[], ...more: JsonObject[]): JsonObject {
  const kept = defaultNamespaces.filter((type) => !without.includes(type));
  return { linux: { namespaces: [...kept.map((type) => ({ type })), ...more] } };
}

export const defaultNamespaces = ["pid", "network", "ipc", "uts", "mount"] as const;

const applets = (
  "cat chmod cut dd echo env false grep head hostname id kill ln ls mkdir mknod mount ps " +
  "pwd readlink rm seq sh sleep sort stat stty tail test touch tr true tty umount wc yes"
).split(" ");

const defaultMounts: readonly JsonObject[] = [
  { destination: "/proc", type: "proc", source: "proc" },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
  },
  {
    destination: "/dev/mqueue",
    type: "mqueue",
    source: "mqueue",
    options: ["nosuid", "noexec", "nodev"],
  },
  {
    destination: "/sys",
    type: "sysfs",
    source: "sysfs",
    options: ["nosuid", "noexec", "nodev", "ro"],
  },
  {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
  },
];

const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

const defaultConfig: JsonObject = {
  ociVersion: "1.0.2",
  process: {
    terminal: false,
    user: { uid: 0, gid: 0 },
    args: ["/bin/true"],
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
    cwd: "/",
    capabilities: {
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
    },
    rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  },
  root: { path: "rootfs", readonly: false },
  hostname: "inside",
  mounts: defaultMounts,
  linux: {
    resources: { devices: [{ allow: false, access: "rwm" }] },
    namespaces: defaultNamespaces.map((type) => ({ type })),
    maskedPaths: [
      "/proc/acpi",
      "/proc/asound",
      "/proc/kcore",
      "/proc/keys",
      "/proc/latency_stats",
      "/proc/timer_list",
      "/proc/timer_stats",
      "/proc/sched_debug",
      "/sys/firmware",
      "/proc/scsi",
    ],
    readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
  },
};

function merge(base: JsonObject, change: JsonObject): JsonObject {
  const result: Record<string, Json> = { ...base };
  for (const [name, value] of Object.entries(change)) {
    const old = result[name];
    result[name] = isObject(old) && isObject(value) ? merge(old, value) : value;
  }
  return result;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
