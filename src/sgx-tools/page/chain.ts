// SPDX-License-Identifier: Apache-2.0
/** Who vouches for whom, drawn from the root down, each link with what became of its check. */
import { type Fragment, html } from "./html.ts";

export type Node = {
  readonly title: string;
  readonly detail: string;
  /** What the node above says of this one; undefined for a root. */
  readonly link?: { readonly label: string; readonly state: LinkState };
};

/** `unknown`: the verdict was reached, or lost, before it was looked at. */
export type LinkState = "ok" | "failed" | "unknown";

const WIDTH = 420;
const GAP = 40;
const HEIGHT = 54;
const STEP = 96;
const LONGEST_TITLE = 50;
const LONGEST_DETAIL = 54;

/** Columns side by side, each a chain of its own. */
export function drawChains(columns: readonly (readonly Node[])[]): Fragment {
  const rows = Math.max(1, ...columns.map((nodes) => nodes.length));
  const width = columns.length * (WIDTH + GAP) - GAP + 4;
  const height = (rows - 1) * STEP + HEIGHT + 4;
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="chain of trust">${columns.map(
    (nodes, column) =>
      html`${nodes.map((node, row) =>
        drawNode(node, 2 + column * (WIDTH + GAP), 2 + row * STEP, row === nodes.length - 1),
      )}`,
  )}</svg>`;
}

function drawNode({ title, detail, link }: Node, x: number, y: number, isLast: boolean): Fragment {
  const middle = x + 40;
  const sign = { ok: "✓", failed: "✗", unknown: "–" };
  return html`<g><title>${title}: ${detail}</title>${
    link === undefined
      ? ""
      : html`<path class="edge ${link.state}" d="M${middle} ${y - STEP + HEIGHT}V${y}"/><text class="label ${link.state}" x="${middle + 12}" y="${y - 17}">${sign[link.state]} ${link.label}</text>`
  }<rect class="node${isLast ? " end" : ""}" x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="8"/><text x="${x + 14}" y="${y + 23}">${shorten(title, LONGEST_TITLE)}</text><text class="small" x="${x + 14}" y="${y + 41}">${shorten(detail, LONGEST_DETAIL)}</text></g>`;
}

function shorten(text: string, longest: number): string {
  const characters = [...text];
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join("")}…`;
}
