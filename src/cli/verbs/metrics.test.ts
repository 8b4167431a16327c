// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseEvents } from "./events.ts";
import { parseMetrics } from "./metrics.ts";

test("metrics: printed, or written to a file that has a name", () => {
  expect(parseMetrics([])).toEqual({ verb: "metrics" });
  expect(parseMetrics(["--output", "/a.prom"])).toEqual({ verb: "metrics", output: "/a.prom" });
  expect(() => parseMetrics(["--output", ""])).toThrow("expected a file's path");
  expect(() => parseMetrics(["web"])).toThrow();
});

test("events: a container, or with --json all enclaves", () => {
  expect(parseEvents(["web"])).toMatchObject({ id: "web", json: false, intervalMs: 5000 });
  expect(parseEvents(["--json", "web"])).toMatchObject({ id: "web", json: true });
  const all = parseEvents(["--json", "--stats"]);
  expect(all).toEqual({ verb: "events", json: true });
  expect(() => parseEvents([])).toThrow("expected a container's id");
});
