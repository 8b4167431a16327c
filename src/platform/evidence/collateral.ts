// SPDX-License-Identifier: Apache-2.0
/** What Intel would publish about the simulated platform: TCB info, QE identity and their numbers. */
import { isoSeconds, type Json, signedAnswer, signJson } from "../../attest/issue/signed-json.ts";
import type { PlatformKeys } from "../keys.ts";
import type { AuthorityKeys } from "./authority.ts";
import { ECDSA_ENCLAVE } from "./quoting-enclave.ts";
import type { TcbState } from "./tcb-state.ts";
import type { Window } from "./window.ts";

/** The day of the last security version that has a name here, and of the one that the own level has. */
const NEWEST_TCB_DATE = "2026-03-11T00:00:00Z";
const OWN_TCB_DATE = "2025-05-14T00:00:00Z";
const OLDEST_TCB_DATE = "2018-01-04T00:00:00Z";

/** The answers of a service, as texts. */
export type SignedAnswers = {
  readonly tcbInfo: string;
  readonly qeIdentity: string;
  readonly evaluationDataNumbers: string;
};

export function signedAnswers(
  keys: PlatformKeys,
  { tcbSigner }: AuthorityKeys,
  state: TcbState,
  window: Window,
): SignedAnswers {
  const signed = (json: Json, key: string) => signedAnswer(signJson(json, tcbSigner), key);
  return {
    tcbInfo: signed(tcbInfo(keys, state, window), "tcbInfo"),
    qeIdentity: signed(qeIdentity(state, window), "enclaveIdentity"),
    evaluationDataNumbers: signed(numbers(state, window), "tcbEvaluationDataNumbers"),
  };
}

/** The levels: one above the platform's where its own is not the best, its own, and all below. */
function tcbInfo({ cpuSvn }: PlatformKeys, state: TcbState, window: Window): Json {
  const level = (
    components: readonly number[],
    pcesvn: number,
    tcbDate: string,
    tcbStatus: string,
    advisories: readonly string[],
  ) => ({
    tcb: { sgxtcbcomponents: components.map((svn) => ({ svn })), pcesvn },
    tcbDate,
    tcbStatus,
    ...named(advisories),
  });
  const own = [...cpuSvn];
  const above = own.map((svn, index) => (index === 0 ? Math.min(svn + 1, 0xff) : svn));
  const none = own.map(() => 0);
  const { status, pceSvn, advisories } = state;
  return {
    id: "SGX",
    version: 3,
    ...dates(window),
    fmspc: state.fmspc.toUpperCase(),
    pceId: "0000",
    tcbType: 0,
    tcbEvaluationDataNumber: state.evaluationDataNumber,
    tcbLevels: [
      ...(hasBetter(status) ? [level(above, pceSvn + 1, NEWEST_TCB_DATE, "UpToDate", [])] : []),
      level(own, pceSvn, OWN_TCB_DATE, status, advisories),
      ...(pceSvn === 0 ? [] : [level(none, 0, OLDEST_TCB_DATE, "OutOfDate", advisories)]),
    ],
  };
}

function qeIdentity({ qeStatus, qeAdvisories, evaluationDataNumber }: TcbState, window: Window) {
  const { mrsigner, isvProdId, isvSvn } = ECDSA_ENCLAVE;
  const level = (
    isvsvn: number,
    tcbDate: string,
    tcbStatus: string,
    advisories: readonly string[],
  ) => ({ tcb: { isvsvn }, tcbDate, tcbStatus, ...named(advisories) });
  return {
    id: "QE",
    version: 2,
    ...dates(window),
    tcbEvaluationDataNumber: evaluationDataNumber,
    miscselect: "00000000",
    miscselectMask: "FFFFFFFF",
    // As Intel's: 64-bit mode is not looked at, DEBUG is.
    attributes: "11000000000000000000000000000000",
    attributesMask: "FBFFFFFFFFFFFFFF0000000000000000",
    mrsigner: Buffer.from(mrsigner).toString("hex").toUpperCase(),
    isvprodid: isvProdId,
    tcbLevels: [
      ...(hasBetter(qeStatus) ? [level(isvSvn + 1, NEWEST_TCB_DATE, "UpToDate", [])] : []),
      level(isvSvn, OWN_TCB_DATE, qeStatus, qeAdvisories),
      level(1, OLDEST_TCB_DATE, "OutOfDate", qeAdvisories),
    ],
  };
}

function numbers({ evaluationDataNumber }: TcbState, window: Window): Json {
  return {
    id: "SGX",
    version: 1,
    ...dates(window),
    tcbEvalNumbers: [
      {
        tcbEvaluationDataNumber: evaluationDataNumber,
        tcbRecoveryEventDate: OWN_TCB_DATE,
        tcbDate: OWN_TCB_DATE,
      },
    ],
  };
}

/** Whether something newer exists, which is what those words say. */
function hasBetter(status: string): boolean {
  return /^(OutOfDate|Revoked)/.test(status);
}

function dates({ from, until }: Window) {
  return { issueDate: isoSeconds(from), nextUpdate: isoSeconds(until) };
}

function named(advisories: readonly string[]) {
  return advisories.length === 0 ? {} : { advisoryIDs: advisories };
}
