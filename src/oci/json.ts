// SPDX-License-Identifier: Apache-2.0
/** Bytes to JSON values without losing digits, and errors that say where. */
import { Fault } from "./check.ts";
import { findJsonFault } from "./json-fault.ts";

/**
 * Parses UTF-8 JSON. Integers beyond 2^53 come back as bigint: seccomp arguments and limits are
 * 64 bits wide, and a mask that lost its low bits would allow what it should forbid.
 * @throws Fault with line and column
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  try {
    return hasLongNumber(text) ? JSON.parse(text, exactInteger) : JSON.parse(text);
  } catch (error) {
    throw new Fault(findJsonFault(text) ?? `not JSON: ${error}`);
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Fault("not JSON: not valid UTF-8");
  }
}

/** The reviver costs ten times the parsing, so it runs only where 16 digits stand in a row. */
function hasLongNumber(text: string): boolean {
  return /[0-9]{16}/.test(text);
}

function exactInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?[0-9]{16,20}$/.test(source) ? BigInt(source) : value;
}
