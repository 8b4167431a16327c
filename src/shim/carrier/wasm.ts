// SPDX-License-Identifier: Apache-2.0
/**
 * WebAssembly programs: app.wasm and its manifest, app.toml, become app.encl, all in the working directory. A
 * convenience of development: a node that builds needs a compiler, and nobody knows MRENCLAVE beforehand.
 */
import { createPublicKey } from "node:crypto";
import { lstatSync, readFileSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { RuneError } from "../../errors/error.ts";
import { assembleSigstruct } from "../../sgx/sign.ts";
import { encodeImage, parseImage } from "../../wasm/image.ts";
import { LARGEST_MANIFEST_BYTES } from "../../wasm/manifest.ts";
import { LARGEST_MODULE_BYTES } from "../../wasm/module.ts";
import { findToolchain } from "../../wasm/toolchain.ts";
import type { Carrier, Job } from "./carrier.ts";
import { fileDigest, inRoot } from "./tree.ts";

const image = "app.encl";
const toBeSigned = "app.tbs";

export const wasm: Carrier = {
  name: "wasm",
  isComplete: async (job) => {
    requireImageAsProgram(job);
    return statOf(await inRoot(job.rootfs, `${job.cwd}/${image}`)) !== undefined;
  },
  inputs: async (job) => {
    const { program, manifest } = await sources(job);
    const files = [program, ...(manifest === undefined ? [] : [manifest])];
    const digests = await Promise.all(files.map((file) => fileDigest(file)));
    return JSON.stringify([await findToolchain(job.libDir), ...digests]);
  },
  readsImage: false,
  buildUnsignedEnclave: async (job, workspace) => {
    const { program, manifest } = await sources(job);
    // By another program, which ends with the task: translation and gcc take what time the image's author likes.
    const tool = `${job.libDir}/../../bin/sgx-tools`;
    const settings = manifest === undefined ? [] : ["--manifest", manifest];
    const output = ["--tbs", toBeSigned, "--output", image];
    await job.run({
      argv: [tool, "build-wasm", "--runtime", job.libDir, ...settings, ...output, program],
      cwd: workspace,
    });
  },
  generateSigningMaterial: async (folder) =>
    new Uint8Array(readFileSync(`${folder}/${toBeSigned}`)),
  cascadeSignature: async (folder, material, { publicKeyPem, signature }) => {
    const sigstruct = assembleSigstruct(material, createPublicKey(publicKeyPem), signature);
    const unsigned = parseImage(new Uint8Array(readFileSync(`${folder}/${image}`)));
    writeFileSync(`${folder}/${image}`, encodeImage({ ...unsigned, sigstruct }), { mode: 0o644 });
  },
  leftOut: [toBeSigned],
  variables: ({ libDir }) => ({
    ENCLAVE_TYPE: "intelSgx",
    ENCLAVE_RUNTIME_PATH: `${libDir}/liberpal-wasm.so`,
  }),
};

/** The PAL takes the program's word for the enclave's place: any other would not be the one that is built. */
function requireImageAsProgram({ cwd, args }: Job): void {
  const program = args[0] ?? "";
  if (posix.resolve(cwd, program) === posix.resolve(cwd, image)) return;
  throw new RuneError({
    code: "ENCLAVE_CONFIG",
    doing: "choose the container's program",
    reason: `it is \`${program}\` instead of the enclave \`${posix.resolve(cwd, image)}\``,
    hint: `the first of the container's arguments must be \`${image}\``,
  });
}

type Sources = { readonly program: string; readonly manifest: string | undefined };

/** The host paths of what the image brings; without a manifest the host may decide nothing. */
async function sources({ rootfs, cwd }: Job): Promise<Sources> {
  const program = await inRoot(rootfs, `${cwd}/app.wasm`);
  const manifest = await inRoot(rootfs, `${cwd}/app.toml`);
  requireFile(program, `${cwd}/app.wasm`, LARGEST_MODULE_BYTES);
  if (statOf(manifest) === undefined) return { program, manifest: undefined };
  requireFile(manifest, `${cwd}/app.toml`, LARGEST_MANIFEST_BYTES);
  return { program, manifest };
}

/** A fifo to which nobody writes would be waited for; a file without end would be read to it. */
function requireFile(path: string, name: string, limitBytes: number): void {
  const stat = statOf(path);
  const reason =
    stat === undefined
      ? "it is not there"
      : !stat.isFile()
        ? "it is no regular file"
        : stat.size > limitBytes
          ? `it has ${stat.size} bytes, more than ${limitBytes}`
          : undefined;
  if (reason === undefined) return;
  throw new RuneError({
    code: "ENCLAVE_CONFIG",
    doing: `read \`${name}\` in the image`,
    reason,
    hint: "the working directory holds app.wasm and, where it has one, its manifest app.toml",
  });
}

function statOf(path: string) {
  return lstatSync(path, { throwIfNoEntry: false });
}
