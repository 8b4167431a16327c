// SPDX-License-Identifier: Apache-2.0
/**
 * What the server core needs of a platform: everything that takes a secret. A part that is absent is
 * one that the platform does not have, as an aesmd without that plug-in. Every function may throw
 * `aesmRefusal(number, ...)` to choose the client's error; anything else becomes number 1.
 */

type Awaitable<T> = T | Promise<T>;

export type AesmPlatform = {
  readonly launch?: LaunchControl;
  readonly epid?: EpidQuoting;
  readonly ecdsa?: EcdsaQuoting;
};

export type LaunchControl = {
  /** An EINITTOKEN of 304 bytes; lengths have been checked. */
  readonly token: (request: {
    readonly mrEnclave: Uint8Array;
    readonly modulus: Uint8Array;
    readonly attributes: Uint8Array;
  }) => Awaitable<Uint8Array>;
};

/** What both kinds of quoting enclave can do. */
type QuotingEnclave = {
  /** 512 bytes. */
  readonly targetInfo: () => Awaitable<Uint8Array>;
  /** Whether a REPORT's MAC is this platform's for this quoting enclave. */
  readonly checkReport: (report: Uint8Array) => Awaitable<boolean>;
  /** The quoting enclave's own REPORT (432 bytes) for a target, with 64 bytes of data. */
  readonly reportFor: (targetInfo: Uint8Array, reportData: Uint8Array) => Awaitable<Uint8Array>;
  readonly qeSvn: number;
  readonly pceSvn: number;
};

export type EpidQuoting = QuotingEnclave & {
  /** 4 bytes. */
  readonly groupId: Uint8Array;
  readonly extendedGroupId: number;
  /** What follows the signature's size in a quote; `signedPart` is the 432 bytes before it. */
  readonly sign: (signedPart: Uint8Array, sigRl: Uint8Array | undefined) => Awaitable<Uint8Array>;
};

export type EcdsaQuoting = QuotingEnclave & {
  /** 256 bytes: the key's name among all quoting enclaves'. */
  readonly attKeyId: Uint8Array;
  /** 16 bytes. */
  readonly vendorId: Uint8Array;
  /** 20 bytes, of which the first 16 name the platform. */
  readonly userData: Uint8Array;
  /** Makes or loads the attestation key and has it certified. */
  readonly initialise: () => Awaitable<CertifiedKey>;
  /** The key; undefined before `initialise`, or once it is lost. */
  readonly key: () => CertifiedKey | undefined;
};

export type CertifiedKey = {
  /** x and y, 64 bytes. */
  readonly publicKey: Uint8Array;
  /** r and s, 64 bytes, over SHA-256 of the bytes. */
  readonly sign: (bytes: Uint8Array) => Awaitable<Uint8Array>;
  /** The quoting enclave's report body about the key, 384 bytes. */
  readonly qeReport: Uint8Array;
  /** The PCK's signature of it, 64 bytes. */
  readonly qeReportSignature: Uint8Array;
  readonly authenticationData: Uint8Array;
  readonly certificationType: number;
  readonly certificationData: Uint8Array;
};
