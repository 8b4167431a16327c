// SPDX-License-Identifier: Apache-2.0
/** A WebAssembly enclave for people and programs: identity, signature, manifest, layout. */
import { toHex } from "../sgx/bytes.ts";
import { SECINFO } from "../sgx/secs.ts";
import { mrsigner, parseSigstruct } from "../sgx/sigstruct.ts";
import { verifySigstruct } from "../sgx/verify.ts";
import { decodeManifest } from "../wasm/decode-manifest.ts";
import { measureImage, parseImage, type Segment } from "../wasm/image.ts";
import type { Description } from "./describe.ts";

export function describeWasmEnclave(bytes: Uint8Array): Description {
  const image = parseImage(bytes);
  const sigstruct = image.sigstruct;
  const mrenclave = toHex(measureImage(image));
  const signed = sigstruct === undefined ? undefined : parseSigstruct(sigstruct);
  return {
    mrenclave,
    mrsigner: signed === undefined ? null : toHex(mrsigner(signed.modulus)),
    signatureValid:
      sigstruct !== undefined && signed !== undefined
        ? holds(sigstruct) && toHex(signed.enclaveHash) === mrenclave
        : null,
    isvProdId: signed?.isvProdId ?? null,
    isvSvn: signed?.isvSvn ?? null,
    xfrm: `0x${image.xfrm.toString(16)}`,
    manifest: decodeManifest(image),
    layout: {
      enclaveBytes: Number(image.enclaveBytes),
      ssaFramePages: image.ssaFramePages,
      segments: image.segments.map(describeSegment),
    },
  };
}

function holds(sigstruct: Uint8Array): boolean {
  try {
    verifySigstruct(sigstruct);
    return true;
  } catch {
    return false;
  }
}

function describeSegment({ offset, size, flags, load, kind }: Segment): string {
  const permissions =
    flags === SECINFO.TCS
      ? "tcs"
      : `${(flags & SECINFO.R) === 0n ? "-" : "r"}${(flags & SECINFO.W) === 0n ? "-" : "w"}${(flags & SECINFO.X) === 0n ? "-" : "x"}`;
  return `0x${offset.toString(16)} +0x${size.toString(16)} ${permissions} ${load} ${kind}`;
}
