// SPDX-License-Identifier: Apache-2.0
/** The server core against the client's flows, both without a socket, and every refusal by number. */
import { describe, expect, test } from "bun:test";
import { createHash, verify } from "node:crypto";
import { answer, answerRequest } from "./answer.ts";
import { encodeAttKeyId, encodeAttKeyIdList } from "./att-key.ts";
import { type AesmClient, aesmClient } from "./client.ts";
import { decodeResponse, encodeRequest } from "./codec.ts";
import { aesmErrors, aesmNumberOf, aesmRefusal } from "./errors.ts";
import type { AesmPlatform } from "./platform.ts";
import { ecdsaQuote, ecdsaTargetInfo, epidQuote, epidTargetInfo, launchToken } from "./quoting.ts";
import type { AnyRequest, AnyResponse } from "./schema.ts";
import { cmac, testKey, testPlatform } from "./testing.ts";

const platform = testPlatform();
const { attKeyId } = platform.ecdsa;
const epidReport = platform.report(await platform.epid.targetInfo());
const ecdsaReport = platform.report(await platform.ecdsa.targetInfo());
const spid = new Uint8Array(16).fill(0x5d);

function clientOf(of: AesmPlatform): AesmClient {
  return aesmClient({ exchange: (message) => answer(of, message), timeoutMs: 1000 });
}
const client = clientOf(platform);

async function numberOf(failing: Promise<unknown>): Promise<number | undefined> {
  return failing.then(
    () => 0,
    (error: unknown) => aesmNumberOf(error),
  );
}

test("the test platform's CMAC is RFC 4493's", () => {
  const key = Buffer.from("2b7e151628aed2a6abf7158809cf4f3c", "hex");
  const message = Buffer.from("6bc1bee22e409f96e93d7e117393172a", "hex");
  expect(cmac(key, message).toString("hex")).toBe("070a16b46b4d4144f79bdd9dd04a287c");
});

describe("flows", () => {
  test("launch token", async () => {
    const modulus = new Uint8Array(384).fill(7);
    const attributes = new Uint8Array(16).fill(1);
    const mrEnclave = new Uint8Array(32).fill(9);
    const token = await launchToken(client, { mrEnclave, modulus, attributes });
    expect(token.length).toBe(304);
    expect([...token.subarray(128, 160)]).toEqual([
      ...createHash("sha256").update(modulus).digest(),
    ]);
  });
  for (const linkable of [false, true]) {
    test(`EPID, ${linkable ? "" : "un"}linkable`, async () => {
      const target = await epidTargetInfo(client);
      expect(target).toEqual(await platform.epid.targetInfo());
      const quote = await epidQuote(client, { report: platform.report(target), linkable, spid });
      expect(quote.length).toBe(436 + 680);
      expect([...quote.subarray(0, 16)]).toEqual([
        2,
        0,
        linkable ? 1 : 0,
        0,
        11,
        12,
        0,
        0,
        8,
        0,
        10,
        0,
        0,
        0,
        0,
        0,
      ]);
      expect([...quote.subarray(16, 32)]).toEqual([...spid]);
      expect(quote.subarray(48, 432)).toEqual(epidReport.subarray(0, 384));
    });
  }
  test("EPID: a quote of its own for a revocation list", async () => {
    const request = { report: epidReport, linkable: true, spid };
    const plain = await epidQuote(client, request);
    const other = await epidQuote(client, { ...request, sigRl: Uint8Array.of(1) });
    expect(other.subarray(0, 436)).toEqual(plain.subarray(0, 436));
    expect(other).not.toEqual(plain);
  });
  test("EPID: the quoting enclave's report", async () => {
    const nonce = new Uint8Array(16).fill(3);
    const { quote, qeReport } = await client.ask("getQuote", {
      report: epidReport,
      quoteType: 0,
      spid,
      nonce,
      bufSize: 1116,
      qeReport: true,
    });
    const digest = createHash("sha256")
      .update(nonce)
      .update(quote ?? "")
      .digest();
    expect([...(qeReport ?? spid).subarray(320, 352)]).toEqual([...digest]);
    const target = new Uint8Array(512);
    target.set(epidReport.subarray(64, 96), 0);
    target.set(epidReport.subarray(48, 64), 32);
    expect(qeReport).toEqual(
      platform.report(target, { reportData: Buffer.concat([digest, Buffer.alloc(32)]) }),
    );
  });
  test("ECDSA", async () => {
    const key = testKey();
    const own = testPlatform(key);
    const target = await ecdsaTargetInfo(clientOf(own));
    const report = own.report(target);
    const quote = await ecdsaQuote(clientOf(own), report);
    expect(quote.subarray(48, 432)).toEqual(report.subarray(0, 384));
    const spki = Buffer.concat([
      Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex"),
      key.publicKey,
    ]);
    const publicKey = {
      key: spki,
      format: "der",
      type: "spki",
      dsaEncoding: "ieee-p1363",
    } as const;
    expect(verify("sha256", quote.subarray(0, 432), publicKey, quote.subarray(436, 500))).toBe(
      true,
    );
    expect(own.initialised()).toBe(1);
    own.forget();
    expect((await ecdsaQuote(clientOf(own), report)).length).toBe(quote.length);
    expect(own.initialised()).toBe(2);
  });
  test("ECDSA: the quoting enclave's report", async () => {
    await ecdsaTargetInfo(client);
    const { quoteSize = 0 } = await client.ask("getQuoteSizeEx", { attKeyId });
    const info = new Uint8Array(960).fill(4, 0, 16).fill(2, 16, 48);
    const value = { report: ecdsaReport, attKeyId, bufSize: quoteSize, qeReportInfo: info };
    const { quote, qeReportInfo } = await client.ask("getQuoteEx", value);
    const digest = createHash("sha256")
      .update(info.subarray(0, 16))
      .update(quote ?? "")
      .digest();
    expect(qeReportInfo?.subarray(0, 528)).toEqual(info.subarray(0, 528));
    expect([...(qeReportInfo ?? spid).subarray(848, 880)]).toEqual([...digest]);
  });
  test("a key that never comes ready is no endless loop", async () => {
    const own = testPlatform();
    const broken = { ...own, ecdsa: { ...own.ecdsa, key: () => undefined } };
    expect(await numberOf(ecdsaQuote(clientOf(broken), ecdsaReport))).toBe(42);
    expect(own.initialised()).toBe(1);
  });
});

describe("refusals", () => {
  const getQuote = { report: epidReport, quoteType: 0, spid, bufSize: 2048 };
  const launch = {
    mrEnclave: new Uint8Array(32),
    modulus: new Uint8Array(384),
    attributes: new Uint8Array(16),
  };
  const other = encodeAttKeyId({
    version: 3,
    mrsigner: new Uint8Array(32),
    productId: 9,
    algorithm: 2,
  });
  const short = new Uint8Array(3);
  const forged = epidReport.with(100, 1);
  const size = 436 + 64 + 64 + 384 + 64 + 2 + 32 + 6 + 100;
  const quoteEx = { report: ecdsaReport, attKeyId, bufSize: size };
  const cases: readonly (readonly [string, AnyRequest, number])[] = [
    ["a short report", { name: "getQuote", value: { ...getQuote, report: short } }, 3],
    ["a short SPID", { name: "getQuote", value: { ...getQuote, spid: short } }, 3],
    ["a short nonce", { name: "getQuote", value: { ...getQuote, nonce: short } }, 3],
    ["quote type 2", { name: "getQuote", value: { ...getQuote, quoteType: 2 } }, 3],
    ["a QE report without nonce", { name: "getQuote", value: { ...getQuote, qeReport: true } }, 3],
    ["a small buffer", { name: "getQuote", value: { ...getQuote, bufSize: 1115 } }, 3],
    ["a buffer of 4 GiB", { name: "getQuote", value: { ...getQuote, bufSize: 0xffff_ffff } }, 3],
    ["a forged report", { name: "getQuote", value: { ...getQuote, report: forged } }, 3],
    [
      "a report for another QE",
      { name: "getQuote", value: { ...getQuote, report: ecdsaReport } },
      3,
    ],
    ["a short hash", { name: "getLaunchToken", value: { ...launch, mrEnclave: short } }, 3],
    [
      "MRSIGNER in the modulus' place",
      { name: "getLaunchToken", value: { ...launch, modulus: new Uint8Array(32) } },
      3,
    ],
    ["short attributes", { name: "getLaunchToken", value: { ...launch, attributes: short } }, 3],
    ["no key id", { name: "initQuoteEx", value: { wantPubKeyId: false } }, 3],
    ["a short key id", { name: "initQuoteEx", value: { attKeyId: short, wantPubKeyId: false } }, 3],
    ["another key", { name: "initQuoteEx", value: { attKeyId: other, wantPubKeyId: false } }, 38],
    ["no buffer for the id", { name: "initQuoteEx", value: { attKeyId, wantPubKeyId: true } }, 3],
    [
      "a wrong buffer for the id",
      { name: "initQuoteEx", value: { attKeyId, wantPubKeyId: true, bufSize: 33n } },
      3,
    ],
    ["size of no key", { name: "getQuoteSizeEx", value: {} }, 3],
    ["size of another key", { name: "getQuoteSizeEx", value: { attKeyId: other } }, 38],
    ["quote of a short report", { name: "getQuoteEx", value: { ...quoteEx, report: short } }, 3],
    ["quote with another key", { name: "getQuoteEx", value: { ...quoteEx, attKeyId: other } }, 38],
    [
      "quote with a short info",
      { name: "getQuoteEx", value: { ...quoteEx, qeReportInfo: short } },
      3,
    ],
    [
      "quote into a wrong buffer",
      { name: "getQuoteEx", value: { ...quoteEx, bufSize: size + 1 } },
      3,
    ],
    ["quote of a forged report", { name: "getQuoteEx", value: { ...quoteEx, report: forged } }, 47],
    [
      "quote of a report for the EPID QE",
      { name: "getQuoteEx", value: { ...quoteEx, report: epidReport } },
      47,
    ],
    ["a list without head", { name: "selectAttKeyId", value: { attKeyIdList: short } }, 3],
    [
      "a list of another count",
      { name: "selectAttKeyId", value: { attKeyIdList: encodeAttKeyIdList([other]).with(4, 2) } },
      3,
    ],
    [
      "a list of other keys",
      { name: "selectAttKeyId", value: { attKeyIdList: encodeAttKeyIdList([other, other]) } },
      38,
    ],
    ["a small buffer for keys", { name: "getSupportedAttKeyIds", value: { bufSize: 255 } }, 3],
    ["a white list", { name: "getWhiteList", value: {} }, 30],
    ["its size", { name: "getWhiteListSize", value: {} }, 30],
    ["another EPID group", { name: "switchExtendedEpidGroup", value: {} }, 30],
    ["registration", { name: "register", value: { buf: short, dataType: 1 } }, 30],
    ["updates", { name: "checkUpdateStatus", value: { updateInfoSize: 1, config: 1 } }, 30],
    [
      "an error report",
      {
        name: "reportAttestationError",
        value: { platformInfo: short, attestationErrorCode: 1, updateInfoSize: 1 },
      },
      30,
    ],
  ];
  for (const [name, request, errorCode] of cases) {
    test(name, async () => {
      await platform.ecdsa.initialise();
      const reply = await answerRequest(platform, request);
      expect(reply).toEqual({ name: request.name, value: { errorCode } } as AnyResponse);
      const bare = await answer({}, encodeRequest(request));
      expect(decodeResponse(bare).value.errorCode).toBe(30);
    });
  }
  test("accepted lists and numbers", async () => {
    const attKeyIdList = encodeAttKeyIdList([other, attKeyId]);
    const { selectedAttKeyId } = await client.ask("selectAttKeyId", { attKeyIdList });
    expect(selectedAttKeyId).toEqual(attKeyId);
    expect((await client.ask("getSupportedAttKeyIdNum", {})).attKeyIdNum).toBe(1);
    expect((await client.ask("getSupportedAttKeyIds", { bufSize: 512 })).attKeyIds).toEqual(
      attKeyId,
    );
    expect((await client.ask("getExtendedEpidGroupId", {})).extendedGroupId).toBe(0);
  });
  test("size and quote before the key exists", async () => {
    const fresh = testPlatform();
    expect(await numberOf(clientOf(fresh).ask("getQuoteSizeEx", { attKeyId }))).toBe(42);
    expect(await numberOf(clientOf(fresh).ask("getQuoteEx", quoteEx))).toBe(42);
  });
  test("every number a platform may throw reaches the client", async () => {
    for (const { number } of aesmErrors.slice(1)) {
      const token = () => {
        throw aesmRefusal(number, "test");
      };
      const failing = clientOf({ launch: { token } }).ask("getLaunchToken", launch);
      expect(await numberOf(failing)).toBe(number);
    }
  });
  test("faults of the platform are told to its owner, not to the client", async () => {
    const faults: unknown[] = [];
    const fault = new Error("secret /path");
    const token = () => {
      throw fault;
    };
    const message = encodeRequest({ name: "getLaunchToken", value: launch });
    const reply = await answer({ launch: { token } }, message, (error) => faults.push(error));
    expect(decodeResponse(reply).value).toEqual({ errorCode: 1 });
    expect(faults).toEqual([fault]);
    await answer({}, message, (error) => faults.push(error));
    expect(faults.length).toBe(1);
  });
  test("anything else it throws, and a token of a wrong size, is unexpected", async () => {
    const broken = () => {
      throw new Error("secret /path");
    };
    expect(
      await numberOf(clientOf({ launch: { token: broken } }).ask("getLaunchToken", launch)),
    ).toBe(1);
    const empty = () => new Uint8Array();
    expect(
      await numberOf(clientOf({ launch: { token: empty } }).ask("getLaunchToken", launch)),
    ).toBe(1);
  });
  test("a request nobody knows is answered by 20, nonsense not at all", async () => {
    const reply = decodeResponse(await answer(platform, Uint8Array.of(0x2a, 0)));
    expect(reply.name).toBe("unsupportedRequest");
    const nonsense = answer(platform, Uint8Array.of(0xff, 0xff));
    expect(nonsense).rejects.toMatchObject({ code: "AESM_PROTOCOL" });
  });
});
