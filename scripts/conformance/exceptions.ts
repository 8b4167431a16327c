// SPDX-License-Identifier: Apache-2.0
/** What has no test, and why; and what no machine of ours can show although it has one. */

const noResctrl =
  "unit-tested against a stand-in for resctrl; here it is refused, and nothing is left";

const passedOn = "unit-tested: it is criu's, which is told";

/** Fields and options that nothing covers; `name.*` and `verb *` stand for all below. */
export const withoutTest: Readonly<Record<string, string>> = {
  "linux.resources.blockIO.weightDevice.*":
    "needs a block device under BFQ or CFQ: neither this host nor a guest has one",
  "linux.resources.network.priorities.*":
    "mounting net_prio binds it for the whole kernel, which would break other runtimes on the host",
  "linux.intelRdt.*": noResctrl,
  "update --l3-cache-schema": noResctrl,
  "update --mem-bw-schema": noResctrl,
  "checkpoint --tcp-established": passedOn,
  "checkpoint --tcp-skip-in-flight": passedOn,
  "checkpoint --ext-unix-sk": passedOn,
  "checkpoint --shell-job": passedOn,
  "checkpoint --manage-cgroups-mode": passedOn,
  "checkpoint --auto-dedup": passedOn,
  "restore --tcp-established": passedOn,
  "restore --tcp-skip-in-flight": passedOn,
  "restore --ext-unix-sk": passedOn,
  "restore --shell-job": passedOn,
  "restore --manage-cgroups-mode": passedOn,
  "restore --auto-dedup": passedOn,
  "restore --lsm-profile": passedOn,
  "restore --lsm-mount-context": passedOn,
  "restore --no-pivot": "unit-tested: it is accepted, as with runc, and criu does as it does",
};

/** What is tested only as far as a machine without the hardware can. */
export const beyondAllTests: Readonly<Record<string, string>> = {
  "cache and bandwidth allocation (RDT)":
    "no resctrl: neither this host's processor nor qemu's TCG has it",
  "RDMA limits that bite": "no RDMA device: neither this host nor qemu's TCG has one",
  "a SELinux policy that denies":
    "the guests enforce AppArmor, and a kernel enforces one of the two; this host has neither",
};
