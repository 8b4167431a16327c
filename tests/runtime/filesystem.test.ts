// SPDX-License-Identifier: Apache-2.0
/** The container's root, its devices, and what is hidden or protected in it. */
import { expect } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { shell } from "../support/bundle.ts";
import { except, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

test("a writable root is written in the bundle", async () => {
  await using sandbox = new Sandbox();
  await sandbox.output(shell("echo text >/written"));
  expect(await Bun.file(join(sandbox.bundle.rootfs, "written")).text()).toBe("text\n");
});

// covers: root.readonly
test("a read-only root cannot be written, what is mounted in it can", async () => {
  await using sandbox = new Sandbox();
  const readonly = { root: { path: "rootfs", readonly: true } };
  const text = await sandbox.output(
    readonly,
    shell("touch /file 2>/dev/null || echo refused; echo ok >/dev/shm/file; cat /dev/shm/file"),
  );
  expect(text).toBe("refused\nok");
  expect(existsSync(join(sandbox.bundle.rootfs, "file"))).toBe(false);
});

for (const [what, path] of Object.entries({
  "with a trailing slash": "rootfs/",
  "with dots": "./rootfs/../rootfs",
})) {
  test(`root path ${what}`, async () => {
    await using sandbox = new Sandbox();
    expect(await sandbox.output({ root: { path } }, shell("echo hello"))).toBe("hello");
  });
}

// covers: root.path
test("an absolute root path", async () => {
  await using sandbox = new Sandbox();
  const root = { path: sandbox.bundle.rootfs };
  expect(await sandbox.output({ root }, shell("echo hello"))).toBe("hello");
});

only("rune", "it refuses them")("a root that is a symbolic link", async () => {
  await using sandbox = new Sandbox();
  const { rootfs } = sandbox.bundle;
  renameSync(rootfs, `${rootfs}-elsewhere`);
  symlinkSync("rootfs-elsewhere", rootfs);
  expect(await sandbox.output(shell("ls -d /bin; touch /made"))).toBe("/bin");
  expect(existsSync(`${rootfs}-elsewhere/made`)).toBe(true);
});

test("the host cannot be seen from the root", async () => {
  await using sandbox = new Sandbox();
  const text = await sandbox.output(shell("ls -a / /..; ls /proc/1/root /proc/self/cwd"));
  for (const name of ["config.json", "bundle", "rootfs"]) expect(text).not.toContain(name);
});

// covers: linux.maskedPaths
test("masked paths are empty, whatever they are", async () => {
  await using sandbox = new Sandbox();
  const { rootfs } = sandbox.bundle;
  mkdirSync(join(rootfs, "directory"));
  writeFileSync(join(rootfs, "directory/secret"), "secret");
  writeFileSync(join(rootfs, "file"), "secret");
  writeFileSync(join(rootfs, "target"), "secret");
  symlinkSync("/target", join(rootfs, "link"));
  const text = await sandbox.output(
    { linux: { maskedPaths: ["/directory", "/file", "/link", "/missing"] } },
    shell("ls /directory; cat /file; cat /link; ls -d /missing 2>/dev/null; echo end"),
  );
  expect(text).toBe("end");
});

only("rune", "1.1.5 fails")("a masked path below a file is missing", async () => {
  await using sandbox = new Sandbox();
  expect((await sandbox.run({ linux: { maskedPaths: ["/etc/passwd/below"] } })).status).toBe(0);
});

test("a masked directory cannot be written", async () => {
  await using sandbox = new Sandbox();
  mkdirSync(join(sandbox.bundle.rootfs, "directory"));
  const { status } = await sandbox.run(
    { linux: { maskedPaths: ["/directory"] } },
    shell("touch /directory/file"),
  );
  expect(status).toBe(1);
});

only("rune", "1.1.5 mounts one for each; runc shares it since 1.3")(
  "masked directories are one empty file system",
  async () => {
    await using sandbox = new Sandbox();
    for (const name of ["one", "two"]) mkdirSync(join(sandbox.bundle.rootfs, name));
    const text = await sandbox.output(
      { linux: { maskedPaths: ["/one", "/two", "/one"] } },
      shell(
        "stat -c %d /one /two | sort -u | wc -l; ls -A /one /two; grep -c ' /one ' /proc/mounts",
      ),
    );
    expect(text).toBe("1\n/one:\n\n/two:\n2");
  },
);

only("rune", "1.1.5 masks with whatever is at /dev/null")(
  "masking refuses a /dev/null that is not the null device",
  async () => {
    await using sandbox = new Sandbox();
    const { rootfs } = sandbox.bundle;
    // CVE-2025-31133: what the image has at /dev/null would be mounted over the masked file.
    symlinkSync("/etc/passwd", join(rootfs, "dev/null"));
    const { status } = await sandbox.run({
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
      linux: { maskedPaths: ["/proc/kcore"] },
    });
    expect(status).toBe(1);
    await sandbox.expectNothingLeft();
  },
);

// covers: linux.readonlyPaths
test("read-only paths keep their content, whatever they are", async () => {
  await using sandbox = new Sandbox();
  const { rootfs } = sandbox.bundle;
  mkdirSync(join(rootfs, "directory"));
  for (const name of ["directory/file", "file", "target"]) writeFileSync(join(rootfs, name), name);
  symlinkSync("/target", join(rootfs, "link"));
  const text = await sandbox.output(
    { linux: { readonlyPaths: ["/directory", "/file", "/link", "/missing"] } },
    shell(
      "cat /directory/file /file /link; echo; " +
        "for f in /directory/new /file /link; do (echo changed >$f) 2>/dev/null || echo refused; done; " +
        "[ -e /missing ] || echo none",
    ),
  );
  expect(text).toBe("directory/filefiletarget\nrefused\nrefused\nrefused\nnone");
});

test("the default devices work", async () => {
  await using sandbox = new Sandbox();
  const text = await sandbox.output(
    shell(
      "echo x >/dev/null; head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; " +
        "head -c 5 /dev/random | wc -c; (echo x >/dev/full) 2>/dev/null || echo full",
    ),
  );
  expect(text.split("\n")).toEqual(["3", "5", "5", "full"]);
});

// covers: linux.devices.*
test("further devices, with mode and owner", async () => {
  await using sandbox = new Sandbox();
  const text = await sandbox.output(
    {
      linux: {
        devices: [
          { path: "/dev/zero2", type: "c", major: 1, minor: 5, fileMode: 0o604, uid: 7, gid: 8 },
          { path: "/dev/below/block", type: "b", major: 7, minor: 9, fileMode: 0o600 },
          { path: "/dev/pipe", type: "p", fileMode: 0o622 },
        ],
        resources: {
          devices: [
            { allow: false, access: "rwm" },
            { allow: true, type: "c", major: 1, minor: 5, access: "r" },
          ],
        },
      },
    },
    shell(
      "cd /dev && stat -c '%n %F %a %u:%g %t:%T' zero2 below/block pipe; head -c 4 zero2 | wc -c",
    ),
  );
  expect(text.split("\n")).toEqual([
    "zero2 character special file 604 7:8 1:5",
    "below/block block special file 600 0:0 7:9",
    "pipe fifo 622 0:0 0:0",
    "4",
  ]);
});

test("every type of device, also outside /dev", async () => {
  await using sandbox = new Sandbox();
  const text = await sandbox.output(
    {
      linux: {
        devices: [
          { path: "/nodes/char", type: "c", major: 1, minor: 3, fileMode: 0o640 },
          { path: "/nodes/unbuffered", type: "u", major: 1, minor: 7, fileMode: 0o600, uid: 5 },
          { path: "/nodes/block", type: "b", major: 7, minor: 200, fileMode: 0o660, gid: 6 },
          { path: "/nodes/pipe", type: "p", fileMode: 0o777 },
        ],
      },
    },
    shell("stat -c '%n %F %a %u:%g %t:%T' /nodes/*"),
  );
  expect(text.split("\n")).toEqual([
    "/nodes/block block special file 660 0:6 7:c8",
    "/nodes/char character special file 640 0:0 1:3",
    "/nodes/pipe fifo 777 0:0 0:0",
    "/nodes/unbuffered character special file 600 5:0 1:7",
  ]);
});

test("the links of /dev", async () => {
  await using sandbox = new Sandbox();
  const text = await sandbox.output(
    shell("for l in fd stdin stdout stderr ptmx core; do readlink /dev/$l; done; true"),
  );
  // crun makes that link whether or not there is a kcore.
  const core = runtimeName === "crun" || existsSync("/proc/kcore") ? ["/proc/kcore"] : [];
  expect(text.split("\n")).toEqual([
    "/proc/self/fd",
    "/proc/self/fd/0",
    "/proc/self/fd/1",
    "/proc/self/fd/2",
    "pts/ptmx",
    ...core,
  ]);
});

for (const [what, make] of Object.entries({
  "a file": (path: string) => writeFileSync(path, ""),
  "a directory": (path: string) => mkdirSync(path),
  "a link": (path: string) => symlinkSync("/etc/passwd", path),
})) {
  only("rune", "1.1.5 takes what is there")(
    `a device where the image has ${what} is an error`,
    async () => {
      await using sandbox = new Sandbox();
      make(join(sandbox.bundle.rootfs, "node"));
      const device = { path: "/node", type: "c", major: 1, minor: 3, fileMode: 0o666 };
      const { status, stderr } = await sandbox.run({ linux: { devices: [device] } });
      expect([status, stderr]).toEqual([1, expect.stringContaining("`/node`")]);
      await sandbox.expectNothingLeft();
    },
  );
}

// covers: linux.resources.devices.*
test("a device that is not allowed cannot be opened", async () => {
  await using sandbox = new Sandbox();
  const kmsg = { path: "/dev/kmsg", type: "c", major: 1, minor: 11, fileMode: 0o666 };
  const { status, stderr } = await sandbox.run(
    { linux: { devices: [kmsg] } },
    shell("head -c 1 /dev/kmsg"),
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(/not permitted/i);
});

except("crun", "1.8.1 leaves it out")("a device of an unknown type is refused", async () => {
  await using sandbox = new Sandbox();
  const device = { path: "/dev/what", type: "x", major: 1, minor: 5 };
  expect((await sandbox.run({ linux: { devices: [device] } })).status).toBe(1);
  await sandbox.expectNothingLeft();
});

// CVE-2021-30465 and its kin: what is mounted or made in the root stays in the root.
for (const [what, target] of Object.entries({
  "an absolute link": "OUTSIDE",
  "a relative link": "../../outside",
  "a link that climbs far": "../../../../../../../../OUTSIDE",
})) {
  except("crun", "1.8.1 does not make what the link leads to")(
    `a mount through ${what} of the image stays inside`,
    async () => {
      await using sandbox = new Sandbox();
      const outside = join(sandbox.path, "outside");
      mkdirSync(outside);
      symlinkSync(target.replace("OUTSIDE", outside), join(sandbox.bundle.rootfs, "escape"));
      const text = await sandbox.output(
        {
          mounts: [
            { destination: "/proc", type: "proc", source: "proc" },
            { destination: "/escape", type: "tmpfs", source: "tmpfs", options: ["size=4k"] },
            { destination: "/escape/below", type: "tmpfs", source: "tmpfs", options: ["size=4k"] },
          ],
        },
        shell("touch /escape/file /escape/below/file && grep -c /outside /proc/self/mountinfo"),
      );
      expect(text).toBe("2");
      expect(readdirSync(outside)).toEqual([]);
    },
  );
}

only("rune", "1.1.5 makes the links of /dev there")(
  "a /dev that is a link stays inside",
  async () => {
    await using sandbox = new Sandbox();
    const outside = join(sandbox.path, "outside");
    mkdirSync(outside);
    renameSync(join(sandbox.bundle.rootfs, "dev"), join(sandbox.bundle.rootfs, "old-dev"));
    symlinkSync(outside, join(sandbox.bundle.rootfs, "dev"));
    await sandbox.run(shell("ls /dev"));
    expect(readdirSync(outside)).toEqual([]);
  },
);

test("a device below a link of the image is made inside", async () => {
  await using sandbox = new Sandbox();
  const outside = join(sandbox.path, "outside");
  mkdirSync(outside);
  symlinkSync(outside, join(sandbox.bundle.rootfs, "escape"));
  const device = { path: "/escape/zero", type: "c", major: 1, minor: 5, fileMode: 0o666 };
  await sandbox.run({ linux: { devices: [device] } });
  expect(readdirSync(outside)).toEqual([]);
});
