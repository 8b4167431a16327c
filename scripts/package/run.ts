// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run package`: makes dist/package/ of what `npm run build` has made: a Debian package, an archive
 * with an installer, an SBOM of both, and their checksums. The same commit gives the same bytes in any
 * directory, with the same compilers: docs/how-to/packages.md.
 *
 *   --quick        nothing is compressed much: for tests
 *   --version V    instead of the one of the commit
 *   --output DIR   instead of dist/package
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeArchive } from "./archive.ts";
import { makeDebianPackage } from "./deb.ts";
import { sbomOf } from "./sbom.ts";
import { readSource } from "./source.ts";
import { makeStage } from "./stage.ts";
import { sha256 } from "./tools.ts";

const root = resolve(import.meta.dir, "../..");
const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    quick: { type: "boolean", default: false },
    version: { type: "string" },
    output: { type: "string", default: join(root, "dist/package") },
  },
});

const found = readSource(root);
const source = { ...found, version: values.version ?? found.version };
const output = resolve(values.output);
const work = mkdtempSync(join(tmpdir(), "inclavare-package-"));
try {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const stage = makeStage(root, join(work, `${source.name}-${source.version}`), source);
  const request = { root, stage, work, output, source, quick: values.quick };
  const sbom = join(output, `${source.name}_${source.version}.spdx.json`);
  await Bun.write(sbom, `${JSON.stringify(sbomOf(root, stage, source), null, 2)}\n`);
  makeDebianPackage(request);
  makeArchive(request);
  const sums = readdirSync(output)
    .sort()
    .map((name) => `${sha256(join(output, name))}  ${name}\n`);
  await Bun.write(join(output, "SHA256SUMS"), sums.join(""));
  console.log(`made in ${output}:\n${sums.join("").trimEnd()}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
