// SPDX-License-Identifier: Apache-2.0
/**
 * The Linux kernel's own SGX selftests, unmodified, from Debian's linux-source-6.1: on the platform, and in a container.
 * Fetched and built in a temporary folder by `npm run test:conformance` only.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "../../src/sgx/bytes.ts";
import { measureElf } from "../../src/sgx/elf-image.ts";
import { parseSigstruct } from "../../src/sgx/sigstruct.ts";
import { Sandbox } from "../support/sandbox.ts";
import { isRoot, readTap, run, simulate, simulator, whySkipped } from "./platform.ts";

const headers = join(import.meta.dir, "programs/no-cpuid-fault");
const signer = join(import.meta.dir, "programs/selftest-signer.c");
const TESTS = 16;

let folder = "";
let built = "";
const why = whySkipped !== "" ? whySkipped : obstacle();

beforeAll(async () => {
  if (why === "") built = await build();
}, 300_000);
afterAll(() => {
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(why !== "")(`kernel selftests${why}`, () => {
  test("all pass on the platform", () => {
    const child = run([simulator, "sh", "-c", `cd ${built} && exec ./test_sgx`]);
    expect(summary(child.out)).toEqual({ failed: [], complete: true, passed: TESTS });
  }, 300_000);

  test("and behind a shell, a pipe and an exec", () => {
    const { out } = simulate(["sh", "-c", `cd ${built} && timeout 250 ./test_sgx | cat`]);
    expect(summary(out)).toEqual({ failed: [], complete: true, passed: TESTS });
  }, 300_000);

  test.skipIf(!isRoot)(
    "and in a container",
    async () => {
      await using sandbox = new Sandbox("rune");
      for (const name of ["test_sgx", "test_encl.elf"]) {
        copyFileSync(join(built, name), join(sandbox.bundle.rootfs, name));
      }
      const { status, stdout } = await sandbox.run({
        annotations: { "enclave.platform": "simulation" },
        process: { args: ["/test_sgx"], cwd: "/" },
      });
      expect(summary(stdout.split("\n"))).toEqual({ failed: [], complete: true, passed: TESTS });
      expect(status).toBe(0);
    },
    300_000,
  );
});

/** Not a guess at what a loader does: the selftests' own, which EINIT has agreed with above. */
describe.skipIf(why !== "")("sgx-tools measure", () => {
  for (const heap of [4096, 65_536]) {
    test(`measures their enclave with a heap of ${heap} as their signer signs it`, () => {
      const image = join(built, "test_encl.elf");
      const signing = `${join(built, "signer")} ${image} ${heap} > ${join(folder, "sigstruct")}`;
      const { code, err } = simulate(["sh", "-c", signing]);
      expect([code, err]).toEqual([0, ""]);
      const { enclaveHash } = parseSigstruct(
        new Uint8Array(readFileSync(join(folder, "sigstruct"))),
      );
      const { mrenclave } = measureElf(new Uint8Array(readFileSync(image)), heap);
      expect(toHex(mrenclave)).toBe(toHex(enclaveHash));
    });
  }
});

function summary(lines: readonly string[]) {
  // kselftest writes its results as `ok N name`; what a test says in between begins with #.
  return { ...readTap(lines), passed: lines.filter((line) => /^ok \d+ /.test(line)).length };
}

function must(words: readonly string[], cwd: string): void {
  const child = Bun.spawnSync([...words], { cwd, stdin: "ignore", timeout: 280_000 });
  if (child.exitCode !== 0) throw new Error(`${words.join(" ")}: ${child.stderr.toString()}`);
}

/** Why the tests cannot run here, or "" with the sources in place. */
function obstacle(): string {
  if (process.env["CONFORMANCE"] !== "1") return " (skipped: npm run test:conformance)";
  if (Bun.which("apt-get") === null || Bun.which("dpkg-deb") === null)
    return " (skipped: needs apt)";
  folder = mkdtempSync(join(tmpdir(), "sgxsim-selftests-"));
  try {
    must(["apt-get", "download", "-qq", "linux-source-6.1", "libssl-dev"], folder);
  } catch {
    return " (skipped: apt-get cannot download linux-source-6.1 and libssl-dev)";
  }
  unpack();
  return "";
}

function unpack(): void {
  must(["sh", "-c", "for package in *.deb; do dpkg-deb -x $package packages; done"], folder);
  const parts = [
    "tools/testing/selftests",
    "tools/include",
    "arch/x86/include",
    "include/uapi/asm-generic",
  ];
  const archive = "packages/usr/src/linux-source-6.1.tar.xz";
  const wanted = parts.map((part) => `linux-source-6.1/${part}`);
  must(["tar", "-xf", archive, "--strip-components=1", ...wanted], folder);
}

/** What the Makefile there does, statically, with libcrypto from the package, for containers without libraries. */
async function build(): Promise<string> {
  const source = join(folder, "tools/testing/selftests/sgx");
  const triplet = "usr/lib/x86_64-linux-gnu";
  const includes = [
    ...(cpuidFaults() ? [] : [`-I${headers}`]),
    `-I${join(folder, "tools/include")}`,
    `-I${join(folder, "packages/usr/include")}`,
    `-I${join(folder, "packages/usr/include/x86_64-linux-gnu")}`,
  ];
  const quiet = ["-w", "-Wl,--no-warnings"];
  const host = ["main.c", "load.c", "sigstruct.c", "call.S", "sign_key.S"];
  must(
    [
      "gcc",
      ...quiet,
      ...includes,
      "-static",
      "-z",
      "noexecstack",
      "-o",
      "test_sgx",
      ...host,
    ].concat([join(folder, "packages", triplet, "libcrypto.a"), "-lpthread", "-ldl"]),
    source,
  );
  const signing = [signer, "load.c", "sigstruct.c", "sign_key.S"];
  const own = ["gcc", ...quiet, "-I.", ...includes, "-static", "-z", "noexecstack"];
  must(
    [...own, "-o", "signer", ...signing].concat([
      join(folder, "packages", triplet, "libcrypto.a"),
      "-lpthread",
      "-ldl",
    ]),
    source,
  );
  const flags = "-static -nostdlib -nostartfiles -fPIC -fno-stack-protector -mrdrnd".split(" ");
  const linking = ["-T", "test_encl.lds", "-Wl,--build-id=none", "-o", "test_encl.elf"];
  must(
    ["gcc", ...quiet, ...flags, `-I${join(folder, "tools/include")}`, ...linking].concat([
      "test_encl.c",
      "test_encl_bootstrap.S",
    ]),
    source,
  );
  return source;
}

/** Where CPUID cannot be faulted, programs that execute it see no SGX; the platform says so. */
function cpuidFaults(): boolean {
  return !simulate(["--verbose", "true"]).err.includes("cannot fault");
}
