// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { readFront } from "./front.ts";
import { RecordingKernel } from "./recording.ts";

function kernelWith(environment: string | Uint8Array): RecordingKernel {
  const kernel = new RecordingKernel();
  const fd = kernel.memfd("environment");
  kernel.write(
    fd,
    typeof environment === "string" ? new TextEncoder().encode(environment) : environment,
  );
  kernel.calls.length = 0;
  return kernel;
}

const front = (kernel: RecordingKernel, text: string) =>
  readFront(kernel, { INCLAVARE_FRONT: text });

test("descriptors and variables, without a call", () => {
  const kernel = kernelWith("");
  const { openDescriptors, variable } = readFront(kernel, {
    INCLAVARE_FRONT: "1:3:5,7,12",
    USER: "me",
  });
  expect(openDescriptors).toEqual(new Set([5, 7, 12]));
  expect([variable("USER"), variable("LISTEN_FDS")]).toEqual(["me", undefined]);
  expect(front(kernel, "1:3:").openDescriptors).toEqual(new Set());
  expect(kernel.calls).toEqual([]);
});

test("the environment is read when it is asked for, from its beginning", () => {
  const kernel = kernelWith("A=1\0B=x=y\0A=2\0EMPTY=\0no equals\0=x\0");
  const environment = front(kernel, "1:3:").environment();
  expect([...environment]).toEqual([
    ["A", "1"],
    ["B", "x=y"],
    ["EMPTY", ""],
  ]);
  expect(kernel.openNames()).toEqual(["memfd:environment"]);
});

test("an environment of bytes that are no text", () => {
  const kernel = kernelWith(new Uint8Array([65, 61, 0xff, 0, 66, 61, 49, 0]));
  expect([...front(kernel, "1:3:").environment().keys()]).toEqual(["A", "B"]);
});

test("without its front the engine does not start", () => {
  for (const text of [
    undefined,
    "",
    "1",
    "2:3:",
    ":3:",
    "1::",
    "1:x:",
    "1:-1:",
    "1:3:a",
    "1:3:4,",
    "1:3:4:5",
    "1:3",
  ]) {
    const variables = text === undefined ? {} : { INCLAVARE_FRONT: text };
    expect(() => readFront(kernelWith(""), variables)).toThrow("it is started by its front only");
  }
});
