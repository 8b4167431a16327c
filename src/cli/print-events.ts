// SPDX-License-Identifier: Apache-2.0
/** Events as lines of JSON. */
import type { ContainerEvent } from "../container/events.ts";

/** Not in the compiler's library yet: a number with the digits that are given. */
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object };

/** Counters go up to 2^64 and keep every digit, where a number of JavaScript would lose some. */
export function eventLine(event: ContainerEvent): string {
  const exact = (_key: string, value: unknown) =>
    typeof value === "bigint" ? rawJSON(String(value)) : value;
  return `${JSON.stringify(event, exact)}\n`;
}
