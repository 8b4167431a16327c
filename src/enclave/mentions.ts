// SPDX-License-Identifier: Apache-2.0
/** The one question an ordinary container pays for; everything else is loaded when it says yes. */
import type { Config } from "../oci/config.ts";

export function mentionsEnclave({ annotations, process }: Config, platformFlag?: string): boolean {
  return (
    platformFlag !== undefined ||
    annotations?.["enclave.type"] !== undefined ||
    annotations?.["enclave.platform"] !== undefined ||
    (process.env ?? []).some(
      (entry) =>
        entry.startsWith("ENCLAVE_TYPE=") ||
        entry.startsWith("ENCLAVE_PLATFORM=") ||
        entry.startsWith("ENCLAVE_RA_TYPE="),
    )
  );
}

/** Variables of enclave-config.ts; its test compares the two. */
const variables: ReadonlySet<string> = new Set([
  "ENCLAVE_TYPE",
  "ENCLAVE_RUNTIME_PATH",
  "ENCLAVE_RUNTIME_ARGS",
  "ENCLAVE_RUNTIME_LOGLEVEL",
  "ENCLAVE_PLATFORM",
  "ENCLAVE_RA_TYPE",
  "ENCLAVE_RA_EPID_SPID",
  "ENCLAVE_RA_EPID_SUB_KEY",
  "ENCLAVE_IS_PRODUCT_ENCLAVE",
  "ENCLAVE_RA_EPID_IS_LINKABLE",
]);

/** The payload's environment without any of the keys: some are secrets, all are for the runtime. */
export function withoutEnclaveVariables(env: readonly string[]): string[] {
  return env.filter((entry) => !variables.has(entry.slice(0, entry.indexOf("="))));
}

const secretAnnotations = [
  "enclave.attestation.ra_epid_spid",
  "enclave.attestation.ra_epid_subscription_key",
];

/** Annotations as they may be stored and shown: without the values of secrets. */
export function withoutSecrets(
  annotations: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const found = secretAnnotations.filter((name) => Object.hasOwn(annotations, name));
  if (found.length === 0) return annotations;
  return { ...annotations, ...Object.fromEntries(found.map((name) => [name, "(not stored)"])) };
}
