// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linux } from "../kernel/linux.ts";
import { configFiles } from "./config-files.ts";
import { readRecord, recordPath } from "./record.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "rune-engines-"));
});
afterAll(() => rmSync(root, { recursive: true }));

test("a copy is as closed as its original, also in place of an older one", () => {
  const files = configFiles(linux, root);
  const modeOf = (name: string) => statSync(join(root, name)).mode & 0o777;
  files.write("/daemon.json", "{}\n");
  files.write("/copy", "{}\n", "/daemon.json");
  expect([modeOf("daemon.json"), modeOf("copy")]).toEqual([0o644, 0o644]);
  chmodSync(join(root, "daemon.json"), 0o600);
  files.write("/copy", '{"secret": 1}\n', "/daemon.json");
  files.write("/daemon.json", '{"secret": 2}\n');
  expect([modeOf("daemon.json"), modeOf("copy")]).toEqual([0o600, 0o600]);
});

test("a record that is none is said to be damaged", () => {
  const files = configFiles(linux, root);
  const change = { engine: "docker", path: "/p", name: "rune", after: "", folders: [] };
  const recordOf = (one: object) => JSON.stringify({ schema: 1, changes: [one], folders: [] });
  files.write(recordPath, recordOf(change));
  expect(readRecord(files).changes).toHaveLength(1);
  const damaged = [
    "null",
    "[]",
    '{"schema":1,"changes":[null],"folders":[]}',
    '{"schema":1,"changes":[],"folders":[7]}',
    recordOf({ ...change, backup: 7 }),
    recordOf({ ...change, folders: [null] }),
  ];
  for (const text of damaged) {
    writeFileSync(join(root, recordPath), text);
    expect(() => readRecord(files), text).toThrow(/fields are missing|it has schema/);
  }
});
