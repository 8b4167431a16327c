// SPDX-License-Identifier: Apache-2.0
import type { OptionValues } from "../options/option.ts";
import { LARGEST_IMAGE_BYTES } from "../sgx/skeleton-image.ts";
import type { inspect as command } from "./commands.ts";
import { describe, descriptionLines } from "./describe.ts";
import { printLine, readInput } from "./files.ts";
import { recognise } from "./recognise.ts";

/** `sgx-tools inspect FILE`: prints what a file says; whether it is true, only for SIGSTRUCTs and quotes. */
export function inspect(values: OptionValues<typeof command.options>, path: string): void {
  const bytes = readInput(path, LARGEST_IMAGE_BYTES);
  const description = describe(values.type ?? recognise(bytes), bytes);
  if (values.json) printLine(JSON.stringify(description, null, 2));
  else for (const line of descriptionLines(description)) printLine(line);
}
