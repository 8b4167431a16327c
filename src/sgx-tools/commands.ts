// SPDX-License-Identifier: Apache-2.0
/** The command line of `sgx-tools`, as data. */

import { defineCommand, type ProgramSpec } from "../options/option.ts";
import { genQeTargetInfo, genQuote, genToken, getIasReport } from "./aesm-commands.ts";
import { collateralFetch, collateralShow, diff, verifyQuote } from "./evidence-commands.ts";
import {
  platformEnclaves,
  platformMetrics,
  platformReset,
  platformServe,
  platformStart,
  platformStatus,
  platformStop,
} from "./platform-commands.ts";
import { platformRoot, platformSetTcb } from "./set-tcb-command.ts";
import { buildWasm, signWasm } from "./wasm-commands.ts";

/** `sgxsign`'s options, under their own names, and what it lacks. */
const signingOptions = [
  { name: "no-debugger", short: "N", kind: "flag", help: "the enclave may not be debugged" },
  {
    name: "debug-enclave",
    short: "D",
    kind: "flag",
    help: "set bit 31 of TYPE; recent processors refuse that",
  },
  { name: "attrs", short: "a", kind: "string", argument: "hex", help: "ATTRIBUTES" },
  { name: "attrs-mask", short: "A", kind: "string", argument: "hex", help: "ATTRIBUTEMASK" },
  { name: "xfrm", short: "x", kind: "string", argument: "hex", help: "XFRM, 3 if not given" },
  { name: "xfrm-mask", short: "X", kind: "string", argument: "hex", help: "mask of XFRM" },
  { name: "miscselect", kind: "string", argument: "hex", help: "MISCSELECT, 0 if not given" },
  { name: "miscmask", kind: "string", argument: "hex", help: "MISCMASK, 0 if not given" },
  {
    name: "isv-prod-id",
    kind: "integer",
    argument: "n",
    default: 0,
    minimum: 0,
    maximum: 65535,
    help: "ISVPRODID",
  },
  {
    name: "isv-svn",
    kind: "integer",
    argument: "n",
    default: 0,
    minimum: 0,
    maximum: 65535,
    help: "ISVSVN",
  },
  { name: "date", kind: "string", argument: "yyyymmdd", help: "DATE, today if not given" },
  {
    name: "pages",
    kind: "string",
    argument: "layout",
    default: "published",
    choices: ["published", "noted"],
    help: "page permissions: all RWX, as every skeleton PAL loads, or as the page note says",
  },
  {
    name: "mmap-size",
    short: "s",
    kind: "integer",
    argument: "bytes",
    minimum: 0,
    maximum: 2 ** 36,
    help: "write the size up to which the enclave is padded into the image",
  },
  {
    name: "null_dereference_protection",
    short: "n",
    kind: "flag",
    help: "write into the image that the enclave's range starts at address 0",
  },
  {
    name: "mmap_min_addr",
    short: "m",
    kind: "string",
    argument: "hex",
    help: "write the lowest address the hosts allow into the image (10000 if only -n is given)",
  },
] as const;

export const sign = defineCommand({
  name: "sign",
  path: "sgx-tools sign",
  summary: "measure and sign an enclave image",
  arguments: { usage: "<key.pem> <image> <sigstruct> [tbs]", minimum: 3, maximum: 4 },
  options: [
    ...signingOptions,
    { name: "tbs", kind: "string", argument: "file", help: "also write the 256 signed bytes" },
  ],
});

export const gendata = defineCommand({
  name: "gendata",
  path: "sgx-tools gendata",
  summary: "measure an enclave image and write the 256 bytes to be signed elsewhere",
  arguments: { usage: "<image> <tbs>", minimum: 2, maximum: 2 },
  options: signingOptions,
});

export const catsig = defineCommand({
  name: "catsig",
  path: "sgx-tools catsig",
  summary: "make a SIGSTRUCT from signed bytes and a signature made elsewhere",
  arguments: { usage: "<tbs> <sigstruct>", minimum: 2, maximum: 2 },
  options: [
    { name: "public-key", kind: "string", argument: "pem", help: "the signer's public key" },
    { name: "signature", kind: "string", argument: "file", help: "384 bytes, big-endian" },
  ],
});

export const measure = defineCommand({
  name: "measure",
  path: "sgx-tools measure",
  summary: "print the MRENCLAVE of an enclave image, .sgxs stream or ELF file",
  arguments: { usage: "<image>", minimum: 1, maximum: 1 },
  options: [
    {
      name: "sigstruct",
      kind: "string",
      argument: "file",
      help: "measure as this SIGSTRUCT was signed, and fail if it is for another image",
    },
    { name: "xfrm", short: "x", kind: "string", argument: "hex", help: "XFRM, 3 if not given" },
    { name: "miscselect", kind: "string", argument: "hex", help: "MISCSELECT, 0 if not given" },
    {
      name: "pages",
      kind: "string",
      argument: "layout",
      choices: ["published", "noted"],
      help: "page permissions, published if not given",
    },
    {
      name: "heap",
      kind: "integer",
      argument: "bytes",
      minimum: 4096,
      maximum: 2 ** 30,
      help: "ELF: zero pages that the loader adds behind it, 4096 if not given",
    },
    { name: "json", kind: "flag", help: "print an object with sizes too" },
  ],
});

export const inspect = defineCommand({
  name: "inspect",
  path: "sgx-tools inspect",
  summary: "print what a file of SGX or of its attestation says",
  arguments: { usage: "<file>", minimum: 1, maximum: 1 },
  options: [
    {
      name: "type",
      kind: "string",
      argument: "type",
      choices: [
        "sigstruct",
        "einittoken",
        "report",
        "targetinfo",
        "image",
        "quote",
        "epid-quote",
        "certificate",
        "crl",
        "tcb-info",
        "qe-identity",
        "ias-report",
        "sgxs",
        "wasm-enclave",
      ],
      help: "what the file is, instead of judging by its content",
    },
    {
      name: "html",
      kind: "string",
      argument: "file",
      help: "also write a page for a person, which needs nothing else",
    },
    { name: "json", kind: "flag", help: "print an object" },
  ],
});

export const simulate = defineCommand({
  name: "simulate",
  path: "sgx-tools simulate",
  summary: "run a program on the simulated SGX platform",
  arguments: {
    usage: "[--] COMMAND [ARGUMENTS...]",
    minimum: 1,
    maximum: Number.POSITIVE_INFINITY,
    ofProgram: true,
  },
  options: [
    { name: "verbose", kind: "flag", help: "the platform reports on standard error what it does" },
    {
      name: "fidelity",
      kind: "flag",
      help: "interrupt enclaves at random, and refuse what a processor would refuse",
    },
    {
      name: "epc",
      kind: "string",
      argument: "size",
      help: "an enclave page cache of that size, such as 128M, and no more pages than it has",
    },
    {
      name: "no-service",
      kind: "flag",
      help: "derive keys from the constant that everybody knows, instead of asking the platform service",
    },
  ],
});

export const program: ProgramSpec = {
  ...defineCommand({
    name: "sgx-tools",
    path: "sgx-tools",
    summary: "measures, signs, shows and attests SGX enclaves",
    arguments: {
      usage: "<command> [arguments...]",
      minimum: 0,
      maximum: Number.POSITIVE_INFINITY,
      ofProgram: true,
    },
    options: [{ name: "version", kind: "flag", help: "print the version" }],
  }),
  commands: [
    measure,
    sign,
    gendata,
    catsig,
    inspect,
    diff,
    genToken,
    genQeTargetInfo,
    genQuote,
    verifyQuote,
    getIasReport,
    collateralFetch,
    collateralShow,
    buildWasm,
    signWasm,
    simulate,
    platformStatus,
    platformEnclaves,
    platformMetrics,
    platformSetTcb,
    platformRoot,
    platformReset,
    platformStart,
    platformStop,
    platformServe,
  ],
};
