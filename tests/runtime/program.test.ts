// SPDX-License-Identifier: Apache-2.0
/** How the payload is found and where it starts: working directory, HOME, PATH, arguments. */
import { expect } from "bun:test";
import { chmodSync, chownSync, copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { shell, user } from "../support/bundle.ts";
import { busybox, except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const asUser = { process: { user: { uid: user.uid, gid: user.gid } } };

// covers: process.cwd
test("the working directory", async () => {
  await using sandbox = new Sandbox();
  expect(await sandbox.output(shell("pwd"), { process: { cwd: "/home/user" } })).toBe("/home/user");
});

test("a working directory that does not exist is made", async () => {
  await using sandbox = new Sandbox();
  expect(await sandbox.output(shell("pwd"), { process: { cwd: "/var/new/one" } })).toBe(
    "/var/new/one",
  );
});

test("a working directory that only its user may enter", async () => {
  await using sandbox = new Sandbox();
  const path = join(sandbox.bundle.rootfs, "private");
  mkdirSync(path);
  chownSync(path, user.uid, user.gid);
  chmodSync(path, 0o700);
  // Without CAP_DAC_OVERRIDE root may not enter it either.
  expect(await sandbox.output(asUser, shell("pwd"), { process: { cwd: "/private" } })).toBe(
    "/private",
  );
});

test("a working directory that its user may not enter", async () => {
  await using sandbox = new Sandbox();
  mkdirSync(join(sandbox.bundle.rootfs, "private"));
  chmodSync(join(sandbox.bundle.rootfs, "private"), 0o700);
  // The runtime enters it as root before it becomes the user: a container that has it as its
  // working directory may start there, but look around it cannot.
  expect((await sandbox.run(asUser, shell("ls"), { process: { cwd: "/private" } })).status).toBe(1);
});

for (const [what, cwd] of Object.entries({
  "a file as working directory": "/etc/passwd",
  "a relative working directory": "etc",
  "an empty working directory": "",
})) {
  const judged = cwd === "etc" ? except("crun", "1.8.1 takes it from the root") : test;
  judged(`${what} is refused`, async () => {
    await using sandbox = new Sandbox();
    expect((await sandbox.run({ process: { cwd } })).status).toBe(1);
    await sandbox.expectNothingLeft();
  });
}

// CVE-2024-21626: a descriptor that the runtime has open would lead out of the root.
for (const beyond of ["", "/../../../../../.."]) {
  test(`a descriptor of the runtime${beyond} as working directory leads nowhere`, async () => {
    await using sandbox = new Sandbox();
    const inside = statSync(sandbox.bundle.rootfs).ino;
    for (let fd = 3; fd < 20; fd++) {
      const { status, stdout } = await sandbox.run(shell("stat -c %i ."), {
        process: { cwd: `/proc/self/fd/${fd}${beyond}` },
      });
      if (status === 0) expect(Number(stdout)).toBe(inside);
    }
  });
}

test("HOME comes from the container's passwd file", async () => {
  await using sandbox = new Sandbox();
  expect(await sandbox.output(shell("echo $HOME"))).toBe("/root");
  expect(await sandbox.output(asUser, shell("echo $HOME"))).toBe(user.home);
});

except("crun", "1.8.1 sets none")("HOME is / for a user that has no entry", async () => {
  await using sandbox = new Sandbox();
  const stranger = { process: { user: { uid: 4711, gid: 0 } } };
  expect(await sandbox.output(stranger, shell("echo $HOME"))).toBe("/");
});

test("HOME is left alone where it is given", async () => {
  await using sandbox = new Sandbox();
  const env = ["PATH=/bin", "HOME=/elsewhere"];
  expect(await sandbox.output({ process: { env } }, shell("echo $HOME"))).toBe("/elsewhere");
});

test("the program is looked up in the container's PATH", async () => {
  await using sandbox = new Sandbox();
  mkdirSync(join(sandbox.bundle.rootfs, "opt"));
  copyFileSync(busybox, join(sandbox.bundle.rootfs, "opt/readlink"));
  const process = { args: ["readlink", "/proc/self/exe"], env: ["PATH=/nowhere:/opt:/bin"] };
  expect(await sandbox.output({ process })).toBe("/opt/readlink");
});

test("a file in PATH that is not executable is passed over", async () => {
  await using sandbox = new Sandbox();
  mkdirSync(join(sandbox.bundle.rootfs, "opt"));
  await Bun.write(join(sandbox.bundle.rootfs, "opt/pwd"), "text");
  expect(await sandbox.output({ process: { args: ["pwd"], env: ["PATH=/opt:/bin"] } })).toBe("/");
});

test("without PATH only a path is found", async () => {
  await using sandbox = new Sandbox();
  expect((await sandbox.run({ process: { args: ["true"], env: ["A=b"] } })).status).toBe(1);
  expect((await sandbox.run({ process: { args: ["/bin/true"], env: ["A=b"] } })).status).toBe(0);
});

test("a relative program is relative to the working directory", async () => {
  await using sandbox = new Sandbox();
  expect(await sandbox.output({ process: { args: ["./pwd"], cwd: "/bin" } })).toBe("/bin");
});

test("arguments and variables arrive byte by byte", async () => {
  await using sandbox = new Sandbox();
  const odd = [
    "",
    " ",
    "two words",
    "new\nline",
    'quo"te',
    "ünïcödé \u{1f980}",
    "$HOME",
    "-n",
    "\\",
  ];
  const { stdout } = await sandbox.run({
    process: {
      args: ["/bin/sh", "-c", 'for a in "$@" "$ODD"; do echo "<$a>"; done', "sh", ...odd],
      env: ["PATH=/bin", "ODD=a=b \n c"],
    },
  });
  expect(stdout).toBe([...odd, "a=b \n c"].map((text) => `<${text}>\n`).join(""));
});

// covers: process.env
test("the environment is the configuration's alone", async () => {
  await using sandbox = new Sandbox();
  const process = { args: ["/bin/env"], env: ["PATH=/bin", "A=1"] };
  expect((await sandbox.output({ process })).split("\n").sort()).toEqual([
    "A=1",
    "HOME=/root",
    "PATH=/bin",
  ]);
});

test("a long list of arguments", async () => {
  await using sandbox = new Sandbox();
  const many = Array.from({ length: 5000 }, (_, index) => `argument-${index}`);
  const text = await sandbox.output({
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    process: { args: ["/bin/sh", "-c", 'echo $# "${5000}"', "sh", ...many] },
  });
  expect(text).toBe("5000 argument-4999");
});

// covers: process.env
except("crun", "1.8.1 hands all of them on")(
  "a variable given several times is set once, to the last value",
  async () => {
    await using sandbox = new Sandbox();
    const env = ["A=1", "PATH=/bin", "A=2", "HOME=/given", "HOME="];
    const text = await sandbox.output({ process: { env, args: ["/bin/env"] } });
    expect(text.split("\n").sort()).toEqual(["A=2", "HOME=/root", "PATH=/bin"]);
  },
);

only("rune", "runc 1.1 passes it on")("an environment entry without = is refused", async () => {
  await using sandbox = new Sandbox();
  expect((await sandbox.run({ process: { env: ["PATH=/bin", "NONSENSE"] } })).status).toBe(1);
});
