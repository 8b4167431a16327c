// SPDX-License-Identifier: Apache-2.0
/** What a container stands in is there again after a restore: mounts, namespaces, devices, hooks. */
import { expect } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { moreMounts, namespaces, shell } from "../support/bundle.ts";
import { Running } from "../support/command.ts";
import { CriuSandbox, onlyRune, test, until } from "../support/criu.ts";
import { guestName } from "../support/guest.ts";
import { needs } from "../support/runtime.ts";

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
