// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools collateral`: fetching, keeping and showing it. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ARCHIVE, collateralFromFiles } from "../attest/collateral/archive.ts";
import {
  fetchFrom,
  platformOf,
  type QuotedPlatform,
  readArchive,
} from "../attest/fetch/load-collateral.ts";
import { LONGEST_QUOTE_BYTES } from "../attest/quote/quote.ts";
import { RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { progressOn } from "../progress/progress.ts";
import { descriptionLines } from "./describe.ts";
import { describeCollateral } from "./describe-evidence.ts";
import type * as commands from "./evidence-commands.ts";
import { printLine, readInput, writeOutput } from "./files.ts";

/** `collateral fetch DIRECTORY` */
export async function fetchToArchive(
  values: OptionValues<typeof commands.collateralFetch.options>,
  directory: string,
): Promise<void> {
  const platform =
    values.quote === undefined
      ? namedPlatform(values)
      : platformOf(readInput(values.quote, LONGEST_QUOTE_BYTES));
  const files = await fetchWatched(values, platform);
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
  const description = describeCollateral(readArchive(path, readInput));
  if (values.json) printLine(JSON.stringify(description, null, 2));
  else for (const line of descriptionLines(description)) printLine(line);
}

async function fetchWatched(
  values: OptionValues<typeof commands.collateralFetch.options>,
  platform: QuotedPlatform,
): Promise<ReadonlyMap<string, Uint8Array>> {
  using progress = progressOn(2);
  progress.step(`fetch collateral from ${values.url}`);
  return await fetchFrom(values.url, platform, values);
}

function namedPlatform(
  values: OptionValues<typeof commands.collateralFetch.options>,
): QuotedPlatform {
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
