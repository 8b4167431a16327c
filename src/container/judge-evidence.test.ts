// SPDX-License-Identifier: Apache-2.0
/** Verdicts on quotes that the simulated platform's evidence makes, with its services or others. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer } from "../aesm/answer.ts";
import { aesmClient } from "../aesm/client.ts";
import type { Listener } from "../aesm/listener.ts";
import { ecdsaQuote, ecdsaTargetInfo, epidQuote, epidTargetInfo } from "../aesm/quoting.ts";
import { parseCertificates } from "../attest/x509/certificate.ts";
import { trustAnchorOf } from "../attest/x509/trust.ts";
import { createEvidence } from "../platform/evidence/evidence.ts";
import { listenEvidence } from "../platform/evidence/listen.ts";
import { DEFAULT_TCB_STATE, type TcbState } from "../platform/evidence/tcb-state.ts";
import { enclaveReport, fakeKeys } from "../platform/evidence/testing.ts";
import type { EvidenceServices } from "./evidence-services.ts";
import { judgeEcdsa, judgeEpid } from "./judge-evidence.ts";

const folder = mkdtempSync(join(tmpdir(), "evidence-judge-"));
const socket = join(folder, "evidence.sock");
const keys = fakeKeys();
let state: TcbState = DEFAULT_TCB_STATE;
const evidence = createEvidence({ keys, tcbState: () => state });
const client = aesmClient({
  exchange: (message) => answer(evidence.aesm, message),
  timeoutMs: 5000,
});
const services: EvidenceServices = {
  aesmSocket: "",
  collateral: `unix:${socket}`,
  iasUrl: `unix:${socket}/sgx`,
  anchors: async (kind) => {
    const pem = kind === "sgx" ? evidence.sgxRoot() : await evidence.iasRoot();
    return parseCertificates(pem, "root").map(trustAnchorOf);
  },
  attestation: { collateral: undefined, iasUrl: undefined, policy: undefined },
};
const judging = { allowSimulation: true, trustRoots: [] };
let listener: Listener;

beforeAll(async () => {
  listener = await listenEvidence({ socket, evidence });
});

afterAll(async () => {
  await listener.close();
  rmSync(folder, { recursive: true });
});

async function ecdsa(change?: (body: Uint8Array) => void): Promise<Uint8Array> {
  return ecdsaQuote(client, enclaveReport(keys, await ecdsaTargetInfo(client), change));
}

async function epid(): Promise<Uint8Array> {
  const report = enclaveReport(keys, await epidTargetInfo(client));
  return epidQuote(client, { report, linkable: true, spid: new Uint8Array(16).fill(3) });
}

describe("an ECDSA quote", () => {
  test("is accepted, and by nobody who does not take simulations", async () => {
    const quote = await ecdsa();
    expect(await judgeEcdsa(services, quote, judging)).toMatchObject({
      accepted: true,
      status: "UpToDate",
      simulated: true,
      policyFile: undefined,
    });
    const refused = await judgeEcdsa(services, quote, { ...judging, allowSimulation: false });
    expect([refused.accepted, refused.failure?.code]).toEqual([false, "ATTEST_SIMULATION"]);
  });

  test("is judged by the given policy before the node's, and must hold the data asked for", async () => {
    const [strict, lax] = [join(folder, "strict.toml"), join(folder, "lax.json")];
    writeFileSync(strict, "any_enclave = true\nisv_prod_id = 8\n");
    writeFileSync(lax, `{"any_enclave":true}`);
    const node = { ...services, attestation: { ...services.attestation, policy: strict } };
    const quote = await ecdsa();
    const refused = await judgeEcdsa(node, quote, judging);
    expect([refused.accepted, refused.policyFile]).toEqual([false, strict]);
    expect((await judgeEcdsa(node, quote, { ...judging, policy: lax })).accepted).toBe(true);
    const expectedData = new Uint8Array(64).fill(0x33);
    const asked = { ...judging, policy: lax, expectedData };
    expect((await judgeEcdsa(node, quote, asked)).accepted).toBe(true);
    const old = await ecdsa((body) => body.fill(0x34, 320, 384));
    expect((await judgeEcdsa(node, old, asked)).accepted).toBe(false);
    await expect(judgeEcdsa(services, quote, { ...judging, policy: folder })).rejects.toThrow(
      folder,
    );
  });

  test("in debug mode, or of a platform that is out of date, is genuine and not accepted", async () => {
    const debug = await ecdsa((body) => {
      body[48] = 0x07;
    });
    const verdict = await judgeEcdsa(services, debug, judging);
    expect([verdict.accepted, verdict.failure]).toEqual([false, undefined]);
    const quote = await ecdsa();
    state = { ...state, status: "OutOfDate" };
    expect(await judgeEcdsa(services, quote, judging)).toMatchObject({
      accepted: false,
      status: "OutOfDate",
    });
    state = DEFAULT_TCB_STATE;
  });

  test("believes given roots instead of the platform's, and needs collateral", async () => {
    const quote = await ecdsa();
    writeFileSync(join(folder, "other.pem"), createOther());
    const foreign = { ...judging, trustRoots: [join(folder, "other.pem")] };
    const verdict = await judgeEcdsa(services, quote, foreign);
    expect(verdict.failure?.code).toBe("ATTEST_CERTIFICATE");
    const nowhere = { ...judging, collateral: join(folder, "none") };
    await expect(judgeEcdsa(services, quote, nowhere)).rejects.toThrow("none");
  });
});

describe("an EPID quote", () => {
  const asking = { ...judging, nonce: "n", subscriptionKey: "0".repeat(32) };

  test("is judged by the service's report", async () => {
    const quote = await epid();
    expect(await judgeEpid(services, quote, asking)).toMatchObject({
      accepted: true,
      status: "OK",
    });
    state = { ...state, status: "SWHardeningNeeded", advisories: ["INTEL-SA-00334"] };
    expect(await judgeEpid(services, quote, asking)).toMatchObject({
      accepted: false,
      status: "SW_HARDENING_NEEDED",
      advisories: ["INTEL-SA-00334"],
    });
    state = DEFAULT_TCB_STATE;
  });

  test("needs a service and its key", async () => {
    const quote = await epid();
    await expect(judgeEpid({ ...services, iasUrl: undefined }, quote, asking)).rejects.toThrow(
      "Intel's public one has closed",
    );
    for (const [iasUrl, reason] of [
      ["http://ias.invalid/sgx", "would show the key"],
      ["ias.invalid", "it is no address"],
      ["ftp://ias.invalid", "it is no address"],
    ] as const) {
      await expect(judgeEpid(services, quote, { ...asking, iasUrl })).rejects.toThrow(reason);
    }
    const { subscriptionKey: _, ...keyless } = asking;
    await expect(judgeEpid(services, quote, keyless)).rejects.toThrow("does not accept the key");
  });
});

function createOther(): string {
  return createEvidence({ keys: fakeKeys("other"), tcbState: () => DEFAULT_TCB_STATE }).sgxRoot();
}
