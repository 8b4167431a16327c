// SPDX-License-Identifier: Apache-2.0
/** Certificates, CRLs and PEM that should not be taken. */
import { describe, expect, test } from "bun:test";
import { derReader } from "../der/reader.ts";
import { extension } from "../issue/certificate.ts";
import * as der from "../issue/der-writer.ts";
import { foreignKey, makeEvidence } from "../testing/evidence.ts";
import { parseCertificate } from "./certificate.ts";
import { crlBytes, parseCrl } from "./crl.ts";
import { isSignedBy, p256Key, rawEcdsa, readPublicKey, readSignatureKind } from "./keys.ts";
import { pemBlocks, toPem } from "./pem.ts";
import { readPlatformIdentity, SGX_EXTENSION } from "./sgx-extension.ts";

describe("PEM", () => {
  const block = toPem(Uint8Array.of(1, 2, 3, 4, 5), "CERTIFICATE");
  const read = (text: string) => pemBlocks(text, "CERTIFICATE", "test", 2);
  test("blocks with white space and final NULs between and after them", () => {
    expect(read(block)).toEqual([Uint8Array.of(1, 2, 3, 4, 5)]);
    expect(read(`\n${block}\n\n${block}\0\0`).length).toBe(2);
    expect(read(block.replaceAll("\n", "\r\n")).length).toBe(1);
  });
  const wrong = {
    nothing: "",
    "white space": " \n",
    "text before": `x${block}`,
    "text between": `${block}x${block}`,
    "text after": `${block}x`,
    "a third block": block.repeat(3),
    "another label": block.replaceAll("CERTIFICATE", "X509 CRL"),
    "no end": block.replace("-----END CERTIFICATE-----", ""),
    "an end of another label": block.replace("END CERTIFICATE", "END X509 CRL"),
    "no base64": block.replace("AQIDBAU=", "AQ*DBAU="),
    "spaces in base64": block.replace("AQIDBAU=", "AQID BAU="),
    "stray bits": block.replace("AQIDBAU=", "AQIDBAV="),
    "no padding": block.replace("AQIDBAU=", "AQIDBAU"),
    "padding within": block.replace("AQIDBAU=", "AQ==DBAU"),
    headers: block.replace("AQIDBAU=", "Proc-Type: 4\n\nAQIDBAU="),
    "an empty block": block.replace("AQIDBAU=\n", ""),
    "a block in a block": block.replace("AQIDBAU=", `${block}AQIDBAU=`),
  };
  for (const [name, text] of Object.entries(wrong)) {
    test(name, () => expect(() => read(text)).toThrow(/read test/));
  }
});

describe("keys and signatures", () => {
  const read = (spki: Uint8Array) => readPublicKey(derReader(spki, "test"));
  const { spki } = foreignKey;
  test("another curve, algorithm or point form", () => {
    expect(read(spki).kind).toBe("P-256");
    const ec = der.oid("1.2.840.10045.2.1");
    const point = spki.slice(-65);
    const p384 = der.sequence(der.sequence(ec, der.oid("1.3.132.0.34")), der.bits(point));
    expect(() => read(p384)).toThrow("not P-256");
    const curve = der.oid("1.2.840.10045.3.1.7");
    const compressed = der.sequence(
      der.sequence(ec, curve),
      der.bits(Uint8Array.of(2, ...point.subarray(1, 33))),
    );
    expect(() => read(compressed)).toThrow("uncompressed");
    const ed25519 = der.sequence(
      der.sequence(der.oid("1.3.101.112")),
      der.bits(point.subarray(33)),
    );
    expect(() => read(ed25519)).toThrow("algorithm 1.3.101.112");
    const more = der.sequence(der.sequence(ec, curve, der.integer(1)), der.bits(point));
    expect(() => read(more)).toThrow("too many");
  });
  test("RSA that is short or has another exponent", () => {
    const rsa = (size: number, exponent: number) => {
      const key = der.sequence(
        der.unsigned(new Uint8Array(size).fill(0xab)),
        der.integer(exponent),
      );
      return der.sequence(
        der.sequence(der.oid("1.2.840.113549.1.1.1"), der.element(0x05)),
        der.bits(key),
      );
    };
    expect(read(rsa(256, 65537)).kind).toBe("RSA");
    expect(() => read(rsa(128, 65537))).toThrow("1024 bits");
    expect(() => read(rsa(256, 3))).toThrow("exponent");
  });
  test("a point that is not on the curve verifies nothing", () => {
    const key = p256Key(new Uint8Array(64).fill(5));
    expect(isSignedBy(key, Uint8Array.of(1), { kind: "P-256", value: new Uint8Array(64) })).toBe(
      false,
    );
    const infinity = p256Key(new Uint8Array(64));
    expect(
      isSignedBy(infinity, Uint8Array.of(1), { kind: "P-256", value: new Uint8Array(64) }),
    ).toBe(false);
  });
  test("zeros are no signature (CVE-2022-21449)", () => {
    const key = p256Key(spki.slice(-64));
    for (const value of [new Uint8Array(64), new Uint8Array(64).fill(255), new Uint8Array(63)]) {
      expect(isSignedBy(key, Uint8Array.of(1), { kind: "P-256", value })).toBe(false);
    }
  });
  test("ECDSA signatures have one encoding", () => {
    const number = der.unsigned(new Uint8Array(32).fill(0x7f));
    expect(rawEcdsa(der.sequence(number, number), "test").length).toBe(64);
    const wrong = [
      der.sequence(number),
      der.sequence(number, number, number),
      der.sequence(number, der.element(0x02, Uint8Array.of(0xff))),
      der.sequence(number, der.element(0x02, Uint8Array.of(0, 1))),
      der.sequence(number, der.unsigned(new Uint8Array(33).fill(1))),
      Uint8Array.from([...der.sequence(number, number), 0]),
    ];
    for (const bytes of wrong) expect(() => rawEcdsa(bytes, "test")).toThrow();
  });
  test("signature algorithms by identifier and parameters", () => {
    const kind = (...parts: Uint8Array[]) =>
      readSignatureKind(derReader(der.sequence(...parts), "test"));
    expect(kind(der.oid("1.2.840.10045.4.3.2"))).toBe("P-256");
    expect(kind(der.oid("1.2.840.113549.1.1.11"), der.element(0x05))).toBe("RSA");
    expect(() => kind(der.oid("1.2.840.10045.4.3.2"), der.element(0x05))).toThrow();
    expect(() => kind(der.oid("1.2.840.113549.1.1.11"))).toThrow();
    expect(() => kind(der.oid("1.2.840.113549.1.1.5"), der.element(0x05))).toThrow("1.1.5");
  });
});

describe("certificates", () => {
  const parse = (more: readonly Uint8Array[]) =>
    parseCertificate(makeEvidence({ pck: { more } }).ders.pck);
  test("an extension twice", () => {
    expect(() =>
      parse([extension("1.2.3", der.integer(1)), extension("1.2.3", der.integer(2))]),
    ).toThrow("twice");
    expect(() => parse([extension(SGX_EXTENSION, der.sequence())])).toThrow("twice");
  });
  test("a default that is written out, and bytes after the extensions", () => {
    const explicitFalse = der.sequence(
      der.oid("1.2.3"),
      der.element(0x01, Uint8Array.of(1)),
      der.octets(der.integer(1)),
    );
    expect(() => parse([explicitFalse])).toThrow("boolean");
    expect(() => parse([der.integer(1)])).toThrow();
  });
  test("more extensions than anybody has", () => {
    const many = Array.from({ length: 40 }, (_, index) =>
      extension(`1.2.${index}`, der.integer(1)),
    );
    expect(() => parse(many)).toThrow("more than 32");
  });
  test("a negative serial number", () => {
    const good = makeEvidence().ders.pck;
    const at = good.findIndex(
      (byte, index) => byte === 2 && good[index + 1] === 1 && good[index + 2] === 3,
    );
    const bad = good.slice();
    bad[at + 2] = 0x83;
    expect(() => parseCertificate(bad)).toThrow("negative");
  });
  test("the SGX extension: a field twice, absent, of another size, of another arc", () => {
    const read = (value: Uint8Array) => {
      const certificate = parseCertificate(makeEvidence().ders.pck);
      const extensions = new Map([[SGX_EXTENSION, { critical: false, value }]]);
      return readPlatformIdentity({ ...certificate, extensions });
    };
    const field = (arc: string, value: Uint8Array) =>
      der.sequence(der.oid(`${SGX_EXTENSION}.${arc}`), value);
    const ppid = field("1", der.octets(new Uint8Array(16)));
    expect(() => read(der.sequence(ppid, ppid))).toThrow("twice");
    expect(() => read(der.sequence(ppid))).toThrow("no field .2");
    expect(() =>
      read(der.sequence(field("1", der.octets(new Uint8Array(15))), field("2", der.sequence()))),
    ).toThrow();
    expect(() => read(der.sequence(der.sequence(der.oid("1.2.3"), der.integer(1))))).toThrow(
      "field 1.2.3",
    );
    expect(() => read(der.sequence(field("1.1", der.integer(1))))).toThrow("1.1");
    expect(() => readPlatformIdentity(parseCertificate(makeEvidence().ders.root))).toThrow(
      "no SGX extension",
    );
  });
});

describe("CRLs", () => {
  const good = makeEvidence().collateral.pckCrl ?? new Uint8Array();
  test("as DER, PEM and hexadecimal text", () => {
    const hex = Buffer.from(good).toString("hex");
    for (const file of [
      good,
      Buffer.from(toPem(good, "X509 CRL")),
      Buffer.from(`${hex}\n`),
      Buffer.from(hex.toUpperCase()),
    ]) {
      expect(parseCrl(crlBytes(file)).revoked.has("77")).toBe(true);
    }
    expect(() => parseCrl(crlBytes(Buffer.from("hello")))).toThrow("PEM");
  });
  test("a certificate is none, nor the other way round", () => {
    expect(() => parseCrl(makeEvidence().ders.pck)).toThrow();
    expect(() => parseCertificate(good)).toThrow();
  });
});
