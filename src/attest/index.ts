// SPDX-License-Identifier: Apache-2.0
/**
 * `inclavare-containers/attest`: the verdict on quotes and IAS reports, for relying parties. What is
 * exported here is the interface; everything else in this folder may change.
 * docs/reference/attest-library.md explains it with examples.
 */
export { type ErrorCode, RuneError } from "../errors/error.ts";
export type { Attributes } from "../sgx/attributes.ts";
export type { ReportBody } from "../sgx/report.ts";
export { ARCHIVE, collateralFromFiles, collateralFromJson } from "./collateral/archive.ts";
export {
  type Collateral,
  type CollateralTexts,
  collateralFromTexts,
} from "./collateral/collateral.ts";
export { type SignedJson, splitSignedJson } from "./collateral/signed-json.ts";
export { type ComponentStatus, TCB_STATUSES, type TcbStatus } from "./collateral/status.ts";
export {
  type CollateralRequest,
  type Fetcher,
  fetchCollateral,
  type HttpAnswer,
  INTEL_PCS,
} from "./fetch/collateral-service.ts";
export { iasReportOf, iasReportOfJson } from "./ias/files.ts";
export { IAS_STATUSES, type IasReportBody, type IasStatus } from "./ias/report.ts";
export {
  type GenuineIasReport,
  type IasOptions,
  type IasReport,
  type IasVerdict,
  verifyIasReport,
} from "./ias/verify.ts";
export { evaluateIasReport, evaluateQuote, type PolicyVerdict } from "./policy/evaluate.ts";
export { DEFAULT_POLICY, type Policy, readPolicy } from "./policy/policy.ts";
export type { Certification } from "./quote/certification.ts";
export { type EpidQuote, type EpidQuoteBody, parseEpidQuote } from "./quote/epid.ts";
export {
  parseQuote,
  type Quote,
  type QuoteBody,
  type QuoteParsing,
  type QuotingEnclave,
} from "./quote/quote.ts";
export type { TdReport } from "./quote/td-report.ts";
export type { Check } from "./verify/trace.ts";
export type { GenuineQuote, QuoteOptions, QuoteVerdict, RefusedQuote } from "./verify/verdict.ts";
export { type QuoteOrigin, verifyQuote, verifyQuoteOrigin } from "./verify/verify-quote.ts";
export {
  type Certificate,
  parseCertificate,
  parseCertificates,
} from "./x509/certificate.ts";
export { type Crl, crlBytes, parseCrl } from "./x509/crl.ts";
export type { PublicKey } from "./x509/keys.ts";
export {
  isPck,
  type PlatformIdentity,
  type PlatformTcb,
  readPlatformIdentity,
} from "./x509/sgx-extension.ts";
export {
  INTEL_IAS_ROOT,
  INTEL_SGX_ROOT,
  type TrustAnchor,
  trustAnchorOf,
} from "./x509/trust.ts";
