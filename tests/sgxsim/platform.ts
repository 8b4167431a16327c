// SPDX-License-Identifier: Apache-2.0
/** Builds the tests' host programs and their enclave, signs it, and runs programs on the platform. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { measure } from "../../src/sgx/measurement.ts";
import { PAGE_BYTES, SECINFO } from "../../src/sgx/secs.ts";
import { signSigstruct } from "../../src/sgx/sign.ts";
import type { SigstructBody } from "../../src/sgx/sigstruct.ts";
import { removeTree } from "../support/remove.ts";

const root = resolve(import.meta.dir, "../..");
const programs = join(import.meta.dir, "programs");

export const simulator = join(root, "native/build/lib/sgxsim");
export const sources = join(root, "native/sgxsim");
export const protocolPage = join(root, "docs/protocol/simulation.md");

/** For names of tests: why nothing here can run, or "". */
export const whySkipped = existsSync(simulator) ? "" : " (skipped: run `make -C native` first)";
export const isRoot = process.getuid?.() === 0;

/** Size and pages of programs/enclave.S; host.c adds them with the same permissions. */
const ENCLAVE_BYTES = 0x10000n;
const SSA_FRAME_PAGES = 1;
const TCS_PAGES = [0, 7];
const CODE_PAGE = 1;

export type Run = { readonly code: number | null; readonly out: string[]; readonly err: string };

/** A folder with what the tests have built; removed when disposed of. */
export class Workshop implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "sgxsim-test-"));
  readonly #key: KeyObject;

  constructor() {
    this.#key = generateKeyPairSync("rsa", { modulusLength: 3072, publicExponent: 3 }).privateKey;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Compiles programs/NAME.c; "static" for roots without libraries. */
  compile(name: string, linking: "dynamic" | "static" = "dynamic"): string {
    const output = this.path(linking === "static" ? `${name}-static` : name);
    const sources = [join(programs, `${name}.c`)];
    if (name !== "confine") sources.push(join(programs, "host.c"));
    const flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1"];
    if (linking === "static") flags.push("-static");
    must(["gcc", ...flags, "-o", output, ...sources, "-lm", "-lpthread"]);
    return output;
  }

  /** Builds the enclave's image and signs it: enclave.bin and enclave.ss. Returns MRENCLAVE. */
  buildEnclave(changes: Partial<SigstructBody> = {}): Uint8Array {
    const [object, linked, image] = ["enclave.o", "enclave.elf", "enclave.bin"].map((name) =>
      this.path(name),
    );
    if (object === undefined || linked === undefined || image === undefined) throw new Error();
    must(["gcc", "-c", join(programs, "enclave.S"), "-o", object]);
    must([
      "ld",
      "--no-warn-rwx-segments",
      "-T",
      join(programs, "enclave.lds"),
      "-o",
      linked,
      object,
    ]);
    must(["objcopy", "-O", "binary", linked, image]);
    const mrenclave = measureImage(readFileSync(image));
    const body = { ...signedBody(mrenclave), ...changes };
    writeFileSync(this.path("enclave.ss"), signSigstruct(body, this.#key));
    return mrenclave;
  }

  [Symbol.dispose](): void {
    removeTree(this.folder);
  }
}

/** Runs a program on the platform. */
export function simulate(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Run {
  return run([simulator, ...words], environment);
}

export function run(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Run {
  const child = Bun.spawnSync([...words], {
    stdin: "ignore",
    timeout: 60_000,
    env: { ...process.env, ...environment },
  });
  const out = child.stdout.toString().split("\n").slice(0, -1);
  return { code: child.exitCode, out, err: child.stderr.toString() };
}

/** The failed lines of a TAP stream, and whether it came to its plan. */
export function readTap(lines: readonly string[]): { failed: string[]; complete: boolean } {
  const results = lines.filter((line) => /^(not )?ok /.test(line));
  const plan = lines.find((line) => /^1\.\.\d+$/.test(line));
  return {
    failed: results.filter((line) => line.startsWith("not ok")),
    complete: results.length > 0 && plan === `1..${results.length}`,
  };
}

function measureImage(image: Uint8Array): Uint8Array {
  const measurement = measure(SSA_FRAME_PAGES, ENCLAVE_BYTES);
  for (let at = 0; at < image.length; at += PAGE_BYTES) {
    const page = image.slice(at, at + PAGE_BYTES);
    measurement.addMeasured(BigInt(at), secinfoFlags(at / PAGE_BYTES), page);
  }
  return measurement.finish();
}

function secinfoFlags(page: number): bigint {
  if (TCS_PAGES.includes(page)) return SECINFO.TCS;
  return SECINFO.REG | SECINFO.R | (page === CODE_PAGE ? SECINFO.X : SECINFO.W);
}

/** MODE64BIT; DEBUG may be added by whoever launches it. */
function signedBody(enclaveHash: Uint8Array): SigstructBody {
  return {
    type: 0,
    vendor: 0,
    date: 0x20261124,
    swDefined: 0,
    miscSelect: 1,
    miscMask: 0xffff_ffff,
    cetAttributes: 0,
    cetAttributesMask: 0,
    isvFamilyId: new Uint8Array(16),
    attributes: { flags: 4n, xfrm: 3n },
    attributeMask: { flags: 0xffff_ffff_ffff_fffdn, xfrm: 3n },
    enclaveHash,
    isvExtProdId: new Uint8Array(16),
    isvProdId: 7,
    isvSvn: 3,
  };
}

function must(words: readonly string[]): void {
  const { code, err } = run(words);
  if (code !== 0) throw new Error(`${words.join(" ")}: ${err}`);
}
