// SPDX-License-Identifier: Apache-2.0
/**
 * What a configuration says of its enclave, in process.env or in annotations: the keys of every era
 * of the original, docs/reference/enclave-config.md. The environment beats the annotation, key by key.
 */
import { RuneError } from "../errors/error.ts";
import type { Config } from "../oci/config.ts";

/** [variable, annotation] by meaning. */
export const enclaveKeys = {
  type: ["ENCLAVE_TYPE", "enclave.type"],
  palPath: ["ENCLAVE_RUNTIME_PATH", "enclave.runtime.path"],
  palArgs: ["ENCLAVE_RUNTIME_ARGS", "enclave.runtime.args"],
  logLevel: ["ENCLAVE_RUNTIME_LOGLEVEL", "enclave.runtime.loglevel"],
  platform: ["ENCLAVE_PLATFORM", "enclave.platform"],
  raType: ["ENCLAVE_RA_TYPE", "enclave.attestation.ra_type"],
  spid: ["ENCLAVE_RA_EPID_SPID", "enclave.attestation.ra_epid_spid"],
  subscriptionKey: ["ENCLAVE_RA_EPID_SUB_KEY", "enclave.attestation.ra_epid_subscription_key"],
  isProduct: ["ENCLAVE_IS_PRODUCT_ENCLAVE", "enclave.is_product_enclave"],
  isLinkable: ["ENCLAVE_RA_EPID_IS_LINKABLE", "enclave.attestation.ra_epid_is_linkable"],
} as const;

const logLevels = ["trace", "debug", "info", "warning", "error", "fatal", "panic", "off"] as const;
export type LogLevel = (typeof logLevels)[number];

const raTypes = ["epidUnlinkable", "epidLinkable", "ecdsa"] as const;
export type RaType = (typeof raTypes)[number];

export type Source = "environment" | "annotation";

export type EnclaveConfig = {
  /** Absent: only a platform is asked for. */
  readonly type?: "intelSgx";
  /** As given. */
  readonly palPath: string;
  /** Words separated by spaces. */
  readonly palArgs: string;
  readonly logLevel: LogLevel;
  readonly platform?: { readonly name: "hardware" | "simulation"; readonly from: Source };
  readonly raType?: RaType;
  /** Whether both EPID secrets are given; they themselves go nowhere from here. */
  readonly hasEpidSecrets: boolean;
  readonly warnings: readonly string[];
};

/** What a container attests itself with before it starts. The secrets are for that moment only. */
export type OwnAttestation = {
  readonly type: RaType;
  readonly spid?: string;
  readonly subscriptionKey?: string;
};

type Key = keyof typeof enclaveKeys;

/**
 * The attestation that a checked configuration asks for, with its secrets; undefined for none.
 * Precondition: `config` is as the bundle has it, before secrets were taken out.
 */
export function readOwnAttestation(config: Config, type: RaType | undefined) {
  if (type === undefined) return undefined;
  const read = reader(config);
  const [spid, subscriptionKey] = [read("spid")?.value, read("subscriptionKey")?.value];
  return {
    type,
    ...(spid === undefined ? {} : { spid }),
    ...(subscriptionKey === undefined ? {} : { subscriptionKey }),
  } satisfies OwnAttestation;
}

/** Reads and checks the keys; undefined where neither a type nor a platform is named. */
export function readEnclaveConfig(config: Config): EnclaveConfig | undefined {
  const read = reader(config);
  const type = read("type")?.value;
  const platform = platformOf(read("platform"));
  const warnings: string[] = [];
  if (type === undefined) checkNoAttestation(read("raType"), warnings);
  if (type === undefined && platform === undefined) return undefined;
  const isLinkable = booleanOf("isLinkable", read("isLinkable")?.value);
  booleanOf("isProduct", read("isProduct")?.value);
  const raType = raTypeOf(read("raType")?.value, isLinkable);
  const hasEpidSecrets = checkEpid(raType, read("spid")?.value, read("subscriptionKey")?.value);
  return {
    ...(type === undefined ? {} : { type: typeOf(type) }),
    palPath: read("palPath")?.value ?? "",
    palArgs: (read("palArgs")?.value ?? "").replaceAll(",", " "),
    logLevel: logLevelOf(read("logLevel")?.value, warnings),
    ...(platform === undefined ? {} : { platform }),
    ...(raType === undefined ? {} : { raType }),
    hasEpidSecrets,
    warnings,
  };
}

type Found = { readonly value: string; readonly from: Source };

/** An empty value is no value. The first of several variables counts, as for getenv(3). */
function reader({ process, annotations }: Config): (key: Key) => Found | undefined {
  return (key) => {
    const [variable, annotation] = enclaveKeys[key];
    const entry = (process.env ?? []).find((item) => item.startsWith(`${variable}=`));
    const inEnvironment = entry?.slice(variable.length + 1) ?? "";
    if (inEnvironment !== "") return { value: inEnvironment, from: "environment" };
    const value = annotations?.[annotation] ?? "";
    return value === "" ? undefined : { value, from: "annotation" };
  };
}

function typeOf(type: string): "intelSgx" {
  if (type === "intelSgx") return type;
  if (type === "AwsNitroEnclaves" || type === "Jailhouse") {
    const doing = `use enclave type \`${type}\``;
    const reason = "this version supports intelSgx only";
    throw new RuneError({ code: "ENCLAVE_TYPE_UNSUPPORTED", doing, reason });
  }
  throw fault("type", `expected intelSgx, got \`${type}\``);
}

function platformOf(found: Found | undefined): EnclaveConfig["platform"] {
  if (found === undefined) return undefined;
  const { value, from } = found;
  if (value === "hardware" || value === "simulation") return { name: value, from };
  throw fault("platform", `expected hardware or simulation, got \`${value}\``);
}

/** The original silently took info for a level it did not know; pods that rely on that exist. */
function logLevelOf(text: string | undefined, warnings: string[]): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level === undefined && text !== undefined) {
    warnings.push(`unknown log level \`${text}\` for the enclave runtime; using info`);
  }
  return level ?? "info";
}

/** EPID and DCAP are the words of 2020. */
function raTypeOf(text: string | undefined, linkable: boolean | undefined): RaType | undefined {
  if (text === undefined) return undefined;
  const word = text.toLowerCase();
  if (word === "dcap") return "ecdsa";
  if (word === "epid") return linkable === true ? "epidLinkable" : "epidUnlinkable";
  const known = raTypes.find((type) => type.toLowerCase() === word);
  if (known !== undefined) return known;
  throw fault("raType", `expected one of ${raTypes.join(", ")}, got \`${text}\``);
}

function booleanOf(key: Key, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text === "true" || text === "false") return text === "true";
  throw fault(key, `expected true or false, got \`${text}\``);
}

/**
 * Without a type there is no enclave: what is to start only with evidence must not start without. An
 * annotation may be a whole pod's, and meant for another of its containers.
 */
function checkNoAttestation(raType: Found | undefined, warnings: string[]): void {
  if (raType === undefined) return;
  const reason = "no enclave type is named, and only an enclave attests itself";
  if (raType.from === "environment") throw fault("raType", reason);
  warnings.push(`${enclaveKeys.raType[1]}: ${reason}`);
}

function checkEpid(
  raType: RaType | undefined,
  spid: string | undefined,
  key: string | undefined,
): boolean {
  // Never with the value in the message: both are secrets.
  for (const [name, value] of [
    ["spid", spid],
    ["subscriptionKey", key],
  ] as const) {
    if (value !== undefined && !/^[0-9a-fA-F]{32}$/.test(value)) {
      throw fault(name, "expected 32 hexadecimal digits");
    }
    if (value === undefined && raType?.startsWith("epid")) {
      throw fault(name, `remote attestation by ${raType} needs it`);
    }
  }
  return spid !== undefined && key !== undefined;
}

function fault(key: Key, reason: string): RuneError {
  const [variable, annotation] = enclaveKeys[key];
  const doing = `config \`${annotation}\` or \`${variable}\``;
  return new RuneError({ code: "ENCLAVE_CONFIG", doing, reason });
}
