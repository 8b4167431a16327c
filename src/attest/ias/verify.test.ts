// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { makeIasReport } from "../testing/ias.ts";
import { noVectors, vector, vectorText } from "../testing/vectors.ts";
import { iasReportOf, iasReportOfJson } from "./files.ts";
import { type IasOptions, type IasReport, type IasVerdict, verifyIasReport } from "./verify.ts";

const why = noVectors === undefined ? "" : ` (skipped: ${noVectors})`;

function outcome(verdict: IasVerdict): string {
  return verdict.verified ? verdict.report.status : verdict.failure.code;
}

describe.skipIf(noVectors !== undefined)(`reports of Intel's service${why}`, () => {
  const at = new Date("2024-01-01T00:00:00Z");

  test("Oasis': version 4, hardening needed, a debug enclave", () => {
    const set = "ias-v4-oasis-swhard";
    const report = iasReportOf(
      vector(set, "body.json"),
      vectorText(set, "signature.b64"),
      vectorText(set, "certs.urlencoded.pem"),
    );
    const nonce = "biNMqBAuTPF2hp/0fXa4P3splRkLHJf0";
    const verdict = verifyIasReport(report, { at, nonce });
    if (!verdict.verified) throw verdict.failure;
    expect(verdict.report).toMatchObject({
      id: "323119119247496566074708526703373820736",
      version: 4,
      status: "SW_HARDENING_NEEDED",
      advisoryIds: ["INTEL-SA-00334"],
      nonce,
    });
    expect(verdict.report.timestamp).toBe(Date.parse("2020-05-11T09:21:15.454051Z"));
    expect(verdict.debug).toBe(true);
    const check = (options: IasOptions, changed: IasReport = report) =>
      outcome(verifyIasReport(changed, options));
    expect(check({ at, nonce: "another" })).toBe("ATTEST_MISMATCH");
    expect(check({ at, quote: verdict.report.quoteBodyBytes })).toBe("SW_HARDENING_NEEDED");
    expect(check({ at, quote: new Uint8Array(432) })).toBe("ATTEST_MISMATCH");
    expect(check({ at: new Date("2020-05-11T09:21:15Z") })).toBe("ATTEST_TIME");
    // The signing certificate's own end, after which no report verifies at "now".
    expect(check({ at: new Date("2026-11-20T09:36:58Z") })).toBe("SW_HARDENING_NEEDED");
    expect(check({ at: new Date("2026-11-20T09:36:59Z") })).toBe("ATTEST_TIME");
    expect(check({ at, anchors: [] })).toBe("ATTEST_CERTIFICATE");
  });

  test("Oasis': group out of date", () => {
    const set = "ias-oasis-group-out-of-date";
    const report = iasReportOf(
      vector(set, "body.json"),
      vectorText(set, "signature.b64"),
      vectorText(set, "certs.urlencoded.pem"),
    );
    expect(outcome(verifyIasReport(report, { at }))).toBe("GROUP_OUT_OF_DATE");
  });

  test("PDO's: version 2, with a newline that nobody signed; the bad ones", () => {
    const set = "ias-v2-pdo-good-and-bad";
    const read = (body: Uint8Array, signature: string) =>
      outcome(
        verifyIasReport(
          iasReportOf(body, vectorText(set, signature), vectorText(set, "certificate.pem")),
          { at },
        ),
      );
    const body = vector(set, "report.json");
    expect(read(body, "signature.txt")).toBe("GROUP_OUT_OF_DATE");
    expect(read(body, "bad_signature.txt")).toBe("ATTEST_SIGNATURE");
    expect(read(Buffer.from("badreport"), "signature.txt")).toBe("ATTEST_SIGNATURE");
  });

  test("Phala's: one JSON object, version 4, 13 advisories", () => {
    const report = iasReportOfJson(vectorText("ias-v4-phala", "ias_2023_group_out_of_date.json"));
    const verdict = verifyIasReport(report, { at });
    if (!verdict.verified) throw verdict.failure;
    expect(verdict.report.status).toBe("GROUP_OUT_OF_DATE");
    expect(verdict.report.version).toBe(4);
    expect(verdict.report.advisoryIds.length).toBe(13);
    expect(new Date(verdict.report.timestamp)).toEqual(new Date("2023-10-18T09:01:15.022Z"));
  });
});

describe("reports of a test service", () => {
  const { report, anchors, at } = makeIasReport();
  test("good", () => {
    expect(outcome(verifyIasReport(report, { at, anchors }))).toBe("OK");
    expect(outcome(verifyIasReport(report, { at }))).toBe("ATTEST_CERTIFICATE");
  });
  test("every changed byte of body, signature and certificate", () => {
    const flip = (bytes: Uint8Array, index: number) => bytes.with(index, (bytes[index] ?? 0) ^ 1);
    const refused = (changed: IasReport) => {
      const verdict = verifyIasReport(changed, { at, anchors });
      expect(verdict.verified ? "verified" : verdict.failure.code).toMatch(/^ATTEST_/);
    };
    for (let index = 0; index < report.body.length; index++) {
      refused({ ...report, body: flip(report.body, index) });
    }
    for (let index = 0; index < report.signature.length; index++) {
      refused({ ...report, signature: flip(report.signature, index) });
    }
    const [certificate = new Uint8Array()] = report.certificates;
    for (let index = 0; index < certificate.length; index++) {
      refused({ ...report, certificates: [flip(certificate, index)] });
    }
  });
  const faults: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ["a status nobody knows", { isvEnclaveQuoteStatus: "FINE" }, "ATTEST_FORMAT"],
    ["a version nobody knows", { version: 6 }, "ATTEST_FORMAT"],
    ["no timestamp", { timestamp: undefined }, "ATTEST_FORMAT"],
    ["31 February", { timestamp: "2026-02-31T00:00:00.0" }, "ATTEST_FORMAT"],
    ["a timestamp with a zone", { timestamp: "2026-06-15T11:00:00Z" }, "ATTEST_FORMAT"],
    ["the future", { timestamp: "2026-06-15T12:00:01" }, "ATTEST_TIME"],
    ["a short quote body", { isvEnclaveQuoteBody: "AAAA" }, "ATTEST_FORMAT"],
    ["no quote body", { isvEnclaveQuoteBody: undefined }, "ATTEST_FORMAT"],
    ["a nonce that is none", { nonce: 5 }, "ATTEST_FORMAT"],
  ];
  for (const [name, changes, code] of faults) {
    test(name, () => {
      const made = makeIasReport(changes);
      expect(outcome(verifyIasReport(made.report, { at, anchors: made.anchors }))).toBe(code);
    });
  }
  for (const version of [undefined, 2, 3, 4, 5]) {
    test(`version ${version ?? "unsaid"}`, () => {
      const made = makeIasReport({ version });
      expect(outcome(verifyIasReport(made.report, { at, anchors: made.anchors }))).toBe("OK");
    });
  }
});
