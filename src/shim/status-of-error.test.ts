// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { type ErrorCode, RuneError } from "../errors/error.ts";
import { codes, StatusError } from "../ttrpc/status.ts";
import { statusOf } from "./status-of-error.ts";

test.each([
  ["CONTAINER_NOT_FOUND", codes.NOT_FOUND],
  ["CONTAINER_EXISTS", codes.ALREADY_EXISTS],
  ["CONTAINER_STATE", codes.FAILED_PRECONDITION],
  ["CONFIG_INVALID", codes.INVALID_ARGUMENT],
  ["CONFIG_UNSUPPORTED", codes.UNIMPLEMENTED],
  ["SYSCALL", codes.UNKNOWN],
] as const)("%s", (code: ErrorCode, status) => {
  const error = new RuneError({ code, doing: "do `x`", reason: "it cannot be" });
  expect(statusOf(error, "y")).toMatchObject({ code: status, message: "do `x`: it cannot be" });
});

test("what is a status stays one, and what is nothing known is told as it is", () => {
  const status = new StatusError(codes.ABORTED, "no");
  expect(statusOf(status, "y")).toBe(status);
  expect(statusOf(new Error("odd"), "y")).toMatchObject({ code: codes.UNKNOWN, message: "y: odd" });
});
