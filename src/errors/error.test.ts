// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { describeError, RuneError } from "./error.ts";

test("an error prints its subject, reason, code and hint", () => {
  const error = new RuneError({
    code: "SYSCALL",
    doing: "open `/dev/sgx_enclave`",
    reason: "permission denied",
    hint: "add the caller to group sgx",
  }).within("create `web`");
  expect(describeError(error)).toBe(
    "create `web`: open `/dev/sgx_enclave`: permission denied (SYSCALL)\nhint: add the caller to group sgx",
  );
});

test("control characters of a subject never reach the terminal", () => {
  const error = new RuneError({ code: "USAGE", doing: "run `\u001b[2J\n`", reason: "no" });
  expect(describeError(error)).toBe("run `\\x1b[2J\\x0a`: no (USAGE)");
});

test("from keeps a RuneError and wraps anything else", () => {
  const error = new RuneError({ code: "USAGE", doing: "a", reason: "b" });
  expect(RuneError.from(error, "c")).toBe(error);
  expect(RuneError.from(new Error("boom"), "c").message).toBe("c: boom");
  expect(RuneError.from("text", "c").message).toBe("c: text");
});
