// SPDX-License-Identifier: Apache-2.0
/** What has no test, and why; and what no machine of ours can show although it has one. */

const noResctrl =
  "unit-tested against a stand-in for resctrl; here it is refused, and nothing is left";

/** Fields and options that nothing covers; `name.*` and `verb *` stand for all below. */
export const withoutTest: Readonly<Record<string, string>> = {
  "process.scheduler.flags":
    "unit-tested; with SCHED_DEADLINE also here, where the kernel admits it",
  "linux.resources.blockIO.weightDevice.*":
    "needs a block device under BFQ or CFQ: neither this host nor a guest has one",
  "linux.resources.network.priorities.*":
    "mounting net_prio binds it for the whole kernel, which would break other runtimes on the host",
  "linux.intelRdt.*": noResctrl,
  "linux.seccomp.defaultErrnoRet": "unit-tested",
  "update --cpu-rt-period": "Debian's kernel has no RT_GROUP_SCHED; unit-tested",
  "update --cpu-rt-runtime": "Debian's kernel has no RT_GROUP_SCHED; unit-tested",
  "update --cpu-burst": "unit-tested",
  "update --cpu-idle": "unit-tested",
  "update --l3-cache-schema": noResctrl,
  "update --mem-bw-schema": noResctrl,
  "spec --bundle": "unit-tested",
  "spec --enclave": "unit-tested",
};

/** What is tested only as far as a machine without the hardware can. */
export const beyondAllTests: Readonly<Record<string, string>> = {
  "cache and bandwidth allocation (RDT)":
    "no resctrl: neither this host's processor nor qemu's TCG has it",
  "RDMA limits that bite": "no RDMA device: neither this host nor qemu's TCG has one",
  "a SELinux policy that denies":
    "the guests enforce AppArmor, and a kernel enforces one of the two; this host has neither",
};
