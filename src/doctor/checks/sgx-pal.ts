// SPDX-License-Identifier: Apache-2.0
/** Enclave runtimes: their place, their owner and their symbols; none is loaded. */
import { RuneError } from "../../errors/error.ts";
import { broken, type Check, type Finding, missing, ok } from "../check.ts";
import { exportedSymbols } from "../elf-symbols.ts";
import type { Probe } from "../probe.ts";

/** docs/protocol/pal-api.md: what every version needs, and version 2 and 3 beside. */
const always = ["pal_init", "pal_exec", "pal_destroy"];
const sinceTwo = ["pal_create_process"];

export const sgxPal: Check = {
  topic: "sgx",
  name: "pal",
  about:
    "enclave runtimes (`liberpal-*.so` in the node's pal_dirs, those that its configuration names, or --pal): path, owner, ELF class and symbols, without loading them",
  look: (probe, settings) => {
    const { palDirs, shim } = probe.nodeConfig();
    const configured = [shim.occlum.runtimePath, shim.gramine.runtimePath].filter(isGiven);
    const found = [...new Set([...installed(probe, palDirs), ...configured])];
    // The configuration comes with the paths of enclave runtimes that not every node has.
    const absent = found.filter((path) => probe.stat(path) === undefined);
    const paths =
      settings.pal === undefined ? found.filter((path) => !absent.includes(path)) : [settings.pal];
    const note =
      absent.length === 0
        ? ""
        : `; configured, not installed: ${absent.map((path) => `\`${path}\``).join(", ")}`;
    if (paths.length === 0) {
      return missing(
        `no \`liberpal-*.so\` in ${palDirs.join(", ")}${note}`,
        `install -m 755 ${settings.libDir}/liberpal-skeleton-v3.so /usr/lib/, or install an enclave runtime`,
      );
    }
    const faults = paths.flatMap((path) => fault(probe, path, palDirs) ?? []);
    return (
      faults[0] ??
      ok(
        `${paths.map((path) => `\`${path}\``).join(", ")}${settings.pal === undefined ? note : ""}`,
      )
    );
  },
};

function isGiven(path: string | undefined): path is string {
  return path !== undefined;
}

function installed(probe: Probe, palDirs: readonly string[]): string[] {
  return palDirs.flatMap((directory) =>
    (probe.list(directory) ?? [])
      .filter((name) => /^liberpal-.*\.so$/.test(name))
      .map((name) => `${directory}/${name}`),
  );
}

function fault(probe: Probe, path: string, palDirs: readonly string[]): Finding | undefined {
  try {
    const symbols = exportedSymbols(probe.pal(path, palDirs), path);
    const wanted = symbols.has("pal_get_version") ? [...always, ...sinceTwo] : always;
    const absent = wanted.filter((name) => !symbols.has(name));
    if (absent.length === 0) return undefined;
    return broken(
      `\`${path}\` does not export ${absent.map((name) => `\`${name}\``).join(", ")}`,
      `build it with these symbols visible: nm -D ${path} shows which are; docs/protocol/pal-api.md says what they are`,
    );
  } catch (error) {
    const { code, message, hint } = RuneError.from(error, `look at \`${path}\``);
    return broken(
      message,
      hint ?? (code === "PAL_PATH" ? ownership(path) : "build it for x86-64, as a shared object"),
    );
  }
}

function ownership(path: string): string {
  return `install -o root -g root -m 755 FILE ${path}, below directories that only root may write`;
}
