// SPDX-License-Identifier: Apache-2.0
/** Options and arguments that several verbs share. */
import { type ContainerId, parseContainerId } from "../oci/container-id.ts";
import type { ArgumentsSpec } from "../options/option.ts";

export const oneContainer: ArgumentsSpec = { usage: "<container-id>", minimum: 1, maximum: 1 };

export const bundleOption = {
  name: "bundle",
  short: "b",
  kind: "string",
  argument: "path",
  help: "directory with config.json; the current directory unless given",
} as const;

/** A process that is started: where its terminal, its pid and its descriptors go. */
export const processOptions = [
  {
    name: "console-socket",
    kind: "string",
    argument: "path",
    help: "unix socket that receives the terminal's master side",
  },
  {
    name: "pidfd-socket",
    kind: "string",
    argument: "path",
    help: "unix socket that receives a pidfd of the process",
  },
  { name: "pid-file", kind: "string", argument: "path", help: "file that receives the process id" },
  {
    name: "preserve-fds",
    kind: "integer",
    argument: "n",
    minimum: 0,
    maximum: 65536,
    default: 0,
    help: "number of further descriptors, from 3 and those of $LISTEN_FDS on, that the process gets",
  },
] as const;

/** Options of `create` and `run`. */
export const createOptions = [
  bundleOption,
  ...processOptions,
  {
    name: "no-pivot",
    kind: "flag",
    help: "do not use pivot_root: for a root file system on a ramdisk",
  },
  {
    name: "no-new-keyring",
    kind: "flag",
    help: "keep the caller's session keyring instead of a new one",
  },
  {
    name: "platform",
    kind: "string",
    argument: "name",
    choices: ["hardware", "simulation"],
    help: "where an enclave runs: on the machine's SGX, or on the simulated platform, which protects nothing",
  },
] as const;

export type ProcessStart = {
  readonly consoleSocket?: string;
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  readonly preserveFds: number;
};

export type ContainerStart = ProcessStart & {
  readonly id: ContainerId;
  /** As given; absent: the current directory. */
  readonly bundle?: string;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  readonly platform?: "hardware" | "simulation";
};

type ProcessValues = {
  readonly "console-socket": string | undefined;
  readonly "pidfd-socket": string | undefined;
  readonly "pid-file": string | undefined;
  readonly "preserve-fds": number;
};

type CreateValues = ProcessValues & {
  readonly bundle: string | undefined;
  readonly "no-pivot": boolean;
  readonly "no-new-keyring": boolean;
  readonly platform: "hardware" | "simulation" | undefined;
};

export function toProcessStart(values: ProcessValues): ProcessStart {
  return {
    ...given("consoleSocket", values["console-socket"]),
    ...given("pidfdSocket", values["pidfd-socket"]),
    ...given("pidFile", values["pid-file"]),
    preserveFds: values["preserve-fds"],
  };
}

export function toContainerStart(
  values: CreateValues,
  positionals: readonly string[],
): ContainerStart {
  return {
    id: containerArgument(positionals),
    ...given("bundle", values.bundle),
    ...toProcessStart(values),
    noPivot: values["no-pivot"],
    noNewKeyring: values["no-new-keyring"],
    ...(values.platform === undefined ? {} : { platform: values.platform }),
  };
}

/** The first argument, which the verb's table demands. */
export function containerArgument(positionals: readonly string[]): ContainerId {
  return parseContainerId(positionals[0] ?? "");
}

/** A property only where there is a value; an empty path means none, as it does to runc. */
export function given<Name extends string>(
  name: Name,
  value: string | undefined,
): { readonly [Key in Name]?: string } {
  // A computed key has type string to the compiler; it is Name.
  return value === undefined || value === "" ? {} : ({ [name]: value } as Record<Name, string>);
}
