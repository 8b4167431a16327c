// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { O_RDONLY } from "./constants.ts";
import { readText } from "./kernel.ts";
import { RecordingKernel } from "./recording.ts";
import { traced } from "./traced.ts";

test("each call is told, its failure too, and what is read and written is not", () => {
  const lines: string[] = [];
  const inner = new RecordingKernel().file("/secret", "do not tell");
  const kernel = traced(inner, (line) => lines.push(line));
  expect(readText(kernel, "/secret")).toBe("do not tell");
  expect(() => kernel.open("/missing", O_RDONLY)).toThrow("no such file");
  expect(lines[0]).toMatch(/^open \/secret \d+( \d+| undefined)? = \d+$/);
  expect(lines).toContainEqual(expect.stringMatching(/^read \d+ \d+ = 11 bytes$/));
  expect(lines.at(-1)).toStartWith(`open /missing ${O_RDONLY}: `);
  expect(lines.join()).not.toContain("do not tell");
});
