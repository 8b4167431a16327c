// SPDX-License-Identifier: Apache-2.0
/** NOTIFY_SOCKET: a container that tells systemd when it is ready. */
import { expect } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Fd } from "../../src/kernel/kernel.ts";
import { linux } from "../../src/kernel/linux.ts";
import type { JsonObject } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { probe } from "../support/probe.ts";
import { except, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** systemd's end: a datagram socket. */
class Host {
  readonly address: string;
  readonly #socket: Fd;
  readonly #heard: string[] = [];

  constructor(sandbox: Sandbox, address = join(sandbox.path, "systemd")) {
    this.address = address;
    this.#socket = linux.bindDatagram(address.replace(/^@/, "\0"));
  }

  get env(): { PATH: string; NOTIFY_SOCKET: string } {
    return { PATH: process.env["PATH"] ?? "", NOTIFY_SOCKET: this.address };
  }

  /** What was said so far; a descriptor that came with it is closed, which is systemd's part of a barrier. */
  heard(): string[] {
    while (linux.waitReadable(this.#socket, 0)) {
      const text = new TextDecoder().decode(linux.read(this.#socket, 8192));
      this.#heard.push(...text.split("\n").filter((line) => line !== ""));
    }
    return this.#heard;
  }

  [Symbol.dispose](): void {
    linux.close(this.#socket);
  }
}

async function saying(sandbox: Sandbox, text: string): Promise<JsonObject> {
  copyFileSync(await probe(), join(sandbox.bundle.rootfs, "bin/probe"));
  return { process: { args: ["/bin/probe", "notify", text], env: ["PATH=/bin"] } };
}

/** runc 1.1.5 does not wait until systemd has taken it in; later ones do. */
const told = ["READY=1", "MAINPID", ...(runtimeName === "runc" ? [] : ["BARRIER=1"])];
const ready = "STATUS=listening\nREADY=1\n";

/** Ends a container that runs in the foreground or not. */
async function ended(sandbox: Sandbox, id: string): Promise<void> {
  await sandbox.must(["kill", id, "KILL"]);
}

// covers: NOTIFY_SOCKET, start
except("crun", "1.8.1 does not say which process it is")(
  "start comes back when the container is ready, and systemd knows its process",
  async () => {
    await using sandbox = new Sandbox();
    using host = new Host(sandbox);
    sandbox.configure(await saying(sandbox, "READY=1"));
    const id = sandbox.id();
    await sandbox.must(["create", id], { env: host.env });
    expect(host.heard()).toEqual([]);
    using start = sandbox.begin(["start", id], { env: host.env });
    await eventually("systemd is told", () => host.heard().length >= told.length);
    expect(await start.exited()).toBe(0);
    const { pid } = await sandbox.state(id);
    expect(host.heard()).toEqual(["READY=1", `MAINPID=${pid}`, ...told.slice(2)]);
  },
);

// covers: NOTIFY_SOCKET, run --detach
except("crun", "1.8.1 does not say which process it is")("run --detach too", async () => {
  await using sandbox = new Sandbox();
  using host = new Host(sandbox);
  sandbox.configure(await saying(sandbox, "READY=1"));
  const id = sandbox.id();
  using run = sandbox.begin(["run", "--detach", id], { env: host.env });
  await eventually("systemd is told", () => host.heard().length >= told.length);
  expect(await run.exited()).toBe(0);
  expect(host.heard()).toContain(`MAINPID=${(await sandbox.state(id)).pid}`);
});

test("a container that ends without a word lets start come back", async () => {
  await using sandbox = new Sandbox();
  using host = new Host(sandbox);
  sandbox.configure({ process: { args: ["/bin/true"] } });
  const id = sandbox.id();
  await sandbox.must(["create", id], { env: host.env });
  await sandbox.must(["start", id], { env: host.env });
  expect(host.heard()).toEqual([]);
});

const foreground = only("rune", "runc waits for READY first: it hears neither signals nor the end");

// covers: NOTIFY_SOCKET, run
foreground("a foreground run is the service's main process", async () => {
  await using sandbox = new Sandbox();
  using host = new Host(sandbox, `@notify-test-${process.pid}`);
  sandbox.configure(await saying(sandbox, ready));
  const id = sandbox.id();
  using run = sandbox.begin(["run", id], { env: host.env });
  await eventually("systemd is told", () => host.heard().length === 2);
  expect(host.heard()).toEqual(["READY=1", `MAINPID=${run.pid}`]);
  await ended(sandbox, id);
  expect(await run.exited()).toBe(137);
  await sandbox.expectNothingLeft();
});

foreground(
  "what the container sees: a socket of its own, on a mount that is read-only",
  async () => {
    await using sandbox = new Sandbox();
    using host = new Host(sandbox);
    const script = "echo $NOTIFY_SOCKET; test -S $NOTIFY_SOCKET && touch /run/notify/x";
    sandbox.configure({ process: { args: ["/bin/sh", "-c", script], env: ["PATH=/bin"] } });
    const { stdout, stderr } = await sandbox.call(["run", sandbox.id()], { env: host.env });
    expect(stdout).toBe("/run/notify/notify.sock\n");
    expect(stderr).toContain("Read-only file system");
  },
);
