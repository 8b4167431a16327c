// SPDX-License-Identifier: Apache-2.0
/** Against a stand-in for resctrl: no machine of ours has Intel RDT. */
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import { type Machine, StandInResctrl } from "./stand-in.ts";
import { rdtStats } from "./stats.ts";

const root = "/sys/fs/resctrl";
const group = `${root}/web`;
const monitoring = `${group}/mon_groups/web`;

function host(machine: Machine = {}): RecordingKernel {
  const kernel = new RecordingKernel();
  const resctrl = new StandInResctrl(kernel, machine);
  if (machine.resources?.length === 0) return kernel;
  kernel.mkdir(group, 0o755);
  resctrl.write(`${group}/schemata`, "L3:0=f\nMB:1=20\n");
  kernel.file(`${group}/schemata`, "    L3:0=f;1=7ff\n    MB:0= 100;1= 20\n");
  return kernel;
}

test("class, default class and what the machine has, in runc's order", () => {
  const kernel = host();
  kernel.mkdir(monitoring, 0o755);
  const count = (domain: string, name: string, value: string) =>
    kernel.file(`${monitoring}/mon_data/mon_L3_${domain}/${name}`, `${value}\n`);
  count("00", "llc_occupancy", "4096");
  count("01", "llc_occupancy", "18446744073709551615");
  count("00", "mbm_total_bytes", "7");
  count("00", "mbm_local_bytes", "Unavailable");
  kernel.file(`${monitoring}/mon_data/mon_PERF_PKG_00/energy`, "1.5\n");
  const stats = rdtStats(kernel, { root, group, monitoring, own: [] });
  expect(stats).toEqual({
    l3_cache_info: { cbm_mask: "7ff", min_cbm_bits: 1n, num_closids: 4n },
    l3_cache_schema_root: "L3:0=7ff;1=7ff",
    l3_cache_schema: "L3:0=f;1=7ff",
    mem_bw_info: { bandwidth_gran: 10n, delay_linear: 1n, min_bandwidth: 10n, num_closids: 4n },
    mem_bw_schema_root: "MB:0= 100;1= 100",
    mem_bw_schema: "MB:0= 100;1= 20",
    schemata: ["L3:0=f;1=7ff", "MB:0= 100;1= 20"],
    mbm_stats: [{ mbm_total_bytes: 7n }, { mbm_total_bytes: 0n, mbm_local_bytes: 0n }],
    cmt_stats: [{ llc_occupancy: 4096n }, { llc_occupancy: 18446744073709551615n }],
  });
  expect(Object.keys(stats)).toEqual([
    "l3_cache_info",
    "l3_cache_schema_root",
    "l3_cache_schema",
    "mem_bw_info",
    "mem_bw_schema_root",
    "mem_bw_schema",
    "schemata",
    "mbm_stats",
    "cmt_stats",
  ]);
});

test("without a monitoring group, the counters of the class", () => {
  const kernel = host({ features: ["llc_occupancy"] });
  kernel.file(`${group}/mon_data/mon_L3_00/llc_occupancy`, "5\n");
  const { mbm_stats, cmt_stats } = rdtStats(kernel, { root, group, own: [] });
  expect(mbm_stats).toBeUndefined();
  expect(cmt_stats).toEqual([{ llc_occupancy: 5n }, { llc_occupancy: 0n }]);
});

test("a machine that lacks something has nothing of it in the statistics", () => {
  const only = (machine: Machine) =>
    Object.keys(rdtStats(host(machine), { root, group: root, own: [] }));
  expect(only({ resources: [] })).toEqual(["mbm_stats", "cmt_stats"]);
  const allocating = only({ features: [] });
  expect(allocating).toContain("schemata");
  expect(allocating).not.toContain("cmt_stats");
});
