// SPDX-License-Identifier: Apache-2.0
/** A mount of type `cgroup` on a host with version 1, with and without a cgroup namespace. */
import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { type JsonObject, namespaces, shell } from "../support/bundle.ts";
import { needs } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = needs(
  existsSync("/sys/fs/cgroup/pids/tasks") ? undefined : "the host has no cgroup version 1",
);

const kinds: Record<string, JsonObject> = {
  "with a cgroup namespace": namespaces([], { type: "cgroup" }),
  "without one": namespaces([]),
};

const mounts = (...options: string[]): JsonObject => ({
  mounts: [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options },
  ],
});

for (const [kind, config] of Object.entries(kinds)) {
  // covers: mounts.type
  test(`${kind}, the container finds itself at the top of each hierarchy`, async () => {
    await using sandbox = new Sandbox();
    const text = await sandbox.output(
      config,
      mounts("nosuid", "nodev", "noexec"),
      shell("cd /sys/fs/cgroup; for h in pids memory freezer; do cat $h/cgroup.procs; done"),
    );
    expect(text.split("\n").filter((pid) => pid === "1")).toHaveLength(3);
  });

  // covers: mounts.options
  test(`${kind}, read-only, no hierarchy can be written`, async () => {
    await using sandbox = new Sandbox();
    const text = await sandbox.output(
      config,
      mounts("nosuid", "ro"),
      shell(
        "cd /sys/fs/cgroup; for h in pids memory; do mkdir $h/sub 2>/dev/null && echo made; done; " +
          "grep -c ' /sys/fs/cgroup/pids ro,nosuid' /proc/self/mountinfo",
      ),
    );
    expect(text).toBe("1");
  });
}
