// SPDX-License-Identifier: Apache-2.0
/** Real objects of Intel's service, with what their sources state about them. */
import { describe, expect, test } from "bun:test";
import type { TdReport } from "../quote/td-report.ts";
import { noVectors, vector, vectorJson, vectorText } from "../testing/vectors.ts";
import { verifyTcbSignature } from "../verify/signed-collateral.ts";
import { convergeStatus, matchTcbLevel, matchTdxModule } from "../verify/tcb.ts";
import { parseCertificate, parseCertificates } from "../x509/certificate.ts";
import { checkPath, linkCertificates } from "../x509/chain.ts";
import { crlBytes, parseCrl } from "../x509/crl.ts";
import { isSignedBy, rawEcdsa } from "../x509/keys.ts";
import { readPlatformIdentity } from "../x509/sgx-extension.ts";
import { INTEL_SGX_ROOT } from "../x509/trust.ts";
import { parseEnclaveIdentity } from "./qe-identity.ts";
import { requireCurrent, splitSignedJson } from "./signed-json.ts";
import { parseTcbInfo, type TcbInfo } from "./tcb-info.ts";

const why = noVectors === undefined ? "" : ` (skipped: ${noVectors})`;
const set = "pcs-objects-fortanix";

/** What the source keeps of an answer: text, DER signature as numbers, chain. */
type Saved = { signature: number[]; ca_chain: string[] } & Record<string, unknown>;

function saved(file: string, member: string) {
  const json = vectorJson(set, file) as Saved;
  return {
    piece: {
      text: String(json[member]),
      signature: rawEcdsa(Uint8Array.from(json.signature), "signature"),
    },
    chain: json.ca_chain.flatMap((pem) => parseCertificates(pem, "chain")),
  };
}

describe.skipIf(noVectors !== undefined)(`objects of Intel's service${why}`, () => {
  test("TCB info 3 and evaluation data numbers are signed by the root's TCB signer", () => {
    const at = Date.parse("2025-06-05T12:00:00Z");
    const tcb = saved("00906ed50000-19.tcb", "raw_tcb_info");
    const numbers = saved("tcb_evaluation_data_numbers.numbers", "raw_tcb_evaluation_data_numbers");
    for (const { piece, chain } of [tcb, numbers]) {
      const store = linkCertificates(chain, [INTEL_SGX_ROOT], at);
      expect(verifyTcbSignature(piece, "it", store, INTEL_SGX_ROOT, at).certificates.length).toBe(
        2,
      );
    }
    const info = parseTcbInfo(tcb.piece.text);
    expect([info.version, info.id, info.evaluationDataNumber]).toEqual([3, "SGX", 19]);
    requireCurrent(info, at, 0, "check");
    const late = Date.parse("2025-07-05T00:00:00Z");
    expect(() => requireCurrent(info, late, 0, "check")).toThrow("was to be replaced");
  });

  test("TCB info and identities of 2026", () => {
    const chain = ["cert-chain-1.cert", "cert-chain-2.cert"].flatMap((file) =>
      parseCertificates(vectorText(set, file), file),
    );
    const at = Date.parse("2026-03-05T00:00:00Z");
    const store = linkCertificates(chain, [INTEL_SGX_ROOT], at);
    for (const file of ["tcb-sgx.json", "tcb-tdx.json", "tcb-tdx-2.json"]) {
      const piece = splitSignedJson(vectorText(set, file).trim(), "tcbInfo");
      verifyTcbSignature(piece, file, store, INTEL_SGX_ROOT, at);
      requireCurrent(parseTcbInfo(piece.text), at, 0, file);
    }
    for (const [file, id] of [
      ["qeid-sgx.json", "QE"],
      ["qeid-tdx.json", "TD_QE"],
    ] as const) {
      const piece = splitSignedJson(vectorText(set, file).trim(), "enclaveIdentity");
      verifyTcbSignature(piece, file, store, INTEL_SGX_ROOT, at);
      expect(parseEnclaveIdentity(piece.text).id).toBe(id);
    }
  });

  /** Status of a platform, and of its module, as the source's table has them. */
  function rate(info: TcbInfo, components: number[], pceSvn: number, tdx: number[]): string[] {
    const teeTcbSvn = Uint8Array.from([...tdx, ...new Array(16 - tdx.length).fill(0)]);
    const padded = [...components, ...new Array(16 - components.length).fill(0)];
    const platform = { components: padded, pceSvn, cpuSvn: new Uint8Array(16) };
    const td: TdReport = {
      teeTcbSvn,
      mrSeam: new Uint8Array(48),
      mrSignerSeam: new Uint8Array(48),
      seamAttributes: new Uint8Array(8),
      tdAttributes: 0n,
      xfam: 0n,
      mrTd: new Uint8Array(48),
      mrConfigId: new Uint8Array(48),
      mrOwner: new Uint8Array(48),
      mrOwnerConfig: new Uint8Array(48),
      rtmrs: [new Uint8Array(48), new Uint8Array(48), new Uint8Array(48), new Uint8Array(48)],
      reportData: new Uint8Array(64),
      teeTcbSvn2: undefined,
      mrServiceTd: undefined,
    };
    const levels = matchTcbLevel(info, platform, teeTcbSvn);
    const module = matchTdxModule(info, td)?.status;
    // Converging is what the source leaves to its caller; here it must at least not fail.
    convergeStatus({ levels, qe: "UpToDate", module }, info, td);
    return module === undefined ? [levels.chosen.status] : [levels.chosen.status, module];
  }

  test("levels of TDX platforms and modules", () => {
    const read = (file: string) =>
      parseTcbInfo(splitSignedJson(vectorText(set, file).trim(), "tcbInfo").text);
    expect(rate(read("tcb-tdx.json"), [6, 6, 10, 10, 5, 255, 0, 2], 14, [5, 3, 6])).toEqual([
      "UpToDate",
      "UpToDate",
    ]);
    const second = read("tcb-tdx-2.json");
    const newest = [3, 3, 2, 2, 4, 1, 0, 5];
    expect(rate(second, newest, 11, [5, 0, 3])).toEqual(["UpToDate"]);
    expect(rate(second, [2, 2, 2, 2, 4, 1, 0, 5], 11, [5, 0, 3])).toEqual(["OutOfDate"]);
    expect(rate(second, newest, 11, [5, 0, 2])).toEqual(["OutOfDate"]);
    expect(rate(second, newest, 11, [6, 1, 3])).toEqual(["UpToDate", "UpToDate"]);
    expect(rate(second, newest, 11, [5, 1, 3])).toEqual(["UpToDate", "OutOfDate"]);
    expect(rate(second, newest, 11, [6, 1, 2])).toEqual(["OutOfDate", "UpToDate"]);
  });

  test("PCK certificates of one platform, and the one for a TCB", () => {
    type Data = { pck_data: { cert: string }[]; ca_chain: string[] };
    const first = vectorJson(set, "16a5b41ebb076d263a1e39e64e7175e7.certs") as Data;
    expect(first.pck_data.length).toBe(12);
    const certificates = (data: Data) =>
      data.pck_data.map(({ cert }) => {
        const text = cert.startsWith("-----") ? cert : decodeURIComponent(cert);
        const [certificate] = parseCertificates(text, "PCK");
        if (certificate === undefined) throw new Error("no certificate");
        return certificate;
      });
    const [pck] = certificates(first);
    if (pck === undefined) throw new Error("no certificate");
    const identity = readPlatformIdentity(pck);
    expect(Buffer.from(identity.ppid).toString("hex")).toBe("8a25f84c01ee26239d190be2e9101290");
    expect(identity.tcb.components.slice(0, 8)).toEqual([14, 14, 2, 4, 1, 128, 7, 0]);
    expect(identity.tcb.pceSvn).toBe(10);
    expect(Buffer.from(identity.pceId).toString("hex")).toBe("0000");
    expect(Buffer.from(identity.fmspc).toString("hex")).toBe("00906ea10000");
    const at = Date.parse("2021-01-01T00:00:00Z");
    const chain = first.ca_chain.flatMap((pem) => parseCertificates(pem, "chain"));
    const store = linkCertificates([...certificates(first), ...chain], [INTEL_SGX_ROOT], at);
    for (const one of certificates(first)) {
      const own = store.all.find(({ serial }) => serial === one.serial) ?? one;
      checkPath(store.pathOf(own), Math.max(own.notBefore, chain[0]?.notBefore ?? 0));
    }
    const second = vectorJson(set, "881c3086c0eef78f60f5702a7e379efe.certs") as Data;
    const wanted = [8, 8, 2, 2, 4, 1, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0];
    const exact = certificates(second)
      .map((one) => readPlatformIdentity(one).tcb)
      .filter(({ components, pceSvn }) => pceSvn === 11 && components.join() === wanted.join());
    expect(exact.length).toBe(1);
  });

  test("CRLs of both CAs and the root, as PEM and DER, with their issuers' signatures", () => {
    for (const file of ["platform.crl", "processor.crl"]) {
      const json = vectorJson(set, file) as { crl: string; ca_chain: string[] };
      const crl = parseCrl(crlBytes(Buffer.from(json.crl)));
      const [authority] = json.ca_chain.flatMap((pem) => parseCertificates(pem, "chain"));
      if (authority === undefined) throw new Error("no authority");
      expect(crl.issuer.id).toBe(authority.subject.id);
      expect(isSignedBy(authority.publicKey, crl.signed, crl.signature)).toBe(true);
    }
    const root = parseCertificate(vector(set, "root_SGX_CA_der.cert"));
    for (const file of ["IntelSGXRootCA.crl", "IntelSGXRootCA.der"]) {
      const crl = parseCrl(crlBytes(vector(set, file)));
      expect(isSignedBy(root.publicKey, crl.signed, crl.signature)).toBe(true);
    }
  });

  test("PCK certificates of one and of several packages", () => {
    const read = (file: string) =>
      readPlatformIdentity(parseCertificate(vector("pck-certs", file)));
    expect(read("enarx_single_pck.der")).toMatchObject({
      sgxType: "standard",
      platformInstanceId: undefined,
    });
    const multi = read("enarx_multi_pck.der");
    expect(multi.sgxType).toBe("scalable");
    expect(multi.platformInstanceId?.length).toBe(16);
    expect(multi.configuration).toBeDefined();
    expect(read("leaf_cert.der").fmspc.length).toBe(6);
    expect(read("pckcert-rsa3072.der").fmspc.length).toBe(6);
    const json = vectorJson("pck-certs", "encppid.pckcert") as { cert: string };
    const [pck] = parseCertificates(json.cert, "PCK");
    if (pck === undefined) throw new Error("no certificate");
    // Its file's name holds the CPUSVN and PCESVN it was asked for.
    expect(readPlatformIdentity(pck).tcb.pceSvn).toBe(9);
  });
});
