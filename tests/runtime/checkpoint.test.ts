// SPDX-License-Identifier: Apache-2.0
/** checkpoint and restore through criu. With RUNTIME=runc the same tests, on images that runc has made. */
import { expect } from "bun:test";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../support/bundle.ts";
import { CriuSandbox, criuObstacle, environment, onlyRune, test, until } from "../support/criu.ts";
import { Counter, counting } from "../support/criu-counter.ts";
import { guestName } from "../support/guest.ts";
import { probe } from "../support/probe.ts";
import { needs, runtimeName } from "../support/runtime.ts";

// covers: checkpoint, restore, checkpoint --image-path, checkpoint --work-path, restore --image-path, restore --work-path
// covers: restore --bundle, restore --detach, restore --pid-file
test("a container goes on where its checkpoint was made, and is one like any other", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs(counting);
  const counter = new Counter(sandbox);
  await counter.passes(3);
  await sandbox.checkpoint(id);
  const before = counter.value;
  await sandbox.expectNothingLeft();
  expect(existsSync(join(sandbox.images, "descriptors.json"))).toBe(true);
  expect(existsSync(join(sandbox.work, "dump.log"))).toBe(true);
  const pidFile = join(sandbox.path, "pid");
  await sandbox.restore(id, "--bundle", sandbox.bundle.path, "--pid-file", pidFile);
  await counter.passes(before);
  const { pid, status, bundle } = await sandbox.state(id);
  expect([status, bundle]).toEqual(["running", sandbox.bundle.path]);
  expect(readFileSync(pidFile, "utf8")).toBe(String(pid));
  expect((await sandbox.must(["exec", id, "cat", "/proc/1/comm"])).stdout).toBe("sh\n");
  expect((await sandbox.must(["ps", "-f", "json", id])).stdout).toContain(String(pid));
  await sandbox.must(["pause", id]);
  await sandbox.must(["resume", id]);
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
});

// On a version 2 host runc 1.1.5 has criu make the cgroup of the first name again, and leaves it there.
const keepsNames = runtimeName === "runc" && guestName !== undefined;
const elsewhere = needs(criuObstacle ?? (keepsNames ? "runc leaves a cgroup behind" : undefined));

elsewhere(
  "a restored container can be checkpointed again, and restored under another name",
  async () => {
    await using sandbox = new CriuSandbox();
    const id = await sandbox.runs(counting);
    const counter = new Counter(sandbox);
    await counter.passes(3);
    await sandbox.checkpoint(id);
    await sandbox.restore(id);
    await counter.passes(counter.value);
    rmSync(sandbox.images, { recursive: true });
    await sandbox.checkpoint(id);
    const other = sandbox.id();
    await sandbox.restore(other);
    await counter.passes(counter.value);
    const { pid, status } = await sandbox.state(other);
    expect(status).toBe("running");
    expect((await sandbox.must(["ps", "-f", "json", other])).stdout).toContain(String(pid));
  },
);

// covers: checkpoint --leave-running
test("with --leave-running a container goes on, and its images are of a moment before", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs(counting);
  const counter = new Counter(sandbox);
  await counter.passes(3);
  await sandbox.checkpoint(id, "--leave-running");
  expect((await sandbox.state(id)).status).toBe("running");
  await counter.passes(counter.value + 20);
  const later = counter.value;
  await sandbox.must(["delete", "--force", id]);
  writeFileSync(join(sandbox.bundle.rootfs, "tmp/count"), "0");
  await sandbox.restore(id);
  await counter.passes(0);
  expect(counter.value).toBeLessThan(later);
});

test("a paused container stays paused while it is written down", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs(counting);
  const counter = new Counter(sandbox);
  await counter.passes(3);
  await sandbox.must(["pause", id]);
  await sandbox.checkpoint(id, "--leave-running");
  expect((await sandbox.state(id)).status).toBe("paused");
  await sandbox.must(["resume", id]);
  await counter.passes(counter.value);
});

// covers: restore --no-subreaper
for (const words of [[], ["--no-subreaper"]]) {
  test(`restore ${words.join("")} in the foreground passes signals on, waits and cleans up`, async () => {
    await using sandbox = new CriuSandbox();
    const script = "trap 'exit 7' TERM; while :; do echo tick; sleep 0.02; done";
    sandbox.configure(shell(script));
    const id = sandbox.id();
    const first = join(sandbox.path, "first");
    // Through pipes: their other ends are outside, and others take their place on restore.
    const piped = (file: string, ...call: string[]) => [
      ...["sh", "-c", 'out=$1; shift; { "$@" 2>&1; echo $? >"$out.status"; } | cat >"$out"', "sh"],
      ...[file, ...sandbox.argv(...call)],
    ];
    const start = Bun.spawn(piped(first, "run", "--detach", id), quiet(sandbox));
    await until(() => existsSync(first) && readFileSync(first, "utf8") !== "");
    await sandbox.checkpoint(id);
    await start.exited;
    const second = join(sandbox.path, "second");
    const restored = Bun.spawn(
      piped(second, "restore", ...sandbox.paths, ...words, id),
      quiet(sandbox),
    );
    await until(() => existsSync(second) && readFileSync(second, "utf8").includes("tick"));
    await sandbox.must(["kill", id, "TERM"]);
    await restored.exited;
    expect(readFileSync(`${second}.status`, "utf8")).toBe("7\n");
    await sandbox.expectNothingLeft();
  });
}

function quiet({ bundle }: CriuSandbox) {
  const stdio = { stdin: "ignore", stdout: "ignore", stderr: "inherit" } as const;
  return { cwd: bundle.path, env: environment, ...stdio };
}

test("what cannot be checkpointed is refused, and goes on", async () => {
  await using sandbox = new CriuSandbox();
  const refused = async (id: string, reason: RegExp) => {
    const { status, stderr } = await sandbox.call(["checkpoint", ...sandbox.paths, id]);
    expect([status, stderr]).toEqual([1, expect.stringMatching(reason)]);
  };
  await refused(sandbox.id(), /does not exist/);
  const id = await sandbox.created();
  await refused(id, /created/);
  await sandbox.must(["start", id]);
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await refused(id, /stopped/);
});

// covers: checkpoint --file-locks, restore --file-locks
const compiling = needs(criuObstacle ?? (guestName && "guests have no compiler"));
compiling("a file lock is in the way, unless --file-locks", async () => {
  await using sandbox = new CriuSandbox();
  const { rootfs } = sandbox.bundle;
  copyFileSync(await probe(), join(rootfs, "bin/probe"));
  const id = await sandbox.runs({ process: { args: ["/bin/probe", "lock", "/tmp/lock"] } });
  const file = join(rootfs, "tmp/lock");
  await until(() => existsSync(file) && readFileSync(file, "utf8") !== "");
  expect((await sandbox.call(["checkpoint", ...sandbox.paths, id])).status).toBe(1);
  expect((await sandbox.state(id)).status).toBe("running");
  await sandbox.checkpoint(id, "--file-locks");
  await sandbox.restore(id, "--file-locks");
  const again = await sandbox.call(["exec", id, "/bin/probe", "lock", "/tmp/lock"]);
  expect(again.status).toBe(94); // somebody holds it
});

// covers: restore --console-socket
compiling("a terminal is sent over the console socket again", async () => {
  await using sandbox = new CriuSandbox();
  const script = "echo first; read line; echo read $line; read line; echo again $line; sleep 1000";
  sandbox.configure(shell(script), { process: { terminal: true } });
  const [one, two] = [join(sandbox.path, "one"), join(sandbox.path, "two")];
  const listen = async (socket: string) => {
    const stdio = { stdin: "pipe", stdout: "pipe", stderr: "ignore" } as const;
    const child = Bun.spawn([await probe(), "console", socket], stdio);
    await until(() => existsSync(socket));
    return child;
  };
  const id = sandbox.id();
  const before = await listen(one);
  expect(await sandbox.silently("run", "--detach", "--console-socket", one, id)).toBe(0);
  before.stdin.write("typed\n");
  before.stdin.flush();
  expect(await shown(before.stdout, "read typed")).toContain("first");
  await sandbox.checkpoint(id);
  before.kill();
  const after = await listen(two);
  await sandbox.restore(id, "--console-socket", two);
  after.stdin.write("more\n");
  after.stdin.flush();
  await shown(after.stdout, "again more");
  await sandbox.must(["delete", "--force", id]);
  after.kill();
  await Promise.all([before.exited, after.exited]);
});

compiling("the caller's terminal is that of a container restored in the foreground", async () => {
  await using sandbox = new CriuSandbox();
  const script = "while read line; do echo got $line; test $line != end || exit 9; done";
  sandbox.configure(shell(script), { process: { terminal: true } });
  const id = sandbox.id();
  const onTerminal = async (...words: string[]) => {
    const argv = [await probe(), "pty", "24", "80", ...sandbox.argv(...words)];
    const stdio = { stdin: "pipe", stdout: "pipe", stderr: "ignore" } as const;
    return Bun.spawn(argv, { cwd: sandbox.bundle.path, env: environment, ...stdio });
  };
  const first = await onTerminal("run", id);
  first.stdin.write("one\n");
  first.stdin.flush();
  await shown(first.stdout, "got one");
  await sandbox.checkpoint(id);
  expect(await first.exited).toBe(137); // criu has ended what it has written down
  const second = await onTerminal("restore", ...sandbox.paths, id);
  second.stdin.write("end\n");
  second.stdin.flush();
  await shown(second.stdout, "got end");
  expect(await second.exited).toBe(9);
});

/** Reads until there is this text. */
async function shown(stream: ReadableStream<Uint8Array>, text: string): Promise<string> {
  let all = "";
  const reader = stream.getReader();
  while (!all.includes(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`ended with ${all}`);
    all += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  return all;
}

// covers: checkpoint --link-remap, restore --link-remap
const remapped = onlyRune("rune", "Debian's runc 1.1.5 has no --link-remap");
remapped("a deleted file with another name is in the way, unless --link-remap", async () => {
  await using sandbox = new CriuSandbox();
  const script = "exec 3>/tmp/a; ln /tmp/a /tmp/b; rm /tmp/a; touch /tmp/up; exec sleep 1000";
  const id = await sandbox.runs(shell(script));
  await until(() => existsSync(join(sandbox.bundle.rootfs, "tmp/up")));
  const { status, stderr } = await sandbox.call(["checkpoint", ...sandbox.paths, id]);
  expect(status).toBe(1);
  expect(stderr).toContain("dump.log` ends with");
  expect((await sandbox.state(id)).status).toBe("running");
  await sandbox.checkpoint(id, "--link-remap");
  await sandbox.restore(id, "--link-remap");
});

test("a restore that fails leaves nothing, and says where criu's log is", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs();
  await sandbox.checkpoint(id);
  rmSync(join(sandbox.bundle.rootfs, "bin/busybox"));
  const pidFile = join(sandbox.path, "pid");
  const words = ["restore", ...sandbox.paths, "--detach", "--pid-file", pidFile, id];
  const { status, stderr } = await sandbox.call(words);
  expect(status).toBe(1);
  expect(stderr).toContain("restore.log");
  expect(existsSync(pidFile)).toBe(false);
  await sandbox.expectNothingLeft();
  expect((await sandbox.call(["state", id])).status).toBe(1);
});

test("a restore needs images and a name that is free", async () => {
  await using sandbox = new CriuSandbox();
  sandbox.configure();
  const missing = await sandbox.call(["restore", "--detach", ...sandbox.paths, sandbox.id()]);
  expect(missing.status).toBe(1);
  const id = await sandbox.runs();
  await sandbox.checkpoint(id, "--leave-running");
  const taken = await sandbox.call(["restore", "--detach", ...sandbox.paths, id]);
  expect([taken.status, taken.stderr]).toEqual([1, expect.stringMatching(/exists|running/)]);
  expect((await sandbox.state(id)).status).toBe("running");
});

// covers: --criu
onlyRune("rune", "runc says only what went wrong")(
  "criu that is missing is said to be",
  async () => {
    await using sandbox = new CriuSandbox();
    const id = await sandbox.runs();
    sandbox.flags = ["--criu", join(sandbox.path, "none")];
    const { status, stderr } = await sandbox.call(["checkpoint", ...sandbox.paths, id]);
    expect(status).toBe(1);
    expect(stderr).toContain("no such file");
    expect(stderr).toContain("install criu");
    expect((await sandbox.state(id)).status).toBe("running");
  },
);

for (const [first, second] of [
  ["rune", "runc"],
  ["runc", "rune"],
] as const) {
  const obstacle =
    runtimeName !== "rune"
      ? "compares rune with runc"
      : second === "runc" && guestName !== undefined
        ? "runc leaves a cgroup behind" // as above
        : undefined;
  needs(criuObstacle ?? obstacle)(`${second} restores what ${first} has checkpointed`, async () => {
    await using one = new CriuSandbox(first);
    await using other = new CriuSandbox(second);
    const id = await one.runs(counting);
    const counter = new Counter(one);
    await counter.passes(3);
    await one.checkpoint(id);
    await other.restore(id, ...["--image-path", one.images, "--bundle", one.bundle.path]);
    await counter.passes(counter.value);
    await other.must(["delete", "--force", id]);
  });
}
