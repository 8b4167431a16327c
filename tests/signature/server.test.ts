// SPDX-License-Identifier: Apache-2.0
/** `signature-server` as it is installed: its flags, its ends, and docs/how-to/signing.md's keys. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assembleSigstruct } from "../../src/sgx/sign.ts";
import { parseSigstruct, signedPart } from "../../src/sgx/sigstruct.ts";
import { command, eventually, Running } from "../support/command.ts";
import { repository } from "../support/runtime.ts";

const binary = join(repository, "dist/bin/signature-server");
let folder = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "signature-server-"));
  await command(["openssl", "genrsa", "-3", "-out", `${folder}/key.pem`, "3072"]);
  const words = ["-in", `${folder}/key.pem`, "-pubout", "-out", `${folder}/pub.pem`];
  await command(["openssl", "rsa", ...words]);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

const keys = () => ["--private-key", `${folder}/key.pem`, "--public-key", `${folder}/pub.pem`];

test("it signs the sample enclave, writes its audit log and ends when it is asked to", async () => {
  const audit = `${folder}/audit`;
  const argv = [binary, ...keys(), "--listen", "127.0.0.1:0", "--audit-log", audit];
  const server = new Running(argv);
  try {
    const said = () => /listening on (http:\S+)/.exec(server.stderr())?.[1];
    await eventually("it listens", async () => said() !== undefined);
    const sigstruct = new Uint8Array(readFileSync(join(repository, "dist/lib/inclavare/encl.ss")));
    const material = signedPart(sigstruct);
    const url = `${said()}/api/v1/signature/pkcs1`;
    const response = await fetch(url, { method: "POST", body: material });
    const { signature, publicKey } = JSON.parse(await response.text());
    const key = createPublicKey(publicKey);
    const signed = assembleSigstruct(material, key, Buffer.from(signature, "base64"));
    expect(parseSigstruct(signed).enclaveHash).toEqual(parseSigstruct(sigstruct).enclaveHash);
    expect(readFileSync(audit, "utf8")).toMatch(/^\{"time":.*"result":"signed"\}\n$/);
  } finally {
    server.kill("SIGTERM");
  }
  expect(await server.exited()).toBe(0);
});

test.each([
  [["--listen", "0.0.0.0:0"], "could have anything signed"],
  [["--listen", "nowhere"], "expected host:port"],
  [["--tls-key", "/x"], "go together"],
  [["--sign-command", "/bin/true", "--public-key", "/none"], "its public key is wanted"],
  [["--bogus"], "--bogus"],
])("%j is refused, and nothing listens", async (flags, reason) => {
  const { status, stderr } = await command([binary, ...keys(), ...flags]);
  expect(status).toBe(1);
  expect(stderr).toContain(reason);
});

test("--help and --version", async () => {
  expect((await command([binary, "--help"])).stdout).toContain("--client-ca");
  expect((await command([binary, "--version"])).stdout).toStartWith("signature-server version ");
});
