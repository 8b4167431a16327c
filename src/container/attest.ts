// SPDX-License-Identifier: Apache-2.0
/** `rune attest`: evidence of an enclave container, and what it is worth. */
import { randomBytes } from "node:crypto";
import { aesmClient } from "../aesm/client.ts";
import { unixExchange } from "../aesm/exchange.ts";
import { ecdsaQuote, ecdsaTargetInfo, epidQuote, epidTargetInfo } from "../aesm/quoting.ts";
import type { AgentClient } from "../enclave/agent-client.ts";
import type { RaType } from "../enclave/enclave-config.ts";
import { RuneError } from "../errors/error.ts";
import { withAgent } from "./agent-connection.ts";
import type { Deps } from "./deps.ts";
import { type EvidenceServices, evidenceServices } from "./evidence-services.ts";
import { type Judged, type Judging, judgeEcdsa, judgeEpid } from "./judge-evidence.ts";
import type { State } from "./state.ts";
import { statusOf } from "./status.ts";
import { peekState } from "./store.ts";

export type AttestRequest = {
  readonly id: string;
  readonly quoteType: RaType;
  /** 64 bytes that the report shall hold: without them it proves no freshness. */
  readonly reportData?: Uint8Array;
  /** 512 bytes: whom the report is for, instead of the quoting enclave. Local reports only. */
  readonly targetInfo?: Uint8Array;
  readonly aesmSocket?: string;
  /** Absent: a local report. */
  readonly remote?: Remote;
};

export type Remote = Judging & {
  /** 32 hexadecimal digits each; EPID needs both. */
  readonly spid?: string;
  readonly subscriptionKey?: string;
};

export type Attested = {
  /** 432 bytes. */
  readonly report: Uint8Array;
  /** Whether the report holds the report data that was asked for. */
  readonly fresh: boolean;
  readonly simulated: boolean;
  readonly quote?: Uint8Array;
  readonly judged?: Judged;
};

const AESM_TIMEOUT_MS = 30_000;

/** @throws RuneError for whatever stands between the container and a verdict; the verdict itself is data */
export async function attest(deps: Deps, request: AttestRequest): Promise<Attested> {
  const state = peekState(deps.kernel, deps.root, request.id);
  requireLiving(deps, state);
  return attestContainer(deps, state, request, (agent) => {
    if (request.reportData !== undefined && !agent.welcome.canReportData) throw noReportData();
    return request.reportData;
  });
}

/** The container's PAL chooses by `reportDataFor` whether a report holds data of ours. */
export async function attestContainer(
  deps: Deps,
  state: State,
  request: AttestRequest,
  reportDataFor: (agent: AgentClient) => Uint8Array | undefined,
): Promise<Attested> {
  const { quoteType, remote } = request;
  const enclave = requireEnclave(state);
  const simulated = enclave.platform === "simulation";
  // Before anything is asked: an old PAL cannot be attested, whoever quotes.
  withAgent(deps, state.id, requireReports);
  const services = evidenceServices(deps, enclave);
  const client = aesmClient({
    exchange: unixExchange({
      socket: request.aesmSocket ?? services.aesmSocket,
      timeoutMs: AESM_TIMEOUT_MS,
    }),
    timeoutMs: AESM_TIMEOUT_MS,
  });
  const spid = quoteType === "ecdsa" || remote === undefined ? undefined : spidOf(remote);
  const target =
    request.targetInfo ??
    (await (quoteType === "ecdsa" ? ecdsaTargetInfo(client) : epidTargetInfo(client)));
  const { report, fresh } = withAgent(deps, state.id, (agent) => {
    requireReports(agent);
    const data = reportDataFor(agent);
    return { report: agent.report(target, data), fresh: data !== undefined };
  });
  const local = { report, fresh, simulated };
  if (remote === undefined) return local;
  if (spid === undefined) {
    const quote = await ecdsaQuote(client, report);
    return { ...local, quote, judged: await judgeEcdsa(services, quote, remote) };
  }
  const linkable = quoteType === "epidLinkable";
  const quote = await epidQuote(client, { report, linkable, spid });
  return { ...local, quote, judged: await judgeWithService(services, quote, remote) };
}

function judgeWithService(
  services: EvidenceServices,
  quote: Uint8Array,
  remote: Remote,
): Promise<Judged> {
  const { subscriptionKey } = remote;
  return judgeEpid(services, quote, {
    ...remote,
    ...(subscriptionKey === undefined ? {} : { subscriptionKey }),
    nonce: randomBytes(16).toString("hex"),
  });
}

function spidOf({ spid }: Remote): Uint8Array {
  if (spid !== undefined) return new Uint8Array(Buffer.from(spid, "hex"));
  throw new RuneError({
    code: "USAGE",
    doing: "attest by EPID",
    reason: "it needs an SPID",
    hint: "give it in ENCLAVE_RA_EPID_SPID or with --spid; quotes of type ecdsa need none",
  });
}

function requireLiving({ kernel, root }: Deps, state: State): void {
  const doing = `attest \`${state.id}\``;
  const status = statusOf(kernel, `${root}/${state.id}`, state);
  if (status === "stopped") {
    throw new RuneError({ code: "CONTAINER_NOT_RUNNING", doing, reason: "container not running" });
  }
  // A frozen agent answers nobody.
  if (status === "paused") {
    const hint = "resume it";
    throw new RuneError({ code: "CONTAINER_STATE", doing, reason: "it is paused", hint });
  }
}

function requireEnclave({ id, enclave }: State): NonNullable<State["enclave"]> {
  if (enclave?.pal !== undefined) return enclave;
  throw new RuneError({
    code: "CONTAINER_STATE",
    doing: `attest \`${id}\``,
    reason: "it is no enclave container",
    hint: "enclave.type and enclave.runtime.path make one",
  });
}

function requireReports({ welcome }: AgentClient): void {
  const { palVersion, canReport } = welcome;
  if (palVersion >= 3 && canReport) return;
  throw new RuneError({
    code: "PAL_ABI_MISMATCH",
    doing: "ask the PAL for a report",
    reason:
      palVersion < 3
        ? `its version is ${palVersion}, and reports came with version 3`
        : "it has no pal_get_local_report",
  });
}

function noReportData(): RuneError {
  return new RuneError({
    code: "PAL_ABI_MISMATCH",
    doing: "ask the PAL for a report with data",
    reason: "it has no pal_get_report_with_data",
    hint: "without --nonce and --report-data it makes a report, which proves no freshness",
  });
}
