// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench:attest`: a full verification of an ECDSA quote, warm, beside dcap-qvl on the same
 * evidence, interleaved in one process; under Bun, which runs sgx-tools, and under Node, which most
 * relying parties run. Writes bench/results/attest.md.
 */
import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join, resolve } from "node:path";
import { noVectors, vectorFolder } from "../src/attest/testing/vectors.ts";

const root = resolve(import.meta.dir, "..");
const rounds = Number(process.env["ROUNDS"] ?? 200);

if (noVectors !== undefined || vectorFolder === undefined) {
  console.log(`not measured: ${noVectors}`);
  process.exit(0);
}
const built = Bun.spawnSync(["sh", join(root, "scripts/build-library.sh")], { stderr: "inherit" });
if (built.exitCode !== 0) process.exit(1);

type Row = { readonly set: string; readonly ours: number; readonly theirs: number };

function measure(command: readonly string[]): Row[] {
  const worker = join(root, "bench/attest-worker.mjs");
  const child = Bun.spawnSync([...command, worker, vectorFolder ?? "", String(rounds)], {
    cwd: root,
    stderr: "inherit",
  });
  // The worker's own output, whose shape is the next line's.
  return JSON.parse(child.stdout.toString()) as Row[];
}

const node = Bun.which("node");
const runs = [
  { name: `Bun ${Bun.version}`, rows: measure([process.execPath]) },
  ...(node === null
    ? []
    : [
        {
          name: `Node ${Bun.spawnSync([node, "--version"]).stdout.toString().trim()}`,
          rows: measure([node]),
        },
      ]),
];

const lines = [
  "# Verification of an ECDSA quote",
  "",
  `Full verification (chain, both CRLs, TCB info, QE identity, quote), warm, medians of ${rounds} interleaved rounds. ${cpus()[0]?.model.trim()}, ${cpus().length} CPUs, Linux ${release()}, ${new Date().toISOString().slice(0, 10)}. The aim is 3 ms.`,
  "",
  "| runtime | evidence | here, ms | dcap-qvl 0.3.9, ms | ratio |",
  "|---|---|---|---|---|",
  ...runs.flatMap(({ name, rows }) =>
    rows.map(
      ({ set, ours, theirs }) =>
        `| ${name} | ${set} | ${ours.toFixed(2)} | ${theirs.toFixed(2)} | ${(ours / theirs).toFixed(2)} |`,
    ),
  ),
  "",
  "dcap-qvl does less: it checks no signature, issuer or date of a CRL, and no TDX module.",
  "",
];
writeFileSync(join(root, "bench/results/attest.md"), lines.join("\n"));
console.log(lines.join("\n"));
