// SPDX-License-Identifier: Apache-2.0
/** liberpal-wasm.so under a host of version 2, which is one file and one set of functions with 3. */
import { expect } from "bun:test";
import { join } from "node:path";
import { platform, runIn } from "../skeleton/platform.ts";
import { mustRun } from "../support/command.ts";
import { needs, repository } from "../support/runtime.ts";
import { clangObstacle, loader, Workshop } from "./support.ts";

const test = needs(
  clangObstacle ?? (platform === undefined ? "needs a simulated platform" : undefined),
);
const workshop = new Workshop();

test("a host that knows version 2 runs an enclave, if it does not stop at the number", async () => {
  const host = join(workshop.path, "version-2");
  await mustRun([
    ...["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1"],
    ...["-I", join(repository, "native/include"), "-o", host],
    ...[join(import.meta.dir, "hosts/version-2.c"), "-ldl"],
  ]);
  const image = await workshop.program("traps", "[arguments]\nhost = true\n");
  const command = [...(platform ?? []), host, loader, image, "exit", "7"];
  expect(runIn(workshop.path, command)).toMatchObject({
    code: 0,
    out: ["version 3", "init 0", "create 0", "kill 0", "exec 0 exit 7", "destroy 0"],
  });
});
