// SPDX-License-Identifier: Apache-2.0
/**
 * What the simulated platform's owner wants to be said about it: the one thing in its evidence that
 * can be chosen. docs/reference/simulated-evidence.md lists the members.
 */

import type { ComponentStatus, PlatformStatus } from "../../attest/collateral/status.ts";
import { COMPONENT_STATUSES, PLATFORM_STATUSES } from "../../attest/collateral/status.ts";
import { RuneError } from "../../errors/error.ts";

/** When a thing is valid, seen from the service's clock. */
export const VALIDITIES = ["current", "expired", "not-yet-valid"] as const;
export type Validity = (typeof VALIDITIES)[number];

/** Whose certificate is on its issuer's list: nobody's, the PCK's, the PCK CA's. */
export const REVOCATIONS = ["none", "pck", "ca"] as const;
export type Revocation = (typeof REVOCATIONS)[number];

export const PCK_AUTHORITIES = ["platform", "processor"] as const;
export type PckAuthority = (typeof PCK_AUTHORITIES)[number];

export type TcbState = {
  /** 12 lower-case hexadecimal digits. */
  readonly fmspc: string;
  /** Which CA certifies the platform: of several packages, or of one. */
  readonly ca: PckAuthority;
  readonly pceSvn: number;
  /** What the TCB info calls the platform's own level, and why. */
  readonly status: PlatformStatus;
  readonly advisories: readonly string[];
  /** The same for the quoting enclave. */
  readonly qeStatus: ComponentStatus;
  readonly qeAdvisories: readonly string[];
  readonly evaluationDataNumber: number;
  readonly revoked: Revocation;
  /** Of TCB info, QE identity and CRLs. */
  readonly collateral: Validity;
  readonly pck: Validity;
};

export const DEFAULT_TCB_STATE: TcbState = {
  // A family that Intel has not given to anything.
  fmspc: "51a000000000",
  ca: "platform",
  pceSvn: 13,
  status: "UpToDate",
  advisories: [],
  qeStatus: "UpToDate",
  qeAdvisories: [],
  evaluationDataNumber: 18,
  revoked: "none",
  collateral: "current",
  pck: "current",
};

/** "INTEL-SA-00615"; others may number theirs otherwise. */
const ADVISORY = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const MOST_ADVISORIES = 64;

/**
 * Reads members that somebody wrote, over what is there. @throws RuneError USAGE for a member that is
 * unknown or wrong; `doing` says where it stands.
 */
export function readTcbState(value: unknown, base: TcbState, doing: string): TcbState {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refused(doing, "expected an object");
  }
  const members = new Map<string, unknown>(Object.entries(value));
  for (const name of members.keys()) {
    if (!Object.hasOwn(DEFAULT_TCB_STATE, name)) throw refused(doing, `unknown member \`${name}\``);
  }
  const wrong = (name: string, expected: string) =>
    refused(doing, `\`${name}\`: expected ${expected}, got ${JSON.stringify(members.get(name))}`);
  const choice = <const T extends string>(name: string, choices: readonly T[], own: T): T => {
    if (!members.has(name)) return own;
    const found = choices.find((one) => one === members.get(name));
    if (found === undefined) throw wrong(name, `one of ${choices.join(", ")}`);
    return found;
  };
  const integer = (name: string, maximum: number, own: number): number => {
    const member = members.has(name) ? members.get(name) : own;
    if (typeof member === "number" && Number.isInteger(member) && member >= 0 && member <= maximum)
      return member;
    throw wrong(name, `an integer from 0 to ${maximum}`);
  };
  const advisories = (name: string, own: readonly string[]): readonly string[] => {
    const member = members.has(name) ? members.get(name) : own;
    const known = Array.isArray(member)
      ? member.filter((one): one is string => typeof one === "string" && ADVISORY.test(one))
      : [];
    if (Array.isArray(member) && known.length === member.length && known.length <= MOST_ADVISORIES)
      return known;
    throw wrong(name, `up to ${MOST_ADVISORIES} names such as INTEL-SA-00615`);
  };
  const fmspc = members.has("fmspc") ? members.get("fmspc") : base.fmspc;
  if (typeof fmspc !== "string" || !/^[0-9a-fA-F]{12}$/.test(fmspc)) {
    throw wrong("fmspc", "12 hexadecimal digits");
  }
  return {
    fmspc: fmspc.toLowerCase(),
    ca: choice("ca", PCK_AUTHORITIES, base.ca),
    // A level above the platform's own is one more.
    pceSvn: integer("pceSvn", 0xfffe, base.pceSvn),
    status: choice("status", PLATFORM_STATUSES, base.status),
    advisories: advisories("advisories", base.advisories),
    qeStatus: choice("qeStatus", COMPONENT_STATUSES, base.qeStatus),
    qeAdvisories: advisories("qeAdvisories", base.qeAdvisories),
    evaluationDataNumber: integer("evaluationDataNumber", 0xffff_ffff, base.evaluationDataNumber),
    revoked: choice("revoked", REVOCATIONS, base.revoked),
    collateral: choice("collateral", VALIDITIES, base.collateral),
    pck: choice("pck", VALIDITIES, base.pck),
  };
}

function refused(doing: string, reason: string): RuneError {
  return new RuneError({ code: "USAGE", doing, reason });
}
