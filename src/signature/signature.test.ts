// SPDX-License-Identifier: Apache-2.0
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { createPublicKey, verify } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assembleSigstruct } from "../sgx/sign.ts";
import { encodeSignedPart } from "../sgx/sigstruct.ts";
import { prepareSkeleton } from "../sgx/skeleton-sign.ts";
import { testImage } from "../sgx/testing.ts";
import { openAuditLog } from "./audit.ts";
import { type ClientConfig, requestSignature } from "./client.ts";
import { listen, type RunningServer, type ServerOptions } from "./server.ts";
import { commandSigner, pemSigner, type Signer } from "./signer.ts";

const { body: exampleBody } = prepareSkeleton(testImage(), { date: 0x2026_1128 });
const material = encodeSignedPart(exampleBody);
let folder = "";
let server: RunningServer | undefined;
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "signature-test-"));
  await openssl("genrsa -3 -traditional -out key.pem 3072");
  await openssl("rsa -in key.pem -pubout -out pub.pem");
  await openssl("genrsa -3 -out other.pem 3072");
  await openssl("rsa -in other.pem -pubout -out other-pub.pem");
  await authority("ca");
  await authority("foreign");
  await certificate("server", "ca", "subjectAltName=IP:127.0.0.1");
  await certificate("client", "ca", "extendedKeyUsage=clientAuth");
  await certificate("stranger", "foreign", "extendedKeyUsage=clientAuth");
}, 120_000);

afterEach(async () => {
  await server?.close();
  server = undefined;
});

afterAll(() => rmSync(folder, { recursive: true }));

async function openssl(words: string): Promise<void> {
  const child = Bun.spawn(["openssl", ...words.split(" ")], { cwd: folder, stderr: "pipe" });
  const errors = await child.stderr.text();
  if ((await child.exited) !== 0) throw new Error(errors);
}

async function authority(name: string): Promise<void> {
  await openssl(`ecparam -name prime256v1 -genkey -noout -out ${name}-key.pem`);
  await openssl(`req -x509 -new -key ${name}-key.pem -subj /CN=${name} -days 30 -out ${name}.pem`);
}

async function certificate(name: string, issuer: string, extension: string): Promise<void> {
  writeFileSync(path(`${name}.ext`), extension);
  await openssl(`ecparam -name prime256v1 -genkey -noout -out ${name}-key.pem`);
  await openssl(`req -new -key ${name}-key.pem -subj /CN=${name} -out ${name}.csr`);
  const by = `-CA ${issuer}.pem -CAkey ${issuer}-key.pem -CAcreateserial`;
  await openssl(`x509 -req -in ${name}.csr ${by} -days 30 -extfile ${name}.ext -out ${name}.pem`);
}

const read = (name: string) => readFileSync(path(name), "utf8");
const tlsFiles = () => ({
  certificate: read("server.pem"),
  key: read("server-key.pem"),
  clientCa: read("ca.pem"),
});

async function start(options: Partial<ServerOptions> & { signer?: Signer; any?: boolean } = {}) {
  rmSync(path("audit"), { force: true });
  const signer = options.signer ?? pemSigner(path("key.pem"), path("pub.pem"));
  const routes = { signer, audit: openAuditLog(path("audit")), anyMaterial: options.any ?? false };
  const warn = () => {};
  server = await listen({ routes, host: "127.0.0.1", port: 0, tls: undefined, warn, ...options });
  return `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${server.port}`;
}

const audited = () =>
  read("audit")
    .trim()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line));

function config(over: Partial<ClientConfig>): ClientConfig {
  return {
    serverAddress: undefined,
    caCertificate: undefined,
    clientCertificate: undefined,
    clientKey: undefined,
    publicKey: undefined,
    timeoutMs: 10_000,
    development: false,
    ...over,
  };
}

const warnings: string[] = [];
function ask(over: Partial<ClientConfig>) {
  warnings.length = 0;
  const signal = new AbortController().signal;
  const warn = (message: string) => void warnings.push(message);
  return requestSignature({ config: config(over), material, signal, warn });
}

test("the original's interface, as its clients use it", async () => {
  const base = await start();
  for (const [at, text] of [
    ["/ping", "ping"],
    ["/healthz", "ok"],
    ["/api/v1/signature/public-key", read("pub.pem")],
  ] as const) {
    expect(await (await fetch(base + at)).text()).toBe(text);
  }
  expect((await fetch(base, { method: "HEAD" })).status).toBe(200);
  const response = await fetch(`${base}/api/v1/signature/pkcs1`, {
    method: "POST",
    headers: { "Content-Type": "text/plain" },
    body: material,
  });
  expect(response.status).toBe(200);
  const { signature, publicKey } = JSON.parse(await response.text());
  const bytes = Buffer.from(signature, "base64");
  expect(publicKey).toBe(read("pub.pem"));
  expect(verify("sha256", material, createPublicKey(publicKey), bytes)).toBe(true);
  assembleSigstruct(material, createPublicKey(publicKey), bytes);
});

test("what is not served is refused by the right status", async () => {
  const base = await start();
  const status = async (at: string, init: RequestInit = {}) =>
    (await fetch(base + at, init)).status;
  expect(await status("/nothing")).toBe(404);
  expect(await status("/api/v1/signature/pkcs1")).toBe(405);
  expect(await status("/ping", { method: "POST" })).toBe(405);
  const post = (body: Uint8Array | string) => ({ method: "POST", body });
  const at = "/api/v1/signature/pkcs1";
  expect(await status(at, post("text"))).toBe(400);
  expect(await status(at, post(new Uint8Array(256)))).toBe(400);
  expect(await status(at, post(new Uint8Array(70_000)))).toBe(413);
  expect(audited().map(({ result }) => result)).toEqual(["refused", "refused"]);
});

test("with --any-material text is signed too", async () => {
  const base = await start({ any: true });
  const response = await fetch(`${base}/api/v1/signature/pkcs1`, { method: "POST", body: "text" });
  expect(response.status).toBe(200);
});

test("each request to sign leaves its line, with who asked and what for", async () => {
  const serverAddress = await start({ tls: tlsFiles() });
  const files = {
    caCertificate: path("ca.pem"),
    clientCertificate: path("client.pem"),
    clientKey: path("client-key.pem"),
  };
  await ask({ serverAddress, ...files });
  expect(warnings).toEqual([]);
  expect(audited()).toEqual([
    expect.objectContaining({
      what: "sign",
      result: "signed",
      mrenclave: Buffer.from(exampleBody.enclaveHash).toString("hex"),
      peer: {
        address: "127.0.0.1",
        subject: "CN=client",
        fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}/),
      },
    }),
  ]);
});

test("without a certificate of the right authority nobody is served", async () => {
  const serverAddress = await start({ tls: tlsFiles() });
  const caCertificate = path("ca.pem");
  await expect(ask({ serverAddress, caCertificate })).rejects.toThrow("have the enclave signed by");
  const stranger = {
    clientCertificate: path("stranger.pem"),
    clientKey: path("stranger-key.pem"),
  };
  await expect(ask({ serverAddress, caCertificate, ...stranger })).rejects.toThrow();
  await expect(ask({ serverAddress, caCertificate: path("foreign.pem") })).rejects.toThrow();
  expect(read("audit")).toBe("");
});

test("a key that is pinned is the only one that is believed", async () => {
  const serverAddress = await start();
  const { signature } = await ask({ serverAddress, publicKey: path("pub.pem") });
  expect(signature.length).toBe(384);
  expect(warnings).toEqual([]);
  await expect(ask({ serverAddress, publicKey: path("other-pub.pem") })).rejects.toThrow(
    "it signs with another key",
  );
  await ask({ serverAddress });
  expect(warnings.join()).toContain("believed because it is on this machine");
});

test("plain HTTP to another machine is refused before anything is sent", async () => {
  await expect(ask({ serverAddress: "http://192.0.2.1:9080" })).rejects.toThrow(
    "anybody in between could be the signer",
  );
});

test("without a server nothing is signed, unless the node is for development", async () => {
  await expect(ask({})).rejects.toThrow("there is no signature server");
  const first = await ask({ development: true });
  expect(warnings.join()).toContain("thrown away");
  const second = await ask({ development: true });
  expect(second.publicKeyPem).not.toBe(first.publicKeyPem);
  assembleSigstruct(material, createPublicKey(first.publicKeyPem), first.signature);
});

test.each([
  ["no JSON", 200, "<html>", "no JSON"],
  ["null", 200, "null", "no object"],
  ["nothing in it", 200, "{}", "lacks `signature`"],
  ["another status", 500, "no", "it answers 500: no"],
  ["a key that is none", 200, '{"signature":"","publicKey":"x"}', "no public key in PEM"],
  ["megabytes", 200, "x".repeat(100_000), "more than 65536 bytes"],
])("an answer that is %s is not believed", async (_, status, body, reason) => {
  using stub = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(body, { status }),
  });
  await expect(ask({ serverAddress: `http://127.0.0.1:${stub.port}` })).rejects.toThrow(reason);
});

test("a signature of something else, and a redirect, are not believed", async () => {
  const signer = pemSigner(path("key.pem"), path("pub.pem"));
  const { signature, publicKeyPem } = await signer.sign(Uint8Array.of(1));
  const body = JSON.stringify({
    signature: Buffer.from(signature).toString("base64"),
    publicKey: publicKeyPem,
  });
  using wrong = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(body) });
  const serverAddress = `http://127.0.0.1:${wrong.port}`;
  await expect(ask({ serverAddress })).rejects.toThrow("not of this material by this key");
  using elsewhere = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.redirect(`${serverAddress}/x`),
  });
  await expect(ask({ serverAddress: `http://127.0.0.1:${elsewhere.port}` })).rejects.toThrow();
});

test("a server that is silent, and one that is not there, end in time", async () => {
  using silent = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Promise<Response>(() => {}),
  });
  const serverAddress = `http://127.0.0.1:${silent.port}`;
  await expect(ask({ serverAddress, timeoutMs: 50 })).rejects.toThrow("have the enclave signed by");
  await expect(ask({ serverAddress: "http://127.0.0.1:1" })).rejects.toThrow();
  await silent.stop(true);
});

test("a body that comes too slowly ends, and the server goes on", async () => {
  const base = await start({ limits: { requestMs: 1000 } });
  const port = server?.port ?? 0;
  const ended = Promise.withResolvers<void>();
  const socket = connect(port, "127.0.0.1", () => {
    socket.write(
      "POST /api/v1/signature/pkcs1 HTTP/1.1\r\nHost: x\r\nContent-Length: 256\r\n\r\n12",
    );
  });
  socket.on("close", () => ended.resolve());
  socket.on("error", () => ended.resolve());
  socket.resume();
  await ended.promise;
  expect(await (await fetch(`${base}/ping`)).text()).toBe("ping");
});

test.each([
  ["nothing", ""],
  ["headers that never end", "GET /ping HTTP/1.1\r\nX: "],
])("a connection with %s ends, and a signer that is slow does not end one", async (_, sent) => {
  const real = pemSigner(path("key.pem"), path("pub.pem"));
  const signer: Signer = {
    publicKeyPem: real.publicKeyPem,
    sign: async (bytes) => {
      await Bun.sleep(1500);
      return real.sign(bytes);
    },
  };
  const base = await start({ signer, limits: { requestMs: 1000 } });
  const ended = Promise.withResolvers<void>();
  const socket = connect(server?.port ?? 0, "127.0.0.1", () => void socket.write(sent));
  const drip = setInterval(() => socket.write(sent === "" ? "" : "x"), 5);
  socket.on("close", () => ended.resolve());
  socket.on("error", () => ended.resolve());
  socket.resume();
  const response = await fetch(`${base}/api/v1/signature/pkcs1`, {
    method: "POST",
    body: material,
  });
  expect(response.status).toBe(200);
  await ended.promise;
  clearInterval(drip);
});

const slowBody =
  "POST /api/v1/signature/pkcs1 HTTP/1.1\r\nHost: x\r\nContent-Length: 256\r\n\r\n12";

/** Connections that send this and no more; all are there when it returns. */
async function slowSenders(count: number, sent: string): Promise<Socket[]> {
  const port = server?.port ?? 0;
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.resume();
      await new Promise<void>((resolve) => {
        socket.on("connect", () => socket.write(sent, () => resolve()));
      });
      return socket;
    }),
  );
}

test.each([
  ["a body", slowBody],
  ["headers", "GET /ping HTTP/1.1\r\nX: "],
  ["nothing", "\r\n"],
])("those who send %s slowly keep nobody out, however many they are", async (_, sent) => {
  const base = await start({ limits: { requests: 1, perAddress: 8, requestMs: 600_000 } });
  const slow = await slowSenders(40, sent);
  for (let round = 0; round < 3; round++) {
    const url = `${base}/api/v1/signature/pkcs1`;
    expect((await fetch(url, { method: "POST", body: material })).status).toBe(200);
  }
  for (const socket of slow) socket.destroy();
});

test("before the handshake of TLS, too", async () => {
  const base = await start({ tls: tlsFiles(), limits: { perAddress: 8, requestMs: 600_000 } });
  const slow = await slowSenders(40, "\x16\x03\x01");
  const certificate = { clientCertificate: path("client.pem"), clientKey: path("client-key.pem") };
  const { publicKeyPem } = await ask({
    ...certificate,
    serverAddress: base,
    caCertificate: path("ca.pem"),
  });
  expect(publicKeyPem).toBe(read("pub.pem"));
  for (const socket of slow) socket.destroy();
});

test("beyond its limit the server is busy, and says so", async () => {
  const go = Promise.withResolvers<void>();
  const real = pemSigner(path("key.pem"), path("pub.pem"));
  const signer: Signer = {
    publicKeyPem: real.publicKeyPem,
    sign: async (bytes) => {
      await go.promise;
      return real.sign(bytes);
    },
  };
  const base = await start({ signer, limits: { requests: 1 } });
  const post = () => fetch(`${base}/api/v1/signature/pkcs1`, { method: "POST", body: material });
  const first = post();
  let status = 200;
  while (status !== 503) status = (await fetch(`${base}/ping`)).status;
  go.resolve();
  expect((await first).status).toBe(200);
});

test("an audit log that cannot be written keeps the signature back", async () => {
  expect(() => openAuditLog(path("no/such/folder"))).toThrow("write the audit log");
  const audit = openAuditLog(path("closed"));
  audit.close();
  expect(() => audit.record({})).toThrow("write the audit log");
});

test("a command signs in place of a key's file; what it says is verified", async () => {
  const script = (name: string, text: string) => {
    writeFileSync(path(name), `#!/bin/sh\n${text}\n`);
    chmodSync(path(name), 0o755);
    return path(name);
  };
  const command = (file: string, publicPath = path("pub.pem")) =>
    commandSigner({ path: file, argv: [path("key.pem")], publicPath, timeoutMs: 20_000 });
  const good = script("hsm", 'exec openssl dgst -sha256 -sign "$1"');
  const { signature } = await command(good).sign(material);
  assembleSigstruct(material, createPublicKey(read("pub.pem")), signature);
  await expect(command(good, path("other-pub.pem")).sign(material)).rejects.toThrow("not of this");
  await expect(command(script("bad", "exit 3")).sign(material)).rejects.toThrow("status 3");
  const chatty = command(script("chatty", "exec cat /dev/zero"));
  await expect(chatty.sign(material)).rejects.toThrow();
  const publicPath = path("pub.pem");
  const slow = { path: script("slow", "sleep 1000; exit 0"), argv: [], publicPath, timeoutMs: 200 };
  await expect(commandSigner(slow).sign(material)).rejects.toThrow("ended with status");
  expect(() => command(good, path("absent.pem"))).toThrow("its public key is wanted");
});

test("keys that cannot be right are refused at the start", async () => {
  chmodSync(path("key.pem"), 0o644);
  expect(() => pemSigner(path("key.pem"), path("pub.pem"))).toThrow("others may read it");
  chmodSync(path("key.pem"), 0o600);
  expect(() => pemSigner(path("key.pem"), path("other-pub.pem"))).toThrow("not the private key's");
  expect(() => pemSigner(path("pub.pem"), path("pub.pem"))).toThrow();
  expect(() => pemSigner(path("absent"), path("pub.pem"))).toThrow("there is no such file");
  await openssl("genrsa -3 -out short.pem 2048");
  expect(() => pemSigner(path("short.pem"), path("absent"))).toThrow("2048 bits, not 3072");
  expect(pemSigner(path("key.pem"), path("absent")).publicKeyPem).toBe(read("pub.pem"));
});
