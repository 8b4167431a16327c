// SPDX-License-Identifier: Apache-2.0
/** The options that say whom and when to believe. */
import { parseCertificate, parseCertificates } from "../attest/x509/certificate.ts";
import { type TrustAnchor, trustAnchorOf } from "../attest/x509/trust.ts";
import { RuneError } from "../errors/error.ts";
import { readInput } from "./files.ts";

const LONGEST_TEXT_BYTES = 1 << 20;

/** Roots that replace Intel's: certificates in DER or PEM. */
export function anchorsOf(values: { readonly "trust-root": readonly string[] }): {
  readonly anchors?: readonly TrustAnchor[];
} {
  const paths = values["trust-root"];
  if (paths.length === 0) return {};
  const anchors = paths.flatMap((path) => {
    const bytes = readInput(path, LONGEST_TEXT_BYTES);
    const certificates =
      bytes[0] === 0x30
        ? [parseCertificate(bytes, path)]
        : parseCertificates(Buffer.from(bytes).toString("latin1"), path);
    return certificates.map(trustAnchorOf);
  });
  return { anchors };
}

/** `--at`: RFC 3339, a date, or seconds since 1970. */
export function parseTime(command: string, text: string): Date {
  const time = /^\d{1,11}$/.test(text)
    ? Number(text) * 1000
    : /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  if (!Number.isNaN(time)) return new Date(time);
  throw new RuneError({
    code: "USAGE",
    doing: `sgx-tools ${command}`,
    reason: `\`--at\`: expected a time such as 2026-11-28T03:56:08Z, got \`${text}\``,
  });
}
