// SPDX-License-Identifier: Apache-2.0
/**
 * Every ```sh run of the documentation, typed page by page into one shell, as root of a machine of
 * the page's own on which the project is installed; what the page shows below a block must be among
 * what the block prints, in that order.
 */
import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { needs, repository, runtimeName } from "../support/runtime.ts";
import { absent, stepsOf } from "../support/steps.ts";
import { DocsHost } from "./host.ts";
import { pages } from "./pages.ts";

const test = needs(
  (runtimeName === "rune" ? undefined : `${runtimeName}: the pages are about rune`) ??
    (existsSync(`${repository}/dist/lib/inclavare/sgxsim`) ? undefined : "needs `npm run build`") ??
    (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined),
);

for (const page of pages) {
  const steps = stepsOf(page);
  const missing = steps.find(({ program = "sh" }) => Bun.which(program) === null)?.program;
  if (steps.length === 0) continue;
  const kind = missing === undefined ? test : needs(`needs ${missing}`);
  kind(`${page}: every command with its answer`, async () => {
    await using host = await DocsHost.start();
    const { status, printed } = await host.type(steps.map(({ commands }) => commands));
    steps.forEach(({ line, commands, answer }, number) => {
      const output = printed[number];
      const faults = output === undefined ? ["was not reached"] : absent(answer, output);
      expect({ at: `${page}:${line}`, commands, faults, output }).toEqual({
        ...{ at: `${page}:${line}`, commands, faults: [] },
        output: output ?? "",
      });
    });
    expect({ status, last: printed.at(-1) }).toEqual({ status: 0, last: printed.at(-1) });
  });
}
