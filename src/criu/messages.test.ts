// SPDX-License-Identifier: Apache-2.0
/** Bytes against the field numbers of criu's rpc.proto, written by hand. */
import { expect, test } from "bun:test";
import { RuneError } from "../errors/error.ts";
import { decodeResponse, encodeRequest } from "./messages.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part as string)))); // or numbers

test("requests without options", () => {
  expect(hex(encodeRequest({ type: "version" }))).toBe("080a");
  expect(hex(encodeRequest({ type: "notify" }))).toBe("08061801");
  expect(hex(encodeRequest({ type: "featureCheck" }))).toBe("08092a0408011001");
});

test("options: numbers, truth values, texts", () => {
  const options = {
    imagesDirFd: 5,
    pid: 300,
    leaveRunning: true,
    extUnixSk: false,
    logFile: "dump.log",
    emptyNs: 0x40000000,
    lsmMountContext: "c",
  };
  expect(hex(encodeRequest({ type: "dump", options }))).toBe(
    hex(
      bytes(
        [0x08, 1, 0x12, 30],
        [0x08, 5, 0x10, 0xac, 0x02, 0x18, 1, 0x20, 0],
        [0x52, 8],
        "dump.log",
        [0xb0, 0x02, 0x80, 0x80, 0x80, 0x80, 0x04],
        [0xfa, 0x03, 1],
        "c",
      ),
    ),
  );
});

test("options: lists and messages", () => {
  const options = {
    pageServer: { address: "h", port: 27 },
    externalMounts: [{ key: "/a", value: "/b" }],
    cgroupRoots: [{ controllers: "cpu", path: "/c" }],
    inheritedFds: [{ key: "k", fd: 4 }],
    externals: ["net[1]:n"],
    joinedNamespaces: [{ type: "ipc", path: "/p" }],
  };
  expect(hex(encodeRequest({ type: "restore", options }))).toBe(
    hex(
      bytes(
        [0x08, 2, 0x12, 61],
        ...[[0x5a, 5, 0x0a, 1], "h", [0x10, 27]],
        ...[[0xba, 0x01, 8, 0x0a, 2], "/a", [0x12, 2], "/b"],
        ...[[0xca, 0x01, 9, 0x0a, 3], "cpu", [0x12, 2], "/c"],
        ...[[0xda, 0x01, 5, 0x0a, 1], "k", [0x10, 4]],
        ...[[0xaa, 0x02, 8], "net[1]:n"],
        ...[[0xba, 0x02, 9, 0x0a, 3], "ipc", [0x12, 2], "/p"],
      ),
    ),
  );
});

test("responses: what criu says, and what it says besides is skipped", () => {
  expect(decodeResponse(bytes([0x08, 2, 0x10, 1, 0x22, 2, 0x08, 42]))).toEqual({
    type: "restore",
    success: true,
    pid: 42,
  });
  const notify = bytes([0x08, 6, 0x10, 1, 0x2a, 13, 0x0a, 9], "post-dump", [0x10, 7]);
  expect(decodeResponse(notify)).toEqual({
    type: "notify",
    success: true,
    notify: { script: "post-dump", pid: 7 },
  });
  const failed = bytes([0x08, 1, 0x10, 0, 0x38, 3, 0x4a, 2], "no", [0x32, 2, 0x0a, 0]);
  expect(decodeResponse(failed)).toEqual({
    type: "dump",
    success: false,
    errno: 3,
    message: "no",
  });
  const version = bytes([0x08, 10, 0x10, 1, 0x52, 9, 0x08, 3, 0x10, 17, 0x1a, 1], "g", [0x20, 1]);
  expect(decodeResponse(version)).toEqual({ type: "version", success: true, version: 31701 });
  expect(decodeResponse(bytes([0x08, 9, 0x10, 1, 0x42, 4, 0x08, 1, 0x10, 0]))).toEqual({
    type: "featureCheck",
    success: true,
    features: { memTrack: true, lazyPages: false },
  });
});

test("what is no response is refused", () => {
  const malformed: Record<string, number[]> = {
    "nothing at all": [],
    "no type": [0x10, 1],
    "no result": [0x08, 1],
    "an unknown type": [0x08, 99, 0x10, 1],
    "a field that is cut": [0x08],
    "a text longer than the message": [0x08, 1, 0x10, 0, 0x4a, 200, 1],
    "a message longer than the message": [0x08, 6, 0x10, 1, 0x2a, 100, 0x10, 7],
    "a wire type that there is not": [0x08, 1, 0x10, 1, 0x0f],
    "a number that does not end": [
      0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
    ],
    "field number 0": [0x00, 1, 0x08, 1, 0x10, 1],
  };
  for (const [name, numbers] of Object.entries(malformed)) {
    let error: unknown;
    try {
      decodeResponse(new Uint8Array(numbers));
    } catch (thrown) {
      error = thrown;
    }
    expect([name, error instanceof RuneError && error.code]).toEqual([name, "CRIU"]);
  }
});
