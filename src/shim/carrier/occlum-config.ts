// SPDX-License-Identifier: Apache-2.0
/**
 * Occlum.json of a container: what `occlum init` has written, with what the pod asks for in OCCLUM_*
 * variables. Its `mount` section, which changes from version to version, stays as Occlum has it.
 */
import { RuneError } from "../../errors/error.ts";

type Section = { [key: string]: unknown };
type Environment = ReadonlyMap<string, string>;

/** [variable, section, keys of all versions, value without the variable]. */
const settings: readonly (readonly [string, string, readonly string[], string, Parser])[] = [
  [
    "OCCLUM_USER_SPACE_SIZE",
    "resource_limits",
    ["user_space_size", "user_space_init_size", "user_space_max_size"],
    "300MB",
    size,
  ],
  [
    "OCCLUM_KERNEL_SPACE_HEAP_SIZE",
    "resource_limits",
    ["kernel_space_heap_size", "kernel_space_heap_max_size"],
    "32MB",
    size,
  ],
  ["OCCLUM_KERNEL_SPACE_STACK_SIZE", "resource_limits", ["kernel_space_stack_size"], "1MB", size],
  ["OCCLUM_MAX_NUM_OF_THREADS", "resource_limits", ["max_num_of_threads"], "32", whole(1, 65_535)],
  ["OCCLUM_PROCESS_DEFAULT_STACK_SIZE", "process", ["default_stack_size"], "4MB", size],
  ["OCCLUM_PROCESS_DEFAULT_HEAP_SIZE", "process", ["default_heap_size"], "32MB", size],
  ["OCCLUM_PROCESS_DEFAULT_MMAP_SIZE", "process", ["default_mmap_size"], "80MB", size],
  ["OCCLUM_PRODUCT_ID", "metadata", ["product_id"], "0", whole(0, 65_535)],
  ["OCCLUM_VERSION_NUMBER", "metadata", ["version_number"], "0", whole(0, 65_535)],
  ["OCCLUM_DEBUGGABLE", "metadata", ["debuggable"], "true", truth],
  ["OCCLUM_DEFAULT_ENV", "env", ["default"], "OCCLUM=yes", list],
  ["OCCLUM_UNTRUSTED_ENV", "env", ["untrusted"], "EXAMPLE", list],
];

/**
 * The text of the file. `template` is the one of `occlum init`.
 * @throws RuneError ENCLAVE_CONFIG for a value that is none, and for a setting this Occlum does not have
 */
export function occlumConfig(
  template: string,
  environment: Environment,
  entryPoint: string,
): string {
  const config = parseTemplate(template);
  for (const [variable, name, keys, usual, parse] of settings) {
    const given = environment.get(variable);
    const value = parse(given ?? usual, variable);
    const section = sectionOf(config, name);
    const known = keys.filter((key) => Object.hasOwn(section, key));
    for (const key of known) section[key] = value;
    if (known.length === 0 && given !== undefined) {
      throw wrong(variable, `this Occlum knows no \`${name}.${keys[0]}\``);
    }
  }
  config["entry_points"] = [entryPoint];
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** The variables as they are, for the cache: whatever else there is does not matter. */
export function occlumVariables(environment: Environment): Record<string, string> {
  const names = settings.map(([variable]) => variable);
  const given = names.flatMap((name) => {
    const value = environment.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  for (const [variable, , , usual, parse] of settings)
    parse(environment.get(variable) ?? usual, variable);
  return Object.fromEntries(given);
}

type Parser = (text: string, variable: string) => unknown;

function size(text: string, variable: string): string {
  if (/^[1-9][0-9]{0,9}([KMGT]?B)$/.test(text)) return text;
  throw wrong(variable, `expected a size such as 300MB, got \`${text}\``);
}

function whole(least: number, most: number): Parser {
  return (text, variable) => {
    const value = Number(text);
    if (/^[0-9]{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw wrong(variable, `expected a number from ${least} to ${most}, got \`${text}\``);
  };
}

function truth(text: string, variable: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw wrong(variable, `expected true or false, got \`${text}\``);
}

function list(text: string): string[] {
  return text.split(",").filter((item) => item !== "");
}

function parseTemplate(text: string): Section {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw strange("it is no JSON", cause);
  }
  if (!isSection(value)) throw strange("it is no object");
  if (!Object.hasOwn(value, "mount")) throw strange("it has no `mount`");
  return value;
}

function sectionOf(config: Section, name: string): Section {
  const section = config[name];
  if (isSection(section)) return section;
  throw strange(`it has no \`${name}\``);
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function strange(reason: string, cause?: unknown): RuneError {
  const doing = "read the Occlum.json of `occlum init`";
  return new RuneError({
    code: "CARRIER",
    doing,
    reason,
    ...(cause === undefined ? {} : { cause }),
  });
}

function wrong(variable: string, reason: string): RuneError {
  return new RuneError({ code: "ENCLAVE_CONFIG", doing: `read \`${variable}\``, reason });
}
