// SPDX-License-Identifier: Apache-2.0
/** From a WASI program and its manifest to an enclave that only lacks a signature. */
import { createHash } from "node:crypto";
import { RuneError } from "../errors/error.ts";
import { ATTRIBUTE } from "../sgx/attributes.ts";
import { toHex } from "../sgx/bytes.ts";
import type { SigstructBody } from "../sgx/sigstruct.ts";
import { readElf } from "./elf.ts";
import { encodeManifest } from "./encode-manifest.ts";
import { type Image, measureImage } from "./image.ts";
import { attestsItself, checkImports } from "./imports.ts";
import { layOut } from "./layout.ts";
import type { Manifest } from "./manifest.ts";
import { parseModule, WASM_PAGE_BYTES } from "./module.ts";
import { compile, findToolchain, type Toolchain } from "./toolchain.ts";

export type BuildInputs = {
  readonly module: Uint8Array;
  readonly manifest: Manifest;
  readonly manifestText: string;
  /** Where the runtime's archive is. */
  readonly runtimeDirectory: string;
  /** BCD, 0x20261123: SIGSTRUCT's DATE. */
  readonly date: number;
  readonly progress?: BuildProgress;
};

/** Is told of steps as they begin, and how far a long one is. */
export type BuildProgress = {
  step(text: string): void;
  at(done: number, total: number): void;
};

/** What is kept beside an enclave: from these, the same bytes can be built again. */
export type BuildRecord = {
  readonly mrenclave: string;
  readonly module: string;
  readonly manifest: string;
  readonly toolchain: Toolchain;
};

export type Build = {
  readonly image: Image;
  readonly body: SigstructBody;
  readonly record: BuildRecord;
};

export async function buildEnclave(inputs: BuildInputs): Promise<Build> {
  const { manifest, progress = { step() {}, at() {} } } = inputs;
  const module = parseModule(inputs.module);
  checkImports(module.imports);
  const needed = module.initialPages * WASM_PAGE_BYTES;
  if (needed > manifest.memoryBytes) {
    throw new RuneError({
      code: "WASM_MANIFEST",
      doing: "build enclave",
      reason: `the program starts with ${needed} bytes of memory, \`memory.size\` has ${manifest.memoryBytes}`,
      hint: `memory.size = "${Math.ceil(needed / 2 ** 20)} MiB" or more`,
    });
  }
  const toolchain = await findToolchain(inputs.runtimeDirectory);
  const elf = await compile(inputs.module, manifest, inputs.runtimeDirectory, (step) =>
    progress.step(step),
  );
  progress.step("measure");
  const hostReports = manifest.hostReports ?? !attestsItself(module.imports);
  const image = layOut(readElf(elf), manifest, encodeManifest(manifest, hostReports));
  const mrenclave = measureImage(image, progress.at);
  return {
    image,
    body: signedBody(image, manifest, mrenclave, inputs.date),
    record: {
      mrenclave: toHex(mrenclave),
      module: sha256(inputs.module),
      manifest: sha256(new TextEncoder().encode(inputs.manifestText)),
      toolchain,
    },
  };
}

/** Everything but DEBUG, where the manifest allows it, is signed for exactly as it is. */
function signedBody(
  image: Image,
  manifest: Manifest,
  enclaveHash: Uint8Array,
  date: number,
): SigstructBody {
  const all = 0xffff_ffff_ffff_ffffn;
  return {
    type: 0,
    vendor: 0,
    date,
    swDefined: 0,
    miscSelect: image.miscSelect,
    miscMask: 0xffff_ffff,
    cetAttributes: 0,
    cetAttributesMask: 0,
    isvFamilyId: new Uint8Array(16),
    attributes: { flags: image.attributes, xfrm: image.xfrm },
    // INIT is set by EINIT itself and not compared.
    attributeMask: {
      flags: all & ~(manifest.debug ? ATTRIBUTE.DEBUG : 0n) & ~ATTRIBUTE.INIT,
      xfrm: all,
    },
    enclaveHash,
    isvExtProdId: new Uint8Array(16),
    isvProdId: manifest.product,
    isvSvn: manifest.svn,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
