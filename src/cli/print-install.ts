// SPDX-License-Identifier: Apache-2.0
/** `rune install` and `rune uninstall`: what they print of what they do. */
import { engineFiles } from "../engines/all.ts";
import { type ConfigFiles, configFiles } from "../engines/config-files.ts";
import type { EngineFile } from "../engines/engine.ts";
import { type Installed, install as installEngines } from "../engines/install.ts";
import { type Uninstalled, uninstall as uninstallEngines } from "../engines/uninstall.ts";
import { escapeControls, RuneError } from "../errors/error.ts";
import { EACCES, ENOENT, ENOTDIR, EPERM, EROFS, O_PATH } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";
import { configRootOf } from "./config-root.ts";
import type { EngineOption, InstallCommand } from "./verbs/install.ts";
import type { UninstallCommand } from "./verbs/uninstall.ts";

const runtimeName = "rune";

export type InstallContext = {
  readonly kernel: Kernel;
  readonly print: (text: string) => void;
  readonly libDir: string;
};

export function install(command: InstallCommand, context: InstallContext): void {
  const place = placeOf(command, context);
  const path = command.binary ?? (place.root === "" ? ownBinary(context) : "/usr/bin/rune");
  const done = explained("install", () =>
    installEngines({
      files: place.files,
      engines: command.engines.map(fileOf),
      registration: { name: runtimeName, path },
      dryRun: command.dryRun,
    }),
  );
  for (const one of done) context.print(installed(one, command.dryRun, place));
}

export function uninstall(command: UninstallCommand, context: InstallContext): void {
  const place = placeOf(command, context);
  const { files } = place;
  const { dryRun } = command;
  const engines = command.engines.map(fileOf);
  const done = explained("uninstall", () => uninstallEngines({ files, engines, dryRun }));
  for (const one of done) context.print(uninstalled(one, dryRun, place));
}

type Place = {
  readonly root: string;
  readonly files: ConfigFiles;
  /** Whether systemd is what starts engines here. */
  readonly systemd: boolean;
};

function placeOf(
  { configRoot }: { readonly configRoot?: string },
  { kernel }: InstallContext,
): Place {
  const root = configRootOf(kernel, configRoot);
  const booted = unlessErrno(() => kernel.stat("/run/systemd/system"), ENOENT, ENOTDIR);
  // What will start an image's engines is not known here; most have systemd.
  const systemd = root !== "" || booted !== undefined;
  return { root, files: configFiles(kernel, root), systemd };
}

/** Beside lib/inclavare, as the front that started this engine; without the `..` of the way there. */
function ownBinary({ kernel, libDir }: InstallContext): string {
  const fd = kernel.open(`${libDir}/../../bin/rune`, O_PATH);
  try {
    return kernel.readlink(`/proc/self/fd/${fd}`);
  } finally {
    kernel.close(fd);
  }
}

function fileOf(option: EngineOption): EngineFile {
  return engineFiles[option === "simulation" ? "node" : option];
}

function installed({ engine, diff, backup }: Installed, dryRun: boolean, place: Place): string {
  const path = `${place.root}${engine.path}`;
  if (diff === "") return `${engine.label}: \`${path}\` has it already; nothing is changed\n`;
  const copy =
    backup === undefined ? "" : `; what was there before is in \`${place.root}${backup}\``;
  const verb = dryRun ? "would write" : "wrote";
  return `${shown(diff)}${engine.label}: ${verb} \`${path}\`${copy}\n${notice(engine, place)}${check(engine)}`;
}

function uninstalled(one: Uninstalled, dryRun: boolean, place: Place): string {
  const { engine, outcome, diff, backup } = one;
  const path = `${place.root}${engine.path}`;
  const would = dryRun ? "would be " : "is ";
  const said = {
    absent: `nothing that \`rune install\` wrote is in \`${path}\``,
    restored: `\`${path}\` ${would}as it was before \`rune install\``,
    edited: `\`${path}\` has been changed since \`rune install\`: only rune's part ${would}taken out`,
  };
  const copy =
    backup === undefined ? "" : `; what was there before stays in \`${place.root}${backup}\``;
  const now = outcome === "absent" ? "" : notice(engine, place);
  return `${shown(diff)}${engine.label}: ${said[outcome]}${copy}\n${now}`;
}

/**
 * Attack: a comment in an image's file drives the terminal. Tabs, and the line ends of other systems, stay.
 * @internal
 */
export function shown(diff: string): string {
  return diff.replaceAll(/[^\t\r\n]+/g, escapeControls);
}

function notice({ restart }: EngineFile, { systemd }: Place): string {
  return restart === undefined ? "" : `now: ${systemd ? restart.systemd : restart.otherwise}\n`;
}

function check({ engine }: EngineFile): string {
  const topics = { docker: "docker", containerd: "kubernetes", podman: "podman", node: "sgx" };
  return `then: rune doctor ${topics[engine]}\n`;
}

function explained<T>(verb: string, attempt: () => T): T {
  try {
    return attempt();
  } catch (thrown) {
    const error = RuneError.from(thrown, verb).within(verb);
    const { code, doing, reason, errno } = error;
    if (errno === undefined || ![EACCES, EPERM, EROFS].includes(errno)) throw error;
    const hint =
      "engines' configuration is root's: run it as root, on a file system that can be written";
    throw new RuneError({ code, doing, reason, hint, errno, cause: thrown });
  }
}
