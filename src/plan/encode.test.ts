// SPDX-License-Identifier: Apache-2.0
/** The operations of docs/protocol/launch-plan.md, byte by byte. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { encodePlan } from "./encode.ts";
import type { Operation, Slot } from "./operation.ts";

const root = join(import.meta.dir, "../..");
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const slot = (number: number) => number as Slot;

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString("hex");
};
const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.toString("hex");
};
const string = (text: string) =>
  `${u32(Buffer.byteLength(text))}${Buffer.from(text).toString("hex")}00`;
const list = (...texts: string[]) => u32(texts.length) + texts.map(string).join("");
const none = u32(0xffffffff);
const noState = { state: new Uint8Array(0), tail: new Uint8Array(0) };

/** Every operation once: its code in the page, and its payload. */
const operations: readonly (readonly [Operation, number, string])[] = [
  [{ op: "writeFile", path: "/a", data: "0" }, 1, `${string("/a")}0100000030`],
  [{ op: "setns", slot: slot(3), types: 0x40000000 }, 2, u32(3) + u32(0x40000000)],
  [
    { op: "openTree", slot: slot(255), path: "/b", recursive: true },
    3,
    u32(255) + string("/b") + u32(1),
  ],
  [
    {
      op: "clone",
      flags: 0x7e020000,
      uidMap: "0 1 1\n",
      gidMap: "",
      denySetgroups: true,
      asksForMaps: false,
    },
    4,
    u64(0x7e020000n) + none + string("0 1 1\n") + string("") + u32(1),
  ],
  [
    {
      op: "clone",
      flags: 0,
      cgroup: slot(9),
      uidMap: "",
      gidMap: "",
      denySetgroups: false,
      asksForMaps: false,
    },
    4,
    u64(0n) + u32(9) + string("") + string("") + u32(0),
  ],
  [
    { op: "clone", flags: 0, uidMap: "", gidMap: "", denySetgroups: false, asksForMaps: true },
    4,
    u64(0n) + none + string("") + string("") + u32(2),
  ],
  [{ op: "namespaceRoot" }, 106, ""],
  [{ op: "dropGroups" }, 107, ""],
  [{ op: "enter", program: slot(1), argv: ["x", "y"] }, 5, u32(1) + list("x", "y")],
  [{ op: "unshare", flags: 0x02000000 }, 6, u64(0x02000000n)],
  [{ op: "setsid" }, 7, ""],
  [
    { op: "open", slot: slot(2), path: "/c", flags: 0o200000 },
    8,
    u32(2) + string("/c") + u32(0o200000),
  ],
  [{ op: "devNull" }, 15, ""],
  [
    { op: "propagation", path: "/", flag: 1 << 19, recursive: true },
    16,
    string("/") + u64(1n << 19n) + u32(1),
  ],
  [{ op: "root", slot: slot(254), path: "/r" }, 17, u32(254) + string("/r")],
  [
    {
      op: "mountFs",
      type: "tmpfs",
      source: "shm",
      options: ["mode=1777"],
      attributes: 14,
      propagation: 1 << 18,
      destination: "/dev/shm",
      links: true,
    },
    18,
    string("tmpfs") +
      string("shm") +
      list("mode=1777") +
      u64(14n) +
      u64(1n << 18n) +
      string("/dev/shm") +
      u32(1),
  ],
  [
    {
      op: "mountTree",
      slot: slot(253),
      destination: "/d",
      set: 1,
      clear: 2,
      reset: 14,
      recursiveSet: 4,
      recursiveClear: 8,
      base: 1 << 19,
      propagation: { flag: 1 << 20, recursive: true },
    },
    19,
    u32(253) +
      string("/d") +
      [1n, 2n, 14n, 4n, 8n, 1n << 19n, 1n << 20n].map(u64).join("") +
      u32(1),
  ],
  [
    { op: "mknod", path: "/dev/null", mode: 0o20666, major: 1, minor: 3, uid: 5, gid: 6 },
    20,
    string("/dev/null") + [0o20666, 1, 3, 5, 6].map(u32).join(""),
  ],
  [{ op: "symlink", target: "t", path: "/p" }, 21, string("t") + string("/p")],
  [
    { op: "mask", path: "/m", slot: slot(7), options: ["o"] },
    22,
    string("/m") + u32(7) + list("o"),
  ],
  [{ op: "readonly", path: "/m" }, 23, string("/m")],
  [{ op: "pivot", mode: "pivot" }, 24, u32(0)],
  [{ op: "pivot", mode: "move" }, 24, u32(1)],
  [{ op: "pivot", mode: "chroot" }, 24, u32(2)],
  [{ op: "attributes", path: "/", set: 1 }, 25, string("/") + u64(1n)],
  [{ op: "bindDevice", slot: slot(1), path: "/dev/x" }, 26, u32(1) + string("/dev/x")],
  [{ op: "mkdir", path: "/w" }, 27, string("/w")],
  [
    {
      op: "tmpfs",
      source: "run",
      options: ["size=1m"],
      attributes: 2,
      propagation: 1 << 18,
      destination: "/run",
      takesMode: true,
      takesContent: true,
    },
    28,
    string("run") + list("size=1m") + u64(2n) + u64(1n << 18n) + string("/run") + u32(3),
  ],
  [
    { op: "remount", path: "/m", set: 1, clear: 2, reset: 12, options: ["ro"] },
    29,
    string("/m") + u64(1n) + u64(2n) + u64(12n) + u32(1) + list("ro"),
  ],
  [
    { op: "remount", path: "/m", set: 1, clear: 0, reset: 0 },
    29,
    string("/m") + u64(1n) + u64(0n) + u64(0n) + u32(0) + list(),
  ],
  [
    {
      op: "idMap",
      slot: slot(9),
      uidMap: "0 1 2\n",
      gidMap: "0 3 4\n",
      recursive: true,
      path: "/m",
    },
    30,
    u32(9) + none + string("0 1 2\n") + string("0 3 4\n") + u32(1) + string("/m"),
  ],
  [
    {
      op: "idMap",
      slot: slot(9),
      namespace: slot(1),
      uidMap: "",
      gidMap: "",
      recursive: false,
      path: "/m",
    },
    30,
    u32(9) + u32(1) + string("") + string("") + u32(0) + string("/m"),
  ],
  [
    {
      op: "mountData",
      type: "overlay",
      source: "o",
      data: "lowerdir=/a",
      flags: 1,
      propagation: 1 << 18,
      destination: "/m",
      links: false,
    },
    31,
    string("overlay") +
      string("o") +
      string("lowerdir=/a") +
      u64(1n) +
      u64(1n << 18n) +
      string("/m") +
      u32(0),
  ],
  [{ op: "sysctl", name: "net/x", value: "1" }, 86, `${string("net/x")}0100000031`],
  [{ op: "demandProc", slot: slot(2), path: "/proc" }, 87, u32(2) + string("/proc")],
  [{ op: "hostname", name: "web" }, 32, string("web")],
  [{ op: "domainname", name: "d" }, 33, string("d")],
  [
    { op: "rlimit", resource: 7, soft: 1024n, hard: 2n ** 64n - 1n },
    34,
    u32(7) + u64(1024n) + u64(2n ** 64n - 1n),
  ],
  [
    { op: "console", slot: slot(0), rows: 24, columns: 80, mount: true },
    35,
    [0, 24, 80, 1].map(u32).join(""),
  ],
  [{ op: "cwd", path: "/w", when: "now" }, 36, string("/w") + u32(0)],
  [{ op: "cwd", path: "/w", when: "try" }, 36, string("/w") + u32(1)],
  [{ op: "cwd", path: "/w", when: "if-deferred" }, 36, string("/w") + u32(2)],
  [{ op: "umask", mask: 0o27 }, 37, u32(0o27)],
  [
    { op: "ids", uid: 1000, gid: 100, groups: [4, 0xfffffffe] },
    38,
    [1000, 100, 2, 4, 0xfffffffe].map(u32).join(""),
  ],
  [{ op: "bounding", keep: (1n << 40n) | 1n }, 39, u64((1n << 40n) | 1n)],
  [
    { op: "capabilities", effective: 1n, permitted: 2n, inheritable: 3n, ambient: 4n },
    40,
    [1n, 2n, 3n, 4n].map(u64).join(""),
  ],
  [{ op: "noNewPrivs" }, 41, ""],
  [
    { op: "seccomp", flags: 2, filter: new Uint8Array([6, 0, 0, 0, 0, 0, 255, 127]) },
    42,
    `${u32(2)}${u32(8)}060000000000ff7f`,
  ],
  [{ op: "keepFds", count: 2 }, 43, u32(2)],
  [{ op: "keep", slot: slot(3) }, 56, u32(3)],
  [{ op: "findProgram", name: "sh", path: "/bin" }, 44, string("sh") + string("/bin")],
  [{ op: "ready" }, 45, ""],
  [{ op: "waitFifo", slot: slot(0) }, 46, u32(0)],
  [{ op: "exec", argv: ["sh"], env: ["A=1", "B="] }, 47, list("sh") + list("A=1", "B=")],
  [
    {
      op: "hook",
      timeoutSeconds: 3,
      path: "/h",
      argv: ["h"],
      env: [],
      state: new Uint8Array([123]),
      tail: new Uint8Array([125]),
    },
    48,
    `${u32(3)}${string("/h")}${list("h")}${list()}010000007b010000007d`,
  ],
  [{ op: "awaitDevices" }, 11, ""],
  [{ op: "netDevice", name: "e", addresses: Uint8Array.of(7) }, 12, `${string("e")}${u32(1)}07`],
  [{ op: "raiseLimit", resource: 7, hard: 2n ** 64n - 1n }, 57, `${u32(7)}ffffffffffffffff`],
  [{ op: "runtimeHooks" }, 75, ""],
  [
    { op: "poststart", timeoutSeconds: 0, path: "/h", argv: ["h"], env: [], ...noState },
    76,
    `${u32(0)}${string("/h")}${list("h")}${list()}${u32(0)}${u32(0)}`,
  ],
  [
    { op: "poststop", timeoutSeconds: 0, path: "/h", argv: [], env: [], report: ["r"], ...noState },
    77,
    `${u32(0)}${string("/h")}${list()}${list()}${u32(0)}${u32(0)}${list("r")}`,
  ],
  [{ op: "seccompNotify", flags: 32, filter: new Uint8Array([1]) }, 78, `${u32(32)}0100000001`],
  [{ op: "home", uid: 1000 }, 49, u32(1000)],
  [{ op: "affinity", mask: new Uint8Array(8) }, 9, `${u32(8)}${"00".repeat(8)}`],
  [{ op: "time", proc: slot(3), offsets: "x" }, 10, `${u32(3)}${u32(1)}78`],
  [
    {
      op: "scheduler",
      policy: 6,
      flags: 1,
      nice: -5,
      priority: 2,
      runtime: 3n,
      deadline: 4n,
      period: 5n,
    },
    50,
    `${u32(6)}${u64(1n)}fbffffff${u32(2)}${u64(3n)}${u64(4n)}${u64(5n)}`,
  ],
  [{ op: "ioPriority", value: 0x4007 }, 51, u32(0x4007)],
  [
    { op: "memoryPolicy", mode: 2, nodes: new Uint8Array(8) },
    52,
    `${u32(2)}${u32(8)}${"00".repeat(8)}`,
  ],
  [{ op: "personality", domain: 8 }, 53, u32(8)],
  [{ op: "keyring", name: "_ses.a" }, 54, string("_ses.a")],
  [
    { op: "label", proc: slot(2), file: "attr/exec", label: "l" },
    55,
    `${u32(2)}${string("attr/exec")}${string("l")}`,
  ],
  [
    { op: "monitor", pid: 42, channel: slot(3), subreaper: true },
    64,
    u32(42) + none + u32(3) + u32(0),
  ],
  [
    { op: "monitor", pid: 42, console: slot(0), channel: slot(1), subreaper: false },
    64,
    [42, 0, 1, 1].map(u32).join(""),
  ],
  [{ op: "monitor", pid: 42, subreaper: true }, 64, u32(42) + none + none + u32(0)],
  [{ op: "notify", from: slot(1), to: slot(2) }, 96, u32(1) + u32(2)],
  [{ op: "claim", slot: slot(2), hold: true }, 13, u32(2) + u32(1)],
  [{ op: "cgroupRemove", path: "/c", kill: true }, 65, string("/c") + u32(1)],
  [{ op: "rmdir", path: "/c" }, 66, string("/c")],
  [{ op: "unlink", path: "/c" }, 67, string("/c")],
  [{ op: "exit" }, 68, ""],
  [{ op: "report", argv: ["rune", "report"] }, 69, list("rune", "report")],
  [{ op: "palLoad", slot: slot(4), name: "libpal.so" }, 80, u32(4) + string("libpal.so")],
  [
    { op: "palInit", args: "debug", logLevel: "info", env: ["A=1"] },
    81,
    string("debug") + string("info") + list("A=1"),
  ],
  [{ op: "agent", slot: slot(4) }, 82, u32(4)],
  [{ op: "palRun", argv: ["a"], env: ["A=1"] }, 83, list("a") + list("A=1")],
  [
    { op: "agentExec", slot: slot(4), cwd: "/", argv: ["a"], env: [], tty: true },
    84,
    u32(4) + string("/") + list("a") + list() + u32(1),
  ],
];

for (const [operation, code, payload] of operations) {
  test(`${JSON.stringify(operation, (_, v) => (typeof v === "bigint" ? String(v) : v))}`, () => {
    const size = payload.length / 2;
    const header = `${u32(code)}${u32(size)}`;
    const padding = "00".repeat(-size & 7);
    expect(hex(encodePlan([operation], []).subarray(24))).toBe(header + payload + padding);
  });
}

test("the page, the interpreter and the operations here name the same codes", () => {
  const page = readFileSync(join(root, "docs/protocol/launch-plan.md"), "utf8");
  const interpreter = readFileSync(join(root, "native/runelet/operations.c"), "utf8");
  const numbers = (text: string, pattern: RegExp) =>
    [...text.matchAll(pattern)].map(([, number]) => Number(number)).sort((a, b) => a - b);
  const documented = numbers(page, /^\| (\d+) \| [A-Z_]+ \|/gm);
  expect(numbers(interpreter, /case (\d+):/g)).toEqual(documented);
  const tested = [...new Set(operations.map(([, code]) => code))];
  expect(tested.sort((a, b) => a - b)).toEqual(documented);
});
