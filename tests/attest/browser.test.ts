// SPDX-License-Identifier: Apache-2.0
/** `--html` in a real browser: what a person sees, and that a stranger's names do nothing there. */
import { afterAll, beforeAll, expect } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archiveFiles } from "../../src/attest/testing/archive.ts";
import { name } from "../../src/attest/testing/authority.ts";
import { type Evidence, makeEvidence, NOW } from "../../src/attest/testing/evidence.ts";
import { toPem } from "../../src/attest/x509/pem.ts";
import { command } from "../support/command.ts";
import { needs, repository } from "../support/runtime.ts";

const tool = join(repository, "dist/bin/sgx-tools");
const browser = "/usr/bin/chromium";
const test = needs(
  existsSync(tool) ? (existsSync(browser) ? undefined : "needs chromium") : "needs `npm run build`",
);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "attest-browser-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The page of a verdict: written by the tool, whose status is returned. */
async function judged(title: string, evidence: Evidence, ...more: string[]) {
  const at = (file: string) => join(folder, file);
  mkdirSync(at(`${title}.d`));
  for (const [file, bytes] of archiveFiles(evidence)) {
    writeFileSync(join(at(`${title}.d`), file), bytes);
  }
  writeFileSync(at(`${title}.quote`), evidence.quote);
  writeFileSync(at(`${title}.pem`), toPem(evidence.ders.root, "CERTIFICATE"));
  const words = ["--quote", at(`${title}.quote`), "--collateral", at(`${title}.d`)];
  const trust = ["--at", NOW.toISOString(), "--trust-root", at(`${title}.pem`)];
  const page = at(`${title}.html`);
  const { status, stderr } = await command([
    tool,
    "verify-quote",
    ...words,
    ...trust,
    ...["--html", page],
    ...more,
  ]);
  expect(stderr).toBe("");
  return { status, page };
}

/** Without a network, and without a home: a page needs nothing. */
function browse(...words: string[]) {
  const own = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  const alone = ["--no-first-run", `--user-data-dir=${join(folder, "profile")}`];
  const quiet = ["--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND"];
  return command(["timeout", "-k", "5", "120", browser, ...own, ...alone, ...quiet, ...words], {
    env: { PATH: "/usr/bin:/bin", HOME: folder },
  });
}

const HOSTILE = `<script>document.title="injected"</script><img src=x onerror="document.title='injected'">`;

test("a browser shows the verdict, the chain and the platform's level", async () => {
  const { status, page } = await judged("good", makeEvidence());
  expect(status).toBe(0);
  const { stdout } = await browse("--dump-dom", `file://${page}`);
  expect(stdout).toContain("<h1>Accepted: UpToDate</h1>");
  expect(stdout).toContain(">Test SGX Root CA</text>");
  expect(stdout).toContain('<tr class="here">');
  const picture = join(folder, "good.png");
  await browse(`--screenshot=${picture}`, "--window-size=1000,1600", `file://${page}`);
  const png = readFileSync(picture);
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1000, 1600]);
});

test("a certificate's subject is text there, and runs nothing", async () => {
  const { status, page } = await judged(
    "hostile",
    makeEvidence({ pck: { subject: name(HOSTILE) } }),
  );
  expect(status).not.toBe(0);
  const { stdout } = await browse("--dump-dom", `file://${page}`);
  expect(stdout).toContain("<title>Refused: ");
  expect(stdout).toContain("&lt;script&gt;document.title=");
  expect(stdout).not.toMatch(/<(script|img)/);
});

test("the browser would have run it, had it been let through", async () => {
  const page = join(folder, "bare.html");
  writeFileSync(page, `<title>bare</title>${HOSTILE}`);
  const { stdout } = await browse("--dump-dom", `file://${page}`);
  expect(stdout).toContain("<title>injected</title>");
});

test("an inspected enclave's attributes are decoded for a person", async () => {
  const { quote } = makeEvidence();
  const [file, page] = [join(folder, "inspected.quote"), join(folder, "inspected.html")];
  writeFileSync(file, quote);
  const { status, stderr } = await command([tool, "inspect", "--html", page, file]);
  expect([status, stderr]).toEqual([0, ""]);
  const { stdout } = await browse("--dump-dom", `file://${page}`);
  expect(stdout).toContain("runs 64-bit code");
  expect(stdout).toContain('aria-label="chain of trust"');
});
