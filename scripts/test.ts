// SPDX-License-Identifier: Apache-2.0
/**
 * `npm test`: every check and test, in one run that ends with `N passed, N failed, N skipped`.
 * `--conformance` adds what is too slow for every change: the same tests with runc and crun in rune's
 * place and by way of a planner, and the virtual machines of `npm run test:vm`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Planner } from "../tests/support/planner.ts";
import { runChecks } from "./check.ts";
import { casesOf, type TestCase } from "./junit.ts";
import { otherContainerds, otherRuntimes, warm } from "./other-runtimes.ts";
import { runGuests } from "./vm/run.ts";

const root = resolve(import.meta.dir, "..");
const conformance = Bun.argv.includes("--conformance");
const total = { passed: 0, failed: 0, skipped: 0 };
const skips: string[] = [];

await checks();
await nativeTests();
await bunTests(["src/", "scripts/"], {});
// What needs the machine itself may meet its other users: a test fails when it fails twice in a row.
await bunTests(["tests/"], {}, "--retry=1");
await warmTests();
await newerContainerds();
if (conformance) {
  for (const [runtime, paths] of Object.entries(otherRuntimes)) await otherRuntime(runtime, paths);
  await virtualMachines();
}
for (const skip of skips) console.log(`skipped: ${skip}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

async function checks(): Promise<void> {
  console.log("== checks");
  for (const { name, ok, output } of await runChecks()) {
    count(ok, name);
    if (!ok) console.log(output);
  }
}

/** The C parts' own unit tests, built with sanitizers; each prints TAP. */
async function nativeTests(): Promise<void> {
  console.log("== native tests");
  const build = Bun.spawnSync(["make", "-s", "-C", join(root, "native"), "-j2", "tests"]);
  if (build.exitCode !== 0) {
    console.log(build.stderr.toString());
    return count(false, "native tests build");
  }
  for (const file of new Bun.Glob("native/build/tests/*").scanSync(root)) {
    const child = Bun.spawnSync([join(root, file)], { cwd: root, stdin: "ignore" });
    const output = child.stdout.toString();
    for (const [, not, name] of output.matchAll(/^(not )?ok (?:\d+ )?-? ?(.*)$/gm)) {
      const skip = /# skip (.*)$/i.exec(name ?? "");
      if (skip) skipped(`${file}: ${name}`);
      else count(not === undefined, `${file}: ${name}`);
    }
    if (child.exitCode !== 0) {
      count(false, `${file}: exit status ${child.exitCode}`);
      console.log(output, child.stderr.toString());
    }
  }
}

/** One `bun test` over some folders; its JUnit report is what is counted. */
async function bunTests(
  paths: readonly string[],
  env: Readonly<Record<string, string>>,
  ...flags: string[]
): Promise<void> {
  const changed = Object.entries(env).filter(([name, value]) => process.env[name] !== value);
  const setting = changed.map(([name, value]) => `${name}=${value} `);
  console.log(`== ${setting.join("")}bun test ${paths.join(" ")}`);
  const scratch = mkdtempSync(join(tmpdir(), "inclavare-test-"));
  try {
    const report = join(scratch, "junit.xml");
    const timeoutMs = conformance ? "600000" : "120000";
    const child = Bun.spawn(
      [
        process.execPath,
        "test",
        `--timeout=${timeoutMs}`,
        ...flags,
        "--reporter=junit",
        `--reporter-outfile=${report}`,
        ...paths.map((path) => `./${path}`),
      ],
      {
        cwd: root,
        stdin: "ignore",
        stdout: "inherit",
        stderr: "inherit",
        env: { ...process.env, CONFORMANCE: conformance ? "1" : "", ...env },
      },
    );
    const status = await child.exited;
    const failuresBefore = total.failed;
    countCases(casesOf(readFileSync(report, "utf8")));
    if (status !== 0 && total.failed === failuresBefore) count(false, `bun test exited ${status}`);
  } catch (error) {
    count(false, `bun test ${paths.join(" ")}: ${error}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The container tests judge themselves: what is red on another runtime is a wrong test. */
async function otherRuntime(runtime: string, paths: readonly string[]): Promise<void> {
  if (Bun.which(runtime) === null)
    return skipped(`the container tests on ${runtime}: not installed`);
  await bunTests(paths, { RUNTIME: runtime }, "--retry=1");
}

/** The container tests by way of a planner of their own. */
async function warmTests(): Promise<void> {
  if (process.getuid?.() !== 0) return skipped("the container tests through a planner: needs root");
  await using planner = await Planner.start("--idle-timeout", "0");
  await bunTests(conformance ? warm.all : warm.some, planner.env, "--retry=1");
}

/** The shim's tests with what scripts/containerd.sh has fetched. */
async function newerContainerds(): Promise<void> {
  if (process.getuid?.() !== 0) return skipped("the shim with newer containerds: needs root");
  for (const release of otherContainerds.releases) {
    const folder = join(root, "dist/containerd", release, "bin");
    if (!existsSync(join(folder, "ctr"))) {
      skipped(`the shim with the containerd of Debian ${release}: \`sh scripts/containerd.sh\``);
      continue;
    }
    const paths = conformance ? otherContainerds.all : otherContainerds.some;
    await bunTests(paths, { CONTAINERD: folder }, "--retry=1");
  }
}

async function virtualMachines(): Promise<void> {
  console.log("== virtual machines");
  const cases = await runGuests([]);
  if (typeof cases === "string") skipped(`npm run test:vm (${cases})`);
  else countCases(cases);
}

function countCases(cases: readonly TestCase[]): void {
  for (const { name, outcome } of cases) {
    if (outcome === "skipped") skipped(name);
    else count(outcome === "passed", name);
  }
}

function count(ok: boolean, name: string): void {
  if (ok) total.passed++;
  else {
    total.failed++;
    console.log(`FAILED  ${name}`);
  }
}

function skipped(name: string): void {
  total.skipped++;
  skips.push(name);
}
