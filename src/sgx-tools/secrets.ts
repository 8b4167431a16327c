// SPDX-License-Identifier: Apache-2.0
/** SPIDs and keys: from an option, a file, or the caller's environment, in this order. */
import { RuneError } from "../errors/error.ts";
import { readFront } from "../kernel/front.ts";
import { linux } from "../kernel/linux.ts";
import { isReadableByOthers, readInput, warn } from "./files.ts";

/** Both are 16 bytes in hexadecimal. */
const DIGITS = /^[0-9a-fA-F]{32}$/;
const LONGEST_FILE_BYTES = 4096;

export type Secret = {
  /** The option's name; `NAME-file` is the other's. */
  readonly option: string;
  readonly value: string | undefined;
  readonly file: string | undefined;
  /** The variable that `rune` takes it from too. */
  readonly variable: string;
};

/** The secret's 32 digits; undefined if it is nowhere. No message says what it is. */
export function readSecret({ option, value, file, variable }: Secret): string | undefined {
  if (value !== undefined && file !== undefined) {
    throw usage(`\`--${option}\` and \`--${option}-file\` exclude each other`);
  }
  if (value !== undefined) return checked(value, `--${option}`);
  if (file !== undefined) {
    if (isReadableByOthers(file)) warn(`others can read \`${file}\``);
    const text = Buffer.from(readInput(file, LONGEST_FILE_BYTES)).toString("latin1");
    return checked(text.trim(), `--${option}-file ${file}`);
  }
  const inherited = callersVariable(variable);
  return inherited === undefined ? undefined : checked(inherited, variable);
}

function checked(text: string, where: string): string {
  if (DIGITS.test(text)) return text.toLowerCase();
  throw usage(`\`${where}\`: expected 32 hexadecimal digits, got ${text.length} characters`);
}

/** The front keeps the caller's environment from the engine; run from source there is no front. */
function callersVariable(name: string): string | undefined {
  if (process.env["INCLAVARE_FRONT"] === undefined) return process.env[name];
  return readFront(linux, process.env).environment().get(name);
}

function usage(reason: string): RuneError {
  return new RuneError({ code: "USAGE", doing: "sgx-tools", reason });
}
