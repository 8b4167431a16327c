// SPDX-License-Identifier: Apache-2.0
/**
 * Attestation verification reports of Intel's EPID service, versions 2 to 5. The service is gone;
 * what it signed can still be checked, at the time it was signed.
 */
import { type Fields, parseJson } from "../collateral/signed-json.ts";
import { formatError } from "../error.ts";
import { type EpidQuoteBody, parseEpidQuoteBody } from "../quote/epid.ts";
import { canonicalBase64 } from "../x509/pem.ts";

/** isvEnclaveQuoteStatus; the last two are of version 4 and later. */
export const IAS_STATUSES = [
  "OK",
  "SIGNATURE_INVALID",
  "GROUP_REVOKED",
  "SIGNATURE_REVOKED",
  "KEY_REVOKED",
  "SIGRL_VERSION_MISMATCH",
  "GROUP_OUT_OF_DATE",
  "CONFIGURATION_NEEDED",
  "SW_HARDENING_NEEDED",
  "CONFIGURATION_AND_SW_HARDENING_NEEDED",
] as const;

export type IasStatus = (typeof IAS_STATUSES)[number];

export type IasReportBody = {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** Reports before version 3 do not say theirs. */
  readonly version: number | undefined;
  readonly status: IasStatus;
  readonly quoteBody: EpidQuoteBody;
  readonly quoteBodyBytes: Uint8Array;
  readonly nonce: string | undefined;
  readonly advisoryUrl: string | undefined;
  readonly advisoryIds: readonly string[];
  readonly revocationReason: number | undefined;
  readonly platformInfoBlob: string | undefined;
  readonly epidPseudonym: string | undefined;
};

/** Reads the text whose signature holds. */
export function parseIasReportBody(text: string): IasReportBody {
  const what = "IAS report";
  const fields = parseJson(text, what);
  const version = fields.has("version") ? fields.integer("version", 0xffff) : undefined;
  if (version !== undefined && (version < 2 || version > 5)) {
    throw formatError(what, `version ${version}, not 2 to 5`);
  }
  const word = fields.text("isvEnclaveQuoteStatus");
  const status = IAS_STATUSES.find((one) => one === word);
  if (status === undefined) throw formatError(what, `quote status "${word}" is not known`);
  const quoteBodyBytes = canonicalBase64(fields.text("isvEnclaveQuoteBody"), what);
  return {
    id: fields.text("id"),
    timestamp: readTimestamp(fields.text("timestamp")),
    version,
    status,
    quoteBody: parseEpidQuoteBody(quoteBodyBytes),
    quoteBodyBytes,
    nonce: optionalText(fields, "nonce"),
    advisoryUrl: optionalText(fields, "advisoryURL"),
    advisoryIds: fields.has("advisoryIDs") ? fields.texts("advisoryIDs") : [],
    revocationReason: fields.has("revocationReason")
      ? fields.integer("revocationReason", 0xff)
      : undefined,
    platformInfoBlob: optionalText(fields, "platformInfoBlob"),
    epidPseudonym: optionalText(fields, "epidPseudonym"),
  };
}

function optionalText(fields: Fields, name: string): string | undefined {
  return fields.has(name) ? fields.text(name) : undefined;
}

/** "2020-05-11T09:21:15.454051", which is UTC though it does not say so. */
function readTimestamp(text: string): number {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?$/.test(text)
    ? Date.parse(`${text}Z`)
    : Number.NaN;
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 19) !== text.slice(0, 19)) {
    throw formatError("IAS report", `timestamp ${JSON.stringify(text)}`);
  }
  return time;
}
