// SPDX-License-Identifier: Apache-2.0
/** Limits that cannot be had: what the error says, and that nothing is left. */
import { expect } from "bun:test";
import type { JsonObject } from "../support/bundle.ts";
import { except, needs, only, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import { removeParents, withoutUnified, withoutVersion1 } from "./files.ts";

const v1 = needs(withoutVersion1("memory", "cpu", "cpuset", "pids", "blkio"));
const v2 = needs(withoutUnified("memory", "cpu", "cpuset", "pids"));
const mib = 1 << 20;

/** Limits that cannot be had here, and what the error says. */
const refused: Record<string, [JsonObject, string]> = {
  "a cpu that is not there": [
    { cpu: { cpus: "4000" } },
    "write `4000` to `/sys/fs/cgroup/cpuset/MARK/cpuset.cpus`: ",
  ],
  "a controller that is not mounted": [
    { network: { classID: 1_048_577 } },
    "set `linux.resources.network.classID`: no cgroup hierarchy with the net_cls controller is mounted",
  ],
  "a weight of the CFQ scheduler, which kernels no longer have": [
    { blockIO: { leafWeight: 500 } },
    "/MARK/blkio.leaf_weight`: the kernel has no such limit here",
  ],
  "swap below memory": [
    { memory: { limit: 64 * mib, swap: 32 * mib } },
    "/MARK/memory.memsw.limit_in_bytes`: invalid argument",
  ],
  "a quota below what the kernel takes": [
    { cpu: { quota: 1, period: 100_000 } },
    "/MARK/cpu.cfs_quota_us`: invalid argument",
  ],
  "more shares than the kernel keeps": [
    { cpu: { shares: 300_000 } },
    "set `300000`: the most shares that the kernel takes are 262144",
  ],
  "huge pages of a size that is not there": [
    { hugepageLimits: [{ pageSize: "64KB", limit: 65_536 }] },
    "hugetlb.64KB.max`: the kernel has no such limit here",
  ],
  "a device that is not there": [
    { blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 7, rate: 5 }] } },
    "write `4000:7 5` to `/sys/fs/cgroup/blkio/MARK/blkio.throttle.read_bps_device`: ",
  ],
  "an RDMA device": [{ rdma: { mlx5_0: { hcaHandles: 1 } } }, "rdma.max`: the rdma controller"],
  "a version 2 file of a version 1 controller": [
    { unified: { "memory.max": "1M" } },
    "set `memory.max`: this host has the controller in a version 1 hierarchy",
  ],
  "a version 2 file without controller": [
    { unified: { "misc.max": "sgx_epc 4096" } },
    "misc.max`: the misc controller is not enabled there",
  ],
  "a file that is the runtime's own": [
    { unified: { "cgroup.freeze": "1" } },
    "set `cgroup.freeze`: the runtime itself writes this file",
  ],
};

for (const [what, [resources, message]] of Object.entries(refused)) {
  // covers: linux.resources.network.classID, linux.resources.rdma,
  //   linux.resources.blockIO.leafWeight
  except(
    "crun",
    "1.8.1 leaves cgroups of the systemd hierarchy",
    v1,
  )(`refused, with nothing left: ${what}`, async () => {
    await using sandbox = new Sandbox();
    const path = `/${sandbox.mark}/parent/web`;
    const { status, stderr } = await sandbox.run({ linux: { cgroupsPath: path, resources } });
    // runc takes files of version 2 on a hybrid host for nothing, and makes other sentences.
    if (runtimeName === "rune") {
      expect(stderr).toContain(message.replace("MARK", `${sandbox.mark}/parent/web`));
      expect(status).toBe(1);
      await sandbox.expectNothingLeft(); // not even the parents
    } else if (!("unified" in resources)) expect(status).not.toBe(0);
    removeParents(sandbox.mark);
  });
}

/** As above, on a host with version 2 alone. */
const refusedV2: Record<string, [JsonObject, string]> = {
  "a cpu that is not there": [
    { cpu: { cpus: "4000" } },
    "write `4000` to `/sys/fs/cgroup/MARK/cpuset.cpus`: ",
  ],
  "swap below memory": [
    { memory: { limit: 64 * mib, swap: 32 * mib } },
    `it cannot be less than the limit, ${64 * mib}`,
  ],
  "swap without memory": [{ memory: { swap: 32 * mib } }, "it needs `limit`, too"],
  "a quota below what the kernel takes": [
    { cpu: { quota: 1, period: 100_000 } },
    "write `1 100000` to `/sys/fs/cgroup/MARK/cpu.max`: invalid argument",
  ],
  "a burst above the quota": [
    { cpu: { quota: 10_000, period: 100_000, burst: 20_000 } },
    "write `20000` to `/sys/fs/cgroup/MARK/cpu.max.burst`: invalid argument",
  ],
  "a device that is not there": [
    { blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 7, rate: 5 }] } },
    "write `4000:7 rbps=5` to `/sys/fs/cgroup/MARK/io.max`: no such device",
  ],
  "a resource that the machine has not got": [
    { unified: { "misc.max": "sgx_epc 4096" } },
    "write `sgx_epc 4096` to `/sys/fs/cgroup/MARK/misc.max`: invalid argument",
  ],
  "a file that is not there": [
    { unified: { "memory.frob": "1" } },
    "write `1` to `/sys/fs/cgroup/MARK/memory.frob`: the kernel has no such limit here",
  ],
};

const v2Rune = runtimeName === "rune" ? v2 : only("rune", "has other words");
for (const [what, [resources, message]] of Object.entries(refusedV2)) {
  v2Rune(`version 2: refused, with nothing left: ${what}`, async () => {
    await using sandbox = new Sandbox();
    const cgroupsPath = `/${sandbox.mark}/parent/web`;
    const { status, stderr } = await sandbox.run({ linux: { cgroupsPath, resources } });
    expect(stderr).toContain(message.replace("MARK", cgroupsPath.slice(1)));
    expect(status).toBe(1);
    await sandbox.expectNothingLeft();
  });
}
