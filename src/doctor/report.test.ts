// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RuneError } from "../errors/error.ts";
import { topics } from "./check.ts";
import { checks } from "./checks.ts";
import { examine, type Report } from "./report.ts";
import { reportJson, reportText } from "./report-text.ts";
import { machine, probeOf, settings } from "./testing.ts";

test("every topic has checks, and a check's name is its own", () => {
  expect([...new Set(checks.map(({ topic }) => topic))].sort()).toEqual([...topics].sort());
  const names = checks.map(({ topic, name }) => `${topic} ${name}`);
  expect(new Set(names).size).toBe(names.length);
});

test("what is missing fails only where it was asked for, and is needed", async () => {
  const probe = probeOf(machine());
  expect((await examine(probe, settings, undefined)).status).toBe("ok");
  expect((await examine(probe, settings, "docker")).status).toBe("missing");
  const containers = await examine(probe, settings, "containers");
  expect(containers.results.find(({ name }) => name === "criu")?.status).toBe("missing");
  expect(containers.status).toBe("ok");
});

test("what is broken fails always, and what a check throws is broken", async () => {
  const files = { ...machine().files, "/etc/docker/daemon.json": "{" };
  const report = await examine(probeOf(machine({ files })), settings, undefined);
  expect(report.status).toBe("broken");
  expect(
    report.results.find(({ topic, status }) => topic === "docker" && status === "broken"),
  ).toMatchObject({
    name: "runtime",
    reason: expect.stringContaining("no JSON: line 1, column 2"),
  });
  const refused = new RuneError({ code: "PAL_PATH", doing: "x", reason: "y", hint: "z" });
  const probe = {
    ...probeOf(machine()),
    text: () => {
      throw refused;
    },
  };
  expect((await examine(probe, settings, "docker")).results[1]).toMatchObject({
    status: "broken",
    reason: "x: y",
    mend: "z",
  });
});

const report: Report = {
  status: "broken",
  results: [
    { topic: "sgx", name: "cpu", optional: false, status: "ok", reason: "yes" },
    {
      topic: "docker",
      name: "runtime",
      optional: true,
      status: "broken",
      reason: "a\u001b[m",
      mend: "b",
    },
  ],
};

test("for people: aligned, escaped, in colour where that is wanted", () => {
  expect(reportText(report, false)).toBe(
    [
      "sgx",
      "  ok       cpu      yes",
      "",
      "docker",
      "  broken   runtime  a\\x1b[m",
      "                    mend: b",
      "",
      "1 ok, 1 broken",
      "",
    ].join("\n"),
  );
  expect(reportText(report, true)).toContain("\u001b[31mbroken \u001b[0m");
});

test("for scripts", () => {
  expect(JSON.parse(reportJson(report, "1.2.3"))).toEqual({
    schema: 1,
    version: "1.2.3",
    status: "broken",
    checks: report.results,
  });
});
