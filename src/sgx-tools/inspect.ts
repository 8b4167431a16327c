// SPDX-License-Identifier: Apache-2.0
import type { OptionValues } from "../options/option.ts";
import { LARGEST_IMAGE_BYTES } from "../sgx/skeleton-image.ts";
import type { inspect as command } from "./commands.ts";
import { describe, descriptionLines } from "./describe.ts";
import { printLine, readInput, writeOutput } from "./files.ts";
import { recognise } from "./recognise.ts";

/** `sgx-tools inspect FILE`: prints what a file says; whether it is true, only for SIGSTRUCTs and quotes. */
export async function inspect(
  values: OptionValues<typeof command.options>,
  path: string,
): Promise<void> {
  const bytes = readInput(path, LARGEST_IMAGE_BYTES);
  const type = values.type ?? recognise(bytes);
  const description = describe(type, bytes);
  if (values.html !== undefined) {
    const { inspectPage } = await import("./page/inspect-page.ts");
    const page = inspectPage({ file: path, type, bytes, description });
    writeOutput(values.html, new TextEncoder().encode(page));
  }
  if (values.json) printLine(JSON.stringify(description, null, 2));
  else for (const line of descriptionLines(description)) printLine(line);
}
