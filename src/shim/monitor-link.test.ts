// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Fd, Pid } from "../kernel/kernel.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { RecordReader, RecordWriter } from "../record/record.ts";
import { MonitorLink } from "./monitor-link.ts";

type Packet = { readonly bytes: Uint8Array; readonly descriptors: readonly Fd[] };

const done = 10;

/** A monitor that answers each request but DESCRIPTORS with this result. */
function linked(result = 0n, answer = done) {
  const kernel = new RecordingKernel().file("/a", "").file("/b", "");
  const sent: Packet[] = [];
  const reply = { bytes: new RecordWriter().begin(answer).u64(result).end().finish() };
  const calls = {
    connectPackets: () => 50 as Fd,
    send: (_: Fd, bytes: Uint8Array, descriptors: readonly Fd[]) => {
      sent.push({ bytes, descriptors: [...descriptors] });
    },
    receive: () => ({ ...reply, descriptors: [] }),
  };
  const link = new MonitorLink(kernel, calls, "/pod", 70 as Pid);
  const read = (index: number) => {
    const packet = sent[index];
    if (packet === undefined) throw new Error(`nothing has been sent as number ${index}`);
    return { record: RecordReader.packet(packet.bytes), descriptors: packet.descriptors };
  };
  return { kernel, link, sent, read };
}

test("SPAWN follows its descriptors, at most 96 a packet", () => {
  const { link, sent, read } = linked(123n);
  const descriptors = Array.from({ length: 100 }, (_, number) => ({ number, fd: number as Fd }));
  const kept = [0, 1, 2];
  const pid = link.spawn({ path: "/p", argv: ["p", "a"], env: ["A=b"], descriptors, kept });
  expect(pid).toBe(123 as Pid);
  expect(sent.map(({ descriptors: fds }) => fds.length)).toEqual([96, 4, 0]);
  const { record } = read(2);
  expect([record.code, record.string(), record.list(), record.list()]).toEqual([
    ...[2, "/p", ["p", "a"], ["A=b"]],
  ]);
  expect(Array.from({ length: 4 }, () => record.u32())).toEqual([3, 0, 1, 2]);
  record.done();
});

test("WATCH hands over what is held, lowest bit first, and closes it here", () => {
  const { kernel, link, read } = linked();
  const [master, reader] = [kernel.open("/a", 0), kernel.open("/b", 0)];
  link.watch(7n, 9 as Pid, { master, outputReader: reader });
  const { record, descriptors } = read(0);
  expect([record.code, record.u64(), record.u32(), record.u32()]).toEqual([4, 7n, 9, 0b1010]);
  expect(descriptors).toEqual([reader, master]);
  expect(kernel.openNames()).toEqual([]);
});

test("what was to be handed over is closed, too, where the monitor refuses", () => {
  const { kernel, link } = linked(-10n);
  const error = () => link.watch(7n, 9 as Pid, { master: kernel.open("/a", 0) });
  expect(error).toThrow("watch process 9");
  expect(() => link.watchOom(7n, kernel.open("/b", 0), 2)).toThrow("watch the memory");
  expect(kernel.openNames()).toEqual([]);
});

test("each request has its code and its words", () => {
  const { link, read } = linked();
  link.tie();
  link.reap(5 as Pid);
  link.resize(1n, 80, 24);
  link.closeInput(2n);
  link.forget(3n);
  expect([0, 1, 2, 3, 4].map((index) => read(index).record.code)).toEqual([11, 3, 5, 6, 7]);
  const { record } = read(2);
  expect([record.u64(), record.u32(), record.u32()]).toEqual([1n, 80, 24]);
});

test("an error number is one, and a monitor that says anything else is gone", () => {
  expect(() => linked(-3n).link.forget(1n)).toThrow("no such process");
  expect(() => linked(0n, 20).link.forget(1n)).toThrow("the pod's monitor has ended");
  const { kernel } = linked();
  const silent = {
    connectPackets: () => 50 as Fd,
    send: () => {},
    receive: () => ({ bytes: new Uint8Array(), descriptors: [] }),
  };
  const link = new MonitorLink(kernel, silent, "/pod", 70 as Pid);
  expect(() => link.forget(1n)).toThrow("the pod's monitor has ended");
});
