// SPDX-License-Identifier: Apache-2.0
/** Where container state lives when `--root` does not say. */

export type Caller = {
  /** The caller's own environment, not the one the front leaves to the engine. */
  readonly variable: (name: "XDG_RUNTIME_DIR" | "USER") => string | undefined;
  readonly effectiveUid: number;
  /** Whether /proc/self/uid_map maps less than everything; asked only when it matters. */
  readonly inUserNamespace: () => boolean;
};

export type StateRoot = {
  readonly path: string;
  /**
   * The directory lies in the user's runtime directory, whose cleaners (systemd-tmpfiles) spare only
   * files with the sticky bit: create it with mode 0o1700.
   */
  readonly sticky: boolean;
};

/** runc's rule: XDG_RUNTIME_DIR is for callers who are not the host's root. */
export function stateRoot(given: string | undefined, caller: Caller): StateRoot {
  if (given !== undefined && given !== "") return { path: given, sticky: false };
  const directory = caller.variable("XDG_RUNTIME_DIR");
  if (directory === undefined || directory === "" || !honoursRuntimeDirectory(caller)) {
    return { path: "/run/rune", sticky: false };
  }
  return { path: `${directory}/rune`, sticky: true };
}

/** Root of a user namespace is an ordinary user, unless it plays the host's root (USER=root). */
function honoursRuntimeDirectory({ variable, effectiveUid, inUserNamespace }: Caller): boolean {
  if (effectiveUid !== 0) return true;
  return variable("USER") !== "root" && inUserNamespace();
}
