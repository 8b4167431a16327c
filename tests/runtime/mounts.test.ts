// SPDX-License-Identifier: Apache-2.0
/** Bind mounts, tmpfs, options and propagation. */
import { expect } from "bun:test";
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, moreMounts, shell } from "../support/bundle.ts";
import { command, mustRun } from "../support/command.ts";
import { except, needs, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** A sandbox with a directory to mount. */
function withSource(): { sandbox: Sandbox; source: string } {
  const sandbox = new Sandbox();
  const source = join(sandbox.path, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "content\n");
  return { sandbox, source };
}

const bind = (source: string, destination: string, ...options: string[]): JsonObject => ({
  source,
  destination,
  type: "bind",
  options,
});

// covers: mounts.destination, mounts.type, mounts.source
test("a directory is bound, and written through", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  const mounts = moreMounts(bind(source, "/new/place", "bind"));
  expect(await held.output(mounts, shell("cat /new/place/file; echo 2 >/new/place/out"))).toBe(
    "content",
  );
  expect(await Bun.file(join(source, "out")).text()).toBe("2\n");
});

test("a file is bound, on one that is made for it", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  const mounts = moreMounts(bind(join(source, "file"), "/etc/deep/resolv.conf", "bind"));
  expect(await held.output(mounts, shell("cat /etc/deep/resolv.conf"))).toBe("content");
});

test("a read-only bind mount", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  const mounts = moreMounts(bind(source, "/mnt", "bind", "ro"));
  expect((await held.run(mounts, shell("cat /mnt/file && touch /mnt/new"))).status).toBe(1);
  expect(existsSync(join(source, "new"))).toBe(false);
});

// covers: mounts.options
test("mount options of a bind mount", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  writeFileSync(join(source, "program"), "#!/bin/sh\necho ran\n");
  chmodSync(join(source, "program"), 0o755);
  const mounts = moreMounts(bind(source, "/mnt", "bind", "noexec", "nosuid", "nodev", "noatime"));
  const { stdout } = await held.run(
    mounts,
    shell("grep ' /mnt ' /proc/self/mountinfo; /mnt/program 2>/dev/null || echo refused"),
  );
  expect(stdout).toMatch(/ \/mnt rw,nosuid,nodev,noexec,noatime /);
  expect(stdout).toEndWith("refused\n");
});

// covers: run --bundle, create --bundle
test("a relative source is relative to the bundle", async () => {
  await using sandbox = new Sandbox();
  mkdirSync(join(sandbox.bundle.path, "data"));
  writeFileSync(join(sandbox.bundle.path, "data/file"), "of the bundle");
  const mounts = moreMounts(bind("data", "/mnt", "bind"));
  sandbox.configure(mounts, shell("cat /mnt/file"));
  const { stdout } = await sandbox.must(["run", "--bundle", sandbox.bundle.path, sandbox.id()], {
    cwd: "/",
  });
  expect(stdout).toBe("of the bundle");
});

test("a source that is a symbolic link", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  symlinkSync(source, join(held.path, "link"));
  const mounts = moreMounts(bind(join(held.path, "link"), "/mnt", "bind"));
  expect(await held.output(mounts, shell("cat /mnt/file"))).toBe("content");
});

test("a source that does not exist is refused", async () => {
  await using sandbox = new Sandbox();
  const mounts = moreMounts(bind("/no/such/source", "/mnt", "bind"));
  const { status, stderr } = await sandbox.run(mounts);
  expect(status).toBe(1);
  expect(stderr).toContain("/no/such/source");
  await sandbox.expectNothingLeft();
});

test("a later mount lies over an earlier one", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  const mounts = moreMounts(
    { destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["size=64k"] },
    bind(source, "/mnt/inner", "bind"),
  );
  expect(await held.output(mounts, shell("ls /mnt; cat /mnt/inner/file"))).toBe("inner\ncontent");
});

test("rbind brings what is mounted below, bind does not", async () => {
  await using sandbox = new Sandbox();
  // In a mount namespace of its own: nothing is mounted on the host.
  const inner = join(sandbox.path, "source/inner");
  mkdirSync(inner, { recursive: true });
  const look = async (option: string) => {
    const id = sandbox.id();
    sandbox.configure(
      moreMounts(bind(join(sandbox.path, "source"), "/mnt", option)),
      shell("ls /mnt/inner"),
    );
    const script = `mount -t tmpfs below ${inner} && touch ${inner}/below && "$@"`;
    const argv = ["unshare", "-m", "sh", "-ec", script, "sh", ...sandbox.argv("run", id)];
    return await mustRun(argv, { cwd: sandbox.bundle.path });
  };
  expect(await look("rbind")).toBe("below\n");
  expect(await look("bind")).toBe("");
});

test("tmpfs with size and mode", async () => {
  await using sandbox = new Sandbox();
  const tmpfs = {
    destination: "/scratch",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "nodev", "mode=1750", "size=64k"],
  };
  const text = await sandbox.output(
    moreMounts(tmpfs),
    shell(
      "stat -c %a /scratch; grep ' /scratch ' /proc/self/mountinfo; " +
        "dd if=/dev/zero of=/scratch/file bs=1k count=100 2>/dev/null || stat -c %s /scratch/file",
    ),
  );
  expect(text).toMatch(/^1750\n.*rw,nosuid,nodev.*size=64k.*\n65536$/);
});

test("a file system that the kernel does not have is refused", async () => {
  await using sandbox = new Sandbox();
  const mounts = moreMounts({ destination: "/mnt", type: "nosuchfs", source: "x" });
  expect((await sandbox.run(mounts)).status).toBe(1);
  await sandbox.expectNothingLeft();
});

test("an option that the file system does not know is refused", async () => {
  await using sandbox = new Sandbox();
  const tmpfs = { destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["nonsense=1"] };
  expect((await sandbox.run(moreMounts(tmpfs))).status).toBe(1);
  await sandbox.expectNothingLeft();
});

test("a directory cannot be mounted on a file", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  expect((await held.run(moreMounts(bind(source, "/etc/passwd", "bind")))).status).toBe(1);
  await held.expectNothingLeft();
});

const propagations = { rprivate: "", rslave: "master", rshared: "shared master", private: "" };

for (const [option, field] of Object.entries(propagations)) {
  const judged =
    field === "" ? test : except("crun", "1.8.1 makes what it mounts private of the host first");
  judged(`propagation ${option} of a mount`, async () => {
    await using sandbox = new Sandbox();
    expect(await propagated(sandbox, option)).toBe(field);
  });
}

/** The optional fields' names in the container's mountinfo, of a mount whose source is shared. */
async function propagated(sandbox: Sandbox, option: string): Promise<string> {
  const source = join(sandbox.path, "source");
  mkdirSync(source);
  sandbox.configure(
    moreMounts(bind(source, "/mnt", "rbind", option)),
    shell("grep ' /mnt ' /proc/self/mountinfo"),
  );
  const script = `mount -t tmpfs shared ${source} && mount --make-shared ${source} && "$@"`;
  const argv = ["unshare", "-m", "sh", "-ec", script, "sh", ...sandbox.argv("run", sandbox.id())];
  const line = await mustRun(argv, { cwd: sandbox.bundle.path });
  const fields = line.slice(0, line.indexOf(" - ")).split(" ").slice(6);
  return fields.map((text) => text.replace(/:.*/, "")).join(" ");
}

test("nothing of the container's mounts reaches the host, whatever is shared there", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(shell("true"));
  const script =
    'mount --make-rshared / && before=$(cat /proc/self/mountinfo | wc -l) && "$@" && ' +
    "[ $before = $(cat /proc/self/mountinfo | wc -l) ]";
  const run = sandbox.argv("run", sandbox.id());
  const argv = ["unshare", "-m", "--propagation", "private", "sh", "-ec", script, "sh", ...run];
  expect((await command(argv, { cwd: sandbox.bundle.path })).stderr).toBe("");
});

for (const [option, field] of Object.entries({ private: "", slave: "master", shared: "shared" })) {
  const judge =
    option === "shared"
      ? only("rune", "1.1.5 applies it to another mount of the root")
      : option === "slave"
        ? except("crun", "the root's own mount is private in 1.8.1")
        : test;
  // covers: linux.rootfsPropagation
  judge(`propagation ${option} of the root`, async () => {
    await using sandbox = new Sandbox();
    sandbox.configure(
      { linux: { rootfsPropagation: option } },
      shell("grep ' / / ' /proc/self/mountinfo || grep 'rootfs / ' /proc/self/mountinfo"),
    );
    const script = 'mount --make-rshared / && "$@"';
    const argv = ["unshare", "-m", "sh", "-ec", script, "sh", ...sandbox.argv("run", sandbox.id())];
    const line = await mustRun(argv, { cwd: sandbox.bundle.path });
    const fields = line.slice(0, line.indexOf(" - ")).split(" ").slice(6);
    expect(fields.map((text) => text.replace(/:.*/, "")).includes(field || "x")).toBe(field !== "");
  });
}

only("rune", "1.1.5 makes the bundle's mount unbindable before it binds the root")(
  "an unbindable root cannot be bound from inside",
  async () => {
    await using sandbox = new Sandbox();
    const mighty = ["CAP_SYS_ADMIN"];
    const bind = "mkdir -p /tmp/again; mount --bind / /tmp/again 2>/dev/null || echo refused";
    const seen = await sandbox.output(
      {
        linux: { rootfsPropagation: "unbindable" },
        process: { capabilities: { bounding: mighty, effective: mighty, permitted: mighty } },
      },
      shell(`grep -c 'unbindable' /proc/self/mountinfo; ${bind}`),
    );
    expect(seen).toMatch(/^[1-9]\d*\nrefused$/);
  },
);

/** What the host's side sees of a tmpfs that the container mounts in a volume. */
async function mountedOnHost(sandbox: Sandbox, root: string, option: string): Promise<string> {
  const source = join(sandbox.path, "source");
  mkdirSync(join(source, "inner"), { recursive: true });
  const mighty = ["CAP_SYS_ADMIN"];
  sandbox.configure(
    moreMounts(bind(source, "/mnt", "rbind", option)),
    {
      linux: { rootfsPropagation: root },
      process: { capabilities: { bounding: mighty, effective: mighty, permitted: mighty } },
    },
    shell("mount -t tmpfs inner /mnt/inner && touch /mnt/inner/seen /mounted; sleep 1000"),
  );
  const id = sandbox.id();
  const look =
    `mount -t tmpfs shared ${source}; mkdir ${source}/inner; mount --make-shared ${source}; "$@" </dev/null >/dev/null 2>&1; ` +
    `until [ -e ${sandbox.bundle.rootfs}/mounted ]; do sleep 0.1; done; ` +
    `ls ${source}/inner`;
  const run = sandbox.argv("run", "--detach", "--pid-file", join(sandbox.path, "pid"), id);
  const argv = ["unshare", "-m", "sh", "-ec", look, "sh", ...run];
  const seen = await mustRun(argv, { cwd: sandbox.bundle.path });
  await sandbox.must(["delete", "--force", id]);
  return seen.trim();
}

for (const [root, option, seen] of [
  ["rshared", "rshared", "seen"],
  ["rshared", "rslave", ""],
  ["rslave", "rshared", ""],
  ["private", "rprivate", ""],
] as const) {
  test(`a mount in a volume ${option} of a root ${root} is ${seen === "" ? "not " : ""}the host's`, async () => {
    await using sandbox = new Sandbox();
    expect(await mountedOnHost(sandbox, root, option)).toBe(seen);
  });
}

for (const [root, option, seen] of [
  ["rslave", "rslave", "later"],
  ["rslave", "rprivate", ""],
] as const) {
  test(`a later mount of the host is ${seen === "" ? "not " : ""}seen in a volume ${option}`, async () => {
    await using sandbox = new Sandbox();
    const source = join(sandbox.path, "source");
    mkdirSync(source);
    sandbox.configure(
      moreMounts(bind(source, "/mnt", "rbind", option)),
      { linux: { rootfsPropagation: root } },
      shell("while [ ! -e /go ]; do sleep 0.05; done; ls /mnt/inner"),
    );
    const go = join(sandbox.bundle.rootfs, "go");
    const script =
      `mount -t tmpfs shared ${source}; mkdir ${source}/inner; mount --make-shared ${source}; "$@" & ` +
      `until grep -q . ${sandbox.path}/pid 2>/dev/null; do sleep 0.05; done; ` +
      `mount -t tmpfs later ${source}/inner; touch ${source}/inner/later; touch ${go}; wait`;
    const run = sandbox.argv("run", "--pid-file", join(sandbox.path, "pid"), sandbox.id());
    const argv = ["unshare", "-m", "sh", "-ec", script, "sh", ...run];
    expect((await mustRun(argv, { cwd: sandbox.bundle.path })).trim()).toBe(seen);
  });
}

test("with --no-pivot no procfs or sysfs of the host is left in the mount namespace", async () => {
  await using sandbox = new Sandbox();
  const id = sandbox.id();
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  await sandbox.must(["run", "--detach", "--no-pivot", id]);
  const { pid } = await sandbox.state(id);
  // From outside of the new root everything in the namespace is seen.
  const script = "cut -d' ' -f5- /proc/self/mountinfo";
  const argv = ["nsenter", `--mount=/proc/${pid}/ns/mnt`, "sh", "-c", script];
  const seen = await command(argv);
  const views = seen.stdout.split("\n").filter((line) => / - (proc|sysfs) /.test(line));
  expect(views.filter((line) => !/^\/(proc|sys)(\/| )/.test(line))).toEqual([]);
  const own = await mustRun(["cat", `/proc/${pid}/mountinfo`]);
  expect(own.split("\n").filter((line) => / - proc /.test(line)).length).toBeGreaterThan(0);
});

// covers: run --no-pivot, create --no-pivot
test("--no-pivot gives the same root", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(shell("ls -d /bin /etc; ls / | wc -l"));
  const pivot = await sandbox.must(["run", sandbox.id()]);
  const noPivot = await sandbox.must(["run", "--no-pivot", sandbox.id()]);
  expect(noPivot.stdout).toBe(pivot.stdout);
});

needs(existsSync("/dev/fuse") ? undefined : "the host has no /dev/fuse")(
  "a device of the host is bound",
  async () => {
    await using sandbox = new Sandbox();
    const mounts = moreMounts(bind("/dev/fuse", "/dev/fuse", "bind"));
    expect(await sandbox.output(mounts, shell("stat -c %F /dev/fuse"))).toBe(
      "character special file",
    );
  },
);
