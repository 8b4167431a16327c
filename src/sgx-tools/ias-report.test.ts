// SPDX-License-Identifier: Apache-2.0
/** `get-ias-report` against a service with a test authority's key. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer } from "../aesm/answer.ts";
import { aesmClient } from "../aesm/client.ts";
import { epidQuote } from "../aesm/quoting.ts";
import { testPlatform } from "../aesm/testing.ts";
import { makeEvidence } from "../attest/testing/evidence.ts";
import { makeIasReport } from "../attest/testing/ias.ts";
import { toPem } from "../attest/x509/pem.ts";
import { runTool } from "./testing.ts";

let folder: string;
const path = (name: string) => join(folder, name);
const tool = (...args: string[]) => runTool({ folder }, ...args);
const spid = "5d".repeat(16);
const key = "0123456789abcdef0123456789abcdef";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sgx-tools-ias-"));
  const platform = testPlatform();
  const exchange = (message: Uint8Array) => answer(platform, message);
  const quote = await epidQuote(aesmClient({ exchange, timeoutMs: 1000 }), {
    report: platform.report(await platform.epid.targetInfo()),
    linkable: true,
    spid: Buffer.from(spid, "hex"),
  });
  writeFileSync(path("epid.bin"), quote);
  writeFileSync(path("ecdsa.bin"), makeEvidence().quote);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("get-ias-report", () => {
  type Seen = {
    path: string;
    key: string | null;
    body: { isvEnclaveQuote: string; nonce: string };
  };
  let seen: Seen | undefined;
  let reply: (seen: Seen) => Response;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const url = new URL(request.url);
      // The service itself is under test no more than its answers: what it saw is what counts.
      const body = (await request.json()) as Seen["body"];
      seen = { path: url.pathname, key: request.headers.get("Ocp-Apim-Subscription-Key"), body };
      return reply(seen);
    },
  });
  afterAll(() => server.stop(true));
  const base = `http://127.0.0.1:${server.port}/sgx`;
  const good =
    (changes: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
    (asked: Seen) => {
      const quoteBody = Buffer.from(asked.body.isvEnclaveQuote, "base64").subarray(0, 432);
      const made = makeIasReport({
        isvEnclaveQuoteBody: quoteBody.toString("base64"),
        nonce: asked.body.nonce,
        ...changes,
      });
      writeFileSync(path("ias-root.pem"), toPem(made.authority, "CERTIFICATE"));
      const chain = made.report.certificates.map((der) => toPem(der, "CERTIFICATE")).join("");
      return new Response(made.report.body, {
        headers: {
          "Content-Type": "application/json",
          "Request-ID": "abc",
          "X-IASReport-Signature": Buffer.from(made.report.signature).toString("base64"),
          "X-IASReport-Signing-Certificate": encodeURIComponent(chain),
          ...headers,
        },
      });
    };
  const common = [
    "--quote",
    "epid.bin",
    "--trust-root",
    "ias-root.pem",
    "--at",
    "2026-06-15T12:00:00Z",
  ];
  const get = (...args: string[]) => tool("get-ias-report", ...common, "--ias-url", base, ...args);

  test("says that the public service has closed", async () => {
    const { code, err } = await tool("get-ias-report", ...common);
    expect(code).toBe(1);
    expect(err).toContain("Intel's public service has closed (USAGE)");
    expect(err).toContain("hint: quotes of today are of type ecdsa");
  });
  test("writes what verify-quote reads", async () => {
    reply = good();
    good()({ path: "", key: null, body: { isvEnclaveQuote: "", nonce: "" } }); // the root, before it is read
    writeFileSync(path("key"), `${key}\n`, { mode: 0o600 });
    const got = await get("--subscription-key-file", "key", "--spid", spid);
    expect(got).toEqual({ code: 0, out: "report 1 of 2026-06-15T11:00:00.123Z: OK\n", err: "" });
    expect(seen).toMatchObject({ path: "/sgx/dev/attestation/v4/report", key });
    expect(seen?.body.nonce).toMatch(/^[0-9a-f]{32}$/);
    expect(readFileSync(path("ias-report.bin"), "utf8")).not.toContain(key);
    const words = [
      "--quote-type",
      "epidLinkable",
      "--ias-report",
      "ias-report.bin",
      "--nonce",
      seen?.body.nonce ?? "",
    ];
    const judged = await tool("verify-quote", ...common, ...words);
    expect(judged.out).toContain("ok     quote: ");
    expect(judged.code).toBe(0);
  });
  test("flags of the original, and the key from the environment", async () => {
    reply = good({ isvEnclaveQuoteStatus: "GROUP_OUT_OF_DATE", advisoryIDs: ["INTEL-SA-00161"] });
    const flags = await get("--product", "-key", key, "--nonce", "hello", "--json");
    expect(seen).toMatchObject({
      path: "/sgx/attestation/v4/report",
      key,
      body: { nonce: "hello" },
    });
    expect(flags.err).toStartWith("warning: everybody on this machine can see the key");
    expect(JSON.parse(flags.out)).toMatchObject({
      status: "GROUP_OUT_OF_DATE",
      advisories: ["INTEL-SA-00161"],
    });
    const env = { ENCLAVE_RA_EPID_SUB_KEY: key, ENCLAVE_RA_EPID_SPID: spid };
    const inherited = await runTool(
      { folder, env },
      "get-ias-report",
      ...common,
      "--ias-url",
      base,
    );
    expect(inherited).toMatchObject({ code: 0, err: "" });
    expect(seen?.key).toBe(key);
  });
  test("nothing is sent anywhere for a wrong SPID, nonce or address", async () => {
    seen = undefined;
    expect((await get("--spid", "00".repeat(16))).err).toContain("(ATTEST_MISMATCH)");
    expect((await get("--nonce", "n".repeat(33))).err).toContain("expected 1 to 32 characters");
    expect((await get("--ias-url", "ftp://host")).err).toContain(
      "expected an address with https://",
    );
    expect((await get("--ias-url", "http://192.0.2.1")).err).toContain("needs --insecure");
    expect((await get("--quote", "ecdsa.bin")).err).toContain("(ATTEST_FORMAT)");
    expect(seen).toBeUndefined();
  });
  const faults: readonly (readonly [string, (asked: Seen) => Response, string])[] = [
    [
      "another quote",
      good({ isvEnclaveQuoteBody: Buffer.alloc(432, 2).fill(0, 1).toString("base64") }),
      "(ATTEST_MISMATCH)",
    ],
    ["another nonce", good({ nonce: "other" }), "(ATTEST_MISMATCH)"],
    ["another version", good({ version: 3 }), "it is of version 3, not 4"],
    ["no signature", good({}, { "X-IASReport-Signature": "" }), "(ATTEST_"],
    [
      "a signature of something else",
      good({}, { "X-IASReport-Signature": "AAAA" }),
      "(ATTEST_SIGNATURE)",
    ],
    ["a page", good({}, { "Content-Type": "text/html" }), "the reply is of type `text/html`"],
    [
      "401",
      () => new Response("", { status: 401 }),
      "the service does not accept the key (HTTP status 401)",
    ],
    ["503", () => new Response("", { status: 503 }), "the service is busy (HTTP status 503)"],
    ["a redirect", () => Response.redirect("http://127.0.0.1:1/"), "(ATTEST_COLLATERAL)"],
    ["9 MiB", () => new Response(new Uint8Array(9 << 20)), "more than 8388608 bytes"],
  ];
  for (const [name, faulty, reason] of faults) {
    test(`a service that answers with ${name}`, async () => {
      reply = faulty;
      rmSync(path("ias-report.bin"), { force: true });
      const { code, out, err } = await get("--subscription-key", key);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toContain(reason);
      expect(err).not.toContain(key);
      expect(existsSync(path("ias-report.bin"))).toBe(false);
    });
  }
});
