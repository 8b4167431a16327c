// SPDX-License-Identifier: Apache-2.0
/**
 * Certification data: what a quote says about who certified its quoting enclave's key.
 *
 *   u16 type | u32 size | data
 */

import { formatError } from "../error.ts";
import { type Cursor, cursor } from "./cursor.ts";

export const CERTIFICATION_TYPE = {
  ppid: 1,
  ppidRsa2048: 2,
  ppidRsa3072: 3,
  pckLeaf: 4,
  pckChain: 5,
  qeReport: 6,
  platformManifest: 7,
} as const;

/** Longest data taken. Chains are about 4 kilobytes, platform manifests 30. */
const LONGEST_DATA_BYTES = 1 << 20;

export type Certification =
  /** Types 1-3: the platform's name, with which a PCK certificate can be fetched. */
  | {
      readonly type: 1 | 2 | 3;
      /** Clear (16 bytes) or encrypted to Intel's key (256 or 384 bytes). */
      readonly ppid: Uint8Array;
      readonly cpuSvn: Uint8Array;
      readonly pceSvn: number;
      readonly pceId: Uint8Array;
    }
  /** Types 4 and 5: the PCK certificate, alone or with its chain, as PEM. */
  | { readonly type: 4 | 5; readonly pem: string }
  /** Type 7: for registration with Intel; certifies nothing by itself. */
  | { readonly type: 7; readonly manifest: Uint8Array };

const PPID_BYTES = { 1: 16, 2: 256, 3: 384 } as const;

/** Takes a certification data of any type but 6, which the quote's signature data unwraps itself. */
export function takeCertification(from: Cursor, what: string): Certification {
  const type = from.u16("certification data type");
  const data = takeData(from);
  switch (type) {
    case 1:
    case 2:
    case 3: {
      const fields = cursor(data, what);
      const certification: Certification = {
        type,
        ppid: fields.take(PPID_BYTES[type], "PPID").slice(),
        cpuSvn: fields.take(16, "CPUSVN").slice(),
        pceSvn: fields.u16("PCESVN"),
        pceId: fields.take(2, "PCEID").slice(),
      };
      if (fields.left > 0) throw formatError(what, `${fields.left} bytes too many after PCEID`);
      return certification;
    }
    case 4:
    case 5:
      return { type, pem: Buffer.from(data).toString("latin1") };
    case 7:
      return { type, manifest: data.slice() };
    default:
      throw formatError(what, `certification data of type ${type}`);
  }
}

/** Takes the size and the data of it. */
export function takeData(from: Cursor): Uint8Array {
  const size = from.u32("certification data size");
  return from.take(Math.min(size, LONGEST_DATA_BYTES + 1), "certification data");
}
