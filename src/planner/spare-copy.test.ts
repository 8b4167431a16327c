// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import { SpareCopy } from "./spare-copy.ts";

const path = "/lib/runelet";

function start() {
  const kernel = new RecordingKernel().file(path, "\x7fELF");
  const copies = () => kernel.calls.filter((call) => call.startsWith("sealedCopy")).length;
  return { kernel, spare: new SpareCopy(kernel), copies };
}

test("the first is made when it is wanted, the next before", () => {
  const { spare, copies } = start();
  spare.prepare();
  expect(copies()).toBe(0);
  const first = spare.take(path, "runelet");
  expect(copies()).toBe(1);
  spare.prepare();
  spare.prepare();
  expect(copies()).toBe(2);
  expect(spare.take(path, "runelet")).not.toBe(first);
  expect(copies()).toBe(2);
  spare.take(path, "runelet");
  expect(copies()).toBe(3);
});

test("another file, or one that has changed, is copied anew", () => {
  const { kernel, spare, copies } = start();
  kernel.file("/lib/init-runelet", "\x7fELF");
  const open = () => kernel.openNames().length;
  spare.take(path, "runelet");
  spare.prepare();
  const before = open();
  spare.take("/lib/init-runelet", "init-runelet");
  expect([copies(), open()]).toEqual([3, before]); // the spare one is closed
  spare.prepare();
  kernel.file("/lib/init-runelet", "\x7fELF of another length");
  spare.take("/lib/init-runelet", "init-runelet");
  expect(copies()).toBe(5);
});

test("a file that cannot be copied is no failure until somebody wants it", () => {
  const { kernel, spare } = start();
  spare.take(path, "runelet");
  kernel.fail("sealedCopy", 28);
  spare.prepare();
  expect(() => spare.take("/nowhere", "runelet")).toThrow("no such file");
});
