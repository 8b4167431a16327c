// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EPERM } from "../kernel/constants.ts";
import type { Pid } from "../kernel/kernel.ts";
import { fakeHost, type Host } from "./fake-host.ts";
import { mapIds } from "./id-maps.ts";

const pid = 77 as Pid; // waits in its namespace
const maps = {
  uidMap: "0 1000 1\n1 100000 9\n",
  gidMap: "0 100 1\n",
  denySetgroups: false,
  asksForMaps: true,
};

/** A process without maps, whose files only the tools may write. */
function host(...tools: string[]): Host {
  const host = fakeHost();
  for (const file of ["uid_map", "gid_map"]) {
    host.kernel.file(`/proc/77/${file}`, "").fail(`write /proc/77/${file}`, EPERM);
  }
  for (const tool of tools) {
    host.kernel.file(`/usr/bin/${tool}`, "\x7fELF");
    host.kernel.chmod(`/usr/bin/${tool}`, 0o4755);
  }
  return { ...host, deps: { ...host.deps, searchPath: () => "relative::/sbin:/usr/bin" } };
}

const spawned = ({ kernel }: Host) => kernel.calls.filter((call) => call.startsWith("spawn"));

test("a caller who may write maps needs no tools", () => {
  const own = fakeHost();
  own.kernel
    .file("/proc/77/uid_map", "")
    .file("/proc/77/gid_map", "")
    .file("/proc/77/setgroups", "");
  mapIds(own.deps, pid, { ...maps, denySetgroups: true });
  expect(own.kernel.text("/proc/77/uid_map")).toBe(maps.uidMap);
  expect(own.kernel.text("/proc/77/gid_map")).toBe(maps.gidMap);
  expect(own.kernel.text("/proc/77/setgroups")).toBe("deny");
  expect(spawned(own)).toEqual([]);
});

test("anybody else without them is told what is missing", () => {
  const without = host();
  expect(() => mapIds(without.deps, pid, maps)).toThrow(
    "map ids `0 1000 1, 1 100000 9`: an ordinary user may map only its own id by itself, and `newuidmap` is not in the PATH",
  );
  expect(spawned(without)).toEqual([]);
});

test("a tool that leaves the map empty has refused", () => {
  const refusing = host("newuidmap", "newgidmap");
  expect(() => mapIds(refusing.deps, pid, maps)).toThrow("`newuidmap` refused");
  expect(spawned(refusing)).toHaveLength(1);
  expect(spawned(refusing)[0]).toBe("spawn newuidmap 77 0 1000 1 1 100000 9");
});
