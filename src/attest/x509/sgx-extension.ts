// SPDX-License-Identifier: Apache-2.0
/**
 * What Intel's PCK certificate says about its platform: extension 1.2.840.113741.1.13.1, a sequence
 * of (identifier, value) pairs (Intel, "SGX PCK Certificate and CRL Profile Specification", 1.3.5).
 */
import { type DerReader, derReader, TAG } from "../der/reader.ts";
import { readBoolean, readOid, readSmall } from "../der/values.ts";
import { formatError } from "../error.ts";
import type { Certificate } from "./certificate.ts";

export const SGX_EXTENSION = "1.2.840.113741.1.13.1";

export const SGX_TYPES = ["standard", "scalable", "scalable with integrity"] as const;

export type PlatformTcb = {
  /** The 16 component SVNs, comparable with TCB levels. */
  readonly components: readonly number[];
  readonly pceSvn: number;
  readonly cpuSvn: Uint8Array;
};

export type PlatformIdentity = {
  readonly ppid: Uint8Array;
  readonly tcb: PlatformTcb;
  readonly pceId: Uint8Array;
  readonly fmspc: Uint8Array;
  readonly sgxType: (typeof SGX_TYPES)[number];
  /** Of machines with several packages only. */
  readonly platformInstanceId: Uint8Array | undefined;
  readonly configuration:
    | {
        readonly dynamicPlatform: boolean;
        readonly cachedKeys: boolean;
        readonly smtEnabled: boolean;
      }
    | undefined;
};

/** Reads the extension; throws where there is none, which is so for every other certificate. */
export function readPlatformIdentity(
  certificate: Certificate,
  what = "PCK certificate",
): PlatformIdentity {
  const extension = certificate.extensions.get(SGX_EXTENSION);
  if (extension === undefined) throw formatError(what, "no SGX extension");
  const fields = collect(derReader(extension.value, what), SGX_EXTENSION);
  const tcb = collect(field(fields, 2, what), `${SGX_EXTENSION}.2`);
  const type = readSmall(field(fields, 5, what), 2, TAG.enumerated);
  const configuration = fields.get(7);
  return {
    ppid: octets(field(fields, 1, what), 16),
    tcb: {
      components: Array.from({ length: 16 }, (_, index) =>
        readSmall(field(tcb, index + 1, what), 0xff),
      ),
      pceSvn: readSmall(field(tcb, 17, what), 0xffff),
      cpuSvn: octets(field(tcb, 18, what), 16),
    },
    pceId: octets(field(fields, 3, what), 2),
    fmspc: octets(field(fields, 4, what), 6),
    sgxType: SGX_TYPES[type] ?? "standard",
    platformInstanceId: fields.has(6) ? octets(field(fields, 6, what), 16) : undefined,
    configuration: configuration === undefined ? undefined : readConfiguration(configuration, what),
  };
}

function readConfiguration(
  value: Uint8Array,
  what: string,
): NonNullable<PlatformIdentity["configuration"]> {
  const flags = collect(derReader(value, what), `${SGX_EXTENSION}.7`);
  const flag = (number: number) => flags.has(number) && readBoolean(field(flags, number, what));
  return { dynamicPlatform: flag(1), cachedKeys: flag(2), smtEnabled: flag(3) };
}

/** The values of a sequence of pairs by the last arc under `prefix`. */
function collect(reader: DerReader, prefix: string): Map<number, Uint8Array> {
  const list = reader.enter(TAG.sequence);
  reader.finish();
  const values = new Map<number, Uint8Array>();
  while (!list.atEnd()) {
    const pair = list.enter(TAG.sequence);
    const oid = readOid(pair);
    const { whole } = pair.any();
    pair.finish();
    const arc = oid.startsWith(`${prefix}.`) ? oid.slice(prefix.length + 1) : "";
    if (!/^[1-9]\d*$/.test(arc))
      throw formatError(reader.what, `field ${oid} in the SGX extension`);
    if (values.has(Number(arc))) throw formatError(reader.what, `field ${oid} twice`);
    values.set(Number(arc), whole);
  }
  return values;
}

function field(values: ReadonlyMap<number, Uint8Array>, number: number, what: string): DerReader {
  const value = values.get(number);
  if (value === undefined) throw formatError(what, `no field .${number} in the SGX extension`);
  return derReader(value, what);
}

function octets(reader: DerReader, size: number): Uint8Array {
  const { content } = reader.next(TAG.octetString);
  if (content.length !== size) {
    throw formatError(reader.what, `field of ${content.length} bytes instead of ${size}`);
  }
  return content.slice();
}

/** Checks only the outer form: whether this certificate is a PCK. */
export function isPck(certificate: Certificate): boolean {
  return certificate.extensions.has(SGX_EXTENSION);
}
