// SPDX-License-Identifier: Apache-2.0
/** Every mount option: on new mounts, on bind mounts, for all that is mounted below, on remounts. */
import { expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, moreMounts, shell } from "../support/bundle.ts";
import { mustRun } from "../support/command.ts";
import { except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const listMounts = "grep ' /mnt' /proc/self/mountinfo";

/** Mount point and options of each line of mountinfo. */
function optionsOf(mountinfo: string): Record<string, string> {
  const lines = mountinfo.trim().split("\n");
  return Object.fromEntries(
    lines.map((line) => {
      const [, , , , at = "", options = ""] = line.split(" ");
      return [at, options];
    }),
  );
}

/**
 * Binds /mnt from a tmpfs with another one in it, both mounted by the script in a mount namespace of
 * its own, and gives the options that the container sees.
 */
async function boundOptions(
  sandbox: Sandbox,
  given: string,
  ...options: string[]
): Promise<Record<string, string>> {
  const source = join(sandbox.path, "source");
  mkdirSync(source, { recursive: true });
  const mount = { source, destination: "/mnt", type: "bind", options };
  sandbox.configure(moreMounts(mount), shell(listMounts));
  const script =
    `mount -t tmpfs -o ${given} outer ${source}; mkdir -p ${source}/below; ` +
    `mount -t tmpfs -o ${given} inner ${source}/below; "$@"`;
  const argv = ["unshare", "-m", "sh", "-ec", script, "sh", ...sandbox.argv("run", sandbox.id())];
  return optionsOf(await mustRun(argv, { cwd: sandbox.bundle.path }));
}

const opposites: Readonly<Record<string, string>> = {
  ro: "rw",
  nosuid: "suid",
  noatime: "atime",
  nodiratime: "diratime",
};

const newMounts: readonly (readonly [string[], string])[] = [
  [["ro"], "ro,relatime"],
  [["ro", "rw"], "rw,relatime"],
  [["nosuid", "nodev", "noexec"], "rw,nosuid,nodev,noexec,relatime"],
  [["nosuid", "suid", "nodev", "dev", "noexec", "exec"], "rw,relatime"],
  [["noatime"], "rw,noatime"],
  [["noatime", "atime"], "rw,relatime"],
  [["strictatime"], "rw"],
  [["nodiratime"], "rw,nodiratime,relatime"],
  [["nodiratime", "diratime"], "rw,relatime"],
];

for (const [options, seen] of newMounts) {
  // An option and its opposite behind it.
  const taken = options.some((option) => options.includes(opposites[option] ?? ""));
  const judged = taken ? except("crun", "1.8.1 lets the first stand, not the last") : test;
  judged(`a tmpfs with ${options.join(",")} is ${seen}`, async () => {
    await using sandbox = new Sandbox();
    const mount = { destination: "/mnt", type: "tmpfs", source: "t", options };
    const text = await sandbox.output(moreMounts(mount), shell(listMounts));
    expect(optionsOf(text)).toEqual({ "/mnt": seen });
  });
}

only("rune", "1.1.5 knows none of them")("options that came later", async () => {
  await using sandbox = new Sandbox();
  const mount = (...options: string[]) =>
    moreMounts({ destination: "/mnt", type: "tmpfs", source: "t", options });
  const look = async (...options: string[]) =>
    optionsOf(await sandbox.output(mount(...options), shell(listMounts)))["/mnt"];
  expect(await look("nosymfollow")).toBe("rw,relatime,nosymfollow");
  expect(await look("nosymfollow", "symfollow")).toBe("rw,relatime");
  expect(await look("defaults", "silent", "loud", "acl", "iversion")).toBe("rw,relatime");
  // The later one wins, where runc gives both to the kernel.
  expect(await look("noatime", "relatime")).toBe("rw,relatime");
  expect(await look("rro", "rnosuid")).toBe("ro,nosuid,relatime");
});

test("a file system that writes at once", async () => {
  await using sandbox = new Sandbox();
  const look = async (...options: string[]) => {
    const mount = { destination: "/mnt", type: "tmpfs", source: "t", options };
    const line = await sandbox.output(moreMounts(mount), shell(listMounts));
    return line.slice(line.indexOf(" - ")).split(" ")[4]?.split(",").slice(0, 3);
  };
  expect(await look("sync", "dirsync")).toEqual(["rw", "sync", "dirsync"]);
});

except("crun", "1.8.1 lets the first stand, not the last")(
  "sync, and async behind it",
  async () => {
    await using sandbox = new Sandbox();
    const mount = { destination: "/mnt", type: "tmpfs", source: "t", options: ["sync", "async"] };
    const line = await sandbox.output(moreMounts(mount), shell(listMounts));
    expect(line.slice(line.indexOf(" - ")).split(" ")[4]?.split(",")).not.toContain("sync");
  },
);

only("rune", "1.1.5 keeps what the source has where nothing is to be set, and has no r*")(
  "attributes of a bind mount are those it is given",
  async () => {
    await using sandbox = new Sandbox();
    const strict = "nosuid,nodev,noexec,noatime";
    const bound = (...options: string[]) => boundOptions(sandbox, strict, "rbind", ...options);
    const kept = "rw,nosuid,nodev,noexec,noatime";
    expect(await bound()).toEqual({ "/mnt": kept, "/mnt/below": kept });
    // A new state: only ro. Access times are kept as long as none is named.
    expect(await bound("ro")).toEqual({ "/mnt": "ro,noatime", "/mnt/below": kept });
    expect(await bound("suid")).toEqual({ "/mnt": "rw,noatime", "/mnt/below": kept });
    expect(await bound("nodev", "nodiratime")).toEqual({
      "/mnt": "rw,nodev,nodiratime,relatime",
      "/mnt/below": kept,
    });
  },
);

const recursive: readonly (readonly [string, string[], string])[] = [
  ["rw", ["rro"], "ro,relatime"],
  ["rw", ["rnosuid", "rnodev", "rnoexec"], "rw,nosuid,nodev,noexec,relatime"],
  ["rw", ["rnoatime"], "rw,noatime"],
  ["noatime", ["rrelatime"], "rw,relatime"],
  ["noatime", ["ratime"], "rw,relatime"],
  ["rw", ["rstrictatime"], "rw"],
  ["strictatime", ["rnostrictatime"], "rw,relatime"],
  ["rw", ["rnodiratime"], "rw,nodiratime,relatime"],
  ["nodiratime", ["rdiratime"], "rw,relatime"],
  ["rw", ["rnosymfollow"], "rw,relatime,nosymfollow"],
  ["nosuid,nodev,noexec", ["rsuid", "rdev", "rexec"], "rw,relatime"],
  ["nosuid", ["rsymfollow", "rrw"], "rw,nosuid,relatime"],
  ["rw", ["rw", "rro"], "ro,relatime"],
];

for (const [source, options, seen] of recursive) {
  only("rune", "1.1.5 has no recursive attributes that need no further options")(
    `${options.join(",")} holds for all below (${source})`,
    async () => {
      await using sandbox = new Sandbox();
      const mounts = await boundOptions(sandbox, source, "rbind", ...options);
      expect(mounts).toEqual({ "/mnt": seen, "/mnt/below": seen });
    },
  );
}

// covers: mounts.options
test("a bind mount is remounted", async () => {
  await using sandbox = new Sandbox();
  const source = join(sandbox.path, "source");
  mkdirSync(source);
  const bind = (...options: string[]) => ({ source, destination: "/mnt", type: "bind", options });
  const text = await sandbox.output(
    moreMounts(bind("bind"), bind("bind", "remount", "ro", "nosuid")),
    shell(listMounts),
  );
  expect(optionsOf(text)["/mnt"]).toBe("ro,nosuid,relatime");
});

test("a file system is remounted with other options", async () => {
  await using sandbox = new Sandbox();
  const tmpfs = (...options: string[]) => ({
    destination: "/mnt",
    type: "tmpfs",
    source: "t",
    options,
  });
  const text = await sandbox.output(
    moreMounts(tmpfs("size=64k", "mode=755"), tmpfs("remount", "noexec", "size=128k")),
    shell(listMounts),
  );
  expect(text).toMatch(/ \/mnt rw,noexec,relatime - tmpfs t rw,size=128k/);
});

test("only what is mounted can be remounted", async () => {
  await using sandbox = new Sandbox();
  const mount: JsonObject = { destination: "/mnt", type: "bind", source: "/tmp" };
  expect((await sandbox.run(moreMounts({ ...mount, options: ["remount", "bind"] }))).status).toBe(
    1,
  );
  await sandbox.expectNothingLeft();
});

only("rune", "1.1.5 passes on what the kernel says")(
  "more options than the kernel takes are refused with their number",
  async () => {
    await using sandbox = new Sandbox();
    const options = [`lowerdir=${"/x".repeat(2100)}`];
    const { status, stderr } = await sandbox.run(
      moreMounts({ destination: "/mnt", type: "overlay", source: "overlay", options }),
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining("takes at most 4095")]);
    await sandbox.expectNothingLeft();
  },
);

test("an overlay of many layers, with more than 255 bytes of options", async () => {
  await using sandbox = new Sandbox();
  const layers = Array.from({ length: 12 }, (_, n) => join(sandbox.path, `a-layer-of-many-${n}`));
  for (const layer of layers) {
    mkdirSync(layer);
    await Bun.write(join(layer, layer.slice(-2).replace("-", "")), layer);
  }
  const options = [`lowerdir=${layers.join(":")}`, "ro", "nosuid"];
  const text = await sandbox.output(
    moreMounts({ destination: "/mnt", type: "overlay", source: "overlay", options }),
    shell(`ls /mnt | wc -l; ${listMounts}`),
  );
  expect(text).toMatch(/^12\n.* \/mnt ro,nosuid,relatime - overlay /);
});
