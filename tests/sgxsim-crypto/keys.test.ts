// SPDX-License-Identifier: Apache-2.0
/** The emulator's EGETKEY and EREPORT, and those of src/sgx behind the service: one and the same. */
import { beforeAll, expect, test } from "bun:test";
import { ATTRIBUTE } from "../../src/sgx/attributes.ts";
import { aesCmac } from "../../src/sgx/cmac.ts";
import { egetkey, reportKey } from "../../src/sgx/egetkey.ts";
import { type EnclaveIdentity, encodeEnclaveIdentity } from "../../src/sgx/enclave-identity.ts";
import type { Processor } from "../../src/sgx/key-dependencies.ts";
import { encodeKeyRequest, type KeyRequest } from "../../src/sgx/keyrequest.ts";
import { encodeReportBody } from "../../src/sgx/report.ts";
import { encodeTargetInfo } from "../../src/sgx/targetinfo.ts";
import { buildDriver, drive, hex } from "./driver.ts";

/** SGX_RAISES_GP. */
const GP = 0xffff_ffff;

beforeAll(buildDriver);

test("random enclaves get the same key, or the same refusal, for random requests", () => {
  const rounds = Array.from({ length: 4000 }, () => ({
    processor: randomProcessor(),
    enclave: randomEnclave(),
    request: randomRequest(),
  }));
  const input = rounds.flatMap(({ processor, enclave, request }) => [
    encodeProcessor(processor),
    encodeEnclaveIdentity(enclave),
    encodeKeyRequest(request),
  ]);
  const words = drive(["egetkey"], Buffer.concat(input));
  expect(words).toHaveLength(8000);
  const seen = new Set<string>();
  rounds.forEach(({ processor, enclave, request }, round) => {
    const { error = 0, key = new Uint8Array(16) } = egetkey(processor, enclave, request);
    const answer = [String(error === "GP" ? GP : error), hex(key)];
    expect(answer).toEqual(words.slice(2 * round, 2 * round + 2));
    seen.add(error === 0 ? `key ${request.keyName}` : `${error}`);
  });
  // All names and all refusals have come up.
  const keys = [0, 1, 2, 3, 4].map((name) => `key ${name}`);
  expect([...seen].sort()).toEqual(["2", "256", "32", "64", "GP", ...keys].sort());
});

test("random reports are the same", () => {
  for (let round = 0; round < 20; round++) {
    const [processor, enclave] = [randomProcessor(), randomEnclave()];
    const [reportData, keyId] = [random(64), random(32)];
    const target = {
      measurement: random(32),
      attributes: { flags: randomBits(64), xfrm: randomBits(64) },
      cetAttributes: 0,
      configSvn: Number(randomBits(16)),
      miscSelect: Number(randomBits(32)),
      configId: random(64),
    };
    const input = [encodeProcessor(processor), encodeEnclaveIdentity(enclave)];
    const [report] = drive(
      ["ereport"],
      Buffer.concat([...input, encodeTargetInfo(target), reportData, keyId]),
    );
    const { cpuSvn } = processor;
    const body = encodeReportBody({ ...enclave, cpuSvn, cetAttributes: 0, reportData });
    const mac = aesCmac(reportKey(processor, target, keyId), body);
    expect(hex(Buffer.concat([body, keyId, mac]))).toBe(report ?? "");
  }
});

function random(size: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(size));
}

function randomBits(bits: number): bigint {
  return BigInt.asUintN(bits, BigInt(`0x${hex(random(8))}`));
}

function pick<T>(...values: readonly [T, ...T[]]): T {
  return values[Math.floor(Math.random() * values.length)] ?? values[0];
}

function randomProcessor(): Processor {
  const cpuSvn = new Uint8Array(16).fill(5);
  return { rootKey: random(16), cpuSvn, ownerEpoch: random(16), sealFuses: random(16) };
}

function randomEnclave(): EnclaveIdentity {
  const { INIT, KSS, PROVISIONKEY, EINITTOKENKEY } = ATTRIBUTE;
  const optional = [KSS, KSS, PROVISIONKEY, EINITTOKENKEY].filter(() => pick(true, true, false));
  return {
    attributes: {
      flags: optional.reduce((flags, bit) => flags | bit, INIT | (randomBits(64) & 0xff00_0006n)),
      xfrm: randomBits(64),
    },
    miscSelect: Number(randomBits(32)),
    isvProdId: Number(randomBits(16)),
    isvSvn: pick(3, 9),
    configSvn: pick(3, 9),
    mrenclave: random(32),
    mrsigner: random(32),
    configId: random(64),
    isvFamilyId: random(16),
    isvExtProdId: random(16),
  };
}

/** One that is granted as often as not. */
function randomRequest(): KeyRequest {
  return {
    keyName: pick(0, 1, 2, 3, 4, 4, 7),
    keyPolicy: pick(0, 1, 2, 3, Number(randomBits(6)), Number(randomBits(6)), 0x40),
    isvSvn: pick(0, 3, 3, 4),
    cpuSvn: random(16).map((byte) => pick(0, 5, 5, byte % 20 === 0 ? 6 : 4)),
    attributeMask: { flags: randomBits(64), xfrm: randomBits(64) },
    keyId: random(32),
    miscMask: Number(randomBits(32)),
    configSvn: pick(0, 0, 3, 4),
  };
}

function encodeProcessor({ rootKey, cpuSvn, ownerEpoch, sealFuses }: Processor): Uint8Array {
  return Buffer.concat([rootKey, cpuSvn, ownerEpoch, sealFuses]);
}
