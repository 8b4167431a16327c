// SPDX-License-Identifier: Apache-2.0
/** Which carrier a container asks for, with RUNE_CARRIER in its environment. */
import { RuneError } from "../../errors/error.ts";
import type { Carrier } from "./carrier.ts";

const names = ["occlum", "gramine", "graphene", "skeleton", "wasm"] as const;

/**
 * Undefined for a pause container, an ordinary one, and the empty carrier: nothing is built.
 * @throws RuneError ENCLAVE_CONFIG for a name that is none
 */
export async function chooseCarrier(
  environment: ReadonlyMap<string, string>,
): Promise<Carrier | undefined> {
  const asked = environment.get("RUNE_CARRIER") ?? "";
  if (asked === "") return undefined;
  const name = names.find((known) => known === asked);
  switch (name) {
    case "occlum":
      return (await import("./occlum.ts")).occlum;
    case "gramine":
    case "graphene":
      return (await import("./gramine.ts")).gramine;
    case "skeleton":
      return (await import("./skeleton.ts")).skeleton;
    case "wasm":
      return (await import("./wasm.ts")).wasm;
    case undefined:
      throw new RuneError({
        code: "ENCLAVE_CONFIG",
        doing: "choose a carrier",
        reason: `unknown carrier \`${asked}\``,
        hint: `RUNE_CARRIER may be ${names.join(", ")} or empty`,
      });
    default:
      return name satisfies never;
  }
}

/** The process's variables; of a name that comes twice the last counts, as for execve's callers. */
export function environmentOf(env: readonly string[] = []): ReadonlyMap<string, string> {
  return new Map(
    env.flatMap((entry) => {
      const at = entry.indexOf("=");
      return at <= 0 ? [] : [[entry.slice(0, at), entry.slice(at + 1)] as const];
    }),
  );
}

/** `env` with the variables that it lacks. */
export function withVariables(
  env: readonly string[] = [],
  variables: Readonly<Record<string, string>>,
): string[] {
  const present = environmentOf(env);
  const missing = Object.entries(variables).filter(([name]) => !present.has(name));
  return [...env, ...missing.map(([name, value]) => `${name}=${value}`)];
}
