// SPDX-License-Identifier: Apache-2.0
/** The whole command line in a process of its own, as the front starts it: streams and exit status. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const scratch = mkdtempSync(join(tmpdir(), "rune-main-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const source = join(import.meta.dir, "../main.ts");

function rune(...words: string[]) {
  return started({ INCLAVARE_FRONT: "1:3:" }, "rune", words);
}

function started(env: Record<string, string>, argv0: string, words: string[]) {
  const defines = ['BUILD_VERSION="9.8.7"', 'BUILD_COMMIT="abc"'].flatMap((define) => [
    "--define",
    define,
  ]);
  const child = Bun.spawnSync({
    cmd: [process.execPath, ...defines, source, ...words],
    argv0,
    env,
    cwd: scratch,
    stdin: "ignore",
  });
  return { status: child.exitCode, out: child.stdout.toString(), err: child.stderr.toString() };
}

const root = ["--root", join(scratch, "root")];

test("what only prints goes to standard output, with status 0", () => {
  expect(rune("--version")).toMatchObject({
    status: 0,
    out: expect.stringContaining("9.8.7"),
    err: "",
  });
  expect(rune("help")).toMatchObject({
    status: 0,
    out: expect.stringContaining("create"),
    err: "",
  });
  expect(rune(...root, "list", "-f", "json")).toEqual({ status: 0, out: "null\n", err: "" });
});

test("an error is one record on standard error, with status 1", () => {
  for (const [words, code] of [
    [["no-such-verb"], "USAGE"],
    [["--no-such-flag"], "USAGE"],
    [["start"], "USAGE"],
    [["start", "a/b"], "ID_INVALID"],
    [[...root, "start", "web"], "CONTAINER_NOT_FOUND"],
    [[...root, "create", "web"], "CONFIG_NOT_FOUND"],
  ] as const) {
    const { status, out, err } = rune(...words);
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(new RegExp(`^time="[^"]+" level=error msg=.* code=${code}.*\n$`));
  }
});

test("a failed exec ends with 255, which callers tell from the program's own status", () => {
  const { status, err } = rune(...root, "exec", "web", "ls");
  expect(status).toBe(255);
  expect(err).toContain("CONTAINER_NOT_FOUND");
});

test("records go to the log file where there is one, and the error also to standard error", () => {
  const log = join(scratch, "log");
  writeFileSync(log, "before\n");
  const { status, err } = rune("--log", log, "--log-format", "json", ...root, "state", "web");
  expect(status).toBe(1);
  const [before, record = "", rest] = readFileSync(log, "utf8").split("\n");
  expect([before, rest]).toEqual(["before", ""]);
  expect(JSON.parse(record)).toMatchObject({
    level: "error",
    code: "CONTAINER_NOT_FOUND",
    container: "web",
  });
  expect(err).toContain("container does not exist");
});

test("the engine refuses to start without its front, and under a name that is no tool", () => {
  const alone = started({}, "rune", ["list"]);
  expect(alone).toMatchObject({
    status: 1,
    err: expect.stringContaining("started by its front only"),
  });
  const unknown = started({ INCLAVARE_FRONT: "1:3:" }, "/usr/bin/what", []);
  expect(unknown).toMatchObject({ status: 1, err: expect.stringContaining("no such tool") });
});
