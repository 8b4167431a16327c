// SPDX-License-Identifier: Apache-2.0
/** What a container's verbs get from the shim. */
import type { Deps } from "../container/deps.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { TaskOptions } from "./options.ts";

export type DepsInput = {
  readonly kernel: Kernel;
  readonly libDir: string;
  /** containerd's own. */
  readonly environment: ReadonlyMap<string, string>;
  readonly namespace: string;
  readonly options: TaskOptions;
  readonly warn: (message: string) => void;
  /** Of the debug level. */
  readonly step?: (message: string) => void;
};

const defaultRoot = "/run/containerd/rune";
const nodeConfig = "/etc/inclavare-containers/config.toml";

/** Where the system's bus is, if that is not where it always is. */
export const busVariable = "DBUS_SYSTEM_BUS_ADDRESS";

function busOf(environment: ReadonlyMap<string, string>): { readonly systemBus?: string } {
  const address = environment.get(busVariable);
  return address === undefined ? {} : { systemBus: address };
}

export function verbDeps(input: DepsInput): Deps {
  const { kernel, libDir, environment, namespace, options, warn } = input;
  const searchPath = environment.get("PATH") ?? "/usr/local/bin:/usr/bin:/bin";
  const root = `${options.root || defaultRoot}/${namespace}`;
  const rune = `${libDir}/../../bin/rune`;
  return {
    kernel,
    libDir,
    root,
    nodeConfig,
    stickyRoot: false,
    rootless: "false",
    searchPath: () => searchPath,
    callerVariable: (name) => environment.get(name),
    version: BUILD_VERSION,
    openDescriptors: new Set(),
    reportCommand: (verb, id) => [rune, "report-failure", verb, id],
    systemd: {
      wanted: options.systemdCgroup === true,
      user: () => false,
      environment: () => busOf(environment),
      deleteCommand: (id) => ({ argv: [rune, "--root", root, "delete", "--force", id], env: [] }),
    },
    criu: {
      program: options.criuPath || "criu",
      environment: () => [`PATH=${searchPath}`],
    },
    warn,
    ...(input.step === undefined ? {} : { step: input.step }),
  };
}
