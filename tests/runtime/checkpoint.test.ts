// SPDX-License-Identifier: Apache-2.0
/** checkpoint and restore through criu. With RUNTIME=runc the same tests, on images that runc has made. */
import { expect } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { moreMounts, namespaces, shell } from "../support/bundle.ts";
import { Running } from "../support/command.ts";
import { CriuSandbox, criu, criuObstacle, environment, lacks, test } from "../support/criu.ts";
import { guestName, guestObstacle } from "../support/guest.ts";
import { probe } from "../support/probe.ts";
import { needs, only, runtimeName } from "../support/runtime.ts";

const onlyRune = criuObstacle === undefined ? only : () => needs(criuObstacle);
const counting = shell("i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.02; done");

/** Waits as long as the test may last: criu takes its time on an emulated processor. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(20);
}

/** What the container counts to, from now on. */
class Counter {
  readonly #file: string;

  constructor({ bundle }: CriuSandbox) {
    this.#file = join(bundle.rootfs, "tmp/count");
  }

  get value(): number {
    return existsSync(this.#file) ? Number(readFileSync(this.#file, "utf8")) : 0;
  }

  async passes(value: number): Promise<void> {
    await until(() => this.value > value);
  }
}

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

test("mounts come back: of the host by their source, of the container with their content", async () => {
  await using sandbox = new CriuSandbox();
  const { rootfs } = sandbox.bundle;
  const source = join(sandbox.path, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "host");
  writeFileSync(join(sandbox.path, "single"), "single");
  mkdirSync(join(rootfs, "etc/real"));
  symlinkSync("/etc/real", join(rootfs, "mnt/link"));
  const bind = (destination: string, from: string) => ({
    destination,
    source: join(sandbox.path, from),
    type: "bind",
    options: ["bind", "ro"],
  });
  const id = await sandbox.runs(
    moreMounts(
      bind("/mnt/made", "source"),
      bind("/mnt/link/below", "source"),
      bind("/etc/single", "single"),
      { destination: "/scratch", type: "tmpfs", source: "tmpfs" },
      bind("/scratch/inner", "source"),
    ),
    shell("echo kept >/scratch/kept; echo up >/tmp/up; exec sleep 1000"),
  );
  await until(() => existsSync(join(rootfs, "tmp/up")));
  await sandbox.checkpoint(id);
  // Mount points in the image are made as they were the first time.
  rmdirSync(join(rootfs, "mnt/made"));
  rmdirSync(join(rootfs, "scratch"));
  writeFileSync(join(source, "file"), "changed");
  await sandbox.restore(id);
  const files = ["/mnt/made/file", "/mnt/link/below/file", "/etc/single", "/scratch/inner/file"];
  const shown = await sandbox.must(["exec", id, "cat", ...files, "/scratch/kept"]);
  expect(shown.stdout).toBe("changedchangedsinglechangedkept\n");
  const masked = await sandbox.must(["exec", id, "sh", "-c", "cat /proc/keys /proc/timer_list"]);
  expect(masked.stdout).toBe("");
});

/** Mount point, attributes, type and what is shown of it, of every mount that a process has. */
function mountsOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, "utf8").trim().split("\n");
  return lines.map((line) => {
    const [, , , shown, point, attributes] = line.split(" ");
    const type = line.split(" - ")[1]?.split(" ")[0];
    // Hidden under a /dev/null: the container's own at first, then the host's, as with runc.
    if (shown?.endsWith("/null")) return `${point} null`;
    return [point, attributes, type, type === "tmpfs" ? "" : shown].join(" ");
  });
}

// runc 1.1.5 and criu forget that a bind mount was read-only, nosuid or the like.
onlyRune("rune", "a bind mount can be written after a restore")(
  "mounts come back with the attributes they had",
  async () => {
    await using sandbox = new CriuSandbox();
    mkdirSync(join(sandbox.path, "source"));
    writeFileSync(join(sandbox.path, "single"), "single");
    const bind = (destination: string, from: string, ...options: string[]) => ({
      destination,
      source: join(sandbox.path, from),
      type: "bind",
      options: ["bind", ...options],
    });
    const id = await sandbox.runs(
      moreMounts(
        bind("/mnt/closed", "source", "ro", "nosuid", "nodev", "noexec"),
        bind("/mnt/open", "source"),
        bind("/etc/single", "single", "ro"),
        { destination: "/scratch", type: "tmpfs", source: "tmpfs", options: ["ro", "noexec"] },
      ),
      { root: { readonly: true } },
    );
    const before = mountsOf((await sandbox.state(id)).pid);
    expect(before.join("\n")).toMatch(/^\/mnt\/closed ro,nosuid,nodev,noexec/m);
    await sandbox.checkpoint(id);
    await sandbox.restore(id);
    expect(mountsOf((await sandbox.state(id)).pid).sort()).toEqual(before.sort());
    const write = await sandbox.call(["exec", id, "touch", "/mnt/closed/x"]);
    expect(write.stderr).toContain("Read-only file system");
  },
);

// covers: checkpoint --empty-ns, restore --empty-ns
test("a network namespace by path is joined again; one of the container's own starts empty", async () => {
  await using sandbox = new CriuSandbox();
  using holder = new Running(["unshare", "--net", "sleep", "1000"]);
  const link = () => readlink(`/proc/${holder.pid}/ns/net`);
  await until(() => link() !== readlink("/proc/self/ns/net"));
  const types = ["pid", "ipc", "uts", "mount"].map((type) => ({ type }));
  const path = `/proc/${holder.pid}/ns/net`;
  const shared = { linux: { namespaces: [...types, { type: "network", path }] } };
  const id = await sandbox.runs(shared);
  await sandbox.checkpoint(id, "--empty-ns", "network");
  await sandbox.restore(id, "--empty-ns", "network");
  const { pid } = await sandbox.state(id);
  expect(readlink(`/proc/${pid}/ns/net`)).toBe(link());
  holder.kill("SIGKILL");
  const own = await sandbox.runs();
  await sandbox.must(["checkpoint", "--image-path", join(sandbox.path, "own"), own]);
  expect(
    await sandbox.silently("restore", "--detach", "--image-path", join(sandbox.path, "own"), own),
  ).toBe(0);
  const interfaces = await sandbox.must(["exec", own, "ls", "/sys/class/net"]);
  expect(interfaces.stdout).toBe("lo\n");
});

function readlink(path: string): string {
  return Bun.spawnSync(["readlink", path]).stdout.toString().trim();
}

// covers: hooks.prestart, hooks.createRuntime, hooks.poststop
test("prestart and createRuntime hooks run in a restore, poststop hooks once a checkpoint has ended it", async () => {
  await using sandbox = new CriuSandbox();
  const file = join(sandbox.path, "hooks");
  const hook = (name: string) => [
    { path: "/bin/sh", args: ["sh", "-c", `echo ${name} $(grep -o '"pid": *[0-9]*') >>${file}`] },
  ];
  const names = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
  const id = await sandbox.runs({ hooks: Object.fromEntries(names.map((n) => [n, hook(n)])) });
  const ran = () => {
    const lines = readFileSync(file, "utf8").trim().split("\n");
    writeFileSync(file, "");
    return lines.map((line) => line.split(" ")[0]);
  };
  expect(ran()).toEqual(names.slice(0, -1));
  await sandbox.checkpoint(id);
  expect(ran()).toEqual(["poststop"]);
  await sandbox.restore(id);
  const text = readFileSync(file, "utf8");
  expect(ran()).toEqual(["prestart", "createRuntime"]);
  expect(text).toContain(`"pid":${(await sandbox.state(id)).pid}`);
  await sandbox.must(["delete", "--force", id]);
  expect(ran()).toEqual(["poststop"]);
});

// covers: checkpoint, restore, linux.uidMappings, linux.gidMappings
onlyRune("rune", "runc's images are closed to the container's root")(
  "a container with a user namespace comes back, and its images are not for everybody",
  async () => {
    await using sandbox = new CriuSandbox();
    const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const linux = { uidMappings: mapping, gidMappings: mapping };
    const id = await sandbox.runs(namespaces([], { type: "user" }), { linux });
    await sandbox.checkpoint(id);
    const { mode, uid, gid } = statSync(sandbox.images);
    expect([mode & 0o777, uid, gid]).toEqual([0o710, 0, 100_000]);
    await sandbox.restore(id);
    const map = (await sandbox.must(["exec", id, "cat", "/proc/1/uid_map"])).stdout;
    expect(map.trim().split(/ +/)).toEqual(["0", "100000", "65536"]);
  },
);

const idmapped =
  guestName === undefined
    ? onlyRune("rune", "runc 1.1.5 has no idmapped mounts")
    : needs("the guest's /tmp, a tmpfs of Linux 6.1, cannot be mounted with other ids");

// covers: mounts.uidMappings, mounts.gidMappings
idmapped("a mount with its own mapping still has it", async () => {
  await using sandbox = new CriuSandbox();
  const source = join(sandbox.path, "volume");
  mkdirSync(source);
  const mapping = [{ containerID: 0, hostID: 5000, size: 1000 }];
  const bind = { destination: "/v", type: "bind", source, options: ["bind"] };
  const mapped = { ...bind, uidMappings: mapping, gidMappings: mapping };
  const id = await sandbox.runs(moreMounts(mapped));
  await sandbox.checkpoint(id);
  await sandbox.restore(id);
  const owner = await sandbox.must(["exec", id, "stat", "-c", "%u:%g", "/v"]);
  expect(owner.stdout).toBe("5000:5000\n");
});

onlyRune("rune", "runc runs them a second time")(
  "poststop hooks run once where the container was run in the foreground",
  async () => {
    await using sandbox = new CriuSandbox();
    const file = join(sandbox.path, "hooks");
    const poststop = [{ path: "/bin/sh", args: ["sh", "-c", `echo ran >>${file}`] }];
    sandbox.configure({ hooks: { poststop } }, { process: { args: ["/bin/sleep", "900"] } });
    const id = sandbox.id();
    const nothing = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
    const running = Bun.spawn(sandbox.argv("run", id), { cwd: sandbox.bundle.path, ...nothing });
    await sandbox.reaches(id, "running");
    await sandbox.checkpoint(id);
    expect(await running.exited).toBe(137);
    expect(readFileSync(file, "utf8")).toBe("ran\n");
  },
);

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

// covers: checkpoint --pre-dump, checkpoint --parent-path
needs(lacks("mem_dirty_track"))("after a pre-dump only what has changed is written", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs(counting);
  const counter = new Counter(sandbox);
  await counter.passes(3);
  const first = join(sandbox.path, "first");
  await sandbox.must(["checkpoint", "--pre-dump", "--image-path", first, id]);
  await counter.passes(counter.value);
  await sandbox.checkpoint(id, "--parent-path", "../first");
  const pages = (folder: string) =>
    readdirSync(folder)
      .filter((name) => name.startsWith("pages-"))
      .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  expect(pages(sandbox.images)).toBeLessThan(pages(first));
  await sandbox.restore(id);
  await counter.passes(counter.value);
});

test("a parent has to be relative, and there", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs();
  for (const path of [sandbox.path, "../none"]) {
    const words = ["checkpoint", ...sandbox.paths, "--parent-path", path, id];
    const { status, stderr } = await sandbox.call(words);
    expect([status, stderr]).toEqual([1, expect.stringContaining("parent-path")]);
  }
});

// covers: checkpoint --lazy-pages, checkpoint --page-server, checkpoint --status-fd, restore --lazy-pages
const lazy = keepsNames
  ? elsewhere
  : // criu 4.1.1 on Linux 6.18: splice gets EBADF, with runc too
    needs(guestObstacle("v2") ?? lacks("uffd-noncoop"));
lazy("memory comes over when it is touched", async () => {
  await using sandbox = new CriuSandbox();
  const id = await sandbox.runs(counting);
  const counter = new Counter(sandbox);
  await counter.passes(3);
  const ready = join(sandbox.path, "ready");
  const told = ["sh", "-c", 'exec 7>"$0"; exec "$@"', ready];
  const port = "27277";
  const served = ["--lazy-pages", "--page-server", `127.0.0.1:${port}`, "--status-fd", "7"];
  const options = { cwd: sandbox.bundle.path, env: environment };
  const dump = sandbox.argv("checkpoint", ...sandbox.paths, ...served, id);
  using dumping = new Running([...told, ...dump], options);
  await until(() => existsSync(ready) && statSync(ready).size === 1);
  const serve = ["--images-dir", sandbox.images, "--work-dir", sandbox.work];
  const page = ["--page-server", "--address", "127.0.0.1", "--port", port];
  using serving = new Running([criu ?? "", "lazy-pages", ...serve, ...page], options);
  const socket = join(sandbox.work, "lazy-pages.socket");
  await until(() => existsSync(socket));
  const other = sandbox.id();
  await sandbox.restore(other, "--lazy-pages");
  await counter.passes(counter.value);
  expect(await dumping.exited()).toBe(0);
  expect(await serving.exited()).toBe(0);
});

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
