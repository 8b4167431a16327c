// SPDX-License-Identifier: Apache-2.0
/** Whatever holds the private key: a PEM file, or a command that talks to a hardware module. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
} from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { promisify } from "node:util";
import { RuneError } from "../errors/error.ts";
import { requireEnclaveKey } from "../sgx/sign.ts";
import { RSA_BYTES } from "../sgx/sigstruct.ts";
import { readPublicKey, requireSignature, type Signed } from "./material.ts";

export type Signer = {
  readonly publicKeyPem: string;
  /** What it returns has been verified. */
  readonly sign: (material: Uint8Array) => Promise<Signed>;
};

/** PKCS#1 or PKCS#8. The public key's file may be absent; where it is there it must be the same key. */
export function pemSigner(privatePath: string, publicPath: string): Signer {
  const doing = `read private key \`${privatePath}\``;
  let key: KeyObject;
  try {
    if ((statSync(privatePath).mode & 0o077) !== 0) {
      const reason = "others may read it";
      throw new RuneError({ code: "SGX_KEY", doing, reason, hint: "chmod 600, or an HSM" });
    }
    key = createPrivateKey(readFileSync(privatePath));
  } catch (error) {
    if (error instanceof RuneError) throw error;
    const missing = errnoOf(error) === "ENOENT";
    const reason = missing
      ? "there is no such file"
      : (errnoOf(error) ?? "it is no unencrypted private key in PEM");
    const hint = missing
      ? { hint: "--private-key names it; openssl genrsa -3 3072 makes one" }
      : {};
    throw new RuneError({ code: "SGX_KEY", doing, reason, ...hint, cause: error });
  }
  requireEnclaveKey(key);
  const own = createPublicKey(key);
  const stated = readIfThere(publicPath);
  if (stated !== undefined) {
    const other = readPublicKey(stated, `public key \`${publicPath}\``);
    if (!other.equals(own)) {
      const reason = "it is not the private key's";
      throw new RuneError({ code: "SGX_KEY", doing: `read public key \`${publicPath}\``, reason });
    }
  }
  return keySigner(key, own);
}

/** A key of nobody's: for development. */
export async function throwAwaySigner(): Promise<Signer> {
  const options = { modulusLength: 8 * RSA_BYTES, publicExponent: 3 };
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", options);
  return keySigner(privateKey, publicKey);
}

function keySigner(key: KeyObject, publicKey: KeyObject): Signer {
  const publicKeyPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  return {
    publicKeyPem,
    sign: async (material) => {
      const signature = new Uint8Array(sign("sha256", material, key));
      // A fault in the middle of RSA gives the key away to whoever gets the result.
      requireSignature(material, signature, publicKey);
      return { signature, publicKeyPem };
    },
  };
}

export type SignCommand = {
  readonly path: string;
  readonly argv: readonly string[];
  readonly publicPath: string;
  readonly timeoutMs: number;
};

const maxAnswerBytes = 4096;

/** The command gets the material on standard input and answers with the raw signature. */
export function commandSigner({ path, argv, publicPath, timeoutMs }: SignCommand): Signer {
  const doing = `sign with \`${path}\``;
  const publicKeyPem = readIfThere(publicPath);
  if (publicKeyPem === undefined) {
    const reason = `its public key is wanted in \`${publicPath}\``;
    throw new RuneError({ code: "SGX_KEY", doing, reason });
  }
  const publicKey = readPublicKey(publicKeyPem, `public key \`${publicPath}\``);
  return {
    publicKeyPem,
    sign: async (material) => {
      const child = Bun.spawn([path, ...argv], {
        stdin: material,
        stdout: "pipe",
        stderr: "inherit",
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
        killSignal: "SIGKILL",
        maxBuffer: maxAnswerBytes,
        detached: true,
      });
      // With all that it has started: who keeps its output open would keep the request waiting.
      const late = setTimeout(() => killGroup(child.pid), timeoutMs);
      const ended = Promise.all([child.stdout.bytes(), child.exited]);
      const [signature, status] = await ended.finally(() => clearTimeout(late));
      if (status !== 0) {
        const reason = `it ended with status ${status}`;
        throw new RuneError({ code: "SIGNATURE", doing, reason });
      }
      requireSignature(material, signature, publicKey);
      return { signature, publicKeyPem };
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    const reason = errnoOf(error) ?? String(error);
    throw new RuneError({ code: "SGX_KEY", doing: `read \`${path}\``, reason, cause: error });
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}
