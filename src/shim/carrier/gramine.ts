// SPDX-License-Identifier: Apache-2.0
/** Gramine: a manifest of the image's entry point, `gramine-manifest`, `gramine-sgx-sign`. */
import { createPublicKey, generateKeyPair } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { RuneError } from "../../errors/error.ts";
import { assembleSigstruct } from "../../sgx/sign.ts";
import { signedPart } from "../../sgx/sigstruct.ts";
import { verifySigstruct } from "../../sgx/verify.ts";
import type { Carrier, Job } from "./carrier.ts";
import { manifestTemplate } from "./gramine-manifest.ts";
import { fileDigest } from "./tree.ts";

/** What `gramine-sgx app` looks for: app.manifest.sgx and app.sig. */
const sigstructFile = "app.sig";
const keyFile = "throw-away-key.pem";

export const gramine: Carrier = {
  name: "gramine",
  isComplete: async () => false,
  inputs: async (job) => {
    // Another Gramine measures another enclave.
    const libpal = await fileDigest(libpalOf(job));
    return JSON.stringify({ manifest: manifestTemplate(job), libpal });
  },
  readsImage: true,
  buildUnsignedEnclave: async (job, workspace) => {
    writeFileSync(`${workspace}/app.manifest.template`, manifestTemplate(job));
    const run = (...argv: readonly string[]) => job.run({ argv, cwd: workspace });
    await run("gramine-manifest", "app.manifest.template", "app.manifest");
    // It signs with a key that is gone afterwards; only what it has measured is kept.
    writeFileSync(`${workspace}/${keyFile}`, await throwAwayKey(), { mode: 0o600 });
    try {
      await run(
        ...["gramine-sgx-sign", "--manifest", "app.manifest", "--output", "app.manifest.sgx"],
        ...["--sigfile", sigstructFile, "--key", keyFile, "--chroot", job.rootfs],
        ...(job.config.gramine.libosPath === undefined ? [] : ["--libpal", libpalOf(job)]),
      );
    } finally {
      rmSync(`${workspace}/${keyFile}`, { force: true });
    }
  },
  generateSigningMaterial: async (folder) => {
    const sigstruct = readSigstruct(folder);
    verifySigstruct(sigstruct);
    return signedPart(sigstruct);
  },
  cascadeSignature: async (folder, material, { publicKeyPem, signature }) => {
    const sigstruct = assembleSigstruct(material, createPublicKey(publicKeyPem), signature);
    rmSync(`${folder}/${sigstructFile}`);
    writeFileSync(`${folder}/${sigstructFile}`, sigstruct, { mode: 0o644 });
  },
  leftOut: ["app.manifest.template"],
  variables: ({ config, libDir }) => ({
    ENCLAVE_TYPE: "intelSgx",
    ENCLAVE_RUNTIME_PATH: config.gramine.runtimePath ?? `${libDir}/liberpal-gramine.so`,
    ENCLAVE_RUNTIME_ARGS: "app",
  }),
};

function libpalOf({ config }: Job): string {
  return `${config.gramine.libosPath ?? "/usr/lib/x86_64-linux-gnu/gramine"}/sgx/libpal.so`;
}

/** Not at once: it takes up to a second, in which nothing else would be answered. */
async function throwAwayKey(): Promise<string> {
  const options = { modulusLength: 3072, publicExponent: 3 };
  const { privateKey } = await promisify(generateKeyPair)("rsa", options);
  return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
}

function readSigstruct(folder: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(`${folder}/${sigstructFile}`));
  } catch (cause) {
    const reason = "`gramine-sgx-sign` has not made it";
    throw new RuneError({ code: "CARRIER", doing: `read \`${sigstructFile}\``, reason, cause });
  }
}
