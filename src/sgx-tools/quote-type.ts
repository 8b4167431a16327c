// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";

const QUOTE_TYPES = ["ecdsa", "epidUnlinkable", "epidLinkable"] as const;

export type QuoteType = (typeof QUOTE_TYPES)[number];

/** The value of `--quote-type`, in any case of letters, as the original took it. */
export function quoteTypeOf(command: string, text: string): QuoteType {
  const type = QUOTE_TYPES.find((one) => one.toLowerCase() === text.toLowerCase());
  if (type !== undefined) return type;
  throw new RuneError({
    code: "USAGE",
    doing: `sgx-tools ${command}`,
    reason: `\`--quote-type\`: expected ${QUOTE_TYPES.join(", ")}, got \`${text}\``,
  });
}
