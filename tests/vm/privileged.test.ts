// SPDX-License-Identifier: Apache-2.0
/** What engines write for `--privileged`, and limits that only CAP_SYS_RESOURCE may set. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { capabilityNames } from "../../src/oci/capabilities.ts";
import type { JsonObject } from "../support/bundle.ts";
import { namespaces, shell } from "../support/bundle.ts";
import { guestTest } from "../support/guest.ts";
import { except } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = guestTest("v2", "systemd");

/** Everything that this kernel knows. */
const last = Number(
  process.env["VM_GUEST"] === undefined ? 0 : readFileSync("/proc/sys/kernel/cap_last_cap", "utf8"),
);
const everyCapability = capabilityNames.slice(0, last + 1);

const privileged: JsonObject = {
  process: {
    capabilities: {
      bounding: everyCapability,
      effective: everyCapability,
      permitted: everyCapability,
    },
    noNewPrivileges: false,
  },
  linux: {
    resources: { devices: [{ allow: true, access: "rwm" }] },
    maskedPaths: [],
    readonlyPaths: [],
  },
};

// covers: process.capabilities.*
test("all capabilities, CAP_SYS_RESOURCE among them", async () => {
  await using sandbox = new Sandbox();
  const text = await sandbox.output(privileged, shell("grep Cap[PEB] /proc/self/status"));
  const all = ((1n << BigInt(last + 1)) - 1n).toString(16).padStart(16, "0");
  expect(text).toBe(`CapPrm:\t${all}\nCapEff:\t${all}\nCapBnd:\t${all}`);
});

// covers: linux.resources.devices.allow, linux.resources.devices.access
test("all devices, made and opened", async () => {
  await using sandbox = new Sandbox();
  const script =
    "mknod /tmp/kmsg c 1 11 && : </tmp/kmsg && mknod /tmp/disk b 254 0 && : </tmp/disk";
  expect(await sandbox.output(privileged, shell(`${script} && echo opened`))).toBe("opened");
});

test("the privileged container may mount, and change what is read-only for others", async () => {
  await using sandbox = new Sandbox();
  const script =
    "mount -t tmpfs t /mnt && echo 7 >/proc/sys/kernel/msgmni && cat /proc/sys/kernel/msgmni";
  expect(await sandbox.output(privileged, shell(script))).toBe("7");
});

// covers: process.rlimits
test("a limit on open files beyond the caller's", async () => {
  await using sandbox = new Sandbox();
  const rlimits = [
    { type: "RLIMIT_NOFILE", soft: 1_048_576, hard: 1_048_576 },
    { type: "RLIMIT_CORE", soft: 0, hard: 18_446_744_073_709 },
  ];
  const text = await sandbox.output(
    { process: { rlimits } },
    shell("grep 'open files' /proc/self/limits"),
  );
  expect(text.split(/ +/).slice(3, 5)).toEqual(["1048576", "1048576"]);
});

except(
  "runc",
  "1.1.5's Go raises the soft limit of what exec starts",
  test,
)("a limit beyond the caller's in a user namespace, for its exec'ed processes too", async () => {
  await using sandbox = new Sandbox();
  const rlimits = [{ type: "RLIMIT_NOFILE", soft: 2_000, hard: 1_048_576 }];
  const mapping = [{ containerID: 0, hostID: 0, size: 65536 }];
  const id = await sandbox.started({ process: { rlimits } }, namespaces([], { type: "user" }), {
    linux: { uidMappings: mapping, gidMappings: mapping },
  });
  const { stdout } = await sandbox.must([
    "exec",
    id,
    "grep",
    "open files",
    "/proc/1/limits",
    "/proc/self/limits",
  ]);
  const found = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(/ +/).slice(3, 5));
  expect(found).toEqual([
    ["2000", "1048576"],
    ["2000", "1048576"],
  ]);
});

// covers: process.oomScoreAdj
test("a process that is killed last", async () => {
  await using sandbox = new Sandbox();
  const text = await sandbox.output(
    { process: { oomScoreAdj: -999 } },
    shell("cat /proc/self/oom_score_adj"),
  );
  expect(text).toBe("-999");
});
