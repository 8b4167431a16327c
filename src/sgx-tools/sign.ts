// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools sign`, `gendata` and `catsig`. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { assembleSigstruct, requireEnclaveKey, signSigstruct } from "../sgx/sign.ts";
import { encodeSignedPart, RSA_BYTES, SIGNED_PART_BYTES } from "../sgx/sigstruct.ts";
import { LARGEST_IMAGE_BYTES, type SkeletonMetadata } from "../sgx/skeleton-image.ts";
import { type PreparedSkeleton, prepareSkeleton } from "../sgx/skeleton-sign.ts";
import type {
  catsig as catsigCommand,
  gendata as gendataCommand,
  sign as signCommand,
} from "./commands.ts";
import { isReadableByOthers, readInput, warn, writeOutput } from "./files.ts";
import { readKey } from "./keys.ts";
import { parseDate, parseHex, parseHex32 } from "./values.ts";

/** The kernel's default for vm.mmap_min_addr on x86-64. */
const USUAL_MMAP_MIN_ADDR = 0x10000n;

type SigningValues = OptionValues<typeof gendataCommand.options>;

export function sign(
  values: OptionValues<typeof signCommand.options>,
  keyPath: string,
  imagePath: string,
  sigstructPath: string,
  tbsPath: string | undefined = values.tbs,
): void {
  const key = readKey(keyPath, createPrivateKey);
  requireEnclaveKey(key);
  // No refusal: what CI systems hand out as files is often readable by all, in a container of one.
  if (isReadableByOthers(keyPath)) warn(`signing key \`${keyPath}\` is readable by others`);
  const { body } = prepare(values, imagePath);
  if (tbsPath !== undefined) writeOutput(tbsPath, encodeSignedPart(body));
  writeOutput(sigstructPath, signSigstruct(body, key));
}

export function gendata(values: SigningValues, imagePath: string, tbsPath: string): void {
  writeOutput(tbsPath, encodeSignedPart(prepare(values, imagePath).body));
}

export function catsig(
  values: OptionValues<typeof catsigCommand.options>,
  tbsPath: string,
  sigstructPath: string,
): void {
  const keyPath = required("public-key", values["public-key"]);
  const signaturePath = required("signature", values.signature);
  const part = readInput(tbsPath, SIGNED_PART_BYTES);
  const signature = readInput(signaturePath, RSA_BYTES);
  writeOutput(sigstructPath, assembleSigstruct(part, readKey(keyPath, createPublicKey), signature));
}

/** Measures the image after writing the metadata that was asked for into its file. */
function prepare(values: SigningValues, imagePath: string): PreparedSkeleton {
  const file = readInput(imagePath, LARGEST_IMAGE_BYTES);
  const metadata = chosenMetadata(values);
  const optional = {
    attributes: parseHex("attrs", values.attrs),
    attributesMask: parseHex("attrs-mask", values["attrs-mask"]),
    xfrm: parseHex("xfrm", values.xfrm),
    xfrmMask: parseHex("xfrm-mask", values["xfrm-mask"]),
    miscSelect: parseHex32("miscselect", values.miscselect),
    miscMask: parseHex32("miscmask", values.miscmask),
    metadata,
  };
  const prepared = prepareSkeleton(file, {
    ...withoutUndefined(optional),
    noDebugger: values["no-debugger"],
    debugEnclave: values["debug-enclave"],
    isvProdId: values["isv-prod-id"],
    isvSvn: values["isv-svn"],
    pageLayout: values.pages,
    date: parseDate(values.date, new Date()),
  });
  if (metadata !== undefined) writeOutput(imagePath, prepared.image);
  return prepared;
}

/** One of the three options replaces the image's metadata as a whole; none leaves it. */
function chosenMetadata(values: SigningValues): SkeletonMetadata | undefined {
  const size = values["mmap-size"];
  const protection = values.null_dereference_protection;
  const lowest = parseHex("mmap_min_addr", values.mmap_min_addr);
  if (size === undefined && !protection && lowest === undefined) return undefined;
  return {
    maxMmapSize: BigInt(size ?? 0),
    nullDereferenceProtection: protection,
    mmapMinAddr: lowest ?? USUAL_MMAP_MIN_ADDR,
  };
}

function required(option: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new RuneError({
    code: "USAGE",
    doing: "sgx-tools catsig",
    reason: `flag \`--${option}\` is missing`,
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The same object without the members that are undefined, as exactOptionalPropertyTypes wants. */
function withoutUndefined<T extends object>(object: T): Defined<T> {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  // Object.fromEntries loses the types of the members, which are those of T without undefined.
  return Object.fromEntries(entries) as Defined<T>;
}
