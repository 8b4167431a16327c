// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EINVAL } from "../kernel/constants.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { applyLimits, hasLimits, limitProcesses } from "./limits.ts";

const mib = 1n << 20n;

const v1 = (controllers: string[]): CgroupDirectory => ({
  version: 1,
  controllers,
  path: `/cg/${controllers.join(",")}/web`,
});
const v2: CgroupDirectory = { version: 2, controllers: [], path: "/cg/unified/web" };

function host(...files: string[]): RecordingKernel {
  const kernel = new RecordingKernel().directory("/cg/unified/web");
  for (const file of files) kernel.file(`/cg/${file}`, "");
  return kernel;
}

test("each limit goes to the hierarchy that has its controller", () => {
  const kernel = host("memory/web/memory.limit_in_bytes", "unified/web/pids.max");
  const both = { memory: { limit: mib }, pids: { limit: 5n } };
  applyLimits(kernel, [v1(["memory"]), v2], both);
  expect(kernel.text("/cg/unified/web/pids.max")).toBe(""); // waits until the start is done
  limitProcesses(kernel, [v1(["memory"]), v2], both);
  expect(kernel.text("/cg/memory/web/memory.limit_in_bytes")).toBe("1048576");
  expect(kernel.text("/cg/unified/web/pids.max")).toBe("5");
  expect(kernel.openNames()).toEqual([]);
});

test("co-mounted controllers share a directory; devices are written where version 1 has them", () => {
  const kernel = host(
    "cpu,cpuacct/web/cpu.shares",
    "devices/web/devices.deny",
    "devices/web/devices.allow",
  );
  applyLimits(kernel, [v1(["cpu", "cpuacct"]), v1(["devices"])], { cpu: { shares: 7n } });
  expect(kernel.text("/cg/cpu,cpuacct/web/cpu.shares")).toBe("7");
  expect(kernel.calls.filter((call) => call.startsWith("write"))).toHaveLength(1 + 11);
});

test("a limit without a controller, a hierarchy or a file is an error", () => {
  const code = (code: string, text: string) =>
    expect.objectContaining({ code, message: expect.stringContaining(text) });
  const memory = { memory: { limit: mib } };
  expect(() => applyLimits(host(), [v1(["pids"])], memory)).toThrow(
    code("CGROUP", "no cgroup hierarchy with the memory controller"),
  );
  expect(() => applyLimits(host(), [], memory)).toThrow(code("CGROUP", "memory.limit"));
  expect(() => applyLimits(host(), [v2], memory)).toThrow(code("CGROUP", "no such limit here"));
  const refused = host("unified/web/memory.max").fail("write /cg/unified/web/memory.max", EINVAL);
  expect(() => applyLimits(refused, [v2], memory)).toThrow(
    code("CGROUP", "write `1048576` to `/cg/unified/web/memory.max`"),
  );
  expect(refused.openNames()).toEqual([]);
});

test("zeros and empty lists, which engines write for nothing, need no controller", () => {
  const nothing = {
    memory: { limit: 0n, swap: 0n, disableOOMKiller: false },
    cpu: { shares: 0n, quota: 0n, cpus: "" },
    blockIO: { weight: 0, weightDevice: [] },
    hugepageLimits: [{ pageSize: "2MB", limit: 0n }],
    network: {},
    rdma: {},
    unified: {},
  };
  applyLimits(host(), [v1(["pids"])], nothing);
  applyLimits(host(), [v2], nothing);
  applyLimits(host(), [], nothing);
  expect(hasLimits(nothing)).toBe(false);
});

test("whether limits are asked for", () => {
  expect(hasLimits({})).toBe(false);
  expect(hasLimits({ devices: [{ allow: false }], memory: {}, cpu: { shares: 0n } })).toBe(false);
  expect(hasLimits({ pids: { limit: 7n } })).toBe(true);
  expect(hasLimits({ pids: {} })).toBe(false);
  expect(hasLimits({ memory: { swappiness: 0 } })).toBe(true);
  expect(hasLimits({ cpu: { cpus: "0" } })).toBe(true);
  expect(hasLimits({ network: { classID: 1 } })).toBe(true);
  expect(hasLimits({ rdma: { mlx5_0: { hcaObjects: 0 } } })).toBe(true);
  expect(hasLimits({ unified: { "memory.high": "1" } })).toBe(true);
});
