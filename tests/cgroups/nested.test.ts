// SPDX-License-Identifier: Apache-2.0
/** Cgroups that containers make below their own, runtimes in containers, and what is seen inside. */
import { expect } from "bun:test";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  defaultNamespaces,
  type JsonObject,
  makeBundle,
  moreMounts,
  shell,
} from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { needs, only, repository, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import { hierarchies, limit, version1, withoutControllers, withoutVersion1 } from "./files.ts";

const v1 = needs(withoutVersion1("pids", "memory"));
const deep =
  runtimeName === "rune" ? needs(withoutControllers("pids")) : only("rune", "1.1.5 walks by paths");

const writable = moreMounts({
  destination: "/cgroup",
  type: "cgroup",
  source: "cgroup",
  options: ["rw", "nosuid", "nodev", "noexec"],
});
const ownCgroups: JsonObject = {
  linux: { namespaces: [...defaultNamespaces, "cgroup"].map((type) => ({ type })) },
};

/** More than a path can name (PATH_MAX is 4096); `cd -P` goes down by name alone. */
const depth = 60;
const name = "d".repeat(200);
const inside = version1("pids") === undefined ? "/cgroup" : "/cgroup/pids";
const nest =
  `cd ${inside}; i=0; while [ $i -lt ${depth} ]; do mkdir ${name} && cd -P ${name} 2>/dev/null || exit 9; i=$((i+1)); done; ` +
  "echo nested >/tmp/nested";

// covers: linux.cgroupsPath
deep("cgroups deeper than a path can name go with the container", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(ownCgroups, writable, shell(`${nest}; exec sleep 1000`));
  const id = sandbox.id();
  await sandbox.must(["run", "--detach", id]);
  const done = join(sandbox.bundle.rootfs, "tmp/nested");
  await eventually("the cgroups are there", () => existsSync(done));
  await sandbox.must(["kill", "--all", id, "TERM"]);
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
});

deep("also when its monitor removes them", async () => {
  await using sandbox = new Sandbox();
  expect((await sandbox.run(ownCgroups, writable, shell(nest))).status).toBe(0);
  await sandbox.expectNothingLeft();
});

const together = hierarchies.find(({ controllers }) => controllers.length > 1);
const linked = needs(
  together === undefined ? "needs version 1 controllers mounted together" : undefined,
);

linked("controllers that are mounted together have a link each", async () => {
  await using sandbox = new Sandbox();
  const names = together?.controllers ?? [];
  const links = names.map((name) => `readlink /sys/fs/cgroup/${name}`).join("; ");
  const out = await sandbox.output(shell(`${links}; cat /sys/fs/cgroup/${names[0]}/cgroup.procs`));
  expect(out.split("\n").slice(0, -1)).toEqual(names.map(() => names.join(",")));
  expect(out.split("\n").at(-1)).toMatch(/^[0-9]+$/);
});

const network =
  runtimeName === "rune" ? needs(withoutVersion1("net_cls", "net_prio")) : only("rune", "the same");

network("packets get a class and a priority", async () => {
  await using sandbox = new Sandbox();
  const priorities = [{ name: "lo", priority: 5 }];
  await sandbox.started({
    linux: {
      cgroupsPath: `/${sandbox.mark}`,
      resources: { network: { classID: 1_048_577, priorities } },
    },
  });
  expect(limit("net_cls.classid", sandbox.mark)).toBe("1048577");
  expect(limit("net_prio.ifpriomap", sandbox.mark).split("\n")).toContain("lo 5");
});

const nestedRune = runtimeName === "rune" ? v1 : only("rune", "this is about rune");

nestedRune(
  "a runtime in a container without a cgroup namespace limits its own containers",
  async () => {
    await using sandbox = new Sandbox();
    const { rootfs } = sandbox.bundle;
    // The outer container has rune, and in /tmp/inner a bundle for the inner one.
    for (const part of ["bin", "lib"]) {
      cpSync(join(repository, "dist", part), join(rootfs, "rune", part), { recursive: true });
    }
    for (const path of libraries) {
      mkdirSync(join(rootfs, path, ".."), { recursive: true });
      cpSync(path, join(rootfs, path), { dereference: true });
    }
    makeBundle(join(rootfs, "tmp/inner"));
    const inner = {
      ociVersion: "1.0.2",
      process: {
        user: { uid: 0, gid: 0 },
        args: ["/bin/sleep", "1000"],
        cwd: "/",
        env: ["PATH=/bin"],
      },
      root: { path: "rootfs" },
      linux: {
        resources: { pids: { limit: 33 }, memory: { limit: 33_554_432 } },
        namespaces: ["pid", "ipc", "uts", "mount"].map((type) => ({ type })),
      },
    };
    const script = [
      "mkdir -p /run",
      `echo '${JSON.stringify(inner)}' >/tmp/inner/config.json`,
      "cd /tmp/inner",
      "/rune/bin/rune --root /run/rune run --detach web",
      "cat /sys/fs/cgroup/pids/web/pids.max /sys/fs/cgroup/memory/web/memory.limit_in_bytes",
      "/rune/bin/rune --root /run/rune update --pids-limit 22 web",
      "cat /sys/fs/cgroup/pids/web/pids.max",
      "/rune/bin/rune --root /run/rune delete --force web",
      "ls -d /sys/fs/cgroup/*/web 2>/dev/null || echo none left",
    ];
    const all = { bounding: capabilities, effective: capabilities, permitted: capabilities };
    const out = await sandbox.output(
      { process: { capabilities: all, noNewPrivileges: false } },
      { mounts: [] },
      { linux: { maskedPaths: [], readonlyPaths: [], resources: { devices: [{ allow: true }] } } },
      outerMounts,
      shell(script.join("\n")),
    );
    expect(out.split("\n")).toEqual(["33", "33554432", "22", "none left"]);
  },
);

const capabilities = [
  "CAP_SYS_ADMIN",
  "CAP_SETUID",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_MKNOD",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_KILL",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
];

const outerMounts: JsonObject = {
  mounts: [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro"] },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"] },
  ],
};

/** What the engine is linked with. */
const libraries = [...new Set(linkedWith(join(repository, "dist/lib/inclavare/engine")))];

function linkedWith(program: string): string[] {
  if (!existsSync(program) || Bun.which("ldd") === null) return [];
  const { stdout } = Bun.spawnSync(["ldd", program]);
  return [...stdout.toString().matchAll(/\/lib\S+/g)].map(([path]) => path);
}
