// SPDX-License-Identifier: Apache-2.0
/**
 * What a relying party accepts, as data. A policy file (TOML or JSON) has the members of
 * {@link Policy} in snake_case; `docs/reference/attestation-policy.md` lists them.
 */

import { TCB_STATUSES, type TcbStatus } from "../collateral/status.ts";
import { attestError } from "../error.ts";
import { IAS_STATUSES, type IasStatus } from "../ias/report.ts";

export type Policy = {
  /** Must be said where no measurement is given: a genuine enclave may be anybody's. */
  readonly anyEnclave: boolean;
  readonly mrEnclave: readonly Uint8Array[] | undefined;
  readonly mrSigner: readonly Uint8Array[] | undefined;
  readonly isvProdId: number | undefined;
  readonly minIsvSvn: number | undefined;
  /** TDX: MRTD, MRSEAM, RTMR0-3. */
  readonly mrTd: readonly Uint8Array[] | undefined;
  readonly mrSeam: readonly Uint8Array[] | undefined;
  readonly rtmrs: readonly (readonly Uint8Array[] | undefined)[];
  /** TD 1.5: accepted service domains beside none. */
  readonly mrServiceTd: readonly Uint8Array[];
  readonly debug: boolean;
  /** At most 64 bytes; what is left of REPORTDATA must be zero. */
  readonly reportData: Uint8Array | undefined;
  readonly tcbStatuses: readonly TcbStatus[];
  /** Accepted advisories; undefined: those of an accepted status are accepted. */
  readonly advisories: readonly string[] | undefined;
  readonly minEvaluationDataNumber: number | undefined;
  readonly fmspc: readonly Uint8Array[] | undefined;
  /** OutOfDate is accepted while the level's date is at most so many days past. */
  readonly tcbGraceDays: number;
  /** Collateral is accepted so many days after its nextUpdate. */
  readonly collateralGraceDays: number;
  readonly waiveRevocation: boolean;
  readonly iasStatuses: readonly IasStatus[];
};

/** Judges the platform only: up to date, not in debug mode, any enclave. */
export const DEFAULT_POLICY: Policy = Object.freeze<Policy>({
  anyEnclave: true,
  mrEnclave: undefined,
  mrSigner: undefined,
  isvProdId: undefined,
  minIsvSvn: undefined,
  mrTd: undefined,
  mrSeam: undefined,
  rtmrs: [undefined, undefined, undefined, undefined],
  mrServiceTd: [],
  debug: false,
  reportData: undefined,
  tcbStatuses: ["UpToDate"],
  advisories: undefined,
  minEvaluationDataNumber: undefined,
  fmspc: undefined,
  tcbGraceDays: 0,
  collateralGraceDays: 0,
  waiveRevocation: false,
  iasStatuses: ["OK"],
});

const MEMBERS: ReadonlySet<string> = new Set([
  "any_enclave",
  "mrenclave",
  "mrsigner",
  "isv_prod_id",
  "min_isv_svn",
  "mrtd",
  "mrseam",
  "rtmr0",
  "rtmr1",
  "rtmr2",
  "rtmr3",
  "mrservicetd",
  "debug",
  "report_data",
  "tcb_statuses",
  "advisories",
  "min_evaluation_data_number",
  "fmspc",
  "tcb_grace_days",
  "collateral_grace_days",
  "waive_revocation",
  "ias_statuses",
]);

/** Reads what a TOML or JSON parser made of a policy file. A member that is not known fails. */
export function readPolicy(value: unknown): Policy {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong("it is no table of members");
  }
  const members = new Map<string, unknown>(Object.entries(value));
  for (const name of members.keys()) {
    if (!MEMBERS.has(name)) throw wrong(`\`${name}\` is not known`, [...MEMBERS].join(", "));
  }
  const read = readerOf(members);
  const policy: Policy = {
    anyEnclave: read.flag("any_enclave"),
    mrEnclave: read.byteLists("mrenclave", 32),
    mrSigner: read.byteLists("mrsigner", 32),
    isvProdId: read.integer("isv_prod_id", 0xffff),
    minIsvSvn: read.integer("min_isv_svn", 0xffff),
    mrTd: read.byteLists("mrtd", 48),
    mrSeam: read.byteLists("mrseam", 48),
    rtmrs: [0, 1, 2, 3].map((index) => read.byteLists(`rtmr${index}`, 48)),
    mrServiceTd: read.byteLists("mrservicetd", 48) ?? [],
    debug: read.flag("debug"),
    reportData: read.reportData("report_data"),
    tcbStatuses: read.words("tcb_statuses", TCB_STATUSES) ?? DEFAULT_POLICY.tcbStatuses,
    advisories: read.texts("advisories"),
    minEvaluationDataNumber: read.integer("min_evaluation_data_number", 0xffff_ffff),
    fmspc: read.byteLists("fmspc", 6),
    tcbGraceDays: read.integer("tcb_grace_days", 36500) ?? 0,
    collateralGraceDays: read.integer("collateral_grace_days", 36500) ?? 0,
    waiveRevocation: read.flag("waive_revocation"),
    iasStatuses: read.words("ias_statuses", IAS_STATUSES) ?? DEFAULT_POLICY.iasStatuses,
  };
  const named = policy.mrEnclave ?? policy.mrSigner ?? policy.mrTd;
  if (!policy.anyEnclave && named === undefined) {
    throw wrong(
      "it names no `mrenclave`, `mrsigner` or `mrtd`",
      "a genuine enclave may be anybody's; say `any_enclave = true` to accept that",
    );
  }
  if (policy.anyEnclave && named !== undefined) {
    throw wrong("`any_enclave` contradicts the measurements it names");
  }
  return policy;
}

function readerOf(members: ReadonlyMap<string, unknown>) {
  const fault = (name: string, expected: string) =>
    wrong(
      `\`${name}\` is ${JSON.stringify(members.get(name))?.slice(0, 80)}, expected ${expected}`,
    );
  function list(name: string, expected: string): readonly string[] | undefined {
    const value = members.get(name);
    if (value === undefined) return undefined;
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    return items.map((item) => {
      if (typeof item !== "string") throw fault(name, expected);
      return item;
    });
  }
  return {
    flag(name: string): boolean {
      const value = members.get(name) ?? false;
      if (typeof value !== "boolean") throw fault(name, "true or false");
      return value;
    },
    integer(name: string, maximum: number): number | undefined {
      const value = members.get(name);
      if (value === undefined) return undefined;
      const number = typeof value === "bigint" ? Number(value) : value;
      if (
        typeof number !== "number" ||
        !Number.isInteger(number) ||
        number < 0 ||
        number > maximum
      ) {
        throw fault(name, `an integer from 0 to ${maximum}`);
      }
      return number;
    },
    byteLists(name: string, size: number): readonly Uint8Array[] | undefined {
      const expected = `${size} bytes in hexadecimal, or a list of them`;
      return list(name, expected)?.map((text) => {
        if (!/^[0-9a-fA-F]*$/.test(text) || text.length !== size * 2) throw fault(name, expected);
        return new Uint8Array(Buffer.from(text, "hex"));
      });
    },
    reportData(name: string): Uint8Array | undefined {
      const value = members.get(name);
      if (value === undefined) return undefined;
      if (typeof value !== "string" || !/^([0-9a-fA-F]{2}){1,64}$/.test(value)) {
        throw fault(name, "1 to 64 bytes in hexadecimal");
      }
      const bytes = new Uint8Array(64);
      bytes.set(Buffer.from(value, "hex"));
      return bytes;
    },
    texts: (name: string) => list(name, "a list of strings"),
    words<Word extends string>(name: string, known: readonly Word[]): readonly Word[] | undefined {
      const expected = `some of ${known.join(", ")}`;
      return list(name, expected)?.map((text) => {
        const word = known.find((one) => one === text);
        if (word === undefined) throw fault(name, expected);
        return word;
      });
    },
  };
}

function wrong(reason: string, hint?: string) {
  return attestError("ATTEST_POLICY", "read policy", reason, hint);
}
