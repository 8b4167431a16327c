// SPDX-License-Identifier: Apache-2.0
/** Tests that need a guest of `npm run test:vm` (scripts/vm/guests.ts). */
import { needs, type Test } from "./runtime.ts";

/** The guest that this is; undefined on any other machine. */
export const guestName: string | undefined = process.env["VM_GUEST"];

/** A test for some of the guests. */
export function guestTest(...names: readonly string[]): Test {
  return needs(guestObstacle(...names));
}

export function guestObstacle(...names: readonly string[]): string | undefined {
  const isHere = guestName !== undefined && names.includes(guestName);
  return isHere ? undefined : `runs in the ${names.join(" and ")} guest of npm run test:vm`;
}
