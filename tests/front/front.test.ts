// SPDX-License-Identifier: Apache-2.0
/** The front in an installation of its own, with a program in the engine's place that tells all. */
import { afterAll, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = join(import.meta.dir, "../..");
const prefix = mkdtempSync(join(tmpdir(), "rune-front-"));
const rune = join(prefix, "bin/rune");
const engine = join(prefix, "lib/inclavare/engine");
const told = `${engine}.json`;

mkdirSync(join(prefix, "bin"));
mkdirSync(join(prefix, "lib/inclavare"), { recursive: true });
run(["make", "-s", "-C", join(repository, "native"), "build/front"]);
run(["gcc", "-O1", "-Wall", "-o", engine, join(import.meta.dir, "engine.c")]);
copyFileSync(join(repository, "native/build/front"), rune);
afterAll(() => rmSync(prefix, { recursive: true, force: true }));

function run(cmd: string[]): void {
  const child = Bun.spawnSync(cmd);
  if (child.exitCode !== 0) throw new Error(`${cmd.join(" ")}: ${child.stderr}`);
}

type Told = {
  readonly argc: number;
  readonly argv: string[];
  readonly environment: string[];
  /** Of the caller, entries separated by NUL. */
  readonly callers: string;
  readonly descriptors: string[];
};

/** Starts the front by way of a shell, which can close and open descriptors. */
function start(command: string, env: Record<string, string> = {}): Told {
  rmSync(told, { force: true });
  const child = Bun.spawnSync(["/bin/sh", "-c", command], {
    env: { RUNE: rune, BIN: join(prefix, "bin"), ...env },
    stdin: "ignore",
  });
  expect(child.exitCode, child.stderr.toString()).toBe(42);
  return JSON.parse(readFileSync(told, "utf8"));
}

function front(environment: readonly string[]) {
  const entry = environment.find((one) => one.startsWith("INCLAVARE_FRONT=")) ?? "";
  const [version, fd, open = ""] = entry.slice("INCLAVARE_FRONT=".length).split(":");
  return { version, fd, open: open.split(",").filter(Boolean).map(Number) };
}

test("the engine gets the caller's arguments, and its tool's name as argv[0]", () => {
  expect(start('exec "$RUNE" a "b c" ""').argv).toEqual([rune, "a", "b c", ""]);
  expect(start('exec "$RUNE"')).toMatchObject({ argc: 1, argv: [rune] });
  symlinkSync("rune", join(prefix, "bin/sgx-tools"));
  expect(start('exec "$BIN/sgx-tools" x').argv).toEqual([join(prefix, "bin/sgx-tools"), "x"]);
});

test("the engine's environment holds nothing of the caller's but what rune obeys", () => {
  const { environment, callers } = start('exec "$RUNE"', {
    BUN_OPTIONS: "--preload=/tmp/evil.ts",
    BUN_BE_BUN: "1",
    BUN_JSC_useJIT: "1",
    LD_PRELOAD: "",
    USER: "me",
    USERNAME: "not-passed",
    XDG_RUNTIME_DIR: "/run/user/7",
    LISTEN_FDS: "2",
    INCLAVARE_FRONT: "1:0:7",
  });
  expect(environment.map((entry) => entry.split("=")[0]).sort()).toEqual([
    "BUN_JSC_useJIT",
    "INCLAVARE_FRONT",
    "LISTEN_FDS",
    "MIMALLOC_ALLOW_THP",
    "USER",
    "XDG_RUNTIME_DIR",
  ]);
  expect(environment).toContain("USER=me");
  expect(environment).toContain("BUN_JSC_useJIT=0");
  expect(environment).not.toContain("INCLAVARE_FRONT=1:0:7");
  const entries = callers.split("\0");
  expect(entries).toContain("BUN_OPTIONS=--preload=/tmp/evil.ts");
  expect(entries).toContain("INCLAVARE_FRONT=1:0:7");
  expect(callers.endsWith("\0")).toBe(true);
});

test("the shim's server, which stays, is tuned to be small; its other calls to be quick", () => {
  symlinkSync("rune", join(prefix, "bin/containerd-shim-rune-v2"));
  const tuning = (action: string) =>
    start(`exec "$BIN/containerd-shim-rune-v2" -namespace x ${action}`).environment.filter(
      (entry) => !entry.startsWith("INCLAVARE_FRONT="),
    );
  expect(tuning("serve").sort()).toEqual(["BUN_GC_TIMER_DISABLE=1", "BUN_JSC_useJIT=0"]);
  expect(tuning("start").sort()).toEqual(["BUN_JSC_useJIT=0", "MIMALLOC_ALLOW_THP=1"]);
});

test("an environment larger than a pipe or a page travels whole", () => {
  const large = "x".repeat(100_000);
  const { callers } = start('exec "$RUNE"', { A: large, B: large, EMPTY: "" });
  expect(callers.split("\0")).toEqual(
    expect.arrayContaining([`A=${large}`, `B=${large}`, "EMPTY="]),
  );
});

test("open descriptors are noted, and the front's own are not among them", () => {
  const { environment, descriptors } = start('exec "$RUNE" 5</dev/null 9</dev/zero');
  const { version, fd, open } = front(environment);
  expect(version).toBe("1");
  expect(open).toEqual([5, 9]);
  const numbers = descriptors.map((line) => Number(line.split(" ")[0]));
  expect(numbers.sort((a, b) => a - b)).toEqual([0, 1, 2, 5, 9, Number(fd)].sort((a, b) => a - b));
  expect(descriptors.find((line) => line.startsWith(`${fd} `))).toContain("memfd:environment");
  expect(front(start('exec "$RUNE"').environment).open).toEqual([]);
});

test("closed standard streams are filled, so that nothing else takes their numbers", () => {
  const closed = start('exec "$RUNE" <&- >&- 2>&-').descriptors;
  expect(closed.slice(0, 3).sort()).toEqual(["0 /dev/null r", "1 /dev/null w", "2 /dev/null w"]);
  const one = start('exec "$RUNE" >&-');
  expect(one.descriptors).toContain("1 /dev/null w");
  expect(front(one.environment).open).toEqual([]);
  expect(start('exec "$RUNE" <&- 3</dev/zero').descriptors).toContain("3 /dev/zero r");
});

const limit = /^Max open files +\d+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
test.skipIf(Number(limit) < 9100)(
  "more descriptors than there is room to note are refused, not forgotten (needs 9100 of them)",
  () => {
    const open = 'for i in $(seq 10 9000); do eval "exec $i</dev/null"; done; exec "$RUNE"';
    const child = Bun.spawnSync(["bash", "-c", `ulimit -n 9100; ${open}`], {
      env: { RUNE: rune, PATH: "/usr/bin:/bin" },
    });
    expect(child.exitCode).toBe(1);
    expect(child.stderr.toString()).toContain("list descriptors");
  },
);

test("a front that is started through a link finds the engine of its own installation", () => {
  const link = join(prefix, "elsewhere");
  symlinkSync(rune, link);
  expect(start('exec "$BIN/../elsewhere" x').argv).toEqual([`${prefix}/bin/../elsewhere`, "x"]);
});

test("without an engine the front says what is missing", () => {
  renameSync(engine, `${engine}.away`);
  const child = Bun.spawnSync([rune]);
  renameSync(`${engine}.away`, engine);
  expect(child.exitCode).toBe(1);
  expect(child.stderr.toString()).toBe(
    `rune: execute \`${engine}\`: No such file or directory\nhint: is lib/inclavare installed beside bin?\n`,
  );
});
