// SPDX-License-Identifier: Apache-2.0
/** What every verb gets from whoever calls it, the CLI or the shim. */
import type { ManagerChoice } from "../cgroups/unit.ts";
import type { Kernel, Program } from "../kernel/kernel.ts";
import { trackDescriptors } from "../kernel/tracked.ts";

export type Deps = {
  readonly kernel: Kernel;
  /** Directory of runelet and its companions. */
  readonly libDir: string;
  /** Directory of the containers, such as /run/rune. */
  readonly root: string;
  /** Path of the node's configuration. */
  readonly nodeConfig: string;
  /** The root is in the user's runtime directory, whose cleaners spare what has the sticky bit. */
  readonly stickyRoot: boolean;
  /** `--rootless`: whether cgroups that cannot be made are done without; `auto` is for all but root. */
  readonly rootless: "true" | "false" | "auto";
  /** The caller's PATH, for programs of the host. */
  readonly searchPath: () => string;
  /** One of the caller's variables; undefined where it is not set. */
  readonly callerVariable: (name: string) => string | undefined;
  /** "0.1.0", written into state files. */
  readonly version: string;
  /** The caller's descriptors from 3 on; a container may inherit nothing else. */
  readonly openDescriptors: ReadonlySet<number>;
  /**
   * The command that logs why a program could not be started, or a warning about a hook, for a
   * monitor: the failure's code, errno, doing and reason are added to it.
   */
  readonly reportCommand: (verb: "run" | "exec" | "hook", id: string) => readonly string[];
  /** `--systemd-cgroup`, and which systemd that is. */
  readonly systemd: {
    readonly wanted: boolean;
    /** True for a caller without root: the user's manager. */
    readonly user: () => boolean;
    readonly environment: () => ManagerChoice["environment"];
    /** What a monitor deletes a container with, for it cannot talk to systemd itself. */
    readonly deleteCommand: (id: string) => Omit<Program, "path">;
  };
  /** For checkpoint and restore. */
  readonly criu: {
    /** `--criu`: a path, or a name to look for in {@link Deps.searchPath}. */
    readonly program: string;
    /** The caller's: criu finds its own programs, and its settings, there. */
    readonly environment: () => readonly string[];
  };
  /** systemd's socket for a service that says when it is ready: $NOTIFY_SOCKET. */
  readonly notifySocket?: string;
  /** Told of every step; absent where nobody wants to know, so that the words cost nothing. */
  readonly step?: (message: string) => void;
  /** Reports what is odd but no failure. */
  readonly warn: (message: string) => void;
};

/** Runs a verb; what it has opened and not closed is closed when it fails. */
export async function closingOnFailure(
  deps: Deps,
  verb: (deps: Deps) => Promise<void>,
): Promise<void> {
  const { kernel, closeAll } = trackDescriptors(deps.kernel);
  try {
    await verb({ ...deps, kernel });
  } catch (error) {
    closeAll();
    throw error;
  }
}
