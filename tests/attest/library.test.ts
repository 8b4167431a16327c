// SPDX-License-Identifier: Apache-2.0
/** The library as relying parties have it: built, under Node, from its documentation. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { archiveFiles } from "../../src/attest/testing/archive.ts";
import { makeEvidence, NOW } from "../../src/attest/testing/evidence.ts";
import { toPem } from "../../src/attest/x509/pem.ts";

const root = resolve(import.meta.dir, "../..");
const node = Bun.which("node");
const why = node === null ? " (skipped: node is not installed)" : "";

describe.skipIf(node === null)(`inclavare-containers/attest under Node${why}`, () => {
  let folder: string;
  const evidence = makeEvidence();

  beforeAll(() => {
    const built = Bun.spawnSync(["sh", join(root, "scripts/build-library.sh")]);
    expect(built.stderr.toString()).toBe("");
    expect(built.exitCode).toBe(0);
    // Inside the project, where its own name resolves.
    mkdirSync(join(root, "dist/test"), { recursive: true });
    folder = mkdtempSync(join(root, "dist/test/attest-"));
    mkdirSync(join(folder, "archive"));
    for (const [name, bytes] of archiveFiles(evidence)) {
      writeFileSync(join(folder, "archive", name), bytes);
    }
    writeFileSync(join(folder, "quote.bin"), evidence.quote);
    writeFileSync(join(folder, "changed.bin"), evidence.quote.with(60, 1));
    writeFileSync(join(folder, "root.pem"), toPem(evidence.ders.root, "CERTIFICATE"));
    const page = readFileSync(join(root, "docs/reference/attest-library.md"), "utf8");
    const example = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    writeFileSync(join(folder, "example.mjs"), example);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(quote: string, at: Date): { code: number; out: string; err: string } {
    const words = ["example.mjs", quote, "archive", "root.pem", at.toISOString()];
    const child = Bun.spawnSync([node ?? "node", ...words], { cwd: folder });
    return {
      code: child.exitCode,
      out: child.stdout.toString(),
      err: child.stderr.toString(),
    };
  }

  test("the example of the documentation accepts a good quote", () => {
    const { code, out, err } = run("quote.bin", NOW);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("ok PCK CRL");
    expect(out).toContain("accepted UpToDate []");
  });
  test("and refuses a changed one, and one a year later", () => {
    expect(run("changed.bin", NOW)).toMatchObject({ code: 1 });
    expect(run("changed.bin", NOW).out).toContain("refused ATTEST_SIGNATURE");
    expect(run("quote.bin", new Date(NOW.getTime() + 365 * 86_400_000)).out).toContain(
      "ATTEST_TIME",
    );
  });
  test("the bundle is one module that needs Node alone", () => {
    const source = readFileSync(join(root, "dist/attest/index.js"), "utf8");
    const imports = [...source.matchAll(/^import .* from "(.*)";$/gm)].map(([, name]) => name);
    expect(new Set(imports)).toEqual(new Set(["node:crypto"]));
    expect(source).not.toMatch(/\bBun\./);
  });
  test("its types are enough for a program under Node's resolution", () => {
    writeFileSync(
      join(folder, "consumer.mts"),
      `import { verifyQuote, type Collateral, type QuoteVerdict } from "inclavare-containers/attest";
export function status(quote: Uint8Array, collateral: Collateral): string {
  const verdict: QuoteVerdict = verifyQuote(quote, collateral, { at: new Date() });
  if (!verdict.verified) return verdict.failure.code;
  // @ts-expect-error: a status is one of a closed list
  if (verdict.status === "Fine") return "";
  return verdict.quote.body.tee === "sgx" ? verdict.status : String(verdict.quote.body.td.xfam);
}
`,
    );
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          target: "es2022",
          module: "nodenext",
          moduleResolution: "nodenext",
          types: [],
        },
        files: ["consumer.mts"],
      }),
    );
    const tsc = join(root, "node_modules/@typescript/typescript-linux-x64/lib/tsc");
    const checked = Bun.spawnSync([tsc, "-p", folder], { cwd: folder });
    expect(checked.stdout.toString()).toBe("");
    expect(checked.exitCode).toBe(0);
  });
});
