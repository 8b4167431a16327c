// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { toHex } from "./bytes.ts";
import { aesCmac } from "./cmac.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("RFC 4493, 4: test vectors", () => {
  const key = bytes("2b7e151628aed2a6abf7158809cf4f3c");
  const message = bytes(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
  );
  test.each([
    [0, "bb1d6929e95937287fa37d129b756746"],
    [16, "070a16b46b4d4144f79bdd9dd04a287c"],
    [40, "dfa66747de9ae63030ca32611497c827"],
    [64, "51f0bebf7e3b9d92fc49741779363cfe"],
  ])("%i bytes", (size, mac) => {
    expect(toHex(aesCmac(key, message.subarray(0, size)))).toBe(mac);
  });
});

test("OpenSSL's, for every size to 49", () => {
  for (let size = 0; size < 50; size++) {
    const key = crypto.getRandomValues(new Uint8Array(16));
    const message = crypto.getRandomValues(new Uint8Array(size));
    expect(toHex(aesCmac(key, message))).toBe(openssl(toHex(key), message));
  }
});

function openssl(key: string, message: Uint8Array): string {
  const options = ["-macopt", "cipher:AES-128-CBC", "-macopt", `hexkey:${key}`];
  const child = Bun.spawnSync(["openssl", "mac", ...options, "-in", "-", "CMAC"], {
    stdin: message,
  });
  if (child.exitCode !== 0) throw new Error(child.stderr.toString());
  return child.stdout.toString().trim().toLowerCase();
}
