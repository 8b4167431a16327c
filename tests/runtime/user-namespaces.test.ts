// SPDX-License-Identifier: Apache-2.0
/** User namespaces that root makes or joins. */
import { expect } from "bun:test";
import { lchownSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, moreMounts, namespaces, shell } from "../support/bundle.ts";
import { command } from "../support/command.ts";
import { person, RootlessSandbox, test as testAsPerson } from "../support/rootless.ts";
import { comparison, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const first = 300_000;
const mapped: JsonObject = {
  linux: {
    uidMappings: [
      { containerID: 0, hostID: first, size: 10 },
      { containerID: 10, hostID: first + 5000, size: 1000 },
      { containerID: 4000, hostID: first + 100, size: 1 },
    ],
    gidMappings: [
      { containerID: 0, hostID: first, size: 100 },
      { containerID: 1000, hostID: first + 3000, size: 10 },
    ],
  },
};
const own = namespaces([], { type: "user" });

const lines = (text: string) => text.split("\n").map((line) => line.trim().replace(/\s+/g, " "));

/** The rootfs belongs to the container's root. */
function give(path: string): void {
  lchownSync(path, first, first);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) give(child);
    else lchownSync(child, first, first);
  }
}

function prepared(runtime = runtimeName): Sandbox {
  const sandbox = new Sandbox(runtime);
  give(sandbox.bundle.rootfs);
  return sandbox;
}

// covers: linux.uidMappings, linux.gidMappings
test("several ranges are mapped, and what their users make is theirs", async () => {
  await using sandbox = prepared();
  const capabilities = {
    bounding: ["CAP_CHOWN"],
    effective: ["CAP_CHOWN"],
    permitted: ["CAP_CHOWN"],
  };
  const text = await sandbox.output(
    own,
    mapped,
    { process: { capabilities } },
    shell(
      "cat /proc/self/uid_map /proc/self/gid_map; cd /tmp; for u in 9:99 10:1000 4000:1009; do touch $u; chown $u $u; done",
    ),
  );
  expect(lines(text)).toEqual([
    ...[`0 ${first} 10`, `10 ${first + 5000} 1000`, `4000 ${first + 100} 1`],
    ...[`0 ${first} 100`, `1000 ${first + 3000} 10`],
  ]);
  const owners = ["9:99", "10:1000", "4000:1009"].map((name) => {
    const { uid, gid } = statSync(join(sandbox.bundle.rootfs, "tmp", name));
    return [uid - first, gid - first];
  });
  expect(owners).toEqual([
    [9, 99],
    [5000, 3000],
    [100, 3009],
  ]);
});

// covers: process.user.additionalGids
test("additional groups are those of the namespace", async () => {
  await using sandbox = prepared();
  const user = { uid: 10, gid: 1000, additionalGids: [7, 1005] };
  const text = await sandbox.output(own, mapped, { process: { user } }, shell("id -u; id -G"));
  expect(lines(text)).toEqual(["10", "1000 7 1005"]);
});

comparison("what the devices look like is what it is with runc", async () => {
  const seen = [];
  for (const runtime of ["rune", "runc"] as const) {
    await using sandbox = prepared(runtime);
    seen.push(
      await sandbox.output(
        own,
        mapped,
        shell(
          "cd /dev; stat -c '%n %F %u:%g %a %t:%T' null zero full random urandom tty ptmx; ls /dev; echo x > null && head -c 2 zero | wc -c",
        ),
      ),
    );
  }
  expect(seen[0]).toBe(seen[1] ?? "");
});

// covers: linux.namespaces.path
test("a namespace joined by path needs no mappings: its root makes what belongs to its root", async () => {
  await using sandbox = prepared();
  const other = await sandbox.state(await sandbox.started(own, mapped));
  const joining = namespaces([], { type: "user", path: `/proc/${other.pid}/ns/user` });
  // runc 1.1 wants them repeated; other versions let one do so, too.
  const repeated = runtimeName === "runc" ? mapped : {};
  const id = await sandbox.started(joining, repeated, shell("touch /tmp/made; exec sleep 1000"));
  await sandbox.must(["exec", id, "/bin/touch", "/tmp/further"]);
  const seen = await sandbox.must([
    "exec",
    id,
    "/bin/sh",
    "-c",
    "id -u; id -g; cat /proc/self/uid_map; echo x > /dev/null",
  ]);
  expect(lines(seen.stdout).slice(0, 3)).toEqual(["0", "0", `0 ${first} 10`]);
  for (const name of ["made", "further"]) {
    const { uid, gid } = statSync(join(sandbox.bundle.rootfs, "tmp", name));
    expect([uid, gid]).toEqual([first, first]);
  }
});

// runc refuses it since 1.2; 1.1.5 goes by what is written and is wrong about the owners of what it makes.
only("rune", "runc refuses it since 1.2")(
  "mappings beside the path of a namespace have to be its own",
  async () => {
    await using sandbox = prepared();
    const other = await sandbox.state(await sandbox.started(own, mapped));
    const joining = namespaces([], { type: "user", path: `/proc/${other.pid}/ns/user` });
    expect((await sandbox.run(joining, mapped, shell("exit 7"))).status).toBe(7);
    const gidMappings = [{ containerID: 0, hostID: first, size: 99 }];
    const { status, stderr } = await sandbox.run(joining, mapped, { linux: { gidMappings } });
    expect(status).toBe(1);
    expect(stderr).toContain("config `linux.gidMappings`");
    expect(stderr).toContain(`\`0 ${first} 100, 1000 ${first + 3000} 10\``);
  },
);

test("ids that a joined namespace has not are refused", async () => {
  await using sandbox = prepared();
  const other = await sandbox.state(await sandbox.started(own, mapped));
  const joining = namespaces([], { type: "user", path: `/proc/${other.pid}/ns/user` });
  const repeated = runtimeName === "runc" ? mapped : {};
  const user = (uid: number, gid: number) => ({ process: { user: { uid, gid } } });
  const whoami = shell("id -u; id -g");
  const known = await sandbox.output(joining, repeated, user(4000, 1009), whoami);
  expect(lines(known)).toEqual(["4000", "1009"]);
  const unknown = await sandbox.run(joining, repeated, user(4001, 0), whoami);
  expect(unknown.status).toBe(1);
  if (runtimeName === "rune") expect(unknown.stderr).toContain("4001 is not mapped");
});

test("the terminal of a further process belongs to the container's root", async () => {
  await using sandbox = prepared();
  const id = await sandbox.started(own, mapped);
  const words = sandbox.argv("exec", "--tty", id, "/bin/sh", "-c", "stat -c %u:%t $(tty)");
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const { status, stdout } = await command(["script", "-qefc", quoted, "/dev/null"]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining("0:88") });
});

// runc 1.1 fails where it may not set groups.
const onlyRune = only("rune", "runc 1.1 sets groups, which that namespace denies");
onlyRune("root gives up its groups before it joins a namespace that denies setgroups", async () => {
  await using user = new RootlessSandbox();
  await user.must(["spec", "--rootless"]);
  const config = await Bun.file(join(user.bundle.path, "config.json")).json();
  config.process = { ...config.process, terminal: false, args: ["/bin/sleep", "1000"] };
  user.configureExactly(config);
  const id = user.id();
  await user.must(["run", "--detach", id]);
  const { pid } = await user.state(id);
  const as = (words: readonly string[]) => command(["setpriv", "--groups", "4242", ...words]);
  const groups = ["/bin/grep", "Groups", "/proc/self/status"];
  // A further process, by root, of the user's container.
  const [program = ""] = user.argv().slice(-1);
  const further = await as([program, "--root", user.stateRoot, "exec", id, ...groups]);
  expect(further).toMatchObject({ status: 0, stderr: "" });
  expect(lines(further.stdout.trim())).toEqual(["Groups:"]);
  // A container of root's own in the user's namespace.
  await using sandbox = new Sandbox();
  const { uidMappings: _, gidMappings: __, ...linux } = config.linux;
  const types = ["pid", "ipc", "uts", "mount"].map((type) => ({ type }));
  linux.namespaces = [...types, { type: "user", path: `/proc/${pid}/ns/user` }];
  sandbox.configureExactly({ ...config, linux, process: { ...config.process, args: groups } });
  const joined = await as(sandbox.argv("run", "--bundle", sandbox.bundle.path, sandbox.id()));
  expect(joined).toMatchObject({ status: 0, stderr: "" });
  expect(lines(joined.stdout.trim())).toEqual(["Groups:"]);
  await user.must(["kill", id, "KILL"]);
});

// runc 1.1 does it with systemd's help only.
only("rune", "runc 1.1 gives away cgroups only with its systemd driver")(
  "a version 2 cgroup that may be written is the container's root's, its limits are not",
  async () => {
    await using sandbox = prepared();
    const cgroup = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" };
    sandbox.configure(
      namespaces([], { type: "user" }, { type: "cgroup" }),
      mapped,
      moreMounts(cgroup),
      { linux: { resources: { devices: [] } } },
      shell(
        "cd /sys/fs/cgroup; stat -c '%n %u' . cgroup.procs cgroup.subtree_control cgroup.freeze; mkdir sub && echo $$ > sub/cgroup.procs && cat /proc/self/cgroup",
      ),
    );
    const only2 = 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec "$@"';
    const words = ["unshare", "--mount", "sh", "-ec", only2, "sh"];
    const { stdout, stderr, status } = await command(
      [...words, ...sandbox.argv("run", sandbox.id())],
      { cwd: sandbox.bundle.path },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const seen = lines(stdout.trim());
    expect(seen.slice(0, 4)).toEqual([
      ". 0",
      "cgroup.procs 0",
      "cgroup.subtree_control 0",
      "cgroup.freeze 65534",
    ]);
    expect(seen.at(-1)).toBe("0::/sub");
  },
);

test("a root file system that the container's root cannot enter is explained", async () => {
  await using sandbox = new Sandbox();
  await command(["chmod", "700", sandbox.bundle.path]);
  const { status, stderr } = await sandbox.run(own, mapped);
  expect(status).toBe(1);
  expect(stderr).toMatch(/permission denied/i);
  if (runtimeName === "rune") expect(stderr).toContain(`user ${first} of the host`);
  await sandbox.expectNothingLeft();
});

test("an id outside the ranges is refused", async () => {
  await using sandbox = prepared();
  for (const user of [
    { uid: 1010, gid: 0 },
    { uid: 0, gid: 500 },
  ]) {
    expect((await sandbox.run(own, mapped, { process: { user } })).status).toBe(1);
  }
  await sandbox.expectNothingLeft();
});

testAsPerson("an ordinary user cannot enter root's container", async () => {
  await using sandbox = prepared();
  const id = await sandbox.started(own, mapped);
  const words = sandbox.argv("exec", id, "/bin/true");
  const as = [
    "setpriv",
    "--reuid",
    String(person.uid),
    "--regid",
    String(person.gid),
    "--clear-groups",
  ];
  expect((await command([...as, ...words])).status).not.toBe(0);
});
