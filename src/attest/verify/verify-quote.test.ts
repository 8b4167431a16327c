// SPDX-License-Identifier: Apache-2.0
/** Fresh evidence of a test authority: every kind of quote and every status. */
import { describe, expect, test } from "bun:test";
import type { Json } from "../issue/signed-json.ts";
import { type EvidenceOptions, makeEvidence, NOW } from "../testing/evidence.ts";
import { genuine, put, refusal, set, verdictOn } from "../testing/verdicts.ts";

const DAY = 86_400_000;

describe("kinds of quotes", () => {
  const kinds: EvidenceOptions[] = [
    { version: 3 },
    { version: 4 },
    { version: 5 },
    { version: 4, body: "td10" },
    { version: 5, body: "td10" },
    { version: 5, body: "td15" },
  ];
  for (const kind of kinds) {
    test(`version ${kind.version}, ${kind.body ?? "sgx"}: up to date`, () => {
      const verdict = genuine(kind);
      expect(verdict.status).toBe("UpToDate");
      expect(verdict.advisoryIds).toEqual([]);
      expect(verdict.shortfall).toEqual([]);
      expect(verdict.debug).toBe(false);
      expect(verdict.simulated).toBe(false);
      expect(verdict.revocationChecked).toBe(true);
      expect(verdict.evaluationDataNumber).toBe(17);
      expect(verdict.quote.version).toBe(kind.version ?? 3);
      expect(verdict.checks.every(({ passed }) => passed)).toBe(true);
    });
  }
  for (const certificationType of [1, 2, 3, 4, 5] as const) {
    for (const version of [3, 4] as const) {
      test(`certification data ${certificationType} in version ${version}`, () => {
        expect(genuine({ certificationType, version }).status).toBe("UpToDate");
      });
    }
  }
  test("the chain comes in any order", () => {
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      expect(genuine({ order }).verified).toBe(true);
    }
    // The root is an anchor: it need not be there.
    expect(genuine({ order: [0, 1] }).verified).toBe(true);
    expect(refusal({ order: [0, 2] })).toContain("ATTEST_CERTIFICATE");
    expect(refusal({ order: [1, 2] })).toContain("no PCK certificate");
  });
  test("the window of validity is that of everything", () => {
    const { validity } = genuine();
    expect(validity.notBefore).toEqual(new Date(NOW.getTime() - 10 * DAY));
    expect(validity.notAfter).toEqual(new Date(NOW.getTime() + 20 * DAY));
    expect(verdictOn(makeEvidence(), { at: validity.notAfter }).verified).toBe(true);
    expect(verdictOn(makeEvidence(), { at: validity.notBefore }).verified).toBe(true);
    const after = new Date(validity.notAfter.getTime() + 1);
    expect(verdictOn(makeEvidence(), { at: after }).verified).toBe(false);
    expect(verdictOn(makeEvidence(), { at: after, collateralGraceMs: 1 }).verified).toBe(true);
    const before = new Date(validity.notBefore.getTime() - 1);
    expect(verdictOn(makeEvidence(), { at: before, collateralGraceMs: DAY }).verified).toBe(false);
  });
  test("debug is reported", () => {
    expect(genuine({ report: put(48, 7) }).debug).toBe(true);
    expect(genuine({ body: "td10", report: put(120, 1) }).debug).toBe(true);
  });
  test("a bound service domain is reported", () => {
    const verdict = genuine({ version: 5, body: "td15", report: put(600, 9) });
    expect(verdict.quote.body.tee === "tdx" && verdict.quote.body.td.mrServiceTd?.[0]).toBe(9);
  });
});

describe("TCB statuses", () => {
  const below = { components: [4, 5, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] };
  const setStatus = (status: string) => (json: Json) => {
    json["tcbLevels"][0].tcbStatus = status;
  };
  const oldQe = put(258, 6);
  const revokedQe = put(258, 2);
  const oldModule = put(0, 2);

  const platformStatuses = [
    ["UpToDate", "OutOfDate"],
    ["SWHardeningNeeded", "OutOfDate"],
    ["ConfigurationNeeded", "OutOfDateConfigurationNeeded"],
    ["ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded"],
    ["OutOfDate", "OutOfDate"],
    ["OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded"],
    ["Revoked", "Revoked"],
  ] as const;
  for (const [status, lowered] of platformStatuses) {
    test(`${status}: alone, with an old QE, with a revoked QE, with an old module`, () => {
      const tcbInfo = setStatus(status);
      expect(genuine({ tcbInfo }).status).toBe(status);
      expect(genuine({ tcbInfo, qeReport: oldQe }).status).toBe(lowered);
      expect(genuine({ tcbInfo, qeReport: revokedQe }).status).toBe("Revoked");
      const level0 = (json: Json) => {
        tcbInfo(json);
        for (const one of json["tcbLevels"][0].tcb.tdxtcbcomponents) one.svn = 0;
      };
      const verdict = genuine({ body: "td10", tcbInfo: level0, report: oldModule });
      expect(verdict.status).toBe(lowered);
      expect(verdict.parts.module).toBe("OutOfDate");
    });
  }
  test("a component or PCESVN below the newest level, and what that is", () => {
    const verdict = genuine({ platform: below });
    expect(verdict.status).toBe("OutOfDate");
    expect(verdict.advisoryIds).toEqual(["INTEL-SA-01000"]);
    expect(verdict.tcbDate).toEqual(new Date("2024-01-01T00:00:00Z"));
    expect(verdict.shortfall).toEqual(["component 1: 4 < 5"]);
    expect(genuine({ platform: { pceSvn: 9 } }).shortfall).toEqual(["PCESVN 9 < 10"]);
    expect(genuine({ platform: { pceSvn: 8 } }).status).toBe("Revoked");
  });
  test("advisories are those of all parts, each once", () => {
    const verdict = genuine({
      body: "td10",
      platform: below,
      qeReport: oldQe,
      report: (bytes) => void bytes.set([4, 1, 3], 0),
    });
    expect(verdict.advisoryIds).toEqual(["INTEL-SA-01000", "INTEL-SA-02000", "INTEL-SA-03000"]);
    expect(verdict.tcbDate).toEqual(new Date("2022-03-01T00:00:00Z"));
  });
  test("no level: no verdict", () => {
    expect(refusal({ platform: { pceSvn: 4 } })).toContain("ATTEST_TCB");
    expect(refusal({ qeReport: put(258, 0) })).toContain("ATTEST_TCB");
    const svns =
      (...values: number[]) =>
      (bytes: Uint8Array) =>
        bytes.set(values, 0);
    expect(refusal({ body: "td10", report: svns(1, 1, 3) })).toContain("ATTEST_TCB");
    expect(refusal({ body: "td10", report: svns(5, 1, 2) })).toContain("ATTEST_TCB");
    expect(refusal({ tcbInfo: set("tcbLevels", []) })).toContain("ATTEST_TCB");
  });
  test("a module without version is rated with the platform", () => {
    const report = (bytes: Uint8Array) => bytes.set([5, 0, 3], 0);
    const verdict = genuine({ body: "td10", report });
    expect(verdict.status).toBe("UpToDate");
    expect(verdict.parts.module).toBeUndefined();
    const older = (bytes: Uint8Array) => bytes.set([4, 0, 3], 0);
    expect(genuine({ body: "td10", report: older }).status).toBe("OutOfDate");
  });
  test("module identity: unknown version, other signer, other attributes", () => {
    for (const report of [put(1, 2), put(64, 1), put(112, 1)]) {
      expect(refusal({ body: "td10", report })).toContain("ATTEST_MISMATCH");
    }
    const unversioned = (bytes: Uint8Array) => {
      bytes[1] = 0;
      bytes[64] = 1;
    };
    expect(refusal({ body: "td10", report: unversioned })).toContain("MRSIGNERSEAM");
  });
  test("relaunch is advised where the module was updated under the domain", () => {
    const launched = (svn: number, now: readonly number[]) => (bytes: Uint8Array) => {
      bytes[0] = svn;
      bytes.set(now, 584);
    };
    const kind = { version: 5, body: "td15" } as const;
    const anyPlatform = (status: string) => (json: Json) => {
      json["tcbLevels"][0].tcbStatus = status;
    };
    const status = (options: EvidenceOptions) => genuine({ ...kind, ...options }).status;
    expect(status({ report: launched(2, [5, 1, 3]) })).toBe("TDRelaunchAdvised");
    expect(status({ report: launched(2, [4, 1, 3]) })).toBe("OutOfDate");
    expect(status({ report: launched(2, [5, 1, 2]) })).toBe("OutOfDate");
    expect(status({ report: launched(2, [5, 0, 3]) })).toBe("TDRelaunchAdvised");
    expect(status({ report: launched(5, [5, 1, 3]) })).toBe("UpToDate");
    expect(
      status({ report: launched(2, [5, 1, 3]), tcbInfo: anyPlatform("ConfigurationNeeded") }),
    ).toBe("TDRelaunchAdvisedConfigurationNeeded");
    expect(status({ report: launched(2, [5, 1, 3]), qeReport: oldQe })).toBe("OutOfDate");
    expect(status({ report: launched(2, [5, 1, 3]), tcbInfo: anyPlatform("OutOfDate") })).toBe(
      "OutOfDate",
    );
    expect(refusal({ ...kind, report: launched(2, [5, 2, 3]) })).toContain("TDX_02");
  });
  test("words that are not known fail", () => {
    expect(refusal({ tcbInfo: setStatus("Fine") })).toContain("ATTEST_FORMAT");
    expect(refusal({ tcbInfo: setStatus("TDRelaunchAdvised") })).toContain("ATTEST_FORMAT");
    const qeIdentity = (json: Json) => {
      json["tcbLevels"][0].tcbStatus = "SWHardeningNeeded";
    };
    expect(refusal({ qeIdentity })).toContain("ATTEST_FORMAT");
  });
});
