// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { exitStatusOf, TaskProcess } from "./task.ts";

const streams = { stdin: "", stdout: "", stderr: "", terminal: false };

test("who waits is told, also afterwards; who gives up is not", async () => {
  const process = new TaskProcess("e", 1n, streams);
  const patient = new AbortController();
  const gone = new AbortController();
  const [first, second] = [process.ended(patient.signal), process.ended(gone.signal)];
  gone.abort(new Error("the client has gone"));
  expect(second).rejects.toThrow("the client has gone");
  process.end(3, 5n);
  await first;
  await process.ended(patient.signal);
  expect(process).toMatchObject({ status: "stopped", exitStatus: 3, exitedAt: 5n });
});

test("a status is the code, or 128 and the signal, dumped or not", () => {
  expect([0, 3 << 8, 255 << 8, 9, 11 | 0x80].map(exitStatusOf)).toEqual([0, 3, 255, 137, 139]);
});
