// SPDX-License-Identifier: Apache-2.0
/** The command line of what asks AESM, and the service for EPID quotes, as data. */
import { defineCommand } from "../options/option.ts";
import { serviceTrustOptions } from "./evidence-commands.ts";

const aesmOptions = [
  {
    name: "aesm-socket",
    kind: "string",
    argument: "socket",
    default: "/var/run/aesmd/aesm.socket",
    help: "where AESM listens; @name for an abstract socket",
  },
  {
    name: "timeout",
    kind: "integer",
    argument: "seconds",
    default: 30,
    minimum: 1,
    maximum: 3600,
    help: "how long a reply may take as a whole",
  },
] as const;

const quoteTypeOption = {
  name: "quote-type",
  kind: "string",
  argument: "type",
  default: "ecdsa",
  help: "ecdsa, epidUnlinkable or epidLinkable",
} as const;

const spidOptions = [
  { name: "spid", kind: "string", argument: "hex", help: "epid: the SPID, 32 digits" },
  { name: "spid-file", kind: "string", argument: "file", help: "epid: a file with the SPID" },
] as const;

export const genToken = defineCommand({
  name: "gen-token",
  path: "sgx-tools gen-token",
  summary: "get a launch token for a signed enclave",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    { name: "signature", kind: "string", argument: "file", help: "the SIGSTRUCT" },
    {
      name: "token",
      kind: "string",
      argument: "file",
      help: "where the token goes; if not given, the signature's name with .token for .sig",
    },
    ...aesmOptions,
  ],
});

export const genQeTargetInfo = defineCommand({
  name: "gen-qe-target-info",
  path: "sgx-tools gen-qe-target-info",
  summary: "get the TARGETINFO for which an enclave must make its report to have it quoted",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    quoteTypeOption,
    {
      name: "targetinfo",
      kind: "string",
      argument: "file",
      default: "qe_targetinfo.bin",
      help: "where it goes",
    },
    ...aesmOptions,
  ],
});

export const genQuote = defineCommand({
  name: "gen-quote",
  path: "sgx-tools gen-quote",
  summary: "get a quote of an enclave's report",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    quoteTypeOption,
    { name: "report", kind: "string", argument: "file", help: "the enclave's REPORT" },
    {
      name: "quote",
      kind: "string",
      argument: "file",
      default: "quote.bin",
      help: "where the quote goes",
    },
    ...spidOptions,
    { name: "linkable", kind: "flag", help: "the same as --quote-type epidLinkable" },
    ...aesmOptions,
  ],
});

export const getIasReport = defineCommand({
  name: "get-ias-report",
  path: "sgx-tools get-ias-report",
  summary: "have an EPID quote judged by an attestation service of Intel's interface",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    { name: "quote", kind: "string", argument: "file", default: "quote.bin", help: "the quote" },
    {
      name: "ias-report",
      kind: "string",
      argument: "file",
      default: "ias-report.bin",
      help: "where the report goes, with its signature and certificates",
    },
    {
      name: "ias-url",
      kind: "string",
      argument: "address",
      help: "the service: what comes before /attestation/v4/report",
    },
    ...spidOptions,
    {
      name: "subscription-key",
      short: "key",
      kind: "string",
      argument: "hex",
      help: "the service's key, 32 digits; everybody on the machine sees it here",
    },
    {
      name: "subscription-key-file",
      kind: "string",
      argument: "file",
      help: "a file with the key",
    },
    { name: "product", kind: "flag", help: "the production service: no /dev in its address" },
    {
      name: "ias-api",
      kind: "string",
      argument: "version",
      default: "4",
      choices: ["3", "4", "5"],
      help: "API of the service",
    },
    {
      name: "nonce",
      kind: "string",
      argument: "text",
      help: "up to 32 characters that the report must repeat, random if not given",
    },
    ...serviceTrustOptions,
    { name: "json", kind: "flag", help: "print an object" },
  ],
});
