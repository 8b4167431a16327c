// SPDX-License-Identifier: Apache-2.0
/** Answers that two JSON readers could see two things in. */
import { describe, expect, test } from "bun:test";
import type { Json } from "../issue/signed-json.ts";
import { makeEvidence } from "../testing/evidence.ts";
import { parseEnclaveIdentity } from "./qe-identity.ts";
import { splitSignedJson } from "./signed-json.ts";
import { parseTcbInfo } from "./tcb-info.ts";

const signature = "ab".repeat(64);
const answer = (inner: string) => `{"tcbInfo":${inner},"signature":"${signature}"}`;
const split = (text: string) => splitSignedJson(text, "tcbInfo");

describe("cutting the signed object out", () => {
  test("as it stands, with the white space that is in it", () => {
    const inner = '{ "a" : "}\\"{" , "b":[{}, [1]] }';
    expect(split(answer(inner)).text).toBe(inner);
    expect(split(` {\n"tcbInfo" : ${inner} ,\t"signature":"${signature}" } \n`).text).toBe(inner);
    expect(split(answer("{}")).signature).toEqual(new Uint8Array(64).fill(0xab));
  });
  const wrong: Record<string, string> = {
    nothing: "",
    "no object": "[]",
    "no inner object": answer("[]"),
    "another key": answer("{}").replace("tcbInfo", "tcbinfo"),
    "no signature": '{"tcbInfo":{}}',
    "the object twice": `{"tcbInfo":{},"tcbInfo":{},"signature":"${signature}"}`,
    "the signature twice": `{"tcbInfo":{},"signature":"${signature}","signature":"${signature}"}`,
    "signature first": `{"signature":"${signature}","tcbInfo":{}}`,
    "a third member": `{"tcbInfo":{},"signature":"${signature}","x":1}`,
    "bytes after it": `${answer("{}")}{}`,
    "bytes before it": `x${answer("{}")}`,
    "an escaped key": answer("{}").replace("tcbInfo", "\\u0074cbInfo"),
    "an open string": '{"tcbInfo":{"a":"}},"signature":""}',
    "an open object": `{"tcbInfo":{{},"signature":"${signature}"}`,
    "a short signature": '{"tcbInfo":{},"signature":"ab"}',
    "an odd signature": `{"tcbInfo":{},"signature":"${signature.slice(1)}"}`,
    "no hexadecimal": `{"tcbInfo":{},"signature":"${"zz".repeat(64)}"}`,
    "nested beyond sense": `{"tcbInfo":${"[".repeat(100_000)}`,
  };
  for (const [name, text] of Object.entries(wrong)) {
    test(name, () => expect(() => split(text)).toThrow(/read signed tcbInfo/));
  }
});

describe("members of TCB info", () => {
  const good = () => JSON.parse(makeEvidence({ body: "td10" }).collateral.tcbInfo.text) as Json;
  const faults: Record<string, (json: Json) => void> = {
    "15 components": (json) => json["tcbLevels"][0].tcb.sgxtcbcomponents.pop(),
    "17 TDX components": (json) => json["tcbLevels"][0].tcb.tdxtcbcomponents.push({ svn: 0 }),
    "an SVN above 255": (json) =>
      Object.assign(json["tcbLevels"][0].tcb.sgxtcbcomponents[0], { svn: 256 }),
    "a negative SVN": (json) =>
      Object.assign(json["tcbLevels"][0].tcb.sgxtcbcomponents[0], { svn: -1 }),
    "a fraction": (json) => Object.assign(json["tcbLevels"][0].tcb, { pcesvn: 1.5 }),
    "a PCESVN as text": (json) => Object.assign(json["tcbLevels"][0].tcb, { pcesvn: "10" }),
    "no PCESVN": (json) => Object.assign(json["tcbLevels"][0].tcb, { pcesvn: undefined }),
    "levels that are no list": (json) => Object.assign(json, { tcbLevels: {} }),
    "a level that is none": (json) => Object.assign(json, { tcbLevels: [null] }),
    "257 levels": (json) =>
      Object.assign(json, { tcbLevels: new Array(257).fill(json["tcbLevels"][0]) }),
    "an FMSPC of 5 bytes": (json) => Object.assign(json, { fmspc: "00906ed500" }),
    "an FMSPC that is no hexadecimal": (json) => Object.assign(json, { fmspc: "00906ed5000g" }),
    "a date with a zone": (json) => Object.assign(json, { issueDate: "2026-06-15T12:00:00+00:00" }),
    "a date without seconds": (json) => Object.assign(json, { issueDate: "2026-06-15T12:00Z" }),
    "a year of five digits": (json) => Object.assign(json, { nextUpdate: "12026-06-15T12:00:00Z" }),
    "hour 24": (json) => Object.assign(json, { nextUpdate: "2026-06-15T24:00:00Z" }),
    "advisories that are no list": (json) =>
      Object.assign(json["tcbLevels"][0], { advisoryIDs: "INTEL" }),
    "no module": (json) => Object.assign(json, { tdxModule: undefined }),
    "a module signer of 47 bytes": (json) =>
      Object.assign(json["tdxModule"], { mrsigner: "00".repeat(47) }),
    "__proto__ as a level": (json) => Object.assign(json, { tcbLevels: ["__proto__"] }),
  };
  test("good", () => expect(parseTcbInfo(JSON.stringify(good())).levels.length).toBe(3));
  for (const [name, change] of Object.entries(faults)) {
    test(name, () => {
      const json = good();
      change(json);
      expect(() => parseTcbInfo(JSON.stringify(json))).toThrow(/read TCB/);
    });
  }
  test("no JSON", () => expect(() => parseTcbInfo("{")).toThrow("read TCB info"));
});

describe("members of an enclave identity", () => {
  const good = () => JSON.parse(makeEvidence().collateral.qeIdentity.text) as Json;
  const faults: Record<string, Json> = {
    "version 1": { version: 1 },
    "a MISCSELECT of 3 bytes": { miscselect: "000000" },
    "attributes of 15 bytes": { attributes: "11".repeat(15) },
    "a signer of 48 bytes": { mrsigner: "00".repeat(48) },
    "a product above 65535": { isvprodid: 65536 },
    "no evaluation data number": { tcbEvaluationDataNumber: undefined },
    "a level without SVN": {
      tcbLevels: [{ tcb: {}, tcbDate: "2026-01-01T00:00:00Z", tcbStatus: "UpToDate" }],
    },
  };
  for (const [name, change] of Object.entries(faults)) {
    test(name, () => {
      const text = JSON.stringify({ ...good(), ...change });
      expect(() => parseEnclaveIdentity(text)).toThrow(/read (enclave identity|TCB levels)/);
    });
  }
});
