// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { SGX_ERROR } from "../sgx/egetkey.ts";
import { connectionShare } from "./descriptors.ts";
import { STATUS_GP } from "./frame.ts";
import { einitResult, Metrics, quoteType } from "./metrics.ts";

/** A line of the format: a name, labels whose values are escaped, a number. */
const SAMPLE =
  /^[a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? (-?[0-9.]+(e[+-]?[0-9]+)?|\+Inf)$/;

test("what was counted, with the help and kind of what there is and of nothing else", () => {
  const metrics = new Metrics();
  metrics.count("einit_total", { result: "accepted" });
  metrics.count("einit_total", { result: "accepted" });
  metrics.count("einit_total", { result: "INVALID_SIGNATURE" });
  metrics.count("faults_total");
  const text = metrics.text([{ name: "enclaves", value: 3 }]);
  expect(text).toBe(
    [
      "# HELP inclavare_platform_enclaves enclaves that run on the platform",
      "# TYPE inclavare_platform_enclaves gauge",
      "inclavare_platform_enclaves 3",
      "# HELP inclavare_platform_einit_total EINITs by result: accepted, or the processor's error",
      "# TYPE inclavare_platform_einit_total counter",
      'inclavare_platform_einit_total{result="accepted"} 2',
      'inclavare_platform_einit_total{result="INVALID_SIGNATURE"} 1',
      "# HELP inclavare_platform_faults_total answers that failed for a reason of the service's own",
      "# TYPE inclavare_platform_faults_total counter",
      "inclavare_platform_faults_total 1",
      "",
    ].join("\n"),
  );
});

test("times as a histogram whose buckets hold all below them", () => {
  const metrics = new Metrics();
  for (const seconds of [0.0004, 0.002, 0.002, 0.3, 60]) metrics.observe("aesm", seconds);
  const lines = metrics.text([]).trimEnd().split("\n");
  expect(lines[1]).toBe("# TYPE inclavare_platform_request_seconds histogram");
  const bucket = (le: string) =>
    lines.find((line) => line.includes(`le="${le}"`))?.replace(/^.* /, "");
  expect(["0.0005", "0.001", "0.0025", "0.25", "0.5", "2.5", "+Inf"].map(bucket)).toEqual([
    "1",
    "1",
    "3",
    "3",
    "4",
    "4",
    "5",
  ]);
  expect(lines.at(-2)).toStartWith('inclavare_platform_request_seconds_sum{socket="aesm"} 60.3');
  expect(lines.at(-1)).toBe('inclavare_platform_request_seconds_count{socket="aesm"} 5');
  for (const line of lines.slice(2)) expect(line).toMatch(SAMPLE);
});

test("a label's value cannot end the line, or the label", () => {
  const metrics = new Metrics();
  const text = metrics.text([{ name: "info", labels: { version: 'a"b\\c\nd' }, value: 1 }]);
  expect(text.trimEnd().split("\n")[2]).toBe('inclavare_platform_info{version="a\\"b\\\\c\\nd"} 1');
});

test("results and types have the names that the manual and people use", () => {
  expect([0, STATUS_GP, SGX_ERROR.INVALID_EINITTOKEN, 12345].map(einitResult)).toEqual([
    "accepted",
    "GP",
    "INVALID_EINITTOKEN",
    "12345",
  ]);
  expect(["getQuote", "getQuoteEx", "initQuote"].map(quoteType)).toEqual([
    "epid",
    "ecdsa",
    undefined,
  ]);
});

test("all sockets together leave descriptors for the service itself", () => {
  expect(connectionShare(5, 1 << 20)).toBe(1024);
  expect(connectionShare(5, 600)).toBe(107);
  expect(5 * connectionShare(5, 600)).toBeLessThan(600 - 32);
  expect(connectionShare(5, 10)).toBe(8);
  expect(connectionShare(5)).toBeGreaterThan(8);
});
