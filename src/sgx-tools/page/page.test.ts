// SPDX-License-Identifier: Apache-2.0
/** The pages themselves: what is on them, and that nothing of a stranger's becomes markup. */
import { describe, expect, test } from "bun:test";
import { name } from "../../attest/testing/authority.ts";
import { type EvidenceOptions, makeEvidence } from "../../attest/testing/evidence.ts";
import { verifyQuote } from "../../attest/verify/verify-quote.ts";
import { toPem } from "../../attest/x509/pem.ts";
import { describe as describeFile } from "../describe.ts";
import { drawChains } from "./chain.ts";
import { html } from "./html.ts";
import { inspectPage } from "./inspect-page.ts";
import { drawLayout } from "./layout.ts";
import { factTable } from "./page.ts";
import { type JudgedQuote, verdictPage } from "./verdict-page.ts";

const HOSTILE = `</td><script>alert(1)</script><img src=x onerror="alert(2)">' \u202e`;

function judge(options: EvidenceOptions = {}, changes: Partial<JudgedQuote> = {}): string {
  const { quote, collateral, anchors, at } = makeEvidence(options);
  const verdict = verifyQuote(quote, collateral, { at, anchors });
  return verdictPage({
    file: "quote.bin",
    at,
    policyFile: undefined,
    checks: verdict.checks,
    policyChecks: [],
    failure: verdict.verified ? undefined : verdict.failure,
    accepted: verdict.verified,
    facts: verdict.verified ? { status: verdict.status } : {},
    quote,
    collateral,
    ...changes,
  });
}

/** What may stand between < and > of a page: our own elements, and nothing that runs or fetches. */
function expectHarmless(page: string): void {
  const names = new Set([...page.matchAll(/<\/?([^\s>/!]+)/g)].map(([, element]) => element));
  const known =
    "html head meta title style body main header span div h1 h2 h3 p section table thead tbody tr th td code svg g path rect text details summary footer".split(
      " ",
    );
  expect([...names].filter((element) => !known.includes(element ?? ""))).toEqual([]);
  expect(page).not.toMatch(/<[^>]*\s(on\w+|href|src|xlink:href)\s*=/i);
  expect(page).not.toMatch(/url\(|@import|\u202e/i);
  expect(page).toContain("default-src 'none'".replaceAll("'", "&#39;"));
}

describe("a template", () => {
  test("escapes all but fragments, in content, attributes and lists", () => {
    const bold = html`<b>${"<"}</b>`;
    expect(html`<i title="${`"'\`&`}">${bold}${["<", bold, 7]}</i>`.markup).toBe(
      '<i title="&quot;&#39;&#96;&amp;"><b>&lt;</b>&lt;<b>&lt;</b>7</i>',
    );
  });
  test("shows what has no shape, or turns the direction", () => {
    expect(html`${"a\u0000\n\u202eb\u200b\ud800"}`.markup).toBe(
      "a\\u{0}\\u{a}\\u{202e}b\\u{200b}\ufffd",
    );
  });
});

describe("the verdict's page", () => {
  test("names verdict, checks, chain and the platform's level", () => {
    const page = judge();
    expectHarmless(page);
    expect(page).toContain("<h1>Accepted: UpToDate</h1>");
    expect(page.match(/✓ ok/g)?.length).toBeGreaterThan(15);
    expect(page).not.toContain("✗");
    for (const title of ["Test SGX Root CA", "Test SGX PCK Certificate", "Attestation key"]) {
      expect(page).toContain(`>${title}</text>`);
    }
    const rows = page.split("<tr").filter((row) => row.includes(">here</span>"));
    expect(rows).toHaveLength(1);
    expect(rows[0]).toContain("UpToDate");
  });
  test("shows which link of the chain broke, and which were not looked at", () => {
    const page = judge({ wrongAttestationKey: true });
    expectHarmless(page);
    expect(page).toContain("Refused: not genuine");
    expect(page).toMatch(/✗ (signs|names the key)/);
    expect(page).toContain('class="edge unknown"');
    expect(page).toContain("Not checked: the verdict was reached before.");
  });
  test("marks the components that a platform does not reach", () => {
    const page = judge({
      platform: { components: [5, 4, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] },
    });
    expectHarmless(page);
    expect(page).toContain('<span class="low">5</span>');
  });
  test("of a domain has its TDX components", () => {
    const page = judge({ version: 5, body: "td15" });
    expectHarmless(page);
    expect(page).toContain("<th>TDX components</th>");
    expect(page).toContain("MRTD ");
  });
  test("says why a policy refused, and warns of a simulation", () => {
    const refused = judge(
      {},
      {
        accepted: false,
        policyChecks: [{ name: "MRSIGNER", passed: false, compared: "22, accepted: 00" }],
        facts: { status: "UpToDate", simulated: true },
      },
    );
    expect(refused).toContain("<h1>Refused: genuine, but not what the policy accepts</h1>");
    expect(refused).toContain("<p>MRSIGNER: 22, accepted: 00</p>");
    expect(refused).toContain("this evidence proves nothing");
  });
  test("comes for a quote that is none, too", () => {
    const page = judge({}, { quote: new Uint8Array(7) });
    expectHarmless(page);
    expect(page).toContain("cannot be read");
  });
  test("takes nothing of a stranger's for markup", () => {
    const pages = [
      judge({ pck: { subject: name(HOSTILE) } }),
      judge({ authority: { subject: name(HOSTILE) }, pck: { issuer: name(HOSTILE) } }),
      judge({ tcbSigner: { subject: name(HOSTILE) } }),
      judge({
        tcbInfo: (json) => {
          const [level] = json["tcbLevels"] as { advisoryIDs?: string[] }[];
          if (level !== undefined) level.advisoryIDs = [HOSTILE];
        },
      }),
      judge(
        {},
        { file: HOSTILE, policyFile: HOSTILE, facts: { status: HOSTILE, [HOSTILE]: HOSTILE } },
      ),
      judge({}, { checks: [{ name: HOSTILE, passed: false, compared: HOSTILE }] }),
    ];
    for (const page of pages) {
      expectHarmless(page);
      expect(page).toContain("&lt;script&gt;alert(1)");
    }
  });
});

describe("an inspected file's page", () => {
  const { quote, ders } = makeEvidence({ pck: { subject: name(HOSTILE) } });
  const inspect = (type: "quote" | "certificate", bytes: Uint8Array, file = "file") =>
    inspectPage({ file, type, bytes, description: describeFile(type, bytes) });
  test("of a quote decodes its attributes and draws its chain", () => {
    const page = inspect("quote", quote, HOSTILE);
    expectHarmless(page);
    expect(page).toContain("MODE64BIT");
    expect(page).toContain("is named as issuer");
    expect(page).toContain("&lt;script&gt;alert(1)");
  });
  test("of certificates takes nothing of theirs for markup", () => {
    const pem = toPem(ders.pck, "CERTIFICATE") + toPem(ders.authority, "CERTIFICATE");
    const page = inspect("certificate", Buffer.from(pem));
    expectHarmless(page);
    expect(page).toContain("&lt;script&gt;alert(1)");
  });
});

test("a value that nobody reads is folded, and whole", () => {
  const value = "ab".repeat(384);
  const { markup } = factTable([["modulus", value]]);
  expect(markup).toContain(`<summary>${value.slice(0, 64)}…</summary>${value}</details>`);
});

describe("drawings", () => {
  test("shorten what is long and keep the whole as a title", () => {
    const title = "x".repeat(200);
    const { markup } = drawChains([[{ title, detail: "d" }]]);
    expect(markup).toContain(`<title>${title}: d</title>`);
    expect(markup).toContain(`>${"x".repeat(49)}…</text>`);
  });
  test("a layout has its parts where they are, and none that are outside", () => {
    const layout = (segments: string[]) =>
      drawLayout({ enclaveBytes: 0x4000, segments })?.markup.match(
        /<rect class="(code|data)"[^>]*>/g,
      );
    expect(layout(["0x1000 +0x1000 r-x file text", "0x2000 +0x2000 rw- zero heap"])).toEqual([
      '<rect class="code" x="220" y="4" width="220" height="30">',
      '<rect class="data" x="440" y="4" width="440" height="30">',
    ]);
    expect(layout(["0x4000 +0x1000 r-x file text", "nonsense", "0x0 +0x0 r-x a b"])).toBeNull();
    expect(drawLayout({ bytes: 7 })).toBeUndefined();
  });
});
