// SPDX-License-Identifier: Apache-2.0
/** A bundle's configuration: read, parsed, and checked against what this version can do. */
import { RuneError } from "../errors/error.ts";
import { ENOENT, ENOTDIR, O_NONBLOCK, S_IFDIR, S_IFMT } from "../kernel/constants.ts";
import { type Kernel, readFile, unlessErrno } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { maximumConfigSizeBytes, parseConfig } from "../oci/parse-config.ts";
import { checkNamespaces, isSeparate } from "../plan/namespaces.ts";
import { checkSysctl } from "../plan/sysctl.ts";
import { absolute } from "./path.ts";

export type Bundle = {
  /** Absolute. */
  readonly path: string;
  /** Absolute path of the root file system. */
  readonly rootfs: string;
  readonly config: Config;
};

/** Reads a bundle; a relative path is relative to the current directory. */
export function readBundle(kernel: Kernel, bundle: string): Bundle {
  const path = absolute(kernel, bundle);
  const config = readConfig(kernel, path);
  const rootfs = config.root.path.startsWith("/")
    ? config.root.path
    : `${path}/${config.root.path}`;
  const found = unlessErrno(() => kernel.stat(rootfs), ENOENT, ENOTDIR);
  if (found === undefined || (found.mode & S_IFMT) !== S_IFDIR) {
    throw new RuneError({
      code: "CONFIG_INVALID",
      doing: `open the root file system \`${rootfs}\``,
      reason: found === undefined ? "no such directory" : "not a directory",
      hint: "`root.path` of config.json names it; a relative one is below the bundle",
    });
  }
  return { path, rootfs, config };
}

export function readConfig(kernel: Kernel, bundle: string): Config {
  const file = `${bundle}/config.json`;
  const bytes = unlessErrno(
    // A fifo in the bundle would keep whoever reads it waiting.
    () => readFile(kernel, file, maximumConfigSizeBytes, O_NONBLOCK),
    ENOENT,
    ENOTDIR,
  );
  if (bytes === undefined) {
    throw new RuneError({
      code: "CONFIG_NOT_FOUND",
      doing: `read \`${file}\``,
      reason: "no such file",
      hint: "name the bundle with --bundle, or make a configuration with `rune spec`",
    });
  }
  return parseConfig(bytes, file);
}

/** Refuses what does not fit together: nothing a configuration says is ignored. */
export function checkSupported(config: Config): void {
  checkNamespaces(config);
  checkSysctl(config);
  for (const [name, value] of [
    ["hostname", config.hostname],
    ["domainname", config.domainname],
  ] as const) {
    if (value === undefined || value === "" || isSeparate(config, "uts")) continue;
    const reason = "the container has no uts namespace of its own";
    throw new RuneError({ code: "CONFIG_INVALID", doing: `config \`${name}\``, reason });
  }
}
