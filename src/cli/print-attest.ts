// SPDX-License-Identifier: Apache-2.0
/** `rune attest`: files, secrets, and what is printed. */

import { outcomeLines } from "../attest/policy/verdict-text.ts";
import type { Attested, AttestRequest } from "../container/attest.ts";
import { attest } from "../container/attest.ts";
import { unaccepted } from "../container/attest-created.ts";
import type { Deps } from "../container/deps.ts";
import { RuneError } from "../errors/error.ts";
import { O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from "../kernel/constants.ts";
import { type Kernel, readToEnd } from "../kernel/kernel.ts";
import { toHex } from "../sgx/bytes.ts";
import { parseReport } from "../sgx/report.ts";
import { TARGETINFO_BYTES } from "../sgx/targetinfo.ts";
import { given } from "./container-options.ts";
import type { AttestCommand, SecretSource } from "./verbs/attest.ts";

/** What the original gave its files. */
const FILE_MODE = 0o664;
const LONGEST_SECRET_FILE_BYTES = 4096;

/** @throws RuneError where the evidence is refused, after it has been printed why */
export async function printAttest(
  deps: Deps,
  command: AttestCommand,
  print: (text: string) => void,
): Promise<void> {
  for (const name of command.idle) {
    deps.warn(`--${name} has no effect: --ias-url says which service is asked`);
  }
  try {
    await attestAndPrint(deps, command, print);
  } catch (error) {
    const { noteAttestFailure } = await import("../container/journal.ts");
    noteAttestFailure(deps, command.id, RuneError.from(error, `attest \`${command.id}\``));
    throw error;
  }
}

async function attestAndPrint(
  deps: Deps,
  command: AttestCommand,
  print: (text: string) => void,
): Promise<void> {
  const { kernel } = deps;
  const attested = await attest(deps, requestOf(deps, command));
  if (command.reportFile !== undefined) write(kernel, command.reportFile, attested.report);
  if (command.quoteFile !== undefined && attested.quote !== undefined) {
    write(kernel, command.quoteFile, attested.quote);
  }
  print(command.json ? `${JSON.stringify(objectOf(attested), null, 2)}\n` : textOf(attested));
  const { judged } = attested;
  if (judged?.failure !== undefined) throw judged.failure;
  if (judged !== undefined && !judged.accepted) throw unaccepted(judged.policyChecks);
}

function requestOf(deps: Deps, command: AttestCommand): AttestRequest {
  const { id, quoteType, reportData, aesmSocket, targetInfo } = command;
  return {
    id,
    quoteType,
    ...(reportData === undefined ? {} : { reportData }),
    ...given("aesmSocket", aesmSocket),
    ...(targetInfo === undefined ? {} : { targetInfo: readTarget(deps.kernel, targetInfo) }),
    ...(command.remote ? { remote: remoteOf(deps, command) } : {}),
  };
}

function remoteOf(deps: Deps, command: AttestCommand): NonNullable<AttestRequest["remote"]> {
  const { reportData } = command;
  const epid = command.quoteType !== "ecdsa";
  const secret = (source: SecretSource, variable: string) =>
    epid ? readSecret(deps, source, variable) : undefined;
  return {
    allowSimulation: command.allowSimulation,
    trustRoots: command.trustRoots,
    ...given("policy", command.policy),
    ...given("collateral", command.collateral),
    ...given("iasUrl", command.iasUrl),
    ...(reportData === undefined ? {} : { expectedData: reportData }),
    ...given("spid", secret(command.spid, "ENCLAVE_RA_EPID_SPID")),
    ...given("subscriptionKey", secret(command.subscriptionKey, "ENCLAVE_RA_EPID_SUB_KEY")),
  };
}

/** No message says what the secret is. */
function readSecret(
  { kernel, callerVariable, warn }: Deps,
  { option, value, file }: SecretSource,
  variable: string,
): string | undefined {
  if (value !== undefined && file !== undefined) {
    throw usage(`flags \`--${option}\` and \`--${option}-file\` exclude each other`);
  }
  if (value !== undefined) {
    warn(`everybody on this machine can see --${option}; give it with --${option}-file`);
  }
  const text = value ?? (file === undefined ? callerVariable(variable) : readLine(kernel, file));
  if (text === undefined || text === "") return undefined;
  if (/^[0-9a-fA-F]{32}$/.test(text)) return text.toLowerCase();
  throw usage(`\`--${option}\`: expected 32 hexadecimal digits, got ${text.length} characters`);
}

function readLine(kernel: Kernel, path: string): string {
  const bytes = readFile(kernel, path, LONGEST_SECRET_FILE_BYTES);
  return new TextDecoder("latin1").decode(bytes).trim();
}

function readTarget(kernel: Kernel, path: string): Uint8Array {
  const bytes = readFile(kernel, path, TARGETINFO_BYTES);
  if (bytes.length === TARGETINFO_BYTES) return bytes;
  throw usage(`\`--target-info\`: expected ${TARGETINFO_BYTES} bytes, got ${bytes.length}`);
}

function readFile(kernel: Kernel, path: string, maxBytes: number): Uint8Array {
  const fd = kernel.open(path, O_RDONLY);
  try {
    return readToEnd(kernel, fd, path, maxBytes);
  } finally {
    kernel.close(fd);
  }
}

function write(kernel: Kernel, path: string, bytes: Uint8Array): void {
  const fd = kernel.open(path, O_WRONLY | O_CREAT | O_TRUNC, FILE_MODE);
  try {
    kernel.write(fd, bytes);
  } finally {
    kernel.close(fd);
  }
}

function textOf({ report, fresh, simulated, judged }: Attested): string {
  const { mrenclave, mrsigner, isvProdId, isvSvn, reportData } = parseReport(report);
  const lines = [
    `mrenclave ${toHex(mrenclave)}`,
    `mrsigner ${toHex(mrsigner)}`,
    `product ${isvProdId}, security version ${isvSvn}`,
    fresh
      ? `report data ${toHex(reportData)}, as asked for`
      : `report data ${toHex(reportData)}: not asked for, so the report proves no freshness`,
    ...(simulated ? ["simulated platform: nothing here proves anything"] : []),
    ...(judged === undefined ? [] : outcomeLines(judged, judged.policyFile)),
  ];
  return `${lines.join("\n")}\n`;
}

function objectOf({ report, fresh, simulated, quote, judged }: Attested): object {
  const { mrenclave, mrsigner, isvProdId, isvSvn, reportData } = parseReport(report);
  return {
    mrenclave: toHex(mrenclave),
    mrsigner: toHex(mrsigner),
    isvProdId,
    isvSvn,
    reportData: toHex(reportData),
    fresh,
    simulated,
    report: Buffer.from(report).toString("base64"),
    ...(quote === undefined ? {} : { quote: Buffer.from(quote).toString("base64") }),
    ...(judged === undefined ? {} : verdictOf(judged)),
  };
}

function verdictOf(judged: NonNullable<Attested["judged"]>): object {
  const { failure, policyFile: _, policyChecks, ...rest } = judged;
  return {
    ...rest,
    policy: policyChecks,
    genuine: failure === undefined,
    ...(failure === undefined ? {} : { code: failure.code, reason: failure.message }),
  };
}

function usage(reason: string): RuneError {
  return new RuneError({ code: "USAGE", doing: "rune attest", reason });
}
