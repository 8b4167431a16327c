// SPDX-License-Identifier: Apache-2.0
/** Quotes and collateral of the simulated platform, judged by the verifier that relying parties use. */
import { describe, expect, test } from "bun:test";
import { answer } from "../../aesm/answer.ts";
import { aesmClient } from "../../aesm/client.ts";
import { ecdsaQuote, ecdsaTargetInfo } from "../../aesm/quoting.ts";
import { collateralFromFiles } from "../../attest/collateral/archive.ts";
import { fetchCollateral } from "../../attest/fetch/collateral-service.ts";
import { verifyQuote } from "../../attest/verify/verify-quote.ts";
import { parseCertificates } from "../../attest/x509/certificate.ts";
import { trustAnchorOf } from "../../attest/x509/trust.ts";
import { createEvidence, type Evidence } from "./evidence.ts";
import { DEFAULT_TCB_STATE, type TcbState } from "./tcb-state.ts";
import { enclaveReport, fakeKeys } from "./testing.ts";

const NOW = new Date("2026-06-15T12:00:00Z");
const keys = fakeKeys();

function platformWith(changes: Partial<TcbState> = {}, now = NOW): Evidence {
  return createEvidence({
    keys,
    tcbState: () => ({ ...DEFAULT_TCB_STATE, ...changes }),
    now: () => now,
  });
}

async function quoteOf(evidence: Evidence): Promise<Uint8Array> {
  const client = aesmClient({
    exchange: (message) => answer(evidence.aesm, message),
    timeoutMs: 1000,
  });
  const target = await ecdsaTargetInfo(client);
  return ecdsaQuote(client, enclaveReport(keys, target));
}

async function collateralOf(evidence: Evidence, state: TcbState = DEFAULT_TCB_STATE) {
  const { ca, fmspc } = state;
  const files = await fetchCollateral(
    { base: "http://pccs", api: 4, tee: "sgx", fmspc, ca },
    async (url) => {
      const response = await evidence.http(new Request(url));
      return {
        status: response.status,
        header: (name) => response.headers.get(name) ?? undefined,
        body: new Uint8Array(await response.arrayBuffer()),
      };
    },
  );
  return collateralFromFiles(files);
}

function anchorsOf(pem: string) {
  return parseCertificates(pem, "root").map(trustAnchorOf);
}

async function verdictOf(changes: Partial<TcbState> = {}, at = NOW) {
  const evidence = platformWith(changes);
  return verifyQuote(
    await quoteOf(evidence),
    await collateralOf(evidence, { ...DEFAULT_TCB_STATE, ...changes }),
    { at, anchors: anchorsOf(evidence.sgxRoot()), allowSimulation: true },
  );
}

describe("the verdict on the platform's quotes", () => {
  test("is refused where simulation is not allowed, even by who trusts the root", async () => {
    const evidence = platformWith();
    const verdict = verifyQuote(await quoteOf(evidence), await collateralOf(evidence), {
      at: NOW,
      anchors: anchorsOf(evidence.sgxRoot()),
    });
    expect(verdict.verified ? "" : verdict.failure.code).toBe("ATTEST_SIMULATION");
  });

  test("is refused by who trusts Intel's root only", async () => {
    const evidence = platformWith();
    const verdict = verifyQuote(await quoteOf(evidence), await collateralOf(evidence), {
      at: NOW,
      allowSimulation: true,
    });
    expect(verdict.verified ? "" : verdict.failure.code).toBe("ATTEST_CERTIFICATE");
  });

  const statuses = [
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "Revoked",
  ] as const;
  for (const ca of ["platform", "processor"] as const) {
    for (const status of statuses) {
      test(`is ${status} below the ${ca} CA`, async () => {
        const verdict = await verdictOf({ status, ca, advisories: ["INTEL-SA-00615"] });
        if (!verdict.verified) throw verdict.failure;
        expect(verdict.status).toBe(status);
        expect(verdict.advisoryIds).toEqual(["INTEL-SA-00615"]);
        expect(verdict.simulated).toBe(true);
      });
    }
  }

  test("converges with the quoting enclave's status", async () => {
    const verdict = await verdictOf({ qeStatus: "OutOfDate", qeAdvisories: ["INTEL-SA-00001"] });
    if (!verdict.verified) throw verdict.failure;
    expect(verdict.status).toBe("OutOfDate");
    expect(verdict.advisoryIds).toEqual(["INTEL-SA-00001"]);
  });

  const faults = [
    [{ revoked: "pck" }, "ATTEST_REVOKED"],
    [{ revoked: "ca" }, "ATTEST_REVOKED"],
    [{ revoked: "ca", ca: "processor" }, "ATTEST_REVOKED"],
    [{ collateral: "expired" }, "ATTEST_TIME"],
    [{ collateral: "not-yet-valid" }, "ATTEST_TIME"],
    [{ pck: "expired" }, "ATTEST_TIME"],
    [{ pck: "not-yet-valid" }, "ATTEST_TIME"],
  ] as const satisfies readonly (readonly [Partial<TcbState>, string])[];
  for (const [changes, code] of faults) {
    test(`is ${code} with ${JSON.stringify(changes)}`, async () => {
      const verdict = await verdictOf(changes);
      expect(verdict.verified ? "verified" : verdict.failure.code).toBe(code);
    });
  }

  test("ends with the collateral's 30 days", async () => {
    const day = 86_400_000;
    const good = await verdictOf({}, new Date(NOW.getTime() + 29 * day));
    expect(good.verified).toBe(true);
    const late = await verdictOf({}, new Date(NOW.getTime() + 31 * day));
    expect(late.verified ? "" : late.failure.code).toBe("ATTEST_TIME");
  });
});

describe("what is the same again", () => {
  test("a service that starts anew has the same chain and, on the same day, the same collateral", async () => {
    const [first, second] = [platformWith(), platformWith({}, new Date("2026-06-15T23:00:00Z"))];
    expect(second.sgxRoot()).toBe(first.sgxRoot());
    expect(await collateralOf(second)).toEqual(await collateralOf(first));
    expect(await quoteOf(second)).toEqual(await quoteOf(first));
  });

  test("another platform has another root", () => {
    const other = createEvidence({ keys: fakeKeys("other"), tcbState: () => DEFAULT_TCB_STATE });
    expect(other.sgxRoot()).not.toBe(platformWith().sgxRoot());
  });
});

describe("the quoting enclave", () => {
  test("knows its platform's reports from others, and from ones for another target", async () => {
    const { ecdsa, epid } = platformWith().aesm;
    const report = enclaveReport(keys, await ecdsa.targetInfo());
    expect(await ecdsa.checkReport(report)).toBe(true);
    expect(await epid.checkReport(report)).toBe(false);
    for (let at = 0; at < report.length; at++) {
      const changed = report.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await ecdsa.checkReport(changed)).toBe(false);
    }
    const foreign = enclaveReport(fakeKeys("other"), await ecdsa.targetInfo());
    expect(await ecdsa.checkReport(foreign)).toBe(false);
  });

  test("makes its report only for a TARGETINFO", async () => {
    const { ecdsa } = platformWith().aesm;
    const target = new Uint8Array(512).fill(7);
    expect(() => ecdsa.reportFor(target, new Uint8Array(64))).toThrow("49");
    const report = await ecdsa.reportFor(await ecdsa.targetInfo(), new Uint8Array(64).fill(9));
    expect(await ecdsa.checkReport(report)).toBe(true);
    expect(report.slice(320, 384)).toEqual(new Uint8Array(64).fill(9));
  });

  test("has its key certified anew when the platform's certificate changes", async () => {
    let state: TcbState = DEFAULT_TCB_STATE;
    const { aesm } = createEvidence({ keys, tcbState: () => state, now: () => NOW });
    expect(aesm.ecdsa.key()).toBeUndefined();
    await aesm.ecdsa.initialise();
    state = { ...state, status: "OutOfDate" };
    expect(aesm.ecdsa.key()).toBeDefined();
    state = { ...state, pceSvn: 14 };
    expect(aesm.ecdsa.key()).toBeUndefined();
    expect(aesm.ecdsa.pceSvn).toBe(14);
  });

  test("certifies its key once for a certificate, however often clients ask", async () => {
    let state: TcbState = DEFAULT_TCB_STATE;
    const { aesm } = createEvidence({ keys, tcbState: () => state, now: () => NOW });
    const key = await aesm.ecdsa.initialise();
    expect(await aesm.ecdsa.initialise()).toBe(key);
    state = { ...state, pceSvn: 14 };
    expect(await aesm.ecdsa.initialise()).not.toBe(key);
  });
});
