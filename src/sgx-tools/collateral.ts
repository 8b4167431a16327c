// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools collateral`: fetching, keeping and showing it. */
import { lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ARCHIVE, collateralFromFiles, collateralFromJson } from "../attest/collateral/archive.ts";
import type { Collateral } from "../attest/collateral/collateral.ts";
import { type CollateralRequest, fetchCollateral } from "../attest/fetch/collateral-service.ts";
import { httpFetcher, SERVICE_ADDRESS } from "../attest/fetch/http.ts";
import { LONGEST_QUOTE_BYTES, parseQuote } from "../attest/quote/quote.ts";
import { collectCertificates } from "../attest/verify/pck.ts";
import { readPlatformIdentity } from "../attest/x509/sgx-extension.ts";
import { RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { toHex } from "../sgx/bytes.ts";
import { descriptionLines } from "./describe.ts";
import { describeCollateral } from "./describe-evidence.ts";
import type * as commands from "./evidence-commands.ts";
import { printLine, readInput, writeOutput } from "./files.ts";

const LONGEST_FILE_BYTES = 16 << 20;
const MOST_FILES = 64;

type ServiceValues = {
  readonly api: "3" | "4";
  readonly update: "early" | "standard" | undefined;
  readonly insecure: boolean;
};

/** `collateral fetch DIRECTORY` */
export async function fetchToArchive(
  values: OptionValues<typeof commands.collateralFetch.options>,
  directory: string,
): Promise<void> {
  const platform = values.quote === undefined ? namedPlatform(values) : platformOf(values.quote);
  const files = await fetchFrom(values.url, platform, values);
  // What cannot be read later is not worth keeping.
  collateralFromFiles(files);
  mkdirSync(directory, { recursive: true });
  for (const [name, bytes] of files) writeOutput(join(directory, name), bytes);
  const source = { url: values.url, api: values.api, ...platform, fetchedAt: new Date() };
  writeOutput(join(directory, ARCHIVE.source), Buffer.from(`${JSON.stringify(source, null, 2)}\n`));
}

/** `collateral show DIRECTORY` */
export function showArchive(
  values: OptionValues<typeof commands.collateralShow.options>,
  path: string,
): void {
  const description = describeCollateral(readArchive(path));
  if (values.json) printLine(JSON.stringify(description, null, 2));
  else for (const line of descriptionLines(description)) printLine(line);
}

/** Collateral from a directory, a JSON file, or a service's address. */
export async function loadCollateral(
  source: string,
  quoteFile: string,
  values: ServiceValues,
): Promise<Collateral> {
  if (!SERVICE_ADDRESS.test(source)) return readArchive(source);
  return collateralFromFiles(await fetchFrom(source, platformOf(quoteFile), values));
}

type Platform = Pick<CollateralRequest, "tee" | "fmspc" | "ca">;

function fetchFrom(
  base: string,
  platform: Platform,
  { api, update, insecure }: ServiceValues,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const request = { base, api: api === "3" ? 3 : 4, ...platform } as const;
  return fetchCollateral(
    update === undefined ? request : { ...request, update },
    httpFetcher({ insecure }),
  );
}

/** The platform that a quote's own PCK certificate names. */
function platformOf(quoteFile: string): Platform {
  const quote = parseQuote(readInput(quoteFile, LONGEST_QUOTE_BYTES), { allowTrailing: true });
  const { pck } = collectCertificates(quote.qe.certification, []);
  return {
    tee: quote.body.tee,
    fmspc: toHex(readPlatformIdentity(pck).fmspc),
    ca: pck.issuer.commonName.includes("Processor") ? "processor" : "platform",
  };
}

function namedPlatform(values: OptionValues<typeof commands.collateralFetch.options>): Platform {
  const { fmspc, ca, tee } = values;
  if (fmspc === undefined || !/^[0-9a-fA-F]{12}$/.test(fmspc)) {
    throw new RuneError({
      code: "USAGE",
      doing: "sgx-tools collateral fetch",
      reason: `give \`--quote\`, or \`--fmspc\` with 12 hexadecimal digits`,
    });
  }
  return { tee, fmspc, ca };
}

/** Reads an archive's directory, or a file that holds all in one object. */
export function readArchive(path: string): Collateral {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() !== true) {
    return collateralFromJson(readInput(path, LONGEST_FILE_BYTES));
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
    new Map(names.map((name) => [name, readInput(join(path, name), LONGEST_FILE_BYTES)])),
  );
}
