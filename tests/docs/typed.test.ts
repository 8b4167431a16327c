// SPDX-License-Identifier: Apache-2.0
/**
 * Every ```sh run of the documentation, typed page by page into one shell, as root of a machine of
 * the page's own on which the project is installed; what the page shows below a block must be among
 * what the block prints, in that order.
 */
import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { fencesOf, pageText } from "../support/markdown.ts";
import { needs, repository, runtimeName } from "../support/runtime.ts";
import { DocsHost } from "./host.ts";
import { pages } from "./pages.ts";

const test = needs(
  (runtimeName === "rune" ? undefined : `${runtimeName}: the pages are about rune`) ??
    (existsSync(`${repository}/dist/lib/inclavare/sgxsim`) ? undefined : "needs `npm run build`") ??
    (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined),
);

type Step = {
  readonly line: number;
  readonly commands: string;
  readonly answer: readonly string[];
  /** A program that not every machine has. */
  readonly program: string | undefined;
};

function stepsOf(page: string): Step[] {
  const fences = fencesOf(pageText(page));
  return fences.flatMap(({ marks, text, line }, at) => {
    if (!marks.has("run")) return [];
    const next = fences[at + 1];
    const answer = next?.language === "text" ? next.text.trimEnd().split("\n") : [];
    const program = marks.get("needs");
    return [{ line, commands: text, answer, program: program === true ? undefined : program }];
  });
}

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

/** Lines of the answer that are not printed, or not in this order. */
function absent(answer: readonly string[], output: string): string[] {
  const lines = output.split("\n").map((line) => line.trimEnd());
  let from = 0;
  return answer.filter((line) => {
    const at = lines.slice(from).findIndex((one) => fits(line, one));
    if (at >= 0) from += at + 1;
    return at < 0;
  });
}

/** "…" stands for what differs; of a line that ends in a colon only the beginning is always the same. */
function fits(expected: string, line: string): boolean {
  const wanted = expected.trimEnd();
  if (wanted === line) return true;
  if (wanted.endsWith(":") && line.startsWith(wanted)) return true;
  if (!wanted.includes("…")) return false;
  const parts = wanted.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(line);
}
