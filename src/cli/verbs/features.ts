// SPDX-License-Identifier: Apache-2.0
/** `rune features`: what this build can do, as JSON. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";

export type FeaturesCommand = { readonly verb: "features" };

export const featuresCommand = defineCommand({
  name: "features",
  path: "rune features",
  summary: "print what this build of rune can do, as JSON",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [],
});

export function parseFeatures(words: readonly string[]): FeaturesCommand | undefined {
  return parseCommand(featuresCommand, words).help ? undefined : { verb: "features" };
}
