// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools simulate`: becomes a program on the simulated platform, docs/protocol/simulation.md. */
import { readFront } from "../kernel/front.ts";
import type { Fd } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";

export function simulate(verbose: boolean, command: readonly string[]): Promise<never> {
  const front = readFront(linux, process.env);
  const env = [...front.environment()].map(([name, value]) => `${name}=${value}`);
  // The engine's runtime has marked them close-on-exec, and ignores some signals.
  for (const fd of front.openDescriptors) linux.setInherited(fd as Fd, true); // open at start
  linux.resetSignals();
  const directory = process.execPath.slice(0, process.execPath.lastIndexOf("/"));
  return linux.execute({
    path: `${directory}/sgxsim`,
    argv: ["sgxsim", ...(verbose ? ["--verbose"] : []), "--", ...command],
    env,
  });
}
