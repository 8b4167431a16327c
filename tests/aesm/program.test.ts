// SPDX-License-Identifier: Apache-2.0
/** The built program: what its front keeps from the engine, and what it leaves in the process list. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { answer } from "../../src/aesm/answer.ts";
import { type Listener, listen } from "../../src/aesm/listener.ts";
import { testPlatform } from "../../src/aesm/testing.ts";

const program = resolve(import.meta.dir, "../../dist/bin/sgx-tools");
const platform = testPlatform();
const spid = "0123456789abcdef0123456789abcdef";
let folder: string;
let service: Listener;
/** Runs when a quote is asked for, while the program waits for it. */
let whileAsking = () => {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "aesm-program-"));
  service = await listen({
    socket: join(folder, "aesm.sock"),
    answer: (message) => {
      whileAsking();
      return answer(platform, message);
    },
  });
  const target = await platform.epid.targetInfo();
  writeFileSync(join(folder, "encl.rep"), platform.report(target));
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(words: readonly string[], env: Readonly<Record<string, string>>) {
  return Bun.spawn([program, ...words], { cwd: folder, env, stdout: "pipe", stderr: "pipe" });
}

test("an SPID from the caller's environment, seen by nobody else", async () => {
  const words = [
    "gen-quote",
    "--aesm-socket",
    "aesm.sock",
    "--quote-type",
    "epidLinkable",
    "--report",
    "encl.rep",
  ];
  let seen = "";
  const child = start(words, { ENCLAVE_RA_EPID_SPID: spid });
  whileAsking = () => {
    const read = (file: string) => readFileSync(`/proc/${child.pid}/${file}`, "latin1");
    seen = `${read("cmdline")} ${read("environ")}`;
  };
  const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  whileAsking = () => {};
  expect(seen).toContain("gen-quote");
  expect(seen).not.toContain(spid);
  const quote = readFileSync(join(folder, "quote.bin"));
  expect(quote.toString("hex", 16, 32)).toBe(spid);
  // The original's mode, less what the umask takes.
  expect(statSync(join(folder, "quote.bin")).mode & 0o777).toBe(0o664 & ~process.umask());
});

test("a file through a pipe, as shells make them of <(...)", async () => {
  const child = Bun.spawn(
    [
      "sh",
      "-c",
      `printf %s "$SECRET" | "$0" gen-quote --aesm-socket aesm.sock --linkable --report encl.rep --quote piped.bin --spid-file /dev/stdin`,
      program,
    ],
    {
      cwd: folder,
      env: { SECRET: spid, PATH: process.env["PATH"] ?? "" },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const piped = readFileSync(join(folder, "piped.bin"));
  expect(piped.equals(readFileSync(join(folder, "quote.bin")))).toBe(true);
});

test("an error on standard error, with its number and what to do", async () => {
  const child = start(["gen-qe-target-info", "--aesm-socket", join(folder, "none")], {});
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect({ out, code }).toEqual({ out: "", code: 1 });
  expect(err).toStartWith(
    `sgx-tools: ask AESM at \`${join(folder, "none")}\`: there is no such socket (AESM_UNREACHABLE)\nhint: start the service`,
  );
});
