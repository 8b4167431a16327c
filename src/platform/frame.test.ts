// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { codeOf, withByte } from "../sgx/testing.ts";
import { answer } from "./answer.ts";
import {
  CODE,
  type Code,
  encodeReply,
  encodeRequest,
  HEADER_BYTES,
  LONGEST_REQUEST_BYTES,
  REQUEST_BYTES,
  readRequest,
} from "./frame.ts";
import { deriveSecrets } from "./secrets.ts";

const codes: readonly Code[] = Object.values(CODE);

test.each(codes.map((code) => [code]))("request %i is read when it is whole", (code) => {
  const payload = crypto.getRandomValues(new Uint8Array(REQUEST_BYTES[code]));
  const bytes = encodeRequest({ code, payload });
  for (let size = 0; size < bytes.length; size++) {
    expect(readRequest(bytes.subarray(0, size))).toBeUndefined();
  }
  expect(readRequest(bytes)).toEqual({ code, payload });
  // What follows is nobody's.
  expect(readRequest(Buffer.concat([bytes, bytes]))).toEqual({
    code,
    payload: Buffer.from(payload),
  });
});

test("every byte of a header must be right, and is judged before the payload has come", () => {
  const header = encodeRequest({ code: CODE.EGETKEY, payload: new Uint8Array(720) }).subarray(
    0,
    12,
  );
  for (let at = 0; at < HEADER_BYTES; at++) {
    expect(codeOf(() => readRequest(withByte(header, at, 0x80)))).toBe("PLATFORM_PROTOCOL");
  }
});

test("a reply with another status than 0 has no payload", () => {
  expect(encodeReply(CODE.EGETKEY, { status: 64, payload: new Uint8Array(16) })).toEqual(
    Uint8Array.of(8, 0, 0, 0, 4, 0, 1, 0, 64, 0, 0, 0),
  );
});

test("noise of the right size is answered or refused, and never fails otherwise", () => {
  const secrets = deriveSecrets(new Uint8Array(32));
  for (let round = 0; round < 500; round++) {
    const code = codes[round % codes.length] ?? CODE.HELLO;
    const payload = crypto.getRandomValues(new Uint8Array(REQUEST_BYTES[code]));
    // Half of them with mostly zeros, which come further.
    if (round % 2 === 0) payload.fill(0, 16);
    const { status } = answer(secrets, { code, payload }, () => {});
    expect(Number.isInteger(status)).toBe(true);
    if (code !== CODE.HELLO) expect(status).not.toBe(0);
  }
  expect(LONGEST_REQUEST_BYTES).toBe(12 + 1808 + 304 + 152);
});
