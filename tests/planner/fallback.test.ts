// SPDX-License-Identifier: Apache-2.0
/** Who is sent away by the planner, and that nobody notices. */
import { expect } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fd } from "../../src/kernel/kernel.ts";
import { linux } from "../../src/kernel/linux.ts";
import { plannerCalls } from "../../src/kernel/planner-calls.ts";
import { RecordReader, RecordWriter } from "../../src/record/record.ts";
import { command, mustRun, Running } from "../support/command.ts";
import { Planner } from "../support/planner.ts";
import { binaryOf, only, repository } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = only("rune", "it has no planner");
const rune = binaryOf("rune");

/** A way to call rune, and what the planner says of a caller that comes so. */
const others: readonly (readonly [string, readonly string[], string])[] = [
  ["a mount namespace", ["unshare", "--mount"], "another mnt namespace"],
  ["a pid namespace", ["unshare", "--pid", "--fork", "--mount-proc"], "another pid namespace"],
  ["a user namespace", ["unshare", "--user", "--map-root-user"], "another CapPrm"],
  ["a network namespace", ["unshare", "--net"], "another net namespace"],
  ["a UTS namespace", ["unshare", "--uts"], "another uts namespace"],
  ["an IPC namespace", ["unshare", "--ipc"], "another ipc namespace"],
  ["a cgroup namespace", ["unshare", "--cgroup"], "another cgroup namespace"],
  ["a time namespace", ["unshare", "--time"], "another time namespace"],
  ["no new privileges", ["setpriv", "--no-new-privs"], "another NoNewPrivs"],
  ["a smaller bounding set", ["setpriv", "--bounding-set", "-sys_boot"], "another CapPrm"],
  ["another group", ["setpriv", "--regid", "7", "--clear-groups"], "another Gid"],
  ["few descriptors", ["prlimit", "--nofile=100"], "too few descriptors"],
];

for (const [what, prefix, reason] of others) {
  test(`${what}: the caller is sent away, and served cold`, async () => {
    await using planner = await Planner.start();
    await using sandbox = new Sandbox();
    const id = await sandbox.created();
    const { status, stdout } = await command([...prefix, ...sandbox.argv("state", id)], {
      env: planner.env,
    });
    expect({ status, refusals: planner.refusals() }).toEqual({ status: 0, refusals: [reason] });
    expect(JSON.parse(stdout)).toMatchObject({ id });
    expect(planner.served()).toBe(0);
  });
}

test("another root directory, in the same namespaces", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox();
  // No mount of the whole tree: whoever removes the folder before it is unmounted removes the machine.
  const root = join(sandbox.path, "root");
  for (const folder of ["bin", "lib/inclavare", "proc"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  copyFileSync(rune, join(root, "bin/rune"));
  linkSync(join(repository, "dist/lib/inclavare/engine"), join(root, "lib/inclavare/engine"));
  linkSync(planner.socket, join(root, "socket"));
  await mustRun(["mount", "--bind", "/proc", join(root, "proc")]);
  try {
    const env = { ...planner.env, RUNE_PLANNER: "/socket" };
    const { status, stderr } = await command(["chroot", root, "/bin/rune", "list"], { env });
    expect(planner.refusals()).toEqual(["another root directory"]);
    // It tries: the engine has no libraries there.
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining("execute") });
  } finally {
    await mustRun(["umount", join(root, "proc")]);
  }
});

test("verbs that only print, and lines that are wrong, are for a cold start", async () => {
  await using planner = await Planner.start();
  const { env } = planner;
  expect((await command([rune, "--version"], { env })).status).toBe(0);
  expect((await command([rune, "features"], { env })).status).toBe(0);
  const { status, stderr } = await command([rune, "start"], { env });
  expect(status).toBe(1);
  expect(stderr).toContain("USAGE");
  expect(planner.refusals()).toEqual(Array(3).fill("not a verb for here"));
});

test("a front of another installation goes to its own engine", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox();
  const prefix = join(sandbox.path, "installed");
  mkdirSync(join(prefix, "bin"), { recursive: true });
  mkdirSync(join(prefix, "lib/inclavare"), { recursive: true });
  copyFileSync(rune, join(prefix, "bin/rune"));
  const engine = join(prefix, "lib/inclavare/engine");
  writeFileSync(engine, "#!/bin/sh\necho another engine\n");
  chmodSync(engine, 0o755);
  const { stdout } = await command([join(prefix, "bin/rune"), "list"], { env: planner.env });
  expect(stdout).toBe("another engine\n");
  expect(planner.refusals()).toEqual(["another engine"]);
});

test("a caller with more than a packet holds is served cold", async () => {
  await using planner = await Planner.start();
  const env = { ...planner.env, LARGE: "x".repeat(70_000) };
  const { status } = await command([rune, "list"], { env });
  expect({ status, served: planner.served() }).toEqual({ status: 0, served: 0 });
});

test("RUNE_PLANNER=off, a path that is none and a socket of nobody's are no obstacle", async () => {
  await using planner = await Planner.start();
  const stale = `${planner.socket}.stale`;
  linux.close(plannerCalls.listenPackets(stale));
  for (const value of ["off", "", "/nowhere/planner.sock", `/${"x".repeat(200)}`, stale]) {
    const { status } = await command([rune, "list"], { env: { RUNE_PLANNER: value } });
    expect({ value, status }).toEqual({ value, status: 0 });
  }
  expect(planner.served()).toBe(0);
});

/** Listens where a planner would, and does with a front whatever it is told to. */
async function pretend(
  talk: (front: Fd) => void,
  patience: Record<string, string> = {},
): Promise<{ status: number; stderr: string }> {
  const folder = mkdtempSync(join(tmpdir(), "rune-pretend-"));
  const path = join(folder, "s");
  const listener = plannerCalls.listenPackets(path);
  try {
    const env = { RUNE_PLANNER: path, ...patience };
    using running = new Running([rune, "list"], { env });
    expect(linux.waitReadable(listener, 20_000)).toBe(true);
    const front = plannerCalls.accept(listener) ?? (-1 as Fd);
    try {
      talk(front);
    } finally {
      linux.close(front); // closed twice by one: nothing here has got the number meanwhile
    }
    const { status, stderr } = await running.result();
    return { status, stderr };
  } finally {
    linux.close(listener);
    rmSync(folder, { recursive: true });
  }
}

const packet = (code: number) => new RecordWriter().begin(code);
const cold = { status: 0, stderr: "" };
const patient = { RUNE_PLANNER_PATIENCE: "20000" };

test("a planner that is silent, ends, or talks nonsense: the front starts cold", async () => {
  const send = (bytes: Uint8Array, descriptors: readonly Fd[] = []) =>
    pretend((front) => {
      plannerCalls.receive(front);
      plannerCalls.send(front, bytes, descriptors);
    });
  expect(await pretend(() => {})).toEqual(cold);
  expect(await pretend((front) => linux.waitReadable(front, 0) && linux.sleepMs(100))).toEqual(
    cold,
  );
  expect(await send(packet(3).string("no").end().finish())).toEqual(cold);
  expect(await send(packet(12).u32(7).end().finish())).toEqual(cold);
  expect(await send(new Uint8Array([2, 0, 0]))).toEqual(cold);
  expect(await send(packet(2).u64(1).u32(2).end().finish())).toEqual(cold);
  expect(await send(packet(2).u64(1).end().finish(), [0 as Fd])).toEqual(cold);
});

test("behind GO it does not: the verb may have been done, and the caller is told", async () => {
  for (const bytes of [undefined, packet(99).end().finish(), packet(8).end().finish()]) {
    const { status, stderr } = await pretend((front) => {
      plannerCalls.receive(front);
      plannerCalls.send(front, packet(2).u64(5).end().finish(), []);
      if (!linux.waitReadable(front, 20_000)) throw new Error("no GO");
      expect(RecordReader.packet(plannerCalls.receive(front).bytes).code).toBe(4);
      if (bytes !== undefined) plannerCalls.send(front, bytes, []);
      else linux.close(front);
    }, patient);
    expect(status).toBe(1);
    expect(stderr).toContain("rune: the planner did not finish");
  }
});

/** Talks to a planner as a front would. */
class Talk {
  readonly socket: Fd;

  constructor({ socket }: Planner) {
    this.socket = plannerCalls.connectPackets(socket);
  }

  /** HELLO of this process; `null` descriptors come with it. */
  hello(version: number, descriptors = 4): void {
    const { device, inode } = linux.stat(join(repository, "dist/lib/inclavare/engine"));
    const record = new RecordWriter().begin(1).u32(version).u64(device).u64(inode);
    record.list(["list"]).bytes(new Uint8Array()).u32(0);
    const directory = linux.open("/", 0);
    const all = Array<Fd>(descriptors).fill(directory);
    plannerCalls.send(this.socket, record.end().finish(), all);
    linux.close(directory);
  }

  send(bytes: Uint8Array): void {
    plannerCalls.send(this.socket, bytes, []);
  }

  /** Code and, of REFUSE, the reason; undefined at the end. */
  answer(): { code: number; reason?: string; nonce?: bigint } | undefined {
    expect(linux.waitReadable(this.socket, 20_000)).toBe(true);
    const { bytes } = plannerCalls.receive(this.socket);
    if (bytes.length === 0) return undefined;
    const record = RecordReader.packet(bytes);
    if (record.code === 3) return { code: 3, reason: record.string() };
    return record.code === 2 ? { code: 2, nonce: record.u64() } : { code: record.code };
  }

  [Symbol.dispose](): void {
    linux.close(this.socket);
  }
}

test("another version of the protocol is refused by its number", async () => {
  await using planner = await Planner.start();
  using talk = new Talk(planner);
  talk.hello(2);
  expect(talk.answer()).toEqual({ code: 3, reason: "version 2 of the protocol" });
  expect(talk.answer()).toBeUndefined();
});

test("nonsense ends the connection, and the next front is served", async () => {
  await using planner = await Planner.start();
  const go = (nonce: bigint) => new RecordWriter().begin(4).u64(nonce).end().finish();
  for (const nonsense of [
    new Uint8Array([1]),
    new Uint8Array(60_000),
    new RecordWriter().begin(1).u32(1).end().finish(),
    go(1n),
  ]) {
    using talk = new Talk(planner);
    talk.send(nonsense);
    expect(talk.answer()).toBeUndefined();
  }
  {
    using talk = new Talk(planner);
    talk.hello(1, 3);
    expect(talk.answer()).toEqual({ code: 3, reason: "descriptors are missing" });
  }
  const { status } = await command([rune, "list"], { env: planner.env });
  expect({ status, served: planner.served() }).toEqual({ status: 0, served: 1 });
});

test("GO with another nonce, from another process, or never, is no GO", async () => {
  await using planner = await Planner.start();
  const offered = (talk: Talk) => {
    talk.hello(1);
    const answer = talk.answer();
    expect(answer?.code, JSON.stringify(planner.refusals())).toBe(2);
    return answer?.nonce ?? 0n;
  };
  const go = (nonce: bigint) => new RecordWriter().begin(4).u64(nonce).end().finish();
  {
    using talk = new Talk(planner);
    talk.send(new Uint8Array()); // an empty packet looks like the end of the connection
    expect(talk.answer()).toBeUndefined();
  }
  {
    using talk = new Talk(planner);
    const nonce = offered(talk);
    talk.send(go(nonce ^ 1n));
    expect(talk.answer()).toBeUndefined();
  }
  {
    using talk = new Talk(planner);
    offered(talk);
    expect(talk.answer()).toBeUndefined(); // after a second
  }
  {
    using talk = new Talk(planner);
    // Ready before the OFFER: the worker waits for a second only.
    const script = `echo; read -r line; printf "$line" >&${talk.socket}`;
    const child = Bun.spawn(["bash", "-c", script], {
      stdio: ["pipe", "pipe", "inherit", ...Array(talk.socket - 3).fill(null), talk.socket],
    });
    await child.stdout.getReader().read();
    const nonce = offered(talk);
    const escaped = [...go(nonce)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`);
    child.stdin.write(`${escaped.join("")}\n`);
    await child.stdin.end();
    await child.exited;
    expect(talk.answer()).toBeUndefined();
  }
  expect(planner.served()).toBe(0);
});
