// SPDX-License-Identifier: Apache-2.0
/** `rune update`: changes the limits of a container. */
import type { CpuResources, MemoryResources, Resources } from "../../oci/config-resources.ts";
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { parseSize, parseWide } from "../../options/quantity.ts";
import { containerArgument, given, oneContainer } from "../container-options.ts";

export type UpdateCommand = {
  readonly verb: "update";
  readonly id: ContainerId;
  /** What the flags say. */
  readonly resources: Resources;
  /** A file with more, as given; "-" for standard input. */
  readonly resourcesFile?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
};

const integerFlag = (name: string, help: string) =>
  ({ name, kind: "string", argument: "n", help }) as const;
const sizeFlag = (name: string, help: string) =>
  ({ name, kind: "string", argument: "bytes", help }) as const;

export const updateCommand = defineCommand({
  name: "update",
  path: "rune update",
  summary: "change the limits of a container",
  arguments: oneContainer,
  options: [
    {
      name: "resources",
      short: "r",
      kind: "string",
      argument: "path",
      help: "JSON file with limits as in `linux.resources`, or - for standard input; flags count before it",
    },
    integerFlag("blkio-weight", "weight of block device access, 10 to 1000"),
    integerFlag("cpu-period", "period of the cpu quota, in microseconds"),
    integerFlag("cpu-quota", "cpu time in a period, in microseconds; -1 for no limit"),
    integerFlag("cpu-burst", "cpu time that may be saved up, in microseconds"),
    integerFlag("cpu-share", "relative weight of cpu time, 2 to 262144"),
    integerFlag("cpu-rt-period", "period of the real-time cpu budget, in microseconds"),
    integerFlag("cpu-rt-runtime", "real-time cpu budget in a period, in microseconds"),
    integerFlag("cpu-idle", "1: run only where nobody else wants the cpu; 0: not so"),
    { name: "cpuset-cpus", kind: "string", argument: "list", help: "cpus to use, such as 0-3,7" },
    { name: "cpuset-mems", kind: "string", argument: "list", help: "memory nodes to use" },
    { ...sizeFlag("kernel-memory", "ignored"), hidden: true },
    { ...sizeFlag("kernel-memory-tcp", "ignored"), hidden: true },
    sizeFlag("memory", "memory, such as 512m; -1 for no limit"),
    sizeFlag("memory-reservation", "memory that is kept when others need some; -1 for all"),
    sizeFlag("memory-swap", "memory and swap together; -1 for no limit on swap"),
    integerFlag("pids-limit", "number of processes and threads; -1 for no limit"),
    {
      name: "l3-cache-schema",
      kind: "string",
      argument: "schema",
      help: "Intel RDT schema of the L3 cache, such as L3:0=ff",
    },
    {
      name: "mem-bw-schema",
      kind: "string",
      argument: "schema",
      help: "Intel RDT schema of memory bandwidth, such as MB:0=20",
    },
  ],
});

export function parseUpdate(words: readonly string[]): UpdateCommand | undefined {
  const parsed = parseCommand(updateCommand, words);
  if (parsed.help) return undefined;
  const { values, positionals } = parsed;
  return {
    verb: "update",
    id: containerArgument(positionals),
    resources: resourcesOf(values),
    ...given("resourcesFile", values.resources),
    ...given("l3CacheSchema", values["l3-cache-schema"]),
    ...given("memBwSchema", values["mem-bw-schema"]),
  };
}

type UpdateValues = Extract<
  ReturnType<typeof parseCommand<typeof updateCommand.options>>,
  { readonly help: false }
>["values"];

const signed = { minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n };
const unsigned = { minimum: 0n, maximum: 2n ** 64n - 1n };

function resourcesOf(values: UpdateValues): Resources {
  const integer = (flag: keyof UpdateValues & string, { minimum, maximum } = signed) =>
    parsedFlag(values, flag, `an integer from ${minimum} to ${maximum}`, (text) =>
      parseWide(text, minimum, maximum),
    );
  const size = (flag: keyof UpdateValues & string) =>
    parsedFlag(values, flag, "a size such as 512m, or -1", parseSize);
  const small = (flag: keyof UpdateValues & string, maximum: bigint) => {
    const value = integer(flag, { minimum: 0n, maximum });
    return value === undefined ? undefined : Number(value);
  };
  const memory: MemoryResources = present({
    limit: size("memory"),
    reservation: size("memory-reservation"),
    swap: size("memory-swap"),
    kernel: size("kernel-memory"),
    kernelTCP: size("kernel-memory-tcp"),
  });
  const cpu: CpuResources = present({
    shares: integer("cpu-share", unsigned),
    quota: integer("cpu-quota"),
    burst: integer("cpu-burst", unsigned),
    period: integer("cpu-period", unsigned),
    realtimeRuntime: integer("cpu-rt-runtime"),
    realtimePeriod: integer("cpu-rt-period", unsigned),
    cpus: list(values, "cpuset-cpus"),
    mems: list(values, "cpuset-mems"),
    idle: small("cpu-idle", 1n),
  });
  return present({
    memory: notEmpty(memory),
    cpu: notEmpty(cpu),
    pids: notEmpty(present({ limit: integer("pids-limit") })),
    blockIO: notEmpty(present({ weight: small("blkio-weight", 1000n) })),
  });
}

/** The value of a flag; undefined when it is not given, or given as "", which runc takes for that. */
function parsedFlag(
  values: UpdateValues,
  flag: keyof UpdateValues & string,
  expected: string,
  parse: (text: string) => bigint | undefined,
): bigint | undefined {
  const text = values[flag];
  if (text === undefined || text === "") return undefined;
  const value = parse(text);
  if (value !== undefined) return value;
  throw usageError(updateCommand, `flag \`--${flag}\`: expected ${expected}, got \`${text}\``);
}

function list(values: UpdateValues, flag: "cpuset-cpus" | "cpuset-mems"): string | undefined {
  const text = values[flag];
  if (text === undefined || text === "") return undefined;
  if (/^[0-9,\- ]{1,4096}$/.test(text)) return text;
  throw usageError(
    updateCommand,
    `flag \`--${flag}\`: expected a list such as 0-3,7, got \`${text}\``,
  );
}

/** The properties that have a value. */
function present<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  // Entries of T, less those without a value.
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}

function notEmpty<T extends object>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}
