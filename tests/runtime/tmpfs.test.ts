// SPDX-License-Identifier: Apache-2.0
/** What a tmpfs takes over from the directory that it hides. */
import { expect } from "bun:test";
import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moreMounts, shell } from "../support/bundle.ts";
import { mustRun } from "../support/command.ts";
import { except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const tmpfs = (destination: string, ...options: string[]) =>
  moreMounts({ destination, type: "tmpfs", source: "scratch", options });

/** A sandbox with a directory of some kinds of files in its root. */
function withContent(): Sandbox {
  const sandbox = new Sandbox();
  const at = (name: string) => join(sandbox.bundle.rootfs, "data", name);
  mkdirSync(at("deep/er"), { recursive: true });
  chmodSync(at("deep"), 0o750);
  writeFileSync(at("deep/er/file"), "content");
  chownSync(at("deep/er/file"), 5, 6);
  chmodSync(at("deep/er/file"), 0o4755);
  writeFileSync(at("large"), new Uint8Array(3 << 20).fill(7));
  symlinkSync("/etc/passwd", at("link"));
  chmodSync(at("."), 0o710);
  return sandbox;
}

except("crun", "1.8.1 makes it 1777")(
  "the mode of the directory, where none is given",
  async () => {
    await using sandbox = withContent();
    const mode = (...options: string[]) =>
      sandbox.output(tmpfs("/data", ...options), shell("stat -c %a /data"));
    expect(await mode()).toBe("710");
    expect(await mode("size=1m")).toBe("710");
    // A new one is the kernel's.
    expect(await sandbox.output(tmpfs("/fresh"), shell("stat -c %a /fresh"))).toBe("1777");
  },
);

only("rune", "1.1.5 takes the directory's all the same")("the mode that is given", async () => {
  await using sandbox = withContent();
  const text = await sandbox.output(tmpfs("/data", "mode=1700"), shell("stat -c %a /data"));
  expect(text).toBe("1700");
});

test("without tmpcopyup it is empty", async () => {
  await using sandbox = withContent();
  expect(await sandbox.output(tmpfs("/data"), shell("ls -A /data"))).toBe("");
});

// covers: mounts.options
except("crun", "1.8.1 does not copy the mode of its top")(
  "tmpcopyup copies all, and nothing is written back",
  async () => {
    await using sandbox = withContent();
    const text = await sandbox.output(
      tmpfs("/data", "tmpcopyup"),
      shell(
        "cd /data; stat -c '%n %F %a %u:%g' . deep deep/er/file; readlink link; wc -c <large; " +
          "cat deep/er/file; echo; echo more >>large; rm link; grep -c ' /data ' /proc/self/mountinfo",
      ),
    );
    expect(text.split("\n")).toEqual([
      ". directory 710 0:0",
      "deep directory 750 0:0",
      "deep/er/file regular file 4755 5:6",
      "/etc/passwd",
      String(3 << 20),
      "content",
      "1",
    ]);
    const { rootfs } = sandbox.bundle;
    expect(lstatSync(join(rootfs, "data/link")).isSymbolicLink()).toBe(true);
    expect(Bun.file(join(rootfs, "data/large")).size).toBe(3 << 20);
  },
);

test("tmpcopyup of a directory that is not there", async () => {
  await using sandbox = new Sandbox();
  expect(await sandbox.output(tmpfs("/fresh", "tmpcopyup"), shell("ls -A /fresh"))).toBe("");
});

test("the copy can be read-only", async () => {
  await using sandbox = withContent();
  const text = await sandbox.output(
    tmpfs("/data", "tmpcopyup", "ro"),
    shell("cat /data/deep/er/file; touch /data/new 2>/dev/null || echo refused"),
  );
  expect(text).toBe("contentrefused");
});

only("rune", "1.1.5 says less")("content that does not fit is an error", async () => {
  await using sandbox = withContent();
  const { status, stderr } = await sandbox.run(tmpfs("/data", "tmpcopyup", "size=1m"));
  expect([status, stderr]).toEqual([1, expect.stringContaining("copy `large` of `/data`")]);
  await sandbox.expectNothingLeft();
});

only("rune", "1.1.5 goes on")("a nesting without end is an error, not a crash", async () => {
  await using sandbox = new Sandbox();
  // From below: one path of this length could not be named.
  const script = "i=0; while [ $i -lt 400 ]; do mkdir d && cd d; i=$((i + 1)); done";
  mkdirSync(join(sandbox.bundle.rootfs, "data"));
  await mustRun(["sh", "-ec", script], { cwd: join(sandbox.bundle.rootfs, "data") });
  const { status, stderr } = await sandbox.run(tmpfs("/data", "tmpcopyup"));
  expect([status, stderr]).toEqual([1, expect.stringContaining("nested too deeply")]);
  await sandbox.expectNothingLeft();
});

only("rune", "1.1.5 does not copy them")(
  "fifos, set-group-id and extended attributes are copied",
  async () => {
    await using sandbox = withContent();
    const data = join(sandbox.bundle.rootfs, "data");
    const setcap = "import os,sys; os.setxattr(sys.argv[1], 'trusted.test', b'value')";
    await mustRun(["mkfifo", join(data, "fifo")]);
    chmodSync(join(data, "deep"), 0o2750);
    await mustRun(["python3", "-c", setcap, join(data, "large")]);
    const id = await sandbox.started(tmpfs("/data", "tmpcopyup"));
    const { pid } = await sandbox.state(id);
    const get = "import os,sys; print(os.getxattr(sys.argv[1], 'trusted.test').decode())";
    const inside = `/proc/${pid}/root/data`;
    expect(await mustRun(["python3", "-c", get, `${inside}/large`])).toBe("value\n");
    expect(await mustRun(["stat", "-c", "%F", `${inside}/fifo`])).toBe("fifo\n");
    expect(await mustRun(["stat", "-c", "%a", `${inside}/deep`])).toBe("2750\n");
  },
);

only("rune", "1.1.5 ignores it")("tmpcopyup on anything else is refused", async () => {
  await using sandbox = new Sandbox();
  const { status, stderr } = await sandbox.run(
    moreMounts({ destination: "/mnt", type: "bind", source: "/tmp", options: ["tmpcopyup"] }),
  );
  expect([status, stderr]).toEqual([1, expect.stringContaining("only a tmpfs")]);
});
