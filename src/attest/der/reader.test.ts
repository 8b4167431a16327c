// SPDX-License-Identifier: Apache-2.0
/** A museum of encodings that are nearly DER. Each has been a hole in somebody's parser. */
import { describe, expect, test } from "bun:test";
import { derReader, enterOnly, TAG } from "./reader.ts";
import {
  readBitBytes,
  readBoolean,
  readNamedBits,
  readNull,
  readOid,
  readSmall,
  readTime,
  readUnsigned,
} from "./values.ts";

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

function reader(hex: string) {
  return derReader(bytes(hex), "test");
}

function ascii(tag: string, text: string): string {
  const body = Buffer.from(text, "latin1");
  return tag + body.length.toString(16).padStart(2, "0") + body.toString("hex");
}

describe("lengths", () => {
  const wrong = {
    "no length": "30",
    "nothing at all": "",
    "beyond the end": "3005 0101ff",
    "indefinite (BER)": "3080 0101ff 0000",
    "reserved 0xff": "30ff",
    "one byte, long form": "3081 03 0101ff",
    "127 in long form": `3081 7f ${"00".repeat(127)}`,
    "two bytes, padded": `3082 0080 ${"00".repeat(128)}`,
    "five bytes": "3085 0000000003 0101ff",
    "four bytes, 4 GiB": "3084 ffffffff 00",
    "within a length": "3082 01",
  };
  for (const [name, hex] of Object.entries(wrong)) {
    test(name, () => expect(() => reader(hex).any()).toThrow(/read test/));
  }
  test("the smallest of each form", () => {
    expect(reader(`3081 80 ${"00".repeat(128)}`).any().content.length).toBe(128);
    expect(reader(`3082 0100 ${"00".repeat(256)}`).any().content.length).toBe(256);
    expect(reader("3000").any().content.length).toBe(0);
  });
});

describe("tags", () => {
  test("several bytes", () => {
    expect(() => reader("1f8101 00").any()).toThrow("several bytes");
    expect(() => reader("bf2a00").any()).toThrow("several bytes");
  });
  test("another than expected, and the end", () => {
    expect(() => reader("0401ff").next(TAG.integer)).toThrow("expected tag 0x02, got tag 0x04");
    expect(() => reader("").next(TAG.integer)).toThrow("got the end");
    expect(() => reader("2003 0101ff").next(TAG.boolean)).toThrow();
  });
  test("trailing bytes, outside and inside", () => {
    expect(() => enterOnly(bytes("3003 020101 00"), TAG.sequence, "test")).toThrow(
      "1 bytes too many",
    );
    const inner = enterOnly(bytes("3004 020101 00"), TAG.sequence, "test");
    inner.next(TAG.integer);
    expect(() => inner.finish()).toThrow("1 bytes too many");
  });
  test("a child longer than its parent", () => {
    const inner = enterOnly(bytes("3003 020501"), TAG.sequence, "test");
    expect(() => inner.any()).toThrow("where 1 are left");
  });
  test("deep nesting is somebody else's loop: each level is asked for", () => {
    let nested = new Uint8Array();
    for (let depth = 0; depth < 400; depth++) {
      const length = nested.length;
      const head =
        length < 0x80
          ? [0x30, length]
          : length < 0x100
            ? [0x30, 0x81, length]
            : [0x30, 0x82, length >> 8, length & 0xff];
      nested = Uint8Array.from([...head, ...nested]);
    }
    let level = derReader(nested, "test");
    for (let depth = 0; depth < 400; depth++) level = level.enter(TAG.sequence);
    expect(level.atEnd()).toBe(true);
  });
});

describe("integers", () => {
  const wrong = {
    empty: "0200",
    negative: "020180",
    "negative, long": "0202ff00",
    padded: "02020001",
  };
  for (const [name, hex] of Object.entries(wrong)) {
    test(name, () => expect(() => readUnsigned(reader(hex))).toThrow(/integer/));
  }
  test("values and limits", () => {
    expect(readSmall(reader("020100"), 0)).toBe(0);
    expect(readSmall(reader("02020080"), 255)).toBe(128);
    expect(readSmall(reader("0203010000"), 0xffff_ffff)).toBe(65536);
    expect(() => readSmall(reader("0203010000"), 0xffff)).toThrow("at most 65535");
    expect(() => readSmall(reader(`0208${"01".repeat(8)}`), Number.MAX_SAFE_INTEGER)).toThrow(
      "8 bytes",
    );
  });
});

describe("object identifiers", () => {
  test("values", () => {
    expect(readOid(reader("06082a8648ce3d040302"))).toBe("1.2.840.10045.4.3.2");
    expect(readOid(reader("0603551d0f"))).toBe("2.5.29.15");
    expect(readOid(reader("0601 7f"))).toBe("2.47");
  });
  const wrong = {
    empty: "0600",
    "padded arc": "0604 2a8048ce",
    "ends within an arc": "0603 2a8648 ".replace("48", "c8"),
    "arc beyond 32 bits": "0607 2a 9080808080 00".replace("00", "01"),
    "33 bytes": `0621 2a${"01".repeat(32)}`,
  };
  for (const [name, hex] of Object.entries(wrong)) {
    test(name, () => expect(() => readOid(reader(hex))).toThrow(/object identifier/));
  }
});

describe("booleans, nulls and bit strings", () => {
  test("a boolean has two encodings only", () => {
    expect(readBoolean(reader("0101ff"))).toBe(true);
    expect(readBoolean(reader("010100"))).toBe(false);
    for (const hex of ["010101", "0100", "0102ffff"]) {
      expect(() => readBoolean(reader(hex))).toThrow("boolean");
    }
  });
  test("null has no content", () => {
    readNull(reader("0500"));
    expect(() => readNull(reader("050100"))).toThrow("NULL");
  });
  test("bytes have no unused bits", () => {
    expect(readBitBytes(reader("030200aa"))).toEqual(Uint8Array.of(0xaa));
    for (const hex of ["0300", "030201aa", "030208aa"]) {
      expect(() => readBitBytes(reader(hex))).toThrow("bit string");
    }
  });
  test("named bits are minimal", () => {
    const usage = readNamedBits(reader("03020106"));
    expect([0, 5, 6, 7, 15].map(usage)).toEqual([false, true, true, false, false]);
    expect(readNamedBits(reader("030100"))(0)).toBe(false);
    const wrong = [
      "0300",
      "030101",
      "03020006",
      "03020206",
      "030200",
      "03030600 00",
      "03020107",
      "0305 00 01020304",
      "030209 80",
    ];
    for (const hex of wrong) expect(() => readNamedBits(reader(hex))).toThrow();
  });
});

describe("times", () => {
  test("values", () => {
    expect(readTime(reader(ascii("17", "260615120000Z")))).toBe(Date.parse("2026-06-15T12:00:00Z"));
    expect(readTime(reader(ascii("17", "500101000000Z")))).toBe(Date.parse("1950-01-01T00:00:00Z"));
    expect(readTime(reader(ascii("17", "491231235959Z")))).toBe(Date.parse("2049-12-31T23:59:59Z"));
    expect(readTime(reader(ascii("18", "20500101000000Z")))).toBe(
      Date.parse("2050-01-01T00:00:00Z"),
    );
    expect(readTime(reader(ascii("17", "240229000000Z")))).toBe(Date.parse("2024-02-29T00:00:00Z"));
  });
  const wrong = {
    "without seconds": ["17", "2606151200Z"],
    "with an offset": ["17", "260615120000+0100"],
    "without Z": ["17", "260615120000"],
    "29 February of 2026": ["17", "260229000000Z"],
    "31 April": ["17", "260431000000Z"],
    "month 13": ["17", "261301000000Z"],
    "month 0": ["17", "260001000000Z"],
    "day 0": ["17", "260600000000Z"],
    "hour 24": ["17", "260615240000Z"],
    "second 60": ["17", "260615120060Z"],
    "four digits in UTCTime": ["17", "20260615120000Z"],
    "two digits in GeneralizedTime": ["18", "260615120000Z"],
    fractions: ["18", "20260615120000.5Z"],
    "more after it": ["17", "260615120000Z0000000000000000000"],
    letters: ["17", "2606151200OOZ"],
    "another tag": ["0c", "260615120000Z"],
  } as const;
  for (const [name, [tag, text]] of Object.entries(wrong)) {
    test(name, () => expect(() => readTime(reader(ascii(tag, text)))).toThrow(/time/));
  }
});
