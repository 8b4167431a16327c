// SPDX-License-Identifier: Apache-2.0
/** Occlum: `occlum init`, the image's files, `occlum build`. */

import { createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { RuneError } from "../../errors/error.ts";
import { findSigstruct, sigstructAt } from "../../sgx/embedded.ts";
import { assembleSigstruct } from "../../sgx/sign.ts";
import { signedPart } from "../../sgx/sigstruct.ts";
import type { Carrier, Job } from "./carrier.ts";
import { mergeOver } from "./merge.ts";
import { occlumConfig, occlumVariables } from "./occlum-config.ts";
import { fileDigest } from "./tree.ts";

const usualLibos = "/opt/occlum/build/lib/libocclum-libos.so";
const signedEnclave = "build/lib/libocclum-libos.signed.so";

export const occlum: Carrier = {
  name: "occlum",
  isComplete: async () => false,
  inputs: async (job) => {
    return JSON.stringify({
      libos: await libosDigest(job),
      entryPoint: entryPointOf(job),
      variables: occlumVariables(job.environment),
    });
  },
  readsImage: true,
  buildUnsignedEnclave: async (job, workspace) => {
    const bin = binOf(job);
    const tool = (verb: string) =>
      job.run({ argv: [`${bin}/occlum`, verb], cwd: workspace, path: bin });
    await tool("init");
    const template = readFileSync(`${workspace}/Occlum.json`, "utf8");
    const config = occlumConfig(template, job.environment, entryPointOf(job));
    writeFileSync(`${workspace}/Occlum.json`, config);
    await mergeImage(job, workspace);
    await tool("build");
    // By far the largest part, and now in the enclave's own file system.
    rmSync(`${workspace}/image`, { recursive: true });
  },
  generateSigningMaterial: async (folder) => {
    const file = readEnclave(folder);
    return signedPart(sigstructAt(file, findSigstruct(file, signedEnclave)));
  },
  cascadeSignature: async (folder, material, { publicKeyPem, signature }) => {
    const file = readEnclave(folder);
    file.set(
      assembleSigstruct(material, createPublicKey(publicKeyPem), signature),
      findSigstruct(file, signedEnclave),
    );
    // Another file: this one may share its memory with the cache's.
    rmSync(`${folder}/${signedEnclave}`);
    writeFileSync(`${folder}/${signedEnclave}`, file, { mode: 0o644 });
  },
  leftOut: ["image"],
  variables: ({ cwd, config }) => ({
    ENCLAVE_TYPE: "intelSgx",
    ENCLAVE_RUNTIME_PATH: config.occlum.runtimePath ?? `${cwd}/liberpal-occlum.so`,
    ENCLAVE_RUNTIME_ARGS: "./",
  }),
};

/** Occlum's programs lie beside its libraries: `build/bin` beside `build/lib`. */
function binOf({ config }: Job): string {
  const libos = config.occlum.libosPath ?? usualLibos;
  return libos.replace(/\/[^/]*\/[^/]*$/, "/bin");
}

function entryPointOf({ args: [program = ""] }: Job): string {
  if (program.startsWith("/")) return program;
  throw new RuneError({
    code: "ENCLAVE_CONFIG",
    doing: `run \`${program}\` in Occlum`,
    reason: "it has no absolute path",
    hint: "Occlum looks for no program in PATH: name it from the root of the image",
  });
}

/** The container's files, with Occlum's own on top. */
async function mergeImage(job: Job, workspace: string): Promise<void> {
  const own = `${workspace}/image`;
  const merged = `${workspace}/image.merged`;
  mkdirSync(merged);
  const copy = ["cp", "--archive", "--reflink=auto", "--no-target-directory"];
  await job.run({ argv: [...copy, "--", job.rootfs, merged], cwd: workspace });
  await mergeOver(own, merged, job.signal);
  await job.run({ argv: ["rm", "--recursive", "--", own], cwd: workspace });
  await job.run({ argv: ["mv", "--no-target-directory", "--", merged, own], cwd: workspace });
}

function readEnclave(folder: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(`${folder}/${signedEnclave}`));
  } catch (cause) {
    const reason = "`occlum build` has not made it";
    throw new RuneError({ code: "CARRIER", doing: `read \`${signedEnclave}\``, reason, cause });
  }
}

async function libosDigest({ config }: Job): Promise<string> {
  const path = config.occlum.libosPath ?? usualLibos;
  const digest = await fileDigest(path);
  if (digest !== undefined) return digest;
  throw new RuneError({
    code: "CARRIER",
    doing: `read Occlum's \`${path}\``,
    reason: "it cannot be read",
    hint: "install Occlum, or set enclave_libos_path in [enclave_runtime.occlum] of config.toml",
  });
}
