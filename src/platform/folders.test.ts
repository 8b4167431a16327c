// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { failureOf } from "../sgx/testing.ts";
import { platformFolders } from "./folders.ts";

const of = (uid: number, variables: Record<string, string>) =>
  platformFolders({ isRoot: uid === 0, variable: (name) => variables[name] });

test("root's, and a user's", () => {
  expect(of(0, { XDG_RUNTIME_DIR: "/run/user/0", HOME: "/root" })).toEqual({
    runtime: "/run/inclavare-platform",
    state: "/var/lib/inclavare/platform",
  });
  expect(of(7, { XDG_RUNTIME_DIR: "/run/user/7", HOME: "/home/a" })).toEqual({
    runtime: "/run/user/7/inclavare-platform",
    state: "/home/a/.local/state/inclavare/platform",
  });
  expect(of(7, { XDG_RUNTIME_DIR: "/r", XDG_STATE_HOME: "/s" })?.state).toBe(
    "/s/inclavare/platform",
  );
});

test("the caller's word counts, and may be that there is none", () => {
  const named = { INCLAVARE_PLATFORM: "/a/b", INCLAVARE_PLATFORM_STATE: "/c" };
  expect(of(0, named)).toEqual({ runtime: "/a/b", state: "/c" });
  expect(of(7, { INCLAVARE_PLATFORM: "off" })).toBeUndefined();
});

test("no place is an error that says what is missing", () => {
  expect(failureOf(() => of(7, { HOME: "/h" }))?.message).toContain("XDG_RUNTIME_DIR is not set");
  expect(failureOf(() => of(7, { XDG_RUNTIME_DIR: "/r" }))?.message).toContain("HOME");
});

test.each(["relative", "/", "/a/../b", "/a/./b", "/a//b", "/a/", `/${"a".repeat(80)}`])(
  "%s is no runtime folder",
  (path) => {
    expect(failureOf(() => of(0, { INCLAVARE_PLATFORM: path }))?.code).toBe("USAGE");
  },
);

test("a state folder leaves room for the name of a socket", () => {
  const longest = `/${"a".repeat(93)}`;
  expect(of(0, { INCLAVARE_PLATFORM_STATE: longest })?.state).toBe(longest);
  for (const path of [`${longest}a`, "relative", "/a/.."]) {
    expect(failureOf(() => of(0, { INCLAVARE_PLATFORM_STATE: path }))?.code).toBe("USAGE");
  }
});
