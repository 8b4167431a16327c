// SPDX-License-Identifier: Apache-2.0
/** The signature server's REST interface: docs/protocol/signature.md. */
import { RuneError } from "../errors/error.ts";
import type { AuditLog } from "./audit.ts";
import { describeMaterial, requireSignedPart } from "./material.ts";
import type { Signer } from "./signer.ts";

export type Request = {
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
  /** Who asks: address, and the certificate's subject where there is one. */
  readonly peer: Readonly<Record<string, string>>;
};

export type Answer = {
  readonly status: number;
  readonly type: "text/plain" | "application/json";
  readonly body: string;
};

export type Routes = {
  readonly signer: Signer;
  readonly audit: AuditLog;
  /** Signs anything, not only what becomes a SIGSTRUCT. */
  readonly anyMaterial: boolean;
};

export async function answer(routes: Routes, request: Request): Promise<Answer> {
  switch (request.path) {
    case "/":
      return only(request, ["GET", "HEAD"]) ?? text(200, "");
    case "/ping":
      return only(request, ["GET", "HEAD"]) ?? text(200, "ping");
    case "/healthz":
      return only(request, ["GET", "HEAD"]) ?? text(200, "ok");
    case "/api/v1/signature/public-key":
      return only(request, ["GET", "HEAD"]) ?? text(200, routes.signer.publicKeyPem);
    case "/api/v1/signature/pkcs1":
      return only(request, ["POST"]) ?? (await sign(routes, request));
    default:
      return text(404, "no such path\n");
  }
}

async function sign(routes: Routes, { body, peer }: Request): Promise<Answer> {
  const { signer, audit, anyMaterial } = routes;
  const facts = { what: "sign", peer, ...describeMaterial(body) };
  try {
    if (!anyMaterial) requireSignedPart(body);
  } catch (error) {
    const { message } = RuneError.from(error, "sign");
    audit.record({ ...facts, result: "refused", reason: message });
    return text(400, `${message}\n`);
  }
  try {
    const { signature, publicKeyPem } = await signer.sign(body);
    audit.record({ ...facts, result: "signed" });
    const encoded = Buffer.from(signature).toString("base64");
    return json(200, { signature: encoded, publicKey: publicKeyPem });
  } catch (error) {
    const { message } = RuneError.from(error, "sign");
    audit.record({ ...facts, result: "failed", reason: message });
    // What exactly is wrong with the key is the administrator's to know.
    return text(500, "the material could not be signed\n");
  }
}

function only({ method }: Request, methods: readonly string[]): Answer | undefined {
  return methods.includes(method) ? undefined : text(405, `only ${methods.join(" and ")}\n`);
}

function text(status: number, body: string): Answer {
  return { status, type: "text/plain", body };
}

function json(status: number, value: unknown): Answer {
  return { status, type: "application/json", body: JSON.stringify(value) };
}
