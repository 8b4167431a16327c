// SPDX-License-Identifier: Apache-2.0
/** Bytes to JSON values without losing digits, and errors that say where. */
import { Fault } from "./check.ts";
import { findJsonFault } from "./json-fault.ts";

/**
 * Parses UTF-8 JSON; integers beyond 2^53 lose digits, which the checks notice (`InexactNumber`).
 * @throws Fault with line and column
 */
export function parseJson(bytes: Uint8Array): unknown {
  return parse(bytes);
}

/**
 * Parses UTF-8 JSON. Integers beyond 2^53 come back as bigint, other unsafe numbers (`1e19`) as
 * text, since they are integers to nobody. Several times the cost of `parseJson`.
 */
export function parseExactJson(bytes: Uint8Array): unknown {
  return parse(bytes, exactInteger);
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

function parse(bytes: Uint8Array, reviver?: Reviver): unknown {
  const text = decodeUtf8(bytes);
  try {
    return JSON.parse(text, reviver);
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

function exactInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  if (!Number.isInteger(value)) return value;
  return /^-?[0-9]{16,20}$/.test(source) ? BigInt(source) : source;
}
