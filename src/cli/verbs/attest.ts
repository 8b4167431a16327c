// SPDX-License-Identifier: Apache-2.0
/** `rune attest`: evidence of an enclave container. */
import type { RaType } from "../../enclave/enclave-config.ts";
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { containerArgument, given, oneContainer } from "../container-options.ts";

export type AttestCommand = {
  readonly verb: "attest";
  readonly id: ContainerId;
  readonly remote: boolean;
  readonly quoteType: RaType;
  /** 64 bytes. */
  readonly reportData?: Uint8Array;
  /** Paths. */
  readonly targetInfo?: string;
  readonly reportFile?: string;
  readonly quoteFile?: string;
  readonly policy?: string;
  readonly trustRoots: readonly string[];
  readonly aesmSocket?: string;
  readonly collateral?: string;
  readonly iasUrl?: string;
  readonly allowSimulation: boolean;
  readonly spid: SecretSource;
  readonly subscriptionKey: SecretSource;
  readonly json: boolean;
  /** Options of the original that have no effect. */
  readonly idle: readonly string[];
};

/** From the command line, a file, or the caller's environment. */
export type SecretSource = {
  readonly option: string;
  readonly value?: string;
  readonly file?: string;
};

export const attestCommand = defineCommand({
  name: "attest",
  path: "rune attest",
  summary: "get an enclave container's report or quote, and judge it",
  arguments: oneContainer,
  options: [
    { name: "isRA", kind: "flag", help: "remote attestation: a quote and the verdict on it" },
    {
      name: "quote-type",
      kind: "string",
      argument: "type",
      default: "ecdsa",
      help: "ecdsa, epidUnlinkable or epidLinkable",
    },
    {
      name: "report-data",
      kind: "string",
      argument: "hex",
      help: "what the report shall hold, up to 64 bytes, zeros added",
    },
    {
      name: "nonce",
      kind: "string",
      argument: "hex",
      help: "the same, of a challenger: 16 to 64 bytes that nobody could guess",
    },
    {
      name: "target-info",
      kind: "string",
      argument: "file",
      help: "local report: for the enclave of this TARGETINFO, instead of the quoting enclave",
    },
    { name: "reportFile", kind: "string", argument: "file", help: "where the REPORT goes" },
    { name: "quote-file", kind: "string", argument: "file", help: "where the quote goes" },
    { name: "policy", kind: "string", argument: "file", help: "what is accepted, TOML or JSON" },
    {
      name: "collateral",
      kind: "string",
      argument: "source",
      help: "ecdsa: directory, JSON file, or address of a PCS or PCCS, instead of the node's",
    },
    {
      name: "trust-root",
      kind: "list",
      argument: "certificate",
      help: "believe this root instead of the platform's",
    },
    {
      name: "allow-simulation",
      kind: "flag",
      help: "accept evidence of the simulated platform, which proves nothing",
    },
    {
      name: "aesm-socket",
      kind: "string",
      argument: "socket",
      help: "where AESM listens, if not where the platform's does; @name for an abstract socket",
    },
    {
      name: "ias-url",
      kind: "string",
      argument: "address",
      help: "epid: what comes before /attestation/v4/report, instead of the node's",
    },
    {
      name: "spid",
      kind: "string",
      argument: "hex",
      help: "epid: the SPID, 32 digits; everybody on the machine sees it here",
    },
    { name: "spid-file", kind: "string", argument: "file", help: "epid: a file with the SPID" },
    {
      name: "subscription-key",
      short: "key",
      kind: "string",
      argument: "hex",
      help: "epid: the service's key, 32 digits; everybody on the machine sees it here",
    },
    {
      name: "subscription-key-file",
      kind: "string",
      argument: "file",
      help: "epid: a file with the key",
    },
    {
      name: "product",
      kind: "flag",
      hidden: true,
      help: "of 2020, without effect: --ias-url says which service",
    },
    { name: "linkable", kind: "flag", hidden: true, help: "of 2020: --quote-type epidLinkable" },
    { name: "json", kind: "flag", help: "print an object" },
  ],
});

const quoteTypes: readonly RaType[] = ["ecdsa", "epidUnlinkable", "epidLinkable"];

const REPORT_DATA_BYTES = 64;
/** A challenger's nonce that is shorter could be guessed, and a quote made in advance. */
const SHORTEST_NONCE_BYTES = 16;

export function parseAttest(words: readonly string[]): AttestCommand | undefined {
  const parsed = parseCommand(attestCommand, words);
  if (parsed.help) return undefined;
  const { values, positionals } = parsed;
  const { nonce } = values;
  if (nonce !== undefined && values["report-data"] !== undefined) {
    throw usageError(attestCommand, "flags `--nonce` and `--report-data` exclude each other");
  }
  if (values["target-info"] !== undefined && values.isRA) {
    throw usageError(attestCommand, "a quote is made of a report for the quoting enclave alone");
  }
  const verdictsOnly = [
    ["quote-file", values["quote-file"] !== undefined],
    ["policy", values.policy !== undefined],
    ["collateral", values.collateral !== undefined],
    ["ias-url", values["ias-url"] !== undefined],
    ["trust-root", values["trust-root"].length > 0],
    ["allow-simulation", values["allow-simulation"]],
  ] as const;
  const idle = verdictsOnly.find(([, present]) => present && !values.isRA);
  if (idle !== undefined) {
    throw usageError(attestCommand, `flag \`--${idle[0]}\` is about quotes, and needs \`--isRA\``);
  }
  const reportData =
    nonce === undefined
      ? bytesOf("report-data", values["report-data"], 1)
      : bytesOf("nonce", nonce, SHORTEST_NONCE_BYTES);
  const secret = (option: "spid" | "subscription-key"): SecretSource => ({
    option,
    ...given("value", values[option]),
    ...given("file", values[`${option}-file`]),
  });
  return {
    verb: "attest",
    id: containerArgument(positionals),
    remote: values.isRA,
    quoteType: values.linkable ? "epidLinkable" : quoteTypeOf(values["quote-type"]),
    ...(reportData === undefined ? {} : { reportData }),
    ...given("targetInfo", values["target-info"]),
    ...given("reportFile", values.reportFile),
    ...given("quoteFile", values["quote-file"]),
    ...given("policy", values.policy),
    trustRoots: values["trust-root"],
    ...given("aesmSocket", values["aesm-socket"]),
    ...given("collateral", values.collateral),
    ...given("iasUrl", values["ias-url"]),
    allowSimulation: values["allow-simulation"],
    spid: secret("spid"),
    subscriptionKey: secret("subscription-key"),
    json: values.json,
    idle: values.product ? ["product"] : [],
  };
}

function bytesOf(option: string, text: string | undefined, fewest: number) {
  if (text === undefined) return undefined;
  const size = /^([0-9a-fA-F]{2})+$/.test(text) ? text.length / 2 : 0;
  if (size < fewest || size > REPORT_DATA_BYTES) {
    const reason = `expected ${fewest} to ${REPORT_DATA_BYTES} bytes in hexadecimal, got \`${text}\``;
    throw usageError(attestCommand, `flag \`--${option}\`: ${reason}`);
  }
  const bytes = new Uint8Array(REPORT_DATA_BYTES);
  for (let at = 0; at < size; at++) {
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}

function quoteTypeOf(text: string): RaType {
  const type = quoteTypes.find((known) => known.toLowerCase() === text.toLowerCase());
  if (type !== undefined) return type;
  const expected = `expected one of ${quoteTypes.join(", ")}, got \`${text}\``;
  throw usageError(attestCommand, `flag \`--quote-type\`: ${expected}`);
}
