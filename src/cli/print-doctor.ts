// SPDX-License-Identifier: Apache-2.0
/** `rune doctor`: settings from the command line, and what is printed. */
import { isatty } from "node:tty";
import { DEFAULT_SOCKET } from "../aesm/exchange.ts";
import type { Deps } from "../container/deps.ts";
import { absolute } from "../container/path.ts";
import type { Settings } from "../doctor/check.ts";
import { hostProbe } from "../doctor/host-probe.ts";
import { examine } from "../doctor/report.ts";
import { reportJson, reportText } from "../doctor/report-text.ts";
import type { Fd } from "../kernel/kernel.ts";
import { emulatorSocket, platformFolders } from "../platform/folders.ts";
import { usesRootsPlaces } from "../platform/start.ts";
import { configRootOf } from "./config-root.ts";
import type { DoctorCommand } from "./verbs/doctor.ts";

/** What scripts tell apart: docs/reference/doctor.md. */
const exitCodes = { ok: 0, missing: 1, broken: 1 } as const;

export type DoctorSession = {
  readonly deps: Deps;
  readonly environment: () => ReadonlyMap<string, string>;
  readonly print: (text: string) => void;
  readonly stdout: Fd;
};

/** Returns the exit status. */
export async function doctor(command: DoctorCommand, session: DoctorSession): Promise<number> {
  const { deps, print } = session;
  const environment = session.environment();
  const configRoot = configRootOf(deps.kernel, command.configRoot);
  const probe = hostProbe({
    kernel: deps.kernel,
    environment: new Map([["PATH", deps.searchPath()], ...environment]),
    nodeConfig: `${configRoot}${deps.nodeConfig}`,
  });
  if (command.network) {
    const { collateral } = probe.nodeConfig().attestation;
    if (collateral !== undefined) deps.warn(`asks \`${collateral}\` over the network`);
  }
  const report = await examine(probe, settingsOf(command, deps, configRoot), command.topic);
  const inColour = isatty(session.stdout) && (environment.get("NO_COLOR") ?? "") === "";
  print(command.json ? reportJson(report, deps.version) : reportText(report, inColour));
  return exitCodes[report.status];
}

function settingsOf(command: DoctorCommand, deps: Deps, configRoot: string): Settings {
  const { kernel } = deps;
  const path = (given: string | undefined) =>
    given === undefined ? undefined : absolute(kernel, given);
  return {
    configRoot,
    network: command.network,
    platformSocket: platformSocket(deps),
    pal: path(command.pal),
    enclave: path(command.enclave),
    signature: path(command.signature),
    aesmSocket: command.aesmSocket ?? DEFAULT_SOCKET,
    criu: deps.criu.program,
    stateRoot: deps.root,
    libDir: deps.libDir,
  };
}

function platformSocket({ kernel, callerVariable }: Deps): string | undefined {
  const isRoot = usesRootsPlaces(kernel, callerVariable);
  const folders = platformFolders({ isRoot, variable: callerVariable });
  return folders === undefined ? undefined : emulatorSocket(folders);
}
