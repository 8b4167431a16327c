// SPDX-License-Identifier: Apache-2.0
/**
 * A platform for tests: its own report key, an EPID group of one, an ECDSA key that is given or made.
 * Reports are MACed with AES-128-CMAC as real ones are, so that a wrong one is refused.
 */
import { createCipheriv, createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { viewOf } from "../sgx/bytes.ts";
import { ALGORITHM, encodeAttKeyId } from "./att-key.ts";
import type { AesmPlatform, CertifiedKey, EcdsaQuoting, EpidQuoting } from "./platform.ts";

export type TestPlatform = AesmPlatform & {
  readonly epid: EpidQuoting;
  readonly ecdsa: EcdsaQuoting;
  /** What an enclave's EREPORT would give for a target. */
  readonly report: (targetInfo: Uint8Array, options?: ReportOptions) => Uint8Array;
  /** As if the service had restarted: the attestation key must be made anew. */
  readonly forget: () => void;
  /** How often the key was made. */
  readonly initialised: () => number;
};

export type ReportOptions = {
  readonly reportData?: Uint8Array;
  readonly debug?: boolean;
};

const EPID_SIGNATURE_BYTES = 680;
const SPKI_HEAD_BYTES = 27;

export function testPlatform(certified: CertifiedKey = testKey()): TestPlatform {
  const root = randomBytes(16);
  let key: CertifiedKey | undefined;
  let initialised = 0;
  const epidTarget = targetOf(0x51);
  const ecdsaTarget = targetOf(0x61);
  const common = (target: Uint8Array) => ({
    targetInfo: () => target,
    checkReport: (report: Uint8Array) => macOf(root, target, report).equals(report.subarray(416)),
    reportFor: (other: Uint8Array, reportData: Uint8Array) =>
      makeReport(root, other, { reportData }),
    qeSvn: 8,
    pceSvn: 10,
  });
  return {
    launch: { token: launchToken },
    epid: {
      ...common(epidTarget),
      groupId: Uint8Array.of(0x0b, 0x0c, 0, 0),
      extendedGroupId: 0,
      sign: (signedPart, sigRl) => epidSignature(root, signedPart, sigRl),
    },
    ecdsa: {
      ...common(ecdsaTarget),
      attKeyId: encodeAttKeyId({
        version: 3,
        mrsigner: new Uint8Array(32).fill(0x8c),
        productId: 1,
        algorithm: ALGORITHM.ecdsaP256,
      }),
      vendorId: Buffer.from("939a7233f79c4ca9940a0db3957f0607", "hex"),
      userData: new Uint8Array(20).fill(0x77, 0, 16),
      initialise: () => {
        initialised++;
        key = certified;
        return certified;
      },
      key: () => key,
    },
    report: (targetInfo, options = {}) => makeReport(root, targetInfo, options),
    forget: () => {
      key = undefined;
    },
    initialised: () => initialised,
  };
}

/** A key that nobody has certified. */
export function testKey(): CertifiedKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  return {
    publicKey: spki.subarray(SPKI_HEAD_BYTES),
    sign: (bytes) => sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" }),
    qeReport: new Uint8Array(384),
    qeReportSignature: new Uint8Array(64),
    authenticationData: new Uint8Array(32).fill(5),
    certificationType: 5,
    certificationData: new Uint8Array(100).fill(6),
  };
}

function launchToken({ mrEnclave, modulus, attributes }: Record<string, Uint8Array>): Uint8Array {
  const token = new Uint8Array(304);
  token[0] = 1;
  token.set(attributes ?? [], 48);
  token.set(mrEnclave ?? [], 64);
  token.set(
    createHash("sha256")
      .update(modulus ?? "")
      .digest(),
    128,
  );
  return token;
}

function epidSignature(
  root: Uint8Array,
  signedPart: Uint8Array,
  sigRl: Uint8Array | undefined,
): Uint8Array {
  const digest = createHash("sha512")
    .update(root)
    .update(signedPart)
    .update(sigRl ?? "")
    .digest();
  return Uint8Array.from({ length: EPID_SIGNATURE_BYTES }, (_, at) => digest[at % 64] ?? 0);
}

function targetOf(fill: number): Uint8Array {
  const target = new Uint8Array(512);
  target.fill(fill, 0, 32);
  viewOf(target).setBigUint64(32, 0x15n, true);
  viewOf(target).setBigUint64(40, 0xe7n, true);
  return target;
}

function makeReport(root: Uint8Array, target: Uint8Array, options: ReportOptions): Uint8Array {
  const report = new Uint8Array(432);
  const view = viewOf(report);
  view.setBigUint64(48, options.debug === true ? 0x7n : 0x5n, true);
  view.setBigUint64(56, 0x3n, true);
  report.fill(0x11, 64, 96);
  report.fill(0x22, 128, 160);
  view.setUint16(256, 7, true);
  view.setUint16(258, 3, true);
  report.set(options.reportData ?? new Uint8Array(64).fill(0x33), 320);
  report.set(macOf(root, target, report), 416);
  return report;
}

function macOf(root: Uint8Array, target: Uint8Array, report: Uint8Array): Buffer {
  const key = createHash("sha256").update(root).update(target).digest().subarray(0, 16);
  return cmac(key, report.subarray(0, 384));
}

/** AES-128-CMAC (RFC 4493) of a whole number of blocks. */
export function cmac(key: Uint8Array, message: Uint8Array): Buffer {
  const encrypt = (block: Uint8Array) => {
    const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(block), cipher.final()]);
  };
  const zero = BigInt(`0x${encrypt(new Uint8Array(16)).toString("hex")}`);
  const doubled = ((zero << 1n) & ((1n << 128n) - 1n)) ^ (zero >> 127n === 1n ? 0x87n : 0n);
  const subkey = Buffer.from(doubled.toString(16).padStart(32, "0"), "hex");
  let state: Buffer = Buffer.alloc(16);
  for (let at = 0; at < message.length; at += 16) {
    const last = at + 16 >= message.length;
    const block = Uint8Array.from(state, (byte, index) => {
      return byte ^ (message[at + index] ?? 0) ^ (last ? (subkey[index] ?? 0) : 0);
    });
    state = encrypt(block);
  }
  return state;
}
