// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { type Caller, stateRoot } from "./state-root.ts";

const root: Caller = { environment: {}, effectiveUid: 0, inUserNamespace: () => false };
const xdg = { XDG_RUNTIME_DIR: "/run/user/7" };

test("the host's root keeps its state in /run/rune", () => {
  expect(stateRoot(undefined, root)).toEqual({ path: "/run/rune", sticky: false });
  expect(stateRoot(undefined, { ...root, environment: xdg }).path).toBe("/run/rune");
});

test("others keep it in their runtime directory, where they have one", () => {
  const own = { path: "/run/user/7/rune", sticky: true };
  const nested: Caller = { ...root, environment: xdg, inUserNamespace: () => true };
  expect(stateRoot(undefined, { ...root, effectiveUid: 7, environment: xdg })).toEqual(own);
  expect(stateRoot(undefined, { ...root, effectiveUid: 7 }).path).toBe("/run/rune");
  expect(stateRoot(undefined, nested)).toEqual(own);
  expect(stateRoot(undefined, { ...nested, environment: { ...xdg, USER: "root" } }).path).toBe(
    "/run/rune",
  );
});

test("--root beats everything", () => {
  expect(stateRoot("/r", { ...root, effectiveUid: 7, environment: xdg }).path).toBe("/r");
});
