// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { defaultDeviceRules, deviceWrites } from "./devices.ts";

test("devices: everything denied, the configuration's rules, what every container has", () => {
  const rules = [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
    { allow: true, type: "b", major: 8, minor: -1 },
    { allow: false, type: "a", major: 1, minor: 2, access: "m" },
  ] as const;
  const lines = deviceWrites(rules).map(({ file, value }) => `${file.slice(8)} ${value}`);
  expect(lines.slice(0, 5)).toEqual([
    "deny a",
    "deny a",
    "allow c 10:229 rw",
    "allow b 8:* rwm",
    "deny a 1:2 m",
  ]);
  expect(lines.slice(5)).toEqual([
    "allow c *:* m",
    "allow b *:* m",
    "allow c 1:3 rwm",
    "allow c 1:8 rwm",
    "allow c 1:7 rwm",
    "allow c 5:0 rwm",
    "allow c 1:5 rwm",
    "allow c 1:9 rwm",
    "allow c 136:* rwm",
    "allow c 5:2 rwm",
  ]);
  expect(deviceWrites([])).toHaveLength(1 + defaultDeviceRules.length);
});
