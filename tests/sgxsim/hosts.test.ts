// SPDX-License-Identifier: Apache-2.0
/**
 * Host programs of many languages, each with a runtime that has signals, stacks and memory of its own,
 * all with the skeleton enclave in them: through cgo, Rust, JNI, ctypes and bun:ffi.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { removeTree } from "../support/remove.ts";
import { run, simulator, Workshop, whySkipped } from "./platform.ts";

const root = resolve(import.meta.dir, "../..");
const library = join(root, "dist/lib/inclavare");
const skeleton = join(library, "liberpal-skeleton-v3.so");
const sources = join(import.meta.dir, "programs/hosts");
const missing = whySkipped || (existsSync(skeleton) ? "" : " (skipped: needs `npm run build`)");
const reports = "100";

let workshop: Workshop;
let mrenclave = "";
beforeAll(() => {
  workshop = new Workshop();
  if (missing !== "") return;
  const tool = join(root, "dist/bin/sgx-tools");
  const { out } = run([tool, "inspect", "--json", join(library, "encl.ss")]);
  mrenclave = JSON.parse(out.join("")).mrenclave;
});
afterAll(() => removeTree(workshop.folder));

/** Runs in the folder of the enclave's image. */
function simulated(words: readonly string[]) {
  const child = Bun.spawnSync([simulator, ...words], {
    cwd: library,
    stdin: "ignore",
    stderr: "pipe",
    timeout: 120_000,
  });
  return {
    code: child.exitCode,
    signal: child.signalCode,
    // The skeleton greets when it is initialised.
    out: child.stdout.toString().replace("Hello Inclavare Containers!\n", "").trim(),
    err: child.stderr.toString(),
  };
}

function must(words: readonly string[], environment: Record<string, string> = {}): void {
  const { code, err } = run(words, environment);
  if (code !== 0) throw new Error(`${words.join(" ")}: ${err}`);
}

function reportsItself(words: readonly string[]): void {
  const { code, signal, out, err } = simulated(words);
  expect({ code, signal, out, err: code === 0 ? "" : err }).toEqual({
    code: 0,
    signal: undefined,
    out: mrenclave,
    err: "",
  });
}

const has = (name: string) => Bun.which(name) !== null;

describe.skipIf(missing !== "")(`hosts${missing}`, () => {
  test.skipIf(!has("go"))("Go, with preempted goroutines, collections and a nil pointer", () => {
    const program = workshop.path("host-go");
    must(["go", "build", "-o", program, join(sources, "host.go")], {
      GOCACHE: workshop.path("go-cache"),
      GO111MODULE: "off",
    });
    reportsItself([program, skeleton, reports]);
    reportsItself(["--fidelity", program, skeleton, reports]);
  });

  test.skipIf(!has("rustc"))("Rust, with threads that unwind", () => {
    const program = workshop.path("host-rs");
    must(["rustc", "-O", "-o", program, join(sources, "host.rs")]);
    reportsItself([program, skeleton, reports]);
  });

  test.skipIf(!has("javac"))("Java, with null checks and safepoints by SIGSEGV", () => {
    const java = dirname(
      dirname(
        Bun.spawnSync(["readlink", "-f", Bun.which("javac") ?? ""])
          .stdout.toString()
          .trim(),
      ),
    );
    const shim = workshop.path("libshim.so");
    const headers = [`-I${java}/include`, `-I${java}/include/linux`];
    must(["gcc", "-shared", "-fPIC", ...headers, "-o", shim, join(sources, "shim.c"), "-ldl"]);
    must(["javac", "-d", workshop.folder, join(sources, "Host.java")]);
    // -Xint would check for null without a fault.
    const words = ["java", "-cp", workshop.folder, "-Xmx64m", "Host", shim, skeleton, reports];
    reportsItself(words);
  });

  test.skipIf(!has("python3"))("Python, with a child process", () => {
    reportsItself(["python3", join(sources, "host.py"), skeleton, reports]);
  });

  test("JavaScript: Bun, with a worker and collections", () => {
    reportsItself([process.execPath, join(sources, "host.ts"), skeleton, reports]);
  });
});
