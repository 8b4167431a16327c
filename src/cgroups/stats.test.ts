// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EOPNOTSUPP } from "../kernel/constants.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { readStats, type Stats } from "./stats.ts";

const noLimit = (1n << 64n) - 1n;

function stats(version: 1 | 2, files: Readonly<Record<string, string>>): Stats {
  const kernel = new RecordingKernel();
  const controllers = ["cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "hugetlb"];
  for (const [name, text] of Object.entries(files)) kernel.file(`/cg/web/${name}`, text);
  const directory: CgroupDirectory = {
    version,
    controllers: version === 1 ? controllers : [],
    path: "/cg/web",
  };
  return readStats(kernel, [directory]);
}

test("version 1", () => {
  const found = stats(1, {
    "cpuacct.stat": "user 3\nsystem 4\n",
    "cpuacct.usage": "70000001\n",
    "cpuacct.usage_percpu": "70000000 1 \n",
    "cpuacct.usage_all": "cpu user system\n0 5 6\n1 7 8\n",
    "cpu.stat": "nr_periods 2\nnr_throttled 1\nthrottled_time 900\n",
    "cpuset.cpus": "0-1,4\n",
    "cpuset.mems": "0\n",
    "cpuset.sched_load_balance": "1\n",
    "cpuset.sched_relax_domain_level": "-1\n",
    "memory.stat": "rss 5\ncache 4096\n",
    "memory.usage_in_bytes": "8192\n",
    "memory.max_usage_in_bytes": "16384\n",
    "memory.limit_in_bytes": "9223372036854771712\n",
    "memory.failcnt": "3\n",
    "pids.current": "2\n",
    "pids.max": "max\n",
    "blkio.throttle.io_serviced_recursive": "8:0 Read 2\n8:0 Write 0\nTotal 2\n",
    "blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\nTotal 4096\n",
    "hugetlb.2MB.usage_in_bytes": "2097152\n",
    "hugetlb.2MB.max_usage_in_bytes": "2097152\n",
    "hugetlb.2MB.failcnt": "1\n",
    "hugetlb.1GB.usage_in_bytes": "0\n",
    "hugetlb.1GB.rsvd.usage_in_bytes": "1073741824\n",
  });
  expect(found.cpu).toEqual({
    usage: {
      total: 70000001n,
      percpu: [70000000n, 1n],
      percpu_kernel: [6n, 8n],
      percpu_user: [5n, 7n],
      kernel: 40000000n,
      user: 30000000n,
    },
    throttling: { periods: 2n, throttledPeriods: 1n, throttledTime: 900n },
  });
  expect(found.cpuset).toMatchObject({
    cpus: [0, 1, 4],
    mems: [0],
    sched_load_balance: 1n,
    sched_relax_domain_level: -1n,
    cpu_exclusive: 0n,
  });
  expect(found.memory).toEqual({
    cache: 4096n,
    usage: { limit: 9223372036854771712n, usage: 8192n, max: 16384n, failcnt: 3n },
    swap: { limit: 0n, failcnt: 0n },
    kernel: { limit: 0n, failcnt: 0n },
    kernelTCP: { limit: 0n, failcnt: 0n },
    raw: { cache: 4096n, rss: 5n },
  });
  expect(Object.keys(found.memory.raw ?? {})).toEqual(["cache", "rss"]);
  expect(found.pids).toEqual({ current: 2n });
  expect(found.blkio).toEqual({
    ioServiceBytesRecursive: [{ major: 8n, op: "Read", value: 4096n }],
    ioServicedRecursive: [
      { major: 8n, op: "Read", value: 2n },
      { major: 8n, op: "Write" },
    ],
  });
  expect(found.hugetlb).toEqual({
    "1GB": { usage: 1073741824n, failcnt: 0n },
    "2MB": { usage: 2097152n, max: 2097152n, failcnt: 1n },
  });
});

test("version 2, in the terms of version 1", () => {
  const pressure =
    "some avg10=1.50 avg60=0.00 avg300=0.25 total=77\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n";
  const found = stats(2, {
    "cpu.stat": "usage_usec 10\nuser_usec 6\nsystem_usec 4\nnr_periods 1\nthrottled_usec 3\n",
    "cpu.pressure": pressure,
    "memory.stat": "anon 7\nfile 4096\n",
    "memory.current": "100\n",
    "memory.peak": "200\n",
    "memory.max": "1000\n",
    "memory.events": "low 0\nmax 9\noom_kill 1\n",
    "memory.swap.current": "50\n",
    "memory.swap.max": "500\n",
    "pids.current": "3\n",
    "pids.max": "9\n",
    "io.stat": "8:16 rbytes=1 wbytes=2 rios=3 wios=0 dbytes=5 dios=6\n254:0 \nnonsense\n",
    "hugetlb.2MB.current": "0\n",
    "hugetlb.2MB.events": "max 4\n",
  });
  expect(found.cpu).toEqual({
    usage: { total: 10_000n, kernel: 4000n, user: 6000n },
    throttling: { periods: 1n, throttledTime: 3000n },
    psi: {
      some: { avg10: 1.5, avg60: 0, avg300: 0.25, total: 77n },
      full: { avg10: 0, avg60: 0, avg300: 0, total: 5n },
    },
  });
  expect(found.memory).toMatchObject({
    cache: 4096n,
    usage: { limit: 1000n, usage: 100n, max: 200n, failcnt: 9n },
    swap: { limit: 1500n, usage: 150n, failcnt: 0n },
  });
  expect(found.pids).toEqual({ current: 3n, limit: 9n });
  expect(found.blkio).toEqual({
    ioServiceBytesRecursive: [
      { major: 8n, minor: 16n, op: "Read", value: 1n },
      { major: 8n, minor: 16n, op: "Write", value: 2n },
    ],
    ioServicedRecursive: [
      { major: 8n, minor: 16n, op: "Read", value: 3n },
      { major: 8n, minor: 16n, op: "Write" },
    ],
  });
  expect(found.hugetlb).toEqual({ "2MB": { failcnt: 4n } });
});

test("no limits in version 2 are runc's largest number", () => {
  const found = stats(2, {
    "memory.max": "max\n",
    "memory.current": "5\n",
    "memory.swap.max": "0\n",
  });
  expect(found.memory.usage).toEqual({ limit: noLimit, usage: 5n, failcnt: 0n });
  expect(found.memory.swap.limit).toBe(noLimit);
});

test("what a host does not count is zero, and processes are counted by themselves", () => {
  const found = stats(2, { "cgroup.procs": "7\n8\n" });
  expect(found.pids).toEqual({ current: 2n });
  expect(found.blkio).toEqual({});
  expect(found.cpu).toEqual({ usage: { kernel: 0n, user: 0n }, throttling: {} });
  expect(readStats(new RecordingKernel(), []).pids).toEqual({});
  const kernel = new RecordingKernel().file("/cg/web/cpu.pressure", "");
  kernel.fail("read /cg/web/cpu.pressure", EOPNOTSUPP); // psi=0
  expect(
    readStats(kernel, [{ version: 2, controllers: [], path: "/cg/web" }]).cpu.psi,
  ).toBeUndefined();
});
