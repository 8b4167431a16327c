// SPDX-License-Identifier: Apache-2.0
/** TCB info and QE identity of the test authority, as Intel's service words them, before they are signed. */
import { isoSeconds, type Json } from "../issue/signed-json.ts";
import type { PlatformOptions } from "./evidence.ts";
import { QE_MRSIGNER, TDX_QE_MRSIGNER } from "./evidence-bytes.ts";

/** Unless an option says otherwise. */
export const PLATFORM: PlatformOptions = {
  components: [5, 5, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  pceSvn: 10,
  fmspc: "00906ed50000",
  pceId: "0000",
};

type Window = { readonly thisUpdate: Date; readonly nextUpdate: Date };

/** Three levels: the platform's own, one below it and one that nobody should be at. */
export function tcbInfoJson(platform: PlatformOptions, window: Window, tdx: boolean): Json {
  const level = (svn: number, pcesvn: number, tcbStatus: string, advisories: string[]) => ({
    tcb: {
      sgxtcbcomponents: PLATFORM.components.map((own, index) => ({ svn: index < 2 ? svn : own })),
      pcesvn,
      ...(tdx
        ? { tdxtcbcomponents: [svn, 0, 3, ...new Array(13).fill(0)].map((one) => ({ svn: one })) }
        : {}),
    },
    tcbDate: `202${svn}-01-01T00:00:00Z`,
    tcbStatus,
    ...(advisories.length > 0 ? { advisoryIDs: advisories } : {}),
  });
  const module = {
    mrsigner: "0".repeat(96),
    attributes: "0".repeat(16),
    attributesMask: "F".repeat(16),
  };
  return {
    id: tdx ? "TDX" : "SGX",
    version: 3,
    issueDate: isoSeconds(window.thisUpdate),
    nextUpdate: isoSeconds(window.nextUpdate),
    fmspc: platform.fmspc.toUpperCase(),
    pceId: platform.pceId,
    tcbType: 0,
    tcbEvaluationDataNumber: 18,
    ...(tdx
      ? {
          tdxModule: module,
          tdxModuleIdentities: [
            {
              id: "TDX_01",
              ...module,
              tcbLevels: [
                { tcb: { isvsvn: 5 }, tcbDate: "2024-06-01T00:00:00Z", tcbStatus: "UpToDate" },
                {
                  tcb: { isvsvn: 2 },
                  tcbDate: "2023-06-01T00:00:00Z",
                  tcbStatus: "OutOfDate",
                  advisoryIDs: ["INTEL-SA-03000"],
                },
              ],
            },
          ],
        }
      : {}),
    tcbLevels: [
      level(5, 10, "UpToDate", []),
      level(4, 9, "OutOfDate", ["INTEL-SA-01000"]),
      level(3, 5, "Revoked", ["INTEL-SA-01001"]),
    ],
  };
}

export function identityJson(window: Window, tdx: boolean): Json {
  return {
    id: tdx ? "TD_QE" : "QE",
    version: 2,
    issueDate: isoSeconds(window.thisUpdate),
    nextUpdate: isoSeconds(window.nextUpdate),
    tcbEvaluationDataNumber: 17,
    miscselect: "00000000",
    miscselectMask: "FFFFFFFF",
    attributes: "11000000000000000000000000000000",
    attributesMask: "FBFFFFFFFFFFFFFF0000000000000000",
    mrsigner: (tdx ? TDX_QE_MRSIGNER : QE_MRSIGNER).toUpperCase(),
    isvprodid: tdx ? 2 : 1,
    tcbLevels: [
      { tcb: { isvsvn: 8 }, tcbDate: "2025-03-01T00:00:00Z", tcbStatus: "UpToDate" },
      {
        tcb: { isvsvn: 6 },
        tcbDate: "2022-03-01T00:00:00Z",
        tcbStatus: "OutOfDate",
        advisoryIDs: ["INTEL-SA-02000"],
      },
      { tcb: { isvsvn: 1 }, tcbDate: "2020-03-01T00:00:00Z", tcbStatus: "Revoked" },
    ],
  };
}
