// SPDX-License-Identifier: Apache-2.0
/**
 * The commands that ask AESM and a report service, each in a process, against the server core with a
 * test authority's key: what they write must be what the verifier accepts.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer } from "../aesm/answer.ts";
import { aesmRefusal } from "../aesm/errors.ts";
import { type Listener, listen } from "../aesm/listener.ts";
import type { CertifiedKey } from "../aesm/platform.ts";
import { testPlatform } from "../aesm/testing.ts";
import { archiveFiles } from "../attest/testing/archive.ts";
import { signRaw } from "../attest/testing/authority.ts";
import { type Evidence, makeEvidence } from "../attest/testing/evidence.ts";
import { makeIasReport } from "../attest/testing/ias.ts";
import { toPem } from "../attest/x509/pem.ts";
import { viewOf } from "../sgx/bytes.ts";
import { signSigstruct } from "../sgx/sign.ts";
import { prepareSkeleton } from "../sgx/skeleton-sign.ts";
import { newSigningKey, testImage } from "../sgx/testing.ts";

let folder: string;
let service: Listener;
const path = (name: string) => join(folder, name);
const evidence = makeEvidence();
const at = evidence.at.toISOString();
const platform = testPlatform(certifiedKey(evidence));
const spid = "5d".repeat(16);
const key = "0123456789abcdef0123456789abcdef";

/** The attestation key of an evidence's quote, with all that certifies it. */
function certifiedKey({ quote, keys }: Evidence): CertifiedKey {
  const from = (start: number, size: number) => quote.slice(start, start + size);
  return {
    publicKey: from(500, 64),
    sign: (bytes) => signRaw(keys.attestation, bytes),
    qeReport: from(564, 384),
    qeReportSignature: from(948, 64),
    authenticationData: from(1014, 32),
    certificationType: viewOf(quote).getUint16(1046, true),
    certificationData: quote.slice(1052),
  };
}

type Result = { readonly code: number | null; readonly out: string; readonly err: string };

async function toolWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Result> {
  const source = `
    import { main } from ${JSON.stringify(join(import.meta.dir, "main.ts"))};
    import { describeError, RuneError } from ${JSON.stringify(join(import.meta.dir, "../errors/error.ts"))};
    try { process.exit(await main(process.argv.slice(1))); } catch (error) {
      console.error(describeError(RuneError.from(error, "sgx-tools")));
      process.exit(1);
    }`;
  const child = Bun.spawn([process.execPath, "-e", source, "--", ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}
const tool = (...args: string[]) => toolWith({}, ...args);
const asking = (command: string, ...args: string[]) =>
  tool(command, "--aesm-socket", path("aesm.sock"), ...args);
const silent = { code: 0, out: "", err: "" };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sgx-tools-aesm-"));
  service = await listen({
    socket: path("aesm.sock"),
    answer: (message) => answer(platform, message),
  });
  mkdirSync(path("archive"));
  for (const [file, bytes] of archiveFiles(evidence))
    writeFileSync(join(path("archive"), file), bytes);
  writeFileSync(path("root.pem"), toPem(evidence.ders.root, "CERTIFICATE"));
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("ECDSA", () => {
  test("from target info to a verdict", async () => {
    expect(await asking("gen-qe-target-info")).toEqual(silent);
    const target = readFileSync(path("qe_targetinfo.bin"));
    expect(target.equals(await platform.ecdsa.targetInfo())).toBe(true);
    writeFileSync(path("ecdsa.rep"), platform.report(target));
    platform.forget(); // the service restarts in between
    expect(await asking("gen-quote", "--report", "ecdsa.rep")).toEqual(silent);
    const words = ["--collateral", "archive", "--trust-root", "root.pem", "--at", at];
    const verdict = await tool("verify-quote", ...words);
    expect(verdict).toMatchObject({ code: 0, err: "" });
    expect(verdict.out).toContain("accepted: UpToDate");
    const untrusted = await tool("verify-quote", "--collateral", "archive", "--at", at);
    expect(untrusted.code).toBe(1);
  });
  test("a report that was made for somebody else", async () => {
    writeFileSync(path("other.rep"), platform.report(new Uint8Array(512)));
    const { code, err } = await asking("gen-quote", "--report", "other.rep", "--quote", "none.bin");
    expect(code).toBe(1);
    expect(err).toContain("AESM_INVALID_REPORT (47) (AESM_REFUSED)");
    expect(err).toContain("hint: make the report for the TARGETINFO");
    expect(existsSync(path("none.bin"))).toBe(false);
  });
});

describe("EPID", () => {
  for (const type of ["epidUnlinkable", "EPIDLINKABLE"]) {
    test(type, async () => {
      expect(
        await asking("gen-qe-target-info", "--quote-type", type, "--targetinfo", `${type}.ti`),
      ).toEqual(silent);
      writeFileSync(path(`${type}.rep`), platform.report(readFileSync(path(`${type}.ti`))));
      const words = ["--quote-type", type, "--report", `${type}.rep`, "--quote", `${type}.bin`];
      expect(await asking("gen-quote", ...words, "--spid", spid)).toEqual(silent);
      const shown = await tool("inspect", "--type", "epid-quote", "--json", `${type}.bin`);
      expect(shown.code).toBe(0);
      expect(statSync(path(`${type}.bin`)).size).toBe(1116);
    });
  }
  test("the SPID from a file, the environment, or nowhere", async () => {
    const words = [
      "gen-quote",
      "--aesm-socket",
      path("aesm.sock"),
      "--linkable",
      "--report",
      "EPIDLINKABLE.rep",
    ];
    writeFileSync(path("spid"), `${spid}\n`, { mode: 0o600 });
    expect(await tool(...words, "--spid-file", "spid", "--quote", "file.bin")).toEqual(silent);
    const env = { ENCLAVE_RA_EPID_SPID: spid.toUpperCase() };
    expect(await toolWith(env, ...words, "--quote", "env.bin")).toEqual(silent);
    expect(readFileSync(path("env.bin"))).toEqual(readFileSync(path("file.bin")));
    const none = await tool(...words);
    expect(none.err).toContain("an EPID quote needs an SPID (USAGE)");
    expect(none.err).toContain("--spid-file");
    const both = await tool(...words, "--spid-file", "spid", "--spid", spid);
    expect(both.err).toContain("exclude each other");
    for (const wrong of ["5d", `${spid}0`, "x".repeat(32)]) {
      const { code, err } = await tool(...words, "--spid", wrong);
      expect(code).toBe(1);
      expect(err).toContain(`got ${wrong.length} characters`);
      expect(err).not.toContain(`\`${wrong}\``);
    }
    chmodSync(path("spid"), 0o644);
    const open = await tool(...words, "--spid-file", "spid", "--quote", "file.bin");
    expect(open).toMatchObject({ code: 0, err: "warning: others can read `spid`\n" });
  });
});

describe("gen-token", () => {
  const sign = (name: string, mode: number) => {
    const { body } = prepareSkeleton(testImage({ note: true }), { date: 0x20261128 });
    writeFileSync(path(name), signSigstruct(body, newSigningKey()), { mode });
    chmodSync(path(name), mode);
  };
  // A processor with flexible launch control makes the command say so.
  const warning = /^(warning: this processor has flexible launch control[^\n]*\n)?$/;
  test("beside the signature, with its mode", async () => {
    sign("encl.sig", 0o640);
    const { code, err } = await asking("gen-token", "--signature", "encl.sig");
    expect(code).toBe(0);
    expect(err).toMatch(warning);
    expect(statSync(path("encl.token")).mode & 0o777).toBe(0o640);
    const shown = await tool("inspect", "--type", "einittoken", "--json", "encl.token");
    const token = JSON.parse(shown.out);
    const sigstruct = JSON.parse((await tool("inspect", "--json", "encl.sig")).out);
    expect(token.mrenclave).toBe(sigstruct.mrenclave);
    sign("encl.ss", 0o600);
    expect((await asking("gen-token", "--signature", "encl.ss")).code).toBe(0);
    expect(statSync(path("encl.ss.token")).mode & 0o777).toBe(0o600);
    expect((await asking("gen-token", "--signature", "encl.ss", "--token", "own")).code).toBe(0);
    expect(readFileSync(path("own"))).toEqual(readFileSync(path("encl.ss.token")));
  });
  test("no token for what EINIT would refuse", async () => {
    const bytes = readFileSync(path("encl.sig"));
    writeFileSync(path("changed.sig"), bytes.with(960, (bytes[960] ?? 0) ^ 1));
    writeFileSync(path("short.sig"), bytes.subarray(1));
    expect((await asking("gen-token", "--signature", "changed.sig")).err).toContain(
      "(SGX_SIGNATURE)",
    );
    expect((await asking("gen-token", "--signature", "short.sig")).err).toContain(
      "1807 bytes instead of 1808",
    );
    expect((await asking("gen-token")).err).toContain("flag `--signature` is missing");
    expect(existsSync(path("changed.token"))).toBe(false);
  });
});

describe("a service that is not as it should be", () => {
  test("absent, refusing, silent", async () => {
    const absent = await tool("gen-qe-target-info", "--aesm-socket", path("nobody"));
    expect(absent.err).toContain("there is no such socket (AESM_UNREACHABLE)");
    const refusing = await listen({
      socket: path("refusing.sock"),
      answer: (message) => {
        const initialise = () => {
          throw aesmRefusal(12, "test");
        };
        return answer({ ecdsa: { ...platform.ecdsa, initialise } }, message);
      },
    });
    const socket = ["--aesm-socket", path("refusing.sock")];
    const network = await tool("gen-qe-target-info", ...socket);
    const noEpid = await tool("gen-qe-target-info", ...socket, "--quote-type", "epidLinkable");
    await refusing.close();
    expect(network).toMatchObject({ code: 1, out: "" });
    expect(network.err).toContain(
      "request `15 initQuoteEx`: the service answered AESM_NETWORK_ERROR (12)",
    );
    expect(network.err).toContain("hint: see that the service reaches its network");
    expect(noEpid.err).toContain("AESM_SERVICE_UNAVAILABLE (30)");
    const dead = await listen({
      socket: `@sgx-tools-test-${process.pid}`,
      answer: () => new Promise(() => {}),
    });
    const silence = await tool(
      "gen-qe-target-info",
      "--aesm-socket",
      `@sgx-tools-test-${process.pid}`,
      "--timeout",
      "1",
    );
    await dead.close();
    expect(silence.err).toContain("no reply within 1 s (AESM_PROTOCOL)");
  });
  test("wrong arguments", async () => {
    expect((await asking("gen-quote")).err).toContain("flag `--report` is missing");
    expect((await asking("gen-quote", "--quote-type", "tdx")).err).toContain(
      "expected ecdsa, epidUnlinkable, epidLinkable, got `tdx`",
    );
    expect((await asking("gen-quote", "--report", "root.pem")).err).toContain("(SGX_FORMAT)");
    expect((await asking("gen-qe-target-info", "--timeout", "0")).code).toBe(1);
  });
});

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
    "EPIDLINKABLE.bin",
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
    const inherited = await toolWith(env, "get-ias-report", ...common, "--ias-url", base);
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
    expect((await get("--quote", "quote.bin")).err).toContain("(ATTEST_FORMAT)");
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
