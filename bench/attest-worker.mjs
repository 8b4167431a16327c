// SPDX-License-Identifier: Apache-2.0
// Times both verifiers in one process and prints medians as JSON: `attest-worker.mjs VECTORS ROUNDS`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { collateralFromJson, verifyQuote } from "../dist/attest/index.js";

const { verify: theirs } = createRequire(import.meta.url)("@phala/dcap-qvl");
const [vectors, rounds] = [process.argv[2], Number(process.argv[3])];
const WARM_UP = 50;

function median(samples) {
  return samples.sort((a, b) => a - b)[Math.floor(samples.length / 2)];
}

function time(run) {
  const start = performance.now();
  run();
  return performance.now() - start;
}

const rows = ["dcap-sgx-v3-phala-confsw", "dcap-tdx-v4-phala-uptodate"].map((set) => {
  const quote = new Uint8Array(readFileSync(join(vectors, set, "quote.bin")));
  const file = readFileSync(join(vectors, set, "collateral.json"));
  const json = JSON.parse(file.toString());
  const at = new Date(Date.parse(JSON.parse(json.tcb_info).issueDate) + 3_600_000);
  const hex = (name) => Buffer.from(json[name], "hex");
  const their = {
    ...json,
    root_ca_crl: hex("root_ca_crl"),
    pck_crl: hex("pck_crl"),
    tcb_info_signature: hex("tcb_info_signature"),
    qe_identity_signature: hex("qe_identity_signature"),
  };
  const runOurs = () => {
    // Reading the collateral belongs to it: a relying party gets bytes.
    const verdict = verifyQuote(quote, collateralFromJson(file), { at, allowTrailing: true });
    if (!verdict.verified) throw verdict.failure;
  };
  const runTheirs = () => theirs(quote, their, Math.floor(at.getTime() / 1000));
  const [ours, others] = [[], []];
  for (let round = 0; round < rounds + WARM_UP; round++) {
    const [one, other] = round % 2 === 0 ? [time(runOurs), time(runTheirs)] : [time(runTheirs), time(runOurs)].reverse();
    if (round < WARM_UP) continue;
    ours.push(one);
    others.push(other);
  }
  return { set, ours: median(ours), theirs: median(others) };
});
console.log(JSON.stringify(rows));
