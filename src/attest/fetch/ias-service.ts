// SPDX-License-Identifier: Apache-2.0
/** Asks a service of Intel's interface for its report on an EPID quote. */
import { RuneError } from "../../errors/error.ts";
import { iasReportOf } from "../ias/files.ts";
import type { IasReport } from "../ias/verify.ts";
import type { HttpAnswer } from "./collateral-service.ts";
import { httpPost } from "./http.ts";

export type IasRequest = {
  /** The whole address, up to `/report`. */
  readonly url: string;
  readonly quote: Uint8Array;
  readonly nonce: string;
  /** A secret: it goes into the request's header and nowhere else. */
  readonly subscriptionKey: string | undefined;
  readonly insecure: boolean;
};

export type IasAnswer = { readonly answer: HttpAnswer; readonly report: IasReport };

/** Whether everybody on the way to a service could read the key and the quote. */
export function isReadableOnTheWay(url: URL): boolean {
  const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === "http:" && !local;
}

/** The service's answer, of which nothing has been verified. */
export async function fetchIasReport(request: IasRequest): Promise<IasAnswer> {
  const { url, quote, nonce, subscriptionKey, insecure } = request;
  const answer = await httpPost(
    url,
    JSON.stringify({ isvEnclaveQuote: Buffer.from(quote).toString("base64"), nonce }),
    {
      "Content-Type": "application/json",
      ...(subscriptionKey === undefined ? {} : { "Ocp-Apim-Subscription-Key": subscriptionKey }),
    },
    { insecure },
  );
  requireAnswer(answer, url);
  const header = (name: string) => {
    const value = answer.header(name);
    if (value !== undefined) return value;
    throw fetchError(url, `the reply has no header ${name}`);
  };
  const report = iasReportOf(
    answer.body,
    header(IAS_HEADERS.signature),
    header(IAS_HEADERS.certificates),
  );
  return { answer, report };
}

export const IAS_HEADERS = {
  signature: "X-IASReport-Signature",
  certificates: "X-IASReport-Signing-Certificate",
} as const;

function requireAnswer(answer: HttpAnswer, url: string): void {
  const known: Readonly<Record<number, readonly [string, string]>> = {
    400: ["the service does not understand the quote", "see that it is an EPID quote"],
    401: ["the service does not accept the key", "give the key with --subscription-key-file"],
    403: ["the service does not accept the key", "give the key with --subscription-key-file"],
    404: ["there is no such service", "see that --ias-url and --product are right"],
    503: ["the service is busy", "try again later"],
  };
  if (answer.status !== 200) {
    const [reason, hint] = known[answer.status] ?? ["the service failed", "see the service's log"];
    throw fetchError(url, `${reason} (HTTP status ${answer.status})`, hint);
  }
  const type = answer.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw fetchError(url, `the reply is of type \`${type ?? "none"}\`, not application/json`);
  }
}

function fetchError(url: string, reason: string, hint?: string): RuneError {
  return new RuneError({
    code: "ATTEST_COLLATERAL",
    doing: `fetch \`${url}\``,
    reason,
    ...(hint === undefined ? {} : { hint }),
  });
}
