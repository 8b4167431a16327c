// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Config } from "../oci/config.ts";
import { epcMount, takeEpcLimit } from "./simulated-epc.ts";

const base: Config = {
  ociVersion: "1.3.0",
  root: { path: "rootfs" },
  process: { user: { uid: 0, gid: 0 }, args: ["x"], cwd: "/" },
};
const withMisc = (content: string): Config => ({
  ...base,
  linux: { resources: { unified: { "misc.max": content, "pids.max": "5" } } },
});

test("the line is taken out, and what is beside it stays", () => {
  const { config, bytes } = takeEpcLimit(withMisc("sev 3\nsgx_epc 1048577\n"));
  expect(bytes).toBe(1048576);
  expect(config.linux?.resources?.unified).toEqual({ "misc.max": "sev 3", "pids.max": "5" });
  expect(takeEpcLimit(withMisc("sgx_epc 8192")).config.linux?.resources?.unified).toEqual({
    "pids.max": "5",
  });
});

test("no limit", () => {
  for (const config of [base, withMisc("sev 3"), withMisc("sgx_epcs 4096")]) {
    expect(takeEpcLimit(config)).toEqual({ config });
  }
  expect(takeEpcLimit(withMisc("sgx_epc max"))).not.toHaveProperty("bytes");
});

test("what is no limit", () => {
  for (const line of ["sgx_epc", "sgx_epc 0", "sgx_epc 4095", "sgx_epc -1", "sgx_epc 1M"]) {
    expect(() => takeEpcLimit(withMisc(line))).toThrow("how many bytes");
  }
});

test("what it means for the simulator", () => {
  expect(takeEpcLimit(withMisc("sgx_epc 9999999999999999999")).bytes).toBe(2 ** 40);
  expect(epcMount(8192).options).toContain("size=8192");
});
