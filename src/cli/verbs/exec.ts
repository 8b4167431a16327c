// SPDX-License-Identifier: Apache-2.0
/** `rune exec`: runs a further program in a container. */
import type { ExecRequest } from "../../container/exec.ts";
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import {
  containerArgument,
  given,
  type ProcessStart,
  processOptions,
  toProcessStart,
} from "../container-options.ts";

export type ExecCommand = ProcessStart & {
  readonly verb: "exec";
  readonly id: ContainerId;
  readonly detach: boolean;
  readonly noSubreaper: boolean;
  readonly ignorePaused: boolean;
  readonly cgroups: ExecRequest["cgroups"];
  readonly program: ExecProgram;
};

export type ExecProgram =
  /** A file that describes the whole process, as `process` in config.json does. */
  | { readonly from: "file"; readonly path: string }
  /** The container's own process with these changes. */
  | ({ readonly from: "arguments" } & ExecChanges);

export type ExecChanges = {
  /** At least one. */
  readonly args: readonly string[];
  readonly tty: boolean;
  readonly cwd?: string;
  /** `NAME=value`, added to the container's. */
  readonly env: readonly string[];
  readonly user?: { readonly uid: number; readonly gid?: number };
  readonly additionalGids: readonly number[];
  /** Capability names, added to every set. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly apparmorProfile?: string;
  readonly processLabel?: string;
};

export const execCommand = defineCommand({
  name: "exec",
  path: "rune exec",
  summary: "run a further program in a container",
  arguments: {
    usage: "<container-id> <command> [arguments...]",
    minimum: 1,
    maximum: Number.POSITIVE_INFINITY,
    ofProgram: true,
  },
  options: [
    ...processOptions,
    {
      name: "process",
      short: "p",
      kind: "string",
      argument: "path",
      help: "file that describes the process, in place of a command and its flags",
    },
    { name: "detach", short: "d", kind: "flag", help: "return as soon as the program runs" },
    { name: "tty", short: "t", kind: "flag", help: "give the program a terminal" },
    { name: "cwd", kind: "string", argument: "path", help: "working directory in the container" },
    {
      name: "env",
      short: "e",
      kind: "list",
      argument: "name=value",
      help: "add a variable to the environment",
    },
    {
      name: "user",
      short: "u",
      kind: "string",
      argument: "uid[:gid]",
      help: "ids to run as, in numbers",
    },
    {
      name: "additional-gids",
      short: "g",
      kind: "list",
      argument: "gid",
      help: "a further group, in numbers",
    },
    {
      name: "cap",
      short: "c",
      kind: "list",
      argument: "name",
      help: "add a capability to the bounding, permitted and effective sets",
    },
    {
      name: "no-new-privs",
      kind: "flag",
      help: "the program cannot gain privileges through execve",
    },
    {
      name: "apparmor",
      kind: "string",
      argument: "name",
      help: "AppArmor profile of the program, in place of the container's",
    },
    {
      name: "process-label",
      kind: "string",
      argument: "label",
      help: "SELinux label of the program, in place of the container's",
    },
    {
      name: "cgroup",
      kind: "list",
      argument: "[controllers:]path",
      help: "run in an existing cgroup below the container's; several only with controllers, of version 1",
    },
    { name: "ignore-paused", kind: "flag", help: "run in a paused container too" },
    { name: "no-subreaper", kind: "flag", hidden: true, help: "do not reap orphaned processes" },
  ],
});

export function parseExec(words: readonly string[]): ExecCommand | undefined {
  const parsed = parseCommand(execCommand, words);
  if (parsed.help) return undefined;
  const { values, positionals } = parsed;
  const [, ...args] = positionals;
  return {
    verb: "exec",
    id: containerArgument(positionals),
    ...toProcessStart(values),
    detach: values.detach,
    noSubreaper: values["no-subreaper"],
    ignorePaused: values["ignore-paused"],
    cgroups: values.cgroup.map((text) => parseCgroup(text, values.cgroup.length)),
    program: values.process === undefined ? fromArguments(values, args) : fromFile(values, args),
  };
}

type ExecValues = Extract<
  ReturnType<typeof parseCommand<typeof execCommand.options>>,
  { readonly help: false }
>["values"];

/**
 * runc ignores what contradicts the file; here it is refused. `--tty` is let through, because conmon
 * passes it beside a file that says the same.
 */
function fromFile(values: ExecValues, args: readonly string[]): ExecProgram {
  const contradictions = [
    ["cwd", values.cwd !== undefined],
    ["env", values.env.length > 0],
    ["user", values.user !== undefined],
    ["additional-gids", values["additional-gids"].length > 0],
    ["cap", values.cap.length > 0],
    ["no-new-privs", values["no-new-privs"]],
    ["apparmor", values.apparmor !== undefined],
    ["process-label", values["process-label"] !== undefined],
  ] as const;
  const found = contradictions.find(([, present]) => present);
  if (found !== undefined) {
    throw usageError(execCommand, `flags \`--process\` and \`--${found[0]}\` exclude each other`);
  }
  if (args.length > 0) throw usageError(execCommand, "with `--process` there is no command");
  return { from: "file", path: values.process ?? "" };
}

function fromArguments(values: ExecValues, args: readonly string[]): ExecProgram {
  if (args.length === 0) throw usageError(execCommand, "expected a command after the container id");
  const { cwd, env, user } = values;
  if (cwd !== undefined && cwd !== "" && !cwd.startsWith("/")) {
    throw usageError(execCommand, `flag \`--cwd\`: expected an absolute path, got \`${cwd}\``);
  }
  const malformed = env.find((entry) => entry.indexOf("=") < 1);
  if (malformed !== undefined) {
    throw usageError(execCommand, `flag \`--env\`: expected name=value, got \`${malformed}\``);
  }
  return {
    from: "arguments",
    args,
    tty: values.tty,
    ...given("cwd", cwd),
    env,
    ...(user === undefined || user === "" ? {} : { user: parseUser(user) }),
    additionalGids: values["additional-gids"].map((gid) => parseId("additional-gids", gid)),
    capabilities: values.cap,
    noNewPrivileges: values["no-new-privs"],
    ...given("apparmorProfile", values.apparmor),
    ...given("processLabel", values["process-label"]),
  };
}

/** As runc: "path" alone, or "controller[,controller]:path" as often as needed. */
function parseCgroup(text: string, count: number): ExecRequest["cgroups"][number] {
  const [first = "", second, ...rest] = text.split(":");
  if (second === undefined && count === 1) return { controllers: [], path: first };
  const controllers = first.split(",");
  if (second === undefined || rest.length > 0 || controllers.includes("")) {
    const expected = count === 1 ? "path or controllers:path" : "controllers:path";
    throw usageError(execCommand, `flag \`--cgroup\`: expected ${expected}, got \`${text}\``);
  }
  return { controllers, path: second };
}

function parseUser(text: string): { uid: number; gid?: number } {
  const [uid = "", gid, ...rest] = text.split(":");
  if (rest.length > 0) throw idError("user", text);
  const user = { uid: parseId("user", uid) };
  return gid === undefined ? user : { ...user, gid: parseId("user", gid) };
}

/** 2^32-1 is the kernel's "no id" and none that a process can have. */
function parseId(flag: string, text: string): number {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(id < 0xffff_ffff)) throw idError(flag, text);
  return id;
}

function idError(flag: string, text: string): Error {
  return usageError(execCommand, `flag \`--${flag}\`: expected ids in numbers, got \`${text}\``);
}
