// SPDX-License-Identifier: Apache-2.0
/** Why a text is not TOML (or JSON), with the place where smol-toml tells it; without its excerpt of the text. */
export function syntaxReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const reason = error.message.split("\n")[0] ?? "";
  const { line, column } = error as { line?: unknown; column?: unknown };
  if (typeof line !== "number" || typeof column !== "number") return reason;
  const why = reason.replace(/^Invalid TOML document: /, "");
  return `no TOML: line ${line}, column ${column}: ${why}`;
}
