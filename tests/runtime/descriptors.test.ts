// SPDX-License-Identifier: Apache-2.0
/** What of the caller's descriptors and environment enters a container: what was asked for. */
import { expect } from "bun:test";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../support/bundle.ts";
import { command, mustRun } from "../support/command.ts";
import { probe } from "../support/probe.ts";
import { except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** The shell's own descriptors; one more is the directory that it reads meanwhile. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
const ownDescriptors = "for f in /proc/$$/fd/*; do echo ${f##*/}; done";

test("no descriptor of the caller enters the container", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(shell(ownDescriptors));
  const argv = [await probe(), "dirty", ...sandbox.argv("run", sandbox.id())];
  const { stdout } = await command(argv, { cwd: sandbox.bundle.path });
  const seen = stdout.trim().split("\n").map(Number);
  expect(seen.filter((fd) => fd > 3)).toEqual([]); // 3: the directory that the shell reads
});

test("nor with exec", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const exec = sandbox.argv("exec", id, "sh", "-c", ownDescriptors);
  const { stdout } = await command([await probe(), "dirty", ...exec]);
  expect(
    stdout
      .trim()
      .split("\n")
      .map(Number)
      .filter((fd) => fd > 3),
  ).toEqual([]);
});

test("nor does anything else of the host: init holds its standard streams alone", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const { pid } = await sandbox.state(id);
  expect((await mustRun(["ls", `/proc/${pid}/fd`])).trim().split("\n")).toEqual(["0", "1", "2"]);
});

// covers: run --preserve-fds, create --preserve-fds
test("--preserve-fds passes on just those", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(shell(`cat <&4; ${ownDescriptors}`));
  const file = join(sandbox.path, "file");
  writeFileSync(file, "through 4\n");
  const argv = sandbox.argv("run", "--preserve-fds", "2", sandbox.id());
  const script = `exec 3</dev/null 4<${file} 5</dev/null 9</dev/null; exec "$@"`;
  const stdout = await mustRun(["bash", "-c", script, "bash", ...argv], {
    cwd: sandbox.bundle.path,
  });
  const [first, ...seen] = stdout.trim().split("\n");
  expect(first).toBe("through 4");
  expect(seen.slice(0, 5)).toEqual(["0", "1", "2", "3", "4"]);
  expect(seen).not.toContain("9");
});

only("rune", "1.1.5 leaves them open in the hook")(
  "a startContainer hook gets none of the preserved ones",
  async () => {
    await using sandbox = new Sandbox();
    const look = "(true <&3) 2>/dev/null && echo open >/tmp/seen || echo closed >/tmp/seen";
    const hook = { path: "/bin/sh", args: ["sh", "-c", look] };
    sandbox.configure(shell("cat <&3"), { hooks: { startContainer: [hook] } });
    const file = join(sandbox.path, "file");
    writeFileSync(file, "the payload's\n");
    const argv = sandbox.argv("run", "--preserve-fds", "1", sandbox.id());
    const script = `exec 3<${file}; exec "$@"`;
    const stdout = await mustRun(["bash", "-c", script, "bash", ...argv], {
      cwd: sandbox.bundle.path,
    });
    expect(stdout).toBe("the payload's\n");
    expect(readFileSync(join(sandbox.bundle.rootfs, "tmp/seen"), "utf8")).toBe("closed\n");
  },
);

// covers: exec --preserve-fds
test("exec --preserve-fds", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const file = join(sandbox.path, "file");
  writeFileSync(file, "through 3\n");
  const exec = sandbox.argv("exec", "--preserve-fds", "1", id, "sh", "-c", "cat <&3");
  const script = `exec 3<${file}; exec "$@"`;
  expect(await mustRun(["bash", "-c", script, "bash", ...exec])).toBe("through 3\n");
});

only("rune", "1.1.5 passes on whatever has the number by then")(
  "--preserve-fds of a descriptor that is not open is refused",
  async () => {
    await using sandbox = new Sandbox();
    sandbox.configure();
    const argv = sandbox.argv("run", "--preserve-fds", "3", sandbox.id());
    const script = `exec 3</dev/null 5</dev/null 4<&-; exec "$@"`;
    const { status } = await command(["bash", "-c", script, "bash", ...argv], {
      cwd: sandbox.bundle.path,
    });
    expect(status).toBe(1);
    await sandbox.expectNothingLeft();
  },
);

// covers: LISTEN_FDS
except("crun", "1.8.1 sets LISTEN_PID alone")(
  "LISTEN_FDS passes the sockets of socket activation on",
  async () => {
    await using sandbox = new Sandbox();
    sandbox.configure(shell("echo $LISTEN_FDS $LISTEN_PID; cat <&3; cat <&4"));
    const file = join(sandbox.path, "file");
    writeFileSync(file, "text\n");
    const argv = sandbox.argv("run", sandbox.id());
    const script = `exec 3<${file} 4<${file}; LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"`;
    const stdout = await mustRun(["bash", "-c", script, "bash", ...argv], {
      cwd: sandbox.bundle.path,
    });
    expect(stdout).toBe("2 1\ntext\ntext\n");
  },
);

test("variables of the caller do not enter the container", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/env"], env: ["PATH=/bin"] } });
  const { stdout } = await sandbox.must(["run", sandbox.id()], {
    env: { PATH: process.env["PATH"] ?? "", SECRET: "x", HOME: "/caller", LANG: "C" },
  });
  expect(stdout.trim().split("\n").sort()).toEqual(["HOME=/root", "PATH=/bin"]);
});

// What could make the engine (a Bun executable) run code of whoever wrote the bundle or sets the
// environment of a hook.
const engine = only("rune", "it has no such engine");

const hostileEnvironment = {
  BUN_OPTIONS: "--preload ./evil.ts",
  BUN_BE_BUN: "1",
  BUN_CONFIG_PRELOAD: "./evil.ts",
  BUN_INSPECT: "ws://localhost:0/",
  BUN_JSC_dumpOptions: "2",
  NODE_OPTIONS: "--require ./evil.ts",
  INCLAVARE_FRONT: "1:0:",
  MALLOC_PERTURB_: "1",
};

for (const [name, value] of Object.entries(hostileEnvironment)) {
  engine(`${name} has no effect`, async () => {
    await using sandbox = new Sandbox();
    plantEvil(sandbox);
    sandbox.configure(shell("echo hello; env"));
    const result = await sandbox.call(["run", sandbox.id()], {
      env: { PATH: process.env["PATH"] ?? "", [name]: value },
    });
    expect([result.status, result.stderr]).toEqual([0, ""]);
    expect(result.stdout).toStartWith("hello\n");
    expect(result.stdout).not.toContain(name);
    expect(evilRan(sandbox)).toBe(false);
  });
}

engine("LD_PRELOAD has no effect", async () => {
  await using sandbox = new Sandbox();
  const [source, library] = [join(sandbox.path, "evil.c"), join(sandbox.path, "evil.so")];
  const marker = join(sandbox.path, "evil-ran");
  writeFileSync(
    source,
    '#include <fcntl.h>\n__attribute__((constructor)) static void run(void) { open("' +
      `${marker}", O_CREAT, 0600); }\n`,
  );
  await mustRun(["gcc", "-shared", "-fPIC", "-o", library, source]);
  sandbox.configure();
  await sandbox.must(["run", sandbox.id()], { env: { LD_PRELOAD: library } });
  expect(evilRan(sandbox)).toBe(false);
});

for (const verb of ["run", "create", "state", "list"]) {
  engine(`bunfig.toml and .env of the bundle have no effect on ${verb}`, async () => {
    await using sandbox = new Sandbox();
    plantEvil(sandbox);
    sandbox.configure(shell("env"));
    const id = sandbox.id();
    await sandbox.must(["create", id]);
    const words = verb === "list" ? ["list"] : [verb, verb === "state" ? id : sandbox.id()];
    const { stdout, stderr } = await sandbox.must(words);
    expect(`${stdout}${stderr}`).not.toMatch(/EVIL|FROM_DOTENV/);
    expect(evilRan(sandbox)).toBe(false);
  });
}

engine("runs with no environment and no /tmp to write to", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(shell("echo hello"));
  const { stdout } = await sandbox.must(["run", sandbox.id()], { env: {} });
  expect(stdout).toBe("hello\n");
});

test("64 MiB through a slow reader, and the descriptors keep their flags", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/head", "-c", "67108864", "/dev/zero"] } });
  const run = sandbox.argv("run", sandbox.id());
  const [before, after] = [join(sandbox.path, "before"), join(sandbox.path, "after")];
  // The shell's 0, 1 and 2 are the open file descriptions that the container gets too.
  const flags = `grep ^flags /proc/$$/fdinfo/0 /proc/$$/fdinfo/1 /proc/$$/fdinfo/2`;
  const pipeline =
    `{ ${flags} >${before}; "$@"; echo $? >${join(sandbox.path, "status")}; ${flags} >${after}; } | ` +
    "{ for i in 1 2 3 4; do sleep 0.1; head -c 1000000; done; cat; } | wc -c";
  const stdout = await mustRun(["bash", "-c", pipeline, "bash", ...run], {
    cwd: sandbox.bundle.path,
  });
  expect(stdout.trim()).toBe("67108864");
  expect(await Bun.file(join(sandbox.path, "status")).text()).toBe("0\n");
  expect(await Bun.file(after).text()).toBe(await Bun.file(before).text());
  expect(statSync(before).size).toBeGreaterThan(0);
});

test("standard input reaches the payload, to its end", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/wc", "-c"] } });
  const { stdout } = await sandbox.must(["run", sandbox.id()], { stdin: "x".repeat(1_000_000) });
  expect(stdout.trim()).toBe("1000000");
});

for (const closed of ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]) {
  except("crun", "1.8.1 changes the owner of all three, and fails")(
    `the caller's streams closed (${closed})`,
    async () => {
      await using sandbox = new Sandbox();
      sandbox.configure(shell("exit 6"));
      const script = `exec ${closed}; exec "$@"`;
      const argv = ["bash", "-c", script, "bash", ...sandbox.argv("run", sandbox.id())];
      expect((await command(argv, { cwd: sandbox.bundle.path })).status).toBe(6);
    },
  );
}

function plantEvil({ bundle, path }: Sandbox): void {
  const marker = join(path, "evil-ran");
  const evil = `require("fs").writeFileSync(${JSON.stringify(marker)}, ""); console.log("EVIL");\n`;
  writeFileSync(join(bundle.path, "evil.ts"), evil);
  writeFileSync(join(bundle.path, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  writeFileSync(join(bundle.path, ".env"), "FROM_DOTENV=1\nBUN_OPTIONS=--preload=./evil.ts\n");
  writeFileSync(join(bundle.path, "package.json"), '{ "main": "./evil.ts" }');
  mkdirSync(join(bundle.path, "node_modules"), { recursive: true });
}

function evilRan({ path }: Sandbox): boolean {
  return Boolean(statSync(join(path, "evil-ran"), { throwIfNoEntry: false }));
}
