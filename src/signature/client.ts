// SPDX-License-Identifier: Apache-2.0
/** Has material signed by the signature server, and believes nothing of what comes back. */
import { readFileSync } from "node:fs";
import { RuneError } from "../errors/error.ts";
import { readPublicKey, requireSignature, type Signed } from "./material.ts";
import { throwAwaySigner } from "./signer.ts";

/** `[signature]` of the node's configuration. */
export type ClientConfig = {
  readonly serverAddress: string | undefined;
  readonly caCertificate: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  readonly publicKey: string | undefined;
  readonly timeoutMs: number;
  readonly development: boolean;
};

export type SignOptions = {
  readonly config: ClientConfig;
  readonly material: Uint8Array;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
};

const maxAnswerBytes = 65_536;

/** @throws RuneError SIGNATURE; a signature that is returned has been verified */
export async function requestSignature(options: SignOptions): Promise<Signed> {
  const { config, material, warn } = options;
  if (config.serverAddress !== undefined) return askServer(options, config.serverAddress);
  if (!config.development) {
    throw new RuneError({
      code: "SIGNATURE",
      doing: "sign the enclave",
      reason: "there is no signature server",
      hint: "set server_address in [signature] of config.toml; development = true signs with a throw-away key",
    });
  }
  warn("the enclave is signed with a key that is thrown away: [signature] development = true");
  return (await throwAwaySigner()).sign(material);
}

async function askServer(
  { config, material, signal, warn }: SignOptions,
  address: string,
): Promise<Signed> {
  const url = `${address.replace(/\/+$/, "")}/api/v1/signature/pkcs1`;
  const doing = `have the enclave signed by \`${address}\``;
  const pinned = pinnedKey(config);
  requireTrust(address, pinned !== undefined, doing, warn);
  const text = await post(url, { config, material, signal, warn }, doing);
  const { signature, publicKey } = parseAnswer(text, doing);
  const key = readPublicKey(publicKey, `the public key of \`${address}\``);
  if (pinned !== undefined && !pinned.equals(key)) {
    const reason = `it signs with another key than \`${config.publicKey}\``;
    throw new RuneError({ code: "SIGNATURE", doing, reason });
  }
  requireSignature(material, signature, key);
  return { signature, publicKeyPem: publicKey };
}

function pinnedKey({ publicKey }: ClientConfig) {
  if (publicKey === undefined) return undefined;
  return readPublicKey(readPem(publicKey), `public key \`${publicKey}\``);
}

/** Without TLS and without a key to compare, anybody in between would be the signer. */
function requireTrust(
  address: string,
  isPinned: boolean,
  doing: string,
  warn: (message: string) => void,
): void {
  const { protocol, hostname } = new URL(address);
  if (protocol === "https:" || isPinned) return;
  const local =
    hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
  if (!local) {
    throw new RuneError({
      code: "SIGNATURE",
      doing,
      reason: "over plain HTTP anybody in between could be the signer",
      hint: "use https, or set public_key in [signature] of config.toml",
    });
  }
  warn(`\`${address}\` is believed because it is on this machine: set public_key in [signature]`);
}

async function post(
  url: string,
  { config, material, signal }: SignOptions,
  doing: string,
): Promise<string> {
  try {
    const response = await fetch(url, {
      method: "POST",
      body: material,
      headers: { "Content-Type": "text/plain" },
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(config.timeoutMs)]),
      tls: tlsOf(config),
    });
    const text = await readLimited(response);
    if (response.status === 200) return text;
    const reason = `it answers ${response.status}: ${text.trim().slice(0, 200)}`;
    throw new RuneError({ code: "SIGNATURE", doing, reason });
  } catch (error) {
    if (error instanceof RuneError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuneError({ code: "SIGNATURE", doing, reason, cause: error });
  }
}

function tlsOf({ caCertificate, clientCertificate, clientKey }: ClientConfig) {
  return {
    rejectUnauthorized: true,
    ...(caCertificate === undefined ? {} : { ca: readPem(caCertificate) }),
    ...(clientCertificate === undefined ? {} : { cert: readPem(clientCertificate) }),
    ...(clientKey === undefined ? {} : { key: readPem(clientKey) }),
  };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RuneError({ code: "SIGNATURE", doing: `read \`${path}\``, reason, cause });
  }
}

async function readLimited(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > maxAnswerBytes) throw new Error(`the answer has more than ${maxAnswerBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parseAnswer(text: string, doing: string): { signature: Uint8Array; publicKey: string } {
  const fault = (reason: string) => new RuneError({ code: "SIGNATURE", doing, reason });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault("the answer is no JSON");
  }
  if (typeof value !== "object" || value === null) throw fault("the answer is no object");
  const { signature, publicKey } = { signature: undefined, publicKey: undefined, ...value };
  if (typeof signature !== "string" || typeof publicKey !== "string") {
    throw fault("the answer lacks `signature` or `publicKey`");
  }
  return { signature: new Uint8Array(Buffer.from(signature, "base64")), publicKey };
}
