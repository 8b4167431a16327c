// SPDX-License-Identifier: Apache-2.0
/** For tests: a machine as it should be, of which a test changes what it is about. */
import { parseNodeConfig } from "../config/node-config.ts";
import { RuneError } from "../errors/error.ts";
import { S_IFCHR, S_IFDIR, S_IFREG, S_IFSOCK } from "../kernel/constants.ts";
import type { Stat } from "../kernel/kernel.ts";
import type { CpuRegisters } from "../kernel/processor.ts";
import type { Check, Finding, Settings } from "./check.ts";
import type { Output, Probe } from "./probe.ts";

export type Machine = {
  /** EAX, EBX, ECX, EDX by "leaf:subleaf". */
  cpu: Record<string, readonly [number, number, number, number]>;
  msr: bigint | undefined;
  /** Text files. */
  files: Record<string, string>;
  /** Nodes of any kind, by path: type and permissions. Files are regular and 0644 unless they are here. */
  modes: Record<string, number>;
  owners: Record<string, number>;
  /** What cannot be opened, and why. */
  refusals: Record<string, string>;
  path: Record<string, string>;
  outputs: Record<string, Output>;
  /** Sockets that somebody listens on. */
  listening: string[];
  aesm: string | RuneError;
  http: number | RuneError;
  euid: number;
  config: string;
  without: Record<string, string>;
  seccomp: string | RuneError;
  hierarchies: ReturnType<Probe["hierarchies"]>;
  vdso: Uint8Array | undefined;
  pals: Record<string, Uint8Array | RuneError>;
};

const flc = 1 << 30;

export const settings: Settings = {
  configRoot: "",
  network: false,
  platformSocket: "/run/inclavare-platform/platform.sock",
  pal: undefined,
  enclave: undefined,
  signature: undefined,
  aesmSocket: "/var/run/aesmd/aesm.socket",
  criu: "criu",
  stateRoot: "/run/rune",
  libDir: "/lib/rune",
};

/** With SGX, its driver, and nothing installed besides. */
export function machine(change: Partial<Machine> = {}): Machine {
  return {
    cpu: {
      "0:0": [0x16, 0, 0, 0],
      "7:0": [0, 0b101, flc, 0],
      "18:0": [3, 0, 0, 0],
      "18:2": [1, 0, 0x0580_0001, 0],
    },
    msr: 1n | (1n << 17n) | (1n << 18n),
    files: {
      "/proc/cpuinfo": "processor : 0\nflags\t\t: fpu fsgsbase sgx sgx_lc\n",
      "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
      "/proc/sys/kernel/seccomp/actions_avail": "kill_process errno user_notif allow\n",
      "/sys/fs/cgroup/cgroup.controllers": "cpu io memory pids\n",
      "/proc/sys/user/max_user_namespaces": "15000\n",
    },
    modes: {
      "/dev/sgx_enclave": S_IFCHR | 0o666,
      "/dev/sgx_provision": S_IFCHR | 0o660,
      "/proc/self/ns/user": S_IFREG | 0o444,
      "/lib/rune/runelet": S_IFREG | 0o755,
      "/lib/rune/init-runelet": S_IFREG | 0o755,
      "/lib/rune/kernel.node": S_IFREG | 0o755,
      "/lib/rune/sgxsim": S_IFREG | 0o755,
      "/var/run/aesmd/aesm.socket": S_IFSOCK | 0o777,
      "/run/rune": S_IFDIR | 0o700,
    },
    owners: {},
    refusals: {},
    path: {},
    outputs: {},
    listening: [],
    aesm: "extended EPID group 0",
    http: 200,
    euid: 0,
    config: "",
    without: {},
    seccomp: "2.5.4",
    hierarchies: [{ version: 2, mountPoint: "/sys/fs/cgroup", controllers: [], own: "/" }],
    vdso: undefined,
    pals: {},
    ...change,
  };
}

/** With files and modes beside those of the whole machine. */
export function withFiles(
  files: Record<string, string>,
  modes: Record<string, number> = {},
  change: Partial<Machine> = {},
): Machine {
  const whole = machine(change);
  return {
    ...whole,
    files: { ...whole.files, ...files },
    modes: { ...whole.modes, ...modes },
  };
}

export function look(
  check: Check,
  machine: Machine,
  change: Partial<Settings> = {},
): Finding | Promise<Finding> {
  return check.look(probeOf(machine), { ...settings, ...change });
}

export function probeOf(machine: Machine): Probe {
  const bytes = (path: string) => {
    const text = machine.files[path];
    return text === undefined ? undefined : Buffer.from(text, "latin1");
  };
  const names = () => [...Object.keys(machine.files), ...Object.keys(machine.modes)];
  return {
    euid: machine.euid,
    cpuid: (leaf, subleaf) => registers(machine.cpu[`${leaf}:${subleaf}`]),
    msr: () => machine.msr,
    text: (path) => machine.files[path],
    bytes,
    stat: (path) => statOf(machine, path),
    list: (path) => {
      const inside = names().filter((name) => name.startsWith(`${path}/`));
      return inside.length === 0 ? undefined : inside.map((name) => name.slice(path.length + 1));
    },
    refusal: (path) => machine.refusals[path],
    which: (name) => machine.path[name],
    vdso: () => machine.vdso,
    hierarchies: () => machine.hierarchies,
    without: (call) => machine.without[call],
    seccompVersion: () => answer(machine.seccomp),
    output: async ([program = ""]) => machine.outputs[program],
    listens: (socket) => machine.listening.includes(socket),
    aesm: async () => answer(machine.aesm),
    get: async () => answer(machine.http),
    nodeConfig: () => parseNodeConfig(machine.config, "/etc/inclavare-containers/config.toml"),
    pal: (path) => {
      const none = new RuneError({ code: "PAL_PATH", doing: `load PAL \`${path}\``, reason: "no" });
      return answer(machine.pals[path] ?? none);
    },
  };
}

function answer<T>(of: T | RuneError): T {
  if (of instanceof RuneError) throw of;
  return of;
}

function registers(values: readonly [number, number, number, number] | undefined): CpuRegisters {
  const [eax, ebx, ecx, edx] = values ?? [0, 0, 0, 0];
  return { eax, ebx, ecx, edx };
}

function statOf({ files, modes, owners }: Machine, path: string): Stat | undefined {
  const mode = modes[path] ?? (path in files ? S_IFREG | 0o644 : undefined);
  if (mode === undefined) return undefined;
  const numbers = { device: 1n, inode: 1n, links: 1, gid: 0, sizeBytes: 0, modified: 0 };
  return { ...numbers, mode, uid: owners[path] ?? 0, major: 10, minor: 0 };
}
