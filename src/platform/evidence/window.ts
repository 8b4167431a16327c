// SPDX-License-Identifier: Apache-2.0
/** From when to when collateral is valid. */
import type { Validity } from "./tcb-state.ts";

export type Window = { readonly from: Date; readonly until: Date };

const DAY_MS = 86_400_000;
/** What Intel's has. */
const LIFE_DAYS = 30;

/**
 * A window of whole days around, before or after `now`: the same all day long, so that what is signed
 * is the same too.
 */
export function windowOf(validity: Validity, now: Date): Window {
  const today = Math.floor(now.getTime() / DAY_MS);
  const from = { current: today, expired: today - 2 * LIFE_DAYS, "not-yet-valid": today + 1 };
  return {
    from: new Date(from[validity] * DAY_MS),
    until: new Date((from[validity] + LIFE_DAYS) * DAY_MS),
  };
}
