// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { parseAttest } from "./attest.ts";

const parse = (line: string) => parseAttest(line.split(" "));

describe("the command line", () => {
  test("a local report by default", () => {
    expect(parse("web")).toEqual({
      verb: "attest",
      // A name that was checked.
      id: "web" as never,
      remote: false,
      quoteType: "ecdsa",
      trustRoots: [],
      allowSimulation: false,
      spid: { option: "spid" },
      subscriptionKey: { option: "subscription-key" },
      json: false,
      idle: [],
    });
  });

  test("the original's, with its names for things", () => {
    const spid = "a".repeat(32);
    expect(
      parse(`--isRA --quote-type EPIDunlinkable --spid ${spid} -key k --reportFile r web`),
    ).toMatchObject({
      remote: true,
      quoteType: "epidUnlinkable",
      spid: { value: spid },
      subscriptionKey: { value: "k" },
      reportFile: "r",
    });
    const of2020 = { quoteType: "epidLinkable", idle: ["product"] } as const;
    expect(parse("--isRA --product --linkable web")).toMatchObject(of2020);
  });

  test("report data is filled up with zeros", () => {
    const data = parse("--report-data 0aFF web")?.reportData;
    expect(data).toEqual(Uint8Array.of(0x0a, 0xff, ...new Array<number>(62).fill(0)));
    expect(parse(`--nonce ${"01".repeat(64)} web`)?.reportData).toEqual(new Uint8Array(64).fill(1));
  });

  for (const [line, reason] of [
    ["--report-data 0 web", "1 to 64 bytes"],
    ["--report-data xx web", "1 to 64 bytes"],
    [`--report-data ${"00".repeat(65)} web`, "1 to 64 bytes"],
    [`--nonce ${"00".repeat(15)} web`, "16 to 64 bytes"],
    [`--nonce ${"00".repeat(16)} --report-data 00 web`, "exclude each other"],
    ["--isRA --target-info t web", "for the quoting enclave alone"],
    ["--policy p web", "`--policy` is about quotes, and needs `--isRA`"],
    ["--allow-simulation web", "`--allow-simulation`"],
    ["--trust-root r web", "`--trust-root`"],
    ["--quote-type tdx web", "expected one of ecdsa"],
    ["a/b", "container id"],
    ["web db", "argument"],
  ] as const) {
    test(`refuses ${line.slice(0, 50)}`, () => {
      expect(() => parse(line)).toThrow(reason);
    });
  }
});
