// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { XFRM_LEGACY } from "../sgx/attributes.ts";
import { sameBytes, toHex } from "../sgx/bytes.ts";
import { parseSigstruct, SIGSTRUCT_BYTES, type Sigstruct } from "../sgx/sigstruct.ts";
import { LARGEST_IMAGE_BYTES, parseSkeletonImage } from "../sgx/skeleton-image.ts";
import { layOutSkeleton, measureSkeleton, pageLayoutOf } from "../sgx/skeleton-layout.ts";
import type { measure as command } from "./commands.ts";
import { printLine, readInput } from "./files.ts";
import { parseHex, parseHex32 } from "./values.ts";

/** `sgx-tools measure IMAGE`: prints MRENCLAVE; with a SIGSTRUCT, only if that is for the image. */
export function measure(values: OptionValues<typeof command.options>, path: string): void {
  const file = readInput(path, LARGEST_IMAGE_BYTES);
  const sigstruct = values.sigstruct === undefined ? undefined : readSigstruct(values.sigstruct);
  const signed = sigstruct === undefined ? undefined : pageLayoutOf(sigstruct.swDefined);
  const layout = layOutSkeleton(parseSkeletonImage(file), {
    xfrm: parseHex("xfrm", values.xfrm) ?? sigstruct?.attributes.xfrm ?? XFRM_LEGACY,
    miscSelect: parseHex32("miscselect", values.miscselect) ?? sigstruct?.miscSelect ?? 0,
    pageLayout: values.pages ?? signed ?? "published",
  });
  const mrenclave = measureSkeleton(layout);
  if (sigstruct !== undefined && !sameBytes(sigstruct.enclaveHash, mrenclave)) {
    throw new RuneError({
      code: "SGX_SIGNATURE",
      doing: `compare \`${path}\` with \`${values.sigstruct}\``,
      reason: `the image measures ${toHex(mrenclave)}, signed is ${toHex(sigstruct.enclaveHash)}`,
    });
  }
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

function readSigstruct(path: string): Sigstruct {
  return parseSigstruct(readInput(path, SIGSTRUCT_BYTES));
}
