// SPDX-License-Identifier: Apache-2.0
import type { Timestamp } from "../protobuf/well-known.gen.ts";

/** @param at nanoseconds since the epoch */
export function timestamp(at: bigint): Timestamp;
export function timestamp(at: bigint | undefined): Timestamp | undefined;
export function timestamp(at: bigint | undefined): Timestamp | undefined {
  if (at === undefined) return undefined;
  return { seconds: at / 1_000_000_000n, nanos: Number(at % 1_000_000_000n) };
}
