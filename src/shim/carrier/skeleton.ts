// SPDX-License-Identifier: Apache-2.0
/** The sample enclave runtime: its enclave needs no building, only a signature. */
import { createPublicKey } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { assembleSigstruct } from "../../sgx/sign.ts";
import { encodeSignedPart } from "../../sgx/sigstruct.ts";
import { prepareSkeleton } from "../../sgx/skeleton-sign.ts";
import type { Carrier } from "./carrier.ts";
import { inRoot } from "./tree.ts";

const image = "encl.bin";
const signature = "encl.ss";

export const skeleton: Carrier = {
  name: "skeleton",
  // As the original had it: such images carry both files, and the pod says the rest.
  isComplete: async ({ rootfs, cwd }) => {
    const files = await Promise.all(
      [image, signature].map((name) => inRoot(rootfs, `${cwd}/${name}`)),
    );
    return files.every((file) => existsSync(file));
  },
  inputs: async ({ libDir }) => {
    const hasher = new Bun.CryptoHasher("sha256");
    return hasher.update(readFileSync(`${libDir}/${image}`)).digest("hex");
  },
  readsImage: false,
  buildUnsignedEnclave: async ({ libDir }, workspace) => {
    copyFileSync(`${libDir}/${image}`, `${workspace}/${image}`);
    writeFileSync(`${workspace}/${signature}`, ""); // what there will be, and goes when it fails
  },
  generateSigningMaterial: async (folder) => {
    const file = new Uint8Array(readFileSync(`${folder}/${image}`));
    return encodeSignedPart(prepareSkeleton(file, { date: today() }).body);
  },
  cascadeSignature: async (folder, material, { publicKeyPem, signature: made }) => {
    const sigstruct = assembleSigstruct(material, createPublicKey(publicKeyPem), made);
    writeFileSync(`${folder}/${signature}`, sigstruct, { mode: 0o644 });
  },
  leftOut: [],
  variables: ({ libDir }) => ({
    ENCLAVE_TYPE: "intelSgx",
    ENCLAVE_RUNTIME_PATH: `${libDir}/liberpal-skeleton-v3.so`,
  }),
};

/** In UTC, as DATE wants it: 0x20261123. */
function today(): number {
  return Number.parseInt(new Date().toISOString().slice(0, 10).replaceAll("-", ""), 16);
}
