// SPDX-License-Identifier: Apache-2.0
/**
 * `linux.intelRdt` on a machine without resctrl. What there is with it is tested against a stand-in, in
 * src/container/intel-rdt.test.ts: neither this host nor a guest of qemu's has Intel RDT.
 */
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { except, needs, only, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const mounted = readFileSync("/proc/self/mountinfo", "utf8").includes(" - resctrl ");
const test = needs(mounted ? "this machine has resctrl" : undefined);

const ours = mounted
  ? test
  : only("rune", "Debian's runc 1.1.5 ignores the field where it knows no schema in it");

const heeded = except("crun", "1.8.1 ignores the field where there is no resctrl", test);
const configurations = [
  [ours, {}],
  [heeded, { closID: "/", enableMonitoring: true }],
  [ours, { closID: "gold", schemata: ["L3:0=f"] }],
  [heeded, { l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=20" }],
] as const;

for (const [refuses, intelRdt] of configurations) {
  refuses(`${JSON.stringify(intelRdt)} is refused, and nothing is left`, async () => {
    await using sandbox = new Sandbox();
    sandbox.configure({ linux: { intelRdt } });
    for (const words of [["create"], ["run"], ["run", "--detach"]]) {
      const { status, stderr } = await sandbox.call([...words, sandbox.id()]);
      expect(status).toBe(1);
      if (runtimeName === "rune") {
        expect(stderr).toContain("config `linux.intelRdt`: no resctrl file system is mounted");
        expect(stderr).toContain("mount -t resctrl resctrl /sys/fs/resctrl");
      }
      expect(sandbox.containers()).toEqual([]);
    }
    expect(existsSync("/sys/fs/resctrl/gold")).toBe(false);
  });
}

except("crun", "1.8.1 exits with 64 where it takes no such flag")(
  "update cannot give a class, and the container goes on without one",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    for (const flag of ["--l3-cache-schema=L3:0=f", "--mem-bw-schema=MB:0=20"]) {
      const { status, stderr } = await sandbox.call(["update", "--pids-limit", "7", flag, id]);
      expect(status).toBe(1);
      if (runtimeName === "rune") {
        expect(stderr).toContain(`update \`${id}\``);
        expect(stderr).toContain("no resctrl file system is mounted");
      }
    }
    expect((await sandbox.state(id)).status).toBe("running");
    await sandbox.must(["exec", id, "/bin/true"]);
    const stats = JSON.parse((await sandbox.must(["events", "--stats", id])).stdout);
    expect(stats.data.intel_rdt).toEqual({});
    // The limit beside it has not been set, either.
    if (runtimeName === "rune") expect(stats.data.pids.limit).not.toBe(7);
  },
);
