// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { shown } from "./print-install.ts";

test("what a file says does not drive the terminal that its difference is shown on", () => {
  expect(shown(" a\tb\r\n-\u009b2J\n+\u001b[31mc\n")).toBe(" a\tb\r\n-\\x9b2J\n+\\x1b[31mc\n");
});
