// SPDX-License-Identifier: Apache-2.0
/** TCB levels as a table, with a platform's place in it. */
import type { TcbInfo, TcbLevel } from "../../attest/collateral/tcb-info.ts";
import { isoTime } from "../../attest/x509/chain.ts";
import type { PlatformTcb } from "../../attest/x509/sgx-extension.ts";
import { type Fragment, html } from "./html.ts";
import type { Tone } from "./page.ts";

export type Standing = {
  readonly platform: PlatformTcb;
  /** Of a TDX quote. */
  readonly teeTcbSvn: Uint8Array | undefined;
  /** The level that the platform is at; undefined below all of them. */
  readonly level: TcbLevel | undefined;
};

export function levelTable({ levels }: TcbInfo, standing?: Standing): Fragment {
  const tdx = levels.some((level) => level.tdx !== undefined);
  return html`<div class="wide"><table class="levels"><thead><tr><th>Status</th><th>Date</th><th>SGX components 1 to 16</th>${
    tdx ? html`<th>TDX components</th>` : ""
  }<th>PCESVN</th><th>Advisories</th></tr></thead><tbody>${
    standing === undefined
      ? ""
      : html`<tr><td><span class="pill plain">this platform</span></td><td></td><td class="svns">${standing.platform.components.join(" ")}</td>${
          tdx ? html`<td class="svns">${[...(standing.teeTcbSvn ?? [])].join(" ")}</td>` : ""
        }<td>${standing.platform.pceSvn}</td><td></td></tr>`
  }${levels.map((level) => levelRow(level, tdx, standing))}</tbody></table></div>`;
}

function levelRow(level: TcbLevel, tdx: boolean, standing: Standing | undefined): Fragment {
  const here = standing !== undefined && standing.level === level;
  const { platform, teeTcbSvn } = standing ?? {};
  return html`<tr class="${here ? "here" : "other"}"><td><span class="pill ${statusTone(level.status)}">${level.status}</span>${
    here ? html` <span class="pill plain">here</span>` : ""
  }</td><td>${isoTime(level.tcbDate).slice(0, 10)}</td><td class="svns">${svns(level.sgx, platform?.components)}</td>${
    tdx
      ? html`<td class="svns">${svns(level.tdx ?? [], teeTcbSvn === undefined ? undefined : [...teeTcbSvn])}</td>`
      : ""
  }<td>${svns([level.pceSvn], platform === undefined ? undefined : [platform.pceSvn])}</td><td>${level.advisoryIds.join(", ")}</td></tr>`;
}

/** Those that the platform does not reach stand out. */
function svns(wanted: readonly number[], own: readonly number[] | undefined): Fragment {
  return html`${wanted.map((svn, index) => {
    const space = index === 0 ? "" : " ";
    const reached = own === undefined || (own[index] ?? 0) >= svn;
    return reached ? html`${space}${svn}` : html`${space}<span class="low">${svn}</span>`;
  })}`;
}

export function statusTone(status: string): Tone {
  if (status === "UpToDate" || status === "OK") return "good";
  return status === "Revoked" || status === "GROUP_REVOKED" ? "bad" : "warning";
}
