// SPDX-License-Identifier: Apache-2.0
/** `rune spec`: writes a config.json to start from. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { bundleOption, given } from "../container-options.ts";

export type SpecCommand = {
  readonly verb: "spec";
  readonly bundle?: string;
  readonly kind: "default" | "rootless" | "enclave";
};

export const specCommand = defineCommand({
  name: "spec",
  path: "rune spec",
  summary: "write a config.json to start from",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    bundleOption,
    { name: "rootless", kind: "flag", help: "for a container of a caller without root" },
    { name: "enclave", kind: "flag", help: "for a container whose program runs in an SGX enclave" },
  ],
});

export function parseSpec(words: readonly string[]): SpecCommand | undefined {
  const parsed = parseCommand(specCommand, words);
  if (parsed.help) return undefined;
  const { bundle, rootless, enclave } = parsed.values;
  if (rootless && enclave) {
    throw usageError(specCommand, "flags `--rootless` and `--enclave` exclude each other");
  }
  const kind = enclave ? "enclave" : rootless ? "rootless" : "default";
  return { verb: "spec", ...given("bundle", bundle), kind };
}
