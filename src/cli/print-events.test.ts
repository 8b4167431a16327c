// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { statistics } from "../container/events.ts";
import { existing, fakeHost } from "../container/fake-host.ts";
import { eventLine } from "./print-events.ts";

test("a line keeps every digit", () => {
  const host = fakeHost();
  existing(host, { cgroup: [{ version: 2, controllers: [], path: "/cg/unified/web" }] });
  host.kernel.file("/cg/unified/web/memory.max", "max\n");
  let line = "";
  statistics(host.deps, "web", (event) => {
    line += eventLine(event);
  });
  const start = '{"type":"stats","id":"web","data":{"cpu":{"usage":{"kernel":0,"user":0}';
  expect(line).toStartWith(start);
  expect(line).toContain('"usage":{"limit":18446744073709551615,"failcnt":0}');
  expect(line).toEndWith('"intel_rdt":{},"network_interfaces":null}}\n');
  expect(eventLine({ type: "oom", id: "web" })).toBe('{"type":"oom","id":"web"}\n');
});
