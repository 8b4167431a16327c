// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools simulate`: becomes a program on the simulated platform, docs/protocol/simulation.md. */
import { type Front, readFront } from "../kernel/front.ts";
import type { Fd } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import type { OptionValues } from "../options/option.ts";
import { emulatorSocket } from "../platform/folders.ts";
import { startPlatform } from "../platform/start.ts";
import type * as commands from "./commands.ts";
import { callersFolders, libraryFolder } from "./platform.ts";

export function simulate(
  values: OptionValues<typeof commands.simulate.options>,
  command: readonly string[],
): Promise<never> {
  const front = readFront(linux, process.env);
  const env = [...front.environment()].map(([name, value]) => `${name}=${value}`);
  const service = values["no-service"] ? [] : serviceOptions(front);
  // The engine's runtime has marked them close-on-exec, and ignores some signals.
  for (const fd of front.openDescriptors) linux.setInherited(fd as Fd, true); // open at start
  linux.resetSignals();
  return linux.execute({
    path: `${libraryFolder()}/sgxsim`,
    argv: ["sgxsim", ...service, ...platformOptions(values), "--", ...command],
    env,
  });
}

function platformOptions(values: OptionValues<typeof commands.simulate.options>): string[] {
  return [
    ...(values.verbose ? ["--verbose"] : []),
    ...(values.fidelity ? ["--fidelity"] : []),
    ...(values.epc === undefined ? [] : ["--epc", values.epc]),
  ];
}

function serviceOptions(front: Front): readonly string[] {
  const folders = callersFolders(front);
  if (folders === undefined) return [];
  startPlatform({ kernel: linux, libDir: libraryFolder(), folders });
  return ["--service", emulatorSocket(folders)];
}
