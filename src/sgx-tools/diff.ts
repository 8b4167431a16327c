// SPDX-License-Identifier: Apache-2.0
import type { OptionValues } from "../options/option.ts";
import { LARGEST_IMAGE_BYTES } from "../sgx/skeleton-image.ts";
import { type Description, describe, flatten } from "./describe.ts";
import type { diff as command } from "./evidence-commands.ts";
import { printLine, readInput } from "./files.ts";
import { recognise } from "./recognise.ts";

/** `sgx-tools diff A B`: prints the fields that differ; status 1 if there are any, as diff(1). */
export function diff(
  values: OptionValues<typeof command.options>,
  left: string,
  right: string,
): number {
  const differences = compare(read(left), read(right));
  if (values.json) {
    printLine(JSON.stringify({ same: differences.length === 0, differences }, null, 2));
  } else {
    for (const { field, left: one, right: other } of differences) {
      printLine(field);
      printLine(`  < ${one ?? "absent"}`);
      printLine(`  > ${other ?? "absent"}`);
    }
  }
  return differences.length === 0 ? 0 : 1;
}

type Difference = {
  readonly field: string;
  readonly left: string | null;
  readonly right: string | null;
};

/** Files of different kinds are compared in the fields that both have, such as `mrenclave`. */
function compare(left: Description, right: Description): Difference[] {
  const both = left["type"] === right["type"];
  const fieldsOf = (description: Description) =>
    new Map(
      flatten(description, "").map(([name, value]) => {
        // A quote's report is its body; a SIGSTRUCT or REPORT has the same fields without one.
        return [both ? name : name.replace(/^(quote\.)?body\./, ""), value] as const;
      }),
    );
  const one = fieldsOf(left);
  const other = fieldsOf(right);
  const fields = [...new Set([...one.keys(), ...other.keys()])];
  return fields
    .filter((field) => both || (field !== "type" && one.has(field) && other.has(field)))
    .filter((field) => one.get(field) !== other.get(field))
    .map((field) => ({
      field,
      left: one.get(field) ?? null,
      right: other.get(field) ?? null,
    }));
}

function read(path: string): Description {
  const bytes = readInput(path, LARGEST_IMAGE_BYTES);
  return describe(recognise(bytes), bytes);
}
