// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseEnclaveIdentity } from "../sgx/enclave-identity.ts";
import { failureOf } from "../sgx/testing.ts";
import { answer, type Launched } from "./answer.ts";
import { containerOfCgroup, isAlive, markOf, nameOf } from "./processes.ts";
import { Registry, readInheritance } from "./registry.ts";
import { deriveSecrets } from "./secrets.ts";
import { einitRequest } from "./testing.ts";

function launched(): Launched {
  const { payload = new Uint8Array() } = answer(
    deriveSecrets(new Uint8Array(32)),
    einitRequest(),
    () => {},
  );
  const identity = parseEnclaveIdentity(payload.subarray(0, 192));
  return { identity, sizeBytes: 65_536n, pages: 9n, threads: 2 };
}

test("an enclave is shown with what it is and who runs it, as long as its process lives", async () => {
  const registry = new Registry(() => Date.UTC(2026, 10, 28));
  const child = Bun.spawn(["sleep", "1000"]);
  registry.lease(child.pid);
  registry.lease(child.pid);
  registry.add(child.pid, launched());
  expect(registry.leases).toBe(1);
  expect(registry.enclaves).toEqual([
    {
      mrenclave: "e0".repeat(32),
      mrsigner: expect.stringMatching(/^[0-9a-f]{64}$/),
      sizeBytes: 65_536,
      pages: 9,
      threads: 2,
      productId: 7,
      securityVersion: 3,
      debug: false,
      pid: child.pid,
      process: expect.any(String),
      container: expect.any(String),
      since: "2026-11-28T00:00:00.000Z",
    },
  ]);
  registry.sweep();
  expect([registry.leases, registry.enclaves.length]).toEqual([1, 1]);
  child.kill("SIGKILL");
  await child.exited;
  registry.sweep();
  expect([registry.leases, registry.enclaves.length]).toEqual([0, 0]);
});

test("a process with thousands of enclaves is looked for once", () => {
  const registry = new Registry(() => 0);
  const enclave = launched();
  for (let i = 0; i < 10_000; i++) registry.add(process.pid, enclave);
  const mark = markOf(process.pid);
  if (mark === undefined) throw new Error("this process is not in /proc");
  const took = (what: () => void) => {
    const began = performance.now();
    what();
    return performance.now() - began;
  };
  const looks = took(() => {
    for (let i = 0; i < 10_000; i++) isAlive(mark);
  });
  expect(took(() => registry.sweep())).toBeLessThan(looks / 2);
  expect(registry.enclaves).toHaveLength(10_000);
});

test("a process of another pid namespace is believed in for an hour", () => {
  let now = 0;
  const registry = new Registry(() => now);
  registry.lease(0);
  registry.add(0, launched());
  now = 3_599_999;
  registry.sweep();
  expect([registry.leases, registry.enclaves.length]).toEqual([1, 1]);
  // Asking again renews the lease.
  registry.lease(0);
  now = 3_600_000;
  registry.sweep();
  expect([registry.leases, registry.enclaves.length]).toEqual([1, 0]);
});

test("the oldest are forgotten beyond the limit", () => {
  const registry = new Registry(() => 0, 3);
  for (let i = 0; i < 5; i++) registry.add(process.pid, launched());
  expect(registry.enclaves).toHaveLength(3);
});

test("a pid is one process only with its start time", () => {
  const mark = markOf(process.pid);
  if (mark === undefined) throw new Error("this process is not in /proc");
  expect(isAlive(mark)).toBe(true);
  expect(isAlive({ ...mark, startTime: "1" })).toBe(false);
  expect(markOf(0)).toBeUndefined();
  expect(markOf(2 ** 30)).toBeUndefined();
  expect(nameOf(2 ** 30)).toBe("");
});

test.each([
  ["0::/docker/4be1f0\n", "4be1f0"],
  ["0::/system.slice/docker-4be1f0.scope\n", "4be1f0"],
  ["0::/machine.slice/libpod-abc.scope\n", "abc"],
  ["0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-77aa.scope\n", "77aa"],
  ["0::/user.slice/user-0.slice/session-3.scope\n", ""],
  ["0::/system.slice/ssh.service\n", ""],
  ["0::/init.scope\n", ""],
  ["0::/\n", ""],
  ["12:devices:/web\n3:cpu,cpuacct:/other\n0::/\n", "web"],
  ["11:pids:/a/web-1\n", "web-1"],
  ["0::/evil\u001b[2J\n", "evil?[2J"],
  ["", ""],
])("the container of cgroup %j is %j", (text, container) => {
  expect(containerOfCgroup(text)).toBe(container);
});

test("a service that takes another's place knows what the other knew, as far as it lives", async () => {
  const [stays, ends] = [Bun.spawn(["sleep", "1000"]), Bun.spawn(["sleep", "1000"])];
  const old = new Registry(() => Date.UTC(2026, 10, 28));
  for (const { pid } of [stays, ends]) {
    old.lease(pid);
    old.add(pid, launched());
  }
  const told = JSON.parse(JSON.stringify(old.bequeath()));
  ends.kill();
  await ends.exited;
  const heir = new Registry(() => Date.UTC(2026, 10, 29));
  heir.inherit(readInheritance(told));
  expect(heir.leases).toBe(1);
  expect(heir.enclaves).toEqual(old.enclaves.filter(({ pid }) => pid === stays.pid));
  expect(heir.enclaves[0]?.since).toBe("2026-11-28T00:00:00.000Z");
  stays.kill();
  await stays.exited;
});

test.each([
  undefined,
  null,
  {},
  { enclaves: [], leases: ["1"] },
  { enclaves: [7], leases: [] },
  { enclaves: [{ pid: 1 }], leases: [] },
  { enclaves: {}, leases: [] },
])("%j is no inheritance", (value) => {
  expect(failureOf(() => readInheritance(value))?.code).toBe("PLATFORM_PROTOCOL");
});
