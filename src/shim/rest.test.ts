// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import { cleanRanges, Rest } from "./rest.ts";

const mapping = (range: string, mode: string, path: string, anonymousKb: number) =>
  `${range} ${mode} 00000000 fe:00 6326551                    ${path}
Size:                100 kB
Pss:                  10 kB
Anonymous:         ${String(anonymousKb).padStart(6)} kB
VmFlags: rd mr mw me
`;
const smaps =
  mapping("00200000-00300000", "r--p", "/opt/engine", 0) +
  mapping("00300000-00500000", "r-xp", "/opt/engine", 0) +
  mapping("00500000-00600000", "r--p", "/opt/engine", 12) + // relocated, and then protected
  mapping("00600000-00700000", "rw-p", "/opt/engine", 0) +
  mapping("00700000-00800000", "r-xp", "/opt/engine.so", 0) +
  mapping("7f0000000000-7f0000100000", "rw-p", "", 8);

test("only what is still as it is in the file is let go", () => {
  expect(cleanRanges(smaps, "/opt/engine")).toEqual([
    { start: 0x200000, size: 0x100000 },
    { start: 0x300000, size: 0x200000 },
  ]);
  expect(cleanRanges("", "/opt/engine")).toEqual([]);
});

test("once, a moment after the last request", async () => {
  const [kernel, gone] = [new RecordingKernel().file("/proc/self/smaps", smaps), [] as number[]];
  const letGo = ({ start }: { start: number }) => void gone.push(start);
  const rest = new Rest(kernel, { letGo }, "/opt/engine", 5);
  for (let count = 0; count < 3; count++) rest.stir();
  expect(gone).toEqual([]);
  while (gone.length === 0) await Bun.sleep(1);
  await Bun.sleep(20);
  expect(gone).toEqual([0x200000, 0x300000]);
  rest.stir();
  while (gone.length < 4) await Bun.sleep(1);
});

test("what keeps it from resting does not end the server", async () => {
  const [kernel, gone] = [new RecordingKernel(), [] as number[]];
  const rest = new Rest(kernel, { letGo: ({ start }) => void gone.push(start) }, "/opt/engine", 5);
  rest.stir();
  await Bun.sleep(30);
  kernel.file("/proc/self/smaps", smaps);
  rest.stir();
  while (gone.length < 2) await Bun.sleep(1);
});
