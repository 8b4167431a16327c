// SPDX-License-Identifier: Apache-2.0
/**
 * What `rune spec` writes: runc 1.1's starter file, with the specification's current version and
 * rune's name as host name. The documents are plain JSON values, not `Config`.
 */
import { ociVersion } from "./state.ts";

export type SpecKind =
  | { readonly kind: "default" }
  /** For a caller without root; the ids become root in the container's user namespace. */
  | { readonly kind: "rootless"; readonly uid: number; readonly gid: number }
  /** For an enclave; see docs of `enclave.*` annotations. */
  | {
      readonly kind: "enclave";
      /** Host path of the PAL. */
      readonly palPath: string;
      /** Mount the host's aesmd socket: only where there is one, or create fails. */
      readonly aesmd: boolean;
    };

export type SpecHost = {
  /** Only cgroup v2 is mounted: the container then gets a cgroup namespace, as with runc. */
  readonly unifiedCgroups: boolean;
};

/** Where the original's guides put the sample PAL; a default `pal_dirs` entry. */
export const defaultPalPath = "/var/run/rune/liberpal-skeleton-v2.so";

/** The text of config.json, indented with tabs and without newline at the end, as runc writes it. */
export function defaultSpecText(spec: SpecKind, host: SpecHost): string {
  return JSON.stringify(defaultSpec(spec, host), undefined, "\t");
}

export function defaultSpec(spec: SpecKind, host: SpecHost): object {
  const enclave = spec.kind === "enclave";
  return {
    ociVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      // The sample enclave runtime looks for its files in the working directory.
      cwd: enclave ? "/var/run/rune" : "/",
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
        ambient: capabilities,
      },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: !enclave },
    hostname: "rune",
    mounts: mounts(spec),
    ...(enclave ? { annotations: enclaveAnnotations(spec.palPath) } : {}),
    linux: linux(spec, host),
  };
}

const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

function enclaveAnnotations(palPath: string): Record<string, string> {
  return {
    "enclave.type": "intelSgx",
    "enclave.runtime.path": palPath,
    "enclave.runtime.args": "debug",
    "enclave.runtime.loglevel": "info",
  };
}

function mounts(spec: SpecKind): object[] {
  const rootless = spec.kind === "rootless";
  const list = [
    { destination: "/proc", type: "proc", source: "proc" },
    mount("/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k"),
    mount(
      "/dev/pts",
      "devpts",
      "devpts",
      // A single mapped id has no group 5.
      `nosuid noexec newinstance ptmxmode=0666 mode=0620${rootless ? "" : " gid=5"}`,
    ),
    mount("/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k"),
    mount("/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev"),
    // The kernel lets a user namespace mount a new sysfs only with a network namespace of its own.
    rootless
      ? mount("/sys", "none", "/sys", "rbind nosuid noexec nodev ro")
      : mount("/sys", "sysfs", "sysfs", "nosuid noexec nodev ro"),
    mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro"),
  ];
  if (spec.kind !== "enclave" || !spec.aesmd) return list;
  return [...list, mount("/var/run/aesmd", "bind", "/var/run/aesmd", "rbind rprivate")];
}

function mount(destination: string, type: string, source: string, options: string): object {
  return { destination, type, source, options: options.split(" ") };
}

function linux(spec: SpecKind, { unifiedCgroups }: SpecHost): object {
  const paths = {
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
  };
  const cgroup = unifiedCgroups ? ["cgroup"] : [];
  if (spec.kind !== "rootless") {
    return {
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: namespaces("pid", "network", "ipc", "uts", "mount", ...cgroup),
      ...paths,
    };
  }
  return {
    uidMappings: [{ containerID: 0, hostID: spec.uid, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: spec.gid, size: 1 }],
    namespaces: namespaces("pid", "ipc", "uts", "mount", ...cgroup, "user"),
    ...paths,
  };
}

function namespaces(...types: string[]): object[] {
  return types.map((type) => ({ type }));
}
