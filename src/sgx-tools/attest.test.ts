// SPDX-License-Identifier: Apache-2.0
/** What judges evidence, as a user calls it: a process each, files in a folder of their own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signedAnswer } from "../attest/issue/signed-json.ts";
import { archiveFiles, issuerChains } from "../attest/testing/archive.ts";
import {
  type Evidence,
  type EvidenceOptions,
  makeEvidence,
  NOW,
} from "../attest/testing/evidence.ts";
import { makeIasReport } from "../attest/testing/ias.ts";
import { noVectors, vector } from "../attest/testing/vectors.ts";
import { toPem } from "../attest/x509/pem.ts";
import { type Result, runTool } from "./testing.ts";

let folder: string;
const path = (name: string) => join(folder, name);
const at = NOW.toISOString();
const sgx = makeEvidence();
const chains = issuerChains(sgx);

const tool = (...args: string[]) => runTool({ folder }, ...args);

/** Writes a quote, its archive and its root under a name. */
function write(name: string, evidence: Evidence): void {
  mkdirSync(path(`${name}.d`));
  for (const [file, bytes] of archiveFiles(evidence)) {
    writeFileSync(join(path(`${name}.d`), file), bytes);
  }
  writeFileSync(path(`${name}.quote`), evidence.quote);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sgx-tools-attest-"));
  write("sgx", sgx);
  write("tdx", makeEvidence({ version: 5, body: "td15" }));
  writeFileSync(path("root.pem"), toPem(sgx.ders.root, "CERTIFICATE"));
  writeFileSync(path("root.der"), sgx.ders.root);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function verify(name: string, ...more: string[]): Promise<Result> {
  const words = ["--quote", `${name}.quote`, "--collateral", `${name}.d`, "--at", at];
  return tool("verify-quote", ...words, "--trust-root", "root.pem", ...more);
}

describe("verify-quote", () => {
  test("accepts a good quote and says what was compared", async () => {
    const { code, out, err } = await verify("sgx");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("ok     PCK chain: Test SGX PCK Certificate < Test SGX PCK Platform CA");
    expect(out).toContain("FMSPC 00906ed50000");
    expect(out).toContain("policy (default: any enclave)");
    expect(out).toEndWith("accepted: UpToDate\n");
    expect((await verify("tdx", "--quote-type", "ECDSA")).code).toBe(0);
  });
  test("does not believe a test root, nor anything at another time", async () => {
    const words = ["--quote", "sgx.quote", "--collateral", "sgx.d"];
    const untrusted = await tool("verify-quote", ...words, "--at", at);
    expect(untrusted.code).toBe(1);
    expect(untrusted.out).toContain("(ATTEST_CERTIFICATE)");
    const late = await tool(
      "verify-quote",
      ...words,
      "--trust-root",
      "root.der",
      "--at",
      "2026-08-01",
    );
    expect(late.code).toBe(1);
    expect(late.out).toContain("(ATTEST_TIME)");
  });
  test("an object for programs", async () => {
    const good = JSON.parse((await verify("sgx", "--json")).out);
    expect(good).toMatchObject({
      accepted: true,
      genuine: true,
      status: "UpToDate",
      simulated: false,
    });
    expect(good.body.mrenclave).toBe("11".repeat(32));
    expect(good.checks.length).toBeGreaterThan(15);
    writeFileSync(path("changed.quote"), sgx.quote.with(100, 9));
    const words = ["--quote", "changed.quote", "--collateral", "sgx.d", "--at", at];
    const bad = await tool("verify-quote", ...words, "--trust-root", "root.pem", "--json");
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.out)).toMatchObject({
      accepted: false,
      genuine: false,
      code: "ATTEST_SIGNATURE",
    });
  });
  test("policies in TOML and JSON", async () => {
    writeFileSync(
      path("good.toml"),
      `mrenclave = ["${"11".repeat(32)}"]\nmrsigner = "${"22".repeat(32)}"\nisv_prod_id = 7\nmin_isv_svn = 3\n`,
    );
    expect((await verify("sgx", "--policy", "good.toml")).code).toBe(0);
    writeFileSync(path("bad.json"), JSON.stringify({ mrsigner: "00".repeat(32), min_isv_svn: 4 }));
    const bad = await verify("sgx", "--policy", "bad.json");
    expect(bad.code).toBe(1);
    expect(bad.out).toContain("FAILED MRSIGNER");
    expect(bad.out).toContain("FAILED ISVSVN: 3, at least 4 is wanted");
    expect(bad.out).toEndWith("refused: genuine, but not what the policy accepts\n");
    writeFileSync(path("wrong.toml"), "mrenclave = \n");
    expect((await verify("sgx", "--policy", "wrong.toml")).err).toContain("(ATTEST_POLICY)");
    writeFileSync(path("empty.toml"), "");
    expect((await verify("sgx", "--policy", "empty.toml")).err).toContain("any_enclave = true");
  });
  test("report data from the command line", async () => {
    expect((await verify("sgx", "--report-data", "33".repeat(64))).code).toBe(0);
    expect((await verify("sgx", "--report-data", "33")).code).toBe(1);
    expect((await verify("sgx", "--report-data", "3")).err).toContain("USAGE");
  });
  test("trailing bytes and simulation only where allowed", async () => {
    const evidence = makeEvidence({ namePrefix: "SIMULATION " });
    write("simulated", { ...evidence, quote: new Uint8Array([...evidence.quote, 0, 0]) });
    writeFileSync(path("simulated.pem"), toPem(evidence.ders.root, "CERTIFICATE"));
    const words = ["--quote", "simulated.quote", "--collateral", "simulated.d", "--at", at];
    const run = (...more: string[]) =>
      tool("verify-quote", ...words, "--trust-root", "simulated.pem", ...more);
    expect((await run()).out).toContain("2 bytes follow");
    expect((await run("--allow-trailing")).out).toContain("(ATTEST_SIMULATION)");
    const allowed = await run("--allow-trailing", "--allow-simulation");
    expect(allowed.code).toBe(0);
    expect(allowed.out).toContain("simulation: this evidence proves nothing");
  });
  test("errors that name the flag", async () => {
    expect((await tool("verify-quote", "--quote", "sgx.quote")).err).toContain(
      "`--collateral` is needed",
    );
    expect((await verify("sgx", "--at", "yesterday")).err).toContain("`--at`");
    expect((await verify("sgx", "--quote-type", "tpm")).err).toContain("`--quote-type`");
    expect((await verify("sgx", "--collateral", "nowhere")).err).toContain("no such file");
  });
  test("EPID by an archived report", async () => {
    const quoteBody = new Uint8Array(432);
    quoteBody[0] = 2;
    quoteBody[48 + 48] = 5;
    const quote = new Uint8Array([...quoteBody, 4, 0, 0, 0, 1, 2, 3, 4]);
    writeFileSync(path("epid.quote"), quote);
    const { report } = makeIasReport();
    const [certificate = new Uint8Array()] = report.certificates;
    const object = {
      report: Buffer.from(report.body).toString(),
      signature: Buffer.from(report.signature).toString("base64"),
      signing_cert: Buffer.from(certificate).toString("base64"),
    };
    writeFileSync(path("ias.json"), JSON.stringify(object));
    const words = ["--quote-type", "epidUnlinkable", "--quote", "epid.quote", "--at", at];
    const untrusted = await tool("verify-quote", ...words, "--ias-report", "ias.json");
    expect(untrusted.out).toContain("(ATTEST_CERTIFICATE)");
    const closed = await tool("verify-quote", ...words, "--subscription-key", "0".repeat(32));
    expect(closed.err).toContain("that service has closed");
    const linkable = [
      "--quote-type",
      "epidLinkable",
      "--quote",
      "epid.quote",
      "--ias-report",
      "ias.json",
    ];
    expect((await tool("verify-quote", ...linkable)).err).toContain("unlinkable");
    const spid = await tool(
      "verify-quote",
      ...words,
      "--ias-report",
      "ias.json",
      "--spid",
      "11".repeat(16),
    );
    expect(spid.err).toContain("BASENAME");
  });
});

describe("collateral", () => {
  type Answer = { body: string | Uint8Array; header?: [string, string] };
  const answers = (version: string, evidence: Evidence, tee: string): Record<string, Answer> => ({
    [`/${tee}/certification/${version}/tcb?fmspc=00906ed50000`]: {
      body: signedAnswer(evidence.collateral.tcbInfo, "tcbInfo"),
      header: [
        version === "v4" ? "TCB-Info-Issuer-Chain" : "SGX-TCB-Info-Issuer-Chain",
        encodeURIComponent(chains.tcb),
      ],
    },
    [`/${tee}/certification/${version}/qe/identity`]: {
      body: signedAnswer(evidence.collateral.qeIdentity, "enclaveIdentity"),
      header: ["SGX-Enclave-Identity-Issuer-Chain", encodeURIComponent(chains.tcb)],
    },
    [`/sgx/certification/${version}/pckcrl?ca=platform&encoding=der`]: {
      body: evidence.collateral.pckCrl ?? "",
      header: ["SGX-PCK-CRL-Issuer-Chain", encodeURIComponent(chains.pck)],
    },
    // A caching service gives the root's list as hexadecimal text.
    [`/sgx/certification/${version}/rootcacrl`]: {
      body: Buffer.from(evidence.collateral.rootCrl ?? []).toString("hex"),
    },
  });

  async function serving<Outcome>(
    known: Record<string, Answer>,
    run: (url: string, asked: string[]) => Promise<Outcome>,
  ): Promise<Outcome> {
    const asked: string[] = [];
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        const { pathname, search } = new URL(request.url);
        asked.push(pathname + search);
        const answer = known[pathname + search];
        if (answer === undefined) return new Response("no", { status: 404 });
        return new Response(answer.body, answer.header ? { headers: [answer.header] } : {});
      },
    });
    try {
      return await run(`http://127.0.0.1:${server.port}`, asked);
    } finally {
      await server.stop(true);
    }
  }

  const td = makeEvidence({ version: 5, body: "td15" });
  for (const [tee, version, evidence] of [
    ["sgx", "v4", sgx],
    ["sgx", "v3", sgx],
    ["tdx", "v4", td],
  ] as const) {
    test(`is fetched by quote, ${tee} ${version}, and judges it later`, async () => {
      const name = `fetched-${tee}-${version}`;
      await serving(answers(version, evidence, tee), async (url, asked) => {
        const words = ["--quote", `${tee}.quote`, "--url", url, "--api", version.slice(1)];
        expect(await tool("collateral", "fetch", ...words, name)).toEqual({
          code: 0,
          out: "",
          err: "",
        });
        expect(asked.length).toBe(4);
        const direct = await tool(
          "verify-quote",
          ...["--quote", `${tee}.quote`, "--collateral", url, "--api", version.slice(1)],
          ...["--at", at, "--trust-root", "root.pem"],
        );
        expect(direct.code).toBe(0);
      });
      const words = ["--quote", `${tee}.quote`, "--collateral", name, "--at", at];
      const later = await tool("verify-quote", ...words, "--trust-root", "root.pem");
      expect(later.code).toBe(0);
      const source = JSON.parse(readFileSync(join(path(name), "source.json"), "utf8"));
      expect(source).toMatchObject({ tee, fmspc: "00906ed50000", ca: "platform" });
      const shown = JSON.parse((await tool("collateral", "show", "--json", name)).out);
      expect(shown).toMatchObject({
        tcbInfo: { id: tee.toUpperCase() },
        pckCrl: { revokedCertificates: 1 },
      });
    });
  }
  test("update and FMSPC go into the request", async () => {
    await serving({}, async (url, asked) => {
      const words = ["--fmspc", "00906ED50000", "--ca", "processor", "--tee", "tdx"];
      const failed = await tool(
        "collateral",
        "fetch",
        ...words,
        "--update",
        "early",
        "--url",
        url,
        "no",
      );
      expect(failed.code).toBe(1);
      expect(failed.err).toContain("HTTP 404");
      expect(failed.err).toContain("(ATTEST_COLLATERAL)");
      expect(asked).toEqual(["/tdx/certification/v4/tcb?fmspc=00906ED50000&update=early"]);
    });
  });
  test("answers without a chain, or with garbage, are not archived", async () => {
    const good = answers("v4", sgx, "sgx");
    const [tcb] = Object.keys(good);
    if (tcb === undefined) throw new Error("no address");
    for (const answer of [
      { body: good[tcb]?.body ?? "" },
      { body: "{}", header: good[tcb]?.header ?? ["a", "b"] },
      { body: good[tcb]?.body ?? "", header: ["TCB-Info-Issuer-Chain", "%zz"] },
    ] as Answer[]) {
      await serving({ ...good, [tcb]: answer }, async (url) => {
        const failed = await tool(
          "collateral",
          "fetch",
          "--quote",
          "sgx.quote",
          "--url",
          url,
          "no",
        );
        expect(failed.code).toBe(1);
        expect(failed.err).toContain("(ATTEST_");
        expect(Bun.file(path("no/tcb_info.json")).size).toBe(0);
      });
    }
  });
  test("a service that is not there, TDX from API v3, no platform named", async () => {
    const gone = await tool(
      "collateral",
      "fetch",
      "--quote",
      "sgx.quote",
      "--url",
      "http://127.0.0.1:1",
      "no",
    );
    expect(gone.err).toContain("is the service running");
    const old = await tool("collateral", "fetch", "--quote", "tdx.quote", "--api", "3", "no");
    expect(old.err).toContain("API v3 has nothing about TDX");
    expect((await tool("collateral", "fetch", "no")).err).toContain("--fmspc");
    expect((await tool("collateral", "burn")).err).toContain("no such command `collateral burn`");
  });
});

describe("inspect and diff", () => {
  const kinds: readonly (readonly [string, string])[] = [
    ["sgx.quote", "quote"],
    ["tdx.quote", "quote"],
    ["sgx.d/tcb_info.json", "tcb-info"],
    ["sgx.d/qe_identity.json", "qe-identity"],
    ["sgx.d/pck_crl.der", "crl"],
    ["root.pem", "certificate"],
    ["root.der", "certificate"],
    ["sgx.d/tcb_info_issuer_chain.pem", "certificate"],
  ];
  for (const [file, type] of kinds) {
    test(`${file} is a ${type}`, async () => {
      const table = await tool("inspect", file);
      expect({ code: table.code, err: table.err }).toEqual({ code: 0, err: "" });
      expect(table.out).toMatch(new RegExp(`^type +${type}$`, "m"));
      expect(JSON.parse((await tool("inspect", "--json", file)).out).type).toBe(type);
    });
  }
  test("a quote's fields, and that nobody vouches for it", async () => {
    const view = JSON.parse((await tool("inspect", "--json", "sgx.quote")).out);
    expect(view).toMatchObject({
      version: 3,
      tee: "sgx",
      chainAndSignaturesHold: false,
      body: { mrenclave: "11".repeat(32), isvProdId: 7, isvSvn: 3 },
      certification: {
        type: 5,
        certificate1: { platform: { fmspc: "00906ed50000", smtEnabled: true } },
      },
    });
    expect(view.fault).toContain("Intel SGX Root CA");
  });
  test("differences of two quotes, and of a quote and a report", async () => {
    const changes: EvidenceOptions = {
      report: (bytes) => {
        bytes[64] = 0xee;
      },
    };
    writeFileSync(path("other.quote"), makeEvidence(changes).quote);
    const same = await tool("diff", "sgx.quote", "sgx.quote");
    expect(same).toEqual({ code: 0, out: "", err: "" });
    const other = await tool("diff", "sgx.quote", "other.quote");
    expect(other.code).toBe(1);
    expect(other.out).toContain(
      `body.mrenclave\n  < ${"11".repeat(32)}\n  > ee${"11".repeat(31)}\n`,
    );
    const report = new Uint8Array(432);
    report.set(sgx.quote.subarray(48, 432));
    writeFileSync(path("same.report"), report);
    const mixed = await tool("diff", "--json", "same.report", "other.quote");
    expect(JSON.parse(mixed.out).differences).toEqual([
      { field: "mrenclave", left: "11".repeat(32), right: `ee${"11".repeat(31)}` },
    ]);
  });
  const why = noVectors === undefined ? "" : ` (skipped: ${noVectors})`;
  test.skipIf(noVectors !== undefined)(`Intel's own objects${why}`, async () => {
    writeFileSync(path("intel.quote"), vector("dcap-sgx-v3-zkdcap-swhard", "quote.bin"));
    const quote = JSON.parse((await tool("inspect", "--json", "intel.quote")).out);
    expect(quote.chainAndSignaturesHold).toBe(true);
    writeFileSync(path("ias.body"), vector("ias-v4-oasis-swhard", "body.json"));
    expect(JSON.parse((await tool("inspect", "--json", "ias.body")).out)).toMatchObject({
      type: "ias-report",
      status: "SW_HARDENING_NEEDED",
    });
    writeFileSync(path("pck.der"), vector("pck-certs", "enarx_multi_pck.der"));
    expect(JSON.parse((await tool("inspect", "--json", "pck.der")).out).platform.sgxType).toBe(
      "scalable",
    );
  });
});
