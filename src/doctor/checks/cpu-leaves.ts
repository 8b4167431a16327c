// SPDX-License-Identifier: Apache-2.0
/** Leaves of CPUID that several checks read. */
import type { CpuRegisters } from "../../kernel/processor.ts";
import type { Probe } from "../probe.ts";

const none: CpuRegisters = { eax: 0, ebx: 0, ecx: 0, edx: 0 };

/** Leaf 7, subleaf 0. Beyond its last leaf a processor answers with another's. */
export function extendedFeatures(probe: Probe): CpuRegisters {
  return leaf(probe, 7, 0);
}

export function leaf(probe: Probe, number: number, subleaf: number): CpuRegisters {
  return probe.cpuid(0, 0).eax >= number ? probe.cpuid(number, subleaf) : none;
}

export function hasSgx(probe: Probe): boolean {
  return (extendedFeatures(probe).ebx & (1 << 2)) !== 0;
}

/** Bytes of each EPC section, SDM vol. 2A, CPUID leaf 12H from subleaf 2 on: type 1 is a section. */
export function epcSections(probe: Probe): number[] {
  const sections: number[] = [];
  for (let subleaf = 2; hasSgx(probe) && subleaf < 2 + mostSections; subleaf++) {
    const { eax, ecx, edx } = leaf(probe, 0x12, subleaf);
    if ((eax & 0xf) !== 1) break;
    // EDX has bits 32 to 51 of the size, ECX those from 12 on.
    sections.push((edx & 0xfffff) * 2 ** 32 + ((ecx & 0xfffff000) >>> 0));
  }
  return sections;
}

/** More than any machine has; a hypervisor decides how many it shows. */
const mostSections = 64;
