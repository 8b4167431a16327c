// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { measureSgxs } from "./sgxs.ts";

function record(tag: string, fill: (view: DataView) => void, data?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(64 + (data?.length ?? 0));
  new TextEncoder().encodeInto(tag, bytes);
  fill(new DataView(bytes.buffer));
  if (data !== undefined) bytes.set(data, 64);
  return bytes;
}

const create = record("ECREATE", (view) => {
  view.setUint32(8, 1, true);
  view.setBigUint64(12, 0x4000n, true);
});
const add = record("EADD", (view) => {
  view.setBigUint64(8, 0x1000n, true);
  view.setBigUint64(16, 0x203n, true);
});
const chunk = new Uint8Array(256).fill(7);
const extend = record("EEXTEND", (view) => view.setBigUint64(8, 0x1100n, true), chunk);
const unmeasured = record("UNMEASRD", (view) => view.setBigUint64(8, 0x1200n, true), chunk);
const stream = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

test("the measurement is the hash of the stream without what is not measured", () => {
  const found = measureSgxs(stream(create, add, extend, unmeasured));
  const hash = createHash("sha256").update(create).update(add).update(extend).digest();
  expect(found.mrenclave).toEqual(new Uint8Array(hash));
  expect(found).toMatchObject({
    enclaveBytes: 0x4000n,
    ssaFramePages: 1,
    pages: 1,
    measuredChunks: 1,
    unmeasuredChunks: 1,
  });
});

describe("streams that are none", () => {
  const reserved = add.slice();
  reserved[40] = 1;
  const wrong = {
    nothing: new Uint8Array(),
    "no ECREATE first": stream(add),
    "a second ECREATE": stream(create, create),
    "an unknown record": stream(
      create,
      record("EWHAT", () => {}),
    ),
    "half a record": stream(create, add.subarray(0, 63)),
    "half a chunk": stream(create, add, extend.subarray(0, 319)),
    "a reserved byte": stream(create, reserved),
    "a page outside": stream(
      create,
      record("EADD", (view) => view.setBigUint64(8, 0x4000n, true)),
    ),
  };
  for (const [name, bytes] of Object.entries(wrong)) {
    test(name, () => expect(() => measureSgxs(bytes)).toThrow());
  }
});
