// SPDX-License-Identifier: Apache-2.0
/** Option values that the option table has no kind for. */
import { RuneError } from "../errors/error.ts";

/** A 64-bit number in hexadecimal, with or without 0x, as `sgxsign` takes it. */
export function parseHex(option: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const digits = /^(?:0[xX])?([0-9a-fA-F]{1,16})$/.exec(text)?.[1];
  if (digits === undefined) throw usage(option, text, "a hexadecimal number of up to 64 bits");
  return BigInt(`0x${digits}`);
}

/** The same for 32 bits. */
export function parseHex32(option: string, text: string | undefined): number | undefined {
  const value = parseHex(option, text);
  if (value === undefined) return undefined;
  if (value > 0xffff_ffffn)
    throw usage(option, text ?? "", "a hexadecimal number of up to 32 bits");
  return Number(value);
}

/** 20261123 as DATE holds it, 0x20261123; today in UTC if nothing is given. */
export function parseDate(text: string | undefined, now: Date): number {
  const digits = text ?? now.toISOString().slice(0, 10).replaceAll("-", "");
  const match = /^([0-9]{4})([0-9]{2})([0-9]{2})$/.exec(digits);
  const [, year = "", month = "", day = ""] = match ?? [];
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  // A day such as 31 February is taken for one of March, and so comes back changed.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(8, 10) !== day) {
    throw usage("date", digits, "a date as yyyymmdd");
  }
  return Number.parseInt(digits, 16);
}

function usage(option: string, got: string, expected: string): RuneError {
  return new RuneError({
    code: "USAGE",
    doing: "sgx-tools",
    reason: `flag \`--${option}\`: expected ${expected}, got \`${got}\``,
  });
}
