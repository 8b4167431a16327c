// SPDX-License-Identifier: Apache-2.0
/**
 * Collateral from Intel's Provisioning Certification Service (API v4) or a caching service in front
 * of it (PCCS, API v3 and v4). What comes back is not believed here: the verifier does that.
 */
import { RuneError } from "../../errors/error.ts";
import { ARCHIVE } from "../collateral/archive.ts";
import { attestError } from "../error.ts";
import { crlBytes } from "../x509/crl.ts";

export type HttpAnswer = {
  readonly status: number;
  /** Case-insensitive. */
  header(name: string): string | undefined;
  readonly body: Uint8Array;
};

/** Fetches one address; injected, so that nothing here opens a connection by itself. */
export type Fetcher = (url: string) => Promise<HttpAnswer>;

export type CollateralRequest = {
  /** "https://api.trustedservices.intel.com" or "https://localhost:8081". */
  readonly base: string;
  readonly api: 3 | 4;
  readonly tee: "sgx" | "tdx";
  /** 12 hexadecimal digits. */
  readonly fmspc: string;
  /** Which CA issued the PCK certificate. */
  readonly ca: "processor" | "platform";
  /** The newest collateral there is, or the one that most platforms reach. */
  readonly update?: "early" | "standard";
};

export const INTEL_PCS = "https://api.trustedservices.intel.com";
/** Intel's own service has the root's CRL elsewhere; caching services have it beside the rest. */
export const INTEL_ROOT_CRL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

/** Fetches all that a verdict on such a platform's quotes needs, as the files of an archive. */
export async function fetchCollateral(
  request: CollateralRequest,
  fetcher: Fetcher,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { api, tee, ca } = request;
  if (tee === "tdx" && api === 3) {
    throw attestError("ATTEST_UNSUPPORTED", "fetch collateral", "API v3 has nothing about TDX");
  }
  const base = request.base.replace(/\/+$/, "");
  const sgx = `${base}/sgx/certification/v${api}`;
  const own = `${base}/${tee}/certification/v${api}`;
  const update = api === 4 && request.update !== undefined ? `update=${request.update}` : "";
  const query = (...parts: string[]) => {
    const text = parts.filter((part) => part !== "").join("&");
    return text === "" ? "" : `?${text}`;
  };
  const tcbInfo = await get(
    `${own}/tcb${query(`fmspc=${encodeURIComponent(request.fmspc)}`, update)}`,
    fetcher,
  );
  const identity = await get(`${own}/qe/identity${query(update)}`, fetcher);
  const pckCrl = await get(`${sgx}/pckcrl?ca=${ca}&encoding=der`, fetcher);
  const rootCrl = await get(base === INTEL_PCS ? INTEL_ROOT_CRL : `${sgx}/rootcacrl`, fetcher);
  return new Map([
    [ARCHIVE.tcbInfo, tcbInfo.body],
    [
      ARCHIVE.tcbInfoChain,
      chainOf(tcbInfo, ["TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"]),
    ],
    [ARCHIVE.qeIdentity, identity.body],
    [ARCHIVE.qeIdentityChain, chainOf(identity, ["SGX-Enclave-Identity-Issuer-Chain"])],
    [ARCHIVE.pckCrl, crlBytes(pckCrl.body, "PCK CRL")],
    [ARCHIVE.pckCrlChain, chainOf(pckCrl, ["SGX-PCK-CRL-Issuer-Chain"])],
    [ARCHIVE.rootCrl, crlBytes(rootCrl.body, "root CRL")],
  ]);
}

type Fetched = HttpAnswer & { readonly url: string };

async function get(url: string, fetcher: Fetcher): Promise<Fetched> {
  const doing = `fetch \`${url}\``;
  let answer: HttpAnswer;
  try {
    answer = await fetcher(url);
  } catch (error) {
    const { message } = RuneError.from(error, doing);
    throw attestError("ATTEST_COLLATERAL", doing, message, "is the service running and reachable?");
  }
  if (answer.status !== 200) {
    const known: Readonly<Record<number, string>> = {
      400: "the service does not take the request",
      401: "the service wants an access key",
      404: "the service knows no such platform or collateral",
      410: "this collateral is no longer given out",
      429: "too many requests, try again later",
      500: "the service failed",
      502: "the service cannot reach the one behind it",
      503: "the service is overloaded, try again later",
    };
    const reason = known[answer.status] ?? "unexpected answer";
    throw attestError("ATTEST_COLLATERAL", doing, `${reason} (HTTP ${answer.status})`);
  }
  return { ...answer, header: (name) => answer.header(name), url };
}

function chainOf(answer: Fetched, names: readonly string[]): Uint8Array {
  const value = names.map((name) => answer.header(name)).find((one) => one !== undefined);
  if (value === undefined) {
    throw attestError("ATTEST_COLLATERAL", `fetch \`${answer.url}\``, `no header ${names[0]}`);
  }
  try {
    return new TextEncoder().encode(decodeURIComponent(value));
  } catch {
    throw attestError(
      "ATTEST_COLLATERAL",
      `fetch \`${answer.url}\``,
      `header ${names[0]} is not URL-encoded`,
    );
  }
}
