// SPDX-License-Identifier: Apache-2.0
/** Bind mounts that show other owners than their files have. */
import { expect } from "bun:test";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, moreMounts, namespaces, shell } from "../support/bundle.ts";
import { mustRun } from "../support/command.ts";
import { only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = only("rune", "1.1.5 has no idmapped mounts");

const mapping = (hostID: number, size = 10): JsonObject => {
  const map = [{ containerID: 0, hostID, size }];
  return { uidMappings: map, gidMappings: map };
};

/** A directory with files of the users 0 and 3. */
function withSource(): { sandbox: Sandbox; source: string } {
  const sandbox = new Sandbox();
  const source = join(sandbox.path, "source");
  mkdirSync(source);
  for (const uid of [0, 3]) {
    writeFileSync(join(source, String(uid)), "");
    chownSync(join(source, String(uid)), uid, uid);
  }
  return { sandbox, source };
}

const bind = (source: string, more: JsonObject): JsonObject => ({
  source,
  destination: "/mnt",
  type: "bind",
  options: ["bind"],
  ...more,
});

const owners = "stat -c '%n %u:%g' /mnt/*";

// covers: mounts.uidMappings, mounts.gidMappings
test("a mount with its own mapping", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  const text = await held.output(moreMounts(bind(source, mapping(1000))), shell(owners));
  expect(text).toBe("/mnt/0 1000:1000\n/mnt/3 1003:1003");
});

test("several mounts, each with its own", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  const more = (at: string, host: number) => ({ ...bind(source, mapping(host)), destination: at });
  const text = await held.output(
    moreMounts(more("/mnt/a", 1000), more("/mnt/b", 2000)),
    shell("stat -c %u /mnt/a/3 /mnt/b/3"),
  );
  expect(text).toBe("1003\n2003");
});

for (const option of ["idmap", "ridmap"]) {
  test(`${option} takes the mapping of the container's user namespace`, async () => {
    const { sandbox, source } = withSource();
    await using held = sandbox;
    const text = await held.output(
      namespaces([], { type: "user" }),
      { linux: mapping(100_000, 65_536) },
      moreMounts(bind(source, { options: ["rbind", option] })),
      shell(`echo x >/mnt/new; ${owners}`),
    );
    expect(text).toBe("/mnt/0 0:0\n/mnt/3 3:3\n/mnt/new 0:0");
    // On the disk it is the user of the mapping's inside.
    expect(await mustRun(["stat", "-c", "%u:%g", join(source, "new")])).toBe("0:0\n");
  });
}

test("only ridmap maps what is mounted below", async () => {
  await using sandbox = new Sandbox();
  const source = join(sandbox.path, "source");
  mkdirSync(source);
  const look = async (option: string) => {
    sandbox.configure(
      moreMounts(bind(source, { ...mapping(1000), options: ["rbind", option] })),
      shell("stat -c %u /mnt /mnt/below"),
    );
    const script =
      `mount -t tmpfs outer ${source}; mkdir ${source}/below; ` +
      `mount -t tmpfs inner ${source}/below; "$@"`;
    const argv = ["unshare", "-m", "sh", "-ec", script, "sh", ...sandbox.argv("run", sandbox.id())];
    return await mustRun(argv, { cwd: sandbox.bundle.path });
  };
  expect(await look("idmap")).toBe("1000\n0\n");
  expect(await look("ridmap")).toBe("1000\n1000\n");
});

test("the mapping of a user namespace that is joined", async () => {
  const { sandbox, source } = withSource();
  await using held = sandbox;
  const first = await held.started(namespaces([], { type: "user" }), {
    linux: mapping(100_000, 65_536),
  });
  const { pid } = await held.state(first);
  const text = await held.output(
    namespaces([], { type: "user", path: `/proc/${pid}/ns/user` }),
    moreMounts(bind(source, { options: ["bind", "idmap"] })),
    shell(owners),
  );
  expect(text).toBe("/mnt/0 0:0\n/mnt/3 3:3");
});

test("a file system that cannot be idmapped is named", async () => {
  await using sandbox = new Sandbox();
  const { status, stderr } = await sandbox.run(moreMounts(bind("/proc/sys", mapping(1000))));
  expect(status).toBe(1);
  expect(stderr).toContain("map the ids of `/mnt`");
  expect(stderr).toContain("does not support");
  await sandbox.expectNothingLeft();
});

for (const [what, mount, reason] of [
  ["half of the mappings", { gidMappings: [] }, "both uidMappings and gidMappings"],
  ["no mapping anywhere", { uidMappings: [], gidMappings: [], options: ["idmap"] }, "no mappings"],
  ["another type than bind", { type: "tmpfs", options: [] }, "only a bind mount"],
] as const) {
  test(`${what} is refused`, async () => {
    const { sandbox, source } = withSource();
    await using held = sandbox;
    const { status, stderr } = await held.run(
      moreMounts(bind(source, { ...mapping(1000), ...mount })),
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining(reason)]);
    await held.expectNothingLeft();
  });
}
