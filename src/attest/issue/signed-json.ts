// SPDX-License-Identifier: Apache-2.0
/** Signs collateral and writes it as services give it out. */
import type { SignedJson } from "../collateral/signed-json.ts";
import type { IssuerKey } from "./key.ts";

/** Collateral before it is signed. */
// biome-ignore lint/suspicious/noExplicitAny: tests put wrong things into it
export type Json = Record<string, any>;

export function signJson(json: Json, key: IssuerKey): SignedJson {
  const text = JSON.stringify(json);
  return { text, signature: key.sign(new TextEncoder().encode(text)) };
}

/** The answer of a service: the signed text under `key`, and the signature. */
export function signedAnswer({ text, signature }: SignedJson, key: string): string {
  return `{"${key}":${text},"signature":"${Buffer.from(signature).toString("hex")}"}`;
}

/** "2026-11-28T03:56:08Z" */
export function isoSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
