// SPDX-License-Identifier: Apache-2.0
/** The tools as a user calls them: a process each, files in a folder of their own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSigstruct } from "../sgx/sigstruct.ts";
import { newSigningKey, testImage, withByte } from "../sgx/testing.ts";
import { verifySigstruct } from "../sgx/verify.ts";
import { isReadableByOthers, readInput, writeOutput } from "./files.ts";
import { parseDate, parseHex, parseHex32 } from "./values.ts";

let folder: string;
const path = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sgx-tools-test-"));
  const key = newSigningKey();
  const pem = key.export({ type: "pkcs1", format: "pem" });
  writeFileSync(path("key.pem"), pem, { mode: 0o600 });
  writeFileSync(path("image"), testImage({ note: true }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Result = { readonly code: number; readonly out: string; readonly err: string };

/** Runs one command line, in a process because output goes to the real descriptor 1. */
function tool(...args: string[]): Result {
  const source = `
    import { main } from ${JSON.stringify(join(import.meta.dir, "main.ts"))};
    import { describeError, RuneError } from ${JSON.stringify(join(import.meta.dir, "../errors/error.ts"))};
    try { process.exit(await main(process.argv.slice(1))); } catch (error) {
      console.error(describeError(RuneError.from(error, "sgx-tools")));
      process.exit(1);
    }`;
  const child = Bun.spawnSync([process.execPath, "-e", source, "--", ...args], { cwd: folder });
  return { code: child.exitCode, out: child.stdout.toString(), err: child.stderr.toString() };
}

describe("sign", () => {
  test("makes a SIGSTRUCT that verifies and measures the image", () => {
    const signed = tool("sign", "--date", "20261123", "--isv-svn", "3", "key.pem", "image", "a.ss");
    expect(signed).toEqual({ code: 0, out: "", err: "" });
    const { sigstruct } = verifySigstruct(readInput(path("a.ss"), 1808));
    expect([sigstruct.date, sigstruct.isvSvn]).toEqual([0x2026_1123, 3]);
    const measured = tool("measure", "--sigstruct", "a.ss", "image");
    expect(measured).toEqual({
      code: 0,
      out: `${Buffer.from(sigstruct.enclaveHash).toString("hex")}\n`,
      err: "",
    });
  });

  test("writes metadata only when told to, and measures it", () => {
    writeFileSync(path("moved"), testImage());
    expect(tool("sign", "key.pem", "moved", "b.ss").code).toBe(0);
    expect(readInput(path("moved"), 1 << 20)).toEqual(testImage());
    const words = ["-N", "-n", "-m", "20000", "--mmap-size", "65536"];
    expect(tool("sign", ...words, "key.pem", "moved", "b.ss").code).toBe(0);
    const view = JSON.parse(tool("inspect", "--json", "moved").out);
    expect(view).toMatchObject({
      type: "image",
      maxMmapSize: 65536,
      nullDereferenceProtection: true,
      mmapMinAddr: "0x20000",
    });
    expect(JSON.parse(tool("measure", "--json", "--sigstruct", "b.ss", "moved").out)).toMatchObject(
      {
        imageOffset: 0x20000,
        mappedBytes: 65536,
        enclaveBytes: 0x40000,
      },
    );
    expect(parseSigstruct(readInput(path("b.ss"), 1808)).attributes.flags).toBe(4n);
  });

  test("a key that others can read is used, with a warning", () => {
    writeFileSync(path("open.pem"), readFileSync(path("key.pem")));
    chmodSync(path("open.pem"), 0o644);
    const { code, err } = tool("sign", "open.pem", "image", "c.ss");
    expect([code, err]).toEqual([0, "warning: signing key `open.pem` is readable by others\n"]);
    expect(isReadableByOthers(path("key.pem"))).toBe(false);
    expect(isReadableByOthers("/dev/null")).toBe(false);
  });

  test("failures name the file and leave no output", () => {
    writeFileSync(path("no.pem"), "-----BEGIN NOTHING-----\n");
    const cases: readonly (readonly [string[], string])[] = [
      [["sign", "no.pem", "image", "x.ss"], "read key `no.pem`: it is no unencrypted PEM key"],
      [["sign", "absent", "image", "x.ss"], "read `absent`: no such file or directory (SYSCALL)"],
      [["sign", ".", "image", "x.ss"], "read `.`: is a directory"],
      [["sign", "key.pem", "key.pem", "x.ss"], "hold no TCS and metadata page"],
      [["sign", "-a", "zz", "key.pem", "image", "x.ss"], "`--attrs`: expected a hexadecimal"],
      [["sign", "-x", "4", "key.pem", "image", "x.ss"], "choose XFRM: bits 0x3 must be set"],
      [["sign", "--date", "20260231", "key.pem", "image", "x.ss"], "expected a date as yyyymmdd"],
      [["sign", "key.pem", "image"], "expected 3 to 4 arguments"],
      [["frob"], "no such command `frob`"],
    ];
    for (const [args, text] of cases) {
      const { code, out, err } = tool(...args);
      expect([args, code, out]).toEqual([args, 1, ""]);
      expect(err).toContain(text);
    }
    expect(() => readFileSync(path("x.ss"))).toThrow();
  });
});

describe("signing elsewhere", () => {
  test("gendata, openssl and catsig give what sign gives", () => {
    const date = ["--date", "20261123"];
    expect(tool("sign", ...date, "--tbs", "direct.tbs", "key.pem", "image", "direct.ss").code).toBe(
      0,
    );
    expect(tool("gendata", ...date, "image", "out.tbs").code).toBe(0);
    expect(readFileSync(path("out.tbs"))).toEqual(readFileSync(path("direct.tbs")));
    for (const command of [
      ["rsa", "-in", "key.pem", "-pubout", "-out", "public.pem"],
      ["dgst", "-sha256", "-sign", "key.pem", "-out", "out.sig", "out.tbs"],
    ]) {
      expect(Bun.spawnSync(["openssl", ...command], { cwd: folder }).exitCode).toBe(0);
    }
    const words = ["--public-key", "public.pem", "--signature", "out.sig"];
    expect(tool("catsig", ...words, "out.tbs", "out.ss")).toEqual({ code: 0, out: "", err: "" });
    expect(readFileSync(path("out.ss"))).toEqual(readFileSync(path("direct.ss")));
  });

  test("catsig refuses another signature and wants both files", () => {
    writeFileSync(path("bad.sig"), Buffer.from(withByte(readFileSync(path("out.sig")), 200)));
    const words = ["--public-key", "public.pem", "--signature", "bad.sig"];
    expect(tool("catsig", ...words, "out.tbs", "bad.ss").err).toContain("(SGX_SIGNATURE)");
    expect(tool("catsig", "out.tbs", "bad.ss").err).toContain("flag `--public-key` is missing");
  });
});

describe("measure", () => {
  test("says which SIGSTRUCT is for another image, page layout or XFRM", () => {
    tool("sign", "--pages", "noted", "key.pem", "image", "noted.ss");
    expect(tool("measure", "--sigstruct", "noted.ss", "image").code).toBe(0);
    const { code, err } = tool(
      "measure",
      "--sigstruct",
      "noted.ss",
      "--pages",
      "published",
      "image",
    );
    expect([code, err.includes("the image measures")]).toEqual([1, true]);
    writeFileSync(path("changed"), withByte(readFileSync(path("image")), 5000));
    expect(tool("measure", "--sigstruct", "noted.ss", "changed").code).toBe(1);
    expect(tool("measure", "image").out).not.toBe(tool("measure", "-x", "602e7", "image").out);
  });
});

describe("inspect", () => {
  test("tells the records by their sizes and prints what they say", () => {
    tool("sign", "--date", "20261123", "key.pem", "image", "d.ss");
    const sigstruct = JSON.parse(tool("inspect", "--json", "d.ss").out);
    expect(sigstruct).toMatchObject({
      type: "sigstruct",
      signatureValid: true,
      signatureFault: null,
      date: "20261123",
      attributes: { flags: "0x6", flagNames: ["DEBUG", "MODE64BIT"], xfrm: "0x3" },
    });
    const text = tool("inspect", "d.ss").out;
    expect(text).toContain(`mrenclave  `);
    expect(text).toContain(sigstruct.mrsigner);
    writeFileSync(path("report"), new Uint8Array(432));
    writeFileSync(path("token"), new Uint8Array(304));
    writeFileSync(path("target"), new Uint8Array(512));
    expect(JSON.parse(tool("inspect", "--json", "report").out).type).toBe("report");
    expect(JSON.parse(tool("inspect", "--json", "token").out)).toMatchObject({
      type: "einittoken",
      valid: false,
    });
    expect(JSON.parse(tool("inspect", "--json", "target").out).type).toBe("targetinfo");
    expect(tool("inspect", "--type", "report", "target").err).toContain(
      "512 bytes instead of 432 (SGX_FORMAT)",
    );
  });

  test("a changed SIGSTRUCT is shown with what is wrong", () => {
    writeFileSync(path("e.ss"), withByte(readFileSync(path("d.ss")), 960));
    expect(JSON.parse(tool("inspect", "--json", "e.ss").out)).toMatchObject({
      signatureValid: false,
      signatureFault: "SIGNATURE is not MODULUS's over the signed fields",
    });
  });
});

test("help and version", () => {
  expect(tool().out).toContain("measure and sign an enclave image");
  expect(tool("--help").out).toBe(tool().out);
  expect(tool("sign", "--help").out).toContain("--null_dereference_protection, -n");
  expect(tool("--version").out).toBe("sgx-tools version source\n");
});

test("values are parsed whole or refused", () => {
  expect(parseHex("x", "0xFf")).toBe(255n);
  expect(parseHex("x", undefined)).toBeUndefined();
  for (const bad of ["", "0x", "g", "-1", "1 ", "10000000000000000"]) {
    expect(() => parseHex("x", bad)).toThrow("hexadecimal");
  }
  expect(() => parseHex32("x", "100000000")).toThrow("32 bits");
  expect(parseDate(undefined, new Date("2026-01-02T23:59:59Z"))).toBe(0x2026_0102);
  for (const bad of ["2026", "20261301", "20260229", "2026-1-1"]) {
    expect(() => parseDate(bad, new Date(0))).toThrow("yyyymmdd");
  }
});

test("output replaces a file in one step and keeps its mode", () => {
  writeFileSync(path("old"), "old", { mode: 0o600 });
  writeOutput(path("old"), new Uint8Array([1]));
  expect(new Uint8Array(readFileSync(path("old")))).toEqual(new Uint8Array([1]));
  expect(() => writeOutput(path("no/such/folder"), new Uint8Array(1))).toThrow("no such file");
  writeOutput("/dev/null", new Uint8Array(1));
  expect(() => readInput("/dev/zero", 100)).toThrow("more than 100 bytes");
});
