// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { progressOn } from "../progress/progress.ts";
import { XFRM_LEGACY } from "../sgx/attributes.ts";
import { sameBytes, toHex } from "../sgx/bytes.ts";
import { isElf, measureElf } from "../sgx/elf-image.ts";
import type { MeasureWatch } from "../sgx/measurement.ts";
import { isSgxs, measureSgxs } from "../sgx/sgxs.ts";
import { parseSigstruct, SIGSTRUCT_BYTES, type Sigstruct } from "../sgx/sigstruct.ts";
import { LARGEST_IMAGE_BYTES, parseSkeletonImage } from "../sgx/skeleton-image.ts";
import { layOutSkeleton, measureSkeleton, pageLayoutOf } from "../sgx/skeleton-layout.ts";
import { isWasmImage, measureImage, parseImage } from "../wasm/image.ts";
import type { measure as command } from "./commands.ts";
import { printLine, readInput } from "./files.ts";
import { parseHex, parseHex32 } from "./values.ts";

/** `sgx-tools measure IMAGE`: prints MRENCLAVE; with a SIGSTRUCT, only if that is for the image. */
export function measure(values: OptionValues<typeof command.options>, path: string): void {
  const file = readInput(path, LARGEST_IMAGE_BYTES);
  const sigstruct = values.sigstruct === undefined ? undefined : readSigstruct(values.sigstruct);
  if (isWasmImage(file)) {
    measureWasm(values, file, path, sigstruct);
    return;
  }
  if (isSgxs(file) || isElf(file)) {
    requireNoImageOptions(values);
    if (isSgxs(file)) measureStream(values, file, path, sigstruct);
    else measureProgram(values, file, path, sigstruct);
    return;
  }
  if (values.heap !== undefined) throw wrongOptions("`--heap` is about ELF files");
  const signed = sigstruct === undefined ? undefined : pageLayoutOf(sigstruct.swDefined);
  const layout = layOutSkeleton(parseSkeletonImage(file), {
    xfrm: parseHex("xfrm", values.xfrm) ?? sigstruct?.attributes.xfrm ?? XFRM_LEGACY,
    miscSelect: parseHex32("miscselect", values.miscselect) ?? sigstruct?.miscSelect ?? 0,
    pageLayout: values.pages ?? signed ?? "published",
  });
  const mrenclave = measureSkeleton(layout);
  requireSigned(mrenclave, values.sigstruct, path, sigstruct);
  if (!values.json) {
    printLine(toHex(mrenclave));
    return;
  }
  const description = {
    mrenclave: toHex(mrenclave),
    enclaveBytes: Number(layout.enclaveBytes),
    imageOffset: Number(layout.imageOffset),
    mappedBytes: Number(layout.mappedBytes),
    ssaFramePages: layout.ssaFramePages,
  };
  printLine(JSON.stringify(description, null, 2));
}

/** A stream, a program's segments or a WebAssembly enclave say all that is measured. */
function requireNoImageOptions(values: OptionValues<typeof command.options>): void {
  if (values.xfrm ?? values.miscselect ?? values.pages) {
    throw wrongOptions(
      "`--xfrm`, `--miscselect` and `--pages` are about skeleton images, and this is none",
    );
  }
}

function wrongOptions(reason: string): RuneError {
  return new RuneError({ code: "USAGE", doing: "sgx-tools measure", reason });
}

/** Prints an ELF file's. */
function measureProgram(
  values: OptionValues<typeof command.options>,
  file: Uint8Array,
  path: string,
  sigstruct: Sigstruct | undefined,
): void {
  const { mrenclave, enclaveBytes, ...rest } = watched((watch) =>
    measureElf(file, values.heap, watch),
  );
  requireSigned(mrenclave, values.sigstruct, path, sigstruct);
  if (!values.json) {
    printLine(toHex(mrenclave));
    return;
  }
  const description = {
    mrenclave: toHex(mrenclave),
    enclaveBytes: Number(enclaveBytes),
    ...rest,
  };
  printLine(JSON.stringify(description, null, 2));
}

/** Prints a stream's. */
function measureStream(
  values: OptionValues<typeof command.options>,
  file: Uint8Array,
  path: string,
  sigstruct: Sigstruct | undefined,
): void {
  if (values.heap !== undefined) throw wrongOptions("`--heap` is about ELF files");
  const found = watched((watch) => measureSgxs(file, watch));
  requireSigned(found.mrenclave, values.sigstruct, path, sigstruct);
  if (!values.json) {
    printLine(toHex(found.mrenclave));
    return;
  }
  const description = {
    mrenclave: toHex(found.mrenclave),
    enclaveBytes: Number(found.enclaveBytes),
    ssaFramePages: found.ssaFramePages,
    pages: found.pages,
    measuredChunks: found.measuredChunks,
    unmeasuredChunks: found.unmeasuredChunks,
  };
  printLine(JSON.stringify(description, null, 2));
}

/** The file says itself how it is loaded. */
function measureWasm(
  values: OptionValues<typeof command.options>,
  file: Uint8Array,
  path: string,
  sigstruct: Sigstruct | undefined,
): void {
  requireNoImageOptions(values);
  if (values.heap !== undefined) throw wrongOptions("`--heap` is about ELF files");
  const image = parseImage(file);
  const mrenclave = watched((watch) => measureImage(image, watch));
  requireSigned(mrenclave, values.sigstruct, path, sigstruct);
  const description = {
    mrenclave: toHex(mrenclave),
    enclaveBytes: Number(image.enclaveBytes),
    ssaFramePages: image.ssaFramePages,
  };
  printLine(values.json ? JSON.stringify(description, null, 2) : description.mrenclave);
}

function watched<T>(measuring: (watch: MeasureWatch) => T): T {
  using progress = progressOn(2);
  return measuring(progress.at);
}

function requireSigned(
  mrenclave: Uint8Array,
  sigstructPath: string | undefined,
  path: string,
  sigstruct: Sigstruct | undefined,
): void {
  if (sigstruct === undefined || sameBytes(sigstruct.enclaveHash, mrenclave)) return;
  throw new RuneError({
    code: "SGX_SIGNATURE",
    doing: `compare \`${path}\` with \`${sigstructPath}\``,
    reason: `the image measures ${toHex(mrenclave)}, signed is ${toHex(sigstruct.enclaveHash)}`,
  });
}

function readSigstruct(path: string): Sigstruct {
  return parseSigstruct(readInput(path, SIGSTRUCT_BYTES));
}
