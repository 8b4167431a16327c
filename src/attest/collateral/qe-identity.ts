// SPDX-License-Identifier: Apache-2.0
/** QE identity: what a genuine quoting enclave looks like (enclave identity version 2). */
import { formatError } from "../error.ts";
import { parseJson } from "./signed-json.ts";
import { readSvnLevels, type SvnLevel } from "./tcb-info.ts";

/** QE: of SGX quotes. TD_QE: of TDX quotes. QVE: Intel's verifying enclave, of no quote. */
export const ENCLAVE_IDENTITY_IDS = ["QE", "TD_QE", "QVE"] as const;

export type EnclaveIdentity = {
  readonly id: (typeof ENCLAVE_IDENTITY_IDS)[number];
  /** Milliseconds since 1970. */
  readonly issueDate: number;
  readonly nextUpdate: number;
  readonly evaluationDataNumber: number;
  /** Bytes in memory order, as the report has them. */
  readonly miscSelect: Uint8Array;
  readonly miscSelectMask: Uint8Array;
  readonly attributes: Uint8Array;
  readonly attributesMask: Uint8Array;
  readonly mrSigner: Uint8Array;
  readonly isvProdId: number;
  readonly levels: readonly SvnLevel[];
};

/** Reads the text whose signature holds. */
export function parseEnclaveIdentity(text: string): EnclaveIdentity {
  const what = "enclave identity";
  const fields = parseJson(text, what);
  const version = fields.integer("version", 0xffff);
  if (version !== 2) throw formatError(what, `version ${version}, not 2`);
  const word = fields.text("id");
  const id = ENCLAVE_IDENTITY_IDS.find((one) => one === word);
  if (id === undefined) throw formatError(what, `id "${word}" is not known`);
  return {
    id,
    issueDate: fields.time("issueDate"),
    nextUpdate: fields.time("nextUpdate"),
    evaluationDataNumber: fields.integer("tcbEvaluationDataNumber", 0xffff_ffff),
    miscSelect: fields.bytes("miscselect", 4),
    miscSelectMask: fields.bytes("miscselectMask", 4),
    attributes: fields.bytes("attributes", 16),
    attributesMask: fields.bytes("attributesMask", 16),
    mrSigner: fields.bytes("mrsigner", 32),
    isvProdId: fields.integer("isvprodid", 0xffff),
    levels: readSvnLevels(fields),
  };
}
