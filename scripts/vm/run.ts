// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run test:vm`: the tests that need another kernel, in virtual machines. Names of guests after
 * it narrow the run. Ends with a line `N passed, N failed, N skipped`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { casesOf, type TestCase } from "../junit.ts";
import { bootGuest, type GuestRun } from "./boot.ts";
import { type Guest, guestRuntimes, guests } from "./guests.ts";
import { makeProjectImage } from "./project-image.ts";

const root = resolve(import.meta.dir, "../..");
const cache = join(root, "dist/vm");

/** Boots the guests one after the other. A reason instead of cases: nothing can be booted here. */
export async function runGuests(names: readonly string[]): Promise<TestCase[] | string> {
  const obstacle = await setUp();
  if (obstacle !== undefined) return obstacle;
  const scratch = mkdtempSync(join(tmpdir(), "inclavare-vm-"));
  const remove = () => rmSync(scratch, { recursive: true, force: true });
  const interrupted = () => {
    remove();
    process.exit(1);
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, interrupted);
  try {
    const project = join(scratch, "project.img");
    makeProjectImage(root, scratch, project);
    const cases: TestCase[] = [];
    for (const guest of guests) {
      if (names.length > 0 && !names.includes(guest.name)) continue;
      console.log(`== guest ${guest.name}`);
      const show = (text: string) => void process.stdout.write(text);
      const run = await bootGuest(guest, { cache, project, scratch }, show);
      cases.push(...judge(guest, run));
    }
    return cases;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, interrupted);
    remove();
  }
}

async function setUp(): Promise<string | undefined> {
  const child = Bun.spawn(["sh", join(root, "scripts/vm/setup.sh")], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  let last = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    process.stdout.write(chunk);
    last = chunk.trim().split("\n").at(-1) ?? last;
  }
  const status = await child.exited;
  if (status === 0) return undefined;
  if (status === 77) return last;
  throw new Error(`scripts/vm/setup.sh: status ${status}`);
}

/** The guest's tests, and itself as one more. */
function judge(guest: Guest, run: GuestRun): TestCase[] {
  const missing = guestRuntimes.filter((runtime) => !run.reports.has(runtime));
  const failure = run.failure ?? (missing.length > 0 ? `no report of ${missing.join(", ")}` : "");
  if (failure !== "") console.log(`guest ${guest.name}: ${failure}\n${run.console}`);
  const tests = [...run.reports].flatMap(([runtime, xml]) =>
    casesOf(xml).map((test) => ({ ...test, name: `${guest.name}, ${runtime}: ${test.name}` })),
  );
  const itself = { name: `guest ${guest.name}`, outcome: failure === "" ? "passed" : "failed" };
  return [itself as TestCase, ...tests];
}

if (import.meta.main) {
  const cases = await runGuests(Bun.argv.slice(2));
  if (typeof cases === "string") {
    console.log(`skipped: ${cases}\n0 passed, 0 failed, 1 skipped`);
    process.exit(0);
  }
  const of = (outcome: TestCase["outcome"]) => cases.filter((test) => test.outcome === outcome);
  for (const { name } of of("skipped")) console.log(`skipped: ${name}`);
  for (const { name } of of("failed")) console.log(`FAILED  ${name}`);
  console.log(
    `${of("passed").length} passed, ${of("failed").length} failed, ${of("skipped").length} skipped`,
  );
  process.exit(of("failed").length === 0 ? 0 : 1);
}
