// SPDX-License-Identifier: Apache-2.0
/** The simulated platform on a processor with protection keys, which the guest's emulated one has. */
import { expect } from "bun:test";
import { readTap, run } from "../sgxsim/platform.ts";
import { guestTest } from "../support/guest.ts";
import { except } from "../support/runtime.ts";

const folder = "/project/sgx";
const simulator = "/project/dist/lib/inclavare/sgxsim";
const test = except("runc", "the simulated platform is no part of it", guestTest("v2"));

test("enclave memory is closed to the host under --fidelity", () => {
  const words = ["strict-static", "enclave.bin", "enclave.ss"].map((name) => `${folder}/${name}`);
  const strict = run([simulator, "--fidelity", ...words, "fidelity"]);
  console.log([...strict.out, strict.err].join("\n"));
  expect(readTap(strict.out)).toEqual({ failed: [], complete: true });
  expect(strict.out.join("\n")).not.toContain("# skip no protection keys");
  expect(strict.err).toContain("touches enclave memory");
  expect(readTap(run([simulator, ...words]).out)).toEqual({ failed: [], complete: true });
});
