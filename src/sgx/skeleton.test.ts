// SPDX-License-Identifier: Apache-2.0
/** Image, layout, measurement and signing options of the sample enclave. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { toHex, viewOf } from "./bytes.ts";
import { measure } from "./measurement.ts";
import { parseSkeletonImage, withMetadata } from "./skeleton-image.ts";
import { layOutSkeleton, measureSkeleton, pageLayoutOf } from "./skeleton-layout.ts";
import { prepareSkeleton } from "./skeleton-sign.ts";
import { codeOf, testImage, withByte } from "./testing.ts";
import { ssaFramePages } from "./xsave.ts";

const legacy = { xfrm: 3n, miscSelect: 0, pageLayout: "published" } as const;

describe("image", () => {
  test("metadata and note are read from their places", () => {
    const image = parseSkeletonImage(testImage({ note: true, maxMmapSize: 0x40000n }));
    expect(image.pages.length).toBe(4 * 4096);
    expect(image.metadata).toEqual({
      maxMmapSize: 0x40000n,
      nullDereferenceProtection: false,
      mmapMinAddr: 0x10000n,
    });
    expect(image.pageNote).toEqual({
      codeStart: 4096,
      codeEnd: 8192,
      dataStart: 8192,
      dataEnd: 12288,
    });
    expect(parseSkeletonImage(testImage()).pageNote).toBeUndefined();
  });

  test("what is no image is refused", () => {
    const note = 3 * 4096 - 64;
    const noted = testImage({ note: true });
    const hostile = [
      new Uint8Array(0),
      new Uint8Array(4096),
      testImage({ protection: 2 }),
      testImage({ maxMmapSize: 1n << 40n }),
      testImage({ protection: 1, mmapMinAddr: 0x10001n }),
      testImage({ protection: 1, mmapMinAddr: 1n << 40n }),
      withByte(noted, note + 8, 2), // version
      withByte(noted, note + 12), // reserved
      withByte(noted, note + 63), // reserved
      withByte(noted, note + 16), // not page-aligned
      withByte(noted, note + 17, 0x10), // code starts in the TCS
      withByte(noted, note + 17, 0x20), // code ends before it starts
      withByte(noted, note + 25, 0x10), // data before code ends
      withByte(noted, note + 42), // data ends outside
    ];
    for (const [index, file] of hostile.entries()) {
      expect([index, codeOf(() => parseSkeletonImage(file))]).toEqual([index, "SGX_FORMAT"]);
    }
  });

  test("metadata is written only where the file ends with it", () => {
    const metadata = { maxMmapSize: 1n, nullDereferenceProtection: true, mmapMinAddr: 0x3000n };
    const changed = withMetadata(testImage(), metadata);
    expect(toHex(changed.slice(-17))).toBe(`0100000000000000010030000000000000`);
    expect(changed.slice(0, -17)).toEqual(testImage().slice(0, -17));
    expect(codeOf(() => withMetadata(new Uint8Array(8192), metadata))).toBe("SGX_FORMAT");
  });
});

describe("layout", () => {
  test("TCS, image and SSA fill the smallest power of two", () => {
    const layout = layOutSkeleton(parseSkeletonImage(testImage()), legacy);
    const pages = [...layout.pages()];
    expect(pages.map(({ offset }) => Number(offset) / 4096)).toEqual([0, 1, 2, 3, 4]);
    expect(pages.map(({ secinfoFlags }) => secinfoFlags)).toEqual([
      0x100n,
      0x207n,
      0x207n,
      0x207n,
      0x207n,
    ]);
    expect(layout.mappedBytes).toBe(5n * 4096n);
    expect(layout.enclaveBytes).toBe(8n * 4096n);
    const tcs = viewOf(pages[0]?.data ?? new Uint8Array(0));
    expect(tcs.getBigUint64(16, true)).toBe(4n * 4096n);
    expect(tcs.getBigUint64(32, true)).toBe(0x1000n);
  });

  test("NULL-dereference protection moves everything up and grows the range", () => {
    const image = parseSkeletonImage(testImage({ protection: 1, mmapMinAddr: 0x10000n }));
    const layout = layOutSkeleton(image, legacy);
    const [tcs] = [...layout.pages()];
    expect(layout.imageOffset).toBe(0x10000n);
    expect(layout.enclaveBytes).toBe(0x20000n);
    expect(tcs?.offset).toBe(0x10000n);
    const view = viewOf(tcs?.data ?? new Uint8Array(0));
    expect(view.getBigUint64(16, true)).toBe(0x14000n);
    expect(view.getBigUint64(32, true)).toBe(0x11000n);
    const guarded = parseSkeletonImage(testImage({ protection: 1, mmapMinAddr: 0n }));
    expect(layOutSkeleton(guarded, legacy).imageOffset).toBe(16n * 1024n * 1024n);
  });

  test("padding reaches up to the mmap size, which must hold the rest", () => {
    const image = (maxMmapSize: bigint) => parseSkeletonImage(testImage({ maxMmapSize }));
    expect([...layOutSkeleton(image(0x9001n), legacy).pages()].length).toBe(10);
    expect(codeOf(() => layOutSkeleton(image(0x4fffn), legacy))).toBe("SGX_LIMIT");
    expect(layOutSkeleton(image(0x5000n), legacy).mappedBytes).toBe(0x5000n);
  });

  test("the note gives each page what it needs and no more", () => {
    const image = parseSkeletonImage(testImage({ note: true, maxMmapSize: 0x6000n }));
    const layout = layOutSkeleton(image, { ...legacy, pageLayout: "noted" });
    const flags = [...layout.pages()].map(({ secinfoFlags }) => secinfoFlags);
    expect(flags).toEqual([0x100n, 0x205n, 0x203n, 0x201n, 0x203n, 0x203n]);
    const unnoted = parseSkeletonImage(testImage());
    expect(
      codeOf(() => [...layOutSkeleton(unnoted, { ...legacy, pageLayout: "noted" }).pages()]),
    ).toBe("SGX_LIMIT");
    expect(pageLayoutOf(1)).toBe("noted");
    expect(codeOf(() => pageLayoutOf(2))).toBe("SGX_LIMIT");
  });

  test("the SSA frame follows XFRM", () => {
    expect(ssaFramePages(3n, 0)).toBe(1);
    expect(ssaFramePages(0xe7n, 1)).toBe(1);
    expect(ssaFramePages(0x602e7n, 0)).toBe(3);
    expect(codeOf(() => ssaFramePages(3n | (1n << 40n), 0))).toBe("SGX_LIMIT");
    expect(ssaFramePages(7n, 0, [{ feature: 2, offset: 5000, bytes: 256 }])).toBe(2);
    // The MISC region counts: 3896 + 184 bytes just fit a page, with EXINFO they fit none.
    const exact = [{ feature: 2, offset: 3000, bytes: 912 }];
    expect(ssaFramePages(7n, 0, exact)).toBe(1);
    expect(ssaFramePages(7n, 1, exact)).toBe(2);
  });
});

describe("measurement", () => {
  test("is the hash of ECREATE, EADD and EEXTEND records", () => {
    const page = Uint8Array.from({ length: 4096 }, (_, at) => at & 0xff);
    const measurement = measure(1, 8192n);
    measurement.addMeasured(4096n, 0x205n, page);
    const stream: number[] = [];
    const record = (tag: string, ...numbers: (readonly [bigint, number])[]) => {
      const bytes = new Uint8Array(64);
      new TextEncoder().encodeInto(tag, bytes);
      let at = 8;
      for (const [value, size] of numbers) {
        for (let i = 0; i < size; i++) bytes[at++] = Number((value >> BigInt(8 * i)) & 0xffn);
      }
      stream.push(...bytes);
    };
    record("ECREATE", [1n, 4], [8192n, 8]);
    record("EADD", [4096n, 8], [0x205n, 8]);
    for (let at = 0; at < 4096; at += 256) {
      record("EEXTEND", [4096n + BigInt(at), 8]);
      stream.push(...page.subarray(at, at + 256));
    }
    const expected = createHash("sha256").update(Uint8Array.from(stream)).digest("hex");
    expect(toHex(measurement.finish())).toBe(expected);
  });

  test("every byte, permission, offset and size counts", () => {
    const hash = (file: Uint8Array, options: Parameters<typeof layOutSkeleton>[1] = legacy) =>
      toHex(measureSkeleton(layOutSkeleton(parseSkeletonImage(file), options)));
    const base = testImage({ note: true });
    const all = [
      hash(base),
      hash(base, { ...legacy, pageLayout: "noted" }),
      hash(base, { ...legacy, xfrm: 0x602e7n }),
      hash(testImage({ note: true, maxMmapSize: 0x8000n })),
      hash(testImage({ note: true, protection: 1 })),
      ...[0, 33, 4096, 5000, 8191, 3 * 4096 + 9, base.length - 1].map((at) =>
        hash(withByte(base, at)),
      ),
    ];
    // 0 and 33 lie in the TCS; a metadata byte that only differs in MMAP_MIN_ADDR is measured too.
    expect(new Set(all).size).toBe(all.length);
  });

  test("sizes, offsets and chunks that EADD would fault on are refused", () => {
    expect(codeOf(() => measure(1, 4096n))).toBe("SGX_LIMIT");
    expect(codeOf(() => measure(1, 12288n))).toBe("SGX_LIMIT");
    expect(codeOf(() => measure(0, 8192n))).toBe("SGX_LIMIT");
    const measurement = measure(1, 8192n);
    for (const offset of [-4096n, 1n, 8192n]) {
      expect(codeOf(() => measurement.add(offset, 0x207n))).toBe("SGX_LIMIT");
    }
    expect(codeOf(() => measurement.extend(128n, new Uint8Array(256)))).toBe("SGX_LIMIT");
    expect(codeOf(() => measurement.extend(0n, new Uint8Array(255)))).toBe("SGX_LIMIT");
    expect(codeOf(() => measurement.addMeasured(0n, 0n, new Uint8Array(1)))).toBe("SGX_LIMIT");
  });
});

describe("signing options", () => {
  const date = 0x2026_1123;
  const bodyOf = (options: Omit<Parameters<typeof prepareSkeleton>[1], "date">) =>
    prepareSkeleton(testImage({ note: true }), { date, ...options }).body;

  test("defaults are debuggable, 64-bit, x87 and SSE", () => {
    const body = bodyOf({});
    expect(body.attributes).toEqual({ flags: 6n, xfrm: 3n });
    expect(body.attributeMask).toEqual({ flags: 6n, xfrm: 3n });
    expect([body.type, body.vendor, body.swDefined, body.miscSelect, body.miscMask]).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });

  test("no-debugger forbids DEBUG instead of demanding it", () => {
    const body = bodyOf({ noDebugger: true });
    expect(body.attributes.flags).toBe(4n);
    expect(body.attributeMask.flags).toBe(6n);
    expect(bodyOf({ noDebugger: true, attributes: 4n }).attributeMask.flags).toBe(6n);
    expect(codeOf(() => bodyOf({ noDebugger: true, attributes: 6n }))).toBe("SGX_LIMIT");
    expect(codeOf(() => bodyOf({ noDebugger: true, attributes: 6n, attributesMask: 4n }))).toBe(
      "SGX_LIMIT",
    );
  });

  test("attributes and XFRM must name what every enclave has, and nothing unknown", () => {
    expect(bodyOf({ attributes: 0x16n }).attributeMask.flags).toBe(0x16n);
    expect(bodyOf({ attributesMask: 0x86n }).attributes.flags).toBe(0x86n);
    expect(codeOf(() => bodyOf({ attributes: 2n }))).toBe("SGX_LIMIT");
    expect(codeOf(() => bodyOf({ attributes: 4n }))).toBe("SGX_LIMIT");
    expect(codeOf(() => bodyOf({ attributes: 0x106n }))).toBe("SGX_LIMIT");
    expect(codeOf(() => bodyOf({ attributes: 6n, attributesMask: 2n }))).toBe("SGX_LIMIT");
    expect(bodyOf({ xfrm: 7n }).attributeMask.xfrm).toBe(7n);
    expect(bodyOf({ xfrm: 7n, xfrmMask: 3n }).attributeMask.xfrm).toBe(3n);
    expect(codeOf(() => bodyOf({ xfrm: 4n }))).toBe("SGX_LIMIT");
    expect(codeOf(() => bodyOf({ xfrmMask: 1n }))).toBe("SGX_LIMIT");
  });

  test("the page layout is named in SWDEFINED and changes the measurement", () => {
    const noted = bodyOf({ pageLayout: "noted" });
    expect(noted.swDefined).toBe(1);
    expect(noted.enclaveHash).not.toEqual(bodyOf({}).enclaveHash);
    expect(bodyOf({ debugEnclave: true }).type).toBe(0x8000_0000);
  });

  test("metadata is written before it is measured", () => {
    const metadata = { maxMmapSize: 0x8000n, nullDereferenceProtection: false, mmapMinAddr: 0n };
    const prepared = prepareSkeleton(testImage(), { date, metadata });
    const again = prepareSkeleton(prepared.image, { date });
    expect(again.body.enclaveHash).toEqual(prepared.body.enclaveHash);
    expect(prepared.layout.mappedBytes).toBe(0x8000n);
  });
});
