// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { failureOf } from "./channel.ts";

const [EXEC_FAILED, PAL_ABI_MISMATCH, PAL_FAILED] = [3, 4, 5];

test("the linker's message has not the file's name inside, and a hint", () => {
  const text =
    "/proc/self/fd/9/libpal.so: libgone.so: cannot open shared object file: No such file";
  const { reason, hint } = failureOf(PAL_ABI_MISMATCH, 0, "load PAL `/usr/lib/libpal.so`", text);
  expect(reason).toBe("libgone.so: cannot open shared object file: No such file");
  expect(hint).toContain("ldd");
});

test("a missing symbol, a failed call, and what the kernel does not execute have a hint", () => {
  const hintOf = (code: number, errno: number, text: string) =>
    failureOf(code, errno, "x", text).hint;
  expect(hintOf(PAL_ABI_MISMATCH, 0, "symbol `pal_init` not found")).toContain("nm -D");
  expect(hintOf(PAL_ABI_MISMATCH, 0, "version 9 is unknown")).toBeUndefined();
  expect(hintOf(PAL_FAILED, 12, "Cannot allocate memory")).toContain("standard error");
  expect(hintOf(EXEC_FAILED, 13, "Permission denied")).toContain("noexec");
  expect(hintOf(EXEC_FAILED, 8, "Exec format error")).toContain("#!");
  expect(hintOf(EXEC_FAILED, 12, "Cannot allocate memory")).toBeUndefined();
  expect(hintOf(0, 13, "Permission denied")).toBeUndefined();
});
