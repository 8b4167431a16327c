// SPDX-License-Identifier: Apache-2.0
/** The tests' certificate authority: fresh keys, and names that no other authority has. */
import { generateKeyPairSync, sign } from "node:crypto";
import { distinguishedName } from "../issue/certificate.ts";
import type { IssuerKey } from "../issue/key.ts";

export function newKey(): IssuerKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    kind: "P-256",
    spki: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    sign: (bytes) =>
      new Uint8Array(sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" })),
  };
}

export function name(commonName: string): Uint8Array {
  return distinguishedName(commonName, "Test");
}
