// SPDX-License-Identifier: Apache-2.0
/**
 * A SIGSTRUCT inside another file: Intel's SDK keeps it in a note of the enclave's shared object. It is
 * found by its fixed fields and its signature, so that the file's format does not matter.
 */
import { RuneError } from "../errors/error.ts";
import { SIGSTRUCT_BYTES } from "./sigstruct.ts";
import { verifySigstruct } from "./verify.ts";

/** HEADER; HEADER2 12 bytes behind it. */
const header = Uint8Array.of(6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0);
const header2 = Uint8Array.of(1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0);
const header2Offset = 24;

/** Where the file's one valid SIGSTRUCT begins. @throws RuneError SGX_FORMAT for none, and for several */
export function findSigstruct(file: Uint8Array, name: string): number {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const found: number[] = [];
  for (let at = buffer.indexOf(header); at >= 0; at = buffer.indexOf(header, at + 1)) {
    if (at + SIGSTRUCT_BYTES > file.length) break;
    if (isAt(buffer, header2, at + header2Offset) && isSigned(file, at)) found.push(at);
  }
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const reason =
    found.length === 0 ? "no signed SIGSTRUCT is in it" : "several SIGSTRUCTs are in it";
  throw new RuneError({ code: "SGX_FORMAT", doing: `read enclave \`${name}\``, reason });
}

export function sigstructAt(file: Uint8Array, offset: number): Uint8Array {
  return file.slice(offset, offset + SIGSTRUCT_BYTES);
}

function isAt(buffer: Buffer, bytes: Uint8Array, offset: number): boolean {
  return buffer.subarray(offset, offset + bytes.length).equals(bytes);
}

/** The fixed fields alone could be code that happens to compare them. */
function isSigned(file: Uint8Array, at: number): boolean {
  try {
    verifySigstruct(sigstructAt(file, at));
    return true;
  } catch {
    return false;
  }
}
