// SPDX-License-Identifier: Apache-2.0
/** A verb's kernel over a real socket, with this test as the front. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fd, Kernel, Pid } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import { RecordReader, RecordWriter } from "../record/record.ts";
import { type CallerKernel, callerKernel, firstOwn } from "./caller-kernel.ts";
import { FrontLink } from "./link.ts";

const frontPid = process.pid as Pid;
const opened: Fd[] = [];
afterEach(() => {
  for (const fd of opened.splice(0)) linux.close(fd);
});

type Pair = CallerKernel & {
  readonly link: FrontLink;
  readonly front: Fd;
  readonly hangUp: () => void;
};

/** All descriptors are high, as in a worker. */
function start(inner: Kernel = linux): Pair {
  const [low, front] = linux.packetPair();
  const socket = plannerCalls.duplicateFrom(low, firstOwn);
  linux.close(low);
  opened.push(socket);
  const abandon = () => {
    throw new Error("abandoned");
  };
  const link = new FrontLink({ calls: plannerCalls, socket, pid: frontPid, abandon });
  let open = true;
  const hangUp = () => {
    if (open) linux.close(front);
    open = false;
  };
  return { ...callerKernel(high(inner), { ...plannerCalls, link }), link, front, hangUp };
}

/** As in a worker, where the low numbers are all in use. */
function high(inner: Kernel): Kernel {
  const move = (fd: Fd) => {
    const moved = plannerCalls.duplicateFrom(fd, firstOwn);
    inner.close(fd);
    return moved;
  };
  return {
    ...inner,
    open: (path, flags, mode) => move(inner.open(path, flags, mode)),
    memfd: (name) => move(inner.memfd(name)),
    packetPair: () => {
      const [one, other] = inner.packetPair();
      return [move(one), move(other)];
    },
  };
}

/** Answers are put in beforehand: both sides are this one thread. */
function answer({ front }: Pair, result: bigint, descriptors: readonly Fd[] = []): void {
  const packet = new RecordWriter().begin(11).u64(BigInt.asUintN(64, result)).end().finish();
  plannerCalls.send(front, packet, descriptors);
}

function asked({ front }: Pair): { record: RecordReader; descriptors: readonly Fd[] } {
  const { bytes, descriptors } = plannerCalls.receive(front);
  opened.push(...descriptors);
  return { record: RecordReader.packet(bytes.slice()), descriptors };
}

test("spawn: the front gets the inherited descriptors, and the program's own", () => {
  const pair = start();
  const { kernel } = pair;
  const [given, kept, program] = [kernel.memfd("a"), kernel.memfd("b"), kernel.memfd("program")];
  kernel.setInherited(given, true);
  kernel.setInherited(3 as Fd, true); // the caller's, with --preserve-fds
  kernel.setInherited(kept, true);
  kernel.setInherited(kept, false);
  answer(pair, 4711n);
  const path = `/proc/self/fd/${program}`;
  expect(kernel.spawn({ path, argv: ["x"], env: [] })).toBe(4711 as Pid);
  const brought = asked(pair);
  expect(brought.record.code).toBe(7);
  expect([brought.record.u32(), brought.record.u32(), brought.record.u32()]).toEqual([
    2,
    given,
    program,
  ]);
  expect(linux.fstat(brought.descriptors[1] ?? given).inode).toBe(linux.fstat(program).inode);
  const { record } = asked(pair);
  expect([record.code, record.string(), record.list(), record.list()]).toEqual([
    5,
    path,
    ["x"],
    [],
  ]);
  expect([record.u32(), record.u32(), record.u32()]).toEqual([2, given, 3]);
  pair.end();
  pair.hangUp();
});

test("a program that cannot be started fails as it does here", () => {
  const pair = start();
  answer(pair, -2n);
  const failed = () => pair.kernel.spawn({ path: "/x", argv: ["x"], env: [] });
  expect(failed).toThrow("start `x`: no such file or directory");
  pair.hangUp();
});

test("execute never comes back, and the end of the front is no failure then", async () => {
  const pair = start();
  pair.hangUp();
  const becoming = pair.kernel.execute({ path: "/x", argv: ["x"], env: [] }).catch(() => "failed");
  // It is gone before it was asked: that is a failure.
  expect(await becoming).toBe("failed");

  const other = start();
  let settled = false;
  answer(other, -13n);
  const refused = other.kernel.execute({ path: "/x", argv: ["x"], env: [] });
  expect(await refused.catch((error: unknown) => error)).toMatchObject({ errno: 13 });
  const shut = start();
  // What the front reads is still there, what it writes is at its end: as when it has become another.
  Bun.spawnSync(["python3", "-c", "import socket,sys; socket.socket(fileno=3).shutdown(1)"], {
    stdio: ["ignore", "inherit", "inherit", shut.front],
  });
  void shut.kernel.execute({ path: "/x", argv: ["x"], env: [] }).finally(() => {
    settled = true;
  });
  await shut.became;
  expect(settled).toBe(false);
  for (const { hangUp } of [other, shut]) hangUp();
});

test("whatever waits is abandoned when the front has ended", () => {
  const pair = start();
  const { kernel } = pair;
  const [ours] = kernel.packetPair();
  expect(kernel.waitReadable(ours, 0)).toBe(false);
  pair.hangUp();
  for (const wait of [
    () => kernel.read(ours, 10),
    () => kernel.waitReadable(ours, -1),
    () => kernel.waitAny([{ fd: ours, change: false }], -1),
    () => kernel.sleepMs(60_000),
    () => kernel.reapChildren(),
    () => kernel.spawn({ path: "/x", argv: ["x"], env: [] }),
  ]) {
    expect(wait).toThrow("abandoned");
  }
  pair.link.exit(0);
  pair.end();
});

test("a lock that another has is waited for, until the front ends", () => {
  const folder = mkdtempSync(join(tmpdir(), "rune-lock-"));
  try {
    const pair = start();
    const other = linux.open(folder, 0);
    linux.lock(other);
    const fd = pair.kernel.open(folder, 0);
    pair.hangUp();
    expect(() => pair.kernel.lock(fd)).toThrow("abandoned");
    linux.close(other);
    pair.kernel.lock(fd);
    expect(plannerCalls.tryLock(linux.open(folder, 0))).toBe(false);
    pair.end();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("reaping, and taking a descriptor, are the front's", () => {
  const pair = start();
  const { kernel } = pair;
  answer(pair, -10n); // ECHILD: somebody has waited for it
  kernel.reap(77 as Pid);
  expect(asked(pair).record.u32()).toBe(77);
  answer(pair, 1n);
  expect(kernel.reapChildren()).toBe(true);
  answer(pair, 0n);
  expect(kernel.reapChildren()).toBe(false);
  expect([asked(pair).record.code, asked(pair).record.code]).toEqual([9, 9]);
  const pidfd = kernel.pidfd(frontPid);
  const file = linux.open("/dev/null", 0);
  answer(pair, 0n, [file]);
  const taken = kernel.pidfdGetFd(pidfd, 12);
  expect(asked(pair)).toMatchObject({ descriptors: [expect.any(Number)] });
  expect(linux.fstat(taken).inode).toBe(linux.fstat(file).inode);
  linux.close(file);
  pair.end();
  expect(() => linux.fstat(taken)).toThrow("bad file descriptor");
  pair.hangUp();
});

test("descriptors of the caller's are not closed, and what is left open is", () => {
  const pair = start();
  const { kernel } = pair;
  kernel.close(0 as Fd);
  kernel.close(5 as Fd);
  expect(linux.fstat(0 as Fd)).toBeDefined();
  const fd = kernel.memfd("left");
  pair.end();
  expect(() => linux.fstat(fd)).toThrow("bad file descriptor");
  pair.hangUp();
});

test("the process is the front, and its cgroups are the front's", () => {
  const pair = start();
  expect(pair.kernel.pid()).toBe(frontPid);
  const fd = pair.kernel.open("/proc/self/cgroup", 0);
  expect(linux.readlink(`/proc/self/fd/${fd}`)).toBe(`/proc/${frontPid}/cgroup`);
  pair.end();
  pair.hangUp();
});

test("output longer than a pipe takes at once arrives whole", () => {
  const folder = mkdtempSync(join(tmpdir(), "rune-output-"));
  const file = join(folder, "f");
  writeFileSync(file, "");
  const to = linux.open(file, 1);
  const pair = start({ ...linux, write: (fd, bytes) => linux.write(fd === 1 ? to : fd, bytes) });
  const text = "0123456789".repeat(2000);
  pair.kernel.write(1 as Fd, new TextEncoder().encode(text));
  expect(readFileSync(file, "utf8")).toBe(text);
  linux.close(to);
  rmSync(folder, { recursive: true });
  pair.hangUp();
});
