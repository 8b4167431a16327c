// SPDX-License-Identifier: Apache-2.0
/** What `rune install` and `rune doctor` know of an engine's configuration file. */

export type EngineName = "docker" | "containerd" | "podman" | "node";

/** What an engine is told. */
export type Registration = {
  /** What the engine knows the runtime by. */
  readonly name: string;
  /** Absolute path of `rune`. */
  readonly path: string;
};

export type EngineFile = {
  readonly engine: EngineName;
  /** Below /. */
  readonly path: string;
  /** As in error messages. */
  readonly label: string;
  /** The file's text with ours. "" where there is no file. @throws RuneError ENGINE_CONFIG */
  readonly add: (text: string, registration: Registration) => string;
  /**
   * The text without ours; undefined where nothing of ours is there.
   */
  readonly remove: (text: string, name: string) => string | undefined;
  /** Whether nothing is left that anybody wrote. */
  readonly isEmpty: (text: string) => boolean;
  /** How the engine takes notice: with systemd, and without; absent where it reads the file each time. */
  readonly restart?: { readonly systemd: string; readonly otherwise: string };
};
