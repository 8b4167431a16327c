// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EINVAL } from "../kernel/constants.ts";
import type { Resources } from "../oci/config-resources.ts";
import { existing, fakeHost, type Host, initPid, root } from "./fake-host.ts";
import { type UpdateRequest, update } from "./update.ts";

/** A container in the fake's hierarchies, memory in version 1, the rest in version 2. */
function host(alive = true): Host {
  const made = fakeHost();
  existing(made, {}, alive);
  for (const [name, text] of Object.entries({
    "cpu.weight": "100\n",
    "cpu.max": "20000 50000\n",
    "pids.max": "max\n",
    "cgroup.freeze": "1\n",
  })) {
    made.kernel.file(`/cg/unified/web/${name}`, text);
  }
  made.kernel.file("/cg/memory/web/memory.limit_in_bytes", "9223372036854771712\n");
  return made;
}

const request = (resources: Resources, more: Partial<UpdateRequest> = {}): UpdateRequest => ({
  id: "web",
  resources,
  ...more,
});

/** What cgroup files have been written. */
function written({ kernel }: Host): string[] {
  return kernel.calls.filter((call) => call.startsWith("write /cg")).map((call) => call.slice(6));
}

test("changes what is named, and nothing else", async () => {
  const made = host();
  await update(made.deps, request({ cpu: { quota: 10_000n }, memory: { limit: 4096n } }));
  expect(written(made)).toEqual([
    "/cg/memory/web/memory.limit_in_bytes 4096",
    "/cg/unified/web/cpu.max 10000 50000",
  ]);
  expect(made.kernel.text("/cg/unified/web/cgroup.freeze")).toBe("1\n"); // still paused
  expect(made.kernel.openNames()).toEqual([]);
});

test("a file, of which flags count before its own values, and devices do not count", async () => {
  const made = host();
  const devices = [{ allow: true, type: "c", major: 1, minor: 1 }];
  const file = { memory: { limit: 8192, reservation: 0 }, pids: { limit: 7 }, devices };
  made.kernel.file("/limits.json", JSON.stringify(file));
  await update(made.deps, request({ memory: { limit: 4096n } }, { resourcesFile: "/limits.json" }));
  expect(written(made)).toEqual([
    "/cg/memory/web/memory.limit_in_bytes 4096",
    "/cg/unified/web/pids.max 7",
  ]);
  expect(made.kernel.attachedPrograms("/cg/unified/web")).toEqual([]);
});

test("standard input", async () => {
  const made = host();
  made.kernel.file("/input", '{"pids":{"limit":7}}');
  made.kernel.open("/input", 0);
  // The fake's first descriptor stands for the caller's.
  const kernel = Object.assign(Object.create(made.kernel), {
    read: (fd: number, bytes: number) => made.kernel.read((fd === 0 ? 3 : fd) as never, bytes),
  });
  for (const name of ["open", "close", "write", "list", "lock", "fstat", "stat", "lstat"]) {
    kernel[name] = (...values: unknown[]) =>
      Reflect.apply(Reflect.get(made.kernel, name), made.kernel, values);
  }
  await update({ ...made.deps, kernel }, request({}, { resourcesFile: "-" }));
  expect(written(made)).toEqual(["/cg/unified/web/pids.max 7"]);
});

test("a file that is wrong says where", async () => {
  const made = host();
  made.kernel.file("/limits.json", '{"memory":{"limit":"4k"}}');
  await expect(update(made.deps, request({}, { resourcesFile: "/limits.json" }))).rejects.toThrow(
    'resources `memory.limit`: expected an integer from -9223372036854775808 to 9223372036854775807, got "4k"',
  );
  made.kernel.file("/limits.json", "{");
  await expect(update(made.deps, request({}, { resourcesFile: "/limits.json" }))).rejects.toThrow(
    "resources: ",
  );
  await expect(update(made.deps, request({}, { resourcesFile: "/none" }))).rejects.toThrow("/none");
  expect(written(made)).toEqual([]);
});

test("when one limit fails, the others are as before", async () => {
  const made = host();
  made.kernel.fail("write /cg/unified/web/pids.max 7", EINVAL);
  const change = { memory: { limit: 4096n }, cpu: { shares: 512n }, pids: { limit: 7n } };
  await expect(update(made.deps, request(change))).rejects.toThrow(
    "update `web`: write `7` to `/cg/unified/web/pids.max`: invalid argument",
  );
  expect(made.kernel.text("/cg/unified/web/cpu.weight")?.trim()).toBe("100");
  expect(made.kernel.text("/cg/memory/web/memory.limit_in_bytes")?.trim()).toBe(
    "9223372036854771712",
  );
  expect(made.kernel.openNames()).toEqual([]);
});

test("a container that is created has limits already; one that has ended or is unfinished, none", async () => {
  const code = (code: string) => expect.objectContaining({ code });
  const change = request({ pids: { limit: 7n } });
  const created = host();
  created.kernel.fifo(`${root}/web/exec.fifo`, true);
  await update(created.deps, change);
  expect(written(created)).toHaveLength(1);
  await expect(update(host(false).deps, change)).rejects.toThrow(code("CONTAINER_NOT_RUNNING"));
  await expect(update(fakeHost().deps, change)).rejects.toThrow(code("CONTAINER_NOT_FOUND"));
  const unfinished = host();
  unfinished.kernel.unlink(`${root}/web/state.json`);
  await expect(update(unfinished.deps, change)).rejects.toThrow(code("CONTAINER_NOT_RUNNING"));
  const bare = fakeHost();
  existing(bare, { cgroup: [] });
  bare.kernel.process(initPid);
  await expect(update(bare.deps, change)).rejects.toThrow("it has no cgroup");
});

test("limits that no kernel has are told of; schemas need a machine that has them", async () => {
  const made = host();
  await update(made.deps, request({ memory: { kernel: 5n } }));
  expect(made.warnings.join()).toContain("memory.kernel");
  for (const schema of [{ l3CacheSchema: "L3:0=f" }, { memBwSchema: "MB:0=20" }]) {
    await expect(update(host().deps, request({ pids: { limit: 7n } }, schema))).rejects.toThrow(
      expect.objectContaining({ code: "HOST_UNSUPPORTED" }),
    );
  }
});
