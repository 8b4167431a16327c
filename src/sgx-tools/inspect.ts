// SPDX-License-Identifier: Apache-2.0
import type { OptionValues } from "../options/option.ts";
import { LARGEST_IMAGE_BYTES } from "../sgx/skeleton-image.ts";
import type { inspect as command } from "./commands.ts";
import { describe, descriptionLines, typeOfSize } from "./describe.ts";
import { printLine, readInput } from "./files.ts";

/** `sgx-tools inspect FILE`: prints what a file says; whether it is true, only for SIGSTRUCTs. */
export function inspect(values: OptionValues<typeof command.options>, path: string): void {
  const bytes = readInput(path, LARGEST_IMAGE_BYTES);
  const description = describe(values.type ?? typeOfSize(bytes.length), bytes);
  if (values.json) printLine(JSON.stringify(description, null, 2));
  else for (const line of descriptionLines(description)) printLine(line);
}
