// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Fd } from "../kernel/kernel.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { failureOf, receive, runDetached, sendPlan, sendRun } from "./channel.ts";
import { failedMessage, message, pidMessage, readyMessage } from "./fake-host.ts";

function channelWith(...packets: Uint8Array[]): [RecordingKernel, Fd] {
  const kernel = new RecordingKernel();
  const [channel] = kernel.packetPair();
  for (const packet of packets) kernel.deliver(channel, packet);
  return [kernel, channel];
}

test("messages are received in order, then the end", () => {
  const [kernel, channel] = channelWith(pidMessage(42), readyMessage());
  expect([receive(kernel, channel), receive(kernel, channel), receive(kernel, channel)]).toEqual([
    { kind: "pid", pid: expect.any(Number) },
    { kind: "ready" },
    { kind: "end" },
  ]);
});

test("each failure code has its own meaning; an unknown one is runelet's fault", () => {
  const code = (number: number) => {
    const received = receive(...channelWith(failedMessage(number, 2, "exec `x`", "No such file")));
    return received.kind === "failed" ? received.error.code : received.kind;
  };
  expect([0, 1, 2, 3, 4, 5, 6, 7, 0xffffffff].map(code)).toEqual([
    "SYSCALL",
    "RUNELET",
    "EXEC_NOT_FOUND",
    "EXEC_FAILED",
    "PAL_ABI_MISMATCH",
    "PAL_FAILED",
    "HOOK_FAILED",
    "RUNELET",
    "RUNELET",
  ]);
});

test("strerror's capital goes, an abbreviation's stays, errno 0 is none", () => {
  expect(failureOf(0, 13, "open `x`", "Permission denied")).toMatchObject({
    message: "open `x`: permission denied",
    errno: 13,
  });
  expect(failureOf(5, 0, "start PAL", "SGX is off").message).toBe("start PAL: SGX is off");
  expect(failureOf(5, 0, "start PAL", "x").errno).toBeUndefined();
});

test("packets that break the protocol", () => {
  const whole = failedMessage(0, 2, "doing", "why");
  const cuts = Array.from({ length: whole.length - 1 }, (_, size) => whole.slice(0, size + 1));
  for (const packet of [
    ...cuts,
    message(4, (w) => w.u32(0)),
    message(5, () => {}),
    message(6, (w) => w.u32(0)),
    message(7, () => {}),
    message(16, () => {}),
    message(0xffff, () => {}),
    message(1, () => {}),
    message(1, (w) => w.u64(1n)),
    message(2, (w) => w.u32(0)),
    message(3, (w) => w.u32(0).u32(0).string("only doing")),
    message(3, (w) => w.u32(0).u32(0).string("a").string("b").u32(0)),
    new Uint8Array(65537),
    message(3, (w) => w.u32(0).u32(0).string("a".repeat(65536)).string("")),
  ]) {
    const [kernel, channel] = channelWith(packet);
    expect(() => receive(kernel, channel)).toThrow(expect.objectContaining({ code: "RUNELET" }));
  }
});

test("random packets are refused or understood, never anything else", () => {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed >>> 16;
  };
  for (let i = 0; i < 20_000; i++) {
    const size = 8 * (random() % 8);
    const packet = Uint8Array.from({ length: size }, random);
    if (size >= 8)
      packet.set([random() % 7, 0, 0, 0, Math.max(0, size - 8 - (random() % 8)), 0, 0, 0]);
    try {
      expect(["pid", "ready", "failed", "hooks", "listener", "devices", "end"]).toContain(
        receive(...channelWith(packet)).kind,
      );
    } catch (error) {
      expect(error).toMatchObject({ code: "RUNELET" });
    }
  }
});

test("what rune says", () => {
  const [kernel, channel] = channelWith();
  const said: number[][] = [];
  kernel.reactions.write = (_, bytes) => said.push([...bytes]);
  sendPlan(kernel, channel);
  sendRun(kernel, channel);
  expect(said).toEqual([
    [17, 0, 0, 0, 0, 0, 0, 0],
    [16, 0, 0, 0, 0, 0, 0, 0],
  ]);
});

test("a detached payload runs once the channel ends", () => {
  const [kernel, channel] = channelWith();
  runDetached(kernel, channel);
  expect(kernel.openNames()).toEqual(["channel:peer"]);
  const [failing, other] = channelWith(failedMessage(2, 2, "exec `x`", "not found"));
  expect(() => runDetached(failing, other)).toThrow("exec `x`: not found");
});
