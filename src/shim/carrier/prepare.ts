// SPDX-License-Identifier: Apache-2.0
/** A task's enclave, where its container asks for one to be made: what `Create` calls. */
import { readNodeConfig } from "../../config/node-config.ts";
import { logLevels } from "../../config/shim-config.ts";
import { readBundle } from "../../container/bundle.ts";
import { RuneError } from "../../errors/error.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Mount } from "../../oci/config.ts";
import { Builds } from "./build.ts";
import { chooseCarrier, environmentOf, withVariables } from "./choose.ts";

export type PrepareInput = {
  readonly kernel: Kernel;
  readonly nodeConfig: string;
  readonly libDir: string;
  /** Its root file system is mounted. */
  readonly bundle: string;
  readonly signal: AbortSignal;
  readonly log: (level: "info" | "warning", message: string) => void;
};

/** By the part of the configuration that they are made for: one of a kind in the whole server. */
const builds = new Map<string, Builds>();

/** The variables that the container's process gets, or undefined where it keeps its own. */
export async function prepareEnclave(input: PrepareInput): Promise<readonly string[] | undefined> {
  const { kernel, bundle, libDir, signal } = input;
  const { config, rootfs } = readBundle(kernel, bundle);
  const { args = [], env, cwd } = config.process;
  const environment = environmentOf(env);
  const carrier = await chooseCarrier(environment);
  if (carrier === undefined) return undefined;
  requireVisible(cwd, config.mounts ?? []);
  const { shim, warnings } = readNodeConfig(kernel, input.nodeConfig);
  const warn = (message: string) => input.log("warning", message);
  for (const warning of warnings) warn(warning);
  if (shim.signatureMethod === "client") return undefined;
  const isVerbose = logLevels.indexOf(shim.logLevel) <= logLevels.indexOf("info");
  const log = (message: string) => {
    if (isVerbose) input.log("info", message);
  };
  const own = JSON.stringify(shim.carrier);
  const found = builds.get(own) ?? new Builds(shim.carrier);
  builds.set(own, found);
  const job = { rootfs, cwd, args, environment, libDir, config: shim, log, warn, signal };
  return withVariables(env, await found.run(carrier, job));
}

/** What is mounted there or above it would hide the enclave from its PAL. */
function requireVisible(cwd: string, mounts: readonly Mount[]): void {
  const inside = `${cwd.replace(/\/+$/, "")}/`;
  const hides = ({ destination }: Mount) => {
    const path = destination.replace(/\/+$/, "");
    return path !== "" && inside.startsWith(`${path}/`);
  };
  const found = mounts.find(hides);
  if (found === undefined) return;
  throw new RuneError({
    code: "ENCLAVE_CONFIG",
    doing: `put an enclave into the working directory \`${cwd}\``,
    reason: `\`${found.destination}\` is mounted over it`,
    hint: "choose another working directory; `ctr` mounts a tmpfs on /run, CRI does not",
  });
}
