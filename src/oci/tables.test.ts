// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { capabilityMask, capabilityNames, capabilityNumber } from "./capabilities.ts";
import { cloneFlags } from "./namespaces.ts";
import { rlimitNames, rlimitNumber } from "./rlimits.ts";
import { parseSignal, signalName } from "./signals.ts";

test("capabilities have the kernel's numbers", () => {
  expect(capabilityNames.length).toBe(41);
  const known = {
    CAP_CHOWN: 0,
    CAP_SETUID: 7,
    CAP_SYS_ADMIN: 21,
    CAP_SETFCAP: 31,
    CAP_SYSLOG: 34,
    CAP_BPF: 39,
  };
  for (const [name, number] of Object.entries(known)) expect(capabilityNumber(name)).toBe(number);
  expect(capabilityNumber("cap_kill")).toBe(5);
  expect(capabilityNumber("KILL")).toBeUndefined();
});

test("a set of capabilities is a mask and the names left out", () => {
  expect(capabilityMask(["CAP_CHOWN", "CAP_NEW", "CAP_CHECKPOINT_RESTORE", "CAP_CHOWN"])).toEqual({
    mask: (1n << 40n) | 1n,
    unknown: ["CAP_NEW"],
  });
});

test("resource limits have the kernel's numbers", () => {
  expect(rlimitNames.map(rlimitNumber)).toEqual([...Array(16).keys()]);
  expect(rlimitNumber("RLIMIT_NOFILE")).toBe(7);
  expect(rlimitNumber("NOFILE")).toBeUndefined();
});

test("clone flags are distinct and those of linux/sched.h", () => {
  expect(new Set(Object.values(cloneFlags)).size).toBe(8);
  expect(Object.values(cloneFlags).reduce((all, flag) => all | flag, 0)).toBe(0x7e020080);
});

test("signals are known by number, name and either prefix", () => {
  for (const text of ["9", "KILL", "SIGKILL", "kill", "SigKill", "09"])
    expect(parseSignal(text)).toBe(9);
  expect(["TERM", "IOT", "SYS", "CLD", "POLL", "STKFLT"].map(parseSignal)).toEqual([
    15, 6, 31, 17, 29, 16,
  ]);
  expect(
    ["0", "64", "65", "100", "-1", "", "SIG", "9x", "SIGSIGKILL", "NOPE"].map(parseSignal),
  ).toEqual([
    0,
    64,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(
    ["RTMIN", "SIGRTMIN+3", "rtmax", "RTMAX-30", "RTMIN+31", "RTMAX-31"].map(parseSignal),
  ).toEqual([34, 37, 64, 34, undefined, undefined]);
});

test("a signal's name leads back to its number", () => {
  for (let number = 1; number <= 31; number++) expect(parseSignal(signalName(number))).toBe(number);
  for (let number = 34; number <= 64; number++)
    expect(parseSignal(signalName(number))).toBe(number);
  expect([signalName(9), signalName(37), signalName(32)]).toEqual(["SIGKILL", "SIGRTMIN+3", "32"]);
});
