// SPDX-License-Identifier: Apache-2.0
/** Where a container's cgroup is, its limits, and that it goes with the container. */
import { expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { defaultNamespaces, type JsonObject, moreMounts, shell } from "../support/bundle.ts";
import { cgroups } from "../support/leftovers.ts";
import { except, needs, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** Mount point and own path of a version 1 controller; undefined where version 2 has it. */
function hierarchy(controller: string): { readonly top: string; readonly own: string } | undefined {
  const line = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .find((text) => text.includes(" - cgroup ") && text.split(/[ ,]/).includes(controller));
  const own = readFileSync("/proc/self/cgroup", "utf8")
    .split("\n")
    .find((text) => text.split(":")[1]?.split(",").includes(controller));
  if (line === undefined || own === undefined) return undefined;
  return {
    top: line.split(" ")[4] ?? "",
    own: own.split(":").slice(2).join(":").replace(/\/$/, ""),
  };
}

const pids = hierarchy("pids");
const memory = hierarchy("memory");
const v1 = needs(
  pids === undefined || memory === undefined
    ? "needs the cgroup v1 controllers pids and memory"
    : undefined,
);

const cgroupsPath = (path: string): JsonObject => ({ linux: { cgroupsPath: path } });
const resources = (value: JsonObject): JsonObject => ({ linux: { resources: value } });

function pathsOf(pid: number): Map<string, string> {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [, controllers = "", ...path] = line.split(":");
      return [controllers, path.join(":")] as const;
    }),
  );
}

// covers: linux.cgroupsPath
except("crun", "1.8.1 leaves directories of the systemd hierarchy")(
  "an absolute path is taken from the root of every hierarchy",
  async () => {
    await using sandbox = new Sandbox();
    const path = `/${sandbox.mark}/below/it`;
    const { pid } = await sandbox.state(await sandbox.started(cgroupsPath(path)));
    for (const found of pathsOf(pid).values()) expect(found).toBe(path);
    await removeParents(sandbox, `${sandbox.mark}/below`, sandbox.mark);
  },
);

except(
  "crun",
  "1.8.1 takes it from the root of the hierarchy",
  v1,
)("a relative path is taken from the caller's own cgroup", async () => {
  await using sandbox = new Sandbox();
  const { pid } = await sandbox.state(await sandbox.started(cgroupsPath(sandbox.mark)));
  expect(pathsOf(pid).get("memory")).toBe(`${memory?.own}/${sandbox.mark}`);
});

except(
  "crun",
  "1.8.1 takes it from the root of the hierarchy",
  v1,
)("without a path it is named after the container", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const { pid } = await sandbox.state(id);
  expect(pathsOf(pid).get("memory")).toBe(`${memory?.own}/${id}`);
});

test("a path cannot leave the hierarchy", async () => {
  await using sandbox = new Sandbox();
  const { status } = await sandbox.run(cgroupsPath(`/../../../${sandbox.mark}`));
  if (status !== 0) expect(runtimeName).not.toBe("runc"); // which takes ".." away
  await sandbox.expectNothingLeft();
});

const refuses = runtimeName === "rune" ? v1 : only("rune", "1.1.5 warns and goes on");

refuses("a cgroup with processes is refused, and left alone", async () => {
  await using sandbox = new Sandbox();
  const holder = await sandbox.started(cgroupsPath(`/${sandbox.mark}-taken`));
  const { pid } = await sandbox.state(holder);
  sandbox.configure(cgroupsPath(`/${sandbox.mark}-taken`));
  const { status } = await sandbox.call(["run", sandbox.id()]);
  expect(status).toBe(1);
  expect((await sandbox.state(holder)).status).toBe("running");
  expect(pathsOf(pid).get("pids")).toBe(`/${sandbox.mark}-taken`);
});

v1("an empty cgroup that exists is used", async () => {
  await using sandbox = new Sandbox();
  const path = join(pids?.top ?? "", `${sandbox.mark}-prepared`);
  mkdirSync(path);
  expect((await sandbox.run(cgroupsPath(`/${basename(path)}`))).status).toBe(0);
  await sandbox.expectNothingLeft();
});

v1("a cgroup that the container was only moved to stays", async () => {
  await using sandbox = new Sandbox();
  const other = join(pids?.top ?? "", `${sandbox.mark}-of-others`);
  mkdirSync(other);
  const id = await sandbox.created(cgroupsPath(`/${sandbox.mark}-own`));
  const { pid } = await sandbox.state(id);
  writeFileSync(join(other, "cgroup.procs"), String(pid));
  await sandbox.must(["start", id]);
  expect(pathsOf(pid).get("pids")).toBe(`/${basename(other)}`);
  await sandbox.must(["delete", "--force", id]);
  expect(existsSync(other)).toBe(true);
  expect(existsSync(join(pids?.top ?? "", `${sandbox.mark}-own`))).toBe(false);
  rmdirSync(other);
  await sandbox.expectNothingLeft();
});

// covers: linux.resources.pids.limit
v1("the pids limit is set, and bounds a fork bomb", async () => {
  await using sandbox = new Sandbox();
  const path = `/${sandbox.mark}-limited`;
  const id = await sandbox.started(
    resources({ pids: { limit: 20 } }),
    cgroupsPath(path),
    shell("bomb() { bomb | bomb & }; bomb 2>/dev/null; exec sleep 1000"),
  );
  const directory = join(pids?.top ?? "", path);
  expect(readFileSync(join(directory, "pids.max"), "utf8")).toBe("20\n");
  await Bun.sleep(300);
  const running = readFileSync(join(directory, "cgroup.procs"), "utf8").trim().split("\n");
  expect(running.length).toBeLessThanOrEqual(20);
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
});

// covers: linux.resources.memory.limit, linux.resources.memory.reservation,
//   linux.resources.memory.swappiness
v1("memory limits are set", async () => {
  await using sandbox = new Sandbox();
  const path = `/${sandbox.mark}-limited`;
  const limits = { limit: 33554432, reservation: 16777216, swappiness: 10 };
  await sandbox.started(resources({ memory: limits }), cgroupsPath(path));
  const read = (name: string) => readFileSync(join(memory?.top ?? "", path, name), "utf8").trim();
  expect(read("memory.limit_in_bytes")).toBe("33554432");
  expect(read("memory.soft_limit_in_bytes")).toBe("16777216");
  expect(read("memory.swappiness")).toBe("10");
});

// covers: linux.resources.memory.swap
v1("a container that exceeds its memory is killed", async () => {
  await using sandbox = new Sandbox();
  const { status } = await sandbox.run(
    resources({ memory: { limit: 16777216, swap: 16777216 } }),
    moreMounts({ destination: "/fill", type: "tmpfs", source: "tmpfs", options: ["size=64m"] }),
    { process: { args: ["/bin/dd", "if=/dev/zero", "of=/fill/file", "bs=1M", "count=60"] } },
  );
  expect(status).toBe(137);
  await sandbox.expectNothingLeft();
});

// covers: linux.resources.cpu.shares, linux.resources.cpu.quota, linux.resources.cpu.period
v1("cpu limits are set", async () => {
  await using sandbox = new Sandbox();
  const cpu = hierarchy("cpu");
  const path = `/${sandbox.mark}-limited`;
  const limits = { shares: 512, quota: 50000, period: 100000 };
  await sandbox.started(resources({ cpu: limits }), cgroupsPath(path));
  const read = (name: string) => readFileSync(join(cpu?.top ?? "", path, name), "utf8").trim();
  expect(read("cpu.shares")).toBe("512");
  expect(read("cpu.cfs_quota_us")).toBe("50000");
  expect(read("cpu.cfs_period_us")).toBe("100000");
});

except(
  "crun",
  "1.8.1 leaves its cgroups",
  v1,
)("a limit that the kernel refuses fails, and leaves nothing", async () => {
  await using sandbox = new Sandbox();
  expect((await sandbox.run(resources({ cpu: { cpus: "4000-5000" } }))).status).toBe(1);
  await sandbox.expectNothingLeft();
});

v1("cgroups that a container makes below its own go with it", async () => {
  await using sandbox = new Sandbox();
  const below: JsonObject[] = [
    { linux: { namespaces: [...defaultNamespaces, "cgroup"].map((type) => ({ type })) } },
    moreMounts({ destination: "/cgroup", type: "cgroup", source: "cgroup", options: ["rw"] }),
  ];
  const nest =
    "mkdir -p /cgroup/pids/one/two /cgroup/pids/other /cgroup/memory/one && " +
    "echo $$ >/cgroup/pids/one/two/cgroup.procs";
  expect((await sandbox.run(...below, shell(nest))).status).toBe(0);
  await sandbox.expectNothingLeft();
  sandbox.configure(...below, shell(`${nest}; exec sleep 1000`));
  const id = sandbox.id();
  await sandbox.must(["run", "--detach", id]);
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
});

v1("cgroups as deep as a container makes them go with it", async () => {
  await using sandbox = new Sandbox();
  const nest = "cd /cgroup/pids; i=0; while [ $i -lt 300 ]; do mkdir d && cd d; i=$((i+1)); done";
  const { status } = await sandbox.run(
    { linux: { namespaces: [...defaultNamespaces, "cgroup"].map((type) => ({ type })) } },
    moreMounts({ destination: "/cgroup", type: "cgroup", source: "cgroup", options: ["rw"] }),
    shell(nest),
  );
  expect(status).toBe(0);
  await sandbox.expectNothingLeft();
});

except(
  "crun",
  "1.8.1 waits for them",
  v1,
)("processes in cgroups below end with a container that shares the host's pids", async () => {
  await using sandbox = new Sandbox();
  const { status } = await sandbox.run(
    { linux: { namespaces: ["ipc", "uts", "mount", "cgroup"].map((type) => ({ type })) } },
    moreMounts({ destination: "/cgroup", type: "cgroup", source: "cgroup", options: ["rw"] }),
    shell(
      "mkdir /cgroup/pids/a /cgroup/pids/b; for d in a b; do sleep 1000 & " +
        "echo $! >/cgroup/pids/$d/cgroup.procs; done; exit 5",
    ),
  );
  expect(status).toBe(5);
  await sandbox.expectNothingLeft();
});

/** Directories above the container's cgroup stay, as with every runtime; they are the test's. */
async function removeParents(sandbox: Sandbox, ...paths: readonly string[]): Promise<void> {
  for (const id of sandbox.containers()) await sandbox.must(["delete", "--force", id]);
  const tops = new Set(
    cgroups(sandbox.mark).map((line) => line.split(" ")[1]?.split(`/${sandbox.mark}`)[0] ?? ""),
  );
  for (const top of tops) for (const path of paths) rmdirSync(join(top, path));
}
