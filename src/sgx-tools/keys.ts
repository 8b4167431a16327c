// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from "node:crypto";
import { RuneError } from "../errors/error.ts";
import { readInput } from "./files.ts";

/** Larger than any PEM file with one RSA key. */
const LARGEST_PEM_BYTES = 65536;

/** A key from a PEM file; the bytes that were read are wiped. */
export function readKey(path: string, parse: (pem: Buffer) => KeyObject): KeyObject {
  const pem = Buffer.from(readInput(path, LARGEST_PEM_BYTES));
  try {
    return parse(pem);
  } catch (error) {
    throw new RuneError({
      code: "SGX_KEY",
      doing: `read key \`${path}\``,
      reason: "it is no unencrypted PEM key of the kind needed",
      cause: error,
    });
  } finally {
    pem.fill(0);
  }
}
