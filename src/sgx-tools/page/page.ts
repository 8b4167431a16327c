// SPDX-License-Identifier: Apache-2.0
/** The frame of a page: one file, no scripts, nothing from elsewhere, readable in light and dark. */
import { Fragment, html } from "./html.ts";

export type Tone = "good" | "bad" | "warning" | "plain";

export type Banner = {
  readonly tone: Tone;
  readonly mark: string;
  readonly title: string;
  readonly lines: readonly string[];
};

export type Page = {
  readonly title: string;
  readonly banner: Banner;
  readonly sections: readonly Fragment[];
  /** Said at the end. */
  readonly footer: string;
};

/** Were there a hole in the escaping, a browser would still run no script and fetch nothing. */
const CONTENT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export function renderPage({ title, banner, sections, footer }: Page): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Fragment(STYLE)}</style>
</head>
<body>
<main>
<header class="banner ${banner.tone}">
<span class="mark" aria-hidden="true">${banner.mark}</span>
<div><h1>${banner.title}</h1>${banner.lines.map((line) => html`<p>${line}</p>`)}</div>
</header>
${sections}
<footer>${footer}</footer>
</main>
</body>
</html>
`;
  return page.markup;
}

export function section(title: string, ...content: readonly Fragment[]): Fragment {
  return html`<section><h2>${title}</h2>${content}</section>
`;
}

/** Rows of name and value; long values break anywhere. */
export function factTable(rows: readonly (readonly [string, string | Fragment])[]): Fragment {
  return html`<table class="facts">${rows.map(
    ([name, value]) =>
      html`<tr><th scope="row">${name}</th><td>${typeof value === "string" ? folded(value) : value}</td></tr>`,
  )}</table>`;
}

/** Longer values are looked at by nobody, but are there for whoever compares them. */
const LONGEST_SHOWN = 200;
const BEGINNING = 64;

function folded(value: string): Fragment {
  if (value.length <= LONGEST_SHOWN) return html`${value}`;
  return html`<details><summary>${value.slice(0, BEGINNING)}…</summary>${value}</details>`;
}

const STYLE = `
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#1b2430;--dim:#5d6b7c;--line:#dce1e8;--good:#12794a;--goodback:#e4f5ec;--bad:#b3261e;--badback:#fdeceb;--warning:#8a5a00;--warningback:#fff4dc;--plain:#1f5fae;--plainback:#e8f1fc;--box:#fff}
@media (prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1a2029;--ink:#e4e9f0;--dim:#96a3b4;--line:#2e3744;--good:#5cc794;--goodback:#12301f;--bad:#ff8f87;--badback:#3a1816;--warning:#e9b44c;--warningback:#33270c;--plain:#7fb4f5;--plainback:#14273f;--box:#202833}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem 3rem}
section,.banner{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.1rem 1.3rem;margin:0 0 1rem}
.banner{display:flex;gap:1rem;align-items:flex-start;border-left:6px solid var(--tone);background:var(--toneback)}
.good{--tone:var(--good);--toneback:var(--goodback)}.bad{--tone:var(--bad);--toneback:var(--badback)}.warning{--tone:var(--warning);--toneback:var(--warningback)}.plain{--tone:var(--plain);--toneback:var(--plainback)}
.banner .mark{flex:none;width:2.6rem;height:2.6rem;border-radius:50%;background:var(--tone);color:var(--card);font-size:1.5rem;font-weight:700;line-height:2.6rem;text-align:center}
h1{font-size:1.45rem;line-height:1.3;margin:0;color:var(--tone)}
.banner p{margin:.3rem 0 0;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:0 0 .7rem}
h3{font-size:.95rem;margin:1rem 0 .4rem;color:var(--dim)}
p.note{color:var(--dim);margin:0 0 .8rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-top:1px solid var(--line)}
tr:first-child>th,tr:first-child>td{border-top:0}
thead th{color:var(--dim);font-weight:600;font-size:.82rem}
.facts th{width:14rem;font-weight:500;color:var(--dim)}
.facts td,code{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.86rem;overflow-wrap:anywhere}
.checks td:first-child{width:5.5rem;white-space:nowrap}.checks td:nth-child(2){width:13rem}.checks td:nth-child(3){overflow-wrap:anywhere;color:var(--dim)}
.pill{display:inline-block;padding:.05rem .55rem;border-radius:99px;font-size:.78rem;font-weight:600;color:var(--tone);background:var(--toneback);border:1px solid var(--tone);white-space:nowrap}
.wide{overflow-x:auto}
.levels td{font-size:.84rem}.levels .svns{font-family:ui-monospace,"DejaVu Sans Mono",monospace;white-space:nowrap}
.levels tr.here>td{background:var(--plainback)}
.levels tr.here>td:first-child{box-shadow:inset 4px 0 var(--plain)}
.low{color:var(--bad);font-weight:700}
svg{display:block;width:100%;height:auto;max-width:60rem;margin:0 auto}
svg text{fill:var(--ink);font:13px system-ui,"Segoe UI",Roboto,Arial,sans-serif}
svg .small{fill:var(--dim);font-size:11px}
svg .node{fill:var(--box);stroke:var(--line);stroke-width:1.5}
svg .edge{stroke:var(--dim);stroke-width:2;fill:none}svg .edge.ok{stroke:var(--good)}svg .edge.failed{stroke:var(--bad)}svg .edge.unknown{stroke-dasharray:5 4}
svg .label{fill:var(--dim);font-size:11px}svg .label.ok{fill:var(--good)}svg .label.failed{fill:var(--bad);font-weight:700}
svg .node.end{stroke:var(--plain);stroke-width:2}
svg .code{fill:var(--plain)}svg .data{fill:var(--good)}svg .rest{fill:var(--line)}
footer{color:var(--dim);font-size:.85rem;padding:0 .3rem;overflow-wrap:anywhere}
summary{cursor:pointer;color:var(--plain)}
@media print{body{background:#fff}section,.banner{break-inside:avoid}}
`;
