// SPDX-License-Identifier: Apache-2.0
/**
 * Every byte of good evidence, changed: no crash, and nothing accepted but what says the same. Then
 * random changes for a bounded time.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { toHex } from "../../sgx/bytes.ts";
import type { Collateral } from "../collateral/collateral.ts";
import { type Evidence, makeEvidence } from "../testing/evidence.ts";
import { verifyQuote } from "./verify-quote.ts";

const thorough = process.env["CONFORMANCE"] === "1";
const masks = thorough ? [1, 2, 4, 8, 16, 32, 64, 128] : [1];
const fuzzMs = thorough ? 120_000 : 1500;

setDefaultTimeout(thorough ? 600_000 : 120_000);

const sgx = makeEvidence();
const td = makeEvidence({ version: 5, body: "td15" });
const kinds: readonly (readonly [string, Evidence])[] = [
  ["SGX, version 3", sgx],
  ["TD 1.5, version 5", td],
];

/** The kind of which every byte is changed every time; of the other, some. */
const first = kinds[0]?.[0];

/** What a verdict rests on, as text; undefined for a refusal, which must be a known one. */
function meaning(evidence: Evidence): string | undefined {
  const { quote, collateral, anchors, at } = evidence;
  const verdict = verifyQuote(quote, collateral, { at, anchors });
  if (!verdict.verified) {
    // Anything else is an exception that nobody foresaw.
    expect(verdict.failure.code).toMatch(/^(ATTEST|SGX)_/);
    return undefined;
  }
  const { qe } = verdict.quote;
  return [
    verdict.status,
    toHex(verdict.quote.signed),
    toHex(verdict.quote.attestationKey),
    toHex(qe.reportBytes),
    toHex(qe.authenticationData),
    toHex(verdict.platform.fmspc),
    verdict.validity.notBefore.toISOString(),
    verdict.validity.notAfter.toISOString(),
  ].join(" ");
}

function flip(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ mask;
  return changed;
}

type Piece = {
  readonly bytes: Uint8Array;
  readonly put: (bytes: Uint8Array) => Collateral;
};

/** Each piece of collateral as bytes, and how to put them back. */
function piecesOf(collateral: Collateral): Record<string, Piece> {
  const json = (name: "tcbInfo" | "qeIdentity"): Record<string, Piece> => {
    const { text, signature } = collateral[name];
    return {
      [`${name} text`]: {
        bytes: Buffer.from(text, "latin1"),
        put: (bytes) => ({
          ...collateral,
          [name]: { text: Buffer.from(bytes).toString("latin1"), signature },
        }),
      },
      [`${name} signature`]: {
        bytes: signature,
        put: (bytes) => ({ ...collateral, [name]: { text, signature: bytes } }),
      },
    };
  };
  const crl = (name: "rootCrl" | "pckCrl"): Record<string, Piece> => ({
    [name]: {
      bytes: collateral[name] ?? new Uint8Array(),
      put: (bytes) => ({ ...collateral, [name]: bytes }),
    },
  });
  const certificates = collateral.certificates.map((der, index): readonly [string, Piece] => [
    `certificate ${index}`,
    {
      bytes: der,
      put: (bytes) => ({ ...collateral, certificates: collateral.certificates.with(index, bytes) }),
    },
  ]);
  return {
    ...json("tcbInfo"),
    ...json("qeIdentity"),
    ...crl("rootCrl"),
    ...crl("pckCrl"),
    ...Object.fromEntries(certificates),
  };
}

describe("a changed byte", () => {
  for (const [kind, evidence] of kinds) {
    const original = meaning(evidence);
    test(`${kind}: of the quote`, () => {
      expect(original).toBeDefined();
      let accepted = 0;
      for (const mask of masks) {
        for (let at = 0; at < evidence.quote.length; at += kind === first || thorough ? 1 : 5) {
          const found = meaning({ ...evidence, quote: flip(evidence.quote, at, mask) });
          if (found === undefined) continue;
          // White space between PEM blocks says nothing; all else is signed or hashed.
          expect(found).toBe(original ?? "");
          expect(evidence.quote[at]).toBe(0x0a);
          accepted++;
        }
      }
      expect(accepted).toBeLessThanOrEqual(3 * masks.length);
    });
    for (const [name, piece] of Object.entries(piecesOf(evidence.collateral))) {
      test(`${kind}: of ${name}`, () => {
        for (const mask of masks) {
          for (let at = 0; at < piece.bytes.length; at += kind === first || thorough ? 1 : 9) {
            const collateral = piece.put(flip(piece.bytes, at, mask));
            expect(meaning({ ...evidence, collateral })).toBeUndefined();
          }
        }
      });
    }
    test(`${kind}: every length that is too short`, () => {
      const step = thorough ? 1 : 23;
      for (let length = 0; length < evidence.quote.length; length += step) {
        expect(meaning({ ...evidence, quote: evidence.quote.subarray(0, length) })).toBeUndefined();
      }
      for (const piece of Object.values(piecesOf(evidence.collateral))) {
        for (let length = 0; length < piece.bytes.length; length += step) {
          const collateral = piece.put(piece.bytes.subarray(0, length));
          expect(meaning({ ...evidence, collateral })).toBeUndefined();
        }
      }
    });
  }
});

describe("random changes", () => {
  for (const [kind, evidence] of kinds) {
    test(`${kind}: ${fuzzMs / 2000} s of them`, () => {
      const original = meaning(evidence) ?? "";
      const pieces = Object.values(piecesOf(evidence.collateral));
      const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 0x7fff_ffff);
      const random = generator(seed);
      const end = performance.now() + fuzzMs / 2;
      let rounds = 0;
      for (; performance.now() < end; rounds++) {
        const pick = random(pieces.length + 4);
        const piece = pieces[pick];
        const changed: Evidence =
          piece === undefined
            ? { ...evidence, quote: disturb(evidence.quote, random) }
            : { ...evidence, collateral: piece.put(disturb(piece.bytes, random)) };
        const found = meaning(changed);
        if (found !== undefined && found !== original) {
          throw new Error(`accepted something else: FUZZ_SEED=${seed}, round ${rounds}`);
        }
      }
      expect(rounds).toBeGreaterThan(0);
    });
  }
});

type Random = (below: number) => number;

/** Numerical Recipes' linear congruence: repeatable with a seed, and nothing here needs better. */
function generator(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const NASTY = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x22, 0x5c, 0x7b, 0x7d, 0x30];

/** One to four changes: a byte, a run, an insertion, a removal, a part copied elsewhere. */
function disturb(bytes: Uint8Array, random: Random): Uint8Array {
  let changed = bytes.slice();
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(changed.length);
    const size = random(Math.min(40, changed.length - at));
    const nasty = NASTY[random(NASTY.length)] ?? 0;
    switch (random(5)) {
      case 0:
        changed[at] = nasty;
        break;
      case 1:
        changed.fill(nasty, at, at + size);
        break;
      case 2:
        changed = Uint8Array.from([...changed.subarray(0, at), nasty, ...changed.subarray(at)]);
        break;
      case 3:
        changed = Uint8Array.from([...changed.subarray(0, at), ...changed.subarray(at + size)]);
        break;
      default:
        changed.copyWithin(random(changed.length), at, at + size);
    }
  }
  return changed;
}
