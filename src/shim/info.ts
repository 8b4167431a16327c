// SPDX-License-Identifier: Apache-2.0
export function info(_libDir: string): Uint8Array {
  return new Uint8Array();
}
