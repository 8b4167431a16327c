// SPDX-License-Identifier: Apache-2.0
/** The platform service's units under a real systemd: activation, its idle end, restart, the end. */
import { expect } from "bun:test";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askControl, type Status } from "../../src/platform/control.ts";
import { aesmSocket, controlSocket, emulatorSocket } from "../../src/platform/folders.ts";
import { HEADER_BYTES } from "../../src/platform/frame.ts";
import { obstacle, tool } from "../platform/service.ts";
import { exchange, hello } from "../platform/sockets.ts";
import { eventually, Running } from "../support/command.ts";
import { removeTree } from "../support/remove.ts";
import { needs, repository } from "../support/runtime.ts";
import { UserSystemd, userSystemdObstacle } from "../support/user-systemd.ts";

const test = needs(userSystemdObstacle ?? obstacle);

const [socketUnit, serviceUnit] = ["inclavare-platform.socket", "inclavare-platform.service"];

function packaged(unit: string): string {
  const path = join(repository, "packaging/systemd/user", unit);
  return readFileSync(path, "utf8").replaceAll("@prefix@", join(repository, "dist"));
}

test("whoever asks starts it, it ends unused, and starts again as the same machine", async () => {
  await using systemd = await UserSystemd.start(false);
  const state = mkdtempSync(join(tmpdir(), "platform-units-"));
  try {
    const runtime = join(systemd.env["XDG_RUNTIME_DIR"] ?? "", "inclavare-platform");
    const folders = { runtime, state };
    const service = packaged(serviceUnit);
    const start = /^ExecStart=(.*)$/m.exec(service)?.[1];
    // What every unit needs by default; this manager has no units but a test's.
    for (const name of ["basic", "shutdown", "sockets"]) {
      await systemd.addUnit(`${name}.target`, "[Unit]\n");
    }
    await systemd.addUnit(socketUnit, packaged(socketUnit));
    await systemd.addUnit(serviceUnit, service);
    // The test's own secret, not the machine's, and an idle time that a test can wait for.
    const own = `[Service]\nEnvironment=INCLAVARE_PLATFORM_STATE=${state}\nExecStart=\nExecStart=${start} --idle-timeout 2\n`;
    await systemd.addUnit(`${serviceUnit}.d/test.conf`, own);
    const isActive = async (unit: string) =>
      (await systemd.show(unit, "ActiveState"))["ActiveState"] === "active";
    const status = async () =>
      (await askControl(controlSocket(folders), { verb: "status" })) as Status;
    const ask = async () => {
      expect(await exchange(emulatorSocket(folders), hello)).toHaveLength(HEADER_BYTES + 32);
      const { MainPID } = await systemd.show(serviceUnit, "MainPID");
      return Number(MainPID);
    };

    expect((await systemd.systemctl("start", socketUnit)).stderr).toBe("");
    expect([await isActive(socketUnit), await isActive(serviceUnit)]).toEqual([true, false]);
    expect(await exchange(aesmSocket(folders), keyCount)).toHaveLength(11);
    const first = await status();
    expect(first.pid).toBe(await ask());

    // Nobody holds a lease but this test, which hello has named: whoever connects only does not.
    await systemd.systemctl("restart", serviceUnit);
    expect(await exchange(aesmSocket(folders), keyCount)).toHaveLength(11);
    const second = await status();
    expect([second.instance, second.leases]).toEqual([first.instance, 0]);
    expect(second.pid).not.toBe(first.pid);
    await eventually("it has ended unused", async () => !(await isActive(serviceUnit)));
    expect(await systemd.show(serviceUnit, "Result", "ExecMainStatus")).toEqual({
      Result: "success",
      ExecMainStatus: "0",
    });
    expect(await isActive(socketUnit)).toBe(true);

    const third = await ask();
    expect(third).not.toBe(second.pid);
    process.kill(third, "SIGKILL");
    await eventually("systemd has seen it die", async () => !(await isActive(serviceUnit)));
    expect(await ask()).not.toBe(third);
    expect((await status()).instance).toBe(first.instance);

    await systemd.systemctl("stop", socketUnit, serviceUnit);
    expect(existsSync(emulatorSocket(folders)) || existsSync(aesmSocket(folders))).toBe(false);
  } finally {
    removeTree(state);
  }
});

test("a service that runs without systemd gives its place to the unit that is enabled", async () => {
  await using systemd = await UserSystemd.start(false);
  const state = mkdtempSync(join(tmpdir(), "platform-units-"));
  try {
    const runtime = join(systemd.env["XDG_RUNTIME_DIR"] ?? "", "inclavare-platform");
    const folders = { runtime, state };
    for (const name of ["basic", "shutdown", "sockets"]) {
      await systemd.addUnit(`${name}.target`, "[Unit]\n");
    }
    for (const unit of [socketUnit, serviceUnit]) await systemd.addUnit(unit, packaged(unit));
    const own = `[Service]\nEnvironment=INCLAVARE_PLATFORM_STATE=${state}\n`;
    await systemd.addUnit(`${serviceUnit}.d/test.conf`, own);
    const words = ["platform", "serve", "--runtime", runtime, "--state", state];
    const before = new Running([tool, ...words]);
    await eventually("it listens", () => existsSync(emulatorSocket(folders)));
    expect((await systemd.systemctl("start", socketUnit)).stderr).toBe("");
    expect(await exchange(emulatorSocket(folders), hello)).toHaveLength(HEADER_BYTES + 32);
    expect(await before.exited()).toBe(0);
    const { pid } = (await askControl(controlSocket(folders), { verb: "status" })) as Status;
    expect(await systemd.show(serviceUnit, "MainPID")).toEqual({ MainPID: String(pid) });
    expect(await exchange(aesmSocket(folders), keyCount)).toHaveLength(11);
    await systemd.systemctl("stop", socketUnit, serviceUnit);
  } finally {
    removeTree(state);
  }
});

/** AESM: how many attestation keys there are. */
const keyCount = Uint8Array.of(3, 0, 0, 0, 0xaa, 1, 0);
