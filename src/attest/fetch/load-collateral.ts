// SPDX-License-Identifier: Apache-2.0
/** Collateral from wherever a caller has it: a directory, a JSON file, or a service. */
import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { RuneError } from "../../errors/error.ts";
import { toHex } from "../../sgx/bytes.ts";
import { collateralFromFiles, collateralFromJson } from "../collateral/archive.ts";
import type { Collateral } from "../collateral/collateral.ts";
import { parseQuote } from "../quote/quote.ts";
import { collectCertificates } from "../verify/pck.ts";
import { readPlatformIdentity } from "../x509/sgx-extension.ts";
import { type CollateralRequest, fetchCollateral } from "./collateral-service.ts";
import { httpFetcher, SERVICE_ADDRESS } from "./http.ts";

export type ServiceValues = {
  readonly api: "3" | "4";
  readonly update: "early" | "standard" | undefined;
  readonly insecure: boolean;
};

/** Reads a file of at most so many bytes. */
export type ReadFile = (path: string, maxBytes: number) => Uint8Array;

const LONGEST_FILE_BYTES = 16 << 20;
const MOST_FILES = 64;

/** What the verdict on `quote` needs. `source` is a directory, a JSON file, or a service's address. */
export async function loadCollateral(
  source: string,
  quote: Uint8Array,
  values: ServiceValues,
  read: ReadFile,
): Promise<Collateral> {
  if (!SERVICE_ADDRESS.test(source)) return readArchive(source, read);
  return collateralFromFiles(await fetchFrom(source, platformOf(quote), values));
}

export type QuotedPlatform = Pick<CollateralRequest, "tee" | "fmspc" | "ca">;

export function fetchFrom(
  base: string,
  platform: QuotedPlatform,
  { api, update, insecure }: ServiceValues,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const request = { base, api: api === "3" ? 3 : 4, ...platform } as const;
  return fetchCollateral(
    update === undefined ? request : { ...request, update },
    httpFetcher({ insecure }),
  );
}

/** The platform that a quote's own PCK certificate names. */
export function platformOf(bytes: Uint8Array): QuotedPlatform {
  const quote = parseQuote(bytes, { allowTrailing: true });
  const { pck } = collectCertificates(quote.qe.certification, []);
  return {
    tee: quote.body.tee,
    fmspc: toHex(readPlatformIdentity(pck).fmspc),
    ca: pck.issuer.commonName.includes("Processor") ? "processor" : "platform",
  };
}

/** Reads an archive's directory, or a file that holds all in one object. */
export function readArchive(path: string, read: ReadFile): Collateral {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() !== true) {
    return collateralFromJson(read(path, LONGEST_FILE_BYTES));
  }
  const names = readdirSync(path)
    .filter((name) => /\.(json|der|pem|crt)$/.test(name) && lstatSync(join(path, name)).isFile())
    .sort();
  if (names.length > MOST_FILES) {
    throw new RuneError({
      code: "ATTEST_FORMAT",
      doing: `read \`${path}\``,
      reason: `${names.length} files, more than ${MOST_FILES}`,
    });
  }
  return collateralFromFiles(
    new Map(names.map((name) => [name, read(join(path, name), LONGEST_FILE_BYTES)])),
  );
}
