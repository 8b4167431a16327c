// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run check`: types, lint and format, C format, the import rule, generated pages. `--write`
 * mends formats and pages.
 */
import { dirname, join, relative, resolve } from "node:path";
import { conformanceFaults } from "./conformance/page.ts";
import { stalePages, writePages } from "./generate-docs.ts";
import { staleProtobuf } from "./generate-protobuf.ts";
import { importFault } from "./import-rules.ts";

const root = resolve(import.meta.dir, "..");
const modules = join(root, "node_modules");
const write = Bun.argv.includes("--write");

export type CheckResult = { readonly name: string; readonly output: string; readonly ok: boolean };

/** Runs every check, in the order of how soon one wants to know. */
export async function runChecks(): Promise<CheckResult[]> {
  return [
    await protobuf(),
    await types(),
    await biome(),
    await clangFormat(),
    await imports(),
    conformance(),
    await generatedDocs(),
  ];
}

/** In front of the types: those of the messages are among what is made. */
async function protobuf(): Promise<CheckResult> {
  const stale = await staleProtobuf();
  if (write) for (const { path, text } of stale) await Bun.write(join(root, path), text);
  const output = stale.map(({ path }) => `${path} is stale: run \`npm run format\``).join("\n");
  return { name: "generated messages", output, ok: write || stale.length === 0 };
}

async function types(): Promise<CheckResult> {
  return run("types", [join(modules, "@typescript/typescript-linux-x64/lib/tsc"), "-p", root]);
}

async function biome(): Promise<CheckResult> {
  const binary = join(modules, "@biomejs/cli-linux-x64/biome");
  const mend = ["--error-on-warnings", ...(write ? ["--write"] : [])];
  return run("lint and format", [binary, "check", "--colors=off", ...mend, "."]);
}

async function clangFormat(): Promise<CheckResult> {
  const files = [...new Bun.Glob("{native,tests}/**/*.{c,h}").scanSync(root)].filter(
    (file) => !file.startsWith("native/build/"),
  );
  if (files.length === 0) return { name: "C format", output: "", ok: true };
  return run("C format", [
    "clang-format",
    ...(write ? ["-i"] : ["--dry-run", "-Werror"]),
    ...files,
  ]);
}

async function imports(): Promise<CheckResult> {
  const faults: string[] = [];
  for (const file of new Bun.Glob("src/**/*.ts").scanSync(root)) {
    const text = await Bun.file(join(root, file)).text();
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
      if (specifier === undefined) continue;
      const target = relative(root, join(root, dirname(file), specifier));
      const fault = importFault(file, target);
      if (fault !== undefined) faults.push(fault);
    }
  }
  return { name: "import rule", output: faults.join("\n"), ok: faults.length === 0 };
}

/** Every field and verb has a test, or a reason why not. */
function conformance(): CheckResult {
  const faults = conformanceFaults();
  return { name: "conformance", output: faults.join("\n"), ok: faults.length === 0 };
}

async function generatedDocs(): Promise<CheckResult> {
  const stale = await stalePages();
  if (write) await writePages(stale);
  const output = stale.map(({ path }) => `${path} is stale: run \`npm run format\``).join("\n");
  return { name: "generated pages", output, ok: write || stale.length === 0 };
}

async function run(name: string, command: string[]): Promise<CheckResult> {
  const child = Bun.spawn(command, { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { name, output: out + err, ok: (await child.exited) === 0 };
}

if (import.meta.main) {
  const results = await runChecks();
  for (const { name, ok, output } of results) {
    console.log(`${ok ? "ok" : "FAILED"}  ${name}`);
    if (!ok) console.log(output);
  }
  process.exit(results.every(({ ok }) => ok) ? 0 : 1);
}
