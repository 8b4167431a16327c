// SPDX-License-Identifier: Apache-2.0
/** rune's whole command line: words in, a typed command out. Nothing is done here. */
import type { CommandSpec, ProgramSpec } from "../options/option.ts";
import { parseCommand, usageError } from "../options/parse.ts";
import { type GlobalOptions, programCommand, toGlobalOptions } from "./global.ts";
import { type AttestCommand, attestCommand, parseAttest } from "./verbs/attest.ts";
import { type CheckpointCommand, checkpointCommand, parseCheckpoint } from "./verbs/checkpoint.ts";
import { type CompletionCommand, completionCommand, parseCompletion } from "./verbs/completion.ts";
import { type CreateCommand, createCommand, parseCreate } from "./verbs/create.ts";
import { type DeleteCommand, deleteCommand, parseDelete } from "./verbs/delete.ts";
import { type DoctorCommand, doctorCommand, parseDoctor } from "./verbs/doctor.ts";
import { type EventsCommand, eventsCommand, parseEvents } from "./verbs/events.ts";
import { type ExecCommand, execCommand, parseExec } from "./verbs/exec.ts";
import { type FeaturesCommand, featuresCommand, parseFeatures } from "./verbs/features.ts";
import { type InstallCommand, installCommand, parseInstall } from "./verbs/install.ts";
import { type KillCommand, killCommand, parseKill } from "./verbs/kill.ts";
import { type ListCommand, listCommand, parseList } from "./verbs/list.ts";
import { type MetricsCommand, metricsCommand, parseMetrics } from "./verbs/metrics.ts";
import { type PauseCommand, parsePause, pauseCommand } from "./verbs/pause.ts";
import { type PlannerCommand, parsePlanner, plannerCommand } from "./verbs/planner.ts";
import {
  type PlannerWorkerCommand,
  parsePlannerWorker,
  plannerWorkerCommand,
} from "./verbs/planner-worker.ts";
import { type PsCommand, parsePs, psCommand } from "./verbs/ps.ts";
import {
  parseReportFailure,
  type ReportFailureCommand,
  reportFailureCommand,
} from "./verbs/report-failure.ts";
import { parseRestore, type RestoreCommand, restoreCommand } from "./verbs/restore.ts";
import { parseResume, type ResumeCommand, resumeCommand } from "./verbs/resume.ts";
import { parseRun, type RunCommand, runCommand } from "./verbs/run.ts";
import { parseSpec, type SpecCommand, specCommand } from "./verbs/spec.ts";
import { parseStart, type StartCommand, startCommand } from "./verbs/start.ts";
import { parseState, type StateCommand, stateCommand } from "./verbs/state.ts";
import { parseTop, type TopCommand, topCommand } from "./verbs/top.ts";
import { parseUninstall, type UninstallCommand, uninstallCommand } from "./verbs/uninstall.ts";
import { parseUpdate, type UpdateCommand, updateCommand } from "./verbs/update.ts";

export type Command =
  | AttestCommand
  | CheckpointCommand
  | CompletionCommand
  | CreateCommand
  | DeleteCommand
  | DoctorCommand
  | EventsCommand
  | ExecCommand
  | FeaturesCommand
  | HelpCommand
  | InstallCommand
  | KillCommand
  | ListCommand
  | MetricsCommand
  | PauseCommand
  | PlannerCommand
  | PlannerWorkerCommand
  | PsCommand
  | ReportFailureCommand
  | RestoreCommand
  | ResumeCommand
  | RunCommand
  | SpecCommand
  | StartCommand
  | StateCommand
  | TopCommand
  | UninstallCommand
  | UpdateCommand
  | VersionCommand;

/** `topic` is a verb; absent: the program. */
export type HelpCommand = { readonly verb: "help"; readonly topic?: CommandSpec };
export type VersionCommand = { readonly verb: "version" };

export type CommandLine = {
  readonly global: GlobalOptions;
  /** As typed, known or not. */
  readonly verb: string | undefined;
  /**
   * Parses what follows the global options: a call of its own, so that its failure can be logged
   * where the global options say.
   * @throws RuneError USAGE, or ID_INVALID for the container's name
   */
  readonly command: () => Command;
};

type Verb = {
  readonly spec: CommandSpec;
  /** Undefined: the line asks for help. */
  readonly parse: (words: readonly string[]) => Command | undefined;
};

const verbs: readonly Verb[] = [
  { spec: createCommand, parse: parseCreate },
  { spec: startCommand, parse: parseStart },
  { spec: runCommand, parse: parseRun },
  { spec: execCommand, parse: parseExec },
  { spec: killCommand, parse: parseKill },
  { spec: pauseCommand, parse: parsePause },
  { spec: resumeCommand, parse: parseResume },
  { spec: checkpointCommand, parse: parseCheckpoint },
  { spec: restoreCommand, parse: parseRestore },
  { spec: deleteCommand, parse: parseDelete },
  { spec: updateCommand, parse: parseUpdate },
  { spec: stateCommand, parse: parseState },
  { spec: eventsCommand, parse: parseEvents },
  { spec: psCommand, parse: parsePs },
  { spec: attestCommand, parse: parseAttest },
  { spec: listCommand, parse: parseList },
  { spec: topCommand, parse: parseTop },
  { spec: metricsCommand, parse: parseMetrics },
  { spec: specCommand, parse: parseSpec },
  { spec: featuresCommand, parse: parseFeatures },
  { spec: doctorCommand, parse: parseDoctor },
  { spec: installCommand, parse: parseInstall },
  { spec: uninstallCommand, parse: parseUninstall },
  { spec: completionCommand, parse: parseCompletion },
  { spec: plannerCommand, parse: parsePlanner },
  { spec: plannerWorkerCommand, parse: parsePlannerWorker },
  { spec: reportFailureCommand, parse: parseReportFailure },
];

/** Everything that help, the reference page and completion are made from. */
export const program: ProgramSpec = { ...programCommand, commands: verbs.map(({ spec }) => spec) };

const makers: ReadonlySet<string> = new Set(["create", "run", "restore"]);

/** @throws RuneError USAGE for the global options */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const parsed = parseCommand(programCommand, words);
  if (parsed.help) return { global: noOptions, verb: undefined, command: () => ({ verb: "help" }) };
  const { values, positionals } = parsed;
  const twoLevels = values.debug && values["log-level"] !== undefined;
  const command = (): Command => {
    if (values.version) return { verb: "version" };
    const verb = parseVerb(positionals);
    // As in the original, which says so where a container is made, and elsewhere takes the level.
    if (twoLevels && makers.has(verb.verb)) {
      throw usageError(programCommand, "flags `--debug` and `--log-level` exclude each other");
    }
    return verb;
  };
  return { global: toGlobalOptions(values), verb: positionals[0], command };
}

function parseVerb(words: readonly string[]): Command {
  const [name, ...rest] = words;
  if (name === undefined) return { verb: "help" };
  if (name === "help" || name === "h") return parseHelp(rest);
  const verb = findVerb(name);
  return verb.parse(rest) ?? { verb: "help", topic: verb.spec };
}

function parseHelp([name]: readonly string[]): HelpCommand {
  return name === undefined ? { verb: "help" } : { verb: "help", topic: findVerb(name).spec };
}

function findVerb(name: string): Verb {
  const verb = verbs.find(({ spec }) => spec.name === name);
  if (verb === undefined) throw usageError(programCommand, `unknown command \`${name}\``);
  return verb;
}

const noOptions: GlobalOptions = {
  logFormat: "text",
  logLevel: "info",
  systemdCgroup: false,
  rootless: "auto",
  criu: "criu",
};
