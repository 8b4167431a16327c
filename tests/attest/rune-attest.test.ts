// SPDX-License-Identifier: Apache-2.0
/** `rune attest` and attestation at create: real enclaves in containers on the simulated platform. */
import { expect } from "bun:test";
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/command.ts";
import { needs } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import { SignedEnclaveSandbox, signedEnclaveObstacle } from "../support/signed-enclave.ts";

const test = needs(signedEnclaveObstacle);

const NONCE = "00112233445566778899aabbccddeeff";
const DATA = NONCE.padEnd(128, "0");

async function signedSandbox(settings = ""): Promise<SignedEnclaveSandbox> {
  const sandbox = new SignedEnclaveSandbox(settings);
  await sandbox.sign("--no-debugger", "--isv-prod-id", "5", "--isv-svn", "3", "--attrs", "4");
  return sandbox;
}

// covers: attest
// covers: attest --reportFile
// covers: attest --report-data
// covers: attest --target-info
// covers: attest --aesm-socket
test("a local report holds the data asked for, and is the quoting enclave's or another's", async () => {
  await using sandbox = await signedSandbox();
  const id = await sandbox.createdEnclave(sandbox.skeleton("v3"));
  const file = sandbox.at("report");
  const { stdout } = await sandbox.must([
    ...["attest", "--report-data", "abcd", "--reportFile", file, id],
  ]);
  expect(stdout).toContain(`report data abcd${"0".repeat(124)}, as asked for\n`);
  expect(stdout).toContain("product 5, security version 3\n");
  expect(stdout).toContain("simulated platform: nothing here proves anything\n");
  const report = readFileSync(file);
  expect(report.length).toBe(432);
  const shown = JSON.parse((await sandbox.tool("inspect", "--json", file)).stdout);
  const signed = JSON.parse(
    (await sandbox.tool("inspect", "--json", sandbox.inRootfs("encl.ss"))).stdout,
  );
  expect([shown.mrenclave, shown.mrsigner]).toEqual([signed.mrenclave, signed.mrsigner]);

  const old = await sandbox.must(["attest", id]);
  expect(old.stdout).toContain("so the report proves no freshness");

  // For another target neither AESM nor its socket is needed.
  writeFileSync(sandbox.at("target"), new Uint8Array(512).fill(9, 0, 32));
  const other = ["--target-info", sandbox.at("target"), "--aesm-socket", sandbox.at("none")];
  await sandbox.must(["attest", ...other, "--report-data", "abcd", "--reportFile", file, id]);
  expect(readFileSync(file).subarray(0, 384)).toEqual(report.subarray(0, 384));
  expect(readFileSync(file).subarray(416)).not.toEqual(report.subarray(416));
  const unreachable = await sandbox.call(["attest", "--aesm-socket", sandbox.at("none"), id]);
  expect(unreachable.stderr).toContain("AESM_UNREACHABLE");
});

// covers: attest --isRA
// covers: attest --nonce
// covers: attest --quote-file
// covers: attest --allow-simulation
// covers: attest --json
test("an ECDSA quote is accepted where simulation is allowed, and only there", async () => {
  await using sandbox = await signedSandbox();
  const id = await sandbox.createdEnclave(sandbox.skeleton("v3"));
  const quote = sandbox.at("quote");
  const asking = ["attest", "--isRA", "--nonce", NONCE, "--quote-file", quote];
  const refused = await sandbox.call([...asking, id]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("ATTEST_SIMULATION");
  expect(refused.stderr.match(/level=error/g)).toHaveLength(1);
  const { stdout } = await sandbox.must([...asking, "--allow-simulation", id]);
  expect(stdout).toContain(`report data ${DATA}, as asked for\n`);
  expect(stdout).toContain("simulation: this evidence proves nothing\n");
  expect(stdout).toEndWith("accepted: UpToDate\n");
  const object = JSON.parse(
    (await sandbox.must([...asking, "--allow-simulation", "--json", id])).stdout,
  );
  expect(object).toMatchObject({ accepted: true, fresh: true, simulated: true, reportData: DATA });
  expect(Buffer.from(object.quote, "base64")).toEqual(readFileSync(quote));
});

// covers: attest --policy
// covers: attest --collateral
// covers: attest --trust-root
test("the verdict follows policy, collateral and roots", async () => {
  await using sandbox = await signedSandbox();
  const id = await sandbox.createdEnclave(sandbox.skeleton("v3"));
  const policy = sandbox.at("policy.toml");
  const asking = ["attest", "--isRA", "--allow-simulation", "--policy", policy];
  writeFileSync(policy, "any_enclave = true\nisv_prod_id = 5\nmin_isv_svn = 3\n");
  await sandbox.must([...asking, id]);
  writeFileSync(policy, "any_enclave = true\nisv_prod_id = 5\nmin_isv_svn = 4\n");
  const old = await sandbox.call([...asking, id]);
  expect([old.status, old.stdout]).toEqual([1, expect.stringContaining("FAILED ISVSVN")]);
  expect(old.stderr).toContain("ATTEST_POLICY");

  writeFileSync(policy, "any_enclave = true\n");
  await sandbox.must([...asking, "--collateral", sandbox.evidence, id]);
  const lost = await sandbox.call([...asking, "--collateral", sandbox.at("none"), id]);
  expect(lost.stderr).toContain(sandbox.at("none"));
  const key = sandbox.at("other.key");
  await sandbox.tool("platform", "set-tcb", "--status", "OutOfDate");
  const outdated = await sandbox.call([...asking, id]);
  expect(outdated.stderr).toContain("OutOfDate");
  await sandbox.tool("platform", "set-tcb", "--default");
  const made = Bun.spawnSync(
    [
      ..."openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256".split(" "),
      ...["-subj", "/CN=Other root", "-keyout", key, "-out", sandbox.at("other.pem")],
    ],
    { stderr: "ignore" },
  );
  expect(made.exitCode).toBe(0);
  const foreign = await sandbox.call([...asking, "--trust-root", sandbox.at("other.pem"), id]);
  expect(foreign.stderr).toContain("ATTEST_CERTIFICATE");
});

// covers: attest --quote-type
// covers: attest --spid
// covers: attest --spid-file
// covers: attest --subscription-key
// covers: attest --subscription-key-file
// covers: attest --ias-url
test("an EPID quote is judged by the platform's service; secrets come from files or the environment", async () => {
  await using sandbox = await signedSandbox();
  const id = await sandbox.createdEnclave(sandbox.skeleton("v3"));
  const [spid, key] = ["1234567890abcdef1234567890abcdef", "fedcba0987654321fedcba0987654321"];
  writeFileSync(sandbox.at("spid"), `${spid}\n`, { mode: 0o600 });
  writeFileSync(sandbox.at("key"), `${key}\n`, { mode: 0o600 });
  const asking = ["attest", "--isRA", "--allow-simulation", "--nonce", NONCE];
  const files = ["--spid-file", sandbox.at("spid"), "--subscription-key-file", sandbox.at("key")];
  for (const type of ["epidUnlinkable", "EPIDLINKABLE"]) {
    const { stdout, stderr } = await sandbox.must([...asking, "--quote-type", type, ...files, id]);
    expect(stdout).toEndWith("accepted: OK\n");
    expect(stdout + stderr).not.toContain(key);
  }
  const inherited = { ENCLAVE_RA_EPID_SPID: spid, ENCLAVE_RA_EPID_SUB_KEY: key };
  const env = { ...sandbox.toolEnvironment(), ...inherited };
  const old = await sandbox.must([...asking, "--product", "--linkable", id], { env });
  expect(old.stderr).toContain("--product has no effect");
  const visible = await sandbox.must([
    ...[...asking, "--quote-type", "epidLinkable", "--spid", spid, "--subscription-key", key],
    ...["--ias-url", `${sandbox.evidence}/sgx/dev`, id],
  ]);
  expect(visible.stderr).toContain("everybody on this machine can see --subscription-key");
  expect(visible.stderr).not.toContain(key);
  const bare = await sandbox.call([...asking, "--quote-type", "epidLinkable", id]);
  expect(bare.stderr).toContain("it needs an SPID");
  const wrong = await sandbox.call([
    ...[...asking, "--quote-type", "epidLinkable", "--spid", "12", id],
  ]);
  expect(wrong.stderr).toContain("expected 32 hexadecimal digits, got 2 characters");
});

for (const version of ["v1", "v2"]) {
  test(`a PAL ${version} has no reports, and says so at create too`, async () => {
    await using sandbox = await signedSandbox();
    const id = await sandbox.createdEnclave(sandbox.skeleton(version));
    const { status, stderr } = await sandbox.call(["attest", id]);
    expect(status).toBe(1);
    expect(stderr).toContain("reports came with version 3 (PAL_ABI_MISMATCH)");
    sandbox.configure(sandbox.skeleton(version), {
      annotations: { "enclave.attestation.ra_type": "ecdsa" },
    });
    const refused = await sandbox.call(["create", "--platform", "simulation", sandbox.id()]);
    expect(refused.stderr).toContain("PAL_ABI_MISMATCH");
    await sandbox.must(["delete", "--force", id]);
    await sandbox.expectNothingLeft();
  });
}

test("what is no running enclave container is not attested", async () => {
  await using sandbox = await signedSandbox();
  expect((await sandbox.call(["attest", "nobody"])).stderr).toContain("CONTAINER_NOT_FOUND");
  const id = await sandbox.createdEnclave(sandbox.skeleton("v3", "wait_timeout", "60"));
  await sandbox.must(["start", id]);
  await sandbox.must(["pause", id]);
  expect((await sandbox.call(["attest", id])).stderr).toContain("it is paused (CONTAINER_STATE)");
  await sandbox.must(["resume", id]);
  await sandbox.must(["attest", id]);
  await sandbox.must(["kill", id, "KILL"]);
  await eventually("the container has stopped", async () => {
    return (await sandbox.state(id)).status === "stopped";
  });
  expect((await sandbox.call(["attest", id])).stderr).toContain("CONTAINER_NOT_RUNNING");
});

test("an ordinary container is no enclave's, on the simulated platform too", async () => {
  await using sandbox = new Sandbox("rune");
  const id = await sandbox.started({ annotations: { "enclave.platform": "simulation" } });
  expect((await sandbox.call(["attest", id])).stderr).toContain("it is no enclave container");
});

test("a container without the platform's service has keys that nobody quotes", async () => {
  await using sandbox = await signedSandbox();
  sandbox.configure(sandbox.skeleton("v3"));
  const id = sandbox.id();
  const env = { ...sandbox.toolEnvironment(), INCLAVARE_PLATFORM: "off" };
  await sandbox.must(["create", "--platform", "simulation", id], { env });
  const { stderr } = await sandbox.call(["attest", id]);
  expect(stderr).toContain("INCLAVARE_PLATFORM=off");
  expect(stderr).toContain("PLATFORM_SERVICE");
});

test("the platform's service is started where it has ended, with the same keys", async () => {
  await using sandbox = await signedSandbox();
  const id = await sandbox.createdEnclave(sandbox.skeleton("v3"));
  const asking = ["attest", "--isRA", "--allow-simulation", id];
  await sandbox.must(asking);
  const root = (await sandbox.tool("platform", "root")).stdout;
  expect((await sandbox.tool("platform", "stop")).status).toBe(0);
  await sandbox.must(asking);
  expect((await sandbox.tool("platform", "root")).stdout).toBe(root);
});

const wanted = { annotations: { "enclave.attestation.ra_type": "ecdsa" } };

for (const verb of ["create", "run"]) {
  test(`${verb} of a container that attests itself: accepted, or nothing is left`, async () => {
    await using sandbox = await signedSandbox();
    sandbox.configure(sandbox.skeleton("v3"), wanted);
    const make = () => sandbox.call([verb, "--platform", "simulation", sandbox.id()]);
    const good = await make();
    expect([good.status, good.stderr]).toEqual([
      0,
      expect.stringContaining("nothing is protected"),
    ]);
    await sandbox.tool("platform", "set-tcb", "--status", "OutOfDate");
    const old = await make();
    expect(old.status).toBe(1);
    expect(old.stderr.match(/level=error/g)).toHaveLength(1);
    expect(old.stderr).toMatch(/attest.*OutOfDate.*\(ATTEST_POLICY\)/);
    await sandbox.tool("platform", "set-tcb", "--default", "--revoked", "pck");
    expect((await make()).stderr).toContain("ATTEST_REVOKED");
    await sandbox.tool("platform", "set-tcb", "--default");
    await sandbox.sign("--attrs", "6"); // debuggable
    expect((await make()).stderr).toContain("debug mode");
    const { stdout: left } = await sandbox.must(["list", "--quiet"]);
    expect(left.trim().split("\n").filter(Boolean)).toHaveLength(verb === "create" ? 1 : 0);
    if (verb === "create") await sandbox.must(["delete", "--force", left.trim()]);
    await sandbox.expectNothingLeft();
  });
}

test("the node's policy decides at create", async () => {
  await using sandbox = await signedSandbox(
    `[attestation]\npolicy = "/var/lib/rune-attest-policy-${process.pid}.toml"\n`,
  );
  const policy = `/var/lib/rune-attest-policy-${process.pid}.toml`;
  try {
    writeFileSync(policy, "any_enclave = true\nmin_isv_svn = 4\n");
    sandbox.configure(sandbox.skeleton("v3"), wanted);
    const make = () => sandbox.call(["run", "--platform", "simulation", sandbox.id()]);
    expect((await make()).stderr).toContain("ISVSVN");
    writeFileSync(policy, "any_enclave = true\nmin_isv_svn = 3\n");
    expect((await make()).status).toBe(0);
  } finally {
    unlinkSync(policy);
  }
});

test("EPID at create: the container starts, and its secrets are nowhere", async () => {
  await using sandbox = await signedSandbox();
  const [spid, key] = ["1234567890abcdef1234567890abcdef", "fedcba0987654321fedcba0987654321"];
  const id = sandbox.id();
  const log = sandbox.at("log");
  sandbox.configure(sandbox.skeleton("v3", "wait_timeout", "60"), {
    process: {
      env: [
        "ENCLAVE_RA_TYPE=epidLinkable",
        `ENCLAVE_RA_EPID_SPID=${spid}`,
        `ENCLAVE_RA_EPID_SUB_KEY=${key}`,
      ],
    },
  });
  const flags = ["--debug", "--log", log];
  const { stderr } = await sandbox.call([...[...flags, "create", "--platform", "simulation", id]]);
  expect([readFileSync(log, "utf8"), stderr]).toEqual([
    expect.stringContaining("attested: OK"),
    "",
  ]);
  await sandbox.must(["start", id]);
  const { pid } = await sandbox.state(id);
  const seen = [
    readFileSync(log, "utf8"),
    readFileSync(`/proc/${pid}/environ`, "latin1"),
    readFileSync(`/proc/${pid}/cmdline`, "latin1"),
    JSON.stringify(await sandbox.state(id)),
    ...readdirSync(sandbox.stateOf(id))
      .filter((name) => name.endsWith(".json"))
      .map((name) => readFileSync(join(sandbox.stateOf(id), name), "utf8")),
  ].join("\n");
  expect(seen).not.toContain(spid);
  expect(seen).not.toContain(key);
});
