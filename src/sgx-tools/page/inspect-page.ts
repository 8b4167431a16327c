// SPDX-License-Identifier: Apache-2.0
/** `inspect --html`: what a file says, its masks bit by bit, its layout and its chain drawn. */

import { splitSignedJson } from "../../attest/collateral/signed-json.ts";
import { parseTcbInfo } from "../../attest/collateral/tcb-info.ts";
import { ATTRIBUTE, XFRM } from "../../sgx/attributes.ts";
import type { Description, RecordType } from "../describe.ts";
import { drawChains, type Node } from "./chain.ts";
import { type Fragment, html } from "./html.ts";
import { drawLayout } from "./layout.ts";
import { levelTable } from "./levels.ts";
import { type Banner, factTable, renderPage, section } from "./page.ts";

export type Inspected = {
  readonly file: string;
  readonly type: RecordType;
  readonly bytes: Uint8Array;
  readonly description: Description;
};

export function inspectPage({ file, type, bytes, description }: Inspected): string {
  return renderPage({
    title: `${type}: ${file}`,
    banner: bannerOf(file, type, description),
    sections: [
      ...groupSections(description, type),
      ...(type === "tcb-info" ? [section("TCB levels", levelTable(tcbInfoOf(bytes)))] : []),
    ],
    footer: `Printed by sgx-tools inspect from a file of ${bytes.length} bytes. What the file says is shown; that it is true, only where it says so.`,
  });
}

function tcbInfoOf(bytes: Uint8Array) {
  return parseTcbInfo(splitSignedJson(Buffer.from(bytes).toString("utf8"), "tcbInfo").text);
}

function bannerOf(file: string, type: RecordType, description: Description): Banner {
  const holds = description["signatureValid"] ?? description["chainAndSignaturesHold"];
  const fault = description["signatureFault"] ?? description["fault"];
  const debug = isDebug(description) ? ["In debug mode its host reads its memory."] : [];
  if (holds === true) {
    const tone = debug.length > 0 ? "warning" : "good";
    return { tone, mark: "✓", title: `${type}: its signature holds`, lines: [file, ...debug] };
  }
  if (holds === false) {
    const lines = [...(typeof fault === "string" ? [fault] : []), file, ...debug];
    return { tone: "bad", mark: "✗", title: `${type}: its signature does not hold`, lines };
  }
  return { tone: "plain", mark: "i", title: type, lines: [file, ...debug] };
}

/** Of the enclave itself, or of the one a quote is about. */
function isDebug(description: Description): boolean {
  const names = (value: unknown) => {
    const { attributes } = Object(value) as { readonly attributes?: unknown };
    const { flagNames } = Object(attributes) as { readonly flagNames?: unknown };
    return Array.isArray(flagNames) && flagNames.includes("DEBUG");
  };
  return names(description) || names(description["body"]);
}

type Value = Description[string];

function isGroup(value: Value): value is Description {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Plain values first, then each group as a section of its own. */
function groupSections(description: Description, title: string): Fragment[] {
  const entries = Object.entries(description);
  const plain = entries.filter(([name, value]) => !isGroup(value) && name !== "type");
  const groups = entries.filter((entry): entry is [string, Description] => isGroup(entry[1]));
  const own = plain.map(([name, value]) => [name, textOf(value)] as const);
  const drawn = drawLayout(description);
  return [
    ...(own.length === 0
      ? []
      : [section(title, ...(drawn === undefined ? [] : [drawn]), factTable(own))]),
    ...chainSection(groups, title),
    // A table of its own shows TCB levels better.
    ...groups
      .filter(([name]) => !(title === "tcb-info" && name === "levels"))
      .flatMap(([name, group]) =>
        "flagNames" in group
          ? [section(`${prefixOf(title)}${name}`, bitTables(group))]
          : groupSections(group, `${prefixOf(title)}${name}`),
      ),
  ];
}

function prefixOf(title: string): string {
  return title.includes(".") || title === "body" || title === "qe" ? `${title}.` : "";
}

function textOf(value: Value): string {
  if (value === null) return "none";
  return Array.isArray(value) ? value.join(" ") || "none" : String(value);
}

const MEANING: Readonly<Record<string, string>> = {
  INIT: "EINIT has let it start",
  DEBUG: "debuggers, and so its host, may read and write its memory",
  MODE64BIT: "runs 64-bit code",
  PROVISIONKEY: "may ask for the provisioning key, which names the platform",
  EINITTOKENKEY: "may ask for the launch key",
  CET: "shadow stacks and indirect-branch tracking",
  KSS: "key separation and sharing: CONFIGID, product family and extended product id",
  AEXNOTIFY: "is told when it was interrupted",
};

function bitTables(group: Description): Fragment {
  const table = (
    title: string,
    mask: Value | undefined,
    bits: Readonly<Record<string, bigint>>,
  ) => {
    const value = typeof mask === "string" ? BigInt(mask) : 0n;
    const known = Object.values(bits).reduce((all, bit) => all | bit, 0n);
    const rest = value & ~known;
    return html`<h3>${title} ${textOf(mask ?? null)}</h3><table class="checks">${Object.entries(
      bits,
    ).map(([name, bit]) => bitRow(name, bit, (value & bit) !== 0n))}${
      rest === 0n ? "" : bitRow("reserved", rest, true)
    }</table>`;
  };
  return html`${table("FLAGS", group["flags"], ATTRIBUTE)}${table("XFRM", group["xfrm"], XFRM)}`;
}

function bitRow(name: string, bit: bigint, set: boolean): Fragment {
  const tone = set ? (name === "DEBUG" || name === "reserved" ? "warning" : "good") : "";
  return html`<tr><td><span class="pill ${tone}">${set ? "set" : "clear"}</span></td><td>${name} <code>0x${bit.toString(16)}</code></td><td>${MEANING[name] ?? ""}</td></tr>`;
}

/** Certificates of one file, by their issuers' names. */
function chainSection(groups: readonly [string, Description][], title: string): Fragment[] {
  const certificates = groups
    .filter(([name]) => /^certificate\d+$/.test(name))
    .map(([, certificate]) => certificate);
  if (certificates.length < 2) return [];
  const [leaf] = certificates;
  const path: Description[] = [];
  for (let next = leaf; next !== undefined && !path.includes(next); ) {
    path.unshift(next);
    const { issuer, subject }: Description = next;
    next = issuer === subject ? undefined : certificates.find((one) => one["subject"] === issuer);
  }
  const nodes = path.map(
    (one, index): Node => ({
      title: textOf(one["subject"] ?? null),
      detail: `${textOf(one["notBefore"] ?? null)} to ${textOf(one["notAfter"] ?? null)}`,
      ...(index === 0 ? {} : { link: { label: "is named as issuer", state: "unknown" as const } }),
    }),
  );
  return [section(`${title}: chain`, drawChains([nodes]))];
}
