// SPDX-License-Identifier: Apache-2.0
/** One test's surroundings: a bundle, a state directory, container ids; and proof that all went. */
import { chmodSync, existsSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  type Bundle,
  configWith,
  type Json,
  type JsonObject,
  makeBundle,
  writeConfig,
} from "./bundle.ts";
import {
  type CommandOptions,
  type CommandResult,
  command,
  eventually,
  Running,
} from "./command.ts";
import { leftovers } from "./leftovers.ts";
import { plannerVariables } from "./planner.ts";
import { endPlatform, platformVariables } from "./platform.ts";
import { removeTree } from "./remove.ts";
import { callOf, type RuntimeName, runtimeName } from "./runtime.ts";

export type StateDocument = {
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** What all calls of a sandbox have in common. */
export type Surroundings = {
  readonly flags?: readonly string[];
  /** The whole environment; the test's own where absent. */
  readonly env?: Readonly<Record<string, string>>;
};

export class Sandbox {
  /** A new directory; its name is in all that the test makes. */
  readonly path: string;
  readonly mark: string;
  readonly bundle: Bundle;
  readonly runtime: RuntimeName;
  /** Global options of every call. */
  flags: readonly string[];
  readonly #env: Readonly<Record<string, string>> | undefined;
  #containers = 0;
  #failed = false;

  constructor(runtime: RuntimeName = runtimeName, { flags = [], env }: Surroundings = {}) {
    this.path = mkdtempSync(join(tmpdir(), "rune-test-"));
    chmodSync(this.path, 0o755); // users of containers pass through it
    this.mark = basename(this.path);
    this.runtime = runtime;
    this.flags = flags;
    this.#env = env;
    this.bundle = makeBundle(join(this.path, "bundle"));
  }

  /** Another container id. */
  id(): string {
    return `${this.mark}-${this.#containers++}`;
  }

  /** Writes config.json: the default one with changes. */
  configure(...changes: JsonObject[]): void {
    writeConfig(this.bundle, configWith(...changes));
  }

  /** Writes config.json as it is given. */
  configureExactly(config: Json | string): void {
    writeConfig(this.bundle, config);
  }

  get stateRoot(): string {
    return join(this.path, `state-${this.runtime}`);
  }

  argv(...words: readonly string[]): string[] {
    return [...callOf(this.runtime), "--root", this.stateRoot, ...this.flags, ...words];
  }

  /** Calls the runtime, in the bundle's directory. */
  call(words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return command(this.argv(...words), { ...this.#defaults(), ...options });
  }

  /** Where the simulated platform's service has its folders, if anything starts it. */
  protected get platformFolder(): string {
    return this.path;
  }

  #defaults(): CommandOptions {
    const base =
      this.#env === undefined ? ownEnvironment() : { ...this.#env, ...plannerVariables() };
    const env = { ...base, ...platformVariables(this.platformFolder) };
    return { cwd: this.bundle.path, env };
  }

  /** As {@link call}; any failure is the test's. */
  async must(words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const result = await this.call(words, options);
    if (result.status === 0) return result;
    throw new Error(`${words.join(" ")}: status ${result.status}: ${result.stderr}`);
  }

  /** Starts a call and does not wait for it. */
  begin(words: readonly string[], options: CommandOptions = {}): Running {
    return new Running(this.argv(...words), { ...this.#defaults(), ...options });
  }

  /** Runs a container with these changes to its end. */
  run(...changes: JsonObject[]): Promise<CommandResult> {
    this.configure(...changes);
    return this.call(["run", this.id()]);
  }

  /** What the container wrote to its standard output; it must succeed. */
  async output(...changes: JsonObject[]): Promise<string> {
    this.configure(...changes);
    const { stdout, stderr } = await this.must(["run", this.id()]);
    if (stderr !== "") throw new Error(`unexpected on standard error: ${stderr}`);
    return stdout.trimEnd();
  }

  /** Starts a container that stays; returns its id. */
  async started(...changes: JsonObject[]): Promise<string> {
    const id = this.id();
    this.configure({ process: { args: ["/bin/sleep", "1000"] } }, ...changes);
    await this.must(["run", "--detach", id]);
    return id;
  }

  /** Creates a container; returns its id. */
  async created(...changes: JsonObject[]): Promise<string> {
    const id = this.id();
    this.configure({ process: { args: ["/bin/sleep", "1000"] } }, ...changes);
    await this.must(["create", id]);
    return id;
  }

  async state(id: string): Promise<StateDocument> {
    return JSON.parse((await this.must(["state", id])).stdout);
  }

  /** Waits until the container has this status; it may not exist yet. */
  async reaches(id: string, status: string): Promise<StateDocument> {
    return await eventually(`container is ${status}`, async () => {
      const found = await this.call(["state", id]);
      if (found.status !== 0) return undefined;
      const state: StateDocument = JSON.parse(found.stdout);
      return state.status === status && state;
    });
  }

  /** Ids in the state directory. */
  containers(): string[] {
    if (!existsSync(this.stateRoot)) return [];
    // What rune counts in files beside them (docs/reference/metrics.md) is no container's.
    const counts = [":tally", ":events", ":events.old"];
    return readdirSync(this.stateRoot).filter((name) => !counts.includes(name));
  }

  /** Fails when anything of the sandbox's containers is left. */
  async expectNothingLeft(): Promise<void> {
    await endPlatform(this.platformFolder);
    const found = () => [...this.containers(), ...leftovers(this.mark)];
    try {
      await eventually("nothing is left", () => found().length === 0);
    } catch {
      this.#failed = true;
      throw new Error(`left behind:\n${found().join("\n")}`);
    }
  }

  /** Ends what the test still has, then proves that all of it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const id of this.containers()) await this.call(["delete", "--force", id]);
      // Said once: a second failure would hide the first.
      if (!this.#failed) await this.expectNothingLeft();
    } finally {
      removeTree(this.path);
    }
  }
}

function ownEnvironment(): Record<string, string> {
  const set = Object.entries(process.env).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined;
  });
  return Object.fromEntries(set);
}
