// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import { oomKills } from "./oom-kills.ts";

test("both versions count, other controllers and missing files do not", () => {
  const kernel = new RecordingKernel()
    .file("/m/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    .file("/u/memory.events", "max 0\noom_kill 1\noom_group_kill 7\n");
  const memory = { version: 1, controllers: ["memory"], path: "/m" } as const;
  const unified = { version: 2, controllers: [], path: "/u" } as const;
  expect(oomKills(kernel, [memory, unified])).toBe(3);
  expect(oomKills(kernel, [{ version: 1, controllers: ["cpu"], path: "/m" }])).toBe(0);
  expect(oomKills(kernel, [{ ...unified, path: "/gone" }])).toBe(0);
});
