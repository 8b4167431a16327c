// SPDX-License-Identifier: Apache-2.0
/** Against the kernel that runs the tests: every network namespace has `lo`. */
import { expect, test } from "bun:test";
import { ENODEV } from "../kernel/constants.ts";
import { linux } from "../kernel/linux.ts";
import { decodeAttributes, decodeMessages } from "./message.ts";
import { RouteClient } from "./route.ts";

test("a device is found by its name", () => {
  using route = new RouteClient(linux);
  expect(route.device("lo")).toMatchObject({ index: 1 });
  expect(() => route.device("no-such-device")).toThrow(
    expect.objectContaining({ errno: ENODEV, reason: "no such device" }),
  );
  expect(route.device("lo")).toMatchObject({ index: 1 });
});

test("addresses of the host are not kept", () => {
  using route = new RouteClient(linux);
  expect(route.addressesToKeep(1).flatMap(decodeMessages)).toEqual(
    expect.not.arrayContaining([
      // 127.0.0.1 has the scope of the host
      expect.objectContaining({ payload: expect.arrayContaining([127]) }),
    ]),
  );
  expect(route.addressesToKeep(1 << 30)).toEqual([]);
});

test("requests to keep an address are whole messages without index, label and age", () => {
  using route = new RouteClient(linux);
  for (let index = 1; index < 100; index++) {
    for (const request of route.addressesToKeep(index)) {
      const [message, ...more] = decodeMessages(request);
      expect(more).toEqual([]);
      expect(message).toMatchObject({ type: 20, flags: 5 });
      const payload = message?.payload ?? new Uint8Array();
      expect(new DataView(payload.buffer, payload.byteOffset).getUint32(4, true)).toBe(0);
      const types = decodeAttributes(payload, 8).map(({ type }) => type);
      expect(types).not.toContain(3);
      expect(types).not.toContain(6);
    }
  }
});
