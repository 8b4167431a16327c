// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { linux } from "../kernel/linux.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { difference, type Identity, readIdentity, umaskOf } from "./peer.ts";

const status = {
  Umask: "0027",
  Uid: "0\t0\t0\t0",
  Gid: "0\t0\t0\t0",
  Groups: "4 20",
  CapPrm: "000001ffffffffff",
  CapEff: "000001ffffffffff",
  CapBnd: "000001ffffffffff",
  NoNewPrivs: "0",
  Seccomp: "0",
};
const names = ["mnt", "pid", "pid_for_children", "user", "net", "uts", "ipc", "cgroup", "time"];

function identity(
  changes: Partial<Record<keyof typeof status, string>> = {},
  more: Partial<Identity> = {},
): Identity {
  return {
    status: new Map(Object.entries({ ...status, ...changes })),
    namespaces: new Map(names.map((name) => [name, `4:${name}`])),
    root: "1:2:30",
    label: "",
    ...more,
  };
}

const own = identity();

test("a process like this one may be acted for, with other groups and umask", () => {
  expect(difference(own, identity())).toBeUndefined();
  expect(difference(own, identity({ Umask: "0077", Groups: "" }))).toBeUndefined();
});

test("whatever else differs is named", () => {
  for (const name of ["Uid", "Gid", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs"] as const) {
    expect(difference(own, identity({ [name]: "1" }))).toBe(`another ${name}`);
  }
  expect(difference(own, identity({ Uid: "0\t0\t0\t7" }))).toBe("another Uid");
  expect(difference(own, identity({ Seccomp: "2" }))).toBe("a seccomp filter");
  for (const name of names) {
    const namespaces = new Map([...own.namespaces, [name, "4:other"]]);
    expect(difference(own, identity({}, { namespaces }))).toBe(`another ${name} namespace`);
  }
  expect(difference(own, identity({}, { root: "1:2:31" }))).toBe("another root directory");
  expect(difference(own, identity({}, { label: "a (enforce)\n" }))).toBe("another security label");
});

test("what a kernel does not tell is not assumed", () => {
  const { CapBnd: _, ...rest } = status;
  const without = { ...own, status: new Map(Object.entries(rest)) };
  expect(difference(own, without)).toBe("another CapBnd");
  expect(difference(without, without)).toBe("another CapBnd");
  expect(umaskOf(without)).toBe(0o027);
  expect(umaskOf(identity({ Umask: "x" }))).toBeUndefined();
});

test("groups count for a process that permissions are asked of", () => {
  const user = { Uid: "7\t7\t7\t7", CapEff: "0", CapPrm: "0" };
  const one = identity(user);
  expect(difference(one, identity({ ...user, Groups: "20 4" }))).toBeUndefined();
  expect(difference(one, identity({ ...user, Groups: "4" }))).toBe("other groups");
});

test("the identity of a process is read from /proc", () => {
  const kernel = new RecordingKernel()
    .file("/proc/8/status", "Name:\tx\nUmask:\t0022\nUid:\t1\t1\t1\t1\nSeccomp:\t0\n")
    .file("/proc/8/attr/current", "unconfined\n")
    .file("/proc/self/fdinfo/4", "pos:\t0\nmnt_id:\t29\n")
    .directory("/proc/8/root");
  for (const name of names) kernel.file(`/proc/8/ns/${name}`, "");
  const found = readIdentity(kernel, 8);
  expect(umaskOf(found)).toBe(0o022);
  expect(found.status.has("Name")).toBe(false);
  expect(found.label).toBe("unconfined\n");
  expect(found.root).toMatch(/:29$/);
  // A kernel without time namespaces.
  expect(found.namespaces.get("time_for_children")).toBe("");
  expect(kernel.openNames()).toEqual([]);
});

test("this process is like itself, and a pid that is none has no identity", () => {
  const self = readIdentity(linux, "self");
  expect(readIdentity(linux, process.pid)).toEqual(self);
  expect(() => readIdentity(linux, 999_999_999)).toThrow("no such file");
});
