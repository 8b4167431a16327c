// SPDX-License-Identifier: Apache-2.0
/** The services over HTTP: forms of requests and replies, and what is refused how. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer } from "../../aesm/answer.ts";
import { aesmClient } from "../../aesm/client.ts";
import { epidQuote, epidTargetInfo } from "../../aesm/quoting.ts";
import { iasReportOf } from "../../attest/ias/files.ts";
import { verifyIasReport } from "../../attest/ias/verify.ts";
import { parseCertificates } from "../../attest/x509/certificate.ts";
import { parseCrl } from "../../attest/x509/crl.ts";
import { readPlatformIdentity } from "../../attest/x509/sgx-extension.ts";
import { trustAnchorOf } from "../../attest/x509/trust.ts";
import { toHex } from "../../sgx/bytes.ts";
import { quotingEnclaveId } from "./ecdsa.ts";
import { createEvidence } from "./evidence.ts";
import { DEFAULT_TCB_STATE, type TcbState } from "./tcb-state.ts";
import { enclaveReport, fakeKeys } from "./testing.ts";

const NOW = new Date("2026-06-15T12:00:00Z");
const keys = fakeKeys();
const KEY = { "Ocp-Apim-Subscription-Key": "0123456789abcdef0123456789abcdef" };
const SGX = "http://pcs/sgx/certification/v4";

function serviceWith(changes: Partial<TcbState> = {}) {
  const state = { ...DEFAULT_TCB_STATE, ...changes };
  return createEvidence({ keys, tcbState: () => state, now: () => NOW });
}

const service = serviceWith();
const get = (path: string, headers: Record<string, string> = {}) =>
  service.http(new Request(`${SGX}/${path}`, { headers }));

function chainIn(response: Response, name: string) {
  return parseCertificates(decodeURIComponent(response.headers.get(name) ?? ""), name);
}

const names = (chain: readonly { readonly subject: { readonly commonName: string } }[]) =>
  chain.map(({ subject }) => subject.commonName);

describe("collateral", () => {
  test("comes with its issuers, leaf first, in the header that Intel's has", async () => {
    const headers = [
      ["tcb?fmspc=51A000000000", "TCB-Info-Issuer-Chain"],
      ["qe/identity", "SGX-Enclave-Identity-Issuer-Chain"],
      ["tcbevaluationdatanumbers", "TCB-Evaluation-Data-Numbers-Issuer-Chain"],
    ] as const;
    for (const [path, header] of headers) {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get("Content-Type")).toBe("application/json");
      expect(response.headers.get("Request-ID")).toMatch(/^[0-9a-f]{32}$/);
      expect(names(chainIn(response, header))).toEqual([
        "SIMULATION SGX TCB Signing",
        "SIMULATION SGX Root CA",
      ]);
    }
  });

  test("is chosen by number or by pace, not by both", async () => {
    const statuses = {
      "tcb?fmspc=51a000000000&update=early": 200,
      "tcb?fmspc=51a000000000&update=standard": 200,
      "tcb?fmspc=51a000000000&tcbEvaluationDataNumber=18": 200,
      "tcb?fmspc=51a000000000&tcbEvaluationDataNumber=17": 410,
      "tcb?fmspc=51a000000000&tcbEvaluationDataNumber=19": 404,
      "tcb?fmspc=51a000000000&tcbEvaluationDataNumber=x": 400,
      "tcb?fmspc=51a000000000&tcbEvaluationDataNumber=18&update=early": 400,
      "tcb?fmspc=51a000000000&update=late": 400,
      "tcb?fmspc=51a000000000&fmspc=51a000000000": 400,
      "tcb?fmspc=000000000000": 404,
      "tcb?fmspc=51a0": 400,
      tcb: 400,
      "qe/identity?update=late": 400,
      "qve/identity": 404,
      "fmspcs?platform=E4": 400,
      pckcrl: 400,
      "pckcrl?ca=root": 400,
      "pckcrl?ca=platform&encoding=hex": 400,
      "crl?uri=https://elsewhere.invalid/": 404,
      crl: 400,
    };
    for (const [path, status] of Object.entries(statuses)) {
      expect([path, (await get(path)).status]).toEqual([path, status]);
    }
  });

  test("names the platform's family", async () => {
    expect(await (await get("fmspcs")).json()).toEqual([{ fmspc: "51A000000000", platform: "E5" }]);
    expect(await (await get("fmspcs?platform=E3")).json()).toEqual([]);
  });

  test("has CRLs as PEM, as DER, as hexadecimal and by address", async () => {
    const der = new Uint8Array(await (await get("pckcrl?ca=processor&encoding=der")).arrayBuffer());
    expect(parseCrl(der, "CRL").issuer.commonName).toBe("SIMULATION SGX PCK Processor CA");
    const pem = await get("pckcrl?ca=processor");
    expect(names(chainIn(pem, "SGX-PCK-CRL-Issuer-Chain"))).toEqual([
      "SIMULATION SGX PCK Processor CA",
      "SIMULATION SGX Root CA",
    ]);
    expect(await pem.text()).toStartWith("-----BEGIN X509 CRL-----\n");
    const root = await (await get("rootcacrl")).text();
    const address = "https://certificates.simulation.invalid/root.crl";
    const same = await get(`crl?uri=${encodeURIComponent(address)}`);
    expect(toHex(new Uint8Array(await same.arrayBuffer()))).toBe(root);
  });

  test("is only read", async () => {
    const request = new Request(`${SGX}/platforms`, { method: "POST", body: "{}" });
    expect((await service.http(request)).status).toBe(405);
    expect((await service.http(new Request("http://pcs/tdx/certification/v4/tcb"))).status).toBe(
      404,
    );
    expect((await get(`tcb?fmspc=${"0".repeat(5000)}`)).status).toBe(414);
  });
});

describe("the platform's certificate", () => {
  const ppid = "ab".repeat(384);
  const tcb = `cpusvn=${"01".repeat(16)}&pcesvn=0d00&pceid=0000`;

  test("is given to a caching service's clients by the quoting enclave's id", async () => {
    const qeId = toHex(quotingEnclaveId(keys).subarray(0, 16));
    const response = await get(`pckcert?qeid=${qeId.toUpperCase()}&${tcb}`);
    expect(response.headers.get("SGX-FMSPC")).toBe("51A000000000");
    expect(response.headers.get("SGX-PCK-Certificate-CA-Type")).toBe("platform");
    expect(response.headers.get("SGX-TCBm")).toBe(`${"01".repeat(16)}0D00`);
    expect(names(chainIn(response, "SGX-PCK-Certificate-Issuer-Chain"))).toEqual([
      "SIMULATION SGX PCK Platform CA",
      "SIMULATION SGX Root CA",
    ]);
    const [pck] = parseCertificates(await response.text(), "PCK");
    if (pck === undefined) throw new Error("no certificate");
    const identity = readPlatformIdentity(pck);
    expect(identity.tcb.components).toEqual(new Array(16).fill(1));
    expect(identity.tcb.pceSvn).toBe(13);
    expect(identity.platformInstanceId).toEqual(keys.platformInstanceId);
  });

  test("is given to others with a key", async () => {
    expect((await get(`pckcert?encrypted_ppid=${ppid}&${tcb}`)).status).toBe(401);
    expect((await get(`pckcert?encrypted_ppid=${ppid}&${tcb}`, KEY)).status).toBe(200);
    const response = await get(`pckcerts?encrypted_ppid=${ppid}&pceid=0000`, KEY);
    // Another shape fails below.
    const [one] = (await response.json()) as readonly {
      readonly tcb: object;
      readonly cert: string;
    }[];
    expect(one?.tcb).toMatchObject({ sgxtcbcomp01svn: 1, sgxtcbcomp16svn: 1, pcesvn: 13 });
    expect(parseCertificates(decodeURIComponent(one?.cert ?? ""), "PCK")).toHaveLength(1);
  });

  test("is refused to who names no such platform, or a lower version", async () => {
    const statuses = {
      [`pckcert?qeid=00&${tcb}`]: 404,
      [`pckcert?qeid=xx&${tcb}`]: 400,
      [`pckcert?encrypted_ppid=12&${tcb}`]: 400,
      [`pckcert?encrypted_ppid=${ppid}&cpusvn=${"00".repeat(16)}&pcesvn=0d00&pceid=0000`]: 404,
      [`pckcert?encrypted_ppid=${ppid}&cpusvn=${"01".repeat(16)}&pcesvn=0c00&pceid=0000`]: 404,
      [`pckcert?encrypted_ppid=${ppid}&cpusvn=${"01".repeat(16)}&pcesvn=0d00&pceid=0100`]: 404,
      [`pckcert?encrypted_ppid=${ppid}&cpusvn=01&pcesvn=0d00&pceid=0000`]: 400,
      [`pckcerts?encrypted_ppid=${ppid}`]: 400,
    };
    for (const [path, status] of Object.entries(statuses)) {
      expect([path, (await get(path, KEY)).status]).toEqual([path, status]);
    }
  });

  test("and its chain and CRLs are what OpenSSL takes for such", async () => {
    const folder = mkdtempSync(join(tmpdir(), "evidence-openssl-"));
    try {
      const response = await get(`pckcert?encrypted_ppid=${ppid}&${tcb}`, KEY);
      const issuers = decodeURIComponent(
        response.headers.get("SGX-PCK-Certificate-Issuer-Chain") ?? "",
      );
      const [authority = "", root = ""] = issuers.split(/(?<=-----END CERTIFICATE-----\n)/);
      const rootCrl = await get(
        `crl?uri=${encodeURIComponent("https://certificates.simulation.invalid/root.crl")}`,
      );
      const pem = Bun.spawnSync(["openssl", "crl", "-inform", "DER"], {
        stdin: new Uint8Array(await rootCrl.arrayBuffer()),
      }).stdout.toString();
      const pckCrl = await (await get("pckcrl?ca=platform")).text();
      writeFileSync(join(folder, "pck.pem"), await response.text());
      writeFileSync(join(folder, "ca.pem"), authority);
      writeFileSync(join(folder, "root.pem"), root);
      writeFileSync(join(folder, "crls.pem"), pem + pckCrl);
      const verify = (crls: string) =>
        Bun.spawnSync(
          [
            ..."openssl verify -x509_strict -crl_check_all -attime".split(" "),
            String(NOW.getTime() / 1000),
            ...`-CAfile root.pem -untrusted ca.pem -CRLfile ${crls} pck.pem`.split(" "),
          ],
          { cwd: folder },
        );
      const good = verify("crls.pem");
      expect(good.stderr.toString() + good.stdout.toString()).toBe("pck.pem: OK\n");
      const revoking = await serviceWith({ revoked: "pck" }).http(
        new Request(`${SGX}/pckcrl?ca=platform`),
      );
      writeFileSync(join(folder, "revoked.pem"), pem + (await revoking.text()));
      expect(verify("revoked.pem").stderr.toString()).toContain("certificate revoked");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the attestation service", () => {
  const spid = new Uint8Array(16).fill(0x51);

  async function quote(linkable = false): Promise<Uint8Array> {
    const client = aesmClient({
      exchange: (message) => answer(service.aesm, message),
      timeoutMs: 1000,
    });
    const report = enclaveReport(keys, await epidTargetInfo(client));
    return epidQuote(client, { report, linkable, spid });
  }

  const ask = (body: unknown, changes: Partial<TcbState> = {}, version = 4) =>
    serviceWith(changes).http(
      new Request(`http://ias/sgx/dev/attestation/v${version}/report`, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...KEY },
        body: JSON.stringify(body),
      }),
    );
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

  async function verified(response: Response, bytes: Uint8Array) {
    const header = (name: string) => response.headers.get(name) ?? "";
    const report = iasReportOf(
      new Uint8Array(await response.arrayBuffer()),
      header("X-IASReport-Signature"),
      header("X-IASReport-Signing-Certificate"),
    );
    const verdict = verifyIasReport(report, {
      at: NOW,
      anchors: parseCertificates(await service.iasRoot(), "root").map(trustAnchorOf),
      allowSimulation: true,
      quote: bytes,
      nonce: "n",
    });
    if (!verdict.verified) throw verdict.failure;
    expect(verdict.simulated).toBe(true);
    return verdict.report;
  }

  test("signs what it finds, by the platform's state and the version asked for", async () => {
    const bytes = await quote();
    const advisories = ["INTEL-SA-00334", "INTEL-SA-00615"];
    const cases = [
      [{}, 4, "OK"],
      [{ status: "SWHardeningNeeded", advisories }, 4, "SW_HARDENING_NEEDED"],
      [{ status: "SWHardeningNeeded", advisories }, 3, "CONFIGURATION_NEEDED"],
      [{ status: "OutOfDate", advisories }, 5, "GROUP_OUT_OF_DATE"],
      [{ status: "Revoked", advisories }, 4, "GROUP_REVOKED"],
      [{ revoked: "pck", advisories }, 4, "GROUP_REVOKED"],
    ] as const satisfies readonly (readonly [Partial<TcbState>, number, string])[];
    for (const [state, version, status] of cases) {
      const response = await ask({ isvEnclaveQuote: base64(bytes), nonce: "n" }, state, version);
      expect(response.headers.get("Content-Type")).toBe("application/json");
      expect(response.headers.get("Advisory-IDs")).toBe(
        status === "OK" ? null : advisories.join(","),
      );
      const report = await verified(response, bytes);
      expect([report.status, report.version]).toEqual([status, version]);
      expect(report.advisoryIds).toEqual(status === "OK" || version < 4 ? [] : advisories);
    }
  });

  test("links quotes of one basename, and no others", async () => {
    const pseudonym = async (linkable: boolean) => {
      const bytes = await quote(linkable);
      const response = await ask({ isvEnclaveQuote: base64(bytes), nonce: "n" });
      return (await verified(response, bytes)).epidPseudonym;
    };
    expect(await pseudonym(false)).toBeUndefined();
    expect(await pseudonym(true)).toBeString();
    expect(await pseudonym(true)).toBe(await pseudonym(true));
  });

  test("finds every changed byte of a quote", async () => {
    const good = await quote();
    for (const at of [2, 5, 8, 100, 200, 431, 440, 500, good.length - 1]) {
      const bytes = good.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      const response = await ask({ isvEnclaveQuote: base64(bytes), nonce: "n" });
      expect((await verified(response, bytes)).status).toBe("SIGNATURE_INVALID");
    }
  });

  test("refuses what is no request", async () => {
    const bytes = await quote();
    const post = (body: string, headers: Record<string, string>) =>
      service.http(
        new Request("http://ias/attestation/v4/report", { method: "POST", headers, body }),
      );
    const type = { "Content-Type": "application/json" };
    const good = JSON.stringify({ isvEnclaveQuote: base64(bytes) });
    expect((await post(good, { ...type, ...KEY })).status).toBe(200);
    expect((await post(good, type)).status).toBe(401);
    expect((await post(good, KEY)).status).toBe(400);
    for (const body of [
      "",
      "[]",
      "{}",
      `{"isvEnclaveQuote":7}`,
      `{"isvEnclaveQuote":"AAAA"}`,
      JSON.stringify({ isvEnclaveQuote: base64(bytes), nonce: "n".repeat(33) }),
      `{"isvEnclaveQuote":"${"A".repeat(70_000)}"}`,
    ]) {
      expect((await post(body, { ...type, ...KEY })).status).toBe(400);
    }
    const old = new Request("http://ias/attestation/v2/report", { method: "POST", body: good });
    expect((await service.http(old)).status).toBe(405);
    const read = new Request("http://ias/attestation/v4/report", { headers: KEY });
    expect((await service.http(read)).status).toBe(405);
  });

  test("has an empty revocation list for the platform's group", async () => {
    const { epid } = service.aesm;
    const group = toHex(epid.groupId.toReversed());
    const list = (digits: string) =>
      service.http(new Request(`http://ias/attestation/v4/sigrl/${digits}`, { headers: KEY }));
    expect((await list(group)).status).toBe(200);
    expect(await (await list(group)).text()).toBe("");
    expect((await list("00000000")).status).toBe(404);
    expect(() => epid.sign(new Uint8Array(432), new Uint8Array(1))).toThrow("PARAMETER");
  });
});
