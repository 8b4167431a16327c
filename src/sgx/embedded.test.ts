// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { findSigstruct, sigstructAt } from "./embedded.ts";
import { signSigstruct } from "./sign.ts";
import { prepareSkeleton } from "./skeleton-sign.ts";
import { newSigningKey, testImage } from "./testing.ts";

const { body } = prepareSkeleton(testImage(), { date: 0x2026_1128 });
const sigstruct = signSigstruct(body, newSigningKey());

function file(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

test("it is found wherever it is, and only where it is signed", () => {
  const noise = new Uint8Array(1001).fill(6);
  const whole = file(noise, sigstruct, noise);
  const at = findSigstruct(whole, "e");
  expect(at).toBe(1001);
  expect(sigstructAt(whole, at)).toEqual(sigstruct);
  // The fixed fields with something else around them, as in a program that looks for them.
  const fields = sigstruct.slice(0, 128);
  expect(findSigstruct(file(fields, noise, noise, sigstruct), "e")).toBe(128 + 2002);
});

test("none, a broken one, one that is cut off, and two are refused", () => {
  const broken = sigstruct.slice();
  broken[960] = (broken[960] ?? 0) ^ 1; // in ENCLAVEHASH
  for (const bytes of [new Uint8Array(5000), broken, sigstruct.slice(0, -1)]) {
    expect(() => findSigstruct(bytes, "e")).toThrow("no signed SIGSTRUCT is in it");
  }
  expect(() => findSigstruct(file(sigstruct, sigstruct), "e")).toThrow("several SIGSTRUCTs");
});
