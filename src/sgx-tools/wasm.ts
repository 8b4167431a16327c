// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools build-wasm` and `sign-wasm`. */
import { createPrivateKey } from "node:crypto";
import { RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { progressOn } from "../progress/progress.ts";
import { sameBytes, toHex } from "../sgx/bytes.ts";
import { requireEnclaveKey, signSigstruct } from "../sgx/sign.ts";
import { encodeSignedPart, parseSigstruct, SIGSTRUCT_BYTES } from "../sgx/sigstruct.ts";
import { verifySigstruct } from "../sgx/verify.ts";
import { buildEnclave } from "../wasm/build.ts";
import { encodeImage, LARGEST_IMAGE_BYTES, measureImage, parseImage } from "../wasm/image.ts";
import { LARGEST_MANIFEST_BYTES, parseManifest } from "../wasm/manifest.ts";
import { LARGEST_MODULE_BYTES } from "../wasm/module.ts";
import { isReadableByOthers, printLine, readInput, warn, writeOutput } from "./files.ts";
import { readKey } from "./keys.ts";
import { parseDate } from "./values.ts";
import type { buildWasm as buildCommand, signWasm as signCommand } from "./wasm-commands.ts";

/** Nothing compares it, and any other constant would look like the truth. */
const FIXED_DATE = "19700101";

export async function buildWasm(
  values: OptionValues<typeof buildCommand.options>,
  path: string,
): Promise<void> {
  if (values.key === undefined && values.tbs === undefined) {
    throw new RuneError({
      code: "USAGE",
      doing: "sgx-tools build-wasm",
      reason: "nobody would sign the enclave",
      hint: "--key key.pem, or --tbs FILE to sign it elsewhere",
    });
  }
  const output = values.output ?? `${path.replace(/\.wasm$/, "")}.encl`;
  const key = values.key === undefined ? undefined : readKey(values.key, createPrivateKey);
  if (key !== undefined) requireEnclaveKey(key);
  if (values.key !== undefined && isReadableByOthers(values.key)) {
    warn(`signing key \`${values.key}\` is readable by others`);
  }
  const manifestText =
    values.manifest === undefined
      ? ""
      : new TextDecoder().decode(readInput(values.manifest, LARGEST_MANIFEST_BYTES));
  using progress = progressOn(2);
  const { image, body, record } = await buildEnclave({
    module: readInput(path, LARGEST_MODULE_BYTES),
    manifest: parseManifest(manifestText, values.manifest ?? "no manifest"),
    manifestText,
    runtimeDirectory:
      values.runtime ?? process.execPath.slice(0, process.execPath.lastIndexOf("/")),
    date: parseDate(values.date ?? FIXED_DATE, new Date()),
    progress,
  });
  const sigstruct = key === undefined ? undefined : signSigstruct(body, key);
  if (values.tbs !== undefined) writeOutput(values.tbs, encodeSignedPart(body));
  writeOutput(output, encodeImage({ ...image, sigstruct }));
  const text = `${JSON.stringify(record, null, 2)}\n`;
  writeOutput(`${output}.json`, new TextEncoder().encode(text));
  printLine(record.mrenclave);
}

/** Puts a SIGSTRUCT into an image, if it is this image's. */
export function signWasm(values: OptionValues<typeof signCommand.options>, path: string): void {
  if (values.sigstruct === undefined) {
    throw new RuneError({
      code: "USAGE",
      doing: "sgx-tools sign-wasm",
      reason: "flag `--sigstruct` is missing",
    });
  }
  const image = parseImage(readInput(path, LARGEST_IMAGE_BYTES));
  const sigstruct = readInput(values.sigstruct, SIGSTRUCT_BYTES);
  verifySigstruct(sigstruct);
  const measured = measureImage(image);
  const signed = parseSigstruct(sigstruct).enclaveHash;
  if (!sameBytes(measured, signed)) {
    throw new RuneError({
      code: "SGX_SIGNATURE",
      doing: `compare \`${path}\` with \`${values.sigstruct}\``,
      reason: `the image measures ${toHex(measured)}, signed is ${toHex(signed)}`,
    });
  }
  writeOutput(path, encodeImage({ ...image, sigstruct }));
}
