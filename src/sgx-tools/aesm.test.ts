// SPDX-License-Identifier: Apache-2.0
/**
 * The commands that ask AESM, each in a process, against the server core with a test authority's key:
 * what they write must be what the verifier accepts.
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
import { type Evidence, makeEvidence } from "../attest/testing/evidence.ts";
import { toPem } from "../attest/x509/pem.ts";
import { viewOf } from "../sgx/bytes.ts";
import { signSigstruct } from "../sgx/sign.ts";
import { prepareSkeleton } from "../sgx/skeleton-sign.ts";
import { newSigningKey, testImage, vectorsFolder } from "../sgx/testing.ts";
import { runTool } from "./testing.ts";

let folder: string;
let service: Listener;
const path = (name: string) => join(folder, name);
const evidence = makeEvidence();
const at = evidence.at.toISOString();
const platform = testPlatform(certifiedKey(evidence));
const spid = "5d".repeat(16);

/** The attestation key of an evidence's quote, with all that certifies it. */
function certifiedKey({ quote, keys }: Evidence): CertifiedKey {
  const from = (start: number, size: number) => quote.slice(start, start + size);
  return {
    publicKey: from(500, 64),
    sign: (bytes) => keys.attestation.sign(bytes),
    qeReport: from(564, 384),
    qeReportSignature: from(948, 64),
    authenticationData: from(1014, 32),
    certificationType: viewOf(quote).getUint16(1046, true),
    certificationData: quote.slice(1052),
  };
}

const toolWith = (env: Readonly<Record<string, string>>, ...args: string[]) =>
  runTool({ folder, env }, ...args);
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
  const signingKey = newSigningKey();
  const sign = (name: string, mode: number) => {
    const { body } = prepareSkeleton(testImage({ note: true }), { date: 0x20261128 });
    writeFileSync(path(name), signSigstruct(body, signingKey), { mode });
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
  const vectors = vectorsFolder("launch-token-inclavare");
  const why = vectors === undefined ? " (skipped: no reference vectors)" : "";
  test.skipIf(vectors === undefined)(`the original's own example${why}`, async () => {
    const { code } = await asking(
      "gen-token",
      "--signature",
      join(vectors ?? "", "hello-world.sig"),
      "--token",
      "hello-world.token",
    );
    expect(code).toBe(0);
    // What its README shows of the token that Intel's service gave.
    const token = readFileSync(path("hello-world.token"));
    expect(token.toString("hex", 64, 96)).toStartWith("7470ffc919e823e0");
    expect(token.toString("hex", 128, 160)).toStartWith("5bde1ae94215c4ad");
    expect(token.toString("hex", 48, 64)).toBe("06000000000000000300000000000000");
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
