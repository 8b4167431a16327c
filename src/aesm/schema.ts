// SPDX-License-Identifier: Apache-2.0
/**
 * The messages as data: number, type and label of every field, as docs/protocol/aesm.md tables them.
 * TypeScript's types, the encoder and the decoder are all made of these tables.
 */

export type FieldType = "bytes" | "u32" | "u64" | "bool";

export type Field = {
  readonly no: number;
  readonly type: FieldType;
  /** proto2's label: sent even when zero, and no message without it. */
  readonly required?: true;
};

export type Fields = Readonly<Record<string, Field>>;

type ValueOf<F extends Field> = {
  bytes: Uint8Array;
  u32: number;
  u64: bigint;
  bool: boolean;
}[F["type"]];

type RequiredNames<T extends Fields> = {
  [K in keyof T]: T[K] extends { readonly required: true } ? K : never;
}[keyof T];

/** The object for a table of fields. */
export type Message<T extends Fields> = {
  readonly [K in RequiredNames<T>]: ValueOf<T[K]>;
} & { readonly [K in Exclude<keyof T, RequiredNames<T>>]?: ValueOf<T[K]> };

const bytes = (no: number) => ({ no, type: "bytes" }) as const;
const u32 = (no: number) => ({ no, type: "u32" }) as const;
const u64 = (no: number) => ({ no, type: "u64" }) as const;
const bool = (no: number) => ({ no, type: "bool" }) as const;
const required = <const F extends Field>(field: F) => ({ ...field, required: true }) as const;

/** In every request but one. Microseconds. */
const timeout = u32(9);
const errorCode = required(u32(1));

export const requests = {
  initQuote: { no: 1, fields: { timeout } },
  getQuote: {
    no: 2,
    fields: {
      report: required(bytes(1)),
      quoteType: required(u32(2)),
      spid: required(bytes(3)),
      nonce: bytes(4),
      sigRl: bytes(5),
      bufSize: required(u32(6)),
      qeReport: bool(7),
      timeout,
    },
  },
  getLaunchToken: {
    no: 3,
    fields: {
      mrEnclave: required(bytes(1)),
      modulus: required(bytes(2)),
      attributes: required(bytes(3)),
      timeout,
    },
  },
  reportAttestationError: {
    no: 4,
    fields: {
      platformInfo: required(bytes(1)),
      attestationErrorCode: required(u32(2)),
      updateInfoSize: required(u32(3)),
      timeout,
    },
  },
  getWhiteListSize: { no: 10, fields: { timeout } },
  getWhiteList: { no: 11, fields: { whiteListSize: u32(1), timeout } },
  getExtendedEpidGroupId: { no: 12, fields: { timeout } },
  switchExtendedEpidGroup: { no: 13, fields: { extendedGroupId: u32(1), timeout } },
  register: {
    no: 14,
    fields: { buf: required(bytes(1)), dataType: required(u32(2)), timeout },
  },
  initQuoteEx: {
    no: 15,
    fields: { attKeyId: bytes(1), wantPubKeyId: required(bool(3)), bufSize: u64(4), timeout },
  },
  getQuoteSizeEx: { no: 16, fields: { attKeyId: bytes(1), timeout } },
  getQuoteEx: {
    no: 17,
    fields: {
      report: required(bytes(1)),
      attKeyId: bytes(2),
      qeReportInfo: bytes(3),
      bufSize: required(u32(4)),
      timeout,
    },
  },
  checkUpdateStatus: {
    no: 18,
    fields: {
      platformInfo: bytes(1),
      updateInfoSize: required(u32(2)),
      config: required(u32(3)),
      timeout,
    },
  },
  selectAttKeyId: { no: 19, fields: { attKeyIdList: bytes(1), timeout: u32(2) } },
  getSupportedAttKeyIdNum: { no: 21, fields: { timeout } },
  getSupportedAttKeyIds: { no: 22, fields: { bufSize: required(u32(1)), timeout } },
} as const;

export const responses = {
  initQuote: { no: 1, fields: { errorCode, targetInfo: bytes(2), gid: bytes(3) } },
  getQuote: { no: 2, fields: { errorCode, quote: bytes(2), qeReport: bytes(3) } },
  getLaunchToken: { no: 3, fields: { errorCode, token: bytes(2) } },
  reportAttestationError: { no: 4, fields: { errorCode, platformUpdateInfo: bytes(2) } },
  getWhiteListSize: { no: 10, fields: { errorCode, whiteListSize: u32(2) } },
  getWhiteList: { no: 11, fields: { errorCode, whiteList: bytes(2) } },
  getExtendedEpidGroupId: { no: 12, fields: { errorCode, extendedGroupId: u32(2) } },
  switchExtendedEpidGroup: { no: 13, fields: { errorCode } },
  register: { no: 14, fields: { errorCode } },
  initQuoteEx: {
    no: 15,
    fields: { errorCode, targetInfo: bytes(2), pubKeyIdSize: u64(3), pubKeyId: bytes(4) },
  },
  getQuoteSizeEx: { no: 16, fields: { errorCode, quoteSize: u32(2) } },
  getQuoteEx: { no: 17, fields: { errorCode, quote: bytes(2), qeReportInfo: bytes(3) } },
  checkUpdateStatus: {
    no: 18,
    fields: { errorCode, platformUpdateInfo: bytes(2), status: u32(3) },
  },
  selectAttKeyId: { no: 19, fields: { errorCode, selectedAttKeyId: bytes(2) } },
  unsupportedRequest: { no: 20, fields: { errorCode } },
  getSupportedAttKeyIdNum: { no: 21, fields: { errorCode, attKeyIdNum: u32(2) } },
  getSupportedAttKeyIds: { no: 22, fields: { errorCode, attKeyIds: bytes(2) } },
} as const;

export type RequestName = keyof typeof requests;
export type ResponseName = keyof typeof responses;
export type RequestOf<N extends RequestName> = Message<(typeof requests)[N]["fields"]>;
export type ResponseOf<N extends ResponseName> = Message<(typeof responses)[N]["fields"]>;

/** Any request or reply, told apart by its name. */
export type AnyRequest = {
  [N in RequestName]: { readonly name: N; readonly value: RequestOf<N> };
}[RequestName];
export type AnyResponse = {
  [N in ResponseName]: { readonly name: N; readonly value: ResponseOf<N> };
}[ResponseName];
