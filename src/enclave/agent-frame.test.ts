// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { RecordWriter } from "../record/record.ts";
import {
  decodeReply,
  encodeExec,
  encodeHello,
  encodeKill,
  encodeReport,
  replyBodyBytes,
} from "./agent-frame.ts";

const magic = 0x544e4741;

describe("requests", () => {
  test("HELLO is 16 bytes: header, magic, version", () => {
    expect(Buffer.from(encodeHello()).toString("hex")).toBe("010000000800000041474e5401000000");
  });

  test("EXEC holds cwd, argv, env, and pads with zeros", () => {
    const frame = encodeExec({ cwd: "/", argv: ["a b"], env: [], tty: true, detached: true });
    expect(Buffer.from(frame).toString("hex")).toBe(
      // code 2, flags 3, 22 bytes; "/"; one string "a b"; no string; two bytes of padding
      "0200030016000000" +
        "010000002f00" +
        "01000000" +
        "03000000" +
        "61206200" +
        "00000000" +
        "0000",
    );
  });

  test("KILL and REPORT", () => {
    expect(Buffer.from(encodeKill(7, 15)).toString("hex")).toBe("0300000008000000070000000f000000");
    expect(encodeReport(new Uint8Array(512), new Uint8Array(64)).length).toBe(8 + 584);
  });

  test("EXEC of more than 2 MiB is refused before it is sent", () => {
    const big = "x".repeat(1 << 20);
    const request = { cwd: "", argv: [big, big], env: [], tty: false, detached: false };
    expect(() => encodeExec(request)).toThrow("more than 2097152 bytes");
  });

  test("a string with NUL is refused", () => {
    const request = { cwd: "", argv: ["a\0b"], env: [], tty: false, detached: false };
    expect(() => encodeExec(request)).toThrow("NUL");
  });
});

describe("replies", () => {
  test("WELCOME", () => {
    const frame = reply(0x8001, (w) => w.u32(magic).u32(1).u32(3).u32(5).u32(1));
    expect(decodeReply(frame)).toEqual({
      kind: "welcome",
      palVersion: 3,
      canKill: true,
      canReport: false,
      canReportData: true,
      state: "running",
    });
  });

  test("EXITED by code and by signal", () => {
    expect(decodeReply(reply(0x8003, (w) => w.u32(0).u32(255)))).toEqual({
      kind: "exited",
      status: { kind: "code", code: 255 },
    });
    expect(decodeReply(reply(0x8003, (w) => w.u32(1).u32(9)))).toEqual({
      kind: "exited",
      status: { kind: "signal", signal: 9 },
    });
  });

  test("ERROR with and without FINAL", () => {
    const fill = (w: RecordWriter) => w.u32(8).u32(2).string("pal_exec").string("not found");
    expect(decodeReply(reply(0x80ff, fill, 1))).toEqual({
      kind: "error",
      name: "pal",
      errno: 2,
      doing: "pal_exec",
      reason: "not found",
      final: true,
    });
    expect(decodeReply(reply(0x80ff, fill))).toMatchObject({ final: false });
  });

  test("REPORTED", () => {
    const report = new Uint8Array(432).fill(7);
    const decoded = decodeReply(reply(0x8005, (w) => w.u32(1).bytes(report)));
    expect(decoded).toEqual({ kind: "reported", fresh: true, report });
  });
});

/** What a payload that has taken over init-runelet may answer; each must be an AGENT error. */
const hostile: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", new Uint8Array(0)],
  ["half a header", new Uint8Array(4)],
  ["4 GiB announced", raw([0x04, 0x80, 0, 0, 0xff, 0xff, 0xff, 0xff])],
  ["2 GiB announced", raw([0x04, 0x80, 0, 0, 0, 0, 0, 0x80])],
  ["one byte more than allowed", reply(0x80ff, (w) => w.bytes(new Uint8Array(4093)))],
  ["more announced than sent", raw([0x02, 0x80, 0, 0, 4, 0, 0, 0])],
  ["padding of ones", raw([0x02, 0x80, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1])],
  ["bytes behind the frame", raw([0x04, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
  ["code 0", reply(0, (w) => w)],
  ["a request's code", reply(2, (w) => w.string("").list(["x"]).list([]))],
  ["an unknown code", reply(0x8006, (w) => w)],
  ["unknown flags", reply(0x8004, (w) => w, 1)],
  ["unknown flags of ERROR", reply(0x80ff, (w) => w.u32(1).u32(0).string("").string(""), 2)],
  ["arguments left over", reply(0x8004, (w) => w.u32(0))],
  ["arguments missing", reply(0x8003, (w) => w.u32(0))],
  ["a pid of 2^31", reply(0x8002, (w) => w.u32(0x80000000))],
  ["exit code 256", reply(0x8003, (w) => w.u32(0).u32(256))],
  ["exit code -1", reply(0x8003, (w) => w.u32(0).u32(0xffffffff))],
  ["signal 0", reply(0x8003, (w) => w.u32(1).u32(0))],
  ["signal 65", reply(0x8003, (w) => w.u32(1).u32(65))],
  ["a third kind of status", reply(0x8003, (w) => w.u32(2).u32(0))],
  ["another magic", reply(0x8001, (w) => w.u32(1).u32(1).u32(1).u32(0).u32(0))],
  ["another version", reply(0x8001, (w) => w.u32(magic).u32(2).u32(1).u32(0).u32(0))],
  ["PAL version 0", reply(0x8001, (w) => w.u32(magic).u32(1).u32(0).u32(0).u32(0))],
  ["PAL version 4", reply(0x8001, (w) => w.u32(magic).u32(1).u32(4).u32(0).u32(0))],
  ["unknown abilities", reply(0x8001, (w) => w.u32(magic).u32(1).u32(3).u32(8).u32(0))],
  ["an unknown state", reply(0x8001, (w) => w.u32(magic).u32(1).u32(3).u32(0).u32(3))],
  ["a REPORT of 431 bytes", reply(0x8005, (w) => w.u32(0).bytes(new Uint8Array(431)))],
  ["a REPORT of 433 bytes", reply(0x8005, (w) => w.u32(0).bytes(new Uint8Array(433)))],
  ["freshness 2", reply(0x8005, (w) => w.u32(2).bytes(new Uint8Array(432)))],
  ["error code 0", reply(0x80ff, (w) => w.u32(0).u32(0).string("").string(""))],
  ["error code 10", reply(0x80ff, (w) => w.u32(10).u32(0).string("").string(""))],
  ["errno 4096", reply(0x80ff, (w) => w.u32(1).u32(4096).string("").string(""))],
  ["a text of 1025", reply(0x80ff, (w) => w.u32(1).u32(0).string("x".repeat(1025)).string(""))],
  ["a text that claims 4 GiB", reply(0x80ff, (w) => w.u32(1).u32(0).u32(0xffffffff))],
  ["a text without its NUL", reply(0x80ff, (w) => w.u32(1).u32(0).u32(1).u32(0x78787878))],
  ["a text with NUL inside", reply(0x80ff, (w) => w.u32(1).u32(0).u32(3).u32(0x61006100).u32(0))],
  ["a text that is not UTF-8", reply(0x80ff, (w) => w.u32(1).u32(0).u32(3).u32(0x00fffefd).u32(0))],
];

describe("hostile replies", () => {
  test.each(hostile)("%s is an AGENT error", (_name, frame) => {
    expect(() => decodeReply(frame)).toThrow(expect.objectContaining({ code: "AGENT" }));
  });

  test("a header is refused before its body is waited for", () => {
    expect(() => replyBodyBytes(raw([0, 0, 0, 0, 1, 0x10, 0, 0]))).toThrow("at most 4096");
    expect(replyBodyBytes(raw([0, 0, 0, 0, 0, 0x10, 0, 0]))).toBe(4096);
  });

  test("every truncation of a good reply is an AGENT error", () => {
    const good = reply(0x80ff, (w) => w.u32(8).u32(2).string("doing").string("reason"));
    for (let size = 0; size < good.length; size++) {
      expect(() => decodeReply(good.subarray(0, size))).toThrow(
        expect.objectContaining({ code: "AGENT" }),
      );
    }
  });
});

function reply(code: number, fill: (w: RecordWriter) => RecordWriter, flags = 0): Uint8Array {
  return fill(new RecordWriter().begin(code, flags)).end().finish().slice();
}

function raw(bytes: readonly number[]): Uint8Array {
  return Uint8Array.from(bytes);
}
