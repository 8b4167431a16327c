// SPDX-License-Identifier: Apache-2.0
/**
 * Verbs that may take long, in a process of their own: hooks, which may ask containerd and so this very
 * server about something, and what an enclave runtime does before its container is made. All others take
 * milliseconds and are done in the server. So is what criu does with a container's memory.
 */
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { decode, encode } from "../protobuf/codec.ts";
import type { Init } from "../protobuf/schema.ts";
import { Act, ActResult } from "./proto/act.gen.ts";
import type { ServerInput } from "./server.ts";
import { busVariable } from "./verb-deps.ts";

/** 3 to 5 are the container's standard streams, 6 is where its terminal goes. */
export const firstPassed = 3;

export function mayTakeLong({ hooks = {}, process, annotations = {}, linux }: Config): boolean {
  return (
    Object.values(hooks).some((list) => list.length > 0) ||
    (process.env ?? []).some((entry) => /^(ENCLAVE_|RUNE_CARRIER=.)/.test(entry)) ||
    Object.keys(annotations).some((name) => name.startsWith("enclave.")) ||
    linux?.seccomp?.listenerPath !== undefined
  );
}

/** What verbs look for in containerd's environment: programs of the host, and the simulated platform. */
const names = ["PATH", "USER", "HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"];
const ofTheHost = [busVariable];
const ofThePlatform = ["INCLAVARE_PLATFORM", "INCLAVARE_PLATFORM_STATE"];

function kept(environment: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    [...names, ...ofTheHost, ...ofThePlatform].flatMap((name) => {
      const value = environment.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * Starts the shim once more, for this one verb. When the signal says that nobody waits for it any more, it is
 * ended, and its monitor ends what it had started.
 */
export async function actAside(
  { libDir, environment }: Pick<ServerInput, "libDir" | "environment">,
  request: Init<Act>,
  descriptors: readonly Fd[],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const act = { ...request, descriptors: descriptors.length };
  const child = Bun.spawn(
    [`${libDir}/../../bin/containerd-shim-rune-v2`, "-namespace", act.namespace ?? "", "act"],
    {
      stdio: [encode(Act, act), "pipe", "ignore", ...descriptors],
      cwd: "/",
      env: kept(environment),
      signal,
      killSignal: "SIGKILL",
    },
  );
  const answer = await new Response(child.stdout).bytes();
  const status = await child.exited;
  signal.throwIfAborted();
  const doing = `${act.verb} \`${act.id}\``;
  if (status !== 0) {
    throw new RuneError({ code: "RUNELET", doing, reason: `its process ended with ${status}` });
  }
  const { code, doing: failed, reason, hint } = decode(ActResult, answer);
  if (code === "") return;
  // Written by this program, whose codes these are.
  const known = code as RuneError["code"];
  throw new RuneError({ code: known, doing: failed, reason, ...(hint === "" ? {} : { hint }) });
}
