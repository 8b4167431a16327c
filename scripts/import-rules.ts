// SPDX-License-Identifier: Apache-2.0
/**
 * Which folder of `src/` may import which: the design's table of rooms as data. A folder may always
 * import itself; `errors` is open to all, because every folder reports errors.
 */
export const importRules: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  oci: [],
  seccomp: ["oci", "kernel"],
  options: [],
  record: [],
  progress: [],
  kernel: [],
  config: ["kernel"],
  netlink: ["kernel"],
  plan: ["record", "oci", "kernel"],
  dbus: ["kernel"],
  cgroups: ["oci", "kernel", "dbus"],
  rdt: ["oci", "kernel"],
  criu: ["kernel", "oci", "plan"],
  enclave: ["record", "oci", "kernel", "config"],
  container: [
    "record",
    "seccomp",
    "netlink",
    "plan",
    "cgroups",
    "rdt",
    "enclave",
    "criu",
    "oci",
    "kernel",
    "config",
    "platform",
    // Of a container that attests itself, behind import().
    "sgx",
    "attest",
    "aesm",
  ],
  planner: ["record", "kernel"],
  engines: ["kernel", "config"],
  doctor: ["engines", "cgroups", "enclave", "kernel", "config", "sgx", "attest", "aesm"],
  cli: [
    "container",
    "enclave",
    "options",
    "oci",
    "kernel",
    "config",
    "planner",
    "sgx",
    "attest",
    "aesm",
    "platform",
    "engines",
    "doctor",
  ],
  sgx: [],
  attest: ["sgx"],
  aesm: ["sgx"],
  wasm: ["sgx"],
  platform: ["sgx", "attest", "aesm", "kernel"],
  protobuf: [],
  ttrpc: ["protobuf"],
  shim: [
    "container",
    "cgroups",
    "enclave",
    "record",
    "protobuf",
    "ttrpc",
    "signature",
    "sgx",
    "wasm",
    "oci",
    "kernel",
    "config",
  ],
  signature: ["sgx", "options"],
  "sgx-tools": ["attest", "aesm", "sgx", "options", "kernel", "platform", "wasm", "progress"],
};

/** The folder of `src/` a repository path lies in; undefined for `src/main.ts` and what is outside. */
export function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\/.+/.exec(path)?.[1];
}

/** Why `from` may not import `to` (both repository paths), or undefined where it may. */
export function importFault(from: string, to: string): string | undefined {
  const importer = roomOf(from);
  const imported = roomOf(to);
  if (importer === undefined || imported === undefined || importer === imported) return undefined;
  const allowed = importRules[importer];
  if (allowed === undefined) return `${from}: folder \`${importer}\` is not in the import rules`;
  if (imported === "errors" || allowed.includes(imported)) return undefined;
  return `${from}: \`${importer}\` may not import \`${imported}\` (${to})`;
}
