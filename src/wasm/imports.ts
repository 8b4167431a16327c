// SPDX-License-Identifier: Apache-2.0
/** The functions that an enclave offers a program. */
import type { Import } from "./module.ts";
import { moduleFault } from "./reader.ts";

export const WASI_MODULE = "wasi_snapshot_preview1";
export const ENCLAVE_MODULE = "inclavare:enclave";

/** WASI preview 1. */
export const wasiCalls: readonly string[] = [
  ...["args_get", "args_sizes_get", "environ_get", "environ_sizes_get"],
  ...["clock_res_get", "clock_time_get"],
  ...["fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get"],
  ...["fd_fdstat_set_flags", "fd_fdstat_set_rights", "fd_filestat_get", "fd_filestat_set_size"],
  ...["fd_filestat_set_times", "fd_pread", "fd_prestat_get", "fd_prestat_dir_name", "fd_pwrite"],
  ...["fd_read", "fd_readdir", "fd_renumber", "fd_seek", "fd_sync", "fd_tell", "fd_write"],
  ...["path_create_directory", "path_filestat_get", "path_filestat_set_times", "path_link"],
  ...["path_open", "path_readlink", "path_remove_directory", "path_rename", "path_symlink"],
  ...["path_unlink_file", "poll_oneoff", "proc_exit", "proc_raise", "sched_yield", "random_get"],
  ...["sock_accept", "sock_recv", "sock_send", "sock_shutdown"],
];

/** docs/protocol/wasm-enclave.md. */
export const enclaveCalls: readonly string[] = [
  "report",
  "quote",
  "seal",
  "unseal",
  "identity",
  "sock_connect",
];

const offered: Readonly<Record<string, readonly string[]>> = {
  [WASI_MODULE]: wasiCalls,
  [ENCLAVE_MODULE]: enclaveCalls,
};

/** @throws RuneError for an import that nobody would answer */
export function checkImports(imports: readonly Import[]): void {
  for (const { module, name } of imports) {
    if (offered[module]?.includes(name)) continue;
    const known = offered[module] !== undefined;
    throw moduleFault(
      `it imports \`${name}\` of \`${module}\`, which an enclave does not offer`,
      known
        ? "docs/protocol/wasm-enclave.md lists what there is"
        : `the modules there are: ${Object.keys(offered).join(", ")}`,
    );
  }
}

/** Whether a program makes statements about itself with reports of its own. */
export function attestsItself(imports: readonly Import[]): boolean {
  return imports.some(
    ({ module, name }) => module === ENCLAVE_MODULE && (name === "report" || name === "quote"),
  );
}
