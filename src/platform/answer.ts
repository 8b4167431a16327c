// SPDX-License-Identifier: Apache-2.0
/** The service's core: a request of the emulator's in, a reply out. Pure but for what it is given. */

import { RuneError } from "../errors/error.ts";
import { readAttributes } from "../sgx/attributes.ts";
import { requireZero, viewOf } from "../sgx/bytes.ts";
import { einit } from "../sgx/einit.ts";
import {
  ENCLAVE_IDENTITY_BYTES,
  type EnclaveIdentity,
  encodeEnclaveIdentity,
  parseEnclaveIdentity,
} from "../sgx/enclave-identity.ts";
import { parseKeyRequest } from "../sgx/keyrequest.ts";
import { encodeReportBody } from "../sgx/report.ts";
import { CODE, type Reply, type Request, STATUS_GP } from "./frame.ts";
import { LAUNCH_KEY_HASH, tokenHolds } from "./launch-control.ts";
import type { Secrets } from "./secrets.ts";

/** An enclave that EINIT has let start. */
export type Launched = {
  readonly identity: EnclaveIdentity;
  readonly sizeBytes: bigint;
  readonly pages: bigint;
  readonly threads: number;
};

const TICKET_BYTES = 16;
const FLAG_TAKES_TOKENS = 1;
const FLAG_MAY_PROVISION = 2;

/** `onLaunch` hears of every enclave that starts. */
export function answer(
  secrets: Secrets,
  { code, payload }: Request,
  onLaunch: (launched: Launched) => void,
): Reply {
  try {
    switch (code) {
      case CODE.HELLO:
        return done(secrets.platformInstanceId, secrets.cpuSvn);
      case CODE.EINIT:
        return answerEinit(secrets, payload, onLaunch);
      case CODE.EREPORT:
        return answerReport(secrets, payload);
      case CODE.EGETKEY:
        return answerKey(secrets, payload);
      default:
        return code satisfies never;
    }
  } catch (error) {
    // A reserved byte that is set, in a structure that the leaf takes: #GP(0).
    if (error instanceof RuneError && error.code === "SGX_FORMAT") return { status: STATUS_GP };
    throw error;
  }
}

function answerEinit(
  secrets: Secrets,
  payload: Uint8Array,
  onLaunch: (launched: Launched) => void,
): Reply {
  const launch = payload.subarray(1808 + 304);
  requireZero(launch, 140, 152, "launch");
  const view = viewOf(launch);
  const flags = view.getUint16(22, true);
  const takesTokens = (flags & FLAG_TAKES_TOKENS) !== 0;
  const { identity, error } = einit(
    {
      attributes: readAttributes(launch, 0),
      miscSelect: view.getUint32(16, true),
      configSvn: view.getUint16(20, true),
      mrenclave: launch.slice(24, 56),
      configId: launch.slice(56, 120),
    },
    payload.subarray(0, 1808),
    payload.subarray(1808, 1808 + 304),
    {
      ...(takesTokens ? { launchKeyHash: LAUNCH_KEY_HASH } : {}),
      tokenHolds: (bytes, token) => tokenHolds(secrets, bytes, token),
      mayProvision: takesTokens || (flags & FLAG_MAY_PROVISION) !== 0,
    },
  );
  if (identity === undefined) return { status: error };
  onLaunch({
    identity,
    sizeBytes: view.getBigUint64(120, true),
    pages: view.getBigUint64(128, true),
    threads: view.getUint32(136, true),
  });
  return done(encodeEnclaveIdentity(identity), secrets.ticket(identity));
}

function answerReport(secrets: Secrets, payload: Uint8Array): Reply {
  const identity = identityOf(secrets, payload);
  if (identity === undefined) return { status: STATUS_GP };
  const targetInfo = payload.subarray(208, 720);
  const reportData = payload.subarray(720, 784);
  const { cpuSvn, reportKeyId } = secrets;
  const body = encodeReportBody({ ...identity, cpuSvn, cetAttributes: 0, reportData });
  return done(body, reportKeyId, secrets.reportMac(body, reportKeyId, targetInfo));
}

function answerKey(secrets: Secrets, payload: Uint8Array): Reply {
  const identity = identityOf(secrets, payload);
  if (identity === undefined) return { status: STATUS_GP };
  const { key, error } = secrets.getKey(parseKeyRequest(payload.subarray(208, 720)), identity);
  if (key !== undefined) return done(key);
  return { status: error === "GP" ? STATUS_GP : error };
}

/** Undefined for one that this platform has not let start. */
function identityOf(secrets: Secrets, payload: Uint8Array): EnclaveIdentity | undefined {
  const identity = parseEnclaveIdentity(payload.subarray(0, ENCLAVE_IDENTITY_BYTES));
  const end = ENCLAVE_IDENTITY_BYTES + TICKET_BYTES;
  const ticket = payload.subarray(ENCLAVE_IDENTITY_BYTES, end);
  return secrets.ticketHolds(identity, ticket) ? identity : undefined;
}

function done(...parts: readonly Uint8Array[]): Reply {
  return { status: 0, payload: Buffer.concat(parts) };
}
