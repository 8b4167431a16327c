// SPDX-License-Identifier: Apache-2.0
/** A limit below what a start takes. crun starts within it: it is a few pages of C. */
import { expect } from "bun:test";
import { needs, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = needs(runtimeName === "crun" ? "crun may start within the limit" : undefined);

test("a start that the memory limit kills says so, and leaves nothing", async () => {
  await using sandbox = new Sandbox();
  const linux = { resources: { memory: { limit: 4096 } } };
  const { status, stderr } = await sandbox.run({ linux });
  expect(status).not.toBe(0);
  // runc 1.1.5 sets the limit when its own process is in the cgroup already, and is refused.
  expect(stderr).toMatch(
    /unable to set memory limit|memory ran out within the limit of 4096 bytes/,
  );
});
