// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { RuneError } from "../errors/error.ts";
import type { Config } from "../oci/config.ts";
import { enclaveKeys, readEnclaveConfig } from "./enclave-config.ts";
import { mentionsEnclave, withoutEnclaveVariables, withoutSecrets } from "./mentions.ts";

function config(env: string[], annotations: Record<string, string> = {}): Config {
  return {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: { user: { uid: 0, gid: 0 }, args: ["x"], cwd: "/", env },
    annotations,
  };
}

const sgx = { "enclave.type": "intelSgx" };

function refusal(env: string[], annotations: Record<string, string> = sgx): string {
  try {
    readEnclaveConfig(config(env, annotations));
  } catch (error) {
    const { code, message } = error as RuneError; // thrown by what is tested
    return `${code} ${message}`;
  }
  return "accepted";
}

test("a container without a type and a platform is ordinary", () => {
  expect(readEnclaveConfig(config(["PATH=/bin", "ENCLAVE_RUNTIME_PATH=/x"]))).toBeUndefined();
  expect(mentionsEnclave(config(["ENCLAVE_RUNTIME_PATH=/x"]))).toBe(false);
  expect(mentionsEnclave(config(["ENCLAVE_TYPE=intelSgx"]))).toBe(true);
  expect(mentionsEnclave(config([], { "enclave.platform": "simulation" }))).toBe(true);
});

test("the environment beats the annotation, key by key; an empty value is none", () => {
  const read = readEnclaveConfig(
    config(["ENCLAVE_RUNTIME_PATH=/env.so", "ENCLAVE_RUNTIME_ARGS="], {
      ...sgx,
      "enclave.runtime.path": "/annotation.so",
      "enclave.runtime.args": "a,b c",
      "enclave.platform": "simulation",
    }),
  );
  expect(read).toMatchObject({
    type: "intelSgx",
    palPath: "/env.so",
    palArgs: "a b c",
    logLevel: "info",
    platform: { name: "simulation", from: "annotation" },
  });
});

test("values of one character count; the original dropped them", () => {
  expect(readEnclaveConfig(config(["ENCLAVE_RUNTIME_ARGS=x"], sgx))?.palArgs).toBe("x");
});

test("an unknown log level is a warning and info", () => {
  const read = readEnclaveConfig(config(["ENCLAVE_RUNTIME_LOGLEVEL=loud"], sgx));
  expect(read?.logLevel).toBe("info");
  expect(read?.warnings).toEqual([expect.stringContaining("loud")]);
});

test("attestation types of every era", () => {
  const secrets = [
    `ENCLAVE_RA_EPID_SPID=${"a".repeat(32)}`,
    `ENCLAVE_RA_EPID_SUB_KEY=${"b".repeat(32)}`,
  ];
  const type = (word: string, ...more: string[]) =>
    readEnclaveConfig(config([`ENCLAVE_RA_TYPE=${word}`, ...secrets, ...more], sgx))?.raType;
  expect(type("EPIDUNLINKABLE")).toBe("epidUnlinkable");
  expect(type("EPID")).toBe("epidUnlinkable");
  expect(type("EPID", "ENCLAVE_RA_EPID_IS_LINKABLE=true")).toBe("epidLinkable");
  expect(type("dcap")).toBe("ecdsa");
});

test("attestation without an enclave is refused, or told where it may be another container's", () => {
  for (const more of [[], ["ENCLAVE_PLATFORM=simulation"], ["ENCLAVE_TYPE="]]) {
    const env = ["ENCLAVE_RA_TYPE=ecdsa", ...more];
    expect(mentionsEnclave(config(env))).toBe(true);
    expect(refusal(env, {})).toContain("only an enclave attests itself");
  }
  const annotations = { "enclave.attestation.ra_type": "ecdsa", "enclave.platform": "simulation" };
  expect(readEnclaveConfig(config([], annotations))?.warnings).toEqual([
    "enclave.attestation.ra_type: no enclave type is named, and only an enclave attests itself",
  ]);
});

test("what is refused, by code and key", () => {
  expect(refusal([], { "enclave.type": "Jailhouse" })).toContain("ENCLAVE_TYPE_UNSUPPORTED");
  expect(refusal([], { "enclave.type": "intelsgx" })).toContain("ENCLAVE_CONFIG");
  expect(refusal(["ENCLAVE_PLATFORM=moon"])).toContain("expected hardware or simulation");
  expect(refusal(["ENCLAVE_RA_TYPE=nothing"])).toContain("ra_type");
  expect(refusal(["ENCLAVE_RA_TYPE=epidLinkable"])).toContain("ra_epid_spid");
  expect(refusal(["ENCLAVE_RA_EPID_IS_LINKABLE=yes"])).toContain("true or false");
  expect(refusal(["ENCLAVE_IS_PRODUCT_ENCLAVE=1"])).toContain("is_product_enclave");
  const secret = "not-32-hex-digits";
  const bad = refusal([`ENCLAVE_RA_EPID_SPID=${secret}`]);
  expect(bad).toContain("32 hexadecimal digits");
  expect(bad).not.toContain(secret);
});

test("all variables leave the payload's environment, and nothing else does", () => {
  const variables = Object.values(enclaveKeys).map(([variable]) => `${variable}=x`);
  expect(withoutEnclaveVariables(["A=1", ...variables, "ENCLAVE_OTHER=2"])).toEqual([
    "A=1",
    "ENCLAVE_OTHER=2",
  ]);
});

test("secret annotations are stored without their value", () => {
  const name = "enclave.attestation.ra_epid_subscription_key";
  expect(withoutSecrets({ a: "b", [name]: "secret" })).toEqual({ a: "b", [name]: "(not stored)" });
});
