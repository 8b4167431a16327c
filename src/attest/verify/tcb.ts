// SPDX-License-Identifier: Apache-2.0
/** Which of Intel's TCB levels a platform and its TDX module are at. */
import { sameBytes, toHex } from "../../sgx/bytes.ts";
import {
  type ComponentStatus,
  converge,
  needsConfiguration,
  type TcbStatus,
} from "../collateral/status.ts";
import type { SvnLevel, TcbInfo, TcbLevel, TdxModule } from "../collateral/tcb-info.ts";
import { attestError } from "../error.ts";
import type { TdReport } from "../quote/td-report.ts";
import type { PlatformTcb } from "../x509/sgx-extension.ts";
import { levelOfSvn, matchesMasked } from "./quoting-enclave.ts";

export type PlatformLevels = {
  /** The first level that the PCK's SVNs reach. */
  readonly sgx: TcbLevel;
  /** The first level that the TDX SVNs reach too; that of `sgx` for SGX quotes. */
  readonly chosen: TcbLevel;
};

/** Finds the platform's level in list order, as Intel's verifier does. */
export function matchTcbLevel(
  tcbInfo: TcbInfo,
  platform: PlatformTcb,
  teeTcbSvn: Uint8Array | undefined,
): PlatformLevels {
  const reached = tcbInfo.levels.filter(
    (level) => platform.pceSvn >= level.pceSvn && reaches(platform.components, level.sgx, 0),
  );
  // With a versioned module, SVN 0 and 1 are the module's own, rated by its identity.
  const from = (teeTcbSvn?.[1] ?? 0) > 0 ? 2 : 0;
  const chosen = reached.find(
    ({ tdx }) =>
      teeTcbSvn === undefined || (tdx !== undefined && reaches([...teeTcbSvn], tdx, from)),
  );
  const [sgx] = reached;
  if (sgx !== undefined && chosen !== undefined) return { sgx, chosen };
  const lowest = tcbInfo.levels.at(-1);
  throw attestError(
    "ATTEST_TCB",
    "match TCB level",
    `no level of TCB info for ${svnText(platform, teeTcbSvn)}`,
    lowest === undefined
      ? undefined
      : `the lowest level asks for ${shortfall(lowest, platform, teeTcbSvn).join(", ")}`,
  );
}

function reaches(svns: readonly number[], level: readonly number[], from: number): boolean {
  return level.every((wanted, index) => index < from || (svns[index] ?? 0) >= wanted);
}

/** What keeps a platform below a level: "component 1: 14 < 21", "PCESVN 10 < 13". */
export function shortfall(
  level: TcbLevel,
  platform: PlatformTcb,
  teeTcbSvn: Uint8Array | undefined,
): string[] {
  const from = (teeTcbSvn?.[1] ?? 0) > 0 ? 2 : 0;
  const below = (name: string, svns: ArrayLike<number>, wanted: readonly number[], start: number) =>
    wanted.flatMap((svn, index) => {
      const own = svns[index] ?? 0;
      return index >= start && own < svn ? [`${name} ${index + 1}: ${own} < ${svn}`] : [];
    });
  return [
    ...below("component", platform.components, level.sgx, 0),
    ...(platform.pceSvn < level.pceSvn ? [`PCESVN ${platform.pceSvn} < ${level.pceSvn}`] : []),
    ...(teeTcbSvn === undefined ? [] : below("TDX component", teeTcbSvn, level.tdx ?? [], from)),
  ];
}

function svnText(platform: PlatformTcb, teeTcbSvn: Uint8Array | undefined): string {
  const tdx = teeTcbSvn === undefined ? "" : `, TEE TCB SVN ${toHex(teeTcbSvn)}`;
  return `SVNs ${toHex(Uint8Array.from(platform.components))}, PCESVN ${platform.pceSvn}${tdx}`;
}

/**
 * Checks who signed the TDX module and its attributes, and returns its level; undefined for modules
 * of the first major version, which the platform's own levels rate.
 */
export function matchTdxModule(tcbInfo: TcbInfo, td: TdReport): SvnLevel | undefined {
  const major = td.teeTcbSvn[1] ?? 0;
  if (major === 0) {
    if (tcbInfo.tdxModule === undefined) throw noModule("no TDX module in TCB info");
    requireModule(tcbInfo.tdxModule, td);
    return undefined;
  }
  const identity = findModule(tcbInfo, major);
  requireModule(identity, td);
  const svn = td.teeTcbSvn[0] ?? 0;
  return levelOfSvn(identity.levels, svn, `TDX module ${identity.id} with SVN ${svn}`);
}

function findModule(tcbInfo: TcbInfo, major: number) {
  const id = `TDX_${major.toString(16).padStart(2, "0").toUpperCase()}`;
  // Intel's verifier folds the case of this name, so both forms are taken.
  const identity = tcbInfo.tdxModuleIdentities.find((one) => one.id.toUpperCase() === id);
  if (identity === undefined) throw noModule(`TCB info knows no module ${id}`);
  return identity;
}

function requireModule(module: TdxModule, td: TdReport): void {
  if (!sameBytes(td.mrSignerSeam, module.mrSigner)) {
    throw noModule(`MRSIGNERSEAM is ${toHex(td.mrSignerSeam)}, expected ${toHex(module.mrSigner)}`);
  }
  if (!matchesMasked(td.seamAttributes, module.attributes, module.attributesMask)) {
    throw noModule(
      `SEAMATTRIBUTES is ${toHex(td.seamAttributes)}, expected ${toHex(module.attributes)} under ${toHex(module.attributesMask)}`,
    );
  }
}

function noModule(reason: string) {
  return attestError("ATTEST_MISMATCH", "compare TDX module with TCB info", reason);
}

export type Parts = {
  readonly levels: PlatformLevels;
  readonly qe: ComponentStatus;
  readonly module: ComponentStatus | undefined;
};

/** One status from the platform's, the TDX module's and the quoting enclave's. */
export function convergeStatus(
  parts: Parts,
  tcbInfo: TcbInfo,
  td: TdReport | undefined,
): TcbStatus {
  const { levels, qe, module } = parts;
  const platform =
    module === undefined ? levels.chosen.status : converge(levels.chosen.status, module);
  const current = td?.teeTcbSvn2;
  if (
    platform !== "Revoked" &&
    current !== undefined &&
    isRelaunchAdvised(parts, platform, tcbInfo, current)
  ) {
    const configuration = needsConfiguration(levels.sgx.status) || needsConfiguration(platform);
    return configuration ? "TDRelaunchAdvisedConfigurationNeeded" : "TDRelaunchAdvised";
  }
  return converge(platform, qe);
}

/**
 * Whether a domain was launched under an old module that has since been updated under it (TD 1.5):
 * what is out of date is then the domain, not the platform, and launching it again mends it.
 */
function isRelaunchAdvised(
  { levels, qe, module }: Parts,
  platform: TcbStatus,
  tcbInfo: TcbInfo,
  current: Uint8Array,
): boolean {
  if (qe !== "UpToDate" || module !== "OutOfDate" || !platform.startsWith("OutOfDate"))
    return false;
  if (levels.sgx.status.startsWith("OutOfDate") || levels.sgx.status === "Revoked") return false;
  const [latest] = tcbInfo.levels;
  if (latest?.tdx === undefined) return false;
  const major = current[1] ?? 0;
  const wanted = major === 0 ? latest.tdx[0] : findModule(tcbInfo, major).levels[0]?.isvSvn;
  return (
    wanted !== undefined && (current[0] ?? 0) >= wanted && (current[2] ?? 0) >= (latest.tdx[2] ?? 0)
  );
}
