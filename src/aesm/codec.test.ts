// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { toHex } from "../sgx/bytes.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  unknownRequestNumber,
} from "./codec.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

describe("bytes made by hand", () => {
  test("a launch token's request, with timeout as field 9", () => {
    const value = {
      mrEnclave: Uint8Array.of(1, 2),
      modulus: Uint8Array.of(3),
      attributes: new Uint8Array(),
      timeout: 300,
    };
    const bytes = hex("1a 0c 0a 02 01 02 12 01 03 1a 00 48 ac 02");
    expect(encodeRequest({ name: "getLaunchToken", value })).toEqual(bytes);
    expect(decodeRequest(bytes)).toEqual({ name: "getLaunchToken", value });
  });
  test("SelectAttKeyID has its timeout as field 2", () => {
    const bytes = hex("9a 01 02 10 07");
    expect(encodeRequest({ name: "selectAttKeyId", value: { timeout: 7 } })).toEqual(bytes);
  });
  test("InitQuoteEx: b_pub_key_id is 3, buf_size 4, and false is sent", () => {
    const value = { wantPubKeyId: false, bufSize: 2n ** 63n };
    const bytes = hex("7a 0d 18 00 20 80 80 80 80 80 80 80 80 80 01");
    expect(encodeRequest({ name: "initQuoteEx", value })).toEqual(bytes);
    expect(decodeRequest(bytes)).toEqual({ name: "initQuoteEx", value });
  });
  test("a reply's error number 0 is sent", () => {
    const bytes = hex("aa 01 04 08 00 10 01");
    const value = { errorCode: 0, attKeyIdNum: 1 };
    expect(encodeResponse({ name: "getSupportedAttKeyIdNum", value })).toEqual(bytes);
    expect(decodeResponse(bytes)).toEqual({ name: "getSupportedAttKeyIdNum", value });
  });
  test("an empty request", () => {
    expect(toHex(encodeRequest({ name: "initQuote", value: {} }))).toBe("0a00");
    expect(decodeRequest(hex("0a 00"))).toEqual({ name: "initQuote", value: {} });
  });
});

describe("what proto2 says of odd but legal bytes", () => {
  test("unknown fields and other wire types are skipped", () => {
    // 9 as fixed32, 15 as group around a string, 99 as fixed64, then 9 as it should be.
    const bytes = hex("0a 19 4d 00000000 7b 12 01 ff 7c 99 06 0000000000000000 48 05 48 06");
    bytes[1] = bytes.length - 2;
    expect(decodeRequest(bytes)).toEqual({ name: "initQuote", value: { timeout: 6 } });
    expect(decodeRequest(hex("0a 00 f8 01 05"))).toEqual({ name: "initQuote", value: {} });
  });
  test("a known member of another wire type is none", () => {
    expect(() => decodeRequest(hex("08 05"))).toThrow("it holds no known message");
  });
  test("a member that comes twice is merged", () => {
    const bytes = hex("1a 06 0a 01 01 12 01 02  1a 08 1a 01 03 0a 01 04 48 01");
    expect(decodeRequest(bytes).value).toEqual({
      mrEnclave: Uint8Array.of(4),
      modulus: Uint8Array.of(2),
      attributes: Uint8Array.of(3),
      timeout: 1,
    });
  });
  test("varints longer than needed, and with more bits than the type", () => {
    expect(decodeRequest(hex("0a 04 48 81 80 00")).value).toEqual({ timeout: 1 });
    const minusOne = hex("0a 0b 48 ff ff ff ff ff ff ff ff ff 01");
    expect(decodeRequest(minusOne).value).toEqual({ timeout: 0xffff_ffff });
    const anyBit = hex("7a 06 18 80 80 80 80 10");
    expect(decodeRequest(anyBit).value).toEqual({ wantPubKeyId: true });
  });
});

describe("refused", () => {
  const museum: readonly (readonly [string, string, string])[] = [
    ["nothing", "", "it holds no known message"],
    ["two requests", "0a 00 9a 01 00", "initQuote and selectAttKeyId"],
    ["a required field missing", "1a 06 0a 01 01 12 01 02", "`attributes` (3) is missing"],
    ["a length beyond the end", "0a 05 48 01", "no protocol buffer"],
    ["a length of 4 GiB", "0a ff ff ff ff 0f", "no protocol buffer"],
    ["a length beyond the member, not the frame", "0a 02 48 80 00 00", "no protocol buffer"],
    ["a varint without end", "0a 0c 48 ff ff ff ff ff ff ff ff ff ff ff", "no protocol buffer"],
    ["a tag of field 0", "02 00", "no protocol buffer"],
    ["a tag beyond 32 bits", "8a 80 80 80 10 00", "no protocol buffer"],
    ["wire type 6", "0e", "no protocol buffer"],
    ["an end group without start", "0a 01 0c", "no protocol buffer"],
    ["a group ended by another number", "0a 03 7b 84 01", "no protocol buffer"],
    ["a group without end", "0a 01 7b", "no protocol buffer"],
    ["half a fixed64", "0a 02 59 00", "no protocol buffer"],
    ["groups in groups in groups", `0a c0 84 3d ${"7b".repeat(1_000_000)}`, "no protocol buffer"],
    ["half a tag", "9a", "no protocol buffer"],
  ];
  for (const [name, bytes, reason] of museum) {
    test(name, () => {
      const read = () => decodeRequest(hex(bytes));
      expect(read).toThrow(reason);
      expect(read).toThrow(expect.objectContaining({ code: "AESM_PROTOCOL" }));
    });
  }
  test("a reply without its error number", () => {
    expect(() => decodeResponse(hex("0a 02 12 00"))).toThrow("`errorCode` (1) is missing");
  });
});

test("what a request asks for that is not in the tables", () => {
  expect(unknownRequestNumber(hex("2a 00"))).toBe(5);
  expect(unknownRequestNumber(hex("f8 01 05"))).toBe(31);
  expect(unknownRequestNumber(hex("0a 00"))).toBeUndefined();
  expect(unknownRequestNumber(hex("2a 00 0a 00"))).toBeUndefined();
  expect(unknownRequestNumber(hex(""))).toBeUndefined();
});
