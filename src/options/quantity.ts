// SPDX-License-Identifier: Apache-2.0
/** Quantities of a command line that need 64 bits or a unit. */

const units = ["", "k", "m", "g", "t", "p"];
const largest = 2n ** 63n - 1n;

/**
 * "512m", "1.5GiB", "10 kB": a size as docker's and runc's flags take it, in binary units; -1 stands for
 * no limit. Undefined for anything else, and for what does not fit into 63 bits.
 */
export function parseSize(text: string): bigint | undefined {
  if (text === "-1") return -1n;
  const found = /^([0-9]{1,19})(?:\.([0-9]{1,18}))? ?([kmgtp]?)i?b?$/i.exec(text);
  if (found === null) return undefined;
  const [, whole = "", fraction = "", unit = ""] = found;
  const factor = 1024n ** BigInt(units.indexOf(unit.toLowerCase()));
  const part = (BigInt(`0${fraction}`) * factor) / 10n ** BigInt(fraction.length);
  const size = BigInt(whole) * factor + part;
  return size > largest ? undefined : size;
}

/** A decimal integer between two bounds, both inclusive; undefined for anything else. */
export function parseWide(text: string, minimum: bigint, maximum: bigint): bigint | undefined {
  if (!/^-?[0-9]{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= minimum && value <= maximum ? value : undefined;
}
