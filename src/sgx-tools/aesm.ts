// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools gen-token`, `gen-qe-target-info`, `gen-quote`: what AESM answers, into files. */
import { readFileSync, statSync } from "node:fs";
import { type AesmClient, aesmClient } from "../aesm/client.ts";
import { unixExchange } from "../aesm/exchange.ts";
import {
  ecdsaQuote,
  ecdsaTargetInfo,
  epidQuote,
  epidTargetInfo,
  launchToken,
} from "../aesm/quoting.ts";
import { parseEpidQuote } from "../attest/quote/epid.ts";
import { parseQuote } from "../attest/quote/quote.ts";
import { RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { sameBytes } from "../sgx/bytes.ts";
import { parseEinitToken } from "../sgx/einittoken.ts";
import { parseReport, REPORT_BYTES } from "../sgx/report.ts";
import { mrsigner, parseSigstruct, SIGSTRUCT_BYTES } from "../sgx/sigstruct.ts";
import { parseTargetInfo } from "../sgx/targetinfo.ts";
import { verifySigstruct } from "../sgx/verify.ts";
import type * as commands from "./aesm-commands.ts";
import { readInput, warn, writeOutput } from "./files.ts";
import { type QuoteType, quoteTypeOf } from "./quote-type.ts";
import { readSecret } from "./secrets.ts";

/** What the original gave its files; the caller's umask takes from it. */
const FILE_MODE = 0o664;

export async function genToken(
  values: OptionValues<typeof commands.genToken.options>,
): Promise<void> {
  const path = required("gen-token", "signature", values.signature);
  const bytes = readInput(path, SIGSTRUCT_BYTES);
  const sigstruct = parseSigstruct(bytes);
  // EINIT would refuse it with any token.
  verifySigstruct(bytes);
  if (hasFlexibleLaunchControl()) {
    warn("this processor has flexible launch control: the kernel's driver needs no token");
  }
  const token = await launchToken(clientOf(values), {
    mrEnclave: sigstruct.enclaveHash,
    modulus: sigstruct.modulus,
    attributes: bytes.slice(928, 944),
  });
  const { mrenclave, mrsigner: signer, valid } = parseEinitToken(token);
  const own =
    sameBytes(mrenclave, sigstruct.enclaveHash) && sameBytes(signer, mrsigner(sigstruct.modulus));
  if (valid && !own) throw foreign("the token is for another enclave");
  writeOutput(values.token ?? tokenPath(path), token, statSync(path).mode & 0o777);
}

export async function genQeTargetInfo(
  values: OptionValues<typeof commands.genQeTargetInfo.options>,
): Promise<void> {
  const ecdsa = quoteTypeOf("gen-qe-target-info", values["quote-type"]) === "ecdsa";
  const client = clientOf(values);
  const targetInfo = await (ecdsa ? ecdsaTargetInfo(client) : epidTargetInfo(client));
  parseTargetInfo(targetInfo);
  writeOutput(values.targetinfo, targetInfo, FILE_MODE);
}

export async function genQuote(
  values: OptionValues<typeof commands.genQuote.options>,
): Promise<void> {
  const type = values.linkable ? "epidLinkable" : quoteTypeOf("gen-quote", values["quote-type"]);
  const report = readInput(required("gen-quote", "report", values.report), REPORT_BYTES);
  parseReport(report);
  const quote =
    type === "ecdsa"
      ? await checkedEcdsaQuote(clientOf(values), report)
      : await checkedEpidQuote(clientOf(values), type, report, spidOf(values));
  writeOutput(values.quote, quote, FILE_MODE);
}

async function checkedEcdsaQuote(client: AesmClient, report: Uint8Array): Promise<Uint8Array> {
  const quote = await ecdsaQuote(client, report);
  const { version } = parseQuote(quote);
  if (version === 3) return quote;
  throw foreign(`the quote is of version ${version}`);
}

async function checkedEpidQuote(
  client: AesmClient,
  type: Exclude<QuoteType, "ecdsa">,
  report: Uint8Array,
  spid: Uint8Array,
): Promise<Uint8Array> {
  const linkable = type === "epidLinkable";
  const quote = await epidQuote(client, { report, linkable, spid });
  const { signType, basename } = parseEpidQuote(quote);
  if ((signType === "linkable") !== linkable) throw foreign(`the quote is ${signType}`);
  // Of an unlinkable quote the basename may be random.
  if (linkable && !sameBytes(basename.subarray(0, 16), spid)) {
    throw foreign("the quote is for another SPID");
  }
  return quote;
}

function spidOf(values: {
  readonly spid: string | undefined;
  readonly "spid-file": string | undefined;
}): Uint8Array {
  const spid = readSecret({
    option: "spid",
    value: values.spid,
    file: values["spid-file"],
    variable: "ENCLAVE_RA_EPID_SPID",
  });
  if (spid !== undefined) return Uint8Array.from(Buffer.from(spid, "hex"));
  throw new RuneError({
    code: "USAGE",
    doing: "sgx-tools gen-quote",
    reason: "an EPID quote needs an SPID",
    hint: "give it with --spid-file, in ENCLAVE_RA_EPID_SPID, or with --spid",
  });
}

function clientOf(values: {
  readonly "aesm-socket": string;
  readonly timeout: number;
}): AesmClient {
  const timeoutMs = values.timeout * 1000;
  const exchange = unixExchange({ socket: values["aesm-socket"], timeoutMs });
  return aesmClient({ exchange, timeoutMs });
}

/** `encl.sig` gives `encl.token`; a name without that end gets the new one beside its own. */
function tokenPath(path: string): string {
  return `${path.replace(/([^/])\.sig$/, "$1")}.token`;
}

function hasFlexibleLaunchControl(): boolean {
  try {
    return /^flags\s*:.*\bsgx_lc\b/m.test(readFileSync("/proc/cpuinfo", "latin1"));
  } catch {
    return false; // without /proc there is nothing to warn of
  }
}

function required(command: string, option: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new RuneError({
    code: "USAGE",
    doing: `sgx-tools ${command}`,
    reason: `flag \`--${option}\` is missing`,
  });
}

function foreign(reason: string): RuneError {
  return new RuneError({ code: "AESM_PROTOCOL", doing: "check AESM reply", reason });
}
