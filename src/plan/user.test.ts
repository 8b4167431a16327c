// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { cgroupOwner } from "./cgroup-owner.ts";
import { all, type Change, configOf, fd, names, one, operations, sequence } from "./testing.ts";
import { type Caller, checkUser, hostId, idMaps } from "./user.ts";
import { unmappedGids } from "./user-mounts.ts";

const root: Caller = { euid: 0, egid: 0, inUserNamespace: false };
const nested: Caller = { ...root, inUserNamespace: true };
const ordinary: Caller = { euid: 1000, egid: 100, inUserNamespace: false };

const kind = { kind: "rootless", uid: 1000, gid: 100 } as const;
const range = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 100_000, size: 65_536 },
];
const ranges: Change = { kind, linux: { uidMappings: range, gidMappings: range } };

test("who may write which maps", () => {
  const written = (change: Change, caller: Caller) => {
    const { denySetgroups, asksForMaps } = idMaps(configOf(change), caller);
    return [denySetgroups, asksForMaps];
  };
  expect(written({ kind }, ordinary)).toEqual([true, false]);
  expect(written(ranges, ordinary)).toEqual([false, true]);
  expect(written(ranges, root)).toEqual([false, false]);
  expect(written(ranges, nested)).toEqual([false, false]);
  // One id, and not the caller's own.
  expect(written({ kind: { ...kind, uid: 1001 } }, ordinary)).toEqual([true, true]);
  expect(written({ kind: { ...kind, gid: 101 } }, ordinary)).toEqual([false, true]);
  expect(idMaps(configOf(), root)).toMatchObject({ uidMap: "", gidMap: "" });
});

test("an id is found in its range", () => {
  const ids = [0, 1, 65_536, 65_537, -1].map((id) => hostId(range, id));
  expect(ids).toEqual([1000, 100_000, 165_535, undefined, undefined]);
});

test("ids that the container has not are refused before anything is done", () => {
  const check = (user: object, change: Change = { kind }, caller = ordinary) => {
    return () =>
      checkUser(configOf({ ...change, process: { user: { uid: 0, gid: 0, ...user } } }), caller);
  };
  expect(check({})).not.toThrow();
  expect(check({ uid: 1 })).toThrow("config `process.user.uid`: 1 is not mapped");
  expect(check({ gid: 7 })).toThrow("config `process.user.gid`: 7 is not mapped");
  expect(check({ additionalGids: [0] })).toThrow("cannot set further ones");
  expect(check({ additionalGids: [0] }, { kind }, root)).not.toThrow();
  expect(check({ additionalGids: [7] }, ranges)).not.toThrow();
  expect(check({ additionalGids: [70_000] }, ranges)).toThrow("70000 is not mapped");
  // Another's namespace, whose maps have been read.
  const namespaces = [{ type: "user", path: "/ns" }, { type: "mount" }] as const;
  const joined = { linux: { namespaces, uidMappings: range, gidMappings: range } };
  expect(check({ uid: 7 }, joined)).not.toThrow();
  expect(check({ uid: 70_000 }, joined)).toThrow("70000 is not mapped");
  expect(check({ additionalGids: [7] }, joined)).not.toThrow();
});

test("an ordinary user needs a user namespace; root of one does not", () => {
  expect(() => checkUser(configOf(), ordinary)).toThrow("has no user namespace to be root in");
  expect(() => checkUser(configOf(), nested)).not.toThrow();
});

test("a user namespace is joined by root without its groups, and its root taken", () => {
  const namespaces = [{ type: "user", path: "/ns/user" }, { type: "mount" }] as const;
  const open = { namespaces: new Map([["/ns/user", fd(20)]]) };
  const kinds = ["dropGroups", "setns", "clone", "namespaceRoot", "root"] as const;
  const order = (caller: Caller) =>
    names(operations({ linux: { namespaces } }, { ...open, caller })).filter((name) =>
      (kinds as readonly string[]).includes(name),
    );
  expect(order(root)).toEqual([...kinds]);
  expect(order(ordinary)).toEqual(kinds.slice(1));
});

test("sysfs and mqueue of namespaces that are not the container's are bound", () => {
  const mounts = [
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro", "nosuid"] },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue" },
  ];
  const types = (...more: string[]) => ({
    namespaces: ["mount", "user", ...more].map((type) => ({ type })),
  });
  const planned = (linux: object, caller = ordinary) =>
    operations({ kind, mounts, linux }, { caller });
  const bound = planned(types());
  expect(sequence(bound, "mountFs", "mountTree")).toEqual([
    "mountTree /sys",
    "mountTree /dev/mqueue",
  ]);
  expect(all(bound, "openTree").map(({ path }) => path)).toContain("/dev/mqueue");
  expect(one(bound, "mountTree")).toMatchObject({ set: 3, recursiveSet: 3 });
  expect(sequence(planned(types("network", "ipc")), "mountFs")).toHaveLength(2);
  const own = { namespaces: [{ type: "mount" }] };
  expect(sequence(planned(own, root), "mountFs")).toHaveLength(2);
  expect(sequence(planned(own, nested), "mountTree")).toHaveLength(2);
});

test("terminals of a container without their group", () => {
  const options = ["newinstance", "gid=5", "mode=0620"];
  const mounts = [{ destination: "/dev/pts", type: "devpts", source: "devpts", options }];
  expect(one(operations({ kind, mounts }), "mountFs").options).toEqual([
    "newinstance",
    "mode=0620",
  ]);
  expect(unmappedGids(configOf({ kind, mounts }))).toEqual(["gid=5"]);
  expect(one(operations({ ...ranges, mounts }), "mountFs").options).toEqual(options);
  expect(unmappedGids(configOf({ ...ranges, mounts }))).toEqual([]);
  expect(unmappedGids(configOf({ mounts }))).toEqual([]);
});

test("whose the cgroup becomes", () => {
  const owner = (options: string[], types = ["mount", "user", "cgroup"], uid = 0) =>
    cgroupOwner(
      configOf({
        ...ranges,
        process: { user: { uid, gid: 0 } },
        linux: { ...ranges.linux, namespaces: types.map((type) => ({ type })) as never },
        mounts: [{ destination: "/sys/fs/cgroup/", type: "cgroup", source: "cgroup", options }],
      }),
    );
  expect(owner([])).toBe(1000);
  expect(owner(["rw"], undefined, 5)).toBe(100_004);
  expect(owner(["ro"])).toBeUndefined();
  expect(owner([], ["mount", "user"])).toBeUndefined();
  expect(owner([], ["mount", "cgroup"])).toBeUndefined();
});
