// SPDX-License-Identifier: Apache-2.0
/** The command line of what judges evidence, as data. */
import { defineCommand } from "../options/option.ts";

const trustOptions = [
  { name: "at", kind: "string", argument: "time", help: "check as of this time, now if not given" },
  {
    name: "trust-root",
    kind: "list",
    argument: "certificate",
    help: "believe this root instead of Intel's",
  },
  {
    name: "allow-simulation",
    kind: "flag",
    help: "accept evidence of the simulated platform, which proves nothing",
  },
] as const;

/** For whoever asks a service of Intel's interface and judges its signed answer. */
export const serviceTrustOptions = [
  ...trustOptions,
  {
    name: "insecure",
    kind: "flag",
    help: "do not check the service's TLS certificate; what it sends is signed in itself",
  },
] as const;

const serviceOptions = [
  {
    name: "api",
    kind: "string",
    argument: "version",
    default: "4",
    choices: ["3", "4"],
    help: "API of the service",
  },
  {
    name: "update",
    kind: "string",
    argument: "when",
    choices: ["early", "standard"],
    help: "the newest collateral, or what most platforms reach",
  },
  {
    name: "insecure",
    kind: "flag",
    help: "do not check the service's TLS certificate; collateral is signed in itself",
  },
] as const;

export const verifyQuote = defineCommand({
  name: "verify-quote",
  path: "sgx-tools verify-quote",
  summary: "judge a quote, and exit with 0 only if the policy accepts it",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    {
      name: "quote-type",
      kind: "string",
      argument: "type",
      default: "ecdsa",
      help: "ecdsa, epidUnlinkable or epidLinkable",
    },
    { name: "quote", kind: "string", argument: "file", default: "quote.bin", help: "the quote" },
    {
      name: "collateral",
      kind: "string",
      argument: "source",
      help: "ecdsa: directory, JSON file, or address of a PCS or PCCS (https://, http://, or unix: and a socket's path)",
    },
    { name: "policy", kind: "string", argument: "file", help: "what is accepted, TOML or JSON" },
    {
      name: "report-data",
      kind: "string",
      argument: "hex",
      help: "what REPORTDATA must be, zeros added",
    },
    ...trustOptions,
    { name: "allow-trailing", kind: "flag", help: "accept bytes that follow the quote" },
    ...serviceOptions,
    { name: "ias-report", kind: "string", argument: "file", help: "epid: the archived IAS report" },
    {
      name: "ias-signature",
      kind: "string",
      argument: "file",
      help: "its signature, if the report's file is only the body",
    },
    {
      name: "ias-certificates",
      kind: "string",
      argument: "file",
      help: "its certificates, if the report's file is only the body",
    },
    { name: "nonce", kind: "string", argument: "text", help: "epid: the report's nonce" },
    { name: "spid", kind: "string", argument: "hex", help: "epid: what BASENAME must start with" },
    {
      name: "subscription-key",
      short: "key",
      kind: "string",
      argument: "key",
      help: "of the closed service; not used",
      hidden: true,
    },
    {
      name: "html",
      kind: "string",
      argument: "file",
      help: "also write the verdict as a page for a person, which needs nothing else",
    },
    { name: "json", kind: "flag", help: "print an object" },
  ],
});

export const collateralFetch = defineCommand({
  name: "collateral fetch",
  path: "sgx-tools collateral fetch",
  summary: "fetch what is needed to judge a platform's quotes into a directory",
  arguments: { usage: "<directory>", minimum: 1, maximum: 1 },
  options: [
    { name: "quote", kind: "string", argument: "file", help: "a quote of the platform" },
    { name: "fmspc", kind: "string", argument: "hex", help: "or its FMSPC" },
    {
      name: "ca",
      kind: "string",
      argument: "name",
      default: "platform",
      choices: ["platform", "processor"],
      help: "with --fmspc: which CA certified it",
    },
    {
      name: "tee",
      kind: "string",
      argument: "kind",
      default: "sgx",
      choices: ["sgx", "tdx"],
      help: "with --fmspc: kind of quotes",
    },
    {
      name: "url",
      kind: "string",
      argument: "address",
      default: "https://api.trustedservices.intel.com",
      help: "PCS or PCCS: https://, http://, or unix: and a socket's path",
    },
    ...serviceOptions,
  ],
});

export const collateralShow = defineCommand({
  name: "collateral show",
  path: "sgx-tools collateral show",
  summary: "print what an archive of collateral holds",
  arguments: { usage: "<directory>", minimum: 1, maximum: 1 },
  options: [{ name: "json", kind: "flag", help: "print an object" }],
});

export const diff = defineCommand({
  name: "diff",
  path: "sgx-tools diff",
  summary: "compare two files that inspect can print, field by field",
  arguments: { usage: "<file> <file>", minimum: 2, maximum: 2 },
  options: [{ name: "json", kind: "flag", help: "print an object" }],
});
