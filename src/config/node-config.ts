// SPDX-License-Identifier: Apache-2.0
/**
 * The node's configuration, /etc/inclavare-containers/config.toml: what its administrator allows. It
 * decides what runs as root, so the file must be root's. docs/reference/node-config.md lists the keys.
 */
import { ENOENT, ENOTDIR, O_DIRECTORY, O_PATH } from "../kernel/constants.ts";
import { type Kernel, readToEnd, unlessErrno } from "../kernel/kernel.ts";
import { openRegular } from "../kernel/open-regular.ts";
import { readShimConfig, type ShimConfig } from "./shim-config.ts";
import { configFault, parseTable } from "./toml-table.ts";

export const nodeConfigPath = "/etc/inclavare-containers/config.toml";

/** Where PALs may be loaded from unless the node says otherwise. */
export const defaultPalDirs: readonly string[] = [
  "/usr/lib",
  "/usr/lib/inclavare",
  "/usr/lib/x86_64-linux-gnu",
  "/usr/local/lib",
  "/usr/local/lib/inclavare",
  "/opt/occlum/build/lib",
  "/var/run/rune",
];

export type Platform = "hardware" | "simulation";

export type NodeConfig = {
  readonly palDirs: readonly string[];
  /** Undefined: the file does not say, which means hardware. */
  readonly platform: Platform | undefined;
  /** Whether an image or pod may choose the simulated platform; undefined: where there is no SGX. */
  readonly allowSimulation: boolean | undefined;
  readonly palInitTimeoutMs: number;
  /** What containers that attest themselves, and `rune attest`, are judged with. */
  readonly attestation: AttestationConfig;
  readonly shim: ShimConfig;
  /** Keys that have no effect. */
  readonly warnings: readonly string[];
};

export type AttestationConfig = {
  /** A directory, a file, or the address of a PCS or PCCS; undefined: Intel's, or the simulation's. */
  readonly collateral: string | undefined;
  /** What comes before `/attestation/v4/report`. */
  readonly iasUrl: string | undefined;
  /** Path of a policy; undefined: any enclave on a platform that is up to date, not in debug mode. */
  readonly policy: string | undefined;
};

const maxBytes = 1 << 20;
/** A day; poll(2) takes no more than 24 of them. */
const maxTimeoutSeconds = 86_400;

/** Reads the file; without one the defaults hold. */
export function readNodeConfig(kernel: Kernel, path: string): NodeConfig {
  const fd = unlessErrno(() => openRegular(kernel, path), ENOENT, ENOTDIR);
  if (fd === undefined) return parseNodeConfig("", path);
  try {
    const { uid, mode } = kernel.fstat(fd);
    if (uid !== 0 || (mode & 0o022) !== 0) {
      throw configFault(path, "it must belong to root and be writable by root alone", {
        hint: `\`chown root ${path}\` and \`chmod go-w ${path}\`, if what it says is right`,
      });
    }
    checkParents(kernel, path, path);
    // Where symbolic links have led.
    checkParents(kernel, kernel.readlink(`/proc/self/fd/${fd}`), path);
    const bytes = readToEnd(kernel, fd, path, maxBytes);
    return parseNodeConfig(new TextDecoder().decode(bytes), path);
  } finally {
    kernel.close(fd);
  }
}

/**
 * Whoever may write a directory on the way can put another file of root's in this one's place: a
 * configuration that some other program reads, or an old one. A sticky directory keeps root's files.
 */
function checkParents(kernel: Kernel, file: string, path: string): void {
  const names = file.split("/");
  for (let length = names.length - 1; length > 0; length--) {
    const directory = names.slice(0, length).join("/") || "/";
    const fd = kernel.open(directory, O_PATH | O_DIRECTORY);
    const { uid, mode } = kernel.fstat(fd);
    kernel.close(fd);
    if (uid === 0 && ((mode & 0o022) === 0 || (mode & 0o1000) !== 0)) continue;
    throw configFault(path, `\`${directory}\` must belong to root and be writable by root alone`, {
      hint: "whoever may write there could put another file in its place; keep it below /etc",
    });
  }
}

/** @throws RuneError NODE_CONFIG that names the key */
export function parseNodeConfig(text: string, path: string): NodeConfig {
  const document = parseTable(text, path);
  const runtime = document.table("runtime");
  const attestation = document.table("attestation");
  const config = {
    attestation: {
      collateral: attestation.string("collateral"),
      iasUrl: attestation.string("ias_url"),
      policy: attestation.string("policy"),
    },
    palDirs: runtime.strings("pal_dirs") ?? defaultPalDirs,
    platform: runtime.choice("platform", ["hardware", "simulation"]),
    allowSimulation: runtime.boolean("allow_simulation"),
    palInitTimeoutMs: 1000 * (runtime.number("pal_init_timeout", maxTimeoutSeconds) ?? 120),
    shim: readShimConfig(document),
  };
  const relative = config.palDirs.find((dir) => !dir.startsWith("/"));
  if (relative !== undefined) throw runtime.fault("pal_dirs", `\`${relative}\` is not absolute`);
  const { policy } = config.attestation;
  if (policy !== undefined && !policy.startsWith("/"))
    throw attestation.fault("policy", `\`${policy}\` is not absolute`);
  const epm = document.known("epm") ? ["`[epm]` has no effect: there is no enclave pool"] : [];
  return { ...config, warnings: [...epm, ...document.unknown()] };
}
