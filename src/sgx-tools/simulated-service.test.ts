// SPDX-License-Identifier: Apache-2.0
/** The tools against the simulated platform's AESM and HTTP services, each command a process. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer } from "../aesm/answer.ts";
import { type Listener, listen } from "../aesm/listener.ts";
import { createEvidence } from "../platform/evidence/evidence.ts";
import { listenEvidence } from "../platform/evidence/listen.ts";
import { readTcbFile, TCB_FILE } from "../platform/evidence/tcb-file.ts";
import { DEFAULT_TCB_STATE } from "../platform/evidence/tcb-state.ts";
import { enclaveReport, fakeKeys } from "../platform/evidence/testing.ts";
import { runTool } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "evidence-tools-"));
const keys = fakeKeys();
const tcbFile = join(folder, TCB_FILE);
const evidence = createEvidence({ keys, tcbState: () => readTcbFile(tcbFile) });
const faults: unknown[] = [];
const socket = join(folder, "evidence.sock");
const setTcb = ["platform", "set-tcb", "--state", folder];
const tool = (...args: readonly string[]) => runTool({ folder }, ...args);
let services: readonly Listener[] = [];

beforeAll(async () => {
  services = [
    await listen({
      socket: join(folder, "aesm.socket"),
      answer: (message) => answer(evidence.aesm, message),
    }),
    await listenEvidence({ socket, evidence, onFault: (error) => faults.push(error) }),
  ];
  writeFileSync(join(folder, "root.pem"), evidence.sgxRoot());
  writeFileSync(join(folder, "ias-root.pem"), await evidence.iasRoot());
});

afterAll(async () => {
  for (const service of services) await service.close();
  rmSync(folder, { recursive: true });
});

async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await tool(...args);
  expect([args[0], code, err]).toEqual([args[0], 0, ""]);
  return out;
}

const aesm = ["--aesm-socket", join(folder, "aesm.socket")];
const trust = ["--trust-root", "root.pem", "--allow-simulation"];

async function makeQuote(type: string, file: string, ...more: readonly string[]): Promise<void> {
  await done("gen-qe-target-info", "--quote-type", type, ...aesm);
  const target = new Uint8Array(readFileSync(join(folder, "qe_targetinfo.bin")));
  writeFileSync(join(folder, "report.bin"), enclaveReport(keys, target));
  const quoting = ["--quote-type", type, "--report", "report.bin", "--quote", file];
  await done("gen-quote", ...quoting, ...more, ...aesm);
}

describe("a quote of the platform", () => {
  test("is accepted with collateral of its own service, from an archive or at once", async () => {
    await makeQuote("ecdsa", "quote.bin");
    await done("collateral", "fetch", "--quote", "quote.bin", "--url", `unix:${socket}`, "kept");
    const archived = await done("verify-quote", "--collateral", "kept", ...trust);
    expect(archived).toContain("simulation: this evidence proves nothing");
    expect(archived).toEndWith("accepted: UpToDate\n");
    const live = await done("verify-quote", "--collateral", `unix:${socket}/`, ...trust);
    expect(live).toBe(archived);
  });

  test("is judged by what set-tcb says of the platform, from the next question on", async () => {
    await makeQuote("ecdsa", "quote.bin");
    await done(...setTcb, "--status", "OutOfDate", "--advisories", "INTEL-SA-00615");
    const old = await tool("verify-quote", "--collateral", `unix:${socket}`, ...trust);
    expect(old.code).toBe(1);
    expect(old.out).toContain("OutOfDate");
    expect(old.out).toContain("advisories: INTEL-SA-00615");
    await done(...setTcb, "--revoked", "pck");
    const revoked = await tool("verify-quote", "--collateral", `unix:${socket}`, ...trust);
    expect(revoked.out).toContain("ATTEST_REVOKED");
    expect(JSON.parse(await done(...setTcb, "--json"))).toEqual({
      ...DEFAULT_TCB_STATE,
      status: "OutOfDate",
      advisories: ["INTEL-SA-00615"],
      revoked: "pck",
    });
    expect(await done(...setTcb, "--default")).toContain("UpToDate");
    const good = await tool("verify-quote", "--collateral", `unix:${socket}`, ...trust);
    expect(good.out).toEndWith("accepted: UpToDate\n");
  });

  test("is asked for anew where the platform has another certificate", async () => {
    await makeQuote("ecdsa", "quote.bin");
    await done(...setTcb, "--default", "--ca", "processor", "--fmspc", "51a000000001");
    // The report is still for the same quoting enclave.
    await done("gen-quote", "--report", "report.bin", ...aesm);
    const verdict = await done(
      "verify-quote",
      "--collateral",
      `unix:${socket}`,
      ...trust,
      "--json",
    );
    expect(JSON.parse(verdict)).toMatchObject({ accepted: true, fmspc: "51a000000001" });
    await done(...setTcb, "--default");
  });

  test("of EPID is judged by the platform's attestation service", async () => {
    const spid = "5".repeat(32);
    await makeQuote("epidLinkable", "epid.bin", "--spid", spid);
    writeFileSync(join(folder, "key"), "0123456789abcdef0123456789abcdef\n", { mode: 0o600 });
    const asking = [
      ...["--quote", "epid.bin", "--ias-url", `unix:${socket}/sgx`],
      ...["--subscription-key-file", "key", "--trust-root", "ias-root.pem", "--allow-simulation"],
    ];
    expect(await done("get-ias-report", ...asking)).toContain(": OK\nsimulation:");
    const verdict = await done(
      ...["verify-quote", "--quote-type", "epidLinkable", "--quote", "epid.bin"],
      ...["--ias-report", "ias-report.bin", "--trust-root", "ias-root.pem", "--allow-simulation"],
    );
    expect(verdict).toEndWith("accepted: OK\n");
  });
});

test("set-tcb refuses what cannot be, and changes nothing then", async () => {
  for (const [args, reason] of [
    [["--status", "Fine"], "expected one of UpToDate"],
    [["--fmspc", "12"], "12 hexadecimal digits"],
    [["--advisories", "a b"], "names such as INTEL-SA-00615"],
    [["--pce-svn", "65535"], "65534"],
    [["--revoked", "all"], "--revoked"],
  ] as const) {
    const { code, err } = await tool(...setTcb, ...args);
    expect(code).toBe(1);
    expect(err).toContain(reason);
  }
  expect(readTcbFile(tcbFile)).toEqual(DEFAULT_TCB_STATE);
});

test("a damaged state file is a fault of the service, and says how to mend it", async () => {
  writeFileSync(tcbFile, "{");
  const { code, err } = await tool(
    ...[
      "collateral",
      "fetch",
      "--fmspc",
      DEFAULT_TCB_STATE.fmspc,
      "--url",
      `unix:${socket}`,
      "none",
    ],
  );
  expect(code).toBe(1);
  expect(err).toContain("HTTP 500");
  expect(String(faults.at(-1))).toContain(tcbFile);
  const shown = await tool(...setTcb);
  expect(shown.err).toContain("STATE_CORRUPT");
  expect(shown.err).toContain("set-tcb --default");
  await done(...setTcb, "--default");
  mkdirSync(join(folder, "kept-after"));
  await done(
    ...["collateral", "fetch", "--fmspc", DEFAULT_TCB_STATE.fmspc, "--url", `unix:${socket}`],
    "kept-after",
  );
});
