// SPDX-License-Identifier: Apache-2.0
/** The client's flows against services that misbehave, or that behave in another way than ours. */
import { describe, expect, test } from "bun:test";
import { encodeAttKeyId } from "./att-key.ts";
import { aesmClient } from "./client.ts";
import { encodeResponse } from "./codec.ts";
import { aesmNumberOf } from "./errors.ts";
import { ecdsaQuote, ecdsaTargetInfo, epidTargetInfo, launchToken } from "./quoting.ts";
import type { AnyResponse } from "./schema.ts";
import { testPlatform } from "./testing.ts";

const platform = testPlatform();
const { attKeyId } = platform.ecdsa;
const ecdsaReport = platform.report(await platform.ecdsa.targetInfo());
const spid = new Uint8Array(16).fill(0x5d);

async function numberOf(failing: Promise<unknown>): Promise<number | undefined> {
  return failing.then(
    () => 0,
    (error: unknown) => aesmNumberOf(error),
  );
}

describe("a service that misbehaves", () => {
  const answering = (...replies: readonly AnyResponse[]) => {
    let at = 0;
    const exchange = async () =>
      encodeResponse(replies[Math.min(at++, replies.length - 1)] as AnyResponse);
    return aesmClient({ exchange, timeoutMs: 1000 });
  };
  const errorCode = 0;
  const key: AnyResponse = {
    name: "selectAttKeyId",
    value: { errorCode, selectedAttKeyId: attKeyId },
  };
  const size = (quoteSize: number): AnyResponse => ({
    name: "getQuoteSizeEx",
    value: { errorCode, quoteSize },
  });
  const quoteOf = (quote: Uint8Array): AnyResponse => ({
    name: "getQuoteEx",
    value: { errorCode, quote },
  });
  const launch = { mrEnclave: spid, modulus: spid, attributes: spid };
  const cases: readonly (readonly [string, () => Promise<unknown>, string])[] = [
    ["another reply", () => epidTargetInfo(answering(key)), "the reply is one to `selectAttKeyId`"],
    [
      "no TARGETINFO",
      () => epidTargetInfo(answering({ name: "initQuote", value: { errorCode } })),
      "but none",
    ],
    [
      "a short token",
      () =>
        launchToken(
          answering({ name: "getLaunchToken", value: { errorCode, token: spid } }),
          launch,
        ),
      "but one of 16",
    ],
    [
      "a short key id",
      () =>
        ecdsaTargetInfo(
          answering({ name: "selectAttKeyId", value: { errorCode, selectedAttKeyId: spid } }),
        ),
      "but one of 16",
    ],
    [
      "a public key id of nothing",
      () => ecdsaTargetInfo(answering(key, { name: "initQuoteEx", value: { errorCode } })),
      "a public key id of 0 bytes",
    ],
    [
      "a public key id of 2^40",
      () =>
        ecdsaTargetInfo(
          answering(key, { name: "initQuoteEx", value: { errorCode, pubKeyIdSize: 2n ** 40n } }),
        ),
      "a public key id of",
    ],
    [
      "a small quote",
      () => ecdsaQuote(answering(key, size(435)), ecdsaReport),
      "a quote of 435 bytes",
    ],
    [
      "a huge quote",
      () => ecdsaQuote(answering(key, size(0xffff_ffff)), ecdsaReport),
      "a quote of 4294967295 bytes",
    ],
    [
      "another size than said",
      () => ecdsaQuote(answering(key, size(500), quoteOf(new Uint8Array(501))), ecdsaReport),
      "a quote of 501 bytes, not 436 to 500",
    ],
    [
      "a quote that says it is longer",
      () =>
        ecdsaQuote(
          answering(key, size(500), quoteOf(new Uint8Array(500).fill(1, 432, 436))),
          ecdsaReport,
        ),
      "bytes in 500",
    ],
    [
      "a quote of another report",
      () => ecdsaQuote(answering(key, size(500), quoteOf(new Uint8Array(500))), ecdsaReport),
      "a quote of another report",
    ],
    [
      "a thousand keys",
      () =>
        ecdsaQuote(
          answering(
            { name: "selectAttKeyId", value: { errorCode, selectedAttKeyId: new Uint8Array(256) } },
            { name: "getSupportedAttKeyIdNum", value: { errorCode, attKeyIdNum: 1000 } },
          ),
          ecdsaReport,
        ),
      "1000 attestation keys",
    ],
  ];
  for (const [name, failing, reason] of cases) {
    test(name, async () => {
      const error: unknown = await failing().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({
        code: "AESM_PROTOCOL",
        message: expect.stringContaining(reason),
      });
    });
  }
  test("a quote without the rest of its buffer is as good", async () => {
    const buffer = new Uint8Array(500);
    buffer.set(ecdsaReport.subarray(0, 384), 48);
    buffer[432] = 10;
    for (const length of [446, 447, 500]) {
      const sent = answering(key, size(500), quoteOf(buffer.subarray(0, length)));
      expect((await ecdsaQuote(sent, ecdsaReport)).length).toBe(446);
    }
  });
  test("a key that is proposed and does not fit", async () => {
    const epidKey = encodeAttKeyId({
      version: 2,
      mrsigner: new Uint8Array(32),
      productId: 1,
      algorithm: 0,
    });
    const two: AnyResponse[] = [
      { name: "selectAttKeyId", value: { errorCode, selectedAttKeyId: epidKey } },
      { name: "getSupportedAttKeyIdNum", value: { errorCode, attKeyIdNum: 2 } },
    ];
    const both: AnyResponse = {
      name: "getSupportedAttKeyIds",
      value: { errorCode, attKeyIds: Buffer.concat([epidKey, attKeyId]) },
    };
    const found = ecdsaQuote(answering(...two, both, size(435)), ecdsaReport);
    expect(found).rejects.toThrow("a quote of 435 bytes");
    const none: AnyResponse = {
      name: "getSupportedAttKeyIds",
      value: { errorCode, attKeyIds: Buffer.concat([epidKey, epidKey]) },
    };
    expect(await numberOf(ecdsaQuote(answering(...two, none), ecdsaReport))).toBe(38);
  });
  test("a request that it does not know", async () => {
    const reply: AnyResponse = { name: "unsupportedRequest", value: { errorCode: 1 } };
    const failing = ecdsaTargetInfo(answering(reply));
    expect(failing).rejects.toMatchObject({
      code: "AESM_REFUSED",
      hint: expect.stringContaining("does not know"),
    });
  });
});
