// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { verifyIasReport } from "../ias/verify.ts";
import { type EvidenceOptions, makeEvidence } from "../testing/evidence.ts";
import { makeIasReport } from "../testing/ias.ts";
import { verifyQuote } from "../verify/verify-quote.ts";
import { evaluateIasReport, evaluateQuote } from "./evaluate.ts";
import { DEFAULT_POLICY, readPolicy } from "./policy.ts";

/** The names of the rules that a policy finds broken; the quote itself must be genuine. */
function broken(
  policy: Record<string, unknown> | undefined,
  options: EvidenceOptions = {},
): string[] {
  const { quote, collateral, anchors, at } = makeEvidence(options);
  const verdict = verifyQuote(quote, collateral, { at, anchors });
  if (!verdict.verified) throw verdict.failure;
  const result = evaluateQuote(policy === undefined ? DEFAULT_POLICY : readPolicy(policy), verdict);
  const names = result.checks.filter(({ passed }) => !passed).map(({ name }) => name);
  expect(result.accepted).toBe(names.length === 0);
  return names;
}

const set = (at: number, value: number) => (bytes: Uint8Array) => {
  bytes[at] = value;
};
const any = { any_enclave: true };
const mrenclave = "11".repeat(32);
const mrsigner = "22".repeat(32);

describe("rules for enclaves", () => {
  test("measurements", () => {
    expect(broken(undefined)).toEqual([]);
    expect(broken({ mrenclave })).toEqual([]);
    expect(broken({ mrenclave: ["00".repeat(32), mrenclave.toUpperCase()] })).toEqual([]);
    expect(broken({ mrenclave: "00".repeat(32) })).toEqual(["MRENCLAVE"]);
    expect(broken({ mrenclave: [] })).toEqual(["MRENCLAVE"]);
    expect(broken({ mrsigner, mrenclave })).toEqual([]);
    expect(broken({ mrsigner: mrenclave, mrenclave: mrsigner })).toEqual(["MRENCLAVE", "MRSIGNER"]);
    expect(broken({ mrtd: "55".repeat(48) })).toEqual(["identity"]);
  });
  test("product and security version", () => {
    expect(broken({ ...any, isv_prod_id: 7, min_isv_svn: 3 })).toEqual([]);
    expect(broken({ ...any, isv_prod_id: 0 })).toEqual(["ISVPRODID"]);
    expect(broken({ ...any, min_isv_svn: 4 })).toEqual(["ISVSVN"]);
  });
  test("debug", () => {
    const report = set(48, 7);
    expect(broken(undefined, { report })).toEqual(["debug"]);
    expect(broken({ ...any, debug: true }, { report })).toEqual([]);
  });
  test("report data, padded with zeros", () => {
    expect(broken({ ...any, report_data: "33".repeat(64) })).toEqual([]);
    expect(broken({ ...any, report_data: "33".repeat(63) })).toEqual(["REPORTDATA"]);
    const report = (bytes: Uint8Array) => void bytes.fill(0, 352, 384);
    expect(broken({ ...any, report_data: "33".repeat(32) }, { report })).toEqual([]);
  });
});

describe("rules for platforms", () => {
  const old: EvidenceOptions = { platform: { pceSvn: 9 } };
  test("TCB status", () => {
    expect(broken(undefined, old)).toEqual(["TCB status"]);
    expect(broken({ ...any, tcb_statuses: ["UpToDate", "OutOfDate"] }, old)).toEqual([]);
    expect(broken({ ...any, tcb_statuses: [] })).toEqual(["TCB status"]);
  });
  test("a grace period for OutOfDate, but not for Revoked", () => {
    // The level is of 2024-01-01, the time of the check 2026-06-15: 896.5 days.
    expect(broken({ ...any, tcb_grace_days: 896 }, old)).toEqual(["TCB status"]);
    expect(broken({ ...any, tcb_grace_days: 897 }, old)).toEqual([]);
    expect(broken({ ...any, tcb_grace_days: 9999 }, { platform: { pceSvn: 6 } })).toEqual([
      "TCB status",
    ]);
  });
  test("advisories", () => {
    const accepted = { ...any, tcb_statuses: ["OutOfDate"] };
    expect(broken(accepted, old)).toEqual([]);
    expect(broken({ ...accepted, advisories: ["INTEL-SA-01000"] }, old)).toEqual([]);
    expect(broken({ ...accepted, advisories: [] }, old)).toEqual(["advisories"]);
    expect(broken({ ...any, advisories: [] })).toEqual([]);
  });
  test("evaluation data number and FMSPC", () => {
    expect(broken({ ...any, min_evaluation_data_number: 17 })).toEqual([]);
    expect(broken({ ...any, min_evaluation_data_number: 18 })).toEqual(["evaluation data number"]);
    expect(broken({ ...any, fmspc: "00906ED50000" })).toEqual([]);
    expect(broken({ ...any, fmspc: ["00906ed50001"] })).toEqual(["FMSPC"]);
  });
});

describe("rules for domains", () => {
  const td: EvidenceOptions = { version: 5, body: "td15" };
  const mrtd = "55".repeat(48);
  test("measurements", () => {
    expect(broken({ mrtd, mrseam: "44".repeat(48), rtmr0: "00".repeat(48) }, td)).toEqual([]);
    expect(broken({ mrtd: "00".repeat(48), rtmr3: "01".repeat(48) }, td)).toEqual([
      "MRTD",
      "RTMR3",
    ]);
    expect(broken({ mrenclave }, td)).toEqual(["identity"]);
  });
  test("bound service domains are accepted by name", () => {
    const report = set(600, 9);
    const name = `09${"00".repeat(47)}`;
    expect(broken(undefined, { ...td, report })).toEqual(["MRSERVICETD"]);
    expect(broken({ mrtd, mrservicetd: [name] }, { ...td, report })).toEqual([]);
    expect(broken({ mrtd, mrservicetd: [name] }, td)).toEqual([]);
  });
  test("debug", () => expect(broken(undefined, { ...td, report: set(120, 2) })).toEqual(["debug"]));
});

test("IAS reports", () => {
  const judge = (policy: Record<string, unknown>, changes: Record<string, unknown> = {}) => {
    const { report, anchors, at } = makeIasReport(changes);
    const verdict = verifyIasReport(report, { at, anchors });
    if (!verdict.verified) throw verdict.failure;
    const { checks } = evaluateIasReport(readPolicy(policy), verdict);
    return checks.filter(({ passed }) => !passed).map(({ name }) => name);
  };
  expect(judge(any)).toEqual([]);
  const old = { isvEnclaveQuoteStatus: "GROUP_OUT_OF_DATE", advisoryIDs: ["INTEL-SA-1"] };
  expect(judge(any, old)).toEqual(["IAS status"]);
  expect(judge({ ...any, ias_statuses: ["GROUP_OUT_OF_DATE"] }, old)).toEqual([]);
  expect(judge({ ...any, ias_statuses: ["GROUP_OUT_OF_DATE"], advisories: [] }, old)).toEqual([
    "advisories",
  ]);
  expect(judge({ mrenclave })).toEqual(["MRENCLAVE"]);
});

describe("policy files that are wrong", () => {
  const wrong: Record<string, unknown> = {
    "no table": [],
    "nothing named": {},
    "named and any": { any_enclave: true, mrenclave },
    "a member nobody knows": { ...any, mr_enclave: mrenclave },
    "a short measurement": { mrenclave: "11" },
    "no hexadecimal": { mrenclave: "zz".repeat(32) },
    "a number as measurement": { mrenclave: 5 },
    "a status nobody knows": { ...any, tcb_statuses: ["Fine"] },
    "an SVN that is none": { ...any, min_isv_svn: -1 },
    "an SVN that is too large": { ...any, min_isv_svn: 65536 },
    "debug as text": { ...any, debug: "no" },
    "odd report data": { ...any, report_data: "123" },
    "65 bytes of report data": { ...any, report_data: "00".repeat(65) },
  };
  for (const [name, value] of Object.entries(wrong)) {
    test(name, () => expect(() => readPolicy(value)).toThrow("read policy"));
  }
});
