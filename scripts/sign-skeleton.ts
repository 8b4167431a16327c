// SPDX-License-Identifier: Apache-2.0
/**
 * Signs the sample enclave after the native build, with a key made on this machine:
 *
 *   native/build/lib/encl.ss        for the published page layout, which every skeleton PAL loads
 *   native/build/lib/encl-noted.ss  for the page note's permissions, which only ours loads
 *
 * What is there and still right stays, so that MRSIGNER and the build do not change by themselves.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { sameBytes } from "../src/sgx/bytes.ts";
import { signSigstruct } from "../src/sgx/sign.ts";
import { encodeSignedPart, parseSigstruct, signedPart } from "../src/sgx/sigstruct.ts";
import type { PageLayout } from "../src/sgx/skeleton-layout.ts";
import { prepareSkeleton } from "../src/sgx/skeleton-sign.ts";

const build = resolve(import.meta.dir, "../native/build");
const keyPath = join(build, "skeleton/signing-key.pem");

const image = new Uint8Array(readFileSync(join(build, "lib/encl.bin")));
const key = signingKey();
sign("published", join(build, "lib/encl.ss"));
sign("noted", join(build, "lib/encl-noted.ss"));

function sign(pageLayout: PageLayout, path: string): void {
  const { body } = prepareSkeleton(image, { pageLayout, date: today() });
  if (existsSync(path)) {
    const before = new Uint8Array(readFileSync(path));
    const { date } = parseSigstruct(before);
    const unchanged = sameBytes(signedPart(before), encodeSignedPart({ ...body, date }));
    if (unchanged && sameBytes(before, signSigstruct({ ...body, date }, key))) return;
  }
  replaceFile(path, signSigstruct(body, key), 0o644);
}

function signingKey(): KeyObject {
  if (!existsSync(keyPath)) {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 3072,
      publicExponent: 3,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    mkdirSync(dirname(keyPath), { recursive: true });
    replaceFile(keyPath, new TextEncoder().encode(privateKey), 0o600);
  }
  return createPrivateKey(readFileSync(keyPath));
}

function replaceFile(path: string, bytes: Uint8Array, mode: number): void {
  writeFileSync(`${path}.new`, bytes, { mode });
  renameSync(`${path}.new`, path);
}

/** Today in UTC as DATE wants it: 0x20261123. */
function today(): number {
  return Number.parseInt(new Date().toISOString().slice(0, 10).replaceAll("-", ""), 16);
}
