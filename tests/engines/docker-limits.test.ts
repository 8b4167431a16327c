// SPDX-License-Identifier: Apache-2.0
/** What a container of dockerd may use: set, changed, and seen while it runs. */
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { eventually } from "../support/command.ts";
import { Docker } from "../support/engines/docker.ts";
import { dockerObstacle, shared } from "../support/engines/shared.ts";
import { needs } from "../support/runtime.ts";

const v1 = existsSync("/sys/fs/cgroup/memory");
const test = needs(dockerObstacle ?? (v1 ? undefined : "reads the files of cgroup version 1"));
const engine = shared(() => Docker.start());

/** A file of a container's cgroup, as the host sees it. */
function limit(docker: Docker, id: string, controller: string, file: string): string {
  const path = `/sys/fs/cgroup/${controller}/${docker.host.mark}/${id}/${file}`;
  return readFileSync(path, "utf8").trim();
}

function limits(docker: Docker, id: string) {
  return {
    memory: limit(docker, id, "memory", "memory.limit_in_bytes"),
    swap: limit(docker, id, "memory", "memory.memsw.limit_in_bytes"),
    quota: limit(docker, id, "cpu", "cpu.cfs_quota_us"),
    shares: limit(docker, id, "cpu", "cpu.shares"),
    cpus: limit(docker, id, "cpuset", "cpuset.cpus"),
    pids: limit(docker, id, "pids", "pids.max"),
  };
}

test("-m, --cpus, --cpu-shares, --cpuset-cpus and --pids-limit hold; update changes them", async () => {
  const docker = await engine();
  const flags = ["-m", "64m", "--memory-swap", "96m", "--cpus", "0.5", "--cpu-shares", "300"];
  const id = await docker.background([...flags, "--cpuset-cpus", "0", "--pids-limit", "20"]);
  const before = { memory: "67108864", swap: "100663296", quota: "50000", shares: "300" };
  expect(limits(docker, id)).toEqual({ ...before, cpus: "0", pids: "20" });
  expect(await docker.inContainer(id, "grep Cpus_allowed_list /proc/self/status")).toEndWith("\t0");
  const script = "for i in $(seq 30); do sleep 30 & done; wait";
  const many = await docker.call(["exec", id, "timeout", "-s", "KILL", "3", "sh", "-c", script]);
  expect(many.stderr).toContain("can't fork: Resource temporarily unavailable");

  const larger = ["-m", "128m", "--memory-swap", "256m", "--cpus", "0.25", "--cpu-shares", "700"];
  await docker.must(["update", ...larger, "--pids-limit", "50", "--cpuset-cpus", "0-1", id]);
  const after = { memory: "134217728", swap: "268435456", quota: "25000", shares: "700" };
  expect(limits(docker, id)).toEqual({ ...after, cpus: "0-1", pids: "50" });
  await docker.must(["rm", "--force", id]);
});

test("stats and top show what runs in a container", async () => {
  const docker = await engine();
  const id = await docker.background(["-m", "64m"], "sleep 1001 & sleep 1002 & wait");
  await eventually("all three run", () => {
    return limit(docker, id, "pids", "cgroup.procs").split("\n").length === 3;
  });
  const format = "{{.PIDs}} {{.MemUsage}} {{.CPUPerc}} {{.BlockIO}}";
  const stats = await docker.must(["stats", "--no-stream", "--format", format, id]);
  expect(stats).toMatch(/^3 [1-9][\d.]*[KM]iB \/ 64MiB [\d.]+% [\d.]+k?M?B \/ [\d.]+k?M?B$/);
  const top = await docker.must(["top", id, "-o", "pid,args"]);
  expect(top).toMatch(/^PID +COMMAND\n/);
  const commands = top
    .split("\n")
    .slice(1)
    .map((line) => line.trim().replace(/^\d+ +/, ""));
  expect(commands.sort()).toEqual([
    "sh -c sleep 1001 & sleep 1002 & wait",
    "sleep 1001",
    "sleep 1002",
  ]);
  await docker.must(["rm", "--force", id]);
});
