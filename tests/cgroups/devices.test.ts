// SPDX-License-Identifier: Apache-2.0
/** Rules for devices in a version 2 cgroup: loaded into the kernel, and felt by a process. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limitDevices } from "../../src/cgroups/device-access.ts";
import { deviceProgram } from "../../src/cgroups/device-program.ts";
import { readHierarchies } from "../../src/cgroups/layout.ts";
import { O_DIRECTORY, O_RDONLY } from "../../src/kernel/constants.ts";
import { linux } from "../../src/kernel/linux.ts";
import type { DeviceRule } from "../../src/oci/config-resources.ts";
import { mustRun } from "../support/command.ts";
import { removeTree } from "../support/remove.ts";

const mountPoint = readHierarchies(linux).find(({ version }) => version === 2)?.mountPoint;
const obstacle = findObstacle();
const name = obstacle === undefined ? "devices" : `devices (skipped: ${obstacle})`;

describe.skipIf(obstacle !== undefined)(name, () => {
  const cgroup = join(mountPoint ?? "", `rune-devices-test-${process.pid}`);
  let scratch: string;

  beforeEach(() => {
    mkdirSync(cgroup);
    scratch = mkdtempSync(join(tmpdir(), "rune-devices-"));
  });

  afterEach(() => {
    rmdirSync(cgroup);
    removeTree(scratch);
  });

  /** Which of some shell commands a process of the cgroup could do. */
  async function can(...commands: string[]): Promise<boolean[]> {
    const script = [
      `echo 0 >${cgroup}/cgroup.procs`,
      ...commands.map(
        (command) => `if (${command}) 2>>${scratch}/errors; then echo yes; else echo no; fi`,
      ),
    ];
    const stdout = await mustRun(["/bin/sh", "-ec", script.join("\n")]);
    return stdout
      .split("\n")
      .slice(0, -1)
      .map((word) => word === "yes");
  }

  /** Only these rules, without those of every container. */
  function attach(rules: readonly DeviceRule[]): void {
    const directory = linux.open(cgroup, O_RDONLY | O_DIRECTORY);
    const program = linux.loadDeviceProgram("test", deviceProgram(rules));
    linux.attachDeviceProgram(directory, program);
    for (const fd of [program, directory]) linux.close(fd);
  }

  function attached(): string[] {
    const directory = linux.open(cgroup, O_RDONLY | O_DIRECTORY);
    const programs = linux.devicePrograms(directory);
    for (const fd of [directory, ...programs.map(({ program }) => program)]) linux.close(fd);
    return programs.map((one) => one.name);
  }

  test("without rules everything is open", async () => {
    expect(await can(": </dev/null", ": </dev/kmsg")).toEqual([true, true]);
  });

  // covers: linux.resources.devices.allow, linux.resources.devices.type, linux.resources.devices.major, linux.resources.devices.minor
  test("a container may use its own devices, make any node, and open no other", async () => {
    limitDevices(linux, cgroup, [{ allow: false, access: "rwm" }]);
    const node = `${scratch}/node`;
    expect(
      await can(
        ": </dev/null",
        ": >/dev/null",
        ": <>/dev/full",
        `mknod ${node} c 1 11`,
        `: <${node}`,
        ": </dev/kmsg",
      ),
    ).toEqual([true, true, true, true, false, false]);
  });

  // covers: linux.resources.devices.access
  test("reading, writing and making are told apart", async () => {
    attach([
      { allow: true, type: "c", major: 1, minor: 3, access: "r" },
      { allow: true, type: "c", major: 1, minor: 7, access: "r" },
      { allow: true, type: "c", major: 1, minor: 7, access: "w" },
    ]);
    expect(
      await can(
        ": </dev/null",
        ": >/dev/null",
        ": <>/dev/null",
        ": <>/dev/full",
        `mknod ${scratch}/null c 1 3`,
        `mknod ${scratch}/block b 7 250`,
      ),
    ).toEqual([true, false, false, true, false, false]);
  });

  // covers: linux.resources.devices.allow
  test("new rules replace the old ones, and only those", async () => {
    limitDevices(linux, cgroup, [{ allow: true, type: "c", major: 1, minor: 11, access: "r" }]);
    expect(await can(": </dev/kmsg", ": >/dev/kmsg")).toEqual([true, false]);
    limitDevices(linux, cgroup, []);
    expect(await can(": </dev/kmsg", ": </dev/null")).toEqual([false, true]);
    expect(attached()).toEqual(["rune_devices"]);
    attach([{ allow: true }]);
    limitDevices(linux, cgroup, [{ allow: true }]);
    expect(attached().sort()).toEqual(["rune_devices", "test"]);
    expect(await can(": </dev/kmsg")).toEqual([true]);
  });

  test("many rules load", async () => {
    const many = Array.from({ length: 4000 }, (_, minor) => {
      return { allow: minor % 2 === 0, type: "b", major: 8, minor } as const;
    });
    limitDevices(linux, cgroup, many);
    expect(await can(": </dev/null", ": </dev/kmsg")).toEqual([true, false]);
  });

  test("the verifier's reasons are told", () => {
    // r0 = 1, and no exit.
    const program = Uint8Array.from([0xb4, 0, 0, 0, 1, 0, 0, 0]);
    expect(() => linux.loadDeviceProgram("bad", program)).toThrow(
      /load a device program: invalid argument: .*last insn/s,
    );
  });
});

function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (mountPoint === undefined) return "no version 2 cgroup hierarchy is mounted";
  if (!existsSync("/dev/kmsg")) return "needs /dev/kmsg";
  try {
    linux.close(linux.loadDeviceProgram("probe", deviceProgram([])));
    return undefined;
  } catch {
    return "bpf(2) is not permitted";
  }
}
