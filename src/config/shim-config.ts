// SPDX-License-Identifier: Apache-2.0
/** The keys of the node's configuration that only the shim obeys: the original's, and what they lacked. */
import type { Table } from "./toml-table.ts";

export const logLevels = ["debug", "info", "warn", "error"] as const;

export type SignatureConfig = {
  /** Base of the signature server's URL; undefined: there is none. */
  readonly serverAddress: string | undefined;
  /** PEM files for TLS: who may have signed the server's certificate, and what the client shows. */
  readonly caCertificate: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  /** PEM file of the one key whose signatures are taken; undefined: the server's word is. */
  readonly publicKey: string | undefined;
  readonly timeoutMs: number;
  /** Without a server, sign with a key made for the purpose and thrown away. */
  readonly development: boolean;
};

export type LibosConfig = {
  readonly runtimePath: string | undefined;
  readonly libosPath: string | undefined;
};

export type ShimConfig = {
  readonly logLevel: (typeof logLevels)[number];
  readonly signature: SignatureConfig;
  /** `server`: enclaves are built and signed here; `client`: the image carries a signed one. */
  readonly signatureMethod: "server" | "client";
  readonly occlum: LibosConfig;
  readonly gramine: LibosConfig;
  readonly carrier: {
    /** Builds at the same time; more wait. */
    readonly maxBuilds: number;
    readonly buildTimeoutMs: number;
    readonly cacheDirectory: string;
    readonly cacheMaxBytes: number;
  };
};

const maxTimeoutSeconds = 86_400;

/** @throws RuneError NODE_CONFIG that names the key */
export function readShimConfig(document: Table): ShimConfig {
  const level = document.string("log_level");
  // Read by the original, which then did nothing with them.
  document.string("sgx_tool_sign");
  document.table("containerd").string("socket");
  const runtimes = document.table("enclave_runtime");
  const method = runtimes.choice("signature_method", ["server", "client"]);
  const old = libos(runtimes.table("graphene"));
  const gramine = libos(runtimes.table("gramine"));
  return {
    logLevel: logLevels.find((name) => name === level) ?? "info",
    signature: signatureOf(document.table("signature")),
    signatureMethod: method ?? "server",
    occlum: libos(runtimes.table("occlum")),
    gramine: {
      runtimePath: gramine.runtimePath ?? old.runtimePath,
      libosPath: gramine.libosPath ?? old.libosPath,
    },
    carrier: carrierOf(document.table("carrier")),
  };
}

function signatureOf(table: Table): SignatureConfig {
  const serverAddress = table.text("server_address");
  if (serverAddress !== undefined && !isServerAddress(serverAddress)) {
    const reason = `expected http://HOST:PORT or https://HOST:PORT, got \`${serverAddress}\``;
    throw table.fault("server_address", reason);
  }
  const config = {
    serverAddress,
    caCertificate: table.absolutePath("ca_certificate"),
    clientCertificate: table.absolutePath("client_certificate"),
    clientKey: table.absolutePath("client_key"),
    publicKey: table.absolutePath("public_key"),
    timeoutMs: 1000 * (table.number("timeout", maxTimeoutSeconds) ?? 10),
    development: table.boolean("development") ?? false,
  };
  if ((config.clientCertificate === undefined) !== (config.clientKey === undefined)) {
    throw table.fault("client_key", "goes with client_certificate: both or neither");
  }
  return config;
}

/** No query, no user, no fragment: paths are appended to it. */
function isServerAddress(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function libos(table: Table): LibosConfig {
  return {
    runtimePath: table.absolutePath("enclave_runtime_path"),
    libosPath: table.absolutePath("enclave_libos_path"),
  };
}

function carrierOf(table: Table): ShimConfig["carrier"] {
  const builds = table.number("max_builds", 64) ?? 2;
  if (!Number.isInteger(builds)) throw table.fault("max_builds", "expected a whole number");
  return {
    maxBuilds: builds,
    buildTimeoutMs: 1000 * (table.number("build_timeout", maxTimeoutSeconds) ?? 1800),
    cacheDirectory: table.absolutePath("cache_directory") ?? "/var/cache/inclavare-containers",
    cacheMaxBytes: (table.number("cache_max_mb", 1 << 24) ?? 10_240) * (1 << 20),
  };
}
