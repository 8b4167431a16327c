// SPDX-License-Identifier: Apache-2.0
/** A launch plan's header, and the descriptors and slots that its operations use. */
import { expect, test } from "bun:test";
import type { Fd } from "../kernel/kernel.ts";
import { encodePlan, PlanBuilder } from "./encode.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const fd = (number: number) => number as Fd; // only written into the plan

test("an empty plan is its header", () => {
  expect(hex(encodePlan([], []))).toBe(
    `${Buffer.from("RUNEPLAN").toString("hex")}01000000180000000000000000000000`,
  );
});

test("the descriptor table is padded to a multiple of 8", () => {
  for (const [count, size] of [
    [1, 32],
    [2, 32],
    [3, 40],
    [256, 24 + 1024],
  ] as const) {
    const plan = encodePlan([{ op: "exit" }], Array(count).fill(fd(7)));
    const view = new DataView(plan.buffer, plan.byteOffset, plan.length);
    expect(plan.length).toBe(size + 8);
    expect([view.getUint32(12, true), view.getUint32(16, true)]).toEqual([plan.length, 1]);
    expect([view.getUint32(20, true), view.getUint32(24, true)]).toEqual([count, 7]);
    expect(view.getUint16(size, true)).toBe(68);
    if (count % 2 === 1) expect(view.getUint32(size - 4, true)).toBe(0);
  }
});

test("inherited slots count from the bottom, filled ones from the top", () => {
  const plan = new PlanBuilder();
  expect<number[]>([plan.slot(), plan.inherit(fd(9)), plan.slot(), plan.inherit(fd(5))]).toEqual([
    255, 0, 254, 1,
  ]);
  const view = new DataView(plan.encode().buffer);
  expect([view.getUint32(24, true), view.getUint32(28, true)]).toEqual([9, 5]);
});

test("256 slots are enough, one more is refused", () => {
  const full = () => {
    const plan = new PlanBuilder();
    for (let i = 0; i < 200; i++) plan.slot();
    for (let i = 0; i < 56; i++) plan.inherit(fd(i));
    return plan;
  };
  expect(full().encode().length).toBe(24 + 4 * 56);
  const refused = expect.objectContaining({ code: "CONFIG_UNSUPPORTED" });
  expect(() => full().slot()).toThrow(refused);
  expect(() => full().inherit(fd(3))).toThrow(refused);
});
