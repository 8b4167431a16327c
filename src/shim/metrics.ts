// SPDX-License-Identifier: Apache-2.0
/** What a task uses, in the messages in which containerd's own shim says it. */
import type { CgroupDirectory } from "../cgroups/cgroup.ts";
import { StatFiles, words } from "../cgroups/stat-files.ts";
import { readStats } from "../cgroups/stats.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { encode } from "../protobuf/codec.ts";
import type { Any } from "../protobuf/well-known.gen.ts";
import { metricsV1 } from "./metrics-v1.ts";
import { metricsV2 } from "./metrics-v2.ts";
import { Metrics as MetricsV1 } from "./proto/metrics-v1.gen.ts";
import { Metrics as MetricsV2 } from "./proto/metrics-v2.gen.ts";

export type RdmaEntry = {
  readonly device: string;
  readonly hcaHandles: number;
  readonly hcaObjects: number;
};

/** Version 2's message only where no controller is version 1's: as containerd decides. */
export function taskMetrics(kernel: Kernel, directories: readonly CgroupDirectory[]): Any {
  const stats = readStats(kernel, directories);
  const old = directories.some(
    ({ version, controllers }) => version === 1 && controllers.length > 0,
  );
  const files = (controller: string) => filesOf(kernel, directories, controller);
  // The type's bare name: containerd looks for it word by word.
  if (old) {
    return {
      typeUrl: MetricsV1.typeName,
      value: encode(MetricsV1, metricsV1(kernel, stats, files)),
    };
  }
  return { typeUrl: MetricsV2.typeName, value: encode(MetricsV2, metricsV2(stats, files)) };
}

/** The files of one controller, whatever version it is on. */
export type Files = (controller: string) => StatFiles;

function filesOf(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  controller: string,
): StatFiles {
  const own = directories.find(({ controllers }) => controllers.includes(controller));
  const unified = directories.find(({ version }) => version === 2);
  return new StatFiles(kernel, (own ?? unified)?.path);
}

const maxU32 = 0xffff_ffff;

/** "mlx4_0 hca_handle=2 hca_object=max". */
export function rdmaEntries(files: StatFiles, name: string): RdmaEntry[] {
  return files.lines(name).map((line) => {
    const [device = "", ...fields] = words(line);
    const value = (key: string) => {
      const text = fields.find((field) => field.startsWith(`${key}=`))?.slice(key.length + 1);
      return text === "max" ? maxU32 : Math.min(Number(text ?? 0) || 0, maxU32);
    };
    return { device, hcaHandles: value("hca_handle"), hcaObjects: value("hca_object") };
  });
}
