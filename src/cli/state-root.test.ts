// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { type Caller, stateRoot } from "./state-root.ts";

const root: Caller = { variable: () => undefined, effectiveUid: 0, inUserNamespace: () => false };
const xdg = (name: string) => (name === "XDG_RUNTIME_DIR" ? "/run/user/7" : undefined);
const xdgOfRoot = (name: string) => (name === "USER" ? "root" : xdg(name));

test("the host's root keeps its state in /run/rune", () => {
  expect(stateRoot(undefined, root)).toEqual({ path: "/run/rune", sticky: false });
  expect(stateRoot(undefined, { ...root, variable: xdg }).path).toBe("/run/rune");
});

test("others keep it in their runtime directory, where they have one", () => {
  const own = { path: "/run/user/7/rune", sticky: true };
  const nested: Caller = { ...root, variable: xdg, inUserNamespace: () => true };
  expect(stateRoot(undefined, { ...root, effectiveUid: 7, variable: xdg })).toEqual(own);
  expect(stateRoot(undefined, { ...root, effectiveUid: 7 }).path).toBe("/run/rune");
  expect(stateRoot(undefined, nested)).toEqual(own);
  expect(stateRoot(undefined, { ...nested, variable: xdgOfRoot }).path).toBe("/run/rune");
});

test("--root beats everything", () => {
  expect(stateRoot("/r", { ...root, effectiveUid: 7, variable: xdg }).path).toBe("/r");
});
