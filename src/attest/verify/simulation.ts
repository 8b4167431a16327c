// SPDX-License-Identifier: Apache-2.0
import { attestError } from "../error.ts";
import type { Certificate } from "../x509/certificate.ts";

/**
 * Whether a certificate is of the simulated platform, whose authorities say so in their names. Its
 * root has to be trusted first; whoever does that must allow simulation besides.
 */
export function checkSimulation(certificates: readonly Certificate[], allowed: boolean): boolean {
  const named = certificates.find(({ subject, issuer }) =>
    /simulation/i.test(`${subject.text} ${issuer.text}`),
  );
  if (named !== undefined && !allowed) {
    throw attestError(
      "ATTEST_SIMULATION",
      `check certificate \`${named.subject.commonName}\``,
      "it is of the simulated platform, whose evidence proves nothing",
      "tests may allow simulation",
    );
  }
  return named !== undefined;
}
