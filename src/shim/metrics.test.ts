// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { CgroupDirectory } from "../cgroups/cgroup.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { decode } from "../protobuf/codec.ts";
import { taskMetrics } from "./metrics.ts";
import { Metrics as MetricsV1 } from "./proto/metrics-v1.gen.ts";
import { Metrics as MetricsV2 } from "./proto/metrics-v2.gen.ts";

const noLimit = (1n << 64n) - 1n;

function metrics(directories: readonly CgroupDirectory[], files: Readonly<Record<string, string>>) {
  const kernel = new RecordingKernel();
  for (const [path, text] of Object.entries(files)) kernel.file(path, text);
  return taskMetrics(kernel, directories);
}

const v1: CgroupDirectory = {
  version: 1,
  controllers: ["cpu", "cpuacct", "memory", "pids", "blkio", "hugetlb", "rdma"],
  path: "/v1",
};
const v2: CgroupDirectory = { version: 2, controllers: [], path: "/v2" };

test("version 1: each number in its place", () => {
  const { typeUrl, value } = metrics([v1, v2], {
    "/v1/cpuacct.stat": "user 3\nsystem 4\n",
    "/v1/cpuacct.usage": "70000001\n",
    "/v1/cpuacct.usage_percpu": "70000000 1 \n",
    "/v1/cpu.stat": "nr_periods 2\nnr_throttled 1\nthrottled_time 900\n",
    "/v1/memory.stat":
      "cache 1\nrss_huge 2\npgpgin 3\npgmajfault 4\nhierarchical_memory_limit 5\nhierarchical_memsw_limit 6\ntotal_pgpgout 7\ntotal_inactive_file 8\n",
    "/v1/memory.usage_in_bytes": "8192\n",
    "/v1/memory.limit_in_bytes": "9223372036854771712\n",
    "/v1/memory.memsw.usage_in_bytes": "9000\n",
    "/v1/memory.kmem.tcp.usage_in_bytes": "10\n",
    "/v1/memory.oom_control": "oom_kill_disable 1\nunder_oom 0\noom_kill 12\n",
    "/v1/pids.current": "2\n",
    "/v1/pids.max": "max\n",
    "/v1/blkio.throttle.io_serviced_recursive": "8:0 Read 2\n8:0 Write 0\nTotal 2\n",
    "/v1/blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\nTotal 4096\n",
    "/v1/rdma.current": "mlx4_0 hca_handle=2 hca_object=3\n",
    "/v1/rdma.max": "mlx4_0 hca_handle=max hca_object=7\n",
    "/proc/diskstats": "   8       0 sda 1 2 3\n   8       1 sda1 1 2 3\n",
  });
  expect(typeUrl).toBe("io.containerd.cgroups.v1.Metrics");
  const found = decode(MetricsV1, value);
  expect(found).toMatchObject({
    pids: { current: 2n, limit: 0n },
    cpu: {
      usage: { total: 70000001n, kernel: 40000000n, user: 30000000n, perCpu: [70000000n, 1n] },
      throttling: { periods: 2n, throttledPeriods: 1n, throttledTime: 900n },
    },
    memory: {
      cache: 1n,
      rss: 0n,
      rssHuge: 2n,
      pgPgIn: 3n,
      pgMajFault: 4n,
      hierarchicalMemoryLimit: 5n,
      hierarchicalSwapLimit: 6n,
      totalPgPgOut: 7n,
      totalInactiveFile: 8n,
      usage: { usage: 8192n, limit: 9223372036854771712n },
      swap: { usage: 9000n },
      kernelTcp: { usage: 10n },
    },
    memoryOomControl: { oomKillDisable: 1n, underOom: 0n, oomKill: 12n },
    rdma: {
      current: [{ device: "mlx4_0", hcaHandles: 2, hcaObjects: 3 }],
      limit: [{ device: "mlx4_0", hcaHandles: 2 ** 32 - 1, hcaObjects: 7 }],
    },
  });
  expect(found.blkio?.ioServiceBytesRecursive).toEqual([
    { op: "Read", device: "/dev/sda", major: 8n, minor: 0n, value: 4096n },
  ]);
});

test("version 2: the kernel's units, and no limit as the largest number", () => {
  const { typeUrl, value } = metrics([v2], {
    "/v2/cpu.stat": "usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 1\n",
    "/v2/memory.stat": "anon 1\nfile 2\nslab_reclaimable 3\nanon_thp 4\npgfault 5\n",
    "/v2/memory.current": "100\n",
    "/v2/memory.max": "max\n",
    "/v2/memory.peak": "200\n",
    "/v2/memory.swap.max": "50\n",
    "/v2/memory.events": "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n",
    "/v2/pids.current": "3\n",
    "/v2/pids.max": "10\n",
    "/v2/io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n",
    "/v2/hugetlb.2MB.current": "2097152\n",
    "/v2/hugetlb.2MB.max": "max\n",
  });
  expect(typeUrl).toBe("io.containerd.cgroups.v2.Metrics");
  expect(decode(MetricsV2, value)).toMatchObject({
    pids: { current: 3n, limit: 10n },
    cpu: { usageUsec: 9n, userUsec: 5n, systemUsec: 4n, nrPeriods: 1n },
    memory: {
      anon: 1n,
      file: 2n,
      slabReclaimable: 3n,
      anonThp: 4n,
      pgfault: 5n,
      usage: 100n,
      usageLimit: noLimit,
      maxUsage: 200n,
      swapLimit: 50n,
    },
    memoryEvents: { low: 0n, high: 1n, max: 2n, oom: 3n, oomKill: 4n },
    io: { usage: [{ major: 8n, minor: 0n, rbytes: 1n, wbytes: 2n, rios: 3n, wios: 4n }] },
    hugetlb: [{ pagesize: "2MB", current: 2097152n, max: noLimit }],
  });
});

test("a cgroup that is gone counts nothing", () => {
  for (const directories of [[v1], [v2], []]) {
    const { typeUrl, value } = metrics(directories, {});
    if (directories[0] === v1) expect(decode(MetricsV1, value).memory?.cache).toBe(0n);
    else expect(decode(MetricsV2, value).memoryEvents).toBeUndefined();
    expect(typeUrl).toStartWith("io.containerd.cgroups.v");
  }
});
