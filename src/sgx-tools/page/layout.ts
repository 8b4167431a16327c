// SPDX-License-Identifier: Apache-2.0
/** Where an enclave's parts lie, as a bar. */
import type { Description } from "../describe.ts";
import { type Fragment, html } from "./html.ts";

type Part = {
  readonly name: string;
  readonly kind: "code" | "data" | "rest";
  readonly start: number;
  readonly end: number;
};

const WIDTH = 880;

/** Undefined for what has no layout. */
export function drawLayout(description: Description): Fragment | undefined {
  const total = Number(description["imageBytes"] ?? description["enclaveBytes"]);
  if (!(total > 0)) return undefined;
  const parts = [...noted(description["pageNote"]), ...segments(description["segments"])].filter(
    ({ start, end }) => start >= 0 && start < end && end <= total,
  );
  const x = (offset: number) => Math.round((offset / total) * WIDTH);
  const bar = (start: number, end: number) => Math.max(2, x(end) - x(start));
  return html`<svg viewBox="0 0 ${WIDTH} 62" role="img" aria-label="layout"><rect class="rest" x="0" y="4" width="${WIDTH}" height="30" rx="4"/>${parts.map(
    ({ name, kind, start, end }) =>
      html`<rect class="${kind}" x="${x(start)}" y="4" width="${bar(start, end)}" height="30"><title>${name}: 0x${start.toString(16)} to 0x${end.toString(16)}</title></rect>`,
  )}<text class="small" x="0" y="54">0x0</text>${
    parts.length === 0
      ? ""
      : html`<text class="small" x="${WIDTH / 2}" y="54" text-anchor="middle">blue: code, green: data, grey: the rest</text>`
  }<text class="small" x="${WIDTH}" y="54" text-anchor="end">0x${total.toString(16)}</text></svg>`;
}

/** "0x1000-0x2000" of a skeleton's page note. */
function noted(note: Description[string] | undefined): Part[] {
  if (typeof note !== "object" || note === null || Array.isArray(note)) return [];
  return (["code", "data"] as const).flatMap((kind) => {
    const range = Object(note)[kind];
    const [start, end] = String(range).split("-").map(Number);
    return start === undefined || end === undefined ? [] : [{ name: kind, kind, start, end }];
  });
}

/** "0x1000 +0x2000 r-x load kind" of a WebAssembly enclave. */
function segments(list: Description[string] | undefined): Part[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((text) => {
    const [, offset, size, permissions = "", ...rest] =
      /^(0x[0-9a-f]+) \+(0x[0-9a-f]+) (\S+) (.*)$/.exec(String(text)) ?? [];
    if (offset === undefined || size === undefined) return [];
    const kind = permissions.includes("x") ? "code" : permissions === "tcs" ? "rest" : "data";
    const start = Number(offset);
    return [{ name: `${permissions} ${rest.join(" ")}`, kind, start, end: start + Number(size) }];
  });
}
