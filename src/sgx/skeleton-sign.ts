// SPDX-License-Identifier: Apache-2.0
/** From an image and the signer's choices to what is to be signed: `sgxsign`'s rules. */
import { RuneError } from "../errors/error.ts";
import { ATTRIBUTE, type Attributes, XFRM_LEGACY } from "./attributes.ts";
import { type SigstructBody, TYPE_DEBUG } from "./sigstruct.ts";
import { parseSkeletonImage, type SkeletonMetadata, withMetadata } from "./skeleton-image.ts";
import {
  layOutSkeleton,
  measureSkeleton,
  type PageLayout,
  type SkeletonLayout,
  swDefinedOf,
} from "./skeleton-layout.ts";
import type { XsaveArea } from "./xsave.ts";

export type SkeletonSignOptions = {
  /** DEBUG may not be set when the enclave is created. */
  readonly noDebugger?: boolean;
  /** Sets bit 31 of TYPE. Recent processors refuse such a SIGSTRUCT. */
  readonly debugEnclave?: boolean;
  readonly attributes?: bigint;
  readonly attributesMask?: bigint;
  readonly xfrm?: bigint;
  readonly xfrmMask?: bigint;
  readonly miscSelect?: number;
  readonly miscMask?: number;
  readonly isvProdId?: number;
  readonly isvSvn?: number;
  readonly pageLayout?: PageLayout;
  readonly xsaveAreas?: readonly XsaveArea[];
  /** Written into the image; undefined leaves what is there. */
  readonly metadata?: SkeletonMetadata;
  /** BCD, 0x20261123. */
  readonly date: number;
};

export type PreparedSkeleton = {
  /** The file to ship: the given one, with the metadata asked for. */
  readonly image: Uint8Array;
  readonly layout: SkeletonLayout;
  readonly body: SigstructBody;
};

const SIGNABLE =
  ATTRIBUTE.DEBUG |
  ATTRIBUTE.MODE64BIT |
  ATTRIBUTE.PROVISIONKEY |
  ATTRIBUTE.EINITTOKENKEY |
  ATTRIBUTE.KSS;

/** Measures an image as it will be loaded and fills in everything but key and signature. */
export function prepareSkeleton(file: Uint8Array, options: SkeletonSignOptions): PreparedSkeleton {
  const flags = chooseFlags(options);
  const xfrm = chooseXfrm(options);
  const pageLayout = options.pageLayout ?? "published";
  const miscSelect = options.miscSelect ?? 0;
  const image = options.metadata === undefined ? file : withMetadata(file, options.metadata);
  const layout = layOutSkeleton(parseSkeletonImage(image), {
    xfrm: xfrm.value,
    miscSelect,
    pageLayout,
    ...(options.xsaveAreas === undefined ? {} : { xsaveAreas: options.xsaveAreas }),
  });
  const attributes: Attributes = { flags: flags.value, xfrm: xfrm.value };
  const attributeMask: Attributes = { flags: flags.mask, xfrm: xfrm.mask };
  const body: SigstructBody = {
    type: options.debugEnclave === true ? TYPE_DEBUG : 0,
    vendor: 0,
    date: options.date,
    swDefined: swDefinedOf[pageLayout],
    miscSelect,
    miscMask: options.miscMask ?? 0,
    cetAttributes: 0,
    cetAttributesMask: 0,
    isvFamilyId: new Uint8Array(16),
    attributes,
    attributeMask,
    enclaveHash: measureSkeleton(layout),
    isvExtProdId: new Uint8Array(16),
    isvProdId: options.isvProdId ?? 0,
    isvSvn: options.isvSvn ?? 0,
  };
  return { image, layout, body };
}

type Masked = { readonly value: bigint; readonly mask: bigint };

function chooseFlags(options: SkeletonSignOptions): Masked {
  const noDebugger = options.noDebugger === true;
  const needed = noDebugger ? ATTRIBUTE.MODE64BIT : ATTRIBUTE.MODE64BIT | ATTRIBUTE.DEBUG;
  const value = options.attributes ?? options.attributesMask;
  const mask = options.attributesMask ?? options.attributes;
  if (value === undefined || mask === undefined) {
    return { value: needed, mask: needed | ATTRIBUTE.DEBUG };
  }
  const unknown = value & ~SIGNABLE;
  if (unknown !== 0n) throw refused("attributes", `0x${unknown.toString(16)} cannot be signed for`);
  requireBits("attributes", value, needed);
  requireBits("attribute mask", mask, needed);
  if (noDebugger && (value & ATTRIBUTE.DEBUG) !== 0n) {
    throw refused("attributes", "they include DEBUG, which no-debugger forbids");
  }
  return { value, mask: noDebugger ? mask | ATTRIBUTE.DEBUG : mask };
}

function chooseXfrm(options: SkeletonSignOptions): Masked {
  const value = options.xfrm ?? options.xfrmMask ?? XFRM_LEGACY;
  const mask = options.xfrmMask ?? value;
  requireBits("XFRM", value, XFRM_LEGACY);
  requireBits("XFRM mask", mask, XFRM_LEGACY);
  return { value, mask };
}

function requireBits(what: string, value: bigint, needed: bigint): void {
  const missing = needed & ~value;
  if (missing !== 0n) throw refused(what, `bits 0x${missing.toString(16)} must be set`);
}

function refused(what: string, reason: string): RuneError {
  return new RuneError({ code: "SGX_LIMIT", doing: `choose ${what}`, reason });
}
