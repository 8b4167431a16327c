// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { existing, fakeHost } from "./fake-host.ts";
import { encodeState, parseState, stateSchema } from "./state.ts";

const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) });

test("a state survives being written and read", () => {
  const state = existing(fakeHost());
  expect(parseState(encodeState(state), "/s")).toEqual(state);
});

test("a state of a newer version is refused by name", () => {
  const newer = bytes({ ...existing(fakeHost()), schema: stateSchema + 1 });
  expect(() => parseState(newer, "/s")).toThrow(
    failure(
      "STATE_NEWER",
      `it has schema ${stateSchema + 1}, this rune understands up to ${stateSchema}`,
    ),
  );
});

test("what is no state is corrupt, and the error says which file", () => {
  const whole = new TextDecoder().decode(encodeState(existing(fakeHost())));
  for (const text of [
    "",
    "{",
    whole.slice(0, whole.length / 2),
    "null",
    "[]",
    "7",
    '"x"',
    "{}",
    { schema: "1" },
    { schema: 0 },
    { schema: -1 },
    { schema: null },
    { schema: 1 },
    { schema: 1, id: "a", bundle: "/b" },
  ]) {
    expect(() => parseState(bytes(text), "/run/rune/web/state.json")).toThrow(
      failure("STATE_CORRUPT", "read `/run/rune/web/state.json`"),
    );
  }
});
