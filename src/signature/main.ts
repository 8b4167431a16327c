// SPDX-License-Identifier: Apache-2.0
/** `signature-server`. */
import { readFileSync, writeSync } from "node:fs";
import { RuneError } from "../errors/error.ts";
import { formatCommandHelp } from "../options/help.ts";
import type { OptionValues } from "../options/option.ts";
import { parseCommand } from "../options/parse.ts";
import { openAuditLog } from "./audit.ts";
import { signatureServer, signatureServerProse } from "./command.ts";
import { listen, type TlsFiles } from "./server.ts";
import { commandSigner, pemSigner, type Signer } from "./signer.ts";

/** Set by the build; absent when run from source. */
declare const BUILD_VERSION: string | undefined;

type Values = OptionValues<typeof signatureServer.options>;

const signTimeoutMs = 30_000;

/** Runs until SIGTERM or SIGINT. */
export async function main(args: readonly string[]): Promise<number> {
  const parsed = parseCommand(signatureServer, args);
  if (parsed.help) return say(formatCommandHelp(signatureServer, signatureServerProse).trimEnd());
  const { values } = parsed;
  if (values.version) {
    const version = typeof BUILD_VERSION === "string" ? BUILD_VERSION : "source";
    return say(`signature-server version ${version}`);
  }
  const tls = tlsFiles(values);
  const { host, port } = whereTo(values, tls !== undefined);
  const audit = openAuditLog(values["audit-log"]);
  const routes = { signer: signerOf(values), audit, anyMaterial: values["any-material"] };
  const warn = (message: string) => void writeSync(2, `signature-server: ${message}\n`);
  const server = await listen({ routes, host, port, tls, warn });
  const scheme = tls === undefined ? "http" : "https";
  warn(`listening on ${scheme}://${host}:${server.port}`);
  await new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
  await server.close();
  audit.close();
  return 0;
}

function say(text: string): number {
  writeSync(1, `${text}\n`);
  return 0;
}

function signerOf(values: Values): Signer {
  const path = values["sign-command"];
  const publicPath = values["public-key"];
  if (path === undefined) return pemSigner(values["private-key"], publicPath);
  return commandSigner({
    path,
    argv: values["sign-argument"],
    publicPath,
    timeoutMs: signTimeoutMs,
  });
}

function tlsFiles(values: Values): TlsFiles | undefined {
  const { "tls-certificate": certificate, "tls-key": key, "client-ca": clientCa } = values;
  if (certificate === undefined && key === undefined && clientCa === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    throw usage("`--tls-certificate` and `--tls-key` go together");
  }
  return {
    certificate: readFile(certificate),
    key: readFile(key),
    clientCa: clientCa === undefined ? undefined : readFile(clientCa),
  };
}

function whereTo(values: Values, isTls: boolean): { host: string; port: number } {
  const address = values.listen ?? (isTls ? "0.0.0.0:9080" : "127.0.0.1:9080");
  const [, named = "", text = ""] = /^(.*):([0-9]{1,5})$/.exec(address) ?? [];
  const port = Number(text);
  if (text === "" || port > 65_535) {
    throw usage(`\`--listen\`: expected host:port, got \`${address}\``);
  }
  const host = named.replace(/^\[(.*)\]$/, "$1") || "0.0.0.0";
  const isLocal = host === "localhost" || host === "::1" || host.startsWith("127.");
  if (!isTls && !isLocal && !values.insecure) {
    throw usage(
      `whoever reaches \`${address}\` could have anything signed: use TLS, or --insecure`,
    );
  }
  return { host, port };
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RuneError({ code: "USAGE", doing: `read \`${path}\``, reason, cause });
  }
}

function usage(reason: string): RuneError {
  return new RuneError({ code: "USAGE", doing: "signature-server", reason });
}
