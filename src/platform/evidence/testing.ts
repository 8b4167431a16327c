// SPDX-License-Identifier: Apache-2.0
/** A platform's keys for tests: from a word instead of a root secret. */
import { createHmac } from "node:crypto";
import type { PlatformKeys } from "../keys.ts";

export function fakeKeys(word = "test"): PlatformKeys {
  const derive = (purpose: string, ...parts: readonly Uint8Array[]) => {
    const mac = createHmac("sha256", `${word} ${purpose}`);
    for (const part of parts) mac.update(part);
    return new Uint8Array(mac.digest());
  };
  return {
    reportMac: (body, keyId, targetInfo) =>
      derive("report", targetInfo, keyId, body).subarray(0, 16),
    getKey: () => ({ error: "GP" }),
    quotingKeySeed: (purpose) => derive(`seed ${purpose}`),
    platformInstanceId: derive("instance").subarray(0, 16),
    cpuSvn: new Uint8Array(16).fill(1),
    reportKeyId: derive("key id"),
  };
}

/** An enclave's REPORT for a target, as the platform's EREPORT makes it. */
export function enclaveReport(
  keys: PlatformKeys,
  targetInfo: Uint8Array,
  change: (body: Uint8Array) => void = () => {},
): Uint8Array {
  const body = new Uint8Array(384);
  body.set(keys.cpuSvn);
  body[48] = 0x05;
  body[56] = 0x03;
  body.fill(0x11, 64, 96);
  body.fill(0x22, 128, 160);
  body[256] = 7;
  body[258] = 3;
  body.fill(0x33, 320, 384);
  change(body);
  const report = new Uint8Array(432);
  report.set(body);
  report.set(keys.reportKeyId, 384);
  report.set(keys.reportMac(body, keys.reportKeyId, targetInfo), 416);
  return report;
}
