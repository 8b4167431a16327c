// SPDX-License-Identifier: Apache-2.0
/** The runtime as an ordinary user: with one id and with ranges, and what it refuses then. */
import { expect } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Json, JsonObject } from "../support/bundle.ts";
import { command } from "../support/command.ts";
import { person, RootlessSandbox, test, testWithTools } from "../support/rootless.ts";
import { runtimeName } from "../support/runtime.ts";

const { first, count } = person.subordinate;
const ranges: JsonObject = {
  uidMappings: [
    { containerID: 0, hostID: person.uid, size: 1 },
    { containerID: 1, hostID: first, size: 1000 },
    { containerID: 2000, hostID: first + 2000, size: count - 2000 },
  ],
  gidMappings: [
    { containerID: 0, hostID: person.gid, size: 1 },
    { containerID: 1, hostID: first, size: 5000 },
  ],
};

/** The configuration that `spec --rootless` writes, with a program and changes. */
async function configure(
  sandbox: RootlessSandbox,
  script: string,
  change: JsonObject = {},
): Promise<void> {
  const path = join(sandbox.bundle.path, "config.json");
  await command(["rm", "-f", path]);
  await sandbox.must(["spec", "--rootless"]);
  const config = JSON.parse(readFileSync(path, "utf8"));
  config.process.terminal = false;
  config.process.args = ["/bin/sh", "-c", script];
  config.root.readonly = false;
  config.process = { ...config.process, ...(change["process"] as object | undefined) };
  config.linux = { ...config.linux, ...(change["linux"] as object | undefined) };
  const mounts = (change["mounts"] ?? []) as Json[];
  config.mounts.push(...mounts);
  await command(["rm", path]); // the user's; the one that is written now is root's
  sandbox.configureExactly(config);
}

async function output(
  sandbox: RootlessSandbox,
  script: string,
  change: JsonObject = {},
): Promise<string> {
  await configure(sandbox, script, change);
  return (await sandbox.must(["run", sandbox.id()])).stdout.trimEnd();
}

async function refusal(
  sandbox: RootlessSandbox,
  change: JsonObject,
  words: readonly string[] = [],
): Promise<string> {
  await configure(sandbox, "true", change);
  const { status, stderr } = await sandbox.call([...words, "run", sandbox.id()]);
  expect(status).toBe(1);
  await sandbox.expectNothingLeft();
  return stderr;
}

const lines = (text: string) => text.split("\n").map((line) => line.trim().replace(/ +/g, " "));

// covers: spec --rootless
test("what `spec --rootless` writes runs as it is, with a terminal", async () => {
  await using sandbox = new RootlessSandbox();
  await sandbox.must(["spec", "--rootless"]);
  const run = sandbox.argv("run", sandbox.id()).map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const script = ["script", "-qefc", run.join(" "), "/dev/null"];
  const { status, stdout } = await command(script, {
    cwd: sandbox.bundle.path,
    stdin: "tty; id -u; exit 7\n",
  });
  expect({ status, stdout }).toMatchObject({ status: 7 });
  expect(stdout).toContain("/dev/pts/0");
});

// covers: linux.uidMappings, linux.gidMappings
test("the container's root is the user, with one id and no further groups", async () => {
  await using sandbox = new RootlessSandbox();
  const text = await output(
    sandbox,
    "id -u; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; touch /made",
  );
  expect(lines(text)).toEqual(["0", `0 ${person.uid} 1`, `0 ${person.gid} 1`, "deny"]);
  const { uid, gid } = statSync(join(sandbox.bundle.rootfs, "made"));
  expect([uid, gid]).toEqual([person.uid, person.gid]);
});

test("the whole life: create, start, exec, list, state, kill, delete", async () => {
  await using sandbox = new RootlessSandbox();
  await configure(sandbox, "exec sleep 1000");
  const id = sandbox.id();
  await sandbox.must(["create", id]);
  expect((await sandbox.state(id)).status).toBe("created");
  await sandbox.must(["start", id]);
  await sandbox.reaches(id, "running");
  const inside = await sandbox.must(["exec", id, "/bin/sh", "-c", "id -u; hostname"]);
  expect(inside.stdout).toBe(`0\n${runtimeName}\n`);
  expect((await sandbox.must(["list", "--quiet"])).stdout).toBe(`${id}\n`);
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
});

test("state is in the user's runtime directory, which cleaners spare", async () => {
  await using sandbox = new RootlessSandbox();
  await configure(sandbox, "exec sleep 1000");
  await sandbox.must(["create", sandbox.id()]);
  const { mode, uid } = statSync(sandbox.stateRoot);
  expect([mode & 0o7777, uid]).toEqual([0o1700, person.uid]);
});

test("devices are the host's, and none can be made", async () => {
  await using sandbox = new RootlessSandbox();
  const text = await output(
    sandbox,
    "echo x > /dev/null; stat -c '%u %t:%T' /dev/null; mknod /tmp/null c 1 3 2>&1 || true",
  );
  expect(lines(text)).toEqual(["65534 1:3", "mknod: /tmp/null: Operation not permitted"]);
});

testWithTools("ranges of ids are mapped by newuidmap and newgidmap", async () => {
  await using sandbox = new RootlessSandbox();
  // runc 1.1 sets no further groups for an ordinary user, whoever mapped them.
  const additionalGids = runtimeName === "runc" ? [] : [4, 4999];
  const user = { uid: 2500, gid: 3, additionalGids };
  const text = await output(sandbox, "id -u; id -G; cat /proc/self/uid_map /proc/self/gid_map", {
    process: { user },
    linux: ranges,
  });
  expect(lines(text)).toEqual([
    ...["2500", [3, ...additionalGids].join(" ")],
    ...[`0 ${person.uid} 1`, `1 ${first} 1000`, `2000 ${first + 2000} ${count - 2000}`],
    ...[`0 ${person.gid} 1`, `1 ${first} 5000`],
  ]);
});

testWithTools("further processes of a container with ranges, as any of its users", async () => {
  await using sandbox = new RootlessSandbox();
  await configure(sandbox, "exec sleep 1000", { linux: ranges });
  const id = sandbox.id();
  await sandbox.must(["run", "--detach", id]);
  const { stdout } = await sandbox.must(["exec", "--user", "7:8", id, "/bin/id"]);
  expect(stdout).toStartWith("uid=7 gid=8");
  await sandbox.must(["kill", id, "KILL"]);
});

testWithTools("ids that are not the user's are refused by newuidmap", async () => {
  await using sandbox = new RootlessSandbox();
  const uidMappings = [
    { containerID: 0, hostID: person.uid, size: 1 },
    { containerID: 1, hostID: first - 1, size: 2 },
  ];
  const text = await refusal(sandbox, { linux: { ...ranges, uidMappings } });
  expect(text).toMatch(/newuidmap|mapping tool/);
});

test("without newuidmap, ranges are refused with the way out", async () => {
  await using sandbox = new RootlessSandbox();
  await configure(sandbox, "true", { linux: ranges });
  const empty = "PATH=/nowhere";
  const program = sandbox.argv().at(-1) ?? "";
  const call = sandbox.as([program, "run", sandbox.id()], empty);
  // `env` itself is found before it sets PATH, and the runtime by its whole path.
  const { status, stderr } = await command(call, { cwd: sandbox.bundle.path });
  expect(status).toBe(1);
  expect(stderr).toMatch(/newuidmap|mapping tool/);
  if (runtimeName === "rune") expect(stderr).toContain("HOST_UNSUPPORTED");
  await sandbox.expectNothingLeft();
});

test("an id that is not mapped is refused", async () => {
  await using sandbox = new RootlessSandbox();
  const text = await refusal(sandbox, { process: { user: { uid: 5, gid: 0 } } });
  if (runtimeName === "rune") expect(text).toContain("`process.user.uid`: 5 is not mapped");
});

test("further groups cannot be set with one mapped id", async () => {
  await using sandbox = new RootlessSandbox();
  const user = { uid: 0, gid: 0, additionalGids: [0] };
  const text = await refusal(sandbox, { process: { user } });
  if (runtimeName === "rune") expect(text).toContain("process.user.additionalGids");
});

test("a container without a user namespace needs root", async () => {
  await using sandbox = new RootlessSandbox();
  const namespaces = ["pid", "ipc", "uts", "mount"].map((type) => ({ type }));
  const none = { namespaces, uidMappings: [], gidMappings: [] };
  const text = await refusal(sandbox, { linux: none });
  if (runtimeName === "rune") expect(text).toContain("rune spec --rootless");
});

test("limits and a cgroup by name need a cgroup that the user may make", async () => {
  await using sandbox = new RootlessSandbox();
  const limited = await refusal(sandbox, { linux: { resources: { pids: { limit: 10 } } } });
  const named = await refusal(sandbox, { linux: { cgroupsPath: `/${sandbox.mark}` } });
  if (runtimeName === "rune") {
    expect(limited).toContain("`linux.resources` has limits");
    expect(named).toContain("`linux.cgroupsPath` names it");
  }
});

// covers: --rootless
test("--rootless=false makes a cgroup that cannot be made an error", async () => {
  await using sandbox = new RootlessSandbox();
  const text = await refusal(sandbox, {}, ["--rootless=false"]);
  expect(text).toContain("permission denied");
});

test("a process may be made more likely to be killed, not less", async () => {
  await using sandbox = new RootlessSandbox();
  const script = "cat /proc/self/oom_score_adj";
  const base = { args: ["/bin/sh", "-c", script], user: { uid: 0, gid: 0 } };
  expect(await output(sandbox, script, { process: { ...base, oomScoreAdj: 500 } })).toBe("500");
  const text = await refusal(sandbox, { process: { ...base, oomScoreAdj: -500 } });
  expect(text).toMatch(/permission denied/i);
});

test("a root file system of somebody else's is explained", async () => {
  await using sandbox = new RootlessSandbox();
  await command(["chmod", "700", sandbox.bundle.rootfs]);
  await command(["chown", "0:0", sandbox.bundle.rootfs]);
  const text = await refusal(sandbox, {});
  expect(text).toContain("permission denied");
  if (runtimeName === "rune") expect(text).toContain(`user ${person.uid} of the host`);
});

test("sysfs and mqueue of the host's namespaces are the host's", async () => {
  await using sandbox = new RootlessSandbox({ runtime: "rune" });
  const mounts = [
    {
      destination: "/sys",
      type: "sysfs",
      source: "sysfs",
      options: ["nosuid", "noexec", "nodev", "ro"],
    },
  ];
  const types = ["pid", "uts", "mount", "user", ...(existsSync("/dev/mqueue") ? [] : ["ipc"])];
  const namespaces = types.map((type) => ({ type }));
  const text = await output(
    sandbox,
    "ls /sys | grep -x kernel; touch /sys/x 2>/dev/null || echo ro",
    {
      linux: { namespaces },
      mounts,
    },
  );
  expect(text).toBe("kernel\nro");
});

// runc 1.1 cannot without a mount namespace of that user namespace's own.
for (const more of runtimeName === "runc" ? [["--mount"]] : [["--mount"], []]) {
  test(`root of a user namespace runs containers as the user does ${more.join("")}`, async () => {
    await using sandbox = new RootlessSandbox();
    const ids = { containerID: 0, hostID: 0, size: 1 }; // of the namespace that is around it
    await configure(sandbox, "id -u; cat /proc/self/uid_map", {
      linux: { uidMappings: [ids], gidMappings: [ids] },
    });
    const binary = sandbox.argv().at(-1) ?? "";
    const nested = ["unshare", "--user", "--map-root-user", ...more, "env", "USER=runetest"];
    const words = sandbox.as([...nested, binary, "run", sandbox.id()]);
    const result = await command(words, { cwd: sandbox.bundle.path });
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(lines(result.stdout.trim())).toEqual(["0", "0 0 1"]);
  });
}

test("a process in the container's terminal", async () => {
  await using sandbox = new RootlessSandbox();
  await configure(sandbox, "exec sleep 1000");
  const id = sandbox.id();
  await sandbox.must(["run", "--detach", id]);
  const words = sandbox.argv("exec", "--tty", id, "/bin/tty");
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const { status, stdout } = await command(["script", "-qefc", quoted, "/dev/null"]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining("/dev/pts/0") });
  await sandbox.must(["kill", id, "KILL"]);
});
