// SPDX-License-Identifier: Apache-2.0
/** How a container's processes are scheduled, and what they see of time and keys. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { type JsonObject, namespaces, shell } from "../support/bundle.ts";
import { command } from "../support/command.ts";
import { except, needs, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const newer = (version: string) =>
  only("rune", `Debian's runc 1.1.5 ignores it; runc has it since ${version}`);

const process = (fields: JsonObject, script: string): JsonObject => ({
  process: { args: ["/bin/sh", "-c", script], ...fields },
});

/** The default configuration masks /proc/keys. */
const keysVisible: JsonObject = { linux: { maskedPaths: [] } };

/** Fields of /proc/PID/stat as proc_pid_stat(5) counts them, behind the parenthesised name. */
const statField = (number: number) => `cut -d ' ' -f ${number} /proc/self/stat`;

// covers: process.scheduler.policy, process.scheduler.nice
newer("1.2")("the scheduling policy and its parameters", async () => {
  await using sandbox = new Sandbox();
  const batch = { scheduler: { policy: "SCHED_BATCH", nice: 7 } };
  // cut is a child of the shell and inherits both.
  expect(await sandbox.output(process(batch, `${statField(41)}; ${statField(19)}`))).toBe("3\n7");
  const idle = { scheduler: { policy: "SCHED_IDLE" } };
  expect(await sandbox.output(process(idle, statField(41)))).toBe("5");
});

newer("1.2")("an exec'ed process has the policy of its process.json", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const file = `${sandbox.path}/process.json`;
  await Bun.write(
    file,
    JSON.stringify({
      user: { uid: 0, gid: 0 },
      cwd: "/",
      env: ["PATH=/bin"],
      args: ["/bin/sh", "-c", statField(41)],
      scheduler: { policy: "SCHED_BATCH" },
    }),
  );
  expect((await sandbox.must(["exec", "--process", file, id])).stdout.trim()).toBe("3");
});

// covers: process.scheduler.priority
except("crun", "1.8.1 does not read the field")(
  "a priority that the policy does not have is refused",
  async () => {
    await using sandbox = new Sandbox();
    const scheduler = { policy: "SCHED_OTHER", priority: 5 };
    sandbox.configure(process({ scheduler }, "true"));
    const result = await sandbox.call(["run", sandbox.id()]);
    if (sandbox.runtime === "runc") return; // 1.1.5 does not read the field
    expect(result.status).toBe(1);
    expect(result.stderr).toContain("process.scheduler.priority");
  },
);

// covers: process.ioPriority
newer("1.2")("the I/O priority", async () => {
  await using sandbox = new Sandbox();
  const id = sandbox.id();
  const ioPriority = { class: "IOPRIO_CLASS_IDLE", priority: 0 };
  sandbox.configure(process({ ioPriority }, "sleep 1000"));
  await sandbox.must(["run", "--detach", id]);
  const { pid } = await sandbox.state(id);
  expect((await command(["ionice", "-p", String(pid)])).stdout.trim()).toBe("idle");
  // A further process has the container's, unless it brings its own.
  const look = ["exec", id, "sh", "-c", "ionice"];
  expect((await sandbox.must(look)).stdout).toBe("idle\n");
  const file = `${sandbox.path}/process.json`;
  const own = { class: "IOPRIO_CLASS_BE", priority: 4 };
  const ofItsOwn = { cwd: "/", args: ["/bin/sh", "-c", "ionice"], ioPriority: own };
  await Bun.write(file, JSON.stringify(ofItsOwn));
  const { stdout } = await sandbox.must(["exec", "--process", file, id]);
  expect(stdout).toBe("best-effort: prio 4\n");
});

// covers: process.execCPUAffinity.initial, process.execCPUAffinity.final
newer("1.3")("exec enters with one set of CPUs and goes on with another", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(
    process({ execCPUAffinity: { initial: "0", final: "0" } }, "sleep 1000"),
  );
  const list = async (...words: string[]) =>
    (await sandbox.must(["exec", id, ...words])).stdout.trim();
  expect(await list("grep", "Cpus_allowed_list", "/proc/self/status")).toMatch(/\t0$/);
  // The init is not an exec'ed process.
  expect(await list("grep", "Cpus_allowed_list", "/proc/1/status")).not.toMatch(/\t0$/);
});

// covers: linux.memoryPolicy.mode, linux.memoryPolicy.nodes, linux.memoryPolicy.flags
newer("1.4")("the memory policy", async () => {
  await using sandbox = new Sandbox();
  const policy = (memoryPolicy: JsonObject) => ({ linux: { memoryPolicy } });
  const maps = shell("grep -m1 '\\[stack\\]\\|stack' /proc/self/numa_maps");
  const bind = { mode: "MPOL_BIND", nodes: "0" };
  expect(await sandbox.output(maps, policy(bind))).toContain("bind:0");
  const flags = ["MPOL_F_STATIC_NODES"];
  expect(await sandbox.output(maps, policy({ ...bind, flags }))).toContain("bind=static:0");
  sandbox.configure(policy({ mode: "MPOL_BIND" }));
  expect((await sandbox.call(["run", sandbox.id()])).stderr).toContain("linux.memoryPolicy.nodes");
});

for (const [policy, seen] of [
  [{}, "default"],
  [{ mode: "MPOL_DEFAULT" }, "default"],
  [{ mode: "MPOL_LOCAL" }, "local"],
  [{ mode: "MPOL_INTERLEAVE", nodes: "0" }, "interleave:0"],
  [{ mode: "MPOL_WEIGHTED_INTERLEAVE", nodes: "0" }, "weighted"],
  [{ mode: "MPOL_PREFERRED_MANY", nodes: "0" }, "prefer"],
  [{ mode: "MPOL_PREFERRED", nodes: "0", flags: ["MPOL_F_RELATIVE_NODES"] }, "prefer=relative:0"],
] as const) {
  newer("1.4")(`the memory policy ${JSON.stringify(policy)}, of exec too`, async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started({ linux: { memoryPolicy: policy } });
    const script = "head -n 1 /proc/self/numa_maps | cut -d ' ' -f 2";
    const { stdout } = await sandbox.call(["exec", id, "sh", "-c", script]);
    // Weights came with Linux 6.9.
    expect(stdout.trim().startsWith(seen)).toBe(true);
  });
}

for (const policy of [
  { nodes: "0" },
  { mode: "INTERLEAVE", nodes: "0" },
  { mode: "MPOL_PREFERRED", nodes: "0", flags: ["MPOL_F_SIDEWAYS"] },
  { mode: "MPOL_DEFAULT", nodes: "0" },
  { mode: "MPOL_BIND", nodes: "0-9876543210" },
]) {
  newer("1.4")(`the memory policy ${JSON.stringify(policy)} is refused`, async () => {
    await using sandbox = new Sandbox();
    const { status, stderr } = await sandbox.run({ linux: { memoryPolicy: policy } });
    expect([status, stderr]).toEqual([1, expect.stringContaining("config `linux.memoryPolicy.")]);
    await sandbox.expectNothingLeft();
  });
}

test("a profile that forbids personality(2) does not keep the runtime from calling it", async () => {
  await using sandbox = new Sandbox();
  const syscalls = [{ names: ["personality"], action: "SCMP_ACT_ERRNO" }];
  const seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls };
  const linux = { personality: { domain: "LINUX" }, seccomp };
  const id = await sandbox.started({ linux });
  expect((await sandbox.must(["exec", id, "sh", "-c", "uname -m"])).stdout).toBe("x86_64\n");
});

// covers: linux.personality
test("the personality of a 32-bit machine", async () => {
  await using sandbox = new Sandbox();
  const personality = { linux: { personality: { domain: "LINUX32" } } };
  const machine = await sandbox.output(shell("uname -m"), personality);
  expect(machine).toBe(sandbox.runtime === "runc" ? "x86_64" : "i686");
});

// covers: linux.timeOffsets.boottime, linux.timeOffsets.monotonic
newer("1.2")("clocks of a new time namespace", async () => {
  await using sandbox = new Sandbox();
  const boottime = { secs: 864_000_000, nanosecs: 5 };
  const offsets = { linux: { timeOffsets: { boottime, monotonic: { secs: 5 } } } };
  const time = namespaces([], { type: "time" });
  const seconds = await sandbox.output(shell("cut -d. -f1 /proc/uptime"), time, offsets);
  expect(Number(seconds)).toBeGreaterThan(864_000_000);
  // A process of exec is in it, too.
  const id = await sandbox.started(time, offsets);
  const { pid } = await sandbox.state(id);
  expect(readFileSync(`/proc/${pid}/timens_offsets`, "utf8")).toMatch(/monotonic\s+5\s+0\n/);
  const uptime = (await sandbox.must(["exec", id, "cut", "-d.", "-f1", "/proc/uptime"])).stdout;
  expect(Number(uptime)).toBeGreaterThan(864_000_000);
});

newer("1.2")("a time namespace that exists", async () => {
  await using sandbox = new Sandbox();
  const time = namespaces([], { type: "time" });
  const first = await sandbox.started(time, {
    linux: { timeOffsets: { boottime: { secs: 999_999_999 } } },
  });
  const { pid } = await sandbox.state(first);
  const joined = namespaces([], { type: "time", path: `/proc/${pid}/ns/time` });
  const seconds = await sandbox.output(shell("cut -d. -f1 /proc/uptime"), joined);
  expect(Number(seconds)).toBeGreaterThan(999_999_999);
});

// covers: create --no-new-keyring, run --no-new-keyring
except("crun", "1.8.1 names it after the container alone")(
  "a session keyring of the container's own, unless the caller's is to be kept",
  async () => {
    await using sandbox = new Sandbox();
    const id = sandbox.id();
    sandbox.configure(shell("cat /proc/keys"), keysVisible);
    const { stdout } = await sandbox.must(["run", id]);
    expect(stdout).toContain(`_ses.${id}`);
    const kept = sandbox.id();
    expect((await sandbox.must(["run", "--no-new-keyring", kept])).stdout).not.toContain(
      `_ses.${kept}`,
    );
  },
);

except("crun", "1.8.1 names it after the container alone")(
  "exec'ed processes find the same keyring",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started(keysVisible);
    const serial = async () => {
      const { stdout } = await sandbox.must(["exec", id, "grep", `_ses.${id}`, "/proc/keys"]);
      return stdout.split(" ")[0];
    };
    const first = await serial();
    expect(first).toMatch(/^[0-9a-f]+$/);
    expect(await serial()).toBe(first ?? "");
  },
);

// covers: process.apparmorProfile, process.selinuxLabel, linux.mountLabel, exec --apparmor, exec --process-label
except("crun", "1.8.1 names the file that it cannot write")(
  "a label of a module that the host does not have is refused",
  async () => {
    await using sandbox = new Sandbox();
    const labels = [
      [process({ apparmorProfile: "docker-default" }, "true"), /apparmor/i],
      [process({ selinuxLabel: "system_u:system_r:container_t:s0" }, "true"), /selinux/i],
      // runc has the kernel refuse the mount.
      [{ linux: { mountLabel: "system_u:object_r:container_file_t:s0" } }, /selinux|context=/i],
    ] as const;
    for (const [change, message] of labels) {
      sandbox.configure(change);
      const { status, stderr } = await sandbox.call(["run", sandbox.id()]);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(message);
    }
    const id = await sandbox.started();
    for (const [flag, message] of [
      ["--apparmor", /apparmor/i],
      ["--process-label", /selinux/i],
    ] as const) {
      const { status, stderr } = await sandbox.call(["exec", flag, "x", id, "true"]);
      expect(status).toBe(255);
      expect(stderr).toMatch(message);
    }
  },
);

// covers: process.scheduler.flags
newer("1.2")("a priority that children do not inherit", async () => {
  await using sandbox = new Sandbox();
  const flags = ["SCHED_FLAG_RESET_ON_FORK"];
  const scheduler = { policy: "SCHED_BATCH", nice: -3, flags };
  // `read` is the shell's own, `cut` a child of it, as it is not the last command.
  const script = `read -r line </proc/self/stat; set -- $line; shift 18; echo $1; ${statField(19)}; :`;
  expect(await sandbox.output(process({ scheduler }, script))).toBe("-3\n0"); // sched(7)
  const inherited = { scheduler: { policy: "SCHED_BATCH", nice: -3 } };
  expect(await sandbox.output(process(inherited, script))).toBe("-3\n-3");
});

// covers: process.scheduler.runtime, process.scheduler.deadline, process.scheduler.period
newer("1.2")("a deadline, in nanoseconds", async () => {
  await using sandbox = new Sandbox();
  const times = { runtime: 10_000_000, deadline: 20_000_000, period: 30_000_000 };
  const flags = ["SCHED_FLAG_RESET_ON_FORK"];
  // A process of this policy may not narrow its CPUs, and its children would need it, too.
  sandbox.configure({
    process: {
      args: ["/bin/cat", "/proc/self/sched"],
      scheduler: { policy: "SCHED_DEADLINE", flags, ...times },
    },
  });
  const { status, stdout, stderr } = await sandbox.call(["run", sandbox.id()]);
  // The kernel admits it where no cgroup gives the CPUs to somebody else.
  if (status === 0) expect(stdout).toMatch(/policy\s*:\s*6/);
  else expect(stderr).toContain("set scheduling policy 6");
});

const onTwo = availableParallelism() < 2 ? needs("needs a second CPU") : newer("1.2");

// covers: process.scheduler.policy, linux.resources.cpu.cpus
onTwo("a deadline and a choice of CPUs exclude each other, and the error says so", async () => {
  await using sandbox = new Sandbox();
  const scheduler = { policy: "SCHED_DEADLINE", runtime: 42e3, deadline: 1e6, period: 1e6 };
  const result = await sandbox.run(process({ scheduler }, "true"), {
    linux: { resources: { cpu: { cpus: "0" } } },
  });
  expect(result.status).toBe(1);
  expect(result.stderr).toContain("linux.resources.cpu.cpus");
  await sandbox.expectNothingLeft();
});
